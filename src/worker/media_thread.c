#include "worker/media_thread.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#define FDS_MAX 65536

struct media_thread {
	pthread_t id;
	sem_t ready;
	int err;
	struct mailbox *mailbox;
	struct list tickers;
	struct tmr timer;
	usec_t next; /* when the next tick is due */
};

static void on_tick(void *arg)
{
	struct media_thread *t = arg;
	usec_t now = clock_now();
	struct le *le = list_head(&t->tickers);

	while (le) {
		struct media_ticker *k = le->data;

		le = le->next;
		k->tick(now, k->arg);
	}
	/* The schedule is absolute, so that ticks do not drift; after a stall
	 * missed ticks are not made up for. */
	t->next += MEDIA_TICK_MS * USEC_MS;
	now = clock_now();
	if (t->next < now)
		t->next = now;
	if (!list_isempty(&t->tickers))
		tmr_start(&t->timer, (t->next - now + 999) / USEC_MS, on_tick,
			  t);
}

void media_thread_add(struct media_thread *t, struct media_ticker *k)
{
	list_append(&t->tickers, &k->le, k);
	if (!tmr_isrunning(&t->timer)) {
		t->next = clock_now() + MEDIA_TICK_MS * USEC_MS;
		tmr_start(&t->timer, MEDIA_TICK_MS, on_tick, t);
	}
}

void media_thread_remove(struct media_ticker *k)
{
	list_unlink(&k->le);
}

static void stop(void *arg)
{
	re_cancel();
}

static void *thread_main(void *arg)
{
	struct media_thread *t = arg;

	(void)pthread_setname_np(pthread_self(), "media");
	t->err = -re_thread_init();
	if (!t->err)
		t->err = -fd_setsize(FDS_MAX);
	if (!t->err)
		t->err = mailbox_new(&t->mailbox);
	sem_post(&t->ready);
	if (t->err)
		goto out;
	re_main(NULL);
	mailbox_free(&t->mailbox);
	tmr_cancel(&t->timer);
out:
	re_thread_close();
	return NULL;
}

int media_thread_new(struct media_thread **tp)
{
	struct media_thread *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	tmr_init(&t->timer);
	sem_init(&t->ready, 0, 0);
	err = -pthread_create(&t->id, NULL, thread_main, t);
	if (err)
		goto out;
	while (sem_wait(&t->ready) && errno == EINTR)
		continue;
	err = t->err;
	if (err) {
		pthread_join(t->id, NULL);
		goto out;
	}
	*tp = t;
	return 0;
out:
	sem_destroy(&t->ready);
	free(t);
	return err;
}

void media_thread_free(struct media_thread **tp)
{
	struct media_thread *t = *tp;

	if (!t)
		return;
	*tp = NULL;
	mailbox_post(t->mailbox, stop, NULL);
	pthread_join(t->id, NULL);
	sem_destroy(&t->ready);
	free(t);
}

int media_thread_post(struct media_thread *t, mailbox_h *fn, void *arg)
{
	return mailbox_post(t->mailbox, fn, arg);
}
