/* A leg takes the place of another while the call goes on (call transfer).
 *
 *   old ==== other          old ==== other          by ==== other
 *                 call_replace     |       answered
 *                           by . . + starts         old ends
 */
#include "call/internal.h"

#include <errno.h>

#include "base/log.h"

static void release_retired(void *arg)
{
	struct call *c = arg;

	while (c->retired_n) {
		struct call_leg *leg = c->retired[--c->retired_n];

		leg->ops->release(leg);
	}
}

bool call_has_leg(const struct call *c, const struct call_leg *leg)
{
	return leg == c->calling || leg == c->winner;
}

/* Its owner may still be inside one of its events. */
static void retire(struct call *c, struct call_leg *leg)
{
	if (c->retired_n == RETIRED_LEGS_MAX)
		release_retired(c);
	c->retired[c->retired_n++] = leg;
	tmr_start(&c->retire_timer, 0, release_retired, c);
}

static void replace_tell(struct call *c, enum call_replacing event,
			 struct call_leg *by)
{
	if (c->conf.handlers.replacing)
		c->conf.handlers.replacing(c, event, c->replaced, by,
					   c->conf.arg);
}

void call_replace_ringing(struct call *c)
{
	replace_tell(c, CALL_REPLACE_RINGING, c->replacing);
}

/* The new leg is over, or to be ended with this cause. */
static void replace_failed(struct call *c, const struct call_cause *cause)
{
	struct call_leg *by = c->replacing;

	tmr_cancel(&c->replace_timer);
	c->replacing = NULL;
	call_end_leg(by, cause, false);
	log_info("call", c->id, "leg not replaced: %d %s", by->cause.code,
		 by->cause.reason);
	replace_tell(c, CALL_REPLACE_FAILED, by);
	c->replaced = NULL;
	retire(c, by);
}

/* A call whose leg hung up in the hope of another one has none now. */
void call_replace_failed(struct call *c, const struct call_cause *cause)
{
	struct call_leg *old = c->replaced;
	struct call_cause copy = *cause;

	replace_failed(c, &copy);
	if (old->ended)
		call_end_by(c, &copy,
			    old == c->calling ? BY_CALLING : BY_CALLED);
}

static void replace_timeout(void *arg)
{
	struct call *c = arg;
	struct call_cause cause;

	call_cause_set(&cause, CAUSE_UNAVAILABLE, NULL);
	call_replace_failed(c, &cause);
}

void call_replace_answered(struct call *c)
{
	struct call_leg *old = c->replaced, *by = c->replacing;
	struct call_cause normal;

	tmr_cancel(&c->replace_timer);
	by->answered = by->up = true;
	if (old == c->calling)
		c->calling = by;
	for (size_t i = 0; i < c->called_n; i++)
		if (c->called[i] == old)
			c->called[i] = by;
	if (old == c->winner)
		c->winner = by;
	c->replacing = NULL;
	log_info("call", c->id, "leg replaced");
	replace_tell(c, CALL_REPLACE_DONE, by);
	c->replaced = NULL;
	call_cause_set(&normal, CAUSE_NORMAL, NULL);
	call_end_leg(old, &normal, false);
	retire(c, old);
}

void call_replace_give_up(struct call *c, const struct call_cause *cause)
{
	if (c->replacing)
		replace_failed(c, cause);
}

int call_replace(struct call *c, struct call_leg *old, struct call_leg *by,
		 struct call_cause *cause)
{
	int err = 0;

	call_cause_set(cause, CAUSE_WORKER_UNAVAILABLE, NULL);
	if (c->replacing)
		err = -EBUSY;
	else if (c->state != CALL_UP || !call_has_leg(c, old) || old->ended)
		err = -EINVAL;
	if (!err) {
		by->call = c;
		err = by->started ? 0 : by->ops->start(by, cause);
		by->started = true;
	}
	if (err) {
		by->ops->release(by);
		return err;
	}
	c->replaced = old;
	c->replacing = by;
	tmr_start(&c->replace_timer, c->conf.ring_timeout_ms, replace_timeout,
		  c);
	return 0;
}

void call_replace_init(struct call *c)
{
	tmr_init(&c->replace_timer);
	tmr_init(&c->retire_timer);
}

void call_replace_clear(struct call *c)
{
	tmr_cancel(&c->replace_timer);
	tmr_cancel(&c->retire_timer);
	release_retired(c);
	if (c->replacing)
		c->replacing->ops->release(c->replacing);
}
