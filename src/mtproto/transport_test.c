#include "mtproto/transport.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "base/random.h"
#include "tests/check.h"

struct sink {
	struct buf got; /* every packet, preceded by its length */
	int count;
	int refuse_at;
};

static int sink_packet(struct bytes packet, void *arg)
{
	struct sink *s = arg;

	buf_le32(&s->got, (uint32_t)packet.n);
	buf_put(&s->got, packet.p, packet.n);
	return ++s->count == s->refuse_at ? -EPROTO : 0;
}

static void header_draw(uint8_t header[64])
{
	do
		random_bytes(header, 64);
	while (!mtp_codec_header_ok(header));
}

static const size_t sizes[] = {4, 40, 126 * 4, 127 * 4, 128 * 4, 70000, 4};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void packets_send(struct mtp_codec *c, struct buf *out, struct buf *want)
{
	uint8_t *data = malloc(70000);

	for (size_t i = 0; i < SIZES; i++) {
		memset(data, (int)i + 1, sizes[i]);
		if (mtp_codec_send(c, bytes_of(data, sizes[i]), out))
			abort();
		buf_le32(want, (uint32_t)sizes[i]);
		buf_put(want, data, sizes[i]);
	}
	free(data);
}

static const uint8_t sixteen[16] = "0123456789abcdef";

static bool feed(struct mtp_codec *c, struct bytes in, size_t step,
		 struct sink *s)
{
	for (size_t i = 0; i < in.n; i += step) {
		size_t n = in.n - i < step ? in.n - i : step;

		if (mtp_codec_recv(c, bytes_of(in.p + i, n), sink_packet, s))
			return false;
	}
	return true;
}

/* Both directions, the input cut into pieces of `step` bytes. */
static bool exchange(enum mtp_transport_kind kind, bool obfuscated,
		     const uint8_t *secret, size_t step)
{
	struct mtp_codec *client = NULL, *server = NULL;
	struct sink up = {0}, down = {0};
	struct buf wire, want;
	uint8_t header[64];
	bool ok;

	header_draw(header);
	buf_init(&wire);
	buf_init(&want);
	ok = mtp_codec_new_client(&client, kind, obfuscated ? header : NULL,
				  secret, -2) == 0 &&
	     mtp_codec_new_server(&server, secret) == 0;
	packets_send(client, &wire, &want);
	ok = ok && feed(server, buf_bytes(&wire), step, &up) &&
	     bytes_equal(buf_bytes(&up.got), buf_bytes(&want)) &&
	     mtp_codec_dc(server) == (obfuscated ? -2 : 0);
	buf_reset(&wire);
	buf_reset(&want);
	packets_send(server, &wire, &want);
	ok = ok && feed(client, buf_bytes(&wire), step, &down) &&
	     bytes_equal(buf_bytes(&down.got), buf_bytes(&want));
	mtp_codec_free(&client);
	mtp_codec_free(&server);
	buf_clear(&wire);
	buf_clear(&want);
	buf_clear(&up.got);
	buf_clear(&down.got);
	return ok;
}

static void test_transport_carries_packets_in_any_pieces(void)
{
	static const size_t steps[] = {1, 2, 3, 7, 64, 65, 1000, 1 << 20};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		CHECK(exchange(MTP_TRANSPORT_INTERMEDIATE, false, NULL,
			       steps[i]));
		CHECK(exchange(MTP_TRANSPORT_INTERMEDIATE, true, NULL,
			       steps[i]));
		CHECK(exchange(MTP_TRANSPORT_ABRIDGED, false, NULL, steps[i]));
		CHECK(exchange(MTP_TRANSPORT_ABRIDGED, true, NULL, steps[i]));
		CHECK(exchange(MTP_TRANSPORT_FULL, false, NULL, steps[i]));
		CHECK(exchange(MTP_TRANSPORT_ABRIDGED, true, sixteen,
			       steps[i]));
	}
}

/* What carries padding: the packets of MTProto, which say how long they are. */
static void padded_exchange(const uint8_t *header, const uint8_t *secret,
			    size_t step)
{
	static const size_t lengths[] = {4,        20,        24 + 16,
					 24 + 160, 24 + 4096, 24 + 65536};
	struct mtp_codec *client = NULL, *server = NULL;
	uint8_t *data = calloc(1, 70000);
	struct buf wire, want;
	struct sink s = {0};
	size_t bare = 0;

	buf_init(&wire);
	buf_init(&want);
	CHECK_INT(mtp_codec_new_client(&client, MTP_TRANSPORT_PADDED, header,
				       secret, 3),
		  0);
	CHECK_INT(mtp_codec_new_server(&server, secret), 0);
	for (size_t i = 0; i < 6 * 16; i++) {
		size_t n = lengths[i % 6];

		/* 20 bytes: a plain message, its auth_key_id is 0. */
		memset(data, n == 20 ? 0 : 7, n);
		CHECK_INT(mtp_codec_send(client, bytes_of(data, n), &wire), 0);
		buf_le32(&want, (uint32_t)n);
		buf_put(&want, data, n);
		bare += 4 + n;
	}
	CHECK(feed(server, buf_bytes(&wire), step, &s));
	CHECK(bytes_equal(buf_bytes(&s.got), buf_bytes(&want)));
	/* 96 packets without one byte of padding: one in 16^96. */
	CHECK(wire.n > bare + (header ? 64 : 4));
	CHECK(wire.n <= bare + (header ? 64 : 4) + 96 * 15);
	mtp_codec_free(&client);
	mtp_codec_free(&server);
	buf_clear(&wire);
	buf_clear(&want);
	buf_clear(&s.got);
	free(data);
}

