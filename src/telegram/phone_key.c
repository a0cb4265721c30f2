/* Key agreement of one-to-one calls. See phone_key.h. */
#include "telegram/phone_key.h"

#include <errno.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/random.h"
#include "mtproto/dh.h"

int phone_dh_set(struct phone_dh *dh, int32_t version, int32_t g,
		 struct bytes p)
{
	if (mtp_dh_group_fault(g, p) || p.n != PHONE_KEY_BYTES)
		return -EBADMSG;
	dh->present = true;
	dh->version = version;
	dh->g = g;
	memcpy(dh->p, p.p, sizeof(dh->p));
	return 0;
}

void phone_secret_make(uint8_t secret[PHONE_KEY_BYTES], struct bytes random)
{
	random_bytes(secret, PHONE_KEY_BYTES);
	for (size_t i = 0; i < PHONE_KEY_BYTES && i < random.n; i++)
		secret[i] ^= random.p[i];
}

int phone_value(uint8_t value[PHONE_KEY_BYTES], const struct phone_dh *dh,
		const uint8_t secret[PHONE_KEY_BYTES])
{
	uint8_t g = (uint8_t)dh->g;
	struct bytes prime = bytes_of(dh->p, sizeof(dh->p));
	int err = mtp_dh_power(value, bytes_of(&g, 1),
			       bytes_of(secret, PHONE_KEY_BYTES), prime);

	if (err)
		return err;
	/* D.2: redraw our secret until our own g value starts with a non-zero
	 * byte: then its minimal and its padded form are the same. */
	if (!value[0] ||
	    !mtp_dh_public_ok(bytes_of(value, PHONE_KEY_BYTES), prime))
		return -EAGAIN;
	return 0;
}

int phone_key_make(uint8_t key[PHONE_KEY_BYTES], const struct phone_dh *dh,
		   const uint8_t secret[PHONE_KEY_BYTES], struct bytes peer)
{
	struct bytes prime = bytes_of(dh->p, sizeof(dh->p));

	if (!mtp_dh_public_ok(peer, prime))
		return -ERANGE;
	return mtp_dh_power(key, peer, bytes_of(secret, PHONE_KEY_BYTES),
			    prime);
}

void phone_value_hash(uint8_t hash[PHONE_HASH_BYTES], struct bytes g_a)
{
	SHA256(g_a.p, g_a.n, hash);
}

int64_t phone_key_fingerprint(const uint8_t key[PHONE_KEY_BYTES])
{
	uint8_t digest[SHA_DIGEST_LENGTH];

	SHA1(key, PHONE_KEY_BYTES, digest);
	return (int64_t)le64_load(digest + 12);
}

void phone_key_emoji(uint16_t emoji[4], const uint8_t key[PHONE_KEY_BYTES],
		     struct bytes g_a)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	uint8_t joined[2 * PHONE_KEY_BYTES];
	size_t n = g_a.n < PHONE_KEY_BYTES ? g_a.n : PHONE_KEY_BYTES;
	struct rd r;

	memcpy(joined, key, PHONE_KEY_BYTES);
	if (n)
		memcpy(joined + PHONE_KEY_BYTES, g_a.p, n);
	SHA256(joined, PHONE_KEY_BYTES + n, digest);
	bytes_wipe(joined, sizeof(joined));
	rd_init(&r, digest, sizeof(digest));
	/* Four groups of 8 bytes, big endian, top bit cleared, modulo 333. */
	for (int i = 0; i < 4; i++)
		emoji[i] = (uint16_t)((rd_be64(&r) & INT64_MAX) %
				      PHONE_EMOJI_TABLE);
}
