/* The number theory behind key creation. */
#include "mtproto/dh.h"

#include <errno.h>

#include <openssl/bn.h>

#include "mtproto/factor.h"
#include "tests/check.h"
#include "tests/hex.h"

static void factor_check(uint64_t p, uint64_t q)
{
	uint64_t got_p = 0, got_q = 0;

	CHECK_INT(mtp_factor(&got_p, &got_q, p * q), 0);
	CHECK(got_p == p && got_q == q);
}

static void test_factor_finds_both_primes(void)
{
	factor_check(1229739323, 1402015859); /* 17ed48941a08f981 */
	factor_check(3, 5);
	factor_check(3, 2147483647);
	factor_check(65537, 140735340904441); /* product just below 2^63 */
	factor_check(2147483629, 2147483647);
}

static void test_factor_refuses_what_is_no_product_of_two(void)
{
	uint64_t p, q;

	CHECK_INT(mtp_factor(&p, &q, 0), -EBADMSG);
	CHECK_INT(mtp_factor(&p, &q, 1), -EBADMSG);
	CHECK_INT(mtp_factor(&p, &q, 6), -EBADMSG);
	CHECK_INT(mtp_factor(&p, &q, ((uint64_t)1 << 61) - 1), -EBADMSG);
	CHECK_INT(mtp_factor(&p, &q, 3 * 5 * 7), -EBADMSG);
	CHECK_INT(mtp_factor(&p, &q, (uint64_t)2147483647 * 2147483647),
		  -EBADMSG);
	CHECK_INT(mtp_factor(&p, &q, (uint64_t)1000003 * 1000033 * 1000037),
		  -EBADMSG);
	CHECK_INT(mtp_factor(&p, &q, UINT64_MAX), -EBADMSG);
}

static void test_prime_is_exact_on_small_and_strong_pseudoprimes(void)
{
	unsigned count = 0;

	for (uint64_t n = 0; n < 10000; n++)
		count += mtp_prime_is(n);
	CHECK_INT(count, 1229);
	CHECK(!mtp_prime_is(3215031751)); /* to the bases 2, 3, 5, 7 */
	CHECK(!mtp_prime_is(3825123056546413051));
	CHECK(mtp_prime_is(18446744073709551557u)); /* the largest */
}

static const char *group_fault_hex(int32_t g, const char *prime)
{
	uint8_t raw[MTP_DH_BYTES];

	unhex(raw, prime);
	return mtp_dh_group_fault(g, bytes_of(raw, strlen(prime) / 2));
}

static void test_dh_group_accepts_the_known_prime(void)
{
	struct bytes p = bytes_of(mtp_dh_known_prime, MTP_DH_BYTES);

	for (int32_t g = -1; g < 10; g++) {
		bool good = g == 3 || g == 4 || g == 7;

		CHECK((mtp_dh_group_fault(g, p) == NULL) == good);
	}
	CHECK_STR(mtp_dh_group_fault(2, p),
		  "the generator does not suit dh_prime");
}

static void test_dh_known_prime_is_safe(void)
{
	BIGNUM *p = BN_bin2bn(mtp_dh_known_prime, MTP_DH_BYTES, NULL);
	BN_CTX *ctx = BN_CTX_new();

	CHECK_INT(BN_num_bits(p), 2048);
	CHECK_INT(BN_check_prime(p, ctx, NULL), 1);
	CHECK(BN_rshift1(p, p));
	CHECK_INT(BN_check_prime(p, ctx, NULL), 1);
	BN_CTX_free(ctx);
	BN_free(p);
}

/* The 2048-bit group of RFC 3526 is a safe prime as well: the long way round
 * through the primality tests must accept it. */
