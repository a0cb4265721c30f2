/* What Telegram checks in a client's message, and its service messages.
 *
 *   packet: low bits 18 -> time 16/17 -> salt 48 -> known 19 -> too old 20
 *   each message: the same without time and salt, seqno 32..35, container 64 */
#include "mtproto/server_private.h"

#include <errno.h>

#include "base/log.h"
#include "mtproto/gzip.h"
#include "mtproto/wire.h"

#define PAST_SECONDS 300
#define FUTURE_SECONDS 30
#define SALTS_MAX 64
#define STATES_MAX 8192

enum parity {
	PARITY_ANY,
	PARITY_EVEN,
	PARITY_ODD,
};

struct incoming {
	int64_t msg_id;
	uint32_t seqno;
	struct bytes body;
};

void server_refused(struct mtp_server *s, const char *what)
{
	count_add("mtproto", "server_refused", 1);
	if (s->conf.handlers.refused)
		s->conf.handlers.refused(what, s->conf.arg);
}

/* -- refusals ------------------------------------------------------------- */

static const char *code_text(uint32_t code)
{
	switch (code) {
	case MTP_BAD_ID_LOW:
		return "msg_id too low";
	case MTP_BAD_ID_HIGH:
		return "msg_id too high";
	case MTP_BAD_ID_BITS:
		return "msg_id has wrong low bits";
	case MTP_BAD_CONTAINER_ID:
		return "container has the id of another message";
	case MTP_BAD_ID_OLD:
		return "msg_id too old to tell";
	case MTP_BAD_SEQNO_LOW:
		return "seqno too low";
	case MTP_BAD_SEQNO_HIGH:
		return "seqno too high";
	case MTP_BAD_SEQNO_EVEN_EXPECTED:
		return "seqno odd, even expected";
	case MTP_BAD_SEQNO_ODD_EXPECTED:
		return "seqno even, odd expected";
	case MTP_BAD_SALT:
		return "wrong salt";
	default:
		return "invalid container";
	}
}

static void bad_msg_put(struct mtp_server *s, struct server_session *session,
			const struct incoming *in, uint32_t code)
{
	int64_t slot = s->wall.us / 1000000 / SERVER_SALT_SECONDS;
	struct buf b;

	server_refused(s, code_text(code));
	buf_init(&b);
	buf_le32(&b, code == MTP_BAD_SALT ? WIRE_BAD_SERVER_SALT
					  : WIRE_BAD_MSG_NOTIFICATION);
	buf_le64(&b, (uint64_t)in->msg_id);
	buf_le32(&b, in->seqno);
	buf_le32(&b, code);
	if (code == MTP_BAD_SALT)
		buf_le64(&b, (uint64_t)server_salt_at(s->conf.sessions,
						      session->key_id, slot));
	server_put(s, session, &b, false, 1, 0);
}

/* -- checks --------------------------------------------------------------- */

/* Which seqno a message must have. mtcute counts acks, pings and other service
 * requests as content-related, TDLib does not: both pass. */
static enum parity parity_of(uint32_t id)
{
	switch (id) {
	case WIRE_MSG_CONTAINER:
		return PARITY_EVEN;
	case WIRE_MSGS_ACK:
	case WIRE_PING:
	case WIRE_PING_DELAY_DISCONNECT:
	case WIRE_GET_FUTURE_SALTS:
	case WIRE_MSGS_STATE_REQ:
	case WIRE_MSGS_STATE_INFO:
	case WIRE_MSGS_ALL_INFO:
	case WIRE_MSG_RESEND_REQ:
	case WIRE_MSG_RESEND_ANS_REQ:
	case WIRE_RPC_DROP_ANSWER:
	case WIRE_DESTROY_SESSION:
	case WIRE_DESTROY_AUTH_KEY:
	case WIRE_HTTP_WAIT:
		return PARITY_ANY;
	default:
		return PARITY_ODD;
	}
}

/* "32: a message with a lower msg_id has a higher or an equal and odd seqno;
 * 33: the other way round". Only content-related ones are compared: the even
 * number of a container depends on when the client draws it. */
static uint32_t seqno_fault(const struct mtp_window *w, int64_t id,
			    uint32_t seqno)
{
	if (!(seqno & 1))
		return 0;
	for (size_t i = 0; i < w->n; i++) {
		if (!(w->seqnos[i] & 1))
			continue;
		if (w->ids[i] < id && w->seqnos[i] >= seqno)
			return MTP_BAD_SEQNO_LOW;
		if (w->ids[i] > id && w->seqnos[i] <= seqno)
			return MTP_BAD_SEQNO_HIGH;
	}
	return 0;
}

