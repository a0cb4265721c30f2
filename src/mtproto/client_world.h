/* For tests: a client engine and a server made from the cipher alone. What the
 * client sends is read back message by message. */
#ifndef MTPROTO_CLIENT_WORLD_H
#define MTPROTO_CLIENT_WORLD_H
#include "mtproto/client.h"

#include <errno.h>
#include <stdlib.h>

#include "mtproto/gzip.h"
#include "mtproto/transport.h"
#include "mtproto/wire.h"
#include "tests/check.h"

#define SECONDS ((int64_t)1700000000)
#define GET_CONFIG 0xc4f9186bu
#define BOOL_TRUE 0x997275b5u
#define UPDATES_TOO_LONG 0xe317af7eu
#define SENT_MAX 256

struct sent {
	int64_t msg_id, carrier;
	uint32_t seqno, id;
	struct bytes body; /* into t.kept */
};

static struct {
	struct mtp_client *client;
	struct mtp_codec *codec;
	uint8_t key[256];
	usec_t now;
	int64_t wall_us;
	int64_t session_id, last_id;
	int64_t salt_seen;
	struct sent sent[SENT_MAX];
	size_t sent_n;
	size_t containers;
	struct buf kept[SENT_MAX];
	size_t kept_n;
	int events[16];
	char text[128];
	int updates;
	int answers, errors, code;
	char error[64];
	size_t answer_bytes;
} t;

static inline struct wall wall(void)
{
	return (struct wall){t.wall_us};
}

static inline void on_event(enum mtp_event event, const char *text, void *arg)
{
	t.events[event]++;
	if (text)
		snprintf(t.text, sizeof(t.text), "%s", text);
}

static inline void on_update(struct bytes object, void *arg)
{
	t.updates++;
}

static inline void on_answer(const struct mtp_error *err, struct bytes answer,
			     void *arg)
{
	if (!err) {
		t.answers++;
		t.answer_bytes = answer.n;
		return;
	}
	t.errors++;
	t.code = err->code;
	snprintf(t.error, sizeof(t.error), "%s", err->text);
}

/* -- what the client sends ------------------------------------------------ */

static inline void sent_add(int64_t id, int64_t carrier, uint32_t seqno,
			    struct bytes body)
{
	if (t.sent_n == SENT_MAX)
		abort();
	t.sent[t.sent_n++] =
		(struct sent){id, carrier, seqno, wire_id(body), body};
}

static inline int on_packet(struct bytes packet, void *arg)
{
	struct buf *plain = &t.kept[t.kept_n++];
	struct mtp_message m;
	const char *fault;
	struct rd r;

	buf_init(plain);
	if (t.kept_n == SENT_MAX || mtp_message_open(&m, plain, &fault, packet,
						     t.key, MTP_SENDER_CLIENT))
		abort();
	t.session_id = m.session_id;
	t.salt_seen = m.salt;
	if (wire_id(m.body) != WIRE_MSG_CONTAINER) {
		sent_add(m.msg_id, m.msg_id, m.seqno, m.body);
		return 0;
	}
	t.containers++;
	rd_init(&r, m.body.p, m.body.n);
	rd_skip(&r, 4);
	for (uint32_t n = rd_le32(&r); n; n--) {
		int64_t id = (int64_t)rd_le64(&r);
		uint32_t seqno = rd_le32(&r);

		sent_add(id, m.msg_id, seqno, rd_bytes(&r, rd_le32(&r)));
		/* A container has the highest id and an even seqno. */
		if (id >= m.msg_id || m.seqno % 2)
			abort();
	}
	if (r.bad || r.n)
		abort();
	return 0;
}

static inline void sent_forget(void)
{
	for (size_t i = 0; i < t.kept_n; i++)
		buf_clear(&t.kept[i]);
	t.kept_n = t.sent_n = t.containers = 0;
}

/* Reads everything the client has put out since the last time. */
static inline void collect(void)
{
	struct buf *out = mtp_client_output(t.client);

	sent_forget();
	if (mtp_codec_recv(t.codec, buf_bytes(out), on_packet, NULL))
		abort();
	buf_reset(out);
}

static const struct sent *sent_find(uint32_t id)
{
	for (size_t i = 0; i < t.sent_n; i++)
		if (t.sent[i].id == id)
			return &t.sent[i];
	return NULL;
}

/* -- what the client gets ------------------------------------------------- */

