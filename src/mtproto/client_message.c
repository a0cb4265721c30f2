/* What a decrypted message says.
 *
 *   container -> gzip -> service message | answer | update
 *
 * Whoever wrote it holds our key, but may be of another version or broken:
 * what cannot be read is counted, and the owner told that updates were lost.
 */
#include "mtproto/client_private.h"

#include "base/log.h"
#include "base/plant.h"
#include "mtproto/gzip.h"
#include "mtproto/wire.h"
#include "tl/tl.h"

#define ACK_DELAY (5 * USEC_S)
#define DEPTH_MAX 3 /* container, gzip, object */
/* Of one container each message may be refused. What is refused more often is
 * so on principle: a server whose clock and message ids contradict each other
 * would be sent the same messages at the speed of the network. */
#define REFUSALS_MAX 64

static void body_take(struct mtp_client *c, int64_t msg_id, struct bytes body,
		      int depth);

static void message_lost(struct mtp_client *c, const char *text)
{
	count_bad("mtproto", "unreadable", text);
	client_event(c, MTP_EVENT_LOST_UPDATE, text);
}

void client_ack_add(struct mtp_client *c, int64_t msg_id)
{
	if (c->acks_n == CLIENT_ACKS_MAX)
		client_flush(c);
	if (c->acks_n == CLIENT_ACKS_MAX)
		return;
	if (!c->acks_n)
		c->acks_deadline = c->now + ACK_DELAY;
	c->acks[c->acks_n++] = msg_id;
}

static void salt_set(struct mtp_client *c, int64_t salt)
{
	struct mtp_auth *key = client_key(c);

	if (key->salt == salt)
		return;
	key->salt = salt;
	/* Those of temporary keys are not worth keeping. */
	if (key == &c->auth)
		client_event(c, MTP_EVENT_SALT, NULL);
}

/* -- service messages ----------------------------------------------------- */

/* A peer's clock is believed because the message was authentic and new. */
void client_time_adopt(struct mtp_client *c, int64_t msg_id)
{
	int64_t local = c->wall.us / 1000000;

	c->auth.time_diff = (int32_t)(mtp_id_seconds(msg_id) - local);
	c->time_trusted = true;
}

static void refused(struct mtp_client *c)
{
	count_add("mtproto", "bad_msg", 1);
	if (++c->refusals > REFUSALS_MAX)
		client_close(c, "the server refuses all messages");
}

static void on_bad_msg(struct mtp_client *c, int64_t msg_id, struct rd *r)
{
	int64_t bad_id = (int64_t)rd_le64(r);
	uint32_t code;

	rd_skip(r, 4);
	code = rd_le32(r);
	if (r->bad)
		return;
	refused(c);
	switch (code) {
	case MTP_BAD_ID_LOW:
	case MTP_BAD_ID_OLD:
		client_time_adopt(c, msg_id);
		client_requeue(c, bad_id);
		break;
	case MTP_BAD_SALT:
		client_requeue(c, bad_id);
		break;
	default:
		/* 17: our ids are ahead of time, and ids cannot go back in a
		 * session. The others say that our numbering is broken. */
		if (code == MTP_BAD_ID_HIGH)
			client_time_adopt(c, msg_id);
		else
			count_bad("mtproto", "numbering",
				  "the server refused our message numbers");
		client_requeue(c, bad_id);
		c->session_replaced = true;
		client_session_reset(c);
	}
}

static void on_bad_salt(struct mtp_client *c, struct rd *r)
{
	int64_t bad_id = (int64_t)rd_le64(r), salt;

	rd_skip(r, 8);
	salt = (int64_t)rd_le64(r);
	if (r->bad)
		return;
	refused(c);
	c->salts_n = 0;
	salt_set(c, salt);
	client_requeue(c, bad_id);
}

static void on_new_session(struct mtp_client *c, struct rd *r)
{
	int64_t first_id = (int64_t)rd_le64(r), salt;

	rd_skip(r, 8);
	salt = (int64_t)rd_le64(r);
	if (r->bad)
		return;
	salt_set(c, salt);
	client_requeue_before(c, first_id);
	/* The first one of an engine's first session is no news. */
	if (c->session_announced || c->session_replaced) {
		c->inited = false;
		client_event(c, MTP_EVENT_NEW_SESSION,
			     "the server began a new session");
	}
	c->session_announced = true;
}

static void on_future_salts(struct mtp_client *c, struct rd *r)
{
	uint32_t count;

	rd_skip(r, 8 + 4);
	count = rd_le32(r);
	/* bare items of 16 bytes */
	if (r->bad || count > r->n / 16)
		return;
	c->salts_n = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct client_salt s;

		s.since = (int32_t)rd_le32(r);
		s.until = (int32_t)rd_le32(r);
		s.salt = (int64_t)rd_le64(r);
		PLANT_OVERFLOW(i == 3 && s.until < s.since, &s, sizeof(s));
		if (c->salts_n < CLIENT_SALTS_MAX)
			c->salts[c->salts_n++] = s;
	}
}

