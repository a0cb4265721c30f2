/* Every flush collects what is due into one packet:
 *
 *   state request, resend request, ping, salt request, acks, queries
 *
 * Each is numbered as it is added; more than one go into a container, which is
 * numbered last and so has the highest id. */
#include "mtproto/client_private.h"

#include <string.h>

#include "mtproto/gzip.h"
#include "mtproto/wire.h"
#include "tl/tl.h"

/* "td packs at most 1000 queries or 32 KiB" */
#define BATCH_MESSAGES 1000
#define BATCH_BYTES ((size_t)32 << 10)
#define COMPRESS_FROM 512
#define CONTAINER_HEAD 8
#define MESSAGE_HEAD 16
#define DISCONNECT_DELAY 75 /* seconds, as tdesktop (A.6) */
#define SALTS_ASKED 32
#define SALTS_LOW_SECONDS 3600
#define SALT_MARGIN 60 /* seconds a salt is in force before we use it */

struct batch {
	struct buf b;
	size_t count;
	size_t open; /* where the head of the message being written is */
};

int64_t client_server_us(const struct mtp_client *c)
{
	return c->wall.us + (int64_t)c->auth.time_diff * 1000000;
}

/* -- one message of a batch ----------------------------------------------- */

static int64_t message_open(struct mtp_client *c, struct batch *t, bool content)
{
	int64_t id = mtp_sequence_id(&c->sequence, client_server_us(c), 0);

	t->open = t->b.n;
	buf_le64(&t->b, (uint64_t)id);
	buf_le32(&t->b, mtp_sequence_number(&c->sequence, content));
	buf_le32(&t->b, 0);
	return id;
}

static void message_close(struct batch *t)
{
	if (t->b.bad)
		return;
	le32_store(t->b.p + t->open + 12,
		   (uint32_t)(t->b.n - t->open - MESSAGE_HEAD));
	t->count++;
}

/* -- services ------------------------------------------------------------- */

static void states_put(struct mtp_client *c, struct batch *t)
{
	if (!c->states.due)
		return;
	c->states.due = false;
	c->states.id = message_open(c, t, false);
	c->states.carrier = 0;
	buf_le32(&t->b, WIRE_MSGS_STATE_REQ);
	wire_put_vector_long(&t->b, c->state_ids, c->states_n);
	message_close(t);
}

static void info_put(struct mtp_client *c, struct batch *t)
{
	if (!c->info_for)
		return;
	message_open(c, t, false);
	buf_le32(&t->b, WIRE_MSGS_STATE_INFO);
	buf_le64(&t->b, (uint64_t)c->info_for);
	wire_put_bytes(&t->b, buf_bytes(&c->info));
	message_close(t);
	c->info_for = 0;
}

static void resends_put(struct mtp_client *c, struct batch *t)
{
	if (!c->resends_n)
		return;
	message_open(c, t, false);
	buf_le32(&t->b, WIRE_MSG_RESEND_REQ);
	wire_put_vector_long(&t->b, c->resends, c->resends_n);
	message_close(t);
	c->resends_n = 0;
}

static bool salts_low(const struct mtp_client *c)
{
	int64_t now = client_server_us(c) / 1000000;

	return !c->salts_n ||
	       c->salts[c->salts_n - 1].until < now + SALTS_LOW_SECONDS;
}

static void ping_put(struct mtp_client *c, struct batch *t)
{
	if (!c->ping.due)
		return;
	c->ping.due = false;
	c->ping.id = message_open(c, t, false);
	c->ping.carrier = 0;
	buf_le32(&t->b, WIRE_PING_DELAY_DISCONNECT);
	buf_le64(&t->b, (uint64_t)mtp_random_long(&c->random));
	buf_le32(&t->b, DISCONNECT_DELAY);
	message_close(t);
	c->ping_next = c->now + c->ping_interval;
	if (salts_low(c))
		c->ask_salts.due = true;
}

static void salts_put(struct mtp_client *c, struct batch *t)
{
	if (!c->ask_salts.due)
		return;
	c->ask_salts.due = false;
	c->ask_salts.id = message_open(c, t, false);
	c->ask_salts.carrier = 0;
	buf_le32(&t->b, WIRE_GET_FUTURE_SALTS);
	buf_le32(&t->b, SALTS_ASKED);
	message_close(t);
}

