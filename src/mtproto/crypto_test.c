/* Vectors of telegram-wire G.1 (published with mtcute, recomputed from the
 * formulas) and of the number theory behind key creation. */
#include "mtproto/message.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "mtproto/dh.h"
#include "mtproto/factor.h"
#include "mtproto/gzip.h"
#include "mtproto/handshake.h"
#include "mtproto/ige.h"
#include "mtproto/rsa.h"
#include "mtproto/wire.h"
#include "tests/check.h"

#define K32 "98cb29c6ffa89e79da695a54f572e6cb101e81c688b63a4bf73c3622dec230e0"
#define CLIENT_PACKET                                                          \
	"40fa5bb7cb56a895f6f5a88914892aadf87c68031cc953ba29d68e118021f329"     \
	"be386a620d49f3ad3a50c60dcef3733f214e8cefa3e403c11d193637d4971dc1"     \
	"5db7f74b26fd16cb0e8fee30bf7e3f68858fe82927e2cd06"
#define SERVER_PACKET                                                          \
	"40fa5bb7cb56a8950c394b884f1529efc42fea22d972fea650a714ce6d2d1bdb"     \
	"3d98ff5929b8768c401771a69795f36a7e720dcafac2efbccd0ba368e8a7f48b"     \
	"07362cac1a32ffcabe188b51a36cc4d54e1d0633cf9eaf35"
#define PADDING "29afd26df40fb8ed10b6b4ad6d56ef5d"

static void unhex(void *dst, const char *text)
{
	size_t n = strlen(text);

	if (hex_decode(dst, n / 2, text, n))
		abort();
}

static void key_fill(uint8_t key[MTP_KEY_BYTES])
{
	for (int i = 0; i < 8; i++)
		unhex(key + (ptrdiff_t)32 * i, K32);
}

static void padding_fill(void *p, size_t n, void *arg)
{
	uint8_t padding[16];

	(void)arg;
	unhex(padding, PADDING);
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = padding[i % 16];
}

static void test_key_id_matches_vector(void)
{
	uint8_t key[MTP_KEY_BYTES], id[8], want[8];

	key_fill(key);
	unhex(want, "40fa5bb7cb56a895");
	le64_store(id, mtp_key_id(key));
	CHECK_MEM(id, want, 8);
}

static void cipher_check(enum mtp_sender sender, const char *aes_key,
			 const char *aes_iv)
{
	uint8_t key[MTP_KEY_BYTES], msg_key[16], k[32], iv[32], want[32];

	key_fill(key);
	unhex(msg_key, "25d701f2a29205526757825a99eb2d32");
	mtp_message_cipher(k, iv, key, msg_key, sender);
	unhex(want, aes_key);
	CHECK_MEM(k, want, 32);
	unhex(want, aes_iv);
	CHECK_MEM(iv, want, 32);
}

static void test_message_cipher_matches_client_vector(void)
{
	cipher_check(MTP_SENDER_CLIENT,
		     "af3f8e1ffa75f4c981eec33a3e5bbaa2"
		     "ea48f9bb93e91597627eb1f67960a0c9",
		     "9874d77f95155b35221bff94b7df4594"
		     "c6996e2a62e44fcb7d93c8c4e41b79ee");
}

static void test_message_cipher_matches_server_vector(void)
{
	cipher_check(MTP_SENDER_SERVER,
		     "d4b378e1e0525f10ff9d4c42807ccce5"
		     "b30a033a8088c0b922b5259421751648",
		     "4d7194f42f0135d2fd83050b403265b4"
		     "c40ee3e9e9fba56f0f4d8ea6bcb121f5");
}

static struct mtp_message vector_message(void)
{
	struct mtp_message m = {
		.salt = (int64_t)0xefbeaddeaddeefbe,
		.session_id = (int64_t)0xbeefdeefedfeedbe,
		.body = bytes_str("hello, world!!!!"),
	};
	uint8_t raw[8];

	unhex(raw, "efbeaddeaddeefbe");
	m.salt = (int64_t)le64_load(raw);
	unhex(raw, "efbeedfeedfeefbe");
	m.session_id = (int64_t)le64_load(raw);
	unhex(raw, "3412efbeefbe3412");
	m.msg_id = (int64_t)le64_load(raw);
	m.seqno = 777;
	return m;
}

