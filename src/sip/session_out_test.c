/* INVITE of ours. */
#include "sip/session_fixture_test.h"

static void test_session_outgoing_headers_are_clean(void)
{
	const char *invite;
	struct side o;
	struct peer p;

	CHECK(call_started(&o, &p, &invite));
	CHECK(strstr(invite, "\r\nFrom: \"Zo\xc3\xab \\\"Z\\\"X: y\" "
			     "<sip:999123@127.0.0.1>;tag="));
	CHECK(strstr(invite, "\r\nTo: <sip:bob@10.255.255.1:5999>\r\n"));
	CHECK(strstr(invite, "\r\nX-TG-ID: 42\r\n"));
	CHECK(strstr(invite, "\r\nX-TG-FirstName: Zo\xc3\xabInjected: yes"));
	CHECK(!strstr(invite, "\r\nInjected"));
	CHECK(!strstr(invite, "Bad Name"));
	CHECK(strstr(invite, "\r\nAllow: INVITE, ACK"));
	CHECK(strstr(invite, "\r\nContact: <sip:999123@127.0.0.1:"));
	CHECK(strstr(invite, "\r\nUser-Agent: Gramline/"));
	CHECK(strstr(invite, OFFER));
	peer_answer(&p, invite, "486 Busy Here", "t", "", NULL);
	CHECK(side_wait(&o, "rejected 486 Busy Here;"));
	CHECK(peer_wait(&p, "ACK sip:bob"));
	CHECK(side_idle(&o));
	side_finish(&o, &p);
}

static void test_session_outgoing_answer_and_lost_ack(void)
{
	const char *invite, *bye;
	struct side o;
	struct peer p;

	CHECK(call_started(&o, &p, &invite));
	peer_answer(&p, invite, "183 Progress", "t", CONTACT SDP_TYPE, ANSWER);
	CHECK(side_wait(&o, "183 Progress;"));
	CHECK_STR(o.sdp, ANSWER);
	peer_answer(&p, invite, "200 OK", "t", CONTACT SDP_TYPE, ANSWER);
	CHECK(peer_wait(&p, "ACK sip:peer@127.0.0.1:9 SIP/2.0"));
	peer_answer(&p, invite, "200 OK", "t", CONTACT SDP_TYPE, ANSWER);
	CHECK(peer_wait(&p, "ACK sip:peer@127.0.0.1:9 SIP/2.0"));
	CHECK_STR(o.log, "183 Progress;answered;");
	/* A second fork answers: ACK and BYE, the call stands. */
	peer_answer(&p, invite, "200 OK", "other",
		    "Contact: <sip:fork@127.0.0.1:9>\r\n" SDP_TYPE, ANSWER);
	CHECK(peer_wait(&p, "ACK sip:fork@127.0.0.1:9 SIP/2.0"));
	bye = peer_wait(&p, "BYE sip:fork@127.0.0.1:9 SIP/2.0");
	CHECK(bye && strstr(bye, ";tag=other\r\n"));
	peer_answer(&p, bye, "200 OK", NULL, "", NULL);
	CHECK_STR(o.log, "183 Progress;answered;");
	sip_session_end(o.session, 200, NULL, "SIP;cause=200");
	bye = peer_wait(&p, "BYE sip:peer@127.0.0.1:9 SIP/2.0");
	CHECK(bye && strstr(bye, "\r\nReason: SIP;cause=200\r\n") &&
	      strstr(bye, ";tag=t\r\n"));
	peer_answer(&p, bye, "200 OK", NULL, "", NULL);
	CHECK(side_idle(&o));
	CHECK_STR(o.log, "183 Progress;answered;local 200 OK;");
	side_finish(&o, &p);
}

