#include "telegram/flood.h"

#include <string.h>

#include "tests/check.h"

#define HOUR (3600 * USEC_S)
#define T0 (1000 * HOUR)

static void test_flood_seconds_are_read(void)
{
	CHECK_INT(flood_seconds("FLOOD_WAIT_7"), 7);
	CHECK_INT(flood_seconds("FLOOD_PREMIUM_WAIT_30"), 30);
	CHECK_INT(flood_seconds("SLOWMODE_WAIT_5"), 5);
	CHECK_INT(flood_seconds("FLOOD_WAIT_99999999999999999999"),
		  14 * 24 * 3600);
	CHECK_INT(flood_seconds("FLOOD_WAIT_"), 0);
	CHECK_INT(flood_seconds("FLOOD_WAIT_-1"), 0);
	CHECK_INT(flood_seconds("FLOOD_WAIT_7 "), 0);
	CHECK_INT(flood_seconds("FLOOD_WAIT_X"), 0);
	CHECK_INT(flood_seconds("2FA_CONFIRM_WAIT_9"), 0);
	CHECK_INT(flood_seconds(""), 0);
}

static void test_flood_wait_closes_its_line_only(void)
{
	enum flood_line closed = FLOOD_NONE;
	const char *why;
	struct flood f;

	flood_init(&f);
	CHECK(flood_told(&f, &closed, FLOOD_CALLS, "FLOOD_WAIT_7", T0));
	CHECK_INT(closed, FLOOD_CALLS);
	CHECK_INT(flood_wait_s(&f, FLOOD_CALLS, &why, T0), 7);
	CHECK_STR(why, "FLOOD_WAIT_7");
	/* Rounded up: never too early. */
	CHECK_INT(flood_wait_s(&f, FLOOD_CALLS, NULL, T0 + 6 * USEC_S + 1), 1);
	CHECK_INT(flood_wait_s(&f, FLOOD_CALLS, &why, T0 + 7 * USEC_S), 0);
	CHECK_STR(why, "");
	CHECK_INT(flood_wait_s(&f, FLOOD_NAMES, NULL, T0), 0);
	CHECK_INT(flood_wait_s(&f, FLOOD_STRANGERS, NULL, T0), 0);
	/* Nothing is closed for one request or one chat. */
	CHECK(!flood_told(&f, &closed, FLOOD_NONE, "FLOOD_WAIT_7", T0));
	CHECK(!flood_told(&f, &closed, FLOOD_MESSAGES, "SLOWMODE_WAIT_7", T0));
	CHECK(!flood_told(&f, &closed, FLOOD_MESSAGES, "PEER_FLOOD", T0));
	CHECK(!flood_told(&f, &closed, FLOOD_CALLS, "USER_IS_BLOCKED", T0));
}

static void test_flood_peer_flood_closes_new_peers_longer_each_time(void)
{
	enum flood_line closed;
	const char *why;
	usec_t at = T0;
	struct flood f;

	flood_init(&f);
	CHECK(flood_told(&f, &closed, FLOOD_CALLS, "PEER_FLOOD", at));
	CHECK_INT(closed, FLOOD_STRANGERS);
	CHECK_INT(flood_wait_s(&f, FLOOD_CALLS, NULL, at), 0);
	CHECK_INT(flood_wait_s(&f, FLOOD_STRANGERS, &why, at), 3600);
	CHECK_STR(why, "PEER_FLOOD");
	for (unsigned h = 2; h <= 16; h *= 2) {
		at += HOUR;
		CHECK(flood_told(&f, &closed, FLOOD_CALLS, "PEER_FLOOD", at));
		CHECK_INT(flood_wait_s(&f, FLOOD_STRANGERS, NULL, at),
			  h * 3600);
	}
	CHECK(flood_told(&f, &closed, FLOOD_CALLS, "PEER_FLOOD", at));
	CHECK_INT(flood_wait_s(&f, FLOOD_STRANGERS, NULL, at), 24 * 3600);
	/* A quiet day is forgiven. */
	at += 24 * HOUR;
	CHECK(flood_told(&f, &closed, FLOOD_CALLS, "PEER_FLOOD", at));
	CHECK_INT(flood_wait_s(&f, FLOOD_STRANGERS, NULL, at), 3600);
}

static void test_flood_budget_is_kept(void)
{
	const char *why;
	struct flood f;

	flood_init(&f);
	flood_budget(&f, FLOOD_STRANGERS, 3, HOUR);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(flood_wait_s(&f, FLOOD_STRANGERS, NULL, T0), 0);
		flood_spent(&f, FLOOD_STRANGERS, T0);
	}
	/* The third part of an hour gives one back. */
	CHECK_INT(flood_wait_s(&f, FLOOD_STRANGERS, &why, T0), 1200);
	CHECK_STR(why, "budget");
	CHECK_INT(flood_wait_s(&f, FLOOD_STRANGERS, NULL, T0 + HOUR / 3), 0);
	flood_spent(&f, FLOOD_STRANGERS, T0 + HOUR / 3);
	CHECK_INT(flood_wait_s(&f, FLOOD_STRANGERS, NULL, T0 + HOUR / 3), 1200);
	/* After a quiet hour all of it. */
	for (int i = 0; i < 3; i++) {
		CHECK_INT(
			flood_wait_s(&f, FLOOD_STRANGERS, NULL, T0 + 3 * HOUR),
			0);
		flood_spent(&f, FLOOD_STRANGERS, T0 + 3 * HOUR);
	}
	CHECK(flood_wait_s(&f, FLOOD_STRANGERS, NULL, T0 + 3 * HOUR));
	/* Telegram's word, when it is the longer one. */
	flood_close(&f, FLOOD_STRANGERS, "PEER_FLOOD", T0 + 9 * HOUR);
	CHECK_INT(flood_wait_s(&f, FLOOD_STRANGERS, &why, T0 + 3 * HOUR),
		  6 * 3600);
	CHECK_STR(why, "PEER_FLOOD");
	flood_budget(&f, FLOOD_STRANGERS, 0, HOUR);
	CHECK_INT(flood_wait_s(&f, FLOOD_STRANGERS, NULL, T0 + 9 * HOUR), 0);
}

static void test_flood_line_names(void)
{
	for (int i = FLOOD_NONE + 1; i < FLOOD_LINES; i++)
		CHECK_INT(flood_line_of(flood_line_name(i)), i);
	CHECK_INT(flood_line_of("none"), FLOOD_NONE);
	CHECK_INT(flood_line_of(""), FLOOD_NONE);
}

int main(void)
{
	RUN(test_flood_seconds_are_read);
	RUN(test_flood_wait_closes_its_line_only);
	RUN(test_flood_peer_flood_closes_new_peers_longer_each_time);
	RUN(test_flood_budget_is_kept);
	RUN(test_flood_line_names);
	return check_done();
}
