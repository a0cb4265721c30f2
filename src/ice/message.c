#include "ice/message.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/plant.h"
#include "ice/message_format.h"

static void read_address(struct ice_message *m, struct sa *to, struct rd *r,
			 bool xored)
{
	uint8_t key[16], addr[16];
	uint8_t family;
	uint16_t port;
	size_t n;

	be32_store(key, MAGIC_COOKIE);
	memcpy(key + 4, m->tid, ICE_TID_BYTES);
	rd_skip(r, 1);
	family = rd_u8(r);
	port = rd_be16(r);
	if (family != FAMILY_IPV4 && family != FAMILY_IPV6) {
		rd_fail(r);
		return;
	}
	n = family == FAMILY_IPV4 ? 4 : 16;
	PLANT_OVERFLOW(xored && n == 16 && m->cls != ICE_INDICATION, r->p,
		       r->n);
	rd_copy(r, addr, n);
	if (xored) {
		port ^= MAGIC_COOKIE >> 16;
		for (size_t i = 0; i < n; i++)
			addr[i] ^= key[i];
	}
	if (n == 4)
		sa_set_in(to, be32_load(addr), port);
	else
		sa_set_in6(to, addr, port);
}

static void read_error(struct ice_message *m, struct rd *r)
{
	uint8_t hundreds, rest;

	rd_skip(r, 2);
	hundreds = rd_u8(r) & 7;
	rest = rd_u8(r);
	if (hundreds < 3 || hundreds > 6 || rest > 99)
		rd_fail(r);
	m->error = (uint16_t)(hundreds * 100 + rest);
}

static void read_unknown(struct ice_message *m, uint16_t type)
{
	/* RFC 8489 14: 0x0000-0x7fff must be understood. */
	if (type < 0x8000 && m->unknown_n < 8)
		m->unknown[m->unknown_n++] = type;
}

/* false: none of these. */
static bool read_turn_attribute(struct ice_message *m, uint16_t type,
				struct rd *r)
{
	switch (type) {
	case ICE_ATTR_XOR_RELAYED_ADDRESS:
		read_address(m, &m->relayed, r, true);
		m->has_relayed = true;
		return true;
	case ICE_ATTR_XOR_PEER_ADDRESS:
		read_address(m, &m->peer, r, true);
		m->has_peer = true;
		return true;
	case ICE_ATTR_LIFETIME:
		m->lifetime_s = rd_be32(r);
		m->has_lifetime = true;
		return true;
	case ICE_ATTR_DATA:
		m->data = rd_bytes(r, r->n);
		return true;
	default:
		return false;
	}
}

static void read_attribute(struct ice_message *m, uint16_t type, struct rd *r)
{
	switch (type) {
	case ICE_ATTR_MAPPED_ADDRESS:
		if (!m->has_mapped)
			read_address(m, &m->mapped, r, false);
		m->has_mapped = true;
		break;
	case ICE_ATTR_XOR_MAPPED_ADDRESS:
		read_address(m, &m->mapped, r, true);
		m->has_mapped = true;
		break;
	case ICE_ATTR_USERNAME:
		m->has_username = true;
		m->username = rd_bytes(r, r->n);
		break;
	case ICE_ATTR_ERROR_CODE:
		read_error(m, r);
		break;
	case ICE_ATTR_UNKNOWN_ATTRIBUTES:
		break;
	case ICE_ATTR_REALM:
		m->realm = rd_bytes(r, r->n);
		break;
	case ICE_ATTR_NONCE:
		m->nonce = rd_bytes(r, r->n);
		break;
	case ICE_ATTR_PRIORITY:
		m->has_priority = true;
		m->priority = rd_be32(r);
		break;
	case ICE_ATTR_USE_CANDIDATE:
		m->use_candidate = true;
		break;
	case ICE_ATTR_CONTROLLED:
		m->has_controlled = true;
		m->tie_breaker = rd_be64(r);
		break;
	case ICE_ATTR_CONTROLLING:
		m->has_controlling = true;
		m->tie_breaker = rd_be64(r);
		break;
	case ICE_ATTR_NOMINATION:
		m->has_nomination = true;
		m->nomination = rd_be32(r);
		break;
	case ICE_ATTR_RETRANSMIT_COUNT:
		m->has_retransmit = r->n <= 16;
		m->retransmit = rd_bytes(r, r->n);
		break;
	default:
		if (m->method == ICE_BINDING ||
		    !read_turn_attribute(m, type, r))
			read_unknown(m, type);
		break;
	}
}

static int read_header(struct ice_message *m, struct rd *r)
{
	uint16_t type = rd_be16(r), length = rd_be16(r);

	if (rd_be32(r) != MAGIC_COOKIE || type & 0xc000)
		return -EBADMSG;
	rd_copy(r, m->tid, ICE_TID_BYTES);
	/* RFC 8489 5: the length is of what follows the header, in steps of
	 * four; one datagram is one message. */
	if (r->bad || length != r->n || length % 4 != 0)
		return -EBADMSG;
	m->cls = (enum ice_class)(type & 0x110);
	m->method = (uint16_t)((type & 0x00f) | (type & 0x0e0) >> 1 |
			       (type & 0x3e00) >> 2);
	return 0;
}

int ice_message_read(struct ice_message *m, struct bytes datagram)
{
	struct rd r, value;

	memset(m, 0, sizeof(*m));
	rd_init(&r, datagram.p, datagram.n);
	if (read_header(m, &r) < 0)
		return -EBADMSG;
	while (r.n > 0) {
		size_t at = datagram.n - r.n;
		uint16_t type = rd_be16(&r);
		struct bytes v = rd_bytes(&r, rd_be16(&r));

		rd_skip(&r, (4 - v.n % 4) % 4);
		/* Nothing may follow FINGERPRINT. */
		if (r.bad || m->fingerprint_at)
			return -EBADMSG;
		if (type == ICE_ATTR_FINGERPRINT) {
			if (v.n != FINGERPRINT_BYTES)
				return -EBADMSG;
			m->fingerprint_at = at;
			continue;
		}
		/* RFC 8489 14.5: what follows the integrity is ignored. */
		if (m->integrity_at)
			continue;
		if (type == ICE_ATTR_MESSAGE_INTEGRITY) {
			if (v.n != INTEGRITY_BYTES)
				return -EBADMSG;
			m->integrity_at = at;
			continue;
		}
		rd_init(&value, v.p, v.n);
		read_attribute(m, type, &value);
		if (value.bad)
			return -EBADMSG;
	}
	return 0;
}

bool ice_message_fingerprint_ok(const struct ice_message *m,
				struct bytes datagram)
{
	const uint8_t *v = datagram.p + m->fingerprint_at;

	if (!m->fingerprint_at)
		return false;
	return be32_load(v + ATTRIBUTE_HEADER_BYTES) ==
	       (ice_message_crc32(datagram.p, m->fingerprint_at) ^
		FINGERPRINT_XOR);
}

bool ice_message_integrity_ok(const struct ice_message *m,
			      struct bytes datagram, const char *password)
{
	return ice_message_integrity_ok_key(
		m, datagram, bytes_of(password, strlen(password)));
}

bool ice_message_integrity_ok_key(const struct ice_message *m,
				  struct bytes datagram, struct bytes key)
{
	uint8_t digest[INTEGRITY_BYTES];

	if (!m->integrity_at ||
	    !ice_message_integrity(digest, datagram.p, m->integrity_at, key))
		return false;
	return bytes_equal_ct(
		digest, datagram.p + m->integrity_at + ATTRIBUTE_HEADER_BYTES,
		INTEGRITY_BYTES);
}
