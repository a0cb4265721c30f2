/* Trunks made by command. */
#include <errno.h>
#include <string.h>

#include "store/internal.h"

static int put_apply(struct db *db, const void *row)
{
	const struct store_trunk *t = row;
	sqlite3_stmt *st = db_statement(
		db, "INSERT INTO trunks (name, owner, enabled, lines,"
		    " subscription, settings, secrets_sealed)"
		    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
		    " ON CONFLICT (name) DO UPDATE SET owner = ?2,"
		    " enabled = ?3, lines = ?4, subscription = ?5,"
		    " settings = ?6, secrets_sealed = ?7");

	db_bind_text(st, 1, t->name);
	db_bind_text(st, 2, t->owner);
	sqlite3_bind_int(st, 3, t->enabled);
	sqlite3_bind_int64(st, 4, t->lines);
	db_bind_text(st, 5, t->subscription);
	db_bind_text(st, 6, t->settings);
	sqlite3_bind_blob64(st, 7, t->secrets, t->secrets_n, SQLITE_STATIC);
	return db_run(st);
}

int store_trunk_put(struct store *s, const struct store_trunk *t)
{
	if (!*t->name || t->secrets_n > sizeof(t->secrets))
		return -EINVAL;
	return writer_put(s->writer, STORE_TRUNKS, put_apply, t, sizeof(*t));
}

static int remove_apply(struct db *db, const void *row)
{
	sqlite3_stmt *st =
		db_statement(db, "DELETE FROM trunks WHERE name = ?");

	db_bind_text(st, 1, row);
	return db_run(st);
}

int store_trunk_remove(struct store *s, const char *name)
{
	return writer_put(s->writer, STORE_TRUNKS, remove_apply, name,
			  strlen(name) + 1);
}

static int trunk_read(sqlite3_stmt *st, struct store_trunk *t)
{
	int n = sqlite3_column_bytes(st, 6);

	memset(t, 0, sizeof(*t));
	if (n < 0 || (size_t)n > sizeof(t->secrets))
		return -EIO;
	db_read_text(st, 0, t->name, sizeof(t->name));
	db_read_text(st, 1, t->owner, sizeof(t->owner));
	t->enabled = sqlite3_column_int(st, 2) != 0;
	t->lines = sqlite3_column_int64(st, 3);
	db_read_text(st, 4, t->subscription, sizeof(t->subscription));
	db_read_text(st, 5, t->settings, sizeof(t->settings));
	if (n > 0)
		memcpy(t->secrets, sqlite3_column_blob(st, 6), (size_t)n);
	t->secrets_n = (size_t)n;
	return 0;
}

/* All are read before the first callback, which may use the store. */
int store_trunk_each(struct store *s,
		     void (*each)(const struct store_trunk *t, void *arg),
		     void *arg)
{
	int err = store_read_begin(s, STORE_TRUNKS);
	sqlite3_stmt *st = NULL;
	struct store_trunk t;
	struct buf rows;

	buf_init(&rows);
	if (!err)
		st = db_statement(
			&s->reader,
			"SELECT name, owner, enabled, lines, subscription,"
			" settings, secrets_sealed FROM trunks ORDER BY name");
	while (!err && (err = db_step(st)) > 0) {
		err = trunk_read(st, &t);
		buf_put(&rows, &t, sizeof(t));
	}
	store_read_end(s, st);
	if (!err && rows.bad)
		err = -ENOMEM;
	for (size_t at = 0; !err && at < rows.n; at += sizeof(t)) {
		memcpy(&t, rows.p + at, sizeof(t));
		each(&t, arg);
	}
	buf_clear(&rows);
	return err;
}
