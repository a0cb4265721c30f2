#include "manager/said.h"

#include <stdio.h>

#include "tests/check.h"

#define NOW (1000 * USEC_S)

static struct list all;

static void say(const char *user, const char *number, usec_t now)
{
	json_t *numbers = json_pack("{ss}", "pbx", number);

	said_put(&all, "office", user, numbers, now);
	json_decref(numbers);
}

/* The number is in static memory; NULL: nothing was said. */
static const char *taken(const char *session, const char *user, usec_t now)
{
	static char number[32];
	json_t *numbers = said_take(&all, session, user, now);

	if (!numbers)
		return NULL;
	snprintf(number, sizeof(number), "%s",
		 json_string_value(json_object_get(numbers, "pbx")));
	json_decref(numbers);
	return number;
}

static void test_said_is_for_the_next_call_only(void)
{
	say("7", "101", NOW);
	say("8", "102", NOW);
	CHECK(!taken("home", "7", NOW));
	CHECK_STR(taken("office", "7", NOW), "101");
	CHECK(!taken("office", "7", NOW));
	CHECK_STR(taken("office", "8", NOW), "102");
}

static void test_said_last_counts(void)
{
	say("7", "101", NOW);
	say("7", "102", NOW + 1);
	CHECK_STR(taken("office", "7", NOW + 2), "102");
	CHECK(!taken("office", "7", NOW + 2));
}

static void test_said_is_forgotten_after_five_minutes(void)
{
	say("7", "101", NOW);
	say("8", "102", NOW);
	CHECK_STR(taken("office", "7", NOW + 300 * USEC_S - 1), "101");
	CHECK(!taken("office", "8", NOW + 300 * USEC_S));
	CHECK_INT(list_count(&all), 0);
}

static void test_said_is_bounded(void)
{
	char user[24];

	for (int i = 0; i < 5000; i++) {
		snprintf(user, sizeof(user), "%d", i);
		say(user, "1", NOW);
	}
	CHECK_INT(list_count(&all), 4096);
	CHECK(!taken("office", "0", NOW));
	CHECK_STR(taken("office", "4999", NOW), "1");
	list_flush(&all);
}

int main(void)
{
	RUN(test_said_is_for_the_next_call_only);
	RUN(test_said_last_counts);
	RUN(test_said_is_forgotten_after_five_minutes);
	RUN(test_said_is_bounded);
	return check_done();
}
