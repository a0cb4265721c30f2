/* A leg as the call sees it: a table of functions and the events it reports.
 *
 * The owner embeds struct call_leg in its own object and sets ops before the
 * leg is given to a call. Functions of the table run on the call's loop, must
 * not block and must not report events from inside themselves, except that
 * `start` may fail by returning an error and filling the cause.
 * After `end` the leg reports nothing more; `release` is the last call.
 */
#ifndef CALL_LEG_H
#define CALL_LEG_H

#include "call/cause.h"

struct call;
struct call_leg;

struct call_leg_ops {
	const char *kind; /* "sip", "telegram" */
	/* Answering this leg is what brings its media up (Telegram); otherwise
	 * it is answered only when the other side's media is up (SIP: 200 is
	 * sent when media is up). */
	bool answer_brings_media;
	/* Called leg: begin. Negative: *cause says why. */
	int (*start)(struct call_leg *leg, struct call_cause *cause);
	void (*ring)(struct call_leg *leg);   /* calling leg: it rings there */
	void (*answer)(struct call_leg *leg); /* calling leg: accept */
	/* Either: end it with what fits its state. elsewhere: another leg of a
	 * fork was answered. */
	void (*end)(struct call_leg *leg, const struct call_cause *cause,
		    bool elsewhere);
	void (*release)(struct call_leg *leg);
};

struct call_leg {
	const struct call_leg_ops *ops;
	struct call *call;
	unsigned priority; /* called: 0 is tried first (behaviour 3.7) */
	bool started, placed, ringing, answered, up, ended;
	struct call_cause cause; /* valid when ended */
};

/* -- events ---------------------------------------------------------------- */
/* The far network took the call; from here its device has to show itself. */
void call_leg_placed(struct call_leg *leg);
void call_leg_ringing(struct call_leg *leg);
void call_leg_answered(struct call_leg *leg); /* the called side accepted */
void call_leg_up(struct call_leg *leg);       /* its media runs */
void call_leg_ended(struct call_leg *leg, const struct call_cause *cause);

#endif
