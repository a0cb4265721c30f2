#include "mtproto/server_private.h"

#include <errno.h>
#include <stdlib.h>

#include "mtproto/wire.h"

#define OUTGOING_MAX 2000
#define CONTAINER_BYTES ((size_t)256 << 10)
#define CONTAINER_MESSAGES 100
#define OFF_SECONDS 600

static void outgoing_free(struct server_session *session,
			  struct server_outgoing *o)
{
	TAILQ_REMOVE(&session->outgoing, o, link);
	session->outgoing_n--;
	buf_clear(&o->body);
	free(o);
}

void server_outgoing_clear(struct server_session *session)
{
	struct server_outgoing *o;

	while ((o = TAILQ_FIRST(&session->outgoing)))
		outgoing_free(session, o);
}

void server_put(struct mtp_server *s, struct server_session *session,
		struct buf *body, bool content, unsigned bits,
		int64_t answer_to)
{
	struct server_outgoing *o = body->bad ? NULL : calloc(1, sizeof(*o));

	if (!o) {
		buf_clear(body);
		return;
	}
	if (session->outgoing_n == OUTGOING_MAX)
		outgoing_free(session, TAILQ_FIRST(&session->outgoing));
	o->msg_id = mtp_sequence_id(&session->sequence, s->wall.us, bits);
	o->seqno = mtp_sequence_number(&session->sequence, content);
	o->answer_to = answer_to;
	o->body = *body;
	buf_init(body);
	TAILQ_INSERT_TAIL(&session->outgoing, o, link);
	session->outgoing_n++;
}

/* -- acks ----------------------------------------------------------------- */

void server_ack(struct server_session *session, int64_t msg_id)
{
	size_t max = sizeof(session->acks) / sizeof(session->acks[0]);

	if (session->acks_n < max)
		session->acks[session->acks_n++] = msg_id;
}

static void acks_put(struct mtp_server *s, struct server_session *session)
{
	struct buf b;

	if (!session->acks_n)
		return;
	buf_init(&b);
	buf_le32(&b, WIRE_MSGS_ACK);
	wire_put_vector_long(&b, session->acks, session->acks_n);
	session->acks_n = 0;
	server_put(s, session, &b, false, 1, 0);
}

void server_acked(struct server_session *session, int64_t msg_id)
{
	struct server_outgoing *o;

	TAILQ_FOREACH(o, &session->outgoing, link)
	{
		if (o->msg_id != msg_id)
			continue;
		outgoing_free(session, o);
		return;
	}
}

bool server_repeat(struct server_session *session, int64_t msg_id,
		   int64_t answer_to)
{
	struct server_outgoing *o;
	bool found = false;

	TAILQ_FOREACH(o, &session->outgoing, link)
	{
		if (!o->sent || (msg_id && o->msg_id != msg_id) ||
		    (answer_to && o->answer_to != answer_to))
			continue;
		o->sent = false;
		o->repeated = true;
		found = true;
	}
	return found;
}

void server_repeat_all(struct server_session *session)
{
	server_repeat(session, 0, 0);
}

/* -- packets -------------------------------------------------------------- */

static void packet_seal(struct mtp_server *s, struct mtp_message *m,
			struct buf *packet)
{
	enum mtp_hostile hostile = s->conf.hostile;
	size_t padding = mtp_message_padding(m->body.n);

	if (hostile == MTP_HOSTILE_SESSION)
		m->session_id ^= 1;
	if (hostile == MTP_HOSTILE_MSG_ID)
		m->msg_id -= m->msg_id & 1;
	if (hostile == MTP_HOSTILE_MSG_ID_TIME)
		m->msg_id -= (int64_t)OFF_SECONDS << 32;
	/* Too little when that leaves whole blocks, else too much. */
	if (hostile == MTP_HOSTILE_PADDING) {
		padding = (16 - m->body.n % 16) % 16;
		if (padding >= MTP_PADDING_MIN)
			padding += 2048;
	}
	if (mtp_message_seal(packet, m, s->key, MTP_SENDER_SERVER, padding,
			     NULL))
		return;
	if (hostile == MTP_HOSTILE_MSG_KEY)
		packet->p[8] ^= 1;
}

static void message_send(struct mtp_server *s, struct server_session *session,
			 struct mtp_message *m)
{
	struct buf packet;

