/* One thread that writes. Rows wait in a queue until 100 of them are there,
 * the first has waited 100 ms, or somebody waits for them; then they are
 * committed together. Calls in progress wait 5 ms only: whoever kills the
 * process leaves far ends behind that only these rows know.
 *
 * While the database cannot be written (disk full), rows stay queued and are
 * tried again every second; readers and flushers get the error at once rather
 * than hang the control loop.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "store/internal.h"

#define BATCH_ROWS 100
#define BATCH_MS 100
#define BATCH_CALLS_MS 5
#define RETRY_MS 1000
#define QUEUE_ROWS_MAX 100000

struct row {
	struct row *next;
	uint64_t number; /* from 1, in order of arrival */
	writer_apply_h *apply;
	size_t n;
	_Alignas(max_align_t) unsigned char data[];
};

struct writer {
	struct db db; /* writer's thread alone */
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;  /* to the writer */
	pthread_cond_t done;  /* to those who wait */
	struct row *head, **tail;
	size_t rows_n;
	struct timespec due; /* when the rows' wait ends */
	uint64_t last_put;   /* number of the newest row */
	uint64_t last_of[STORE_AREAS];
	uint64_t wanted;    /* somebody waits for this row */
	uint64_t committed; /* all rows up to this one are */
	uint64_t sync_asked, sync_done;
	unsigned failures; /* counts failed batches */
	int error;         /* of the newest batch */
	bool stop;
};

