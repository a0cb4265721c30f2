/* The calls under way: how many lines they take. */
#include <stdio.h>
#include <string.h>

#include "bus/text.h"
#include "manager/internal.h"

static struct manager_call *call_find(const struct manager *m, const char *id)
{
	struct le *le;

	LIST_FOREACH(&m->calls, le)
	{
		struct manager_call *c = le->data;

		if (strcmp(c->id, id) == 0)
			return c;
	}
	return NULL;
}

static void call_destroy(void *arg)
{
	struct manager_call *c = arg;

	list_unlink(&c->le);
}

void manager_call_add(struct manager *m, const char *id, const char *worker,
		      const char *trunk)
{
	struct manager_call *c = call_find(m, id);

	if (!c) {
		c = mem_zalloc(sizeof(*c), call_destroy);
		if (!c)
			return;
		snprintf(c->id, sizeof(c->id), "%s", id);
		list_append(&m->calls, &c->le, c);
	}
	snprintf(c->worker, sizeof(c->worker), "%s", worker);
	snprintf(c->trunk, sizeof(c->trunk), "%s", trunk);
}

void manager_call_remove(struct manager *m, const char *id)
{
	mem_deref(call_find(m, id));
}

/* What the call is of; NULL: of nothing, its trunk was taken away. */
static const char *call_is_of(const struct manager *m,
			      const struct manager_call *c, enum calls_of what)
{
	const struct manager_trunk *t;

	if (what == CALLS_OF_TRUNK)
		return c->trunk;
	t = manager_trunk_find(m, c->trunk);
	if (!t)
		return NULL;
	return what == CALLS_OF_SESSION ? t->set.session : t->set.subscription;
}

unsigned manager_calls(const struct manager *m, enum calls_of what,
		       const char *name)
{
	unsigned n = 0;
	struct le *le;

	LIST_FOREACH(&m->calls, le)
	{
		const char *of = call_is_of(m, le->data, what);

		n += of && strcmp(of, name) == 0;
	}
	return n;
}

void manager_calls_settle(struct manager *m, const char *worker, json_t *calls)
{
	struct le *le;
	json_t *id;
	size_t i;

	LIST_FOREACH(&m->calls, le)
	((struct manager_call *)le->data)->told = false;
	json_array_foreach(calls, i, id)
	{
		const char *text = json_string_value(id);
		struct manager_call *c = text ? call_find(m, text) : NULL;

		if (c)
			c->told = true;
	}
	le = list_head(&m->calls);
	while (le) {
		struct manager_call *c = le->data;

		le = le->next;
		if (c->told || strcmp(c->worker, worker) != 0)
			continue;
		manager_call_stale(m, c->id);
		mem_deref(c);
	}
}
