/* Requests of the peer inside a dialog. */
#include "sip/session_fixture_test.h"

static void test_session_hold_by_reinvite(void)
{
	struct peer_request r = {.method = "INVITE",
				 .call = "c1",
				 .seq = 3,
				 .lines = SDP_TYPE,
				 .body = OFFER "a=sendonly\r\n"};
	char tag[64];
	struct side o;
	struct peer p;
	const char *a;

	CHECK(peer_start(&o, &p));
	CHECK(peer_call(&o, &p, "c1", tag));
	r.to_tag = tag;
	o.answer = ANSWER "a=recvonly\r\n";
	peer_request(&p, &r);
	a = peer_wait(&p, "CSeq: 3 INVITE");
	CHECK(a && strstr(a, "200 OK") && strstr(a, "a=recvonly"));
	CHECK_STR(o.sdp, OFFER "a=sendonly\r\n");
	/* Another offer before its ACK: one of both is still open. */
	r.seq = 4;
	peer_request(&p, &r);
	CHECK(peer_wait(&p, "SIP/2.0 491 Request Pending"));
	peer_ack(&p, "c1", 3, tag, NULL);
	r.seq = 5;
	o.offer_code = 488;
	peer_request(&p, &r);
	a = peer_wait(&p, "CSeq: 5 INVITE");
	CHECK(a && strstr(a, "SIP/2.0 4"));
	CHECK_STR(o.log, "incoming;confirmed;offer;offer;");
	/* RFC 3261 12.2.2: an older number is out of order. */
	r.seq = 4;
	r.branch = "old";
	peer_request(&p, &r);
	a = peer_wait(&p, "SIP/2.0 500 ");
	CHECK(a != NULL);
	side_finish(&o, &p);
}

static void test_session_update_and_delayed_reinvite(void)
{
	struct peer_request r = {.method = "UPDATE",
				 .call = "c1",
				 .seq = 3,
				 .lines = SDP_TYPE,
				 .body = OFFER};
	char tag[64];
	struct side o;
	struct peer p;
	const char *a;

	CHECK(peer_start(&o, &p));
	CHECK(peer_call(&o, &p, "c1", tag));
	r.to_tag = tag;
	o.answer = ANSWER;
	peer_request(&p, &r);
	a = peer_wait(&p, "CSeq: 3 UPDATE");
	CHECK(a && strstr(a, "200 OK") && strstr(a, ANSWER));
	CHECK(strstr(o.log, "offer;"));
	/* A re-INVITE without a body asks for our offer (RFC 3261 14.2). */
	peer_request(&p, &(struct peer_request){.method = "INVITE",
						.call = "c1",
						.seq = 4,
						.to_tag = tag});
	a = peer_wait(&p, "CSeq: 4 INVITE");
	CHECK(a && strstr(a, ANSWER) && strstr(o.log, "wanted;"));
	peer_request(&p, &(struct peer_request){.method = "ACK",
						.call = "c1",
						.seq = 4,
						.to_tag = tag,
						.lines = SDP_TYPE,
						.body = OFFER});
	CHECK(side_wait(&o, "wanted;confirmed;"));
	CHECK_STR(o.sdp, OFFER);
	side_finish(&o, &p);
}

static void test_session_ended_inside_the_offer_handler(void)
{
	struct peer_request r = {.method = "INVITE",
				 .call = "c1",
				 .seq = 3,
				 .lines = SDP_TYPE,
				 .body = OFFER};
	char tag[64];
	struct side o;
	struct peer p;
	const char *bye;

	CHECK(peer_start(&o, &p));
	CHECK(peer_call(&o, &p, "c1", tag));
	r.to_tag = tag;
	o.end_in_offer = true;
	peer_request(&p, &r);
	bye = peer_wait(&p, "BYE sip:");
	CHECK(bye != NULL);
	peer_answer(&p, bye, "200 OK", NULL, "", NULL);
	CHECK(side_wait(&o, "local 200 OK;"));
	CHECK_INT(peer_count(&p, "487 Request Terminated"), 1);
	CHECK(side_idle(&o));
	side_finish(&o, &p);
}