static void test_session_cancel_waits_for_a_provisional(void)
{
	const char *invite, *cancel;
	char via[256], cancel_via[256];
	struct side o;
	struct peer p;

	CHECK(call_started(&o, &p, &invite));
	sip_session_end(o.session, 487, "Caller hung up",
			"SIP;cause=487;text=\"Caller hung up\"");
	CHECK(side_wait(&o, "local 487 Caller hung up;"));
	loop_run_ms(100);
	CHECK_INT(peer_count(&p, "CANCEL sip:"), 0);
	peer_answer(&p, invite, "180 Ringing", "t", CONTACT, NULL);
	cancel = peer_wait(&p, "CANCEL sip:bob@10.255.255.1:5999 SIP/2.0");
	CHECK(cancel && strstr(cancel, "Reason: SIP;cause=487;text=\"Call"));
	CHECK(peer_header(invite, "Via: ", via, sizeof(via)) &&
	      peer_header(cancel, "Via: ", cancel_via, sizeof(cancel_via)));
	CHECK_STR(cancel_via, via);
	CHECK(peer_wait(&p, "CANCEL sip:")); /* again, until it is answered */
	peer_answer(&p, cancel, "200 OK", "t", "", NULL);
	peer_answer(&p, invite, "487 Request Terminated", "t", "", NULL);
	CHECK(side_idle(&o));
	CHECK_STR(o.log, "local 487 Caller hung up;");
	side_finish(&o, &p);
}

static void test_session_answer_crossing_our_cancel(void)
{
	const char *invite, *bye;
	struct side o;
	struct peer p;

	CHECK(call_started(&o, &p, &invite));
	peer_answer(&p, invite, "180 Ringing", "t", CONTACT, NULL);
	CHECK(side_wait(&o, "180 Ringing;"));
	sip_session_end(o.session, 487, NULL, NULL);
	CHECK(peer_wait(&p, "CANCEL sip:"));
	peer_answer(&p, invite, "200 OK", "t", CONTACT SDP_TYPE, ANSWER);
	CHECK(peer_wait(&p, "ACK sip:peer"));
	bye = peer_wait(&p, "BYE sip:peer");
	CHECK(bye != NULL);
	peer_answer(&p, bye, "200 OK", NULL, "", NULL);
	CHECK(side_idle(&o));
	CHECK_STR(o.log, "180 Ringing;local 487 Request Terminated;");
	side_finish(&o, &p);
}

static void test_session_cancel_without_final_answer_ends(void)
{
	const char *invite;
	struct side o;
	struct peer p;

	CHECK(side_start(&o));
	o.stack->t1_ms = 5;
	CHECK(peer_open(&p, o.stack));
	CHECK(call_peer(&o, &p, &invite));
	peer_answer(&p, invite, "180 Ringing", "t", CONTACT, NULL);
	CHECK(side_wait(&o, "180 Ringing;"));
	sip_session_end(o.session, 487, NULL, NULL);
	CHECK(side_idle(&o));
	side_finish(&o, &p);
}

static void test_session_challenges_are_answered(void)
{
	static const char challenge[] =
		"WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n1\", "
		"qop=\"auth,auth-int\", algorithm=MD5\r\n";
	static const char proxy[] =
		"Proxy-Authenticate: Digest realm=\"pbx\", nonce=\"n2\", "
		"algorithm=AKAv1-MD5\r\n"
		"Proxy-Authenticate: Digest realm=\"pbx\", nonce=\"n2\"\r\n";
	const char *invite, *bye, *again;
	struct side o;
	struct peer p;

	CHECK(call_started(&o, &p, &invite));
	peer_answer(&p, invite, "401 Unauthorized", "a", challenge, NULL);
	again = peer_wait(&p, "\r\nAuthorization: Digest username=\"gw\"");
	/* The ACK of the 401 comes first and has none. */
	CHECK(again && strstr(again, "INVITE sip:bob"));
	CHECK(strstr(again, "nonce=\"n1\"") && strstr(again, "qop=auth"));
	peer_answer(&p, again, "200 OK", "t", CONTACT SDP_TYPE, ANSWER);
	CHECK(side_wait(&o, "answered;"));
	CHECK(peer_wait(&p, "ACK sip:peer"));
	sip_session_end(o.session, 200, NULL, NULL);
	bye = peer_wait(&p, "BYE sip:peer");
	CHECK(bye != NULL);
	peer_answer(&p, bye, "407 Proxy Authentication Required", NULL, proxy,
		    NULL);
	again = peer_wait(&p, "\r\nProxy-Authorization: Digest");
	CHECK(again && strstr(again, "BYE sip:peer"));
	CHECK(strstr(again, "nonce=\"n2\"") && !strstr(again, "qop="));
	peer_answer(&p, again, "200 OK", NULL, "", NULL);
	CHECK(side_idle(&o));
	side_finish(&o, &p);
}

