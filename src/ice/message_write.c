#include <netinet/in.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "ice/message.h"
#include "ice/message_format.h"

/* CRC-32 as in ISO 3309; messages are short, so no table. */
uint32_t ice_message_crc32(const uint8_t *p, size_t n)
{
	uint32_t crc = 0xffffffff;

	while (n--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

bool ice_message_integrity(uint8_t digest[INTEGRITY_BYTES], const uint8_t *p,
			   size_t at, struct bytes key)
{
	uint8_t copy[1500];
	unsigned n = INTEGRITY_BYTES;

	if (at > sizeof(copy))
		return false;
	memcpy(copy, p, at);
	be16_store(copy + 2, (uint16_t)(at + ATTRIBUTE_HEADER_BYTES +
					INTEGRITY_BYTES - HEADER_BYTES));
	return HMAC(EVP_sha1(), key.p, (int)key.n, copy, at, digest, &n) !=
	       NULL;
}

void ice_message_begin(struct ice_message_out *o, enum ice_class cls,
		       const uint8_t tid[ICE_TID_BYTES])
{
	ice_message_begin_method(o, ICE_BINDING, cls, tid);
}

void ice_message_begin_method(struct ice_message_out *o, enum ice_method method,
			      enum ice_class cls,
			      const uint8_t tid[ICE_TID_BYTES])
{
	memset(o, 0, sizeof(*o));
	/* Every method here is below 16: its bits lie together. */
	be16_store(o->p, (uint16_t)((unsigned)cls | (unsigned)method));
	be32_store(o->p + 4, MAGIC_COOKIE);
	memcpy(o->p + 8, tid, ICE_TID_BYTES);
	o->n = HEADER_BYTES;
}

void ice_message_put(struct ice_message_out *o, uint16_t type, const void *p,
		     size_t n)
{
	size_t padded = (n + 3) & ~(size_t)3;

	if (o->bad || o->n + ATTRIBUTE_HEADER_BYTES + padded > sizeof(o->p)) {
		o->bad = true;
		return;
	}
	be16_store(o->p + o->n, type);
	be16_store(o->p + o->n + 2, (uint16_t)n);
	o->n += ATTRIBUTE_HEADER_BYTES;
	if (n)
		memcpy(o->p + o->n, p, n);
	memset(o->p + o->n + n, 0, padded - n);
	o->n += padded;
	be16_store(o->p + 2, (uint16_t)(o->n - HEADER_BYTES));
}

void ice_message_put_u32(struct ice_message_out *o, uint16_t type, uint32_t v)
{
	uint8_t p[4];

	be32_store(p, v);
	ice_message_put(o, type, p, sizeof(p));
}

void ice_message_put_u64(struct ice_message_out *o, uint16_t type, uint64_t v)
{
	uint8_t p[8];

	be32_store(p, (uint32_t)(v >> 32));
	be32_store(p + 4, (uint32_t)v);
	ice_message_put(o, type, p, sizeof(p));
}

void ice_message_put_address(struct ice_message_out *o, const struct sa *addr)
{
	ice_message_put_xored(o, ICE_ATTR_XOR_MAPPED_ADDRESS, addr);
}

void ice_message_put_xored(struct ice_message_out *o, uint16_t type,
			   const struct sa *addr)
{
	uint8_t v[20] = {0};
	size_t n;

	if (sa_af(addr) == AF_INET) {
		v[1] = FAMILY_IPV4;
		be32_store(v + 4, sa_in(addr));
		n = 4;
	} else {
		v[1] = FAMILY_IPV6;
		sa_in6(addr, v + 4);
		n = 16;
	}
	be16_store(v + 2, (uint16_t)(sa_port(addr) ^ (MAGIC_COOKIE >> 16)));
	/* The key, cookie and transaction id, lies in the header. */
	for (size_t i = 0; i < n; i++)
		v[4 + i] ^= o->p[4 + i];
	ice_message_put(o, type, v, 4 + n);
}

void ice_message_put_error(struct ice_message_out *o, uint16_t code,
			   const char *reason)
{
	uint8_t v[64] = {0};
	size_t n = strlen(reason);

	if (n > sizeof(v) - 4)
		n = sizeof(v) - 4;
	v[2] = (uint8_t)(code / 100);
	v[3] = (uint8_t)(code % 100);
	memcpy(v + 4, reason, n);
	ice_message_put(o, ICE_ATTR_ERROR_CODE, v, 4 + n);
}

void ice_message_end(struct ice_message_out *o, const char *password)
{
	ice_message_end_key(
		o, bytes_of(password, password ? strlen(password) : 0));
}

void ice_message_end_key(struct ice_message_out *o, struct bytes key)
{
	uint8_t digest[INTEGRITY_BYTES];

	if (key.p) {
		if (!ice_message_integrity(digest, o->p, o->n, key))
			o->bad = true;
		ice_message_put(o, ICE_ATTR_MESSAGE_INTEGRITY, digest,
				sizeof(digest));
	}
	if (o->bad)
		return;
	/* The checksum covers the header with the final length. */
	be16_store(o->p + 2, (uint16_t)(o->n + ATTRIBUTE_HEADER_BYTES +
					FINGERPRINT_BYTES - HEADER_BYTES));
	ice_message_put_u32(o, ICE_ATTR_FINGERPRINT,
			    ice_message_crc32(o->p, o->n) ^ FINGERPRINT_XOR);
}
