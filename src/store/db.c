/* SQLite, as much of it as the store needs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/internal.h"

#define BUSY_TIMEOUT_MS 5000

int db_error(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
		return -EINVAL;
	default:
		return -EIO;
	}
}

const char *db_error_text(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_NOTADB:
		return "the store's file is not a database";
	case SQLITE_CORRUPT:
		return "the store's file is damaged";
	case SQLITE_FULL:
		return "no room on the disk for the store";
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return "the store is locked by another program";
	case SQLITE_NOMEM:
		return "out of memory";
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_AUTH:
		return "the store's file or folder cannot be opened or written";
	default:
		return "the store's file cannot be read or written";
	}
}

int db_open(struct db *db, const char *path, const char **why)
{
	int rc;

	memset(db, 0, sizeof(*db));
	rc = sqlite3_open_v2(path, &db->handle,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
				     SQLITE_OPEN_PRIVATECACHE,
			     NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
	/* The rows are small and few at a time: 256 KiB hold what is hot. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->handle, "PRAGMA cache_size = -256", NULL,
				  NULL, NULL);
	/* The first look at the file: SQLite opens lazily. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->handle, "PRAGMA schema_version", NULL,
				  NULL, NULL);
	if (rc != SQLITE_OK) {
		*why = db_error_text(rc);
		db_close(db);
		return db_error(rc);
	}
	return 0;
}

void db_close(struct db *db)
{
	for (size_t i = 0; i < db->cache_n; i++)
		sqlite3_finalize(db->cache[i].st);
	db->cache_n = 0;
	sqlite3_close(db->handle);
	db->handle = NULL;
}

int db_exec(struct db *db, const char *sql)
{
	return db_error(sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

sqlite3_stmt *db_statement(struct db *db, const char *sql)
{
	sqlite3_stmt *st = NULL;

	for (size_t i = 0; i < db->cache_n; i++)
		if (db->cache[i].sql == sql)
			return db->cache[i].st;
	if (db->cache_n == DB_STATEMENTS_MAX ||
	    sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
			       &st, NULL) != SQLITE_OK)
		return NULL;
	db->cache[db->cache_n].sql = sql;
	db->cache[db->cache_n++].st = st;
	return st;
}

int db_step(sqlite3_stmt *st)
{
	int rc = st ? sqlite3_step(st) : SQLITE_ERROR;

	return rc == SQLITE_ROW ? 1 : db_error(rc);
}

int db_run(sqlite3_stmt *st)
{
	int err = db_step(st);

	if (st) {
		sqlite3_reset(st);
		sqlite3_clear_bindings(st);
	}
	return err > 0 ? 0 : err;
}

void db_bind_text(sqlite3_stmt *st, int i, const char *text)
{
	sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC);
}

void db_read_text(sqlite3_stmt *st, int i, char *dst, size_t room)
{
	const void *text = sqlite3_column_text(st, i);

	snprintf(dst, room, "%s", text ? (const char *)text : "");
}

int64_t db_pragma(struct db *db, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t v = -EIO;
	int rc;

	rc = sqlite3_prepare_v2(db->handle, sql, -1, &st, NULL);
	if (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return v;
}
