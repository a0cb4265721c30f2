/* Framing and obfuscation (telegram-wire A.2).
 *
 *   packet -> length prefix -> AES-256-CTR (obfuscated variant) -> socket
 *
 * A codec starts with its prologue: 0xef, 0xeeeeeeee or 0xdddddddd in the
 * clear, or 64 bytes that look random and carry both CTR keys and the packet
 * format; the full transport has none. */
#include "mtproto/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <zlib.h>

#include "base/random.h"
#include "mtproto/digest.h"

#define HEADER_BYTES 64
#define TAG_AT 56
#define DC_AT 60
#define PACKET_MAX ((size_t)2 << 20)
#define ABRIDGED_TAG 0xef
#define INTERMEDIATE_TAG 0xee
#define PADDED_TAG 0xdd
#define ABRIDGED_LONG 0x7f
/* A client may ask for a quick acknowledgement with the topmost length bit;
 * it is optional to give one. */
#define QUICK_ACK_ABRIDGED 0x80
#define QUICK_ACK_INTERMEDIATE 0x80000000u
#define PADDING_MAX 15
#define FULL_BYTES 12 /* length, number, checksum */
/* What comes before the encrypted part, and the cipher's block. */
#define ENCRYPTED_AT 24
#define BLOCK 16
#define PLAIN_MIN 20

struct mtp_codec {
	enum mtp_transport_kind kind;
	bool server;
	bool kind_known;    /* always true on the client side */
	bool prologue_sent; /* client side only */
	bool has_secret;
	uint8_t secret[MTP_SECRET_BYTES];
	uint32_t sent, received; /* packets, for the full transport */
	int16_t dc;
	EVP_CIPHER_CTX *encrypt, *decrypt; /* NULL: plain variant */
	uint8_t header[HEADER_BYTES];      /* client: as sent */
	struct buf in;                     /* decrypted, not yet whole */
};

static const uint32_t refused_words[] = {
	0x44414548,                         /* HEAD */
	0x54534f50,                         /* POST */
	0x20544547,                         /* GET */
	0x4954504f,                         /* OPTI */
	0xdddddddd, 0xeeeeeeee, 0x02010316, /* TLS hello */
};

static bool word_refused(uint32_t word)
{
	for (size_t i = 0; i < sizeof(refused_words) / sizeof(uint32_t); i++)
		if (word == refused_words[i])
			return true;
	return false;
}

bool mtp_codec_header_ok(const uint8_t header64[HEADER_BYTES])
{
	return header64[0] != ABRIDGED_TAG &&
	       !word_refused(le32_load(header64)) && le32_load(header64 + 4);
}

static EVP_CIPHER_CTX *ctr_new(const uint8_t key[32], const uint8_t iv[16])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx &&
	    EVP_EncryptInit_ex(ctx, EVP_aes_256_ctr(), NULL, key, iv) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

static int ctr_run(EVP_CIPHER_CTX *ctx, uint8_t *p, size_t n)
{
	int len;

	if (!ctx || !n)
		return 0;
	return EVP_EncryptUpdate(ctx, p, &len, p, (int)n) == 1 ? 0 : -ENOMEM;
}

/* "With an MTProxy secret (16 bytes) each key becomes SHA256(key || secret)" */
static EVP_CIPHER_CTX *stream_new(const struct mtp_codec *c,
				  const uint8_t header[HEADER_BYTES])
{
	uint8_t key[MTP_SHA256_BYTES];
	struct bytes parts[] = {bytes_of(header + 8, sizeof(key)),
				bytes_of(c->secret, sizeof(c->secret))};
	EVP_CIPHER_CTX *ctx;

	memcpy(key, header + 8, sizeof(key));
	if (c->has_secret)
		mtp_sha256(key, parts, 2);
	ctx = ctr_new(key, header + 40);
	bytes_wipe(key, sizeof(key));
	return ctx;
}

/* The direction of whoever wrote the header uses H[8..40) and H[40..56), the
 * other one the same bytes of H reversed. */