static uint32_t number_fault(const struct server_session *session,
			     const struct incoming *in, uint32_t id)
{
	enum parity parity = parity_of(id);

	if (in->msg_id & 3)
		return MTP_BAD_ID_BITS;
	if (in->msg_id <= session->window.dropped)
		return MTP_BAD_ID_OLD;
	if (parity == PARITY_EVEN && (in->seqno & 1))
		return MTP_BAD_SEQNO_EVEN_EXPECTED;
	if (parity == PARITY_ODD && !(in->seqno & 1))
		return MTP_BAD_SEQNO_ODD_EXPECTED;
	return seqno_fault(&session->window, in->msg_id, in->seqno);
}

static uint32_t packet_fault(struct mtp_server *s,
			     const struct server_session *session,
			     const struct mtp_message *m)
{
	int64_t now = s->wall.us / 1000000, sent = mtp_id_seconds(m->msg_id);

	if (m->msg_id & 3)
		return MTP_BAD_ID_BITS;
	if (sent < now - PAST_SECONDS)
		return MTP_BAD_ID_LOW;
	if (sent > now + FUTURE_SECONDS)
		return MTP_BAD_ID_HIGH;
	if (!server_salt_ok(s->conf.sessions, session->key_id, m->salt, now))
		return MTP_BAD_SALT;
	return 0;
}

/* -- service messages ----------------------------------------------------- */

static void on_acks(struct server_session *session, struct rd *r)
{
	uint32_t count = wire_vector_long(r);

	for (uint32_t i = 0; i < count; i++)
		server_acked(session, (int64_t)rd_le64(r));
}

static void on_ping(struct mtp_server *s, struct server_session *session,
		    int64_t msg_id, struct rd *r, bool delay)
{
	uint64_t ping_id = rd_le64(r);
	uint32_t seconds = delay ? rd_le32(r) : 0;
	struct buf b;

	if (r->bad)
		return;
	if (delay)
		s->disconnect = s->now + seconds * USEC_S;
	buf_init(&b);
	buf_le32(&b, WIRE_PONG);
	buf_le64(&b, (uint64_t)msg_id);
	buf_le64(&b, ping_id);
	server_put(s, session, &b, false, 1, 0);
}

static void on_get_salts(struct mtp_server *s, struct server_session *session,
			 int64_t msg_id, struct rd *r)
{
	int64_t now = s->wall.us / 1000000, slot = now / SERVER_SALT_SECONDS;
	uint32_t count = rd_le32(r);
	struct buf b;

	if (r->bad)
		return;
	if (count > SALTS_MAX)
		count = SALTS_MAX;
	buf_init(&b);
	buf_le32(&b, WIRE_FUTURE_SALTS);
	buf_le64(&b, (uint64_t)msg_id);
	buf_le32(&b, (uint32_t)now);
	buf_le32(&b, count);
	for (int64_t i = slot; i < slot + count; i++) {
		buf_le32(&b, (uint32_t)(i * SERVER_SALT_SECONDS));
		buf_le32(&b, (uint32_t)((i + 2) * SERVER_SALT_SECONDS));
		buf_le64(&b, (uint64_t)server_salt_at(s->conf.sessions,
						      session->key_id, i));
	}
	server_put(s, session, &b, false, 1, 0);
}

static uint8_t state_of(const struct mtp_window *w, int64_t id)
{
	if (mtp_window_has(w, id))
		return 4;
	if (id > w->highest)
		return 3;
	return id > w->dropped ? 2 : 1;
}

static void on_state_req(struct mtp_server *s, struct server_session *session,
			 int64_t msg_id, struct rd *r)
{
	uint32_t count = wire_vector_long(r);
	struct buf b, states;

	if (r->bad || count > STATES_MAX)
		return;
	buf_init(&b);
	buf_init(&states);
	for (uint32_t i = 0; i < count; i++) {
		int64_t id = (int64_t)rd_le64(r);

		buf_u8(&states, state_of(&session->window, id));
		/* An answer the client did not get comes again. */
		server_repeat(session, 0, id);
	}
	buf_le32(&b, WIRE_MSGS_STATE_INFO);
	buf_le64(&b, (uint64_t)msg_id);
	wire_put_bytes(&b, buf_bytes(&states));
	buf_clear(&states);
	server_put(s, session, &b, false, 1, 0);
}

