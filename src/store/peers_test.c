#include "store/fixture_test.h"

#include <errno.h>

static void test_peer_is_found_three_ways(void)
{
	struct store *s = fresh();
	struct store_peer p = peer(7000000001, "Alice_1", "99966001"), got;

	CHECK(s);
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	CHECK_INT(store_peer_by_id(s, "a", 7000000001, &got), 0);
	CHECK_INT(got.access_hash, -7000000001);
	CHECK_STR(got.username, "Alice_1");
	CHECK_STR(got.phone, "99966001");
	CHECK_STR(got.first_name, "First");
	CHECK_STR(got.last_name, "Last");
	CHECK(got.bot);
	CHECK(reopen(&s));
	CHECK_INT(store_peer_by_username(s, "a", "aLICE_1", &got), 0);
	CHECK_INT(got.user_id, 7000000001);
	CHECK_INT(store_peer_by_phone(s, "a", "99966001", &got), 0);
	CHECK_INT(got.user_id, 7000000001);
	CHECK_INT(store_peer_by_id(s, "a", 7000000002, &got), -ENOENT);
	CHECK_INT(store_peer_by_username(s, "a", "alice_", &got), -ENOENT);
	CHECK_INT(store_peer_by_phone(s, "a", "9996600", &got), -ENOENT);
	CHECK_INT(store_peer_by_id(s, "b", 7000000001, &got), -ENOENT);
	CHECK_INT(store_peer_by_username(s, "b", "alice_1", &got), -ENOENT);
	CHECK_INT(store_peer_by_phone(s, "b", "99966001", &got), -ENOENT);
	store_close(&s);
}

static void test_peer_without_username_is_not_found_by_none(void)
{
	struct store *s = fresh();
	struct store_peer p = peer(1, "", ""), q = peer(2, "", ""), got;

	CHECK(s);
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	CHECK_INT(store_peer_put(s, "a", &q), 0);
	CHECK_INT(store_peer_by_username(s, "a", "", &got), -ENOENT);
	CHECK_INT(store_peer_by_phone(s, "a", "", &got), -ENOENT);
	CHECK_INT(store_peer_by_id(s, "a", 1, &got), 0);
	CHECK_INT(store_peer_by_id(s, "a", 2, &got), 0);
	store_close(&s);
}

static void test_peer_once_met_stays_met(void)
{
	struct store *s = fresh();
	struct store_peer p = peer(1, "", ""), got;

	CHECK(s);
	CHECK_INT(store_peer_met(s, "a", 1), 0); /* nobody yet */
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	CHECK_INT(store_peer_by_id(s, "a", 1, &got), 0);
	CHECK(!got.met);
	CHECK_INT(store_peer_met(s, "a", 1), 0);
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	p.access_hash = 0;
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	CHECK_INT(store_peer_by_id(s, "a", 1, &got), 0);
	CHECK(got.met);
	p = peer(2, "", "");
	p.met = true;
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	CHECK_INT(store_peer_by_id(s, "a", 2, &got), 0);
	CHECK(got.met);
	store_close(&s);
}

static void test_peer_alias_leads_until_its_time(void)
{
	struct store *s = fresh();
	struct store_peer p = peer(1, "shown", ""), got;
	char long_value[65];

	CHECK(s);
	p.told = 1700000000;
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	CHECK_INT(store_alias_put(s, "a", "99966001", 1, 200, 100), 0);
	CHECK_INT(store_alias_put(s, "a", "Second", 1, 300, 100), 0);
	CHECK_INT(store_alias_put(s, "a", "nobody", 2, 300, 100), 0);
	CHECK(reopen(&s));
	CHECK_INT(store_peer_by_alias(s, "a", "99966001", 199, &got), 0);
	CHECK_INT(got.user_id, 1);
	CHECK_INT(got.told, 1700000000);
	CHECK_INT(store_peer_by_alias(s, "a", "sECOND", 299, &got), 0);
	CHECK_INT(store_peer_by_alias(s, "a", "99966001", 200, &got), -ENOENT);
	CHECK_INT(store_peer_by_alias(s, "a", "nobody", 199, &got), -ENOENT);
	CHECK_INT(store_peer_by_alias(s, "b", "second", 199, &got), -ENOENT);
	/* It leads elsewhere from now on; what has passed goes. */
	CHECK_INT(store_alias_put(s, "a", "second", 3, 400, 250), 0);
	CHECK_INT(store_peer_by_alias(s, "a", "second", 260, &got), -ENOENT);
	CHECK_INT(store_peer_by_alias(s, "a", "99966001", 150, &got), -ENOENT);
	memset(long_value, 'x', 64);
	long_value[64] = '\0';
	CHECK_INT(store_alias_put(s, "a", long_value, 1, 2, 1), -EINVAL);
	CHECK_INT(store_alias_put(s, "a", "", 1, 2, 1), -EINVAL);
	store_close(&s);
}

