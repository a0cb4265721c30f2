#include "sip/registration.h"

#include <errno.h>

#include "sip/peer_test.h"
#include "sip/servers.h"
#include "tests/check.h"

struct side {
	struct sip_stack *stack;
	struct sip_registration *registration;
	struct sip_registration_status status;
	unsigned changes;
	struct peer peer;
};

static void on_changed(const struct sip_registration_status *status, void *arg)
{
	struct side *o = arg;

	o->status = *status;
	o->changes++;
}

static bool open_stack(struct side *o)
{
	struct sip_stack_conf conf = {.listen_n = 1, .realm = "gramline"};

	*o = (struct side){0};
	(void)sa_set_str(&conf.listen[0], "127.0.0.1", 0);
	return sip_stack_new(&o->stack, &conf) == 0 &&
	       peer_open(&o->peer, o->stack);
}

static int begin(struct side *o, const char *domain, const char *proxy)
{
	const struct sip_registration_conf conf = {
		.login = "6001",
		.password = "secret",
		.domain = domain,
		.proxy = proxy,
		.line = "token42",
	};

	return sip_registration_new(&o->registration, o->stack, &conf,
				    on_changed, o);
}

static bool start(struct side *o)
{
	return open_stack(o) && begin(o, o->peer.here, "") == 0;
}

static void close_side(struct side *o)
{
	sip_registration_free(&o->registration);
	sip_stack_free(&o->stack);
	peer_close(&o->peer);
}

static bool has_changed(void *arg)
{
	struct side *o = arg;

	return o->changes > 0;
}

#define CHALLENGE                                                              \
	"WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n1\", "               \
	"qop=\"auth\", algorithm="

/* True if the request's credentials fit the password. */
static bool is_authorised(const char *request, const char *password)
{
	struct digest_fields f;
	char value[1024], wanted[65];

	return peer_header(request, "Authorization: ", value, sizeof(value)) &&
	       !digest_read(&f, bytes_str(value)) &&
	       !digest_response(wanted, &f, "REGISTER", password) &&
	       strcmp(wanted, f.response) == 0;
}

static void register_with(const char *algorithm)
{
	char challenge[200];
	struct side o;
	const char *m;

	snprintf(challenge, sizeof(challenge), CHALLENGE "%s\r\n", algorithm);
	CHECK(start(&o));
	m = peer_wait(&o.peer, "REGISTER ");
	CHECK(m && strstr(m, "To: <sip:6001@127.0.0.1>\r\n"));
	CHECK(strstr(m, "From: <sip:6001@127.0.0.1>;tag="));
	CHECK(strstr(m, ";line=token42>") && strstr(m, "Expires: 300\r\n"));
	peer_answer(&o.peer, m, "401 Unauthorized", "r", challenge, NULL);
	m = peer_wait(&o.peer, "Authorization: ");
	CHECK(is_authorised(m, "secret") && !is_authorised(m, "Secret"));
	CHECK_INT(o.changes, 0);
	/* Another phone of the account first, then ours. */
	peer_answer(&o.peer, m, "200 OK", "r",
		    "Contact: <sip:6001@192.0.2.9>;expires=7\r\n"
		    "Contact: <sip:6001@127.0.0.1:5060;line=token42>;"
		    "expires=120\r\nExpires: 50\r\n",
		    NULL);
	CHECK(loop_until(has_changed, &o));
	CHECK_INT(o.status.state, SIP_REGISTRATION_UP);
	CHECK_INT(o.status.code, 200);
	CHECK_INT(o.status.expires_s, 120);
	CHECK(sa_cmp(&o.status.registrar, &o.peer.self, SA_ALL));
	/* Given up: the nonce is used once more. */
	sip_registration_free(&o.registration);
	m = peer_wait(&o.peer, "Expires: 0\r\n");
	CHECK(m && is_authorised(m, "secret") && strstr(m, "nc=00000002"));
	peer_answer(&o.peer, m, "200 OK", "r", "", NULL);
	close_side(&o);
}

static void test_registration_answers_md5(void)
{
	register_with("MD5");
}

static void test_registration_answers_sha256(void)
{
	register_with("SHA-256");
}

static void test_registration_wrong_password_fails_once(void)
{
	struct side o;
	const char *m;

	CHECK(start(&o));
	m = peer_wait(&o.peer, "REGISTER ");
	peer_answer(&o.peer, m, "401 Unauthorized", "r", CHALLENGE "MD5\r\n",
		    NULL);
	m = peer_wait(&o.peer, "Authorization: ");
	peer_answer(&o.peer, m, "401 Unauthorized", "r", CHALLENGE "MD5\r\n",
		    NULL);
	CHECK(loop_until(has_changed, &o));
	CHECK_INT(o.status.state, SIP_REGISTRATION_FAILED);
	CHECK_INT(o.status.code, 401);
	CHECK_STR(o.status.reason, "Unauthorized");
	/* No third try before its time, and nothing to give up. */
	loop_run_ms(100);
	CHECK_INT(peer_count(&o.peer, "REGISTER "), 2);
	close_side(&o);
}

