#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/internal.h"

#define COLUMNS                                                                \
	"name, dc_id, key_sealed, salt, time_diff, logged_in, dead_reason,"    \
	" user_id, phone, username, first_name, last_name, pts, qts, date, "   \
	"seq, dead_since, frozen_since"

static int session_apply(struct db *db, const void *row)
{
	const struct store_session *v = row;
	sqlite3_stmt *st = db_statement(
		db,
		"INSERT INTO sessions (" COLUMNS ") VALUES (?1, ?2, ?3,"
		" ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
		" ?16, ?17, ?18) ON CONFLICT (name) DO UPDATE SET dc_id = ?2,"
		" key_sealed = ?3, salt = ?4, time_diff = ?5,"
		" logged_in = ?6, dead_reason = ?7, user_id = ?8,"
		" phone = ?9, username = ?10, first_name = ?11,"
		" last_name = ?12, pts = ?13, qts = ?14, date = ?15,"
		" seq = ?16, dead_since = ?17, frozen_since = ?18");

	db_bind_text(st, 1, v->name);
	sqlite3_bind_int(st, 2, v->dc_id);
	sqlite3_bind_blob64(st, 3, v->key_sealed, v->key_sealed_n,
			    SQLITE_STATIC);
	sqlite3_bind_int64(st, 4, v->salt);
	sqlite3_bind_int(st, 5, v->time_diff);
	sqlite3_bind_int(st, 6, v->logged_in);
	db_bind_text(st, 7, v->dead_reason);
	sqlite3_bind_int64(st, 8, v->user_id);
	db_bind_text(st, 9, v->phone);
	db_bind_text(st, 10, v->username);
	db_bind_text(st, 11, v->first_name);
	db_bind_text(st, 12, v->last_name);
	sqlite3_bind_int(st, 13, v->pts);
	sqlite3_bind_int(st, 14, v->qts);
	sqlite3_bind_int(st, 15, v->date);
	sqlite3_bind_int(st, 16, v->seq);
	sqlite3_bind_int64(st, 17, v->dead_since);
	sqlite3_bind_int64(st, 18, v->frozen_since);
	return db_run(st);
}

static int session_read(sqlite3_stmt *st, struct store_session *v)
{
	int n = sqlite3_column_bytes(st, 2);

	memset(v, 0, sizeof(*v));
	if (n < 0 || (size_t)n > sizeof(v->key_sealed))
		return -EIO;
	db_read_text(st, 0, v->name, sizeof(v->name));
	v->dc_id = sqlite3_column_int(st, 1);
	if (n > 0)
		memcpy(v->key_sealed, sqlite3_column_blob(st, 2), (size_t)n);
	v->key_sealed_n = (size_t)n;
	v->salt = sqlite3_column_int64(st, 3);
	v->time_diff = sqlite3_column_int(st, 4);
	v->logged_in = sqlite3_column_int(st, 5) != 0;
	db_read_text(st, 6, v->dead_reason, sizeof(v->dead_reason));
	v->user_id = sqlite3_column_int64(st, 7);
	db_read_text(st, 8, v->phone, sizeof(v->phone));
	db_read_text(st, 9, v->username, sizeof(v->username));
	db_read_text(st, 10, v->first_name, sizeof(v->first_name));
	db_read_text(st, 11, v->last_name, sizeof(v->last_name));
	v->pts = sqlite3_column_int(st, 12);
	v->qts = sqlite3_column_int(st, 13);
	v->date = sqlite3_column_int(st, 14);
	v->seq = sqlite3_column_int(st, 15);
	v->dead_since = sqlite3_column_int64(st, 16);
	v->frozen_since = sqlite3_column_int64(st, 17);
	return 0;
}

int store_session_put(struct store *s, const struct store_session *v)
{
	if (!*v->name || v->key_sealed_n > sizeof(v->key_sealed))
		return -EINVAL;
	return writer_put(s->writer, STORE_SESSIONS, session_apply, v,
			  sizeof(*v));
}