static int streams_new(const struct mtp_codec *c, EVP_CIPHER_CTX **forth,
		       EVP_CIPHER_CTX **back, const uint8_t *header)
{
	uint8_t reversed[HEADER_BYTES];

	for (int i = 0; i < HEADER_BYTES; i++)
		reversed[i] = header[HEADER_BYTES - 1 - i];
	*forth = stream_new(c, header);
	*back = stream_new(c, reversed);
	bytes_wipe(reversed, sizeof(reversed));
	return *forth && *back ? 0 : -ENOMEM;
}

static uint8_t tag_of(enum mtp_transport_kind kind)
{
	return kind == MTP_TRANSPORT_ABRIDGED ? ABRIDGED_TAG
	       : kind == MTP_TRANSPORT_PADDED ? PADDED_TAG
					      : INTERMEDIATE_TAG;
}

static int header_make(struct mtp_codec *c, const uint8_t *header64,
		       int16_t dc_wire)
{
	uint8_t encrypted[HEADER_BYTES];
	int err;

	memcpy(c->header, header64, HEADER_BYTES);
	memset(c->header + TAG_AT, tag_of(c->kind), 4);
	c->header[DC_AT] = (uint8_t)dc_wire;
	c->header[DC_AT + 1] = (uint8_t)((uint16_t)dc_wire >> 8);
	err = streams_new(c, &c->encrypt, &c->decrypt, c->header);
	if (err)
		return err;
	memcpy(encrypted, c->header, HEADER_BYTES);
	err = ctr_run(c->encrypt, encrypted, HEADER_BYTES);
	memcpy(c->header + TAG_AT, encrypted + TAG_AT, 8);
	return err;
}

static void secret_take(struct mtp_codec *c, const uint8_t *secret)
{
	if (!secret)
		return;
	c->has_secret = true;
	memcpy(c->secret, secret, sizeof(c->secret));
}

int mtp_codec_new_client(struct mtp_codec **cp, enum mtp_transport_kind kind,
			 const uint8_t *header64, const uint8_t *secret,
			 int16_t dc_wire)
{
	struct mtp_codec *c;
	int err = 0;

	if (header64 &&
	    (kind == MTP_TRANSPORT_FULL || !mtp_codec_header_ok(header64)))
		return -EINVAL;
	if (secret && !header64)
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->kind = kind;
	c->kind_known = true;
	c->dc = dc_wire;
	buf_init(&c->in);
	secret_take(c, secret);
	if (header64)
		err = header_make(c, header64, dc_wire);
	if (err)
		mtp_codec_free(&c);
	else
		*cp = c;
	return err;
}

int mtp_codec_new_server(struct mtp_codec **cp, const uint8_t *secret)
{
	struct mtp_codec *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->server = true;
	c->prologue_sent = true;
	secret_take(c, secret);
	buf_init(&c->in);
	*cp = c;
	return 0;
}

void mtp_codec_free(struct mtp_codec **cp)
{
	struct mtp_codec *c = *cp;

	if (!c)
		return;
	EVP_CIPHER_CTX_free(c->encrypt);
	EVP_CIPHER_CTX_free(c->decrypt);
	bytes_wipe(c->header, sizeof(c->header));
	bytes_wipe(c->secret, sizeof(c->secret));
	buf_clear(&c->in);
	free(c);
	*cp = NULL;
}

int16_t mtp_codec_dc(const struct mtp_codec *c)
{
	return c->dc;
}

static void prologue_put(struct mtp_codec *c, struct buf *out)
{
	if (c->encrypt)
		buf_put(out, c->header, HEADER_BYTES);
	else if (c->kind == MTP_TRANSPORT_ABRIDGED)
		buf_u8(out, ABRIDGED_TAG);
	else if (c->kind != MTP_TRANSPORT_FULL)
		buf_fill(out, tag_of(c->kind), 4);
	c->prologue_sent = true;
}

static void abridged_put(struct buf *out, size_t n)
{
	if (n / 4 < ABRIDGED_LONG)
		buf_u8(out, (uint8_t)(n / 4));
	else
		buf_le32(out, (uint32_t)(n / 4) << 8 | ABRIDGED_LONG);
}

