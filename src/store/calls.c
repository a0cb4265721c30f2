/* Calls in progress. A row carries its id and its text, a NUL behind each. */
#include <errno.h>
#include <string.h>

#include "store/internal.h"

static int put_apply(struct db *db, const void *row)
{
	const char *id = row, *json = id + strlen(id) + 1;
	sqlite3_stmt *st = db_statement(
		db, "INSERT INTO calls (id, json) VALUES (?, ?)"
		    " ON CONFLICT (id) DO UPDATE SET json = excluded.json");

	db_bind_text(st, 1, id);
	db_bind_text(st, 2, json);
	return db_run(st);
}

int store_call_put(struct store *s, const char *call_id, const char *json)
{
	struct buf row;
	int err;

	buf_init(&row);
	buf_put(&row, call_id, strlen(call_id) + 1);
	buf_put(&row, json, strlen(json) + 1);
	err = row.bad ? -ENOMEM
		      : writer_put(s->writer, STORE_CALLS, put_apply, row.p,
				   row.n);
	buf_clear(&row);
	return err;
}

static int remove_apply(struct db *db, const void *row)
{
	sqlite3_stmt *st = db_statement(db, "DELETE FROM calls WHERE id = ?");

	db_bind_text(st, 1, row);
	return db_run(st);
}

int store_call_remove(struct store *s, const char *call_id)
{
	return writer_put(s->writer, STORE_CALLS, remove_apply, call_id,
			  strlen(call_id) + 1);
}

static int calls_read(struct store *s, struct buf *rows)
{
	sqlite3_stmt *st = NULL;
	int err = store_read_begin(s, STORE_CALLS);

	if (err)
		goto out;
	st = db_statement(&s->reader,
			  "SELECT id, json FROM calls ORDER BY rowid");
	while ((err = db_step(st)) > 0)
		for (int i = 0; i < 2; i++) {
			const void *text = sqlite3_column_text(st, i);

			buf_str(rows, text ? text : "");
			buf_u8(rows, 0);
		}
	if (!err && rows->bad)
		err = -ENOMEM;
out:
	store_read_end(s, st);
	return err;
}

/* All are read before the first callback, which may use the store. */
int store_call_each(struct store *s,
		    void (*each)(const char *call_id, const char *json,
				 void *arg),
		    void *arg)
{
	struct buf rows;
	size_t at = 0;
	int err;

	buf_init(&rows);
	err = calls_read(s, &rows);
	while (!err && at < rows.n) {
		const char *id = (const char *)rows.p + at;
		const char *json = id + strlen(id) + 1;

		at += strlen(id) + strlen(json) + 2;
		each(id, json, arg);
	}
	buf_clear(&rows);
	return err;
}
