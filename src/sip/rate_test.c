#include "sip/rate.h"

#include "tests/check.h"

#define NOW (1000 * USEC_S)

static struct sa address(unsigned i)
{
	struct sa sa;

	sa_init(&sa, AF_INET);
	sa_set_in(&sa, 0x0a000000u + i, (uint16_t)(1000 + i));
	return sa;
}

/* How many of n at once pass. */
static unsigned burst(struct rates *r, unsigned of, unsigned n, usec_t now)
{
	struct sa sa = address(of);
	unsigned passed = 0;

	while (n--)
		passed += rates_take(r, &sa, now) == RATE_WITHIN;
	return passed;
}

static void test_rate_lets_two_seconds_worth_pass_at_once(void)
{
	struct rates *r = NULL;

	CHECK_INT(rates_new(&r, 10), 0);
	CHECK_INT(burst(r, 1, 100, NOW), 20);
	CHECK_INT(burst(r, 2, 100, NOW), 20); /* each its own */
	CHECK_INT(burst(r, 1, 1, NOW + USEC_S / 10 - 1), 0);
	CHECK_INT(burst(r, 1, 2, NOW + USEC_S / 10), 1);
	CHECK_INT(burst(r, 1, 100, NOW + USEC_S + USEC_S / 10), 10);
	CHECK_INT(burst(r, 1, 100, NOW + 86400 * USEC_S), 20);
	rates_free(&r);
}

static void test_rate_ignores_the_port(void)
{
	struct sa a = address(1), b = address(1);
	struct rates *r = NULL;

	CHECK_INT(rates_new(&r, 1), 0);
	sa_set_port(&b, 9);
	CHECK_INT(rates_take(r, &a, NOW), RATE_WITHIN);
	CHECK_INT(rates_take(r, &b, NOW), RATE_WITHIN);
	CHECK_INT(rates_take(r, &a, NOW), RATE_OVER_NOW);
	CHECK_INT(rates_take(r, &b, NOW), RATE_OVER);
	rates_free(&r);
}

/* One line in the log a flood. */
static void test_rate_tells_once_a_flood(void)
{
	struct sa a = address(1);
	struct rates *r = NULL;
	unsigned told = 0;

	CHECK_INT(rates_new(&r, 10), 0);
	for (usec_t t = 0; t < 60 * USEC_S; t += USEC_S / 50)
		told += rates_take(r, &a, NOW + t) == RATE_OVER_NOW;
	CHECK_INT(told, 1);
	CHECK_INT(rates_take(r, &a, NOW + 62 * USEC_S), RATE_WITHIN);
	(void)burst(r, 1, 19, NOW + 62 * USEC_S);
	CHECK_INT(rates_take(r, &a, NOW + 62 * USEC_S), RATE_OVER_NOW);
	rates_free(&r);
}

static void test_rate_of_nothing_is_any(void)
{
	struct rates *r = NULL;

	CHECK_INT(rates_new(&r, 0), 0);
	CHECK_INT(burst(r, 1, 10000, NOW), 10000);
	rates_free(&r);
}

/* More addresses than there is room for: nobody is let in for it twice. */
static void test_rate_of_many_addresses(void)
{
	struct rates *r = NULL;

	CHECK_INT(rates_new(&r, 10), 0);
	CHECK_INT(burst(r, 0, 100, NOW), 20);
	for (unsigned i = 1; i <= 100000; i++)
		CHECK_INT(burst(r, i, 21, NOW + i), 20);
	rates_free(&r);
	rates_free(&r);
}

int main(void)
{
	RUN(test_rate_lets_two_seconds_worth_pass_at_once);
	RUN(test_rate_ignores_the_port);
	RUN(test_rate_tells_once_a_flood);
	RUN(test_rate_of_nothing_is_any);
	RUN(test_rate_of_many_addresses);
	return check_done();
}
