#include "tgcall/crypto.h"

#include <errno.h>

#include "tests/check.h"
#include "tgcall/acked.h"
#include "tgcall/raw.h"

/* telegram-wire G.1: "Call key K = bytes 00 01 .. ff" */
static struct tgcall_crypto crypto_of(bool outgoing)
{
	struct tgcall_crypto c = {.outgoing = outgoing};

	for (int i = 0; i < 256; i++)
		c.key[i] = (uint8_t)i;
	return c;
}

static const char json[] = "{\"@type\":\"test\"}";

static const struct {
	bool outgoing;
	const char *aes_key, *iv, *packet;
} raw_vectors[] = {
	{true,
	 "bc09c6446d676ab0f25c444468fae8c546ae293e92decaead703f417da769cab",
	 "aee3fd88a1de46bd656f30c64e3d3a89",
	 "617dfdd6727f73200930fcf4006f154f"
	 "a0f5430558e058ea8b9c19cf74608afc40686e88"},
	{false,
	 "28804c4d2a5a4d8f84113186e3926319b305370cb883c14dec72d91ccc63d3d2",
	 "67dc70c9a8fb1e0d14999f79a7accf0f",
	 "5b5b395d2a41ace48788aa8ada476335"
	 "6c140c8b3b1c26c32124fb068f56964be8ec7ee9"},
};

static const struct {
	bool outgoing;
	const char *plain, *packet;
} acked_vectors[] = {
	{true, "400000017f000000107b224074797065223a2274657374227d",
	 "a1915b4e9c4249acfda5e7e8de16e144"
	 "9d85b018f7cb45989d293c2476744c4ce2991742c520c94b5f"},
	{false, "00000002fe40000001ff",
	 "306e95d7edbee33fc931e357d0d491caeeb268a6d257e656103f"},
};

static void test_crypto_raw_matches_vectors(void)
{
	for (int i = 0; i < 2; i++) {
		struct tgcall_crypto c = crypto_of(raw_vectors[i].outgoing);
		uint8_t aes_key[32], iv[16];
		struct buf plain, packet;
		char text[129];

		buf_init(&plain);
		buf_init(&packet);
		CHECK_INT(raw_put(&plain, 1, bytes_str(json), false), 0);
		CHECK_INT(tgcall_crypto_seal(&c, &packet, buf_bytes(&plain)),
			  0);
		hex_encode(text, packet.p, packet.n);
		CHECK_STR(text, raw_vectors[i].packet);
		tgcall_crypto_derive(aes_key, iv, &c, true, packet.p);
		hex_encode(text, aes_key, 32);
		CHECK_STR(text, raw_vectors[i].aes_key);
		hex_encode(text, iv, 16);
		CHECK_STR(text, raw_vectors[i].iv);
		buf_clear(&plain);
		buf_clear(&packet);
	}
}

static void packet_note(struct bytes plain, void *arg)
{
	struct buf *b = arg;

	buf_reset(b);
	buf_put(b, plain.p, plain.n);
}

static void text_ignore(struct bytes text, void *arg)
{
}

/* The caller's first message, and the callee's acknowledgement of it with its
 * counter 2, as the engine makes them. */
static void test_crypto_acked_matches_vectors(void)
{
	struct buf sent[2], packet;
	uint32_t counters[2] = {0, 1};
	struct window windows[2] = {0};
	struct acked *ends[2];

	for (int i = 0; i < 2; i++) {
		struct acked_conf conf = {&counters[i], &windows[i],
					  packet_note, text_ignore, &sent[i]};

		buf_init(&sent[i]);
		CHECK_INT(acked_new(&ends[i], &conf), 0);
	}
	CHECK_INT(acked_send(ends[0], bytes_str(json), 0), 0);
	CHECK_INT(acked_input(ends[1], buf_bytes(&sent[0]), 0), 0);
	for (int i = 0; i < 2; i++) {
		struct tgcall_crypto c = crypto_of(acked_vectors[i].outgoing);
		char text[129];

		hex_encode(text, sent[i].p, sent[i].n);
		CHECK_STR(text, acked_vectors[i].plain);
		buf_init(&packet);
		CHECK_INT(tgcall_crypto_seal(&c, &packet, buf_bytes(&sent[i])),
			  0);
		hex_encode(text, packet.p, packet.n);
		CHECK_STR(text, acked_vectors[i].packet);
		buf_clear(&packet);
	}
	for (int i = 0; i < 2; i++) {
		acked_free(&ends[i]);
		buf_clear(&sent[i]);
	}
}