static void seal_check(enum mtp_sender sender, const char *packet)
{
	struct mtp_message m = vector_message(), got;
	struct mtp_random random = {padding_fill, NULL};
	uint8_t key[MTP_KEY_BYTES], want[88];
	const char *fault;
	struct buf out, plain;

	key_fill(key);
	unhex(want, packet);
	buf_init(&out);
	buf_init(&plain);
	CHECK_INT(mtp_message_seal(&out, &m, key, sender, 16, &random), 0);
	CHECK_INT(out.n, sizeof(want));
	CHECK_MEM(out.p, want, sizeof(want));
	CHECK_INT(mtp_message_open(&got, &plain, &fault, buf_bytes(&out), key,
				   sender),
		  0);
	CHECK(got.salt == m.salt && got.session_id == m.session_id &&
	      got.msg_id == m.msg_id && got.seqno == m.seqno);
	CHECK(bytes_equal(got.body, m.body));
	/* Any bit turned over anywhere is noticed. */
	for (size_t i = 8; i < out.n; i++) {
		out.p[i] ^= 0x10;
		CHECK_INT(mtp_message_open(&got, &plain, &fault,
					   buf_bytes(&out), key, sender),
			  -EBADMSG);
		CHECK_STR(fault, "message key differs");
		out.p[i] ^= 0x10;
	}
	/* The other direction's key does not open it. */
	CHECK_INT(mtp_message_open(&got, &plain, &fault, buf_bytes(&out), key,
				   sender ? MTP_SENDER_CLIENT
					  : MTP_SENDER_SERVER),
		  -EBADMSG);
	buf_clear(&out);
	buf_clear(&plain);
}

static void test_message_packet_matches_client_vector(void)
{
	seal_check(MTP_SENDER_CLIENT, CLIENT_PACKET);
}

static void test_message_packet_matches_server_vector(void)
{
	seal_check(MTP_SENDER_SERVER, SERVER_PACKET);
}

static void test_message_open_refuses_cut_packets(void)
{
	uint8_t key[MTP_KEY_BYTES], packet[88];
	struct mtp_message m;
	const char *fault;
	struct buf plain;

	key_fill(key);
	unhex(packet, CLIENT_PACKET);
	buf_init(&plain);
	for (size_t n = 0; n < sizeof(packet); n++)
		CHECK_INT(mtp_message_open(&m, &plain, &fault,
					   bytes_of(packet, n), key,
					   MTP_SENDER_CLIENT),
			  -EBADMSG);
	buf_clear(&plain);
}

static const char *padding_fault(size_t body, size_t padding)
{
	static const uint8_t zeros[64];
	struct mtp_message m = vector_message(), got;
	uint8_t key[MTP_KEY_BYTES];
	const char *fault = "not sealed";
	struct buf out, plain;

	key_fill(key);
	m.body = bytes_of(zeros, body);
	buf_init(&out);
	buf_init(&plain);
	if (mtp_message_seal(&out, &m, key, MTP_SENDER_CLIENT, padding, NULL) ==
	    0)
		mtp_message_open(&got, &plain, &fault, buf_bytes(&out), key,
				 MTP_SENDER_CLIENT);
	buf_clear(&out);
	buf_clear(&plain);
	return fault;
}

static void test_message_padding_window_is_12_to_1024(void)
{
	CHECK(padding_fault(4, 12) == NULL);
	CHECK_STR(padding_fault(8, 8), "padding is not 12 to 1024 bytes");
	CHECK_STR(padding_fault(16, 0), "padding is not 12 to 1024 bytes");
	CHECK(padding_fault(16, 1024) == NULL);
	CHECK_STR(padding_fault(12, 1028), "padding is not 12 to 1024 bytes");
	CHECK_STR(padding_fault(1, 15),
		  "message length is not a multiple of 4");
	for (size_t n = 0; n < 20000; n += 4) {
		size_t padding = mtp_message_padding(n);

		CHECK(padding >= 12 && padding <= 1024);
		CHECK_INT((32 + n + padding) % 16, 0);
	}
}

static void test_handshake_cipher_matches_vector(void)
{
	uint8_t server_nonce[16], new_nonce[16], k[32], iv[32], want[32];

	unhex(server_nonce, "8af24c551836e5ed7002f5857e6e71b2");
	unhex(new_nonce, "3bf48b2d3152f383d82d1f2b32ac7fb5");
	mtp_handshake_cipher(k, iv, server_nonce, new_nonce, 16);
	unhex(want, "b0b5ffeadff0249fa6292f5ae0351556"
		    "fd6619ba5dd4809601669292456d3e5a");
	CHECK_MEM(k, want, 32);
	unhex(want, "13fef5bfd8c46b12dfd1753013b86cc0"
		    "12e1ce8ed6f8ecdd7bf36f3a3bf48b2d");
	CHECK_MEM(iv, want, 32);
}

