/* RFC 3262, and UPDATE before the answer (RFC 3311). */
#include "sip/session_fixture_test.h"

#define REQUIRED "Require: 100rel\r\n"

static bool rseq_of(const char *message, char rseq[16])
{
	return peer_header(message, "RSeq: ", rseq, 16);
}

static void prack(struct peer *p, const char *tag, unsigned seq,
		  const char *rack, const char *body)
{
	char lines[128];

	snprintf(lines, sizeof(lines), "RAck: %s\r\n%s", rack,
		 body ? SDP_TYPE : "");
	peer_request(p, &(struct peer_request){.method = "PRACK",
					       .call = "c1",
					       .seq = seq,
					       .to_tag = tag,
					       .lines = lines,
					       .body = body});
}

static void test_reliable_ringing_is_repeated_until_prack(void)
{
	char tag[64], rseq[16], rack[48];
	struct side o;
	struct peer p;
	const char *a;
	size_t n;

	CHECK(peer_start(&o, &p));
	o.lines = REQUIRED;
	CHECK(peer_invite(&o, &p, "c1", OFFER));
	CHECK(sip_session_is_reliable(o.session));
	CHECK_INT(sip_session_progress(o.session, 180, NULL, bytes_of(NULL, 0)),
		  0);
	CHECK(peer_wait(&p, "180 Ringing"));
	a = peer_wait(&p, "180 Ringing");
	CHECK(a && strstr(a, "\r\nRequire: 100rel\r\n") && rseq_of(a, rseq) &&
	      to_tag_of(a, tag));
	CHECK_INT(sip_session_progress(o.session, 183, NULL, bytes_of(NULL, 0)),
		  -EBUSY);
	/* Of another answer, or of another request: not ours. */
	snprintf(rack, sizeof(rack), "%s 3 INVITE", rseq);
	prack(&p, tag, 3, rack, NULL);
	CHECK(peer_wait(&p, "SIP/2.0 481 "));
	prack(&p, tag, 4, "x", NULL);
	CHECK(peer_wait(&p, "SIP/2.0 481 "));
	snprintf(rack, sizeof(rack), "%s 2 INVITE", rseq);
	prack(&p, tag, 5, rack, NULL);
	a = peer_wait(&p, "CSeq: 5 PRACK");
	CHECK(a && strstr(a, "SIP/2.0 200 OK"));
	n = peer_count(&p, "180 Ringing");
	loop_run_ms(300);
	CHECK_INT(peer_count(&p, "180 Ringing"), n);
	/* Replayed: it acknowledges nothing any more. */
	prack(&p, tag, 6, rack, NULL);
	a = peer_wait(&p, "CSeq: 6 PRACK");
	CHECK(a && strstr(a, "SIP/2.0 481 "));
	CHECK_INT(sip_session_progress(o.session, 183, NULL, bytes_of(NULL, 0)),
		  0);
	a = peer_wait(&p, "183 Session Progress");
	CHECK(a && strtoul(strstr(a, "RSeq: ") + 6, NULL, 10) ==
			   strtoul(rseq, NULL, 10) + 1);
	CHECK_INT(sip_session_answer(o.session, bytes_str(ANSWER)), 0);
	CHECK(peer_wait(&p, "SIP/2.0 200 OK"));
	side_finish(&o, &p);
}

static void test_reliable_without_prack_is_refused(void)
{
	struct side o;
	struct peer p;

	CHECK(peer_start(&o, &p));
	o.lines = REQUIRED;
	o.stack->t1_ms = 5;
	CHECK(peer_invite(&o, &p, "c1", OFFER));
	CHECK_INT(sip_session_progress(o.session, 180, NULL, bytes_of(NULL, 0)),
		  0);
	CHECK(peer_wait(&p, "SIP/2.0 504 PRACK Timeout"));
	CHECK(side_wait(&o, "timeout 504 PRACK Timeout;"));
	CHECK(side_idle(&o));
	side_finish(&o, &p);
}

