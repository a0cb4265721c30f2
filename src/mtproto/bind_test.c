/* auth.bindTempAuthKey: the published vector of the cipher (telegram-wire G.1)
 * and a message that tests/data/mtproto/bind.py made by itself. */
#include "mtproto/bind.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "mtproto/digest.h"
#include "mtproto/ige.h"
#include "mtproto/wire.h"
#include "tests/check.h"

#define MSG_ID 0x5e0b86bc00000004
#define SEALED (24 + 80)

static uint8_t perm[256], temp[256], noise[24], sealed[SEALED];

static void unhex(void *dst, const char *text, size_t n)
{
	if (hex_decode(dst, n, text, 2 * n))
		abort();
}

static void load(void)
{
	char name[16], hex[600];
	FILE *f = fopen(BIND_DATA, "r");

	if (!f)
		abort();
	while (fscanf(f, "%15s %599s", name, hex) == 2) {
		if (strcmp(name, "perm") == 0)
			unhex(perm, hex, sizeof(perm));
		else if (strcmp(name, "temp") == 0)
			unhex(temp, hex, sizeof(temp));
		else if (strcmp(name, "random") == 0)
			unhex(noise, hex, sizeof(noise));
		else
			unhex(sealed, hex, sizeof(sealed));
	}
	fclose(f);
}

static void noise_fill(void *p, size_t n, void *arg)
{
	memcpy(p, noise, n);
}

static const struct mtp_random random_ = {noise_fill, NULL};

static struct mtp_bind bind_of_vector(void)
{
	return (struct mtp_bind){
		.nonce = 0x1122334455667788,
		.temp_key_id = mtp_key_id(temp),
		.perm_key_id = mtp_key_id(perm),
		.temp_session_id = -2,
		.expires_at = 1900000000,
	};
}

static void test_bind_cipher_matches_the_published_vector(void)
{
	uint8_t key[256], msg_key[16], aes_key[32], aes_iv[32], want[32];

	for (size_t i = 0; i < 8; i++)
		unhex(key + 32 * i,
		      "98cb29c6ffa89e79da695a54f572e6cb101e81c688b63a4bf73c3622"
		      "dec230e0",
		      32);
	unhex(msg_key, "25d701f2a29205526757825a99eb2d32", 16);
	mtp_bind_cipher(aes_key, aes_iv, key, msg_key);
	unhex(want,
	      "1fc7b40b1d9ffbdaf4d652525a748864259698f89214abf27c0d36cb9d4cd5d"
	      "b",
	      32);
	CHECK_MEM(aes_key, want, 32);
	unhex(want,
	      "7251fbda39ec5e6e089f15ded5963b03d6d8d0f7078898431fc7b40b1d9ffbd"
	      "a",
	      32);
	CHECK_MEM(aes_iv, want, 32);
}

static void test_bind_message_matches_an_independent_one(void)
{
	struct mtp_bind bind = bind_of_vector();
	struct buf out;
	struct rd r;

	buf_init(&out);
	CHECK_INT(mtp_bind_seal(&out, &bind, perm, MSG_ID, &random_), 0);
	CHECK_INT(out.n, SEALED);
	CHECK_MEM(out.p, sealed, SEALED);
	buf_reset(&out);
	CHECK_INT(mtp_bind_query(&out, &bind, perm, MSG_ID, &random_), 0);
	rd_init(&r, out.p, out.n);
	CHECK(rd_le32(&r) == 0xcdd42a05);
	CHECK(rd_le64(&r) == bind.perm_key_id);
	CHECK(rd_le64(&r) == (uint64_t)bind.nonce);
	CHECK_INT(rd_le32(&r), bind.expires_at);
	CHECK(bytes_equal(wire_bytes(&r), bytes_of(sealed, SEALED)));
	CHECK(!r.bad && !r.n);
	buf_clear(&out);
}

static void test_bind_open_reads_every_field(void)
{
	struct mtp_bind want = bind_of_vector(), got;
	const char *fault;

	CHECK_INT(mtp_bind_open(&got, &fault, bytes_of(sealed, SEALED), perm,
				MSG_ID),
		  0);
	CHECK(!fault);
	CHECK(got.nonce == want.nonce);
	CHECK(got.temp_key_id == want.temp_key_id);
	CHECK(got.perm_key_id == want.perm_key_id);
	CHECK(got.temp_session_id == want.temp_session_id);
	CHECK_INT(got.expires_at, want.expires_at);
}

static const char *fault_of(const uint8_t *message, size_t n, int64_t msg_id)
{
	struct mtp_bind got;
	const char *fault;

	return mtp_bind_open(&got, &fault, bytes_of(message, n), perm,
			     msg_id) == -EBADMSG
		       ? fault
		       : "none";
}

/* The same with another plain byte, sealed well. */
static const char *fault_with(size_t at, uint8_t value)
{
	uint8_t copy[SEALED], plain[80] = {0}, hash[MTP_SHA1_BYTES], key[32],
			      iv[32];
	struct bytes part = bytes_of(plain, 72);

	memcpy(copy, sealed, SEALED);
	mtp_bind_cipher(key, iv, perm, copy + 8);
	mtp_ige_decrypt(plain, copy + 24, 80, key, iv);
	plain[at] ^= value;
	mtp_sha1(hash, &part, 1);
	memcpy(copy + 8, hash + 4, 16);
	mtp_bind_cipher(key, iv, perm, copy + 8);
	mtp_ige_encrypt(copy + 24, plain, 80, key, iv);
	return fault_of(copy, SEALED, MSG_ID);
}

static void test_bind_open_refuses(void)
{
	uint8_t copy[SEALED + 1];

	memcpy(copy, sealed, SEALED);
	copy[SEALED] = 0;
	CHECK_STR(fault_of(copy, SEALED - 1, MSG_ID),
		  "encrypted_message has another length");
	CHECK_STR(fault_of(copy, SEALED + 1, MSG_ID),
		  "encrypted_message has another length");
	CHECK_STR(fault_of(copy, SEALED, MSG_ID + 4),
		  "the inner msg_id is not that of the query");
	copy[0] ^= 1;
	CHECK_STR(fault_of(copy, SEALED, MSG_ID),
		  "encrypted_message is for another key");
	copy[0] ^= 1;
	for (size_t at = 8; at < 24; at += 5) {
		copy[at] ^= 0x40;
		CHECK_STR(fault_of(copy, SEALED, MSG_ID),
			  "encrypted_message has a wrong msg_key");
		copy[at] ^= 0x40;
	}
	copy[50] ^= 1;
	CHECK_STR(fault_of(copy, SEALED, MSG_ID),
		  "encrypted_message has a wrong msg_key");
	CHECK_STR(fault_with(0, 1), "none"); /* random bytes */
	CHECK_STR(fault_with(24, 1), "the inner seq_no is not 0");
	CHECK_STR(fault_with(28, 4), "the inner length is not 40");
	CHECK_STR(fault_with(32, 1), "the inner constructor is another one");
}

int main(void)
{
	load();
	RUN(test_bind_cipher_matches_the_published_vector);
	RUN(test_bind_message_matches_an_independent_one);
	RUN(test_bind_open_reads_every_field);
	RUN(test_bind_open_refuses);
	return check_done();
}
