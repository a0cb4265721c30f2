#include "sip/peer_test.h"

#include <errno.h>

#include "base/log.h"
#include "sip/session_priv.h"
#include "tests/check.h"

#define OFFER                                                                  \
	"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n"                           \
	"c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
#define ANSWER                                                                 \
	"v=0\r\no=- 2 2 IN IP4 127.0.0.1\r\ns=-\r\n"                           \
	"c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 5000 RTP/AVP 8\r\n"
#define CONTACT "Contact: <sip:peer@127.0.0.1:9>\r\n"
#define SDP_TYPE "Content-Type: application/sdp\r\n"

/* What happened to a session, in order: "180 Ringing;answered;". */
struct side {
	struct sip_stack *stack;
	struct sip_session *session;
	char log[512];
	char sdp[512];
	char user[64];
	const char *wanted;
	const char *answer; /* of the offer handler */
	int offer_code;
	bool end_in_offer;
	enum sip_end how;
	int code;
};

static void note(struct side *o, const char *what)
{
	size_t n = strlen(o->log);

	snprintf(o->log + n, sizeof(o->log) - n, "%s;", what);
}

static void keep_sdp(struct side *o, struct bytes sdp)
{
	snprintf(o->sdp, sizeof(o->sdp), "%.*s", (int)sdp.n,
		 sdp.n ? (const char *)sdp.p : "");
}

static void on_progress(int code, const char *reason, struct bytes sdp,
			void *arg)
{
	char text[160];

	snprintf(text, sizeof(text), "%d %s", code, reason);
	note(arg, text);
	keep_sdp(arg, sdp);
}

static void on_answered(struct bytes sdp, void *arg)
{
	note(arg, "answered");
	keep_sdp(arg, sdp);
}

static void on_confirmed(struct bytes sdp, void *arg)
{
	note(arg, "confirmed");
	keep_sdp(arg, sdp);
}

static int on_offer(struct bytes sdp, struct buf *answer, void *arg)
{
	struct side *o = arg;

	note(o, sdp.n ? "offer" : "wanted");
	keep_sdp(o, sdp);
	if (o->end_in_offer)
		sip_session_end(o->session, 200, "OK", NULL);
	if (o->answer)
		buf_str(answer, o->answer);
	return o->offer_code;
}

static void on_dtmf(char digit, unsigned duration_ms, void *arg)
{
	char text[32];

	snprintf(text, sizeof(text), "dtmf %c %u", digit, duration_ms);
	note(arg, text);
}

static void on_closed(enum sip_end how, int code, const char *reason, void *arg)
{
	static const char *const names[] = {"local", "remote", "rejected",
					    "timeout"};
	struct side *o = arg;
	char text[200];

	snprintf(text, sizeof(text), "%s %d %s", names[how], code, reason);
	note(o, text);
	o->session = mem_deref(o->session);
}

static const struct sip_session_handlers handlers = {
	on_progress, on_answered, on_confirmed, on_offer, on_dtmf, on_closed,
};

static void on_incoming(struct sip_session *s, const char *user, void *arg)
{
	struct side *o = arg;

	snprintf(o->user, sizeof(o->user), "%s", user);
	o->session = mem_ref(s);
	sip_session_handlers(s, &handlers, o);
	note(o, "incoming");
}

static void on_credentials(const char *user, const struct sa *source,
			   struct sip_credentials *c, void *arg)
{
	c->known = strcmp(user, "alice") == 0;
	snprintf(c->password, sizeof(c->password), "secret");
}

static bool start(struct side *o)
{
	struct sip_stack_conf conf = {
		.listen_n = 1,
		.realm = "gramline",
		.handlers = {.credentials = on_credentials,
			     .incoming = on_incoming},
		.arg = o,
	};

	*o = (struct side){0};
	(void)sa_set_str(&conf.listen[0], "127.0.0.1", 0);
	if (sip_stack_new(&o->stack, &conf))
		return false;
	o->stack->t1_ms = 40;
	return true;
}

static bool log_has(void *arg)
{
	struct side *o = arg;

	return strstr(o->log, o->wanted) != NULL;
}

static bool side_wait(struct side *o, const char *text)
{
	o->wanted = text;
	return loop_until(log_has, o);
}

static bool no_sessions(void *arg)
{
	struct side *o = arg;

	return !o->stack->sessions.head;
}

static bool none_kept(void *arg)
{
	struct side *o = arg;

	return !o->stack->kept.head;
}

static bool side_idle(struct side *o)
{
	return loop_until(no_sessions, o);
}

static bool peer_start(struct side *o, struct peer *p)
{
	return start(o) && peer_open(p, o->stack) &&
	       peer_register(p, "alice", "secret", "reg",
			     "Contact: <sip:alice@127.0.0.1:9>\r\n");
}

