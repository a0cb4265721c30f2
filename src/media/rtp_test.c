#include "media/rtp.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/check.h"

/* RTP with one contributing source and a one-byte extension block: id 2 with
 * three bytes (abs-send-time), id 3 with two (transport-cc), padding. */
static const uint8_t packet_one_byte[] = {
	0x91, 0xef, 0x12, 0x34, 0x00, 0x00, 0x0b, 0x40, 0xca, 0xfe, 0xba,
	0xbe, 0x11, 0x22, 0x33, 0x44, 0xbe, 0xde, 0x00, 0x02, 0x22, 0x01,
	0x02, 0x03, 0x31, 0x00, 0x07, 0x00, 0xf8, 0xff, 0xfe,
};

static int copy_read(struct rtp_header *h, const uint8_t *p, size_t n)
{
	/* of exact size: sanitizers see one byte more */
	uint8_t *exact = malloc(n ? n : 1);
	int err;

	if (!exact)
		return -ENOMEM;
	if (n)
		memcpy(exact, p, n);
	err = rtp_read(h, bytes_of(exact, n));
	free(exact);
	return err;
}

static void test_rtp_read_understands_one_byte_extensions(void)
{
	struct rtp_header h;

	CHECK_INT(rtp_read(&h,
			   bytes_of(packet_one_byte, sizeof(packet_one_byte))),
		  0);
	CHECK(h.marker);
	CHECK_INT(h.pt, 111);
	CHECK_INT(h.seq, 0x1234);
	CHECK_INT(h.ts, 2880);
	CHECK_INT(h.ssrc, 0xcafebabe);
	CHECK_INT(h.extensions_n, 2);
	CHECK_INT(h.extensions[0].id, 2);
	CHECK_INT(h.extensions[0].data.n, 3);
	CHECK_MEM(h.extensions[0].data.p, "\1\2\3", 3);
	CHECK_INT(h.extensions[1].id, 3);
	CHECK_INT(h.extensions[1].data.n, 2);
	CHECK_INT(h.payload.n, 3);
	CHECK_MEM(h.payload.p, "\xf8\xff\xfe", 3);
	CHECK_INT(h.padding, 0);
}

static void test_rtp_read_refuses_every_cut_in_the_header(void)
{
	struct rtp_header h;

	for (size_t n = 0; n < 28; n++)
		CHECK_INT(copy_read(&h, packet_one_byte, n), -EBADMSG);
	CHECK_INT(copy_read(&h, packet_one_byte, 28), 0);
	CHECK_INT(h.payload.n, 0);
}

static void test_rtp_read_understands_two_byte_extensions(void)
{
	/* RFC 8285 4.3: an empty element, one of two bytes, padding */
	static const uint8_t p[] = {
		0x90, 0x6f, 0, 1, 0, 0, 0, 2,    0,    0,    0, 3,   0x10,
		0x05, 0,    2, 9, 0, 0, 7, 0x02, 0xaa, 0xbb, 0, 'x',
	};
	struct rtp_header h;

	CHECK_INT(rtp_read(&h, bytes_of(p, sizeof(p))), 0);
	CHECK_INT(h.extensions_n, 2);
	CHECK_INT(h.extensions[0].id, 9);
	CHECK_INT(h.extensions[0].data.n, 0);
	CHECK_INT(h.extensions[1].id, 7);
	CHECK_MEM(h.extensions[1].data.p, "\xaa\xbb", 2);
	CHECK_INT(h.payload.n, 1);
}

static void test_rtp_read_skips_unknown_extension_profiles(void)
{
	static const uint8_t p[] = {0x90, 8, 0, 1, 0, 0,    0,    2,    0, 0, 0,
				    3,    1, 2, 0, 1, 0xff, 0xff, 0xff, 1, 9};
	struct rtp_header h;

	CHECK_INT(rtp_read(&h, bytes_of(p, sizeof(p))), 0);
	CHECK_INT(h.extensions_n, 0);
	CHECK_INT(h.payload.n, 1);
}

