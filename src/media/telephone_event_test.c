#include "media/telephone_event.h"

#include <errno.h>

#include "tests/check.h"

struct line {
	struct telephone_events t;
	struct telephone_digit d[2];
	usec_t now;
};

static int event(struct line *l, uint8_t event, bool end, uint32_t ts,
		 uint16_t duration)
{
	uint8_t p[4] = {event, (uint8_t)(end ? 0x8a : 0x0a)};
	struct rtp_header h = {.ts = ts, .payload = {p, 4}};

	be16_store(p + 2, duration);
	l->now += 50 * USEC_MS;
	return telephone_event_read(&l->t, l->d, &h, l->now);
}

static void test_event_is_one_digit_however_often_it_comes(void)
{
	struct line l = {.now = 1};

	CHECK_INT(event(&l, 5, false, 1000, 160), 0);
	CHECK_INT(event(&l, 5, false, 1000, 320), 0);
	CHECK_INT(event(&l, 5, false, 1000, 480), 0);
	CHECK_INT(event(&l, 5, true, 1000, 800), 1);
	CHECK_INT(l.d[0].digit, '5');
	CHECK_INT(l.d[0].duration, 800);
	CHECK_INT(event(&l, 5, true, 1000, 800), 0);
	CHECK_INT(event(&l, 5, true, 1000, 800), 0);
	/* one more, late */
	CHECK_INT(event(&l, 5, false, 1000, 480), 0);
	CHECK_INT(telephone_event_expire(&l.t, l.d, l.now + USEC_S), 0);
	/* the same digit again is another press */
	CHECK_INT(event(&l, 5, true, 3000, 800), 1);
}

static void test_event_survives_lost_starts_and_ends(void)
{
	struct line l = {.now = 1};

	/* only one end packet of the first, no end of the second */
	CHECK_INT(event(&l, 10, true, 0, 640), 1);
	CHECK_INT(l.d[0].digit, '*');
	CHECK_INT(event(&l, 11, false, 2000, 160), 0);
	CHECK_INT(event(&l, 1, true, 4000, 640), 2);
	CHECK_INT(l.d[0].digit, '#');
	CHECK_INT(l.d[0].duration, 160);
	CHECK_INT(l.d[1].digit, '1');
	/* no end and nothing after it */
	CHECK_INT(event(&l, 15, false, 6000, 320), 0);
	CHECK_INT(telephone_event_expire(&l.t, l.d, l.now + 199 * USEC_MS), 0);
	CHECK_INT(telephone_event_expire(&l.t, l.d, l.now + 200 * USEC_MS), 1);
	CHECK_INT(l.d[0].digit, 'D');
	CHECK_INT(telephone_event_expire(&l.t, l.d, l.now + USEC_S), 0);
	CHECK_INT(event(&l, 15, true, 6000, 640), 0);
}

static void test_event_overtaken_by_the_next_is_ignored(void)
{
	struct line l = {.now = 1};

	CHECK_INT(event(&l, 1, true, 0xfffffff0, 640), 1);
	CHECK_INT(event(&l, 2, true, 2000, 640), 1); /* over the wrap */
	CHECK_INT(event(&l, 1, true, 0xfffffff0, 640), 0);
	/* far back: the sender's timestamps jumped */
	CHECK_INT(event(&l, 3, true, 0x80000000, 640), 1);
}

static void test_event_of_several_segments_is_one_press(void)
{
	struct line l = {.now = 1};

	CHECK_INT(event(&l, 7, false, 100, 0xffff), 0);
	CHECK_INT(event(&l, 7, false, 100 + 0xffff, 8000), 0);
	CHECK_INT(event(&l, 7, true, 100 + 0xffff, 9000), 1);
	CHECK_INT(l.d[0].digit, '7');
	CHECK_INT(l.d[0].duration, 0xffff + 9000);
}

static void test_event_beyond_the_digits_is_none(void)
{
	static const char all[] = "0123456789*#ABCD";
	struct line l = {.now = 1};

	for (unsigned e = 0; e < 256; e++) {
		int n = event(&l, (uint8_t)e, true, e * 1000, 400);

		CHECK_INT(n, e < 16);
		if (n)
			CHECK_INT(l.d[0].digit, all[e]);
	}
}

static void test_event_one_byte_short_is_refused(void)
{
	static const uint8_t p[4] = {1, 0x80, 0, 9};
	struct telephone_events t = {0};
	struct telephone_digit d[2];
	struct rtp_header h = {.payload = {p, 3}};

	CHECK_INT(telephone_event_read(&t, d, &h, 1), -EBADMSG);
	CHECK(!t.known);
	h.payload.n = 4;
	CHECK_INT(telephone_event_read(&t, d, &h, 1), 1);
}

int main(void)
{
	RUN(test_event_is_one_digit_however_often_it_comes);
	RUN(test_event_survives_lost_starts_and_ends);
	RUN(test_event_overtaken_by_the_next_is_ignored);
	RUN(test_event_of_several_segments_is_one_press);
	RUN(test_event_beyond_the_digits_is_none);
	RUN(test_event_one_byte_short_is_refused);
	return check_done();
}