static inline int64_t server_id(unsigned bits)
{
	int64_t id = (t.wall_us / 1000000) << 32;

	if (id <= t.last_id)
		id = (t.last_id & ~(int64_t)3) + 4;
	t.last_id = id | bits;
	return t.last_id;
}

static inline int give_raw(struct bytes packet)
{
	struct buf wire;
	int rc;

	buf_init(&wire);
	buf_le32(&wire, (uint32_t)packet.n);
	buf_put(&wire, packet.p, packet.n);
	rc = mtp_client_input(t.client, buf_bytes(&wire), t.now, wall());
	buf_clear(&wire);
	if (!rc)
		collect();
	return rc;
}

static inline int give_as(int64_t id, uint32_t seqno, struct bytes body)
{
	struct mtp_message m = {1, t.session_id, id, seqno, body};
	struct buf packet;
	int rc;

	buf_init(&packet);
	if (mtp_message_seal(&packet, &m, t.key, MTP_SENDER_SERVER,
			     mtp_message_padding(body.n), NULL))
		abort();
	rc = give_raw(buf_bytes(&packet));
	buf_clear(&packet);
	return rc;
}

/* Gives b as a content-related message and empties it. */
static inline void give(struct buf *b)
{
	if (give_as(server_id(1), 1, buf_bytes(b)))
		abort();
	buf_clear(b);
}

static inline void give_bad(int64_t id, uint32_t code)
{
	struct buf b;

	buf_init(&b);
	buf_le32(&b, WIRE_BAD_MSG_NOTIFICATION);
	buf_le64(&b, (uint64_t)id);
	buf_le32(&b, 1);
	buf_le32(&b, code);
	give(&b);
}

static inline void result_begin(struct buf *b, int64_t req)
{
	buf_init(b);
	buf_le32(b, WIRE_RPC_RESULT);
	buf_le64(b, (uint64_t)req);
}

static inline void give_error(int64_t req, uint32_t code, const char *text)
{
	struct buf b;

	result_begin(&b, req);
	buf_le32(&b, WIRE_RPC_ERROR);
	buf_le32(&b, code);
	wire_put_bytes(&b, bytes_str(text));
	give(&b);
}

static inline void give_true(int64_t req)
{
	struct buf b;

	result_begin(&b, req);
	buf_le32(&b, BOOL_TRUE);
	give(&b);
}

static inline void give_new_session(int64_t first)
{
	struct buf b;

	buf_init(&b);
	buf_le32(&b, WIRE_NEW_SESSION_CREATED);
	buf_le64(&b, (uint64_t)first);
	buf_le64(&b, 99);
	buf_le64(&b, 4711);
	give(&b);
}

/* -- life ----------------------------------------------------------------- */

static inline void link_up(void)
{
	mtp_codec_free(&t.codec);
	if (mtp_codec_new_server(&t.codec, NULL))
		abort();
	mtp_client_connected(t.client, t.now, wall());
	collect();
}

static inline void begin(void)
{
	struct mtp_client_conf conf = {
		.auth = {.present = true, .salt = 42},
		.identity = {.api_id = 17,
			     .device_model = "device",
			     .system_version = "system",
			     .app_version = "app",
			     .lang_code = "de"},
		.handlers = {.event = on_event, .update = on_update},
	};

	memset(&t, 0, sizeof(t));
	t.now = USEC_S;
	t.wall_us = SECONDS * 1000000;
	for (int i = 0; i < 256; i++)
		conf.auth.key[i] = t.key[i] = (uint8_t)(i * 5 + 1);
	if (mtp_client_new(&t.client, &conf))
		abort();
	link_up();
}

static inline void end(void)
{
	mtp_client_free(&t.client);
	mtp_codec_free(&t.codec);
	sent_forget();
}

/* Sends one query; what came of it is collected. */
static inline void call(unsigned flags)
{
	static const uint8_t query[] = {0x6b, 0x18, 0xf9, 0xc4};

	if (mtp_client_call(t.client, bytes_of(query, sizeof(query)), flags,
			    on_answer, NULL, t.now, wall()))
		abort();
	collect();
}

/* The session answers: from here on queries are sent without a wrapper. */
static inline void begin_inited(void)
{
	begin();
	call(0);
	give_true(t.sent[0].msg_id);
	if (t.answers != 1)
		abort();
}

#endif
