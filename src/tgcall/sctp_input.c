/* Packets and chunks from the peer: RFC 9260 6 to 9. */
#include <errno.h>

#include "tgcall/sctp_assoc.h"

enum { CHUNK_OK = 0, CHUNK_STOP = 1 };

enum {
	PARAM_OUTGOING_RESET = 13,
	PARAM_INCOMING_RESET = 14,
	PARAM_TSN_RESET = 15,
	PARAM_ADD_STREAMS_OUT = 17,
	PARAM_ADD_STREAMS_IN = 18,
	PARAM_RECONFIG_RESPONSE = 16,
};

enum { RECONFIG_DONE = 1, RECONFIG_DENIED = 2 };

static void cause_send(struct sctp *s, uint8_t chunk, uint16_t cause,
		       struct bytes value)
{
	struct buf b;

	buf_init(&b);
	sctp_param_put(&b, cause, value);
	sctp_chunk_send(s, s->peer_tag, chunk, 0, buf_bytes(&b));
	buf_clear(&b);
}

static int on_data(struct sctp *s, const struct sctp_chunk *c)
{
	struct sctp_data data = {.flags = c->flags};
	struct rd r;
	int err;

	rd_init(&r, c->body.p, c->body.n);
	data.tsn = rd_be32(&r);
	data.stream = rd_be16(&r);
	data.ssn = rd_be16(&r);
	data.ppid = rd_be32(&r);
	if (r.bad)
		return -EBADMSG;
	data.payload = rd_bytes(&r, r.n);
	/* Only an open association sends DATA with our tag: the COOKIE-ACK
	 * was lost, and some peers do not repeat DATA. */
	if (s->state == SCTP_STATE_COOKIE_ECHOED)
		sctp_state_set(s, SCTP_STATE_ESTABLISHED);
	if (s->state != SCTP_STATE_ESTABLISHED)
		return CHUNK_OK;
	if (data.payload.n == 0) { /* 6.2 */
		uint8_t tsn[4];

		be32_store(tsn, data.tsn);
		cause_send(s, SCTP_ABORT, SCTP_CAUSE_NO_USER_DATA,
			   bytes_of(tsn, sizeof(tsn)));
		sctp_close(s, "empty data chunk");
		return -EBADMSG;
	}
	err = sctp_rx_data(&s->rx, &data);
	return err == -ENOBUFS ? CHUNK_OK : err;
}

static int on_forward_tsn(struct sctp *s, const struct sctp_chunk *c)
{
	struct rd r;
	uint32_t tsn;

	rd_init(&r, c->body.p, c->body.n);
	tsn = rd_be32(&r);
	if (r.bad)
		return -EBADMSG;
	if (s->state == SCTP_STATE_ESTABLISHED)
		sctp_rx_forward(&s->rx, tsn);
	return CHUNK_OK;
}

/* RFC 6525. Streams are not numbered here (sctp_rx.h), so that there is
 * nothing to reset when the peer resets its own; anything else is denied. */
static int on_re_config(struct sctp *s, const struct sctp_chunk *c)
{
	struct bytes param;
	uint16_t type;
	struct rd r;

	rd_init(&r, c->body.p, c->body.n);
	while (sctp_param_read(&r, &type, &param)) {
		uint8_t answer[8];
		struct buf b;

		if (type < PARAM_OUTGOING_RESET ||
		    type > PARAM_ADD_STREAMS_IN ||
		    type == PARAM_RECONFIG_RESPONSE)
			continue;
		if (param.n < 4)
			return -EBADMSG;
		be32_store(answer, be32_load(param.p));
		be32_store(answer + 4, type == PARAM_OUTGOING_RESET
					       ? RECONFIG_DONE
					       : RECONFIG_DENIED);
		buf_init(&b);
		sctp_param_put(&b, PARAM_RECONFIG_RESPONSE,
			       bytes_of(answer, sizeof(answer)));
		sctp_chunk_send(s, s->peer_tag, SCTP_RE_CONFIG, 0,
				buf_bytes(&b));
		buf_clear(&b);
	}
	return r.bad ? -EBADMSG : CHUNK_OK;
}

static int on_shutdown(struct sctp *s, const struct sctp_chunk *c)
{
	if (c->body.n < 4)
		return -EBADMSG;
	if (s->state < SCTP_STATE_ESTABLISHED)
		return CHUNK_OK;
	if (sctp_tx_cumulative(&s->tx, be32_load(c->body.p)))
		return -EBADMSG;
	if (s->state == SCTP_STATE_ESTABLISHED)
		sctp_state_set(s, SCTP_STATE_SHUTDOWN_RECEIVED);
	return CHUNK_OK;
}

static int on_error(struct sctp *s, const struct sctp_chunk *c)
{
	struct bytes cause;
	uint16_t type;
	struct rd r;

	rd_init(&r, c->body.p, c->body.n);
	while (sctp_param_read(&r, &type, &cause)) {
		if (type != SCTP_CAUSE_STALE_COOKIE ||
		    s->state != SCTP_STATE_COOKIE_ECHOED)
			continue;
		sctp_init_send(s);
		return CHUNK_STOP;
	}
	return r.bad ? -EBADMSG : CHUNK_OK;
}

