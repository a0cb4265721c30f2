#include "media/pcapng.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#define BLOCK_SECTION 0x0a0d0d0aU
#define BLOCK_INTERFACE 1U
#define BLOCK_PACKET 6U
#define BYTE_ORDER_MAGIC 0x1a2b3c4dU
#define LINKTYPE_RAW 101 /* begins with an IP header */
#define OPTION_NAME 2
#define OPTION_DESCRIPTION 3
#define HEADERS_MAX (40 + 8)
#define UDP_BYTES 8

static void u16(struct buf *b, unsigned v)
{
	const uint8_t bytes[2] = {(uint8_t)v, (uint8_t)(v >> 8)};

	buf_put(b, bytes, 2);
}

static void u32(struct buf *b, uint32_t v)
{
	u16(b, v & 0xffff);
	u16(b, v >> 16);
}

static void pad(struct buf *b, size_t n)
{
	buf_fill(b, 0, (4 - n % 4) % 4);
}

/* Type, length, body and length again. */
static void block(struct buf *out, uint32_t type, struct bytes body)
{
	u32(out, type);
	u32(out, (uint32_t)body.n + 12);
	buf_put(out, body.p, body.n);
	u32(out, (uint32_t)body.n + 12);
}

void pcapng_write_section(struct buf *out)
{
	struct buf body;

	buf_init(&body);
	u32(&body, BYTE_ORDER_MAGIC);
	u16(&body, 1); /* version 1.0 */
	u16(&body, 0);
	u32(&body, UINT32_MAX); /* length not said */
	u32(&body, UINT32_MAX);
	block(out, BLOCK_SECTION, buf_bytes(&body));
	buf_clear(&body);
}

static void option(struct buf *b, unsigned code, const char *text)
{
	size_t n = strlen(text);

	u16(b, code);
	u16(b, (unsigned)n);
	buf_put(b, text, n);
	pad(b, n);
}

void pcapng_write_interface(struct buf *out, const char *name,
			    const char *description)
{
	struct buf body;

	buf_init(&body);
	u16(&body, LINKTYPE_RAW);
	u16(&body, 0);
	u32(&body, 0); /* no limit */
	option(&body, OPTION_NAME, name);
	option(&body, OPTION_DESCRIPTION, description);
	u32(&body, 0); /* end of options */
	block(out, BLOCK_INTERFACE, buf_bytes(&body));
	buf_clear(&body);
}

/* RFC 1071, over bytes of network order. */
static uint32_t sum(uint32_t so_far, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		so_far += (uint32_t)p[i] << 8 | p[i + 1];
	return n % 2 ? so_far + ((uint32_t)p[n - 1] << 8) : so_far;
}

static uint16_t fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static size_t ipv4(uint8_t *h, const struct pcapng_packet *p)
{
	size_t total = 20 + UDP_BYTES + p->length;
	uint32_t src = sa_in(&p->src), dst = sa_in(&p->dst);

	h[0] = 0x45;
	be16_store(h + 2, (uint16_t)total);
	h[8] = 64;
	h[9] = IPPROTO_UDP;
	be32_store(h + 12, src);
	be32_store(h + 16, dst);
	be16_store(h + 10, fold(sum(0, h, 20)));
	return 20; /* without a UDP checksum, which IPv4 allows */
}

static size_t ipv6(uint8_t *h, const struct pcapng_packet *p)
{
	h[0] = 0x60;
	be16_store(h + 4, (uint16_t)(UDP_BYTES + p->length));
	h[6] = IPPROTO_UDP;
	h[7] = 64;
	sa_in6(&p->src, h + 8);
	sa_in6(&p->dst, h + 24);
	return 40;
}

static void udp(uint8_t *h, const struct pcapng_packet *p)
{
	be16_store(h, sa_port(&p->src));
	be16_store(h + 2, sa_port(&p->dst));
	be16_store(h + 4, (uint16_t)(UDP_BYTES + p->length));
}

/* RFC 8200 8.1: UDP in IPv6 has a checksum. Of a packet that was cut none can
 * be had; it stays zero. */
static void udp6_sum(uint8_t *ip, uint8_t *u, const struct pcapng_packet *p)
{
	uint32_t s = IPPROTO_UDP + UDP_BYTES + (uint32_t)p->length;
	uint16_t check;

	if (p->data.n != p->length)
		return;
	s = sum(s, ip + 8, 32);
	s = sum(s, u, UDP_BYTES);
	check = fold(sum(s, p->data.p, p->data.n));
	be16_store(u + 6, check ? check : 0xffff);
}

int pcapng_write_packet(struct buf *out, const struct pcapng_packet *p)
{
	uint8_t head[HEADERS_MAX] = {0};
	bool six = sa_af(&p->src) == AF_INET6;
	size_t ip, captured;
	struct buf body;

	if (sa_af(&p->src) != sa_af(&p->dst) ||
	    (!six && sa_af(&p->src) != AF_INET) || p->data.n > p->length ||
	    p->length > 65535 - HEADERS_MAX)
		return -EINVAL;
	ip = six ? ipv6(head, p) : ipv4(head, p);
	udp(head + ip, p);
	if (six)
		udp6_sum(head, head + ip, p);
	captured = ip + UDP_BYTES + p->data.n;
	buf_init(&body);
	u32(&body, p->interface);
	u32(&body, (uint32_t)((uint64_t)p->at.us >> 32));
	u32(&body, (uint32_t)p->at.us);
	u32(&body, (uint32_t)captured);
	u32(&body, (uint32_t)(ip + UDP_BYTES + p->length));
	buf_put(&body, head, ip + UDP_BYTES);
	buf_put(&body, p->data.p, p->data.n);
	pad(&body, captured);
	block(out, BLOCK_PACKET, buf_bytes(&body));
	buf_clear(&body);
	return out->bad ? -ENOMEM : 0;
}
