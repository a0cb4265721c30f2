/* Client and server engines joined in memory, with invented time: key
 * creation, queries, lost connections, restarts, wrong clocks; and a hostile
 * server, whose every fault the client must refuse by name. */
#include "mtproto/session_world.h"

/* -- honest --------------------------------------------------------------- */

static void test_session_creates_key_and_answers(void)
{
	begin(MTP_HOSTILE_NONE);
	call(1); /* before there is a key or even a connection */
	link_up();
	run();
	CHECK_INT(t.events[MTP_EVENT_KEY_CREATED], 1);
	CHECK_INT(t.events[MTP_EVENT_READY], 1);
	CHECK_INT(t.events[MTP_EVENT_NEW_SESSION], 0);
	CHECK_INT(t.answers, 1);
	CHECK(!t.wrong_answer);
	CHECK(mtp_client_auth(t.client)->present);
	CHECK(mtp_client_auth(t.client)->key_id == t.keys[0].id);
	CHECK_INT(mtp_client_auth(t.client)->time_diff, 0);
	call(2);
	run();
	CHECK_INT(t.answers, 2);
	CHECK_STR(t.refused, "");
	end();
}

static void test_session_speaks_every_transport(void)
{
	for (int i = 0; i < 4; i++) {
		begin(MTP_HOSTILE_NONE);
		mtp_client_free(&t.client);
		t.client_conf.transport = i & 1 ? MTP_TRANSPORT_ABRIDGED
						: MTP_TRANSPORT_INTERMEDIATE;
		t.client_conf.obfuscated = i & 2;
		CHECK_INT(mtp_client_new(&t.client, &t.client_conf), 0);
		t.seed = 99;
		link_up();
		call(3);
		run();
		CHECK_INT(t.answers, 1);
		end();
	}
}

static void test_session_resumes_with_a_kept_key(void)
{
	struct mtp_auth auth;

	begin_ready();
	auth = *mtp_client_auth(t.client);
	mtp_client_free(&t.client);
	t.client_conf.auth = auth;
	memset(t.events, 0, sizeof(t.events));
	CHECK_INT(mtp_client_new(&t.client, &t.client_conf), 0);
	link_up();
	call(1);
	run();
	CHECK_INT(t.answers, 1);
	CHECK_INT(t.events[MTP_EVENT_KEY_CREATED], 0);
	CHECK_INT(t.events[MTP_EVENT_READY], 1);
	CHECK_INT(t.keys_n, 1);
	end();
}

static void test_session_delivers_updates_and_acks_them(void)
{
	uint8_t raw[4];

	begin_ready();
	call(1); /* so that updates may come */
	run();
	le32_store(raw, UPDATES_TOO_LONG);
	CHECK_INT(mtp_server_push(t.server, bytes_of(raw, 4), server_wall()),
		  0);
	run();
	CHECK_INT(t.updates, 1);
	/* Acks go out after a while by themselves. */
	CHECK(mtp_client_deadline(t.client) <= t.now + 5 * USEC_S);
	pass(6 * USEC_S);
	mtp_client_timeout(t.client, t.now, client_wall());
	run();
	link_down();
	link_up();
	call(2);
	run();
	CHECK_INT(t.updates, 1);
	CHECK_INT(t.answers, 2);
	end();
}

static void test_session_gets_unacked_update_after_reconnect(void)
{
	uint8_t raw[4];

	begin_ready();
	call(1);
	run();
	le32_store(raw, UPDATES_TOO_LONG);
	mtp_server_push(t.server, bytes_of(raw, 4), server_wall());
	link_down(); /* before it arrived */
	link_up();
	run();
	CHECK_INT(t.updates, 1);
	end();
}

static void test_session_thousand_queries_over_a_bad_network(void)
{
	int drops = 0;
	uint32_t sent = 0;

	begin(MTP_HOSTILE_NONE);
	mtp_client_free(&t.client);
	t.client_conf.query_timeout = 10000 * USEC_S;
	CHECK_INT(mtp_client_new(&t.client, &t.client_conf), 0);
	t.seed = 20231114;
	link_up();
	while (t.answers < 1000 && drops < 5000) {
		for (uint32_t i = draw(4); i && sent < 1000; i--, sent++)
			call_flags(sent, 0, draw(900) & ~3u);
		for (uint32_t i = draw(60); i; i--)
			link_step();
		pass(draw(100000));
		if (draw(20) == 0 || !t.linked) {
			drops++;
			link_down();
			link_up();
		}
		mtp_client_timeout(t.client, t.now, client_wall());
	}
	CHECK_INT(t.answers, 1000);
	CHECK_INT(t.errors, 0);
	CHECK(!t.wrong_answer);
	CHECK(drops > 20);
	for (int i = 0; i < 1000; i++) {
		CHECK_INT(t.seen[i], 1);
		CHECK_INT(t.executed[i], 1); /* repeated, never run twice */
	}
	CHECK_INT(t.events[MTP_EVENT_REFUSED], 0);
	end();
}

