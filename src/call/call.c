#include "call/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"

const char *call_state_name(enum call_state state)
{
	static const char *const names[] = {"new",        "calling", "ringing",
					    "connecting", "up",      "ended"};

	return names[state];
}

static void state_timeout(void *arg);

static void state_enter(struct call *c, enum call_state state)
{
	unsigned ms = 0;

	log_info("call", c->id, "%s -> %s", call_state_name(c->state),
		 call_state_name(state));
	c->state = state;
	tmr_cancel(&c->timer);
	switch (state) {
	case CALL_CALLING:
		ms = c->conf.place_timeout_ms;
		break;
	case CALL_RINGING:
		c->times.ringing = clock_wall();
		ms = c->conf.ring_timeout_ms;
		break;
	case CALL_CONNECTING:
		c->times.answered = clock_wall();
		c->times.answered_at = clock_now();
		ms = c->conf.connect_timeout_ms;
		break;
	case CALL_UP:
		c->times.up = clock_wall();
		c->times.up_at = clock_now();
		break;
	case CALL_ENDED:
		c->times.ended = clock_wall();
		break;
	default:
		break;
	}
	if (ms)
		tmr_start(&c->timer, ms, state_timeout, c);
	if (c->conf.handlers.state)
		c->conf.handlers.state(c, state, c->conf.arg);
}

void call_end_leg(struct call_leg *leg, const struct call_cause *cause,
		  bool elsewhere)
{
	if (!leg || leg->ended)
		return;
	leg->ended = true;
	leg->cause = *cause;
	if (leg->started)
		leg->ops->end(leg, cause, elsewhere);
}

static void release_legs(struct call *c)
{
	tmr_cancel(&c->timer);
	tmr_cancel(&c->release);
	call_replace_clear(c);
	for (size_t i = 0; i < c->called_n; i++)
		c->called[i]->ops->release(c->called[i]);
	c->calling->ops->release(c->calling);
}

static void call_destroy(void *arg)
{
	struct call *c = arg;

	release_legs(c);
	if (c->conf.handlers.ended)
		c->conf.handlers.ended(c, c->conf.arg);
	free(c);
}

void call_end_by(struct call *c, const struct call_cause *cause,
		 enum call_ended_by by)
{
	if (c->state == CALL_ENDED)
		return;
	call_replace_give_up(c, cause);
	c->cause = *cause;
	c->by = by;
	log_info("call", c->id, "ends: %d %s (%s, by %s)", cause->code,
		 cause->reason, cause_hop_name(cause->hop), call_ended_by(c));
	state_enter(c, CALL_ENDED);
	call_end_leg(c->calling, cause, false);
	for (size_t i = 0; i < c->called_n; i++)
		call_end_leg(c->called[i], cause, false);
	tmr_start(&c->release, 0, call_destroy, c);
}

static void state_timeout(void *arg)
{
	struct call *c = arg;
	struct call_cause cause;

	call_cause_set(&cause,
		       c->state == CALL_CONNECTING ? CAUSE_TELEGRAM_ERROR
						   : CAUSE_UNAVAILABLE,
		       "Telegram media connection failed");
	call_end_by(c, &cause, BY_GATEWAY);
}

int call_new(struct call **cp, const struct call_conf *conf,
	     struct call_leg *calling)
{
	struct call *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->conf = *conf;
	if (!c->conf.place_timeout_ms)
		c->conf.place_timeout_ms = 40000;
	if (!c->conf.device_timeout_ms)
		c->conf.device_timeout_ms = 15000;
	if (!c->conf.ring_timeout_ms)
		c->conf.ring_timeout_ms = 180000;
	if (!c->conf.connect_timeout_ms)
		c->conf.connect_timeout_ms = 25000;
	if (conf->id[0])
		memcpy(c->id, conf->id, sizeof(c->id));
	else
		random_text(c->id, 16);
	tmr_init(&c->timer);
	tmr_init(&c->release);
	call_replace_init(c);
	c->calling = calling;
	calling->call = c;
	calling->started = true;
	c->times.created = clock_wall();
	c->times.created_at = clock_now();
	state_enter(c, CALL_CALLING);
	*cp = c;
	return 0;
}

/* How much a failed leg tells the caller (behaviour 3.7): 486 and 603 before
 * other 4xx before 5xx. */
static int cause_weight(const struct call_cause *cause)
{
	if (cause->code == 486 || cause->code == 600 || cause->code == 603)
		return 3;
	return cause->code < 500 ? 2 : 1;
}

/* The most telling failure of the legs of one priority; NULL while one of them
 * is not over. */
static struct call_leg *group_failure(const struct call *c, unsigned priority)
{
	struct call_leg *best = NULL;

	for (size_t i = 0; i < c->called_n; i++) {
		struct call_leg *leg = c->called[i];

		if (leg->priority != priority)
			continue;
		if (!leg->ended)
			return NULL;
		if (!best ||
		    cause_weight(&leg->cause) > cause_weight(&best->cause))
			best = leg;
	}
	return best;
}

static bool next_priority(const struct call *c, unsigned *priority)
{
	bool found = false;

	for (size_t i = 0; i < c->called_n; i++) {
		const struct call_leg *leg = c->called[i];

		if (leg->started || (found && leg->priority >= *priority))
			continue;
		*priority = leg->priority;
		found = true;
	}
	return found;
}

static void leg_start(struct call_leg *leg)
{
	struct call_cause cause;

	leg->started = true;
	call_cause_set(&cause, CAUSE_WORKER_UNAVAILABLE, NULL);
	if (leg->ops->start(leg, &cause)) {
		leg->ended = true;
		leg->cause = cause;
	}
}

