#include "tgcall/crypto.h"

#include <errno.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

/* E.3: which part of the key, by direction and use. */
static size_t key_offset(const struct tgcall_crypto *c, bool sending)
{
	return (sending == c->outgoing ? 0 : 8) + (c->transport ? 0 : 128);
}

static int sha256_two(uint8_t dst[SHA256_DIGEST_LENGTH], struct bytes a,
		      struct bytes b)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) &&
		 EVP_DigestUpdate(ctx, a.p, a.n) &&
		 EVP_DigestUpdate(ctx, b.p, b.n) &&
		 EVP_DigestFinal_ex(ctx, dst, NULL);

	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -EIO;
}

static int msg_key_compute(uint8_t dst[TGCALL_MSG_KEY_BYTES],
			   const struct tgcall_crypto *c, bool sending,
			   struct bytes plain)
{
	size_t x = key_offset(c, sending);
	uint8_t large[SHA256_DIGEST_LENGTH];

	if (sha256_two(large, bytes_of(c->key + 88 + x, 32), plain))
		return -EIO;
	memcpy(dst, large + 8, TGCALL_MSG_KEY_BYTES);
	return 0;
}

void tgcall_crypto_derive(uint8_t aes_key[32], uint8_t iv[16],
			  const struct tgcall_crypto *c, bool sending,
			  const uint8_t msg_key[TGCALL_MSG_KEY_BYTES])
{
	struct bytes mk = bytes_of(msg_key, TGCALL_MSG_KEY_BYTES);
	size_t x = key_offset(c, sending);
	uint8_t a[SHA256_DIGEST_LENGTH] = {0}, b[SHA256_DIGEST_LENGTH] = {0};

	(void)sha256_two(a, mk, bytes_of(c->key + x, 36));
	(void)sha256_two(b, bytes_of(c->key + 40 + x, 36), mk);
	memcpy(aes_key, a, 8);
	memcpy(aes_key + 8, b + 8, 16);
	memcpy(aes_key + 24, a + 24, 8);
	memcpy(iv, b, 4);
	memcpy(iv + 4, a + 8, 8);
	memcpy(iv + 12, b + 24, 4);
	bytes_wipe(a, sizeof(a));
	bytes_wipe(b, sizeof(b));
}

/* In place, both directions: CTR. */
static int text_crypt(const struct tgcall_crypto *c, bool sending,
		      const uint8_t *msg_key, uint8_t *p, size_t n)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t aes_key[32], iv[16];
	int done = 0, ok;

	tgcall_crypto_derive(aes_key, iv, c, sending, msg_key);
	ok = ctx &&
	     EVP_EncryptInit_ex(ctx, EVP_aes_256_ctr(), NULL, aes_key, iv) &&
	     EVP_EncryptUpdate(ctx, p, &done, p, (int)n) && done == (int)n;
	EVP_CIPHER_CTX_free(ctx);
	bytes_wipe(aes_key, sizeof(aes_key));
	bytes_wipe(iv, sizeof(iv));
	return ok ? 0 : -EIO;
}

int tgcall_crypto_seal(const struct tgcall_crypto *c, struct buf *packet,
		       struct bytes plain)
{
	uint8_t msg_key[TGCALL_MSG_KEY_BYTES];
	size_t at = packet->n;

	if (plain.n > TGCALL_PACKET_MAX - TGCALL_MSG_KEY_BYTES)
		return -EMSGSIZE;
	if (msg_key_compute(msg_key, c, true, plain))
		return -EIO;
	buf_put(packet, msg_key, sizeof(msg_key));
	buf_put(packet, plain.p, plain.n);
	if (packet->bad)
		return -ENOMEM;
	return text_crypt(c, true, msg_key,
			  packet->p + at + TGCALL_MSG_KEY_BYTES, plain.n);
}

int tgcall_crypto_open(const struct tgcall_crypto *c, struct buf *plain,
		       struct bytes packet)
{
	uint8_t msg_key[TGCALL_MSG_KEY_BYTES];
	size_t at = plain->n, n;

	if (packet.n < TGCALL_PACKET_MIN || packet.n > TGCALL_PACKET_MAX)
		return -EBADMSG;
	n = packet.n - TGCALL_MSG_KEY_BYTES;
	buf_put(plain, packet.p + TGCALL_MSG_KEY_BYTES, n);
	if (plain->bad)
		return -ENOMEM;
	if (text_crypt(c, false, packet.p, plain->p + at, n) ||
	    msg_key_compute(msg_key, c, false, bytes_of(plain->p + at, n)))
		return -EIO;
	if (bytes_equal_ct(msg_key, packet.p, sizeof(msg_key)))
		return 0;
	bytes_wipe(plain->p + at, n);
	plain->n = at;
	return -EBADMSG;
}
