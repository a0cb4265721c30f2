/* What the reader and the writer of STUN messages share. */
#ifndef ICE_MESSAGE_FORMAT_H
#define ICE_MESSAGE_FORMAT_H

#include "base/bytes.h"

#define MAGIC_COOKIE 0x2112a442u
#define HEADER_BYTES 20
#define ATTRIBUTE_HEADER_BYTES 4
#define INTEGRITY_BYTES 20
#define FINGERPRINT_XOR 0x5354554eu
#define FINGERPRINT_BYTES 4
#define FAMILY_IPV4 1
#define FAMILY_IPV6 2

uint32_t ice_message_crc32(const uint8_t *p, size_t n);
/* HMAC-SHA1 over the message up to `at`, with a length field that ends behind
 * MESSAGE-INTEGRITY (RFC 8489 14.5). */
bool ice_message_integrity(uint8_t digest[INTEGRITY_BYTES], const uint8_t *p,
			   size_t at, struct bytes key);

#endif
