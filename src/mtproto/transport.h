/* TCP transports of MTProto (telegram-wire A.2): framing and obfuscation.
 *
 * A codec holds both directions of one TCP connection. Packets go in and come
 * out whole; partial input is kept. One thread, no I/O.
 */
#ifndef MTPROTO_TRANSPORT_H
#define MTPROTO_TRANSPORT_H

#include "base/bytes.h"

#define MTP_SECRET_BYTES 16

enum mtp_transport_kind {
	MTP_TRANSPORT_INTERMEDIATE,
	MTP_TRANSPORT_ABRIDGED,
	MTP_TRANSPORT_PADDED, /* intermediate with 0..15 random bytes more */
	MTP_TRANSPORT_FULL,   /* numbered, with a checksum; never obfuscated */
};

struct mtp_codec;

/* Client side. header64: 64 random bytes for obfuscation that already satisfy
 * the rules (mtp_codec_header_ok), or NULL for the plain variant. secret: the
 * 16 bytes of an MTProto proxy or of a data centre's address, or NULL.
 * -EINVAL: the full transport obfuscated, a secret without obfuscation. */
int mtp_codec_new_client(struct mtp_codec **cp, enum mtp_transport_kind kind,
			 const uint8_t *header64, const uint8_t *secret,
			 int16_t dc_wire);
/* Server side: the kind is read from the first bytes of the client. With a
 * secret, only the obfuscated variant with this secret is understood. */
int mtp_codec_new_server(struct mtp_codec **cp, const uint8_t *secret);
void mtp_codec_free(struct mtp_codec **cp);
bool mtp_codec_header_ok(const uint8_t header64[64]);

/* Appends a packet (its length a multiple of 4, or 4 for a transport error)
 * to out, preceded by the prologue the first time. */
int mtp_codec_send(struct mtp_codec *c, struct bytes packet, struct buf *out);
/* Takes input, calls packet() for each whole one, without its padding.
 * -EMSGSIZE over 2 MiB, -EPROTO for an unknown prologue, a wrong number or
 * checksum (full). */
int mtp_codec_recv(struct mtp_codec *c, struct bytes in,
		   int (*packet)(struct bytes packet, void *arg), void *arg);
/* Server: dc number of the obfuscated header, 0 when plain. */
int16_t mtp_codec_dc(const struct mtp_codec *c);

#endif
