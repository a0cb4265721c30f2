#include "store/fixture_test.h"

#include <errno.h>

static void test_session_survives_reopening(void)
{
	struct store *s = fresh();
	struct store_session v = sample_session("a"), got;

	CHECK(s);
	CHECK_INT(store_session_get(s, "a", &got), -ENOENT);
	CHECK_INT(store_session_put(s, &v), 0);
	CHECK_INT(store_session_get(s, "a", &got), 0);
	CHECK(reopen(&s));
	memset(&got, 1, sizeof(got));
	CHECK_INT(store_session_get(s, "a", &got), 0);
	CHECK_STR(got.name, "a");
	CHECK_INT(got.dc_id, 4);
	CHECK_INT(got.key_sealed_n, sizeof(v.key_sealed));
	CHECK_MEM(got.key_sealed, v.key_sealed, sizeof(v.key_sealed));
	CHECK_INT(got.salt, INT64_MIN);
	CHECK_INT(got.time_diff, -7);
	CHECK(got.logged_in);
	CHECK_STR(got.dead_reason, "");
	CHECK_INT(got.dead_since, 1700000001);
	CHECK_INT(got.frozen_since, 1700000002);
	CHECK_INT(got.user_id, 7000000001);
	CHECK_STR(got.phone, "99966000");
	CHECK_STR(got.username, "Office");
	CHECK_STR(got.first_name, "\xd0\x96");
	CHECK_STR(got.last_name, "'; DROP TABLE peers");
	CHECK_INT(got.pts, 1);
	CHECK_INT(got.qts, 2);
	CHECK_INT(got.date, 1700000000);
	CHECK_INT(got.seq, -1);
	store_close(&s);
}

static void test_session_put_replaces(void)
{
	struct store *s = fresh();
	struct store_session v = sample_session("a"), got;

	CHECK(s);
	CHECK_INT(store_session_put(s, &v), 0);
	v.key_sealed_n = 0;
	v.logged_in = false;
	strcpy(v.dead_reason, "AUTH_KEY_UNREGISTERED");
	CHECK_INT(store_session_put(s, &v), 0);
	CHECK_INT(store_session_get(s, "a", &got), 0);
	CHECK_INT(got.key_sealed_n, 0);
	CHECK(!got.logged_in);
	CHECK_STR(got.dead_reason, "AUTH_KEY_UNREGISTERED");
	v.key_sealed_n = sizeof(v.key_sealed) + 1;
	CHECK_INT(store_session_put(s, &v), -EINVAL);
	v = sample_session("");
	CHECK_INT(store_session_put(s, &v), -EINVAL);
	store_close(&s);
}

static void test_session_updates_touch_only_the_state(void)
{
	struct store *s = fresh();
	struct store_session v = sample_session("a"), got;

	CHECK(s);
	CHECK_INT(store_session_put(s, &v), 0);
	CHECK_INT(store_session_updates(s, "a", 10, 20, 30, 40), 0);
	CHECK_INT(store_session_updates(s, "b", 10, 20, 30, 40), 0);
	CHECK_INT(store_session_get(s, "a", &got), 0);
	CHECK_INT(got.pts, 10);
	CHECK_INT(got.qts, 20);
	CHECK_INT(got.date, 30);
	CHECK_INT(got.seq, 40);
	CHECK_INT(got.user_id, v.user_id);
	CHECK_INT(store_session_get(s, "b", &got), -ENOENT);
	store_close(&s);
}

static void each_removes(const struct store_session *v, void *arg)
{
	struct seen *seen = arg;

	strcat(seen->names, v->name);
	(void)store_session_remove(seen->s, "b");
	(void)store_session_remove(seen->s, v->name);
}

static void test_session_each_may_change_the_store(void)
{
	struct seen seen = {.s = fresh()};
	struct store_session v;

	CHECK(seen.s);
	for (const char *name = "cab"; *name; name++) {
		v = sample_session((char[]){*name, '\0'});
		CHECK_INT(store_session_put(seen.s, &v), 0);
	}
	CHECK_INT(store_session_each(seen.s, each_removes, &seen), 0);
	CHECK_STR(seen.names, "ac");
	seen.names[0] = '\0';
	CHECK_INT(store_session_each(seen.s, each_removes, &seen), 0);
	CHECK_STR(seen.names, "");
	store_close(&seen.s);
}

static void test_session_remove_takes_its_peers(void)
{
	struct store *s = fresh();
	struct store_session v = sample_session("a");
	struct store_peer p = {.user_id = 5, .access_hash = 1}, got;

	CHECK(s);
	CHECK_INT(store_session_put(s, &v), 0);
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	CHECK_INT(store_peer_put(s, "b", &p), 0);
	CHECK_INT(store_session_remove(s, "a"), 0);
	CHECK_INT(store_peer_by_id(s, "a", 5, &got), -ENOENT);
	CHECK_INT(store_peer_by_id(s, "b", 5, &got), 0);
	CHECK_INT(store_session_get(s, "a", &v), -ENOENT);
	store_close(&s);
}

int main(void)
{
	if (!fixture_open())
		return 1;
	RUN(test_session_survives_reopening);
	RUN(test_session_put_replaces);
	RUN(test_session_updates_touch_only_the_state);
	RUN(test_session_each_may_change_the_store);
	RUN(test_session_remove_takes_its_peers);
	return check_done();
}
