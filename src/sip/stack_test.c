#include "sip/peer_test.h"

#include <errno.h>

#include "base/log.h"
#include "sip/address.h"
#include "tests/check.h"

struct owner {
	unsigned registered, removals, ended;
	struct sip_binding last;
	struct sip_verdict verdict;
	struct sip_session *session;
};

static void on_credentials(const char *user, const struct sa *source,
			   struct sip_credentials *c, void *arg)
{
	c->known = strcmp(user, "alice") == 0;
	snprintf(c->password, sizeof(c->password), "secret");
}

static void on_registering(const struct sip_binding *b, bool removal,
			   struct sip_verdict *v, void *arg)
{
	struct owner *o = arg;

	o->registered += !removal;
	o->removals += removal;
	o->last = *b;
	*v = o->verdict;
}

static void on_unregistered(const struct sip_binding *b, void *arg)
{
	struct owner *o = arg;

	o->ended++;
	o->last = *b;
}

static bool start(struct sip_stack **s, struct owner *o, bool tcp)
{
	struct sip_stack_conf conf = {
		.listen_n = 1,
		.tcp = tcp,
		.realm = "gramline",
		.handlers = {.credentials = on_credentials,
			     .registering = on_registering,
			     .unregistered = on_unregistered},
		.arg = o,
	};

	*o = (struct owner){0};
	(void)sa_set_str(&conf.listen[0], "127.0.0.1", 0);
	return sip_stack_new(s, &conf) == 0;
}

static bool probe_came(void *arg)
{
	const struct sip_stack *s = arg;

	return s->udp_n == 1;
}

static void test_stack_learns_its_socket_by_itself(void)
{
	struct sip_stack *s;
	struct owner o;

	CHECK(start(&s, &o, false));
	CHECK(loop_until(probe_came, s));
	sip_stack_free(&s);
	CHECK(s == NULL);
}

static void test_stack_register_order_of_checks(void)
{
	struct sip_stack *s;
	struct owner o;
	struct peer p;
	const char *a;

	CHECK(start(&s, &o, false));
	CHECK(peer_open(&p, s));
	a = peer_register(&p, "mallory", "x", "c1", "");
	CHECK(a && strstr(a, "SIP/2.0 404 Route not found\r\n"));
	a = peer_register(&p, "alice", "guess", "c2", "");
	CHECK(a && strstr(a, "SIP/2.0 403 Wrong password\r\n"));
	CHECK_INT(o.registered, 0);
	o.verdict = (struct sip_verdict){403, "Untrusted IP\r\n address", 0};
	a = peer_register(&p, "alice", "secret", "c3",
			  "Contact: <sip:alice@127.0.0.1:5070>\r\n");
	CHECK(a && strstr(a, "SIP/2.0 403 Untrusted IP address\r\n"));
	CHECK_INT(o.registered, 1);
	peer_close(&p);
	sip_stack_free(&s);
}

static void test_stack_register_binds_and_answers_queries(void)
{
	const struct sip_binding *b;
	struct sip_stack *s;
	char contact[128], path[128];
	struct owner o;
	struct peer p;
	const char *a;

	CHECK(start(&s, &o, false));
	CHECK(peer_open(&p, s));
	a = peer_register(&p, "alice", "secret", "c1",
			  "Contact: <sip:alice@10.9.8.7:5070>;expires=120\r\n"
			  "User-Agent: Phone 1\r\n");
	CHECK(a && strstr(a, "SIP/2.0 200 OK\r\n"));
	CHECK(peer_header(a, "Contact: ", contact, sizeof(contact)));
	CHECK_STR(contact, "<sip:alice@10.9.8.7:5070>;expires=120");
	CHECK_INT(sip_stack_bindings(s, "alice", &b, 1), 1);
	snprintf(path, sizeof(path), "udp:%s", p.here);
	CHECK_STR(b->path, path);
	CHECK_STR(b->user_agent, "Phone 1");
	a = peer_register(&p, "alice", "secret", "c2", "");
	CHECK(a && strstr(a, "Contact: <sip:alice@10.9.8.7:5070>;expires=1"));
	/* The newest wins, the old one's end is told (behaviour Q-25). */
	a = peer_register(&p, "alice", "secret", "c3",
			  "Contact: sip:alice@10.9.8.8\r\nExpires: 99999\r\n");
	CHECK(a && strstr(a, "Contact: <sip:alice@10.9.8.8>;expires=3600"));
	CHECK_INT(o.ended, 1);
	CHECK_STR(o.last.contact, "sip:alice@10.9.8.7:5070");
	a = peer_register(&p, "alice", "secret", "c4",
			  "Contact: *\r\nExpires: 0\r\n");
	CHECK(a && strstr(a, "200 OK") && !strstr(a, "Contact"));
	CHECK_INT(sip_stack_bindings(s, "alice", &b, 1), 0);
	CHECK_INT(o.ended, 2);
	CHECK_INT(o.removals, 1);
	peer_close(&p);
	sip_stack_free(&s);
}