int store_session_get(struct store *s, const char *name,
		      struct store_session *v)
{
	sqlite3_stmt *st = NULL;
	int err = store_read_begin(s, STORE_SESSIONS);

	if (err)
		goto out;
	st = db_statement(&s->reader,
			  "SELECT " COLUMNS " FROM sessions WHERE name = ?");
	db_bind_text(st, 1, name);
	err = db_step(st);
	if (err > 0)
		err = session_read(st, v);
	else if (err == 0)
		err = -ENOENT;
out:
	store_read_end(s, st);
	return err;
}

/* -- update state ---------------------------------------------------------- */

struct updates_row {
	char name[64];
	int32_t pts, qts, date, seq;
};

static int updates_apply(struct db *db, const void *row)
{
	const struct updates_row *u = row;
	sqlite3_stmt *st =
		db_statement(db, "UPDATE sessions SET pts = ?, qts = ?,"
				 " date = ?, seq = ? WHERE name = ?");

	sqlite3_bind_int(st, 1, u->pts);
	sqlite3_bind_int(st, 2, u->qts);
	sqlite3_bind_int(st, 3, u->date);
	sqlite3_bind_int(st, 4, u->seq);
	db_bind_text(st, 5, u->name);
	return db_run(st);
}

int store_session_updates(struct store *s, const char *name, int32_t pts,
			  int32_t qts, int32_t date, int32_t seq)
{
	struct updates_row u = {
		.pts = pts, .qts = qts, .date = date, .seq = seq};

	if (strlen(name) >= sizeof(u.name))
		return -EINVAL;
	strcpy(u.name, name);
	return writer_put(s->writer, STORE_SESSIONS, updates_apply, &u,
			  sizeof(u));
}

/* -- all ------------------------------------------------------------------- */

/* The names first: the callback may use the store, which must not be in the
 * middle of reading then. */
static int names_read(struct store *s, struct buf *names)
{
	sqlite3_stmt *st = NULL;
	int err = store_read_begin(s, STORE_SESSIONS);

	if (err)
		goto out;
	st = db_statement(&s->reader,
			  "SELECT name FROM sessions ORDER BY name");
	while ((err = db_step(st)) > 0) {
		char name[64];

		db_read_text(st, 0, name, sizeof(name));
		buf_put(names, name, sizeof(name));
	}
	if (!err && names->bad)
		err = -ENOMEM;
out:
	store_read_end(s, st);
	return err;
}

int store_session_each(struct store *s,
		       void (*each)(const struct store_session *v, void *arg),
		       void *arg)
{
	struct store_session v;
	struct buf names;
	int err;

	buf_init(&names);
	err = names_read(s, &names);
	for (size_t at = 0; !err && at < names.n; at += sizeof(v.name)) {
		err = store_session_get(s, (const char *)names.p + at, &v);
		if (!err)
			each(&v, arg);
		else if (err == -ENOENT) /* removed by the callback */
			err = 0;
	}
	bytes_wipe(&v, sizeof(v));
	buf_clear(&names);
	return err;
}

static int remove_apply(struct db *db, const void *row)
{
	const char *name = row;
	sqlite3_stmt *st;
	int err;

	st = db_statement(db, "DELETE FROM peers WHERE session = ?");
	db_bind_text(st, 1, name);
	err = db_run(st);
	if (err)
		return err;
	st = db_statement(db, "DELETE FROM aliases WHERE session = ?");
	db_bind_text(st, 1, name);
	err = db_run(st);
	if (err)
		return err;
	st = db_statement(db, "DELETE FROM floods WHERE session = ?");
	db_bind_text(st, 1, name);
	err = db_run(st);
	if (err)
		return err;
	st = db_statement(db, "DELETE FROM sessions WHERE name = ?");
	db_bind_text(st, 1, name);
	return db_run(st);
}

int store_session_remove(struct store *s, const char *name)
{
	return writer_put(s->writer, STORE_SESSIONS | STORE_PEERS, remove_apply,
			  name, strlen(name) + 1);
}
