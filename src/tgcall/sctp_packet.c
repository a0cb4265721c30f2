#include "tgcall/sctp_packet.h"

#include <errno.h>

#include "tgcall/sctp.h"

enum {
	PARAM_IPV4 = 5,
	PARAM_IPV6 = 6,
	PARAM_STATE_COOKIE = 7,
	PARAM_UNRECOGNIZED = 8,
	PARAM_COOKIE_PRESERVATIVE = 9,
	PARAM_HOST_NAME = 11,
	PARAM_ADDRESS_TYPES = 12,
	PARAM_FORWARD_TSN = 0xc000,
	PARAM_ADAPTATION = 0xc006,
};

#define REPORT_MAX 256 /* bytes; an INIT-ACK stays one packet */

/* Castagnoli's polynomial, reflected, four bits at a time. */
static const uint32_t crc_nibble[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
	0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
	0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

static uint32_t crc_add(uint32_t crc, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		crc = crc >> 4 ^ crc_nibble[crc & 15];
		crc = crc >> 4 ^ crc_nibble[crc & 15];
	}
	return crc;
}

uint32_t sctp_crc32c(const void *p, size_t n)
{
	return ~crc_add(0xffffffff, p, n);
}

static void padding_skip(struct rd *r, size_t n)
{
	size_t pad = -n & 3;

	/* The last one of a packet may come without its padding. */
	rd_skip(r, pad < r->n ? pad : r->n);
}

bool sctp_chunk_read(struct rd *r, struct sctp_chunk *c)
{
	size_t n;

	if (r->bad || r->n == 0)
		return false;
	c->type = rd_u8(r);
	c->flags = rd_u8(r);
	n = rd_be16(r);
	if (n < 4)
		rd_fail(r);
	c->body = rd_bytes(r, n - 4);
	if (r->bad)
		return false;
	padding_skip(r, n);
	return true;
}

bool sctp_param_read(struct rd *r, uint16_t *type, struct bytes *body)
{
	size_t n;

	if (r->bad || r->n == 0)
		return false;
	*type = rd_be16(r);
	n = rd_be16(r);
	if (n < 4)
		rd_fail(r);
	*body = rd_bytes(r, n - 4);
	if (r->bad)
		return false;
	padding_skip(r, n);
	return true;
}

void sctp_packet_begin(struct buf *b, uint16_t port, uint32_t tag)
{
	buf_be16(b, port);
	buf_be16(b, port);
	buf_be32(b, tag);
	buf_be32(b, 0);
}

void sctp_packet_end(struct buf *b)
{
	if (!b->bad)
		le32_store(b->p + 8, sctp_crc32c(b->p, b->n));
}

size_t sctp_chunk_begin(struct buf *b, uint8_t type, uint8_t flags)
{
	size_t at = b->n;

	buf_u8(b, type);
	buf_u8(b, flags);
	buf_be16(b, 0);
	return at;
}

void sctp_chunk_end(struct buf *b, size_t at)
{
	if (b->bad)
		return;
	be16_store(b->p + at + 2, (uint16_t)(b->n - at));
	buf_fill(b, 0, -(b->n - at) & 3);
}

void sctp_chunk_put(struct buf *b, uint8_t type, uint8_t flags,
		    struct bytes body)
{
	size_t at = sctp_chunk_begin(b, type, flags);

	buf_put(b, body.p, body.n);
	sctp_chunk_end(b, at);
}

void sctp_param_align(struct buf *b)
{
	buf_fill(b, 0, -b->n & 3);
}

void sctp_param_put(struct buf *b, uint16_t type, struct bytes body)
{
	sctp_param_align(b);
	buf_be16(b, type);
	buf_be16(b, (uint16_t)(4 + body.n));
	buf_put(b, body.p, body.n);
}

static bool param_is_known(uint16_t type)
{
	switch (type) {
	case PARAM_IPV4:
	case PARAM_IPV6:
	case PARAM_STATE_COOKIE:
	case PARAM_UNRECOGNIZED:
	case PARAM_COOKIE_PRESERVATIVE:
	case PARAM_HOST_NAME:
	case PARAM_ADDRESS_TYPES:
	case PARAM_FORWARD_TSN:
	case PARAM_ADAPTATION:
		return true;
	default:
		return false;
	}
}

int sctp_init_parse(struct sctp_init *init, struct bytes body,
		    struct buf *report)
{
	struct bytes param;
	uint16_t type;
	struct rd r;

	rd_init(&r, body.p, body.n);
	init->tag = rd_be32(&r);
	init->rwnd = rd_be32(&r);
	init->streams_out = rd_be16(&r);
	init->streams_in = rd_be16(&r);
	init->tsn = rd_be32(&r);
	init->cookie = bytes_of(NULL, 0);
	if (r.bad || !init->tag || !init->streams_out || !init->streams_in)
		return -EBADMSG;
	while (sctp_param_read(&r, &type, &param)) {
		if (type == PARAM_STATE_COOKIE)
			init->cookie = param;
		if (param_is_known(type))
			continue;
		/* RFC 9260 3.2.1: the two top bits say what to do with what
		 * one does not know: 01 and 11 report it, 10 and 11 go on. */
		if (type & 0x4000 && report->n < REPORT_MAX) {
			struct buf copy;

			buf_init(&copy);
			sctp_param_put(&copy, type, param);
			sctp_param_put(report, PARAM_UNRECOGNIZED,
				       buf_bytes(&copy));
			buf_clear(&copy);
		}
		if (!(type & 0x8000))
			return 0;
	}
	return r.bad ? -EBADMSG : 0;
}

size_t sctp_init_begin(struct buf *b, uint8_t type,
		       const struct sctp_init *init)
{
	size_t at = sctp_chunk_begin(b, type, 0);

	buf_be32(b, init->tag);
	buf_be32(b, init->rwnd);
	buf_be16(b, init->streams_out);
	buf_be16(b, init->streams_in);
	buf_be32(b, init->tsn);
	if (init->cookie.n)
		sctp_param_put(b, PARAM_STATE_COOKIE, init->cookie);
	return at;
}
