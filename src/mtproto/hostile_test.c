/* A hostile server, whose every fault the client must refuse by name. */
#include "mtproto/session_world.h"

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