static void test_rtp_read_refuses_an_extension_longer_than_its_block(void)
{
	static const uint8_t one[] = {0x90, 8, 0,    1,    0, 0, 0,    2, 0, 0,
				      0,    3, 0xbe, 0xde, 0, 1, 0x14, 1, 2, 3};
	static const uint8_t two[] = {0x90, 8, 0,    1, 0, 0, 0, 2, 0, 0,
				      0,    3, 0x10, 0, 0, 1, 4, 3, 2, 3};
	struct rtp_header h;

	CHECK_INT(rtp_read(&h, bytes_of(one, sizeof(one))), -EBADMSG);
	CHECK_INT(rtp_read(&h, bytes_of(two, sizeof(two))), -EBADMSG);
}

static void test_rtp_read_keeps_at_most_eight_extensions(void)
{
	uint8_t p[12 + 4 + 20] = {0x90, 8};
	struct rtp_header h;

	be16_store(p + 12, 0xbede);
	be16_store(p + 14, 5);
	for (size_t i = 0; i < 10; i++)
		p[16 + 2 * i] = 0x10;
	CHECK_INT(rtp_read(&h, bytes_of(p, sizeof(p))), 0);
	CHECK_INT(h.extensions_n, RTP_EXTENSIONS_MAX);
	/* RFC 8285 4.2: id 15 ends the block */
	p[16] = 0xf0;
	CHECK_INT(rtp_read(&h, bytes_of(p, sizeof(p))), 0);
	CHECK_INT(h.extensions_n, 0);
}

static void test_rtp_read_strips_padding(void)
{
	uint8_t p[12 + 4] = {0xa0, 111};
	struct rtp_header h;

	p[15] = 3;
	CHECK_INT(rtp_read(&h, bytes_of(p, sizeof(p))), 0);
	CHECK_INT(h.payload.n, 1);
	CHECK_INT(h.padding, 3);
	p[15] = 4; /* padding only */
	CHECK_INT(rtp_read(&h, bytes_of(p, sizeof(p))), 0);
	CHECK_INT(h.payload.n, 0);
	CHECK_INT(h.padding, 4);
	p[15] = 5; /* one too many */
	CHECK_INT(rtp_read(&h, bytes_of(p, sizeof(p))), -EBADMSG);
	p[15] = 0;
	CHECK_INT(rtp_read(&h, bytes_of(p, sizeof(p))), -EBADMSG);
	CHECK_INT(rtp_read(&h, bytes_of(p, 12)), -EBADMSG);
}

static void test_rtp_kinds_are_told_apart(void)
{
	uint8_t p[12] = {0x80};

	for (int second = 0; second < 256; second++) {
		bool rtcp = second >= 192 && second <= 223;
		struct rtp_header h;

		p[1] = (uint8_t)second;
		CHECK_INT(rtp_is_rtp(bytes_of(p, 12)), !rtcp);
		CHECK_INT(rtp_is_rtcp(bytes_of(p, 12)), rtcp);
		CHECK_INT(rtp_read(&h, bytes_of(p, 12)), rtcp ? -EBADMSG : 0);
	}
	p[1] = 8;
	CHECK(!rtp_is_rtp(bytes_of(p, 11)));
	for (int first = 0; first < 256; first++) {
		p[0] = (uint8_t)first;
		CHECK_INT(rtp_is_rtp(bytes_of(p, 12)), first >> 6 == 2);
	}
	CHECK(!rtp_is_rtp(bytes_of(NULL, 0)));
}

static void test_rtp_write_is_read_back_the_same(void)
{
	uint8_t out[64], payload[5] = {1, 2, 3, 4, 5};
	struct rtp_header h = {.marker = true,
			       .pt = 96,
			       .seq = 65535,
			       .ts = 0xfffffffe,
			       .ssrc = 7,
			       .extensions_n = 2,
			       .payload = {payload, 5},
			       .padding = 3},
			  back;
	int n;

	h.extensions[0].id = 1;
	h.extensions[0].data = bytes_of("a", 1);
	h.extensions[1].id = 14;
	h.extensions[1].data = bytes_of("0123456789abcdef", 16);
	n = rtp_write(out, sizeof(out), &h);
	CHECK_INT(n, 12 + 4 + 20 + 5 + 3);
	CHECK_INT(rtp_read(&back, bytes_of(out, (size_t)n)), 0);
	CHECK(back.marker && back.pt == 96 && back.seq == 65535);
	CHECK(back.ts == h.ts && back.ssrc == 7 && back.padding == 3);
	CHECK(bytes_equal(back.payload, h.payload));
	CHECK_INT(back.extensions_n, 2);
	CHECK(bytes_equal(back.extensions[1].data, h.extensions[1].data));
	CHECK_INT(rtp_write(out, (size_t)n - 1, &h), -ENOSPC);
	CHECK_INT(rtp_write(out, (size_t)n, &h), n);
	h.extensions[1].id = 15;
	CHECK_INT(rtp_write(out, sizeof(out), &h), -EINVAL);
	h.extensions[1].id = 14;
	h.extensions[1].data.n = 17;
	CHECK_INT(rtp_write(out, sizeof(out), &h), -EINVAL);
}