static void test_session_second_challenge_is_a_refusal(void)
{
	static const char challenge[] =
		"WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n1\"\r\n";
	const char *invite;
	struct side o;
	struct peer p;

	CHECK(call_started(&o, &p, &invite));
	peer_answer(&p, invite, "401 Unauthorized", "a", challenge, NULL);
	invite = peer_wait(&p, "\r\nAuthorization: Digest");
	CHECK(invite != NULL);
	peer_answer(&p, invite, "401 Unauthorized", "a", challenge, NULL);
	CHECK(side_wait(&o, "rejected 401 Unauthorized;"));
	CHECK(side_idle(&o));
	side_finish(&o, &p);
}

/* Two servers of a domain: the first one says nothing, the second one has the
 * INVITE that is returned; *silent is the first one's. */
static const char *servers_call(struct side *o, struct peer p[2],
				const char **silent)
{
	struct sip_servers servers = {.n = 2};
	const struct sip_invite_conf conf = {
		.uri = "sip:bob@pbx.invalid",
		.from_user = "999123",
		.from_host = "pbx.invalid",
		.sdp = bytes_str(OFFER),
		.servers = &servers,
		.servers_transport = "udp",
	};

	if (!side_start(o) || !peer_open(&p[0], o->stack) ||
	    !peer_open(&p[1], o->stack))
		return NULL;
	o->stack->second_ms = 20;
	servers.list[0] = p[0].self;
	servers.list[1] = p[1].self;
	if (sip_session_invite(&o->session, o->stack, &conf, &side_handlers, o))
		return NULL;
	*silent = peer_wait(&p[0], "INVITE sip:bob@pbx.invalid SIP/2.0");
	return *silent ? peer_wait(&p[1], "INVITE sip:bob@pbx.invalid SIP/2.0")
		       : NULL;
}

/* "Contact: " of this peer itself. */
static const char *peer_contact(char text[160], const struct peer *p)
{
	snprintf(text, 160, "Contact: <sip:peer@%s>\r\n" SDP_TYPE, p->here);
	return text;
}

static bool late_is_ended(struct peer *p, const char *invite)
{
	char ack[96], seq[32], acked[32], lines[160];
	const char *m;

	peer_answer(p, invite, "200 OK", "late", peer_contact(lines, p),
		    ANSWER);
	snprintf(ack, sizeof(ack), "ACK sip:peer@%s SIP/2.0", p->here);
	m = peer_wait(p, ack);
	if (!peer_header(invite, "CSeq: ", seq, sizeof(seq)) ||
	    !peer_header(m, "CSeq: ", acked, sizeof(acked)) ||
	    atoi(seq) != atoi(acked) || !strstr(m, ";tag=late\r\n"))
		return false;
	m = peer_wait(p, "BYE sip:peer@");
	if (!m || !strstr(m, ";tag=late\r\n"))
		return false;
	peer_answer(p, m, "200 OK", NULL, "", NULL);
	return true;
}

static void test_session_server_given_up_answers_late(void)
{
	const char *invite, *silent, *bye;
	char lines[160];
	struct peer p[2];
	struct side o;

	invite = servers_call(&o, p, &silent);
	CHECK(invite != NULL);
	peer_answer(&p[1], invite, "200 OK", "t", peer_contact(lines, &p[1]),
		    ANSWER);
	CHECK(side_wait(&o, "answered;"));
	CHECK(peer_wait(&p[1], "ACK sip:peer@"));
	CHECK(late_is_ended(&p[0], silent));
	/* Its ACK was lost: again. */
	CHECK(late_is_ended(&p[0], silent));
	CHECK_STR(o.log, "answered;");
	sip_session_end(o.session, 200, NULL, NULL);
	bye = peer_wait(&p[1], "BYE sip:peer@");
	CHECK(bye && strstr(bye, ";tag=t\r\n"));
	peer_answer(&p[1], bye, "200 OK", NULL, "", NULL);
	CHECK(side_idle(&o));
	CHECK_STR(o.log, "answered;local 200 OK;");
	peer_close(&p[1]);
	side_finish(&o, &p[0]);
}

