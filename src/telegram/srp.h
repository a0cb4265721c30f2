/* The second password's proof (telegram-wire B.4): SRP-6a in Telegram's
 * variant, client side. The password never leaves this machine.
 *
 * Values; any thread. A proof takes about 0.1 s (100000 rounds of PBKDF2).
 */
#ifndef TELEGRAM_SRP_H
#define TELEGRAM_SRP_H

#include "base/bytes.h"

#define SRP_BYTES 256
#define SRP_PROOF_BYTES 32

/* What account.password says; b empty where only a verifier is made. */
struct srp_terms {
	struct bytes salt1, salt2;
	int32_t g;
	struct bytes p; /* big endian, 256 bytes */
	struct bytes b; /* srp_B, big endian */
};

/* NULL when group and b pass every check, else a constant text. */
const char *srp_terms_fault(const struct srp_terms *t);
/* secret: 256 random bytes. Errors: -EAGAIN: this secret gives an unsafe
 * public value, draw another; -EPROTO: the terms do not pass, or u is 0;
 * -ENOMEM. */
int srp_prove(uint8_t public_value[SRP_BYTES], uint8_t proof[SRP_PROOF_BYTES],
	      const struct srp_terms *t, struct bytes password,
	      const uint8_t secret[SRP_BYTES]);
/* What the server keeps of a new password: g^x mod p. Errors: as above. */
int srp_verifier(uint8_t verifier[SRP_BYTES], const struct srp_terms *t,
		 struct bytes password);

#endif
