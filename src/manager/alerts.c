#include "manager/alerts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct alerts {
	struct alerts_handlers handlers;
	void *arg;
	struct store_alert list[ALERTS_MAX]; /* by id */
	size_t n;
	int64_t last_id;
	int64_t errors[ALERTS_ERRORS]; /* the last ones, a ring */
	size_t errors_n;               /* ever */
};

int alerts_new(struct alerts **ap, const struct alerts_handlers *h, void *arg)
{
	struct alerts *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->handlers = *h;
	a->arg = arg;
	*ap = a;
	return 0;
}

void alerts_free(struct alerts **ap)
{
	free(*ap);
	*ap = NULL;
}

const char *alert_kind_name(enum alert_kind kind)
{
	static const char *const names[] = {
		"trunk",       "session", "worker", "storage", "manager",
		"certificate", "5xx",     "lines",  "ban",     "flood",
	};

	return names[kind];
}

static void changed(struct alerts *a, const struct store_alert *alert)
{
	if (a->handlers.changed)
		a->handlers.changed(alert, a->arg);
}

static void room_make(struct alerts *a)
{
	int64_t id;
	size_t i = 0;

	if (a->n < ALERTS_MAX)
		return;
	while (i < a->n && !a->list[i].cleared)
		i++;
	if (i == a->n)
		i = 0;
	id = a->list[i].id;
	a->n--;
	memmove(a->list + i, a->list + i + 1, (a->n - i) * sizeof(*a->list));
	if (a->handlers.dropped)
		a->handlers.dropped(id, a->arg);
}

void alerts_take(struct alerts *a, const struct store_alert *alert)
{
	room_make(a);
	a->list[a->n++] = *alert;
	if (alert->id > a->last_id)
		a->last_id = alert->id;
}

static struct store_alert *open_find(struct alerts *a, enum alert_kind kind,
				     const char *object)
{
	for (size_t i = a->n; i--;) {
		struct store_alert *s = &a->list[i];

		if (!s->cleared && strcmp(s->object, object) == 0 &&
		    strcmp(s->kind, alert_kind_name(kind)) == 0)
			return s;
	}
	return NULL;
}

static struct store_alert *alert_make(struct alerts *a, enum alert_kind kind,
				      const char *object, int64_t now)
{
	struct store_alert fresh = {.id = a->last_id + 1, .since = now};

	snprintf(fresh.kind, sizeof(fresh.kind), "%s", alert_kind_name(kind));
	snprintf(fresh.object, sizeof(fresh.object), "%s", object);
	alerts_take(a, &fresh);
	return &a->list[a->n - 1];
}

void alerts_raise(struct alerts *a, enum alert_kind kind, const char *object,
		  int code, const char *reason, int64_t now, int64_t until)
{
	char cut[sizeof(((struct store_alert *)0)->object)];
	struct store_alert *s;

	text_cut(cut, sizeof(cut), bytes_str(object));
	s = open_find(a, kind, cut);
	if (!s)
		s = alert_make(a, kind, cut, now);
	s->last = now;
	s->until = until;
	s->code = code;
	text_strip(s->reason, sizeof(s->reason), bytes_str(reason));
	s->count++;
	changed(a, s);
}

void alerts_clear(struct alerts *a, enum alert_kind kind, const char *object,
		  int64_t now)
{
	struct store_alert *s = open_find(a, kind, object);

	if (!s)
		return;
	s->cleared = now;
	changed(a, s);
}

void alerts_error(struct alerts *a, int code, const char *reason, int64_t now)
{
	int64_t first;

	a->errors[a->errors_n++ % ALERTS_ERRORS] = now;
	if (a->errors_n < ALERTS_ERRORS)
		return;
	first = a->errors[a->errors_n % ALERTS_ERRORS];
	if (now - first < ALERTS_ERRORS_S)
		alerts_raise(a, ALERT_ERRORS, "", code, reason, now,
			     now + ALERTS_ERRORS_S);
}

void alerts_tick(struct alerts *a, int64_t now)
{
	for (size_t i = 0; i < a->n; i++) {
		struct store_alert *s = &a->list[i];

		if (s->cleared || !s->until || s->until > now)
			continue;
		s->cleared = s->until;
		changed(a, s);
	}
}

int alerts_acknowledge(struct alerts *a, int64_t id)
{
	for (size_t i = 0; i < a->n; i++) {
		if (a->list[i].id != id)
			continue;
		a->list[i].acknowledged = true;
		changed(a, &a->list[i]);
		return 0;
	}
	return -ENOENT;
}

void alerts_each(const struct alerts *a,
		 void (*each)(const struct store_alert *alert, void *arg),
		 void *arg)
{
	for (size_t i = a->n; i--;)
		each(&a->list[i], arg);
}
