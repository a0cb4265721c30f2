/* One Telegram account: a connection, a log-in, updates, peers
 * (telegram-wire A.6-A.9, B.1, C.1).
 *
 * Lives on one libre loop (the Storage's control loop); all functions and all
 * handlers run there. Handlers must not free the account; done-handlers run
 * exactly once, never inside the call that started them.
 */
#ifndef TELEGRAM_ACCOUNT_H
#define TELEGRAM_ACCOUNT_H

#include "base/bytes.h"
#include "base/clock.h"
#include "mtproto/client.h"
#include "telegram/link.h"
#include "telegram/state.h"
#include "tl/tl.h"

struct tg_account;

struct tg_user {
	int64_t id;
	int64_t access_hash; /* 0: unknown to this account */
	char first_name[128];
	char last_name[128];
	char username[64];
	char phone[32]; /* digits, empty when hidden */
	bool bot, deleted, self;
	bool met;     /* a contact, or there was a call or a text before */
	int64_t told; /* unix time of the last full object; 0: outdated */
};

/* What an account is used for (behaviour 2.4): requests outside the features'
 * lists (method.c) are refused, updates outside them are not forwarded. */
enum tg_feature {
	TG_FEATURE_SESSION = 1,  /* log-in, connection, peers: always on */
	TG_FEATURE_SETTINGS = 2, /* the account's settings: always on */
	TG_FEATURE_CALLS = 4,
	TG_FEATURE_KEYPAD = 8,    /* DTMF keypad, Redial, Lines */
	TG_FEATURE_MESSAGES = 16, /* messages processing, autoreply */
	TG_FEATURE_BOT = 32,      /* the account is a bot */
	TG_FEATURE_ALL = 63,
};
/* "calls", "keypad", "messages", "bot"; 0: none such. */
unsigned tg_feature_of(const char *name);

struct tg_use {
	unsigned features; /* 0: all */
	/* Budgets (flood.h); 0: none. */
	unsigned new_peers_per_day; /* calls to users never met */
	unsigned lookups_per_day;   /* of numbers, and of usernames */
	/* A number that nobody is found by is added to the contacts, and
	 * removed again: finds some more users, and costs trust. */
	bool import_contacts;
	bool silent; /* tells nobody why his call failed */
};

/* What must survive a restart. The account calls these; the Storage writes
 * them to its store with the key sealed. Borrowed bytes. */
struct tg_keep {
	void (*auth)(int dc_id, const struct mtp_auth *auth, void *arg);
	/* The account is dead (state.h). reason: Telegram's text,
	 * "AUTH_KEY_UNKNOWN" (the data centre insists that it has no such key)
	 * or "LOGGED_OUT" (by tg_log_out). */
	void (*auth_lost)(const char *reason, void *arg);
	/* Telegram has frozen the account since this date, or no longer: 0. */
	void (*frozen)(int64_t since, void *arg);
	/* A gate of flood.h has been closed until this unix time. */
	void (*flood)(const char *line, const char *why, int64_t until,
		      void *arg);
	/* We called this user, or he us, or he wrote. */
	void (*met)(int64_t user_id, void *arg);
	void (*self)(const struct tg_user *user, void *arg);
	/* The data centres' addresses as Telegram now tells them: all accounts
	 * hear the same. */
	void (*dcs)(const struct tg_dc *dcs, size_t n, void *arg);
	void (*updates)(int32_t pts, int32_t qts, int32_t date, int32_t seq,
			void *arg);
	void (*peer)(const struct tg_user *user, void *arg);
	/* This number or name led to him; it does until this unix time. */
	void (*alias)(const char *value, int64_t user_id, int64_t until,
		      void *arg);
	/* No number or name leads to him any more; gone: nor does his id. */
	void (*peer_forget)(int64_t user_id, bool gone, void *arg);
	/* Look-ups of kept peers; false: not known. */
	bool (*peer_by_id)(int64_t id, struct tg_user *user, void *arg);
	bool (*peer_by_username)(const char *name, struct tg_user *user,
				 void *arg);
	bool (*peer_by_phone)(const char *digits, struct tg_user *user,
			      void *arg);
};

struct tg_call;  /* phone.h */
struct tg_event; /* messages.h */

struct tg_account_handlers {
	void (*state)(enum tg_state state, const char *reason, void *arg);
	/* Messages, and what is asked of a bot: messages.h. */
	void (*event)(const struct tg_event *event, void *arg);
	/* Somebody calls us: see phone.h. The handler takes the call over with
	 * tg_call_take() inside the handler, or it is ignored. */
	void (*incoming)(struct tg_call *call, const struct tg_user *from,
			 void *arg);
};

