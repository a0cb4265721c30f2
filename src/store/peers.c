/* Peers: what an account knows of users. A username or a phone number belongs
 * to one user at a time; whoever shows it last has it.
 */
#include <errno.h>
#include <string.h>

#include "store/internal.h"

#define COLUMNS                                                                \
	"session, user_id, access_hash, phone, username, first_name,"          \
	" last_name, bot, met, told"
#define INSERT                                                                 \
	"INSERT INTO peers (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,"  \
	" ?8, ?9, ?10) ON CONFLICT (session, user_id) DO UPDATE SET"           \
	" met = max(met, ?9), "
#define KNOWN(column, new)                                                     \
	column " = CASE " new " WHEN '' THEN " column " ELSE " new " END"

struct peer_row {
	char session[64];
	struct store_peer p;
};

static int taken_away(struct db *db, const struct peer_row *r, const char *sql,
		      const char *value)
{
	sqlite3_stmt *st;

	if (!*value)
		return 0;
	st = db_statement(db, sql);
	db_bind_text(st, 1, r->session);
	db_bind_text(st, 2, value);
	sqlite3_bind_int64(st, 3, r->p.user_id);
	return db_run(st);
}

static int peer_apply(struct db *db, const void *row)
{
	const struct peer_row *r = row;
	const struct store_peer *p = &r->p;
	sqlite3_stmt *st;
	int err;

	err = taken_away(db, r,
			 "UPDATE peers SET username = '' WHERE session = ?1"
			 " AND username = ?2 AND username <> ''"
			 " AND user_id <> ?3",
			 p->username);
	if (!err)
		err = taken_away(db, r,
				 "UPDATE peers SET phone = ''"
				 " WHERE session = ?1 AND phone = ?2"
				 " AND phone <> '' AND user_id <> ?3",
				 p->phone);
	if (err)
		return err;
	if (p->access_hash)
		st = db_statement(db, INSERT
				  "access_hash = ?3, phone = ?4, username = ?5,"
				  " first_name = ?6, last_name = ?7, bot = ?8,"
				  " told = ?10");
	else
		st = db_statement(
			db,
			INSERT KNOWN("phone", "?4") ", " KNOWN(
				"username",
				"?5") ", " KNOWN("first_name",
						 "?6") ", " KNOWN("last_name",
								  "?7") ", bot "
									"= ?8");
	db_bind_text(st, 1, r->session);
	sqlite3_bind_int64(st, 2, p->user_id);
	sqlite3_bind_int64(st, 3, p->access_hash);
	db_bind_text(st, 4, p->phone);
	db_bind_text(st, 5, p->username);
	db_bind_text(st, 6, p->first_name);
	db_bind_text(st, 7, p->last_name);
	sqlite3_bind_int(st, 8, p->bot);
	sqlite3_bind_int(st, 9, p->met);
	sqlite3_bind_int64(st, 10, p->told);
	return db_run(st);
}

int store_peer_put(struct store *s, const char *session,
		   const struct store_peer *p)
{
	struct peer_row r = {.p = *p};

	if (strlen(session) >= sizeof(r.session))
		return -EINVAL;
	strcpy(r.session, session);
	return writer_put(s->writer, STORE_PEERS, peer_apply, &r, sizeof(r));
}

static int met_apply(struct db *db, const void *row)
{
	const struct peer_row *r = row;
	sqlite3_stmt *st = db_statement(db, "UPDATE peers SET met = 1 WHERE"
					    " session = ?1 AND user_id = ?2");

	db_bind_text(st, 1, r->session);
	sqlite3_bind_int64(st, 2, r->p.user_id);
	return db_run(st);
}

int store_peer_met(struct store *s, const char *session, int64_t id)
{
	struct peer_row r = {.p.user_id = id};

	if (strlen(session) >= sizeof(r.session))
		return -EINVAL;
	strcpy(r.session, session);
	return writer_put(s->writer, STORE_PEERS, met_apply, &r, sizeof(r));
}

/* st has one value bound besides the session. */
static int peer_read(sqlite3_stmt *st, const char *session,
		     struct store_peer *p)
{
	int found;

	db_bind_text(st, 1, session);
	found = db_step(st);
	if (found <= 0)
		return found < 0 ? found : -ENOENT;
	memset(p, 0, sizeof(*p));
	p->user_id = sqlite3_column_int64(st, 1);
	p->access_hash = sqlite3_column_int64(st, 2);
	db_read_text(st, 3, p->phone, sizeof(p->phone));
	db_read_text(st, 4, p->username, sizeof(p->username));
	db_read_text(st, 5, p->first_name, sizeof(p->first_name));
	db_read_text(st, 6, p->last_name, sizeof(p->last_name));
	p->bot = sqlite3_column_int(st, 7) != 0;
	p->met = sqlite3_column_int(st, 8) != 0;
	p->told = sqlite3_column_int64(st, 9);
	return 0;
}

int store_peer_by_id(struct store *s, const char *session, int64_t id,
		     struct store_peer *p)
{
	sqlite3_stmt *st = NULL;
	int err = store_read_begin(s, STORE_PEERS);

	if (!err) {
		st = db_statement(&s->reader,
				  "SELECT " COLUMNS " FROM peers"
				  " WHERE session = ? AND user_id = ?");
		sqlite3_bind_int64(st, 2, id);
		err = peer_read(st, session, p);
	}
	store_read_end(s, st);
	return err;
}

static int peer_by_text(struct store *s, const char *sql, const char *session,
			const char *value, struct store_peer *p)
{
	sqlite3_stmt *st = NULL;
	int err;

	if (!*value)
		return -ENOENT;
	err = store_read_begin(s, STORE_PEERS);
	if (!err) {
		st = db_statement(&s->reader, sql);
		db_bind_text(st, 2, value);
		err = peer_read(st, session, p);
	}
	store_read_end(s, st);
	return err;
}

int store_peer_by_username(struct store *s, const char *session,
			   const char *username, struct store_peer *p)
{
	return peer_by_text(s,
			    "SELECT " COLUMNS " FROM peers WHERE session = ?"
			    " AND username = ? AND username <> ''",
			    session, username, p);
}

int store_peer_by_phone(struct store *s, const char *session,
			const char *digits, struct store_peer *p)
{
	return peer_by_text(s,
			    "SELECT " COLUMNS " FROM peers WHERE session = ?"
			    " AND phone = ? AND phone <> ''",
			    session, digits, p);
}