static void test_ige_decrypts_what_it_encrypts_in_place(void)
{
	uint8_t key[32], iv[32], in[160], out[160];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7);
	unhex(key, K32);
	unhex(iv, K32);
	mtp_ige_encrypt(out, in, sizeof(in), key, iv);
	CHECK(memcmp(out, in, sizeof(in)) != 0);
	mtp_ige_decrypt(out, out, sizeof(out), key, iv);
	CHECK_MEM(out, in, sizeof(in));
}

static void test_rsa_fingerprints_of_telegram(void)
{
	struct mtp_rsa *r = NULL;

	CHECK_INT(mtp_rsa_new(&r), 0);
	CHECK_INT(mtp_rsa_add_production(r), 0);
	CHECK_INT(mtp_rsa_count(r), 1);
	CHECK(mtp_rsa_fingerprint(r, 0) == -3414540481677951611);
	CHECK_INT(mtp_rsa_add_test(r), 0);
	CHECK(mtp_rsa_fingerprint(r, 1) == -5595554452916591101);
	CHECK(mtp_rsa_has(r, (int64_t)0xb25898df208d2603));
	/* The same key again is the same entry. */
	CHECK_INT(mtp_rsa_add_test(r), 0);
	CHECK_INT(mtp_rsa_count(r), 2);
	CHECK(!mtp_rsa_has(r, 1));
	CHECK(mtp_rsa_fingerprint(r, 2) == 0);
	mtp_rsa_free(&r);
}

static void pem_write(struct buf *b, EVP_PKEY *key, bool private)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	if (private)
		PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	else
		PEM_write_bio_PUBKEY(bio, key);
	n = BIO_get_mem_data(bio, &p);
	buf_put(b, p, (size_t)n);
	BIO_free(bio);
}

static void test_rsa_pem_forms_and_pad_round_trip(void)
{
	EVP_PKEY *key = EVP_RSA_gen(2048), *small = EVP_RSA_gen(1024);
	struct mtp_rsa *client = NULL, *server = NULL;
	uint8_t sealed[256], raw[256], open[192], data[144];
	struct buf pub, priv, bad;
	int64_t f;

	buf_init(&pub);
	buf_init(&priv);
	buf_init(&bad);
	pem_write(&pub, key, false);
	pem_write(&priv, key, true);
	pem_write(&bad, small, false);
	CHECK_INT(mtp_rsa_new(&client), 0);
	CHECK_INT(mtp_rsa_new(&server), 0);
	CHECK_INT(mtp_rsa_add_pem(client, (char *)bad.p, bad.n), -EBADMSG);
	CHECK_INT(mtp_rsa_add_pem(client, "nothing", 7), -EBADMSG);
	CHECK_INT(mtp_rsa_add_pem(client, (char *)pub.p, pub.n), 0);
	CHECK_INT(mtp_rsa_add_pem(server, (char *)priv.p, priv.n), 0);
	f = mtp_rsa_fingerprint(client, 0);
	CHECK(mtp_rsa_has(server, f));
	memset(data, 0xa5, sizeof(data));
	CHECK_INT(mtp_rsa_pad_encrypt(client, f, sealed,
				      bytes_of(data, sizeof(data)), NULL),
		  0);
	CHECK_INT(mtp_rsa_private(client, f, raw, sealed), -ENOENT);
	CHECK_INT(mtp_rsa_private(server, f + 1, raw, sealed), -ENOENT);
	CHECK_INT(mtp_rsa_private(server, f, raw, sealed), 0);
	CHECK_INT(mtp_rsa_pad_open(open, raw), 0);
	CHECK_MEM(open, data, sizeof(data));
	raw[40] ^= 1;
	CHECK_INT(mtp_rsa_pad_open(open, raw), -EBADMSG);
	memset(sealed, 0xff, sizeof(sealed));
	CHECK_INT(mtp_rsa_private(server, f, raw, sealed), -EBADMSG);
	CHECK_INT(mtp_rsa_pad_encrypt(client, f, sealed, bytes_of(sealed, 145),
				      NULL),
		  -EMSGSIZE);
	mtp_rsa_free(&client);
	mtp_rsa_free(&server);
	buf_clear(&pub);
	buf_clear(&priv);
	buf_clear(&bad);
	EVP_PKEY_free(key);
	EVP_PKEY_free(small);
}

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

