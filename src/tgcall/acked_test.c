#include "tgcall/acked.h"

#include <errno.h>

#include "tests/check.h"

static struct end {
	struct acked *acked;
	uint32_t counter;
	struct window window;
	struct buf sent; /* the last packet */
	unsigned packets, texts;
	char text[64];
} end;

static void on_packet(struct bytes plain, void *arg)
{
	end.packets++;
	buf_reset(&end.sent);
	buf_put(&end.sent, plain.p, plain.n);
}

static void on_text(struct bytes text, void *arg)
{
	end.texts++;
	snprintf(end.text, sizeof(end.text), "%.*s", (int)text.n,
		 (const char *)text.p);
}

static void begin(void)
{
	struct acked_conf conf = {&end.counter, &end.window, on_packet, on_text,
				  NULL};

	end = (struct end){0};
	buf_init(&end.sent);
	if (acked_new(&end.acked, &conf))
		check_failed = true;
}

static void finish(void)
{
	acked_free(&end.acked);
	buf_clear(&end.sent);
}

static int give(const char *hex, usec_t now)
{
	uint8_t plain[256];
	size_t n = strlen(hex) / 2;

	if (hex_decode(plain, n, hex, 2 * n))
		return -EINVAL;
	return acked_input(end.acked, bytes_of(plain, n), now);
}

static const char *sent_hex(void)
{
	static char text[1024];

	hex_encode(text, end.sent.p, end.sent.n);
	return text;
}

#define ONE "7f000000027b7d" /* type 127, "{}" */

static void test_acked_queues_behind_what_is_unacknowledged(void)
{
	begin();
	CHECK_INT(acked_send(end.acked, bytes_str("{}"), 0), 0);
	CHECK_STR(sent_hex(), "40000001" ONE);
	CHECK_INT(acked_send(end.acked, bytes_str("{}"), 0), 0);
	CHECK_STR(sent_hex(), "00000003fe40000001" ONE "40000002" ONE);
	/* only the whole seq counts */
	CHECK_INT(give("00000001fe00000001ff", 0), 0);
	CHECK_INT(give("00000002fe40000001ff", 0), 0);
	CHECK_INT(acked_send(end.acked, bytes_str("{}"), 0), 0);
	CHECK_STR(sent_hex(), "00000005fe40000002" ONE "40000004" ONE);
	CHECK_INT(give("00000003fe40000002ff40000004ff", 0), 0);
	CHECK_INT(acked_send(end.acked, bytes_str("{}"), 0), 0);
	CHECK_STR(sent_hex(), "40000006" ONE);
	finish();
}

static void test_acked_resends_after_five_seconds(void)
{
	begin();
	acked_send(end.acked, bytes_str("{}"), 0);
	acked_send(end.acked, bytes_str("{}"), 3 * USEC_S);
	CHECK_INT(give("00000001fe", 3 * USEC_S), 0);
	CHECK_INT(acked_deadline(end.acked), 8 * USEC_S);
	acked_timeout(end.acked, 7999 * USEC_MS);
	CHECK_INT(end.packets, 2);
	acked_timeout(end.acked, 8 * USEC_S);
	CHECK_INT(end.packets, 3);
	CHECK_STR(sent_hex(), "00000004fe40000001" ONE "40000002" ONE);
	CHECK_INT(acked_deadline(end.acked), 13 * USEC_S);
	finish();
}

static void test_acked_does_not_resend_within_three_seconds(void)
{
	begin();
	acked_send(end.acked, bytes_str("{}"), 0);
	CHECK_INT(give("00000001fe40000001ff", 0), 0);
	CHECK_INT(acked_deadline(end.acked), USEC_NEVER);
	acked_send(end.acked, bytes_str("{}"), USEC_S);
	/* The queue is due at 6 s; what was sent at 4 s stays. */
	acked_send(end.acked, bytes_str("{}"), 4 * USEC_S);
	CHECK_INT(give("00000002fe", 4 * USEC_S), 0);
	acked_timeout(end.acked, 6 * USEC_S);
	CHECK_INT(end.packets, 3);
	acked_timeout(end.acked, 9 * USEC_S);
	CHECK_INT(end.packets, 4);
	finish();
}

