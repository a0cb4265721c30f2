/* Closed gates: when an account may ask Telegram for something again. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/internal.h"

struct flood_row {
	char session[64], line[16], why[40];
	int64_t until, now;
};

static int flood_apply(struct db *db, const void *row)
{
	const struct flood_row *r = row;
	sqlite3_stmt *st;
	int err;

	st = db_statement(db, "DELETE FROM floods WHERE session = ?1"
			      " AND (line = ?2 OR until <= ?3)");
	db_bind_text(st, 1, r->session);
	db_bind_text(st, 2, r->line);
	sqlite3_bind_int64(st, 3, r->now);
	err = db_run(st);
	if (err || r->until <= r->now)
		return err;
	st = db_statement(db, "INSERT INTO floods (session, line, why, until)"
			      " VALUES (?1, ?2, ?3, ?4)");
	db_bind_text(st, 1, r->session);
	db_bind_text(st, 2, r->line);
	db_bind_text(st, 3, r->why);
	sqlite3_bind_int64(st, 4, r->until);
	return db_run(st);
}

int store_flood_put(struct store *s, const char *session, const char *line,
		    const char *why, int64_t until, int64_t now)
{
	struct flood_row r = {.until = until, .now = now};

	if (strlen(session) >= sizeof(r.session) ||
	    strlen(line) >= sizeof(r.line) || strlen(why) >= sizeof(r.why))
		return -EINVAL;
	strcpy(r.session, session);
	strcpy(r.line, line);
	strcpy(r.why, why);
	return writer_put(s->writer, STORE_SESSIONS, flood_apply, &r,
			  sizeof(r));
}

int store_flood_each(struct store *s, const char *session,
		     void (*each)(const char *line, const char *why,
				  int64_t until, void *arg),
		     void *arg)
{
	sqlite3_stmt *st = NULL;
	int err = store_read_begin(s, STORE_SESSIONS);
	struct flood_row r;

	if (err)
		goto out;
	st = db_statement(&s->reader, "SELECT line, why, until FROM floods"
				      " WHERE session = ? ORDER BY line");
	db_bind_text(st, 1, session);
	while ((err = db_step(st)) > 0) {
		db_read_text(st, 0, r.line, sizeof(r.line));
		db_read_text(st, 1, r.why, sizeof(r.why));
		each(r.line, r.why, sqlite3_column_int64(st, 2), arg);
	}
out:
	store_read_end(s, st);
	return err;
}
