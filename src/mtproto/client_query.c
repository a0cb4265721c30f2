#include "mtproto/client_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mtproto/wire.h"

#define REWRAPS_MAX 2
#define STATES_TIMEOUT (5 * USEC_S)
#define LOST "CONNECTION_LOST"

void client_query_free(struct client_query *q)
{
	buf_clear(&q->body);
	free(q);
}

struct client_query *client_query_find(struct mtp_client *c, int64_t msg_id)
{
	struct client_query *q;

	TAILQ_FOREACH(q, &c->queries, link)
	if (q->msg_id && q->msg_id == msg_id)
		return q;
	return NULL;
}

static void query_requeue(struct client_query *q)
{
	q->msg_id = 0;
	q->carrier = 0;
	q->asked = false;
}

static void service_requeue(struct client_service *s, int64_t id)
{
	if (s->id && (s->id == id || s->carrier == id)) {
		s->due = true;
		s->id = 0;
	}
}

static void acks_requeue(struct mtp_client *c, int64_t carrier)
{
	for (size_t i = 0; i < CLIENT_ACKS_MAX * 2; i++) {
		struct client_acked *a = &c->acked[i];

		if (!a->id || a->carrier != carrier)
			continue;
		if (c->acks_n < CLIENT_ACKS_MAX)
			c->acks[c->acks_n++] = a->id;
		a->id = 0;
		c->acks_deadline = c->now;
	}
}

void client_requeue(struct mtp_client *c, int64_t id)
{
	struct client_query *q;

	TAILQ_FOREACH(q, &c->queries, link)
	if (q->msg_id && (q->msg_id == id || q->carrier == id))
		query_requeue(q);
	service_requeue(&c->ping, id);
	service_requeue(&c->states, id);
	service_requeue(&c->ask_salts, id);
	service_requeue(&c->destroy, id);
	acks_requeue(c, id);
	if (c->bind.id && c->bind.id == id) {
		c->bind.id = 0;
		c->bind.due = true;
	}
}

/* Whether the server ran it is unknown: repeat only what may be repeated. */
static void query_lost(struct mtp_client *c, struct client_query *q)
{
	if (q->flags & MTP_CALL_NO_RESEND)
		client_answer_error(c, q, -ECANCELED, bytes_str(LOST));
	else
		query_requeue(q);
}

void client_requeue_before(struct mtp_client *c, int64_t first_id)
{
	struct client_query *q, *next;

	for (q = TAILQ_FIRST(&c->queries); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (q->msg_id && q->msg_id < first_id)
			query_lost(c, q);
	}
}

void client_session_reset(struct mtp_client *c)
{
	client_requeue_before(c, INT64_MAX);
	c->session_before = c->session_id;
	do
		c->session_id = mtp_random_long(&c->random);
	while (!c->session_id);
	memset(&c->sequence, 0, sizeof(c->sequence));
	memset(&c->window, 0, sizeof(c->window));
	memset(c->acked, 0, sizeof(c->acked));
	c->acks_n = 0;
	c->resends_n = 0;
	c->info_for = 0;
	c->states = (struct client_service){0};
	c->states_n = 0;
	c->session_announced = false;
	c->inited = false;
	c->ping.due = true;
	c->bind = (struct client_bind){.due = client_unbound(c)};
	c->destroy = (struct client_service){.due = c->destroying};
}

/* -- after a reconnect ---------------------------------------------------- */

static bool states_have_room(struct mtp_client *c)
{
	if (!c->state_ids)
		c->state_ids = calloc(CLIENT_STATES_MAX, sizeof(int64_t));
	return c->state_ids && c->states_n < CLIENT_STATES_MAX;
}

void client_states_ask(struct mtp_client *c)
{
	struct client_query *q, *next;

	c->states_n = 0;
	for (q = TAILQ_FIRST(&c->queries); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (!q->msg_id)
			continue;
		if (!states_have_room(c)) {
			query_lost(c, q);
			continue;
		}
		q->asked = true;
		c->state_ids[c->states_n++] = q->msg_id;
	}
	c->states = (struct client_service){.due = c->states_n > 0};
	c->states_deadline = c->now + STATES_TIMEOUT;
}

/* "byte per id, low 3 bits 1..4 (4 = received)": 2 and 3 say for certain that
 * it was not, 1 that nothing is known. */
void client_states_take(struct mtp_client *c, struct bytes states)
{
	for (size_t i = 0; i < c->states_n && i < states.n; i++) {
		struct client_query *q = client_query_find(c, c->state_ids[i]);
		unsigned state = states.p[i] & 7;

		if (!q || !q->asked)
			continue;
		q->asked = false;
		if (state == 2 || state == 3)
			query_requeue(q);
		else if (state != 4)
			query_lost(c, q);
	}
	client_states_give_up(c);
}

void client_states_give_up(struct mtp_client *c)
{
	struct client_query *q, *next;

	c->states = (struct client_service){0};
	c->states_n = 0;
	free(c->state_ids);
	c->state_ids = NULL;
	for (q = TAILQ_FIRST(&c->queries); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (q->asked)
			query_lost(c, q);
	}
}

/* -- time and errors ------------------------------------------------------ */

void client_queries_expire(struct mtp_client *c)
{
	struct client_query *q, *next;

	for (q = TAILQ_FIRST(&c->queries); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (q->deadline <= c->now)
			client_answer_error(c, q, 408, bytes_str("TIMEOUT"));
	}
}

usec_t client_queries_deadline(const struct mtp_client *c)
{
	usec_t first = USEC_NEVER;
	struct client_query *q;

	TAILQ_FOREACH(q, &c->queries, link)
	if (q->deadline < first)
		first = q->deadline;
	return first;
}

bool client_query_retry(struct mtp_client *c, struct client_query *q, int code,
			struct bytes text)
{
	/* A.7: the wrapper goes around the first query "and after
	 * CONNECTION_NOT_INITED / CONNECTION_LAYER_INVALID, both 400". */
	if (code == 400 &&
	    (bytes_equal(text, bytes_str("CONNECTION_NOT_INITED")) ||
	     bytes_equal(text, bytes_str("CONNECTION_LAYER_INVALID")))) {
		c->inited = false;
		if (q->rewraps++ >= REWRAPS_MAX)
			return false;
		query_requeue(q);
		return true;
	}
	/* The temporary key was never bound, or no longer is. */
	if (c->temporary.present && code == 401 &&
	    bytes_equal(text, bytes_str("AUTH_KEY_PERM_EMPTY"))) {
		query_requeue(q);
		client_temporary_drop(c);
		client_close(c, "the temporary key is not bound");
		return true;
	}
	/* The query this one had to wait for failed or was never heard of. */
	if ((q->flags & MTP_CALL_ORDERED) && !q->unordered &&
	    (bytes_equal(text, bytes_str("MSG_WAIT_FAILED")) ||
	     bytes_equal(text, bytes_str("MSG_WAIT_TIMEOUT")))) {
		q->unordered = true;
		query_requeue(q);
		return true;
	}
	return false;
}
