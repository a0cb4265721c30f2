/* SHA-1 and SHA-256 over a list of parts, as MTProto's formulas write them.
 * Any thread. */
#ifndef MTPROTO_DIGEST_H
#define MTPROTO_DIGEST_H

#include "base/bytes.h"

#define MTP_SHA1_BYTES 20
#define MTP_SHA256_BYTES 32

void mtp_sha1(uint8_t out[MTP_SHA1_BYTES], const struct bytes *parts,
	      size_t count);
void mtp_sha256(uint8_t out[MTP_SHA256_BYTES], const struct bytes *parts,
		size_t count);

#endif