	m->session_id = session->session_id;
	m->salt = server_salt_at(s->conf.sessions, session->key_id,
				 s->wall.us / 1000000 / SERVER_SALT_SECONDS);
	buf_init(&packet);
	packet_seal(s, m, &packet);
	if (packet.n)
		mtp_codec_send(s->codec, buf_bytes(&packet), &s->out);
	if (packet.n && s->conf.hostile == MTP_HOSTILE_REPLAY)
		mtp_codec_send(s->codec, buf_bytes(&packet), &s->out);
	buf_clear(&packet);
}

static void container_add(struct buf *b, const struct server_outgoing *o)
{
	buf_le64(b, (uint64_t)o->msg_id);
	buf_le32(b, o->seqno);
	buf_le32(b, (uint32_t)o->body.n);
	buf_put(b, o->body.p, o->body.n);
}

/* What was sent and needs no ack is done with. */
static void outgoing_sent(struct server_session *session,
			  struct server_outgoing *o)
{
	o->sent = true;
	if (!(o->seqno & 1))
		outgoing_free(session, o);
}

/* Seen with gramjs 2.26 (2026-11): whatever follows an error in a container is
 * dropped unread, so an error is the last of its container. */
static bool is_error(const struct server_outgoing *o)
{
	return o->body.n >= 16 && le32_load(o->body.p) == WIRE_RPC_RESULT &&
	       le32_load(o->body.p + 12) == WIRE_RPC_ERROR;
}

static void container_send(struct mtp_server *s, struct server_session *session)
{
	struct server_outgoing *o, *next;
	struct mtp_message m = {0};
	struct buf b;
	uint32_t count = 0;
	bool full = false;

	buf_init(&b);
	buf_le32(&b, WIRE_MSG_CONTAINER);
	buf_le32(&b, 0);
	for (o = TAILQ_FIRST(&session->outgoing); o && !full; o = next) {
		next = TAILQ_NEXT(o, link);
		if (o->sent)
			continue;
		if (count == CONTAINER_MESSAGES ||
		    (count && b.n + o->body.n > CONTAINER_BYTES))
			break;
		container_add(&b, o);
		count++;
		full = is_error(o);
		outgoing_sent(session, o);
	}
	m.msg_id = mtp_sequence_id(&session->sequence, s->wall.us, 3);
	m.seqno = mtp_sequence_number(&session->sequence, false);
	if (!b.bad) {
		le32_store(b.p + 4, count);
		m.body = buf_bytes(&b);
		message_send(s, session, &m);
	}
	buf_clear(&b);
}

static size_t unsent_count(const struct server_session *session,
			   struct server_outgoing **firstp)
{
	struct server_outgoing *o;
	size_t n = 0;

	TAILQ_FOREACH(o, &session->outgoing, link)
	if (!o->sent && !n++)
		*firstp = o;
	return n;
}

void server_flush(struct mtp_server *s, struct server_session *session)
{
	struct server_outgoing *o = NULL;
	size_t n;

	if (s->busy || session->owner != s ||
	    !server_key_select(s, session->key_id))
		return;
	acks_put(s, session);
	while ((n = unsent_count(session, &o))) {
		struct mtp_message m;

		if (n > 1 || o->repeated) {
			container_send(s, session);
			continue;
		}
		m = (struct mtp_message){.msg_id = o->msg_id,
					 .seqno = o->seqno,
					 .body = buf_bytes(&o->body)};
		message_send(s, session, &m);
		outgoing_sent(session, o);
	}
}

void server_transport_error(struct mtp_server *s, int32_t code)
{
	uint8_t raw[4];

	le32_store(raw, (uint32_t)code);
	mtp_codec_send(s->codec, bytes_of(raw, sizeof(raw)), &s->out);
}

void server_plain(struct mtp_server *s, struct bytes body)
{
	struct buf packet;

	buf_init(&packet);
	buf_le64(&packet, 0);
	buf_le64(&packet,
		 (uint64_t)mtp_sequence_id(&s->plain_sequence, s->wall.us, 1));
	buf_le32(&packet, (uint32_t)body.n);
	buf_put(&packet, body.p, body.n);
	if (!packet.bad)
		mtp_codec_send(s->codec, buf_bytes(&packet), &s->out);
	buf_clear(&packet);
}
