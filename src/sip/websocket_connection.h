/* One phone's WebSocket, and the connection to libre that its messages go
 * through (websocket_server.h). It ends by itself: with the phone's connection,
 * with libre's, or after something that is no WebSocket. On the stack's loop.
 */
#ifndef SIP_WEBSOCKET_CONNECTION_H
#define SIP_WEBSOCKET_CONNECTION_H

#include "sip/stack.h"
#include "sip/websocket_message.h"

struct websocket_connection;

struct websocket_connection_conf {
	struct sip_stack *stack;
	struct tcp_sock *socket; /* where somebody has just connected */
	struct tls *tls;         /* NULL: plain */
	struct sa source;        /* who */
	struct sa inner;         /* libre's listener */
	struct sa our_end;       /* what we connect to it from; no port */
};

/* Accepts it; it stands in the list as long as it lives. -ENOMEM, or the
 * negative errno of accepting: nothing is left of it. */
int websocket_connection_new(struct list *list,
			     const struct websocket_connection_conf *conf);
/* Says that it goes away, where somebody listens. */
void websocket_connection_free(struct websocket_connection **cp);
/* Who is at its other end; as long as the connection lives. */
const struct sa *
websocket_connection_source(const struct websocket_connection *c);
/* NULL: no phone is served there, not yet or not any more. */
const struct websocket_way *
websocket_connection_way(const struct websocket_connection *c);

#endif
