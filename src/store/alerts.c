/* Alerts, open and past. */
#include <errno.h>
#include <string.h>

#include "store/internal.h"

static int put_apply(struct db *db, const void *row)
{
	const struct store_alert *a = row;
	sqlite3_stmt *st = db_statement(
		db, "INSERT OR REPLACE INTO alerts (id, kind, object, since,"
		    " last, cleared, until, code, reason, count, acknowledged)"
		    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

	sqlite3_bind_int64(st, 1, a->id);
	db_bind_text(st, 2, a->kind);
	db_bind_text(st, 3, a->object);
	sqlite3_bind_int64(st, 4, a->since);
	sqlite3_bind_int64(st, 5, a->last);
	sqlite3_bind_int64(st, 6, a->cleared);
	sqlite3_bind_int64(st, 7, a->until);
	sqlite3_bind_int64(st, 8, a->code);
	db_bind_text(st, 9, a->reason);
	sqlite3_bind_int64(st, 10, a->count);
	sqlite3_bind_int64(st, 11, a->acknowledged);
	return db_run(st);
}

int store_alert_put(struct store *s, const struct store_alert *alert)
{
	return writer_put(s->writer, STORE_ALERTS, put_apply, alert,
			  sizeof(*alert));
}

static int remove_apply(struct db *db, const void *row)
{
	sqlite3_stmt *st = db_statement(db, "DELETE FROM alerts WHERE id = ?");
	int64_t id;

	memcpy(&id, row, sizeof(id));
	sqlite3_bind_int64(st, 1, id);
	return db_run(st);
}

int store_alert_remove(struct store *s, int64_t id)
{
	return writer_put(s->writer, STORE_ALERTS, remove_apply, &id,
			  sizeof(id));
}

static void alert_read(struct store_alert *a, sqlite3_stmt *st)
{
	memset(a, 0, sizeof(*a));
	a->id = sqlite3_column_int64(st, 0);
	db_read_text(st, 1, a->kind, sizeof(a->kind));
	db_read_text(st, 2, a->object, sizeof(a->object));
	a->since = sqlite3_column_int64(st, 3);
	a->last = sqlite3_column_int64(st, 4);
	a->cleared = sqlite3_column_int64(st, 5);
	a->until = sqlite3_column_int64(st, 6);
	a->code = sqlite3_column_int(st, 7);
	db_read_text(st, 8, a->reason, sizeof(a->reason));
	a->count = sqlite3_column_int64(st, 9);
	a->acknowledged = sqlite3_column_int(st, 10) != 0;
}

int store_alert_each(struct store *s,
		     void (*each)(const struct store_alert *alert, void *arg),
		     void *arg)
{
	sqlite3_stmt *st = NULL;
	int err = store_read_begin(s, STORE_ALERTS);
	struct store_alert a;

	if (!err) {
		st = db_statement(&s->reader,
				  "SELECT id, kind, object, since, last,"
				  " cleared, until, code, reason, count,"
				  " acknowledged FROM alerts ORDER BY id");
		while ((err = db_step(st)) > 0) {
			alert_read(&a, st);
			each(&a, arg);
		}
	}
	store_read_end(s, st);
	return err;
}
