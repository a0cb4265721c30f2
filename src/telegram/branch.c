/* See branch.h.
 *
 *   query -> [connection up] -> exportAuthorization (own data centre)
 *                            -> importAuthorization (this one) -> query
 *
 * Queries wait in the branch until the authorisation is there. Handlers only
 * note what is to be done; branches_pump() frees connections and branches.
 */
#include "telegram/branch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "telegram/account_core.h"

#define IDLE (60 * USEC_S)

enum branch_auth {
	BRANCH_NEW,      /* nothing asked yet */
	BRANCH_CARRYING, /* export or import under way */
	BRANCH_READY,
};

struct branch_query {
	struct branch_query *next;
	struct branch *branch;
	struct buf bytes;
	enum tl_ctor_no fn;
	unsigned flags;
	bool under_way, repeated;
	tg_answer_h *done;
	void *arg;
};

struct branch {
	struct branch *next;
	struct tg_account *account;
	int dc_id;
	char name[80];
	struct connection *connection; /* NULL: closed while idle */
	struct mtp_auth auth;
	enum branch_auth state;
	struct branch_query *queries, **queries_last;
	usec_t idle_since; /* the last query ended */
	bool renew;        /* the key is unknown there: make another */
	unsigned carried;  /* transfers without one success since */
};

#define CARRIED_MAX 3

/* -- the list of queries -------------------------------------------------- */

static void query_done(struct branch_query *q, const struct mtp_error *err,
		       const struct tl_obj *answer)
{
	struct branch *b = q->branch;
	struct branch_query **at = &b->queries;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	if (!q->next)
		b->queries_last = at;
	b->idle_since = clock_now();
	if (q->done)
		q->done(err, answer, q->arg);
	buf_clear(&q->bytes);
	free(q);
	account_wake(b->account);
}

static void branch_fail(struct branch *b, int code, const char *text)
{
	struct mtp_error err = {code, text};

	while (b->queries)
		query_done(b->queries, &err, NULL);
}

/* -- answers -------------------------------------------------------------- */

static void branch_submit(struct branch *b);
static void branch_carry(struct branch *b);

static void query_failed(struct branch_query *q, const struct mtp_error *err)
{
	struct branch *b = q->branch;

	/* The connection went away to be made anew. */
	if (err->code == -ECANCELED && !b->account->closing &&
	    !(q->flags & MTP_CALL_NO_RESEND))
		return;
	/* That data centre has forgotten who we are: carried over once more. */
	if (err->code == 401 && !q->repeated &&
	    strcmp(err->text, "AUTH_KEY_UNREGISTERED") == 0) {
		q->repeated = true;
		if (b->state == BRANCH_READY)
			b->state = BRANCH_NEW;
		branch_carry(b);
		return;
	}
	query_done(q, err, NULL);
}

static void query_answered(const struct mtp_error *err, struct bytes answer,
			   void *arg)
{
	static const struct mtp_error unreadable = {500, "ANSWER_UNREADABLE"};
	struct branch_query *q = arg;
	struct tl_arena arena;
	struct tl_obj *o = NULL;
	struct rd r;

	q->under_way = false;
	if (err) {
		query_failed(q, err);
		return;
	}
	tl_arena_init(&arena);
	rd_init(&r, answer.p, answer.n);
	if (tl_read_result(&o, &arena, &r, q->fn)) {
		count_bad("telegram", "answer", tl_ctor_name(q->fn));
		query_done(q, &unreadable, NULL);
	} else {
		query_done(q, NULL, o);
	}
	tl_arena_clear(&arena);
}

static void branch_submit(struct branch *b)
{
	struct branch_query *next;

	for (struct branch_query *q = b->queries; q; q = next) {
		struct mtp_error err = {500, "INTERNAL"};

		next = q->next;
		if (q->under_way)
			continue;
		q->under_way = true;
		if (!connection_call(b->connection, buf_bytes(&q->bytes),
				     q->flags | MTP_CALL_NO_UPDATES,
				     query_answered, q))
			continue;
		q->under_way = false;
		query_done(q, &err, NULL);
	}
}

/* -- carrying the authorisation over -------------------------------------- */

static struct branch *branch_find(struct tg_account *a, int dc_id)
{
	struct branch *b = a->branches;