static void on_states(struct mtp_client *c, struct rd *r)
{
	int64_t req = (int64_t)rd_le64(r);
	struct bytes states = wire_bytes(r);

	if (!r->bad && c->states.id && req == c->states.id)
		client_states_take(c, states);
}

/* "an answer exists but was not delivered: request it" */
static void on_detailed_info(struct mtp_client *c, struct rd *r, bool answer)
{
	int64_t answer_id;

	if (answer)
		rd_skip(r, 8);
	answer_id = (int64_t)rd_le64(r);
	if (r->bad)
		return;
	if (mtp_window_has(&c->window, answer_id))
		client_ack_add(c, answer_id);
	else if (c->resends_n < CLIENT_RESENDS_MAX)
		c->resends[c->resends_n++] = answer_id;
}

static void on_resend_req(struct mtp_client *c, struct rd *r)
{
	uint32_t count = wire_vector_long(r);

	for (uint32_t i = 0; i < count; i++)
		client_requeue(c, (int64_t)rd_le64(r));
}

static void on_state_req(struct mtp_client *c, int64_t msg_id, struct rd *r)
{
	uint32_t count = wire_vector_long(r);

	if (r->bad || count > CLIENT_STATES_MAX)
		return;
	buf_reset(&c->info);
	for (uint32_t i = 0; i < count; i++)
		buf_u8(&c->info,
		       mtp_window_has(&c->window, (int64_t)rd_le64(r)) ? 4 : 2);
	c->info_for = msg_id;
}

/* -- answers -------------------------------------------------------------- */

static void on_error(struct mtp_client *c, struct client_query *q,
		     struct bytes object)
{
	struct bytes text;
	int32_t code;
	struct rd r;

	rd_init(&r, object.p, object.n);
	rd_skip(&r, 4);
	code = (int32_t)rd_le32(&r);
	text = wire_bytes(&r);
	if (r.bad) {
		message_lost(c, "rpc_error is malformed");
		code = 500;
		text = bytes_str("ANSWER_UNREADABLE");
	}
	if (client_query_retry(c, q, code, text))
		return;
	c->inited = true;
	client_answer_error(c, q, code, text);
}

static void on_result_object(struct mtp_client *c, struct client_query *q,
			     struct bytes object)
{
	if (wire_id(object) == WIRE_RPC_ERROR) {
		on_error(c, q, object);
		return;
	}
	c->inited = true;
	client_answer(c, q, object);
}

/* The answer is bare; in an rpc_result it would do as well. */
static void on_destroyed(struct mtp_client *c, uint32_t id)
{
	if (!c->destroying)
		return;
	c->destroying = false;
	client_event(c, MTP_EVENT_KEY_DESTROYED,
		     id == WIRE_DESTROY_AUTH_KEY_FAIL
			     ? "the data centre keeps our key"
			     : NULL);
}

static void on_result(struct mtp_client *c, struct rd *r)
{
	int64_t req = (int64_t)rd_le64(r);
	struct client_query *q = client_query_find(c, req);
	struct bytes object = bytes_of(r->p, r->n);
	struct buf inflated;

	if (r->bad || object.n < 4) {
		message_lost(c, "rpc_result is malformed");
		return;
	}
	if (c->bind.id && req == c->bind.id) {
		client_bind_answered(c, object);
		return;
	}
	if (c->destroy.id && req == c->destroy.id) {
		on_destroyed(c, wire_id(object));
		return;
	}
	if (!q) {
		/* timed out already, or answered twice */
		count_add("mtproto", "answer_to_nothing", 1);
		return;
	}
	if (wire_id(object) != WIRE_GZIP_PACKED) {
		on_result_object(c, q, object);
		return;
	}
	buf_init(&inflated);
	rd_skip(r, 4);
	if (mtp_gzip_unpack(&inflated, wire_bytes(r)) || r->bad ||
	    inflated.n < 4) {
		count_bad("mtproto", "unreadable",
			  "rpc_result cannot be inflated");
		client_answer_error(c, q, 500, bytes_str("ANSWER_UNREADABLE"));
	} else {
		on_result_object(c, q, buf_bytes(&inflated));
	}
	buf_clear(&inflated);
}

/* -- one message ---------------------------------------------------------- */

static void on_gzip(struct mtp_client *c, int64_t msg_id, struct rd *r,
		    int depth)
{
	struct buf inflated;

	buf_init(&inflated);
	if (mtp_gzip_unpack(&inflated, wire_bytes(r)) || r->bad)
		message_lost(c, "a message cannot be inflated");
	else
		body_take(c, msg_id, buf_bytes(&inflated), depth + 1);
	buf_clear(&inflated);
}

