/* What the files of the Storage share. Control loop only. */
#ifndef STORAGE_INTERNAL_H
#define STORAGE_INTERNAL_H

#include "base/re.h"
#include "storage/chat_budget.h"
#include "storage/storage.h"
#include "telegram/messages.h"
#include "telegram/phone.h"

struct storage {
	struct storage_conf conf;
	char id[32];
	struct bus_sub *subs[32];
	size_t subs_n;
	struct list sessions;  /* struct session */
	struct list calls;     /* struct storage_call, calls.c */
	struct list transfers; /* struct transfer, files.c */
	struct chat_budget *chat_budget;
	struct buf addresses; /* of data centres, as kept (addresses.h) */
};

/* One Telegram log-in. */
struct session {
	struct le le;
	struct storage *storage;
	char name[64];
	bool silent; /* tells nobody why his call failed */
	struct store_session kept;
	struct tg_account *account;
	struct event_queue *events; /* events.c; NULL: nobody has asked */
};

struct session *storage_session(struct storage *s, const char *name);
void storage_publish(struct storage *s, const char *subject, json_t *body);
json_t *storage_user_json(const struct tg_user *user);
/* message_json.c: an id as text. */
json_t *id_json(int64_t id);

/* calls.c */
int storage_calls_subscribe(struct storage *s);
int storage_subscribe(struct storage *s, const char *format, bus_h *handler);
/* peers.c: the part of a session's keep that is about peers. */
void storage_peers_keep(struct tg_keep *keep);
/* settings.c */
int storage_settings_subscribe(struct storage *s);
/* show.c */
int storage_show_subscribe(struct storage *s);
/* login.c */
int storage_login_subscribe(struct storage *s);
/* chat.c */
int storage_chat_subscribe(struct storage *s);
/* A text of our own accord, unless the session is silent or the user one who
 * is told nothing: a bot, Telegram itself, an account of ours, somebody who
 * had too many. */
void storage_chat_tell(struct session *session, int64_t user, const char *text);
/* A text somebody wrote is passed on, as manager.message says. */
void storage_chat_heard(struct session *session, const struct tg_event *e);
/* messages.c */
int storage_messages_subscribe(struct storage *s);
/* events.c */
void storage_event(struct session *session, const struct tg_event *e);
void storage_events_drop(struct session *session);
/* files.c: before the sessions go. */
void storage_transfers_drop(struct storage *s);
/* calls_incoming.c: a Telegram user calls this session. */
void storage_calls_incoming(struct session *session, struct tg_call *call,
			    const struct tg_user *from);
/* calls.c: before the sessions go. */
void storage_calls_drop(struct storage *s);

#endif
