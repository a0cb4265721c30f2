#include "ice/reflector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/plant.h"

#define PREFIX_BYTES 12
#define TAG_BYTES 16
#define DATA_HEADER_BYTES 24
#define HELLO_REPEAT (500 * USEC_MS)
#define HELLO_KEEP (10 * USEC_S)

void ice_reflector_init(struct ice_reflector *r, int server_id,
			const uint8_t peer_tag[16], uint32_t tag, bool tcp,
			usec_t now)
{
	*r = (struct ice_reflector){.tag = tag,
				    .server_id = server_id,
				    .tcp = tcp,
				    .hello_at = now};
	memcpy(r->peer_tag, peer_tag, sizeof(r->peer_tag));
}

/* E.8: "my_tag16 = peer_tag[0..12) || tag as 4 bytes little endian". */
static void tag_write(uint8_t dst[TAG_BYTES], const struct ice_reflector *r,
		      uint32_t tag)
{
	memcpy(dst, r->peer_tag, PREFIX_BYTES);
	le32_store(dst + PREFIX_BYTES, tag);
}

size_t ice_reflector_hello(uint8_t dst[ICE_REFLECTOR_HELLO_BYTES],
			   struct ice_reflector *r, usec_t now)
{
	/* "Send every 500 ms until the first answer, then every 10 s." */
	r->hello_at = now + (r->answered ? HELLO_KEEP : HELLO_REPEAT);
	tag_write(dst, r, r->tag);
	if (r->tcp) {
		/* "hello = my_tag16 || 00 00 00 00 (20 bytes)" */
		memset(dst + TAG_BYTES, 0, 4);
		return TAG_BYTES + 4;
	}
	/* "12 x ff || fe ff ff ff || 8 bytes BE 123" */
	memset(dst + 16, 0xff, 16);
	dst[28] = 0xfe;
	memset(dst + 32, 0, 7);
	dst[39] = 123;
	return ICE_REFLECTOR_HELLO_BYTES;
}

int ice_reflector_wrap(uint8_t *dst, size_t room, const struct ice_reflector *r,
		       uint32_t to, struct bytes payload)
{
	size_t padded = (payload.n + 3) & ~(size_t)3;

	if (payload.n > ICE_REFLECTOR_PACKET_BYTES ||
	    DATA_HEADER_BYTES + padded > room)
		return -EMSGSIZE;
	tag_write(dst, r, to);
	le32_store(dst + 16, r->tag);
	be32_store(dst + 20, (uint32_t)payload.n);
	if (payload.n)
		memcpy(dst + DATA_HEADER_BYTES, payload.p, payload.n);
	memset(dst + DATA_HEADER_BYTES + payload.n, 0, padded - payload.n);
	return (int)(DATA_HEADER_BYTES + padded);
}

static bool is_hello(struct bytes packet)
{
	/* "If bytes 16..27 are all ff it is a hello echo". */
	static const uint8_t ones[12] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	return packet.n >= 28 && memcmp(packet.p + 16, ones, 12) == 0;
}

int ice_reflector_unwrap(struct bytes *payload, uint32_t *from,
			 struct ice_reflector *r, struct bytes packet)
{
	uint32_t to, sender, n;
	struct rd rd;

	if (packet.n < TAG_BYTES ||
	    memcmp(packet.p, r->peer_tag, PREFIX_BYTES) != 0)
		return -EBADMSG;
	/* Any such packet means: the server knows us. */
	if (!r->answered) {
		r->answered = true;
		r->hello_at += HELLO_KEEP - HELLO_REPEAT;
	}
	if (packet.n < DATA_HEADER_BYTES || is_hello(packet))
		return 0;
	rd_init(&rd, packet.p + PREFIX_BYTES, packet.n - PREFIX_BYTES);
	to = rd_le32(&rd);
	sender = rd_le32(&rd);
	n = rd_be32(&rd);
	if (to != r->tag || n > rd.n)
		return -EBADMSG;
	PLANT_OVERFLOW(n >= 8 && n % 4 == 1, rd.p, n);
	*payload = rd_bytes(&rd, n);
	*from = sender;
	return 1;
}

int ice_reflector_stream_input(struct ice_reflector_stream *s, struct bytes d,
			       void (*packet)(struct bytes packet, void *arg),
			       void *arg)
{
	while (d.n) {
		/* The length was checked when its last byte came. */
		size_t want = s->n < 4 ? 4 : 4 + (size_t)le32_load(s->p);
		size_t take;

		take = want - s->n < d.n ? want - s->n : d.n;
		memcpy(s->p + s->n, d.p, take);
		s->n += take;
		d = bytes_of(d.p + take, d.n - take);
		if (s->n < 4)
			continue;
		if (le32_load(s->p) > ICE_REFLECTOR_PACKET_BYTES)
			return -EBADMSG;
		if (s->n < 4 + (size_t)le32_load(s->p))
			continue;
		packet(bytes_of(s->p + 4, s->n - 4), arg);
		s->n = 0;
	}
	return 0;
}

/* -- ports as addresses -----------------------------------------------------
 */

void ice_reflector_address(struct sa *addr, int server_id, uint32_t tag,
			   uint16_t port)
{
	uint8_t in6[16] = {0x01};

	be32_store(in6 + 8, (uint32_t)server_id);
	be32_store(in6 + 12, tag);
	sa_set_in6(addr, in6, port);
}

bool ice_reflector_is_address(const struct sa *addr)
{
	static const uint8_t prefix[8] = {0x01};
	uint8_t in6[16];

	if (sa_af(addr) != AF_INET6)
		return false;
	sa_in6(addr, in6);
	return memcmp(in6, prefix, sizeof(prefix)) == 0;
}

static uint32_t server_id_of(const struct sa *addr)
{
	uint8_t in6[16];

	sa_in6(addr, in6);
	return be32_load(in6 + 8);
}

uint32_t ice_reflector_tag(const struct sa *addr)
{
	uint8_t in6[16];

	sa_in6(addr, in6);
	return be32_load(in6 + 12);
}

/* E.8: "pairs only with remote candidates of the same serverId and the same
 * port number". */
bool ice_reflector_same_server(const struct sa *a, const struct sa *b)
{
	return ice_reflector_is_address(a) && ice_reflector_is_address(b) &&
	       server_id_of(a) == server_id_of(b) && sa_port(a) == sa_port(b);
}

static bool number_read(unsigned long *v, const char **text, char end,
			unsigned long max)
{
	char *stop;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	*v = strtoul(*text, &stop, 10);
	*text = stop + 1;
	return errno == 0 && *stop == end && *v <= max;
}

int ice_reflector_name_read(struct sa *addr, const char *name, uint16_t port)
{
	unsigned long id, tag;

	if (strncmp(name, "reflector-", 10) != 0)
		return -ENOTSUP;
	name += 10;
	if (!number_read(&id, &name, '-', 255) ||
	    !number_read(&tag, &name, '.', UINT32_MAX) || tag == 0 ||
	    strcmp(name, "reflector") != 0)
		return -ENOTSUP;
	ice_reflector_address(addr, (int)id, (uint32_t)tag, port);
	return 0;
}

void ice_reflector_name_write(char name[64], const struct sa *addr)
{
	snprintf(name, 64, "reflector-%u-%u.reflector", server_id_of(addr),
		 ice_reflector_tag(addr));
}
