/* RFC 4028, and what refreshes: UPDATE, re-INVITE, glare. A second lasts 8 ms
 * here. */
#include "sip/session_fixture_test.h"

#define SECOND_MS 8
#define TIMER "Supported: timer\r\n"

static bool timer_start(struct side *o, struct peer *p)
{
	bool started = peer_start(o, p);

	o->stack->second_ms = SECOND_MS;
	return started;
}

static bool out_start(struct side *o, struct peer *p, unsigned timer_s)
{
	bool started = side_start(o) && peer_open(p, o->stack);

	o->stack->second_ms = SECOND_MS;
	o->terms.timer_s = timer_s;
	return started;
}

/* The answer to a call of the peer with these lines. */
static const char *answer_to(struct side *o, struct peer *p, const char *lines,
			     char tag[64])
{
	o->lines = lines;
	return peer_call(o, p, "c1", tag);
}

static void test_timer_of_an_incoming_call(void)
{
	static const struct {
		unsigned ours;
		const char *lines, *answer;
	} rows[] = {
		{0, "", NULL},
		{0, TIMER, NULL},
		{0, TIMER "Session-Expires: 1800\r\n", "1800;refresher=uac"},
		{0, TIMER "x: 1800;refresher=uas\r\n", "1800;refresher=uas"},
		{0, TIMER "Session-Expires: 1800 ;refresher=uac\r\n",
		 "1800;refresher=uac"},
		/* A proxy's: only we can refresh. */
		{0, "Session-Expires: 1800\r\n", "1800;refresher=uas"},
		{600, TIMER "Session-Expires: 1800\r\n", "600;refresher=uac"},
		{600, TIMER "Session-Expires: 1800\r\nMin-SE: 900\r\n",
		 "900;refresher=uac"},
		{600, TIMER "Session-Expires: 300\r\n", "300;refresher=uac"},
		{600, TIMER, "600;refresher=uac"},
		{600, TIMER "Min-SE: 700\r\n", "700;refresher=uac"},
		{600, "", "600;refresher=uas"},
		{0, TIMER "Session-Expires: soon\r\n", NULL},
	};
	char tag[64], value[64];
	struct side o;
	struct peer p;
	const char *a;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK(peer_start(&o, &p));
		o.terms.timer_s = rows[i].ours;
		a = answer_to(&o, &p, rows[i].lines, tag);
		CHECK(a != NULL);
		value[0] = '\0';
		CHECK(peer_header(a, "Session-Expires: ", value,
				  sizeof(value)) == (rows[i].answer != NULL));
		CHECK_STR(value, rows[i].answer ? rows[i].answer : "");
		CHECK((strstr(a, "\r\nRequire: timer\r\n") != NULL) ==
		      (strstr(value, "uac") != NULL));
		side_finish(&o, &p);
	}
}

static void test_timer_too_small_is_refused(void)
{
	char tag[64];
	struct side o;
	struct peer p;
	const char *a;

	CHECK(peer_start(&o, &p));
	o.lines = TIMER "Session-Expires: 89\r\n";
	CHECK(peer_invite_sent(&o, &p, "c0", OFFER));
	a = peer_wait(&p, "SIP/2.0 422 Session Interval Too Small");
	CHECK(a && strstr(a, "\r\nMin-SE: 90\r\n"));
	CHECK_STR(o.log, "");
	CHECK(answer_to(&o, &p, TIMER "Session-Expires: 90\r\n", tag));
	peer_request(&p, &(struct peer_request){.method = "UPDATE",
						.call = "c1",
						.seq = 3,
						.to_tag = tag,
						.lines = TIMER
						"Session-Expires: 60\r\n"});
	a = peer_wait(&p, "CSeq: 3 UPDATE");
	CHECK(a && strstr(a, "SIP/2.0 422 ") && strstr(a, "Min-SE: 90\r\n"));
	side_finish(&o, &p);
}

static void test_timer_expires_without_refresh(void)
{
	char tag[64];
	struct side o;
	struct peer p;
	const char *bye;

	CHECK(timer_start(&o, &p));
	CHECK(answer_to(&o, &p, TIMER "Session-Expires: 90\r\n", tag));
	bye = peer_wait(&p, "BYE sip:");
	CHECK(bye && strstr(bye, "\r\nReason: SIP;cause=408;text=\"Session "
				 "timer expired\", Q.850;cause=102;"));
	peer_answer(&p, bye, "200 OK", NULL, "", NULL);
	CHECK(side_wait(&o, "timeout 408 Session timer expired;"));
	CHECK(side_idle(&o));
	side_finish(&o, &p);
}

