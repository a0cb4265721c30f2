/* The schema as numbered steps; user_version is the number of steps done. A
 * step that has been in a release is never changed: add another. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/internal.h"

#define APPLICATION_ID 0x47724c6e /* "GrLn" */

static const char *const steps[] = {
	/* 1 */
	"CREATE TABLE facts ("
	" name TEXT PRIMARY KEY,"
	" value BLOB NOT NULL);"
	"CREATE TABLE sessions ("
	" name TEXT PRIMARY KEY,"
	" dc_id INTEGER NOT NULL,"
	" key_sealed BLOB NOT NULL,"
	" salt INTEGER NOT NULL,"
	" time_diff INTEGER NOT NULL,"
	" logged_in INTEGER NOT NULL,"
	" dead_reason TEXT NOT NULL,"
	" user_id INTEGER NOT NULL,"
	" phone TEXT NOT NULL,"
	" username TEXT NOT NULL,"
	" first_name TEXT NOT NULL,"
	" last_name TEXT NOT NULL,"
	" pts INTEGER NOT NULL,"
	" qts INTEGER NOT NULL,"
	" date INTEGER NOT NULL,"
	" seq INTEGER NOT NULL);"
	"CREATE TABLE peers ("
	" session TEXT NOT NULL,"
	" user_id INTEGER NOT NULL,"
	" access_hash INTEGER NOT NULL,"
	" phone TEXT NOT NULL,"
	" username TEXT NOT NULL COLLATE NOCASE,"
	" first_name TEXT NOT NULL,"
	" last_name TEXT NOT NULL,"
	" bot INTEGER NOT NULL,"
	" PRIMARY KEY (session, user_id)) WITHOUT ROWID;"
	"CREATE UNIQUE INDEX peers_username ON peers (session, username)"
	" WHERE username <> '';"
	"CREATE UNIQUE INDEX peers_phone ON peers (session, phone)"
	" WHERE phone <> '';"
	"CREATE TABLE calls ("
	" id TEXT NOT NULL UNIQUE,"
	" json TEXT NOT NULL);",
	/* 2 */
	"ALTER TABLE sessions ADD COLUMN dead_since INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE sessions ADD COLUMN"
	" frozen_since INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE peers ADD COLUMN met INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE peers ADD COLUMN told INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE aliases ("
	" session TEXT NOT NULL,"
	" value TEXT NOT NULL COLLATE NOCASE,"
	" user_id INTEGER NOT NULL,"
	" until INTEGER NOT NULL,"
	" PRIMARY KEY (session, value)) WITHOUT ROWID;"
	"CREATE INDEX aliases_user ON aliases (session, user_id);"
	"CREATE TABLE floods ("
	" session TEXT NOT NULL,"
	" line TEXT NOT NULL,"
	" why TEXT NOT NULL,"
	" until INTEGER NOT NULL,"
	" PRIMARY KEY (session, line)) WITHOUT ROWID;",
	/* 3 */
	"CREATE TABLE bans ("
	" address TEXT PRIMARY KEY,"
	" until INTEGER NOT NULL,"
	" times INTEGER NOT NULL,"
	" reason TEXT NOT NULL);",
	/* 4 */
	"CREATE TABLE trunks ("
	" name TEXT PRIMARY KEY,"
	" owner TEXT NOT NULL,"
	" enabled INTEGER NOT NULL,"
	" lines INTEGER NOT NULL,"
	" subscription TEXT NOT NULL,"
	" settings TEXT NOT NULL,"
	" secrets_sealed BLOB NOT NULL);"
	"CREATE TABLE subscriptions ("
	" name TEXT PRIMARY KEY,"
	" until INTEGER NOT NULL,"
	" lines INTEGER NOT NULL,"
	" seconds INTEGER NOT NULL,"
	" fails INTEGER NOT NULL,"
	" seconds_used INTEGER NOT NULL);"
	"CREATE TABLE failed_calls ("
	" subscription TEXT NOT NULL,"
	" at INTEGER NOT NULL);"
	"CREATE INDEX failed_calls_at ON failed_calls (subscription, at);",
	/* 5 */
	"CREATE TABLE alerts ("
	" id INTEGER PRIMARY KEY,"
	" kind TEXT NOT NULL,"
	" object TEXT NOT NULL,"
	" since INTEGER NOT NULL,"
	" last INTEGER NOT NULL,"
	" cleared INTEGER NOT NULL,"
	" until INTEGER NOT NULL,"
	" code INTEGER NOT NULL,"
	" reason TEXT NOT NULL,"
	" count INTEGER NOT NULL,"
	" acknowledged INTEGER NOT NULL);",
};

int schema_newest(void)
{
	return (int)(sizeof(steps) / sizeof(steps[0]));
}

static int step_run(struct db *db, int number)
{
	char done[64];
	int err;

	snprintf(done, sizeof(done), "PRAGMA user_version = %d", number);
	err = db_exec(db, "BEGIN IMMEDIATE");
	if (err)
		return err;
	err = db_exec(db, steps[number - 1]);
	if (!err)
		err = db_exec(db, done);
	if (!err)
		err = db_exec(db, "COMMIT");
	if (err)
		(void)db_exec(db, "ROLLBACK");
	return err;
}

static int owner_check(struct db *db, const char **why)
{
	int64_t id = db_pragma(db, "PRAGMA application_id");
	int64_t tables = db_pragma(db, "SELECT count(*) FROM sqlite_schema");
	char sql[64];

	if (id == APPLICATION_ID)
		return 0;
	if (id != 0 || tables != 0) {
		*why = "the store's file is another program's database";
		return -EIO;
	}
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d",
		 APPLICATION_ID);
	return db_exec(db, sql);
}

static bool is_sound(struct db *db)
{
	sqlite3_stmt *st = NULL;
	bool sound = false;

	if (sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &st,
			       NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		const void *text = sqlite3_column_text(st, 0);

		sound = text && strcmp(text, "ok") == 0;
	}
	sqlite3_finalize(st);
	return sound;
}

int schema_migrate(struct db *db, const char **why)
{
	int64_t version = db_pragma(db, "PRAGMA user_version");
	int err;

	*why = "the store's file cannot be read";
	if (version < 0)
		return (int)version;
	if (version > schema_newest()) {
		*why = "the store was written by a newer version";
		return -ENOTSUP;
	}
	err = owner_check(db, why);
	if (err)
		return err;
	if (!is_sound(db)) {
		*why = "the store's file is damaged";
		return -EIO;
	}
	err = db_exec(db, "PRAGMA journal_mode = WAL");
	if (!err)
		err = db_exec(db, "PRAGMA synchronous = NORMAL");
	for (int n = (int)version + 1; !err && n <= schema_newest(); n++)
		err = step_run(db, n);
	if (err)
		*why = db_error_text(sqlite3_errcode(db->handle));
	return err;
}
