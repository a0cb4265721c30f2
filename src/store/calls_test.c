#include "store/fixture_test.h"

static void each_call(const char *call_id, const char *json, void *arg)
{
	struct seen *seen = arg;

	strcat(strcat(strcat(seen->names, call_id), json), ";");
	(void)store_call_remove(seen->s, call_id);
}

static void test_call_is_kept_until_removed(void)
{
	struct seen seen = {.s = fresh()};

	CHECK(seen.s);
	CHECK_INT(store_call_put(seen.s, "2", "{}"), 0);
	CHECK_INT(store_call_put(seen.s, "1", ""), 0);
	CHECK_INT(store_call_put(seen.s, "3", "{\"a\":1}"), 0);
	CHECK_INT(store_call_remove(seen.s, "3"), 0);
	CHECK_INT(store_call_put(seen.s, "2", "{\"b\":2}"), 0);
	CHECK(reopen(&seen.s));
	CHECK_INT(store_call_each(seen.s, each_call, &seen), 0);
	CHECK_STR(seen.names, "2{\"b\":2};1;");
	seen.names[0] = '\0';
	CHECK_INT(store_call_each(seen.s, each_call, &seen), 0);
	CHECK_STR(seen.names, "");
	store_close(&seen.s);
}

int main(void)
{
	if (!fixture_open())
		return 1;
	RUN(test_call_is_kept_until_removed);
	return check_done();
}
