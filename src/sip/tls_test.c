#include "sip/tls.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "sip/certificate.h"
#include "sip/peer_test.h"
#include "sip/registration.h"
#include "tests/check.h"

/* A registrar with a certificate, and one who registers with it. */
struct side {
	struct sip_tls *tls;
	struct sip_stack *stack;
	struct sip_registration *registration;
	struct sip_registration_status status;
	char own[64];
};

struct pair {
	struct side server, client;
	char folder[32], domain[64];
};

static void on_credentials(const char *user, const struct sa *source,
			   struct sip_credentials *c, void *arg)
{
	c->known = strcmp(user, "6001") == 0;
	snprintf(c->password, sizeof(c->password), "secret");
}

static void on_changed(const struct sip_registration_status *status, void *arg)
{
	((struct side *)arg)->status = *status;
}

static bool side_open(struct side *o, const char *ca_file, const char *host)
{
	struct sip_stack_conf conf = {
		.listen_n = 1,
		.tls_listen_n = 1,
		.handlers = {.credentials = on_credentials},
		.arg = o,
	};
	const struct sip_tls_conf tls = {
		.own = o->own, .ca_file = ca_file, .host = host};
	const char *why;

	(void)sa_set_str(&conf.listen[0], "127.0.0.1", 0);
	conf.tls_listen[0] = conf.listen[0];
	if (sip_tls_new(&o->tls, &tls, &why))
		return false;
	conf.tls = o->tls;
	return sip_stack_new(&o->stack, &conf) == 0;
}

static void side_close(struct side *o)
{
	sip_registration_free(&o->registration);
	sip_stack_free(&o->stack);
	sip_tls_free(&o->tls);
	(void)unlink(o->own);
}

/* host: the name in the server's certificate; trusting: the client knows it. */
static bool pair_open(struct pair *p, const char *host, bool trusting)
{
	struct sa at;

	*p = (struct pair){.folder = "/tmp/gramline-tls-XXXXXX"};
	if (!mkdtemp(p->folder))
		return false;
	snprintf(p->server.own, sizeof(p->server.own), "%s/a.pem", p->folder);
	snprintf(p->client.own, sizeof(p->client.own), "%s/b.pem", p->folder);
	if (!side_open(&p->server, "", host) ||
	    !side_open(&p->client, trusting ? p->server.own : "", "client"))
		return false;
	(void)sa_set_str(&at, "127.0.0.1", 0);
	if (sip_transp_laddr(p->server.stack->sip, &at, SIP_TRANSP_TLS, &at))
		return false;
	snprintf(p->domain, sizeof(p->domain), "127.0.0.1:%u", sa_port(&at));
	return true;
}

static void pair_close(struct pair *p)
{
	side_close(&p->client);
	side_close(&p->server);
	(void)rmdir(p->folder);
}

static bool has_status(void *arg)
{
	return ((struct side *)arg)->status.code != 0;
}

static bool pair_register(struct pair *p, bool verify)
{
	const struct sip_registration_conf conf = {
		.login = "6001",
		.password = "secret",
		.domain = p->domain,
		.proxy = "",
		.transport = "tls",
		.tls_verify = verify,
		.line = "token42",
	};

	return sip_registration_new(&p->client.registration, p->client.stack,
				    &conf, on_changed, &p->client) == 0 &&
	       loop_until(has_status, &p->client);
}

static void test_tls_registers_and_binds_the_connection(void)
{
	const struct sip_binding *b;
	struct pair p;

	CHECK(pair_open(&p, "127.0.0.1", true));
	CHECK(pair_register(&p, true));
	CHECK_INT(p.client.status.code, 200);
	CHECK_INT(sip_stack_bindings(p.server.stack, "6001", &b, 1), 1);
	CHECK(strncmp(b->path, "tls:127.0.0.1:", 14) == 0);
	CHECK(strstr(b->contact, ";transport=tls"));
	pair_close(&p);
}

