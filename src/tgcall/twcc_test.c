#include "tgcall/twcc.h"

#include <errno.h>
#include <string.h>

#include "tests/check.h"

static uint8_t out[TWCC_FEEDBACK_BYTES];

static void test_twcc_feedback_bytes_are_as_specified(void)
{
	/* Base 10, 4 packets, one missing; 64 ms * 2 + 1 ms; deltas 4 (1 ms),
	 * 8 (2 ms), large -4. */
	static const uint8_t want[] = {0xaf, 205, 0, 6, 1, 2, 3, 4, 5, 6, 7, 8,
				       0, 10, 0, 5, 0, 0, 2, 0,
				       /* 01 01 00 10 01, rest 0 */
				       0xc0 | 0x14, 0x24 << 2 & 0xff, 4, 8,
				       0xff, 0xfc, 0, 1};
	struct twcc_receiver r = {0};
	int n;

	twcc_receiver_packet(&r, 10, 129000);
	twcc_receiver_packet(&r, 11, 131000);
	twcc_receiver_packet(&r, 13, 130000);
	twcc_receiver_packet(&r, 14, 130000);
	n = twcc_receiver_write(out, sizeof(out), &r, 0x01020304, 0x05060708);
	CHECK_INT(n, 28);
	CHECK_INT(out[2] * 256 + out[3], 6);
	CHECK_INT(out[14] * 256 + out[15], 5);
	CHECK_INT(out[20] * 256 + out[21],
		  0xc000 | 1 << 12 | 1 << 10 | 2 << 6 | 1 << 4);
	CHECK_INT(out[22], 4);
	CHECK_INT(out[23], 8);
	CHECK_INT(out[24] * 256 + out[25], 0xfffc);
	CHECK_MEM(out, want, 16);
	CHECK_INT(twcc_receiver_write(out, sizeof(out), &r, 1, 2), 0);
}

static void test_twcc_feedback_is_read_back(void)
{
	struct twcc_receiver r = {0};
	struct twcc_report t = {0};
	unsigned sent = 0;
	int n;

	for (unsigned seq = 65500; seq < 65500 + 100; seq++) {
		if (seq % 10 == 3)
			continue;
		twcc_receiver_packet(&r, (uint16_t)seq, 1000000 + seq * 60000);
		sent++;
	}
	/* 100 packets of 60 ms need large deltas but one feedback. */
	n = twcc_receiver_write(out, sizeof(out), &r, 1, 2);
	CHECK(n > 0 && n % 4 == 0);
	CHECK_INT(twcc_report_read(&t, bytes_of(out, (size_t)n)), 0);
	CHECK_INT(t.received, sent);
	CHECK_INT(t.lost, 10);
	for (int cut = 1; cut < n; cut++)
		CHECK_INT(twcc_report_read(&t, bytes_of(out, (size_t)cut)),
			  -EBADMSG);
}

static void test_twcc_jump_and_old_packets_are_survived(void)
{
	struct twcc_receiver r = {0};
	struct twcc_report t = {0};
	int n;

	twcc_receiver_packet(&r, 5, 1000);
	twcc_receiver_packet(&r, 4, 1000); /* before what we began with */
	twcc_receiver_packet(&r, 20000, 2000);
	twcc_receiver_packet(&r, 20001, 20 * USEC_S); /* too far in time */
	n = twcc_receiver_write(out, sizeof(out), &r, 1, 2);
	CHECK_INT(twcc_report_read(&t, bytes_of(out, (size_t)n)), 0);
	CHECK_INT(t.received, 1);
	n = twcc_receiver_write(out, sizeof(out), &r, 1, 2);
	CHECK_INT(twcc_report_read(&t, bytes_of(out, (size_t)n)), 0);
	CHECK_INT(t.received, 2);
	CHECK_INT(t.lost, 0);
	CHECK_INT(out[19], 1); /* the second feedback */
}

static void test_twcc_full_window_fits(void)
{
	struct twcc_receiver r = {0};

	for (int i = 0; i < TWCC_WINDOW; i++)
		twcc_receiver_packet(&r, (uint16_t)i,
				     1000 + 70000u * (usec_t)i);
	CHECK_INT(twcc_receiver_write(out, 100, &r, 1, 2), -ENOSPC);
	CHECK(twcc_receiver_write(out, sizeof(out), &r, 1, 2) > 0);
}

static void test_twcc_foreign_chunks_are_counted(void)
{
	/* Run of 8191 cut to 5; then one-bit vector; then a run of nothing. */
	static const uint8_t run[] = {0x8f, 205, 0, 5, 0,    0,    0, 1,
				      0,    0,   0, 2, 0,    1,    0, 5,
				      0,    0,   0, 0, 0x3f, 0xff, 0, 0};
	static const uint8_t bits[] = {0x8f, 205, 0, 5, 0,    0, 0, 1,
				       0,    0,   0, 2, 0,    1, 0, 4,
				       0,    0,   0, 0, 0xa8, 0, 0, 0};
	static const uint8_t none[] = {0x8f, 205, 0, 5, 0,    0, 0, 1,
				       0,    0,   0, 2, 0,    1, 0, 4,
				       0,    0,   0, 0, 0x20, 0, 0, 0};
	struct twcc_report t = {0};

	CHECK_INT(twcc_report_read(&t, bytes_of(run, sizeof(run))), 0);
	CHECK_INT(t.received, 5);
	CHECK_INT(twcc_report_read(&t, bytes_of(bits, sizeof(bits))), 0);
	CHECK_INT(t.received, 7);
	CHECK_INT(t.lost, 2);
	CHECK_INT(twcc_report_read(&t, bytes_of(none, sizeof(none))), -EBADMSG);
}

int main(void)
{
	RUN(test_twcc_feedback_bytes_are_as_specified);
	RUN(test_twcc_feedback_is_read_back);
	RUN(test_twcc_jump_and_old_packets_are_survived);
	RUN(test_twcc_full_window_fits);
	RUN(test_twcc_foreign_chunks_are_counted);
	return check_done();
}