static void destroy_put(struct mtp_client *c, struct batch *t)
{
	if (!c->destroy.due)
		return;
	c->destroy.due = false;
	c->destroy.id = message_open(c, t, false);
	c->destroy.carrier = 0;
	buf_le32(&t->b, WIRE_DESTROY_AUTH_KEY);
	message_close(t);
}

static void acks_put(struct mtp_client *c, struct batch *t)
{
	int64_t id;

	if (!c->acks_n)
		return;
	id = message_open(c, t, false);
	buf_le32(&t->b, WIRE_MSGS_ACK);
	wire_put_vector_long(&t->b, c->acks, c->acks_n);
	message_close(t);
	for (size_t i = 0; i < c->acks_n; i++) {
		c->acked[c->acked_next] = (struct client_acked){c->acks[i], id};
		c->acked_next = (c->acked_next + 1) % (CLIENT_ACKS_MAX * 2);
	}
	c->acks_n = 0;
	c->acks_deadline = USEC_NEVER;
}

/* -- queries -------------------------------------------------------------- */

/* A.7: invokeWithLayer around initConnection around the query. */
static void wrapper_put(const struct mtp_client *c, struct buf *b)
{
	buf_le32(b, WIRE_INVOKE_WITH_LAYER);
	buf_le32(b, TL_LAYER);
	buf_le32(b, WIRE_INIT_CONNECTION);
	buf_le32(b, 0); /* flags */
	buf_le32(b, (uint32_t)c->api_id);
	wire_put_bytes(b, bytes_str(c->device_model));
	wire_put_bytes(b, bytes_str(c->system_version));
	wire_put_bytes(b, bytes_str(c->app_version));
	wire_put_bytes(b, bytes_str(c->lang_code)); /* system_lang_code */
	/* "lang_pack must be an empty string for third-party clients" */
	wire_put_bytes(b, bytes_str(""));
	wire_put_bytes(b, bytes_str(c->lang_code));
}

/* The unanswered ORDERED query before this one; 0: none. */
static int64_t condition_find(const struct client_query *q)
{
	const struct client_query *p = q;

	if (!(q->flags & MTP_CALL_ORDERED) || q->unordered)
		return 0;
	while ((p = TAILQ_PREV(p, client_queries, link)))
		if (p->flags & MTP_CALL_ORDERED)
			return p->msg_id;
	return 0;
}

static void query_put(struct mtp_client *c, struct batch *t,
		      struct client_query *q)
{
	int64_t condition = condition_find(q);

	q->msg_id = message_open(c, t, true);
	q->carrier = 0;
	q->batch = c->batch;
	if (!c->inited)
		wrapper_put(c, &t->b);
	if (condition) {
		buf_le32(&t->b, WIRE_INVOKE_AFTER_MSG);
		buf_le64(&t->b, (uint64_t)condition);
	}
	if (q->flags & MTP_CALL_NO_UPDATES)
		buf_le32(&t->b, WIRE_INVOKE_WITHOUT_UPDATES);
	if (q->body.n < COMPRESS_FROM ||
	    mtp_gzip_pack(&t->b, buf_bytes(&q->body)))
		buf_put(&t->b, q->body.p, q->body.n);
	message_close(t);
}

/* False when some query is left for the next packet. */
static bool queries_put(struct mtp_client *c, struct batch *t)
{
	struct client_query *q;

	/* Before the key is changed all that was asked is to be answered. */
	if (c->next.present)
		return true;
	TAILQ_FOREACH(q, &c->queries, link)
	{
		if (q->msg_id)
			continue;
		if (t->count >= BATCH_MESSAGES ||
		    (t->count && t->b.n + q->body.n > BATCH_BYTES))
			return false;
		query_put(c, t, q);
	}
	return true;
}

/* -- the packet ----------------------------------------------------------- */

static void carriers_set(struct mtp_client *c, int64_t first, int64_t id)
{
	struct client_service *services[] = {&c->ping, &c->states,
					     &c->ask_salts, &c->destroy};
	struct client_query *q;

	TAILQ_FOREACH(q, &c->queries, link)
	if (q->msg_id && q->batch == c->batch)
		q->carrier = id;
	for (size_t i = 0; i < sizeof(services) / sizeof(*services); i++)
		if (services[i]->id >= first)
			services[i]->carrier = id;
	for (size_t i = 0; i < CLIENT_ACKS_MAX * 2; i++)
		if (c->acked[i].carrier >= first)
			c->acked[i].carrier = id;
}

