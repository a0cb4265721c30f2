/* Temporary keys: client and server engines joined in memory, with invented
 * time. The server's owner binds them, as strictly as Telegram. */
#include "mtproto/session_world.h"

#include "mtproto/bind.h"

#define LIFE 86400
#define DROP 0x8e48a188u
#define PERM_EMPTY "AUTH_KEY_PERM_EMPTY"

static struct {
	int32_t expires[8]; /* of t.keys, as the key was made; 0: permanent */
	int32_t ends[8];
	bool bound[8];
	int binds, drops;
	int refuse;          /* the next so many bindings */
	const char *refusal; /* with this */
	int empty;           /* AUTH_KEY_PERM_EMPTY to the next so many */
	bool bind_silent;
	char fault[64];
	uint64_t first_key; /* of the last query that was no binding */
	uint64_t key;       /* of the message at hand */
	int64_t session;
} own;

static size_t key_index(uint64_t id)
{
	for (size_t i = 0; i < t.keys_n; i++)
		if (t.keys[i].id == id)
			return i;
	abort();
}

static void key_made(uint64_t key_id, const uint8_t key[256], int32_t expires,
		     int64_t salt, void *arg)
{
	own.expires[t.keys_n] = expires;
	own.ends[t.keys_n] = (int32_t)(t.wall_us / 1000000) + expires;
	own.bound[t.keys_n] = false;
	on_key(key_id, key, expires, salt, arg);
}

/* What is wrong with a binding; NULL: nothing. */
static const char *bind_fault(int64_t msg_id, struct bytes query)
{
	uint64_t perm_id, temp_id = own.key;
	struct mtp_bind b = {0};
	const char *fault = NULL;
	struct bytes sealed;
	int32_t expires;
	int64_t nonce;
	struct rd r;

	rd_init(&r, query.p, query.n);
	rd_skip(&r, 4);
	perm_id = rd_le64(&r);
	nonce = (int64_t)rd_le64(&r);
	expires = (int32_t)rd_le32(&r);
	sealed = wire_bytes(&r);
	if (r.bad || r.n)
		return "malformed";
	if (mtp_bind_open(&b, &fault, sealed, t.keys[key_index(perm_id)].key,
			  msg_id))
		return fault;
	if (own.expires[key_index(perm_id)] || !own.expires[key_index(temp_id)])
		return "wrong kinds of keys";
	if (b.nonce != nonce || b.perm_key_id != perm_id ||
	    b.temp_key_id != temp_id || b.expires_at != expires)
		return "fields differ";
	if (b.temp_session_id != own.session)
		return "another session";
	if (expires != own.ends[key_index(temp_id)])
		return "another end";
	return NULL;
}

static void bind_take(int64_t msg_id, struct bytes query)
{
	const char *fault = bind_fault(msg_id, query);
	uint8_t ok[4];

	own.binds++;
	if (own.bind_silent)
		return;
	if (!fault && own.refuse) {
		own.refuse--;
		fault = own.refusal;
	}
	if (fault) {
		snprintf(own.fault, sizeof(own.fault), "%s", fault);
		mtp_server_error(t.server, msg_id, 400, fault, server_wall());
		return;
	}
	own.bound[key_index(own.key)] = true;
	le32_store(ok, WIRE_BOOL_TRUE);
	mtp_server_answer(t.server, msg_id, bytes_of(ok, 4), server_wall());
}

static void session_now(uint64_t key_id, int64_t session_id, void *arg)
{
	own.key = key_id;
	own.session = session_id;
}

static void query_take(int64_t msg_id, int32_t layer, bool no_updates,
		       struct bytes query, void *arg)
{
	size_t key = key_index(own.key);
	uint8_t ok[4];

	if (wire_id(query) == WIRE_BIND_TEMP_AUTH_KEY) {
		bind_take(msg_id, query);
		return;
	}
	if (!own.bound[key] || own.empty) {
		own.empty -= own.empty > 0;
		mtp_server_error(t.server, msg_id, 401, PERM_EMPTY,
				 server_wall());
		return;
	}
	if (wire_id(query) == DROP) {
		own.drops++;
		le32_store(ok, WIRE_BOOL_TRUE);
		mtp_server_answer(t.server, msg_id, bytes_of(ok, 4),
				  server_wall());
		return;
	}
	own.first_key = t.keys[key].id;
	on_query(msg_id, layer, no_updates, query, arg);
}

