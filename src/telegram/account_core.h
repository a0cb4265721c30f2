/* The inside of an account, shared by the files of src/telegram only.
 *
 *   connection   TCP and MTProto of the data centre the account lives in
 *   queries      what was asked; they outlive a change of data centre
 *   updates      pts, qts, seq (engine)      feed.c moves them
 *   phone        calls (engine)
 *   tick         the one timer: all that must not happen inside a handler
 */
#ifndef TELEGRAM_ACCOUNT_CORE_H
#define TELEGRAM_ACCOUNT_CORE_H

#include "base/re.h"
#include "telegram/account.h"
#include "telegram/call.h"
#include "telegram/connection.h"
#include "telegram/flood.h"
#include "telegram/method.h"
#include "telegram/updates.h"

#define ACCOUNT_DCS_MAX 32
#define ACCOUNT_RECENT_MAX 16

struct branch;  /* branch.c */
struct query;   /* account_query.c */
struct lookup;  /* peers.c */
struct qr_wait; /* login_qr.c */
struct job;     /* account.c */

struct tg_account {
	char name[64];
	int32_t api_id;
	char api_hash[64];
	const struct mtp_rsa *rsa;
	const struct tg_link *link;
	usec_t query_timeout;
	struct tg_use use;
	struct tg_keep keep;
	struct tg_account_handlers handlers;
	void *arg;

	enum tg_state state;
	char reason[128];
	int64_t state_since; /* unix time */
	struct {
		int64_t since, until; /* unix time; since 0: it is not */
		char appeal_url[128];
		usec_t refused_at; /* a method was, last; 0: none yet */
	} frozen;

	/* Data centres: configured ones first, then help.getConfig's. */
	struct tg_dc dcs[ACCOUNT_DCS_MAX];
	size_t dcs_n, dcs_own; /* the first so many are configured */
	int dc_id;
	struct mtp_auth auth; /* of dc_id; what a new connection starts with */
	struct connection *connection;
	struct branch *branches; /* to other data centres */
	/* Of a log-out: until the data centre has forgotten the key. */
	struct connection *parting;
	usec_t parting_until; /* 0: it has */
	bool started, closing;
	unsigned key_unknown; /* transport errors -404 in a row */

	/* Done once a connection object. */
	bool config_asked, config_known;
	bool app_config_asked;       /* freezes are told there */
	usec_t app_config_at;        /* again, while frozen */
	bool self_asked, self_known; /* known: asked and answered somehow */
	bool synced;                 /* one getState/getDifference answered */
	bool logged_in;
	struct tg_user self; /* id 0: unknown */

	/* For the next tick. */
	bool rebuild_wanted;
	int migrate_to; /* data centre, 0: none */
	bool end_wanted;
	enum tg_state end_state; /* stopped or dead */
	char end_reason[128];

	struct query *queries, **queries_last;
	struct flood flood;
	struct job *jobs, **jobs_last;
	struct lookup *lookups, **lookups_last; /* by phone, waiting */
	usec_t lookup_at;                       /* not before */
	bool lookups_due; /* one of them may be known by now */

	struct updates updates;
	int32_t kept[4]; /* pts, qts, date, seq as last kept */
	struct phone phone;
	struct tmr tmr;

	/* Users of the newest messages, for those who keep none. */
	struct tg_user *recent[ACCOUNT_RECENT_MAX]; /* NULL: nobody yet */
	unsigned recent_n;

	char login_phone[32];
	char login_hash[128];
	struct qr_wait *qr;  /* waits for a scan, or NULL */
	usec_t qr_until;     /* the code on show is good */
	bool qr_accepted;    /* and was scanned */
	bool login_by_email; /* the code came by e-mail */
};

/* Runs fn(arg) from the loop, soon. -ENOMEM. Jobs left when the account is
 * freed run then, with a->closing set. */
typedef void(job_h)(struct tg_account *a, void *arg);
int account_later(struct tg_account *a, job_h *fn, void *arg);
/* Deadlines may have moved. */
void account_wake(struct tg_account *a);
void account_state_update(struct tg_account *a);
/* Stopped or dead (state.h) at the next tick. */
void account_end(struct tg_account *a, enum tg_state state, const char *reason);
/* Telegram froze the account, or thawed it: since 0. */
void account_frozen(struct tg_account *a, int64_t since, int64_t until);
void account_logged_in(struct tg_account *a, const struct tl_obj *user);
/* Forget key and log-in, begin anew (a log-in after the end). */
void account_reset(struct tg_account *a);
/* Adds a data centre address unless it is known. */
void account_dc_add(struct tg_account *a, const struct tg_dc *dc);

/* Sent to a data centre whose address only help.getConfig can tell: that is
 * asked first. */
bool account_migration_waits(const struct tg_account *a);
bool account_has_address(const struct tg_account *a, int dc_id);
/* What connections to that data centre have in common. dcs: room for
 * CONNECTION_ADDRESSES_MAX. */
void account_connection_conf(struct connection_conf *conf, struct tg_dc *dcs,
			     const struct tg_account *a, int dc_id);

/* branch.c */
void branches_pump(struct tg_account *a, usec_t now);
usec_t branches_deadline(const struct tg_account *a);
/* Ends them all; their queries get this error. Not inside a handler. */
void branches_clear(struct tg_account *a, int code, const char *text);

/* account_greet.c */
usec_t account_greet_deadline(const struct tg_account *a);
void account_greet(struct tg_account *a);

/* account_phone.c */
void account_phone_init(struct tg_account *a);

/* account_query.c */
/* The white list; NULL: refused, logged and counted. */
const struct method *query_permitted(const struct tg_account *a,
				     const struct tl_obj *query);
void queries_submit(struct tg_account *a);           /* those not under way */
void queries_pump(struct tg_account *a, usec_t now); /* those to be repeated */
usec_t queries_deadline(const struct tg_account *a);
void queries_fail(struct tg_account *a, int code, const char *text);

/* peers.c */
void peers_learn(struct tg_account *a, const struct tl_obj *o);
bool peers_find(struct tg_account *a, int64_t id, struct tg_user *user);
bool peers_met(struct tg_account *a, int64_t id);
/* An update of a user; false: it is another one. */
bool peers_update(struct tg_account *a, const struct tl_obj *update);
/* A query was refused with this text: whom it was about may not be so. */
void peers_refused(struct tg_account *a, struct bytes query, const char *text);
bool user_read(struct tg_user *user, const struct tl_obj *o);

/* lookup.c */
void peers_pump(struct tg_account *a, usec_t now); /* waiting look-ups */
usec_t peers_deadline(const struct tg_account *a);
void peers_clear(struct tg_account *a);
void peers_forget(struct tg_account *a); /* the newest */

/* feed.c */
void feed_bytes(struct tg_account *a, struct bytes object);
/* An object of type Updates, as update or as answer; others are ignored. */
void feed_updates(struct tg_account *a, const struct tl_obj *o);
void feed_pump(struct tg_account *a, usec_t now); /* getState/getDifference */

/* login_qr.c */
void login_token_accepted(struct tg_account *a);
void login_qr_drop(struct tg_account *a);

#endif
