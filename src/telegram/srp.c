/* The formulas of telegram-wire B.4, in their order. Every big number is 256
 * bytes, big endian, zero padded.
 */
#include "telegram/srp.h"

#include <errno.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/evp.h>

#include "base/plant.h"
#include "mtproto/dh.h"
#include "mtproto/digest.h"

#define ROUNDS 100000
#define B_BYTES_MIN 248

static struct bytes generator(uint8_t padded[SRP_BYTES], int32_t g)
{
	memset(padded, 0, SRP_BYTES);
	be32_store(padded + SRP_BYTES - 4, (uint32_t)g);
	return bytes_of(padded, SRP_BYTES);
}

static void hash2(uint8_t out[32], struct bytes a, struct bytes b)
{
	const struct bytes parts[] = {a, b};

	mtp_sha256(out, parts, 2);
}

/* "SH(d, s) = SHA256(s || d || s)" */
static void salted(uint8_t out[32], struct bytes data, struct bytes salt)
{
	const struct bytes parts[] = {salt, data, salt};

	mtp_sha256(out, parts, 3);
}

/* "x = SH( PBKDF2-HMAC-SHA512( password = SH( SH(password_utf8, salt1),
 * salt2 ), salt = salt1, 100000 rounds, 64 bytes ), salt2 )" */
static int password_hash(uint8_t x[32], const struct srp_terms *t,
			 struct bytes password)
{
	uint8_t inner[32], stretched[64];
	int err = 0;

	PLANT_OVERFLOW(t->salt2.n == 16 && ((be32_load(t->salt2.p) |
					     be32_load(t->salt2.p + 4) |
					     be32_load(t->salt2.p + 8) |
					     be32_load(t->salt2.p + 12)) &
					    0x80808080),
		       t->salt2.p, t->salt2.n);
	salted(inner, password, t->salt1);
	salted(inner, bytes_of(inner, sizeof(inner)), t->salt2);
	if (PKCS5_PBKDF2_HMAC((const char *)inner, sizeof(inner), t->salt1.p,
			      (int)t->salt1.n, ROUNDS, EVP_sha512(),
			      sizeof(stretched), stretched) != 1)
		err = -ENOMEM;
	else
		salted(x, bytes_of(stretched, sizeof(stretched)), t->salt2);
	bytes_wipe(inner, sizeof(inner));
	bytes_wipe(stretched, sizeof(stretched));
	return err;
}

/* "require 0 < B < p and length 248..256" */
static bool public_ok(struct bytes b, struct bytes p)
{
	BIGNUM *vb, *vp;
	bool ok;

	if (b.n < B_BYTES_MIN || b.n > SRP_BYTES)
		return false;
	vb = BN_bin2bn(b.p, (int)b.n, NULL);
	vp = BN_bin2bn(p.p, (int)p.n, NULL);
	ok = vb && vp && !BN_is_zero(vb) && BN_cmp(vb, vp) < 0;
	BN_free(vb);
	BN_free(vp);
	return ok;
}

const char *srp_terms_fault(const struct srp_terms *t)
{
	const char *fault;

	/* "p: 256 bytes": a leading zero would shorten it elsewhere */
	if (t->p.n != SRP_BYTES)
		return "p is not 256 bytes long";
	fault = mtp_dh_group_fault(t->g, t->p);
	if (!fault && !public_ok(t->b, t->p))
		fault = "srp_B is out of range";
	return fault;
}

int srp_verifier(uint8_t verifier[SRP_BYTES], const struct srp_terms *t,
		 struct bytes password)
{
	uint8_t x[32], g[SRP_BYTES];
	int err;

	if (t->p.n != SRP_BYTES || mtp_dh_group_fault(t->g, t->p))
		return -EPROTO;
	err = password_hash(x, t, password);
	if (!err)
		err = mtp_dh_power(verifier, generator(g, t->g),
				   bytes_of(x, sizeof(x)), t->p);
	bytes_wipe(x, sizeof(x));
	return err;
}

/* What the shared secret is computed of. */
struct shared {
	struct bytes b, p; /* padded */
	struct bytes k, v, u, x, a;
};

