#include "sip/websocket_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sip/stack_priv.h"
#include "sip/websocket_connection.h"

/* Each holds three sockets. */
#define CONNECTIONS_MAX 500
/* So that no stranger takes them all. Reverse proxies stand on never_ban. */
#define CONNECTIONS_OF_ONE_MAX 50
#define LISTEN_MAX 16
/* Somebody may take a port between its choice and its use. */
#define PORT_TRIES 10
/* What we connect to libre from: an address of the loopback that nobody else
 * has a reason to use, so that no port is taken for another's. */
#define OUR_END "127.87.83.1"

struct listener {
	struct websocket_server *server;
	struct tcp_sock *socket;
	struct tls *tls; /* NULL: plain */
};

struct websocket_server {
	struct sip_stack *stack;
	struct sa inner;   /* libre's listener */
	struct sa our_end; /* without a port */
	struct listener listeners[LISTEN_MAX];
	size_t listeners_n;
	struct list connections; /* struct websocket_connection */
};

/* -- listeners ------------------------------------------------------------- */

static bool has_too_many(const struct websocket_server *s,
			 const struct sa *source)
{
	unsigned n = 0;
	struct le *le;

	LIST_FOREACH(&s->connections, le)
	{
		const struct websocket_connection *c = le->data;

		n += sa_cmp(websocket_connection_source(c), source, SA_ADDR);
	}
	return n >= CONNECTIONS_OF_ONE_MAX &&
	       !bans_never(s->stack->bans, source);
}

static bool welcome(const struct websocket_server *s, const struct sa *source)
{
	if (!guard_admits(s->stack, source, bytes_str("WebSocket")))
		return false;
	if (list_count(&s->connections) < CONNECTIONS_MAX &&
	    !has_too_many(s, source))
		return true;
	count_bad("sip", "websockets", "too many WebSockets");
	return false;
}

static void connect_handler(const struct sa *source, void *arg)
{
	const struct listener *l = arg;
	struct websocket_server *s = l->server;
	const struct websocket_connection_conf conf = {
		.stack = s->stack,
		.socket = l->socket,
		.tls = l->tls,
		.source = *source,
		.inner = s->inner,
		.our_end = s->our_end,
	};

	if (!welcome(s, source) ||
	    websocket_connection_new(&s->connections, &conf))
		tcp_reject(l->socket);
}

int websocket_server_listen(struct websocket_server *s,
			    const struct sa *address, struct tls *tls)
{
	struct listener *l = &s->listeners[s->listeners_n];
	int err;

	if (s->listeners_n == LISTEN_MAX)
		return -ENOSPC;
	l->server = s;
	err = -tcp_listen(&l->socket, address, connect_handler, l);
	if (err)
		return err;
	l->tls = mem_ref(tls);
	s->listeners_n++;
	return 0;
}

/* libre does not tell which port it got, so it is given a free one. */
static int inner_listen(struct websocket_server *s)
{
	struct tcp_sock *probe;
	int err = -sa_set_str(&s->inner, "127.0.0.1", 0);
	struct sa any = s->inner;

	for (int i = 0; !err && i < PORT_TRIES; i++) {
		err = -tcp_listen(&probe, &any, NULL, NULL);
		if (err)
			return err;
		err = -tcp_sock_local_get(probe, &s->inner);
		mem_deref(probe);
		if (!err)
			err = -sip_transp_add(s->stack->sip, SIP_TRANSP_TCP,
					      &s->inner);
		if (err != -EADDRINUSE)
			return err;
		err = 0;
	}
	return err ? err : -EADDRINUSE;
}

int websocket_server_new(struct websocket_server **sp, struct sip_stack *stack)
{
	struct websocket_server *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->stack = stack;
	err = -sa_set_str(&s->our_end, OUR_END, 0);
	if (!err)
		err = inner_listen(s);
	if (err) {
		free(s);
		return err;
	}
	*sp = s;
	return 0;
}

void websocket_server_free(struct websocket_server **sp)
{
	struct websocket_server *s = *sp;
	struct le *le;

	*sp = NULL;
	if (!s)
		return;
	while (s->listeners_n) {
		struct listener *l = &s->listeners[--s->listeners_n];

		mem_deref(l->socket);
		mem_deref(l->tls);
	}
	while ((le = list_head(&s->connections))) {
		struct websocket_connection *c = le->data;

		websocket_connection_free(&c);
	}
	free(s);
}

/* -- who is who ------------------------------------------------------------ */

const struct websocket_way *
websocket_server_way(const struct websocket_server *s, const struct sa *inner)
{
	struct le *le;

	if (!s || !sa_cmp(inner, &s->our_end, SA_ADDR))
		return NULL;
	LIST_FOREACH(&s->connections, le)
	{
		const struct websocket_way *way =
			websocket_connection_way(le->data);

		if (way && sa_cmp(&way->inner, inner, SA_ALL))
			return way;
	}
	return NULL;
}

static bool is_inner(const struct websocket_server *s,
		     const struct sip_msg *msg)
{
	return s && msg->tp == SIP_TRANSP_TCP &&
	       sa_cmp(&msg->dst, &s->inner, SA_ALL);
}

const struct sa *websocket_server_source(const struct websocket_server *s,
					 const struct sip_msg *msg)
{
	const struct websocket_way *way =
		is_inner(s, msg) ? websocket_server_way(s, &msg->src) : NULL;

	return way ? &way->real : &msg->src;
}

bool websocket_server_expels(const struct websocket_server *s,
			     const struct sip_msg *msg)
{
	struct tcp_conn *tc;

	if (!is_inner(s, msg) || websocket_server_way(s, &msg->src))
		return false;
	/* libre owns the connection: it is told of the end by the kernel. */
	tc = sip_msg_tcpconn(msg);
	if (tc)
		(void)shutdown(tcp_conn_fd(tc), SHUT_RDWR);
	count_add("sip", "of no WebSocket", 1);
	return true;
}