static void failure_expect(const char *host, bool trusting, const char *text)
{
	struct pair p;

	CHECK(pair_open(&p, host, trusting));
	CHECK(pair_register(&p, true));
	CHECK_INT(p.client.status.state, SIP_REGISTRATION_FAILED);
	CHECK_INT(p.client.status.code, 503);
	CHECK_STR(p.client.status.reason, text);
	pair_close(&p);
}

static void test_tls_unknown_issuer_is_named(void)
{
	failure_expect("127.0.0.1", false,
		       "Certificate of 127.0.0.1: self-signed certificate");
}

static void test_tls_another_name_is_named(void)
{
	failure_expect("pbx.example", true,
		       "Certificate of 127.0.0.1: IP address mismatch");
}

static void test_tls_verification_can_be_off(void)
{
	struct pair p;

	CHECK(pair_open(&p, "pbx.example", false));
	CHECK(pair_register(&p, false));
	CHECK_INT(p.client.status.code, 200);
	pair_close(&p);
}

static void test_tls_nobody_there_is_named(void)
{
	struct pair p;

	CHECK(pair_open(&p, "127.0.0.1", true));
	sip_stack_free(&p.server.stack);
	CHECK(pair_register(&p, true));
	CHECK_INT(p.client.status.code, 503);
	CHECK_STR(p.client.status.reason, "Connection refused");
	pair_close(&p);
}

static void test_certificate_is_made_once_for_its_owner_alone(void)
{
	char folder[] = "/tmp/gramline-tls-XXXXXX", path[64];
	struct stat before, after;

	CHECK(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/own.pem", folder);
	CHECK_INT(sip_certificate_make(path, "gramline"), 0);
	CHECK_INT(stat(path, &before), 0);
	CHECK_INT(before.st_mode & 0777, 0600);
	CHECK_INT(sip_certificate_make(path, "other"), 0);
	CHECK_INT(stat(path, &after), 0);
	CHECK(before.st_ino == after.st_ino);
	(void)unlink(path);
	CHECK_INT(rmdir(folder), 0); /* no half-written file beside it */
	CHECK_INT(sip_certificate_make(path, "gramline"), -ENOENT);
}

static void test_tls_refuses_files_that_do_not_fit(void)
{
	char folder[] = "/tmp/gramline-tls-XXXXXX", a[64], b[64];
	struct sip_tls_conf conf = {.certificate = a, .private_key = b};
	struct sip_tls *t = NULL;
	const char *why;

	CHECK(mkdtemp(folder));
	snprintf(a, sizeof(a), "%s/a.pem", folder);
	snprintf(b, sizeof(b), "%s/b.pem", folder);
	CHECK_INT(sip_tls_new(&t, &conf, &why), -EINVAL);
	CHECK(strstr(why, "/a.pem: no usable certificate"));
	CHECK_INT(sip_certificate_make(a, "a"), 0);
	CHECK_INT(sip_certificate_make(b, "b"), 0);
	CHECK_INT(sip_tls_new(&t, &conf, &why), -EINVAL);
	CHECK(strstr(why, "/b.pem: no usable private key"));
	conf.private_key = "";
	conf.ca_file = "/nowhere/ca.pem";
	CHECK_INT(sip_tls_new(&t, &conf, &why), -EINVAL);
	CHECK(strstr(why, "/nowhere/ca.pem: no usable certificate"));
	conf.ca_file = NULL;
	CHECK_INT(sip_tls_new(&t, &conf, &why), 0);
	sip_tls_free(&t);
	CHECK(t == NULL);
	(void)unlink(a);
	(void)unlink(b);
	(void)rmdir(folder);
}

int main(void)
{
	(void)libre_init();
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_certificate_is_made_once_for_its_owner_alone);
	RUN(test_tls_refuses_files_that_do_not_fit);
	RUN(test_tls_registers_and_binds_the_connection);
	RUN(test_tls_unknown_issuer_is_named);
	RUN(test_tls_another_name_is_named);
	RUN(test_tls_verification_can_be_off);
	RUN(test_tls_nobody_there_is_named);
	libre_close();
	return check_done();
}
