/* INVITE from the peer. */
#include "sip/session_fixture_test.h"

static void test_session_ok_is_repeated_until_ack(void)
{
	char tag[64];
	struct side o;
	struct peer p;
	const char *a;
	size_t n;

	CHECK(peer_start(&o, &p));
	CHECK(peer_answered(&o, &p, "c1", tag));
	CHECK(peer_wait(&p, "200 OK"));
	a = peer_wait(&p, "200 OK");
	CHECK(a && strstr(a, ANSWER) &&
	      strstr(a, "\r\nContact: <sip:bob@127.0.0.1:"));
	peer_ack(&p, "c1", 2, tag, NULL);
	CHECK(side_wait(&o, "confirmed"));
	n = peer_count(&p, "200 OK");
	loop_run_ms(400);
	CHECK_INT(peer_count(&p, "200 OK"), n);
	side_finish(&o, &p);
}

static void test_session_without_ack_ends_with_bye(void)
{
	char tag[64];
	struct side o;
	struct peer p;
	const char *bye;

	CHECK(peer_start(&o, &p));
	o.stack->t1_ms = 5;
	CHECK(peer_answered(&o, &p, "c1", tag));
	bye = peer_wait(&p, "BYE sip:");
	CHECK(bye != NULL);
	CHECK(side_wait(&o, "timeout 408 Request Timeout;"));
	peer_answer(&p, bye, "200 OK", NULL, "", NULL);
	CHECK(side_idle(&o));
	side_finish(&o, &p);
}

static void test_session_cancel_from_the_peer(void)
{
	struct peer_request cancel = {
		.method = "CANCEL", .call = "c1", .seq = 2, .branch = "c1"};
	struct side o;
	struct peer p;

	CHECK(peer_start(&o, &p));
	CHECK(peer_invite(&o, &p, "c1", OFFER));
	CHECK_INT(sip_session_progress(o.session, 180, NULL, bytes_of(NULL, 0)),
		  0);
	peer_request(&p, &cancel);
	CHECK(side_wait(&o, "remote 487 Request Terminated;"));
	CHECK(peer_wait(&p, "SIP/2.0 487 Request Terminated"));
	CHECK_INT(peer_count(&p, "CSeq: 2 CANCEL"), 1);
	CHECK(side_idle(&o));
	side_finish(&o, &p);
}

static void test_session_cancel_after_ok_changes_nothing(void)
{
	struct peer_request r = {
		.method = "CANCEL", .call = "c1", .seq = 2, .branch = "c1"};
	char tag[64];
	struct side o;
	struct peer p;

	CHECK(peer_start(&o, &p));
	CHECK(peer_answered(&o, &p, "c1", tag));
	peer_request(&p, &r);
	CHECK(peer_wait(&p, "CSeq: 2 CANCEL"));
	CHECK_INT(peer_count(&p, "SIP/2.0 487"), 0);
	peer_ack(&p, "c1", 2, tag, NULL);
	CHECK(side_wait(&o, "incoming;confirmed;"));
	side_finish(&o, &p);
}

static void test_session_invite_again_is_one_call(void)
{
	struct peer_request r = {
		.method = "INVITE", .call = "c1", .seq = 2, .branch = "c1"};
	struct side o;
	struct peer p;

	CHECK(peer_start(&o, &p));
	CHECK(peer_invite(&o, &p, "c1", OFFER));
	peer_request(&p, &r);
	CHECK(peer_wait(&p, "100 Trying"));
	CHECK_STR(o.log, "incoming;");
	/* The same by another way is merged (RFC 3261 8.2.2.2). */
	r.branch = "elsewhere";
	peer_request(&p, &r);
	CHECK(peer_wait(&p, "SIP/2.0 482 "));
	side_finish(&o, &p);
}

static void test_session_bye_before_ack(void)
{
	char tag[64];
	struct side o;
	struct peer p;

	CHECK(peer_start(&o, &p));
	CHECK(peer_answered(&o, &p, "c1", tag));
	peer_request(&p, &(struct peer_request){.method = "BYE",
						.call = "c1",
						.seq = 3,
						.to_tag = tag});
	CHECK(side_wait(&o, "remote 200 OK;"));
	CHECK(peer_wait(&p, "CSeq: 3 BYE"));
	CHECK(side_idle(&o));
	side_finish(&o, &p);
}

static void test_session_end_before_ack_waits_for_it(void)
{
	char tag[64];
	struct side o;
	struct peer p;
	const char *a;

	CHECK(peer_start(&o, &p));
	CHECK(peer_answered(&o, &p, "c1", tag));
	sip_session_end(o.session, 503, "Worker is unavailable", NULL);
	CHECK(side_wait(&o, "local 503 Worker is unavailable;"));
	CHECK_INT(peer_count(&p, "BYE sip:"), 0);
	peer_ack(&p, "c1", 2, tag, NULL);
	a = peer_wait(&p, "BYE sip:");
	CHECK(a != NULL);
	peer_answer(&p, a, "200 OK", NULL, "", NULL);
	CHECK(side_idle(&o));
	side_finish(&o, &p);
}

