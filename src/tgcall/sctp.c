#include "tgcall/sctp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "tgcall/sctp_assoc.h"

/* When this many COOKIE-ECHOs brought no answer, the peer may have forgotten
 * us: begin with INIT again. */
#define COOKIE_ECHO_MAX 8
#define PACKETS_MAX 256
/* Answers to one packet: no peer makes us send many for one of its own. */
#define ANSWERS_MAX 8

struct sctp_packet {
	struct sctp_packet *next;
	size_t n;
	uint8_t data[];
};

static void default_random(void *p, size_t n, void *arg)
{
	random_bytes(p, n);
}

int sctp_new(struct sctp **sp, const struct sctp_conf *conf)
{
	struct sctp *s;
	struct sctp_tx_conf tx = {
		.message_max = conf->message_max,
		.resend_first = conf->resend_first,
		.resend_cap = conf->resend_cap,
	};

	if (conf->packet_max < 256 || conf->packet_max > UINT16_MAX)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->conf = *conf;
	if (!s->conf.random)
		s->conf.random = default_random;
	s->packets_tail = &s->packets;
	s->setup_at = s->heartbeat_at = USEC_NEVER;
	s->conf.random(s->secret, sizeof(s->secret), s->conf.random_arg);
	buf_init(&s->cookie);
	tx.fragment_max = (conf->packet_max - SCTP_HEADER_BYTES -
			   SCTP_DATA_HEADER_BYTES) &
			  ~(size_t)3;
	sctp_tx_init(&s->tx, &tx);
	sctp_rx_init(&s->rx, conf->message_max);
	*sp = s;
	return 0;
}

static struct sctp_packet *packet_take(struct sctp *s)
{
	struct sctp_packet *p = s->packets;

	if (!p)
		return NULL;
	s->packets = p->next;
	if (!s->packets)
		s->packets_tail = &s->packets;
	s->packets_n--;
	return p;
}

void sctp_free(struct sctp **sp)
{
	struct sctp_packet *p;
	struct sctp *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	while ((p = packet_take(s)))
		free(p);
	sctp_rx_clear(&s->rx);
	sctp_tx_clear(&s->tx);
	buf_clear(&s->cookie);
	bytes_wipe(s, sizeof(*s));
	free(s);
}

/* -- output -------------------------------------------------------------- */

/* Takes the contents; what cannot be kept is as if lost on the way. */
void sctp_packet_queue(struct sctp *s, struct buf *packet)
{
	struct sctp_packet *p = NULL;

	sctp_packet_end(packet);
	if (!packet->bad)
		p = malloc(sizeof(*p) + packet->n);
	if (p) {
		p->next = NULL;
		p->n = packet->n;
		memcpy(p->data, packet->p, packet->n);
		*s->packets_tail = p;
		s->packets_tail = &p->next;
		s->packets_n++;
	}
	buf_clear(packet);
}

void sctp_chunk_send(struct sctp *s, uint32_t tag, uint8_t type, uint8_t flags,
		     struct bytes body)
{
	struct buf b;

	if (s->packets_n >= ANSWERS_MAX)
		return;
	buf_init(&b);
	sctp_packet_begin(&b, s->conf.port, tag);
	sctp_chunk_put(&b, type, flags, body);
	sctp_packet_queue(s, &b);
}

static bool may_send_data(const struct sctp *s)
{
	return s->state == SCTP_STATE_ESTABLISHED ||
	       s->state == SCTP_STATE_SHUTDOWN_RECEIVED;
}

/* A packet with the SACK that is due, or that fits DATA anyway, and DATA. */
static bool data_packet_queue(struct sctp *s)
{
	bool sack = sctp_rx_sack_is_due(&s->rx, s->now);
	bool data = sctp_tx_has_data(&s->tx);
	struct buf b;

	if (!may_send_data(s) || (!sack && !data))
		return false;
	buf_init(&b);
	sctp_packet_begin(&b, s->conf.port, s->peer_tag);
	if (sack || s->rx.packets)
		sctp_rx_sack_put(&s->rx, &b,
				 s->conf.packet_max - SCTP_HEADER_BYTES);
	sctp_tx_put(&s->tx, &b, s->conf.packet_max, s->now);
	sctp_packet_queue(s, &b);
	return true;
}

