#include "mtproto/rsa.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "mtproto/digest.h"
#include "mtproto/ige.h"
#include "mtproto/wire.h"

#define KEYS_MAX 16
#define DATA_MAX 144

struct rsa_key {
	int64_t fingerprint;
	BIGNUM *n, *e;
	BIGNUM *d; /* NULL for a public key */
};

struct mtp_rsa {
	struct rsa_key keys[KEYS_MAX];
	size_t count;
};

/* Public keys of Telegram, as every client carries them (A.1). */
static const char production_pem[] =
	"-----BEGIN RSA PUBLIC KEY-----\n"
	"MIIBCgKCAQEA6LszBcC1LGzyr992NzE0ieY+BSaOW622Aa9Bd4ZHLl+TuFQ4lo4g\n"
	"5nKaMBwK/BIb9xUfg0Q29/2mgIR6Zr9krM7HjuIcCzFvDtr+L0GQjae9H0pRB2OO\n"
	"62cECs5HKhT5DZ98K33vmWiLowc621dQuwKWSQKjWf50XYFw42h21P2KXUGyp2y/\n"
	"+aEyZ+uVgLLQbRA1dEjSDZ2iGRy12Mk5gpYc397aYp438fsJoHIgJ2lgMv5h7WY9\n"
	"t6N/byY9Nw9p21Og3AoXSL2q/2IJ1WRUhebgAdGVMlV1fkuOQoEzR7EdpqtQD9Cs\n"
	"5+bfo3Nhmcyvk5ftB0WkJ9z6bNZ7yxrP8wIDAQAB\n"
	"-----END RSA PUBLIC KEY-----\n";

static const char test_pem[] =
	"-----BEGIN RSA PUBLIC KEY-----\n"
	"MIIBCgKCAQEAyMEdY1aR+sCR3ZSJrtztKTKqigvO/vBfqACJLZtS7QMgCGXJ6XIR\n"
	"yy7mx66W0/sOFa7/1mAZtEoIokDP3ShoqF4fVNb6XeqgQfaUHd8wJpDWHcR2OFwv\n"
	"plUUI1PLTktZ9uW2WE23b+ixNwJjJGwBDJPQEQFBE+vfmH0JP503wr5INS1poWg/\n"
	"j25sIWeYPHYeOrFp/eXaqhISP6G+q2IeTaWTXpwZj4LzXq5YOpk4bYEQ6mvRq7D1\n"
	"aHWfYmlEGepfaYR8Q0YqvvhYtMte3ITnuSJs171+GDqpdKcSwHnd6FudwGO4pcCO\n"
	"j4WcDuXc2CTHgH8gFTNhp/Y8/SpDOhvn9QIDAQAB\n"
	"-----END RSA PUBLIC KEY-----\n";

int mtp_rsa_new(struct mtp_rsa **rp)
{
	struct mtp_rsa *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	*rp = r;
	return 0;
}

static void key_clear(struct rsa_key *k)
{
	BN_free(k->n);
	BN_free(k->e);
	BN_clear_free(k->d);
	memset(k, 0, sizeof(*k));
}

void mtp_rsa_free(struct mtp_rsa **rp)
{
	if (!*rp)
		return;
	for (size_t i = 0; i < (*rp)->count; i++)
		key_clear(&(*rp)->keys[i]);
	free(*rp);
	*rp = NULL;
}

static void put_number(struct buf *b, const BIGNUM *v)
{
	uint8_t raw[512];
	int n = BN_num_bytes(v);

	if (n > (int)sizeof(raw)) {
		b->bad = true;
		return;
	}
	BN_bn2bin(v, raw);
	wire_put_bytes(b, bytes_of(raw, (size_t)n));
}

