#include "store/fixture_test.h"

#include <errno.h>

static void each_subscription(const struct store_subscription *v, void *arg)
{
	(*(int *)arg)++;
}

static void test_store_keeps_subscriptions_and_their_use(void)
{
	struct store_subscription v = {"gold", 5000, 2, 600, 10, 7}, w;
	struct store *s = fresh();
	int64_t n;
	int count = 0;

	CHECK(s);
	CHECK_INT(store_subscription_get(s, "gold", &w), -ENOENT);
	CHECK_INT(store_subscription_put(s, &v), 0);
	CHECK_INT(store_subscription_use(s, "gold", 33), 0);
	CHECK_INT(store_subscription_use(s, "silver", 33), 0);
	CHECK_INT(store_subscription_get(s, "gold", &w), 0);
	v.seconds_used = 40;
	CHECK(memcmp(&v, &w, sizeof(v)) == 0);
	CHECK_INT(store_subscription_each(s, each_subscription, &count), 0);
	CHECK_INT(count, 1);
	CHECK_INT(store_fail_put(s, "gold", 100, 0), 0);
	CHECK_INT(store_fail_put(s, "gold", 200, 0), 0);
	CHECK_INT(store_fail_put(s, "silver", 200, 0), 0);
	CHECK_INT(store_fails(s, "gold", 100, &n), 0);
	CHECK_INT(n, 2);
	CHECK_INT(store_fails(s, "gold", 101, &n), 0);
	CHECK_INT(n, 1);
	CHECK_INT(store_fail_put(s, "gold", 300, 150), 0);
	CHECK_INT(store_fails(s, "gold", 0, &n), 0);
	CHECK_INT(n, 2); /* the one of 100 is forgotten */
	CHECK_INT(store_subscription_remove(s, "gold"), 0);
	CHECK_INT(store_subscription_get(s, "gold", &w), -ENOENT);
	CHECK_INT(store_fails(s, "gold", 0, &n), 0);
	CHECK_INT(n, 0);
	store_close(&s);
}

int main(void)
{
	if (!fixture_open())
		return 1;
	RUN(test_store_keeps_subscriptions_and_their_use);
	return check_done();
}
