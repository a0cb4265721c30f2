/* Updates: what leaves towards the sessions of an account without being asked.
 * Every live session that wants updates gets them, unless `only` (a log-in
 * key) narrows it, or it belongs to `except`. 0 means no such limit.
 */
#ifndef SIM_UPDATE_H
#define SIM_UPDATE_H

#include "sim/call.h"

struct tl_obj;
struct tl_arena;

/* The call's present state, to one side. */
void sim_update_call(struct sim_call *c, int side, uint64_t only,
		     uint64_t except);
/* phoneCallDiscarded to the callee's devices other than the accepting one. */
void sim_update_call_elsewhere(struct sim_call *c, uint64_t accepting);
void sim_update_signal(struct sim_call *c, int side, struct bytes data);
/* The service message about an ended call, in both boxes. */
void sim_update_call_message(struct sim_call *c);
/* The account's last pts step. */
void sim_update_event(struct sim_account *a, uint64_t except);
/* A message from one account to another. */
struct sim_sending {
	struct sim_account *from, *to;
	const struct sim_message *content; /* text, entities, markup, document,
					    * via_bot, random_id, reply_to */
	uint64_t except;                   /* a log-in that is not told */
	bool silent; /* the receiver is told nothing (a lost update) */
};
/* Both boxes, updates to all sessions of the receiver and to the sender's
 * other ones. The sender's copy; NULL: no memory. */
struct sim_message *sim_message_send(const struct sim_sending *s);
/* A plain text. */
struct sim_message *sim_text_send(struct sim_account *from,
				  struct sim_account *to, const char *text,
				  int64_t random_id, uint64_t except,
				  bool silent);
/* The copy at the other side of the chat; NULL: it is deleted, or the chat is
 * the one with oneself. Its owner goes to *ownerp. */
struct sim_message *sim_message_twin(struct sim_account **ownerp,
				     const struct sim_account *a,
				     const struct sim_message *m);
/* Content and date of both copies change to c; all are told but `except`. */
struct sim_content;
int sim_message_edit(struct sim_account *a, struct sim_message *m,
		     struct sim_content *c, uint64_t except);
/* To a bot: no step of pts, about this user. */
void sim_update_bot(struct sim_account *bot, struct sim_account *user,
		    struct tl_arena *a, struct tl_obj *update);
/* His names are others now: told to himself and to whoever has a chat or a
 * contact with him. */
void sim_update_renamed(struct sim_account *about);
/* A user's presence: an update without pts, so it takes the next seq of each
 * log-in. skip: numbers left out, to make a gap. */
void sim_update_status(struct sim_account *a, struct sim_account *about,
		       int skip);
/* A QR code shown with this key was accepted: its sessions export again. */
void sim_update_token(struct sim_world *w, uint64_t key_id);
/* A session begins to listen: it is told that it missed updates, and of calls
 * that still ring for it. */
void sim_update_resume(struct sim_session *s);

#endif
