#include "route/template.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static const char *const param_names[TEMPLATE_PARAMS] = {
	"phone", "username", "userid", "name", "name_ascii"};

bool template_next(const char **at, const char **rule, size_t *n)
{
	while (**at) {
		const char *start = *at;
		const char *end = strchrnul(start, '\n');

		*at = *end ? end + 1 : end;
		while (start < end && isspace((unsigned char)*start))
			start++;
		while (end > start && isspace((unsigned char)end[-1]))
			end--;
		if (end > start) {
			*rule = start;
			*n = (size_t)(end - start);
			return true;
		}
	}
	return false;
}

static int param_of(const char *text, size_t n, enum template_param *p)
{
	for (int i = 0; i < TEMPLATE_PARAMS; i++) {
		if (strlen(param_names[i]) == n &&
		    memcmp(param_names[i], text, n) == 0) {
			*p = (enum template_param)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* Takes one piece off the rule. */
static int piece_read(struct template_piece *p, const char **rule, size_t *n)
{
	const char *stop;
	size_t used;

	if (**rule == '{') {
		stop = memchr(*rule, '}', *n);
		if (!stop ||
		    param_of(*rule + 1, (size_t)(stop - *rule - 1), &p->param))
			return -EINVAL;
		p->is_param = true;
		used = (size_t)(stop - *rule) + 1;
	} else {
		stop = memchr(*rule, '{', *n);
		used = stop ? (size_t)(stop - *rule) : *n;
		p->text = *rule;
		p->n = used;
		if (memchr(p->text, '}', p->n))
			return -EINVAL;
	}
	*rule += used;
	*n -= used;
	return 0;
}

int template_read(struct template *t, const char *rule, size_t n)
{
	t->n = 0;
	t->params = 0;
	while (n) {
		struct template_piece p = {.is_param = false};
		int err = piece_read(&p, &rule, &n);

		if (err)
			return err;
		if (t->n == TEMPLATE_PIECES_MAX)
			return -E2BIG;
		if (p.is_param)
			t->params |= 1u << p.param;
		t->pieces[t->n++] = p;
	}
	return 0;
}
