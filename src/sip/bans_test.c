#include "sip/bans.h"

#include <errno.h>

#include "tests/check.h"

#define MINUTE (60 * USEC_S)
#define HOUR (60 * MINUTE)

static struct sa address(const char *text)
{
	struct sa sa;

	(void)sa_set_str(&sa, text, 5060);
	return sa;
}

/* Offences one a second; the number after which it was banned, 0: never. */
static unsigned offend(struct bans *b, const char *text, usec_t now,
		       struct sip_ban *ban)
{
	struct sa source = address(text);

	for (unsigned i = 1; i <= 20; i++)
		if (bans_offence(b, &source, "403 Wrong password",
				 now + i * USEC_S, ban))
			return i;
	return 0;
}

static bool is_banned(struct bans *b, const char *text, usec_t now)
{
	struct sa source = address(text);

	sa_set_port(&source, 4321); /* whatever the port */
	return bans_has(b, &source, now);
}

static void test_ban_after_five_offences(void)
{
	struct sip_ban ban;
	struct bans *b;

	CHECK_INT(bans_new(&b, NULL, 0), 0);
	CHECK_INT(offend(b, "192.0.2.1", 0, &ban), 5);
	CHECK_STR(ban.reason, "403 Wrong password");
	CHECK_INT(ban.times, 1);
	CHECK_INT(ban.until - ban.from, 1800 * USEC_S);
	CHECK(is_banned(b, "192.0.2.1", ban.until - 1));
	CHECK(!is_banned(b, "192.0.2.1", ban.until));
	CHECK(!is_banned(b, "192.0.2.2", ban.from));
	CHECK_INT(offend(b, "2001:db8::1", 0, &ban), 5);
	CHECK(is_banned(b, "2001:db8::1", ban.from));
	bans_free(&b);
	CHECK(!b);
}

static void test_ban_offences_are_counted_for_ten_minutes(void)
{
	struct sa source = address("192.0.2.1");
	struct sip_ban ban;
	struct bans *b;

	CHECK_INT(bans_new(&b, NULL, 0), 0);
	for (unsigned i = 0; i < 50; i++)
		CHECK(!bans_offence(b, &source, "x", i * 150 * USEC_S, &ban));
	/* The last four are recent. */
	CHECK(bans_offence(b, &source, "x", 49 * 150 * USEC_S + 1, &ban));
	bans_free(&b);
}

static void test_ban_doubles_up_to_a_day(void)
{
	static const unsigned hours_halves[] = {1, 2, 4, 8, 16, 32, 48, 48};
	struct sip_ban ban;
	struct bans *b;
	usec_t now = 0;

	CHECK_INT(bans_new(&b, NULL, 0), 0);
	for (size_t i = 0; i < ARRAY_SIZE(hours_halves); i++) {
		CHECK_INT(offend(b, "192.0.2.1", now, &ban), 5);
		CHECK_INT(ban.until - ban.from, hours_halves[i] * HOUR / 2);
		CHECK_INT(ban.times, i + 1);
		now = ban.until;
	}
	/* A day of peace is a new beginning. */
	CHECK_INT(offend(b, "192.0.2.1", now + 24 * HOUR, &ban), 5);
	CHECK_INT(ban.times, 1);
	bans_free(&b);
}

static void test_ban_never_of_those_on_the_list(void)
{
	struct network never[2];
	struct sip_ban ban = {.source = address("10.1.2.3"), .until = HOUR};
	struct bans *b;

	CHECK_INT(network_read(&never[0], "127.0.0.0/8"), 0);
	CHECK_INT(network_read(&never[1], "10.1.2.3"), 0);
	CHECK_INT(bans_new(&b, never, 2), 0);
	CHECK_INT(bans_set(b, &ban, 0), -EPERM);
	CHECK_INT(offend(b, "127.0.0.1", 0, &ban), 0);
	CHECK_INT(offend(b, "10.1.2.3", 0, &ban), 0);
	CHECK_INT(offend(b, "10.1.2.4", 0, &ban), 5);
	bans_free(&b);
}

static void count_each(const struct sip_ban *ban, void *arg)
{
	(*(unsigned *)arg)++;
}

static void test_ban_is_set_listed_and_lifted(void)
{
	struct sip_ban ban = {.source = address("192.0.2.1"),
			      .until = HOUR,
			      .times = 2,
			      .reason = "by hand"};
	struct sa other = address("192.0.2.2");
	unsigned n = 0;
	struct bans *b;

	CHECK_INT(bans_new(&b, NULL, 0), 0);
	CHECK_INT(bans_set(b, &ban, HOUR), -EINVAL);
	CHECK_INT(bans_set(b, &ban, 0), 0);
	bans_each(b, HOUR - 1, count_each, &n);
	CHECK_INT(n, 1);
	bans_each(b, HOUR, count_each, &n);
	CHECK_INT(n, 1);
	CHECK_INT(bans_lift(b, &other, 0), -ENOENT);
	CHECK_INT(bans_lift(b, &ban.source, 0), 0);
	CHECK(!is_banned(b, "192.0.2.1", 0));
	CHECK_INT(bans_lift(b, &ban.source, 0), -ENOENT);
	bans_free(&b);
}

/* A flood of forged addresses costs no memory and frees nobody. */
static void test_ban_table_is_bounded(void)
{
	struct sip_ban ban;
	struct bans *b;
	struct sa sa;

	CHECK_INT(bans_new(&b, NULL, 0), 0);
	CHECK_INT(offend(b, "192.0.2.9", 0, &ban), 5);
	for (uint32_t i = 0; i < 10000; i++) {
		sa_set_in(&sa, 0x0a000000 + i, 5060);
		CHECK(!bans_offence(b, &sa, "x", i, &ban));
	}
	CHECK_INT(offend(b, "192.0.2.1", 20000, &ban), 5);
	CHECK(is_banned(b, "192.0.2.1", ban.from));
	CHECK(is_banned(b, "192.0.2.9", ban.from));
	bans_free(&b);
}

int main(void)
{
	RUN(test_ban_after_five_offences);
	RUN(test_ban_offences_are_counted_for_ten_minutes);
	RUN(test_ban_doubles_up_to_a_day);
	RUN(test_ban_never_of_those_on_the_list);
	RUN(test_ban_is_set_listed_and_lifted);
	RUN(test_ban_table_is_bounded);
	return check_done();
}