static void test_peer_is_forgotten(void)
{
	struct store *s = fresh();
	struct store_peer p = peer(1, "shown", "99966001"), got;

	CHECK(s);
	p.told = 1700000000;
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	CHECK_INT(store_alias_put(s, "a", "second", 1, 300, 100), 0);
	/* Outdated: his id still leads to him, and whoever looks knows. */
	CHECK_INT(store_peer_forget(s, "a", 1, false), 0);
	CHECK_INT(store_peer_by_alias(s, "a", "second", 200, &got), -ENOENT);
	CHECK_INT(store_peer_by_username(s, "a", "shown", &got), 0);
	CHECK_INT(got.told, 0);
	CHECK_INT(got.access_hash, -1);
	CHECK_INT(store_peer_forget(s, "a", 1, true), 0);
	CHECK_INT(store_peer_by_id(s, "a", 1, &got), -ENOENT);
	store_close(&s);
}

static void test_peer_username_and_phone_move(void)
{
	struct store *s = fresh();
	struct store_peer p = peer(1, "Name", "99966001"), got;
	struct store_peer q = peer(2, "nAME", "99966002");

	CHECK(s);
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	CHECK_INT(store_peer_put(s, "b", &p), 0);
	CHECK_INT(store_peer_put(s, "a", &q), 0);
	CHECK_INT(store_peer_by_username(s, "a", "name", &got), 0);
	CHECK_INT(got.user_id, 2);
	CHECK_INT(store_peer_by_id(s, "a", 1, &got), 0);
	CHECK_STR(got.username, "");
	CHECK_STR(got.phone, "99966001");
	strcpy(q.phone, "99966001");
	CHECK_INT(store_peer_put(s, "a", &q), 0);
	CHECK_INT(store_peer_by_phone(s, "a", "99966001", &got), 0);
	CHECK_INT(got.user_id, 2);
	CHECK_INT(store_peer_by_phone(s, "a", "99966002", &got), -ENOENT);
	CHECK_INT(store_peer_by_username(s, "b", "name", &got), 0);
	CHECK_INT(got.user_id, 1);

	/* given up, by a full description */
	q = peer(2, "", "");
	CHECK_INT(store_peer_put(s, "a", &q), 0);
	CHECK_INT(store_peer_by_username(s, "a", "name", &got), -ENOENT);
	CHECK_INT(store_peer_by_phone(s, "a", "99966001", &got), -ENOENT);
	store_close(&s);
}

static void test_peer_partial_keeps_what_is_known(void)
{
	struct store *s = fresh();
	struct store_peer p = peer(1, "name", "99966001"), got;
	struct store_peer min = {.user_id = 1, .first_name = "New"};

	CHECK(s);
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	CHECK_INT(store_peer_put(s, "a", &min), 0);
	CHECK_INT(store_peer_by_id(s, "a", 1, &got), 0);
	CHECK_INT(got.access_hash, -1);
	CHECK_STR(got.username, "name");
	CHECK_STR(got.phone, "99966001");
	CHECK_STR(got.first_name, "New");
	CHECK_STR(got.last_name, "Last");
	min.user_id = 2;
	strcpy(min.username, "NAME");
	CHECK_INT(store_peer_put(s, "a", &min), 0);
	CHECK_INT(store_peer_by_username(s, "a", "name", &got), 0);
	CHECK_INT(got.user_id, 2);
	CHECK_INT(got.access_hash, 0);
	store_close(&s);
}

int main(void)
{
	if (!fixture_open())
		return 1;
	RUN(test_peer_is_found_three_ways);
	RUN(test_peer_without_username_is_not_found_by_none);
	RUN(test_peer_once_met_stays_met);
	RUN(test_peer_alias_leads_until_its_time);
	RUN(test_peer_is_forgotten);
	RUN(test_peer_username_and_phone_move);
	RUN(test_peer_partial_keeps_what_is_known);
	return check_done();
}
