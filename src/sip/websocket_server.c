#include "sip/websocket_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "sip/stack_priv.h"
#include "sip/websocket.h"

/* Each holds three sockets. */
#define CONNECTIONS_MAX 500
#define LISTEN_MAX 16
#define HANDSHAKE_MS 10000
/* Between our Close frame and the end of the connection. */
#define LINGER_MS 2000
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
	struct list connections;
};

/* HANDSHAKE -> OPEN -> ENDED; ENDED only waits for the peer to close. */
enum connection_state {
	CONNECTION_HANDSHAKE,
	CONNECTION_OPEN,
	CONNECTION_ENDED,
};

struct connection {
	struct le le;
	struct websocket_server *server;
	enum connection_state state;
	struct tcp_conn *outer, *inner;
	struct tls_conn *tls;
	struct tmr timer;
	struct websocket frames;
	struct buf waiting; /* for the inner connection */
	struct buf answers; /* of libre, not whole yet */
	bool inner_up;
	struct websocket_way way;
};

static void connection_destructor(void *arg)
{
	struct connection *c = arg;

	list_unlink(&c->le);
	tmr_cancel(&c->timer);
	mem_deref(c->tls);
	mem_deref(c->outer);
	mem_deref(c->inner);
	websocket_clear(&c->frames);
	buf_clear(&c->waiting);
	buf_clear(&c->answers);
}

/* -- ends ------------------------------------------------------------------ */

/* Nobody can be reached by it any more: what was registered over it is gone
 * (RFC 5626 4.2.1 has the phone register anew). */
static void inner_close(struct connection *c)
{
	char path[128];

	c->inner = mem_deref(c->inner);
	if (c->state != CONNECTION_OPEN)
		return;
	c->state = CONNECTION_ENDED;
	(void)re_snprintf(path, sizeof(path), "tcp:%J", &c->way.inner);
	registrar_disconnected(c->server->stack->registrar, path);
}

static void connection_free(struct connection *c)
{
	inner_close(c);
	mem_deref(c);
}

static void timer_handler(void *arg)
{
	struct connection *c = arg;

	if (c->state == CONNECTION_HANDSHAKE)
		count_add("sip", "WebSocket handshake timed out", 1);
	connection_free(c);
}

static int tcp_put(struct tcp_conn *tc, struct bytes text)
{
	struct mbuf *mb = mbuf_alloc(text.n ? text.n : 1);
	int err;

	if (!mb)
		return -ENOMEM;
	err = -mbuf_write_mem(mb, text.p, text.n);
	mb->pos = 0;
	if (!err)
		err = -tcp_send(tc, mb);
	mem_deref(mb);
	return err;
}

/* Says why, and gives the peer the time to hear it. */
static void connection_end(struct connection *c, struct bytes last)
{
	inner_close(c);
	c->state = CONNECTION_ENDED;
	(void)tcp_put(c->outer, last);
	tmr_start(&c->timer, LINGER_MS, timer_handler, c);
}

static void connection_close(struct connection *c, uint16_t code)
{
	struct buf frame;

	buf_init(&frame);
	websocket_write_close(&frame, code);
	connection_end(c, buf_bytes(&frame));
	buf_clear(&frame);
}

static void connection_garbage(struct connection *c, uint16_t code)
{
	struct sip_stack *stack = c->server->stack;

	count_bad("sip", "websocket garbage",
		  "a WebSocket with frames or messages that are none");
	stack_garbage(stack, &c->way.real, false);
	connection_close(c, code);
}

/* -- libre's side ---------------------------------------------------------- */

static void frame_send(struct connection *c, enum websocket_opcode opcode,
		       struct bytes payload)
{
	struct buf frame;

	buf_init(&frame);
	websocket_write(&frame, opcode, payload);
	if (frame.bad || tcp_put(c->outer, buf_bytes(&frame)))
		connection_close(c, WEBSOCKET_GOING_AWAY);
	buf_clear(&frame);
}

/* RFC 7118 4.2: text frames do for what is UTF-8. */
static void message_send(struct connection *c, struct bytes text)
{
	struct buf message;

	buf_init(&message);
	if (text.n == 2)
		buf_put(&message, text.p, text.n); /* RFC 5626 4.4.1 */
	else if (websocket_message_out(&message, &c->way, text))
		message.bad = true;
	if (message.bad)
		connection_close(c, WEBSOCKET_GOING_AWAY);
	else
		frame_send(c,
			   text_is_utf8(buf_bytes(&message)) ? WEBSOCKET_TEXT
							     : WEBSOCKET_BINARY,
			   buf_bytes(&message));
	buf_clear(&message);
}

static void inner_received(struct mbuf *mb, void *arg)
{
	struct connection *c = arg;
	size_t n;
	int err;

	buf_put(&c->answers, mbuf_buf(mb), mbuf_get_left(mb));
	while (c->state == CONNECTION_OPEN) {
		err = websocket_message_length(&n, buf_bytes(&c->answers));
		if (err || c->answers.bad) {
			connection_close(c, WEBSOCKET_GOING_AWAY);
			return;
		}
		if (!n)
			return;
		message_send(c, bytes_of(c->answers.p, n));
		buf_drop(&c->answers, n);
	}
}

static void inner_established(void *arg)
{
	struct connection *c = arg;

	c->inner_up = true;
	if (c->waiting.n && tcp_put(c->inner, buf_bytes(&c->waiting)))
		connection_close(c, WEBSOCKET_GOING_AWAY);
	buf_clear(&c->waiting);
}

/* libre had enough of it: silent for too long, or nothing it could read. */
static void inner_closed(int err, void *arg)
{
	connection_close(arg, WEBSOCKET_GOING_AWAY);
}

