#include "call/fixture_test.h"

#include <errno.h>

/* A call from a PBX that is up, and what it told. */
struct stage {
	struct fake_leg sip, telegram, by;
	struct call *call;
	struct call_cause cause;
	int told[3];
	bool old_was_there; /* not ended when the end was told */
	int ended;
	struct call_cause last;
	char last_by[16];
};

static void on_replacing(struct call *c, enum call_replacing event,
			 struct call_leg *old, struct call_leg *by, void *arg)
{
	struct stage *s = arg;

	CHECK(by == &s->by.leg);
	s->told[event]++;
	s->old_was_there = ((struct fake_leg *)old)->ends == 0;
}

static void on_ended(struct call *c, void *arg)
{
	struct stage *s = arg;

	s->ended++;
	s->last = *call_cause(c);
	strcpy(s->last_by, call_ended_by(c));
	re_cancel();
}

static void open_call(struct stage *s, unsigned ring_ms)
{
	struct call_conf conf = {
		.ring_timeout_ms = ring_ms,
		.handlers = {.replacing = on_replacing, .ended = on_ended},
		.arg = s};

	*s = (struct stage){.sip.leg.ops = &sip_ops,
			    .telegram.leg.ops = &sip_ops,
			    .by.leg.ops = &sip_ops};
	CHECK_INT(call_new(&s->call, &conf, &s->sip.leg), 0);
	call_add(s->call, &s->telegram.leg);
	call_added_all(s->call);
	call_leg_answered(&s->telegram.leg);
	CHECK_INT(call_state(s->call), CALL_UP);
}

static int replace(struct stage *s, struct fake_leg *old)
{
	return call_replace(s->call, &old->leg, &s->by.leg, &s->cause);
}

/* The call ends by `leg`; all is released once. */
static void close_call(struct stage *s, struct fake_leg *leg)
{
	call_cause_set(&s->cause, CAUSE_NORMAL, NULL);
	call_leg_ended(&leg->leg, &s->cause);
	loop_until_cancelled();
	CHECK_INT(s->ended, 1);
	CHECK_INT(s->sip.releases, 1);
	CHECK_INT(s->telegram.releases, 1);
	CHECK_INT(s->by.releases, 1);
}

static void test_replace_swaps_a_leg_when_it_answers(void)
{
	struct stage s;

	open_call(&s, 0);
	CHECK_INT(replace(&s, &s.sip), 0);
	CHECK_INT(s.by.starts, 1);
	CHECK(call_has_leg(s.call, &s.sip.leg));
	call_leg_placed(&s.by.leg);
	call_leg_ringing(&s.by.leg);
	call_leg_ringing(&s.by.leg);
	CHECK_INT(s.told[CALL_REPLACE_RINGING], 1);
	CHECK_INT(call_state(s.call), CALL_UP);
	call_leg_answered(&s.by.leg);
	CHECK_INT(s.told[CALL_REPLACE_DONE], 1);
	CHECK(s.old_was_there);
	CHECK_INT(s.sip.ends, 1);
	CHECK_INT(s.sip.end_code, 200);
	CHECK(call_calling(s.call) == &s.by.leg);
	CHECK(!call_has_leg(s.call, &s.sip.leg));
	CHECK_INT(call_state(s.call), CALL_UP);
	close_call(&s, &s.by);
	CHECK_STR(s.last_by, "calling");
	CHECK_INT(s.telegram.ends, 1);
}

static void test_replace_of_the_called_leg(void)
{
	struct stage s;

	open_call(&s, 0);
	CHECK_INT(replace(&s, &s.telegram), 0);
	call_leg_answered(&s.by.leg);
	CHECK(call_answered_leg(s.call) == &s.by.leg);
	CHECK_INT(s.telegram.ends, 1);
	close_call(&s, &s.by);
	CHECK_STR(s.last_by, "called");
}

static void test_replace_that_fails_changes_nothing(void)
{
	struct stage s;
	struct call_cause busy;

	open_call(&s, 0);
	CHECK_INT(replace(&s, &s.sip), 0);
	call_cause_remote(&busy, 486, "Busy Here");
	call_leg_ended(&s.by.leg, &busy);
	CHECK_INT(s.told[CALL_REPLACE_FAILED], 1);
	CHECK_INT(s.by.leg.cause.code, 486);
	CHECK_INT(s.by.ends + s.sip.ends, 0);
	CHECK(call_calling(s.call) == &s.sip.leg);
	CHECK_INT(call_state(s.call), CALL_UP);
	close_call(&s, &s.sip);
}

