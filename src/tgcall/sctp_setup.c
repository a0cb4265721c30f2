/* Opening an association: RFC 9260 5.1, and 5.2 for everything unexpected. */
#include <errno.h>

#include "tgcall/sctp_assoc.h"

enum {
	PARAM_SUPPORTED_EXTENSIONS = 0x8008,
	PARAM_FORWARD_TSN_SUPPORTED = 0xc000,
};

static uint32_t number_draw(struct sctp *s)
{
	uint32_t v = 0;

	while (!v)
		s->conf.random(&v, sizeof(v), s->conf.random_arg);
	return v;
}

/* The same parameters as the apps send. */
static void init_put(struct buf *b, uint8_t type, const struct sctp_init *init,
		     struct bytes report)
{
	static const uint8_t extensions[] = {SCTP_RE_CONFIG, SCTP_FORWARD_TSN};
	size_t at = sctp_init_begin(b, type, init);

	sctp_param_put(b, PARAM_FORWARD_TSN_SUPPORTED, bytes_of(NULL, 0));
	sctp_param_put(b, PARAM_SUPPORTED_EXTENSIONS,
		       bytes_of(extensions, sizeof(extensions)));
	if (report.n)
		sctp_param_align(b);
	buf_put(b, report.p, report.n);
	sctp_chunk_end(b, at);
}

static void init_packet_send(struct sctp *s, uint32_t tag, uint8_t type,
			     const struct sctp_init *init, struct bytes report)
{
	struct buf b;

	buf_init(&b);
	sctp_packet_begin(&b, s->conf.port, tag);
	init_put(&b, type, init, report);
	sctp_packet_queue(s, &b);
}

void sctp_init_send(struct sctp *s)
{
	struct sctp_init init = {
		.rwnd = SCTP_RWND,
		.streams_out = UINT16_MAX,
		.streams_in = UINT16_MAX,
	};

	if (s->state != SCTP_STATE_COOKIE_WAIT) {
		s->local_tag = number_draw(s);
		s->local_tsn = number_draw(s);
		s->peer_tag = 0;
	}
	init.tag = s->local_tag;
	init.tsn = s->local_tsn;
	sctp_state_set(s, SCTP_STATE_COOKIE_WAIT);
	init_packet_send(s, 0, SCTP_INIT, &init, bytes_of(NULL, 0));
}

static void init_ack_send(struct sctp *s, const struct sctp_init *theirs,
			  struct bytes report)
{
	struct sctp_cookie cookie = {
		.local_tag = s->local_tag,
		.local_tsn = s->local_tsn,
		.peer_tag = theirs->tag,
		.peer_tsn = theirs->tsn,
		.peer_rwnd = theirs->rwnd,
		.peer_streams = theirs->streams_in,
	};
	uint8_t sealed[SCTP_COOKIE_BYTES];
	struct sctp_init ours = {
		.rwnd = SCTP_RWND,
		.streams_out = UINT16_MAX,
		.streams_in = UINT16_MAX,
		.cookie = bytes_of(sealed, sizeof(sealed)),
	};

	/* 5.2.1: while opening, the tag and TSN of our own INIT. Otherwise
	 * new ones (5.1.3, 5.2.2), and tie tags if there is something to
	 * restart. */
	if (s->state != SCTP_STATE_COOKIE_WAIT &&
	    s->state != SCTP_STATE_COOKIE_ECHOED) {
		cookie.local_tag = number_draw(s);
		cookie.local_tsn = number_draw(s);
		if (s->state != SCTP_STATE_CLOSED) {
			cookie.tie_local = s->local_tag;
			cookie.tie_peer = s->peer_tag;
		}
	}
	if (sctp_cookie_seal(sealed, &cookie, s->secret))
		return;
	ours.tag = cookie.local_tag;
	ours.tsn = cookie.local_tsn;
	init_packet_send(s, theirs->tag, SCTP_INIT_ACK, &ours, report);
}

