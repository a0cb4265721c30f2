/* 3xx, and who an INVITE says is calling. */
#include "sip/session_fixture_test.h"

/* An answer that sends us to these users at the peer. */
static void redirect(struct peer *p, const char *invite, const char *status,
		     const char *format)
{
	char lines[512];
	struct buf text;

	buf_init(&text);
	for (const char *c = format; *c; c++) {
		if (*c == '@')
			buf_printf(&text, "@%s", p->here);
		else
			buf_u8(&text, (uint8_t)*c);
	}
	snprintf(lines, sizeof(lines), "Contact: %s\r\n", buf_cstr(&text));
	buf_clear(&text);
	peer_answer(p, invite, status, "r", lines, NULL);
}

static void test_redirect_goes_in_the_order_of_q(void)
{
	const char *invite, *again;
	char call[64], same[64], lines[256];
	struct side o;
	struct peer p;

	CHECK(call_started(&o, &p, &invite));
	CHECK(peer_header(invite, "Call-ID: ", call, sizeof(call)));
	redirect(&p, invite, "302 Moved",
		 "<sip:low@>;q=0.1, <sip:high@>;q=0.75, <tel:+999>, "
		 "<sip:first@>, <sip:none@>;q=0");
	again = peer_wait(&p, "INVITE sip:first@");
	CHECK(again && peer_header(again, "Call-ID: ", same, sizeof(same)));
	CHECK_STR(same, call);
	CHECK(strstr(again, "\r\nTo: <sip:bob@10.255.255.1:5999>\r\n") &&
	      strstr(again, OFFER));
	peer_answer(&p, again, "486 Busy Here", "x", "", NULL);
	again = peer_wait(&p, "INVITE sip:high@");
	CHECK(again != NULL);
	/* A second redirection joins the list where its q says. */
	redirect(&p, again, "301 Moved", "<sip:mid@>;q=0.5, <sip:first@>");
	again = peer_wait(&p, "INVITE sip:mid@");
	CHECK(again != NULL);
	peer_answer(&p, again, "180 Ringing", "m", CONTACT, NULL);
	CHECK(side_wait(&o, "180 Ringing;"));
	snprintf(lines, sizeof(lines), "Contact: <sip:m@%s>\r\n" SDP_TYPE,
		 p.here);
	peer_answer(&p, again, "200 OK", "m", lines, ANSWER);
	CHECK(side_wait(&o, "180 Ringing;answered;"));
	CHECK(peer_wait(&p, "ACK sip:m@"));
	CHECK_INT(peer_count(&p, "INVITE sip:first@"), 1);
	CHECK_INT(peer_count(&p, "INVITE sip:low@"), 0);
	side_finish(&o, &p);
}

static void test_redirect_circles_come_to_an_end(void)
{
	const char *invite;
	char name[128];
	struct side o;
	struct peer p;

	CHECK(call_started(&o, &p, &invite));
	/* Always somebody else. */
	for (int i = 1; i < SESSION_TARGETS_MAX; i++) {
		snprintf(name, sizeof(name), "<sip:n%d@>", i);
		redirect(&p, invite, "302 Moved", name);
		snprintf(name, sizeof(name), "INVITE sip:n%d@", i);
		invite = peer_wait(&p, name);
		CHECK(invite != NULL);
	}
	redirect(&p, invite, "302 Moved", "<sip:more@>");
	CHECK(side_wait(&o, "rejected 302 Moved;"));
	CHECK(side_idle(&o));
	/* The same one again; a call to ourselves; nobody at all. */
	o.log[0] = '\0';
	CHECK(call_peer(&o, &p, &invite));
	peer_answer(&p, invite, "302 Moved", "r",
		    "Contact: <sip:bob@10.255.255.1:5999>\r\n", NULL);
	CHECK(side_wait(&o, "rejected 302 Moved;"));
	o.log[0] = '\0';
	CHECK(call_peer(&o, &p, &invite));
	snprintf(name, sizeof(name), "Contact: <sip:x@%s>\r\n", p.there);
	peer_answer(&p, invite, "302 Moved", "r", name, NULL);
	CHECK(side_wait(&o, "rejected 302 Moved;"));
	o.log[0] = '\0';
	CHECK(call_peer(&o, &p, &invite));
	peer_answer(&p, invite, "380 Alternative Service", "r", CONTACT, NULL);
	CHECK(side_wait(&o, "rejected 380 Alternative Service;"));
	side_finish(&o, &p);
}

static void test_redirect_ends_with_600_and_cancel(void)
{
	const char *invite;
	struct side o;
	struct peer p;

	CHECK(call_started(&o, &p, &invite));
	redirect(&p, invite, "300 Choices", "<sip:a@>, <sip:b@>;q=0.5");
	invite = peer_wait(&p, "INVITE sip:a@");
	CHECK(invite != NULL);
	peer_answer(&p, invite, "603 Decline", "x", "", NULL);
	CHECK(side_wait(&o, "rejected 603 Decline;"));
	CHECK(side_idle(&o));
	CHECK(call_peer(&o, &p, &invite));
	peer_answer(&p, invite, "100 Trying", NULL, "", NULL);
	loop_run_ms(20);
	sip_session_end(o.session, 487, NULL, NULL);
	CHECK(peer_wait(&p, "CANCEL sip:bob"));
	redirect(&p, invite, "302 Moved", "<sip:late@>");
	CHECK(side_idle(&o));
	CHECK_INT(peer_count(&p, "INVITE sip:late@"), 0);
	side_finish(&o, &p);
}

