/* What the client makes of answers, updates, unreadable messages and foreign
 * packets. */
#include "mtproto/client_world.h"

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
