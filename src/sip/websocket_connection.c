#include "sip/websocket_connection.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "sip/stack_priv.h"
#include "sip/websocket.h"

#define HANDSHAKE_MS 10000
/* Between our Close frame and the end of the connection. */
#define LINGER_MS 2000

/* HANDSHAKE -> OPEN -> ENDED; ENDED only waits for the peer to close. */
enum connection_state {
	CONNECTION_HANDSHAKE,
	CONNECTION_OPEN,
	CONNECTION_ENDED,
};

struct websocket_connection {
	struct le le;
	struct sip_stack *stack;
	struct sa libre, our_end;
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
	struct websocket_connection *c = arg;

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
static void inner_close(struct websocket_connection *c)
{
	char path[128];

	c->inner = mem_deref(c->inner);
	if (c->state != CONNECTION_OPEN)
		return;
	c->state = CONNECTION_ENDED;
	(void)re_snprintf(path, sizeof(path), "tcp:%J", &c->way.inner);
	registrar_disconnected(c->stack->registrar, path);
}

static void connection_drop(struct websocket_connection *c)
{
	inner_close(c);
	mem_deref(c);
}

static void timer_handler(void *arg)
{
	struct websocket_connection *c = arg;

	if (c->state == CONNECTION_HANDSHAKE)
		count_add("sip", "WebSocket handshake timed out", 1);
	connection_drop(c);
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
static void connection_end(struct websocket_connection *c, struct bytes last)
{
	inner_close(c);
	c->state = CONNECTION_ENDED;
	(void)tcp_put(c->outer, last);
	tmr_start(&c->timer, LINGER_MS, timer_handler, c);
}

static void connection_close(struct websocket_connection *c, uint16_t code)
{
	struct buf frame;

	buf_init(&frame);
	websocket_write_close(&frame, code);
	connection_end(c, buf_bytes(&frame));
	buf_clear(&frame);
}

static void connection_garbage(struct websocket_connection *c, uint16_t code)
{
	struct sip_stack *stack = c->stack;

	count_bad("sip", "websocket garbage",
		  "a WebSocket with frames or messages that are none");
	stack_garbage(stack, &c->way.real, false);
	connection_close(c, code);
}

/* -- libre's side ---------------------------------------------------------- */

static void frame_send(struct websocket_connection *c,
		       enum websocket_opcode opcode, struct bytes payload)
{
	struct buf frame;

	buf_init(&frame);
	websocket_write(&frame, opcode, payload);
	if (frame.bad || tcp_put(c->outer, buf_bytes(&frame)))
		connection_close(c, WEBSOCKET_GOING_AWAY);
	buf_clear(&frame);
}

/* RFC 7118 4.2: text frames do for what is UTF-8. */
static void message_send(struct websocket_connection *c, struct bytes text)
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
	struct websocket_connection *c = arg;
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
	struct websocket_connection *c = arg;

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

static void inner_send(struct websocket_connection *c, struct bytes text)
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

static void message_take(struct websocket_connection *c, struct bytes text)
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

static void frames_take(struct websocket_connection *c)
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

static int inner_open(struct websocket_connection *c)
{
	int err =
		-tcp_connect_bind(&c->inner, &c->libre, inner_established,
				  inner_received, inner_closed, &c->our_end, c);

	return err ? err : -tcp_conn_local_get(c->inner, &c->way.inner);
}

static void handshake_refuse(struct websocket_connection *c, unsigned code)
{
	struct buf answer;

	count_bad("sip", "websocket handshake", "no SIP over WebSocket");
	buf_init(&answer);
	websocket_handshake_refuse(&answer, code);
	connection_end(c, buf_bytes(&answer));
	buf_clear(&answer);
}

static void handshake_take(struct websocket_connection *c)
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
	struct websocket_connection *c = arg;

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
	connection_drop(arg);
}

/* -- life ------------------------------------------------------------------ */

static int connection_start(struct websocket_connection *c,
			    const struct websocket_connection_conf *conf)
{
	int err = -tcp_accept(&c->outer, conf->socket, NULL, outer_received,
			      outer_closed, c);

	if (err)
		return err;
	c->way.real = conf->source;
	c->way.secure = conf->tls != NULL;
	err = -tcp_conn_local_get(c->outer, &c->way.ours);
	if (!err && conf->tls)
		err = -tls_start_tcp(&c->tls, conf->tls, c->outer, 0);
	return err;
}

int websocket_connection_new(struct list *list,
			     const struct websocket_connection_conf *conf)
{
	struct websocket_connection *c =
		mem_zalloc(sizeof(*c), connection_destructor);
	int err;

	if (!c)
		return -ENOMEM;
	c->stack = conf->stack;
	c->libre = conf->inner;
	c->our_end = conf->our_end;
	websocket_init(&c->frames);
	buf_init(&c->waiting);
	buf_init(&c->answers);
	list_append(list, &c->le, c);
	tmr_start(&c->timer, HANDSHAKE_MS, timer_handler, c);
	err = connection_start(c, conf);
	if (err)
		mem_deref(c);
	return err;
}

void websocket_connection_free(struct websocket_connection **cp)
{
	struct websocket_connection *c = *cp;

	*cp = NULL;
	if (!c)
		return;
	if (c->state == CONNECTION_OPEN)
		connection_close(c, WEBSOCKET_GOING_AWAY);
	connection_drop(c);
}

const struct sa *
websocket_connection_source(const struct websocket_connection *c)
{
	return &c->way.real;
}

const struct websocket_way *
websocket_connection_way(const struct websocket_connection *c)
{
	return c->state == CONNECTION_OPEN ? &c->way : NULL;
}