static void test_replace_that_cannot_start_is_released(void)
{
	struct stage s;

	open_call(&s, 0);
	s.by.start_result = -ENOTCONN;
	CHECK_INT(replace(&s, &s.sip), -ENOTCONN);
	CHECK_INT(s.cause.code, 503);
	CHECK_INT(s.told[CALL_REPLACE_FAILED], 0);
	close_call(&s, &s.telegram);
}

static void test_replace_one_at_a_time_of_running_legs(void)
{
	struct stage s;
	struct fake_leg other = {.leg.ops = &sip_ops};

	open_call(&s, 0);
	CHECK_INT(call_replace(s.call, &other.leg, &s.by.leg, &s.cause),
		  -EINVAL);
	CHECK_INT(s.by.releases, 1);
	s.by.releases = 0;
	CHECK_INT(replace(&s, &s.sip), 0);
	CHECK_INT(call_replace(s.call, &s.sip.leg, &other.leg, &s.cause),
		  -EBUSY);
	CHECK_INT(other.releases, 1);
	CHECK_INT(other.starts, 0);
	close_call(&s, &s.telegram);
}

static void test_replace_outlives_the_leg_that_hangs_up(void)
{
	struct stage s;
	struct call_cause normal;

	open_call(&s, 0);
	call_cause_set(&normal, CAUSE_NORMAL, NULL);
	CHECK_INT(replace(&s, &s.sip), 0);
	call_leg_ended(&s.sip.leg, &normal);
	CHECK_INT(call_state(s.call), CALL_UP);
	call_leg_answered(&s.by.leg);
	CHECK_INT(s.sip.ends, 0);
	close_call(&s, &s.by);
	/* And when that leads nowhere, the call is over. */
	open_call(&s, 0);
	CHECK_INT(replace(&s, &s.sip), 0);
	call_leg_ended(&s.sip.leg, &normal);
	call_cause_remote(&normal, 404, "Not Found");
	call_leg_ended(&s.by.leg, &normal);
	loop_until_cancelled();
	CHECK_INT(s.ended, 1);
	CHECK_INT(s.last.code, 404);
	CHECK_STR(s.last_by, "calling");
	CHECK_INT(s.telegram.ends, 1);
}

static void test_replace_is_given_up_when_the_call_ends(void)
{
	struct stage s;

	open_call(&s, 0);
	CHECK_INT(replace(&s, &s.sip), 0);
	close_call(&s, &s.telegram);
	CHECK_INT(s.told[CALL_REPLACE_FAILED], 1);
	CHECK(s.old_was_there);
	CHECK_INT(s.by.ends, 1);
	CHECK_INT(s.sip.ends, 1);
}

static bool has_failed(void *arg)
{
	return ((struct stage *)arg)->told[CALL_REPLACE_FAILED] > 0;
}

static void test_replace_nobody_answers(void)
{
	struct stage s;

	open_call(&s, 10);
	CHECK_INT(replace(&s, &s.sip), 0);
	CHECK(loop_until(has_failed, &s));
	CHECK_INT(s.by.ends, 1);
	CHECK_INT(s.by.leg.cause.code, 480);
	CHECK_INT(call_state(s.call), CALL_UP);
	close_call(&s, &s.sip);
}

static void test_replace_is_dropped_with_its_call(void)
{
	struct stage s;

	open_call(&s, 0);
	CHECK_INT(replace(&s, &s.sip), 0);
	call_free(&s.call);
	CHECK_INT(s.sip.releases + s.telegram.releases + s.by.releases, 3);
	CHECK_INT(s.by.ends, 0);
}

int main(void)
{
	if (libre_init())
		return 1;
	RUN(test_replace_swaps_a_leg_when_it_answers);
	RUN(test_replace_of_the_called_leg);
	RUN(test_replace_that_fails_changes_nothing);
	RUN(test_replace_that_cannot_start_is_released);
	RUN(test_replace_one_at_a_time_of_running_legs);
	RUN(test_replace_outlives_the_leg_that_hangs_up);
	RUN(test_replace_is_given_up_when_the_call_ends);
	RUN(test_replace_nobody_answers);
	RUN(test_replace_is_dropped_with_its_call);
	libre_close();
	return check_done();
}