static void test_wire_bytes_round_trip_every_length(void)
{
	uint8_t data[600];
	struct buf b;
	struct rd r;

	memset(data, 0x5a, sizeof(data));
	buf_init(&b);
	for (size_t n = 0; n < sizeof(data); n++) {
		buf_reset(&b);
		wire_put_bytes(&b, bytes_of(data, n));
		CHECK_INT(b.n % 4, 0);
		rd_init(&r, b.p, b.n);
		CHECK(bytes_equal(wire_bytes(&r), bytes_of(data, n)));
		CHECK(!r.bad && !r.n);
		rd_init(&r, b.p, b.n - 1);
		(void)wire_bytes(&r);
		CHECK(r.bad);
	}
	rd_init(&r, "\xff\0\0\0\0\0\0\0", 8);
	(void)wire_bytes(&r);
	CHECK(r.bad);
	buf_clear(&b);
}

/* A zlib stream (78 9c) as TDLib sends it, of "gramline gramline gramline". */
static void test_gzip_reads_zlib_and_gzip(void)
{
	static const char text[] = "gramline gramline gramline";
	uint8_t zlib[20];
	struct buf b, packed;
	struct rd r;

	unhex(zlib, "789c4b2f4acccdc9cc4b554847670000898a0a2e");
	buf_init(&b);
	buf_init(&packed);
	CHECK_INT(mtp_gzip_unpack(&b, bytes_of(zlib, sizeof(zlib))), 0);
	CHECK(bytes_equal(buf_bytes(&b), bytes_str(text)));
	buf_reset(&b);
	CHECK_INT(mtp_gzip_unpack(&b, bytes_of(zlib, sizeof(zlib) - 1)),
		  -EBADMSG);
	buf_reset(&b);
	buf_fill(&b, 'x', 5000);
	CHECK_INT(mtp_gzip_pack(&packed, buf_bytes(&b)), 0);
	rd_init(&r, packed.p, packed.n);
	CHECK(rd_le32(&r) == WIRE_GZIP_PACKED);
	buf_reset(&b);
	CHECK_INT(mtp_gzip_unpack(&b, wire_bytes(&r)), 0);
	CHECK_INT(b.n, 5000);
	CHECK_INT(mtp_gzip_pack(&packed, bytes_str("incompressible")), -ENOSPC);
	buf_clear(&b);
	buf_clear(&packed);
}

static void test_gzip_caps_the_inflated_size(void)
{
	struct buf b, packed;
	struct rd r;

	buf_init(&b);
	buf_init(&packed);
	buf_fill(&b, 0, MTP_INFLATED_MAX + 1);
	CHECK_INT(mtp_gzip_pack(&packed, buf_bytes(&b)), 0);
	rd_init(&r, packed.p, packed.n);
	rd_skip(&r, 4);
	buf_clear(&b);
	CHECK_INT(mtp_gzip_unpack(&b, wire_bytes(&r)), -EMSGSIZE);
	buf_clear(&b);
	buf_clear(&packed);
}

int main(void)
{
	RUN(test_key_id_matches_vector);
	RUN(test_message_cipher_matches_client_vector);
	RUN(test_message_cipher_matches_server_vector);
	RUN(test_message_packet_matches_client_vector);
	RUN(test_message_packet_matches_server_vector);
	RUN(test_message_open_refuses_cut_packets);
	RUN(test_message_padding_window_is_12_to_1024);
	RUN(test_handshake_cipher_matches_vector);
	RUN(test_ige_decrypts_what_it_encrypts_in_place);
	RUN(test_rsa_fingerprints_of_telegram);
	RUN(test_rsa_pem_forms_and_pad_round_trip);
	RUN(test_factor_finds_both_primes);
	RUN(test_factor_refuses_what_is_no_product_of_two);
	RUN(test_prime_is_exact_on_small_and_strong_pseudoprimes);
	RUN(test_dh_group_accepts_the_known_prime);
	RUN(test_dh_known_prime_is_safe);
	RUN(test_dh_group_checks_other_primes);
	RUN(test_dh_public_range_has_margins);
	RUN(test_dh_power_pads_and_agrees);
	RUN(test_wire_bytes_round_trip_every_length);
	RUN(test_gzip_reads_zlib_and_gzip);
	RUN(test_gzip_caps_the_inflated_size);
	return check_done();
}
