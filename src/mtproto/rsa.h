/* The table of server RSA keys (telegram-wire A.1), from configuration.
 * Constant after loading; any thread may read. */
#ifndef MTPROTO_RSA_H
#define MTPROTO_RSA_H

#include "base/bytes.h"
#include "mtproto/random.h"

struct mtp_rsa;

int mtp_rsa_new(struct mtp_rsa **rp);
void mtp_rsa_free(struct mtp_rsa **rp);
/* Adds every public (or, for the simulator, private) key of a PEM text, PKCS#1
 * or SubjectPublicKeyInfo. -EBADMSG: no usable 2048-bit key in it. */
int mtp_rsa_add_pem(struct mtp_rsa *r, const char *pem, size_t n);
/* Telegram's own production and test keys. */
int mtp_rsa_add_production(struct mtp_rsa *r);
int mtp_rsa_add_test(struct mtp_rsa *r);
bool mtp_rsa_has(const struct mtp_rsa *r, int64_t fingerprint);
size_t mtp_rsa_count(const struct mtp_rsa *r);
int64_t mtp_rsa_fingerprint(const struct mtp_rsa *r, size_t i);

#define MTP_RSA_BYTES 256
#define MTP_RSA_PAD_BYTES 192 /* what RSA_PAD carries, data and padding */

/* RSA_PAD of A.4 step 3; data has at most 144 bytes.
 * Errors: -ENOENT (no such key), -EMSGSIZE, -ENOMEM. */
int mtp_rsa_pad_encrypt(const struct mtp_rsa *r, int64_t fingerprint,
			uint8_t out[MTP_RSA_BYTES], struct bytes data,
			const struct mtp_random *random);
/* Server: the bare private operation. -ENOENT: no private key of that
 * fingerprint; -EBADMSG: in is not below the modulus. */
int mtp_rsa_private(const struct mtp_rsa *r, int64_t fingerprint,
		    uint8_t out[MTP_RSA_BYTES],
		    const uint8_t in[MTP_RSA_BYTES]);
/* Server: undoes RSA_PAD behind mtp_rsa_private(). -EBADMSG: hash differs. */
int mtp_rsa_pad_open(uint8_t out[MTP_RSA_PAD_BYTES],
		     const uint8_t in[MTP_RSA_BYTES]);

#endif