/* -- statistics --------------------------------------------------------- */

static int feed(struct rtp_receive_stats *s, uint16_t seq, uint32_t ts,
		usec_t now)
{
	struct rtp_header h = {.seq = seq,
			       .ts = ts,
			       .ssrc = 5,
			       .payload = {(const uint8_t *)"x", 1}};

	return rtp_stats_update(s, &h, 8000, now);
}

static void test_stats_count_over_the_wrap(void)
{
	struct rtp_receive_stats s = {0};

	CHECK_INT(feed(&s, 65530, 0, 0), -EINVAL); /* on probation */
	for (unsigned i = 1; i < 20; i++)
		CHECK_INT(feed(&s, (uint16_t)(65530 + i), i * 160,
			       i * 20 * USEC_MS),
			  0);
	CHECK_INT(s.received, 19);
	CHECK_INT(s.cycles, 65536);
	CHECK_INT(rtp_stats_lost(&s), 0);
	CHECK_INT(feed(&s, 16, 22 * 160, 440 * USEC_MS), 0);
	CHECK_INT(rtp_stats_lost(&s), 2);
	CHECK_INT(feed(&s, 15, 21 * 160, 441 * USEC_MS), 0); /* was late */
	CHECK_INT(rtp_stats_lost(&s), 1);
}

static void test_stats_need_two_in_sequence(void)
{
	struct rtp_receive_stats s = {0};

	CHECK_INT(feed(&s, 10, 0, 0), -EINVAL);
	CHECK_INT(feed(&s, 20, 0, 0), -EINVAL);
	CHECK_INT(rtp_stats_lost(&s), 0);
	CHECK_INT(feed(&s, 21, 0, 0), 0);
	CHECK_INT(s.base_seq, 21);
}

static void test_stats_refuse_one_wild_number_and_follow_two(void)
{
	struct rtp_receive_stats s = {0};

	feed(&s, 1, 0, 0);
	CHECK_INT(feed(&s, 2, 160, 20000), 0);
	CHECK_INT(feed(&s, 30000, 320, 40000), -EINVAL);
	CHECK_INT(s.received, 1);
	CHECK_INT(feed(&s, 3, 320, 40000), 0);
	CHECK_INT(s.received, 2);
	CHECK_INT(feed(&s, 40000, 480, 60000), -EINVAL);
	CHECK_INT(feed(&s, 40001, 640, 80000), 0);
	CHECK_INT(s.max_seq, 40001);
	CHECK_INT(rtp_stats_lost(&s), 0);
}

static void test_stats_start_anew_with_another_source(void)
{
	struct rtp_receive_stats s = {0};
	struct rtp_header h = {.seq = 900, .ssrc = 6};

	feed(&s, 1, 0, 0);
	feed(&s, 2, 160, 20000);
	CHECK_INT(rtp_stats_update(&s, &h, 8000, 0), -EINVAL);
	CHECK_INT(s.ssrc, 6);
	CHECK_INT(s.received, 0);
}

