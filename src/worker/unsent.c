/* Records of ended calls, kept until a Manager has taken them: one that is away
 * for a while misses none. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bus/manager_worker.h"
#include "worker/internal.h"

#define TAKE_TIMEOUT_MS 10000
/* Some hours of a busy Worker; then the oldest is lost, and said so. */
#define UNSENT_MAX 20000

struct unsent {
	struct le le;
	struct worker *worker; /* NULL: it has gone */
	json_t *body;
	bool asked; /* the Manager has it before it */
};

static void unsent_destroy(void *arg)
{
	struct unsent *u = arg;

	list_unlink(&u->le);
	json_decref(u->body);
}

static void on_taken(int err, json_t *answer, void *arg)
{
	struct unsent *u = arg;

	u->asked = false;
	if (!err || !u->worker)
		mem_deref(u);
}

static void send_one(struct unsent *u)
{
	u->asked = true;
	if (bus_request(u->worker->bus, BUS_MANAGER_CALL_RECORD,
			json_incref(u->body), TAKE_TIMEOUT_MS, on_taken, u))
		u->asked = false;
}

static void make_room(struct worker *w)
{
	struct unsent *oldest;

	if (list_count(&w->unsent) < UNSENT_MAX)
		return;
	oldest = list_head(&w->unsent)->data;
	if (oldest->asked)
		return;
	log_error("worker", NULL, "no Manager takes records: one is lost");
	mem_deref(oldest);
}

void worker_record_send(struct worker *w, const char *call, json_t *record)
{
	struct unsent *u;

	make_room(w);
	u = mem_zalloc(sizeof(*u), unsent_destroy);
	if (!u) {
		json_decref(record);
		return;
	}
	u->worker = w;
	u->body = json_pack("{ss so}", "call", call, "record", record);
	list_append(&w->unsent, &u->le, u);
	send_one(u);
}

void worker_records_again(struct worker *w)
{
	struct le *le;

	LIST_FOREACH(&w->unsent, le)
	{
		struct unsent *u = le->data;

		if (!u->asked)
			send_one(u);
	}
}

void worker_records_drop(struct worker *w)
{
	while (!list_isempty(&w->unsent)) {
		struct unsent *u = list_head(&w->unsent)->data;

		list_unlink(&u->le);
		u->worker = NULL;
		if (!u->asked)
			mem_deref(u);
	}
}