static void test_session_bye_in_early_state(void)
{
	char tag[64];
	struct side o;
	struct peer p;
	const char *a;

	CHECK(peer_start(&o, &p));
	CHECK(peer_invite(&o, &p, "c1", OFFER));
	CHECK_INT(sip_session_progress(o.session, 183, "Session Progress",
				       bytes_str(ANSWER)),
		  0);
	a = peer_wait(&p, "183 Session Progress");
	CHECK(a && to_tag_of(a, tag) && strstr(a, ANSWER));
	peer_request(&p, &(struct peer_request){.method = "BYE",
						.call = "c1",
						.seq = 3,
						.to_tag = tag});
	CHECK(peer_wait(&p, "487 Request Terminated"));
	CHECK(side_wait(&o, "remote 200 OK;"));
	side_finish(&o, &p);
}

static void test_session_delayed_offer(void)
{
	struct peer_request ack = {.method = "ACK",
				   .call = "c1",
				   .seq = 2,
				   .lines = SDP_TYPE,
				   .body = ANSWER};
	struct sip_session_info info;
	char tag[64];
	struct side o;
	struct peer p;
	const char *a;

	CHECK(peer_start(&o, &p));
	CHECK(peer_invite(&o, &p, "c1", NULL));
	sip_session_info(o.session, &info);
	CHECK_INT(info.sdp.n, 0);
	CHECK_INT(sip_session_answer(o.session, bytes_str(OFFER)), 0);
	a = peer_wait(&p, "200 OK");
	CHECK(a && strstr(a, OFFER) && to_tag_of(a, tag));
	ack.to_tag = tag;
	peer_request(&p, &ack);
	CHECK(side_wait(&o, "confirmed;"));
	CHECK_STR(o.sdp, ANSWER);
	side_finish(&o, &p);
}

static void test_session_api_out_of_order_is_refused(void)
{
	char tag[64];
	struct side o;
	struct peer p;

	CHECK(peer_start(&o, &p));
	CHECK(peer_call(&o, &p, "c1", tag));
	CHECK_INT(sip_session_progress(o.session, 180, NULL, bytes_of(NULL, 0)),
		  -EINVAL);
	CHECK_INT(sip_session_answer(o.session, bytes_str(ANSWER)), -EINVAL);
	CHECK_INT(sip_session_reject(o.session, 486, NULL, NULL, 0), -EINVAL);
	side_finish(&o, &p);
}

struct refusals {
	unsigned n, other;
	char reason[64];
};

static void on_refused(const struct refused *r, void *arg)
{
	struct refusals *seen = arg;

	seen->n++;
	seen->other = r->counts[REFUSED_OTHER];
	memcpy(seen->reason, r->reason, sizeof(seen->reason));
}

static struct refusals refusals_of(const struct side *o)
{
	struct refusals seen = {0};

	sip_stack_refused(o->stack, on_refused, &seen);
	return seen;
}

/* No record tells of these, so the table of the refused does. */
static void test_session_refused_before_a_call_is_remembered(void)
{
	struct sip_header more = {"Retry-After", "9"};
	struct refusals seen;
	struct side o;
	struct peer p;
	const char *a;

	CHECK(peer_start(&o, &p));
	CHECK_INT(refusals_of(&o).n, 0);
	CHECK(peer_invite(&o, &p, "c1", OFFER));
	CHECK_INT(sip_session_refuse(o.session, 200, NULL, NULL), -EINVAL);
	CHECK_INT(sip_session_refuse(o.session, 503, "Not\r\n now", &more), 0);
	a = peer_wait(&p, "SIP/2.0 503 Not now\r\n");
	CHECK(a && strstr(a, "\r\nX-Gateway-Event: ") &&
	      strstr(a, "\r\nRetry-After: 9\r\n"));
	CHECK(side_wait(&o, "local 503 Not now;"));
	seen = refusals_of(&o);
	CHECK_INT(seen.n, 1);
	CHECK_INT(seen.other, 1);
	CHECK_STR(seen.reason, "503 Not now");
	/* One that never becomes a session. */
	o.lines = "Accept: text/plain\r\n";
	CHECK(peer_invite_sent(&o, &p, "c2", OFFER));
	a = peer_wait(&p, "SIP/2.0 406 Not Acceptable");
	CHECK(a && strstr(a, "\r\nX-Gateway-Event: "));
	seen = refusals_of(&o);
	CHECK_INT(seen.other, 2);
	CHECK_STR(seen.reason, "406 Not Acceptable");
	/* A call that is rejected is none of them. */
	o.lines = NULL;
	CHECK(peer_invite(&o, &p, "c3", OFFER));
	CHECK_INT(sip_session_reject(o.session, 486, NULL, NULL, 0), 0);
	CHECK(peer_wait(&p, "SIP/2.0 486 "));
	CHECK_INT(refusals_of(&o).other, 2);
	CHECK(side_idle(&o));
	side_finish(&o, &p);
}

int main(void)
{
	(void)libre_init();
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_session_ok_is_repeated_until_ack);
	RUN(test_session_without_ack_ends_with_bye);
	RUN(test_session_cancel_from_the_peer);
	RUN(test_session_cancel_after_ok_changes_nothing);
	RUN(test_session_invite_again_is_one_call);
	RUN(test_session_bye_before_ack);
	RUN(test_session_end_before_ack_waits_for_it);
	RUN(test_session_bye_in_early_state);
	RUN(test_session_delayed_offer);
	RUN(test_session_api_out_of_order_is_refused);
	RUN(test_session_refused_before_a_call_is_remembered);
	libre_close();
	return check_done();
}