static void start(void)
{
	memset(&own, 0, sizeof(own));
	begin(MTP_HOSTILE_NONE);
	t.server_conf.handlers.key = key_made;
	t.server_conf.handlers.query = query_take;
	t.server_conf.handlers.session = session_now;
	mtp_client_free(&t.client);
	t.client_conf.temporary_s = LIFE;
	if (mtp_client_new(&t.client, &t.client_conf))
		abort();
}

static void start_ready(void)
{
	start();
	link_up();
	run();
}

static void reconnect(void)
{
	link_down();
	link_up();
	run();
}

/* Time passes, in steps of a ping. */
static void wait(usec_t us)
{
	for (usec_t end = t.now + us; t.now < end;) {
		usec_t step = end - t.now;

		pass(step < 20 * USEC_S ? step : 20 * USEC_S);
		mtp_client_timeout(t.client, t.now, client_wall());
		run();
	}
}

/* -- tests ---------------------------------------------------------------- */

static void test_secrecy_binds_before_anything_else(void)
{
	start();
	call(1); /* waits */
	link_up();
	run();
	CHECK_INT(t.keys_n, 2);
	CHECK_INT(own.expires[0], 0);
	/* 23 to 24 hours, as td has it. */
	CHECK(own.expires[1] > LIFE - LIFE / 24 - 1 && own.expires[1] <= LIFE);
	CHECK_STR(own.fault, "");
	CHECK_INT(own.binds, 1);
	CHECK_INT(t.events[MTP_EVENT_KEY_CREATED], 1);
	CHECK_INT(t.events[MTP_EVENT_READY], 1);
	CHECK_INT(t.answers, 1);
	CHECK(!t.wrong_answer);
	/* What is kept is the permanent key; what is used, the other one. */
	CHECK(mtp_client_auth(t.client)->key_id == t.keys[0].id);
	CHECK(own.first_key == t.keys[1].id);
	CHECK_INT(own.drops, 1);
	CHECK_STR(t.refused, "");
	end();
}

static void test_secrecy_kept_key_gets_a_temporary_one(void)
{
	start_ready();
	t.client_conf.auth = *mtp_client_auth(t.client);
	link_down();
	mtp_client_free(&t.client);
	CHECK_INT(mtp_client_new(&t.client, &t.client_conf), 0);
	link_up();
	call(1);
	run();
	CHECK_INT(t.keys_n, 3);
	CHECK(own.expires[2] > 0);
	CHECK_INT(t.answers, 1);
	CHECK_INT(t.events[MTP_EVENT_KEY_CREATED], 1);
	CHECK_INT(own.drops, 2);
	end();
}

static void test_secrecy_reconnects_with_the_same_key(void)
{
	start_ready();
	reconnect();
	call(1);
	run();
	CHECK_INT(t.answers, 1);
	CHECK_INT(t.keys_n, 2);
	CHECK_INT(own.binds, 1);
	CHECK_INT(t.events[MTP_EVENT_NEW_SESSION], 0);
	end();
}

static void test_secrecy_renews_in_time(void)
{
	uint8_t raw[4];

	start_ready();
	call(1);
	run();
	wait((usec_t)own.expires[1] * USEC_S / 10 * 9 - 30 * USEC_S);
	CHECK_INT(t.keys_n, 2);
	wait(60 * USEC_S);
	CHECK_INT(t.keys_n, 3);
	CHECK_INT(own.binds, 2);
	CHECK_STR(own.fault, "");
	/* Another session: the difference is asked for. */
	CHECK_INT(t.events[MTP_EVENT_NEW_SESSION], 1);
	CHECK_INT(t.events[MTP_EVENT_CLOSE], 0);
	call(2);
	run();
	CHECK_INT(t.answers, 2);
	CHECK(own.first_key == t.keys[2].id);
	le32_store(raw, UPDATES_TOO_LONG);
	CHECK_INT(mtp_server_push(t.server, bytes_of(raw, 4), server_wall()),
		  0);
	run();
	CHECK_INT(t.updates, 1);
	/* and so on */
	wait((usec_t)LIFE * USEC_S);
	CHECK_INT(t.keys_n, 4);
	CHECK_INT(t.events[MTP_EVENT_CLOSE], 0);
	end();
}

