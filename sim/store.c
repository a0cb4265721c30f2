#include "sim/store.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"

struct sim_store {
	sqlite3 *db;
	sqlite3_stmt *put, *drop, *each, *get, *blob;
};

static const char sim_store_schema[] =
	"PRAGMA journal_mode=WAL;"
	/* The process may be killed at any time, the machine need not be. */
	"PRAGMA synchronous=OFF;"
	"CREATE TABLE IF NOT EXISTS record("
	" n INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL,"
	" value TEXT NOT NULL, UNIQUE(kind, id));"
	"CREATE TABLE IF NOT EXISTS blob("
	" id INTEGER PRIMARY KEY, data BLOB NOT NULL);";

static int sim_store_prepare(struct sim_store *s)
{
	const struct {
		sqlite3_stmt **st;
		const char *sql;
	} list[] = {
		{&s->put, "INSERT INTO record(kind, id, value)"
			  " VALUES(?1, ?2, ?3) ON CONFLICT(kind, id)"
			  " DO UPDATE SET value = ?3"},
		{&s->drop, "DELETE FROM record WHERE kind = ?1 AND id = ?2"},
		{&s->each, "SELECT id, value FROM record WHERE kind = ?1"
			   " ORDER BY n"},
		{&s->get, "SELECT value FROM record"
			  " WHERE kind = ?1 AND id = ?2"},
		{&s->blob, "INSERT INTO blob(id, data) VALUES(?1, ?2)"},
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (sqlite3_prepare_v2(s->db, list[i].sql, -1, list[i].st,
				       NULL) != SQLITE_OK)
			return -EIO;
	return 0;
}

int sim_store_new(struct sim_store **sp, const char *path)
{
	struct sim_store *s = calloc(1, sizeof(*s));
	int err = 0;

	if (!s)
		return -ENOMEM;
	if (sqlite3_open(path, &s->db) != SQLITE_OK ||
	    sqlite3_exec(s->db, sim_store_schema, NULL, NULL, NULL) !=
		    SQLITE_OK)
		err = -EIO;
	if (!err)
		err = sim_store_prepare(s);
	if (err) {
		log_error("sim", "-", "state %s: %s", path,
			  sqlite3_errmsg(s->db));
		sim_store_free(&s);
		return err;
	}
	*sp = s;
	return 0;
}

void sim_store_free(struct sim_store **sp)
{
	struct sim_store *s = *sp;

	if (!s)
		return;
	sqlite3_finalize(s->put);
	sqlite3_finalize(s->drop);
	sqlite3_finalize(s->each);
	sqlite3_finalize(s->get);
	sqlite3_finalize(s->blob);
	sqlite3_close(s->db);
	free(s);
	*sp = NULL;
}

static void sim_store_bind(sqlite3_stmt *st, int i, const char *text)
{
	sqlite3_bind_text(st, i, text, -1, SQLITE_TRANSIENT);
}

static void sim_store_done(struct sim_store *s, sqlite3_stmt *st)
{
	if (sqlite3_step(st) != SQLITE_DONE)
		log_error("sim", "-", "state is not written: %s",
			  sqlite3_errmsg(s->db));
	sqlite3_reset(st);
}

void sim_store_put(struct sim_store *s, const char *kind, const char *id,
		   json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	json_decref(value);
	if (!text) {
		log_error("sim", "-", "record %s/%s is not text", kind, id);
		return;
	}
	sim_store_bind(s->put, 1, kind);
	sim_store_bind(s->put, 2, id);
	sim_store_bind(s->put, 3, text);
	sim_store_done(s, s->put);
	free(text);
}

void sim_store_drop(struct sim_store *s, const char *kind, const char *id)
{
	sim_store_bind(s->drop, 1, kind);
	sim_store_bind(s->drop, 2, id);
	sim_store_done(s, s->drop);
}

void sim_store_each(struct sim_store *s, const char *kind,
		    sim_store_each_h *each, void *arg)
{
	sim_store_bind(s->each, 1, kind);
	while (sqlite3_step(s->each) == SQLITE_ROW) {
		const char *id = (const char *)sqlite3_column_text(s->each, 0);
		const char *text =
			(const char *)sqlite3_column_text(s->each, 1);
		json_t *value = json_loads(text, 0, NULL);

		if (value)
			each(id, value, arg);
		json_decref(value);
	}
	sqlite3_reset(s->each);
}

json_t *sim_store_get(struct sim_store *s, const char *kind, const char *id)
{
	json_t *value = NULL;

	sim_store_bind(s->get, 1, kind);
	sim_store_bind(s->get, 2, id);
	if (sqlite3_step(s->get) == SQLITE_ROW)
		value = json_loads((const char *)sqlite3_column_text(s->get, 0),
				   0, NULL);
	sqlite3_reset(s->get);
	return value;
}

/* -- files ---------------------------------------------------------------- */

void sim_store_blob_put(struct sim_store *s, int64_t id, struct bytes data)
{
	sqlite3_bind_int64(s->blob, 1, id);
	sqlite3_bind_blob64(s->blob, 2, data.p, data.n, SQLITE_STATIC);
	sim_store_done(s, s->blob);
}

int sim_store_blob_get(struct sim_store *s, int64_t id, struct buf *out,
		       int64_t offset, size_t n)
{
	sqlite3_blob *blob = NULL;
	size_t at = out->n;
	int err = 0;

	buf_fill(out, 0, n);
	if (out->bad)
		return -ENOMEM;
	if (sqlite3_blob_open(s->db, "main", "blob", "data", id, 0, &blob) !=
		    SQLITE_OK ||
	    sqlite3_blob_read(blob, out->p + at, (int)n, (int)offset) !=
		    SQLITE_OK)
		err = -EIO;
	sqlite3_blob_close(blob);
	return err;
}

/* -- JSON ----------------------------------------------------------------- */

json_t *sim_json_hex(const void *p, size_t n)
{
	char *text = malloc(2 * n + 1);
	json_t *j;

	if (!text)
		return NULL;
	hex_encode(text, p, n);
	j = json_string(text);
	bytes_wipe(text, 2 * n);
	free(text);
	return j;
}

int sim_json_hex_get(const json_t *o, const char *key, void *dst, size_t n)
{
	const json_t *j = json_object_get(o, key);

	if (!json_is_string(j))
		return -ENOENT;
	return hex_decode(dst, n, json_string_value(j), json_string_length(j));
}

const char *sim_json_text(const json_t *o, const char *key,
			  const char *otherwise)
{
	const json_t *j = json_object_get(o, key);

	return json_is_string(j) ? json_string_value(j) : otherwise;
}

json_int_t sim_json_int(const json_t *o, const char *key, json_int_t otherwise)
{
	const json_t *j = json_object_get(o, key);

	return json_is_integer(j) ? json_integer_value(j) : otherwise;
}