static void test_crypto_opens_what_the_other_side_sealed(void)
{
	for (int transport = 0; transport < 2; transport++) {
		struct tgcall_crypto a = crypto_of(true), b = crypto_of(false);
		struct buf packet, plain;

		a.transport = b.transport = transport;
		buf_init(&packet);
		buf_init(&plain);
		CHECK_INT(tgcall_crypto_seal(&a, &packet, bytes_str("12345")),
			  0);
		CHECK_INT(packet.n, 21);
		CHECK_INT(tgcall_crypto_open(&b, &plain, buf_bytes(&packet)),
			  0);
		CHECK_STR(buf_cstr(&plain), "12345");
		/* not by oneself, nor for the other use */
		CHECK_INT(tgcall_crypto_open(&a, &plain, buf_bytes(&packet)),
			  -EBADMSG);
		b.transport = !transport;
		CHECK_INT(tgcall_crypto_open(&b, &plain, buf_bytes(&packet)),
			  -EBADMSG);
		CHECK_INT(plain.n, 5);
		buf_clear(&packet);
		buf_clear(&plain);
	}
}

static void test_crypto_refuses_changed_and_wrong_sizes(void)
{
	struct tgcall_crypto a = crypto_of(true), b = crypto_of(false);
	struct buf packet, plain;

	buf_init(&packet);
	buf_init(&plain);
	CHECK_INT(tgcall_crypto_seal(&a, &packet, bytes_str("123456")), 0);
	for (size_t i = 0; i < packet.n; i++) {
		packet.p[i] ^= 1;
		CHECK_INT(tgcall_crypto_open(&b, &plain, buf_bytes(&packet)),
			  -EBADMSG);
		packet.p[i] ^= 1;
		CHECK_INT(tgcall_crypto_open(&b, &plain, bytes_of(packet.p, i)),
			  -EBADMSG);
	}
	buf_u8(&packet, 0);
	CHECK_INT(tgcall_crypto_open(&b, &plain, buf_bytes(&packet)), -EBADMSG);
	/* 131072 is the most, 21 the least */
	buf_reset(&plain);
	buf_fill(&plain, 7, TGCALL_PACKET_MAX - 16);
	buf_reset(&packet);
	CHECK_INT(tgcall_crypto_seal(&a, &packet, buf_bytes(&plain)), 0);
	CHECK_INT(packet.n, TGCALL_PACKET_MAX);
	CHECK_INT(tgcall_crypto_open(&b, &plain, buf_bytes(&packet)), 0);
	buf_u8(&packet, 0);
	CHECK_INT(tgcall_crypto_open(&b, &plain, buf_bytes(&packet)), -EBADMSG);
	buf_reset(&packet);
	CHECK_INT(tgcall_crypto_seal(&a, &packet, bytes_str("1234")), 0);
	CHECK_INT(tgcall_crypto_open(&b, &plain, buf_bytes(&packet)), -EBADMSG);
	buf_clear(&packet);
	buf_clear(&plain);
}

int main(void)
{
	RUN(test_crypto_raw_matches_vectors);
	RUN(test_crypto_acked_matches_vectors);
	RUN(test_crypto_opens_what_the_other_side_sealed);
	RUN(test_crypto_refuses_changed_and_wrong_sizes);
	return check_done();
}
