/* The client engine, met by a server made here from the cipher alone: what it
 * sends is read back, and every service message is answered as A.6 says. */
#include "mtproto/client_world.h"

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

/* A server that takes nothing is left, not sent the same for ever. */
static void test_client_leaves_a_server_that_refuses_everything(void)
{
	int rounds = 0;

	begin_inited();
	call(0);
	while (!t.events[MTP_EVENT_CLOSE] && rounds++ < 1000)
		give_bad(t.sent[t.sent_n - 1].msg_id, 16);
	CHECK(rounds > 20 && rounds < 100);
	CHECK_INT(t.errors, 0); /* the query waits for the next connection */
	mtp_client_disconnected(t.client, t.now);
	link_up();
	CHECK(sent_find(WIRE_INVOKE_WITH_LAYER));
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
	RUN(test_client_leaves_a_server_that_refuses_everything);
	RUN(test_client_repeats_queries_older_than_a_new_session);
	RUN(test_client_asks_for_detailed_answers);
	RUN(test_client_answers_state_requests);
	RUN(test_client_obeys_message_states_after_reconnect);
	RUN(test_client_repeats_when_states_are_not_told);
	return check_done();
}
