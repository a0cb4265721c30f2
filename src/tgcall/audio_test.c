#include "tgcall/audio.h"

#include <errno.h>

#include "tests/check.h"

static uint8_t last[1600];
static size_t last_n;
static int rtp_n, feedback_n, report_n, audio_n;
static struct twcc_report fed_back;
static struct rtcp_summary report;
static struct media_packet heard;
static struct tgcall_audio a;

static const struct tgcall_channel ours = {
	.ssrc = 0x11111111,
	.payload_type = 111,
	.ext_abs_send_time = 2,
	.ext_transport_cc = 3,
};
static const struct tgcall_channel theirs = {
	.ssrc = 0x22222222,
	.payload_type = 109,
	.ext_transport_cc = 5,
};

static void on_send(struct bytes plain, bool rtcp, void *arg)
{
	if (!rtcp) {
		rtp_n++;
	} else if (plain.p[1] == 205) {
		feedback_n++;
		twcc_report_read(&fed_back, plain);
	} else {
		report_n++;
		rtcp_read(&report, plain);
	}
	memcpy(last, plain.p, plain.n);
	last_n = plain.n;
}

static void on_audio(const struct media_packet *packet, void *arg)
{
	audio_n++;
	heard = *packet;
}

static void start(bool open)
{
	static const struct tgcall_audio_handlers h = {on_send, on_audio};

	rtp_n = feedback_n = report_n = audio_n = 0;
	tgcall_audio_init(&a, &h, NULL);
	if (!open)
		return;
	tgcall_audio_send_open(&a, &ours, USEC_S);
	tgcall_audio_recv_open(&a, &theirs, USEC_S);
}

static const uint8_t opus[] = {0xfc, 1, 2, 3};

static int send_at(usec_t now)
{
	return tgcall_audio_send(&a, bytes_of(opus, sizeof(opus)), 2880, now);
}

static void test_call_audio_carries_negotiated_extensions_only(void)
{
	struct rtp_header h;

	start(true);
	CHECK_INT(send_at(USEC_S), 0);
	CHECK_INT(rtp_read(&h, bytes_of(last, last_n)), 0);
	CHECK_INT(h.ssrc, ours.ssrc);
	CHECK_INT(h.pt, 111);
	CHECK_INT(h.extensions_n, 2);
	CHECK_INT(h.extensions[0].id, 2);
	CHECK_INT(h.extensions[0].data.n, 3);
	CHECK_INT(h.extensions[1].id, 3);
	CHECK_INT(h.extensions[1].data.n, 2);
	CHECK(bytes_equal(h.payload, bytes_of(opus, sizeof(opus))));
	a.send.ext_abs_send_time = a.send.ext_transport_cc = 0;
	CHECK_INT(send_at(USEC_S), 0);
	CHECK_INT(rtp_read(&h, bytes_of(last, last_n)), 0);
	CHECK_INT(h.extensions_n, 0);
}

static void test_call_audio_timestamps_follow_pauses(void)
{
	struct rtp_header first, second, third;

	start(true);
	CHECK_INT(send_at(USEC_S), 0);
	rtp_read(&first, bytes_of(last, last_n));
	CHECK_INT(send_at(USEC_S + 65 * USEC_MS), 0);
	rtp_read(&second, bytes_of(last, last_n));
	CHECK_INT(send_at(3 * USEC_S + 65 * USEC_MS), 0);
	rtp_read(&third, bytes_of(last, last_n));
	CHECK(first.marker && !second.marker && third.marker);
	CHECK_INT(second.ts - first.ts, 2880);
	CHECK_INT(third.ts - second.ts, 96000);
	CHECK_INT((uint16_t)(third.seq - first.seq), 2);
}

static void test_call_audio_is_refused_before_the_direction_opens(void)
{
	start(false);
	CHECK_INT(send_at(USEC_S), -ENOTCONN);
	CHECK_INT(tgcall_audio_deadline(&a), USEC_NEVER);
	CHECK_INT(rtp_n, 0);
}

static struct bytes packet_of(uint16_t seq, uint32_t ssrc, uint8_t pt,
			      size_t payload)
{
	static uint8_t p[200];
	static const uint8_t voice[64] = {0xfc};
	uint8_t number[2];
	struct rtp_header h = {
		.pt = pt,
		.seq = seq,
		.ts = 2880u * seq,
		.ssrc = ssrc,
		.extensions_n = 1,
		.payload = bytes_of(voice, payload),
	};

	be16_store(number, seq);
	h.extensions[0] = (struct rtp_extension){5, bytes_of(number, 2)};
	return bytes_of(p, (size_t)rtp_write(p, sizeof(p), &h));
}

static void test_call_audio_takes_its_ssrc_and_type_only(void)
{
	struct bytes p;

	start(true);
	p = packet_of(1, theirs.ssrc, 109, 40);
	CHECK(tgcall_audio_is_expected(&a, p));
	CHECK(!tgcall_audio_is_expected(&a, bytes_of(p.p, 11)));
	tgcall_audio_rtp(&a, p, USEC_S);
	CHECK_INT(audio_n, 1);
	CHECK_INT(heard.payload.n, 40);
	CHECK_INT(heard.seq, 1);
	CHECK(!tgcall_audio_is_expected(&a, packet_of(2, 7, 109, 40)));
	tgcall_audio_rtp(&a, packet_of(2, theirs.ssrc, 111, 40), USEC_S);
	CHECK_INT(audio_n, 1);
	CHECK_INT(a.rx_bad, 1);
}

