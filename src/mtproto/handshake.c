#include "mtproto/handshake.h"

#include <errno.h>
#include <string.h>

#include "mtproto/digest.h"
#include "mtproto/ige.h"

/* tmp_aes_key = SHA1(new_nonce || server_nonce) ||
 *               SHA1(server_nonce || new_nonce)[0..12);
 * tmp_aes_iv = SHA1(server_nonce || new_nonce)[12..20) ||
 *              SHA1(new_nonce || new_nonce) || new_nonce[0..4) */
void mtp_handshake_cipher(uint8_t aes_key[32], uint8_t aes_iv[32],
			  const uint8_t server_nonce[MTP_NONCE_BYTES],
			  const uint8_t *new_nonce, size_t new_nonce_bytes)
{
	struct bytes nn = bytes_of(new_nonce, new_nonce_bytes);
	struct bytes sn = bytes_of(server_nonce, MTP_NONCE_BYTES);
	struct bytes new_server[2] = {nn, sn}, server_new[2] = {sn, nn},
		     new_new[2] = {nn, nn};
	uint8_t hash[MTP_SHA1_BYTES];

	mtp_sha1(hash, new_server, 2);
	memcpy(aes_key, hash, 20);
	mtp_sha1(hash, server_new, 2);
	memcpy(aes_key + 20, hash, 12);
	memcpy(aes_iv, hash + 12, 8);
	mtp_sha1(hash, new_new, 2);
	memcpy(aes_iv + 8, hash, 20);
	memcpy(aes_iv + 28, new_nonce, 4);
	bytes_wipe(hash, sizeof(hash));
}

static void key_hash(uint8_t hash[MTP_SHA1_BYTES],
		     const uint8_t key[MTP_KEY_BYTES])
{
	struct bytes all = bytes_of(key, MTP_KEY_BYTES);

	mtp_sha1(hash, &all, 1);
}

int64_t mtp_handshake_key_aux(const uint8_t key[MTP_KEY_BYTES])
{
	uint8_t hash[MTP_SHA1_BYTES];

	key_hash(hash, key);
	return (int64_t)le64_load(hash);
}

/* SHA1(new_nonce || byte N || SHA1(auth_key)[0..8))[4..20) */
void mtp_handshake_hash(uint8_t out[16],
			const uint8_t new_nonce[MTP_NEW_NONCE_BYTES],
			const uint8_t key[MTP_KEY_BYTES], uint8_t number)
{
	uint8_t aux[MTP_SHA1_BYTES], hash[MTP_SHA1_BYTES];
	struct bytes parts[3] = {bytes_of(new_nonce, MTP_NEW_NONCE_BYTES),
				 bytes_of(&number, 1), bytes_of(aux, 8)};

	key_hash(aux, key);
	mtp_sha1(hash, parts, 3);
	memcpy(out, hash + 4, 16);
}

int mtp_handshake_wrap(struct buf *out, struct bytes data,
		       const uint8_t aes_key[32], const uint8_t aes_iv[32],
		       const struct mtp_random *random)
{
	uint8_t hash[MTP_SHA1_BYTES], padding[16];
	size_t start = out->n;

	mtp_sha1(hash, &data, 1);
	mtp_random_fill(random, padding, sizeof(padding));
	buf_put(out, hash, sizeof(hash));
	buf_put(out, data.p, data.n);
	buf_put(out, padding, (16 - (out->n - start) % 16) % 16);
	if (out->bad)
		return -ENOMEM;
	mtp_ige_encrypt(out->p + start, out->p + start, out->n - start, aes_key,
			aes_iv);
	return 0;
}

struct bytes mtp_handshake_number(uint8_t scratch[8], uint64_t v)
{
	size_t skip = 0;

	for (int i = 0; i < 8; i++)
		scratch[i] = (uint8_t)(v >> (56 - 8 * i));
	while (skip < 7 && !scratch[skip])
		skip++;
	return bytes_of(scratch + skip, 8 - skip);
}

bool mtp_handshake_number_read(uint64_t *vp, struct bytes v)
{
	uint64_t n = 0;

	if (v.n > 8)
		return false;
	for (size_t i = 0; i < v.n; i++)
		n = n << 8 | v.p[i];
	*vp = n;
	return true;
}
