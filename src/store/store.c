#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/internal.h"

#define FACT_NAME_MAX 64

/* -- opening --------------------------------------------------------------- */

/* Makes the file, or makes it private: it names people. SQLite gives its
 * log files the same mode. */
static int file_prepare(const char *path, const char **why)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), err = 0;

	if (fd < 0) {
		err = errno == EACCES || errno == EPERM || errno == EROFS
			      ? -EACCES
			      : -EIO;
		*why = errno == ENOENT ? "the store's folder does not exist"
				       : "the store's file cannot be opened";
		return err;
	}
	if (fstat(fd, &st) != 0 ||
	    (st.st_mode & (S_IRWXG | S_IRWXO) && fchmod(fd, 0600) != 0)) {
		*why = "the store's file is readable by others";
		err = -EACCES;
	}
	close(fd);
	return err;
}

static int databases_open(struct store *s, struct db *writing, const char *path,
			  const char **why)
{
	int err = db_open(writing, path, why);

	if (err)
		return err;
	err = schema_migrate(writing, why);
	if (!err)
		err = db_open(&s->reader, path, why);
	if (err)
		db_close(writing);
	return err;
}

int store_open(struct store **sp, const char *path, const char **why)
{
	struct store *s;
	struct db writing;
	int err = file_prepare(path, why);

	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	*why = "out of memory";
	if (!s)
		return -ENOMEM;
	pthread_mutex_init(&s->reading, NULL);
	err = databases_open(s, &writing, path, why);
	if (!err)
		err = writer_new(&s->writer, &writing);
	if (err) {
		store_close(&s);
		return err == -EBUSY || err == -ENOSPC || err == -EINVAL ? -EIO
									 : err;
	}
	*why = NULL;
	*sp = s;
	return 0;
}

void store_close(struct store **sp)
{
	struct store *s = *sp;

	if (!s)
		return;
	/* The reader first: the last connection to close folds the log in. */
	db_close(&s->reader);
	writer_free(&s->writer);
	pthread_mutex_destroy(&s->reading);
	free(s);
	*sp = NULL;
}

int store_flush(struct store *s)
{
	return writer_flush(s->writer);
}

int store_status(struct store *s)
{
	return writer_error(s->writer);
}

int store_read_begin(struct store *s, unsigned areas)
{
	int err = writer_settle(s->writer, areas);

	pthread_mutex_lock(&s->reading);
	return err;
}

void store_read_end(struct store *s, sqlite3_stmt *st)
{
	if (st) {
		sqlite3_reset(st);
		sqlite3_clear_bindings(st);
	}
	pthread_mutex_unlock(&s->reading);
}

/* -- facts ----------------------------------------------------------------- */

struct fact_row {
	char name[FACT_NAME_MAX];
	size_t n;
	uint8_t value[];
};

static int fact_apply(struct db *db, const void *row)
{
	const struct fact_row *f = row;
	sqlite3_stmt *st = db_statement(
		db, "INSERT INTO facts (name, value) VALUES (?, ?)"
		    " ON CONFLICT (name) DO UPDATE SET value = excluded.value");

	db_bind_text(st, 1, f->name);
	sqlite3_bind_blob64(st, 2, f->value, f->n, SQLITE_STATIC);
	return db_run(st);
}

int store_fact_set(struct store *s, const char *name, struct bytes value)
{
	size_t size = sizeof(struct fact_row) + value.n;
	struct fact_row *f;
	int err;

	if (strlen(name) >= FACT_NAME_MAX)
		return -EINVAL;
	f = calloc(1, size);
	if (!f)
		return -ENOMEM;
	strcpy(f->name, name);
	f->n = value.n;
	if (value.n > 0)
		memcpy(f->value, value.p, value.n);
	err = writer_put(s->writer, STORE_FACTS, fact_apply, f, size);
	bytes_wipe(f, size);
	free(f);
	return err;
}

int store_fact_get(struct store *s, const char *name, struct buf *value)
{
	sqlite3_stmt *st = NULL;
	int err = store_read_begin(s, STORE_FACTS);

	if (err)
		goto out;
	st = db_statement(&s->reader, "SELECT value FROM facts WHERE name = ?");
	db_bind_text(st, 1, name);
	err = db_step(st);
	if (err < 0)
		goto out;
	if (err == 0) {
		err = -ENOENT;
		goto out;
	}
	buf_put(value, sqlite3_column_blob(st, 0),
		(size_t)sqlite3_column_bytes(st, 0));
	err = value->bad ? -ENOMEM : 0;
out:
	store_read_end(s, st);
	return err;
}