/* "k_v = k*v mod p. t = (B - k_v) mod p. S = t^(a + u*x) mod p" */
static int shared_secret(uint8_t out[SRP_BYTES], const struct shared *s)
{
	const struct bytes in[] = {s->b, s->p, s->k, s->v, s->u, s->x, s->a};
	enum { B, P, K, V, U, X, A, COUNT };
	BIGNUM *n[COUNT] = {NULL};
	BN_CTX *ctx = BN_CTX_secure_new();
	bool ok = ctx != NULL;

	for (int i = 0; i < COUNT && ok; i++) {
		n[i] = BN_bin2bn(in[i].p, (int)in[i].n, BN_secure_new());
		ok = n[i] != NULL;
	}
	ok = ok && BN_mod_mul(n[K], n[K], n[V], n[P], ctx) &&
	     BN_mod_sub(n[B], n[B], n[K], n[P], ctx) &&
	     BN_mul(n[U], n[U], n[X], ctx) && BN_add(n[A], n[A], n[U]) &&
	     BN_mod_exp_mont_consttime(n[B], n[B], n[A], n[P], ctx, NULL) &&
	     BN_bn2binpad(n[B], out, SRP_BYTES) == SRP_BYTES;
	for (int i = 0; i < COUNT; i++)
		BN_clear_free(n[i]);
	BN_CTX_free(ctx);
	return ok ? 0 : -ENOMEM;
}

/* "M1 = SHA256( (SHA256(p) XOR SHA256(g_pad256)) || SHA256(salt1) ||
 * SHA256(salt2) || A || B || K )" */
static void proof_hash(uint8_t proof[32], const struct srp_terms *t,
		       struct bytes g, struct bytes a, struct bytes b,
		       const uint8_t key[32])
{
	uint8_t group[32], gen[32], salt1[32], salt2[32];
	const struct bytes parts[] = {bytes_of(group, 32),
				      bytes_of(salt1, 32),
				      bytes_of(salt2, 32),
				      a,
				      b,
				      bytes_of(key, 32)};

	mtp_sha256(group, &t->p, 1);
	mtp_sha256(gen, &g, 1);
	for (size_t i = 0; i < sizeof(group); i++)
		group[i] ^= gen[i];
	mtp_sha256(salt1, &t->salt1, 1);
	mtp_sha256(salt2, &t->salt2, 1);
	mtp_sha256(proof, parts, 6);
}

static bool is_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;

	while (n--)
		any |= *p++;
	return !any;
}

int srp_prove(uint8_t public_value[SRP_BYTES], uint8_t proof[SRP_PROOF_BYTES],
	      const struct srp_terms *t, struct bytes password,
	      const uint8_t secret[SRP_BYTES])
{
	uint8_t g_pad[SRP_BYTES], b_pad[SRP_BYTES] = {0};
	uint8_t v[SRP_BYTES], key[SRP_BYTES], x[32], k[32], u[32];
	struct bytes g = generator(g_pad, t->g);
	struct bytes a = bytes_of(public_value, SRP_BYTES);
	struct bytes b = bytes_of(b_pad, SRP_BYTES);
	struct bytes whole = bytes_of(key, sizeof(key));
	const struct shared s = {.b = b,
				 .p = t->p,
				 .k = bytes_of(k, sizeof(k)),
				 .v = bytes_of(v, sizeof(v)),
				 .u = bytes_of(u, sizeof(u)),
				 .x = bytes_of(x, sizeof(x)),
				 .a = bytes_of(secret, SRP_BYTES)};
	int err;

	if (srp_terms_fault(t))
		return -EPROTO;
	memcpy(b_pad + SRP_BYTES - t->b.n, t->b.p, t->b.n);
	err = mtp_dh_power(public_value, g, s.a, t->p);
	if (err)
		return err;
	/* "repeat until A is in the safe range" */
	if (!mtp_dh_public_ok(a, t->p))
		return -EAGAIN;
	hash2(u, a, b);
	if (is_zero(u, sizeof(u)))
		return -EPROTO;
	hash2(k, t->p, g);
	err = password_hash(x, t, password);
	if (!err)
		err = mtp_dh_power(v, g, s.x, t->p);
	if (!err)
		err = shared_secret(key, &s);
	if (!err) {
		mtp_sha256(key, &whole, 1);
		proof_hash(proof, t, g, a, b, key);
	}
	bytes_wipe(x, sizeof(x));
	bytes_wipe(v, sizeof(v));
	bytes_wipe(key, sizeof(key));
	return err;
}
