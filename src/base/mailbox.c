#include "base/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/re.h"

struct letter {
	struct letter *next;
	mailbox_h *fn;
	void *arg;
};

struct mailbox {
	pthread_mutex_t lock;
	struct letter *head, **tail; /* guarded by lock */
	int fd;
};

/* What is there now; letters posted meanwhile wait for the next time. */
static bool run_all(struct mailbox *m)
{
	struct letter *l, *next;
	bool any;

	pthread_mutex_lock(&m->lock);
	l = m->head;
	m->head = NULL;
	m->tail = &m->head;
	pthread_mutex_unlock(&m->lock);
	any = l != NULL;
	for (; l; l = next) {
		next = l->next;
		l->fn(l->arg);
		free(l);
	}
	return any;
}

static void on_readable(int flags, void *arg)
{
	struct mailbox *m = arg;
	uint64_t n;

	if (read(m->fd, &n, sizeof(n)) == sizeof(n))
		(void)run_all(m);
}

int mailbox_new(struct mailbox **mp)
{
	struct mailbox *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	m->tail = &m->head;
	pthread_mutex_init(&m->lock, NULL);
	m->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (m->fd < 0) {
		err = -errno;
		goto out;
	}
	err = -fd_listen(m->fd, FD_READ, on_readable, m);
	if (err)
		goto out;
	*mp = m;
	return 0;
out:
	if (m->fd >= 0)
		close(m->fd);
	pthread_mutex_destroy(&m->lock);
	free(m);
	return err;
}

void mailbox_free(struct mailbox **mp)
{
	struct mailbox *m = *mp;

	if (!m)
		return;
	fd_close(m->fd);
	while (run_all(m))
		continue;
	*mp = NULL;
	close(m->fd);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

int mailbox_post(struct mailbox *m, mailbox_h *fn, void *arg)
{
	struct letter *l = malloc(sizeof(*l));
	const uint64_t one = 1;

	if (!l)
		return -ENOMEM;
	*l = (struct letter){.fn = fn, .arg = arg};
	pthread_mutex_lock(&m->lock);
	*m->tail = l;
	m->tail = &l->next;
	pthread_mutex_unlock(&m->lock);
	/* A full counter already wakes the loop. */
	if (write(m->fd, &one, sizeof(one)) < 0)
		return 0;
	return 0;
}
