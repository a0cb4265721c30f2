/* What has happened to a session, for whoever asks: kept from the first
 * question on, and for IDLE_S after the last one; nobody's account carries a
 * queue. Each event has a number; a question names the last one it knows, and
 * waits for the next. */
#include <errno.h>
#include <stdlib.h>

#include "storage/message_core.h"

#define EVENTS_MAX 128
#define WAIT_MAX_S 50
#define IDLE_S 300

struct event_queue {
	struct session *session;
	json_t *events[EVENTS_MAX]; /* by number, modulo */
	int64_t last;               /* number of the newest; 0: none */
	struct message_request *waiting;
	int64_t after; /* of the waiting one */
	struct tmr wait, idle;
};

/* Those after a number, as far as they are kept. */
static json_t *rows_after(const struct event_queue *e, int64_t after)
{
	json_t *rows = json_array();
	int64_t first = e->last - EVENTS_MAX + 1;

	first = first > 1 ? first : 1;
	for (int64_t n = after >= first ? after + 1 : first; n <= e->last; n++)
		json_array_append(rows, e->events[n % EVENTS_MAX]);
	return rows;
}

static void answer(struct event_queue *e)
{
	struct message_request *r = e->waiting;

	e->waiting = NULL;
	tmr_cancel(&e->wait);
	if (r)
		message_reply(r, json_pack("{sb so so}", "ok", 1, "rows",
					   rows_after(e, e->after), "next",
					   id_json(e->last)));
}

static void on_wait_over(void *arg)
{
	answer(arg);
}

static void on_idle(void *arg)
{
	struct event_queue *e = arg;

	storage_events_drop(e->session);
}

void storage_events_drop(struct session *session)
{
	struct event_queue *e = session->events;

	session->events = NULL;
	if (!e)
		return;
	answer(e);
	tmr_cancel(&e->idle);
	for (size_t i = 0; i < EVENTS_MAX; i++)
		json_decref(e->events[i]);
	free(e);
}

void storage_event(struct session *session, const struct tg_event *event)
{
	struct event_queue *e = session->events;
	json_t **at;

	if (!e)
		return;
	at = &e->events[++e->last % EVENTS_MAX];
	json_decref(*at);
	*at = event_json(event);
	json_object_set_new(*at, "number", id_json(e->last));
	answer(e);
}

static struct event_queue *queue_of(struct session *session)
{
	struct event_queue *e = session->events;

	if (e)
		return e;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->session = session;
	tmr_init(&e->wait);
	tmr_init(&e->idle);
	session->events = e;
	return e;
}

int events_run(struct message_request *r)
{
	int wait_s = int_of(r->q, "wait_s", 0);
	struct event_queue *e = queue_of(r->session);

	if (wait_s < 0 || wait_s > WAIT_MAX_S)
		return -EINVAL;
	if (!e)
		return -ENOMEM;
	answer(e); /* one waits at a time */
	tmr_start(&e->idle, IDLE_S * 1000, on_idle, e);
	e->waiting = r;
	e->after = id_of(r->q, "after");
	if (e->after < e->last || !wait_s)
		answer(e);
	else
		tmr_start(&e->wait, (uint64_t)wait_s * 1000, on_wait_over, e);
	return 0;
}