static void test_acked_acknowledges_new_at_once_and_repeats_later(void)
{
	begin();
	CHECK_INT(give("40000001" ONE, 0), 0);
	CHECK_INT(end.texts, 1);
	CHECK_STR(sent_hex(), "00000001fe40000001ff");
	/* again in another packet: no text, acknowledged within 5 s */
	CHECK_INT(give("00000002fe40000001" ONE, USEC_S), 0);
	CHECK_INT(end.texts, 1);
	CHECK_INT(end.packets, 1);
	CHECK_INT(acked_deadline(end.acked), 6 * USEC_S);
	acked_timeout(end.acked, 6 * USEC_S);
	CHECK_STR(sent_hex(), "00000002fe40000001ff");
	CHECK_INT(acked_deadline(end.acked), USEC_NEVER);
	finish();
}

static void test_acked_takes_each_packet_once(void)
{
	begin();
	CHECK_INT(give("40000005" ONE, 0), 0);
	CHECK_INT(give("40000005" ONE, 0), -EALREADY);
	CHECK_INT(give("00000005fe", 0), -EALREADY);
	CHECK_INT(give("00000001" ONE, 0), 0); /* needs no ack, late */
	CHECK_INT(end.texts, 2);
	CHECK_INT(give("00000002fe00000001" ONE, 0), 0);
	CHECK_INT(end.texts, 2);
	CHECK_INT(give("00000100fe", 0), 0);
	CHECK_INT(give("00000006fe", 0), -EALREADY); /* below the window */
	finish();
}

static void test_acked_drops_malformed_packets_whole(void)
{
	static const char *const bad[] = {
		"",
		"00000001",
		"000000017e",             /* unknown type */
		"00000001ff",             /* an ack first */
		"00000001fe00000002fe",   /* an empty one second */
		"40000001" ONE "00",      /* a byte too many */
		"400000017f000000037b7d", /* a byte short */
		"400000017fffffffff7b7d",
		"80000001" ONE "00000002" ONE, /* "single", but more follows */
		"00000001" ONE "80000002" ONE,
		"40000001" ONE "4000000280",
	};

	begin();
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_INT(give(bad[i], 0), -EBADMSG);
	CHECK_INT(end.texts, 0);
	CHECK_INT(end.packets, 0);
	CHECK_INT(give("80000001" ONE, 0), 0);
	CHECK_INT(end.texts, 1);
	CHECK_INT(end.packets, 0);
	finish();
}

static void test_acked_keeps_packets_under_16_kib(void)
{
	static char large[7000];

	begin();
	memset(large, 'x', sizeof(large));
	for (int i = 0; i < 4; i++) {
		CHECK_INT(acked_send(end.acked, bytes_of(large, sizeof(large)),
				     0),
			  0);
		CHECK(end.sent.n <= 16384 - 16);
	}
	CHECK_INT(end.sent.n, 5 + 2 * 7009);
	acked_timeout(end.acked, 5 * USEC_S);
	CHECK_INT(end.sent.n, 5 + 2 * 7009);
	finish();
	begin();
	{
		static char huge[16384];

		CHECK_INT(acked_send(end.acked, bytes_of(huge, 16384), 0),
			  -EMSGSIZE);
		CHECK_INT(acked_send(end.acked, bytes_of(huge, 16348), 0), 0);
		CHECK(end.sent.n <= 16384 - 16);
	}
	finish();
}

int main(void)
{
	RUN(test_acked_queues_behind_what_is_unacknowledged);
	RUN(test_acked_resends_after_five_seconds);
	RUN(test_acked_does_not_resend_within_three_seconds);
	RUN(test_acked_acknowledges_new_at_once_and_repeats_later);
	RUN(test_acked_takes_each_packet_once);
	RUN(test_acked_drops_malformed_packets_whole);
	RUN(test_acked_keeps_packets_under_16_kib);
	return check_done();
}