static void on_container(struct mtp_client *c, struct rd *r, int depth)
{
	uint32_t count = rd_le32(r);

	if (depth || count > WIRE_ITEMS_MAX) {
		message_lost(c, "a container is nested or too large");
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		int64_t id = (int64_t)rd_le64(r);
		uint32_t seqno = rd_le32(r);
		uint32_t length = rd_le32(r);
		struct bytes body = rd_bytes(r, length);
		bool seen;

		if (r->bad || length % 4 || !(id & 1)) {
			message_lost(c, "a container is malformed");
			return;
		}
		if (c->from_retired) {
			seen = mtp_window_has(&c->retired->window, id);
			mtp_window_add(&c->retired->window, id, seqno);
		} else {
			seen = mtp_window_has(&c->window, id);
			if (seqno & 1)
				client_ack_add(c, id);
		}
		if (seen)
			continue;
		if (!c->from_retired)
			mtp_window_add(&c->window, id, seqno);
		body_take(c, id, body, depth + 1);
	}
}

static bool service_take(struct mtp_client *c, int64_t msg_id, uint32_t id,
			 struct rd *r)
{
	switch (id) {
	case WIRE_RPC_RESULT:
		c->refusals = 0;
		on_result(c, r);
		return true;
	case WIRE_DESTROY_AUTH_KEY_OK:
	case WIRE_DESTROY_AUTH_KEY_NONE:
	case WIRE_DESTROY_AUTH_KEY_FAIL:
		on_destroyed(c, id);
		break;
	case WIRE_BAD_MSG_NOTIFICATION:
		on_bad_msg(c, msg_id, r);
		break;
	case WIRE_BAD_SERVER_SALT:
		on_bad_salt(c, r);
		break;
	case WIRE_NEW_SESSION_CREATED:
		on_new_session(c, r);
		break;
	case WIRE_FUTURE_SALTS:
		on_future_salts(c, r);
		break;
	case WIRE_MSGS_STATE_INFO:
		on_states(c, r);
		break;
	case WIRE_MSG_DETAILED_INFO:
	case WIRE_MSG_NEW_DETAILED_INFO:
		on_detailed_info(c, r, id == WIRE_MSG_DETAILED_INFO);
		break;
	case WIRE_MSG_RESEND_REQ:
		on_resend_req(c, r);
		break;
	case WIRE_MSGS_STATE_REQ:
		on_state_req(c, msg_id, r);
		break;
	case WIRE_PONG:
		c->refusals = 0;
		break;
	case WIRE_MSGS_ACK:
	case WIRE_MSGS_ALL_INFO:
		break;
	default:
		return false;
	}
	if (r->bad)
		count_bad("mtproto", "malformed", "service message is short");
	return true;
}

static bool service_is(uint32_t id)
{
	switch (id) {
	case WIRE_BAD_MSG_NOTIFICATION:
	case WIRE_BAD_SERVER_SALT:
	case WIRE_NEW_SESSION_CREATED:
	case WIRE_FUTURE_SALTS:
	case WIRE_MSGS_STATE_INFO:
	case WIRE_MSG_DETAILED_INFO:
	case WIRE_MSG_NEW_DETAILED_INFO:
	case WIRE_MSG_RESEND_REQ:
	case WIRE_MSGS_STATE_REQ:
	case WIRE_PONG:
	case WIRE_MSGS_ACK:
	case WIRE_MSGS_ALL_INFO:
		return true;
	default:
		return false;
	}
}

static void session_works(struct mtp_client *c, uint32_t id)
{
	if (c->ready || c->state != CLIENT_SESSION || client_unbound(c) ||
	    id == WIRE_BAD_SERVER_SALT || id == WIRE_BAD_MSG_NOTIFICATION)
		return;
	c->ready = true;
	client_event(c, MTP_EVENT_READY, NULL);
}

static void body_take(struct mtp_client *c, int64_t msg_id, struct bytes body,
		      int depth)
{
	enum tl_ctor_no no;
	struct rd r;
	uint32_t id;

	if (depth > DEPTH_MAX) {
		message_lost(c, "messages are nested too deep");
		return;
	}
	rd_init(&r, body.p, body.n);
	id = rd_le32(&r);
	if (r.bad) {
		message_lost(c, "a message is too short");
		return;
	}
	if (id == WIRE_MSG_CONTAINER) {
		on_container(c, &r, depth);
		return;
	}
	if (id == WIRE_GZIP_PACKED) {
		on_gzip(c, msg_id, &r, depth);
		return;
	}
	session_works(c, id);
	/* Of a session given up only answers and updates matter. */
	if (c->from_retired && service_is(id))
		return;
	if (service_take(c, msg_id, id, &r))
		return;
	if (tl_ctor_by_id(&no, id) || tl_ctor_is_function(no))
		message_lost(c, "a message has an unknown constructor");
	else
		client_update(c, body);
}

void client_retired_take(struct mtp_client *c, int64_t msg_id, uint32_t seqno,
			 struct bytes body)
{
	mtp_window_add(&c->retired->window, msg_id, seqno);
	c->from_retired = true;
	body_take(c, msg_id, body, 0);
	c->from_retired = false;
}

void mtp_client_take(struct mtp_client *c, int64_t msg_id, uint32_t seqno,
		     struct bytes body)
{
	mtp_window_add(&c->window, msg_id, seqno);
	if (seqno & 1)
		client_ack_add(c, msg_id);
	body_take(c, msg_id, body, 0);
}
