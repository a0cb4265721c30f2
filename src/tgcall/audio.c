#include "tgcall/audio.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"

#define CLOCK_HZ 48000
#define PACKET_BYTES 1500
/* E.11: "send SR every 1-5 s with CNAME, RR; answer with TWCC every ~100 ms".
 */
#define REPORT_FIRST (500 * USEC_MS)
#define REPORT_EVERY (2500 * USEC_MS)
#define FEEDBACK_EVERY (100 * USEC_MS)
/* More than this behind the last packet's end is a pause: the timestamp goes
 * on with the clock, and the next packet has the marker. */
#define PAUSE (100 * USEC_MS)
/* Loss is reckoned over so many packets: two seconds of 60 ms packets, and one
 * of them lost is no more than 3 %. */
#define LOSS_WINDOW_PACKETS 32
/* Without feedback for so long, reports say what is lost. */
#define FEEDBACK_STALE (5 * USEC_S)
/* Seconds from 1900 to 1970 */
#define NTP_OFFSET 2208988800u

void tgcall_audio_init(struct tgcall_audio *a,
		       const struct tgcall_audio_handlers *h, void *arg)
{
	memset(a, 0, sizeof(*a));
	a->handlers = *h;
	a->arg = arg;
	a->report_at = a->feedback_at = USEC_NEVER;
	random_bytes(&a->seq, sizeof(a->seq));
	random_bytes(&a->ts, sizeof(a->ts));
	/* Room before the first wrap: SRTP peers guess the roll-over count. */
	a->seq &= 0x7fff;
	random_text(a->cname, sizeof(a->cname) - 1);
}

void tgcall_audio_send_open(struct tgcall_audio *a,
			    const struct tgcall_channel *c, usec_t now)
{
	a->send = *c;
	a->send_open = true;
	if (a->report_at == USEC_NEVER)
		a->report_at = now + REPORT_FIRST;
}

void tgcall_audio_recv_open(struct tgcall_audio *a,
			    const struct tgcall_channel *c, usec_t now)
{
	if (!a->recv_open || a->recv.ssrc != c->ssrc) {
		memset(&a->received, 0, sizeof(a->received));
		a->last_samples = 0;
	}
	a->recv = *c;
	a->recv_open = true;
	if (a->report_at == USEC_NEVER)
		a->report_at = now + REPORT_FIRST;
	if (c->ext_transport_cc && a->feedback_at == USEC_NEVER)
		a->feedback_at = now + FEEDBACK_EVERY;
}

/* -- sending --------------------------------------------------------------- */

/* Returns whether a talk spurt begins. */
static bool timestamp_advance(struct tgcall_audio *a, usec_t now)
{
	usec_t end;

	if (a->sent_at == 0)
		return true;
	end = a->sent_at + (usec_t)a->sent_samples * USEC_S / CLOCK_HZ;
	if (now < end + PAUSE) {
		a->ts += a->sent_samples;
		return false;
	}
	a->ts += (uint32_t)((now - a->sent_at) * CLOCK_HZ / USEC_S);
	return true;
}

/* Seconds in 6.18 fixed point of the wall clock, as NTP counts it. */
static void send_time_store(uint8_t p[3], struct wall wall)
{
	uint64_t us = (uint64_t)wall.us + (uint64_t)NTP_OFFSET * 1000000;
	uint32_t v = (uint32_t)((us << 18) / 1000000);

	p[0] = (uint8_t)(v >> 16);
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)v;
}

int tgcall_audio_send(struct tgcall_audio *a, struct bytes opus,
		      uint32_t samples, usec_t now)
{
	uint8_t packet[PACKET_BYTES], send_time[3], transport[2];
	struct rtp_header h = {0};
	int n;

	if (!a->send_open)
		return -ENOTCONN;
	h.marker = timestamp_advance(a, now);
	if (!opus.n) {
		/* Lost on its way to us: the peer shall see the gap. */
		a->seq++;
		a->sent_at = now;
		a->sent_samples = samples;
		return 0;
	}
	h.pt = (uint8_t)a->send.payload_type;
	h.seq = a->seq++;
	h.ts = a->ts;
	h.ssrc = a->send.ssrc;
	h.payload = opus;
	if (a->send.ext_abs_send_time) {
		send_time_store(send_time, clock_wall());
		h.extensions[h.extensions_n++] = (struct rtp_extension){
			(uint8_t)a->send.ext_abs_send_time,
			bytes_of(send_time, sizeof(send_time))};
	}
	if (a->send.ext_transport_cc) {
		be16_store(transport, a->transport_seq++);
		h.extensions[h.extensions_n++] = (struct rtp_extension){
			(uint8_t)a->send.ext_transport_cc,
			bytes_of(transport, sizeof(transport))};
	}
	n = rtp_write(packet, sizeof(packet), &h);
	if (n < 0)
		return -EMSGSIZE;
	a->sent_at = now;
	a->sent_samples = samples;
	a->tx_packets++;
	a->tx_bytes += opus.n;
	a->handlers.send(bytes_of(packet, (size_t)n), false, a->arg);
	return 0;
}

/* -- receiving ------------------------------------------------------------- */

bool tgcall_audio_is_expected(const struct tgcall_audio *a,
			      struct bytes datagram)
{
	/* E.11: "exactly the one in NegotiateChannels; others are dropped". */
	return a->recv_open && datagram.n >= RTP_HEADER_BYTES &&
	       be32_load(datagram.p + 8) == a->recv.ssrc;
}

