/* What the files of the Manager share. Control loop only. */
#ifndef MANAGER_INTERNAL_H
#define MANAGER_INTERNAL_H

#include "base/bytes.h"
#include "base/cause.h"
#include "base/clock.h"
#include "base/re.h"
#include "manager/manager.h"

struct manager_worker {
	struct le le;
	char id[32];
	char address[64]; /* of its SIP, for people */
	bool registrar;   /* PBXs may register there */
};

struct manager_trunk {
	struct le le;
	struct trunk set;
	bool declared; /* in the configuration; else in the store */
	/* As a Worker last told. */
	char source[64], user_agent[128], worker[32];
	char cause[160]; /* why a registration of ours failed */
	bool registered;
	bool unreachable; /* its keep-alive is not answered */
};

/* A call under way. */
struct manager_call {
	struct le le;
	char id[64], worker[32];
	char trunk[64]; /* "" before it is known */
	bool told;      /* by the Worker's last hello */
};

struct manager {
	struct manager_conf conf;
	struct bus_sub *subs[32];
	size_t subs_n;
	struct list trunks;  /* struct manager_trunk; the declared ones first */
	json_t *owners;      /* session: its owner, of those declared */
	json_t *max_calls;   /* session: calls at once, of those declared */
	json_t *sessions;    /* name: its last manager.session.state */
	json_t *off;         /* "worker w1": switched off */
	struct list workers; /* struct manager_worker */
	struct alerts *alerts;   /* alarm.c, as the next two */
	json_t *certificates;    /* of Workers: file, unix time of its end */
	int64_t certificates_at; /* when they were last looked at */
	struct list said;        /* struct said, oldest first: messages.c */
	struct list calls;       /* struct manager_call */
	struct list incoming;    /* struct incoming: offered, not yet taken */
	struct list stale; /* struct stale_call: waiting for their session */
	struct tmr announce;
	bool stopping; /* and all other roles with us */
	int records_fd;
};

int64_t manager_now(void); /* Unix time, s */
void manager_publish(struct manager *m, const char *subject, json_t *body);
/* {ok: false, text}; the text is formatted. */
void manager_refuse(struct manager *m, const struct bus_message *msg,
		    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* trunks.c */
struct manager_trunk *manager_trunk_find(const struct manager *m,
					 const char *name);
/* Takes a checked trunk in, in the place of one with its name. */
int manager_trunk_take(struct manager *m, const struct trunk *set);
/* A Worker has stopped: what it told of them is true no longer. */
void manager_trunks_forget(struct manager *m, const char *worker);
/* Into the store. */
int manager_trunk_save(struct manager *m, const struct trunk *set);
/* Workers hear of a change at once: in the loop's next round. */
void manager_announce_soon(struct manager *m);
/* Before a command is answered: who has the answer finds it in effect. */
void manager_announce(struct manager *m);
void manager_announce_to(struct manager *m, const struct manager_worker *w);

/* trunk_commands.c: manager.trunk.> */
void manager_on_trunk(const struct bus_message *msg, void *arg);
json_t *manager_show_trunks(const struct manager *m);

/* entitled.c: may they (behaviour 3.4)? CAUSE_ROWS: yes. text: of a cause
 * without a reason of its own. */
enum cause_row manager_may_register(struct manager *m, const struct trunk *t,
				    const struct manager_worker *w,
				    char text[64]);
/* Rows 7 to 9 and 12 of an INVITE. */
enum cause_row manager_may_call(struct manager *m, const struct trunk *t,
				char text[64]);
/* A call from Telegram may ring there. */
enum cause_row manager_may_ring(struct manager *m, const struct trunk *t,
				char text[64]);
/* This Worker serves it. */
bool manager_serves(const struct manager *m, const struct manager_worker *w,
		    const struct trunk *t);
bool manager_session_ready(const struct manager *m, const char *session);

/* places.c: Workers and Storages, and whether they are switched on */
struct manager_worker *manager_worker_find(struct manager *m, const char *id);
/* The one that said hello; NULL without memory. */
struct manager_worker *manager_worker_add(struct manager *m, const char *id);
bool manager_is_on(const struct manager *m, const char *kind, const char *id);
void manager_places_load(struct manager *m);
/* manager.place.> */
void manager_on_place(const struct bus_message *msg, void *arg);

/* subscriptions.c: manager.subscription.> */
void manager_on_subscription(const struct bus_message *msg, void *arg);
/* What this ended call uses up. */
void manager_subscription_use(struct manager *m, json_t *record);

/* calls.c: the calls under way */
void manager_call_add(struct manager *m, const char *id, const char *worker,
		      const char *trunk);
void manager_call_remove(struct manager *m, const char *id);
enum calls_of {
	CALLS_OF_TRUNK,
	CALLS_OF_SESSION,
	CALLS_OF_SUBSCRIPTION,
};
/* How many there are of the trunk, session or subscription of this name. */
unsigned manager_calls(const struct manager *m, enum calls_of what,
		       const char *name);
/* A Worker's hello names its calls: others of it are over. */
void manager_calls_settle(struct manager *m, const char *worker, json_t *calls);

/* bans.c */
void manager_ban_keep(struct manager *m, json_t *body);
void manager_ban_forget(struct manager *m, json_t *body);
/* All that are running, to a Worker that has just come. */
void manager_bans_send(struct manager *m, const char *worker);

/* alarm.c: alerts, from what is heard */
int manager_alarm_open(struct manager *m);
void manager_alarm_close(struct manager *m);
/* cause: "403 Forbidden" or "" */
void manager_alarm_trunk(struct manager *m, const char *trunk, bool lost,
			 const char *cause);
void manager_alarm_session(struct manager *m, json_t *state);
void manager_alarm_worker(struct manager *m, const char *worker, bool lost);
void manager_alarm_storage(struct manager *m, const char *storage);
/* The Manager was away. */
void manager_alarm_again(struct manager *m);
void manager_alarm_ban(struct manager *m, json_t *ban, bool lifted);
void manager_alarm_record(struct manager *m, json_t *record);
void manager_alarm_hello(struct manager *m, json_t *hello);
void manager_alarm_tick(struct manager *m);
void manager_show_alerts(struct manager *m, const struct bus_message *msg);
void manager_alert_acknowledge(struct manager *m,
			       const struct bus_message *msg);

/* incoming.c: manager.call.incoming */
void manager_incoming(struct manager *m, const struct bus_message *msg);
void manager_incoming_drop(struct manager *m);

/* messages.c: manager.message */
void manager_message(struct manager *m, const struct bus_message *msg);
/* What the user's last text names for his next call, {trunk: number}, and
 * forgets it; NULL: nothing. A new reference. */
json_t *manager_said_take(struct manager *m, const char *session,
			  const char *user);

/* explain.c: manager.explain */
void manager_explain(struct manager *m, const struct bus_message *msg);

/* records.c */
/* A call from Telegram that came to no Worker. */
void manager_record_refused(struct manager *m, json_t *incoming,
			    enum cause_row row);
int manager_records_open(struct manager *m);
void manager_records_close(struct manager *m);
int manager_record_write(struct manager *m, json_t *record);
void manager_call_open(struct manager *m, json_t *body);
void manager_call_record(struct manager *m, json_t *body);
/* A call of an earlier process, or one that its Worker does not have any
 * more: closed as far as that is known. */
void manager_call_stale(struct manager *m, const char *id);
/* A Worker can say BYE, a session can discard: ends what was left open. */
void manager_stale_worker(struct manager *m, const char *worker);
void manager_stale_session(struct manager *m, const char *session);

#endif
