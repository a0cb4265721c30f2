/* SIP messages between a WebSocket and libre, which is told of a TCP connection
 * (RFC 7118 5). Text in, text out; nothing is kept but what Via said.
 */
#ifndef SIP_WEBSOCKET_MESSAGE_H
#define SIP_WEBSOCKET_MESSAGE_H

#include "base/bytes.h"
#include "base/re.h"

/* One phone, seen from both sides. */
struct websocket_way {
	struct sa real;  /* the phone */
	struct sa ours;  /* our address as it reached it */
	struct sa inner; /* the phone as libre knows it */
	bool secure;
	/* How its requests name themselves in Via: "WS x.invalid". A phone has
	 * one name a connection. */
	char said[128];
};

/* From the phone: with Content-Length, and a Via that leads libre to where it
 * thinks the phone is, and nowhere else.
 * -EBADMSG: no SIP message, or its length is not the frame's; -ENOMEM. */
int websocket_message_in(struct buf *dst, struct websocket_way *w,
			 struct bytes text);
/* Bytes of the first whole message, or blank line, in libre's stream; 0: more
 * must come. -EBADMSG. */
int websocket_message_length(size_t *n, struct bytes stream);
/* To the phone: Via says WebSocket and addresses that mean something there.
 * -EBADMSG, -ENOMEM. */
int websocket_message_out(struct buf *dst, const struct websocket_way *w,
			  struct bytes text);

#endif
