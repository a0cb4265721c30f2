#include "store/fixture_test.h"

struct seen_bans {
	unsigned n;
	struct store_ban last;
};

static void each_ban(const struct store_ban *ban, void *arg)
{
	struct seen_bans *seen = arg;

	seen->n++;
	seen->last = *ban;
}

static void test_store_keeps_bans_until_they_end(void)
{
	struct store_ban ban = {"192.0.2.1", 1000, 3, "403 Wrong password"};
	struct store *s = fresh();
	struct seen_bans seen = {0};

	CHECK(s);
	CHECK_INT(store_ban_put(s, &ban), 0);
	ban.until = 2000;
	CHECK_INT(store_ban_put(s, &ban), 0);
	snprintf(ban.address, sizeof(ban.address), "2001:db8::1");
	CHECK_INT(store_ban_put(s, &ban), 0);
	CHECK_INT(store_ban_remove(s, "2001:db8::1"), 0);
	store_close(&s);
	CHECK_INT(store_open(&s, path, &why), 0);
	CHECK_INT(store_ban_each(s, 1999, each_ban, &seen), 0);
	CHECK_INT(seen.n, 1);
	CHECK_STR(seen.last.address, "192.0.2.1");
	CHECK_STR(seen.last.reason, "403 Wrong password");
	CHECK(seen.last.until == 2000 && seen.last.times == 3);
	CHECK_INT(store_ban_each(s, 2000, each_ban, &seen), 0);
	CHECK_INT(seen.n, 1);
	CHECK_INT(store_ban_each(s, 0, each_ban, &seen), 0);
	CHECK_INT(seen.n, 1); /* forgotten, not only passed over */
	store_close(&s);
}

int main(void)
{
	if (!fixture_open())
		return 1;
	RUN(test_store_keeps_bans_until_they_end);
	return check_done();
}