static void test_timer_is_kept_by_the_peers_refreshes(void)
{
	char tag[64];
	struct side o;
	struct peer p;
	const char *a;

	CHECK(timer_start(&o, &p));
	CHECK(answer_to(&o, &p, TIMER "Session-Expires: 100\r\n", tag));
	/* Each comes before the 68th second; all last longer than that. */
	for (unsigned seq = 3; seq < 8; seq++) {
		char cseq[32];

		loop_run_ms(16 * SECOND_MS);
		snprintf(cseq, sizeof(cseq), "CSeq: %u UPDATE", seq);
		peer_request(&p,
			     &(struct peer_request){
				     .method = "UPDATE",
				     .call = "c1",
				     .seq = seq,
				     .to_tag = tag,
				     .lines = TIMER
				     "Session-Expires: 100;refresher=uac\r\n"});
		a = peer_wait(&p, cseq);
		CHECK(a && strstr(a, "Session-Expires: 100;refresher=uac\r\n"));
	}
	CHECK_STR(o.log, "incoming;confirmed;");
	side_finish(&o, &p);
}

static void test_refresh_by_update(void)
{
	char tag[64];
	struct side o;
	struct peer p;
	const char *a;

	CHECK(timer_start(&o, &p));
	CHECK(answer_to(&o, &p,
			TIMER "Allow: INVITE, UPDATE\r\n"
			      "Session-Expires: 90;refresher=uas\r\n",
			tag));
	for (int i = 0; i < 2; i++) {
		a = peer_wait(&p, "UPDATE sip:");
		CHECK(a &&
		      strstr(a, "\r\nSession-Expires: 90;refresher=uac\r\n") &&
		      strstr(a, "\r\nContact: <sip:bob@") && !strstr(a, "v=0"));
		peer_answer(&p, a, "200 OK", NULL,
			    TIMER "Session-Expires: 90;refresher=uac\r\n",
			    NULL);
	}
	CHECK_STR(o.log, "incoming;confirmed;");
	/* Not answered any more: BYE, at the latest when time is up. */
	CHECK(peer_wait(&p, "BYE sip:"));
	CHECK(side_wait(&o, "timeout 408 "));
	side_finish(&o, &p);
}

static void test_refresh_by_reinvite(void)
{
	const char *a;
	struct side o;
	struct peer p;

	CHECK(out_start(&o, &p, 90));
	CHECK(call_answered(&o, &p, "Session-Expires: 90;refresher=uac\r\n"));
	a = peer_wait(&p, "INVITE sip:peer");
	CHECK(a && strstr(a, OFFER) && strstr(a, "\r\nSupported: timer\r\n"));
	/* No change is asked for: what we have is what we had. */
	peer_answer(&p, a, "200 OK", NULL,
		    CONTACT SDP_TYPE "Session-Expires: 90;refresher=uac\r\n",
		    ANSWER);
	CHECK(side_wait(&o, "changed;"));
	CHECK_STR(o.sdp, ANSWER);
	CHECK(peer_wait(&p, "ACK sip:peer"));
	peer_answer(&p, a, "200 OK", NULL, CONTACT SDP_TYPE, ANSWER);
	CHECK(peer_wait(&p, "ACK sip:peer")); /* the first one was lost */
	CHECK_STR(o.log, "answered;changed;");
	side_finish(&o, &p);
}

static void test_refresh_falls_back_to_reinvite(void)
{
	const char *a;
	struct side o;
	struct peer p;

	CHECK(out_start(&o, &p, 90));
	CHECK(call_answered(&o, &p,
			    "Allow: UPDATE\r\n"
			    "Session-Expires: 90;refresher=uac\r\n"));
	a = peer_wait(&p, "UPDATE sip:peer");
	CHECK(a != NULL);
	peer_answer(&p, a, "501 Not Implemented", NULL, "", NULL);
	a = peer_wait(&p, "INVITE sip:peer");
	CHECK(a != NULL);
	/* It wants more time. */
	peer_answer(&p, a, "422 Session Interval Too Small", NULL,
		    "Min-SE: 120\r\n", NULL);
	CHECK(peer_wait(&p, "ACK sip:peer"));
	a = peer_wait(&p, "INVITE sip:peer");
	CHECK(a && strstr(a, "\r\nSession-Expires: 120;refresher=uac\r\n") &&
	      strstr(a, "\r\nMin-SE: 120\r\n"));
	side_finish(&o, &p);
}

static void test_refresh_refused_leaves_the_session(void)
{
	const char *a;
	struct side o;
	struct peer p;

	CHECK(out_start(&o, &p, 90));
	CHECK(call_answered(&o, &p, "Session-Expires: 90;refresher=uac\r\n"));
	a = peer_wait(&p, "INVITE sip:peer");
	CHECK(a != NULL);
	peer_answer(&p, a, "500 Server Error", NULL, "Retry-After: 1\r\n",
		    NULL);
	a = peer_wait(&p, "INVITE sip:peer");
	CHECK(a != NULL);
	CHECK_STR(o.log, "answered;");
	peer_answer(&p, a, "481 Gone", NULL, "", NULL);
	CHECK(peer_wait(&p, "BYE sip:peer"));
	CHECK(side_wait(&o, "timeout 408 Request Timeout;"));
	side_finish(&o, &p);
}

/* Refuses our re-INVITE until the back-off is one that can be looked at: it may
 * be nothing at all. Its length in seconds of the test. */