static void test_transport_padding_is_taken_off(void)
{
	uint8_t header[64];

	header_draw(header);
	padded_exchange(NULL, NULL, 1 << 20);
	padded_exchange(NULL, NULL, 13);
	padded_exchange(header, NULL, 7);
	padded_exchange(header, sixteen, 64);
}

/* One small exchange, cut once at every byte. */
static void test_transport_split_at_every_byte(void)
{
	for (int form = 0; form < 5; form++) {
		enum mtp_transport_kind kind =
			form == 4  ? MTP_TRANSPORT_FULL
			: form & 1 ? MTP_TRANSPORT_ABRIDGED
				   : MTP_TRANSPORT_INTERMEDIATE;
		struct mtp_codec *client = NULL;
		uint8_t header[64], data[] = "12345678abcdefgh";
		struct buf wire;

		header_draw(header);
		buf_init(&wire);
		CHECK_INT(mtp_codec_new_client(&client, kind,
					       form & 2 ? header : NULL, NULL,
					       1),
			  0);
		mtp_codec_send(client, bytes_of(data, 16), &wire);
		mtp_codec_send(client, bytes_of(data, 4), &wire);
		for (size_t cut = 0; cut <= wire.n; cut++) {
			struct mtp_codec *server = NULL;
			struct sink s = {0};

			CHECK_INT(mtp_codec_new_server(&server, NULL), 0);
			CHECK_INT(mtp_codec_recv(server, bytes_of(wire.p, cut),
						 sink_packet, &s),
				  0);
			CHECK_INT(mtp_codec_recv(
					  server,
					  bytes_of(wire.p + cut, wire.n - cut),
					  sink_packet, &s),
				  0);
			CHECK_INT(s.count, 2);
			mtp_codec_free(&server);
			buf_clear(&s.got);
		}
		mtp_codec_free(&client);
		buf_clear(&wire);
	}
}

static void test_transport_plain_bytes_on_the_wire(void)
{
	static const uint8_t abridged[] = {0xef, 1, 'a', 'b', 'c', 'd'};
	static const uint8_t inter[] = {0xee, 0xee, 0xee, 0xee, 4,   0,
					0,    0,    'a',  'b',  'c', 'd'};
	struct mtp_codec *c = NULL;
	uint8_t data[127 * 4] = "abcd";
	struct buf out;

	buf_init(&out);
	mtp_codec_new_client(&c, MTP_TRANSPORT_ABRIDGED, NULL, NULL, 0);
	CHECK_INT(mtp_codec_send(c, bytes_of(data, 4), &out), 0);
	CHECK_INT(out.n, sizeof(abridged));
	CHECK_MEM(out.p, abridged, sizeof(abridged));
	buf_reset(&out);
	CHECK_INT(mtp_codec_send(c, bytes_of(data, sizeof(data)), &out), 0);
	CHECK_MEM(out.p, "\x7f\x7f\0\0abcd", 8);
	mtp_codec_free(&c);
	buf_reset(&out);
	mtp_codec_new_client(&c, MTP_TRANSPORT_INTERMEDIATE, NULL, NULL, 0);
	CHECK_INT(mtp_codec_send(c, bytes_of(data, 4), &out), 0);
	CHECK_INT(out.n, sizeof(inter));
	CHECK_MEM(out.p, inter, sizeof(inter));
	CHECK_INT(mtp_codec_send(c, bytes_of(data, 5), &out), -EINVAL);
	mtp_codec_free(&c);
	buf_clear(&out);
}

