/* Phones on WebSockets (RFC 7118), served beside libre.
 *
 * libre can only connect to them. So each WebSocket gets a TCP connection of
 * its own to a listener of libre's on the loopback, and its messages go
 * through that:
 *
 *   phone == WebSocket == websocket_server == TCP on 127.0.0.1 == libre
 *
 * libre then takes the loopback's port for the phone; who is really there is
 * asked here. One per stack, on its loop.
 */
#ifndef SIP_WEBSOCKET_SERVER_H
#define SIP_WEBSOCKET_SERVER_H

#include "sip/stack.h"
#include "sip/websocket_message.h"

struct websocket_server;

/* Opens libre's listener on the loopback: after all others, as libre prefers
 * the first. Negative errno of bind; -ENOMEM. */
int websocket_server_new(struct websocket_server **sp, struct sip_stack *stack);
/* tls NULL: plain. Negative errno of bind; -ENOSPC. */
int websocket_server_listen(struct websocket_server *s,
			    const struct sa *address, struct tls *tls);
/* Says that it goes away, and closes. */
void websocket_server_free(struct websocket_server **sp);

/* Whom libre knows by this address; NULL: nobody on a WebSocket. s may be
 * NULL. */
const struct websocket_way *
websocket_server_way(const struct websocket_server *s, const struct sa *inner);
/* Where a message really came from. */
const struct sa *websocket_server_source(const struct websocket_server *s,
					 const struct sip_msg *msg);
/* True: it came by libre's listener on the loopback, but of no WebSocket of
 * ours, or no longer; its connection is ended. */
bool websocket_server_expels(const struct websocket_server *s,
			     const struct sip_msg *msg);

#endif