/* RFC 3261 13.2.1: the first reliable answer has the offer. */
static void test_reliable_offer_is_answered_by_prack(void)
{
	char tag[64], rseq[16], rack[48];
	struct side o;
	struct peer p;
	const char *a;

	CHECK(peer_start(&o, &p));
	o.lines = REQUIRED;
	CHECK(peer_invite(&o, &p, "c1", NULL));
	CHECK_INT(sip_session_progress(o.session, 180, NULL, bytes_str(OFFER)),
		  0);
	a = peer_wait(&p, "180 Ringing");
	CHECK(a && strstr(a, OFFER) && rseq_of(a, rseq) && to_tag_of(a, tag));
	/* The 2xx waits for the PRACK (RFC 3262 3). */
	CHECK_INT(sip_session_answer(o.session, bytes_of(NULL, 0)), 0);
	loop_run_ms(60);
	CHECK_INT(peer_count(&p, "CSeq: 2 INVITE") -
			  peer_count(&p, "180 Ringing") -
			  peer_count(&p, "100 Trying"),
		  0);
	snprintf(rack, sizeof(rack), "%s 2 INVITE", rseq);
	prack(&p, tag, 3, rack, ANSWER);
	CHECK(side_wait(&o, "changed;"));
	CHECK_STR(o.sdp, ANSWER);
	CHECK(peer_wait(&p, "CSeq: 3 PRACK"));
	a = peer_wait(&p, "CSeq: 2 INVITE");
	CHECK(a && strstr(a, "SIP/2.0 200 OK") && !strstr(a, "v=0"));
	peer_ack(&p, "c1", 2, tag, NULL);
	CHECK(side_wait(&o, "changed;confirmed;"));
	side_finish(&o, &p);
}

static void test_reliable_only_when_somebody_asks(void)
{
	char tag[64];
	struct side o;
	struct peer p;
	const char *a;

	CHECK(peer_start(&o, &p));
	o.lines = "Supported: 100rel\r\n";
	CHECK(peer_invite(&o, &p, "c1", OFFER));
	CHECK_INT(o.agreed, 0);
	CHECK_INT(sip_session_progress(o.session, 180, NULL, bytes_of(NULL, 0)),
		  0);
	a = peer_wait(&p, "180 Ringing");
	CHECK(a && !strstr(a, "RSeq") && to_tag_of(a, tag));
	prack(&p, tag, 3, "1 2 INVITE", NULL);
	CHECK(peer_wait(&p, "SIP/2.0 481 "));
	sip_session_end(o.session, 480, NULL, NULL);
	CHECK(side_wait(&o, "local 480"));
	o.terms.rel100 = SIP_REL100_REQUIRED;
	CHECK(peer_invite(&o, &p, "c2", OFFER));
	CHECK_INT(o.agreed, 0);
	CHECK(sip_session_is_reliable(o.session));
	sip_session_end(o.session, 480, NULL, NULL);
	CHECK(side_wait(&o, "local 480"));
	CHECK(side_idle(&o));
	o.lines = NULL;
	o.log[0] = '\0';
	CHECK(peer_invite(&o, &p, "c3", OFFER));
	CHECK_INT(o.agreed, -ENOTSUP);
	side_finish(&o, &p);
}

