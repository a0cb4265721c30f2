/* The strict server, met by packets built here from the cipher alone: every
 * refusal must be the one Telegram gives. */
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
} t;

static struct wall wall(void)
{
	return (struct wall){t.seconds * 1000000};
}

static bool on_find(uint64_t key_id, uint8_t key[256], void *arg)
{
	if (key_id != t.key_id)
		return false;
	memcpy(key, t.key, sizeof(t.key));
	return true;
}

static void on_query(int64_t msg_id, int32_t layer, bool no_updates,
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

static void on_session(uint64_t key_id, int64_t session_id, void *arg)
{
	t.sessions_seen++;
}

static void on_refused(const char *what, void *arg)
{
	snprintf(t.refused, sizeof(t.refused), "%s", what);
}

static void on_destroy(uint64_t key_id, void *arg)
{
	t.destroyed = key_id == t.key_id;
}

static void server_open(void)
{
	mtp_server_free(&t.server);
	mtp_codec_free(&t.codec);
	if (mtp_server_new(&t.server, &t.conf) ||
	    mtp_codec_new_client(&t.codec, MTP_TRANSPORT_INTERMEDIATE, NULL, 0))
		abort();
}

static void begin(void)
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
			     .destroy = on_destroy,
			     .refused = on_refused},
	};
	server_open();
}

static void end(void)
{
	mtp_server_free(&t.server);
	mtp_codec_free(&t.codec);
	mtp_sessions_free(&t.sessions);
	buf_clear(&t.got);
}

/* -- the client's side ---------------------------------------------------- */

static int64_t next_id(void)
{
	int64_t id = t.seconds << 32;

	if (id <= t.last_id)
		id = t.last_id + 4;
	return t.last_id = id;
}

static void body_keep(int64_t id, uint32_t seqno, struct bytes body)
{
	buf_le64(&t.got, (uint64_t)id);
	buf_le32(&t.got, seqno);
	buf_le32(&t.got, (uint32_t)body.n);
	buf_put(&t.got, body.p, body.n);
}

static int on_answer(struct bytes packet, void *arg)
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
		rd_init(&r, m.body.p, m.body.n);
		rd_skip(&r, 4);
		for (uint32_t n = rd_le32(&r); n; n--) {
			int64_t id = (int64_t)rd_le64(&r);
			uint32_t seqno = rd_le32(&r);

			body_keep(id, seqno, rd_bytes(&r, rd_le32(&r)));
		}
		if (r.bad || r.n)
			abort();
	} else {
		body_keep(m.msg_id, m.seqno, m.body);
	}
	buf_clear(&plain);
	return 0;
}

static void receive(void)
{
	struct buf *out = mtp_server_output(t.server);

	if (mtp_codec_recv(t.codec, buf_bytes(out), on_answer, NULL))
		abort();
	buf_reset(out);
}