static void extensions_read(struct tgcall_audio *a, const struct rtp_header *h,
			    usec_t now)
{
	for (int i = 0; i < h->extensions_n; i++) {
		const struct rtp_extension *x = &h->extensions[i];

		if (a->recv.ext_transport_cc &&
		    x->id == a->recv.ext_transport_cc && x->data.n >= 2)
			twcc_receiver_packet(
				&a->feedback,
				(uint16_t)(x->data.p[0] << 8 | x->data.p[1]),
				now);
	}
}

/* What the peer's packet time is, from two packets in a row. */
static void packet_time_learn(struct tgcall_audio *a,
			      const struct rtp_header *h)
{
	if (a->rx_packets > 0 && h->seq == (uint16_t)(a->last_seq + 1) &&
	    h->ts - a->last_ts <= CLOCK_HZ * 120 / 1000)
		a->last_samples = h->ts - a->last_ts;
	a->last_seq = h->seq;
	a->last_ts = h->ts;
}

void tgcall_audio_rtp(struct tgcall_audio *a, struct bytes plain, usec_t now)
{
	struct media_packet packet;
	struct rtp_header h;

	if (rtp_read(&h, plain) < 0) {
		a->rx_bad++;
		count_bad("tgcall", "rtp", "malformed");
		return;
	}
	rtp_stats_update(&a->received, &h, CLOCK_HZ, now);
	extensions_read(a, &h, now);
	/* E.11: "padding-only RTP: drop before the jitter buffer, count the
	 * sequence numbers". */
	if (h.payload.n == 0) {
		a->rx_padding++;
		return;
	}
	if (h.pt != a->recv.payload_type) {
		a->rx_bad++;
		count_bad("tgcall", "payload-type", "not the negotiated one");
		return;
	}
	packet_time_learn(a, &h);
	a->rx_packets++;
	a->rx_bytes += h.payload.n;
	packet = (struct media_packet){
		.seq = h.seq,
		.ts = h.ts,
		.marker = h.marker,
		.pt = h.pt,
		.payload = h.payload,
		.arrival = now,
	};
	if (a->handlers.audio)
		a->handlers.audio(&packet, a->arg);
}

static void loss_learn(struct tgcall_audio *a, uint32_t q16)
{
	a->loss_q16 = (3 * a->loss_q16 + q16) / 4;
}

static void feedback_learn(struct tgcall_audio *a, usec_t now)
{
	const struct twcc_report *all = &a->remote_feedback;
	uint32_t lost = all->lost - a->loss_from.lost;
	uint32_t told = lost + all->received - a->loss_from.received;

	if (!told)
		return;
	a->feedback_heard_at = now;
	if (told < LOSS_WINDOW_PACKETS)
		return;
	loss_learn(a, (uint32_t)(((uint64_t)lost << 16) / told));
	a->loss_from = *all;
}

static void report_learn(struct tgcall_audio *a, uint8_t lost_q8, usec_t now)
{
	a->remote_lost_q8 = lost_q8;
	if (!a->feedback_heard_at ||
	    now > a->feedback_heard_at + FEEDBACK_STALE)
		loss_learn(a, (uint32_t)lost_q8 << 8);
}

unsigned tgcall_audio_loss(const struct tgcall_audio *a)
{
	return (a->loss_q16 * 100 + 0x8000) >> 16;
}

void tgcall_audio_rtcp(struct tgcall_audio *a, struct bytes plain, usec_t now)
{
	struct rtcp_summary s;

	if (rtcp_read(&s, plain) < 0 ||
	    twcc_report_read(&a->remote_feedback, plain) < 0) {
		a->rx_bad++;
		count_bad("tgcall", "rtcp", "malformed");
		return;
	}
	if (s.has_sr && a->recv_open && s.sender_ssrc == a->recv.ssrc) {
		a->received.last_sr = (uint32_t)(s.ntp >> 16);
		a->received.last_sr_at = now;
	}
	for (int i = 0; i < s.blocks_n; i++)
		if (a->send_open && s.blocks[i].ssrc == a->send.ssrc)
			report_learn(a, s.blocks[i].fraction_lost, now);
	feedback_learn(a, now);
}

/* -- reports --------------------------------------------------------------- */

usec_t tgcall_audio_deadline(const struct tgcall_audio *a)
{
	return a->report_at < a->feedback_at ? a->report_at : a->feedback_at;
}

static void report_send(struct tgcall_audio *a, usec_t now)
{
	uint8_t packet[256];
	struct rtcp_sender s = {
		.ssrc = a->send.ssrc,
		.packets = (uint32_t)a->tx_packets,
		.octets = (uint32_t)a->tx_bytes,
		.ts = a->ts +
		      (uint32_t)((now - a->sent_at) * CLOCK_HZ / USEC_S),
		.cname = a->cname,
		.wall = clock_wall(),
		.now = now,
	};
	int n;

	if (!a->send_open)
		return;
	n = rtcp_write_report(packet, sizeof(packet), &s,
			      a->received.started ? &a->received : NULL);
	if (n > 0)
		a->handlers.send(bytes_of(packet, (size_t)n), true, a->arg);
}

static void feedback_send(struct tgcall_audio *a)
{
	uint8_t packet[TWCC_FEEDBACK_BYTES];
	int n = twcc_receiver_write(packet, sizeof(packet), &a->feedback,
				    a->send.ssrc, a->recv.ssrc);

	if (n > 0)
		a->handlers.send(bytes_of(packet, (size_t)n), true, a->arg);
}

void tgcall_audio_timeout(struct tgcall_audio *a, usec_t now)
{
	if (a->report_at <= now) {
		a->report_at = now + REPORT_EVERY;
		report_send(a, now);
	}
	if (a->feedback_at <= now) {
		a->feedback_at = now + FEEDBACK_EVERY;
		feedback_send(a);
	}
}