int sctp_on_init(struct sctp *s, struct bytes body)
{
	struct sctp_init init;
	struct buf report;
	int err;

	buf_init(&report);
	err = sctp_init_parse(&init, body, &report);
	if (!err && s->state == SCTP_STATE_SHUTDOWN_ACK_SENT)
		/* 9.2: it has not seen our SHUTDOWN-ACK. */
		sctp_chunk_send(s, s->peer_tag, SCTP_SHUTDOWN_ACK, 0,
				bytes_of(NULL, 0));
	else if (!err)
		init_ack_send(s, &init, buf_bytes(&report));
	buf_clear(&report);
	return err;
}

void sctp_cookie_echo_send(struct sctp *s)
{
	sctp_chunk_send(s, s->peer_tag, SCTP_COOKIE_ECHO, 0,
			buf_bytes(&s->cookie));
}

int sctp_on_init_ack(struct sctp *s, struct bytes body)
{
	struct sctp_init init;
	struct buf report;
	int err;

	if (s->state != SCTP_STATE_COOKIE_WAIT)
		return 0; /* 5.2.3 */
	buf_init(&report);
	err = sctp_init_parse(&init, body, &report);
	buf_clear(&report);
	if (err || !init.cookie.n)
		return -EBADMSG;
	buf_reset(&s->cookie);
	buf_put(&s->cookie, init.cookie.p, init.cookie.n);
	if (s->cookie.bad)
		return -ENOMEM;
	s->peer_tag = init.tag;
	s->peer_streams = init.streams_in;
	sctp_rx_begin(&s->rx, init.tsn);
	sctp_tx_begin(&s->tx, s->local_tsn, init.rwnd);
	sctp_state_set(s, SCTP_STATE_COOKIE_ECHOED);
	sctp_cookie_echo_send(s);
	return 0;
}

/* A new association, or the old one anew, by what the cookie says. */
static void cookie_adopt(struct sctp *s, const struct sctp_cookie *c)
{
	s->local_tag = c->local_tag;
	s->local_tsn = c->local_tsn;
	s->peer_tag = c->peer_tag;
	s->peer_streams = c->peer_streams;
	sctp_rx_begin(&s->rx, c->peer_tsn);
	sctp_tx_begin(&s->tx, c->local_tsn, c->peer_rwnd);
}

static bool is_open(const struct sctp *s)
{
	return s->state >= SCTP_STATE_ESTABLISHED;
}

/* 5.2.4, table 12. -EBADMSG: to be dropped. */
static int cookie_judge(struct sctp *s, const struct sctp_cookie *c)
{
	bool local = c->local_tag == s->local_tag;
	bool peer = c->peer_tag == s->peer_tag;

	/* D: our COOKIE-ACK was lost, or both sent INIT and know it. */
	if (local && peer && s->state != SCTP_STATE_CLOSED) {
		if (!is_open(s))
			sctp_state_set(s, SCTP_STATE_ESTABLISHED);
		return 0;
	}
	/* B: both sent INIT. A: the peer began again. */
	if (s->state == SCTP_STATE_CLOSED || (local && !is_open(s)) ||
	    (!local && !peer && c->tie_local && is_open(s) &&
	     c->tie_local == s->local_tag && c->tie_peer == s->peer_tag)) {
		cookie_adopt(s, c);
		sctp_state_set(s, SCTP_STATE_ESTABLISHED);
		s->is_new = true;
		return 0;
	}
	return -EBADMSG; /* C: late */
}

int sctp_on_cookie_echo(struct sctp *s, uint32_t tag, struct bytes body)
{
	struct sctp_cookie c;

	if (sctp_cookie_open(&c, body, s->secret) || c.local_tag != tag ||
	    cookie_judge(s, &c))
		return -EBADMSG;
	sctp_chunk_send(s, s->peer_tag, SCTP_COOKIE_ACK, 0, bytes_of(NULL, 0));
	return 0;
}