static void test_session_repeats_unanswered_after_server_restart(void)
{
	begin_ready();
	t.silent = true;
	call(1);
	call_flags(2, MTP_CALL_NO_RESEND, 0);
	run();
	CHECK_INT(t.held_n, 2);
	server_restart();
	t.silent = false;
	link_up();
	run();
	CHECK_INT(t.answers, 1);
	CHECK_INT(t.executed[1], 2);
	CHECK_INT(t.executed[2], 1);
	CHECK_INT(t.errors, 1);
	CHECK_STR(t.last_error, "CONNECTION_LOST");
	CHECK_INT(t.last_code, -ECANCELED);
	CHECK_INT(t.events[MTP_EVENT_NEW_SESSION], 1);
	end();
}

static void test_session_repeats_what_never_arrived(void)
{
	begin_ready();
	call_flags(1, MTP_CALL_NO_RESEND, 0);
	call(2);
	buf_reset(mtp_client_output(t.client)); /* lost on the way */
	link_down();
	link_up();
	run();
	/* The server says that it never got them: even NO_RESEND is safe. */
	CHECK_INT(t.answers, 2);
	CHECK_INT(t.executed[1], 1);
	end();
}

static void test_session_gets_the_lost_answer_without_a_second_run(void)
{
	begin_ready();
	call_flags(1, MTP_CALL_NO_RESEND, 0);
	while (t.executed[1] == 0 && link_step())
		;
	buf_reset(mtp_server_output(t.server));
	link_down();
	link_up();
	run();
	CHECK_INT(t.answers, 1);
	CHECK_INT(t.executed[1], 1);
	end();
}

static void test_session_survives_wrong_clocks(void)
{
	static const int64_t hours[] = {-200, -1, 1, 24 * 365};

	for (size_t i = 0; i < 4; i++) {
		begin(MTP_HOSTILE_NONE);
		t.client_ahead = hours[i] * 3600 * 1000000;
		link_up();
		call(1);
		run();
		CHECK_INT(t.answers, 1);
		CHECK_INT(mtp_client_auth(t.client)->time_diff,
			  -hours[i] * 3600);
		end();
	}
}

/* The clock went wrong while the key lay in the store. */
static void test_session_repairs_a_kept_time_difference(void)
{
	static const int32_t wrong[] = {-5000, 5000};

	for (size_t i = 0; i < 2; i++) {
		struct mtp_auth auth;

		begin_ready();
		auth = *mtp_client_auth(t.client);
		auth.time_diff = wrong[i];
		mtp_client_free(&t.client);
		t.client_conf.auth = auth;
		CHECK_INT(mtp_client_new(&t.client, &t.client_conf), 0);
		link_up();
		call(1);
		run();
		CHECK_INT(t.answers, 1);
		CHECK_INT(mtp_client_auth(t.client)->time_diff, 0);
		end();
	}
}

static void test_session_repairs_a_wrong_salt(void)
{
	struct mtp_auth auth;

	begin_ready();
	auth = *mtp_client_auth(t.client);
	auth.salt ^= 12345;
	mtp_client_free(&t.client);
	t.client_conf.auth = auth;
	CHECK_INT(mtp_client_new(&t.client, &t.client_conf), 0);
	link_up();
	call(1);
	call(2);
	run();
	CHECK_INT(t.answers, 2);
	CHECK_INT(t.executed[1], 1);
	CHECK(t.events[MTP_EVENT_SALT] > 0);
	end();
}

static void test_session_changes_salts_in_time(void)
{
	begin_ready();
	for (uint32_t i = 0; i < 200; i++) {
		pass(120 * USEC_S);
		mtp_client_timeout(t.client, t.now, client_wall());
		if (!t.linked) { /* two minutes of silence: that is right */
			link_down();
			link_up();
		}
		call(i);
		run();
		CHECK_INT(t.answers, (int)i + 1);
	}
	/* More than six hours, many salts, and never a wrong one. */
	CHECK_STR(t.refused, "");
	end();
}

