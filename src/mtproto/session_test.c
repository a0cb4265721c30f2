/* Client and server engines joined in memory, with invented time: key
 * creation, queries, lost connections, restarts, wrong clocks; and a hostile
 * server, whose every fault the client must refuse by name. */
#include "mtproto/client.h"

#include <errno.h>
#include <stdlib.h>

#include "mtproto/server.h"
#include "mtproto/test_key.h"
#include "mtproto/wire.h"
#include "tests/check.h"

#define GET_CONFIG 0xc4f9186bu
#define UPDATES_TOO_LONG 0xe317af7eu
#define START ((int64_t)1700000000 * 1000000)
#define CALLS_MAX 1200

struct key {
	uint64_t id;
	uint8_t key[256];
};

static struct {
	struct mtp_rsa *client_keys, *rsa;

	/* the world */
	usec_t now;
	int64_t wall_us;      /* the server's clock */
	int64_t client_ahead; /* what the client's clock is wrong by */
	uint64_t seed;        /* 0: packets are never split */

	/* the server */
	struct mtp_sessions *sessions;
	struct mtp_server *server;
	struct mtp_server_conf server_conf;
	struct key keys[8];
	size_t keys_n;
	bool silent; /* queries are kept unanswered */
	int64_t held[64];
	size_t held_n;
	uint32_t executed[CALLS_MAX];
	uint32_t order[64];
	size_t order_n;
	char refused[128];

	/* the client */
	struct mtp_client *client;
	struct mtp_client_conf client_conf;
	bool linked;
	int events[16];
	char last_text[128], refuse_text[128];
	int updates;
	int answers, errors, lost;
	int last_code;
	char last_error[64];
	uint32_t seen[CALLS_MAX];
	bool wrong_answer;
} t;

static struct wall server_wall(void)
{
	return (struct wall){t.wall_us};
}

static struct wall client_wall(void)
{
	return (struct wall){t.wall_us + t.client_ahead};
}

static void pass(usec_t us)
{
	t.now += us;
	t.wall_us += (int64_t)us;
}

static uint32_t draw(uint32_t below)
{
	t.seed = t.seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(t.seed >> 33) % below;
}

/* -- the server's owner --------------------------------------------------- */

static void on_key(uint64_t key_id, const uint8_t key[256], int32_t expires,
		   int64_t salt, void *arg)
{
	if (t.keys_n == 8)
		abort();
	t.keys[t.keys_n].id = key_id;
	memcpy(t.keys[t.keys_n++].key, key, 256);
}

static bool on_find(uint64_t key_id, uint8_t key[256], void *arg)
{
	for (size_t i = 0; i < t.keys_n; i++) {
		if (t.keys[i].id != key_id)
			continue;
		memcpy(key, t.keys[i].key, 256);
		return true;
	}
	return false;
}

/* The answer to a query is a bytes-like object that repeats its number. */
static void answer_number(int64_t msg_id, uint32_t number)
{
	uint8_t raw[2048];
	size_t n = 8 + number % 7 * 256; /* some are large enough for gzip */

	memset(raw, 0, sizeof(raw));
	le32_store(raw, 0x11223344);
	le32_store(raw + 4, number);
	mtp_server_answer(t.server, msg_id, bytes_of(raw, n), server_wall());
}

static void on_query(int64_t msg_id, int32_t layer, bool no_updates,
		     struct bytes query, void *arg)
{
	uint32_t number = query.n >= 8 ? le32_load(query.p + 4) : 0;

	if (number < CALLS_MAX)
		t.executed[number]++;
	if (t.order_n < 64)
		t.order[t.order_n++] = number;
	if (t.silent) {
		if (t.held_n < 64)
			t.held[t.held_n++] = msg_id;
	} else {
		answer_number(msg_id, number);
	}
}

static void on_refused(const char *what, void *arg)
{
	snprintf(t.refused, sizeof(t.refused), "%s", what);
}

/* -- the client's owner --------------------------------------------------- */

static void on_event(enum mtp_event event, const char *text, void *arg)
{
	t.events[event]++;
	if (text)
		snprintf(t.last_text, sizeof(t.last_text), "%s", text);
	if (event == MTP_EVENT_REFUSED)
		snprintf(t.refuse_text, sizeof(t.refuse_text), "%s", text);
	if (event == MTP_EVENT_CLOSE)
		t.linked = false;
}

static void on_update(struct bytes object, void *arg)
{
	if (wire_id(object) == UPDATES_TOO_LONG)
		t.updates++;
}

static void on_answer(const struct mtp_error *err, struct bytes answer,
		      void *arg)
{
	uint32_t number = (uint32_t)(uintptr_t)arg;

	if (err) {
		t.errors++;
		t.lost += err->code == -ECANCELED;
		t.last_code = err->code;
		snprintf(t.last_error, sizeof(t.last_error), "%s", err->text);
		return;
	}
	t.answers++;
	if (number < CALLS_MAX)
		t.seen[number]++;
	if (answer.n != 8 + number % 7 * 256 ||
	    le32_load(answer.p + 4) != number)
		t.wrong_answer = true;
}