/* INVITE with its challenge; the session is in o. lines may be NULL. */
static bool peer_invite(struct side *o, struct peer *p, const char *call,
			const char *body)
{
	struct peer_request r = {.method = "INVITE",
				 .call = call,
				 .seq = 1,
				 .lines = body ? SDP_TYPE : "",
				 .body = body};
	const char *a;

	p->authorization[0] = '\0';
	peer_request(p, &r);
	a = peer_wait(p, "401 Unauthorized");
	if (!a || !peer_authorize(p, a, "INVITE", "alice", "secret", 1))
		return false;
	r.seq = 2;
	r.branch = call;
	peer_request(p, &r);
	p->authorization[0] = '\0';
	return peer_wait(p, "100 Trying") && side_wait(o, "incoming");
}

static bool to_tag_of(const char *message, char tag[64])
{
	char to[256];
	const char *at;

	if (!peer_header(message, "To: ", to, sizeof(to)))
		return false;
	at = strstr(to, ";tag=");
	if (!at)
		return false;
	snprintf(tag, 64, "%s", at + 5);
	return true;
}

/* Through to an established incoming call; tag is ours. */
static bool peer_call(struct side *o, struct peer *p, const char *call,
		      char tag[64])
{
	const char *a;

	if (!peer_invite(o, p, call, OFFER) ||
	    sip_session_answer(o->session, bytes_str(ANSWER)))
		return false;
	a = peer_wait(p, "200 OK");
	if (!a || !to_tag_of(a, tag))
		return false;
	peer_request(p, &(struct peer_request){.method = "ACK",
					       .call = call,
					       .seq = 2,
					       .to_tag = tag});
	return side_wait(o, "confirmed");
}

/* A call of ours to the peer; *request is its INVITE. */
static bool call_peer(struct side *o, struct peer *p, const char **request)
{
	char uri[128], route[128];
	struct sip_invite_conf conf = {
		.uri = uri,
		.route = route,
		.from_user = "999123",
		.from_name = "Zo\xc3\xab \"Z\"\r\nX: y",
		.auth_user = "gw",
		.auth_password = "pw",
		.sdp = bytes_str(OFFER),
	};
	const struct sip_header extra[] = {
		{"X-TG-ID", "42"},
		{"X-TG-FirstName", "Zo\xc3\xab\r\nInjected: yes"},
		{"Bad Name", "x"},
	};

	/* The contact is a private address: only the path leads there. */
	snprintf(uri, sizeof(uri), "sip:bob@10.255.255.1:5999");
	snprintf(route, sizeof(route), "udp:%s", p->here);
	conf.headers = extra;
	conf.headers_n = ARRAY_SIZE(extra);
	if (sip_session_invite(&o->session, o->stack, &conf, &handlers, o))
		return false;
	*request = peer_wait(p, "INVITE sip:bob@10.255.255.1:5999 SIP/2.0");
	return *request != NULL;
}

static void finish(struct side *o, struct peer *p)
{
	peer_close(p);
	sip_stack_free(&o->stack);
}

/* -- both ends ours -------------------------------------------------------- */

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
	CHECK(start(&b));
	snprintf(uri, sizeof(uri), "sip:%%2B999%%23x@%s", p.there);
	CHECK_INT(sip_session_invite(&b.session, b.stack, &conf, &handlers, &b),
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
	finish(&a, &p);
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
	CHECK(start(&b));
	snprintf(uri, sizeof(uri), "sip:user@%s", p.there);
	CHECK_INT(sip_session_invite(&b.session, b.stack, &conf, &handlers, &b),
		  0);
	CHECK(side_wait(&a, "incoming"));
	CHECK_INT(sip_session_reject(a.session, 486,
				     "User declined\r\n the call", NULL, 0),
		  0);
	CHECK(side_wait(&b, "rejected 486 User declined the call;"));
	CHECK(side_wait(&a, "local 486 User declined the call;"));
	conf.auth_password = "wrong";
	CHECK_INT(sip_session_invite(&b.session, b.stack, &conf, &handlers, &b),
		  0);
	CHECK(side_wait(&b, "rejected 403 Wrong password;"));
	conf.auth_user = NULL;
	CHECK_INT(sip_session_invite(&b.session, b.stack, &conf, &handlers, &b),
		  0);
	CHECK(side_wait(&b, "rejected 401 Unauthorized;"));
	sip_stack_free(&b.stack);
	finish(&a, &p);
}

/* -- incoming -------------------------------------------------------------- */