	while (b && b->dc_id != dc_id)
		b = b->next;
	return b;
}

/* Handlers get the data centre's number through a small object of their own,
 * for the branch may be gone when the answer comes. */
struct carrying {
	struct tg_account *account;
	int dc_id;
};

static void carry_failed(struct branch *b, const struct mtp_error *err)
{
	b->state = BRANCH_NEW;
	if (err->code == -ECANCELED && !b->account->closing)
		return; /* branches_pump() begins again */
	log_warn("telegram", b->name, "authorisation not carried over: %s",
		 err->text);
	branch_fail(b, err->code, err->text);
}

static void imported(const struct mtp_error *err, struct bytes answer,
		     void *arg)
{
	struct branch *b = arg;

	if (err) {
		carry_failed(b, err);
		return;
	}
	b->state = BRANCH_READY;
	b->carried = 0;
	branch_submit(b);
}

static void import(struct branch *b, const struct tl_obj *exported)
{
	struct bytes bytes =
		tl_bytes(exported, TL_auth_exportedAuthorization_bytes);
	struct tl_arena arena;
	struct tl_obj *q;
	struct buf out;
	int err;

	tl_arena_init(&arena);
	buf_init(&out);
	q = tl_new(&arena, TL_auth_importAuthorization);
	tl_set_long(q, TL_auth_importAuthorization_id,
		    tl_long(exported, TL_auth_exportedAuthorization_id));
	tl_set_bytes(q, TL_auth_importAuthorization_bytes, bytes.p, bytes.n);
	err = q ? tl_write(&out, q) : -ENOMEM;
	if (!err)
		err = connection_call(b->connection, buf_bytes(&out),
				      MTP_CALL_NO_UPDATES, imported, b);
	if (err)
		carry_failed(b, &(struct mtp_error){500, "INTERNAL"});
	bytes_wipe(out.p, out.n);
	buf_clear(&out);
	tl_arena_clear(&arena);
}

static void exported(const struct mtp_error *err, const struct tl_obj *answer,
		     void *arg)
{
	static const struct mtp_error unusable = {500,
						  "AUTHORIZATION_UNUSABLE"};
	struct carrying c = *(struct carrying *)arg;
	struct branch *b;

	free(arg);
	b = branch_find(c.account, c.dc_id);
	if (!b || b->state != BRANCH_CARRYING)
		return;
	if (!err && !tl_is(answer, TL_auth_exportedAuthorization))
		err = &unusable;
	if (err)
		carry_failed(b, err);
	else if (b->connection)
		import(b, answer);
	else
		b->state = BRANCH_NEW;
}

static void branch_carry(struct branch *b)
{
	struct carrying *c;
	struct tl_arena arena;
	struct tl_obj *q;
	int err = -ENOMEM;

	if (b->state != BRANCH_NEW)
		return;
	if (b->carried++ >= CARRIED_MAX) {
		b->carried = 0;
		branch_fail(b, 401, "AUTH_KEY_UNREGISTERED");
		return;
	}
	b->state = BRANCH_CARRYING;
	c = calloc(1, sizeof(*c));
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_auth_exportAuthorization);
	if (c && q) {
		*c = (struct carrying){b->account, b->dc_id};
		tl_set_int(q, TL_auth_exportAuthorization_dc_id, b->dc_id);
		err = tg_account_query(b->account, q, 0, exported, c);
	}
	tl_arena_clear(&arena);
	if (!err)
		return;
	free(c);
	carry_failed(b, &(struct mtp_error){500, "INTERNAL"});
}

/* -- the connection ------------------------------------------------------- */

static void on_event(enum mtp_event event, const char *text, void *arg)
{
	struct branch *b = arg;

	switch (event) {
	case MTP_EVENT_KEY_CREATED:
	case MTP_EVENT_SALT:
		b->auth = *connection_auth(b->connection);
		break;
	case MTP_EVENT_KEY_UNKNOWN:
		b->renew = true;
		account_wake(b->account);
		break;
	default:
		break;
	}
}

static int branch_connect(struct branch *b)
{
	struct tg_dc dcs[CONNECTION_ADDRESSES_MAX];
	struct connection_conf conf;
	int err;

	account_connection_conf(&conf, dcs, b->account, b->dc_id);
	conf.name = b->name;
	conf.auth = &b->auth;
	conf.event = on_event;
	conf.arg = b;
	err = connection_new(&b->connection, &conf);
	if (!err)
		connection_start(b->connection);
	return err;
}