static void data_flush(struct sctp *s)
{
	for (int i = 0; i < PACKETS_MAX && data_packet_queue(s); i++)
		;
	if (s->state == SCTP_STATE_SHUTDOWN_RECEIVED &&
	    sctp_tx_is_empty(&s->tx)) {
		sctp_state_set(s, SCTP_STATE_SHUTDOWN_ACK_SENT);
		sctp_chunk_send(s, s->peer_tag, SCTP_SHUTDOWN_ACK, 0,
				bytes_of(NULL, 0));
	}
}

static void handlers_call(struct sctp *s)
{
	const struct sctp_handlers *h = &s->conf.handlers;
	struct sctp_message *m;
	const char *why;

	if (s->is_new) {
		s->is_new = false;
		if (h->established)
			h->established(s->conf.arg);
	}
	while ((m = sctp_rx_take(&s->rx))) {
		if (h->message)
			h->message(m->stream, m->ppid, bytes_of(m->data, m->n),
				   s->conf.arg);
		free(m);
	}
	why = s->why_closed;
	s->why_closed = NULL;
	if (why && h->closed)
		h->closed(why, s->conf.arg);
}

/* Tells the owner what happened, then sends what is due. Handlers may call
 * back: their sends are flushed by the outermost run. */
static void run(struct sctp *s)
{
	struct sctp_packet *p;

	if (s->running)
		return;
	s->running = true;
	for (;;) {
		handlers_call(s);
		data_flush(s);
		p = packet_take(s);
		if (!p)
			break;
		s->conf.handlers.packet(bytes_of(p->data, p->n), s->conf.arg);
		free(p);
	}
	s->running = false;
}

/* -- state --------------------------------------------------------------- */

static void setup_timer_start(struct sctp *s)
{
	s->setup_n = 0;
	s->setup_delay = s->conf.init_first;
	s->setup_at = s->now + s->setup_delay;
}

void sctp_state_set(struct sctp *s, enum sctp_state state)
{
	enum sctp_state old = s->state;

	s->state = state;
	if (old == state)
		return;
	switch (state) {
	case SCTP_STATE_COOKIE_WAIT:
	case SCTP_STATE_COOKIE_ECHOED:
	case SCTP_STATE_SHUTDOWN_ACK_SENT:
		setup_timer_start(s);
		break;
	case SCTP_STATE_ESTABLISHED:
		s->is_new = true;
		s->ended = false;
		s->setup_at = USEC_NEVER;
		if (s->conf.heartbeat)
			s->heartbeat_at = s->now + s->conf.heartbeat;
		break;
	case SCTP_STATE_CLOSED:
		s->setup_at = s->heartbeat_at = USEC_NEVER;
		break;
	case SCTP_STATE_SHUTDOWN_RECEIVED:
		break;
	}
}

void sctp_close(struct sctp *s, const char *why)
{
	if (s->state == SCTP_STATE_CLOSED)
		return;
	sctp_state_set(s, SCTP_STATE_CLOSED);
	/* An old cookie must not open it again. */
	s->conf.random(s->secret, sizeof(s->secret), s->conf.random_arg);
	s->is_new = false;
	s->ended = true;
	s->why_closed = why;
}

/* -- the outer interface ------------------------------------------------- */

void sctp_connect(struct sctp *s, usec_t now)
{
	s->now = now;
	if (s->state != SCTP_STATE_CLOSED)
		return;
	s->ended = false;
	sctp_init_send(s);
	run(s);
}