/* -- who calls ------------------------------------------------------------- */

static void test_identity_of_an_incoming_call(void)
{
	static const struct {
		const char *lines;
		const char *user, *name, *diverted, *reason;
		bool private;
	} rows[] = {
		{"", "", "", "", "", false},
		{"P-Asserted-Identity: \"Zo\xc3\xab\" <sip:%2B999@h;x=y>, "
		 "<tel:+998>\r\nPrivacy: none\r\n",
		 "+999", "Zo\xc3\xab", "", "", false},
		{"P-Asserted-Identity: <tel:+999-12(3).4;phone-context=x>\r\n"
		 "Privacy: header ; id\r\n",
		 "+9991234", "", "", "", true},
		{"Diversion: <sip:201@h>;reason=no-answer;counter=1, "
		 "<sip:202@h>;reason=unknown\r\nPrivacy: user\r\n",
		 "", "", "201", "no-answer", true},
		{"History-Info: <sip:300@h>;index=1, <sip:301@h>;index=1.1\r\n",
		 "", "", "300", "", false},
		{"History-Info: <sip:300@h>;index=1\r\nPrivacy: idle\r\n", "",
		 "", "", "", false},
		{"P-Asserted-Identity: rubbish <\r\nDiversion: ,,\r\n", "", "",
		 "", "", false},
	};
	struct sip_session_info i;
	char call[16];
	struct side o;
	struct peer p;

	CHECK(peer_start(&o, &p));
	for (unsigned n = 0; n < ARRAY_SIZE(rows); n++) {
		o.lines = rows[n].lines;
		o.log[0] = '\0';
		snprintf(call, sizeof(call), "c%u", n);
		CHECK(peer_invite(&o, &p, call, OFFER));
		sip_session_info(o.session, &i);
		CHECK_STR(i.asserted_user, rows[n].user);
		CHECK_STR(i.asserted_name, rows[n].name);
		CHECK_STR(i.diverted_user, rows[n].diverted);
		CHECK_STR(i.diverted_reason, rows[n].reason);
		CHECK_INT(i.private, rows[n].private);
		sip_session_end(o.session, 480, NULL, NULL);
		CHECK(side_wait(&o, "local 480"));
	}
	side_finish(&o, &p);
}

static void test_identity_of_our_call(void)
{
	struct sip_invite_conf conf = {
		.from_user = "999123",
		.from_name = "Zo\xc3\xab",
		.from_host = "pbx.example",
		.sdp = bytes_str(OFFER),
		.assert_identity = true,
	};
	const char *invite;
	char uri[128];
	struct side o;
	struct peer p;

	CHECK(side_start(&o));
	CHECK(peer_open(&p, o.stack));
	snprintf(uri, sizeof(uri), "sip:bob@%s", p.here);
	conf.uri = uri;
	CHECK_INT(sip_session_invite(&o.session, o.stack, &conf, &side_handlers,
				     &o),
		  0);
	invite = peer_wait(&p, "INVITE sip:bob");
	CHECK(invite &&
	      strstr(invite, "\r\nP-Asserted-Identity: \"Zo\xc3\xab\" "
			     "<sip:999123@pbx.example>\r\n"));
	CHECK(!strstr(invite, "Privacy") && strstr(invite, "\r\nFrom: \"Zo"));
	peer_answer(&p, invite, "486 Busy Here", "t", "", NULL);
	CHECK(side_wait(&o, "rejected"));
	conf.anonymous = true;
	CHECK_INT(sip_session_invite(&o.session, o.stack, &conf, &side_handlers,
				     &o),
		  0);
	invite = peer_wait(&p, "INVITE sip:bob");
	CHECK(invite &&
	      strstr(invite, "\r\nFrom: \"Anonymous\" "
			     "<sip:anonymous@anonymous.invalid>;tag=") &&
	      strstr(invite, "\r\nPrivacy: id\r\n") &&
	      strstr(invite, "\r\nContact: <sip:anonymous@") &&
	      strstr(invite, "<sip:999123@pbx.example>\r\n"));
	side_finish(&o, &p);
}

static void test_tel_uri_is_called(void)
{
	struct peer_request r = {.method = "INVITE",
				 .uri = "tel:+999-700;phone-context=x",
				 .call = "c1",
				 .seq = 1,
				 .lines = SDP_TYPE,
				 .body = OFFER};
	struct sip_session_info i;
	struct side o;
	struct peer p;
	const char *a;

	CHECK(peer_start(&o, &p));
	peer_request(&p, &r);
	a = peer_wait(&p, "401 Unauthorized");
	CHECK(a && peer_authorize(&p, a, "INVITE", "alice", "secret", 1));
	r.seq = 2;
	peer_request(&p, &r);
	CHECK(side_wait(&o, "incoming;"));
	sip_session_info(o.session, &i);
	CHECK_STR(i.request_user, "+999700");
	/* Only to call: there is nobody to ask or to register. */
	p.authorization[0] = '\0';
	r.method = "OPTIONS";
	r.call = "c2";
	peer_request(&p, &r);
	CHECK(peer_wait(&p, "SIP/2.0 416 Unsupported URI Scheme"));
	side_finish(&o, &p);
}

int main(void)
{
	(void)libre_init();
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_redirect_goes_in_the_order_of_q);
	RUN(test_redirect_circles_come_to_an_end);
	RUN(test_redirect_ends_with_600_and_cancel);
	RUN(test_identity_of_an_incoming_call);
	RUN(test_identity_of_our_call);
	RUN(test_tel_uri_is_called);
	libre_close();
	return check_done();
}
