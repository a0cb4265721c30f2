/* The strict server, met by packets built here from the cipher alone: every
 * refusal must be the one Telegram gives. */
#include "mtproto/server_world.h"

/* -- refusals of numbers -------------------------------------------------- */

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

/* Else gramjs would never see what follows. */
static void test_server_ends_a_container_with_an_error(void)
{
	uint32_t queries[] = {GET_CONFIG, 0xdeadbeef, 0xdeadbeef, GET_CONFIG};
	int errors = 0, answers = 0;
	struct buf b;
	struct rd r;

	begin();
	settle();
	container_begin(&b, 4);
	for (uint32_t i = 0; i < 4; i++)
		item_put(&b, next_id(), 3 + 2 * i, queries[i]);
	buf_reset(&t.got);
	send(next_id(), 10, buf_bytes(&b));
	rd_init(&r, t.got.p, t.got.n);
	while (r.n) {
		struct bytes body;

		rd_skip(&r, 12);
		body = rd_bytes(&r, rd_le32(&r));
		errors += body_is_error(body);
		answers += wire_id(body) == WIRE_RPC_RESULT;
	}
	CHECK_INT(answers, 4);
	CHECK_INT(errors, 2);
	CHECK_INT(t.after_error, 0);
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
	RUN(test_server_ends_a_container_with_an_error);
	RUN(test_server_refuses_container_with_a_known_id);
	RUN(test_server_refuses_invalid_containers);
	RUN(test_server_refuses_one_item_and_runs_the_others);
	RUN(test_server_refuses_wrong_padding);
	RUN(test_server_refuses_wrong_msg_key);
	RUN(test_server_refuses_unknown_key_with_404);
	RUN(test_server_refuses_session_zero);
	RUN(test_server_refuses_body_of_odd_length);
	RUN(test_server_refuses_short_and_malformed_packets);
	mtp_rsa_free(&t.client_keys);
	mtp_rsa_free(&t.rsa);
	return check_done();
}
