/* c[i] = E(p[i] ^ c[i-1]) ^ p[i-1]; decryption swaps the two roles. */
#include "mtproto/ige.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/bytes.h"

#define BLOCK 16

static void block_xor(uint8_t *dst, const uint8_t *a, const uint8_t *b)
{
	for (int i = 0; i < BLOCK; i++)
		dst[i] = a[i] ^ b[i];
}

/* before: XORed into a block ahead of the cipher (the last output block);
 * after: XORed behind it (the last input block). */
static void ige_run(uint8_t *out, const uint8_t *in, size_t n,
		    const uint8_t key[32], const uint8_t *before_iv,
		    const uint8_t *after_iv, int encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t before[BLOCK], after[BLOCK], source[BLOCK], t[BLOCK];
	int len;

	assert(n % BLOCK == 0);
	if (!ctx || EVP_CipherInit_ex(ctx, EVP_aes_256_ecb(), NULL, key, NULL,
				      encrypt) != 1)
		abort();
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	memcpy(before, before_iv, BLOCK);
	memcpy(after, after_iv, BLOCK);
	for (size_t i = 0; i < n; i += BLOCK) {
		memcpy(source, in + i, BLOCK);
		block_xor(t, source, before);
		if (EVP_CipherUpdate(ctx, t, &len, t, BLOCK) != 1)
			abort();
		block_xor(out + i, t, after);
		memcpy(before, out + i, BLOCK);
		memcpy(after, source, BLOCK);
	}
	EVP_CIPHER_CTX_free(ctx);
	bytes_wipe(t, sizeof(t));
	bytes_wipe(source, sizeof(source));
	bytes_wipe(before, sizeof(before));
	bytes_wipe(after, sizeof(after));
}

void mtp_ige_encrypt(uint8_t *out, const uint8_t *in, size_t n,
		     const uint8_t key[32], const uint8_t iv[32])
{
	ige_run(out, in, n, key, iv, iv + BLOCK, 1);
}

void mtp_ige_decrypt(uint8_t *out, const uint8_t *in, size_t n,
		     const uint8_t key[32], const uint8_t iv[32])
{
	ige_run(out, in, n, key, iv + BLOCK, iv, 0);
}