static void test_session_keeps_ordered_queries_in_order(void)
{
	begin_ready();
	t.silent = true;
	for (uint32_t i = 1; i <= 3; i++)
		call_flags(i, MTP_CALL_ORDERED, 0);
	call(9);
	run();
	CHECK_INT(t.order_n, 2); /* 2 and 3 wait for 1 */
	CHECK_INT(t.order[0], 1);
	CHECK_INT(t.order[1], 9);
	t.silent = false;
	answer_number(t.held[0], 1);
	run();
	CHECK_INT(t.order_n, 4);
	CHECK_INT(t.order[2], 2);
	CHECK_INT(t.order[3], 3);
	CHECK_INT(t.answers, 3);
	end();
}

/* A failed query must not take the ones behind it along. */
static void test_session_sends_ordered_query_again_when_the_first_fails(void)
{
	begin_ready();
	t.silent = true;
	call_flags(1, MTP_CALL_ORDERED, 0);
	call_flags(2, MTP_CALL_ORDERED, 0);
	run();
	CHECK_INT(t.held_n, 1);
	t.silent = false;
	mtp_server_error(t.server, t.held[0], 400, "CALL_OCCUPY_FAILED",
			 server_wall());
	run();
	CHECK_INT(t.errors, 1);
	CHECK_INT(t.last_code, 400);
	CHECK_STR(t.last_error, "CALL_OCCUPY_FAILED");
	CHECK_INT(t.answers, 1);
	CHECK_INT(t.executed[2], 1);
	end();
}

static void test_session_times_queries_out(void)
{
	begin_ready();
	t.silent = true;
	call(1);
	run();
	pass(10 * USEC_S - 1);
	mtp_client_timeout(t.client, t.now, client_wall());
	CHECK_INT(t.errors, 0);
	CHECK(mtp_client_deadline(t.client) == t.now + 1);
	pass(1);
	mtp_client_timeout(t.client, t.now, client_wall());
	CHECK_INT(t.errors, 1);
	CHECK_INT(t.last_code, 408);
	CHECK_STR(t.last_error, "TIMEOUT");
	/* An answer that comes too late disturbs nobody. */
	t.silent = false;
	answer_number(t.held[0], 1);
	call(2);
	run();
	CHECK_INT(t.answers, 1);
	end();
}

static void test_session_free_closes_every_query(void)
{
	begin_ready();
	t.silent = true;
	call(1);
	call(2);
	run();
	mtp_client_free(&t.client);
	CHECK_INT(t.errors, 2);
	CHECK_INT(t.last_code, -ECANCELED);
	CHECK_STR(t.last_error, "CLOSED");
	end();
}

static void test_session_pings_and_notices_silence(void)
{
	begin_ready();
	for (int i = 0; i < 20; i++) {
		usec_t deadline = mtp_client_deadline(t.client);

		CHECK(deadline > t.now && deadline <= t.now + 25 * USEC_S);
		pass(deadline - t.now);
		mtp_client_timeout(t.client, t.now, client_wall());
		run();
		CHECK(t.linked);
	}
	/* The server would close 75 s after the last ping. */
	CHECK(mtp_server_deadline(t.server) <= t.now + 75 * USEC_S);
	for (int i = 0; i < 5 && t.linked; i++) {
		pass(20 * USEC_S); /* nothing comes back */
		mtp_client_timeout(t.client, t.now, client_wall());
	}
	CHECK_INT(t.events[MTP_EVENT_CLOSE], 1);
	CHECK_STR(t.last_text, "the server went silent");
	end();
}

static void test_session_ping_interval_can_be_shortened(void)
{
	begin_ready();
	mtp_client_ping_interval(t.client, 5 * USEC_S, t.now);
	pass(5 * USEC_S);
	CHECK(mtp_client_deadline(t.client) <= t.now);
	mtp_client_timeout(t.client, t.now, client_wall());
	CHECK(mtp_client_output(t.client)->n > 0);
	pass(15 * USEC_S);
	mtp_client_timeout(t.client, t.now, client_wall());
	CHECK_INT(t.events[MTP_EVENT_CLOSE], 1);
	end();
}

