#include "telegram/phone_key.h"

#include <errno.h>
#include <openssl/bn.h>

#include "mtproto/dh.h"
#include "tests/check.h"

/* telegram-wire G.1: K = bytes 00 01 .. ff, g_a = 256 times 01. */
static void vector_key(uint8_t key[PHONE_KEY_BYTES])
{
	for (int i = 0; i < PHONE_KEY_BYTES; i++)
		key[i] = (uint8_t)i;
}

static struct bytes known_prime(void)
{
	return bytes_of(mtp_dh_known_prime, MTP_DH_BYTES);
}

static void test_phone_key_fingerprint_vector(void)
{
	uint8_t key[PHONE_KEY_BYTES], le[8];
	uint8_t expected[8] = {0x32, 0xd1, 0x58, 0x6e, 0xa4, 0x57, 0xdf, 0xc8};

	vector_key(key);
	CHECK_INT(phone_key_fingerprint(key), -3972359982579920590);
	le64_store(le, (uint64_t)phone_key_fingerprint(key));
	CHECK_MEM(le, expected, sizeof(le));
}

static void test_phone_key_emoji_vector(void)
{
	uint8_t key[PHONE_KEY_BYTES], g_a[PHONE_KEY_BYTES];
	uint16_t emoji[4];
	char text[PHONE_EMOJI_TEXT_BYTES];

	vector_key(key);
	memset(g_a, 1, sizeof(g_a));
	phone_key_emoji(emoji, key, bytes_of(g_a, sizeof(g_a)));
	CHECK_INT(emoji[0], 188);
	CHECK_INT(emoji[1], 101);
	CHECK_INT(emoji[2], 235);
	CHECK_INT(emoji[3], 306);
	phone_emoji_text(text, emoji);
	CHECK_STR(text, "✒🐍🍞🇫🇷");
	emoji[3] = PHONE_EMOJI_TABLE;
	phone_emoji_text(text, emoji);
	CHECK_STR(text, "✒🐍🍞");
}

static void test_phone_key_hash_is_of_the_bytes(void)
{
	uint8_t with_zero[3] = {0, 'a', 'b'};
	uint8_t one[PHONE_HASH_BYTES], other[PHONE_HASH_BYTES];
	uint8_t abc[PHONE_HASH_BYTES];

	/* SHA-256 of "abc" (FIPS 180-2). */
	CHECK_INT(hex_decode(abc, sizeof(abc),
			     "ba7816bf8f01cfea414140de5dae2223"
			     "b00361a396177a9cb410ff61f20015ad",
			     64),
		  0);
	phone_value_hash(one, bytes_str("abc"));
	CHECK_MEM(one, abc, sizeof(abc));
	phone_value_hash(one, bytes_of(with_zero, 3));
	phone_value_hash(other, bytes_of(with_zero + 1, 2));
	CHECK(memcmp(one, other, sizeof(one)) != 0);
}

static void test_phone_dh_refuses_bad_groups(void)
{
	struct phone_dh dh = {0};
	uint8_t p[PHONE_KEY_BYTES + 1];

	memset(p, 0, sizeof(p));
	memcpy(p, mtp_dh_known_prime, MTP_DH_BYTES);
	CHECK_INT(phone_dh_set(&dh, 1, 1, known_prime()), -EBADMSG);
	CHECK_INT(phone_dh_set(&dh, 1, 8, known_prime()), -EBADMSG);
	/* p mod 8 = 3 for the well-known prime: 2 is no generator. */
	CHECK_INT(phone_dh_set(&dh, 1, 2, known_prime()), -EBADMSG);
	CHECK_INT(phone_dh_set(&dh, 1, 3, bytes_of(p, MTP_DH_BYTES - 1)),
		  -EBADMSG);
	CHECK_INT(phone_dh_set(&dh, 1, 3, bytes_of(p, MTP_DH_BYTES + 1)),
		  -EBADMSG);
	p[MTP_DH_BYTES - 1] ^= 2;
	CHECK_INT(phone_dh_set(&dh, 1, 3, bytes_of(p, MTP_DH_BYTES)), -EBADMSG);
	CHECK(!dh.present);
	CHECK_INT(phone_dh_set(&dh, 7, 3, known_prime()), 0);
	CHECK(dh.present);
	CHECK_INT(dh.version, 7);
	CHECK_INT(dh.g, 3);
}