static void call_flags(uint32_t number, unsigned flags, size_t extra)
{
	static uint8_t raw[4000];

	memset(raw, 0, sizeof(raw));
	le32_store(raw, GET_CONFIG);
	le32_store(raw + 4, number);
	if (mtp_client_call(t.client, bytes_of(raw, 8 + extra), flags,
			    on_answer, (void *)(uintptr_t)number, t.now,
			    client_wall()))
		abort();
}

static void call(uint32_t number)
{
	call_flags(number, 0, 0);
}

/* -- the link ------------------------------------------------------------- */

static void server_open(enum mtp_hostile hostile)
{
	mtp_server_free(&t.server);
	t.server_conf.hostile = hostile;
	if (mtp_server_new(&t.server, &t.server_conf))
		abort();
}

static void link_up(void)
{
	server_open(t.server_conf.hostile);
	t.linked = true;
	mtp_client_connected(t.client, t.now, client_wall());
}

static void link_down(void)
{
	t.linked = false;
	mtp_client_disconnected(t.client, t.now);
	mtp_server_free(&t.server);
}

static size_t piece(size_t n)
{
	size_t most = n < 300 ? n : 300;

	return t.seed ? 1 + draw((uint32_t)most) : n;
}

/* Moves one piece each way; false when nothing was left to move. */
static bool link_step(void)
{
	struct buf *up = mtp_client_output(t.client), *down;
	bool moved = false;

	if (!t.linked || !t.server)
		return false;
	if (up->n) {
		size_t n = piece(up->n);
		uint8_t *copy = malloc(n);

		memcpy(copy, up->p, n);
		buf_drop(up, n);
		if (mtp_server_input(t.server, bytes_of(copy, n), t.now,
				     server_wall()) < 0)
			t.server_conf.arg = NULL;
		free(copy);
		moved = true;
	}
	down = mtp_server_output(t.server);
	if (down->n && t.linked) {
		size_t n = piece(down->n);
		uint8_t *copy = malloc(n);

		memcpy(copy, down->p, n);
		buf_drop(down, n);
		mtp_client_input(t.client, bytes_of(copy, n), t.now,
				 client_wall());
		free(copy);
		moved = true;
	}
	return moved;
}

static void run(void)
{
	for (int i = 0; i < 100000 && link_step(); i++)
		;
}

static void begin(enum mtp_hostile hostile)
{
	struct mtp_rsa *client_keys = t.client_keys, *rsa = t.rsa;

	memset(&t, 0, sizeof(t));
	t.client_keys = client_keys;
	t.rsa = rsa;
	t.now = 5 * USEC_S;
	t.wall_us = START;
	if (mtp_sessions_new(&t.sessions))
		abort();
	t.server_conf = (struct mtp_server_conf){
		.rsa = rsa,
		.dc = 2,
		.hostile = hostile,
		.sessions = t.sessions,
		.handlers = {.key = on_key,
			     .find = on_find,
			     .query = on_query,
			     .refused = on_refused},
	};
	t.client_conf = (struct mtp_client_conf){
		.transport = MTP_TRANSPORT_INTERMEDIATE,
		.obfuscated = true,
		.dc_wire = 2,
		.rsa = client_keys,
		.identity = {.api_id = 4,
			     .device_model = "test",
			     .system_version = "1",
			     .app_version = "1",
			     .lang_code = "en"},
		.handlers = {.event = on_event, .update = on_update},
	};
	if (mtp_client_new(&t.client, &t.client_conf))
		abort();
}

static void end(void)
{
	mtp_client_free(&t.client);
	mtp_server_free(&t.server);
	mtp_sessions_free(&t.sessions);
}

static void begin_ready(void)
{
	begin(MTP_HOSTILE_NONE);
	link_up();
	run();
	if (!mtp_client_ready(t.client))
		abort();
}

/* The server process starts anew: it keeps its keys and nothing else. */
static void server_restart(void)
{
	link_down();
	mtp_sessions_free(&t.sessions);
	if (mtp_sessions_new(&t.sessions))
		abort();
	t.server_conf.sessions = t.sessions;
}

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

/* -- hostile -------------------------------------------------------------- */

/* The client must refuse by that name and create no key. */
static void refused_in_key_creation(enum mtp_hostile hostile, const char *text)
{
	begin(hostile);
	call(1);
	link_up();
	run();
	CHECK_INT(t.events[MTP_EVENT_REFUSED], 1);
	CHECK_STR(t.refuse_text, text);
	CHECK_INT(t.events[MTP_EVENT_CLOSE], 1);
	CHECK_INT(t.events[MTP_EVENT_KEY_CREATED], 0);
	CHECK(!mtp_client_auth(t.client)->present);
	CHECK_INT(t.answers, 0);
	/* An honest server afterwards is fine. */
	link_down();
	t.server_conf.hostile = MTP_HOSTILE_NONE;
	link_up();
	run();
	CHECK_INT(t.answers, 1);
	end();
}