static void inner_send(struct connection *c, struct bytes text)
{
	if (!c->inner_up)
		buf_put(&c->waiting, text.p, text.n);
	if (c->waiting.bad || c->waiting.n > WEBSOCKET_MESSAGE_MAX ||
	    (c->inner_up && tcp_put(c->inner, text)))
		connection_close(c, WEBSOCKET_GOING_AWAY);
}

/* -- the phone's side ------------------------------------------------------ */

static bool is_keep_alive(struct bytes text)
{
	return text.n == 4 && memcmp(text.p, "\r\n\r\n", 4) == 0;
}

static void message_take(struct connection *c, struct bytes text)
{
	struct buf message;

	if (is_keep_alive(text)) {
		inner_send(c, text);
		return;
	}
	buf_init(&message);
	if (websocket_message_in(&message, &c->way, text))
		connection_garbage(c, WEBSOCKET_BAD_DATA);
	else
		inner_send(c, buf_bytes(&message));
	buf_clear(&message);
}

static void frames_take(struct connection *c)
{
	struct bytes payload;

	while (c->state == CONNECTION_OPEN) {
		switch (websocket_next(&c->frames, &payload)) {
		case WEBSOCKET_NONE:
			return;
		case WEBSOCKET_MESSAGE:
			message_take(c, payload);
			break;
		case WEBSOCKET_PING:
			frame_send(c, WEBSOCKET_OP_PONG, payload);
			break;
		case WEBSOCKET_PONG:
			break;
		case WEBSOCKET_CLOSED:
			connection_close(c, c->frames.code);
			break;
		case WEBSOCKET_BAD:
			connection_garbage(c, c->frames.code);
			break;
		}
	}
}

static int inner_open(struct connection *c)
{
	int err = -tcp_connect_bind(&c->inner, &c->server->inner,
				    inner_established, inner_received,
				    inner_closed, &c->server->our_end, c);

	return err ? err : -tcp_conn_local_get(c->inner, &c->way.inner);
}

static void handshake_refuse(struct connection *c, unsigned code)
{
	struct buf answer;

	count_bad("sip", "websocket handshake", "no SIP over WebSocket");
	buf_init(&answer);
	websocket_handshake_refuse(&answer, code);
	connection_end(c, buf_bytes(&answer));
	buf_clear(&answer);
}

static void handshake_take(struct connection *c)
{
	char accept[WEBSOCKET_ACCEPT_SIZE];
	struct buf answer;
	unsigned code;
	size_t used;
	int err = websocket_handshake_read(accept, &used, &code,
					   buf_bytes(&c->frames.in));

	if (err == -EAGAIN)
		return;
	if (err) {
		handshake_refuse(c, code);
		return;
	}
	buf_drop(&c->frames.in, used);
	buf_init(&answer);
	websocket_handshake_accept(&answer, accept);
	if (inner_open(c) || tcp_put(c->outer, buf_bytes(&answer))) {
		connection_end(c, bytes_of(NULL, 0));
	} else {
		tmr_cancel(&c->timer);
		c->state = CONNECTION_OPEN;
	}
	buf_clear(&answer);
}

static void outer_received(struct mbuf *mb, void *arg)
{
	struct connection *c = arg;

	if (c->state == CONNECTION_ENDED)
		return;
	buf_put(&c->frames.in, mbuf_buf(mb), mbuf_get_left(mb));
	if (c->frames.in.bad) {
		connection_end(c, bytes_of(NULL, 0));
		return;
	}
	if (c->state == CONNECTION_HANDSHAKE)
		handshake_take(c);
	frames_take(c);
}

static void outer_closed(int err, void *arg)
{
	connection_free(arg);
}

/* -- listeners ------------------------------------------------------------- */

static bool welcome(const struct websocket_server *s, const struct sa *source)
{
	if (!guard_admits(s->stack, source, bytes_str("WebSocket")))
		return false;
	if (list_count(&s->connections) < CONNECTIONS_MAX)
		return true;
	count_bad("sip", "websockets", "too many WebSockets");
	return false;
}

static int connection_start(struct connection *c, const struct listener *l,
			    const struct sa *source)
{
	int err = -tcp_accept(&c->outer, l->socket, NULL, outer_received,
			      outer_closed, c);

	if (err)
		return err;
	c->way.real = *source;
	c->way.secure = l->tls != NULL;
	err = -tcp_conn_local_get(c->outer, &c->way.ours);
	if (!err && l->tls)
		err = -tls_start_tcp(&c->tls, l->tls, c->outer, 0);
	return err;
}

static void connect_handler(const struct sa *source, void *arg)
{
	const struct listener *l = arg;
	struct connection *c;

	if (!welcome(l->server, source)) {
		tcp_reject(l->socket);
		return;
	}
	c = mem_zalloc(sizeof(*c), connection_destructor);
	if (!c) {
		tcp_reject(l->socket);
		return;
	}
	c->server = l->server;
	websocket_init(&c->frames);
	buf_init(&c->waiting);
	buf_init(&c->answers);
	list_append(&l->server->connections, &c->le, c);
	tmr_start(&c->timer, HANDSHAKE_MS, timer_handler, c);
	if (connection_start(c, l, source)) {
		tcp_reject(l->socket);
		mem_deref(c);
	}
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
		struct connection *c = le->data;

		if (c->state == CONNECTION_OPEN)
			connection_close(c, WEBSOCKET_GOING_AWAY);
		connection_free(c);
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
		const struct connection *c = le->data;

		if (c->state == CONNECTION_OPEN &&
		    sa_cmp(&c->way.inner, inner, SA_ALL))
			return &c->way;
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
