#include "base/mailbox.h"

#include <pthread.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/loop.h"

#define SENDERS 4
#define LETTERS 5000

static struct mailbox *box;

struct letter {
	int sender;
	int number;
};

static int next_of[SENDERS]; /* receiving thread only, as all below */
static int arrived, wrong_order, wrong_thread;
static pthread_t receiver;

static void take(void *arg)
{
	struct letter *l = arg;

	if (!pthread_equal(pthread_self(), receiver))
		wrong_thread++;
	if (l->number != next_of[l->sender]++)
		wrong_order++;
	free(l);
	if (++arrived == SENDERS * LETTERS)
		re_cancel();
}

static void *send_all(void *arg)
{
	for (int i = 0; i < LETTERS; i++) {
		struct letter *l = malloc(sizeof(*l));

		if (!l)
			break;
		*l = (struct letter){*(int *)arg, i};
		if (mailbox_post(box, take, l))
			free(l);
	}
	return NULL;
}

static void test_mailbox_keeps_the_order_of_every_sender(void)
{
	pthread_t threads[SENDERS];
	int names[SENDERS];

	receiver = pthread_self();
	CHECK_INT(mailbox_new(&box), 0);
	for (int i = 0; i < SENDERS; i++) {
		names[i] = i;
		CHECK_INT(
			pthread_create(&threads[i], NULL, send_all, &names[i]),
			0);
	}
	loop_until_cancelled();
	for (int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	CHECK_INT(arrived, SENDERS * LETTERS);
	CHECK_INT(wrong_order, 0);
	CHECK_INT(wrong_thread, 0);
	mailbox_free(&box);
	CHECK(!box);
}

static int runs;

static void stop_loop(void *arg)
{
	re_cancel();
}

static void count_and_free(void *arg)
{
	runs++;
	free(arg);
}

static void test_mailbox_runs_nothing_inside_post(void)
{
	runs = 0;
	CHECK_INT(mailbox_new(&box), 0);
	CHECK_INT(mailbox_post(box, count_and_free, malloc(8)), 0);
	CHECK_INT(runs, 0);
	CHECK_INT(mailbox_post(box, stop_loop, NULL), 0);
	loop_until_cancelled();
	CHECK_INT(runs, 1);
	mailbox_free(&box);
}

static void post_another(void *arg)
{
	runs++;
	(void)mailbox_post(box, count_and_free, arg);
}

/* The leak checker watches the letters. */
static void test_mailbox_releases_what_was_posted_and_not_run(void)
{
	runs = 0;
	CHECK_INT(mailbox_new(&box), 0);
	CHECK_INT(mailbox_post(box, count_and_free, malloc(8)), 0);
	CHECK_INT(mailbox_post(box, post_another, malloc(8)), 0);
	CHECK_INT(runs, 0);
	mailbox_free(&box);
	CHECK_INT(runs, 3);
	mailbox_free(&box);
}

int main(void)
{
	if (libre_init())
		return 1;
	RUN(test_mailbox_keeps_the_order_of_every_sender);
	RUN(test_mailbox_runs_nothing_inside_post);
	RUN(test_mailbox_releases_what_was_posted_and_not_run);
	libre_close();
	return check_done();
}
