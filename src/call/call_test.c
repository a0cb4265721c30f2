#include "call/fixture_test.h"

#include <errno.h>

static int ended_calls;
static struct call_cause last_cause;
static char last_by[16];

static void on_ended(struct call *c, void *arg)
{
	ended_calls++;
	last_cause = *call_cause(c);
	strcpy(last_by, call_ended_by(c));
	re_cancel();
}

static struct call *make(struct fake_leg *calling, unsigned device_ms)
{
	struct call_conf conf = {.device_timeout_ms = device_ms,
				 .handlers = {.ended = on_ended}};
	struct call *c = NULL;

	ended_calls = 0;
	call_new(&c, &conf, &calling->leg);
	return c;
}

static void test_call_is_dropped_without_a_word(void)
{
	struct fake_leg a = {.leg.ops = &sip_ops};
	struct fake_leg b = {.leg.ops = &telegram_ops};
	struct call *c = make(&a, 1000);
	struct call_cause cause;

	call_add(c, &b.leg);
	call_free(&c);
	CHECK(!c);
	CHECK_INT(a.releases + b.releases, 2);
	CHECK_INT(a.ends + b.ends, 0);
	CHECK_INT(ended_calls, 0);
	call_free(&c);
	/* Likewise one that has ended and waits to be released. */
	c = make(&a, 1000);
	call_cause_set(&cause, CAUSE_NORMAL, NULL);
	call_end(c, &cause);
	call_free(&c);
	CHECK_INT(a.ends, 1);
	CHECK_INT(a.releases, 2);
	CHECK_INT(ended_calls, 0);
}

static void test_call_sip_is_answered_only_when_media_is_up(void)
{
	struct fake_leg a = {.leg.ops = &sip_ops};
	struct fake_leg b = {.leg.ops = &telegram_ops};
	struct call *c = make(&a, 0);
	struct call_cause cause;

	call_add(c, &b.leg);
	call_added_all(c);
	call_leg_ringing(&b.leg);
	call_leg_ringing(&b.leg);
	CHECK_INT(a.rings, 1);
	call_leg_answered(&b.leg);
	CHECK_INT(a.answers, 0);
	CHECK_INT(call_state(c), CALL_CONNECTING);
	call_leg_up(&b.leg);
	CHECK_INT(a.answers, 1);
	CHECK_INT(call_state(c), CALL_UP);
	call_cause_set(&cause, CAUSE_NORMAL, NULL);
	call_leg_ended(&a.leg, &cause);
	loop_until_cancelled();
	CHECK_INT(ended_calls, 1);
	CHECK_STR(last_by, "calling");
	CHECK(b.ends == 1 && a.ends == 0);
	CHECK(a.releases == 1 && b.releases == 1);
}

static void test_call_telegram_is_accepted_when_sip_answers(void)
{
	struct fake_leg a = {.leg.ops = &telegram_ops};
	struct fake_leg b = {.leg.ops = &sip_ops};
	struct call *c = make(&a, 0);
	struct call_cause cause;

	call_add(c, &b.leg);
	call_added_all(c);
	call_leg_answered(&b.leg);
	CHECK_INT(a.answers, 1);
	CHECK_INT(call_state(c), CALL_CONNECTING);
	call_leg_up(&a.leg);
	CHECK_INT(call_state(c), CALL_UP);
	call_cause_set(&cause, CAUSE_NORMAL, NULL);
	call_leg_ended(&b.leg, &cause);
	loop_until_cancelled();
	CHECK_STR(last_by, "called");
	CHECK_INT(a.ends, 1);
}

static void test_call_fork_first_answer_wins(void)
{
	struct fake_leg a = {.leg.ops = &telegram_ops};
	struct fake_leg b1 = {.leg.ops = &sip_ops}, b2 = {.leg.ops = &sip_ops};
	struct call *c = make(&a, 0);
	struct call_cause cause;

	call_add(c, &b1.leg);
	call_add(c, &b2.leg);
	call_added_all(c);
	call_leg_ringing(&b1.leg);
	call_leg_answered(&b2.leg);
	CHECK(b1.ends == 1 && b1.elsewhere);
	CHECK_INT(b2.ends, 0);
	call_leg_answered(&b1.leg);
	CHECK(call_answered_leg(c) == &b2.leg);
	call_cause_set(&cause, CAUSE_CANCELLED, NULL);
	call_end(c, &cause);
	loop_until_cancelled();
	CHECK_STR(last_by, "gateway");
	CHECK_INT(last_cause.code, 487);
}

