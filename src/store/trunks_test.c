#include "store/fixture_test.h"

#include <errno.h>

struct seen_trunks {
	int n;
	struct store_trunk last;
};

static void each_trunk(const struct store_trunk *t, void *arg)
{
	struct seen_trunks *seen = arg;

	seen->n++;
	seen->last = *t;
}

static void test_store_keeps_trunks(void)
{
	struct store_trunk t = {.name = "a",
				.owner = "anna",
				.enabled = true,
				.lines = 3,
				.subscription = "gold",
				.settings = "{\"kind\":\"ip\"}",
				.secrets = {1, 0, 255},
				.secrets_n = 3};
	struct seen_trunks seen = {0};
	struct store *s = fresh();

	CHECK(s);
	CHECK_INT(store_trunk_put(s, &t), 0);
	strcpy(t.name, "b");
	CHECK_INT(store_trunk_put(s, &t), 0);
	t.enabled = false;
	CHECK_INT(store_trunk_put(s, &t), 0);
	CHECK_INT(store_trunk_remove(s, "a"), 0);
	store_close(&s);
	CHECK_INT(store_open(&s, path, &why), 0);
	CHECK_INT(store_trunk_each(s, each_trunk, &seen), 0);
	CHECK_INT(seen.n, 1);
	CHECK(memcmp(&seen.last, &t, sizeof(t)) == 0);
	t.secrets_n = sizeof(t.secrets) + 1;
	CHECK_INT(store_trunk_put(s, &t), -EINVAL);
	CHECK_INT(store_status(s), 0);
	store_close(&s);
}

int main(void)
{
	if (!fixture_open())
		return 1;
	RUN(test_store_keeps_trunks);
	return check_done();
}
