/* Who may begin: the owner's word, peers known by where they send from, and
 * addresses that are not trusted. */
#include "sip/peer_test.h"
#include "tests/check.h"

struct owner {
	struct sip_verdict verdict;
	bool asked_to_register;
	bool knows_peer, untrusted;
	struct sip_origin origin; /* of the last question */
	bool office_header, other_header;
	char user[128], peer[64]; /* of the last session */
	unsigned sessions;
	struct sip_ban ban;
	unsigned bans;
	bool knows_address;
};

static void on_admit(bool registering, struct sip_verdict *v, void *arg)
{
	struct owner *o = arg;

	o->asked_to_register = registering;
	*v = o->verdict;
}

static bool on_peer(const struct sip_origin *origin, char name[64], void *arg)
{
	struct owner *o = arg;

	o->origin = *origin;
	o->office_header = sip_origin_has_header(origin, "x-office", "one two");
	o->other_header = sip_origin_has_header(origin, "X-Office", "one");
	if (o->knows_peer)
		snprintf(name, 64, "branch");
	return o->knows_peer;
}

static void on_credentials(const char *user, const struct sa *source,
			   struct sip_credentials *c, void *arg)
{
	struct owner *o = arg;

	c->known = strcmp(user, "alice") == 0;
	c->untrusted = o->untrusted;
	snprintf(c->password, sizeof(c->password), "secret");
}

static void on_incoming(struct sip_session *s, const char *user, void *arg)
{
	struct owner *o = arg;
	struct sip_session_info info;

	sip_session_info(s, &info);
	o->sessions++;
	snprintf(o->user, sizeof(o->user), "%s", user ? user : "(none)");
	snprintf(o->peer, sizeof(o->peer), "%s", info.peer);
	sip_session_end(s, 404, "Not Found", NULL);
}

static void on_banned(const struct sip_ban *ban, void *arg)
{
	struct owner *o = arg;

	o->ban = *ban;
	o->bans++;
}

static bool on_known(const struct sa *source, void *arg)
{
	struct owner *o = arg;

	return o->knows_address;
}

static bool start(struct sip_stack **s, struct owner *o, struct peer *p)
{
	struct sip_stack_conf conf = {
		.listen_n = 1,
		.realm = "gramline",
		.handlers = {.admit = on_admit,
			     .peer = on_peer,
			     .known = on_known,
			     .credentials = on_credentials,
			     .banned = on_banned,
			     .incoming = on_incoming},
		.arg = o,
	};

	*o = (struct owner){0};
	(void)sa_set_str(&conf.listen[0], "127.0.0.1", 0);
	return sip_stack_new(s, &conf) == 0 && peer_open(p, *s);
}

static const char *invite(struct peer *p, const char *uri, const char *call,
			  const char *lines)
{
	peer_request(p, &(struct peer_request){.method = "INVITE",
					       .uri = uri,
					       .call = call,
					       .seq = 1,
					       .lines = lines});
	do {
		if (!peer_wait(p, "SIP/2.0 "))
			return NULL;
	} while (strstr(p->messages[p->seen - 1], "100 Trying"));
	return p->messages[p->seen - 1];
}

static void test_peer_is_known_by_its_origin(void)
{
	struct sip_stack *s;
	struct owner o;
	struct peer p;
	const char *a;

	CHECK(start(&s, &o, &p));
	o.knows_peer = true;
	a = invite(&p, "sip:%2B999@127.0.0.1;line=token42", "c1",
		   "X-Office: one two\r\n");
	CHECK(a && strstr(a, "404 Not Found"));
	CHECK_STR(o.origin.user, "+999");
	CHECK_STR(o.origin.line, "token42");
	CHECK(sa_cmp(&o.origin.source, &p.self, SA_ALL));
	CHECK(o.office_header && !o.other_header);
	CHECK_STR(o.user, "(none)");
	CHECK_STR(o.peer, "branch");
	/* One that is not is asked for credentials. */
	o.knows_peer = false;
	a = invite(&p, NULL, "c2", "");
	CHECK(a && strstr(a, "401 Unauthorized"));
	CHECK_STR(o.origin.line, "");
	CHECK(!o.office_header);
	CHECK_INT(o.sessions, 1);
	peer_close(&p);
	sip_stack_free(&s);
}

/* Behaviour 3.4, row 3: the digest user comes first. */
static void test_peer_with_credentials_is_who_they_say(void)
{
	struct sip_stack *s;
	struct owner o;
	struct peer p;
	const char *a;

	CHECK(start(&s, &o, &p));
	a = peer_register(&p, "alice", "secret", "r1",
			  "Contact: <sip:alice@127.0.0.1:9>\r\n");
	CHECK(a && strstr(a, "200 OK"));
	a = invite(&p, NULL, "c1", "");
	CHECK(peer_authorize(&p, a, "INVITE", "alice", "secret", 1));
	o.knows_peer = true;
	a = invite(&p, NULL, "c2", "");
	CHECK(a && strstr(a, "404 Not Found"));
	CHECK_STR(o.user, "alice");
	CHECK_STR(o.peer, "");
	peer_close(&p);
	sip_stack_free(&s);
}