static void branch_disconnect(struct branch *b)
{
	connection_free(&b->connection);
	if (b->state == BRANCH_CARRYING)
		b->state = BRANCH_NEW;
}

static int branch_new(struct branch **bp, struct tg_account *a, int dc_id)
{
	struct branch *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->account = a;
	b->dc_id = dc_id;
	b->queries_last = &b->queries;
	snprintf(b->name, sizeof(b->name), "%s dc %d", a->name, dc_id);
	b->next = a->branches;
	a->branches = b;
	*bp = b;
	return 0;
}

void branches_clear(struct tg_account *a, int code, const char *text)
{
	struct branch *b = a->branches;

	/* What a handler asks now is refused by the account's state. */
	a->branches = NULL;
	while (b) {
		struct branch *next = b->next;

		connection_free(&b->connection);
		branch_fail(b, code, text);
		bytes_wipe(b, sizeof(*b));
		free(b);
		b = next;
	}
}

/* -- for the account's timer ---------------------------------------------- */

static bool branch_idle(const struct branch *b)
{
	return b->connection && !b->queries && b->state != BRANCH_CARRYING;
}

void branches_pump(struct tg_account *a, usec_t now)
{
	for (struct branch *b = a->branches; b; b = b->next) {
		if (b->renew) {
			b->renew = false;
			bytes_wipe(&b->auth, sizeof(b->auth));
			b->state = BRANCH_NEW;
			branch_disconnect(b);
		}
		if (branch_idle(b) && now >= b->idle_since + IDLE)
			branch_disconnect(b);
		if (!b->queries)
			continue;
		if (!b->connection && branch_connect(b)) {
			branch_fail(b, 500, "no address of the data centre");
			continue;
		}
		if (b->state == BRANCH_NEW)
			branch_carry(b);
		else if (b->state == BRANCH_READY)
			branch_submit(b);
	}
}

usec_t branches_deadline(const struct tg_account *a)
{
	usec_t first = USEC_NEVER;

	for (const struct branch *b = a->branches; b; b = b->next) {
		if (b->renew || (b->queries && !b->connection) ||
		    (b->queries && b->state == BRANCH_NEW))
			return 0;
		if (branch_idle(b) && b->idle_since + IDLE < first)
			first = b->idle_since + IDLE;
	}
	return first;
}

/* -- asking --------------------------------------------------------------- */

int tg_account_query_dc(struct tg_account *a, int dc_id,
			const struct tl_obj *query, unsigned flags,
			tg_answer_h *done, void *arg)
{
	struct branch_query *q;
	struct branch *b;
	int err;

	if (dc_id == a->dc_id)
		return tg_account_query(a, query, flags, done, arg);
	if (a->closing || !a->started || !a->logged_in || a->end_wanted ||
	    tg_state_is_over(a->state))
		return -ENOTCONN;
	if (!query)
		return -ENOMEM;
	if (!query_permitted(a, query))
		return -EPERM;
	if (!account_has_address(a, dc_id))
		return -EHOSTUNREACH;
	b = branch_find(a, dc_id);
	if (!b) {
		err = branch_new(&b, a, dc_id);
		if (err)
			return err;
	}
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	err = tl_write(&q->bytes, query);
	if (err) {
		buf_clear(&q->bytes);
		free(q);
		return err;
	}
	q->branch = b;
	q->fn = query->no;
	q->flags = flags;
	q->done = done;
	q->arg = arg;
	*b->queries_last = q;
	b->queries_last = &q->next;
	if (b->connection && b->state == BRANCH_READY && !b->renew)
		branch_submit(b);
	account_wake(a);
	return 0;
}

int tg_migrate_dc(const struct mtp_error *err)
{
	int dc;

	if (!err || err->code != 303)
		return 0;
	if (sscanf(err->text, "FILE_MIGRATE_%d", &dc) != 1 &&
	    sscanf(err->text, "STATS_MIGRATE_%d", &dc) != 1)
		return 0;
	return dc > 0 && dc < 1000 ? dc : 0;
}
