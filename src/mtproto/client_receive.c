/* From packets to messages.
 *
 *   packet: transport error | plain (key creation) | encrypted
 *   encrypted -> checks of A.5 -> container -> gzip -> service | update
 *
 * A packet that fails a check ends the connection; a message that passed them
 * and cannot be read is counted, and the owner told that updates were lost. */
#include "mtproto/client_private.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/plant.h"
#include "mtproto/gzip.h"
#include "mtproto/wire.h"
#include "tl/tl.h"

/* "inside (now-300 s, now+30 s) of server time" */
#define PAST_SECONDS 300
#define FUTURE_SECONDS 30
#define ACK_DELAY (5 * USEC_S)
#define DEPTH_MAX 3 /* container, gzip, object */

static void body_take(struct mtp_client *c, int64_t msg_id, struct bytes body,
		      int depth);

static void message_lost(struct mtp_client *c, const char *text)
{
	count_bad("mtproto", "unreadable", text);
	client_event(c, MTP_EVENT_LOST_UPDATE, text);
}

static void ack_add(struct mtp_client *c, int64_t msg_id)
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
	if (c->auth.salt == salt)
		return;
	c->auth.salt = salt;
	client_event(c, MTP_EVENT_SALT, NULL);
}

/* -- service messages ----------------------------------------------------- */

/* A peer's clock is believed because the message was authentic and new. */
static void time_adopt(struct mtp_client *c, int64_t msg_id)
{
	int64_t local = c->wall.us / 1000000;

	c->auth.time_diff = (int32_t)(mtp_id_seconds(msg_id) - local);
	c->time_trusted = true;
}

static void on_bad_msg(struct mtp_client *c, int64_t msg_id, struct rd *r)
{
	int64_t bad_id = (int64_t)rd_le64(r);
	uint32_t code;

	rd_skip(r, 4);
	code = rd_le32(r);
	if (r->bad)
		return;
	count_add("mtproto", "bad_msg", 1);
	switch (code) {
	case MTP_BAD_ID_LOW:
	case MTP_BAD_ID_OLD:
		time_adopt(c, msg_id);
		client_requeue(c, bad_id);
		break;
	case MTP_BAD_SALT:
		client_requeue(c, bad_id);
		break;
	default:
		/* 17: our ids are ahead of time, and ids cannot go back in a
		 * session. The others say that our numbering is broken. */
		if (code == MTP_BAD_ID_HIGH)
			time_adopt(c, msg_id);
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
		PLANT_OVERFLOW(i == 2 && s.until == s.since, &s, sizeof(s));
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
		ack_add(c, answer_id);
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
		seen = mtp_window_has(&c->window, id);
		if (seqno & 1)
			ack_add(c, id);
		if (seen)
			continue;
		mtp_window_add(&c->window, id, seqno);
		body_take(c, id, body, depth + 1);
	}
}

