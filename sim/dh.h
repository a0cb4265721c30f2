/* Diffie-Hellman of calls, written for the simulated users alone: it shares no
 * code with the client it is used to check (telegram-wire D.2). */
#ifndef SIM_DH_H
#define SIM_DH_H

#include "base/bytes.h"

enum { SIM_DH_BYTES = 256, SIM_DH_G = 3 };

/* The 2048-bit safe prime every data centre uses. */
const uint8_t *sim_dh_prime(void);
/* A fresh secret and its public value; the value begins with a non-zero byte.
 */
void sim_dh_draw(uint8_t secret[256], uint8_t public_value[256]);
/* key = peer^secret mod p, padded on the left. -ERANGE: peer outside
 * [2^1984, p - 2^1984]. */
int sim_dh_key(uint8_t key[256], struct bytes peer, const uint8_t secret[256]);
bool sim_dh_in_range(struct bytes value);
int64_t sim_dh_fingerprint(const uint8_t key[256]);
void sim_dh_hash(uint8_t hash[32], struct bytes value); /* SHA-256 */

#endif