static void group_start(struct call *c, unsigned priority)
{
	if (c->state == CALL_CALLING)
		tmr_start(&c->timer, c->conf.place_timeout_ms, state_timeout,
			  c);
	for (size_t i = 0; i < c->called_n; i++)
		if (c->called[i]->priority == priority)
			leg_start(c->called[i]);
}

static void next_when_all_ended(struct call *c)
{
	struct call_cause none;

	if (!c->added_all || c->winner || c->state == CALL_ENDED)
		return;
	while (!c->called_n || (c->best = group_failure(c, c->trying))) {
		if (next_priority(c, &c->trying)) {
			group_start(c, c->trying);
		} else if (c->best) {
			call_end_by(c, &c->best->cause, BY_CALLED);
			return;
		} else {
			call_cause_set(&none, CAUSE_SIP_UNAVAILABLE, NULL);
			call_end_by(c, &none, BY_GATEWAY);
			return;
		}
	}
}

bool call_add(struct call *c, struct call_leg *called)
{
	called->call = c;
	if (c->called_n == CALLED_LEGS_MAX || c->state == CALL_ENDED) {
		called->ops->release(called);
		return false;
	}
	c->called[c->called_n++] = called;
	return true;
}

void call_added_all(struct call *c)
{
	c->added_all = true;
	if (c->state != CALL_ENDED && next_priority(c, &c->trying))
		group_start(c, c->trying);
	next_when_all_ended(c);
}

void call_end(struct call *c, const struct call_cause *cause)
{
	call_end_by(c, cause, BY_GATEWAY);
}

/* -- events ---------------------------------------------------------------- */

static bool is_called(const struct call *c, const struct call_leg *leg)
{
	return leg != c->calling;
}

void call_leg_placed(struct call_leg *leg)
{
	struct call *c = leg->call;

	if (leg->ended || leg->placed || c->state != CALL_CALLING)
		return;
	leg->placed = true;
	tmr_start(&c->timer, c->conf.device_timeout_ms, state_timeout, c);
}

void call_leg_ringing(struct call_leg *leg)
{
	struct call *c = leg->call;

	if (leg->ended || leg->ringing || !is_called(c, leg))
		return;
	leg->ringing = true;
	if (leg == c->replacing)
		call_replace_ringing(c);
	if (c->state != CALL_CALLING)
		return;
	state_enter(c, CALL_RINGING);
	c->calling->ops->ring(c->calling);
}

static void answer_calling(struct call *c)
{
	if (c->calling->answered)
		return;
	c->calling->answered = true;
	c->calling->ops->answer(c->calling);
	if (!c->calling->ops->answer_brings_media)
		c->calling->up = true;
}

static void up_when_both(struct call *c)
{
	if (c->state == CALL_CONNECTING && c->calling->up && c->winner->up)
		state_enter(c, CALL_UP);
}

void call_leg_answered(struct call_leg *leg)
{
	struct call *c = leg->call;
	struct call_cause elsewhere;

	if (leg == c->replacing && !leg->ended) {
		call_replace_answered(c);
		return;
	}
	if (leg->ended || leg->answered || !is_called(c, leg) || c->winner)
		return;
	if (c->state != CALL_CALLING && c->state != CALL_RINGING)
		return;
	leg->answered = true;
	c->winner = leg;
	call_cause_set(&elsewhere, CAUSE_NORMAL, NULL);
	for (size_t i = 0; i < c->called_n; i++)
		if (c->called[i] != leg)
			call_end_leg(c->called[i], &elsewhere, true);
	state_enter(c, CALL_CONNECTING);
	if (!leg->ops->answer_brings_media)
		leg->up = true;
	if (c->calling->ops->answer_brings_media || leg->up)
		answer_calling(c);
	up_when_both(c);
}

void call_leg_up(struct call_leg *leg)
{
	struct call *c = leg->call;

	if (leg->ended || leg->up || c->state != CALL_CONNECTING)
		return;
	leg->up = true;
	if (leg == c->winner)
		answer_calling(c);
	up_when_both(c);
}

void call_leg_ended(struct call_leg *leg, const struct call_cause *cause)
{
	struct call *c = leg->call;

	if (leg->ended)
		return;
	leg->ended = true;
	leg->cause = *cause;
	if (leg == c->replacing)
		call_replace_failed(c, cause);
	else if (leg == c->replaced)
		log_info("call", c->id, "leg gone, another is awaited");
	else if (!is_called(c, leg))
		call_end_by(c, cause, BY_CALLING);
	else if (leg == c->winner)
		call_end_by(c, cause, BY_CALLED);
	else
		next_when_all_ended(c);
}

void call_free(struct call **cp)
{
	struct call *c = *cp;

	if (!c)
		return;
	*cp = NULL;
	release_legs(c);
	free(c);
}

const char *call_id(const struct call *c)
{
	return c->id;
}

enum call_state call_state(const struct call *c)
{
	return c->state;
}

const struct call_times *call_times(const struct call *c)
{
	return &c->times;
}

const struct call_cause *call_cause(const struct call *c)
{
	return &c->cause;
}

const char *call_ended_by(const struct call *c)
{
	static const char *const names[] = {"gateway", "calling", "called"};

	return names[c->by];
}

struct call_leg *call_calling(const struct call *c)
{
	return c->calling;
}

void call_tried(const struct call *c,
		void (*each)(const struct call_leg *leg, void *arg), void *arg)
{
	for (size_t i = 0; i < c->called_n; i++)
		if (c->called[i]->started)
			each(c->called[i], arg);
}

struct call_leg *call_answered_leg(const struct call *c)
{
	return c->winner;
}

struct call_leg *call_deciding_leg(const struct call *c)
{
	return c->winner ? c->winner : c->best;
}

void *call_arg(const struct call *c)
{
	return c->conf.arg;
}