static void packet_put(struct mtp_codec *c, struct buf *out,
		       struct bytes packet)
{
	uint8_t padding[PADDING_MAX];
	size_t start = out->n, pad;

	switch (c->kind) {
	case MTP_TRANSPORT_INTERMEDIATE:
		buf_le32(out, (uint32_t)packet.n);
		buf_put(out, packet.p, packet.n);
		break;
	case MTP_TRANSPORT_ABRIDGED:
		abridged_put(out, packet.n);
		buf_put(out, packet.p, packet.n);
		break;
	case MTP_TRANSPORT_PADDED:
		pad = random_u32() % (PADDING_MAX + 1);
		random_bytes(padding, sizeof(padding));
		buf_le32(out, (uint32_t)(packet.n + pad));
		buf_put(out, packet.p, packet.n);
		buf_put(out, padding, pad);
		break;
	case MTP_TRANSPORT_FULL:
		buf_le32(out, (uint32_t)(packet.n + FULL_BYTES));
		buf_le32(out, c->sent++);
		buf_put(out, packet.p, packet.n);
		buf_le32(out, (uint32_t)crc32(0, out->p + start,
					      (unsigned)(out->n - start)));
		break;
	}
}

int mtp_codec_send(struct mtp_codec *c, struct bytes packet, struct buf *out)
{
	size_t start;

	if (!c->kind_known || !packet.n || packet.n % 4)
		return -EINVAL;
	if (packet.n > PACKET_MAX)
		return -EMSGSIZE;
	if (buf_reserve(out,
			HEADER_BYTES + FULL_BYTES + PADDING_MAX + packet.n))
		return -ENOMEM;
	if (!c->prologue_sent)
		prologue_put(c, out);
	start = out->n;
	packet_put(c, out, packet);
	return ctr_run(c->encrypt, out->p + start, out->n - start);
}

/* -- receiving ------------------------------------------------------------ */

/* The format that four equal bytes name. */
static bool kind_take(struct mtp_codec *c, uint32_t tag)
{
	switch (tag) {
	case 0xefefefef:
		c->kind = MTP_TRANSPORT_ABRIDGED;
		return true;
	case 0xeeeeeeee:
		c->kind = MTP_TRANSPORT_INTERMEDIATE;
		return true;
	case 0xdddddddd:
		c->kind = MTP_TRANSPORT_PADDED;
		return true;
	default:
		return false;
	}
}

/* 1: understood, 0: more bytes needed. */
static int header_read(struct mtp_codec *c)
{
	uint8_t header[HEADER_BYTES];
	int err;

	if (c->in.n < HEADER_BYTES)
		return 0;
	memcpy(header, c->in.p, HEADER_BYTES);
	buf_drop(&c->in, HEADER_BYTES);
	err = streams_new(c, &c->decrypt, &c->encrypt, header);
	if (!err)
		err = ctr_run(c->decrypt, header, HEADER_BYTES);
	if (!err)
		err = ctr_run(c->decrypt, c->in.p, c->in.n);
	if (err)
		return err;
	c->dc = (int16_t)(header[DC_AT] | header[DC_AT + 1] << 8);
	return kind_take(c, le32_load(header + TAG_AT)) ? 1 : -EPROTO;
}

/* Server: what does the client speak? 1, 0 (more bytes) or an error. */
static int prologue_read(struct mtp_codec *c)
{
	uint32_t word;

	if (!c->in.n)
		return 0;
	if (c->has_secret)
		return header_read(c);
	if (c->in.p[0] == ABRIDGED_TAG) {
		c->kind = MTP_TRANSPORT_ABRIDGED;
		buf_drop(&c->in, 1);
		return 1;
	}
	if (c->in.n < 4)
		return 0;
	word = le32_load(c->in.p);
	if (kind_take(c, word)) {
		buf_drop(&c->in, 4);
		return 1;
	}
	if (word_refused(word))
		return -EPROTO;
	if (c->in.n < 8)
		return 0;
	/* The first packet of the full transport has the number 0; no
	 * obfuscated header looks like that. */
	if (!le32_load(c->in.p + 4)) {
		c->kind = MTP_TRANSPORT_FULL;
		return 1;
	}
	return header_read(c);
}

