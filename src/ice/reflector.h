/* A port at a Telegram reflector (telegram-wire E.8): hello, readiness, and
 * the framing of data, over UDP or TCP.
 *
 * Engine without I/O: datagrams in and out, `now` in, a deadline out. Plain
 * values; one thread. To the ICE agent a port of a reflector is an address in
 * 100::/64 (discard-only, RFC 6666: no real peer has one) that holds server id
 * and tag, with the server's port.
 */
#ifndef ICE_REFLECTOR_H
#define ICE_REFLECTOR_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/re.h"

#define ICE_REFLECTOR_HELLO_BYTES 40
/* What wrapping adds at most, padding included. */
#define ICE_REFLECTOR_OVERHEAD 27
#define ICE_REFLECTOR_PACKET_BYTES 1700 /* longer ones are refused */

struct ice_reflector {
	uint8_t peer_tag[16];
	uint32_t tag; /* ours, not 0 */
	int server_id;
	bool tcp;
	bool answered; /* the server answered once: publish the candidate */
	usec_t hello_at;
};

/* What the stream carries until a packet is whole. */
struct ice_reflector_stream {
	size_t n;
	uint8_t p[4 + ICE_REFLECTOR_PACKET_BYTES];
};

/* tag: random, not 0. The first hello is due at `now`. */
void ice_reflector_init(struct ice_reflector *r, int server_id,
			const uint8_t peer_tag[16], uint32_t tag, bool tcp,
			usec_t now);
/* Writes the hello that is due and sets the next deadline. Returns its
 * length. */
size_t ice_reflector_hello(uint8_t dst[ICE_REFLECTOR_HELLO_BYTES],
			   struct ice_reflector *r, usec_t now);
/* A packet for the port `to`. Returns its length, -EMSGSIZE. */
int ice_reflector_wrap(uint8_t *dst, size_t room, const struct ice_reflector *r,
		       uint32_t to, struct bytes payload);
/* A packet of the server. 1: payload (a view) from port *from; 0: an answer to
 * the hello; -EBADMSG: not for us or malformed. */
int ice_reflector_unwrap(struct bytes *payload, uint32_t *from,
			 struct ice_reflector *r, struct bytes packet);
/* Bytes of a TCP connection, in any pieces; packet() once per whole packet.
 * -EBADMSG: a length nobody sends; the connection is of no more use. */
int ice_reflector_stream_input(struct ice_reflector_stream *s, struct bytes d,
			       void (*packet)(struct bytes packet, void *arg),
			       void *arg);

/* The port as an address, and back. */
void ice_reflector_address(struct sa *addr, int server_id, uint32_t tag,
			   uint16_t port);
bool ice_reflector_is_address(const struct sa *addr);
uint32_t ice_reflector_tag(const struct sa *addr);
bool ice_reflector_same_server(const struct sa *a, const struct sa *b);
/* "reflector-ID-TAG.reflector"; -ENOTSUP: another name. */
int ice_reflector_name_read(struct sa *addr, const char *name, uint16_t port);
void ice_reflector_name_write(char name[64], const struct sa *addr);

#endif
