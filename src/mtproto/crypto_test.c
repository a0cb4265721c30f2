/* Vectors of telegram-wire G.1 (published with mtcute, recomputed from the
 * formulas). */
#include "mtproto/message.h"

#include <errno.h>

#include "mtproto/handshake.h"
#include "mtproto/ige.h"
#include "tests/check.h"
#include "tests/hex.h"

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
	return check_done();
}
