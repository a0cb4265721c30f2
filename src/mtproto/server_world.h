/* For tests: a server engine and a client's side built from the cipher alone,
 * which can say what no honest client would. */
#ifndef MTPROTO_SERVER_WORLD_H
#define MTPROTO_SERVER_WORLD_H
#include "mtproto/server.h"

#include <errno.h>
#include <stdlib.h>

#include <zlib.h>

#include "mtproto/message.h"
#include "mtproto/test_key.h"
#include "mtproto/transport.h"
#include "mtproto/wire.h"
#include "tests/check.h"

#define START ((int64_t)1700000000)
#define GET_CONFIG 0xc4f9186bu
#define GET_NEAREST_DC 0x1fb33026u
#define BOOL_TRUE 0x997275b5u
#define UPDATES_TOO_LONG 0xe317af7eu
#define MINE 0x5e5510

struct call {
	int64_t msg_id;
	int32_t layer;
	bool no_updates;
	uint32_t id;
	size_t n;
};

static struct {
	struct mtp_rsa *client_keys, *rsa;
	struct mtp_sessions *sessions;
	struct mtp_server *server;
	struct mtp_codec *codec;
	struct mtp_server_conf conf;
	uint8_t key[256];
	uint64_t key_id;
	int64_t seconds, session_id, salt, last_id;
	bool answer; /* queries are answered boolTrue at once */
	struct call calls[64];
	size_t calls_n;
	char refused[256];
	int sessions_seen;
	bool destroyed;
	/* what came back */
	struct buf got; /* bodies, containers taken apart: id, seqno, n, body */
	int32_t transport_error;
	int32_t kept_layer; /* of the key, by whoever keeps the keys */
	int after_error;    /* messages behind an error in its container */
} t;

static inline struct wall wall(void)
{
	return (struct wall){t.seconds * 1000000};
}

static inline bool on_find(uint64_t key_id, uint8_t key[256], void *arg)
{
	if (key_id != t.key_id)
		return false;
	memcpy(key, t.key, sizeof(t.key));
	return true;
}

static inline void on_query(int64_t msg_id, int32_t layer, bool no_updates,
			    struct bytes query, void *arg)
{
	uint8_t yes[4];

	if (t.calls_n < 64)
		t.calls[t.calls_n++] = (struct call){msg_id, layer, no_updates,
						     wire_id(query), query.n};
	le32_store(yes, BOOL_TRUE);
	if (t.answer)
		mtp_server_answer(t.server, msg_id, bytes_of(yes, 4), wall());
}

static inline int32_t on_layer(uint64_t key_id, void *arg)
{
	return key_id == t.key_id ? t.kept_layer : 0;
}

static inline void on_session(uint64_t key_id, int64_t session_id, void *arg)
{
	t.sessions_seen++;
}

static inline void on_refused(const char *what, void *arg)
{
	snprintf(t.refused, sizeof(t.refused), "%s", what);
}

static inline void on_destroy(uint64_t key_id, void *arg)
{
	t.destroyed = key_id == t.key_id;
}

static inline void server_open(void)
{
	mtp_server_free(&t.server);
	mtp_codec_free(&t.codec);
	if (mtp_server_new(&t.server, &t.conf) ||
	    mtp_codec_new_client(&t.codec, MTP_TRANSPORT_INTERMEDIATE, NULL,
				 NULL, 0))
		abort();
}

static inline void begin(void)
{
	struct mtp_rsa *client_keys = t.client_keys, *rsa = t.rsa;

	memset(&t, 0, sizeof(t));
	t.client_keys = client_keys;
	t.rsa = rsa;
	t.seconds = START;
	t.session_id = MINE;
	t.answer = true;
	for (int i = 0; i < 256; i++)
		t.key[i] = (uint8_t)(i * 31 + 7);
	t.key_id = mtp_key_id(t.key);
	if (mtp_sessions_new(&t.sessions))
		abort();
	t.conf = (struct mtp_server_conf){
		.rsa = t.rsa,
		.dc = 2,
		.sessions = t.sessions,
		.handlers = {.find = on_find,
			     .query = on_query,
			     .session = on_session,
			     .layer = on_layer,
			     .destroy = on_destroy,
			     .refused = on_refused},
	};
	server_open();
}

static inline void end(void)
{
	mtp_server_free(&t.server);
	mtp_codec_free(&t.codec);
	mtp_sessions_free(&t.sessions);
	buf_clear(&t.got);
}

/* -- the client's side ---------------------------------------------------- */

static inline int64_t next_id(void)
{
	int64_t id = t.seconds << 32;

	if (id <= t.last_id)
		id = t.last_id + 4;
	return t.last_id = id;
}

static inline void body_keep(int64_t id, uint32_t seqno, struct bytes body)
{
	buf_le64(&t.got, (uint64_t)id);
	buf_le32(&t.got, seqno);
	buf_le32(&t.got, (uint32_t)body.n);
	buf_put(&t.got, body.p, body.n);
}

