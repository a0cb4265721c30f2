/* The simulated Telegram as a whole: accounts, authorisation keys, live
 * sessions, calls, and what they share. Does no I/O beside its store: answers
 * and updates leave through the sessions' operations, media through the
 * endpoint operations; time is set from outside. So all of it is tested
 * without sockets. One thread.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "base/bytes.h"
#include "base/clock.h"
#include "sim/account.h"
#include "sim/config.h"
#include "sim/store.h"

struct sim_call;
struct sim_held;
struct sim_order;
struct sim_document; /* sim/document.h */
struct sim_upload;
struct sim_query; /* sim/query.h */
struct tl_obj;

/* A permanent or temporary authorisation key. */
struct sim_key {
	struct sim_key *next;
	uint64_t id;
	uint8_t key[256];
	int16_t dc;
	int32_t expires; /* unix time, 0 = permanent */
	uint64_t bound;  /* temporary: the permanent key's id, 0 = not bound */
	int64_t user;    /* 0: nobody is logged in */
	int64_t pending; /* who still owes his password */
	int32_t layer;   /* that its client named last */
	int32_t seq;     /* of updates without pts, per log-in */
	int32_t api_id;
	int32_t date;   /* of the log-in */
	bool missed;    /* an update found no session of it listening */
	bool calls_off; /* call_requests_disabled */
	bool carried;   /* the log-in came from another data centre */
	bool early;     /* temporary: something was asked before the binding */
	char lost[32];  /* 401 with this text: the log-in was ended so */
};

/* One connection that carries a session of a key. The embedding object owns
 * it and implements the operations. */
struct sim_session {
	struct sim_session *next;
	struct sim_world *world;
	uint64_t key_id;
	int64_t session_id;
	int16_t dc;
	int32_t layer;
	bool wants_updates; /* asked something without invokeWithoutUpdates */
	bool superseded;    /* a newer connection carries the same session */
	uint64_t queries;
	void (*answer)(struct sim_session *s, int64_t msg_id,
		       struct bytes result);
	void (*error)(struct sim_session *s, int64_t msg_id, int code,
		      const char *text);
	void (*push)(struct sim_session *s, struct bytes updates);
	/* Closes the connection, soon, when what was sent has left. */
	void (*drop)(struct sim_session *s);
	/* Closes it at once: what was not sent yet waits for the next one. */
	void (*cut)(struct sim_session *s);
	/* Closes it at once, and the query has never come. */
	void (*lose)(struct sim_session *s, int64_t msg_id);
};

/* A log-in code that was sent. */
struct sim_code {
	struct sim_code *next;
	char phone[SIM_PHONE_MAX];
	char code[8];
	char hash[20];
	int32_t expires, sent; /* unix time */
	uint64_t key_id;
	int tries;
	int way; /* of the account's ways */
};

/* A QR log-in under way. */
struct sim_token {
	struct sim_token *next;
	uint8_t token[32];
	uint64_t key_id; /* who shows it */
	int32_t expires;
	int64_t user; /* who accepted it; 0: nobody yet */
};

/* A log-in on its way to another data centre. */
struct sim_carried {
	struct sim_carried *next;
	uint8_t bytes[64];
	int64_t user;
	int16_t dc;
	int32_t expires;
};

struct sim_refusal {
	struct sim_refusal *next;
	uint64_t n;
	char what[];
};

/* Media of simulated users; implemented over the launcher (sim/media.h). */
struct sim_endpoint_ops {
	/* Starts a program; id names it in all later calls and events. */
	void (*start)(const char *id, const json_t *argv, void *arg);
	void (*line)(const char *id, const char *line, void *arg);
	void *arg;
};

struct sim_world {
	struct sim_config *config; /* borrowed */
	struct sim_store *store;   /* borrowed */
	struct sim_account *accounts;
	struct sim_key *keys;
	struct sim_session *sessions;
	struct sim_call *calls; /* newest first; ended ones are kept a while */
	struct sim_code *codes;
	struct sim_srp *srps;
	struct sim_token *tokens;
	struct sim_carried *carried;
	struct sim_refusal *refusals;
	struct sim_document *documents;
	struct sim_upload *uploads;
	int64_t reference_epoch;   /* of file references */
	struct sim_query *queries; /* that bots have to answer */
	struct sim_endpoint_ops endpoints;
	uint8_t secret[32]; /* access hashes and peer tags derive from it */
	usec_t now;
	struct wall wall;
	uint16_t dc_ports[SIM_DCS];
	struct sim_order *orders; /* faults on demand, oldest first */
	int orders_made;
	struct sim_held *held;    /* what leaves late */
	int64_t clock_off_us;     /* our clock is wrong by so much */
	uint64_t pushed, unheard; /* updates with and without a listener */
	/* Something happened: one JSON object, for watchers. Steals `event`. */
	void (*event)(json_t *event, void *arg);
	void *event_arg;
};

/* sim/world_life.c */
int sim_world_new(struct sim_world **wp, struct sim_config *c,
		  struct sim_store *s, char why[256]);
void sim_world_free(struct sim_world **wp);
/* Before anything else happens in a round of the loop. wall: the true time; a
 * clock that is off is off from this. */
void sim_world_time(struct sim_world *w, usec_t now, struct wall wall);
int32_t sim_world_date(const struct sim_world *w); /* unix time */
usec_t sim_world_deadline(const struct sim_world *w);
void sim_world_tick(struct sim_world *w);

struct sim_account *sim_world_account(struct sim_world *w, int64_t id);
struct sim_account *sim_world_phone(struct sim_world *w, struct bytes phone);
struct sim_account *sim_world_username(struct sim_world *w, struct bytes name);
/* For people: id, +phone or username. */
struct sim_account *sim_world_find(struct sim_world *w, const char *who);
/* The access hash of `target` as `viewer` knows it; never 0. */
int64_t sim_world_access_hash(const struct sim_world *w, int64_t viewer,
			      int64_t target);
/* n bytes that depend on the secret, a label and two numbers only. */
void sim_world_derive(const struct sim_world *w, const char *label, int64_t a,
		      int64_t b, void *dst, size_t n);

struct sim_key *sim_world_key(struct sim_world *w, uint64_t id);
/* sim/api_key.c */
void sim_carried_clear(struct sim_world *w);
/* The key whose log-in counts: the bound permanent one of a temporary. */
struct sim_key *sim_world_login_key(struct sim_world *w, uint64_t id);
struct sim_key *sim_world_key_add(struct sim_world *w, uint64_t id,
				  const uint8_t key[256], int16_t dc,
				  int32_t expires_in);
void sim_world_key_save(struct sim_world *w, const struct sim_key *k);
void sim_world_key_drop(struct sim_world *w, uint64_t id);
/* A record of the store. */
void sim_world_key_load(const char *id, const json_t *o, void *world);

/* The connection now carries (key, session). Older ones with the same pair are
 * superseded. */
void sim_world_session_add(struct sim_world *w, struct sim_session *s);
void sim_world_session_remove(struct sim_world *w, struct sim_session *s);
struct sim_account *sim_session_account(const struct sim_session *s);

/* app, sms, call, flash-call, missed-call, email, fragment. */
bool sim_code_way_known(const char *way);

/* Counts a refusal by kind, for tests and `refused`. */
void sim_world_refused(struct sim_world *w, const char *what);
uint64_t sim_world_refused_count(const struct sim_world *w, const char *what);
/* Tells watchers; fmt as json_pack, an object with "event" first. */
void sim_world_event(struct sim_world *w, json_t *event);

#endif