static void test_stats_jitter_follows_the_formula(void)
{
	struct rtp_receive_stats s = {0};
	double expected = 0;

	/* every second packet 10 ms late: |D| is 80 units each time */
	for (unsigned i = 0; i < 200; i++) {
		feed(&s, (uint16_t)i, i * 160,
		     i * 20 * USEC_MS + (i & 1) * 10 * USEC_MS);
		/* J(i) = J(i-1) + (|D| - J(i-1)) / 16; the first packet is on
		 * probation and has no one before it */
		if (i > 1)
			expected += (80 - expected) / 16;
	}
	CHECK(s.jitter_q4 / 16.0 > expected - 1);
	CHECK(s.jitter_q4 / 16.0 < expected + 1);
	CHECK(expected > 79);
}

static void test_stats_jitter_ignores_padding_only(void)
{
	struct rtp_receive_stats s = {0};

	for (unsigned i = 0; i < 50; i++) {
		struct rtp_header pad = {.seq = (uint16_t)(2 * i + 1),
					 .ts = 12345,
					 .ssrc = 5,
					 .padding = 200};

		feed(&s, (uint16_t)(2 * i), i * 160, i * 20 * USEC_MS);
		rtp_stats_update(&s, &pad, 8000, i * 20 * USEC_MS);
	}
	CHECK_INT(s.jitter_q4, 0);
	CHECK_INT(s.received, 99);
	CHECK_INT(rtp_stats_lost(&s), 0);
}

/* -- RTCP --------------------------------------------------------------- */

static const uint8_t sender_report[] = {
	0x81, 200,  0,    12,   0xde, 0xad, 0xbe, 0xef, /* SR, one block */
	0xe0, 0x01, 0x02, 0x03, 0x80, 0x00, 0x00, 0x00, /* NTP */
	0,    0,    0x10, 0,    0,    0,    0,    9,    /* ts, packets */
	0,    0,    5,    0xa0, 0x01, 0x02, 0x03, 0x04, /* octets, ssrc */
	0x40, 0xff, 0xff, 0xfe, 0,    1,    0xff, 0xf0, /* lost, highest */
	0,    0,    0,    77,   0x11, 0x22, 0x33, 0x44, /* jitter, LSR */
	0,    1,    0x80, 0,                            /* DLSR 1.5 s */
};

static const uint8_t bye_of_two[] = {0x82, 203, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8};

static void test_rtcp_read_understands_a_sender_report(void)
{
	struct rtcp_summary s;

	CHECK_INT(rtcp_read(&s, bytes_of(sender_report, sizeof(sender_report))),
		  0);
	CHECK(s.has_sr && !s.has_bye);
	CHECK_INT(s.sender_ssrc, 0xdeadbeef);
	CHECK(s.ntp == 0xe001020380000000ULL);
	CHECK_INT(s.rtp_ts, 0x1000);
	CHECK_INT(s.blocks_n, 1);
	CHECK_INT(s.blocks[0].ssrc, 0x01020304);
	CHECK_INT(s.blocks[0].fraction_lost, 64);
	CHECK_INT(s.blocks[0].lost, -2);
	CHECK_INT(s.blocks[0].highest_seq, 0x1fff0);
	CHECK_INT(s.blocks[0].jitter, 77);
	CHECK_INT(s.blocks[0].last_sr, 0x11223344);
	CHECK_INT(s.blocks[0].delay_since_sr, 0x18000);
}

static void test_rtcp_read_refuses_cuts_and_wrong_counts(void)
{
	uint8_t p[sizeof(sender_report)];
	struct rtcp_summary s;

	for (size_t n = 0; n < sizeof(sender_report); n++)
		CHECK_INT(rtcp_read(&s, bytes_of(sender_report, n)), -EBADMSG);
	memcpy(p, sender_report, sizeof(p));
	p[0] = 0x82; /* two blocks claimed */
	CHECK_INT(rtcp_read(&s, bytes_of(p, sizeof(p))), -EBADMSG);
	CHECK(!s.has_sr);
	p[0] = 0x41; /* version 1 */
	CHECK_INT(rtcp_read(&s, bytes_of(p, sizeof(p))), -EBADMSG);
}

