/* A second lasts 50 ms here. */
#include "sip/ping.h"

#include "sip/session_fixture_test.h"

#define SECOND_MS 50

static void on_there(bool there, const char *cause, void *arg)
{
	struct side *o = arg;

	note(o, there ? "there" : cause);
}

static bool ping_start(struct side *o, struct peer *p, struct sip_ping **ping,
		       unsigned interval_s)
{
	char uri[128];
	const struct sip_ping_conf conf = {.uri = uri,
					   .interval_s = interval_s};

	if (!side_start(o) || !peer_open(p, o->stack))
		return false;
	o->stack->second_ms = SECOND_MS;
	snprintf(uri, sizeof(uri), "sip:%s", p->here);
	return !sip_ping_new(ping, o->stack, &conf, on_there, o);
}

static void test_ping_any_answer_is_a_sign_of_life(void)
{
	static const char *const answers[] = {"200 OK", "404 Not Found",
					      "503 Service Unavailable"};
	struct sip_ping *ping = NULL;
	char call[64], same[64];
	struct side o;
	struct peer p;
	const char *a;

	CHECK(ping_start(&o, &p, &ping, 2));
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		a = peer_wait(&p, "OPTIONS sip:127.0.0.1:");
		CHECK(a && strstr(a, "\r\nMax-Forwards: 70\r\n") &&
		      strstr(a, "\r\nAccept: application/sdp\r\n") &&
		      peer_header(a, "Call-ID: ", i ? same : call, 64));
		if (i)
			CHECK_STR(same, call);
		peer_answer(&p, a, answers[i], "t", "", NULL);
	}
	CHECK(peer_wait(&p, "OPTIONS sip:"));
	CHECK_STR(o.log, "there;");
	sip_ping_free(&ping);
	side_finish(&o, &p);
}

static void test_ping_silence_and_return(void)
{
	struct sip_ping *ping = NULL;
	struct side o;
	struct peer p;
	const char *a;

	CHECK(ping_start(&o, &p, &ping, 5));
	a = peer_wait(&p, "OPTIONS sip:");
	CHECK(a != NULL);
	peer_answer(&p, a, "100 Trying", NULL, "", NULL); /* says nothing */
	CHECK(side_wait(&o, "OPTIONS is not answered;"));
	/* Told once, however long it lasts. */
	CHECK(peer_wait(&p, "OPTIONS sip:"));
	/* Some are copies of questions that nobody waits for any more. */
	for (int i = 0; i < 50 && !strstr(o.log, "there;"); i++) {
		a = peer_wait(&p, "OPTIONS sip:");
		CHECK(a != NULL);
		peer_answer(&p, a, "200 OK", "t", "", NULL);
		loop_run_ms(20);
	}
	CHECK_STR(o.log, "OPTIONS is not answered;there;");
	sip_ping_free(&ping);
	side_finish(&o, &p);
}

static void test_ping_of_one_that_was_heard_otherwise(void)
{
	struct sip_ping *ping = NULL;
	struct side o;
	struct peer p;

	CHECK(ping_start(&o, &p, &ping, 5));
	CHECK(peer_wait(&p, "OPTIONS sip:"));
	sip_ping_seen(ping);
	CHECK_STR(o.log, "there;");
	/* The question it did not answer counts no more, the next one does. */
	CHECK(peer_wait(&p, "OPTIONS sip:"));
	CHECK_STR(o.log, "there;");
	CHECK(side_wait(&o, "OPTIONS is not answered;"));
	sip_ping_seen(ping);
	CHECK_STR(o.log, "there;OPTIONS is not answered;there;");
	sip_ping_free(&ping);
	side_finish(&o, &p);
}

static void test_ping_bad_addresses_are_refused(void)
{
	struct sip_ping_conf conf = {.uri = "sip:a\r\nX: y"};
	struct sip_ping *ping = NULL;
	struct side o;

	CHECK(side_start(&o));
	CHECK_INT(sip_ping_new(&ping, o.stack, &conf, on_there, &o), -EINVAL);
	conf.uri = "nothing";
	CHECK_INT(sip_ping_new(&ping, o.stack, &conf, on_there, &o), -EINVAL);
	conf.uri = "sip:127.0.0.1";
	conf.route = "smoke:signal";
	CHECK_INT(sip_ping_new(&ping, o.stack, &conf, on_there, &o), -EINVAL);
	CHECK(!ping);
	sip_stack_free(&o.stack);
}

static void test_options_are_answered(void)
{
	char tag[64];
	struct side o;
	struct peer p;
	const char *a;

	CHECK(peer_start(&o, &p));
	peer_request(&p, &(struct peer_request){
				 .method = "OPTIONS", .call = "o", .seq = 1});
	a = peer_wait(&p, "CSeq: 1 OPTIONS");
	CHECK(a && strstr(a, "SIP/2.0 200 OK") &&
	      strstr(a, "\r\nAllow: " SANITY_ALLOW "\r\n") &&
	      strstr(a, "\r\nSupported: " SANITY_SUPPORTED "\r\n") &&
	      strstr(a, "\r\nAccept: application/sdp\r\n"));
	CHECK(peer_call(&o, &p, "c1", tag));
	peer_request(&p, &(struct peer_request){.method = "OPTIONS",
						.call = "c1",
						.seq = 9,
						.to_tag = tag});
	a = peer_wait(&p, "CSeq: 9 OPTIONS");
	CHECK(a && strstr(a, "SIP/2.0 200 OK") && strstr(a, "\r\nAllow: "));
	peer_request(&p, &(struct peer_request){.method = "OPTIONS",
						.call = "gone",
						.seq = 1,
						.to_tag = "x"});
	CHECK(peer_wait(&p, "SIP/2.0 481 "));
	CHECK_STR(o.log, "incoming;confirmed;");
	side_finish(&o, &p);
}

int main(void)
{
	(void)libre_init();
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_ping_any_answer_is_a_sign_of_life);
	RUN(test_ping_silence_and_return);
	RUN(test_ping_of_one_that_was_heard_otherwise);
	RUN(test_ping_bad_addresses_are_refused);
	RUN(test_options_are_answered);
	libre_close();
	return check_done();
}