static inline bool body_is_error(struct bytes body)
{
	return body.n >= 16 && wire_id(body) == WIRE_RPC_RESULT &&
	       le32_load(body.p + 12) == WIRE_RPC_ERROR;
}

static inline int on_answer(struct bytes packet, void *arg)
{
	struct mtp_message m;
	const char *fault;
	struct buf plain;
	struct rd r;

	if (packet.n == 4) {
		t.transport_error = (int32_t)le32_load(packet.p);
		return 0;
	}
	buf_init(&plain);
	if (mtp_message_open(&m, &plain, &fault, packet, t.key,
			     MTP_SENDER_SERVER) ||
	    m.session_id != t.session_id || !(m.msg_id & 1))
		abort();
	if (wire_id(m.body) == WIRE_MSG_CONTAINER) {
		bool error = false;

		rd_init(&r, m.body.p, m.body.n);
		rd_skip(&r, 4);
		for (uint32_t n = rd_le32(&r); n; n--) {
			int64_t id = (int64_t)rd_le64(&r);
			uint32_t seqno = rd_le32(&r);
			struct bytes body = rd_bytes(&r, rd_le32(&r));

			t.after_error += error;
			error = body_is_error(body);
			body_keep(id, seqno, body);
		}
		if (r.bad || r.n)
			abort();
	} else {
		body_keep(m.msg_id, m.seqno, m.body);
	}
	buf_clear(&plain);
	return 0;
}

static inline void receive(void)
{
	struct buf *out = mtp_server_output(t.server);

	if (mtp_codec_recv(t.codec, buf_bytes(out), on_answer, NULL))
		abort();
	buf_reset(out);
}

/* Sends a sealed message and collects what comes back. */
static inline int send_padded(int64_t id, uint32_t seqno, struct bytes body,
			      size_t padding)
{
	struct mtp_message m = {t.salt, t.session_id, id, seqno, body};
	struct buf packet, wire;
	int rc;

	buf_init(&packet);
	buf_init(&wire);
	buf_reset(&t.got);
	t.refused[0] = 0;
	if (mtp_message_seal(&packet, &m, t.key, MTP_SENDER_CLIENT, padding,
			     NULL) ||
	    mtp_codec_send(t.codec, buf_bytes(&packet), &wire))
		abort();
	rc = mtp_server_input(t.server, buf_bytes(&wire), 1, wall());
	receive();
	buf_clear(&packet);
	buf_clear(&wire);
	return rc;
}

static inline void send(int64_t id, uint32_t seqno, struct bytes body)
{
	send_padded(id, seqno, body, mtp_message_padding(body.n));
}

/* The n-th answer with that constructor; empty: none. r behind the id. */
static inline bool got(uint32_t id, struct rd *r)
{
	struct rd all;

	rd_init(&all, t.got.p, t.got.n);
	while (all.n) {
		struct bytes body;

		rd_skip(&all, 12);
		body = rd_bytes(&all, rd_le32(&all));
		if (all.bad)
			return false;
		if (wire_id(body) != id)
			continue;
		rd_init(r, body.p + 4, body.n - 4);
		return true;
	}
	return false;
}

static inline uint32_t bad_code(int64_t *idp)
{
	struct rd r;

	if (!got(WIRE_BAD_MSG_NOTIFICATION, &r) &&
	    !got(WIRE_BAD_SERVER_SALT, &r))
		return 0;
	*idp = (int64_t)rd_le64(&r);
	rd_skip(&r, 4);
	return rd_le32(&r);
}

static inline void put_wrapped(struct buf *b, uint32_t layer, uint32_t query)
{
	buf_le32(b, WIRE_INVOKE_WITH_LAYER);
	buf_le32(b, layer);
	buf_le32(b, WIRE_INIT_CONNECTION);
	buf_le32(b, 0);
	buf_le32(b, 4);
	for (int i = 0; i < 6; i++)
		wire_put_bytes(b, bytes_str("x"));
	if (query)
		buf_le32(b, query);
}

/* Gets the right salt, then opens the session with one wrapped query. */
static inline void settle(void)
{
	struct buf b;
	struct rd r;

	buf_init(&b);
	put_wrapped(&b, 223, GET_CONFIG);
	send(next_id(), 1, buf_bytes(&b));
	if (!got(WIRE_BAD_SERVER_SALT, &r))
		abort();
	rd_skip(&r, 16);
	t.salt = (int64_t)rd_le64(&r);
	send(next_id(), 1, buf_bytes(&b));
	buf_clear(&b);
}

static inline struct bytes simple(uint32_t id)
{
	static uint8_t raw[8];

	le32_store(raw, id);
	return bytes_of(raw, 4);
}

static inline void code_check(int64_t id, uint32_t seqno, struct bytes body,
			      uint32_t code)
{
	int64_t bad = 0;
	size_t calls = t.calls_n;

	send(id, seqno, body);
	CHECK_INT(bad_code(&bad), code);
	CHECK(bad == id);
	CHECK_INT(t.calls_n, calls); /* not executed */
}

#endif