static void test_session_ok_is_repeated_until_ack(void)
{
	char tag[64];
	struct side o;
	struct peer p;
	const char *a;
	size_t n;

	CHECK(peer_start(&o, &p));
	CHECK(peer_invite(&o, &p, "c1", OFFER));
	CHECK_INT(sip_session_answer(o.session, bytes_str(ANSWER)), 0);
	CHECK(peer_wait(&p, "200 OK") && peer_wait(&p, "200 OK"));
	a = peer_wait(&p, "200 OK");
	CHECK(a && to_tag_of(a, tag) && strstr(a, ANSWER) &&
	      strstr(a, "\r\nContact: <sip:bob@127.0.0.1:"));
	peer_request(&p, &(struct peer_request){.method = "ACK",
						.call = "c1",
						.seq = 2,
						.to_tag = tag});
	CHECK(side_wait(&o, "confirmed"));
	n = peer_count(&p, "200 OK");
	loop_run_ms(400);
	CHECK_INT(peer_count(&p, "200 OK"), n);
	finish(&o, &p);
}

static void test_session_without_ack_ends_with_bye(void)
{
	struct side o;
	struct peer p;
	const char *bye;

	CHECK(peer_start(&o, &p));
	o.stack->t1_ms = 5;
	CHECK(peer_invite(&o, &p, "c1", OFFER));
	CHECK_INT(sip_session_answer(o.session, bytes_str(ANSWER)), 0);
	bye = peer_wait(&p, "BYE sip:");
	CHECK(bye != NULL);
	CHECK(side_wait(&o, "timeout 408 Request Timeout;"));
	peer_answer(&p, bye, "200 OK", NULL, "", NULL);
	CHECK(side_idle(&o));
	finish(&o, &p);
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
	finish(&o, &p);
}

static void test_session_cancel_after_ok_changes_nothing(void)
{
	struct peer_request r = {
		.method = "CANCEL", .call = "c1", .seq = 2, .branch = "c1"};
	char tag[64];
	struct side o;
	struct peer p;
	const char *a;

	CHECK(peer_start(&o, &p));
	CHECK(peer_invite(&o, &p, "c1", OFFER));
	CHECK_INT(sip_session_answer(o.session, bytes_str(ANSWER)), 0);
	a = peer_wait(&p, "200 OK");
	CHECK(a && to_tag_of(a, tag));
	peer_request(&p, &r);
	CHECK(peer_wait(&p, "CSeq: 2 CANCEL"));
	CHECK_INT(peer_count(&p, "487"), 0);
	peer_request(&p, &(struct peer_request){.method = "ACK",
						.call = "c1",
						.seq = 2,
						.to_tag = tag});
	CHECK(side_wait(&o, "incoming;confirmed;"));
	finish(&o, &p);
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
	finish(&o, &p);
}

static void test_session_bye_before_ack(void)
{
	char tag[64];
	struct side o;
	struct peer p;
	const char *a;

	CHECK(peer_start(&o, &p));
	CHECK(peer_invite(&o, &p, "c1", OFFER));
	CHECK_INT(sip_session_answer(o.session, bytes_str(ANSWER)), 0);
	a = peer_wait(&p, "200 OK");
	CHECK(a && to_tag_of(a, tag));
	peer_request(&p, &(struct peer_request){.method = "BYE",
						.call = "c1",
						.seq = 3,
						.to_tag = tag});
	CHECK(side_wait(&o, "remote 200 OK;"));
	CHECK(peer_wait(&p, "CSeq: 3 BYE"));
	CHECK(side_idle(&o));
	finish(&o, &p);
}

static void test_session_end_before_ack_waits_for_it(void)
{
	char tag[64];
	struct side o;
	struct peer p;
	const char *a;

	CHECK(peer_start(&o, &p));
	CHECK(peer_invite(&o, &p, "c1", OFFER));
	CHECK_INT(sip_session_answer(o.session, bytes_str(ANSWER)), 0);
	a = peer_wait(&p, "200 OK");
	CHECK(a && to_tag_of(a, tag));
	sip_session_end(o.session, 503, "Worker is unavailable", NULL);
	CHECK(side_wait(&o, "local 503 Worker is unavailable;"));
	CHECK_INT(peer_count(&p, "BYE sip:"), 0);
	peer_request(&p, &(struct peer_request){.method = "ACK",
						.call = "c1",
						.seq = 2,
						.to_tag = tag});
	a = peer_wait(&p, "BYE sip:");
	CHECK(a != NULL);
	peer_answer(&p, a, "200 OK", NULL, "", NULL);
	CHECK(side_idle(&o));
	finish(&o, &p);
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
	finish(&o, &p);
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
	finish(&o, &p);
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
	finish(&o, &p);
}

/* -- inside the dialog ----------------------------------------------------- */

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
	peer_request(&p, &(struct peer_request){.method = "ACK",
						.call = "c1",
						.seq = 3,
						.to_tag = tag});
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
	finish(&o, &p);
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
	finish(&o, &p);
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
	finish(&o, &p);
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
	finish(&o, &p);
}