static void on_resend_req(struct server_session *session, struct rd *r)
{
	uint32_t count = wire_vector_long(r);

	for (uint32_t i = 0; i < count; i++) {
		int64_t id = (int64_t)rd_le64(r);

		if (id)
			server_repeat(session, id, 0);
	}
}

static void on_drop_answer(struct mtp_server *s, struct server_session *session,
			   int64_t msg_id, struct rd *r)
{
	int64_t dropped = (int64_t)rd_le64(r);
	struct server_query *q = NULL;
	struct buf b;

	if (r->bad)
		return;
	buf_init(&b);
	buf_le32(&b, WIRE_RPC_RESULT);
	buf_le64(&b, (uint64_t)msg_id);
	if (server_session_of(s, dropped, &q) == session && q) {
		server_query_end(s, session, q, true);
		buf_le32(&b, WIRE_RPC_ANSWER_DROPPED_RUNNING);
	} else {
		buf_le32(&b, WIRE_RPC_ANSWER_UNKNOWN);
	}
	server_put(s, session, &b, true, 1, msg_id);
}

static void on_destroy_session(struct mtp_server *s,
			       struct server_session *session, struct rd *r)
{
	int64_t id = (int64_t)rd_le64(r);
	struct buf b;

	if (r->bad)
		return;
	buf_init(&b);
	buf_le32(&b, server_session_destroy(s, id) ? WIRE_DESTROY_SESSION_OK
						   : WIRE_DESTROY_SESSION_NONE);
	buf_le64(&b, (uint64_t)id);
	server_put(s, session, &b, false, 1, 0);
}

/* TDLib waits for the answer "as a bare message; inside rpc_result it is not
 * recognised". */
static void on_destroy_key(struct mtp_server *s, struct server_session *session)
{
	struct buf b;

	buf_init(&b);
	buf_le32(&b, WIRE_DESTROY_AUTH_KEY_OK);
	server_put(s, session, &b, false, 1, 0);
	server_sessions_forget_key(s->conf.sessions, s->key_id);
	if (s->conf.handlers.destroy)
		s->conf.handlers.destroy(s->key_id, s->conf.arg);
}

static bool service_take(struct mtp_server *s, struct server_session *session,
			 int64_t msg_id, uint32_t id, struct rd *r)
{
	switch (id) {
	case WIRE_MSGS_ACK:
		on_acks(session, r);
		return true;
	case WIRE_PING:
	case WIRE_PING_DELAY_DISCONNECT:
		on_ping(s, session, msg_id, r,
			id == WIRE_PING_DELAY_DISCONNECT);
		return true;
	case WIRE_GET_FUTURE_SALTS:
		on_get_salts(s, session, msg_id, r);
		return true;
	case WIRE_MSGS_STATE_REQ:
		on_state_req(s, session, msg_id, r);
		return true;
	case WIRE_MSG_RESEND_REQ:
	case WIRE_MSG_RESEND_ANS_REQ:
		on_resend_req(session, r);
		return true;
	case WIRE_RPC_DROP_ANSWER:
		on_drop_answer(s, session, msg_id, r);
		return true;
	case WIRE_DESTROY_SESSION:
		on_destroy_session(s, session, r);
		return true;
	case WIRE_DESTROY_AUTH_KEY:
		on_destroy_key(s, session);
		return true;
	case WIRE_MSGS_STATE_INFO:
	case WIRE_MSGS_ALL_INFO:
	case WIRE_HTTP_WAIT:
		return true;
	default:
		return false;
	}
}

/* -- messages ------------------------------------------------------------- */

static void announce(struct mtp_server *s, struct server_session *session,
		     int64_t first_id)
{
	int64_t slot = s->wall.us / 1000000 / SERVER_SALT_SECONDS;
	struct buf b;

	session->announced = true;
	/* Of what came before nothing can be told. */
	session->window.dropped = first_id - 1;
	buf_init(&b);
	buf_le32(&b, WIRE_NEW_SESSION_CREATED);
	buf_le64(&b, (uint64_t)first_id);
	buf_le64(&b, (uint64_t)mtp_random_long(NULL));
	buf_le64(&b, (uint64_t)server_salt_at(s->conf.sessions, session->key_id,
					      slot));
	server_put(s, session, &b, true, 3, 0);
	if (s->conf.handlers.session)
		s->conf.handlers.session(session->key_id, session->session_id,
					 s->conf.arg);
}