/* The obfuscated stream read with nothing but AES-CTR, as A.2 describes it. */
static void test_transport_obfuscated_header_follows_the_rules(void)
{
	struct mtp_codec *c = NULL;
	uint8_t header[64], clear[76];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	struct buf out;
	int len;

	header_draw(header);
	buf_init(&out);
	CHECK_INT(mtp_codec_new_client(&c, MTP_TRANSPORT_INTERMEDIATE, header,
				       NULL, 10002),
		  0);
	CHECK_INT(mtp_codec_send(c, bytes_of("abcdefgh", 8), &out), 0);
	CHECK_INT(out.n, 64 + 4 + 8);
	CHECK_MEM(out.p, header, 56);
	EVP_EncryptInit_ex(ctx, EVP_aes_256_ctr(), NULL, header + 8,
			   header + 40);
	EVP_EncryptUpdate(ctx, clear, &len, out.p, (int)out.n);
	EVP_CIPHER_CTX_free(ctx);
	CHECK_MEM(clear + 56, "\xee\xee\xee\xee\x12\x27", 6);
	CHECK_MEM(clear + 64, "\x08\0\0\0abcdefgh", 12);
	mtp_codec_free(&c);
	buf_clear(&out);
}

static void test_transport_header_ok_refuses_reserved_words(void)
{
	static const uint32_t words[] = {0x44414548, 0x54534f50, 0x20544547,
					 0x4954504f, 0xdddddddd, 0xeeeeeeee,
					 0x02010316};
	struct mtp_codec *c = NULL;
	uint8_t header[64];

	memset(header, 7, sizeof(header));
	CHECK(mtp_codec_header_ok(header));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		le32_store(header, words[i]);
		CHECK(!mtp_codec_header_ok(header));
		CHECK_INT(mtp_codec_new_client(&c, MTP_TRANSPORT_ABRIDGED,
					       header, NULL, 0),
			  -EINVAL);
	}
	memset(header, 7, sizeof(header));
	header[0] = 0xef;
	CHECK(!mtp_codec_header_ok(header));
	header[0] = 0;
	memset(header + 4, 0, 4);
	CHECK(!mtp_codec_header_ok(header));
}

static int server_takes(const char *hex)
{
	struct mtp_codec *c = NULL;
	struct sink s = {0};
	uint8_t raw[128];
	size_t n = strlen(hex) / 2;
	int rc;

	if (hex_decode(raw, n, hex, 2 * n) || mtp_codec_new_server(&c, NULL))
		abort();
	rc = mtp_codec_recv(c, bytes_of(raw, n), sink_packet, &s);
	mtp_codec_free(&c);
	buf_clear(&s.got);
	return rc ? rc : s.count;
}

static void test_transport_server_refuses_other_protocols(void)
{
	CHECK_INT(server_takes("474554202f20485454502f312e310d0a"), -EPROTO);
	CHECK_INT(server_takes("16030102000100"), -EPROTO);
	CHECK_INT(server_takes("dddddddd00000000"), -EPROTO);
	CHECK_INT(server_takes("dddddddd0300000061626300"), -EPROTO);
	CHECK_INT(server_takes("dddddddd0600000061626364aabb"), 1);
	/* A plain message of 4 bytes, and one that says it has 8. */
	CHECK_INT(server_takes("dddddddd1a000000000000000000000001020304050607"
			       "080400000061626364aabb"),
		  1);
	CHECK_INT(server_takes("dddddddd1a000000000000000000000001020304050607"
			       "080800000061626364aabb"),
		  -EPROTO);
	CHECK_INT(server_takes("dddddddd0600008061626364aabb"), 1);
	CHECK_INT(server_takes("eeeeeeee0000300000000000"), -EMSGSIZE);
	CHECK_INT(server_takes("eeeeeeee0000000000000000"), -EPROTO);
	CHECK_INT(server_takes("eeeeeeee050000006162636465"), -EPROTO);
	CHECK_INT(server_takes("ef7fffffff"), -EMSGSIZE);
	/* A quick acknowledgement asked for with the topmost bit. */
	CHECK_INT(server_takes("eeeeeeee0400008061626364"), 1);
	CHECK_INT(server_takes("ef8161626364"), 1);
}

/* Four bytes as the full transport carries them; the checksums are those of
 * another implementation of CRC32 (zlib.crc32 of Python). */
