/* Banned addresses. */
#include <errno.h>
#include <string.h>

#include "store/internal.h"

static int put_apply(struct db *db, const void *row)
{
	const struct store_ban *ban = row;
	sqlite3_stmt *st = db_statement(
		db, "INSERT INTO bans (address, until, times, reason)"
		    " VALUES (?, ?, ?, ?) ON CONFLICT (address) DO UPDATE"
		    " SET until = excluded.until, times = excluded.times,"
		    " reason = excluded.reason");

	db_bind_text(st, 1, ban->address);
	sqlite3_bind_int64(st, 2, ban->until);
	sqlite3_bind_int64(st, 3, ban->times);
	db_bind_text(st, 4, ban->reason);
	return db_run(st);
}

int store_ban_put(struct store *s, const struct store_ban *ban)
{
	return writer_put(s->writer, STORE_BANS, put_apply, ban, sizeof(*ban));
}

static int remove_apply(struct db *db, const void *row)
{
	sqlite3_stmt *st =
		db_statement(db, "DELETE FROM bans WHERE address = ?");

	db_bind_text(st, 1, row);
	return db_run(st);
}

int store_ban_remove(struct store *s, const char *address)
{
	return writer_put(s->writer, STORE_BANS, remove_apply, address,
			  strlen(address) + 1);
}

static int expire_apply(struct db *db, const void *row)
{
	sqlite3_stmt *st =
		db_statement(db, "DELETE FROM bans WHERE until <= ?");
	int64_t now;

	memcpy(&now, row, sizeof(now));
	sqlite3_bind_int64(st, 1, now);
	return db_run(st);
}

/* All are read before the first callback, which may use the store. */
int store_ban_each(struct store *s, int64_t now,
		   void (*each)(const struct store_ban *ban, void *arg),
		   void *arg)
{
	sqlite3_stmt *st = NULL;
	struct store_ban ban;
	struct buf rows;
	int err = writer_put(s->writer, STORE_BANS, expire_apply, &now,
			     sizeof(now));

	buf_init(&rows);
	if (!err)
		err = store_read_begin(s, STORE_BANS);
	else
		return err;
	if (!err)
		st = db_statement(&s->reader,
				  "SELECT address, until, times, reason"
				  " FROM bans ORDER BY address");
	while (!err && (err = db_step(st)) > 0) {
		memset(&ban, 0, sizeof(ban));
		db_read_text(st, 0, ban.address, sizeof(ban.address));
		ban.until = sqlite3_column_int64(st, 1);
		ban.times = sqlite3_column_int64(st, 2);
		db_read_text(st, 3, ban.reason, sizeof(ban.reason));
		buf_put(&rows, &ban, sizeof(ban));
		err = 0;
	}
	store_read_end(s, st);
	if (!err && rows.bad)
		err = -ENOMEM;
	for (size_t at = 0; !err && at < rows.n; at += sizeof(ban)) {
		memcpy(&ban, rows.p + at, sizeof(ban));
		each(&ban, arg);
	}
	buf_clear(&rows);
	return err;
}
