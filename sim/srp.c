#include "sim/srp.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/random.h"
#include "sim/dh.h"

static void sim_sha256(uint8_t out[32], const struct buf *in)
{
	EVP_Digest(in->p, in->n, out, NULL, EVP_sha256(), NULL);
}

static void sim_salted(uint8_t out[32], const void *data, size_t n,
		       const void *salt, size_t salt_n)
{
	struct buf b;

	buf_init(&b);
	buf_put(&b, salt, salt_n);
	buf_put(&b, data, n);
	buf_put(&b, salt, salt_n);
	sim_sha256(out, &b);
	buf_clear(&b);
}

static BIGNUM *sim_big(const void *p, size_t n)
{
	return BN_bin2bn(p, (int)n, NULL);
}

static BIGNUM *sim_prime(void)
{
	return sim_big(sim_dh_prime(), SIM_SRP_BYTES);
}

static BIGNUM *sim_small(unsigned v)
{
	BIGNUM *n = BN_new();

	BN_set_word(n, v);
	return n;
}

void sim_password_set(struct sim_password *p, const char *text)
{
	BIGNUM *g = sim_small(SIM_DH_G), *n = sim_prime(), *x;
	BN_CTX *ctx = BN_CTX_new();
	uint8_t hash[32], long_hash[64];

	p->on = text[0] != '\0';
	random_bytes(p->salt1, sizeof(p->salt1));
	random_bytes(p->salt2, sizeof(p->salt2));
	sim_salted(hash, text, strlen(text), p->salt1, sizeof(p->salt1));
	sim_salted(hash, hash, 32, p->salt2, sizeof(p->salt2));
	PKCS5_PBKDF2_HMAC((const char *)hash, 32, p->salt1, sizeof(p->salt1),
			  100000, EVP_sha512(), 64, long_hash);
	sim_salted(hash, long_hash, 64, p->salt2, sizeof(p->salt2));
	x = sim_big(hash, sizeof(hash));
	BN_mod_exp(x, g, x, n, ctx);
	BN_bn2binpad(x, p->verifier, SIM_SRP_BYTES);
	BN_free(x);
	BN_free(n);
	BN_free(g);
	BN_CTX_free(ctx);
}

static void sim_generator(uint8_t g[SIM_SRP_BYTES])
{
	memset(g, 0, SIM_SRP_BYTES);
	g[SIM_SRP_BYTES - 1] = SIM_DH_G;
}

/* k = SHA256(p, g) */
static BIGNUM *sim_multiplier(void)
{
	uint8_t g[SIM_SRP_BYTES], k[32];
	struct buf b;

	sim_generator(g);
	buf_init(&b);
	buf_put(&b, sim_dh_prime(), SIM_SRP_BYTES);
	buf_put(&b, g, sizeof(g));
	sim_sha256(k, &b);
	buf_clear(&b);
	return sim_big(k, sizeof(k));
}

void sim_srp_draw(struct sim_srp *s, const struct sim_password *p)
{
	BIGNUM *n = sim_prime(), *k = sim_multiplier();
	BIGNUM *v = sim_big(p->verifier, SIM_SRP_BYTES), *b;
	BN_CTX *ctx = BN_CTX_new();

	memcpy(s->verifier, p->verifier, SIM_SRP_BYTES);
	s->id = (int64_t)(random_u64() >> 1) + 1;
	BN_mod_mul(v, k, v, n, ctx);
	/* B = k*v + g^b; drawn until it has no leading zeros. */
	do {
		sim_dh_draw(s->secret, s->b);
		b = sim_big(s->b, SIM_SRP_BYTES);
		BN_mod_add(b, b, v, n, ctx);
		BN_bn2binpad(b, s->b, SIM_SRP_BYTES);
		BN_free(b);
	} while (!s->b[0]);
	BN_free(n);
	BN_free(k);
	BN_free(v);
	BN_CTX_free(ctx);
}

bool sim_srp_public_ok(struct bytes a)
{
	return a.n == SIM_SRP_BYTES && sim_dh_in_range(a);
}

/* S = (A * v^u)^b, K = SHA256(S) */
static void sim_session_key(uint8_t key[32], const struct sim_srp *s,
			    struct bytes a)
{
	BIGNUM *n = sim_prime(), *big = sim_big(a.p, a.n), *u, *r;
	BIGNUM *v = sim_big(s->verifier, SIM_SRP_BYTES);
	BIGNUM *b = sim_big(s->secret, SIM_SRP_BYTES);
	BN_CTX *ctx = BN_CTX_new();
	uint8_t hash[32], shared[SIM_SRP_BYTES];
	struct buf in;

	buf_init(&in);
	buf_put(&in, a.p, a.n);
	buf_put(&in, s->b, SIM_SRP_BYTES);
	sim_sha256(hash, &in);
	u = sim_big(hash, sizeof(hash));
	r = BN_new();
	BN_mod_exp(r, v, u, n, ctx);
	BN_mod_mul(r, r, big, n, ctx);
	BN_mod_exp(r, r, b, n, ctx);
	BN_bn2binpad(r, shared, SIM_SRP_BYTES);
	EVP_Digest(shared, sizeof(shared), key, NULL, EVP_sha256(), NULL);
	buf_clear(&in);
	BN_free(n);
	BN_free(big);
	BN_free(u);
	BN_free(r);
	BN_free(v);
	BN_free(b);
	BN_CTX_free(ctx);
}

bool sim_srp_proof_ok(const struct sim_srp *s, const struct sim_password *p,
		      struct bytes a, struct bytes m1)
{
	uint8_t g[SIM_SRP_BYTES], h1[32], h2[32], key[32], wanted[32];
	struct buf in;

	if (m1.n != sizeof(wanted))
		return false;
	sim_generator(g);
	EVP_Digest(sim_dh_prime(), SIM_SRP_BYTES, h1, NULL, EVP_sha256(), NULL);
	EVP_Digest(g, sizeof(g), h2, NULL, EVP_sha256(), NULL);
	for (int i = 0; i < 32; i++)
		h1[i] ^= h2[i];
	buf_init(&in);
	buf_put(&in, h1, 32);
	EVP_Digest(p->salt1, sizeof(p->salt1), h1, NULL, EVP_sha256(), NULL);
	EVP_Digest(p->salt2, sizeof(p->salt2), h2, NULL, EVP_sha256(), NULL);
	buf_put(&in, h1, 32);
	buf_put(&in, h2, 32);
	buf_put(&in, a.p, a.n);
	buf_put(&in, s->b, SIM_SRP_BYTES);
	sim_session_key(key, s, a);
	buf_put(&in, key, 32);
	sim_sha256(wanted, &in);
	buf_clear(&in);
	return bytes_equal_ct(wanted, m1.p, 32);
}
