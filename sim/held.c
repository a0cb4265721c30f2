#include "sim/held.h"

#include <stdio.h>
#include <stdlib.h>

struct sim_held {
	struct sim_held *next;
	usec_t due;
	uint64_t key_id;
	int64_t session_id;
	int64_t msg_id; /* 0: an update */
	int code;
	char text[64];
	bool swap;
	struct buf body;
};

static struct sim_held *sim_held_add(struct sim_session *s, struct bytes body,
				     usec_t delay)
{
	struct sim_held **last = &s->world->held;
	struct sim_held *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	while (*last)
		last = &(*last)->next;
	*last = h;
	h->due = s->world->now + delay;
	h->key_id = s->key_id;
	h->session_id = s->session_id;
	buf_init(&h->body);
	buf_put(&h->body, body.p, body.n);
	return h;
}

void sim_held_answer(struct sim_session *s, int64_t msg_id, int code,
		     const char *text, struct bytes body, usec_t delay)
{
	struct sim_held *h = sim_held_add(s, body, delay);

	if (!h)
		return;
	h->msg_id = msg_id;
	h->code = code;
	snprintf(h->text, sizeof(h->text), "%s", text);
}

void sim_held_push(struct sim_session *s, struct bytes updates, usec_t delay,
		   bool swap)
{
	struct sim_held *h = sim_held_add(s, updates, delay);

	if (h)
		h->swap = swap;
}

static struct sim_session *sim_held_session(const struct sim_world *w,
					    const struct sim_held *h)
{
	struct sim_session *s = w->sessions;

	while (s && (s->superseded || s->key_id != h->key_id ||
		     s->session_id != h->session_id))
		s = s->next;
	return s;
}

static void sim_held_send(struct sim_world *w, struct sim_held *h)
{
	struct sim_session *s = sim_held_session(w, h);

	if (s && !h->msg_id)
		s->push(s, buf_bytes(&h->body));
	else if (s && h->code)
		s->error(s, h->msg_id, h->code, h->text);
	else if (s)
		s->answer(s, h->msg_id, buf_bytes(&h->body));
	buf_clear(&h->body);
	free(h);
}

/* Sends what is due, or what waits for an update of the session `after`. */
static void sim_held_release(struct sim_world *w,
			     const struct sim_session *after)
{
	struct sim_held **hp = &w->held;

	while (*hp) {
		struct sim_held *h = *hp;
		bool now = after ? h->swap && h->key_id == after->key_id &&
					   h->session_id == after->session_id
				 : h->due <= w->now;

		if (!now) {
			hp = &h->next;
			continue;
		}
		*hp = h->next;
		sim_held_send(w, h);
	}
}

void sim_held_swap(struct sim_session *s)
{
	sim_held_release(s->world, s);
}

void sim_held_tick(struct sim_world *w)
{
	sim_held_release(w, NULL);
}

usec_t sim_held_deadline(const struct sim_world *w)
{
	usec_t due = USEC_NEVER;

	for (const struct sim_held *h = w->held; h; h = h->next)
		due = h->due < due ? h->due : due;
	return due;
}

void sim_held_clear(struct sim_world *w)
{
	while (w->held) {
		struct sim_held *h = w->held;

		w->held = h->next;
		buf_clear(&h->body);
		free(h);
	}
}
