#include "store/fixture_test.h"

#include <errno.h>

static void each_flood(const char *line, const char *word, int64_t until,
		       void *arg)
{
	struct seen *seen = arg;
	size_t n = strlen(seen->names);

	snprintf(seen->names + n, sizeof(seen->names) - n, "%s %s %lld;", line,
		 word, (long long)until);
}

static void test_flood_survives_reopening(void)
{
	struct seen seen = {.s = fresh()};
	struct store_session v = sample_session("a");
	char long_name[65];

	CHECK(seen.s);
	CHECK_INT(store_session_put(seen.s, &v), 0);
	CHECK_INT(
		store_flood_put(seen.s, "a", "calls", "FLOOD_WAIT_7", 107, 100),
		0);
	CHECK_INT(
		store_flood_put(seen.s, "a", "names", "FLOOD_WAIT_1", 102, 101),
		0);
	CHECK_INT(store_flood_put(seen.s, "b", "calls", "x", 200, 101), 0);
	CHECK(reopen(&seen.s));
	CHECK_INT(store_flood_each(seen.s, "a", each_flood, &seen), 0);
	CHECK_STR(seen.names, "calls FLOOD_WAIT_7 107;names FLOOD_WAIT_1 102;");
	/* The newest word stands; what has passed goes. */
	CHECK_INT(
		store_flood_put(seen.s, "a", "calls", "FLOOD_WAIT_9", 114, 105),
		0);
	seen.names[0] = '\0';
	CHECK_INT(store_flood_each(seen.s, "a", each_flood, &seen), 0);
	CHECK_STR(seen.names, "calls FLOOD_WAIT_9 114;");
	CHECK_INT(store_flood_put(seen.s, "a", "calls", "", 115, 115), 0);
	CHECK_INT(store_session_remove(seen.s, "b"), 0);
	seen.names[0] = '\0';
	CHECK_INT(store_flood_each(seen.s, "a", each_flood, &seen), 0);
	CHECK_INT(store_flood_each(seen.s, "b", each_flood, &seen), 0);
	CHECK_STR(seen.names, "");
	memset(long_name, 'x', 64);
	long_name[64] = '\0';
	CHECK_INT(store_flood_put(seen.s, long_name, "calls", "", 1, 0),
		  -EINVAL);
	CHECK_INT(store_flood_put(seen.s, "a", long_name, "", 1, 0), -EINVAL);
	CHECK_INT(store_flood_put(seen.s, "a", "calls", long_name, 1, 0),
		  -EINVAL);
	store_close(&seen.s);
}

int main(void)
{
	if (!fixture_open())
		return 1;
	RUN(test_flood_survives_reopening);
	return check_done();
}