static void test_stack_register_refusals(void)
{
	struct sip_stack *s;
	struct owner o;
	struct peer p;
	const char *a;

	CHECK(start(&s, &o, false));
	CHECK(peer_open(&p, s));
	a = peer_register(&p, "alice", "secret", "c1",
			  "Contact: <sip:a@10.0.0.1>;expires=59\r\n");
	CHECK(a && strstr(a, "SIP/2.0 423 ") && strstr(a, "Min-Expires: 60"));
	a = peer_register(&p, "alice", "secret", "c2", "Contact: *\r\n");
	CHECK(a && strstr(a, "SIP/2.0 400 "));
	a = peer_register(&p, "alice", "secret", "c3",
			  "Contact: <sip:a@10.0.0.1>\r\n");
	CHECK(a && strstr(a, ";expires=300"));
	CHECK_INT(o.registered, 1);
	peer_close(&p);
	sip_stack_free(&s);
}

static void test_stack_register_replay_is_challenged(void)
{
	struct peer_request r = {.method = "REGISTER", .call = "c9", .seq = 9};
	struct sip_stack *s;
	struct owner o;
	struct peer p;
	const char *a;

	CHECK(start(&s, &o, false));
	CHECK(peer_open(&p, s));
	peer_request(&p, &r);
	a = peer_wait(&p, "401");
	CHECK(a && peer_authorize(&p, a, "REGISTER", "alice", "secret", 1));
	r.branch = "same";
	peer_request(&p, &r);
	CHECK(peer_wait(&p, "200 OK"));
	/* A repeated datagram gets the same answer, a replay does not. */
	peer_request(&p, &r);
	CHECK(peer_wait(&p, "200 OK"));
	r.branch = "other";
	r.call = "c10";
	peer_request(&p, &r);
	a = peer_wait(&p, "401");
	CHECK(a && strstr(a, "stale=true"));
	peer_close(&p);
	sip_stack_free(&s);
}

static void test_stack_invite_without_registration(void)
{
	struct peer_request r = {.method = "INVITE",
				 .call = "c1",
				 .seq = 1,
				 .lines = "Contact: <sip:alice@127.0.0.1>\r\n"};
	struct sip_stack *s;
	struct owner o;
	struct peer p;
	const char *a;

	CHECK(start(&s, &o, false));
	CHECK(peer_open(&p, s));
	peer_request(&p, &r);
	a = peer_wait(&p, "SIP/2.0 401 Unauthorized\r\n");
	CHECK(a && peer_authorize(&p, a, "INVITE", "alice", "secret", 1));
	r.seq = 2;
	peer_request(&p, &r);
	CHECK(peer_wait(&p, "SIP/2.0 405 REGISTER is required first\r\n"));
	peer_close(&p);
	sip_stack_free(&s);
}

static void test_stack_answers_without_a_dialog(void)
{
	static const char *const methods[] = {"BYE", "INFO", "UPDATE",
					      "CANCEL"};
	struct sip_stack *s;
	struct owner o;
	struct peer p;
	const char *a;

	CHECK(start(&s, &o, false));
	CHECK(peer_open(&p, s));
	peer_request(&p, &(struct peer_request){
				 .method = "OPTIONS", .call = "c1", .seq = 1});
	a = peer_wait(&p, "SIP/2.0 200 OK\r\n");
	CHECK(a && strstr(a, "Allow: INVITE, ACK,") &&
	      strstr(a, "Accept: application/sdp"));
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		peer_request(&p, &(struct peer_request){.method = methods[i],
							.call = "c2",
							.seq = 2,
							.to_tag = "gone"});
		CHECK(peer_wait(&p, "SIP/2.0 481 "));
	}
	peer_request(&p, &(struct peer_request){
				 .method = "BYE", .call = "c3", .seq = 3});
	CHECK(peer_wait(&p, "SIP/2.0 481 "));
	peer_request(&p, &(struct peer_request){
				 .method = "REFER", .call = "c4", .seq = 4});
	a = peer_wait(&p, "SIP/2.0 405 Method Not Allowed");
	CHECK(a && strstr(a, "\r\nAllow: INVITE"));
	peer_request(&p, &(struct peer_request){
				 .method = "DANCE", .call = "c5", .seq = 5});
	CHECK(peer_wait(&p, "SIP/2.0 501 "));
	peer_close(&p);
	sip_stack_free(&s);
}

