/* What survives a restart: sessions, peers, calls in progress. SQLite (WAL,
 * synchronous=NORMAL); one schema with numbered migrations.
 *
 * Reads run on the calling thread (the control loop) over their own
 * connection: point look-ups by primary key or unique index. Writes are queued
 * to one writer thread, committed in batches after 100 ms (calls: 5 ms), and
 * are seen by later reads of the same key at once (a read waits for queued
 * writes: store_flush is called inside where needed). Never from the media
 * threads. Secrets arrive sealed.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct store;

/* path: database file, made when missing (mode 0600). Errors: -EIO, -EACCES,
 * -ENOTSUP (a newer schema); why is set. */
int store_open(struct store **sp, const char *path, const char **why);
void store_close(struct store **sp); /* commits what is queued */
/* Waits until what was queued is on disk (a commit alone survives the process,
 * not a power cut). -ENOSPC, -EIO and others while it cannot be written. */
int store_flush(struct store *s);
/* Can it be written, as far as is known without waiting? -ENOSPC, -EBUSY, -EIO
 * and others: what was queued last was not; it is tried again. */
int store_status(struct store *s);

/* Key/value facts of the installation, e.g. the check of the secret key. */
int store_fact_get(struct store *s, const char *name, struct buf *value);
int store_fact_set(struct store *s, const char *name, struct bytes value);

/* -- Telegram sessions ----------------------------------------------------- */

struct store_session {
	char name[64];
	int dc_id;
	uint8_t key_sealed[512]; /* sealed struct of storage; opaque here */
	size_t key_sealed_n;
	int64_t salt;
	int32_t time_diff;
	bool logged_in;
	char dead_reason[64]; /* why Telegram ended it, or "" */
	int64_t dead_since;   /* unix time */
	int64_t frozen_since; /* unix time; 0: it is not */
	int64_t user_id;
	char phone[32], username[64], first_name[128], last_name[128];
	int32_t pts, qts, date, seq;
};

/* -ENOENT when unknown. */
int store_session_get(struct store *s, const char *name,
		      struct store_session *v);
int store_session_put(struct store *s, const struct store_session *v);
/* Of a session that is there; nothing otherwise. */
int store_session_updates(struct store *s, const char *name, int32_t pts,
			  int32_t qts, int32_t date, int32_t seq);
int store_session_each(struct store *s,
		       void (*each)(const struct store_session *v, void *arg),
		       void *arg);
/* When something may be asked again: (session, line). until: unix time; one of
 * the past removes the row. */
int store_flood_put(struct store *s, const char *session, const char *line,
		    const char *why, int64_t until, int64_t now);
int store_flood_each(struct store *s, const char *session,
		     void (*each)(const char *line, const char *why,
				  int64_t until, void *arg),
		     void *arg);
int store_session_remove(struct store *s, const char *name); /* and all of it */

/* -- peers: (session, user) ------------------------------------------------ */

struct store_peer {
	int64_t user_id, access_hash;
	char phone[32], username[64], first_name[128], last_name[128];
	bool bot;
	bool met;     /* stays, once put */
	int64_t told; /* unix time of the last full object; 0: outdated */
};

/* access_hash 0: partial knowledge (Telegram's "min" users); empty texts and
 * the hash then keep what is known. Else all is replaced. A username or phone
 * is taken from whoever had it. Lookups: -ENOENT; usernames in any case. */
int store_peer_put(struct store *s, const char *session,
		   const struct store_peer *p);
int store_peer_by_id(struct store *s, const char *session, int64_t id,
		     struct store_peer *p);
int store_peer_by_username(struct store *s, const char *session,
			   const char *username, struct store_peer *p);
int store_peer_by_phone(struct store *s, const char *session,
			const char *digits, struct store_peer *p);

/* A number or name that leads to a user until this unix time, though he need
 * not show it. What has passed by now is removed. */
int store_alias_put(struct store *s, const char *session, const char *value,
		    int64_t user_id, int64_t until, int64_t now);
