/* The bus of one process: a queue drained by the loop. */
#include "bus/bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/re.h"

struct bus {
	struct list subs;
	struct list queue;    /* struct queued */
	struct list requests; /* struct request */
	struct tmr drain;
	uint64_t next_inbox;
	bool draining;
};

struct bus_sub {
	struct le le;
	char *subject;
	size_t prefix; /* length before ">", or 0 for an exact match */
	bool wild;
	bool dead; /* dropped while the queue was handed out */
	bus_h *handler;
	void *arg;
	struct bus *bus;
};

struct queued {
	struct le le;
	char *subject;
	char *inbox;
	json_t *body;
};

struct request {
	struct le le;
	char inbox[40];
	struct tmr timeout;
	bus_answer_h *done;
	void *arg;
};

static void sub_destroy(void *arg)
{
	struct bus_sub *s = arg;

	list_unlink(&s->le);
	mem_deref(s->subject);
}

static void queued_destroy(void *arg)
{
	struct queued *q = arg;

	list_unlink(&q->le);
	mem_deref(q->subject);
	mem_deref(q->inbox);
	json_decref(q->body);
}

static void request_destroy(void *arg)
{
	struct request *r = arg;

	list_unlink(&r->le);
	tmr_cancel(&r->timeout);
}

static void request_finish(struct request *r, int err, json_t *answer)
{
	bus_answer_h *done = r->done;
	void *arg = r->arg;

	mem_deref(r);
	if (done)
		done(err, answer, arg);
}

static bool sub_matches(const struct bus_sub *s, const char *subject)
{
	if (s->dead)
		return false;
	if (s->wild)
		return strncmp(s->subject, subject, s->prefix) == 0;
	return strcmp(s->subject, subject) == 0;
}

static struct request *request_find(struct bus *b, const char *inbox)
{
	struct le *le;

	LIST_FOREACH(&b->requests, le)
	{
		struct request *r = le->data;

		if (strcmp(r->inbox, inbox) == 0)
			return r;
	}
	return NULL;
}

static void deliver(struct bus *b, struct queued *q)
{
	struct bus_message m = {
		.subject = q->subject, .inbox = q->inbox, .body = q->body};
	struct request *r = request_find(b, q->subject);
	bool served = false;
	struct le *le, *next;

	if (r) {
		request_finish(r, 0, q->body);
		return;
	}
	for (le = list_head(&b->subs); le; le = next) {
		struct bus_sub *s = le->data;

		mem_ref(s);
		if (sub_matches(s, q->subject)) {
			served = true;
			s->handler(&m, s->arg);
		}
		next = le->next;
		mem_deref(s);
	}
	if (served || !q->inbox)
		return;
	r = request_find(b, q->inbox);
	if (r)
		request_finish(r, -ENOTCONN, NULL);
}

static void drain(void *arg)
{
	struct bus *b = arg;
	unsigned budget = 256; /* the loop's sockets want their turn */

	b->draining = true;
	while (budget-- && !list_isempty(&b->queue)) {
		struct queued *q = list_head(&b->queue)->data;

		list_unlink(&q->le);
		deliver(b, q);
		mem_deref(q);
	}
	b->draining = false;
	if (!list_isempty(&b->queue))
		tmr_start(&b->drain, 0, drain, b);
}

int bus_local_new(struct bus **bp)
{
	struct bus *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	tmr_init(&b->drain);
	*bp = b;
	return 0;
}

void bus_free(struct bus **bp)
{
	struct bus *b = *bp;

	if (!b)
		return;
	*bp = NULL;
	tmr_cancel(&b->drain);
	while (!list_isempty(&b->requests))
		request_finish(list_head(&b->requests)->data, -ECANCELED, NULL);
	list_flush(&b->queue);
	list_flush(&b->subs);
	tmr_cancel(&b->drain);
	free(b);
}

static char *text_dup(const char *text)
{
	char *copy = NULL;

	return str_dup(&copy, text) ? NULL : copy;
}

int bus_subscribe(struct bus_sub **sp, struct bus *b, const char *subject,
		  bus_h *handler, void *arg)
{
	struct bus_sub *s = mem_zalloc(sizeof(*s), sub_destroy);
	size_t n = strlen(subject);

	if (!s)
		return -ENOMEM;
	s->subject = text_dup(subject);
	if (!s->subject) {
		mem_deref(s);
		return -ENOMEM;
	}
	s->wild = n && subject[n - 1] == '>';
	s->prefix = s->wild ? n - 1 : 0;
	s->handler = handler;
	s->arg = arg;
	s->bus = b;
	list_append(&b->subs, &s->le, s);
	*sp = s;
	return 0;
}

void bus_unsubscribe(struct bus_sub **sp)
{
	struct bus_sub *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	s->dead = true;
	mem_deref(s);
}

static int enqueue(struct bus *b, const char *subject, const char *inbox,
		   json_t *body)
{
	struct queued *q;

	if (!body)
		return -ENOMEM;
	q = mem_zalloc(sizeof(*q), queued_destroy);
	if (!q) {
		json_decref(body);
		return -ENOMEM;
	}
	q->body = body;
	q->subject = text_dup(subject);
	q->inbox = inbox ? text_dup(inbox) : NULL;
	if (!q->subject || (inbox && !q->inbox)) {
		mem_deref(q);
		return -ENOMEM;
	}
	list_append(&b->queue, &q->le, q);
	if (!b->draining && !tmr_isrunning(&b->drain))
		tmr_start(&b->drain, 0, drain, b);
	return 0;
}

int bus_publish(struct bus *b, const char *subject, json_t *body)
{
	return enqueue(b, subject, NULL, body);
}

static void request_timeout(void *arg)
{
	request_finish(arg, -ETIMEDOUT, NULL);
}

int bus_request(struct bus *b, const char *subject, json_t *body,
		unsigned timeout_ms, bus_answer_h *done, void *arg)
{
	struct request *r = mem_zalloc(sizeof(*r), request_destroy);
	int err;

	if (!r) {
		json_decref(body);
		return -ENOMEM;
	}
	snprintf(r->inbox, sizeof(r->inbox), "_inbox.%llu",
		 (unsigned long long)++b->next_inbox);
	r->done = done;
	r->arg = arg;
	tmr_init(&r->timeout);
	err = enqueue(b, subject, r->inbox, body);
	if (err) {
		mem_deref(r);
		return err;
	}
	list_append(&b->requests, &r->le, r);
	tmr_start(&r->timeout, timeout_ms, request_timeout, r);
	return 0;
}

int bus_reply(struct bus *b, const char *inbox, json_t *body)
{
	if (!inbox) {
		json_decref(body);
		return -EINVAL;
	}
	return enqueue(b, inbox, NULL, body);
}