/* Queries that are under way at the change are answered once, those asked
 * meanwhile wait, and no update is lost. */
static void test_secrecy_renewal_loses_nothing(void)
{
	uint8_t raw[4];

	start_ready();
	t.silent = true;
	wait((usec_t)own.expires[1] * USEC_S / 10 * 9 - 2 * USEC_S);
	call_flags(1, MTP_CALL_NO_RESEND, 0);
	run();
	wait(4 * USEC_S);
	CHECK_INT(t.keys_n, 3); /* made, not yet in use */
	CHECK_INT(own.binds, 1);
	call(2);
	run();
	CHECK_INT(t.executed[2], 0);
	/* An answer and an update of the session about to end. */
	t.silent = false;
	answer_number(t.held[0], 1);
	le32_store(raw, UPDATES_TOO_LONG);
	CHECK_INT(mtp_server_push(t.server, bytes_of(raw, 4), server_wall()),
		  0);
	run();
	CHECK_INT(t.updates, 1);
	CHECK_INT(own.binds, 2);
	CHECK_INT(t.answers, 2);
	CHECK_INT(t.executed[1], 1);
	CHECK_INT(t.executed[2], 1);
	CHECK_INT(t.errors, 0);
	CHECK(own.first_key == t.keys[2].id);
	end();
}

/* A query nobody answers does not hold the change up for ever. */
static void test_secrecy_renewal_does_not_wait_for_ever(void)
{
	start_ready();
	wait((usec_t)own.expires[1] * USEC_S / 10 * 9 - 2 * USEC_S);
	t.silent = true;
	call(1);
	run();
	t.silent = false;
	wait(3 * USEC_S);
	CHECK_INT(own.binds, 1);
	wait(6 * USEC_S);
	CHECK_INT(own.binds, 2);
	CHECK_INT(t.answers, 1);
	CHECK_INT(t.executed[1], 2);
	end();
}

static void test_secrecy_expired_while_away(void)
{
	start_ready();
	link_down();
	pass((usec_t)LIFE * USEC_S);
	link_up();
	call(1);
	run();
	CHECK_INT(t.keys_n, 3);
	CHECK_INT(t.answers, 1);
	end();
}

/* -404 to a temporary key costs that key alone. */
static void test_secrecy_unknown_temporary_key_is_replaced(void)
{
	start_ready();
	t.keys_n = 1; /* the data centre has forgotten it */
	reconnect();
	CHECK_INT(t.events[MTP_EVENT_CLOSE], 1);
	CHECK_INT(t.events[MTP_EVENT_KEY_UNKNOWN], 0);
	reconnect();
	CHECK_INT(own.binds, 2);
	call(1);
	run();
	CHECK_INT(t.answers, 1);
	end();
}

static void test_secrecy_unbound_key_is_replaced(void)
{
	start_ready();
	own.empty = 1;
	call_flags(1, MTP_CALL_NO_RESEND, 0);
	run();
	CHECK_INT(t.events[MTP_EVENT_CLOSE], 1);
	CHECK_INT(t.errors, 0);
	reconnect();
	CHECK_INT(t.keys_n, 3);
	CHECK_INT(t.answers, 1);
	CHECK_INT(t.executed[1], 1);
	end();
}