static void test_transport_full_numbers_and_checks(void)
{
	struct mtp_codec *c = NULL;
	uint8_t header[64], want[32];
	struct buf out;

	buf_init(&out);
	CHECK_INT(mtp_codec_new_client(&c, MTP_TRANSPORT_FULL, NULL, NULL, 2),
		  0);
	CHECK_INT(mtp_codec_send(c, bytes_of("abcd", 4), &out), 0);
	CHECK_INT(mtp_codec_send(c, bytes_of("abcd", 4), &out), 0);
	CHECK_INT(out.n, sizeof(want));
	CHECK_INT(hex_decode(want, sizeof(want),
			     "1000000000000000616263649e390bbb"
			     "1000000001000000616263640039a177",
			     2 * sizeof(want)),
		  0);
	CHECK_MEM(out.p, want, sizeof(want));
	mtp_codec_free(&c);
	buf_clear(&out);
	CHECK_INT(server_takes("1000000000000000616263649e390bbb"
			       "1000000001000000616263640039a177"),
		  2);
	/* one bit of the checksum, of the data, of the number */
	CHECK_INT(server_takes("1000000000000000616263649f390bbb"), -EPROTO);
	CHECK_INT(server_takes("1000000000000000616263659e390bbb"), -EPROTO);
	/* the same packet again, and one left out */
	CHECK_INT(server_takes("1000000000000000616263649e390bbb"
			       "1000000000000000616263649e390bbb"),
		  -EPROTO);
	CHECK_INT(server_takes("1000000000000000616263649e390bbb"
			       "100000000200000061626364e33e2ef9"),
		  -EPROTO);
	CHECK_INT(server_takes("0c0000000000000026ca8d32"), -EPROTO);
	CHECK_INT(server_takes("0b00000000000000616263"), -EPROTO);
	CHECK_INT(server_takes("1000000000000000"), 0);
	CHECK_INT(server_takes("0c00200000000000"), 0);
	CHECK_INT(server_takes("0d00200000000000"), -EMSGSIZE);
	/* A.2 has no obfuscated variant of it. */
	header_draw(header);
	CHECK_INT(mtp_codec_new_client(&c, MTP_TRANSPORT_FULL, header, NULL, 2),
		  -EINVAL);
}

/* "each key becomes SHA256(key || secret)": the stream read with nothing but
 * SHA-256 and AES-CTR. */
static void test_transport_secret_changes_the_keys(void)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	struct mtp_codec *c = NULL, *server = NULL;
	uint8_t header[64], key[48], hash[32], clear[76];
	struct sink s = {0};
	struct buf out;
	int len;

	header_draw(header);
	buf_init(&out);
	CHECK_INT(mtp_codec_new_client(&c, MTP_TRANSPORT_PADDED, header,
				       sixteen, 2),
		  0);
	CHECK_INT(mtp_codec_send(c, bytes_of("abcdefgh", 8), &out), 0);
	memcpy(key, header + 8, 32);
	memcpy(key + 32, sixteen, 16);
	EVP_Digest(key, sizeof(key), hash, NULL, EVP_sha256(), NULL);
	EVP_EncryptInit_ex(ctx, EVP_aes_256_ctr(), NULL, hash, header + 40);
	EVP_EncryptUpdate(ctx, clear, &len, out.p, 76);
	EVP_CIPHER_CTX_free(ctx);
	CHECK_MEM(clear + 56, "\xdd\xdd\xdd\xdd\x02\0", 6);
	CHECK(clear[64] >= 8 && clear[64] <= 8 + 15);
	CHECK_MEM(clear + 68, "abcdefgh", 8);
	/* Without the secret, and with nothing hidden, nobody is let in. */
	CHECK_INT(mtp_codec_new_server(&server, NULL), 0);
	CHECK_INT(mtp_codec_recv(server, buf_bytes(&out), sink_packet, &s),
		  -EPROTO);
	mtp_codec_free(&server);
	mtp_codec_new_server(&server, sixteen);
	memset(clear, 0xee, sizeof(clear));
	CHECK_INT(mtp_codec_recv(server, bytes_of(clear, 76), sink_packet, &s),
		  -EPROTO);
	mtp_codec_free(&server);
	mtp_codec_free(&c);
	CHECK_INT(mtp_codec_new_client(&c, MTP_TRANSPORT_PADDED, NULL, sixteen,
				       2),
		  -EINVAL);
	buf_clear(&out);
	buf_clear(&s.got);
}

static void test_transport_stops_when_the_packet_is_refused(void)
{
	struct mtp_codec *c = NULL;
	struct sink s = {.refuse_at = 2};

	CHECK_INT(mtp_codec_new_server(&c, NULL), 0);
	CHECK_INT(mtp_codec_recv(c, bytes_of("\xef\1aaaa\1bbbb\1cccc", 16),
				 sink_packet, &s),
		  -EPROTO);
	CHECK_INT(s.count, 2);
	mtp_codec_free(&c);
	buf_clear(&s.got);
}

int main(void)
{
	RUN(test_transport_carries_packets_in_any_pieces);
	RUN(test_transport_split_at_every_byte);
	RUN(test_transport_plain_bytes_on_the_wire);
	RUN(test_transport_obfuscated_header_follows_the_rules);
	RUN(test_transport_header_ok_refuses_reserved_words);
	RUN(test_transport_server_refuses_other_protocols);
	RUN(test_transport_padding_is_taken_off);
	RUN(test_transport_full_numbers_and_checks);
	RUN(test_transport_secret_changes_the_keys);
	RUN(test_transport_stops_when_the_packet_is_refused);
	return check_done();
}
