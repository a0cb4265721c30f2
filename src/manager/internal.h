/* What the files of the Manager share. Control loop only. */
#ifndef MANAGER_INTERNAL_H
#define MANAGER_INTERNAL_H

#include "base/bytes.h"
#include "base/cause.h"
#include "base/re.h"
#include "manager/manager.h"

struct manager_worker {
	struct le le;
	char id[32];
};

struct manager {
	struct manager_conf conf;
	struct trunk *trunks;
	struct {
		char source[64], user_agent[128], worker[32];
		char cause[160]; /* why a registration of ours failed */
		bool registered;
		bool unreachable; /* its keep-alive is not answered */
	} * registrations; /* one per trunk */
	struct bus_sub *subs[32];
	size_t subs_n;
	json_t *sessions;    /* name: its last manager.session.state */
	struct list workers; /* struct manager_worker */
	struct list said;    /* struct said, oldest first: messages.c */
	struct list stale;   /* struct stale_call: waiting for their session */
	struct tmr announce;
	int records_fd;
};

void manager_publish(struct manager *m, const char *subject, json_t *body);

/* bans.c */
void manager_ban_keep(struct manager *m, json_t *body);
void manager_ban_forget(struct manager *m, json_t *body);
/* All that are running, to a Worker that has just come. */
void manager_bans_send(struct manager *m, const char *worker);

/* incoming.c: manager.call.incoming */
void manager_incoming(struct manager *m, const struct bus_message *msg);

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
/* A Worker can say BYE, a session can discard: ends what was left open. */
void manager_stale_worker(struct manager *m, const char *worker);
void manager_stale_session(struct manager *m, const char *session);

#endif