/* gzip_packed around a whole message: what is inside decides. */
static bool gzip_undo(struct buf *out, struct bytes *body)
{
	struct rd r;
	bool ok;

	rd_init(&r, body->p, body->n);
	rd_skip(&r, 4);
	ok = mtp_gzip_unpack(out, wire_bytes(&r)) == 0 && !r.bad;
	*body = buf_bytes(out);
	return ok;
}

static void message_take(struct mtp_server *s, struct server_session *session,
			 struct incoming *in)
{
	struct buf inflated;
	uint32_t id, code;
	struct rd r;

	if (mtp_window_has(&session->window, in->msg_id)) {
		/* A repetition: the answer got lost, or is still to come. */
		server_refused(s, "message repeated");
		if (!server_repeat(session, 0, in->msg_id))
			server_ack(session, in->msg_id);
		return;
	}
	buf_init(&inflated);
	if (wire_id(in->body) == WIRE_GZIP_PACKED &&
	    !gzip_undo(&inflated, &in->body))
		server_refused(s, "message cannot be inflated");
	id = wire_id(in->body);
	code = number_fault(session, in, id);
	if (code) {
		bad_msg_put(s, session, in, code);
	} else {
		mtp_window_add(&session->window, in->msg_id, in->seqno);
		if (in->seqno & 1)
			server_ack(session, in->msg_id);
		rd_init(&r, in->body.p, in->body.n);
		rd_skip(&r, 4);
		if (!service_take(s, session, in->msg_id, id, &r))
			server_query_take(s, session, in->msg_id, in->body);
	}
	buf_clear(&inflated);
}

/* Reads the head of one item. False: the container is invalid. */
static bool item_read(struct incoming *in, struct rd *r, int64_t container_id)
{
	uint32_t length;

	in->msg_id = (int64_t)rd_le64(r);
	in->seqno = rd_le32(r);
	length = rd_le32(r);
	in->body = rd_bytes(r, length);
	return !r->bad && length % 4 == 0 && length >= 4 &&
	       in->msg_id < container_id &&
	       wire_id(in->body) != WIRE_MSG_CONTAINER;
}

static bool container_ok(const struct mtp_message *m, int64_t *lowestp)
{
	struct incoming in;
	uint32_t count;
	struct rd r;

	rd_init(&r, m->body.p, m->body.n);
	rd_skip(&r, 4);
	count = rd_le32(&r);
	if (r.bad || !count || count > WIRE_ITEMS_MAX)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (!item_read(&in, &r, m->msg_id))
			return false;
		if (in.msg_id < *lowestp)
			*lowestp = in.msg_id;
	}
	return !r.n;
}

static void container_take(struct mtp_server *s, struct server_session *session,
			   const struct mtp_message *m)
{
	struct incoming in;
	uint32_t count;
	struct rd r;

	rd_init(&r, m->body.p, m->body.n);
	rd_skip(&r, 4);
	count = rd_le32(&r);
	for (uint32_t i = 0; i < count; i++) {
		item_read(&in, &r, m->msg_id);
		message_take(s, session, &in);
	}
}

void server_message(struct mtp_server *s, struct server_session *session,
		    const struct mtp_message *m)
{
	struct incoming in = {m->msg_id, m->seqno, m->body};
	bool container = wire_id(m->body) == WIRE_MSG_CONTAINER;
	uint32_t code = packet_fault(s, session, m);
	int64_t lowest = m->msg_id;

	if (!code && container) {
		if (mtp_window_has(&session->window, m->msg_id))
			code = MTP_BAD_CONTAINER_ID;
		else if (m->seqno & 1)
			code = MTP_BAD_SEQNO_EVEN_EXPECTED;
		else if (!container_ok(m, &lowest))
			code = MTP_BAD_CONTAINER;
	}
	if (code) {
		bad_msg_put(s, session, &in, code);
		return;
	}
	if (!session->announced)
		announce(s, session, lowest);
	if (container) {
		mtp_window_add(&session->window, m->msg_id, m->seqno);
		container_take(s, session, m);
	} else {
		message_take(s, session, &in);
	}
}