static void test_call_all_failed_reports_the_telling_cause(void)
{
	struct fake_leg a = {.leg.ops = &telegram_ops};
	struct fake_leg b1 = {.leg.ops = &sip_ops}, b2 = {.leg.ops = &sip_ops};
	struct fake_leg b3 = {.leg.ops = &sip_ops, .start_result = -ENOTCONN};
	struct call *c = make(&a, 0);
	struct call_cause cause;

	call_add(c, &b1.leg);
	call_add(c, &b2.leg);
	call_add(c, &b3.leg);
	call_added_all(c);
	call_cause_remote(&cause, 486, "Busy Here");
	call_leg_ended(&b1.leg, &cause);
	CHECK_INT(a.ends, 0);
	call_cause_remote(&cause, 500, "Internal Server Error");
	call_leg_ended(&b2.leg, &cause);
	CHECK_INT(a.ends, 1);
	CHECK_INT(a.end_code, 486);
	loop_until_cancelled();
	CHECK_INT(last_cause.code, 486);
	CHECK(last_cause.remote);
}

/* Behaviour 3.7: the next number only after all of the one before failed. */
static void test_call_next_priority_starts_when_one_has_failed(void)
{
	struct fake_leg a = {.leg.ops = &telegram_ops};
	struct fake_leg last = {.leg = {.ops = &sip_ops, .priority = 9}};
	struct fake_leg b1 = {.leg.ops = &sip_ops}, b2 = {.leg.ops = &sip_ops};
	struct fake_leg gone = {.leg = {.ops = &sip_ops, .priority = 2},
				.start_result = -ENOTCONN};
	struct call *c = make(&a, 0);
	struct call_cause cause;

	call_add(c, &last.leg);
	call_add(c, &b1.leg);
	call_add(c, &gone.leg);
	call_add(c, &b2.leg);
	CHECK_INT(b1.starts, 0);
	call_added_all(c);
	CHECK(b1.starts == 1 && b2.starts == 1 && !last.starts);
	call_cause_remote(&cause, 486, "Busy Here");
	call_leg_ended(&b1.leg, &cause);
	CHECK(!gone.starts && !last.starts);
	call_leg_ended(&b2.leg, &cause);
	/* One that cannot start counts as failed. */
	CHECK(gone.starts == 1 && last.starts == 1);
	CHECK_INT(a.ends, 0);
	call_cause_remote(&cause, 404, "Not Found");
	call_leg_ended(&last.leg, &cause);
	loop_until_cancelled();
	/* Of the last number tried, whatever the others said. */
	CHECK_INT(last_cause.code, 404);
	CHECK_STR(last_by, "called");
}

static void test_call_answered_early_leaves_later_priorities_alone(void)
{
	struct fake_leg a = {.leg.ops = &telegram_ops};
	struct fake_leg b = {.leg.ops = &sip_ops};
	struct fake_leg later = {.leg = {.ops = &sip_ops, .priority = 1}};
	struct call *c = make(&a, 0);
	struct call_cause cause;

	call_add(c, &b.leg);
	call_add(c, &later.leg);
	call_added_all(c);
	call_leg_answered(&b.leg);
	call_cause_set(&cause, CAUSE_NORMAL, NULL);
	call_leg_ended(&b.leg, &cause);
	loop_until_cancelled();
	CHECK_INT(last_cause.code, 200);
	/* Never started, so not ended; but released. */
	CHECK(!later.starts && !later.ends && later.releases == 1);
}

static void test_call_without_targets_is_unavailable(void)
{
	struct fake_leg a = {.leg.ops = &telegram_ops};
	struct call *c = make(&a, 0);

	call_added_all(c);
	loop_until_cancelled();
	CHECK_INT(last_cause.code, 503);
	CHECK_STR(last_cause.reason, "SIP account is unavailable");
}

static void test_call_no_device_times_out_with_480(void)
{
	struct fake_leg a = {.leg.ops = &sip_ops};
	struct fake_leg b = {.leg.ops = &telegram_ops};
	struct call *c = make(&a, 20);

	call_add(c, &b.leg);
	call_added_all(c);
	call_leg_placed(&b.leg);
	loop_until_cancelled();
	CHECK_INT(ended_calls, 1);
	CHECK_INT(last_cause.code, 480);
	CHECK_STR(last_cause.reason, "Temporarily Unavailable");
	CHECK(a.ends == 1 && b.ends == 1);
}

