/* Aliases: which number or name has led to which peer, and until when that may
 * be believed. */
#include <errno.h>
#include <string.h>

#include "store/internal.h"

struct alias_row {
	char session[64], value[64];
	int64_t user_id, until, now;
};

static int alias_apply(struct db *db, const void *row)
{
	const struct alias_row *r = row;
	sqlite3_stmt *st;
	int err;

	st = db_statement(db, "DELETE FROM aliases WHERE session = ?1"
			      " AND until <= ?2");
	db_bind_text(st, 1, r->session);
	sqlite3_bind_int64(st, 2, r->now);
	err = db_run(st);
	if (err)
		return err;
	st = db_statement(db, "INSERT INTO aliases (session, value, user_id,"
			      " until) VALUES (?1, ?2, ?3, ?4)"
			      " ON CONFLICT (session, value) DO UPDATE SET"
			      " user_id = ?3, until = ?4");
	db_bind_text(st, 1, r->session);
	db_bind_text(st, 2, r->value);
	sqlite3_bind_int64(st, 3, r->user_id);
	sqlite3_bind_int64(st, 4, r->until);
	return db_run(st);
}

int store_alias_put(struct store *s, const char *session, const char *value,
		    int64_t user_id, int64_t until, int64_t now)
{
	struct alias_row r = {.user_id = user_id, .until = until, .now = now};

	if (strlen(session) >= sizeof(r.session) || !*value ||
	    strlen(value) >= sizeof(r.value))
		return -EINVAL;
	strcpy(r.session, session);
	strcpy(r.value, value);
	return writer_put(s->writer, STORE_PEERS, alias_apply, &r, sizeof(r));
}

int store_peer_by_alias(struct store *s, const char *session, const char *value,
			int64_t now, struct store_peer *p)
{
	sqlite3_stmt *st = NULL;
	int64_t id = 0;
	int err = store_read_begin(s, STORE_PEERS);

	if (!err) {
		st = db_statement(&s->reader,
				  "SELECT user_id FROM aliases WHERE"
				  " session = ? AND value = ? AND until > ?");
		db_bind_text(st, 1, session);
		db_bind_text(st, 2, value);
		sqlite3_bind_int64(st, 3, now);
		err = db_step(st);
		if (err > 0)
			id = sqlite3_column_int64(st, 0);
	}
	store_read_end(s, st);
	if (err < 0)
		return err;
	return id ? store_peer_by_id(s, session, id, p) : -ENOENT;
}

static int forget_apply(struct db *db, const void *row)
{
	const struct alias_row *r = row;
	bool gone = r->until;
	sqlite3_stmt *st;
	int err;

	st = db_statement(db, "DELETE FROM aliases WHERE session = ?1"
			      " AND user_id = ?2");
	db_bind_text(st, 1, r->session);
	sqlite3_bind_int64(st, 2, r->user_id);
	err = db_run(st);
	if (err)
		return err;
	st = gone ? db_statement(db, "DELETE FROM peers WHERE session = ?1"
				     " AND user_id = ?2")
		  : db_statement(db, "UPDATE peers SET told = 0 WHERE"
				     " session = ?1 AND user_id = ?2");
	db_bind_text(st, 1, r->session);
	sqlite3_bind_int64(st, 2, r->user_id);
	return db_run(st);
}

int store_peer_forget(struct store *s, const char *session, int64_t id,
		      bool gone)
{
	struct alias_row r = {.user_id = id, .until = gone};

	if (strlen(session) >= sizeof(r.session))
		return -EINVAL;
	strcpy(r.session, session);
	return writer_put(s->writer, STORE_PEERS, forget_apply, &r, sizeof(r));
}
