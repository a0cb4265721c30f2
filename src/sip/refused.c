#include "sip/refused.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define SOURCES_MAX 256

/* In the order of the last refusal, the newest first. */
struct refused_table {
	struct refused rows[SOURCES_MAX];
	size_t n;
};

int refused_new(struct refused_table **tp)
{
	*tp = calloc(1, sizeof(**tp));
	return *tp ? 0 : -ENOMEM;
}

void refused_free(struct refused_table **tp)
{
	free(*tp);
	*tp = NULL;
}

static size_t row_find(const struct refused_table *t, const struct sa *source)
{
	size_t i = 0;

	while (i < t->n && !sa_cmp(&t->rows[i].source, source, SA_ADDR))
		i++;
	return i;
}

void refused_note(struct refused_table *t, const struct sa *source,
		  enum refused_kind kind, const char *reason, usec_t now)
{
	size_t i = row_find(t, source);
	struct refused r = {.source = *source};

	if (i < t->n)
		r = t->rows[i];
	else if (t->n < SOURCES_MAX)
		t->n++;
	else
		i--;
	memmove(t->rows + 1, t->rows, i * sizeof(*t->rows));
	r.counts[kind]++;
	r.last = now;
	text_strip(r.reason, sizeof(r.reason), bytes_str(reason));
	t->rows[0] = r;
}

void refused_welcome(struct refused_table *t, const struct sa *source)
{
	size_t i = row_find(t, source);

	if (i == t->n)
		return;
	t->rows[i].counts[REFUSED_401] = 0;
	for (int k = 0; k < REFUSED_KINDS; k++)
		if (t->rows[i].counts[k])
			return;
	/* Nothing but the challenge that everybody gets. */
	t->n--;
	memmove(t->rows + i, t->rows + i + 1, (t->n - i) * sizeof(*t->rows));
}

void refused_each(const struct refused_table *t,
		  void (*each)(const struct refused *r, void *arg), void *arg)
{
	for (size_t i = 0; i < t->n; i++)
		each(&t->rows[i], arg);
}
