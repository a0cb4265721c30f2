/* WebSocket as a server speaks it (RFC 6455): the opening handshake and frames.
 *
 * Engine: bytes in, bytes out, no I/O, no clock. The owner feeds what arrives
 * into `in` of its reader and asks for the next event until there is none.
 * Of subprotocols only "sip" (RFC 7118) is known.
 */
#ifndef SIP_WEBSOCKET_H
#define SIP_WEBSOCKET_H

#include "base/bytes.h"

#define WEBSOCKET_HANDSHAKE_MAX 8192
#define WEBSOCKET_MESSAGE_MAX 65535 /* all fragments together */
#define WEBSOCKET_ACCEPT_SIZE 29    /* 28 characters of base64 */

/* RFC 6455 7.4.1 */
enum websocket_close {
	WEBSOCKET_NORMAL = 1000,
	WEBSOCKET_GOING_AWAY = 1001,
	WEBSOCKET_PROTOCOL_ERROR = 1002,
	WEBSOCKET_NO_CODE = 1005, /* never sent */
	WEBSOCKET_BAD_DATA = 1007,
	WEBSOCKET_TOO_BIG = 1009,
};

/* RFC 6455 5.2 */
enum websocket_opcode {
	WEBSOCKET_CONTINUATION = 0,
	WEBSOCKET_TEXT = 1,
	WEBSOCKET_BINARY = 2,
	WEBSOCKET_OP_CLOSE = 8,
	WEBSOCKET_OP_PING = 9,
	WEBSOCKET_OP_PONG = 10,
};

enum websocket_event {
	WEBSOCKET_NONE,    /* more bytes are needed */
	WEBSOCKET_MESSAGE, /* whole, unmasked, put together */
	WEBSOCKET_PING,    /* answer with a pong of the same payload */
	WEBSOCKET_PONG,
	WEBSOCKET_CLOSED, /* the peer closes, with `code` */
	WEBSOCKET_BAD,    /* to be closed with `code`; nothing more follows */
};

/* Reads the request. 0: `accept` is what Sec-WebSocket-Accept says, *used the
 * bytes that it took. -EAGAIN: it goes on. -EBADMSG: refuse it; *code is the
 * status to say, 400, 426 (another version) or 431 (too long). */
int websocket_handshake_read(char accept[WEBSOCKET_ACCEPT_SIZE], size_t *used,
			     unsigned *code, struct bytes text);
void websocket_handshake_accept(struct buf *dst, const char *accept);
void websocket_handshake_refuse(struct buf *dst, unsigned code);

/* Frames of a client. A value. */
struct websocket {
	struct buf in;      /* not read yet: the owner appends */
	struct buf message; /* its fragments so far */
	struct buf control; /* payload of the last control frame */
	uint8_t opcode;     /* of the message; 0: none has begun */
	bool whole;         /* it was given out: the next one begins anew */
	bool ended;         /* closed or bad */
	uint16_t code;      /* enum websocket_close */
};

void websocket_init(struct websocket *w);
void websocket_clear(struct websocket *w);
/* *payload is valid until the next call. */
enum websocket_event websocket_next(struct websocket *w, struct bytes *payload);
/* One frame of ours: final, not masked (RFC 6455 5.1). */
void websocket_write(struct buf *dst, enum websocket_opcode opcode,
		     struct bytes payload);
void websocket_write_close(struct buf *dst, uint16_t code);

#endif