void client_packet_send(struct mtp_client *c, const struct mtp_message *m)
{
	struct buf packet;

	buf_init(&packet);
	if (mtp_message_seal(&packet, m, client_key(c)->key, MTP_SENDER_CLIENT,
			     mtp_message_padding(m->body.n), &c->random) ||
	    mtp_codec_send(c->codec, buf_bytes(&packet), &c->out))
		client_close(c, "out of memory");
	buf_clear(&packet);
}

static void batch_send(struct mtp_client *c, struct batch *t)
{
	uint8_t *first = t->b.p + CONTAINER_HEAD;
	struct mtp_message m = {
		.salt = client_key(c)->salt,
		.session_id = c->session_id,
		.msg_id = (int64_t)le64_load(first),
		.seqno = le32_load(first + 8),
	};

	if (t->count == 1) {
		m.body = bytes_of(first + MESSAGE_HEAD,
				  t->b.n - CONTAINER_HEAD - MESSAGE_HEAD);
	} else {
		int64_t first_id = m.msg_id;

		le32_store(t->b.p, WIRE_MSG_CONTAINER);
		le32_store(t->b.p + 4, (uint32_t)t->count);
		m.msg_id =
			mtp_sequence_id(&c->sequence, client_server_us(c), 0);
		m.seqno = mtp_sequence_number(&c->sequence, false);
		m.body = buf_bytes(&t->b);
		carriers_set(c, first_id, m.msg_id);
	}
	client_packet_send(c, &m);
}

/* Salts change about every half hour; the newest one that has surely begun. */
static void salt_choose(struct mtp_client *c)
{
	int64_t t = client_server_us(c) / 1000000 - SALT_MARGIN;
	const struct client_salt *best = NULL;
	struct mtp_auth *key = client_key(c);

	for (size_t i = 0; i < c->salts_n; i++)
		if (c->salts[i].since <= t && t < c->salts[i].until &&
		    (!best || c->salts[i].since > best->since))
			best = &c->salts[i];
	if (!best || best->salt == key->salt)
		return;
	key->salt = best->salt;
	if (key == &c->auth)
		client_event(c, MTP_EVENT_SALT, NULL);
}

static bool something_due(const struct mtp_client *c)
{
	struct client_query *q;

	if (c->states.due || c->ping.due || c->ask_salts.due ||
	    c->destroy.due || c->resends_n || c->info_for ||
	    c->acks_n == CLIENT_ACKS_MAX ||
	    (c->acks_n && c->acks_deadline <= c->now))
		return true;
	if (c->next.present)
		return false;
	TAILQ_FOREACH(q, &c->queries, link)
	if (!q->msg_id)
		return true;
	return false;
}

void client_flush(struct mtp_client *c)
{
	bool all = false;

	if (c->state == CLIENT_SESSION && client_unbound(c))
		client_bind_flush(c);
	if (c->state != CLIENT_SESSION || c->busy || client_unbound(c) ||
	    !something_due(c))
		return;
	salt_choose(c);
	while (!all && c->state == CLIENT_SESSION) {
		struct batch t = {0};

		c->batch++;
		buf_init(&t.b);
		buf_fill(&t.b, 0, CONTAINER_HEAD);
		states_put(c, &t);
		info_put(c, &t);
		resends_put(c, &t);
		ping_put(c, &t);
		salts_put(c, &t);
		destroy_put(c, &t);
		acks_put(c, &t);
		all = queries_put(c, &t);
		if (t.b.bad)
			client_close(c, "out of memory");
		else if (t.count)
			batch_send(c, &t);
		buf_clear(&t.b);
	}
}

/* "Plain message: int64 0, int64 msg_id, int32 length, body." */
void client_send_plain(struct mtp_client *c, struct bytes body)
{
	struct buf packet;

	buf_init(&packet);
	buf_le64(&packet, 0);
	buf_le64(&packet, (uint64_t)mtp_sequence_id(&c->plain_sequence,
						    client_server_us(c), 0));
	buf_le32(&packet, (uint32_t)body.n);
	buf_put(&packet, body.p, body.n);
	if (packet.bad || mtp_codec_send(c->codec, buf_bytes(&packet), &c->out))
		client_close(c, "out of memory");
	buf_clear(&packet);
}
