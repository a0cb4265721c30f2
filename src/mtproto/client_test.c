/* The client engine, met by a server made here from the cipher alone: what it
 * sends is read back, and every service message is answered as A.6 says. */
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

static struct wall wall(void)
{
	return (struct wall){t.wall_us};
}

static void on_event(enum mtp_event event, const char *text, void *arg)
{
	t.events[event]++;
	if (text)
		snprintf(t.text, sizeof(t.text), "%s", text);
}

static void on_update(struct bytes object, void *arg)
{
	t.updates++;
}

static void on_answer(const struct mtp_error *err, struct bytes answer,
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

static void sent_add(int64_t id, int64_t carrier, uint32_t seqno,
		     struct bytes body)
{
	if (t.sent_n == SENT_MAX)
		abort();
	t.sent[t.sent_n++] =
		(struct sent){id, carrier, seqno, wire_id(body), body};
}

static int on_packet(struct bytes packet, void *arg)
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

static void sent_forget(void)
{
	for (size_t i = 0; i < t.kept_n; i++)
		buf_clear(&t.kept[i]);
	t.kept_n = t.sent_n = t.containers = 0;
}

/* Reads everything the client has put out since the last time. */
static void collect(void)
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

static int64_t server_id(unsigned bits)
{
	int64_t id = (t.wall_us / 1000000) << 32;

	if (id <= t.last_id)
		id = (t.last_id & ~(int64_t)3) + 4;
	t.last_id = id | bits;
	return t.last_id;
}

static int give_raw(struct bytes packet)
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

static int give_as(int64_t id, uint32_t seqno, struct bytes body)
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
static void give(struct buf *b)
{
	if (give_as(server_id(1), 1, buf_bytes(b)))
		abort();
	buf_clear(b);
}

static void give_bad(int64_t id, uint32_t code)
{
	struct buf b;

	buf_init(&b);
	buf_le32(&b, WIRE_BAD_MSG_NOTIFICATION);
	buf_le64(&b, (uint64_t)id);
	buf_le32(&b, 1);
	buf_le32(&b, code);
	give(&b);
}

static void result_begin(struct buf *b, int64_t req)
{
	buf_init(b);
	buf_le32(b, WIRE_RPC_RESULT);
	buf_le64(b, (uint64_t)req);
}

static void give_error(int64_t req, uint32_t code, const char *text)
{
	struct buf b;

	result_begin(&b, req);
	buf_le32(&b, WIRE_RPC_ERROR);
	buf_le32(&b, code);
	wire_put_bytes(&b, bytes_str(text));
	give(&b);
}

static void give_true(int64_t req)
{
	struct buf b;

	result_begin(&b, req);
	buf_le32(&b, BOOL_TRUE);
	give(&b);
}

static void give_new_session(int64_t first)
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

static void link_up(void)
{
	mtp_codec_free(&t.codec);
	if (mtp_codec_new_server(&t.codec))
		abort();
	mtp_client_connected(t.client, t.now, wall());
	collect();
}

static void begin(void)
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

static void end(void)
{
	mtp_client_free(&t.client);
	mtp_codec_free(&t.codec);
	sent_forget();
}

/* Sends one query; what came of it is collected. */
static void call(unsigned flags)
{
	static const uint8_t query[] = {0x6b, 0x18, 0xf9, 0xc4};

	if (mtp_client_call(t.client, bytes_of(query, sizeof(query)), flags,
			    on_answer, NULL, t.now, wall()))
		abort();
	collect();
}

/* The session answers: from here on queries are sent without a wrapper. */
static void begin_inited(void)
{
	begin();
	call(0);
	give_true(t.sent[0].msg_id);
	if (t.answers != 1)
		abort();
}

/* -- what goes out -------------------------------------------------------- */

static void test_client_greets_with_ping_and_salts(void)
{
	const struct sent *ping, *salts;
	struct rd r;

	begin();
	ping = sent_find(WIRE_PING_DELAY_DISCONNECT);
	salts = sent_find(WIRE_GET_FUTURE_SALTS);
	CHECK(ping && salts);
	CHECK_INT(ping->seqno, 0);
	CHECK_INT(salts->seqno, 0);
	CHECK_INT(ping->msg_id >> 32, SECONDS);
	CHECK_INT(ping->msg_id & 3, 0);
	CHECK_INT(t.containers, 1);
	CHECK_INT(t.salt_seen, 42);
	rd_init(&r, ping->body.p, ping->body.n);
	rd_skip(&r, 12);
	CHECK_INT(rd_le32(&r), 75);
	end();
}

static void test_client_wraps_until_the_first_answer(void)
{
	static const char *const texts[] = {"device", "system", "app",
					    "de",     "",       "de"};
	struct rd r;

	begin();
	call(0);
	CHECK_INT(t.sent_n, 1);
	CHECK_INT(t.sent[0].seqno, 1);
	rd_init(&r, t.sent[0].body.p, t.sent[0].body.n);
	CHECK(rd_le32(&r) == WIRE_INVOKE_WITH_LAYER);
	CHECK_INT(rd_le32(&r), 223);
	CHECK(rd_le32(&r) == WIRE_INIT_CONNECTION);
	CHECK_INT(rd_le32(&r), 0);
	CHECK_INT(rd_le32(&r), 17);
	for (int i = 0; i < 6; i++)
		CHECK(bytes_equal(wire_bytes(&r), bytes_str(texts[i])));
	CHECK(rd_le32(&r) == GET_CONFIG && !r.n && !r.bad);
	give_true(t.sent[0].msg_id);
	CHECK_INT(t.answers, 1);
	call(0);
	CHECK(t.sent[t.sent_n - 1].id == GET_CONFIG);
	CHECK_INT(t.sent[t.sent_n - 1].seqno, 3);
	end();
}

static void test_client_wraps_again_when_not_inited(void)
{
	begin_inited();
	call(0);
	give_error(t.sent[t.sent_n - 1].msg_id, 400, "CONNECTION_NOT_INITED");
	CHECK_INT(t.errors, 0);
	CHECK(sent_find(WIRE_INVOKE_WITH_LAYER));
	for (int i = 0; i < 5 && sent_find(WIRE_INVOKE_WITH_LAYER); i++)
		give_error(sent_find(WIRE_INVOKE_WITH_LAYER)->msg_id, 400,
			   "CONNECTION_LAYER_INVALID");
	CHECK_INT(t.errors, 1); /* not for ever */
	end();
}

static void test_client_compresses_long_queries(void)
{
	static uint8_t query[4000] = {0x6b, 0x18, 0xf9, 0xc4};
	struct buf b;
	struct rd r;

	begin_inited();
	mtp_client_call(t.client, bytes_of(query, sizeof(query)), 0, on_answer,
			NULL, t.now, wall());
	collect();
	CHECK(sent_find(WIRE_GZIP_PACKED));
	rd_init(&r, sent_find(WIRE_GZIP_PACKED)->body.p,
		sent_find(WIRE_GZIP_PACKED)->body.n);
	rd_skip(&r, 4);
	buf_init(&b);
	CHECK_INT(mtp_gzip_unpack(&b, wire_bytes(&r)), 0);
	CHECK(bytes_equal(buf_bytes(&b), bytes_of(query, sizeof(query))));
	buf_clear(&b);
	end();
}

static void test_client_acks_content_related_messages(void)
{
	const struct sent *ack;
	struct buf b;
	int64_t id;
	struct rd r;

	begin();
	buf_init(&b);
	buf_le32(&b, UPDATES_TOO_LONG);
	give(&b);
	id = t.last_id;
	CHECK_INT(t.updates, 1);
	CHECK(!sent_find(WIRE_MSGS_ACK)); /* not at once */
	call(0);
	ack = sent_find(WIRE_MSGS_ACK); /* with the next packet */
	CHECK(ack);
	CHECK_INT(ack->seqno % 2, 0);
	rd_init(&r, ack->body.p, ack->body.n);
	rd_skip(&r, 4);
	CHECK_INT(wire_vector_long(&r), 1);
	CHECK((int64_t)rd_le64(&r) == id);
	/* An even seqno needs none. */
	buf_le32(&b, UPDATES_TOO_LONG);
	give_as(server_id(3), 2, buf_bytes(&b));
	buf_clear(&b);
	call(0);
	CHECK(!sent_find(WIRE_MSGS_ACK));
	end();
}

/* -- refusals of what we sent --------------------------------------------- */

static void code_check(uint32_t code, bool new_session)
{
	int64_t first, session;

	begin_inited();
	call(0);
	first = t.sent[t.sent_n - 1].msg_id;
	session = t.session_id;
	give_bad(first, code);
	CHECK_INT(t.errors, 0);
	CHECK(sent_find(new_session ? WIRE_INVOKE_WITH_LAYER : GET_CONFIG));
	CHECK(sent_find(new_session ? WIRE_INVOKE_WITH_LAYER : GET_CONFIG)
		      ->msg_id != first);
	CHECK((t.session_id != session) == new_session);
	end();
}

static void test_client_repairs_bad_msg_16_msg_id_too_low(void)
{
	code_check(16, false);
}

static void test_client_repairs_bad_msg_17_msg_id_too_high(void)
{
	code_check(17, true);
}

static void test_client_repairs_bad_msg_18_low_bits(void)
{
	code_check(18, true);
}

static void test_client_repairs_bad_msg_19_container_id(void)
{
	code_check(19, true);
}

static void test_client_repairs_bad_msg_20_too_old(void)
{
	code_check(20, false);
}

static void test_client_repairs_bad_msg_32_to_35_seqno(void)
{
	for (uint32_t code = 32; code <= 35; code++)
		code_check(code, true);
}

static void test_client_repairs_bad_msg_48_salt(void)
{
	code_check(48, false);
}

static void test_client_repairs_bad_msg_64_container(void)
{
	code_check(64, true);
}

/* Everything of a refused container goes again: ping, salts and acks too. */
static void test_client_repeats_a_refused_container_with_the_new_salt(void)
{
	int64_t container;
	struct buf b;

	begin();
	buf_init(&b);
	buf_le32(&b, UPDATES_TOO_LONG);
	give(&b);
	mtp_client_disconnected(t.client, t.now);
	link_up();
	call(0);
	container = sent_find(WIRE_INVOKE_WITH_LAYER)->carrier;
	CHECK(sent_find(WIRE_INVOKE_WITH_LAYER));
	buf_le32(&b, WIRE_BAD_SERVER_SALT);
	buf_le64(&b, (uint64_t)container);
	buf_le32(&b, 4);
	buf_le32(&b, 48);
	buf_le64(&b, 777);
	give(&b);
	CHECK(sent_find(WIRE_INVOKE_WITH_LAYER));
	CHECK_INT(t.salt_seen, 777);
	CHECK_INT(mtp_client_auth(t.client)->salt, 777);
	CHECK_INT(t.events[MTP_EVENT_SALT], 1);
	end();
}

static void test_client_learns_the_time_from_bad_msg(void)
{
	begin_inited();
	call(0);
	t.wall_us += 3600 * (int64_t)1000000; /* the server's clock jumped */
	{
		int64_t id = server_id(1), bad = t.sent[t.sent_n - 1].msg_id;

		t.wall_us -= 3600 * (int64_t)1000000;
		mtp_client_disconnected(t.client, t.now);
		link_up();
		t.last_id = id;
		give_bad(bad, 16);
	}
	CHECK_INT(mtp_client_auth(t.client)->time_diff, 3600);
	call(0);
	CHECK_INT(t.sent[t.sent_n - 1].msg_id >> 32, SECONDS + 3600);
	end();
}

static void test_client_repeats_queries_older_than_a_new_session(void)
{
	begin_inited();
	give_new_session(1);
	CHECK_INT(t.events[MTP_EVENT_NEW_SESSION], 0);
	CHECK_INT(mtp_client_auth(t.client)->salt, 4711);
	call(0);
	call(MTP_CALL_NO_RESEND);
	give_new_session(t.sent[t.sent_n - 1].msg_id + 4);
	CHECK_INT(t.events[MTP_EVENT_NEW_SESSION], 1);
	CHECK_INT(t.errors, 1);
	CHECK_STR(t.error, "CONNECTION_LOST");
	CHECK(sent_find(WIRE_INVOKE_WITH_LAYER)); /* and wrapped again */
	end();
}

static void test_client_asks_for_detailed_answers(void)
{
	const struct sent *req;
	struct buf b;
	struct rd r;
	int64_t id;

	begin();
	buf_init(&b);
	buf_le32(&b, WIRE_MSG_DETAILED_INFO);
	buf_le64(&b, 4);
	buf_le64(&b, 0x1234567);
	buf_le32(&b, 100);
	buf_le32(&b, 0);
	give(&b);
	req = sent_find(WIRE_MSG_RESEND_REQ);
	CHECK(req);
	rd_init(&r, req->body.p, req->body.n);
	rd_skip(&r, 4);
	CHECK_INT(wire_vector_long(&r), 1);
	CHECK_INT(rd_le64(&r), 0x1234567);
	/* One that we have is acked instead. */
	id = t.last_id;
	buf_le32(&b, WIRE_MSG_NEW_DETAILED_INFO);
	buf_le64(&b, (uint64_t)id);
	buf_le32(&b, 100);
	buf_le32(&b, 0);
	give(&b);
	CHECK(!sent_find(WIRE_MSG_RESEND_REQ));
	end();
}

static void test_client_answers_state_requests(void)
{
	int64_t ids[2];
	struct buf b;
	struct rd r;

	begin();
	buf_init(&b);
	buf_le32(&b, UPDATES_TOO_LONG);
	give(&b);
	ids[0] = t.last_id;
	ids[1] = t.last_id + 100;
	buf_le32(&b, WIRE_MSGS_STATE_REQ);
	wire_put_vector_long(&b, ids, 2);
	give(&b);
	CHECK(sent_find(WIRE_MSGS_STATE_INFO));
	rd_init(&r, sent_find(WIRE_MSGS_STATE_INFO)->body.p,
		sent_find(WIRE_MSGS_STATE_INFO)->body.n);
	rd_skip(&r, 4);
	CHECK((int64_t)rd_le64(&r) == t.last_id);
	CHECK(bytes_equal(wire_bytes(&r), bytes_of("\4\2", 2)));
	end();
}

static void states_check(uint8_t state, bool repeated, int errors)
{
	uint8_t two[2] = {state, state};
	struct buf b;

	begin_inited();
	call(0);
	call(MTP_CALL_NO_RESEND);
	mtp_client_disconnected(t.client, t.now);
	link_up();
	CHECK(sent_find(WIRE_MSGS_STATE_REQ));
	CHECK(!sent_find(WIRE_INVOKE_WITH_LAYER));
	buf_init(&b);
	buf_le32(&b, WIRE_MSGS_STATE_INFO);
	buf_le64(&b, (uint64_t)sent_find(WIRE_MSGS_STATE_REQ)->msg_id);
	wire_put_bytes(&b, bytes_of(two, 2));
	give(&b);
	CHECK((sent_find(WIRE_INVOKE_WITH_LAYER) != NULL) == repeated);
	CHECK_INT(t.errors, errors);
	end();
}

static void test_client_obeys_message_states_after_reconnect(void)
{
	states_check(1, true, 1); /* nothing known: not the NO_RESEND one */
	states_check(2, true, 0);
	states_check(3, true, 0);
	states_check(4, false, 0);
	states_check(4 + 32, false, 0);
}

static void test_client_repeats_when_states_are_not_told(void)
{
	begin_inited();
	call(0);
	mtp_client_disconnected(t.client, t.now);
	t.now += USEC_S;
	link_up();
	CHECK(!sent_find(WIRE_INVOKE_WITH_LAYER));
	CHECK(mtp_client_deadline(t.client) == t.now + 5 * USEC_S);
	t.now += 5 * USEC_S;
	mtp_client_timeout(t.client, t.now, wall());
	collect();
	CHECK(sent_find(WIRE_INVOKE_WITH_LAYER));
	CHECK_INT(t.errors, 0);
	end();
}

/* -- answers and updates -------------------------------------------------- */

static void test_client_inflates_answers_and_updates(void)
{
	static const uint8_t zeros[3000] = {0xb5, 0x75, 0x72, 0x99};
	struct buf b;

	begin();
	call(0);
	result_begin(&b, t.sent[0].msg_id);
	mtp_gzip_pack(&b, bytes_of(zeros, sizeof(zeros)));
	give(&b);
	CHECK_INT(t.answers, 1);
	CHECK_INT(t.answer_bytes, sizeof(zeros));
	buf_le32(&b, UPDATES_TOO_LONG);
	buf_fill(&b, 0, 400);
	{
		struct buf packed;

		buf_init(&packed);
		mtp_gzip_pack(&packed, buf_bytes(&b));
		give(&packed);
		buf_clear(&b);
	}
	CHECK_INT(t.updates, 1);
	end();
}

static void test_client_survives_an_answer_that_cannot_be_inflated(void)
{
	struct buf b;

	begin();
	call(0);
	result_begin(&b, t.sent[0].msg_id);
	buf_le32(&b, WIRE_GZIP_PACKED);
	wire_put_bytes(&b, bytes_str("no gzip"));
	give(&b);
	CHECK_INT(t.errors, 1);
	CHECK_INT(t.code, 500);
	CHECK_STR(t.error, "ANSWER_UNREADABLE");
	CHECK_INT(t.events[MTP_EVENT_CLOSE], 0);
	end();
}

static void test_client_passes_errors_on(void)
{
	begin();
	call(0);
	give_error(t.sent[0].msg_id, 303, "PHONE_MIGRATE_4");
	CHECK_INT(t.code, 303);
	CHECK_STR(t.error, "PHONE_MIGRATE_4");
	/* An answer to nothing is counted, no more. */
	give_error(4, 400, "X");
	CHECK_INT(t.errors, 1);
	end();
}

static void lost_check(struct buf *b)
{
	int before = t.events[MTP_EVENT_LOST_UPDATE];

	give(b);
	CHECK_INT(t.events[MTP_EVENT_LOST_UPDATE], before + 1);
	CHECK_INT(t.events[MTP_EVENT_CLOSE], 0);
}

static void test_client_tells_of_messages_it_cannot_read(void)
{
	struct buf b;

	begin();
	buf_init(&b);
	buf_le32(&b, 0xdeadbeef); /* unknown constructor */
	lost_check(&b);
	buf_le32(&b, GET_CONFIG); /* a function */
	lost_check(&b);
	lost_check(&b); /* empty */
	buf_le32(&b, WIRE_GZIP_PACKED);
	wire_put_bytes(&b, bytes_str("broken"));
	lost_check(&b);
	buf_le32(&b, WIRE_MSG_CONTAINER);
	buf_le32(&b, 2000);
	lost_check(&b);
	buf_le32(&b, WIRE_MSG_CONTAINER);
	buf_le32(&b, 1);
	buf_le64(&b, 4); /* not a server's id */
	buf_le32(&b, 0);
	buf_le32(&b, 0);
	lost_check(&b);
	buf_le32(&b, WIRE_RPC_RESULT);
	lost_check(&b);
	CHECK_INT(t.updates, 0);
	call(0);
	give_true(t.sent[t.sent_n - 1].msg_id); /* the session goes on */
	CHECK_INT(t.answers, 1);
	end();
}

static void test_client_reads_containers_and_drops_repetitions(void)
{
	int64_t id;
	struct buf b;

	begin();
	id = server_id(3);
	for (int i = 0; i < 2; i++) {
		buf_init(&b);
		buf_le32(&b, WIRE_MSG_CONTAINER);
		buf_le32(&b, 1);
		buf_le64(&b, (uint64_t)id);
		buf_le32(&b, 1);
		buf_le32(&b, 4);
		buf_le32(&b, UPDATES_TOO_LONG);
		give(&b);
	}
	CHECK_INT(t.updates, 1);
	end();
}

static void test_client_switches_to_a_future_salt(void)
{
	struct buf b;

	begin();
	buf_init(&b);
	buf_le32(&b, WIRE_FUTURE_SALTS);
	buf_le64(&b, (uint64_t)sent_find(WIRE_GET_FUTURE_SALTS)->msg_id);
	buf_le32(&b, (uint32_t)SECONDS);
	buf_le32(&b, 2);
	for (uint32_t i = 0; i < 2; i++) {
		buf_le32(&b, (uint32_t)SECONDS + i * 1800);
		buf_le32(&b, (uint32_t)SECONDS + 3600 + i * 1800);
		buf_le64(&b, 1000 + i);
	}
	give(&b);
	call(0);
	CHECK_INT(t.salt_seen, 42); /* not in its first minute */
	t.wall_us += 100 * (int64_t)1000000;
	call(0);
	CHECK_INT(t.salt_seen, 1000);
	t.wall_us += 1800 * (int64_t)1000000;
	call(0);
	CHECK_INT(t.salt_seen, 1001);
	CHECK(mtp_client_deadline(t.client) <= t.now);
	mtp_client_timeout(t.client, t.now, wall());
	CHECK_INT(t.events[MTP_EVENT_SALT], 2);
	end();
}

/* -- packets -------------------------------------------------------------- */

static void transport_error_check(int32_t code, const char *text, int unknown)
{
	uint8_t raw[4];

	begin();
	le32_store(raw, (uint32_t)code);
	CHECK_INT(give_raw(bytes_of(raw, 4)), -EPROTO);
	CHECK_STR(t.text, text);
	CHECK_INT(t.events[MTP_EVENT_CLOSE], 1);
	CHECK_INT(t.events[MTP_EVENT_KEY_UNKNOWN], unknown);
	/* Nothing more is read before the next connection. */
	CHECK_INT(give_raw(bytes_of(raw, 4)), -EPROTO);
	CHECK_INT(t.events[MTP_EVENT_CLOSE], 1);
	end();
}

static void test_client_names_transport_errors(void)
{
	transport_error_check(-404, "transport error -404", 1);
	transport_error_check(-429,
			      "transport error -429: too many connections", 0);
	transport_error_check(-444, "transport error -444: wrong data centre",
			      0);
	transport_error_check(-1, "transport error", 0);
}

static void refusal_check(struct bytes packet, const char *text)
{
	begin();
	CHECK_INT(give_raw(packet), -EPROTO);
	CHECK_INT(t.events[MTP_EVENT_REFUSED], 1);
	CHECK_INT(t.events[MTP_EVENT_CLOSE], 1);
	CHECK_STR(t.text, text);
	end();
}

static void test_client_refuses_foreign_packets(void)
{
	uint8_t raw[104] = {0};

	refusal_check(bytes_of(raw, 8), "a packet is too short");
	refusal_check(bytes_of(raw, sizeof(raw)),
		      "an unencrypted message out of place");
	raw[0] = 1;
	refusal_check(bytes_of(raw, sizeof(raw)), "auth_key_id differs");
}

static void test_client_refuses_broken_framing(void)
{
	begin();
	CHECK_INT(mtp_client_input(t.client, bytes_of("\xff\xff\xff\x7f", 4),
				   t.now, wall()),
		  -EPROTO);
	CHECK_STR(t.text, "the transport's framing is broken");
	CHECK_INT(t.events[MTP_EVENT_CLOSE], 1);
	end();
}

/* After a reconnect the clock is open to correction, but not by old packets. */
static void test_client_refuses_an_old_packet_after_reconnect(void)
{
	struct buf b;

	begin();
	buf_init(&b);
	buf_le32(&b, UPDATES_TOO_LONG);
	give(&b);
	mtp_client_disconnected(t.client, t.now);
	t.wall_us += 1000 * (int64_t)1000000;
	link_up();
	buf_le32(&b, UPDATES_TOO_LONG);
	CHECK_INT(give_as(t.last_id - 4, 1, buf_bytes(&b)), -EPROTO);
	CHECK_STR(t.text, "msg_id is too far from the time");
	CHECK_INT(t.updates, 1);
	buf_clear(&b);
	end();
}

int main(void)
{
	RUN(test_client_greets_with_ping_and_salts);
	RUN(test_client_wraps_until_the_first_answer);
	RUN(test_client_wraps_again_when_not_inited);
	RUN(test_client_compresses_long_queries);
	RUN(test_client_acks_content_related_messages);
	RUN(test_client_repairs_bad_msg_16_msg_id_too_low);
	RUN(test_client_repairs_bad_msg_17_msg_id_too_high);
	RUN(test_client_repairs_bad_msg_18_low_bits);
	RUN(test_client_repairs_bad_msg_19_container_id);
	RUN(test_client_repairs_bad_msg_20_too_old);
	RUN(test_client_repairs_bad_msg_32_to_35_seqno);
	RUN(test_client_repairs_bad_msg_48_salt);
	RUN(test_client_repairs_bad_msg_64_container);
	RUN(test_client_repeats_a_refused_container_with_the_new_salt);
	RUN(test_client_learns_the_time_from_bad_msg);
	RUN(test_client_repeats_queries_older_than_a_new_session);
	RUN(test_client_asks_for_detailed_answers);
	RUN(test_client_answers_state_requests);
	RUN(test_client_obeys_message_states_after_reconnect);
	RUN(test_client_repeats_when_states_are_not_told);
	RUN(test_client_inflates_answers_and_updates);
	RUN(test_client_survives_an_answer_that_cannot_be_inflated);
	RUN(test_client_passes_errors_on);
	RUN(test_client_tells_of_messages_it_cannot_read);
	RUN(test_client_reads_containers_and_drops_repetitions);
	RUN(test_client_switches_to_a_future_salt);
	RUN(test_client_names_transport_errors);
	RUN(test_client_refuses_foreign_packets);
	RUN(test_client_refuses_broken_framing);
	RUN(test_client_refuses_an_old_packet_after_reconnect);
	return check_done();
}
