#include "sim/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/call.h"
#include "sim/stream.h"

struct sim_client {
	struct sim_client *next;
	struct sim_control *c;
	struct sim_stream *stream;
	bool watching;
	bool dead;
	json_t *pattern; /* of a wait under way */
	usec_t until;
};

struct sim_control {
	struct sim_world *world;
	struct sim_dcs *dcs;
	struct sim_loop *loop;
	struct sim_listener *listener;
	struct sim_client *clients;
};

bool sim_json_matches(const json_t *o, const json_t *pattern)
{
	json_t *iterable = (json_t *)(uintptr_t)pattern;
	const char *key;
	json_t *value;

	if (!json_is_object(pattern))
		return json_equal(o, pattern);
	json_object_foreach(
		iterable, key,
		value) if (!sim_json_matches(json_object_get(o, key),
					     value)) return false;
	return true;
}

static void sim_client_send(struct sim_client *cl, const json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);

	if (text) {
		sim_stream_write(cl->stream, bytes_str(text));
		sim_stream_write(cl->stream, bytes_str("\n"));
	}
	free(text);
}

static void sim_client_answer(struct sim_client *cl, json_t *o)
{
	sim_client_send(cl, o);
	json_decref(o);
}

/* -- waiting
 * ---------------------------------------------------------------------------
 */

static void sim_client_offer(struct sim_client *cl, json_t *event)
{
	if (cl->watching)
		sim_client_send(cl, event);
	if (!cl->pattern || !sim_json_matches(event, cl->pattern))
		return;
	json_decref(cl->pattern);
	cl->pattern = NULL;
	sim_client_answer(cl, json_pack("{sb sO}", "ok", 1, "event", event));
}

static void sim_control_on_event(json_t *event, void *arg)
{
	struct sim_control *c = arg;

	for (struct sim_client *cl = c->clients; cl; cl = cl->next)
		if (!cl->dead)
			sim_client_offer(cl, event);
	json_decref(event);
}

/* What already is counts as an event that has just happened. */
static void sim_client_offer_past(struct sim_client *cl)
{
	const struct sim_call *call = cl->c->world->calls;

	for (; call && cl->pattern; call = call->next) {
		json_t *o = json_pack("{ss so}", "event", "call", "call",
				      sim_call_describe(call));

		sim_client_offer(cl, o);
		json_decref(o);
	}
}

static void sim_client_wait(struct sim_client *cl, const json_t *q)
{
	json_int_t ms = sim_json_int(q, "timeout_ms", 10000);

	json_decref(cl->pattern);
	cl->pattern = json_deep_copy(json_object_get(q, "match"));
	if (!cl->pattern)
		cl->pattern = json_object();
	cl->until = cl->c->world->now + (usec_t)ms * USEC_MS;
	if (json_is_true(json_object_get(q, "past")))
		sim_client_offer_past(cl);
}

static void sim_client_on_line(const char *line, void *arg)
{
	struct sim_client *cl = arg;
	json_t *q = json_loads(line, 0, NULL);
	const char *op = sim_json_text(q, "op", "");

	sim_world_time(cl->c->world, clock_now(), clock_wall());
	if (!strcmp(op, "watch")) {
		cl->watching = true;
		sim_client_answer(cl, json_pack("{sb}", "ok", 1));
	} else if (!strcmp(op, "wait")) {
		sim_client_wait(cl, q);
	} else {
		sim_client_answer(cl,
				  sim_control_run(cl->c->world, cl->c->dcs, q));
	}
	json_decref(q);
}

static void sim_client_on_closed(void *arg)
{
	struct sim_client *cl = arg;

	cl->dead = true;
}

static void sim_client_free(struct sim_client *cl)
{
	json_decref(cl->pattern);
	sim_stream_free(&cl->stream);
	free(cl);
}

static void sim_control_on_accept(int fd, void *arg)
{
	static const struct sim_stream_handlers handlers = {
		.line = sim_client_on_line, .closed = sim_client_on_closed};
	struct sim_control *c = arg;
	struct sim_client *cl = calloc(1, sizeof(*cl));

	if (!cl || sim_stream_new(&cl->stream, c->loop, fd, &handlers, cl)) {
		free(cl);
		return;
	}
	cl->c = c;
	cl->next = c->clients;
	c->clients = cl;
}

/* -- life
 * --------------------------------------------------------------------------------
 */

int sim_control_new(struct sim_control **cp, struct sim_world *w,
		    struct sim_dcs *dcs, struct sim_loop *l, const char *path)
{
	struct sim_control *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->world = w;
	c->dcs = dcs;
	c->loop = l;
	err = sim_listener_new_unix(&c->listener, l, path,
				    sim_control_on_accept, c);
	if (err) {
		free(c);
		return err;
	}
	w->event = sim_control_on_event;
	w->event_arg = c;
	*cp = c;
	return 0;
}

void sim_control_free(struct sim_control **cp)
{
	struct sim_control *c = *cp;

	if (!c)
		return;
	c->world->event = NULL;
	while (c->clients) {
		struct sim_client *cl = c->clients;

		c->clients = cl->next;
		sim_client_free(cl);
	}
	sim_listener_free(&c->listener);
	free(c);
	*cp = NULL;
}

usec_t sim_control_deadline(const struct sim_control *c)
{
	usec_t due = USEC_NEVER;

	for (const struct sim_client *cl = c->clients; cl; cl = cl->next) {
		if (cl->dead)
			return 0;
		if (cl->pattern && cl->until < due)
			due = cl->until;
	}
	return due;
}

void sim_control_tick(struct sim_control *c)
{
	struct sim_client **clp = &c->clients;

	while (*clp) {
		struct sim_client *cl = *clp;

		if (cl->dead) {
			*clp = cl->next;
			sim_client_free(cl);
			continue;
		}
		if (cl->pattern && cl->until <= c->world->now) {
			json_decref(cl->pattern);
			cl->pattern = NULL;
			sim_client_answer(cl, json_pack("{sb ss}", "ok", 0,
							"error", "timeout"));
		}
		clp = &cl->next;
	}
}
