/* One call: a calling leg, one or more called legs, a state, a record.
 *
 * Lives on the Worker's control loop. The call owns its legs from the moment
 * they are given and releases them when it is freed. It frees itself after
 * `ended` has run, from the loop, never inside an event.
 */
#ifndef CALL_CALL_H
#define CALL_CALL_H

#include "base/clock.h"
#include "call/leg.h"

enum call_state {
	CALL_NEW,
	CALL_CALLING,
	CALL_RINGING,
	CALL_CONNECTING, /* answered, media on its way */
	CALL_UP,
	CALL_ENDED,
};

const char *call_state_name(enum call_state state);

struct call_times {
	struct wall created, ringing, answered, up, ended; /* us 0: never */
	usec_t created_at, answered_at, up_at;
};

struct call;

/* How the replacement of a leg goes. */
enum call_replacing {
	CALL_REPLACE_RINGING,
	CALL_REPLACE_DONE,   /* `by` is in its place; `old` is about to end */
	CALL_REPLACE_FAILED, /* `by` is over, see its cause; `old` stays */
};

struct call_handlers {
	void (*state)(struct call *c, enum call_state state, void *arg);
	/* Of call_replace(); both legs are still there. May be NULL. */
	void (*replacing)(struct call *c, enum call_replacing event,
			  struct call_leg *old, struct call_leg *by, void *arg);
	/* Exactly once, from the loop, after the legs were released; the call
	 * is freed when it returns. */
	void (*ended)(struct call *c, void *arg);
};

struct call_conf {
	char id[33];                 /* empty: drawn */
	unsigned place_timeout_ms;   /* no network took the call: 0 = 40 s */
	unsigned device_timeout_ms;  /* then, no device rings: 0 = 15 s */
	unsigned ring_timeout_ms;    /* 0 = 180 s */
	unsigned connect_timeout_ms; /* answered to media: 0 = 25 s */
	struct call_handlers handlers;
	void *arg;
};

int call_new(struct call **cp, const struct call_conf *conf,
	     struct call_leg *calling);
/* Adds a called leg. At most 16: more are released at once, and so is one of
 * a call that is over; then false. */
bool call_add(struct call *c, struct call_leg *called);
/* No more legs will be added: those of the lowest priority number are started
 * at once, the next number's when all of them have failed. A leg that cannot
 * start has failed. The call ends with the failure of the last number tried. */
void call_added_all(struct call *c);
/* A leg for one of an answered call: `by` is started, if it is not, and when it
 * answers, stands in the place of `old`, which is ended with CAUSE_NORMAL; the
 * call, its other leg and its times go on. When it fails, nothing has changed.
 * Should `old` end meanwhile, the call waits for `by` and shares its fate. One
 * at a time. Negative: `by` is released (-EBUSY: another is under way, -EINVAL:
 * not a running leg of a call that is up; what start returned, and *cause). */
int call_replace(struct call *c, struct call_leg *old, struct call_leg *by,
		 struct call_cause *cause);
/* The leg is one of the two that talk. */
bool call_has_leg(const struct call *c, const struct call_leg *leg);
/* Ends the call from our side. */
void call_end(struct call *c, const struct call_cause *cause);

/* Drops the call as it is when its owner goes: the legs are released, but not
 * told, and no handler runs. Not inside an event. */
void call_free(struct call **cp);

const char *call_id(const struct call *c);
enum call_state call_state(const struct call *c);
const struct call_times *call_times(const struct call *c);
/* Why it ended; code 0 while it runs. "calling", "called" or "gateway". */
const struct call_cause *call_cause(const struct call *c);
const char *call_ended_by(const struct call *c);
struct call_leg *call_calling(const struct call *c);
/* Every called leg that was started, in the order in which they were added. */
void call_tried(const struct call *c,
		void (*each)(const struct call_leg *leg, void *arg), void *arg);
struct call_leg *call_answered_leg(const struct call *c); /* or NULL */
/* The called leg that answered or, once all have failed, the one whose cause
 * is the call's; NULL. */
struct call_leg *call_deciding_leg(const struct call *c);
void *call_arg(const struct call *c);

#endif
