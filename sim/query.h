/* What users ask bots and wait for: pressed buttons and inline queries. The
 * bot gets an update, answers by the query's number within SIM_QUERY_TIME, and
 * the user's query is answered then. Results of inline queries are kept a
 * while, to be sent. One thread.
 */
#ifndef SIM_QUERY_H
#define SIM_QUERY_H

#include "sim/api.h"

#define SIM_QUERY_TIME (8 * USEC_S)
#define SIM_RESULTS_TIME (300 * USEC_S)

struct sim_query {
	struct sim_query *next;
	int64_t id;
	bool of_inline; /* else a pressed button */
	int64_t user, bot;
	/* The query that waits; 0: answered. */
	int64_t msg_id;
	uint64_t key_id;
	int64_t session_id;
	usec_t deadline;    /* of the answer, or of the results */
	char *text;         /* of an inline query */
	struct buf results; /* boxed messages.setInlineBotResults */
};

/* The request is answered later. NULL: no memory. */
struct sim_query *sim_query_new(struct sim_request *r, int64_t bot,
				bool of_inline);
/* One that this bot still has to answer. */
struct sim_query *sim_query_waiting(struct sim_world *w, int64_t bot,
				    int64_t id, bool of_inline);
/* Results given to this user. */
struct sim_query *sim_query_results(struct sim_world *w, int64_t user,
				    int64_t id);
/* Answers the user's query with o, of the arena of the bot's request. */
void sim_query_answer(struct sim_world *w, struct sim_query *q,
		      const struct tl_obj *o);
void sim_query_free(struct sim_world *w, struct sim_query *q);

usec_t sim_queries_deadline(const struct sim_world *w);
void sim_queries_tick(struct sim_world *w);
void sim_queries_free(struct sim_world *w);

#endif