static const char modp2048[] =
	"ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd1"
	"29024e088a67cc74020bbea63b139b22514a08798e3404dd"
	"ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245"
	"e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed"
	"ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3d"
	"c2007cb8a163bf0598da48361c55d39a69163fa8fd24cf5f"
	"83655d23dca3ad961c62f356208552bb9ed529077096966d"
	"670c354e4abc9804f1746c08ca18217c32905e462e36ce3b"
	"e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9"
	"de2bcbf6955817183995497cea956ae515d2261898fa0510"
	"15728e5a8aacaa68ffffffffffffffff";

static void test_dh_group_checks_other_primes(void)
{
	char text[sizeof(modp2048)];

	CHECK(group_fault_hex(2, modp2048) == NULL);
	memcpy(text, modp2048, sizeof(text));
	text[sizeof(text) - 2] = 'd'; /* two less: composite */
	CHECK_STR(group_fault_hex(4, text), "dh_prime is not prime");
	CHECK_STR(group_fault_hex(4, "ffffffffffffffff"),
		  "dh_prime is not 2048 bits long");
	text[0] = '7';
	CHECK_STR(group_fault_hex(4, text), "dh_prime is not 2048 bits long");
}

static void test_dh_public_range_has_margins(void)
{
	struct bytes p = bytes_of(mtp_dh_known_prime, MTP_DH_BYTES);
	uint8_t v[MTP_DH_BYTES] = {0};

	CHECK(!mtp_dh_public_ok(bytes_of(v, 256), p));
	v[7] = 1; /* 2^1984 */
	CHECK(mtp_dh_public_ok(bytes_of(v, 256), p));
	v[7] = 0;
	memset(v + 8, 0xff, 248); /* one less */
	CHECK(!mtp_dh_public_ok(bytes_of(v, 256), p));
	memcpy(v, p.p, sizeof(v)); /* p itself */
	CHECK(!mtp_dh_public_ok(bytes_of(v, 256), p));
	v[7]--; /* p - 2^1984 */
	CHECK(mtp_dh_public_ok(bytes_of(v, 256), p));
	v[255]++;
	CHECK(!mtp_dh_public_ok(bytes_of(v, 256), p));
	CHECK(!mtp_dh_public_ok(bytes_of(v, 0), p));
}

static void test_dh_power_pads_and_agrees(void)
{
	struct bytes p = bytes_of(mtp_dh_known_prime, MTP_DH_BYTES);
	uint8_t a[256], b[256], ga[256], gb[256], k1[256], k2[256], g = 3;
	uint8_t one[256] = {0};

	memset(a, 0x17, sizeof(a));
	memset(b, 0xe1, sizeof(b));
	one[255] = 9;
	CHECK_INT(mtp_dh_power(k1, bytes_of(&g, 1), bytes_of("\2", 1), p), 0);
	CHECK_MEM(k1, one, 256);
	CHECK_INT(mtp_dh_power(ga, bytes_of(&g, 1), bytes_of(a, 256), p), 0);
	CHECK_INT(mtp_dh_power(gb, bytes_of(&g, 1), bytes_of(b, 256), p), 0);
	CHECK_INT(mtp_dh_power(k1, bytes_of(ga, 256), bytes_of(b, 256), p), 0);
	CHECK_INT(mtp_dh_power(k2, bytes_of(gb, 256), bytes_of(a, 256), p), 0);
	CHECK_MEM(k1, k2, 256);
	CHECK_INT(mtp_dh_power(k1, bytes_of(&g, 1), bytes_of(a, 256),
			       bytes_of("\4", 1)),
		  -EINVAL);
}

int main(void)
{
	RUN(test_factor_finds_both_primes);
	RUN(test_factor_refuses_what_is_no_product_of_two);
	RUN(test_prime_is_exact_on_small_and_strong_pseudoprimes);
	RUN(test_dh_group_accepts_the_known_prime);
	RUN(test_dh_known_prime_is_safe);
	RUN(test_dh_group_checks_other_primes);
	RUN(test_dh_public_range_has_margins);
	RUN(test_dh_power_pads_and_agrees);
	return check_done();
}
