/* Subscriptions, what has been used of them, and calls that failed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/internal.h"

#define COLUMNS "name, until, lines, seconds, fails, seconds_used"

static int put_apply(struct db *db, const void *row)
{
	const struct store_subscription *v = row;
	sqlite3_stmt *st = db_statement(
		db, "INSERT INTO subscriptions (" COLUMNS ")"
		    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
		    " ON CONFLICT (name) DO UPDATE SET until = ?2, lines = ?3,"
		    " seconds = ?4, fails = ?5, seconds_used = ?6");

	db_bind_text(st, 1, v->name);
	sqlite3_bind_int64(st, 2, v->until);
	sqlite3_bind_int64(st, 3, v->lines);
	sqlite3_bind_int64(st, 4, v->seconds);
	sqlite3_bind_int64(st, 5, v->fails);
	sqlite3_bind_int64(st, 6, v->seconds_used);
	return db_run(st);
}

int store_subscription_put(struct store *s, const struct store_subscription *v)
{
	return writer_put(s->writer, STORE_SUBSCRIPTIONS, put_apply, v,
			  sizeof(*v));
}

static int remove_apply(struct db *db, const void *row)
{
	sqlite3_stmt *st = db_statement(
		db, "DELETE FROM failed_calls WHERE subscription = ?");
	int err;

	db_bind_text(st, 1, row);
	err = db_run(st);
	if (err)
		return err;
	st = db_statement(db, "DELETE FROM subscriptions WHERE name = ?");
	db_bind_text(st, 1, row);
	return db_run(st);
}

int store_subscription_remove(struct store *s, const char *name)
{
	return writer_put(s->writer, STORE_SUBSCRIPTIONS, remove_apply, name,
			  strlen(name) + 1);
}

static void subscription_read(sqlite3_stmt *st, struct store_subscription *v)
{
	memset(v, 0, sizeof(*v));
	db_read_text(st, 0, v->name, sizeof(v->name));
	v->until = sqlite3_column_int64(st, 1);
	v->lines = sqlite3_column_int64(st, 2);
	v->seconds = sqlite3_column_int64(st, 3);
	v->fails = sqlite3_column_int64(st, 4);
	v->seconds_used = sqlite3_column_int64(st, 5);
}

int store_subscription_get(struct store *s, const char *name,
			   struct store_subscription *v)
{
	int err = store_read_begin(s, STORE_SUBSCRIPTIONS);
	sqlite3_stmt *st = NULL;

	if (!err) {
		st = db_statement(&s->reader,
				  "SELECT " COLUMNS
				  " FROM subscriptions WHERE name = ?");
		db_bind_text(st, 1, name);
		err = db_step(st);
		if (err > 0)
			subscription_read(st, v);
		err = err > 0 ? 0 : err ? err : -ENOENT;
	}
	store_read_end(s, st);
	return err;
}

/* All are read before the first callback, which may use the store. */
int store_subscription_each(struct store *s,
			    void (*each)(const struct store_subscription *v,
					 void *arg),
			    void *arg)
{
	int err = store_read_begin(s, STORE_SUBSCRIPTIONS);
	struct store_subscription v;
	sqlite3_stmt *st = NULL;
	struct buf rows;

	buf_init(&rows);
	if (!err)
		st = db_statement(&s->reader,
				  "SELECT " COLUMNS
				  " FROM subscriptions ORDER BY name");
	while (!err && (err = db_step(st)) > 0) {
		subscription_read(st, &v);
		buf_put(&rows, &v, sizeof(v));
		err = 0;
	}
	store_read_end(s, st);
	if (!err && rows.bad)
		err = -ENOMEM;
	for (size_t at = 0; !err && at < rows.n; at += sizeof(v)) {
		memcpy(&v, rows.p + at, sizeof(v));
		each(&v, arg);
	}
	buf_clear(&rows);
	return err;
}

/* -- use ----------------------------------------------------------------------
 */

struct use {
	char subscription[64];
	int64_t n;     /* seconds, or Unix time of a failure */
	int64_t since; /* failures before are forgotten */
};

static int use_apply(struct db *db, const void *row)
{
	const struct use *u = row;
	sqlite3_stmt *st =
		db_statement(db, "UPDATE subscriptions SET seconds_used ="
				 " seconds_used + ? WHERE name = ?");

	sqlite3_bind_int64(st, 1, u->n);
	db_bind_text(st, 2, u->subscription);
	return db_run(st);
}

int store_subscription_use(struct store *s, const char *name, int64_t seconds)
{
	struct use u = {.n = seconds};

	snprintf(u.subscription, sizeof(u.subscription), "%s", name);
	return writer_put(s->writer, STORE_SUBSCRIPTIONS, use_apply, &u,
			  sizeof(u));
}

static int fail_apply(struct db *db, const void *row)
{
	const struct use *u = row;
	sqlite3_stmt *st =
		db_statement(db, "DELETE FROM failed_calls"
				 " WHERE subscription = ? AND at < ?");
	int err;

	db_bind_text(st, 1, u->subscription);
	sqlite3_bind_int64(st, 2, u->since);
	err = db_run(st);
	if (err)
		return err;
	st = db_statement(db, "INSERT INTO failed_calls (subscription, at)"
			      " VALUES (?, ?)");
	db_bind_text(st, 1, u->subscription);
	sqlite3_bind_int64(st, 2, u->n);
	return db_run(st);
}

int store_fail_put(struct store *s, const char *subscription, int64_t at,
		   int64_t since)
{
	struct use u = {.n = at, .since = since};

	snprintf(u.subscription, sizeof(u.subscription), "%s", subscription);
	return writer_put(s->writer, STORE_SUBSCRIPTIONS, fail_apply, &u,
			  sizeof(u));
}

int store_fails(struct store *s, const char *subscription, int64_t since,
		int64_t *n)
{
	int err = store_read_begin(s, STORE_SUBSCRIPTIONS);
	sqlite3_stmt *st = NULL;

	if (!err) {
		st = db_statement(&s->reader,
				  "SELECT count(*) FROM failed_calls"
				  " WHERE subscription = ? AND at >= ?");
		db_bind_text(st, 1, subscription);
		sqlite3_bind_int64(st, 2, since);
		err = db_step(st);
		if (err > 0)
			*n = sqlite3_column_int64(st, 0);
		err = err > 0 ? 0 : err ? err : -EIO;
	}
	store_read_end(s, st);
	return err;
}