static void test_registration_aged_nonce_is_answered_anew(void)
{
	struct side o;
	const char *m;

	CHECK(start(&o));
	m = peer_wait(&o.peer, "REGISTER ");
	peer_answer(&o.peer, m, "407 Proxy Authentication Required", "r",
		    "Proxy-Authenticate: Digest realm=\"p\", nonce=\"n0\"\r\n",
		    NULL);
	m = peer_wait(&o.peer, "Proxy-Authorization: ");
	CHECK(m && strstr(m, "nonce=\"n0\""));
	peer_answer(&o.peer, m, "401 Unauthorized", "r",
		    "WWW-Authenticate: Digest realm=\"p\", nonce=\"n9\", "
		    "stale=true\r\n",
		    NULL);
	m = peer_wait(&o.peer, "\nAuthorization: ");
	CHECK(m && strstr(m, "nonce=\"n9\""));
	peer_answer(&o.peer, m, "200 OK", "r", "Expires: 90\r\n", NULL);
	CHECK(loop_until(has_changed, &o));
	CHECK_INT(o.status.state, SIP_REGISTRATION_UP);
	CHECK_INT(o.status.expires_s, 90);
	close_side(&o);
}

static void test_registration_takes_the_time_the_registrar_wants(void)
{
	struct side o;
	const char *m;

	CHECK(start(&o));
	m = peer_wait(&o.peer, "REGISTER ");
	peer_answer(&o.peer, m, "423 Interval Too Brief", "r",
		    "Min-Expires: 1800\r\n", NULL);
	m = peer_wait(&o.peer, "Expires: 1800\r\n");
	CHECK(m);
	peer_answer(&o.peer, m, "200 OK", "r", "", NULL);
	CHECK(loop_until(has_changed, &o));
	CHECK_INT(o.status.expires_s, 1800);
	close_side(&o);
}

static void test_registration_refused_tells_the_reason(void)
{
	struct side o;
	const char *m;

	CHECK(start(&o));
	m = peer_wait(&o.peer, "REGISTER ");
	peer_answer(&o.peer, m, "403 No \x01 such account", "r", "", NULL);
	CHECK(loop_until(has_changed, &o));
	CHECK_INT(o.status.state, SIP_REGISTRATION_FAILED);
	CHECK_INT(o.status.code, 403);
	CHECK_STR(o.status.reason, "No  such account");
	close_side(&o);
}

static void test_registration_refreshes_before_the_end(void)
{
	struct side o;
	const char *m;

	CHECK(start(&o));
	m = peer_wait(&o.peer, "REGISTER ");
	peer_answer(&o.peer, m, "200 OK", "r", "Expires: 1\r\n", NULL);
	m = peer_wait(&o.peer, "REGISTER ");
	CHECK(m);
	CHECK_INT(o.changes, 1);
	peer_answer(&o.peer, m, "200 OK", "r", "Expires: 1\r\n", NULL);
	CHECK(peer_wait(&o.peer, "REGISTER "));
	/* Nothing new was to be told. */
	CHECK_INT(o.changes, 1);
	close_side(&o);
}

static void test_registration_goes_to_the_proxy(void)
{
	struct side o;
	const char *m;

	CHECK(open_stack(&o));
	CHECK_INT(begin(&o, "pbx.invalid:5080", o.peer.here), 0);
	m = peer_wait(&o.peer, "REGISTER sip:pbx.invalid:5080 SIP/2.0");
	CHECK(m && strstr(m, "To: <sip:6001@pbx.invalid>\r\n"));
	close_side(&o);
}

static void test_registration_refuses_broken_settings(void)
{
	struct side o;

	CHECK(open_stack(&o));
	CHECK_INT(begin(&o, "", ""), -EINVAL);
	CHECK_INT(begin(&o, "pbx example", ""), -EINVAL);
	CHECK_INT(begin(&o, "pbx>\r\nX: y", ""), -EINVAL);
	CHECK_INT(begin(&o, "pbx.invalid", "a;b"), -EINVAL);
	CHECK(!o.registration);
	close_side(&o);
}

/* Seen with Asterisk: `domain = 10.0.0.7` was looked for in DNS. */
static void test_registration_looks_up_no_literal(void)
{
	static const char *const literals[] = {
		"10.0.0.7",  "10.0.0.7:5060",      "[2001:db8::7]",
		"127.0.0.1", "[2001:db8::7]:5061",
	};
	struct sip_lookup *l = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(literals); i++)
		CHECK_INT(sip_lookup_new(&l, NULL, literals[i], "udp", NULL,
					 NULL),
			  -EINVAL);
	CHECK(!l);
}

int main(void)
{
	if (libre_init())
		return 1;
	RUN(test_registration_answers_md5);
	RUN(test_registration_answers_sha256);
	RUN(test_registration_wrong_password_fails_once);
	RUN(test_registration_aged_nonce_is_answered_anew);
	RUN(test_registration_takes_the_time_the_registrar_wants);
	RUN(test_registration_refused_tells_the_reason);
	RUN(test_registration_refreshes_before_the_end);
	RUN(test_registration_goes_to_the_proxy);
	RUN(test_registration_refuses_broken_settings);
	RUN(test_registration_looks_up_no_literal);
	libre_close();
	return check_done();
}