bool sctp_is_packet(struct bytes packet, uint16_t port)
{
	static const uint8_t zero[4];
	uint8_t head[SCTP_HEADER_BYTES];
	struct buf copy;
	bool right;

	if (packet.n < SCTP_HEADER_BYTES + 4)
		return false;
	memcpy(head, packet.p, sizeof(head));
	if (be16_load(head) != port || be16_load(head + 2) != port)
		return false;
	buf_init(&copy);
	buf_put(&copy, packet.p, 8);
	buf_put(&copy, zero, sizeof(zero));
	buf_put(&copy, packet.p + 12, packet.n - 12);
	right = !copy.bad && sctp_crc32c(copy.p, copy.n) == le32_load(head + 8);
	buf_clear(&copy);
	return right;
}

int sctp_input_unchecked(struct sctp *s, struct bytes packet, usec_t now)
{
	int err;

	s->now = now;
	err = sctp_packet_input(s, packet);
	run(s);
	return err;
}

int sctp_input(struct sctp *s, struct bytes packet, usec_t now)
{
	if (!sctp_is_packet(packet, s->conf.port))
		return -EBADMSG;
	return sctp_input_unchecked(s, packet, now);
}

int sctp_send(struct sctp *s, uint16_t stream, uint32_t ppid, struct bytes data,
	      usec_t now)
{
	int err;

	if (s->ended || s->state > SCTP_STATE_ESTABLISHED)
		return -EPIPE;
	s->now = now;
	err = sctp_tx_queue(&s->tx, stream, ppid, data);
	if (!err)
		run(s);
	return err;
}

void sctp_abort(struct sctp *s, usec_t now)
{
	s->now = now;
	if (s->state == SCTP_STATE_CLOSED)
		return;
	if (s->peer_tag) {
		struct buf b;

		buf_init(&b);
		sctp_param_put(&b, SCTP_CAUSE_USER_ABORT, bytes_of(NULL, 0));
		sctp_chunk_send(s, s->peer_tag, SCTP_ABORT, 0, buf_bytes(&b));
		buf_clear(&b);
	}
	sctp_close(s, NULL);
	run(s);
}

bool sctp_is_established(const struct sctp *s)
{
	return s->state == SCTP_STATE_ESTABLISHED;
}

usec_t sctp_deadline(const struct sctp *s)
{
	usec_t at = s->setup_at, t;

	if (s->heartbeat_at < at)
		at = s->heartbeat_at;
	if (!may_send_data(s))
		return at;
	t = sctp_tx_deadline(&s->tx);
	if (t < at)
		at = t;
	return s->rx.sack_at < at ? s->rx.sack_at : at;
}

static void setup_timeout(struct sctp *s)
{
	if (s->now < s->setup_at)
		return;
	s->setup_n++;
	s->setup_delay *= 2;
	if (s->setup_delay > s->conf.init_cap)
		s->setup_delay = s->conf.init_cap;
	s->setup_at = s->now + s->setup_delay;
	if (s->state == SCTP_STATE_SHUTDOWN_ACK_SENT)
		sctp_chunk_send(s, s->peer_tag, SCTP_SHUTDOWN_ACK, 0,
				bytes_of(NULL, 0));
	else if (s->state == SCTP_STATE_COOKIE_WAIT ||
		 s->setup_n > COOKIE_ECHO_MAX)
		sctp_init_send(s);
	else
		sctp_cookie_echo_send(s);
}

static void heartbeat_timeout(struct sctp *s)
{
	uint8_t info[8];
	struct buf b;

	if (s->now < s->heartbeat_at)
		return;
	s->heartbeat_at = s->now + s->conf.heartbeat;
	s->conf.random(info, sizeof(info), s->conf.random_arg);
	buf_init(&b);
	sctp_param_put(&b, 1, bytes_of(info, sizeof(info)));
	sctp_chunk_send(s, s->peer_tag, SCTP_HEARTBEAT, 0, buf_bytes(&b));
	buf_clear(&b);
}

void sctp_timeout(struct sctp *s, usec_t now)
{
	s->now = now;
	setup_timeout(s);
	heartbeat_timeout(s);
	if (may_send_data(s))
		sctp_tx_timeout(&s->tx, now);
	run(s);
}