static bool is_earlier(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec ||
	       (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static struct timespec after_ms(long ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += ms % 1000 * 1000000;
	t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

/* -- the writer's thread --------------------------------------------------- */

static int batch_apply(struct db *db, const struct row *batch)
{
	int err = db_exec(db, "BEGIN IMMEDIATE");

	for (const struct row *r = batch; !err && r; r = r->next) {
		err = r->apply(db, r->data);
		if (err == -EINVAL) {
			count_bad("store", "row", sqlite3_errmsg(db->handle));
			err = 0;
		}
	}
	if (!err)
		err = db_exec(db, "COMMIT");
	if (err && !sqlite3_get_autocommit(db->handle))
		(void)db_exec(db, "ROLLBACK");
	return err;
}

/* With synchronous=NORMAL a commit survives the process, not the machine;
 * a checkpoint syncs the log first, so it makes both survive. */
static int sync_to_disk(struct db *db)
{
	int rc = sqlite3_wal_checkpoint_v2(
		db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

	return rc == SQLITE_BUSY ? 0 : db_error(rc);
}

static void rows_free(struct row *first)
{
	while (first) {
		struct row *next = first->next;

		bytes_wipe(first->data, first->n);
		free(first);
		first = next;
	}
}

static bool is_urgent(const struct writer *w)
{
	return w->stop || w->wanted > w->committed ||
	       w->sync_asked > w->sync_done;
}

/* Lock held. Returns when there is something to do, or it is time to go. */
static void work_wait(struct writer *w)
{
	while (!w->head && !is_urgent(w))
		pthread_cond_wait(&w->work, &w->lock);
	while (w->rows_n < BATCH_ROWS && !is_urgent(w))
		if (pthread_cond_timedwait(&w->work, &w->lock, &w->due))
			return;
}

static void retry_wait(struct writer *w)
{
	struct timespec due = after_ms(RETRY_MS);

	while (!w->stop)
		if (pthread_cond_timedwait(&w->work, &w->lock, &due))
			return;
}

/* Takes the next batch off the queue; lock held. rows_n counts it until it is
 * committed. */
static struct row *batch_take(struct writer *w, struct row **lastp, size_t *np)
{
	struct row *first = w->head, *last = first;
	size_t n = first ? 1 : 0;

	for (; last && last->next && n < BATCH_ROWS; n++)
		last = last->next;
	if (last) {
		w->head = last->next;
		last->next = NULL;
	}
	if (!w->head)
		w->tail = &w->head;
	*lastp = last;
	*np = n;
	return first;
}

/* Puts a batch that failed back in front; lock held. */
static void batch_return(struct writer *w, struct row *first, struct row *last)
{
	if (!first)
		return;
	last->next = w->head;
	if (!w->head)
		w->tail = &last->next;
	w->head = first;
}

/* Lock held on entry and exit, not in between. */
static int batch_write(struct writer *w)
{
	struct row *first, *last;
	uint64_t sync;
	size_t n;
	int err = 0;

	first = batch_take(w, &last, &n);
	/* A sync is for all rows that were there when it was asked for. */
	sync = w->head ? w->sync_done : w->sync_asked;
	pthread_mutex_unlock(&w->lock);
	if (first)
		err = batch_apply(&w->db, first);
	if (!err && sync > w->sync_done)
		err = sync_to_disk(&w->db);
	pthread_mutex_lock(&w->lock);
	if (err) {
		batch_return(w, first, last);
		return err;
	}
	if (last)
		w->committed = last->number;
	w->rows_n -= n;
	w->sync_done = sync;
	rows_free(first);
	return 0;
}

static void error_note(struct writer *w, int err)
{
	if (err && !w->error)
		log_error("store", NULL, "cannot be written: %s",
			  db_error_text(sqlite3_errcode(w->db.handle)));
	else if (!err && w->error)
		log_info("store", NULL, "can be written again");
	w->error = err;
	if (err)
		w->failures++;
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		work_wait(w);
		if (w->stop && !w->head)
			break;
		error_note(w, batch_write(w));
		pthread_cond_broadcast(&w->done);
		if (w->error && w->stop)
			break;
		if (w->error)
			retry_wait(w);
	}
	if (w->rows_n > 0)
		log_error("store", NULL, "%zu changes are lost", w->rows_n);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* -- other threads --------------------------------------------------------- */

int writer_put(struct writer *w, unsigned areas, writer_apply_h *apply,
	       const void *row, size_t n)
{
	struct timespec due =
		after_ms(areas & STORE_CALLS ? BATCH_CALLS_MS : BATCH_MS);
	struct row *r = calloc(1, sizeof(*r) + n);
	bool sooner;

	if (!r)
		return -ENOMEM;
	r->apply = apply;
	r->n = n;
	memcpy(r->data, row, n);
	pthread_mutex_lock(&w->lock);
	if (w->rows_n >= QUEUE_ROWS_MAX) {
		pthread_mutex_unlock(&w->lock);
		rows_free(r);
		return -ENOSPC;
	}
	sooner = !w->head || is_earlier(&due, &w->due);
	if (sooner)
		w->due = due;
	r->number = ++w->last_put;
	for (unsigned i = 0; i < STORE_AREAS; i++)
		if (areas & 1u << i)
			w->last_of[i] = r->number;
	*w->tail = r;
	w->tail = &r->next;
	w->rows_n++;
	/* In between the writer sleeps until the rows are due. */
	if (sooner || w->rows_n == BATCH_ROWS)
		pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	return 0;
}

int writer_settle(struct writer *w, unsigned areas)
{
	uint64_t number = 0;
	unsigned failures;
	int err = 0;

	pthread_mutex_lock(&w->lock);
	failures = w->failures;
	for (unsigned i = 0; i < STORE_AREAS; i++)
		if (areas & 1u << i && w->last_of[i] > number)
			number = w->last_of[i];
	if (number > w->committed && w->error) {
		err = w->error;
		goto out;
	}
	if (number > w->committed && number > w->wanted) {
		w->wanted = number;
		pthread_cond_signal(&w->work);
	}
	while (number > w->committed && w->failures == failures)
		pthread_cond_wait(&w->done, &w->lock);
	if (number > w->committed)
		err = w->error;
out:
	pthread_mutex_unlock(&w->lock);
	return err;
}

int writer_error(struct writer *w)
{
	int err;

	pthread_mutex_lock(&w->lock);
	err = w->error;
	pthread_mutex_unlock(&w->lock);
	return err;
}

int writer_flush(struct writer *w)
{
	unsigned failures;
	uint64_t ticket;
	int err;

	pthread_mutex_lock(&w->lock);
	err = w->error;
	if (err)
		goto out;
	failures = w->failures;
	ticket = ++w->sync_asked;
	pthread_cond_signal(&w->work);
	while (w->sync_done < ticket && w->failures == failures)
		pthread_cond_wait(&w->done, &w->lock);
	if (w->sync_done < ticket)
		err = w->error;
out:
	pthread_mutex_unlock(&w->lock);
	return err;
}

/* Signals are the main thread's. */
static int thread_start(struct writer *w)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&w->thread, NULL, writer_main, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -err;
}

static void writer_destroy(struct writer *w)
{
	rows_free(w->head);
	pthread_cond_destroy(&w->done);
	pthread_cond_destroy(&w->work);
	pthread_mutex_destroy(&w->lock);
	db_close(&w->db);
	free(w);
}

int writer_new(struct writer **wp, struct db *db)
{
	struct writer *w = calloc(1, sizeof(*w));
	pthread_condattr_t attr;
	int err;

	if (!w) {
		db_close(db);
		return -ENOMEM;
	}
	w->db = *db;
	memset(db, 0, sizeof(*db));
	w->tail = &w->head;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->work, &attr);
	pthread_cond_init(&w->done, &attr);
	pthread_condattr_destroy(&attr);
	err = thread_start(w);
	if (err)
		writer_destroy(w);
	else
		*wp = w;
	return err;
}

void writer_free(struct writer **wp)
{
	struct writer *w = *wp;

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	writer_destroy(w);
	*wp = NULL;
}