#define TORTURE(start, via, rest)                                              \
	start "\r\nVia: " via "\r\nFrom: <sip:a@h>;tag=1\r\n"                  \
	      "To: <sip:b@h>\r\n" rest "\r\n"

static void test_stack_refuses_what_libre_would_not(void)
{
	static const char late[] =
		"OPTIONS sip:b@h SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 127.0.0.1:9\r\nFrom: <sip:a@h>;tag=1\r\n"
		"To: <sip:b@h>\r\nCall-ID: old\r\nCSeq: 1 OPTIONS\r\n\r\n";
	struct sip_stack *s;
	struct owner o;
	struct peer p;
	const char *a;

	CHECK(start(&s, &o, false));
	CHECK(loop_until(probe_came, s));
	CHECK(peer_open(&p, s));
#define SAY(text) peer_send_text(&p, text, sizeof(text) - 1)
	SAY(TORTURE("OPTIONS sip:b@h SIP/7.0", "SIP/2.0/UDP h;branch=z9hG4bK1",
		    "Call-ID: x1\r\nCSeq: 1 OPTIONS\r\n"));
	a = peer_wait(&p, "SIP/2.0 505 ");
	CHECK(a && strstr(a, "Call-ID: x1") && strstr(a, "To: <sip:b@h>;tag="));
	SAY(TORTURE("OPTIONS soap.beep://h:3002 SIP/2.0",
		    "SIP/2.0/UDP h;branch=z9hG4bK2",
		    "Call-ID: x2\r\nCSeq: 1 OPTIONS\r\n"));
	CHECK(peer_wait(&p, "SIP/2.0 416 "));
	SAY(TORTURE("OPTIONS sip:b@h SIP/2.0", "SIP/2.0/UDP h;branch=z9hG4bK3",
		    "CSeq: 1 OPTIONS\r\n"));
	CHECK(peer_wait(&p, "SIP/2.0 400 Missing Call-ID"));
	SAY(TORTURE("OPTIONS sip:b@h SIP/2.0", "SIP/2.0/UDP h;branch=z9hG4bK5",
		    "Call-ID: x5\r\nCSeq: 1 OPTIONS\r\nRequire: warp\r\n"));
	a = peer_wait(&p, "SIP/2.0 420 ");
	CHECK(a && strstr(a, "Unsupported: warp\r\n"));
	/* libre would drop it; the answer goes to the source, by rport or not.
	 */
	peer_send_text(&p, late, sizeof(late) - 1);
	CHECK(count_get("sip", "bad Request-URI") == 0);
#undef SAY
	peer_close(&p);
	sip_stack_free(&s);
}

static void test_stack_takes_branchless_requests(void)
{
	char text[512];
	struct sip_stack *s;
	struct owner o;
	struct peer p;

	CHECK(start(&s, &o, false));
	CHECK(loop_until(probe_came, s));
	CHECK(peer_open(&p, s));
	snprintf(text, sizeof(text),
		 "OPTIONS sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP %s\r\n"
		 "From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: old\r\n"
		 "CSeq: 1 OPTIONS\r\n\r\n",
		 p.here);
	peer_send_text(&p, text, strlen(text));
	CHECK(peer_wait(&p, "SIP/2.0 200 OK"));
	peer_close(&p);
	sip_stack_free(&s);
}

static bool dropped_three(void *arg)
{
	return count_get("sip", "not SIP") >= *(uint64_t *)arg + 3;
}

static void test_stack_counts_garbage_and_lives(void)
{
	uint64_t before = count_get("sip", "not SIP");
	struct sip_stack *s;
	struct owner o;
	struct peer p;

	CHECK(start(&s, &o, false));
	CHECK(loop_until(probe_came, s));
	CHECK(peer_open(&p, s));
	peer_send_text(&p, "GET / HTTP/1.1\r\n\r\n", 18);
	peer_send_text(&p, "\0\0\0\0", 4);
	peer_send_text(&p, "\r\n\r\n\r\n", 6);
	peer_send_text(&p, "\xff\xfe\xfd garbage garbage", 19);
	peer_send_text(&p, "INVITE", 6);
	CHECK(loop_until(dropped_three, &before));
	CHECK_INT(count_get("sip", "not SIP"), before + 3);
	peer_request(&p, &(struct peer_request){
				 .method = "OPTIONS", .call = "c1", .seq = 1});
	CHECK(peer_wait(&p, "SIP/2.0 200 OK"));
	peer_close(&p);
	sip_stack_free(&s);
}