static bool service_take(struct mtp_client *c, int64_t msg_id, uint32_t id,
			 struct rd *r)
{
	switch (id) {
	case WIRE_RPC_RESULT:
		on_result(c, r);
		return true;
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

static void session_works(struct mtp_client *c, uint32_t id)
{
	if (c->ready || c->state != CLIENT_SESSION ||
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
	if (service_take(c, msg_id, id, &r))
		return;
	if (tl_ctor_by_id(&no, id) || tl_ctor_is_function(no))
		message_lost(c, "a message has an unknown constructor");
	else
		client_update(c, body);
}

void mtp_client_take(struct mtp_client *c, int64_t msg_id, uint32_t seqno,
		     struct bytes body)
{
	mtp_window_add(&c->window, msg_id, seqno);
	if (seqno & 1)
		ack_add(c, msg_id);
	body_take(c, msg_id, body, 0);
}

/* -- packets -------------------------------------------------------------- */

static int on_transport_error(struct mtp_client *c, int32_t code)
{
	count_add("mtproto", "transport_error", 1);
	switch (code) {
	case MTP_TRANSPORT_KEY_UNKNOWN:
		if (c->state == CLIENT_SESSION)
			client_event(c, MTP_EVENT_KEY_UNKNOWN,
				     "the data centre does not know our key");
		client_close(c, "transport error -404");
		break;
	case MTP_TRANSPORT_FLOOD:
		client_close(c, "transport error -429: too many connections");
		break;
	case MTP_TRANSPORT_BAD_DC:
		client_close(c, "transport error -444: wrong data centre");
		break;
	default:
		client_close(c, "transport error");
	}
	return -EPROTO;
}

static void key_ready(struct mtp_client *c)
{
	const struct mtp_handshake_result *result =
		mtp_handshake_result(c->handshake);

	memcpy(c->auth.key, result->key, MTP_KEY_BYTES);
	c->auth.key_id = mtp_key_id(result->key);
	c->auth.salt = result->salt;
	c->auth.time_diff = result->time_diff;
	c->auth.present = true;
	c->time_trusted = true;
	mtp_handshake_free(&c->handshake);
	client_session_reset(c);
	c->state = CLIENT_SESSION;
	client_event(c, MTP_EVENT_KEY_CREATED, NULL);
}

static int on_plain(struct mtp_client *c, struct bytes packet)
{
	struct buf request;
	struct bytes body;
	uint32_t length;
	struct rd r;
	int rc;

	rd_init(&r, packet.p, packet.n);
	rd_skip(&r, 8 + 8);
	length = rd_le32(&r);
	body = rd_bytes(&r, length);
	if (c->state != CLIENT_HANDSHAKE || r.bad)
		return client_refuse(c, "an unencrypted message out of place");
	buf_init(&request);
	rc = mtp_handshake_input(c->handshake, body, &request, c->wall);
	if (rc == 0)
		client_send_plain(c, buf_bytes(&request));
	buf_clear(&request);
	if (rc == 1)
		key_ready(c);
	else if (rc < 0)
		return client_refuse(
			c, rc == -EPROTO ? mtp_handshake_fault(c->handshake)
					 : "out of memory");
	return 0;
}

/* NULL: the message may be read. */
static const char *message_fault(struct mtp_client *c,
				 const struct mtp_message *m)
{
	int64_t sent = mtp_id_seconds(m->msg_id);
	int64_t now = client_server_us(c) / 1000000;

	if (m->session_id != c->session_id)
		return "session_id differs";
	if (!(m->msg_id & 1))
		return "msg_id is not one of a server";
	/* Our clock may be wrong: the first message sets it, if it is newer
	 * than all before, so that a replay cannot. */
	if (!c->time_trusted && m->msg_id > c->window.highest) {
		time_adopt(c, m->msg_id);
		return NULL;
	}
	return sent < now - PAST_SECONDS || sent > now + FUTURE_SECONDS
		       ? "msg_id is too far from the time"
		       : NULL;
}

static int on_encrypted(struct mtp_client *c, struct bytes packet)
{
	struct mtp_message m;
	const char *fault;
	int err;

	if (le64_load(packet.p) != c->auth.key_id)
		return client_refuse(c, "auth_key_id differs");
	err = mtp_message_open(&m, &c->plain, &fault, packet, c->auth.key,
			       MTP_SENDER_SERVER);
	if (err)
		return client_refuse(c,
				     err == -ENOMEM ? "out of memory" : fault);
	/* What was under way when we gave that session up. */
	if (m.session_id == c->session_before && m.session_id) {
		count_add("mtproto", "old_session", 1);
		return 0;
	}
	if (m.session_id == c->session_id &&
	    mtp_window_has(&c->window, m.msg_id)) {
		/* Servers repeat what we failed to ack. */
		count_bad("mtproto", "repeated", "a message came again");
		if (m.seqno & 1)
			ack_add(c, m.msg_id);
		return 0;
	}
	fault = message_fault(c, &m);
	if (fault)
		return client_refuse(c, fault);
	mtp_client_take(c, m.msg_id, m.seqno, m.body);
	return 0;
}

int client_packet(struct bytes packet, void *arg)
{
	struct mtp_client *c = arg;
	int rc;

	if (c->state == CLIENT_CLOSING || c->state == CLIENT_DOWN)
		return -EPROTO;
	if (packet.n == 4)
		rc = on_transport_error(c, (int32_t)le32_load(packet.p));
	else if (packet.n < 20)
		rc = client_refuse(c, "a packet is too short");
	else if (!le64_load(packet.p))
		rc = on_plain(c, packet);
	else if (c->state != CLIENT_SESSION)
		rc = client_refuse(c, "an encrypted message without a key");
	else
		rc = on_encrypted(c, packet);
	client_deliver(c);
	return rc;
}