/* Behaviour 3.18: told only to one who knows the password. */
static void test_peer_at_an_untrusted_address_is_refused(void)
{
	struct sip_stack *s;
	struct owner o;
	struct peer p;
	const char *a;

	CHECK(start(&s, &o, &p));
	o.untrusted = true;
	a = peer_register(&p, "alice", "guess", "r1", "");
	CHECK(a && strstr(a, "SIP/2.0 403 Wrong password\r\n"));
	a = peer_register(&p, "alice", "secret", "r2", "");
	CHECK(a && strstr(a, "SIP/2.0 403 Untrusted IP address\r\n"));
	peer_close(&p);
	sip_stack_free(&s);
}

static void test_peer_hears_the_owner_before_any_challenge(void)
{
	struct sip_stack *s;
	struct owner o;
	struct peer p;
	const char *a;

	CHECK(start(&s, &o, &p));
	o.verdict = (struct sip_verdict){503, "No response from Manager", 0};
	a = invite(&p, NULL, "c1", "");
	CHECK(a && strstr(a, "SIP/2.0 503 No response from Manager\r\n"));
	CHECK(!o.asked_to_register);
	peer_request(&p, &(struct peer_request){
				 .method = "REGISTER", .call = "r", .seq = 1});
	a = peer_wait(&p, "SIP/2.0 503 No response from Manager\r\n");
	CHECK(a && o.asked_to_register);
	CHECK_INT(peer_count(&p, "401 Unauthorized"), 0);
	peer_close(&p);
	sip_stack_free(&s);
}

static bool guess(struct peer *p, unsigned i)
{
	char call[16];
	const char *a;

	snprintf(call, sizeof(call), "guess%u", i);
	a = peer_register(p, "alice", "guess", call, "");
	return a && strstr(a, "403 Wrong password");
}

/* Behaviour 3.15, 3.18: the sixth gets no answer. */
static void test_peer_is_banned_after_five_wrong_passwords(void)
{
	struct sip_stack *s;
	struct owner o;
	struct peer p;
	size_t heard;

	CHECK(start(&s, &o, &p));
	for (unsigned i = 0; i < 5; i++)
		CHECK(guess(&p, i));
	CHECK_INT(o.bans, 1);
	CHECK(sa_cmp(&o.ban.source, &p.self, SA_ADDR));
	CHECK_STR(o.ban.reason, "403 Wrong password");
	heard = p.n;
	peer_request(&p, &(struct peer_request){
				 .method = "REGISTER", .call = "r", .seq = 1});
	loop_run_ms(100);
	CHECK_INT(p.n, heard);
	/* Lifted, it is heard again. */
	CHECK_INT(sip_stack_ban_lift(s, &p.self), 0);
	CHECK(guess(&p, 9));
	peer_close(&p);
	sip_stack_free(&s);
}

static void garbage(struct peer *p)
{
	for (unsigned i = 0; i < 12; i++)
		peer_send_text(p, "INVITE garbage\r\n\r\n", 19);
	loop_run_ms(50);
}

/* The source of a datagram can be forged. */
static void test_peer_that_is_known_is_not_banned_for_garbage(void)
{
	struct sip_stack *s;
	struct owner o;
	struct peer p;

	CHECK(start(&s, &o, &p));
	o.knows_address = true;
	garbage(&p);
	CHECK_INT(o.bans, 0);
	o.knows_address = false;
	CHECK(peer_register(&p, "alice", "secret", "r1",
			    "Contact: <sip:alice@127.0.0.1:9>\r\n"));
	garbage(&p);
	CHECK_INT(o.bans, 0);
	CHECK(peer_register(&p, "alice", "secret", "r2",
			    "Contact: *\r\nExpires: 0\r\n"));
	garbage(&p);
	CHECK_INT(o.bans, 1);
	CHECK_STR(o.ban.reason, "unparsable message");
	peer_close(&p);
	sip_stack_free(&s);
}

int main(void)
{
	if (libre_init())
		return 1;
	RUN(test_peer_is_known_by_its_origin);
	RUN(test_peer_with_credentials_is_who_they_say);
	RUN(test_peer_at_an_untrusted_address_is_refused);
	RUN(test_peer_hears_the_owner_before_any_challenge);
	RUN(test_peer_is_banned_after_five_wrong_passwords);
	RUN(test_peer_that_is_known_is_not_banned_for_garbage);
	libre_close();
	return check_done();
}
