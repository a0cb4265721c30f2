/* The encryption of one signalling blob or one transport packet (E.3):
 * msg_key 16 || AES-256-CTR(plain). Stateless; any thread. */
#ifndef TGCALL_CRYPTO_H
#define TGCALL_CRYPTO_H

#include "base/bytes.h"

#define TGCALL_KEY_BYTES 256
#define TGCALL_MSG_KEY_BYTES 16
#define TGCALL_PACKET_MIN 21
#define TGCALL_PACKET_MAX 131072

struct tgcall_crypto {
	uint8_t key[TGCALL_KEY_BYTES];
	bool outgoing;  /* this side is the caller */
	bool transport; /* media packets (network_use_mtproto) */
};

/* Both append. -EMSGSIZE, -ENOMEM, -EIO (OpenSSL). */
int tgcall_crypto_seal(const struct tgcall_crypto *c, struct buf *packet,
		       struct bytes plain);
/* -EBADMSG: size, or not under this key from the other side. */
int tgcall_crypto_open(const struct tgcall_crypto *c, struct buf *plain,
		       struct bytes packet);

/* For the test vectors. */
void tgcall_crypto_derive(uint8_t aes_key[32], uint8_t iv[16],
			  const struct tgcall_crypto *c, bool sending,
			  const uint8_t msg_key[TGCALL_MSG_KEY_BYTES]);

#endif