static void test_session_info_digits(void)
{
	static const struct {
		const char *type, *body, *status;
	} infos[] = {
		{"Content-Type: application/dtmf-relay\r\n",
		 "Signal=5\r\nDuration=160\r\n", "200 OK"},
		{"Content-Type: application/dtmf-relay\r\n",
		 "Signal= #\r\nDuration= 99999999\r\n", "200 OK"},
		{"Content-Type: application/dtmf\r\n", "d\r\n", "200 OK"},
		{"Content-Type: application/dtmf\r\n", "", "200 OK"},
		{"Content-Type: application/dtmf\r\n", "hello", "400 "},
		{"Content-Type: text/plain\r\n", "5", "415 "},
	};
	char tag[64], want[64];
	struct side o;
	struct peer p;
	const char *a;

	CHECK(peer_start(&o, &p));
	CHECK(peer_call(&o, &p, "c1", tag));
	for (unsigned i = 0; i < ARRAY_SIZE(infos); i++) {
		peer_request(&p, &(struct peer_request){.method = "INFO",
							.call = "c1",
							.seq = 10 + i,
							.to_tag = tag,
							.lines = infos[i].type,
							.body = infos[i].body});
		snprintf(want, sizeof(want), "CSeq: %u INFO", 10 + i);
		a = peer_wait(&p, want);
		CHECK(a && strstr(a, infos[i].status));
	}
	CHECK_STR(o.log, "incoming;confirmed;dtmf 5 160;dtmf # 0;dtmf D 0;");
	side_finish(&o, &p);
}

static void test_session_digits_of_ours_by_info(void)
{
	struct side o;
	struct peer p;
	const char *a;
	char tag[64];

	CHECK(peer_start(&o, &p));
	CHECK(peer_invite(&o, &p, "c1", OFFER));
	CHECK_INT(sip_session_dtmf(o.session, '5', 100), -ENOTCONN);
	sip_session_reject(o.session, 480, NULL, NULL, 0);
	side_finish(&o, &p);
	CHECK(peer_start(&o, &p));
	CHECK(peer_call(&o, &p, "c2", tag));
	CHECK_INT(sip_session_dtmf(o.session, '5', 100), 0);
	a = peer_wait(&p, "INFO sip:");
	CHECK(a && strstr(a, "Content-Type: application/dtmf-relay\r\n"));
	CHECK(strstr(a, "\r\n\r\nSignal=5\r\nDuration=100\r\n"));
	peer_answer(&p, a, "415 Unsupported Media Type", NULL, "", NULL);
	CHECK(side_wait(&o, "confirmed;sent 415;"));
	side_finish(&o, &p);
}

static void test_session_digits_need_a_peer_that_allows_info(void)
{
	struct side o;
	struct peer p;

	CHECK(peer_start(&o, &p));
	CHECK(call_answered(&o, &p, "Allow: INVITE, ACK, BYE\r\n"));
	CHECK_INT(sip_session_dtmf(o.session, '5', 100), -ENOTSUP);
	side_finish(&o, &p);
	CHECK(peer_start(&o, &p));
	CHECK(call_answered(&o, &p, "Allow: INVITE, ACK, BYE, INFO\r\n"));
	CHECK_INT(sip_session_dtmf(o.session, '#', 100), 0);
	CHECK(peer_wait(&p, "Signal=#") != NULL);
	side_finish(&o, &p);
}

int main(void)
{
	(void)libre_init();
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_session_hold_by_reinvite);
	RUN(test_session_update_and_delayed_reinvite);
	RUN(test_session_ended_inside_the_offer_handler);
	RUN(test_session_info_digits);
	RUN(test_session_digits_of_ours_by_info);
	RUN(test_session_digits_need_a_peer_that_allows_info);
	libre_close();
	return check_done();
}
