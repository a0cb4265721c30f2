#include "sim/query.h"

#include <stdlib.h>

#include "base/random.h"
#include "sim/layer.h"

struct sim_query *sim_query_new(struct sim_request *r, int64_t bot,
				bool of_inline)
{
	struct sim_query *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->id = (int64_t)(random_u64() >> 1) | 1;
	q->of_inline = of_inline;
	q->user = r->me->id;
	q->bot = bot;
	q->msg_id = r->msg_id;
	q->key_id = r->session->key_id;
	q->session_id = r->session->session_id;
	q->deadline = r->world->now + SIM_QUERY_TIME;
	q->next = r->world->queries;
	r->world->queries = q;
	r->answered = true;
	return q;
}

struct sim_query *sim_query_waiting(struct sim_world *w, int64_t bot,
				    int64_t id, bool of_inline)
{
	struct sim_query *q = w->queries;

	while (q && (q->id != id || q->bot != bot || !q->msg_id ||
		     q->of_inline != of_inline))
		q = q->next;
	return q;
}

struct sim_query *sim_query_results(struct sim_world *w, int64_t user,
				    int64_t id)
{
	struct sim_query *q = w->queries;

	while (q && (q->id != id || q->user != user || !q->results.n))
		q = q->next;
	return q;
}

/* The connection that carries the asking session now; NULL: none. */
static struct sim_session *sim_query_session(struct sim_world *w,
					     const struct sim_query *q)
{
	struct sim_session *s = w->sessions;

	while (s && (s->key_id != q->key_id || s->session_id != q->session_id ||
		     s->superseded))
		s = s->next;
	return s;
}

void sim_query_answer(struct sim_world *w, struct sim_query *q,
		      const struct tl_obj *o)
{
	struct sim_session *s = sim_query_session(w, q);
	struct buf out;

	buf_init(&out);
	if (s && !sim_layer_write(&out, o, s->layer))
		s->answer(s, q->msg_id, buf_bytes(&out));
	buf_clear(&out);
	q->msg_id = 0;
}

void sim_query_free(struct sim_world *w, struct sim_query *q)
{
	struct sim_query **qp = &w->queries;

	while (*qp != q)
		qp = &(*qp)->next;
	*qp = q->next;
	free(q->text);
	buf_clear(&q->results);
	free(q);
}

usec_t sim_queries_deadline(const struct sim_world *w)
{
	usec_t due = USEC_NEVER;

	for (const struct sim_query *q = w->queries; q; q = q->next)
		due = q->deadline < due ? q->deadline : due;
	return due;
}

/* The bot said nothing. */
static void sim_query_expire(struct sim_world *w, struct sim_query *q)
{
	struct sim_session *s = sim_query_session(w, q);

	if (q->msg_id && s) {
		sim_world_refused(w, "bot-silent");
		s->error(s, q->msg_id, 400, "BOT_RESPONSE_TIMEOUT");
	}
	sim_query_free(w, q);
}

void sim_queries_tick(struct sim_world *w)
{
	struct sim_query *next;

	for (struct sim_query *q = w->queries; q; q = next) {
		next = q->next;
		if (q->deadline <= w->now)
			sim_query_expire(w, q);
	}
}

void sim_queries_free(struct sim_world *w)
{
	while (w->queries)
		sim_query_free(w, w->queries);
}
