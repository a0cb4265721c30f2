/* RTP packets and reception statistics. RTCP is in rtcp.c. */
#include <errno.h>
#include <string.h>

#include "base/plant.h"
#include "media/rtp.h"

#define RTP_VERSION 2

/* RFC 8285 4.2 and 4.3: what the 16 bits "defined by profile" say. */
#define EXTENSION_ONE_BYTE 0xbede
#define EXTENSION_TWO_BYTE 0x1000
#define EXTENSION_TWO_BYTE_MASK 0xfff0
#define EXTENSION_STOP 15

/* RFC 3550 A.1 */
#define SEQ_MOD (1U << 16)
#define DROPOUT_MAX 3000
#define MISORDER_MAX 100
#define SEQUENTIAL_MIN 2

/* RFC 5761 4: payload types 64 to 95 with the marker bit are RTCP's. */
static bool type_is_rtcp(uint8_t second)
{
	return second >= 192 && second <= 223;
}

static bool datagram_is(struct bytes datagram, size_t least, bool rtcp)
{
	return datagram.n >= least && datagram.p[0] >> 6 == RTP_VERSION &&
	       type_is_rtcp(datagram.p[1]) == rtcp;
}

bool rtp_is_rtp(struct bytes datagram)
{
	return datagram_is(datagram, RTP_HEADER_BYTES, false);
}

bool rtp_is_rtcp(struct bytes datagram)
{
	return datagram_is(datagram, 8, true);
}

static void extension_add(struct rtp_header *h, uint8_t id, struct bytes data)
{
	if (h->extensions_n == RTP_EXTENSIONS_MAX)
		return;
	h->extensions[h->extensions_n].id = id;
	h->extensions[h->extensions_n].data = data;
	h->extensions_n++;
}

static void extensions_read_one_byte(struct rtp_header *h, struct rd *r)
{
	while (r->n && !r->bad) {
		uint8_t first = rd_u8(r);
		uint8_t id = first >> 4;

		if (id == 0)
			continue; /* padding */
		if (id == EXTENSION_STOP)
			return;
		struct bytes data = rd_bytes(r, (first & 15) + 1U);

		if (!r->bad)
			extension_add(h, id, data);
	}
}

static void extensions_read_two_byte(struct rtp_header *h, struct rd *r)
{
	while (r->n && !r->bad) {
		uint8_t id = rd_u8(r);

		if (id == 0)
			continue; /* padding */
		struct bytes data = rd_bytes(r, rd_u8(r));

		if (r->bad)
			return;
		PLANT_OVERFLOW(h->extensions_n == 1 && data.n == 3, data.p,
			       data.n);
		extension_add(h, id, data);
	}
}

static void extensions_read(struct rtp_header *h, struct rd *r)
{
	uint16_t profile = rd_be16(r);
	size_t words = rd_be16(r);
	struct bytes block = rd_bytes(r, words * 4);
	struct rd inner;

	rd_init(&inner, block.p, block.n);
	if (profile == EXTENSION_ONE_BYTE)
		extensions_read_one_byte(h, &inner);
	else if ((profile & EXTENSION_TWO_BYTE_MASK) == EXTENSION_TWO_BYTE)
		extensions_read_two_byte(h, &inner);
	if (inner.bad)
		rd_fail(r);
}

/* RFC 3550 5.1: "The last octet of the padding contains a count of how many
 * padding octets should be ignored, including itself." */
static int padding_remove(struct rtp_header *h)
{
	if (!h->payload.n)
		return -EBADMSG;
	uint8_t count = h->payload.p[h->payload.n - 1];

	if (count == 0 || count > h->payload.n)
		return -EBADMSG;
	h->padding = count;
	h->payload.n -= count;
	return 0;
}

int rtp_read(struct rtp_header *h, struct bytes datagram)
{
	struct rd r;
	uint8_t first, second;

	memset(h, 0, sizeof(*h));
	rd_init(&r, datagram.p, datagram.n);
	first = rd_u8(&r);
	second = rd_u8(&r);
	h->seq = rd_be16(&r);
	h->ts = rd_be32(&r);
	h->ssrc = rd_be32(&r);
	h->marker = second >> 7;
	h->pt = second & 127;
	if (first >> 6 != RTP_VERSION || type_is_rtcp(second))
		return -EBADMSG;
	rd_skip(&r, (first & 15U) * 4); /* contributing sources */
	if (first & 0x10)
		extensions_read(h, &r);
	if (r.bad)
		return -EBADMSG;
	h->payload = rd_bytes(&r, r.n);
	return first & 0x20 ? padding_remove(h) : 0;
}

/* Bytes of the one-byte form with its header; 0 without extensions. */
static int extensions_bytes(const struct rtp_header *h)
{
	size_t n = 0;

	for (size_t i = 0; i < h->extensions_n; i++) {
		const struct rtp_extension *e = &h->extensions[i];

		if (e->id < 1 || e->id >= EXTENSION_STOP || e->data.n < 1 ||
		    e->data.n > 16)
			return -EINVAL;
		n += 1 + e->data.n;
	}
	return n ? (int)(4 + ((n + 3) & ~(size_t)3)) : 0;
}

