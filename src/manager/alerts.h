/* What somebody should look at (behaviour D3): open alerts and past ones.
 *
 * One open alert a kind and object: raised again, it is counted. Engine: takes
 * now (unix seconds), no I/O, bounded: of too many the oldest past one goes,
 * then the oldest. What changes is told to the owner, who keeps it. One thread.
 */
#ifndef MANAGER_ALERTS_H
#define MANAGER_ALERTS_H

#include "store/store.h"

#define ALERTS_MAX 500
/* "10 or more 5xx in 5 min" */
#define ALERTS_ERRORS 10
#define ALERTS_ERRORS_S 300

enum alert_kind {
	ALERT_TRUNK,       /* lost; object: the trunk */
	ALERT_SESSION,     /* lost; the session */
	ALERT_WORKER,      /* does not answer; its id */
	ALERT_STORAGE,     /* does not answer; its id */
	ALERT_MANAGER,     /* a Worker had none; the Worker's id */
	ALERT_CERTIFICATE, /* expires soon; its file */
	ALERT_ERRORS,      /* many 5xx; nothing */
	ALERT_LINES,       /* exhausted; the trunk */
	ALERT_BAN,         /* placed; the address */
	ALERT_FLOOD,       /* Telegram wants us to wait; the session */
	ALERT_KINDS,
};

struct alerts;

struct alerts_handlers {
	/* New, counted, cleared or acknowledged. Not to call back inside. */
	void (*changed)(const struct store_alert *alert, void *arg);
	void (*dropped)(int64_t id, void *arg); /* forgotten */
};

int alerts_new(struct alerts **ap, const struct alerts_handlers *h, void *arg);
void alerts_free(struct alerts **ap);
/* One that is known from before, in the order of ids; nobody is told. */
void alerts_take(struct alerts *a, const struct store_alert *alert);

const char *alert_kind_name(enum alert_kind kind); /* "trunk", ... */
/* until: when it is over by itself; 0: when it is cleared. */
void alerts_raise(struct alerts *a, enum alert_kind kind, const char *object,
		  int code, const char *reason, int64_t now, int64_t until);
void alerts_clear(struct alerts *a, enum alert_kind kind, const char *object,
		  int64_t now);
/* A call ended with a 5xx of ours or another's. */
void alerts_error(struct alerts *a, int code, const char *reason, int64_t now);
/* Clears what is over by itself. */
void alerts_tick(struct alerts *a, int64_t now);
int alerts_acknowledge(struct alerts *a, int64_t id); /* -ENOENT */
/* The newest first. */
void alerts_each(const struct alerts *a,
		 void (*each)(const struct store_alert *alert, void *arg),
		 void *arg);

#endif