static void test_cause_telegram_errors(void)
{
	static const struct {
		int code;
		const char *text;
		int sip;
		const char *reason;
	} rows[] = {
		{403, "USER_PRIVACY_RESTRICTED", 403,
		 "USER_PRIVACY_RESTRICTED"},
		{400, "USERNAME_NOT_OCCUPIED", 404, "USERNAME_NOT_OCCUPIED"},
		{400, "PHONE_NOT_OCCUPIED", 404, "Not Found"},
		{400, "PEER_ID_INVALID", 470, "Anonymous user"},
		{420, "FLOOD_WAIT_67", 503,
		 "Too Many Requests: retry after 67"},
		{420, "FLOOD_PREMIUM_WAIT_9", 503,
		 "Too Many Requests: retry after 9"},
		{429, "Too Many Requests: retry after 8", 503,
		 "Too Many Requests: retry after 8"},
		{420, "FROZEN_METHOD_INVALID", 500, "FROZEN_METHOD_INVALID"},
		{400, "PEER_FLOOD", 503, "PEER_FLOOD"},
		{408, "TIMEOUT", 408, "Timeout of waiting RPC result"},
		{401, "SESSION_REVOKED", 503, "Session is not running"},
		{500, "PARTICIPANT_CALL_FAILED\r\nX: y", 500,
		 "PARTICIPANT_CALL_FAILEDX: y"},
	};
	struct call_cause c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		call_cause_telegram_error(&c, rows[i].code, rows[i].text);
		CHECK_INT(c.code, rows[i].sip);
		CHECK_STR(c.reason, rows[i].reason);
	}
	call_cause_telegram_error(&c, 420, "FLOOD_WAIT_67");
	CHECK_INT(c.retry_after_s, 67);
}

static void test_cause_decline_and_busy_differ_by_ringing(void)
{
	struct call_cause c;

	call_cause_telegram_discard(&c, "busy", true, false);
	CHECK_STR(c.reason, "User declined the call");
	call_cause_telegram_discard(&c, "busy", false, false);
	CHECK_STR(c.reason, "Busy Here");
	call_cause_telegram_discard(&c, "missed", true, false);
	CHECK_INT(c.code, 480);
	call_cause_telegram_discard(&c, "hangup", true, true);
	CHECK_INT(c.code, 200);
	call_cause_telegram_discard(&c, "disconnect", true, true);
	CHECK_INT(c.code, 500);
	CHECK_STR(c.reason, "Telegram media connection failed");
}

/* The other end gave the call up before there were any media. */
static void test_cause_disconnect_before_media_is_telegrams_own(void)
{
	struct call_cause c;

	call_cause_telegram_discard(&c, "disconnect", true, false);
	CHECK_INT(c.code, 500);
	CHECK_STR(c.reason, "Disconnect");
	CHECK(c.remote);
}

static void test_call_that_is_never_placed_times_out(void)
{
	struct fake_leg a = {.leg.ops = &sip_ops};
	struct fake_leg b = {.leg.ops = &telegram_ops};
	struct call_conf conf = {.place_timeout_ms = 20,
				 .handlers = {.ended = on_ended}};
	struct call *c = NULL;

	ended_calls = 0;
	CHECK_INT(call_new(&c, &conf, &a.leg), 0);
	call_add(c, &b.leg);
	call_added_all(c);
	loop_until_cancelled();
	CHECK_INT(ended_calls, 1);
	CHECK_INT(last_cause.code, 480);
}

int main(void)
{
	if (libre_init())
		return 1;
	RUN(test_call_is_dropped_without_a_word);
	RUN(test_call_sip_is_answered_only_when_media_is_up);
	RUN(test_call_telegram_is_accepted_when_sip_answers);
	RUN(test_call_fork_first_answer_wins);
	RUN(test_call_all_failed_reports_the_telling_cause);
	RUN(test_call_next_priority_starts_when_one_has_failed);
	RUN(test_call_answered_early_leaves_later_priorities_alone);
	RUN(test_call_without_targets_is_unavailable);
	RUN(test_call_no_device_times_out_with_480);
	RUN(test_call_that_is_never_placed_times_out);
	RUN(test_cause_telegram_errors);
	RUN(test_cause_decline_and_busy_differ_by_ringing);
	RUN(test_cause_disconnect_before_media_is_telegrams_own);
	libre_close();
	return check_done();
}
