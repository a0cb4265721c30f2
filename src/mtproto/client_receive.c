/* From packets to messages: transport error, plain (key creation), encrypted.
 * A packet that fails a check of A.5 ends the connection. */
#include "mtproto/client_private.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "mtproto/wire.h"

/* "inside (now-300 s, now+30 s) of server time" */
#define PAST_SECONDS 300
#define FUTURE_SECONDS 30

static int on_transport_error(struct mtp_client *c, int32_t code)
{
	count_add("mtproto", "transport_error", 1);
	switch (code) {
	case MTP_TRANSPORT_KEY_UNKNOWN:
		if (c->temporary.present)
			client_temporary_drop(c);
		else if (c->state == CLIENT_SESSION)
			client_event(c, MTP_EVENT_KEY_UNKNOWN,
				     "the data centre does not know our key");
		client_close(c, "transport error -404");
		break;
	case MTP_TRANSPORT_FLOOD:
		client_event(c, MTP_EVENT_FLOOD, NULL);
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

static int key_ready(struct mtp_client *c)
{
	const struct mtp_handshake_result *result =
		mtp_handshake_result(c->handshake);

	if (c->auth.present) {
		client_temporary_ready(c, result);
		mtp_handshake_free(&c->handshake);
		return 0;
	}
	memcpy(c->auth.key, result->key, MTP_KEY_BYTES);
	c->auth.key_id = mtp_key_id(result->key);
	c->auth.salt = result->salt;
	c->auth.time_diff = result->time_diff;
	c->auth.present = true;
	c->time_trusted = true;
	mtp_handshake_free(&c->handshake);
	client_event(c, MTP_EVENT_KEY_CREATED, NULL);
	if (c->temporary_s)
		return client_handshake_begin(c);
	client_session_reset(c);
	c->state = CLIENT_SESSION;
	return 0;
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
	if (!c->handshake || r.bad)
		return client_refuse(c, "an unencrypted message out of place");
	buf_init(&request);
	rc = mtp_handshake_input(c->handshake, body, &request, c->wall);
	if (rc == 0)
		client_send_plain(c, buf_bytes(&request));
	buf_clear(&request);
	if (rc == 1)
		return key_ready(c);
	if (rc < 0)
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
		client_time_adopt(c, m->msg_id);
		return NULL;
	}
	return sent < now - PAST_SECONDS || sent > now + FUTURE_SECONDS
		       ? "msg_id is too far from the time"
		       : NULL;
}

/* What was under way when a temporary key was replaced. */
static int on_retired(struct mtp_client *c, struct bytes packet)
{
	struct client_retired *old = c->retired;
	int64_t now = client_server_us(c) / 1000000, sent;
	struct mtp_message m;
	const char *fault;
	int err = mtp_message_open(&m, &c->plain, &fault, packet, old->auth.key,
				   MTP_SENDER_SERVER);

	if (err)
		return client_refuse(c,
				     err == -ENOMEM ? "out of memory" : fault);
	count_add("mtproto", "old_session", 1);
	sent = mtp_id_seconds(m.msg_id);
	if (m.session_id == old->session_id && (m.msg_id & 1) &&
	    sent >= now - PAST_SECONDS && sent <= now + FUTURE_SECONDS &&
	    !mtp_window_has(&old->window, m.msg_id))
		client_retired_take(c, m.msg_id, m.seqno, m.body);
	return 0;
}

static int on_encrypted(struct mtp_client *c, struct bytes packet)
{
	struct mtp_message m;
	const char *fault;
	int err;

	if (client_retired_find(c, le64_load(packet.p)))
		return on_retired(c, packet);
	if (le64_load(packet.p) != client_key(c)->key_id)
		return client_refuse(c, "auth_key_id differs");
	err = mtp_message_open(&m, &c->plain, &fault, packet,
			       client_key(c)->key, MTP_SENDER_SERVER);
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
			client_ack_add(c, m.msg_id);
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
