/* What outlives a connection on the server, and how it takes queries out of
 * their wrappers. */
#include "mtproto/server_world.h"

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
/* The salt is known, no layer yet. */
static void settle_bare(void)
{
	struct buf b;
	struct rd r;

	begin();
	buf_init(&b);
	put_wrapped(&b, 223, GET_CONFIG);
	send(next_id(), 1, buf_bytes(&b));
	buf_clear(&b);
	if (!got(WIRE_BAD_SERVER_SALT, &r))
		abort();
	rd_skip(&r, 16);
	t.salt = (int64_t)rd_le64(&r);
	t.session_id++;
}

static void test_server_layer_holds_for_the_key(void)
{
	begin();
	settle();
	t.session_id++;
	t.calls_n = 0;
	send(next_id(), 1, simple(GET_CONFIG));
	CHECK_INT(t.calls_n, 1);
	CHECK_INT(t.calls[0].layer, 223);
	end();
}

/* After a restart the sessions are gone, but not the keys. */
static void test_server_layer_is_kept_with_the_key(void)
{
	settle_bare();
	t.session_id++;
	t.kept_layer = 223;
	send(next_id(), 1, simple(GET_CONFIG));
	CHECK_INT(t.calls_n, 1);
	CHECK_INT(t.calls[0].layer, 223);
	end();
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

static void item_put(struct buf *b, uint32_t seqno, struct bytes body)
{
	buf_le64(b, (uint64_t)next_id());
	buf_le32(b, seqno);
	buf_le32(b, (uint32_t)body.n);
	buf_put(b, body.p, body.n);
}

/* "First encrypted packet: one container: help.getNearestDc, help.getConfig,
 * auth.sendCode, get_future_salts(64), ping_delay_disconnect(id, 135..140) ..
 * Content seqnos odd, the two service messages even." */
static void test_server_takes_the_first_container_of_tdlib(void)
{
	static const uint32_t queries[] = {GET_NEAREST_DC, GET_CONFIG,
					   GET_CONFIG};
	struct buf b, body;
	struct rd r;

	settle_bare();
	buf_init(&b);
	buf_init(&body);
	buf_le32(&b, WIRE_MSG_CONTAINER);
	buf_le32(&b, 5);
	for (uint32_t i = 0; i < 3; i++) {
		buf_reset(&body);
		put_wrapped(&body, 229, queries[i]);
		item_put(&b, 2 * i + 1, buf_bytes(&body));
	}
	buf_reset(&body);
	buf_le32(&body, WIRE_GET_FUTURE_SALTS);
	buf_le32(&body, 64);
	item_put(&b, 6, buf_bytes(&body));
	buf_reset(&body);
	buf_le32(&body, WIRE_PING_DELAY_DISCONNECT);
	buf_le64(&body, 4711);
	buf_le32(&body, 137);
	item_put(&b, 6, buf_bytes(&body));
	send(next_id(), 6, buf_bytes(&b));
	CHECK_INT(t.calls_n, 3);
	CHECK_INT(t.calls[2].layer, 229);
	/* "sent bare, not in `rpc_result`" */
	CHECK(got(WIRE_NEW_SESSION_CREATED, &r));
	CHECK(got(WIRE_FUTURE_SALTS, &r));
	CHECK(got(WIRE_PONG, &r));
	rd_skip(&r, 8);
	CHECK(rd_le64(&r) == 4711);
	CHECK(mtp_server_deadline(t.server) == 1 + 137 * USEC_S);
	buf_clear(&b);
	buf_clear(&body);
	end();
}

static void probe(uint8_t nonce)
{
	uint8_t body[20];
	struct buf packet, wire;

	le32_store(body, WIRE_REQ_PQ_MULTI);
	memset(body + 4, nonce, 16);
	buf_init(&packet);
	buf_init(&wire);
	buf_le64(&packet, 0);
	buf_le64(&packet, 1); /* "msg_id: a constant 1 there" */
	buf_le32(&packet, sizeof(body));
	buf_put(&packet, body, sizeof(body));
	mtp_codec_send(t.codec, buf_bytes(&packet), &wire);
	(void)mtp_server_input(t.server, buf_bytes(&wire), 1, wall());
	buf_clear(&packet);
	buf_clear(&wire);
}

static int on_plain_answer(struct bytes packet, void *arg)
{
	int *answers = arg;

	*answers += packet.n > 40 && !le64_load(packet.p) &&
		    le32_load(packet.p + 20) == WIRE_RES_PQ &&
		    packet.p[24] == *answers + 1; /* its nonce */
	return 0;
}

/* "two req_pq_multi with different nonces, sent at once, and then goes straight
 * on with encrypted packets of the existing key" */
static void test_server_answers_probes_and_goes_on(void)
{
	struct buf *out;
	int answers = 0;

	begin();
	settle();
	server_open(); /* a later connection */
	probe(1);
	probe(2);
	out = mtp_server_output(t.server);
	mtp_codec_recv(t.codec, buf_bytes(out), on_plain_answer, &answers);
	buf_reset(out);
	CHECK_INT(answers, 2);
	t.calls_n = 0;
	send(next_id(), 3, simple(GET_CONFIG));
	CHECK_INT(t.calls_n, 1);
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
	RUN(test_server_announces_a_session_once);
	RUN(test_server_repeats_unacked_on_the_next_connection);
	RUN(test_server_tells_the_state_of_messages);
	RUN(test_server_gives_future_salts_it_accepts);
	RUN(test_server_expires_without_further_pings);
	RUN(test_server_destroys_a_key_with_a_bare_answer);
	RUN(test_server_layer_holds_for_the_key);
	RUN(test_server_layer_is_kept_with_the_key);
	RUN(test_server_refuses_query_without_layer);
	RUN(test_server_refuses_layer_without_init);
	RUN(test_server_refuses_unknown_layers);
	RUN(test_server_refuses_unknown_constructors);
	RUN(test_server_refuses_truncated_wrappers);
	RUN(test_server_takes_off_every_wrapper);
	RUN(test_server_takes_the_first_container_of_tdlib);
	RUN(test_server_answers_probes_and_goes_on);
	RUN(test_server_keeps_the_order_of_invoke_after_msg);
	RUN(test_server_compresses_large_answers);
	mtp_rsa_free(&t.client_keys);
	mtp_rsa_free(&t.rsa);
	return check_done();
}
