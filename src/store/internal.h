/* Inside the store: connections, the writer, the schema. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>
#include <stddef.h>

#include "store/store.h"

/* -- one connection: used by one thread at a time -------------------------- */

#define DB_STATEMENTS_MAX 48

struct db {
	sqlite3 *handle;
	struct {
		const char *sql;
		sqlite3_stmt *st;
	} cache[DB_STATEMENTS_MAX];
	size_t cache_n;
};

/* Errors and *why as store_open. */
int db_open(struct db *db, const char *path, const char **why);
void db_close(struct db *db);
int db_exec(struct db *db, const char *sql);
/* The prepared form of sql (a literal: it is known by its address), ready to
 * bind; NULL on error. */
sqlite3_stmt *db_statement(struct db *db, const char *sql);
/* 1 there is a row, 0 there is none, else negative. NULL st: -EIO. */
int db_step(sqlite3_stmt *st);
/* Runs a statement without rows, and resets it. */
int db_run(sqlite3_stmt *st);
/* For an SQLite result: -ENOSPC, -EBUSY, -ENOMEM, -EACCES, -EIO; -EINVAL when
 * the row itself is at fault. */
int db_error(int rc);
const char *db_error_text(int rc);
void db_bind_text(sqlite3_stmt *st, int i, const char *text);
/* Column i (from 0), cut to the room. */
void db_read_text(sqlite3_stmt *st, int i, char *dst, size_t room);
int64_t db_pragma(struct db *db, const char *sql); /* negative errno */

/* Brings an open database to the newest schema. Errors: as store_open. */
int schema_migrate(struct db *db, const char **why);
int schema_newest(void);

/* -- the writer ------------------------------------------------------------ */

#define STORE_FACTS 1u
#define STORE_SESSIONS 2u
#define STORE_PEERS 4u
#define STORE_CALLS 8u
#define STORE_BANS 16u
#define STORE_TRUNKS 32u
#define STORE_SUBSCRIPTIONS 64u
#define STORE_ALERTS 128u
#define STORE_AREAS 8 /* how many */

struct writer;

/* Runs on the writer's thread, in a transaction. -EINVAL: the row is dropped;
 * other errors: the batch is tried again later. */
typedef int(writer_apply_h)(struct db *db, const void *row);

/* Takes db over, also on error. */
int writer_new(struct writer **wp, struct db *db);
void writer_free(struct writer **wp); /* after a last commit */
/* Queues a copy of the row; areas: what it changes. -ENOMEM, -ENOSPC. */
int writer_put(struct writer *w, unsigned areas, writer_apply_h *apply,
	       const void *row, size_t n);
/* Waits until what was queued for these areas is committed. At once an error
 * while the database cannot be written. */
int writer_settle(struct writer *w, unsigned areas);
/* Of the newest batch; nothing is waited for. */
int writer_error(struct writer *w);
/* Waits until everything queued is on disk. */
int writer_flush(struct writer *w);

/* -- the store ------------------------------------------------------------- */

struct store {
	struct writer *writer;
	pthread_mutex_t reading; /* guards reader */
	struct db reader;
};

/* Settles the areas and takes the reader; each needs store_read_end, also
 * after an error. */
int store_read_begin(struct store *s, unsigned areas);
void store_read_end(struct store *s, sqlite3_stmt *st);

#endif