/* -- outgoing -------------------------------------------------------------- */

static void test_session_outgoing_headers_are_clean(void)
{
	const char *invite;
	struct side o;
	struct peer p;

	CHECK(start(&o));
	CHECK(peer_open(&p, o.stack));
	CHECK(call_peer(&o, &p, &invite));
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
	finish(&o, &p);
}

static void test_session_outgoing_answer_and_lost_ack(void)
{
	const char *invite, *bye;
	struct side o;
	struct peer p;

	CHECK(start(&o));
	CHECK(peer_open(&p, o.stack));
	CHECK(call_peer(&o, &p, &invite));
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
	finish(&o, &p);
}

static void test_session_cancel_waits_for_a_provisional(void)
{
	const char *invite, *cancel;
	char via[256], cancel_via[256];
	struct side o;
	struct peer p;

	CHECK(start(&o));
	CHECK(peer_open(&p, o.stack));
	CHECK(call_peer(&o, &p, &invite));
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
	finish(&o, &p);
}

static void test_session_answer_crossing_our_cancel(void)
{
	const char *invite, *bye;
	struct side o;
	struct peer p;

	CHECK(start(&o));
	CHECK(peer_open(&p, o.stack));
	CHECK(call_peer(&o, &p, &invite));
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
	finish(&o, &p);
}

static void test_session_cancel_without_final_answer_ends(void)
{
	const char *invite;
	struct side o;
	struct peer p;

	CHECK(start(&o));
	o.stack->t1_ms = 5;
	CHECK(peer_open(&p, o.stack));
	CHECK(call_peer(&o, &p, &invite));
	peer_answer(&p, invite, "180 Ringing", "t", CONTACT, NULL);
	CHECK(side_wait(&o, "180 Ringing;"));
	sip_session_end(o.session, 487, NULL, NULL);
	CHECK(side_idle(&o));
	finish(&o, &p);
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

	CHECK(start(&o));
	CHECK(peer_open(&p, o.stack));
	CHECK(call_peer(&o, &p, &invite));
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
	finish(&o, &p);
}

static void test_session_second_challenge_is_a_refusal(void)
{
	static const char challenge[] =
		"WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n1\"\r\n";
	const char *invite;
	struct side o;
	struct peer p;

	CHECK(start(&o));
	CHECK(peer_open(&p, o.stack));
	CHECK(call_peer(&o, &p, &invite));
	peer_answer(&p, invite, "401 Unauthorized", "a", challenge, NULL);
	invite = peer_wait(&p, "\r\nAuthorization: Digest");
	CHECK(invite != NULL);
	peer_answer(&p, invite, "401 Unauthorized", "a", challenge, NULL);
	CHECK(side_wait(&o, "rejected 401 Unauthorized;"));
	CHECK(side_idle(&o));
	finish(&o, &p);
}

static void test_session_bad_uris_are_refused(void)
{
	struct sip_invite_conf conf = {.uri = "sip:a@h\r\nX: y"};
	struct sip_session *s = NULL;
	struct side o;

	CHECK(start(&o));
	CHECK_INT(sip_session_invite(&s, o.stack, &conf, &handlers, &o),
		  -EINVAL);
	conf.uri = "sip:a@127.0.0.1";
	conf.route = "smoke:signal";
	CHECK_INT(sip_session_invite(&s, o.stack, &conf, &handlers, &o),
		  -EINVAL);
	conf.route = NULL;
	conf.to_uri = "sip:a@h>;tag=x";
	CHECK_INT(sip_session_invite(&s, o.stack, &conf, &handlers, &o),
		  -EINVAL);
	CHECK(s == NULL && !*o.log);
	sip_stack_free(&o.stack);
}

/* -- over the process's life ----------------------------------------------- */

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
	CHECK(start(&other));
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
	finish(&o, &p);
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
	CHECK(start(&out) && peer_open(&p[2], out.stack) &&
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
	RUN(test_session_hold_by_reinvite);
	RUN(test_session_update_and_delayed_reinvite);
	RUN(test_session_ended_inside_the_offer_handler);
	RUN(test_session_info_digits);
	RUN(test_session_outgoing_headers_are_clean);
	RUN(test_session_outgoing_answer_and_lost_ack);
	RUN(test_session_cancel_waits_for_a_provisional);
	RUN(test_session_answer_crossing_our_cancel);
	RUN(test_session_cancel_without_final_answer_ends);
	RUN(test_session_challenges_are_answered);
	RUN(test_session_second_challenge_is_a_refusal);
	RUN(test_session_bad_uris_are_refused);
	RUN(test_session_kept_dialog_is_ended_by_another_run);
	RUN(test_session_stop_ends_all_politely);
	libre_close();
	return check_done();
}