/* "last 8 bytes, read as LE int64, of SHA1(TLbytes(n) || TLbytes(e))" */
static int key_fingerprint(struct rsa_key *k)
{
	uint8_t hash[MTP_SHA1_BYTES];
	struct buf b;
	int err = 0;

	buf_init(&b);
	put_number(&b, k->n);
	put_number(&b, k->e);
	if (b.bad) {
		err = -ENOMEM;
	} else {
		struct bytes all = buf_bytes(&b);

		mtp_sha1(hash, &all, 1);
		k->fingerprint = (int64_t)le64_load(hash + 12);
	}
	buf_clear(&b);
	return err;
}

static int table_add(struct mtp_rsa *r, EVP_PKEY *pkey)
{
	struct rsa_key k = {0};
	size_t i = 0;
	int err;

	EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &k.n);
	EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &k.e);
	EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_D, &k.d);
	if (!k.n || !k.e || BN_num_bits(k.n) != 2048 || r->count == KEYS_MAX) {
		key_clear(&k);
		return -EBADMSG;
	}
	err = key_fingerprint(&k);
	if (err) {
		key_clear(&k);
		return err;
	}
	while (i < r->count && r->keys[i].fingerprint != k.fingerprint)
		i++;
	if (i == r->count)
		r->count++;
	else
		key_clear(&r->keys[i]);
	r->keys[i] = k;
	return 0;
}

int mtp_rsa_add_pem(struct mtp_rsa *r, const char *pem, size_t n)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)n);
	int err = -EBADMSG;

	if (!bio)
		return -ENOMEM;
	while (BIO_pending(bio) > 0) {
		EVP_PKEY *pkey = NULL;
		OSSL_DECODER_CTX *ctx = OSSL_DECODER_CTX_new_for_pkey(
			&pkey, "PEM", NULL, "RSA", 0, NULL, NULL);

		if (!ctx || OSSL_DECODER_from_bio(ctx, bio) != 1) {
			OSSL_DECODER_CTX_free(ctx);
			break;
		}
		OSSL_DECODER_CTX_free(ctx);
		if (table_add(r, pkey) == 0)
			err = 0;
		EVP_PKEY_free(pkey);
	}
	ERR_clear_error();
	BIO_free(bio);
	return err;
}

int mtp_rsa_add_production(struct mtp_rsa *r)
{
	return mtp_rsa_add_pem(r, production_pem, sizeof(production_pem) - 1);
}

int mtp_rsa_add_test(struct mtp_rsa *r)
{
	return mtp_rsa_add_pem(r, test_pem, sizeof(test_pem) - 1);
}

static const struct rsa_key *table_find(const struct mtp_rsa *r,
					int64_t fingerprint)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->keys[i].fingerprint == fingerprint)
			return &r->keys[i];
	return NULL;
}

bool mtp_rsa_has(const struct mtp_rsa *r, int64_t fingerprint)
{
	return table_find(r, fingerprint) != NULL;
}

size_t mtp_rsa_count(const struct mtp_rsa *r)
{
	return r->count;
}

int64_t mtp_rsa_fingerprint(const struct mtp_rsa *r, size_t i)
{
	return i < r->count ? r->keys[i].fingerprint : 0;
}

/* -ERANGE: in >= n. */
static int number_power(uint8_t out[MTP_RSA_BYTES],
			const uint8_t in[MTP_RSA_BYTES], const BIGNUM *n,
			const BIGNUM *exponent)
{
	BIGNUM *v = BN_bin2bn(in, MTP_RSA_BYTES, NULL);
	BN_CTX *ctx = BN_CTX_new();
	int err = -ENOMEM;

	if (!v || !ctx)
		goto out;
	if (BN_cmp(v, n) >= 0) {
		err = -ERANGE;
		goto out;
	}
	if (BN_mod_exp_mont_consttime(v, v, exponent, n, ctx, NULL) &&
	    BN_bn2binpad(v, out, MTP_RSA_BYTES) == MTP_RSA_BYTES)
		err = 0;
out:
	BN_CTX_free(ctx);
	BN_clear_free(v);
	return err;
}

static void bytes_reverse(uint8_t *dst, const uint8_t *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = src[n - 1 - i];
}