/* Whom an alias leads to; -ENOENT. */
int store_peer_by_alias(struct store *s, const char *session, const char *value,
			int64_t now, struct store_peer *p);
/* No name, number or alias leads to him any more; gone: the whole row. */
int store_peer_forget(struct store *s, const char *session, int64_t id,
		      bool gone);
/* Of a peer that is there; nothing otherwise. */
int store_peer_met(struct store *s, const char *session, int64_t id);

/* -- addresses that are not listened to ------------------------------------- */

/* One that somebody should see (manager/alerts.h); times are unix seconds. */
struct store_alert {
	int64_t id; /* from 1 */
	char kind[16];
	char object[128];
	int64_t since, last;
	int64_t cleared; /* 0: open */
	int64_t until;   /* when it is over by itself; 0: never */
	int code;        /* the last one; 0: none */
	char reason[160];
	int64_t count; /* how often it was raised */
	bool acknowledged;
};
/* Errors: -ENOMEM, -ENOSPC. */
int store_alert_put(struct store *s, const struct store_alert *alert);
int store_alert_remove(struct store *s, int64_t id);
/* In the order of ids; each must not use the store. */
int store_alert_each(struct store *s,
		     void (*each)(const struct store_alert *alert, void *arg),
		     void *arg);

struct store_ban {
	char address[64];
	int64_t until; /* Unix time, s */
	int64_t times; /* in a row */
	char reason[64];
};

int store_ban_put(struct store *s, const struct store_ban *ban);
int store_ban_remove(struct store *s, const char *address);
/* Those that end after `now` (Unix time, s); the others are forgotten. */
int store_ban_each(struct store *s, int64_t now,
		   void (*each)(const struct store_ban *ban, void *arg),
		   void *arg);

/* -- trunks ----------------------------------------------------------------- */

struct store_trunk {
	char name[64];
	char owner[64];
	bool enabled;
	int64_t lines;
	char subscription[64];
	char settings[6144];   /* JSON; opaque here */
	uint8_t secrets[1024]; /* sealed; opaque here */
	size_t secrets_n;
};

int store_trunk_put(struct store *s, const struct store_trunk *t);
int store_trunk_remove(struct store *s, const char *name);
/* By name. */
int store_trunk_each(struct store *s,
		     void (*each)(const struct store_trunk *t, void *arg),
		     void *arg);

/* -- subscriptions: what calls may be made ----------------------------------- */

struct store_subscription {
	char name[64];
	int64_t until;   /* Unix time, s; 0: for ever */
	int64_t lines;   /* calls at once; 0: no limit, like those below */
	int64_t seconds; /* of calls, all together */
	int64_t fails;   /* failed calls an hour */
	int64_t seconds_used;
};

int store_subscription_put(struct store *s, const struct store_subscription *v);
int store_subscription_remove(struct store *s, const char *name);
/* -ENOENT. */
int store_subscription_get(struct store *s, const char *name,
			   struct store_subscription *v);
int store_subscription_each(struct store *s,
			    void (*each)(const struct store_subscription *v,
					 void *arg),
			    void *arg);
/* Of one that is there; nothing otherwise. */
int store_subscription_use(struct store *s, const char *name, int64_t seconds);
/* A call failed at this Unix time; older ones than `since` are forgotten. */
int store_fail_put(struct store *s, const char *subscription, int64_t at,
		   int64_t since);
/* How many did from `since` on. */
int store_fails(struct store *s, const char *subscription, int64_t since,
		int64_t *n);

/* -- calls in progress, so that a crash leaves true records ----------------- */

/* json: what the record and both far ends need to be closed; opaque here. */
int store_call_put(struct store *s, const char *call_id, const char *json);
int store_call_remove(struct store *s, const char *call_id);
int store_call_each(struct store *s,
		    void (*each)(const char *call_id, const char *json,
				 void *arg),
		    void *arg);

#endif
