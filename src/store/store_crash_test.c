/* What is left when the process is killed, or the database cannot be written
 * for a while. */
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/fixture_test.h"

#define PATIENCE (20 * USEC_S)

/* Runs the child's part in a process that is killed at its end. */
static bool child_killed(void (*part)(struct store *s))
{
	int pipe_fds[2], status = 0;
	char byte = 0;
	pid_t pid;

	if (pipe(pipe_fds) != 0)
		return false;
	pid = fork();
	if (pid == 0) {
		struct store *s = NULL;

		if (store_open(&s, path, &why))
			_exit(1);
		part(s);
		if (write(pipe_fds[1], "x", 1) != 1)
			_exit(2);
		for (;;)
			pause();
	}
	close(pipe_fds[1]);
	if (pid < 0 || read(pipe_fds[0], &byte, 1) != 1)
		byte = 0;
	close(pipe_fds[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	return byte == 'x' && WIFSIGNALED(status);
}

static void part_flush(struct store *s)
{
	struct store_session v = {.name = "a", .dc_id = 2, .pts = 1};

	(void)store_session_put(s, &v);
	(void)store_call_put(s, "1", "{}");
	for (int pts = 2; pts <= 500; pts++)
		(void)store_session_updates(s, "a", pts, 0, 0, 0);
	(void)store_flush(s);
}

static void count_calls(const char *call_id, const char *json, void *arg)
{
	(*(int *)arg)++;
}

static void test_flushed_writes_survive_a_kill(void)
{
	struct store_session v;
	struct store *s = NULL;
	int calls = 0;

	files_remove();
	CHECK(child_killed(part_flush));
	CHECK_INT(store_open(&s, path, &why), 0);
	CHECK_INT(store_session_get(s, "a", &v), 0);
	CHECK_INT(v.dc_id, 2);
	CHECK_INT(v.pts, 500);
	CHECK_INT(store_call_each(s, count_calls, &calls), 0);
	CHECK_INT(calls, 1);
	store_close(&s);
}

/* Until another connection sees the value: nobody asked the writer to hurry. */
static void part_wait_for_commit(struct store *s)
{
	struct bytes v = bytes_str("1");
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;
	usec_t end = clock_now() + PATIENCE;
	int rc;

	(void)store_fact_set(s, "unhurried", v);
	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, "SELECT 1 FROM facts", -1, &st, NULL))
		_exit(3);
	do {
		poll(NULL, 0, 5);
		rc = sqlite3_step(st);
		sqlite3_reset(st);
	} while (rc != SQLITE_ROW && clock_now() < end);
}

static void test_writes_are_committed_unasked(void)
{
	struct store *s = NULL;
	struct buf v;

	files_remove();
	buf_init(&v);
	CHECK(child_killed(part_wait_for_commit));
	CHECK_INT(store_open(&s, path, &why), 0);
	CHECK_INT(store_fact_get(s, "unhurried", &v), 0);
	buf_clear(&v);
	store_close(&s);
}

static void part_none(struct store *s)
{
	(void)s;
}

static void test_kill_leaves_a_store_that_opens(void)
{
	struct store *s = NULL;

	files_remove();
	for (int i = 0; i < 3; i++)
		CHECK(child_killed(part_none));
	CHECK_INT(store_open(&s, path, &why), 0);
	store_close(&s);
}

/* A missing table stands in for a disk that is full for a while. */
static void test_failed_writes_are_tried_again(void)
{
	usec_t end = clock_now() + PATIENCE;
	struct store *s = NULL;
	sqlite3 *db = NULL;
	struct buf v;
	int err;

	files_remove();
	buf_init(&v);
	CHECK_INT(store_open(&s, path, &why), 0);
	CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
	CHECK_INT(sqlite3_exec(db, "DROP TABLE calls", NULL, NULL, NULL),
		  SQLITE_OK);
	CHECK_INT(store_fact_set(s, "a", bytes_str("1")), 0);
	CHECK_INT(store_call_put(s, "1", "{}"), 0);
	CHECK(store_flush(s) < 0);
	CHECK(store_fact_get(s, "a", &v) < 0);
	CHECK_INT(store_fact_set(s, "a", bytes_str("2")), 0);
	CHECK_INT(sqlite3_exec(db, "CREATE TABLE calls (id TEXT UNIQUE, json)",
			       NULL, NULL, NULL),
		  SQLITE_OK);
	sqlite3_close(db);
	do {
		poll(NULL, 0, 5);
		err = store_flush(s);
	} while (err && clock_now() < end);
	CHECK_INT(err, 0);
	CHECK_INT(store_fact_get(s, "a", &v), 0);
	CHECK_STR(buf_cstr(&v), "2");
	buf_clear(&v);
	store_close(&s);
}

int main(void)
{
	if (!fixture_open())
		return 1;
	RUN(test_flushed_writes_survive_a_kill);
	RUN(test_writes_are_committed_unasked);
	RUN(test_kill_leaves_a_store_that_opens);
	RUN(test_failed_writes_are_tried_again);
	return check_done();
}