/* z = (temp_key ^ SHA256(y)) || y with y = IGE(reverse(d) || SHA256(temp_key
 * || d)) under temp_key and a zero IV. */
static void pad_wrap(uint8_t z[MTP_RSA_BYTES], const uint8_t *d,
		     const uint8_t temp_key[32])
{
	static const uint8_t zero_iv[32];
	struct bytes parts[2] = {bytes_of(temp_key, 32),
				 bytes_of(d, MTP_RSA_PAD_BYTES)};
	uint8_t hash[MTP_SHA256_BYTES], *y = z + 32;
	struct bytes whole = bytes_of(y, MTP_RSA_BYTES - 32);

	bytes_reverse(y, d, MTP_RSA_PAD_BYTES);
	mtp_sha256(y + MTP_RSA_PAD_BYTES, parts, 2);
	mtp_ige_encrypt(y, y, MTP_RSA_BYTES - 32, temp_key, zero_iv);
	mtp_sha256(hash, &whole, 1);
	for (int i = 0; i < 32; i++)
		z[i] = temp_key[i] ^ hash[i];
}

int mtp_rsa_pad_encrypt(const struct mtp_rsa *r, int64_t fingerprint,
			uint8_t out[MTP_RSA_BYTES], struct bytes data,
			const struct mtp_random *random)
{
	const struct rsa_key *k = table_find(r, fingerprint);
	uint8_t d[MTP_RSA_PAD_BYTES], z[MTP_RSA_BYTES], temp_key[32];
	int err;

	if (!k)
		return -ENOENT;
	if (data.n > DATA_MAX)
		return -EMSGSIZE;
	memcpy(d, data.p, data.n);
	mtp_random_fill(random, d + data.n, sizeof(d) - data.n);
	/* "if Z as a BE integer >= n, retry with a new temp_key" */
	do {
		mtp_random_fill(random, temp_key, sizeof(temp_key));
		pad_wrap(z, d, temp_key);
		err = number_power(out, z, k->n, k->e);
	} while (err == -ERANGE);
	bytes_wipe(d, sizeof(d));
	bytes_wipe(z, sizeof(z));
	bytes_wipe(temp_key, sizeof(temp_key));
	return err;
}

int mtp_rsa_private(const struct mtp_rsa *r, int64_t fingerprint,
		    uint8_t out[MTP_RSA_BYTES], const uint8_t in[MTP_RSA_BYTES])
{
	const struct rsa_key *k = table_find(r, fingerprint);
	int err;

	if (!k || !k->d)
		return -ENOENT;
	err = number_power(out, in, k->n, k->d);
	return err == -ERANGE ? -EBADMSG : err;
}

int mtp_rsa_pad_open(uint8_t out[MTP_RSA_PAD_BYTES],
		     const uint8_t in[MTP_RSA_BYTES])
{
	static const uint8_t zero_iv[32];
	uint8_t temp_key[32], x[MTP_RSA_BYTES - 32], hash[MTP_SHA256_BYTES];
	struct bytes y = bytes_of(in + 32, sizeof(x));
	struct bytes parts[2] = {bytes_of(temp_key, sizeof(temp_key)),
				 bytes_of(out, MTP_RSA_PAD_BYTES)};
	int err;

	mtp_sha256(hash, &y, 1);
	for (int i = 0; i < 32; i++)
		temp_key[i] = in[i] ^ hash[i];
	mtp_ige_decrypt(x, y.p, y.n, temp_key, zero_iv);
	bytes_reverse(out, x, MTP_RSA_PAD_BYTES);
	mtp_sha256(hash, parts, 2);
	err = bytes_equal_ct(hash, x + MTP_RSA_PAD_BYTES, sizeof(hash))
		      ? 0
		      : -EBADMSG;
	bytes_wipe(x, sizeof(x));
	bytes_wipe(temp_key, sizeof(temp_key));
	return err;
}