/* Twenty packets of nothing but padding count as received, not as voice. */
static void test_call_audio_drops_padding_but_counts_it(void)
{
	uint8_t p[64];
	struct bytes d;

	start(true);
	for (uint16_t seq = 100; seq < 120; seq++) {
		d = packet_of(seq, theirs.ssrc, 109, 0);
		memcpy(p, d.p, d.n);
		p[0] |= 0x20;
		memset(p + d.n, 0, 16);
		p[d.n + 15] = 16;
		tgcall_audio_rtp(&a, bytes_of(p, d.n + 16), USEC_S);
	}
	tgcall_audio_rtp(&a, packet_of(120, theirs.ssrc, 109, 40), USEC_S);
	CHECK_INT(audio_n, 1);
	CHECK_INT(a.rx_padding, 20);
	CHECK_INT(a.rx_packets, 1);
	CHECK_INT(rtp_stats_lost(&a.received), 0);
}

static void test_call_audio_reports_and_feeds_back_on_time(void)
{
	usec_t now = USEC_S;

	start(true);
	for (uint16_t i = 0; now < 11 * USEC_S; i++) {
		if (i % 6 == 0) {
			send_at(now);
			tgcall_audio_rtp(&a,
					 packet_of(i / 6, theirs.ssrc, 109, 40),
					 now);
		}
		if (tgcall_audio_deadline(&a) <= now)
			tgcall_audio_timeout(&a, now);
		now += 10 * USEC_MS;
	}
	CHECK(feedback_n >= 90 && feedback_n <= 101);
	CHECK(fed_back.received >= 160 && fed_back.lost == 0);
	CHECK(report_n >= 3 && report_n <= 5);
	CHECK(report.has_sr);
	CHECK_INT(report.sender_ssrc, ours.ssrc);
	CHECK_INT(report.blocks_n, 1);
	CHECK_INT(report.blocks[0].ssrc, theirs.ssrc);
}

static void test_call_audio_learns_loss_from_reports(void)
{
	static const uint8_t rr[] = {
		0x81, 201, 0, 7, 0x22, 0x22, 0x22, 0x22, 0x11, 0x11, 0x11,
		0x11, 64,  0, 0, 5,    0,    0,    0,    9,    0,    0,
		0,    0,   0, 0, 0,    0,    0,    0,    0,    0};

	start(true);
	tgcall_audio_rtcp(&a, bytes_of(rr, sizeof(rr)), USEC_S);
	CHECK_INT(a.remote_lost_q8, 64);
	for (size_t n = 0; n < sizeof(rr); n++)
		tgcall_audio_rtcp(&a, bytes_of(rr, n), USEC_S);
	CHECK_INT(a.remote_lost_q8, 64);
}

/* The peer's feedback on ours: `lost` of each 16 packets. */
static void feedback_give(unsigned lost, int times, usec_t *at)
{
	struct twcc_receiver r = {0};
	uint16_t seq = 0;
	uint8_t rtcp[TWCC_FEEDBACK_BYTES];

	for (int k = 0; k < times; k++) {
		int n;

		for (int i = 0; i < 16; i++, seq++)
			if (i == 0 || i == 15 || i > (int)lost)
				twcc_receiver_packet(&r, seq, *at);
		n = twcc_receiver_write(rtcp, sizeof(rtcp), &r, theirs.ssrc,
					ours.ssrc);
		CHECK(n > 0);
		tgcall_audio_rtcp(&a, bytes_of(rtcp, (size_t)n), *at);
		*at += USEC_S;
	}
}

static void test_call_audio_loss_follows_the_feedback(void)
{
	usec_t at = USEC_S;

	start(true);
	CHECK_INT(tgcall_audio_loss(&a), 0);
	feedback_give(0, 4, &at);
	CHECK_INT(tgcall_audio_loss(&a), 0);
	feedback_give(2, 20, &at); /* 12.5 % */
	CHECK(tgcall_audio_loss(&a) >= 11 && tgcall_audio_loss(&a) <= 13);
	feedback_give(0, 40, &at);
	CHECK_INT(tgcall_audio_loss(&a), 0);
}

/* A peer without feedback says it in its reports. */
static void test_call_audio_loss_follows_reports_without_feedback(void)
{
	uint8_t rtcp[32] = {0x81, 201, 0, 7};
	usec_t at = USEC_S;

	start(true);
	be32_store(rtcp + 4, theirs.ssrc);
	be32_store(rtcp + 8, ours.ssrc);
	rtcp[12] = 51; /* 20 % */
	for (int i = 0; i < 20; i++, at += USEC_S)
		tgcall_audio_rtcp(&a, bytes_of(rtcp, sizeof(rtcp)), at);
	CHECK_INT(tgcall_audio_loss(&a), 20);
	/* With feedback they count no longer. */
	feedback_give(0, 40, &at);
	tgcall_audio_rtcp(&a, bytes_of(rtcp, sizeof(rtcp)), at);
	CHECK_INT(tgcall_audio_loss(&a), 0);
}

int main(void)
{
	RUN(test_call_audio_carries_negotiated_extensions_only);
	RUN(test_call_audio_timestamps_follow_pauses);
	RUN(test_call_audio_is_refused_before_the_direction_opens);
	RUN(test_call_audio_takes_its_ssrc_and_type_only);
	RUN(test_call_audio_drops_padding_but_counts_it);
	RUN(test_call_audio_reports_and_feeds_back_on_time);
	RUN(test_call_audio_learns_loss_from_reports);
	RUN(test_call_audio_loss_follows_the_feedback);
	RUN(test_call_audio_loss_follows_reports_without_feedback);
	return check_done();
}
