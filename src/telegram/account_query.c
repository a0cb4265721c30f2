/* Queries of an account. They are kept as bytes until answered, so a change of
 * data centre (303) repeats them on the new connection.
 *
 *   query -> white list -> gate (flood.h) -> connection -> answer
 *                                   ^-- 1 s, 2 s --' after 500, if a read
 *
 * Flood waits go to the caller at once ("Never sleep through FLOOD_WAIT on
 * phone.requestCall", A.8), and close the gate for those after it.
 */
#include "telegram/account_core.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define MIGRATIONS_MAX 3
/* A.8 has 1, 2, 4 .. 60 s; a caller who waits is told sooner. */
#define REPEATS_MAX 2

struct query {
	struct query *next;
	struct tg_account *account;
	struct buf bytes;
	enum tl_ctor_no fn;
	unsigned flags;
	enum method_repeat repeat;
	enum flood_line line;
	unsigned migrations, repeats;
	bool under_way;
	usec_t repeat_at, give_up; /* not before; not after */
	char refusal[32];          /* the gate's word, instead of a query */
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

/* "500, <0: retry with 1, 2, 4 .. 60 s" (A.8): where nothing can happen twice,
 * or where Telegram says that nothing happened. */
static bool is_passing(const struct query *q, const struct mtp_error *err)
{
	if (!strncmp(err->text, "WORKER_BUSY_TOO_LONG", 20) ||
	    !strcmp(err->text, "FLOOD_SKIP_FAILED_WAIT"))
		return q->repeat != METHOD_ONCE;
	return q->repeat == METHOD_READ &&
	       (err->code == 500 || err->code == 503 || err->code == -503);
}

static bool repeat_later(struct query *q, const struct mtp_error *err)
{
	usec_t at = clock_now() + (USEC_S << q->repeats);

	if (q->repeats >= REPEATS_MAX || at >= q->give_up ||
	    !is_passing(q, err))
		return false;
	q->repeats++;
	q->repeat_at = at;
	account_wake(q->account);
	return true;
}

static void gate_close(struct query *q, const struct mtp_error *err)
{
	struct tg_account *a = q->account;
	usec_t now = clock_now();
	enum flood_line line;
	unsigned s;

	if (!flood_told(&a->flood, &line, q->line, err->text, now))
		return;
	s = flood_wait_s(&a->flood, line, NULL, now);
	log_warn("telegram", a->name, "%s: no %s for %u s", err->text,
		 flood_line_name(line), s);
	if (a->keep.flood)
		a->keep.flood(flood_line_name(line), err->text,
			      clock_wall().us / (1000 * 1000) + s, a->arg);
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
	if (repeat_later(q, err))
		return;
	gate_close(q, err);
	peers_refused(a, buf_bytes(&q->bytes), err->text);
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
	q->repeat_at = 0;
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

void queries_pump(struct tg_account *a, usec_t now)
{
	struct query *next;

	for (struct query *q = a->queries; q; q = next) {
		struct mtp_error err = {500, "INTERNAL"};

		next = q->next;
		if (!q->under_way && q->repeat_at && q->repeat_at <= now &&
		    submit(q))
			query_done(q, &err, NULL);
	}
}

usec_t queries_deadline(const struct tg_account *a)
{
	usec_t at = USEC_NEVER;

	for (const struct query *q = a->queries; q; q = q->next)
		if (!q->under_way && q->repeat_at && q->repeat_at < at)
			at = q->repeat_at;
	return at;
}

void queries_fail(struct tg_account *a, int code, const char *text)
{
	struct mtp_error err = {code, text};

	while (a->queries)
		query_done(a->queries, &err, NULL);
}

/* -- asking --------------------------------------------------------------- */

static void refusal_tell(struct tg_account *a, void *arg)
{
	struct mtp_error closed = {-ECANCELED, "CLOSED"};
	struct query *q = arg;
	struct mtp_error err = {420, q->refusal};

	if (q->done)
		q->done(a->closing ? &closed : &err, NULL, q->arg);
	free(q);
}

/* Nobody is asked before the gate opens; the answer is Telegram's own. */
static bool is_gated(struct query *q)
{
	struct tg_account *a = q->account;
	unsigned s = flood_wait_s(&a->flood, q->line, NULL, clock_now());

	if (!s)
		return false;
	snprintf(q->refusal, sizeof(q->refusal), "FLOOD_WAIT_%u", s);
	count_add("telegram", "gated", 1);
	return true;
}

const struct method *query_permitted(const struct tg_account *a,
				     const struct tl_obj *query)
{
	const struct method *m = method_find(query->no);

	if (m && m->features & a->use.features)
		return m;
	log_warn("telegram", a->name, "request refused: %s is in no list",
		 tl_ctor_name(query->no));
	count_bad("telegram", "request-refused", tl_ctor_name(query->no));
	return NULL;
}

static int query_begin(struct query *q, const struct tl_obj *query)
{
	struct tg_account *a = q->account;
	int err;

	if (is_gated(q)) {
		err = account_later(a, refusal_tell, q);
		if (err)
			free(q);
		return err;
	}
	err = tl_write(&q->bytes, query);
	*a->queries_last = q;
	a->queries_last = &q->next;
	/* While the connection is being replaced the query waits; only what
	 * tells where to goes out. */
	if (!err && a->connection && !a->end_wanted &&
	    (!a->rebuild_wanted ||
	     (q->fn == TL_help_getConfig && account_migration_waits(a))))
		err = submit(q);
	if (err) {
		query_unlink(q);
		buf_clear(&q->bytes);
		free(q);
		return err;
	}
	flood_spent(&a->flood, q->line, clock_now());
	return 0;
}

int tg_account_query(struct tg_account *a, const struct tl_obj *query,
		     unsigned flags, tg_answer_h *done, void *arg)
{
	const struct method *m;
	struct query *q;

	if (a->closing || !a->started || tg_state_is_over(a->state) ||
	    (!a->connection && !a->rebuild_wanted))
		return -ENOTCONN;
	if (!query)
		return -ENOMEM;
	m = query_permitted(a, query);
	if (!m)
		return -EPERM;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->account = a;
	q->fn = query->no;
	q->repeat = m->repeat;
	q->line = m->line;
	q->flags = flags | (m->repeat == METHOD_ONCE ? MTP_CALL_NO_RESEND : 0u);
	q->give_up = clock_now() + a->query_timeout;
	q->done = done;
	q->arg = arg;
	return query_begin(q, query);
}