static void test_secrecy_binding_refused(void)
{
	start();
	own.refuse = 1;
	own.refusal = "ENCRYPTED_MESSAGE_INVALID";
	call(1);
	link_up();
	run();
	/* The data centre does not know our permanent key. */
	CHECK_INT(t.events[MTP_EVENT_KEY_UNKNOWN], 1);
	CHECK_INT(t.events[MTP_EVENT_CLOSE], 1);
	CHECK_INT(t.events[MTP_EVENT_READY], 0);
	own.refuse = 1;
	own.refusal = "FLOOD_WAIT_1";
	reconnect();
	CHECK_INT(t.events[MTP_EVENT_KEY_UNKNOWN], 1);
	CHECK_INT(t.events[MTP_EVENT_CLOSE], 2);
	reconnect();
	CHECK_INT(t.answers, 1);
	CHECK_INT(t.keys_n, 4); /* one permanent, three temporary */
	end();
}

static void test_secrecy_binding_unanswered(void)
{
	start();
	own.bind_silent = true;
	link_up();
	run();
	CHECK(!mtp_client_ready(t.client));
	pass(11 * USEC_S);
	mtp_client_timeout(t.client, t.now, client_wall());
	CHECK_INT(t.events[MTP_EVENT_CLOSE], 1);
	CHECK_STR(t.last_text, "the temporary key was not bound in time");
	own.bind_silent = false;
	call(1);
	reconnect();
	CHECK_INT(t.answers, 1);
	end();
}

/* Cut off at every byte that the first connection carries. */
static void test_secrecy_connection_lost_while_binding(void)
{
	for (int steps = 0; steps < 60; steps++) {
		bool moved = true;

		start();
		t.seed = 7;
		call(1);
		link_up();
		for (int i = 0; i < steps && moved; i++)
			moved = link_step();
		reconnect();
		CHECK_INT(t.answers, 1);
		CHECK_STR(own.fault, "");
		CHECK(mtp_client_ready(t.client));
		end();
		if (!moved)
			return;
	}
}

static void test_secrecy_wrong_salt_and_clock(void)
{
	start();
	t.client_ahead = -7200ll * 1000000;
	call(1);
	link_up();
	run();
	CHECK_INT(t.answers, 1);
	/* The clock is set under way: what comes is refused, the time taken
	 * anew from the next connection; the key stays. */
	t.client_ahead = 7200ll * 1000000;
	call(2);
	run();
	reconnect();
	CHECK_INT(t.answers, 2);
	CHECK_INT(own.binds, 1);
	/* A day later every salt has changed. */
	pass(3 * 3600 * USEC_S);
	call(3);
	run();
	CHECK_INT(t.answers, 3);
	end();
}

static uint64_t destroyed;

static void on_destroy(uint64_t key_id, void *arg)
{
	destroyed = key_id;
}

/* It is the permanent key that is to be forgotten, so it is used for once; what
 * salt it has is told by the data centre. */
static void test_secrecy_destroys_the_permanent_key(void)
{
	start_ready();
	t.server_conf.handlers.destroy = on_destroy;
	reconnect();
	pass(7200 * USEC_S);
	mtp_client_destroy_key(t.client, t.now, client_wall());
	run();
	CHECK(destroyed == t.keys[0].id);
	CHECK_INT(t.events[MTP_EVENT_KEY_DESTROYED], 1);
	end();
}

int main(void)
{
	test_key_new(&t.client_keys, &t.rsa);
	RUN(test_secrecy_binds_before_anything_else);
	RUN(test_secrecy_kept_key_gets_a_temporary_one);
	RUN(test_secrecy_reconnects_with_the_same_key);
	RUN(test_secrecy_renews_in_time);
	RUN(test_secrecy_renewal_loses_nothing);
	RUN(test_secrecy_renewal_does_not_wait_for_ever);
	RUN(test_secrecy_expired_while_away);
	RUN(test_secrecy_unknown_temporary_key_is_replaced);
	RUN(test_secrecy_unbound_key_is_replaced);
	RUN(test_secrecy_binding_refused);
	RUN(test_secrecy_binding_unanswered);
	RUN(test_secrecy_connection_lost_while_binding);
	RUN(test_secrecy_wrong_salt_and_clock);
	RUN(test_secrecy_destroys_the_permanent_key);
	mtp_rsa_free(&t.client_keys);
	mtp_rsa_free(&t.rsa);
	return check_done();
}
