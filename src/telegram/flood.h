/* When an account may ask Telegram for something again (telegram-wire A.8,
 * F 23; behaviour 3.5.3): what Telegram has told it, and budgets of our own
 * that keep it from being told. An engine: no I/O, no clock.
 *
 * Each line of requests has a gate:
 *
 *   told     FLOOD_WAIT_n closes it for n seconds; PEER_FLOOD closes the line
 *            of new peers for an hour, twice as long each time within a day
 *   budget   so many in a period, all at once or spread; then one by one
 *
 * A value with one owner, one thread.
 */
#ifndef TELEGRAM_FLOOD_H
#define TELEGRAM_FLOOD_H

#include <stdbool.h>

#include "base/clock.h"

enum flood_line {
	FLOOD_NONE,      /* a wait concerns the one request */
	FLOOD_CALLS,     /* phone.requestCall */
	FLOOD_STRANGERS, /* phone.requestCall to users never met */
	FLOOD_PHONES,    /* looking up numbers */
	FLOOD_NAMES,     /* looking up usernames */
	FLOOD_MESSAGES,  /* sending texts and files */
	FLOOD_LINES,
};

struct flood_gate {
	usec_t until;             /* 0: open */
	char why[40];             /* Telegram's word, or "budget" */
	usec_t told_at, told_for; /* the last PEER_FLOOD */
	usec_t period, each;      /* of the budget; 0: none */
	usec_t due;               /* of the next one, were they spread */
};

struct flood {
	struct flood_gate gates[FLOOD_LINES];
};

void flood_init(struct flood *f);
/* count 0: no limit. */
void flood_budget(struct flood *f, enum flood_line line, unsigned count,
		  usec_t period);
/* Seconds to wait, rounded up; 0: now. why (may be NULL): "" or the word. */
unsigned flood_wait_s(const struct flood *f, enum flood_line line,
		      const char **why, usec_t now);
/* One request goes out. */
void flood_spent(struct flood *f, enum flood_line line, usec_t now);
/* An error of a request on this line. True: a gate was closed; *closed says
 * which. */
bool flood_told(struct flood *f, enum flood_line *closed, enum flood_line line,
		const char *text, usec_t now);
/* As an earlier process had it. */
void flood_close(struct flood *f, enum flood_line line, const char *why,
		 usec_t until);

/* The seconds of FLOOD_WAIT_n, FLOOD_PREMIUM_WAIT_n, SLOWMODE_WAIT_n; at most
 * 14 days. 0: no such text. */
unsigned flood_seconds(const char *text);
const char *flood_line_name(enum flood_line line); /* "calls" */
/* FLOOD_NONE: no such name. */
enum flood_line flood_line_of(const char *name);

#endif
