#include "mtproto/server_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mtproto/wire.h"

int mtp_server_new(struct mtp_server **sp, const struct mtp_server_conf *conf)
{
	struct mtp_server *s;
	int err;

	if (!conf->rsa || !conf->sessions)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->conf = *conf;
	s->disconnect = USEC_NEVER;
	buf_init(&s->out);
	buf_init(&s->plain);
	err = mtp_codec_new_server(&s->codec, conf->secret);
	if (!err)
		err = mtp_acceptor_new(&s->acceptor, conf->rsa, conf->dc,
				       conf->hostile);
	if (err)
		mtp_server_free(&s);
	else
		*sp = s;
	return err;
}

void mtp_server_free(struct mtp_server **sp)
{
	struct mtp_server *s = *sp;

	if (!s)
		return;
	server_sessions_release(s);
	mtp_codec_free(&s->codec);
	mtp_acceptor_free(&s->acceptor);
	buf_clear(&s->out);
	buf_clear(&s->plain);
	bytes_wipe(s, sizeof(*s));
	free(s);
	*sp = NULL;
}

struct buf *mtp_server_output(struct mtp_server *s)
{
	return &s->out;
}

/* -- packets -------------------------------------------------------------- */

/* A peer that breaks the cipher's rules learns no more than -404. */
static int packet_refuse(struct mtp_server *s, const char *what)
{
	server_refused(s, what);
	server_transport_error(s, MTP_TRANSPORT_KEY_UNKNOWN);
	return -EPROTO;
}

static int key_made(struct mtp_server *s)
{
	const struct mtp_acceptor_result *result =
		mtp_acceptor_result(s->acceptor);
	uint64_t key_id = mtp_key_id(result->key);
	int err = server_salt_first(s->conf.sessions, key_id, result->salt,
				    s->wall.us / 1000000);

	if (!err && s->conf.handlers.key)
		s->conf.handlers.key(key_id, result->key, result->expires_in,
				     result->salt, s->conf.arg);
	return err;
}

static int on_plain(struct mtp_server *s, struct bytes packet)
{
	struct buf answer;
	struct bytes body;
	struct rd r;
	int rc;

	rd_init(&r, packet.p, packet.n);
	rd_skip(&r, 8);
	rd_skip(&r, 8); /* msg_id: TDLib's probes have a constant 1 there */
	body = rd_bytes(&r, rd_le32(&r));
	if (r.bad)
		return packet_refuse(s, "unencrypted message is malformed");
	buf_init(&answer);
	rc = mtp_acceptor_input(s->acceptor, body, &answer, s->wall);
	if (rc >= 0)
		server_plain(s, buf_bytes(&answer));
	buf_clear(&answer);
	if (rc == -EPROTO)
		return packet_refuse(s, mtp_acceptor_fault(s->acceptor));
	return rc == 1 ? key_made(s) : rc;
}

bool server_key_select(struct mtp_server *s, uint64_t key_id)
{
	uint8_t key[MTP_KEY_BYTES];

	if (s->key_id == key_id)
		return true;
	if (!s->conf.handlers.find ||
	    !s->conf.handlers.find(key_id, key, s->conf.arg))
		return false;
	memcpy(s->key, key, sizeof(key));
	bytes_wipe(key, sizeof(key));
	s->key_id = key_id;
	return true;
}

static int on_encrypted(struct mtp_server *s, struct bytes packet)
{
	struct server_session *session, *before = s->session;
	struct mtp_message m;
	const char *fault;
	int err;

	if (!server_key_select(s, le64_load(packet.p))) {
		/* The client decides what to do; TDLib closes by itself. */
		packet_refuse(s, "auth_key_id unknown");
		return 0;
	}
	err = mtp_message_open(&m, &s->plain, &fault, packet, s->key,
			       MTP_SENDER_CLIENT);
	if (err == -ENOMEM)
		return err;
	if (err)
		return packet_refuse(s, fault);
	if (!m.session_id || m.body.n < 4)
		return packet_refuse(s, m.session_id ? "message is empty"
						     : "session_id is zero");
	session = server_session_take(s, s->key_id, m.session_id);
	if (!session)
		return -ENOMEM;
	if (session != before && session->announced && s->conf.handlers.session)
		s->conf.handlers.session(session->key_id, session->session_id,
					 s->conf.arg);
	server_message(s, session, &m);
	s->busy = false;
	server_flush(s, session);
	s->busy = true;
	return 0;
}

static int server_packet(struct bytes packet, void *arg)
{
	struct mtp_server *s = arg;

	if (packet.n < 20)
		return packet_refuse(s, "packet is too short");
	if (!le64_load(packet.p))
		return on_plain(s, packet);
	return on_encrypted(s, packet);
}

int mtp_server_input(struct mtp_server *s, struct bytes in, usec_t now,
		     struct wall wall)
{
	int rc;

	s->now = now;
	s->wall = wall;
	s->busy = true;
	rc = mtp_codec_recv(s->codec, in, server_packet, s);
	s->busy = false;
	return rc;
}

/* -- time ----------------------------------------------------------------- */

usec_t mtp_server_deadline(const struct mtp_server *s)
{
	return s->expired ? USEC_NEVER : s->disconnect;
}

void mtp_server_timeout(struct mtp_server *s, usec_t now, struct wall wall)
{
	s->now = now;
	s->wall = wall;
	if (now >= s->disconnect)
		s->expired = true;
}

bool mtp_server_expired(const struct mtp_server *s)
{
	return s->expired;
}

/* -- updates -------------------------------------------------------------- */

int mtp_server_push(struct mtp_server *s, struct bytes updates,
		    struct wall wall)
{
	struct buf b;

	if (!s->session || !s->session->announced)
		return -ENOTCONN;
	s->wall = wall;
	buf_init(&b);
	buf_put(&b, updates.p, updates.n);
	server_put(s, s->session, &b, true, 3, 0);
	server_flush(s, s->session);
	return 0;
}