static void test_reliable_update_before_the_answer(void)
{
	struct peer_request r = {.method = "UPDATE",
				 .call = "c1",
				 .seq = 3,
				 .lines = SDP_TYPE,
				 .body = OFFER};
	char tag[64], rseq[16], rack[48];
	struct side o;
	struct peer p;
	const char *a;

	CHECK(peer_start(&o, &p));
	o.lines = REQUIRED;
	o.answer = ANSWER "a=recvonly\r\n";
	CHECK(peer_invite(&o, &p, "c1", OFFER));
	CHECK_INT(sip_session_progress(o.session, 183, NULL, bytes_str(ANSWER)),
		  0);
	a = peer_wait(&p, "183 ");
	CHECK(a && rseq_of(a, rseq) && to_tag_of(a, tag));
	r.to_tag = tag;
	/* RFC 3311 5.2: his first offer is not settled. */
	peer_request(&p, &r);
	a = peer_wait(&p, "CSeq: 3 UPDATE");
	CHECK(a && strstr(a, "SIP/2.0 500 ") && strstr(a, "Retry-After: "));
	snprintf(rack, sizeof(rack), "%s 2 INVITE", rseq);
	prack(&p, tag, 4, rack, NULL);
	CHECK(peer_wait(&p, "CSeq: 4 PRACK"));
	r.seq = 5;
	peer_request(&p, &r);
	a = peer_wait(&p, "CSeq: 5 UPDATE");
	CHECK(a && strstr(a, "200 OK") && strstr(a, "a=recvonly"));
	/* Without an offer it says where he is, and no more. */
	peer_request(&p, &(struct peer_request){.method = "UPDATE",
						.call = "c1",
						.seq = 6,
						.to_tag = tag});
	a = peer_wait(&p, "CSeq: 6 UPDATE");
	CHECK(a && strstr(a, "200 OK") && !strstr(a, "v=0"));
	CHECK_STR(o.log, "incoming;offer;");
	side_finish(&o, &p);
}

/* -- the peer's ------------------------------------------------------------ */

static void test_prack_for_each_fork_in_order(void)
{
	const char *invite, *a;
	struct side o;
	struct peer p;

	CHECK(call_started(&o, &p, &invite));
	CHECK(strstr(invite, "\r\nSupported: 100rel, timer\r\n"));
	peer_answer(&p, invite, "183 A", "a",
		    CONTACT SDP_TYPE REQUIRED "RSeq: 7\r\n", ANSWER);
	a = peer_wait(&p, "PRACK sip:peer@127.0.0.1:9 SIP/2.0");
	CHECK(a && strstr(a, "\r\nRAck: 7 ") && strstr(a, ";tag=a\r\n"));
	peer_answer(&p, a, "200 OK", NULL, "", NULL);
	peer_answer(&p, invite, "180 B", "b",
		    "Contact: <sip:b@127.0.0.1:9>\r\n" REQUIRED "RSeq: 1\r\n",
		    NULL);
	a = peer_wait(&p, "PRACK sip:b@127.0.0.1:9 SIP/2.0");
	CHECK(a && strstr(a, "\r\nRAck: 1 ") && strstr(a, ";tag=b\r\n"));
	peer_answer(&p, a, "200 OK", NULL, "", NULL);
	/* Again, and one too far: neither is heard (RFC 3262 4). */
	peer_answer(&p, invite, "183 A", "a", CONTACT REQUIRED "RSeq: 7\r\n",
		    NULL);
	peer_answer(&p, invite, "183 A", "a", CONTACT REQUIRED "RSeq: 9\r\n",
		    NULL);
	peer_answer(&p, invite, "180 Last", "a", CONTACT REQUIRED "RSeq: 8\r\n",
		    NULL);
	a = peer_wait(&p, "PRACK sip:peer@127.0.0.1:9 SIP/2.0");
	CHECK(a && strstr(a, "\r\nRAck: 8 "));
	CHECK_STR(o.log, "183 A;180 B;180 Last;");
	/* The answer stood in the acknowledged 183; the 200 has none. */
	peer_answer(&p, invite, "200 OK", "a", CONTACT, NULL);
	CHECK(side_wait(&o, "answered;"));
	CHECK_STR(o.sdp, ANSWER);
	side_finish(&o, &p);
}

static void test_prack_carries_our_answer(void)
{
	const char *invite, *a;
	struct side o;
	struct peer p;

	CHECK(side_start(&o));
	CHECK(peer_open(&p, o.stack));
	o.no_offer = true;
	o.answer = ANSWER;
	CHECK(call_peer(&o, &p, &invite));
	CHECK(!strstr(invite, "v=0"));
	peer_answer(&p, invite, "183 A", "a",
		    CONTACT SDP_TYPE REQUIRED "RSeq: 7\r\n", OFFER);
	a = peer_wait(&p, "PRACK sip:peer");
	CHECK(a && strstr(a, ANSWER) && strstr(a, SDP_TYPE));
	peer_answer(&p, a, "200 OK", NULL, "", NULL);
	peer_answer(&p, invite, "200 OK", "a", CONTACT, NULL);
	a = peer_wait(&p, "ACK sip:peer");
	CHECK(a && !strstr(a, "v=0"));
	CHECK(side_wait(&o, "offer;183 A;answered;"));
	CHECK_STR(o.sdp, OFFER);
	side_finish(&o, &p);
}

