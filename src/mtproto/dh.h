/* The Diffie-Hellman group of Telegram (telegram-wire A.4 step 6): used by key
 * creation, by calls and by the second password.  Any thread. */
#ifndef MTPROTO_DH_H
#define MTPROTO_DH_H

#include "base/bytes.h"

#define MTP_DH_BYTES 256

/* Telegram's well-known 2048-bit safe prime, big endian; its verdict is known,
 * any other prime costs a second to check. Generators 3, 4 and 7 suit it. */
extern const uint8_t mtp_dh_known_prime[MTP_DH_BYTES];

/* NULL when g and prime (big endian) pass every check, else a constant text
 * that says what is wrong. */
const char *mtp_dh_group_fault(int32_t g, struct bytes prime);
/* The same for g_a or g_b (big endian): 1 < v < p - 1 and inside
 * [2^1984, p - 2^1984]. */
bool mtp_dh_public_ok(struct bytes value, struct bytes prime);
/* out = base^exponent mod prime, zero padded to 256 bytes. The exponent is
 * secret. Errors: -EINVAL (prime even or longer than 256 bytes), -ENOMEM. */
int mtp_dh_power(uint8_t out[MTP_DH_BYTES], struct bytes base,
		 struct bytes exponent, struct bytes prime);

#endif