#define REFUSED_TEST(name, hostile, text)                                      \
	static void test_client_refuses_hostile_##name(void)                   \
	{                                                                      \
		refused_in_key_creation(hostile, text);                        \
	}

REFUSED_TEST(nonce, MTP_HOSTILE_NONCE, "nonce differs")
REFUSED_TEST(server_nonce, MTP_HOSTILE_SERVER_NONCE, "server_nonce differs")
REFUSED_TEST(fingerprint, MTP_HOSTILE_FINGERPRINT,
	     "no known RSA key among the fingerprints")
REFUSED_TEST(pq, MTP_HOSTILE_PQ, "pq is not a product of two primes")
REFUSED_TEST(prime_composite, MTP_HOSTILE_PRIME_COMPOSITE,
	     "dh_prime is not prime")
REFUSED_TEST(prime_unsafe, MTP_HOSTILE_PRIME_UNSAFE,
	     "dh_prime is not a safe prime")
REFUSED_TEST(prime_short, MTP_HOSTILE_PRIME_SHORT,
	     "dh_prime is not 2048 bits long")
REFUSED_TEST(generator, MTP_HOSTILE_GENERATOR,
	     "the generator does not suit dh_prime")
REFUSED_TEST(ga_range, MTP_HOSTILE_GA_RANGE, "g_a is out of range")
REFUSED_TEST(answer_hash, MTP_HOSTILE_ANSWER_HASH, "answer hash differs")
REFUSED_TEST(new_nonce_hash, MTP_HOSTILE_NEW_NONCE_HASH,
	     "new_nonce_hash differs")
REFUSED_TEST(dh_gen_fail, MTP_HOSTILE_DH_FAIL,
	     "the server gave up key creation")

static void refused_in_session(enum mtp_hostile hostile, const char *text)
{
	begin(hostile);
	link_up();
	call(1);
	run();
	CHECK_INT(t.events[MTP_EVENT_KEY_CREATED], 1);
	CHECK_INT(t.events[MTP_EVENT_REFUSED], 1);
	CHECK_STR(t.refuse_text, text);
	CHECK_INT(t.events[MTP_EVENT_CLOSE], 1);
	CHECK_INT(t.events[MTP_EVENT_READY], 0);
	CHECK_INT(t.answers, 0);
	end();
}

#define SESSION_REFUSED_TEST(name, hostile, text)                              \
	static void test_client_refuses_hostile_##name(void)                   \
	{                                                                      \
		refused_in_session(hostile, text);                             \
	}

SESSION_REFUSED_TEST(msg_key, MTP_HOSTILE_MSG_KEY, "message key differs")
SESSION_REFUSED_TEST(session, MTP_HOSTILE_SESSION, "session_id differs")
SESSION_REFUSED_TEST(padding, MTP_HOSTILE_PADDING,
		     "padding is not 12 to 1024 bytes")
SESSION_REFUSED_TEST(msg_id, MTP_HOSTILE_MSG_ID,
		     "msg_id is not one of a server")
SESSION_REFUSED_TEST(msg_id_time, MTP_HOSTILE_MSG_ID_TIME,
		     "msg_id is too far from the time")

/* A replay is dropped without ending the connection: servers repeat honestly
 * what was not acked in time. */
static void test_client_refuses_hostile_replay(void)
{
	uint8_t raw[4];

	begin(MTP_HOSTILE_REPLAY);
	link_up();
	call(1);
	run();
	CHECK_INT(t.answers, 1);
	le32_store(raw, UPDATES_TOO_LONG);
	mtp_server_push(t.server, bytes_of(raw, 4), server_wall());
	run();
	CHECK_INT(t.updates, 1);
	CHECK_INT(t.seen[1], 1);
	CHECK_INT(t.events[MTP_EVENT_REFUSED], 0);
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
	RUN(test_client_refuses_hostile_nonce);
	RUN(test_client_refuses_hostile_server_nonce);
	RUN(test_client_refuses_hostile_fingerprint);
	RUN(test_client_refuses_hostile_pq);
	RUN(test_client_refuses_hostile_prime_composite);
	RUN(test_client_refuses_hostile_prime_unsafe);
	RUN(test_client_refuses_hostile_prime_short);
	RUN(test_client_refuses_hostile_generator);
	RUN(test_client_refuses_hostile_ga_range);
	RUN(test_client_refuses_hostile_answer_hash);
	RUN(test_client_refuses_hostile_new_nonce_hash);
	RUN(test_client_refuses_hostile_dh_gen_fail);
	RUN(test_client_refuses_hostile_msg_key);
	RUN(test_client_refuses_hostile_session);
	RUN(test_client_refuses_hostile_padding);
	RUN(test_client_refuses_hostile_msg_id);
	RUN(test_client_refuses_hostile_msg_id_time);
	RUN(test_client_refuses_hostile_replay);
	mtp_rsa_free(&t.client_keys);
	mtp_rsa_free(&t.rsa);
	return check_done();
}