struct tcp_peer {
	struct tcp_conn *conn;
	char text[4096];
	size_t n;
	const char *wanted;
};

static void tcp_established(void *arg)
{
}

static void tcp_received(struct mbuf *mb, void *arg)
{
	struct tcp_peer *t = arg;
	size_t n = mbuf_get_left(mb);

	if (t->n + n < sizeof(t->text))
		memcpy(t->text + t->n, mbuf_buf(mb), n);
	t->n += n;
}

static void tcp_closed(int err, void *arg)
{
}

static bool tcp_has(void *arg)
{
	struct tcp_peer *t = arg;

	return strstr(t->text, t->wanted) != NULL;
}

static void test_stack_judges_tcp_too(void)
{
	static const char text[] =
		"OPTIONS sip:b@h SIP/2.0\r\n"
		"Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK1;rport\r\n"
		"From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: t1\r\n"
		"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
		"OPTIONS sip:b@h SIP/2.0\r\n"
		"Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK2;rport\r\n"
		"From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: t2\r\n"
		"CSeq: 99999999999 OPTIONS\r\nContent-Length: 0\r\n\r\n";
	struct tcp_peer t = {.wanted = "SIP/2.0 200 OK"};
	struct mbuf *mb = mbuf_alloc(1024);
	struct sip_stack *s;
	struct owner o;
	struct sa any, dst;

	CHECK(start(&s, &o, true));
	(void)sa_set_str(&any, "127.0.0.1", 0);
	CHECK_INT(transport_local(s, &any, &dst), 0);
	CHECK_INT(tcp_connect(&t.conn, &dst, tcp_established, tcp_received,
			      tcp_closed, &t),
		  0);
	(void)mbuf_write_mem(mb, (const uint8_t *)text, sizeof(text) - 1);
	mb->pos = 0;
	CHECK_INT(tcp_send(t.conn, mb), 0);
	CHECK(loop_until(tcp_has, &t));
	t.wanted = "SIP/2.0 400 Bad CSeq";
	CHECK(loop_until(tcp_has, &t));
	mem_deref(mb);
	mem_deref(t.conn);
	sip_stack_free(&s);
}

static void tcp_say(struct tcp_peer *t, const char *text)
{
	struct mbuf *mb = mbuf_alloc(2048);

	(void)mbuf_write_str(mb, text);
	mb->pos = 0;
	CHECK_INT(tcp_send(t->conn, mb), 0);
	mem_deref(mb);
}

static bool tcp_connected(struct tcp_peer *t, const struct sip_stack *s)
{
	struct sa any, dst;

	*t = (struct tcp_peer){0};
	(void)sa_set_str(&any, "127.0.0.1", 0);
	return !transport_local(s, &any, &dst) &&
	       !tcp_connect(&t->conn, &dst, tcp_established, tcp_received,
			    tcp_closed, t);
}

/* REGISTER with its challenge by TCP. */
static bool tcp_registers(struct tcp_peer *t, const char *call)
{
	struct peer p = {0};
	char text[2048];

	for (int seq = 1; seq <= 2; seq++) {
		snprintf(text, sizeof(text),
			 "REGISTER sip:h SIP/2.0\r\n"
			 "Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK%s%d;"
			 "rport\r\nFrom: <sip:alice@h>;tag=1\r\n"
			 "To: <sip:alice@h>\r\nCall-ID: %s\r\n"
			 "CSeq: %d REGISTER\r\n%s"
			 "Contact: <sip:alice@127.0.0.1:9;transport=tcp>\r\n"
			 "Content-Length: 0\r\n\r\n",
			 call, seq, call, seq, p.authorization);
		tcp_say(t, text);
		t->wanted = seq == 1 ? "SIP/2.0 401" : "SIP/2.0 200 OK";
		if (!loop_until(tcp_has, t) ||
		    (seq == 1 && !peer_authorize(&p, t->text, "REGISTER",
						 "alice", "secret", 1)))
			return false;
	}
	return true;
}