/* Both ends, and the same power by OpenSSL's numbers. */
static void test_phone_key_agrees(void)
{
	struct phone_dh dh = {0};
	uint8_t a[PHONE_KEY_BYTES], b[PHONE_KEY_BYTES];
	uint8_t g_a[PHONE_KEY_BYTES], g_b[PHONE_KEY_BYTES];
	uint8_t key_a[PHONE_KEY_BYTES], key_b[PHONE_KEY_BYTES];
	uint8_t own[PHONE_KEY_BYTES];
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *p = BN_bin2bn(mtp_dh_known_prime, MTP_DH_BYTES, NULL);
	BIGNUM *base = BN_new(), *e = BN_new(), *r = BN_new();

	CHECK_INT(phone_dh_set(&dh, 7, 3, known_prime()), 0);
	do {
		phone_secret_make(a, bytes_str("server"));
	} while (phone_value(g_a, &dh, a));
	do {
		phone_secret_make(b, bytes_str(""));
	} while (phone_value(g_b, &dh, b));
	CHECK(g_a[0] && g_b[0]);
	CHECK_INT(phone_key_make(key_a, &dh, a, bytes_of(g_b, sizeof(g_b))), 0);
	CHECK_INT(phone_key_make(key_b, &dh, b, bytes_of(g_a, sizeof(g_a))), 0);
	CHECK_MEM(key_a, key_b, sizeof(key_a));
	BN_bin2bn(g_b, sizeof(g_b), base);
	BN_bin2bn(a, sizeof(a), e);
	BN_mod_exp(r, base, e, p, ctx);
	BN_bn2binpad(r, own, sizeof(own));
	CHECK_MEM(own, key_a, sizeof(own));
	BN_free(p);
	BN_free(base);
	BN_free(e);
	BN_free(r);
	BN_CTX_free(ctx);
}

static void test_phone_value_is_redrawn(void)
{
	struct phone_dh dh = {0};
	uint8_t secret[PHONE_KEY_BYTES] = {0}, value[PHONE_KEY_BYTES];

	CHECK_INT(phone_dh_set(&dh, 7, 3, known_prime()), 0);
	/* 3^5 = 243: leading zeros and below 2^1984. */
	secret[PHONE_KEY_BYTES - 1] = 5;
	CHECK_INT(phone_value(value, &dh, secret), -EAGAIN);
}

static void test_phone_key_range(void)
{
	struct phone_dh dh = {0};
	uint8_t secret[PHONE_KEY_BYTES], key[PHONE_KEY_BYTES];
	uint8_t v[PHONE_KEY_BYTES + 1] = {0};

	CHECK_INT(phone_dh_set(&dh, 7, 3, known_prime()), 0);
	phone_secret_make(secret, bytes_str(""));
	CHECK_INT(phone_key_make(key, &dh, secret, bytes_str("")), -ERANGE);
	v[PHONE_KEY_BYTES - 1] = 1;
	CHECK_INT(phone_key_make(key, &dh, secret, bytes_of(v, 256)), -ERANGE);
	/* 2^1984 - 1: 248 bytes of ff. */
	memset(v, 0, 8);
	memset(v + 8, 0xff, 248);
	CHECK_INT(phone_key_make(key, &dh, secret, bytes_of(v, 256)), -ERANGE);
	/* 2^1984 itself is inside. */
	memset(v, 0, sizeof(v));
	v[7] = 1;
	CHECK_INT(phone_key_make(key, &dh, secret, bytes_of(v, 256)), 0);
	/* p - 1. */
	memcpy(v, mtp_dh_known_prime, 256);
	v[255]--;
	CHECK_INT(phone_key_make(key, &dh, secret, bytes_of(v, 256)), -ERANGE);
	/* p - 2^1984 + 1 is outside, 257 bytes are too many. */
	memcpy(v, mtp_dh_known_prime, 256);
	v[7]--;
	v[255]++;
	CHECK_INT(phone_key_make(key, &dh, secret, bytes_of(v, 256)), -ERANGE);
	memset(v, 0x55, sizeof(v));
	CHECK_INT(phone_key_make(key, &dh, secret, bytes_of(v, 257)), -ERANGE);
}

int main(void)
{
	RUN(test_phone_key_fingerprint_vector);
	RUN(test_phone_key_emoji_vector);
	RUN(test_phone_key_hash_is_of_the_bytes);
	RUN(test_phone_dh_refuses_bad_groups);
	RUN(test_phone_key_agrees);
	RUN(test_phone_value_is_redrawn);
	RUN(test_phone_key_range);
	return check_done();
}
