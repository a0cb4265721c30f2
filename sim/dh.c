#include "sim/dh.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/random.h"

static const char sim_dh_prime_hex[] =
	"c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f"
	"48198a0aa7c14058229493d22530f4dbfa336f6e0ac925139543aed44cce7c37"
	"20fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f64"
	"2477fe96bb2a941d5bcd1d4ac8cc49880708fa9b378e3c4f3a9060bee67cf9a4"
	"a4a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754"
	"fd17ed950d5965b4b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4"
	"e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f"
	"0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b";

const uint8_t *sim_dh_prime(void)
{
	static uint8_t prime[SIM_DH_BYTES];

	if (!prime[0])
		hex_decode(prime, sizeof(prime), sim_dh_prime_hex,
			   sizeof(sim_dh_prime_hex) - 1);
	return prime;
}

static BIGNUM *sim_dh_number(const void *p, size_t n)
{
	return BN_bin2bn(p, (int)n, NULL);
}

static bool sim_dh_power(uint8_t out[256], const BIGNUM *base,
			 const uint8_t secret[256])
{
	BIGNUM *p = sim_dh_number(sim_dh_prime(), SIM_DH_BYTES);
	BIGNUM *e = sim_dh_number(secret, SIM_DH_BYTES);
	BIGNUM *r = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	bool ok = p && e && r && ctx && BN_mod_exp(r, base, e, p, ctx) &&
		  BN_bn2binpad(r, out, SIM_DH_BYTES) == SIM_DH_BYTES;

	BN_free(p);
	BN_clear_free(e);
	BN_clear_free(r);
	BN_CTX_free(ctx);
	return ok;
}

bool sim_dh_in_range(struct bytes value)
{
	BIGNUM *p = sim_dh_number(sim_dh_prime(), SIM_DH_BYTES);
	BIGNUM *v = value.n && value.n <= SIM_DH_BYTES
			    ? sim_dh_number(value.p, value.n)
			    : NULL;
	BIGNUM *low = BN_new();
	bool ok = p && v && low && BN_set_bit(low, 1984) &&
		  BN_cmp(v, low) >= 0 && BN_sub(p, p, low) && BN_cmp(v, p) <= 0;

	BN_free(p);
	BN_free(v);
	BN_free(low);
	return ok;
}

void sim_dh_draw(uint8_t secret[256], uint8_t public_value[256])
{
	BIGNUM *g = BN_new();

	BN_set_word(g, SIM_DH_G);
	do {
		random_bytes(secret, SIM_DH_BYTES);
	} while (!sim_dh_power(public_value, g, secret) || !public_value[0] ||
		 !sim_dh_in_range(bytes_of(public_value, SIM_DH_BYTES)));
	BN_free(g);
}

int sim_dh_key(uint8_t key[256], struct bytes peer, const uint8_t secret[256])
{
	BIGNUM *v;
	bool ok;

	if (!sim_dh_in_range(peer))
		return -ERANGE;
	v = sim_dh_number(peer.p, peer.n);
	ok = v && sim_dh_power(key, v, secret);
	BN_free(v);
	return ok ? 0 : -ENOMEM;
}

int64_t sim_dh_fingerprint(const uint8_t key[256])
{
	uint8_t digest[20];
	uint64_t v = 0;

	EVP_Digest(key, SIM_DH_BYTES, digest, NULL, EVP_sha1(), NULL);
	for (int i = 19; i >= 12; i--)
		v = v << 8 | digest[i];
	return (int64_t)v;
}

void sim_dh_hash(uint8_t hash[32], struct bytes value)
{
	EVP_Digest(value.p, value.n, hash, NULL, EVP_sha256(), NULL);
}