static void extensions_write(uint8_t *dst, size_t n, const struct rtp_header *h)
{
	memset(dst, 0, n);
	be16_store(dst, EXTENSION_ONE_BYTE);
	be16_store(dst + 2, (uint16_t)(n / 4 - 1));
	dst += 4;
	for (size_t i = 0; i < h->extensions_n; i++) {
		const struct rtp_extension *e = &h->extensions[i];

		*dst++ = (uint8_t)(e->id << 4 | (e->data.n - 1));
		memcpy(dst, e->data.p, e->data.n);
		dst += e->data.n;
	}
}

int rtp_write(uint8_t *dst, size_t room, const struct rtp_header *h)
{
	int extensions = extensions_bytes(h);

	if (extensions < 0)
		return extensions;
	size_t head = RTP_HEADER_BYTES + (size_t)extensions;

	if (room < head || room - head < h->padding ||
	    room - head - h->padding < h->payload.n)
		return -ENOSPC;
	dst[0] = (uint8_t)(RTP_VERSION << 6 | (h->padding ? 0x20 : 0) |
			   (extensions ? 0x10 : 0));
	dst[1] = (uint8_t)((h->marker ? 0x80 : 0) | (h->pt & 127));
	be16_store(dst + 2, h->seq);
	be32_store(dst + 4, h->ts);
	be32_store(dst + 8, h->ssrc);
	if (extensions)
		extensions_write(dst + RTP_HEADER_BYTES, (size_t)extensions, h);
	if (h->payload.n)
		memcpy(dst + head, h->payload.p, h->payload.n);
	if (h->padding) {
		memset(dst + head + h->payload.n, 0, h->padding);
		dst[head + h->payload.n + h->padding - 1] = h->padding;
	}
	return (int)(head + h->payload.n + h->padding);
}

/* -- reception statistics ----------------------------------------------- */

/* init_seq of RFC 3550 A.1 */
static void seq_init(struct rtp_receive_stats *s, uint16_t seq)
{
	s->base_seq = seq;
	s->max_seq = seq;
	s->bad_seq = SEQ_MOD + 1; /* so seq == bad_seq is false */
	s->cycles = 0;
	s->received = 0;
	s->received_prior = 0;
	s->expected_prior = 0;
}

static void stats_start(struct rtp_receive_stats *s, const struct rtp_header *h)
{
	memset(s, 0, sizeof(*s));
	s->started = true;
	s->ssrc = h->ssrc;
	seq_init(s, h->seq);
	s->max_seq = (uint16_t)(h->seq - 1);
	s->probation = SEQUENTIAL_MIN;
}

static int seq_probation(struct rtp_receive_stats *s, uint16_t seq)
{
	/* RFC 3550 A.1: "packet is in sequence" */
	if (seq != (uint16_t)(s->max_seq + 1)) {
		s->probation = SEQUENTIAL_MIN - 1;
		s->max_seq = seq;
		return -EINVAL;
	}
	s->probation--;
	s->max_seq = seq;
	if (s->probation)
		return -EINVAL;
	seq_init(s, seq);
	s->received++;
	return 0;
}

/* update_seq of RFC 3550 A.1 */
static int seq_update(struct rtp_receive_stats *s, uint16_t seq)
{
	uint16_t delta = (uint16_t)(seq - s->max_seq);

	if (s->probation)
		return seq_probation(s, seq);
	if (delta < DROPOUT_MAX) {
		/* "in order, with permissible gap" */
		if (seq < s->max_seq)
			s->cycles += SEQ_MOD;
		s->max_seq = seq;
	} else if (delta <= SEQ_MOD - MISORDER_MAX) {
		/* "the sequence number made a very large jump": two in a row
		 * mean that the other side restarted without telling us */
		if (seq != s->bad_seq) {
			s->bad_seq = (seq + 1U) & (SEQ_MOD - 1);
			return -EINVAL;
		}
		seq_init(s, seq);
	}
	s->received++;
	return 0;
}

/* RFC 3550 A.8 */
static void jitter_update(struct rtp_receive_stats *s, uint32_t ts,
			  uint32_t clock_hz, usec_t now)
{
	uint32_t arrival = (uint32_t)(now * clock_hz / USEC_S);
	uint32_t transit = arrival - ts;
	int32_t d = (int32_t)(transit - s->transit);
	bool first = !s->timed;

	s->transit = transit;
	s->timed = true;
	if (first)
		return;
	uint32_t magnitude = d < 0 ? 0U - (uint32_t)d : (uint32_t)d;

	s->jitter_q4 += magnitude - ((s->jitter_q4 + 8) >> 4);
}

int rtp_stats_update(struct rtp_receive_stats *s, const struct rtp_header *h,
		     uint32_t clock_hz, usec_t now)
{
	int err;

	if (!s->started || s->ssrc != h->ssrc)
		stats_start(s, h);
	err = seq_update(s, h->seq);
	if (!err && h->payload.n)
		jitter_update(s, h->ts, clock_hz, now);
	return err;
}

uint64_t rtp_stats_lost(const struct rtp_receive_stats *s)
{
	uint64_t expected;

	if (!s->started || s->probation)
		return 0;
	expected = (uint64_t)s->cycles + s->max_seq - s->base_seq + 1;
	return expected > s->received ? expected - s->received : 0;
}
