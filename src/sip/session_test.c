/* Two stacks with each other, and what outlives a stack. */
#include "sip/session_fixture_test.h"

static void test_session_two_stacks_talk(void)
{
	char uri[128];
	struct sip_invite_conf conf = {.uri = uri,
				       .from_user = "alice",
				       .from_name = "Alice A.",
				       .auth_user = "alice",
				       .auth_password = "secret",
				       .sdp = bytes_str(OFFER)};
	struct sip_session_info info;
	struct side a, b;
	struct peer p;

	CHECK(peer_start(&a, &p));
	CHECK(side_start(&b));
	snprintf(uri, sizeof(uri), "sip:%%2B999%%23x@%s", p.there);
	CHECK_INT(sip_session_invite(&b.session, b.stack, &conf, &side_handlers,
				     &b),
		  0);
	CHECK(side_wait(&a, "incoming"));
	CHECK_STR(a.user, "alice");
	sip_session_info(a.session, &info);
	CHECK_STR(info.request_user, "+999#x");
	CHECK_STR(info.from_user, "alice");
	CHECK_STR(info.from_name, "Alice A.");
	CHECK(bytes_equal(info.sdp, bytes_str(OFFER)));
	CHECK_INT(sip_session_progress(a.session, 180, NULL, bytes_of(NULL, 0)),
		  0);
	CHECK(side_wait(&b, "180 Ringing;"));
	CHECK_INT(sip_session_answer(a.session, bytes_str(ANSWER)), 0);
	CHECK(side_wait(&a, "confirmed;"));
	CHECK_STR(b.log, "180 Ringing;answered;");
	CHECK_STR(b.sdp, ANSWER);
	sip_session_end(a.session, 200, "OK", "SIP;cause=200;text=\"bye\"");
	CHECK(a.session != NULL); /* told from the loop, not inside */
	CHECK(side_wait(&a, "local 200 OK;"));
	CHECK(side_wait(&b, "remote 200 OK;"));
	CHECK(side_idle(&a) && side_idle(&b));
	sip_stack_free(&b.stack);
	side_finish(&a, &p);
}

static void test_session_rejects_with_the_literal_reason(void)
{
	char uri[128];
	struct sip_invite_conf conf = {.uri = uri,
				       .auth_user = "alice",
				       .auth_password = "secret",
				       .sdp = bytes_str(OFFER)};
	struct side a, b;
	struct peer p;

	CHECK(peer_start(&a, &p));
	CHECK(side_start(&b));
	snprintf(uri, sizeof(uri), "sip:user@%s", p.there);
	CHECK_INT(sip_session_invite(&b.session, b.stack, &conf, &side_handlers,
				     &b),
		  0);
	CHECK(side_wait(&a, "incoming"));
	CHECK_INT(sip_session_reject(a.session, 486,
				     "User declined\r\n the call", NULL, 0),
		  0);
	CHECK(side_wait(&b, "rejected 486 User declined the call;"));
	CHECK(side_wait(&a, "local 486 User declined the call;"));
	conf.auth_password = "wrong";
	CHECK_INT(sip_session_invite(&b.session, b.stack, &conf, &side_handlers,
				     &b),
		  0);
	CHECK(side_wait(&b, "rejected 403 Wrong password;"));
	conf.auth_user = NULL;
	CHECK_INT(sip_session_invite(&b.session, b.stack, &conf, &side_handlers,
				     &b),
		  0);
	CHECK(side_wait(&b, "rejected 401 Unauthorized;"));
	sip_stack_free(&b.stack);
	side_finish(&a, &p);
}

static void test_session_kept_dialog_is_ended_by_another_run(void)
{
	char tag[64], call[64], cseq[32];
	struct buf json;
	struct side o, other;
	struct peer p;
	const char *bye;

	buf_init(&json);
	CHECK(peer_start(&o, &p));
	CHECK(peer_call(&o, &p, "kept-call", tag));
	CHECK_INT(sip_session_keep(o.session, &json), 0);
	CHECK(side_start(&other));
	CHECK_INT(sip_stack_bye_kept(other.stack, buf_cstr(&json)), 0);
	bye = peer_wait(&p, "BYE sip:peer@127.0.0.1:");
	CHECK(bye && peer_header(bye, "Call-ID: ", call, sizeof(call)));
	CHECK_STR(call, "kept-call");
	CHECK(strstr(bye, tag) && strstr(bye, ";tag=f1"));
	CHECK(peer_header(bye, "CSeq: ", cseq, sizeof(cseq)));
	CHECK_INT(atoi(cseq), (long)o.session->dialog.local_seq + 1);
	CHECK(other.stack->kept.head != NULL);
	CHECK_INT(transport_local(other.stack, &p.self, &p.target), 0);
	peer_answer(&p, bye, "200 OK", NULL, "", NULL);
	CHECK(loop_until(none_kept, &other));
	CHECK_INT(sip_stack_bye_kept(other.stack, "{}"), -EBADMSG);
	CHECK_INT(sip_stack_bye_kept(other.stack, "no json"), -EBADMSG);
	buf_clear(&json);
	sip_stack_free(&other.stack);
	side_finish(&o, &p);
}

static void test_session_stop_ends_all_politely(void)
{
	const char *invite;
	char tag[64];
	struct side in, ringing, out, *sides[] = {&in, &ringing, &out};
	struct peer p[3];

	CHECK(peer_start(&in, &p[0]) && peer_call(&in, &p[0], "c1", tag));
	CHECK(peer_start(&ringing, &p[1]) &&
	      peer_invite(&ringing, &p[1], "c2", OFFER));
	CHECK(side_start(&out) && peer_open(&p[2], out.stack) &&
	      call_peer(&out, &p[2], &invite));
	peer_answer(&p[2], invite, "180 Ringing", "t", CONTACT, NULL);
	CHECK(side_wait(&out, "180 Ringing;"));
	for (int i = 0; i < 3; i++) {
		sip_stack_free(&sides[i]->stack);
		CHECK(strstr(sides[i]->log, "local 503 Service Unavailable;"));
		CHECK(sides[i]->session == NULL);
	}
	CHECK(peer_wait(&p[0], "BYE sip:peer"));
	CHECK(peer_wait(&p[1], "SIP/2.0 503 Service Unavailable"));
	CHECK(peer_wait(&p[2], "CANCEL sip:"));
	for (int i = 0; i < 3; i++)
		peer_close(&p[i]);
}

int main(void)
{
	(void)libre_init();
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_session_two_stacks_talk);
	RUN(test_session_rejects_with_the_literal_reason);
	RUN(test_session_kept_dialog_is_ended_by_another_run);
	RUN(test_session_stop_ends_all_politely);
	libre_close();
	return check_done();
}
