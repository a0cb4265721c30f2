/* RTCP: what we read of a compound, and the reports we write. */
#include <errno.h>
#include <string.h>

#include "media/rtp.h"

#define RTCP_SR 200
#define RTCP_RR 201
#define RTCP_SDES 202
#define RTCP_BYE 203
#define SDES_CNAME 1

#define RTCP_HEADER_BYTES 4
#define BLOCK_BYTES 24
#define SENDER_INFO_BYTES 20

/* 1900 to 1970, RFC 3550 4 */
#define NTP_EPOCH_S 2208988800U

static void block_read(struct rtcp_summary *s, struct rd *r)
{
	struct rtcp_report_block b = {.ssrc = rd_be32(r)};
	uint32_t lost = rd_be32(r);

	b.fraction_lost = (uint8_t)(lost >> 24);
	/* RFC 3550 6.4.1: a signed 24-bit number */
	lost &= 0xffffff;
	b.lost = lost & 0x800000 ? (int32_t)lost - 0x1000000 : (int32_t)lost;
	b.highest_seq = rd_be32(r);
	b.jitter = rd_be32(r);
	b.last_sr = rd_be32(r);
	b.delay_since_sr = rd_be32(r);
	if (r->bad || s->blocks_n == sizeof(s->blocks) / sizeof(s->blocks[0]))
		return;
	s->blocks[s->blocks_n++] = b;
}

static void report_read(struct rtcp_summary *s, struct rd *r, uint8_t type,
			unsigned count)
{
	s->sender_ssrc = rd_be32(r);
	if (type == RTCP_SR) {
		s->has_sr = true;
		s->ntp = rd_be64(r);
		s->rtp_ts = rd_be32(r);
		rd_skip(r, 8); /* packet and octet counts */
	}
	for (unsigned i = 0; i < count; i++)
		block_read(s, r);
}

static void bye_read(struct rtcp_summary *s, struct rd *r, unsigned count)
{
	s->has_bye = true;
	if (count && !s->sender_ssrc)
		s->sender_ssrc = rd_be32(r);
	else
		rd_skip(r, count * 4);
}

static int packet_read(struct rtcp_summary *s, struct rd *r)
{
	uint8_t first = rd_u8(r);
	uint8_t type = rd_u8(r);
	struct bytes body = rd_bytes(r, rd_be16(r) * (size_t)4);
	struct rd inner;

	if (r->bad || first >> 6 != 2 || type < 192 || type > 223)
		return -EBADMSG;
	/* RFC 3550 6.4.1: padding stands only on the last packet */
	if (first & 0x20) {
		if (r->n || !body.n || body.p[body.n - 1] > body.n)
			return -EBADMSG;
		body.n -= body.p[body.n - 1];
	}
	rd_init(&inner, body.p, body.n);
	if (type == RTCP_SR || type == RTCP_RR)
		report_read(s, &inner, type, first & 31);
	else if (type == RTCP_BYE)
		bye_read(s, &inner, first & 31);
	return inner.bad ? -EBADMSG : 0;
}

int rtcp_read(struct rtcp_summary *s, struct bytes datagram)
{
	struct rd r;
	int err = 0;

	memset(s, 0, sizeof(*s));
	rd_init(&r, datagram.p, datagram.n);
	if (!r.n)
		return -EBADMSG;
	while (r.n && !err)
		err = packet_read(s, &r);
	if (err)
		memset(s, 0, sizeof(*s));
	return err;
}

/* -- writing ------------------------------------------------------------ */

static void header_write(uint8_t *dst, unsigned count, uint8_t type, size_t n)
{
	dst[0] = (uint8_t)(2U << 6 | count);
	dst[1] = type;
	be16_store(dst + 2, (uint16_t)(n / 4 - 1));
}