static int on_unknown(struct sctp *s, const struct sctp_chunk *c)
{
	/* RFC 9260 3.2: the two top bits of the type. */
	if (c->type & 0x40) {
		uint8_t head[4] = {c->type, c->flags};

		be16_store(head + 2, (uint16_t)(4 + c->body.n));
		cause_send(s, SCTP_ERROR, SCTP_CAUSE_UNKNOWN_CHUNK,
			   bytes_of(head, sizeof(head)));
	}
	return c->type & 0x80 ? CHUNK_OK : CHUNK_STOP;
}

static int on_cookie_ack(struct sctp *s)
{
	if (s->state == SCTP_STATE_COOKIE_ECHOED)
		sctp_state_set(s, SCTP_STATE_ESTABLISHED);
	return CHUNK_OK;
}

static int on_end(struct sctp *s, const char *why)
{
	sctp_close(s, why);
	return CHUNK_STOP;
}

static int chunk_input(struct sctp *s, const struct sctp_chunk *c)
{
	if (s->state == SCTP_STATE_COOKIE_WAIT && c->type != SCTP_INIT_ACK &&
	    c->type != SCTP_ABORT && c->type != SCTP_COOKIE_ECHO)
		return CHUNK_STOP; /* nothing else is known of the peer */
	switch (c->type) {
	case SCTP_DATA:
		return on_data(s, c);
	case SCTP_INIT:
		return -EBADMSG; /* never bundled */
	case SCTP_INIT_ACK:
		return sctp_on_init_ack(s, c->body);
	case SCTP_SACK:
		return s->state >= SCTP_STATE_ESTABLISHED
			       ? sctp_tx_sack(&s->tx, c->body)
			       : CHUNK_OK;
	case SCTP_HEARTBEAT:
		sctp_chunk_send(s, s->peer_tag, SCTP_HEARTBEAT_ACK, 0, c->body);
		return CHUNK_OK;
	case SCTP_HEARTBEAT_ACK:
		return CHUNK_OK;
	case SCTP_ABORT:
		return on_end(s, "abort");
	case SCTP_SHUTDOWN:
		return on_shutdown(s, c);
	case SCTP_SHUTDOWN_ACK:
		/* We send no SHUTDOWN; 8.5.1 E answers nevertheless. */
		sctp_chunk_send(s, s->peer_tag, SCTP_SHUTDOWN_COMPLETE, 0,
				bytes_of(NULL, 0));
		return CHUNK_STOP;
	case SCTP_ERROR:
		return on_error(s, c);
	case SCTP_COOKIE_ECHO:
		return sctp_on_cookie_echo(s, s->local_tag, c->body);
	case SCTP_COOKIE_ACK:
		return on_cookie_ack(s);
	case SCTP_SHUTDOWN_COMPLETE:
		return s->state == SCTP_STATE_SHUTDOWN_ACK_SENT
			       ? on_end(s, "shutdown")
			       : CHUNK_OK;
	case SCTP_RE_CONFIG:
		return on_re_config(s, c);
	case SCTP_FORWARD_TSN:
		return on_forward_tsn(s, c);
	default:
		return on_unknown(s, c);
	}
}

/* 8.5.1: which tag a packet must carry, by its first chunk. 1: nothing more
 * is to be done. */
static int first_judge(struct sctp *s, uint32_t tag, struct rd *r)
{
	struct rd peek = *r;
	struct sctp_chunk c;

	if (!sctp_chunk_read(&peek, &c))
		return -EBADMSG;
	if (c.type == SCTP_INIT) {
		if (tag || peek.n)
			return -EBADMSG;
		return sctp_on_init(s, c.body) ? -EBADMSG : CHUNK_STOP;
	}
	if (c.type == SCTP_COOKIE_ECHO) {
		*r = peek;
		return sctp_on_cookie_echo(s, tag, c.body);
	}
	if (s->state == SCTP_STATE_CLOSED)
		return -EBADMSG;
	if ((c.type == SCTP_ABORT || c.type == SCTP_SHUTDOWN_COMPLETE) &&
	    (c.flags & SCTP_FLAG_T) && s->peer_tag && tag == s->peer_tag)
		return CHUNK_OK;
	return tag == s->local_tag ? CHUNK_OK : -EBADMSG;
}

int sctp_packet_input(struct sctp *s, struct bytes packet)
{
	struct sctp_chunk c;
	bool has_data = false;
	uint16_t from, to;
	uint32_t tag;
	struct rd r;
	int err;

	rd_init(&r, packet.p, packet.n);
	from = rd_be16(&r);
	to = rd_be16(&r);
	tag = rd_be32(&r);
	rd_skip(&r, 4);
	if (r.bad || from != s->conf.port || to != s->conf.port)
		return -EBADMSG;
	err = first_judge(s, tag, &r);
	while (err == CHUNK_OK && sctp_chunk_read(&r, &c)) {
		has_data |= c.type == SCTP_DATA;
		err = chunk_input(s, &c);
	}
	if (has_data)
		sctp_rx_packet_end(&s->rx, s->now);
	if (err < 0)
		return err;
	return r.bad ? -EBADMSG : 0;
}
