/* What the files of messages, inline bots and files share. */
#ifndef TELEGRAM_MESSAGE_CORE_H
#define TELEGRAM_MESSAGE_CORE_H

#include "telegram/account_core.h"
#include "telegram/branch.h"
#include "telegram/messages.h"

/* -- message_read.c -------------------------------------------------------- */

/* False: not a message of a private chat. All borrowed from o and arena. */
bool message_read(struct tg_message *m, struct tg_account *a,
		  struct tl_arena *arena, const struct tl_obj *o);
/* An update about messages or to a bot: told, and true. */
bool message_update(struct tg_account *a, const struct tl_obj *o);
/* A new message of a difference: told. */
void message_new(struct tg_account *a, const struct tl_obj *message);
/* Is the update one of those whose content message_update() needs? */
bool message_update_is(const struct tl_obj *o);

/* -- message_write.c ------------------------------------------------------- */

struct tl_obj *input_peer(struct tl_arena *arena, const struct tg_user *user);
struct tl_obj *input_user(struct tl_arena *arena, const struct tg_user *user);

/* Where a constructor keeps the parts of a draft. */
struct draft_fields {
	int message, entities, markup;
};
/* Puts text, entities and keyboard into o, all in the arena. styled is the
 * caller's to clear after o was written. -EMSGSIZE over so many units. */
int draft_put(struct tl_obj *o, struct tl_arena *arena, struct tg_account *a,
	      const struct tg_draft *draft, const struct draft_fields *fields,
	      struct tg_styled *styled, int32_t units);
struct tl_obj *reply_build(struct tl_arena *arena, int32_t reply_to);

/* -- messages.c ------------------------------------------------------------ */

/* A query that is only done or not; dc_id 0: on the account's own. */
int message_simple(struct tg_account *a, int dc_id, const struct tl_obj *q,
		   tg_done_h *done, void *arg);

/* -- sending.c ------------------------------------------------------------- */

/* A query whose answer is Updates with one message of ours. */
struct sending {
	struct tg_account *account;
	struct tg_user chat;
	tg_sent_h *done;
	void *arg;
	/* To find the message again when it was sent before. */
	struct buf text;
	int64_t via_bot, size;
	bool edits;
};

/* text: as it is sent. NULL: no memory. */
struct sending *sending_new(struct tg_account *a, const struct tg_user *chat,
			    tg_sent_h *done, void *arg);
void sending_free(struct sending *s);
/* Takes s over; freed when this fails. */
int sending_query(struct sending *s, const struct tl_obj *q);
/* The end without a message; frees s. */
void sending_fail(struct sending *s, int code, const char *text);

#endif
