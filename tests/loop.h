/* Tests on libre's loop: it runs until something is true, or until somebody
 * cancels it; never without end. */
#ifndef TESTS_LOOP_H
#define TESTS_LOOP_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/re.h"

#define LOOP_LIMIT_MS 8000

typedef bool(loop_claim_h)(void *arg);

struct loop_wait {
	struct tmr tmr;
	loop_claim_h *claim; /* NULL: until cancelled */
	void *arg;
	usec_t until;
	bool held;
};

static inline void loop_poll(void *arg)
{
	struct loop_wait *w = arg;

	w->held = w->claim && w->claim(w->arg);
	if (w->held || clock_now() > w->until)
		re_cancel();
	else
		tmr_start(&w->tmr, w->claim ? 1 : 50, loop_poll, w);
}

/* Runs the loop until the claim holds, at most for the limit. True: it did. */
static inline bool loop_until(loop_claim_h *claim, void *arg)
{
	struct loop_wait w = {.claim = claim,
			      .arg = arg,
			      .until = clock_now() + LOOP_LIMIT_MS * USEC_MS};

	tmr_start(&w.tmr, 0, loop_poll, &w);
	(void)re_main(NULL);
	tmr_cancel(&w.tmr);
	return w.held;
}

/* Runs the loop until a handler calls re_cancel(), at most for the limit. */
static inline void loop_until_cancelled(void)
{
	(void)loop_until(NULL, NULL);
}

#endif