static double refuse_pending(struct side *o, struct peer *p, const char *invite)
{
	struct session_refresh *refresh = &o->session->refresh;

	o->stack->second_ms = 1000000;
	for (int i = 0; i < 5; i++) {
		peer_answer(p, invite, "491 Request Pending", NULL, "", NULL);
		if (!peer_wait(p, "ACK sip:peer"))
			return -1;
		loop_run_ms(10);
		if (tmr_isrunning(&refresh->again))
			break;
		invite = peer_wait(p, "INVITE sip:peer");
	}
	return (double)tmr_get_expire(&refresh->again) / o->stack->second_ms;
}

static void test_refresh_glare(void)
{
	struct peer_request r = {.method = "INVITE",
				 .call = "c1",
				 .seq = 3,
				 .lines = SDP_TYPE,
				 .body = OFFER};
	char tag[64];
	struct side o;
	struct peer p;
	const char *theirs, *a;
	double wait;

	CHECK(timer_start(&o, &p));
	CHECK(answer_to(&o, &p, TIMER "Session-Expires: 90;refresher=uas\r\n",
			tag));
	r.to_tag = tag;
	o.answer = ANSWER;
	theirs = peer_wait(&p, "INVITE sip:peer");
	CHECK(theirs != NULL);
	/* RFC 3261 14.2: ours is open. */
	peer_request(&p, &r);
	a = peer_wait(&p, "CSeq: 3 INVITE");
	CHECK(a && strstr(a, "SIP/2.0 491 Request Pending"));
	peer_ack(&p, "c1", 3, tag, NULL);
	/* The Call-ID is his: between 0 and 2 s. */
	wait = refuse_pending(&o, &p, theirs);
	CHECK(wait > 0 && wait <= 2);
	r.seq = 4;
	peer_request(&p, &r);
	a = peer_wait(&p, "CSeq: 4 INVITE");
	CHECK(a && strstr(a, "SIP/2.0 200 OK"));
	peer_ack(&p, "c1", 4, tag, NULL);
	loop_run_ms(10);
	tmr_start(&o.session->refresh.again, 0, o.session->refresh.again.th,
		  o.session);
	CHECK(peer_wait(&p, "INVITE sip:peer"));
	CHECK_STR(o.log, "incoming;confirmed;offer;");
	side_finish(&o, &p);
}

static void test_refresh_glare_of_our_own_call(void)
{
	struct side o;
	struct peer p;
	const char *a;
	double wait;

	CHECK(out_start(&o, &p, 90));
	CHECK(call_answered(&o, &p, "Session-Expires: 90;refresher=uac\r\n"));
	a = peer_wait(&p, "INVITE sip:peer");
	CHECK(a != NULL);
	wait = refuse_pending(&o, &p, a);
	CHECK(wait > 2.0 && wait <= 4.0);
	side_finish(&o, &p);
}

static void test_timer_of_an_outgoing_call(void)
{
	const char *invite;
	struct side o;
	struct peer p;

	CHECK(out_start(&o, &p, 1800));
	CHECK(call_peer(&o, &p, &invite));
	CHECK(strstr(invite, "\r\nSession-Expires: 1800\r\n"));
	peer_answer(&p, invite, "422 Too Small", "x", "Min-SE: 3600\r\n", NULL);
	invite = peer_wait(&p, "Session-Expires: 3600\r\n");
	CHECK(invite && strstr(invite, "\r\nMin-SE: 3600\r\n"));
	peer_answer(&p, invite, "422 Too Small", "x", "Min-SE: 3700\r\n", NULL);
	invite = peer_wait(&p, "Session-Expires: 3700\r\n");
	CHECK(invite != NULL);
	peer_answer(&p, invite, "200 OK", "t", CONTACT SDP_TYPE, ANSWER);
	CHECK(side_wait(&o, "answered;"));
	CHECK_INT(o.session->timer.interval_s, 0); /* he said nothing of it */
	sip_session_end(o.session, 200, NULL, NULL);
	CHECK(side_wait(&o, "local 200 OK;"));
	o.terms.timer_s = 0;
	CHECK(call_peer(&o, &p, &invite));
	CHECK(!strstr(invite, "Session-Expires"));
	peer_answer(&p, invite, "422 Too Small", "x", "Nothing: 1\r\n", NULL);
	CHECK(side_wait(&o, "rejected 422 Too Small;"));
	side_finish(&o, &p);
}

int main(void)
{
	(void)libre_init();
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_timer_of_an_incoming_call);
	RUN(test_timer_too_small_is_refused);
	RUN(test_timer_expires_without_refresh);
	RUN(test_timer_is_kept_by_the_peers_refreshes);
	RUN(test_refresh_by_update);
	RUN(test_refresh_by_reinvite);
	RUN(test_refresh_falls_back_to_reinvite);
	RUN(test_refresh_refused_leaves_the_session);
	RUN(test_refresh_glare);
	RUN(test_refresh_glare_of_our_own_call);
	RUN(test_timer_of_an_outgoing_call);
	libre_close();
	return check_done();
}
