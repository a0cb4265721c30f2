#include "sip/refused.h"

#include "tests/check.h"

#define NOW (1000 * USEC_S)

static struct sa address(unsigned i)
{
	struct sa sa;

	sa_init(&sa, AF_INET);
	sa_set_in(&sa, 0x0a000000u + i, (uint16_t)(1000 + i));
	return sa;
}

static void note(struct refused_table *t, unsigned of, enum refused_kind kind,
		 const char *reason, usec_t now)
{
	struct sa sa = address(of);

	refused_note(t, &sa, kind, reason, now);
}

struct seen {
	size_t n;
	struct refused first, last;
};

static void see(const struct refused *r, void *arg)
{
	struct seen *s = arg;

	if (!s->n++)
		s->first = *r;
	s->last = *r;
}

static struct seen look(const struct refused_table *t)
{
	struct seen s = {0};

	refused_each(t, see, &s);
	return s;
}

static void test_refused_are_counted_by_kind(void)
{
	struct refused_table *t = NULL;
	struct seen s;

	CHECK_INT(refused_new(&t), 0);
	note(t, 1, REFUSED_403, "403 Wrong password", NOW);
	note(t, 2, REFUSED_404, "404 Route not found", NOW + 1);
	note(t, 1, REFUSED_403, "403 Wrong password", NOW + 2);
	note(t, 1, REFUSED_UNPARSABLE, "unpars\nable", NOW + 3);
	s = look(t);
	CHECK_INT(s.n, 2);
	CHECK_INT(s.first.counts[REFUSED_403], 2);
	CHECK_INT(s.first.counts[REFUSED_UNPARSABLE], 1);
	CHECK_INT(s.first.last, NOW + 3);
	CHECK_STR(s.first.reason, "unparsable");
	CHECK_INT(s.last.counts[REFUSED_404], 1);
	refused_free(&t);
}

/* A challenge that was answered is nothing to be shown. */
static void test_refused_challenges_end_with_an_answer(void)
{
	struct refused_table *t = NULL;
	struct sa one = address(1), two = address(2), three = address(3);

	CHECK_INT(refused_new(&t), 0);
	note(t, 1, REFUSED_401, "401 Unauthorized", NOW);
	note(t, 2, REFUSED_401, "401 Unauthorized", NOW);
	note(t, 2, REFUSED_405, "405 REGISTER is required first", NOW);
	refused_welcome(t, &one);
	refused_welcome(t, &two);
	refused_welcome(t, &three);
	CHECK_INT(look(t).n, 1);
	CHECK_INT(look(t).first.counts[REFUSED_401], 0);
	CHECK_INT(look(t).first.counts[REFUSED_405], 1);
	refused_free(&t);
}

static void test_refused_are_bounded(void)
{
	struct refused_table *t = NULL;
	struct sa last = address(1000);
	struct seen s;

	CHECK_INT(refused_new(&t), 0);
	for (unsigned i = 1; i <= 1000; i++) {
		note(t, 7, REFUSED_404, "again", NOW + i);
		note(t, i, REFUSED_403, "once", NOW + i);
	}
	CHECK_INT(look(t).n, 256);
	s = look(t);
	CHECK(sa_cmp(&s.first.source, &last, SA_ADDR));
	note(t, 7, REFUSED_404, "again", NOW + 2000);
	CHECK_INT(look(t).first.counts[REFUSED_404], 1001);
	refused_free(&t);
	refused_free(&t);
}

int main(void)
{
	RUN(test_refused_are_counted_by_kind);
	RUN(test_refused_challenges_end_with_an_answer);
	RUN(test_refused_are_bounded);
	return check_done();
}