static void test_rtcp_read_takes_compounds_and_skips_the_unknown(void)
{
	static const uint8_t feedback[] = {0x8f, 205, 0, 2, 0, 0,
					   0,    1,   0, 0, 0, 2};
	uint8_t p[sizeof(feedback) + sizeof(sender_report) +
		  sizeof(bye_of_two)];
	struct rtcp_summary s;

	memcpy(p, feedback, sizeof(feedback));
	memcpy(p + sizeof(feedback), sender_report, sizeof(sender_report));
	memcpy(p + sizeof(feedback) + sizeof(sender_report), bye_of_two,
	       sizeof(bye_of_two));
	CHECK_INT(rtcp_read(&s, bytes_of(p, sizeof(p))), 0);
	CHECK(s.has_sr && s.has_bye);
	CHECK_INT(s.sender_ssrc, 0xdeadbeef);
	CHECK_INT(rtcp_read(&s, bytes_of(p, sizeof(p) - 1)), -EBADMSG);
	CHECK_INT(rtcp_read(&s, bytes_of(bye_of_two, sizeof(bye_of_two))), 0);
	CHECK_INT(s.sender_ssrc, 0x01020304);
}

static void test_rtcp_read_allows_padding_on_the_last_only(void)
{
	uint8_t p[8 + 8] = {0xa0, 201, 0, 1, 0, 0, 0, 9, 0x80, 201, 0, 1};
	struct rtcp_summary s;

	CHECK_INT(rtcp_read(&s, bytes_of(p, 16)), -EBADMSG);
	p[0] = 0x80;
	p[8] = 0xa0;
	p[11] = 1;
	p[15] = 4;
	/* four bytes of padding leave a receiver report without its sender */
	CHECK_INT(rtcp_read(&s, bytes_of(p, 16)), -EBADMSG);
	p[15] = 5;
	CHECK_INT(rtcp_read(&s, bytes_of(p, 16)), -EBADMSG);
	p[15] = 0;
	CHECK_INT(rtcp_read(&s, bytes_of(p, 16)), 0);
}

static void test_rtcp_report_carries_loss_and_times(void)
{
	struct rtp_receive_stats r = {0};
	struct rtcp_sender from = {.ssrc = 42,
				   .packets = 3,
				   .octets = 480,
				   .ts = 999,
				   .cname = "gateway",
				   .wall = {1700000000500000},
				   .now = 10 * USEC_S};
	struct rtcp_summary s;
	uint8_t out[128];
	int n;

	for (unsigned i = 0; i < 101; i++)
		if (i % 4 != 3)
			feed(&r, (uint16_t)i, i * 160, i * 20 * USEC_MS);
	r.last_sr = 0xaabbccdd;
	r.last_sr_at = 8 * USEC_S;
	n = rtcp_write_report(out, sizeof(out), &from, &r);
	CHECK(n > 0 && n % 4 == 0);
	CHECK_INT(rtcp_read(&s, bytes_of(out, (size_t)n)), 0);
	CHECK(s.has_sr);
	CHECK_INT(s.sender_ssrc, 42);
	CHECK_INT(s.ntp >> 32, 1700000000U + 2208988800U);
	CHECK_INT(s.ntp & 0xffffffff, 0x80000000U);
	CHECK_INT(s.rtp_ts, 999);
	CHECK_INT(s.blocks_n, 1);
	CHECK_INT(s.blocks[0].ssrc, 5);
	CHECK_INT(s.blocks[0].lost, 25);
	CHECK_INT(s.blocks[0].fraction_lost, 25 * 256 / 100);
	CHECK_INT(s.blocks[0].highest_seq, 100);
	CHECK_INT(s.blocks[0].last_sr, 0xaabbccdd);
	CHECK_INT(s.blocks[0].delay_since_sr, 2 * 65536);
	/* nothing new since: no fraction lost, the sum stays */
	CHECK_INT(rtcp_write_report(out, sizeof(out), &from, &r), n);
	CHECK_INT(rtcp_read(&s, bytes_of(out, (size_t)n)), 0);
	CHECK_INT(s.blocks[0].fraction_lost, 0);
	CHECK_INT(s.blocks[0].lost, 25);
	CHECK_INT(rtcp_write_report(out, (size_t)n - 1, &from, &r), -ENOSPC);
}

