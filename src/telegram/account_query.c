/* Queries of an account. They are kept as bytes until answered, so a change of
 * data centre (303) repeats them on the new connection.
 *
 * What is answered by nobody but Telegram itself passes through untouched:
 * flood waits go to the caller at once.
 */
#include "telegram/account_core.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define MIGRATIONS_MAX 3

struct query {
	struct query *next;
	struct tg_account *account;
	struct buf bytes;
	enum tl_ctor_no fn;
	unsigned flags;
	unsigned migrations;
	bool under_way;
	tg_answer_h *done;
	void *arg;
};

static void query_unlink(struct query *q)
{
	struct tg_account *a = q->account;
	struct query **at = &a->queries;

	while (*at && *at != q)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = q->next;
	if (!q->next)
		a->queries_last = at;
}

static void query_done(struct query *q, const struct mtp_error *err,
		       const struct tl_obj *answer)
{
	query_unlink(q);
	if (q->done)
		q->done(err, answer, q->arg);
	buf_clear(&q->bytes);
	free(q);
}

/* -- errors --------------------------------------------------------------- */

/* The data centre that PHONE_, NETWORK_ or USER_MIGRATE_X names; 0: none.
 * FILE_ and STATS_MIGRATE concern one query only and go to the caller. */
static int migration(const struct mtp_error *err)
{
	int dc;

	if (err->code != 303)
		return 0;
	if (sscanf(err->text, "PHONE_MIGRATE_%d", &dc) != 1 &&
	    sscanf(err->text, "NETWORK_MIGRATE_%d", &dc) != 1 &&
	    sscanf(err->text, "USER_MIGRATE_%d", &dc) != 1)
		return 0;
	return dc > 0 && dc < 1000 ? dc : 0;
}

/* What an error says of the whole account. */
static void consequences(struct tg_account *a, const struct mtp_error *err)
{
	enum tg_state state;

	if (!tg_state_of_error(&state, err->code, err->text))
		return;
	if (state == TG_STATE_FROZEN) {
		a->frozen.refused_at = clock_now();
		if (a->frozen.since)
			return;
		a->app_config_asked = false; /* the dates */
		account_frozen(a, clock_wall().us / (1000 * 1000), 0);
	} else if (a->logged_in || !tg_state_is_dead(state)) {
		account_end(a, state, err->text);
	}
}

static void query_failed(struct query *q, const struct mtp_error *err)
{
	struct tg_account *a = q->account;
	int dc = migration(err);

	/* "USER_MIGRATE comes after sign-in" (A.8), as its answer. Later the
	 * log-in would be left behind with its key. */
	if (dc && !a->logged_in && q->migrations++ < MIGRATIONS_MAX) {
		a->migrate_to = dc;
		a->rebuild_wanted = true;
		account_wake(a);
		return;
	}
	/* The connection was taken away: its successor repeats the query, or
	 * queries_fail() says why there is none. */
	if (err->code == -ECANCELED && !(q->flags & MTP_CALL_NO_RESEND))
		return;
	consequences(a, err);
	query_done(q, err, NULL);
}

/* -- answers -------------------------------------------------------------- */

static void answered(const struct mtp_error *err, struct bytes answer,
		     void *arg)
{
	static const struct mtp_error unreadable = {500, "ANSWER_UNREADABLE"};
	struct query *q = arg;
	struct tg_account *a = q->account;
	struct tl_arena arena;
	struct tl_obj *o = NULL;
	struct rd r;

	q->under_way = false;
	if (err) {
		query_failed(q, err);
		return;
	}
	a->key_unknown = 0;
	tl_arena_init(&arena);
	rd_init(&r, answer.p, answer.n);
	if (tl_read_result(&o, &arena, &r, q->fn)) {
		count_bad("telegram", "answer", tl_ctor_name(q->fn));
		query_done(q, &unreadable, NULL);
	} else {
		peers_learn(a, o);
		feed_updates(a, o);
		query_done(q, NULL, o);
	}
	tl_arena_clear(&arena);
}

static int submit(struct query *q)
{
	int err;

	q->under_way = true;
	err = connection_call(q->account->connection, buf_bytes(&q->bytes),
			      q->flags, answered, q);
	if (err)
		q->under_way = false;
	return err;
}

void queries_submit(struct tg_account *a)
{
	struct query *next;

	for (struct query *q = a->queries; q; q = next) {
		struct mtp_error err = {500, "INTERNAL"};

		next = q->next;
		if (!q->under_way && submit(q))
			query_done(q, &err, NULL);
	}
}

void queries_fail(struct tg_account *a, int code, const char *text)
{
	struct mtp_error err = {code, text};

	while (a->queries)
		query_done(a->queries, &err, NULL);
}

int tg_account_query(struct tg_account *a, const struct tl_obj *query,
		     unsigned flags, tg_answer_h *done, void *arg)
{
	struct query *q;
	int err;

	if (a->closing || !a->started || tg_state_is_over(a->state) ||
	    (!a->connection && !a->rebuild_wanted))
		return -ENOTCONN;
	if (!query)
		return -ENOMEM;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->account = a;
	q->fn = query->no;
	q->flags = flags;
	q->done = done;
	q->arg = arg;
	err = tl_write(&q->bytes, query);
	*a->queries_last = q;
	a->queries_last = &q->next;
	/* While the connection is being replaced the query waits. */
	if (!err && a->connection && !a->rebuild_wanted && !a->end_wanted)
		err = submit(q);
	if (err) {
		query_unlink(q);
		buf_clear(&q->bytes);
		free(q);
	}
	return err;
}
