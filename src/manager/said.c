#include "manager/said.h"

#include <stdio.h>
#include <string.h>

/* "remember (U, numbers) for 5 minutes" */
#define REMEMBERED (300 * USEC_S)
#define SAID_MAX 4096

struct said {
	struct le le;
	char session[64], user[24];
	json_t *numbers; /* trunk: number */
	usec_t until;
};

static void said_destroy(void *arg)
{
	struct said *s = arg;

	list_unlink(&s->le);
	json_decref(s->numbers);
}

static struct said *said_find(struct list *all, const char *session,
			      const char *user, usec_t now)
{
	struct le *le = list_head(all);

	while (le) {
		struct said *s = le->data;

		le = le->next;
		if (s->until <= now)
			mem_deref(s);
		else if (strcmp(s->session, session) == 0 &&
			 strcmp(s->user, user) == 0)
			return s;
	}
	return NULL;
}

void said_put(struct list *all, const char *session, const char *user,
	      json_t *numbers, usec_t now)
{
	struct said *s = said_find(all, session, user, now);

	mem_deref(s);
	if (list_count(all) >= SAID_MAX)
		mem_deref(list_head(all)->data);
	s = mem_zalloc(sizeof(*s), said_destroy);
	if (!s)
		return;
	snprintf(s->session, sizeof(s->session), "%s", session);
	snprintf(s->user, sizeof(s->user), "%s", user);
	s->numbers = json_incref(numbers);
	s->until = now + REMEMBERED;
	list_append(all, &s->le, s);
}

json_t *said_take(struct list *all, const char *session, const char *user,
		  usec_t now)
{
	struct said *s = said_find(all, session, user, now);
	json_t *numbers = s ? json_incref(s->numbers) : NULL;

	mem_deref(s);
	return numbers;
}