static void test_rtcp_report_without_sending_is_a_receiver_report(void)
{
	struct rtcp_sender from = {.ssrc = 42, .cname = "abc"};
	struct rtcp_summary s;
	uint8_t out[64];
	int n = rtcp_write_report(out, sizeof(out), &from, NULL), bye;

	/* RR of 8, SDES of 4 + 4 + 2 + 3 and at least one zero: 16 */
	CHECK_INT(n, 8 + 16);
	CHECK_INT(out[1], 201);
	bye = rtcp_write_bye(out + n, sizeof(out) - (size_t)n, 42);
	CHECK_INT(bye, 8);
	CHECK_INT(rtcp_read(&s, bytes_of(out, (size_t)(n + bye))), 0);
	CHECK(s.has_bye && !s.has_sr);
	CHECK_INT(s.sender_ssrc, 42);
	CHECK_INT(rtcp_write_bye(out, 7, 42), -ENOSPC);
}

static void test_rtcp_report_clamps_the_sum_of_losses(void)
{
	struct rtp_receive_stats r = {
		.started = true, .cycles = 0x10000000, .received = 1};
	struct rtcp_sender from = {.ssrc = 1, .cname = ""};
	struct rtcp_summary s;
	uint8_t out[64];
	int n = rtcp_write_report(out, sizeof(out), &from, &r);

	CHECK_INT(rtcp_read(&s, bytes_of(out, (size_t)n)), 0);
	CHECK_INT(s.blocks[0].lost, 0x7fffff);
	r.received = 0x20000000; /* repeats */
	n = rtcp_write_report(out, sizeof(out), &from, &r);
	CHECK_INT(rtcp_read(&s, bytes_of(out, (size_t)n)), 0);
	CHECK_INT(s.blocks[0].lost, -0x800000);
}

static void test_rtp_readers_survive_noise(void)
{
	uint32_t seed = 1;

	for (int round = 0; round < 20000; round++) {
		uint8_t p[96];
		size_t n;

		for (size_t i = 0; i < sizeof(p); i++) {
			seed = seed * 1664525U + 1013904223U;
			p[i] = (uint8_t)(seed >> 24);
		}
		n = p[90] % 96U;
		p[0] = (uint8_t)(0x80 | (p[0] & 0x3f));
		p[1] = round & 1 ? (uint8_t)(200 + p[1] % 6) : p[1];
		p[2] &= round & 2 ? 0 : 255;
		p[3] &= 15;

		struct rtcp_summary s;
		struct rtp_header h;
		uint8_t *exact = malloc(n ? n : 1);

		CHECK(exact);
		memcpy(exact, p, n);
		(void)rtcp_read(&s, bytes_of(exact, n));
		if (!rtp_read(&h, bytes_of(exact, n)))
			CHECK_MEM(h.payload.p, p + n - h.padding - h.payload.n,
				  h.payload.n);
		free(exact);
	}
}

int main(void)
{
	RUN(test_rtp_read_understands_one_byte_extensions);
	RUN(test_rtp_read_refuses_every_cut_in_the_header);
	RUN(test_rtp_read_understands_two_byte_extensions);
	RUN(test_rtp_read_skips_unknown_extension_profiles);
	RUN(test_rtp_read_refuses_an_extension_longer_than_its_block);
	RUN(test_rtp_read_keeps_at_most_eight_extensions);
	RUN(test_rtp_read_strips_padding);
	RUN(test_rtp_kinds_are_told_apart);
	RUN(test_rtp_write_is_read_back_the_same);
	RUN(test_stats_count_over_the_wrap);
	RUN(test_stats_need_two_in_sequence);
	RUN(test_stats_refuse_one_wild_number_and_follow_two);
	RUN(test_stats_start_anew_with_another_source);
	RUN(test_stats_jitter_follows_the_formula);
	RUN(test_stats_jitter_ignores_padding_only);
	RUN(test_rtcp_read_understands_a_sender_report);
	RUN(test_rtcp_read_refuses_cuts_and_wrong_counts);
	RUN(test_rtcp_read_takes_compounds_and_skips_the_unknown);
	RUN(test_rtcp_read_allows_padding_on_the_last_only);
	RUN(test_rtcp_report_carries_loss_and_times);
	RUN(test_rtcp_report_without_sending_is_a_receiver_report);
	RUN(test_rtcp_report_clamps_the_sum_of_losses);
	RUN(test_rtp_readers_survive_noise);
	return check_done();
}