static void test_ack_carries_our_answer(void)
{
	const char *invite, *a;
	struct side o;
	struct peer p;

	CHECK(side_start(&o));
	CHECK(peer_open(&p, o.stack));
	o.no_offer = true;
	o.answer = ANSWER;
	CHECK(call_peer(&o, &p, &invite));
	peer_answer(&p, invite, "200 OK", "a", CONTACT SDP_TYPE, OFFER);
	a = peer_wait(&p, "ACK sip:peer");
	CHECK(a && strstr(a, ANSWER));
	/* It was lost: the same once more. */
	peer_answer(&p, invite, "200 OK", "a", CONTACT SDP_TYPE, OFFER);
	a = peer_wait(&p, "ACK sip:peer");
	CHECK(a && strstr(a, ANSWER));
	CHECK_STR(o.log, "offer;answered;");
	sip_session_end(o.session, 200, NULL, NULL);
	CHECK(side_wait(&o, "local 200 OK;"));
	/* An offer with nothing in it for us is acknowledged and ended. */
	o.offer_code = 488;
	o.answer = NULL;
	CHECK(call_peer(&o, &p, &invite));
	peer_answer(&p, invite, "200 OK", "a", CONTACT SDP_TYPE, OFFER);
	CHECK(peer_wait(&p, "ACK sip:peer") && peer_wait(&p, "BYE sip:peer"));
	CHECK(side_wait(&o, "rejected 488 Not Acceptable Here;"));
	side_finish(&o, &p);
}

static void test_prack_required_of_the_peer(void)
{
	const char *invite;
	struct side o;
	struct peer p;

	CHECK(side_start(&o));
	CHECK(peer_open(&p, o.stack));
	o.terms.rel100 = SIP_REL100_REQUIRED;
	CHECK(call_peer(&o, &p, &invite));
	CHECK(strstr(invite, "\r\nRequire: 100rel\r\n"));
	peer_answer(&p, invite, "420 Bad Extension", "t",
		    "Unsupported: 100rel\r\n", NULL);
	CHECK(side_wait(&o, "rejected 420 Bad Extension;"));
	o.terms.rel100 = SIP_REL100_OFF;
	CHECK(call_peer(&o, &p, &invite));
	CHECK(strstr(invite, "\r\nSupported: timer\r\n") &&
	      !strstr(invite, "100rel"));
	side_finish(&o, &p);
}

static void test_unknown_options_are_named(void)
{
	struct side o;
	struct peer p;
	const char *a;

	CHECK(peer_start(&o, &p));
	peer_request(&p, &(struct peer_request){
				 .method = "INVITE",
				 .call = "c1",
				 .seq = 1,
				 .lines = "Require: 100rel, nothingSIP\r\n"
					  "Require: timer , \"odd\"\r\n"});
	a = peer_wait(&p, "SIP/2.0 420 Bad Extension");
	CHECK(a && strstr(a, "\r\nUnsupported: nothingSIP, \"odd\"\r\n"));
	side_finish(&o, &p);
}

int main(void)
{
	(void)libre_init();
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_reliable_ringing_is_repeated_until_prack);
	RUN(test_reliable_without_prack_is_refused);
	RUN(test_reliable_offer_is_answered_by_prack);
	RUN(test_reliable_only_when_somebody_asks);
	RUN(test_reliable_update_before_the_answer);
	RUN(test_prack_for_each_fork_in_order);
	RUN(test_prack_carries_our_answer);
	RUN(test_ack_carries_our_answer);
	RUN(test_prack_required_of_the_peer);
	RUN(test_unknown_options_are_named);
	libre_close();
	return check_done();
}
