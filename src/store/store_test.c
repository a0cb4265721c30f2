#include "store/fixture_test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

static bool sql(const char *text)
{
	sqlite3 *db = NULL;
	bool ok = sqlite3_open(path, &db) == SQLITE_OK &&
		  sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK;

	sqlite3_close(db);
	return ok;
}

/* -- the file -------------------------------------------------------------- */

static void test_store_file_is_private(void)
{
	struct store *s;
	struct stat st;
	char wal[80];

	umask(0);
	s = fresh();
	CHECK(s);
	CHECK_INT(store_fact_set(s, "a", bytes_str("b")), 0);
	CHECK_INT(store_flush(s), 0);
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	CHECK_INT(stat(wal, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	store_close(&s);
	CHECK(!s);
	store_close(&s);
	CHECK_INT(chmod(path, 0644), 0);
	CHECK_INT(store_open(&s, path, &why), 0);
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	store_close(&s);
}

static void test_store_errors_have_names(void)
{
	char old[64];
	struct store *s = NULL;

	strcpy(old, path);
	strcpy(path, "/nonexistent/folder/store.db");
	CHECK_INT(store_open(&s, path, &why), -EIO);
	CHECK_STR(why, "the store's folder does not exist");
	strcpy(path, old);

	files_remove();
	CHECK(sql("CREATE TABLE other (x)"));
	CHECK_INT(store_open(&s, path, &why), -EIO);
	CHECK_STR(why, "the store's file is another program's database");
	CHECK(!s);
}

static void test_store_refuses_a_newer_schema(void)
{
	struct store *s = fresh();

	CHECK(s);
	CHECK_INT(store_fact_set(s, "a", bytes_str("b")), 0);
	store_close(&s);
	CHECK(sql("PRAGMA user_version = 1000"));
	CHECK_INT(store_open(&s, path, &why), -ENOTSUP);
	CHECK_STR(why, "the store was written by a newer version");
	CHECK(!s);
}

static bool file_spoil(off_t from, size_t n)
{
	char garbage[4096];
	int fd = open(path, O_WRONLY);
	bool ok;

	memset(garbage, 0x5a, sizeof(garbage));
	ok = fd >= 0 && pwrite(fd, garbage, n, from) == (ssize_t)n;
	close(fd);
	return ok;
}

static void test_store_names_a_damaged_file(void)
{
	struct store *s = fresh();

	CHECK(s);
	CHECK_INT(store_fact_set(s, "a", bytes_str("b")), 0);
	store_close(&s);
	/* the second page is that of the table of facts */
	CHECK(file_spoil(4096, 4096));
	CHECK_INT(store_open(&s, path, &why), -EIO);
	CHECK_STR(why, "the store's file is damaged");
	CHECK(!s);

	CHECK(file_spoil(0, 4096));
	CHECK_INT(store_open(&s, path, &why), -EIO);
	CHECK_STR(why, "the store's file is not a database");
	CHECK(!s);
}

static void test_store_row_at_fault_does_not_stop_others(void)
{
	struct store *s = fresh();
	struct buf v;

	CHECK(s);
	CHECK(sql("CREATE TRIGGER refuse BEFORE INSERT ON facts"
		  " WHEN NEW.name = 'bad' BEGIN"
		  " SELECT RAISE(ABORT, 'refused by the test'); END"));
	buf_init(&v);
	CHECK_INT(store_fact_set(s, "before", bytes_str("1")), 0);
	CHECK_INT(store_fact_set(s, "bad", bytes_str("2")), 0);
	CHECK_INT(store_fact_set(s, "after", bytes_str("3")), 0);
	CHECK_INT(store_flush(s), 0);
	CHECK_INT(store_fact_get(s, "bad", &v), -ENOENT);
	CHECK_INT(store_fact_get(s, "before", &v), 0);
	CHECK_INT(store_fact_get(s, "after", &v), 0);
	CHECK_STR(buf_cstr(&v), "13");
	buf_clear(&v);
	store_close(&s);
}

/* -- facts ----------------------------------------------------------------- */

static void test_fact_is_kept(void)
{
	struct store *s = fresh();
	char long_name[65];
	struct buf v;

	CHECK(s);
	buf_init(&v);
	CHECK_INT(store_fact_get(s, "key", &v), -ENOENT);
	CHECK_INT(store_fact_set(s, "key", bytes_of("a\0b", 3)), 0);
	CHECK_INT(store_fact_get(s, "key", &v), 0);
	CHECK_INT(v.n, 3);
	CHECK_MEM(v.p, "a\0b", 3);
	CHECK_INT(store_fact_set(s, "key", bytes_str("")), 0);
	CHECK(reopen(&s));
	buf_reset(&v);
	CHECK_INT(store_fact_get(s, "key", &v), 0);
	CHECK_INT(v.n, 0);
	memset(long_name, 'x', 64);
	long_name[64] = '\0';
	CHECK_INT(store_fact_set(s, long_name, bytes_str("")), -EINVAL);
	buf_clear(&v);
	store_close(&s);
}

/* -- many threads ---------------------------------------------------------- */

#define THREADS 4
#define ROUNDS 400

struct writer_arg {
	struct store *s;
	int number;
	int wrong;
};

/* Each reads back what it wrote, at once, while others write. */
static void *write_and_read(void *arg)
{
	struct writer_arg *w = arg;
	struct store_peer p = peer(w->number, "", ""), got;

	for (int i = 1; i <= ROUNDS; i++) {
		p.access_hash = i;
		if (store_peer_put(w->s, "a", &p))
			w->wrong++;
		if (i % 7 == 0 &&
		    (store_peer_by_id(w->s, "a", w->number, &got) ||
		     got.access_hash != i))
			w->wrong++;
	}
	return NULL;
}

static void test_store_reads_see_earlier_writes(void)
{
	struct store *s = fresh();
	struct writer_arg args[THREADS];
	pthread_t threads[THREADS];
	struct store_peer got;

	CHECK(s);
	for (int i = 0; i < THREADS; i++) {
		args[i] = (struct writer_arg){.s = s, .number = i + 1};
		pthread_create(&threads[i], NULL, write_and_read, &args[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++)
		CHECK_INT(args[i].wrong, 0);
	CHECK(reopen(&s));
	for (int i = 0; i < THREADS; i++) {
		CHECK_INT(store_peer_by_id(s, "a", i + 1, &got), 0);
		CHECK_INT(got.access_hash, ROUNDS);
	}
	store_close(&s);
}

static void test_store_close_commits_a_long_queue(void)
{
	struct store *s = fresh();
	struct store_peer p = peer(1, "", ""), got;

	CHECK(s);
	for (int i = 1; i <= 2500; i++) {
		p.user_id = i;
		p.access_hash = i;
		CHECK_INT(store_peer_put(s, "a", &p), 0);
	}
	CHECK(reopen(&s));
	for (int i = 1; i <= 2500; i++) {
		CHECK_INT(store_peer_by_id(s, "a", i, &got), 0);
		CHECK_INT(got.access_hash, i);
	}
	store_close(&s);
}

int main(void)
{
	if (!fixture_open())
		return 1;
	RUN(test_store_file_is_private);
	RUN(test_store_errors_have_names);
	RUN(test_store_refuses_a_newer_schema);
	RUN(test_store_names_a_damaged_file);
	RUN(test_store_row_at_fault_does_not_stop_others);
	RUN(test_fact_is_kept);
	RUN(test_store_reads_see_earlier_writes);
	RUN(test_store_close_commits_a_long_queue);
	return check_done();
}