struct frame {
	size_t prefix, data, suffix; /* bytes */
};

static int abridged_read(const struct mtp_codec *c, struct frame *f)
{
	uint8_t first;
	uint32_t words;

	if (!c->in.n)
		return 0;
	first = c->in.p[0];
	if (c->server)
		first &= (uint8_t)~QUICK_ACK_ABRIDGED;
	f->prefix = first < ABRIDGED_LONG ? 1 : 4;
	if (c->in.n < f->prefix)
		return 0;
	words = first < ABRIDGED_LONG ? first : le32_load(c->in.p) >> 8;
	if (first > ABRIDGED_LONG)
		return -EMSGSIZE;
	f->data = (size_t)words * 4;
	return 1;
}

/* The extent of the packet ahead. 1, 0 (more bytes) or an error. */
static int frame_read(const struct mtp_codec *c, struct frame *f)
{
	uint32_t word;

	*f = (struct frame){.prefix = 4};
	if (c->kind == MTP_TRANSPORT_ABRIDGED)
		return abridged_read(c, f);
	if (c->in.n < 4)
		return 0;
	word = le32_load(c->in.p);
	if (c->kind == MTP_TRANSPORT_FULL) {
		if (word < FULL_BYTES)
			return -EPROTO;
		f->prefix = 8;
		f->suffix = 4;
		f->data = word - FULL_BYTES;
		return 1;
	}
	if (c->server)
		word &= ~QUICK_ACK_INTERMEDIATE;
	f->data = word;
	return 1;
}

/* "receiver strips by rounding the encrypted part down to a multiple of 16";
 * a plain message knows its length, a transport error is alone shorter. */
static struct bytes padding_strip(struct bytes packet)
{
	size_t body;

	if (packet.n < PLAIN_MIN) {
		packet.n = packet.n < 4 ? 0 : 4;
	} else if (!le64_load(packet.p)) {
		body = le32_load(packet.p + PLAIN_MIN - 4);
		packet.n = body <= packet.n - PLAIN_MIN ? PLAIN_MIN + body : 0;
	} else if (packet.n >= ENCRYPTED_AT) {
		packet.n -= (packet.n - ENCRYPTED_AT) % BLOCK;
	}
	return packet;
}

/* Number and checksum of the full transport. */
static bool full_ok(struct mtp_codec *c, const struct frame *f)
{
	size_t n = f->prefix + f->data;

	return le32_load(c->in.p + 4) == c->received++ &&
	       le32_load(c->in.p + n) ==
		       (uint32_t)crc32(0, c->in.p, (unsigned)n);
}

static int packets_take(struct mtp_codec *c,
			int (*packet)(struct bytes packet, void *arg),
			void *arg)
{
	struct bytes data;
	struct frame f;
	int rc;

	for (;;) {
		rc = frame_read(c, &f);
		if (rc <= 0)
			return rc;
		if (f.data > PACKET_MAX)
			return -EMSGSIZE;
		if (c->in.n < f.prefix + f.data + f.suffix)
			return 0;
		data = bytes_of(c->in.p + f.prefix, f.data);
		if (c->kind == MTP_TRANSPORT_PADDED)
			data = padding_strip(data);
		if (!data.n || data.n % 4 ||
		    (c->kind == MTP_TRANSPORT_FULL && !full_ok(c, &f)))
			return -EPROTO;
		rc = packet(data, arg);
		buf_drop(&c->in, f.prefix + f.data + f.suffix);
		if (rc)
			return rc;
	}
}

int mtp_codec_recv(struct mtp_codec *c, struct bytes in,
		   int (*packet)(struct bytes packet, void *arg), void *arg)
{
	size_t start = c->in.n;
	int rc;

	if (in.n)
		buf_put(&c->in, in.p, in.n);
	if (c->in.bad)
		return -ENOMEM;
	rc = ctr_run(c->decrypt, c->in.p + start, c->in.n - start);
	if (rc)
		return rc;
	if (!c->kind_known) {
		rc = prologue_read(c);
		if (rc <= 0)
			return rc;
		c->kind_known = true;
	}
	return packets_take(c, packet, arg);
}