/* Sends a sealed message and collects what comes back. */
static int send_padded(int64_t id, uint32_t seqno, struct bytes body,
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

static void send(int64_t id, uint32_t seqno, struct bytes body)
{
	send_padded(id, seqno, body, mtp_message_padding(body.n));
}

/* The n-th answer with that constructor; empty: none. r behind the id. */
static bool got(uint32_t id, struct rd *r)
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

static uint32_t bad_code(int64_t *idp)
{
	struct rd r;

	if (!got(WIRE_BAD_MSG_NOTIFICATION, &r) &&
	    !got(WIRE_BAD_SERVER_SALT, &r))
		return 0;
	*idp = (int64_t)rd_le64(&r);
	rd_skip(&r, 4);
	return rd_le32(&r);
}

static void put_wrapped(struct buf *b, uint32_t layer, uint32_t query)
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
static void settle(void)
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

static struct bytes simple(uint32_t id)
{
	static uint8_t raw[8];

	le32_store(raw, id);
	return bytes_of(raw, 4);
}

/* -- refusals of numbers -------------------------------------------------- */

static void code_check(int64_t id, uint32_t seqno, struct bytes body,
		       uint32_t code)
{
	int64_t bad = 0;
	size_t calls = t.calls_n;

	send(id, seqno, body);
	CHECK_INT(bad_code(&bad), code);
	CHECK(bad == id);
	CHECK_INT(t.calls_n, calls); /* not executed */
}

static void test_server_refuses_wrong_salt_with_the_right_one(void)
{
	begin();
	settle(); /* met bad_server_salt on its way */
	CHECK_INT(t.calls_n, 1);
	CHECK_INT(t.calls[0].layer, 223);
	CHECK_INT(t.calls[0].id, GET_CONFIG);
	t.salt ^= 1;
	code_check(next_id(), 3, simple(GET_CONFIG), 48);
	CHECK_STR(t.refused, "wrong salt");
	end();
}

static void test_server_refuses_msg_id_too_low(void)
{
	begin();
	settle();
	code_check((START - 301) << 32, 3, simple(GET_CONFIG), 16);
	end();
}

static void test_server_refuses_msg_id_too_high(void)
{
	begin();
	settle();
	code_check((START + 31) << 32, 3, simple(GET_CONFIG), 17);
	end();
}

static void test_server_refuses_msg_id_low_bits(void)
{
	begin();
	settle();
	code_check(next_id() + 1, 3, simple(GET_CONFIG), 18);
	code_check(next_id() + 2, 3, simple(GET_CONFIG), 18);
	end();
}

static void test_server_refuses_msg_id_too_old_to_tell(void)
{
	int64_t id;

	begin();
	settle();
	id = next_id();
	for (unsigned i = 0; i < 600; i++)
		send(next_id(), 3 + 2 * i, simple(GET_CONFIG));
	code_check(id, 3, simple(GET_CONFIG), 20);
	end();
}

static void test_server_refuses_seqno_too_low(void)
{
	begin();
	settle();
	send(next_id(), 11, simple(GET_CONFIG));
	code_check(next_id(), 9, simple(GET_CONFIG), 32);
	code_check(next_id(), 11, simple(GET_CONFIG), 32);
	end();
}

static void test_server_refuses_seqno_too_high(void)
{
	int64_t early;

	begin();
	settle();
	early = next_id();
	send(next_id(), 3, simple(GET_CONFIG));
	code_check(early, 5, simple(GET_CONFIG), 33);
	end();
}

static void test_server_refuses_odd_seqno_where_even_is_due(void)
{
	struct buf b;

	begin();
	settle();
	buf_init(&b);
	buf_le32(&b, WIRE_MSG_CONTAINER);
	buf_le32(&b, 1);
	buf_le64(&b, (uint64_t)next_id());
	buf_le32(&b, 2);
	buf_le32(&b, 12);
	buf_le32(&b, WIRE_PING);
	buf_le64(&b, 1);
	code_check(next_id(), 3, buf_bytes(&b), 34);
	buf_clear(&b);
	end();
}

/* mtcute numbers its acks like queries. */
static void test_server_takes_acks_of_either_parity(void)
{
	int64_t bad = 0;
	struct buf b;

	begin();
	settle();
	buf_init(&b);
	buf_le32(&b, WIRE_MSGS_ACK);
	wire_put_vector_long(&b, &t.last_id, 1);
	send(next_id(), 3, buf_bytes(&b));
	CHECK_INT(bad_code(&bad), 0);
	send(next_id(), 4, buf_bytes(&b));
	CHECK_INT(bad_code(&bad), 0);
	buf_clear(&b);
	end();
}

static void test_server_refuses_even_seqno_where_odd_is_due(void)
{
	begin();
	settle();
	code_check(next_id(), 2, simple(GET_CONFIG), 35);
	end();
}

/* A query counts whether it is compressed or not. */
static void test_server_refuses_even_seqno_of_compressed_query(void)
{
	uint8_t raw[4], packed[64];
	uLongf n = sizeof(packed);
	struct buf b;

	begin();
	settle();
	le32_store(raw, GET_CONFIG);
	compress(packed, &n, raw, 4);
	buf_init(&b);
	buf_le32(&b, WIRE_GZIP_PACKED);
	wire_put_bytes(&b, bytes_of(packed, n));
	code_check(next_id(), 2, buf_bytes(&b), 35);
	send(next_id(), 3, buf_bytes(&b));
	CHECK_INT(t.calls_n, 2);
	CHECK_INT(t.calls[1].id, GET_CONFIG);
	buf_clear(&b);
	end();
}

/* mtcute counts pings as content-related, TDLib does not. */
static void test_server_takes_pings_of_either_parity(void)
{
	struct buf b;
	struct rd r;

	begin();
	settle();
	buf_init(&b);
	buf_le32(&b, WIRE_PING);
	buf_le64(&b, 77);
	for (uint32_t seqno = 2; seqno < 4; seqno++) {
		int64_t id = next_id();

		send(id, seqno, buf_bytes(&b));
		CHECK(got(WIRE_PONG, &r));
		CHECK(rd_le64(&r) == (uint64_t)id && rd_le64(&r) == 77);
	}
	buf_clear(&b);
	end();
}

static void test_server_answers_a_repeated_message_again(void)
{
	int64_t id;
	struct rd r;

	begin();
	settle();
	id = next_id();
	send(id, 3, simple(GET_CONFIG));
	CHECK(got(WIRE_RPC_RESULT, &r));
	CHECK_INT(t.calls_n, 2);
	send(id, 3, simple(GET_CONFIG));
	CHECK(got(WIRE_RPC_RESULT, &r));
	CHECK(rd_le64(&r) == (uint64_t)id);
	CHECK_INT(t.calls_n, 2); /* not run twice */
	CHECK_STR(t.refused, "message repeated");
	end();
}

/* -- containers ----------------------------------------------------------- */

static void item_put(struct buf *b, int64_t id, uint32_t seqno, uint32_t query)
{
	buf_le64(b, (uint64_t)id);
	buf_le32(b, seqno);
	buf_le32(b, 4);
	buf_le32(b, query);
}

static void container_begin(struct buf *b, uint32_t count)
{
	buf_init(b);
	buf_le32(b, WIRE_MSG_CONTAINER);
	buf_le32(b, count);
}

static void test_server_runs_every_query_of_a_container(void)
{
	struct buf b;

	begin();
	settle();
	container_begin(&b, 3);
	for (uint32_t i = 0; i < 3; i++)
		item_put(&b, next_id(), 3 + 2 * i, GET_CONFIG);
	send(next_id(), 8, buf_bytes(&b));
	CHECK_INT(t.calls_n, 4);
	buf_clear(&b);
	end();
}

static void test_server_refuses_container_with_a_known_id(void)
{
	struct buf b;
	int64_t id;

	begin();
	settle();
	id = next_id();
	send(id, 3, simple(GET_CONFIG));
	container_begin(&b, 1);
	item_put(&b, id - 4, 5, GET_CONFIG);
	code_check(id, 6, buf_bytes(&b), 19);
	buf_clear(&b);
	end();
}

static void test_server_refuses_invalid_containers(void)
{
	struct buf b;
	int64_t id;

	begin();
	settle();
	container_begin(&b, 2); /* one is missing */
	item_put(&b, next_id(), 3, GET_CONFIG);
	code_check(next_id(), 4, buf_bytes(&b), 64);
	buf_clear(&b);
	container_begin(&b, 1); /* item younger than the container */
	id = next_id();
	item_put(&b, next_id(), 3, GET_CONFIG);
	code_check(id, 4, buf_bytes(&b), 64);
	buf_clear(&b);
	container_begin(&b, 1); /* nested */
	item_put(&b, next_id(), 2, WIRE_MSG_CONTAINER);
	code_check(next_id(), 4, buf_bytes(&b), 64);
	buf_clear(&b);
	container_begin(&b, 0);
	code_check(next_id(), 2, buf_bytes(&b), 64);
	buf_clear(&b);
	end();
}

static void test_server_refuses_one_item_and_runs_the_others(void)
{
	int64_t bad, id = 0;
	struct buf b;

	begin();
	settle();
	container_begin(&b, 2);
	bad = next_id();
	item_put(&b, bad, 4, GET_CONFIG);
	item_put(&b, next_id(), 3, GET_CONFIG);
	send(next_id(), 4, buf_bytes(&b));
	CHECK_INT(bad_code(&id), 35);
	CHECK(id == bad);
	CHECK_INT(t.calls_n, 2);
	buf_clear(&b);
	end();
}

/* -- packets -------------------------------------------------------------- */

static void test_server_refuses_wrong_padding(void)
{
	struct bytes q = simple(GET_CONFIG);
	static const uint8_t eight[8];

	begin();
	settle();
	CHECK_INT(send_padded(next_id(), 3, q, 12 + 1024), -EPROTO);
	CHECK_INT(t.transport_error, -404);
	CHECK_STR(t.refused, "padding is not 12 to 1024 bytes");
	server_open();
	CHECK_INT(send_padded(next_id(), 3, bytes_of(eight, 8), 8), -EPROTO);
	CHECK_STR(t.refused, "padding is not 12 to 1024 bytes");
	CHECK_INT(t.calls_n, 1);
	end();
}

static void test_server_refuses_wrong_msg_key(void)
{
	begin();
	settle();
	{
		struct mtp_message m = {t.salt, MINE, next_id(), 3,
					simple(GET_CONFIG)};
		struct buf packet, wire;

		buf_init(&packet);
		buf_init(&wire);
		mtp_message_seal(&packet, &m, t.key, MTP_SENDER_CLIENT, 28,
				 NULL);
		packet.p[9] ^= 1;
		mtp_codec_send(t.codec, buf_bytes(&packet), &wire);
		CHECK_INT(
			mtp_server_input(t.server, buf_bytes(&wire), 1, wall()),
			-EPROTO);
		receive();
		buf_clear(&packet);
		buf_clear(&wire);
	}
	CHECK_STR(t.refused, "message key differs");
	CHECK_INT(t.transport_error, -404);
	end();
}

static void test_server_refuses_unknown_key_with_404(void)
{
	begin();
	settle();
	t.key[0] ^= 1;
	CHECK_INT(send_padded(next_id(), 3, simple(GET_CONFIG), 28), 0);
	CHECK_INT(t.transport_error, -404);
	CHECK_STR(t.refused, "auth_key_id unknown");
	end();
}

static void test_server_refuses_session_zero(void)
{
	begin();
	settle();
	t.session_id = 0;
	CHECK_INT(send_padded(next_id(), 3, simple(GET_CONFIG), 28), -EPROTO);
	CHECK_STR(t.refused, "session_id is zero");
	end();
}

static void test_server_refuses_body_of_odd_length(void)
{
	begin();
	settle();
	CHECK_INT(send_padded(next_id(), 3, bytes_of("12345", 5), 27), -EPROTO);
	CHECK_STR(t.refused, "message length is not a multiple of 4");
	end();
}

static void test_server_refuses_short_and_malformed_packets(void)
{
	static const uint8_t tiny[] = {0xee, 0xee, 0xee, 0xee, 8, 0, 0, 0,
				       1,    2,    3,    4,    5, 6, 7, 8};
	struct buf wire;

	begin();
	CHECK_INT(mtp_server_input(t.server, bytes_of(tiny, sizeof(tiny)), 1,
				   wall()),
		  -EPROTO);
	CHECK_STR(t.refused, "packet is too short");
	server_open();
	buf_init(&wire);
	buf_fill(&wire, 0xee, 4);
	buf_le32(&wire, 24);
	buf_fill(&wire, 0, 8);
	buf_le64(&wire, 4);
	buf_le32(&wire, 400); /* more than there is */
	buf_le32(&wire, 0);
	CHECK_INT(mtp_server_input(t.server, buf_bytes(&wire), 1, wall()),
		  -EPROTO);
	CHECK_STR(t.refused, "unencrypted message is malformed");
	buf_clear(&wire);
	end();
}

/* -- sessions ------------------------------------------------------------- */

static void test_server_announces_a_session_once(void)
{
	struct rd r;

	begin();
	settle();
	CHECK(got(WIRE_NEW_SESSION_CREATED, &r));
	CHECK(rd_le64(&r) == (uint64_t)t.last_id);
	rd_skip(&r, 8);
	CHECK((int64_t)rd_le64(&r) == t.salt);
	CHECK_INT(t.sessions_seen, 1);
	send(next_id(), 3, simple(GET_CONFIG));
	CHECK(!got(WIRE_NEW_SESSION_CREATED, &r));
	server_open(); /* a new connection of the same session */
	send(next_id(), 5, simple(GET_CONFIG));
	CHECK_INT(t.calls_n, 3);
	CHECK_INT(t.sessions_seen, 2);
	end();
}

static void test_server_repeats_unacked_on_the_next_connection(void)
{
	struct buf b;
	struct rd r;
	int64_t id = 0;

	begin();
	settle();
	CHECK_INT(mtp_server_push(t.server, simple(UPDATES_TOO_LONG), wall()),
		  0);
	buf_reset(mtp_server_output(t.server)); /* lost on the way */
	server_open();
	CHECK_INT(mtp_server_push(t.server, simple(UPDATES_TOO_LONG), wall()),
		  -ENOTCONN);
	send(next_id(), 3, simple(GET_CONFIG));
	CHECK(got(UPDATES_TOO_LONG, &r));
	/* Acked, it does not come again. */
	for (rd_init(&r, t.got.p, t.got.n); r.n;) {
		int64_t msg_id = (int64_t)rd_le64(&r);
		struct bytes body;

		rd_skip(&r, 4);
		body = rd_bytes(&r, rd_le32(&r));
		if (wire_id(body) == UPDATES_TOO_LONG)
			id = msg_id;
	}
	CHECK(id != 0);
	buf_init(&b);
	buf_le32(&b, WIRE_MSGS_ACK);
	wire_put_vector_long(&b, &id, 1);
	send(next_id(), 4, buf_bytes(&b));
	CHECK_INT(bad_code(&id), 0);
	buf_clear(&b);
	server_open();
	send(next_id(), 5, simple(GET_CONFIG));
	CHECK(!got(UPDATES_TOO_LONG, &r));
	end();
}

static void test_server_tells_the_state_of_messages(void)
{
	struct buf b;
	struct bytes states;
	int64_t ids[4];
	struct rd r;

	begin();
	settle();
	ids[0] = t.last_id - 400; /* before the session */
	ids[1] = next_id();       /* never sent */
	ids[2] = next_id();
	ids[3] = next_id() + 4000;
	send(ids[2], 3, simple(GET_CONFIG));
	buf_init(&b);
	buf_le32(&b, WIRE_MSGS_STATE_REQ);
	wire_put_vector_long(&b, ids, 4);
	send(next_id(), 4, buf_bytes(&b));
	CHECK(got(WIRE_MSGS_STATE_INFO, &r));
	CHECK(rd_le64(&r) == (uint64_t)t.last_id);
	states = wire_bytes(&r);
	CHECK_INT(states.n, 4);
	CHECK_MEM(states.p, "\1\2\4\3", 4);
	buf_clear(&b);
	end();
}

static void test_server_gives_future_salts_it_accepts(void)
{
	struct buf b;
	struct rd r;
	int64_t late;

	begin();
	settle();
	buf_init(&b);
	buf_le32(&b, WIRE_GET_FUTURE_SALTS);
	buf_le32(&b, 64);
	send(next_id(), 2, buf_bytes(&b));
	CHECK(got(WIRE_FUTURE_SALTS, &r));
	CHECK(rd_le64(&r) == (uint64_t)t.last_id);
	CHECK_INT(rd_le32(&r), START);
	CHECK_INT(rd_le32(&r), 64);
	CHECK_INT(r.n, 64 * 16);
	rd_skip(&r, 16);
	late = rd_le32(&r) + 5;
	rd_skip(&r, 4);
	t.salt = (int64_t)rd_le64(&r);
	t.seconds = late;
	send(next_id(), 3, simple(GET_CONFIG));
	CHECK_INT(t.calls_n, 2);
	/* Two hours later it is no longer good. */
	t.seconds += 7200;
	code_check(next_id(), 5, simple(GET_CONFIG), 48);
	buf_clear(&b);
	end();
}

static void test_server_expires_without_further_pings(void)
{
	struct buf b;

	begin();
	settle();
	CHECK(mtp_server_deadline(t.server) == USEC_NEVER);
	buf_init(&b);
	buf_le32(&b, WIRE_PING_DELAY_DISCONNECT);
	buf_le64(&b, 1);
	buf_le32(&b, 75);
	send(next_id(), 2, buf_bytes(&b));
	CHECK(mtp_server_deadline(t.server) == 1 + 75 * USEC_S);
	mtp_server_timeout(t.server, 75 * USEC_S, wall());
	CHECK(!mtp_server_expired(t.server));
	mtp_server_timeout(t.server, 75 * USEC_S + 1, wall());
	CHECK(mtp_server_expired(t.server));
	buf_clear(&b);
	end();
}

static void test_server_destroys_a_key_with_a_bare_answer(void)
{
	struct rd r;

	begin();
	settle();
	send(next_id(), 0, simple(WIRE_DESTROY_AUTH_KEY));
	CHECK(got(WIRE_DESTROY_AUTH_KEY_OK, &r));
	CHECK(!got(WIRE_RPC_RESULT, &r));
	CHECK(t.destroyed);
	end();
}

/* -- queries -------------------------------------------------------------- */

static bool error_is(int code, const char *text)
{
	struct bytes got_text;
	struct rd r;

	if (!got(WIRE_RPC_RESULT, &r) || (rd_skip(&r, 8), false) ||
	    rd_le32(&r) != WIRE_RPC_ERROR || rd_le32(&r) != (uint32_t)code)
		return false;
	got_text = wire_bytes(&r);
	return bytes_equal(got_text, bytes_str(text));
}

/* Opens a session without any wrapped query. */
static void settle_bare(void)
{
	begin();
	settle();
	t.session_id++;
	t.calls_n = 0;
}

static void test_server_refuses_query_without_layer(void)
{
	settle_bare();
	send(next_id(), 1, simple(GET_CONFIG));
	CHECK(error_is(400, "CONNECTION_NOT_INITED"));
	CHECK_INT(t.calls_n, 0);
	end();
}

static void test_server_refuses_layer_without_init(void)
{
	struct buf b;

	settle_bare();
	buf_init(&b);
	buf_le32(&b, WIRE_INVOKE_WITH_LAYER);
	buf_le32(&b, 223);
	buf_le32(&b, GET_CONFIG);
	send(next_id(), 1, buf_bytes(&b));
	CHECK(error_is(400, "CONNECTION_NOT_INITED"));
	buf_clear(&b);
	end();
}

static void test_server_refuses_unknown_layers(void)
{
	struct buf b;

	settle_bare();
	buf_init(&b);
	put_wrapped(&b, 9, GET_CONFIG);
	send(next_id(), 1, buf_bytes(&b));
	CHECK(error_is(400, "CONNECTION_LAYER_INVALID"));
	buf_reset(&b);
	put_wrapped(&b, 9999, GET_CONFIG);
	send(next_id(), 3, buf_bytes(&b));
	CHECK(error_is(400, "CONNECTION_LAYER_INVALID"));
	CHECK_INT(t.calls_n, 0);
	buf_clear(&b);
	end();
}

static void test_server_refuses_unknown_constructors(void)
{
	begin();
	settle();
	send(next_id(), 3, simple(0xdeadbeef));
	CHECK(error_is(400, "INPUT_METHOD_INVALID_3735928559"));
	/* A constructor that is no function. */
	send(next_id(), 5, simple(BOOL_TRUE));
	CHECK(error_is(400, "INPUT_METHOD_INVALID_2574415285"));
	CHECK_INT(t.calls_n, 1);
	end();
}

static void test_server_refuses_truncated_wrappers(void)
{
	struct buf b;

	begin();
	settle();
	buf_init(&b);
	buf_le32(&b, WIRE_INVOKE_WITH_LAYER);
	send(next_id(), 3, buf_bytes(&b));
	CHECK(error_is(400, "INPUT_FETCH_ERROR"));
	buf_reset(&b);
	put_wrapped(&b, 223, 0);
	send(next_id(), 5, buf_bytes(&b));
	CHECK(error_is(400, "INPUT_FETCH_FAIL"));
	buf_clear(&b);
	end();
}

/* TDLib: initConnection with params, then a zlib stream (not gzip) at the
 * place of the query; invokeAfterMsg and invokeWithoutUpdates inside. */
static void test_server_takes_off_every_wrapper(void)
{
	uint8_t packed[64], raw[4];
	uLongf n = sizeof(packed);
	struct buf b;

	settle_bare();
	buf_init(&b);
	buf_le32(&b, WIRE_INVOKE_WITH_LAYER);
	buf_le32(&b, 229);
	buf_le32(&b, WIRE_INIT_CONNECTION);
	buf_le32(&b, 2); /* params */
	buf_le32(&b, 4);
	for (int i = 0; i < 6; i++)
		wire_put_bytes(&b, bytes_str("abcdef"));
	buf_le32(&b, 0x99c1d49d); /* jsonObject */
	buf_le32(&b, WIRE_VECTOR);
	buf_le32(&b, 1);
	buf_le32(&b, 0xc0de1bd9); /* jsonObjectValue */
	wire_put_bytes(&b, bytes_str("tz_offset"));
	buf_le32(&b, 0x2be0dfa4); /* jsonNumber */
	buf_le64(&b, 0);
	buf_le32(&b, WIRE_INVOKE_AFTER_MSG);
	buf_le64(&b, 4);
	buf_le32(&b, WIRE_INVOKE_WITHOUT_UPDATES);
	buf_le32(&b, WIRE_GZIP_PACKED);
	le32_store(raw, GET_NEAREST_DC);
	compress(packed, &n, raw, 4);
	wire_put_bytes(&b, bytes_of(packed, n));
	send(next_id(), 1, buf_bytes(&b));
	CHECK_INT(t.calls_n, 1);
	CHECK_INT(t.calls[0].layer, 229);
	CHECK(t.calls[0].no_updates);
	CHECK_INT(t.calls[0].id, GET_NEAREST_DC);
	CHECK_INT(t.calls[0].n, 4);
	/* From now on the session has its layer. */
	send(next_id(), 3, simple(GET_CONFIG));
	CHECK_INT(t.calls[1].layer, 229);
	CHECK(!t.calls[1].no_updates);
	buf_clear(&b);
	end();
}

static void after_put(struct buf *b, int64_t condition)
{
	buf_reset(b);
	buf_le32(b, WIRE_INVOKE_AFTER_MSG);
	buf_le64(b, (uint64_t)condition);
	buf_le32(b, GET_NEAREST_DC);
}

static void test_server_keeps_the_order_of_invoke_after_msg(void)
{
	uint8_t yes[4];
	int64_t first;
	struct buf b;

	begin();
	settle();
	t.answer = false;
	t.calls_n = 0;
	buf_init(&b);
	first = next_id();
	send(first, 3, simple(GET_CONFIG));
	after_put(&b, first);
	send(next_id(), 5, buf_bytes(&b));
	after_put(&b, t.last_id);
	send(next_id(), 7, buf_bytes(&b));
	CHECK_INT(t.calls_n, 1);
	le32_store(yes, BOOL_TRUE);
	CHECK_INT(mtp_server_answer(t.server, t.calls[0].msg_id,
				    bytes_of(yes, 4), wall()),
		  0);
	CHECK_INT(t.calls_n, 2);
	CHECK_INT(t.calls[1].id, GET_NEAREST_DC);
	/* Failing one fails what waits for it. */
	buf_reset(&t.got);
	CHECK_INT(
		mtp_server_error(t.server, t.calls[1].msg_id, 500, "X", wall()),
		0);
	CHECK_INT(t.calls_n, 2);
	receive();
	after_put(&b, t.last_id);
	send(next_id(), 9, buf_bytes(&b));
	CHECK(error_is(400, "MSG_WAIT_FAILED"));
	CHECK_INT(mtp_server_answer(t.server, first, bytes_of(yes, 4), wall()),
		  -ENOENT);
	buf_clear(&b);
	end();
}

static void test_server_compresses_large_answers(void)
{
	static const uint8_t big[4000];
	struct rd r;

	begin();
	settle();
	t.answer = false;
	t.calls_n = 0;
	send(next_id(), 3, simple(GET_CONFIG));
	buf_reset(&t.got);
	CHECK_INT(mtp_server_answer(t.server, t.calls[0].msg_id,
				    bytes_of(big, sizeof(big)), wall()),
		  0);
	receive();
	CHECK(got(WIRE_RPC_RESULT, &r));
	CHECK(r.n < 200);
	rd_skip(&r, 8);
	CHECK(rd_le32(&r) == WIRE_GZIP_PACKED);
	end();
}

int main(void)
{
	test_key_new(&t.client_keys, &t.rsa);
	RUN(test_server_refuses_wrong_salt_with_the_right_one);
	RUN(test_server_refuses_msg_id_too_low);
	RUN(test_server_refuses_msg_id_too_high);
	RUN(test_server_refuses_msg_id_low_bits);
	RUN(test_server_refuses_msg_id_too_old_to_tell);
	RUN(test_server_refuses_seqno_too_low);
	RUN(test_server_refuses_seqno_too_high);
	RUN(test_server_refuses_odd_seqno_where_even_is_due);
	RUN(test_server_takes_acks_of_either_parity);
	RUN(test_server_refuses_even_seqno_where_odd_is_due);
	RUN(test_server_refuses_even_seqno_of_compressed_query);
	RUN(test_server_takes_pings_of_either_parity);
	RUN(test_server_answers_a_repeated_message_again);
	RUN(test_server_runs_every_query_of_a_container);
	RUN(test_server_refuses_container_with_a_known_id);
	RUN(test_server_refuses_invalid_containers);
	RUN(test_server_refuses_one_item_and_runs_the_others);
	RUN(test_server_refuses_wrong_padding);
	RUN(test_server_refuses_wrong_msg_key);
	RUN(test_server_refuses_unknown_key_with_404);
	RUN(test_server_refuses_session_zero);
	RUN(test_server_refuses_body_of_odd_length);
	RUN(test_server_refuses_short_and_malformed_packets);
	RUN(test_server_announces_a_session_once);
	RUN(test_server_repeats_unacked_on_the_next_connection);
	RUN(test_server_tells_the_state_of_messages);
	RUN(test_server_gives_future_salts_it_accepts);
	RUN(test_server_expires_without_further_pings);
	RUN(test_server_destroys_a_key_with_a_bare_answer);
	RUN(test_server_refuses_query_without_layer);
	RUN(test_server_refuses_layer_without_init);
	RUN(test_server_refuses_unknown_layers);
	RUN(test_server_refuses_unknown_constructors);
	RUN(test_server_refuses_truncated_wrappers);
	RUN(test_server_takes_off_every_wrapper);
	RUN(test_server_keeps_the_order_of_invoke_after_msg);
	RUN(test_server_compresses_large_answers);
	mtp_rsa_free(&t.client_keys);
	mtp_rsa_free(&t.rsa);
	return check_done();
}
