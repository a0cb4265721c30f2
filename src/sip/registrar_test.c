#include "sip/registrar.h"

#include <errno.h>

#include "tests/check.h"

#define SECOND USEC_S

struct ended {
	unsigned n;
	char last[512];
};

static void on_ended(const struct sip_binding *b, void *arg)
{
	struct ended *e = arg;

	e->n++;
	snprintf(e->last, sizeof(e->last), "%s", b->contact);
}

static struct sip_binding binding(const char *aor, const char *contact,
				  usec_t until)
{
	struct sip_binding b = {.expires_at = until};

	snprintf(b.aor, sizeof(b.aor), "%s", aor);
	snprintf(b.contact, sizeof(b.contact), "%s", contact);
	return b;
}

static int set(struct registrar *r, size_t most, const char *aor,
	       const char *contact, usec_t until, uint32_t cseq)
{
	struct sip_binding b = binding(aor, contact, until);

	return registrar_set(r, &b, most, "call", cseq);
}

static void test_registrar_newest_wins(void)
{
	const struct sip_binding *list[4];
	struct ended e = {0};
	struct registrar *r;

	CHECK_INT(registrar_new(&r, on_ended, &e), 0);
	CHECK_INT(set(r, 1, "a", "sip:1", 100 * SECOND, 1), 0);
	CHECK_INT(set(r, 1, "b", "sip:9", 100 * SECOND, 1), 0);
	CHECK_INT(set(r, 1, "a", "sip:2", 100 * SECOND, 2), 0);
	CHECK_INT(e.n, 1);
	CHECK_STR(e.last, "sip:1");
	CHECK_INT(registrar_find(r, "a", 0, list, 4), 1);
	CHECK_STR(list[0]->contact, "sip:2");
	CHECK_INT(registrar_find(r, "b", 0, list, 4), 1);
	CHECK_INT(registrar_find(r, "c", 0, list, 4), 0);
	registrar_free(&r);
	CHECK(r == NULL);
	CHECK_INT(e.n, 1);
}

static void test_registrar_several_contacts_newest_first(void)
{
	const struct sip_binding *list[4];
	struct ended e = {0};
	struct registrar *r;

	CHECK_INT(registrar_new(&r, on_ended, &e), 0);
	CHECK_INT(set(r, 2, "a", "sip:1", 100 * SECOND, 1), 0);
	CHECK_INT(set(r, 2, "a", "sip:2", 100 * SECOND, 2), 0);
	CHECK_INT(set(r, 2, "a", "sip:1", 200 * SECOND, 3), 0); /* refreshed */
	CHECK_INT(e.n, 0);
	CHECK_INT(registrar_find(r, "a", 0, list, 4), 2);
	CHECK_STR(list[0]->contact, "sip:1");
	CHECK_INT(set(r, 2, "a", "sip:3", 100 * SECOND, 4), 0);
	CHECK_STR(e.last, "sip:2");
	/* Fewer are allowed now. */
	CHECK_INT(set(r, 1, "a", "sip:3", 100 * SECOND, 5), 0);
	CHECK_STR(e.last, "sip:1");
	CHECK_INT(registrar_find(r, "a", 0, list, 4), 1);
	registrar_free(&r);
}

static void test_registrar_old_requests_change_nothing(void)
{
	const struct sip_binding *list[1];
	struct ended e = {0};
	struct registrar *r;

	CHECK_INT(registrar_new(&r, on_ended, &e), 0);
	CHECK_INT(set(r, 1, "a", "sip:1", 100 * SECOND, 5), 0);
	CHECK_INT(set(r, 1, "a", "sip:1", 900 * SECOND, 5), -ESTALE);
	CHECK_INT(registrar_remove(r, "a", "sip:1", "call", 4), -ESTALE);
	CHECK_INT(registrar_find(r, "a", 99 * SECOND, list, 1), 1);
	CHECK_INT(registrar_remove(r, "a", "sip:2", "call", 9), -ENOENT);
	CHECK_INT(registrar_remove(r, "a", NULL, "other call", 1), 0);
	CHECK_INT(registrar_find(r, "a", 0, list, 1), 0);
	CHECK_INT(e.n, 1);
	registrar_free(&r);
}

static void test_registrar_expiry_by_deadline(void)
{
	const struct sip_binding *list[1];
	struct ended e = {0};
	struct registrar *r;

	CHECK_INT(registrar_new(&r, on_ended, &e), 0);
	CHECK(registrar_deadline(r) == USEC_NEVER);
	CHECK_INT(set(r, 1, "a", "sip:1", 60 * SECOND, 1), 0);
	CHECK_INT(set(r, 1, "b", "sip:2", 30 * SECOND, 1), 0);
	CHECK(registrar_deadline(r) == 30 * SECOND);
	CHECK_INT(registrar_find(r, "b", 30 * SECOND, list, 1), 0);
	registrar_expire(r, 30 * SECOND - 1);
	CHECK_INT(e.n, 0);
	registrar_expire(r, 30 * SECOND);
	CHECK_STR(e.last, "sip:2");
	CHECK(registrar_deadline(r) == 60 * SECOND);
	registrar_expire(r, 61 * SECOND);
	CHECK_INT(e.n, 2);
	CHECK(registrar_deadline(r) == USEC_NEVER);
	registrar_free(&r);
}

static void test_registrar_connection_takes_its_bindings(void)
{
	const struct sip_binding *list[4];
	struct ended e = {0};
	struct sip_binding b;
	struct registrar *r;

	CHECK_INT(registrar_new(&r, on_ended, &e), 0);
	b = binding("a", "sip:1", 100 * SECOND);
	snprintf(b.path, sizeof(b.path), "tls:192.0.2.5:4001");
	CHECK_INT(registrar_set(r, &b, 2, "call", 1), 0);
	/* Another one of the same user, and another user by the same way. */
	CHECK_INT(set(r, 2, "a", "sip:2", 100 * SECOND, 2), 0);
	snprintf(b.aor, sizeof(b.aor), "c");
	CHECK_INT(registrar_set(r, &b, 1, "call", 3), 0);
	registrar_disconnected(r, "tls:192.0.2.5:400");
	registrar_disconnected(r, "tcp:192.0.2.5:4001");
	CHECK_INT(e.n, 0);
	registrar_disconnected(r, "tls:192.0.2.5:4001");
	CHECK_INT(e.n, 2);
	CHECK_INT(registrar_find(r, "a", 0, list, 4), 1);
	CHECK_STR(list[0]->contact, "sip:2");
	CHECK_INT(registrar_find(r, "c", 0, list, 4), 0);
	/* The phone came back by another connection before the old one ended.
	 */
	b = binding("a", "sip:2", 100 * SECOND);
	snprintf(b.path, sizeof(b.path), "tls:192.0.2.5:4002");
	CHECK_INT(registrar_set(r, &b, 2, "call", 4), 0);
	snprintf(b.path, sizeof(b.path), "tls:192.0.2.5:4003");
	CHECK_INT(registrar_set(r, &b, 2, "call", 5), 0);
	registrar_disconnected(r, "tls:192.0.2.5:4002");
	CHECK_INT(e.n, 2);
	CHECK_INT(registrar_find(r, "a", 0, list, 4), 1);
	registrar_free(&r);
}

int main(void)
{
	RUN(test_registrar_newest_wins);
	RUN(test_registrar_several_contacts_newest_first);
	RUN(test_registrar_old_requests_change_nothing);
	RUN(test_registrar_expiry_by_deadline);
	RUN(test_registrar_connection_takes_its_bindings);
	return check_done();
}