static void test_session_server_given_up_answers_after_the_end(void)
{
	const char *invite, *silent;
	struct peer p[2];
	struct side o;

	invite = servers_call(&o, p, &silent);
	CHECK(invite != NULL);
	peer_answer(&p[1], invite, "486 Busy Here", "t", "", NULL);
	CHECK(side_wait(&o, "rejected 486 Busy Here;"));
	CHECK(peer_wait(&p[1], "ACK sip:bob"));
	CHECK(late_is_ended(&p[0], silent));
	CHECK(side_idle(&o));
	CHECK_STR(o.log, "rejected 486 Busy Here;");
	peer_close(&p[1]);
	side_finish(&o, &p[0]);
}

static void test_session_server_given_up_rings_late(void)
{
	const char *invite, *silent, *cancel;
	char via[256], cancel_via[256];
	struct peer p[2];
	struct side o;

	invite = servers_call(&o, p, &silent);
	CHECK(invite != NULL);
	peer_answer(&p[0], silent, "180 Ringing", "late", CONTACT, NULL);
	cancel = peer_wait(&p[0], "CANCEL sip:bob@pbx.invalid SIP/2.0");
	CHECK(peer_header(silent, "Via: ", via, sizeof(via)) &&
	      peer_header(cancel, "Via: ", cancel_via, sizeof(cancel_via)));
	CHECK_STR(cancel_via, via);
	peer_answer(&p[0], cancel, "200 OK", "late", "", NULL);
	peer_answer(&p[1], invite, "180 Ringing", "t", CONTACT, NULL);
	CHECK(side_wait(&o, "180 Ringing;"));
	peer_answer(&p[1], invite, "603 Decline", "t", "", NULL);
	CHECK(side_wait(&o, "rejected 603 Decline;"));
	peer_answer(&p[0], silent, "487 Request Terminated", "late", "", NULL);
	CHECK(peer_wait(&p[0], "ACK sip:bob"));
	CHECK(side_idle(&o));
	CHECK_STR(o.log, "180 Ringing;rejected 603 Decline;");
	peer_close(&p[1]);
	side_finish(&o, &p[0]);
}

static void test_session_bad_uris_are_refused(void)
{
	struct sip_invite_conf conf = {.uri = "sip:a@h\r\nX: y"};
	struct sip_session *s = NULL;
	struct side o;

	CHECK(side_start(&o));
	CHECK_INT(sip_session_invite(&s, o.stack, &conf, &side_handlers, &o),
		  -EINVAL);
	conf.uri = "sip:a@127.0.0.1";
	conf.route = "smoke:signal";
	CHECK_INT(sip_session_invite(&s, o.stack, &conf, &side_handlers, &o),
		  -EINVAL);
	conf.route = NULL;
	conf.to_uri = "sip:a@h>;tag=x";
	CHECK_INT(sip_session_invite(&s, o.stack, &conf, &side_handlers, &o),
		  -EINVAL);
	CHECK(s == NULL && !*o.log);
	sip_stack_free(&o.stack);
}

int main(void)
{
	(void)libre_init();
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_session_outgoing_headers_are_clean);
	RUN(test_session_outgoing_answer_and_lost_ack);
	RUN(test_session_cancel_waits_for_a_provisional);
	RUN(test_session_answer_crossing_our_cancel);
	RUN(test_session_cancel_without_final_answer_ends);
	RUN(test_session_challenges_are_answered);
	RUN(test_session_second_challenge_is_a_refusal);
	RUN(test_session_server_given_up_answers_late);
	RUN(test_session_server_given_up_answers_after_the_end);
	RUN(test_session_server_given_up_rings_late);
	RUN(test_session_bad_uris_are_refused);
	libre_close();
	return check_done();
}