/* RFC 3550 A.3 */
static uint8_t fraction_lost(struct rtp_receive_stats *r, uint64_t expected)
{
	uint64_t interval = expected - r->expected_prior;
	uint64_t received = r->received - r->received_prior;

	r->expected_prior = expected;
	r->received_prior = r->received;
	if (!interval || received >= interval)
		return 0;
	return (uint8_t)(((interval - received) << 8) / interval > 255
				 ? 255
				 : ((interval - received) << 8) / interval);
}

static uint32_t cumulative_lost(int64_t lost)
{
	/* RFC 3550 A.3: "clamped at 0x7fffff for positive loss or 0x800000 for
	 * negative loss" */
	if (lost > 0x7fffff)
		lost = 0x7fffff;
	if (lost < -0x800000)
		lost = -0x800000;
	return (uint32_t)lost & 0xffffff;
}

static void block_write(uint8_t *dst, struct rtp_receive_stats *r, usec_t now)
{
	uint32_t highest = r->cycles + r->max_seq;
	uint64_t expected = (uint64_t)highest - r->base_seq + 1;
	uint32_t fraction = fraction_lost(r, expected);
	uint32_t delay = 0;

	if (r->last_sr && now > r->last_sr_at)
		delay = (uint32_t)((now - r->last_sr_at) * 65536 / USEC_S);
	be32_store(dst, r->ssrc);
	be32_store(dst + 4,
		   fraction << 24 |
			   cumulative_lost((int64_t)(expected - r->received)));
	be32_store(dst + 8, highest);
	be32_store(dst + 12, r->jitter_q4 >> 4);
	be32_store(dst + 16, r->last_sr);
	be32_store(dst + 20, delay);
}

static void sender_info_write(uint8_t *dst, const struct rtcp_sender *s)
{
	uint64_t us = (uint64_t)s->wall.us;

	be32_store(dst, (uint32_t)(us / USEC_S) + NTP_EPOCH_S);
	be32_store(dst + 4, (uint32_t)(((us % USEC_S) << 32) / USEC_S));
	be32_store(dst + 8, s->ts);
	be32_store(dst + 12, s->packets);
	be32_store(dst + 16, s->octets);
}

/* One chunk with the CNAME, ended by one to four zeros (RFC 3550 6.5). */
static size_t sdes_bytes(const char *cname)
{
	return RTCP_HEADER_BYTES + ((4 + 2 + strlen(cname) + 4) & ~(size_t)3);
}

static void sdes_write(uint8_t *dst, size_t n, const struct rtcp_sender *s)
{
	size_t length = strlen(s->cname);

	memset(dst, 0, n);
	header_write(dst, 1, RTCP_SDES, n);
	be32_store(dst + 4, s->ssrc);
	dst[8] = SDES_CNAME;
	dst[9] = (uint8_t)length;
	memcpy(dst + 10, s->cname, length);
}

int rtcp_write_report(uint8_t *dst, size_t room, const struct rtcp_sender *s,
		      struct rtp_receive_stats *r)
{
	bool sends = s->packets > 0;
	bool reports = r && r->started && !r->probation;
	size_t head = 8 + (sends ? SENDER_INFO_BYTES : 0U);
	size_t report = head + (reports ? BLOCK_BYTES : 0U);
	size_t sdes = sdes_bytes(s->cname);

	if (strlen(s->cname) > 255)
		return -EINVAL;
	if (room < report + sdes)
		return -ENOSPC;
	header_write(dst, reports, sends ? RTCP_SR : RTCP_RR, report);
	be32_store(dst + 4, s->ssrc);
	if (sends)
		sender_info_write(dst + 8, s);
	if (reports)
		block_write(dst + head, r, s->now);
	sdes_write(dst + report, sdes, s);
	return (int)(report + sdes);
}

int rtcp_write_bye(uint8_t *dst, size_t room, uint32_t ssrc)
{
	if (room < 8)
		return -ENOSPC;
	header_write(dst, 1, RTCP_BYE, 8);
	be32_store(dst + 4, ssrc);
	return 8;
}