static void test_session_key_creation_times_out(void)
{
	begin(MTP_HOSTILE_NONE);
	link_up();
	CHECK(mtp_client_deadline(t.client) == t.now + 20 * USEC_S);
	pass(20 * USEC_S);
	mtp_client_timeout(t.client, t.now, client_wall());
	CHECK_INT(t.events[MTP_EVENT_CLOSE], 1);
	CHECK_STR(t.last_text, "key creation took too long");
	end();
}

static void test_session_reports_an_unknown_key(void)
{
	begin_ready();
	link_down();
	t.keys_n = 0; /* the server lost its keys */
	link_up();
	call(1);
	run();
	CHECK_INT(t.events[MTP_EVENT_KEY_UNKNOWN], 1);
	CHECK_INT(t.events[MTP_EVENT_CLOSE], 1);
	CHECK_INT(t.events[MTP_EVENT_REFUSED], 0);
	CHECK(mtp_client_auth(t.client)->present); /* never a new log-in */
	end();
}

static void test_session_refuses_queries_that_are_too_long(void)
{
	static uint8_t big[(1 << 20) + 4];

	begin_ready();
	CHECK_INT(mtp_client_call(t.client, bytes_of(big, sizeof(big)), 0,
				  on_answer, NULL, t.now, client_wall()),
		  -EMSGSIZE);
	CHECK_INT(t.errors, 0);
	end();
}

static void test_session_packs_a_thousand_queued_queries(void)
{
	begin(MTP_HOSTILE_NONE);
	for (uint32_t i = 0; i < 1100; i++)
		call_flags(i, 0, 40);
	link_up();
	run();
	CHECK_INT(t.answers, 1100);
	CHECK_STR(t.refused, "");
	end();
}

static uint64_t destroyed;

static void on_destroy(uint64_t key_id, void *arg)
{
	destroyed = key_id;
}

static void test_session_destroys_its_key(void)
{
	destroyed = 0;
	begin(MTP_HOSTILE_NONE);
	t.server_conf.handlers.destroy = on_destroy;
	link_up();
	run();
	t.silent = true;
	call(1);
	run();
	mtp_client_destroy_key(t.client, t.now, client_wall());
	CHECK_INT(t.lost, 1); /* nobody waits for what was asked */
	run();
	CHECK(destroyed && destroyed == mtp_client_auth(t.client)->key_id);
	CHECK_INT(t.events[MTP_EVENT_KEY_DESTROYED], 1);
	CHECK_STR(t.refused, "");
	end();
}

/* The request gets lost with its connection. */
static void test_session_destroys_its_key_after_a_reconnect(void)
{
	destroyed = 0;
	begin(MTP_HOSTILE_NONE);
	t.server_conf.handlers.destroy = on_destroy;
	link_up();
	run();
	mtp_client_destroy_key(t.client, t.now, client_wall());
	link_down();
	link_up();
	run();
	CHECK(destroyed);
	CHECK_INT(t.events[MTP_EVENT_KEY_DESTROYED], 1);
	end();
}

int main(void)
{
	test_key_new(&t.client_keys, &t.rsa);
	RUN(test_session_creates_key_and_answers);
	RUN(test_session_speaks_every_transport);
	RUN(test_session_resumes_with_a_kept_key);
	RUN(test_session_delivers_updates_and_acks_them);
	RUN(test_session_gets_unacked_update_after_reconnect);
	RUN(test_session_thousand_queries_over_a_bad_network);
	RUN(test_session_repeats_unanswered_after_server_restart);
	RUN(test_session_repeats_what_never_arrived);
	RUN(test_session_gets_the_lost_answer_without_a_second_run);
	RUN(test_session_survives_wrong_clocks);
	RUN(test_session_repairs_a_kept_time_difference);
	RUN(test_session_repairs_a_wrong_salt);
	RUN(test_session_changes_salts_in_time);
	RUN(test_session_keeps_ordered_queries_in_order);
	RUN(test_session_sends_ordered_query_again_when_the_first_fails);
	RUN(test_session_times_queries_out);
	RUN(test_session_free_closes_every_query);
	RUN(test_session_pings_and_notices_silence);
	RUN(test_session_ping_interval_can_be_shortened);
	RUN(test_session_key_creation_times_out);
	RUN(test_session_reports_an_unknown_key);
	RUN(test_session_refuses_queries_that_are_too_long);
	RUN(test_session_packs_a_thousand_queued_queries);
	RUN(test_session_destroys_its_key);
	RUN(test_session_destroys_its_key_after_a_reconnect);
	mtp_rsa_free(&t.client_keys);
	mtp_rsa_free(&t.rsa);
	return check_done();
}
