/* A relay's inside, shared by its two files. */
#ifndef TGCALL_RELAY_INTERNAL_H
#define TGCALL_RELAY_INTERNAL_H

#include "ice/reflector.h"
#include "ice/turn.h"
#include "tgcall/relay.h"
#include "tgcall/tgcall_internal.h"

/* A reflector's connection. */
struct relay_stream {
	bool connected;
	size_t rest_n; /* of a packet that the socket took in part */
	uint8_t rest[4 + ICE_REFLECTOR_PACKET_BYTES];
	struct ice_reflector_stream in;
};

struct tgcall_relay {
	struct tgcall *call;
	enum ice_base_kind kind;
	struct sa server;
	int fd;          /* -1: closed */
	int base;        /* of the ICE agent; -1: not ready */
	usec_t retry_at; /* a lost connection is made again */
	struct ice_turn *turn;
	struct ice_reflector reflector;
	struct relay_stream *stream;
};

/* relay.c */
void relay_packet_input(struct tgcall_relay *r, struct bytes packet);
void relay_is_ready(struct tgcall_relay *r, const struct sa *addr);
void relay_hello_send(struct tgcall_relay *r);
void relay_listen(struct tgcall_relay *r, bool listen);

/* relay_stream.c */
int relay_stream_open(struct tgcall_relay *r);
bool relay_stream_read(struct tgcall_relay *r);
/* "If the socket would block, drop packets rather than queueing." */
void relay_stream_send(struct tgcall_relay *r, struct bytes packet);

#endif