struct tg_account_conf {
	const char *name; /* for log lines; no phone number */
	int32_t api_id;
	const char *api_hash;
	const struct tg_dc *dcs; /* first is used first; copied */
	size_t dcs_n;
	/* What Telegram told before, as kept; copied. */
	const struct tg_dc *learnt;
	size_t learnt_n;
	const struct mtp_rsa *rsa; /* borrowed for life */
	/* Borrowed for life; NULL: tg_link_default. */
	const struct tg_link *link;
	usec_t query_timeout; /* 0: 10 s */
	/* Resume; auth.present false: a new key will be made. */
	int dc_id; /* 0: dcs[0].id */
	struct mtp_auth auth;
	bool logged_in; /* the kept key was logged in */
	/* As auth_lost said, "": it is not; KEY_FILE: the kept key does not
	 * open. Unix times. The account then starts over and stays so. */
	const char *dead_reason;
	bool key_closed;
	int64_t dead_since, frozen_since;
	int32_t pts, qts, date, seq; /* pts 0: unknown */
	struct tg_use use;
	struct tg_keep keep;
	struct tg_account_handlers handlers;
	void *arg;
};

int tg_account_new(struct tg_account **ap, const struct tg_account_conf *conf);
void tg_account_free(struct tg_account **ap);
/* Starts connecting; keeps the connection up from then on, with back-off
 * 0.2, 0.5, 1, 2, 4, 5 s ... An account that is over (state.h) does nothing. */
int tg_account_start(struct tg_account *a);
enum tg_state tg_account_state(const struct tg_account *a);
const char *tg_account_reason(const struct tg_account *a);

/* What an administrator is shown. Unix times; 0: not known, or none. */
struct tg_status {
	enum tg_state state;
	const char *reason; /* borrowed until the next state */
	int64_t since;      /* of the state */
	bool logged_in;
	int64_t frozen_since, frozen_until;
	const char *appeal_url; /* of a frozen account, or "" */
	/* When the next call may be asked for, to anybody or to a user never
	 * met: 0 now, -1 not in this state; and why not now, or "". */
	int64_t next_call, next_new_peer;
	const char *next_call_why, *next_new_peer_why;
};
void tg_account_status(const struct tg_account *a, struct tg_status *status);
/* A closed gate of an earlier process. */
void tg_account_flood(struct tg_account *a, const char *line, const char *why,
		      int64_t until);
const struct tg_user *tg_account_self(const struct tg_account *a); /* or NULL */

/* Any query of the API: a function object, copied before return. On success
 * answer holds the parsed result, valid during the handler. Errors: -ENOTCONN
 * (not started, over), -EPERM (in no list of the account's features), -EINVAL,
 * -ENOMEM; done does not run then. A query waits for the connection and follows
 * a migration; it is repeated where its method permits (method.h). Unanswered
 * for query_timeout: 408 "TIMEOUT"; the account freed: -ECANCELED "CLOSED";
 * lost: 401 with the reason; its gate closed: 420 "FLOOD_WAIT_n", unasked. */
typedef void(tg_answer_h)(const struct mtp_error *err,
			  const struct tl_obj *answer, void *arg);
int tg_account_query(struct tg_account *a, const struct tl_obj *query,
		     unsigned flags, tg_answer_h *done, void *arg);

/* -- login by phone code (B.1); more: login.h ---------------------------- */

struct tg_code_sent {
	char how[32]; /* "app", "sms", "call", ... */
	int length;
	char pattern[128]; /* of the e-mail address, caller, word; or empty */
	char next[32];     /* how resending would send it; empty: not at all */
	int timeout_s;     /* until then; 0: none given */
};
typedef void(tg_code_h)(const struct mtp_error *err,
			const struct tg_code_sent *sent, void *arg);
/* err SESSION_PASSWORD_NEEDED (401): two-step verification is on. A needed
 * sign-up is the error 400 "PHONE_NUMBER_UNOCCUPIED". */
typedef void(tg_login_h)(const struct mtp_error *err,
			 const struct tg_user *self, void *arg);
/* Brings a dead account back with a new key. -EISCONN: logged in already. */
int tg_login_send_code(struct tg_account *a, const char *phone_digits,
		       tg_code_h *done, void *arg);
int tg_login_sign_in(struct tg_account *a, const char *code, tg_login_h *done,
		     void *arg);
int tg_log_out(struct tg_account *a, tg_login_h *done, void *arg);

/* -- peers (C.1) ---------------------------------------------------------- */

enum tg_peer_kind { TG_PEER_PHONE, TG_PEER_USERNAME, TG_PEER_ID };

typedef void(tg_user_h)(const struct mtp_error *err, const struct tg_user *user,
			void *arg);
/* value: digits without "+", name without "@", decimal id. Peers told within a
 * day answer at once (from the loop); look-ups by phone keep 3 s between them; else
 * contacts.resolvePhone / resolveUsername. An id never met: error 400
 * "PEER_ID_INVALID". */
int tg_resolve(struct tg_account *a, enum tg_peer_kind kind, const char *value,
	       tg_user_h *done, void *arg);
/* A call to this user rang, so he is no stranger any more. */
void tg_peer_met(struct tg_account *a, int64_t user_id);

#endif
