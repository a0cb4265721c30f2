/* Framing and obfuscation (telegram-wire A.2).
 *
 *   packet -> length prefix -> AES-256-CTR (obfuscated variant) -> socket
 *
 * A codec starts with its prologue: 0xef or 0xeeeeeeee in the clear, or 64
 * bytes that look random and carry both CTR keys and the packet format. */
#include "mtproto/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#define HEADER_BYTES 64
#define TAG_AT 56
#define DC_AT 60
#define PACKET_MAX ((size_t)2 << 20)
#define ABRIDGED_TAG 0xef
#define INTERMEDIATE_TAG 0xee
#define ABRIDGED_LONG 0x7f
/* A client may ask for a quick acknowledgement with the topmost length bit;
 * it is optional to give one. */
#define QUICK_ACK_ABRIDGED 0x80
#define QUICK_ACK_INTERMEDIATE 0x80000000u

struct mtp_codec {
	enum mtp_transport_kind kind;
	bool server;
	bool kind_known;    /* always true on the client side */
	bool prologue_sent; /* client side only */
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

/* The direction of whoever wrote the header uses H[8..40) and H[40..56), the
 * other one the same bytes of H reversed. */
static int streams_new(EVP_CIPHER_CTX **forth, EVP_CIPHER_CTX **back,
		       const uint8_t *header)
{
	uint8_t reversed[HEADER_BYTES];

	for (int i = 0; i < HEADER_BYTES; i++)
		reversed[i] = header[HEADER_BYTES - 1 - i];
	*forth = ctr_new(header + 8, header + 40);
	*back = ctr_new(reversed + 8, reversed + 40);
	bytes_wipe(reversed, sizeof(reversed));
	return *forth && *back ? 0 : -ENOMEM;
}

static int header_make(struct mtp_codec *c, const uint8_t *header64,
		       int16_t dc_wire)
{
	uint8_t encrypted[HEADER_BYTES];
	uint8_t tag = c->kind == MTP_TRANSPORT_ABRIDGED ? ABRIDGED_TAG
							: INTERMEDIATE_TAG;
	int err;

	memcpy(c->header, header64, HEADER_BYTES);
	memset(c->header + TAG_AT, tag, 4);
	c->header[DC_AT] = (uint8_t)dc_wire;
	c->header[DC_AT + 1] = (uint8_t)((uint16_t)dc_wire >> 8);
	err = streams_new(&c->encrypt, &c->decrypt, c->header);
	if (err)
		return err;
	memcpy(encrypted, c->header, HEADER_BYTES);
	err = ctr_run(c->encrypt, encrypted, HEADER_BYTES);
	memcpy(c->header + TAG_AT, encrypted + TAG_AT, 8);
	return err;
}

int mtp_codec_new_client(struct mtp_codec **cp, enum mtp_transport_kind kind,
			 const uint8_t *header64, int16_t dc_wire)
{
	struct mtp_codec *c;
	int err = 0;

	if (header64 && !mtp_codec_header_ok(header64))
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->kind = kind;
	c->kind_known = true;
	c->dc = dc_wire;
	buf_init(&c->in);
	if (header64)
		err = header_make(c, header64, dc_wire);
	if (err)
		mtp_codec_free(&c);
	else
		*cp = c;
	return err;
}

int mtp_codec_new_server(struct mtp_codec **cp)
{
	struct mtp_codec *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->server = true;
	c->prologue_sent = true;
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
	else
		buf_fill(out, INTERMEDIATE_TAG, 4);
	c->prologue_sent = true;
}

static void length_put(const struct mtp_codec *c, struct buf *out, size_t n)
{
	if (c->kind == MTP_TRANSPORT_INTERMEDIATE) {
		buf_le32(out, (uint32_t)n);
	} else if (n / 4 < ABRIDGED_LONG) {
		buf_u8(out, (uint8_t)(n / 4));
	} else {
		buf_le32(out, (uint32_t)(n / 4) << 8 | ABRIDGED_LONG);
	}
}

int mtp_codec_send(struct mtp_codec *c, struct bytes packet, struct buf *out)
{
	size_t start;

	if (!c->kind_known || !packet.n || packet.n % 4)
		return -EINVAL;
	if (packet.n > PACKET_MAX)
		return -EMSGSIZE;
	if (buf_reserve(out, HEADER_BYTES + 4 + packet.n))
		return -ENOMEM;
	if (!c->prologue_sent)
		prologue_put(c, out);
	start = out->n;
	length_put(c, out, packet.n);
	buf_put(out, packet.p, packet.n);
	return ctr_run(c->encrypt, out->p + start, out->n - start);
}

/* -- receiving ------------------------------------------------------------ */

/* 1: understood, 0: more bytes needed. */
static int header_read(struct mtp_codec *c)
{
	uint8_t header[HEADER_BYTES];
	int err;

	if (c->in.n < HEADER_BYTES)
		return 0;
	memcpy(header, c->in.p, HEADER_BYTES);
	buf_drop(&c->in, HEADER_BYTES);
	err = streams_new(&c->decrypt, &c->encrypt, header);
	if (!err)
		err = ctr_run(c->decrypt, header, HEADER_BYTES);
	if (!err)
		err = ctr_run(c->decrypt, c->in.p, c->in.n);
	if (err)
		return err;
	c->dc = (int16_t)(header[DC_AT] | header[DC_AT + 1] << 8);
	switch (le32_load(header + TAG_AT)) {
	case 0xefefefef:
		c->kind = MTP_TRANSPORT_ABRIDGED;
		break;
	case 0xeeeeeeee:
		c->kind = MTP_TRANSPORT_INTERMEDIATE;
		break;
	default:
		return -EPROTO;
	}
	return 1;
}

/* Server: what does the client speak? 1, 0 (more bytes) or an error. */
static int prologue_read(struct mtp_codec *c)
{
	uint32_t word;

	if (!c->in.n)
		return 0;
	if (c->in.p[0] == ABRIDGED_TAG) {
		c->kind = MTP_TRANSPORT_ABRIDGED;
		buf_drop(&c->in, 1);
		return 1;
	}
	if (c->in.n < 4)
		return 0;
	word = le32_load(c->in.p);
	if (word == 0xeeeeeeee) {
		c->kind = MTP_TRANSPORT_INTERMEDIATE;
		buf_drop(&c->in, 4);
		return 1;
	}
	if (word_refused(word))
		return -EPROTO;
	if (c->in.n < 8)
		return 0;
	if (!le32_load(c->in.p + 4))
		return -EPROTO;
	return header_read(c);
}

/* Length of the packet ahead and of its prefix. 1, 0 or -EMSGSIZE. */
static int length_read(const struct mtp_codec *c, size_t *prefixp,
		       size_t *lengthp)
{
	uint32_t word;

	if (c->kind == MTP_TRANSPORT_INTERMEDIATE) {
		if (c->in.n < 4)
			return 0;
		word = le32_load(c->in.p);
		if (c->server)
			word &= ~QUICK_ACK_INTERMEDIATE;
		*prefixp = 4;
		*lengthp = word;
	} else {
		uint8_t first;

		if (!c->in.n)
			return 0;
		first = c->in.p[0];
		if (c->server)
			first &= (uint8_t)~QUICK_ACK_ABRIDGED;
		*prefixp = first < ABRIDGED_LONG ? 1 : 4;
		if (c->in.n < *prefixp)
			return 0;
		word = first < ABRIDGED_LONG ? first : le32_load(c->in.p) >> 8;
		if (first > ABRIDGED_LONG)
			return -EMSGSIZE;
		*lengthp = (size_t)word * 4;
	}
	return *lengthp > PACKET_MAX ? -EMSGSIZE : 1;
}

static int packets_take(struct mtp_codec *c,
			int (*packet)(struct bytes packet, void *arg),
			void *arg)
{
	size_t prefix, length;
	int rc;

	for (;;) {
		rc = length_read(c, &prefix, &length);
		if (rc <= 0)
			return rc;
		if (!length || length % 4)
			return -EPROTO;
		if (c->in.n < prefix + length)
			return 0;
		rc = packet(bytes_of(c->in.p + prefix, length), arg);
		buf_drop(&c->in, prefix + length);
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