static bool one_ended(void *arg)
{
	const struct owner *o = arg;

	return o->ended == 1;
}

static void test_stack_binding_ends_with_its_connection(void)
{
	const struct sip_binding *b;
	struct tcp_peer first, second;
	struct sip_stack *s;
	struct owner o;

	CHECK(start(&s, &o, true));
	CHECK(tcp_connected(&first, s) && tcp_registers(&first, "c1"));
	CHECK(tcp_connected(&second, s) && tcp_registers(&second, "c2"));
	/* The contact's way is the newer connection: the end of the older one
	 * is nothing to it. */
	first.conn = mem_deref(first.conn);
	loop_run_ms(50);
	CHECK_INT(o.ended, 0);
	CHECK_INT(sip_stack_bindings(s, "alice", &b, 1), 1);
	second.conn = mem_deref(second.conn);
	CHECK(loop_until(one_ended, &o));
	CHECK_STR(o.last.aor, "alice");
	CHECK_INT(sip_stack_bindings(s, "alice", &b, 1), 0);
	CHECK(!s->connections.head);
	sip_stack_free(&s);
}

static void test_stack_local_address(void)
{
	struct sip_stack_conf conf = {.listen_n = 1,
				      .public_address = "203.0.113.9"};
	struct sa dst, local, want;
	struct sip_stack *s;

	(void)sa_set_str(&conf.listen[0], "0.0.0.0", 0);
	(void)sa_set_str(&dst, "127.0.0.1", 0);
	(void)sa_set_str(&want, "203.0.113.9", 0);
	CHECK_INT(sip_stack_new(&s, &conf), 0);
	CHECK_INT(sip_stack_local(s, &dst, &local), 0);
	CHECK(sa_cmp(&local, &dst, SA_ADDR)); /* where no NAT stands between */
	transport_public(&local, s, &want);
	CHECK(sa_cmp(&local, &want, SA_ADDR) && sa_port(&local));
	CHECK_INT(transport_local(s, &dst, &local), 0);
	CHECK(sa_cmp(&local, &dst, SA_ADDR) && sa_port(&local));
	sip_stack_free(&s);
}

static void test_address_that_is_private(void)
{
	static const struct {
		const char *address;
		bool is;
	} of[] = {
		{"10.0.0.1", true},     {"172.31.255.255", true},
		{"172.32.0.1", false},  {"192.168.1.1", true},
		{"192.169.1.1", false}, {"169.254.3.4", true},
		{"100.64.0.1", true},   {"100.128.0.1", false},
		{"127.0.0.1", true},    {"203.0.113.9", false},
		{"::1", true},          {"fe80::1", true},
		{"fd00::1", true},      {"2001:db8::1", false},
	};
	struct sa sa;

	for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
		CHECK_INT(sa_set_str(&sa, of[i].address, 0), 0);
		CHECK_INT(address_is_private(&sa), of[i].is);
	}
}

static void test_stack_port_in_use_is_an_error(void)
{
	struct sip_stack_conf conf = {.listen_n = 1};
	struct sip_stack *s, *other = NULL;
	struct sa any;

	(void)sa_set_str(&conf.listen[0], "127.0.0.1", 0);
	CHECK_INT(sip_stack_new(&s, &conf), 0);
	(void)sa_set_str(&any, "127.0.0.1", 0);
	CHECK_INT(sip_stack_local(s, &any, &conf.listen[0]), 0);
	CHECK_INT(sip_stack_new(&other, &conf), -EADDRINUSE);
	CHECK(other == NULL);
	sip_stack_free(&s);
}

int main(void)
{
	(void)libre_init();
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_address_that_is_private);
	RUN(test_stack_learns_its_socket_by_itself);
	RUN(test_stack_register_order_of_checks);
	RUN(test_stack_register_binds_and_answers_queries);
	RUN(test_stack_register_refusals);
	RUN(test_stack_register_replay_is_challenged);
	RUN(test_stack_invite_without_registration);
	RUN(test_stack_answers_without_a_dialog);
	RUN(test_stack_refuses_what_libre_would_not);
	RUN(test_stack_takes_branchless_requests);
	RUN(test_stack_counts_garbage_and_lives);
	RUN(test_stack_judges_tcp_too);
	RUN(test_stack_binding_ends_with_its_connection);
	RUN(test_stack_local_address);
	RUN(test_stack_port_in_use_is_an_error);
	libre_close();
	return check_done();
}
