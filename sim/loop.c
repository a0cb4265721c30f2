#include "sim/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { SIM_LOOP_BATCH = 64 };

struct sim_watch {
	sim_loop_io_h *io; /* NULL: slot unused */
	void *arg;
	uint32_t generation; /* tells a reused descriptor from its ancestor */
};

struct sim_loop {
	int epoll_fd;
	int signal_fd; /* while it runs */
	bool stopped;
	struct sim_loop_handlers h;
	void *arg;
	struct sim_watch *watches; /* indexed by descriptor */
	size_t n;
	uint32_t generation;
};

int sim_loop_new(struct sim_loop **lp, const struct sim_loop_handlers *h,
		 void *arg)
{
	struct sim_loop *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0) {
		free(l);
		return -errno;
	}
	l->h = *h;
	l->arg = arg;
	*lp = l;
	return 0;
}

void sim_loop_free(struct sim_loop **lp)
{
	struct sim_loop *l = *lp;

	if (!l)
		return;
	close(l->epoll_fd);
	free(l->watches);
	free(l);
	*lp = NULL;
}

static int sim_loop_grow(struct sim_loop *l, size_t fd)
{
	struct sim_watch *w;
	size_t n = fd + 32;

	if (fd < l->n)
		return 0;
	w = realloc(l->watches, n * sizeof(*w));
	if (!w)
		return -ENOMEM;
	memset(w + l->n, 0, (n - l->n) * sizeof(*w));
	l->watches = w;
	l->n = n;
	return 0;
}

static int sim_loop_control(struct sim_loop *l, int op, int fd, uint32_t events)
{
	struct epoll_event ev = {
		.events = events,
		.data.u64 = (uint64_t)l->watches[fd].generation << 32 |
			    (uint32_t)fd,
	};

	return epoll_ctl(l->epoll_fd, op, fd, &ev) < 0 ? -errno : 0;
}

int sim_loop_watch(struct sim_loop *l, int fd, uint32_t events,
		   sim_loop_io_h *io, void *arg)
{
	int err;

	if (fd < 0)
		return -EBADF;
	err = sim_loop_grow(l, (size_t)fd);
	if (err)
		return err;
	if (l->watches[fd].io)
		return -EEXIST;
	l->watches[fd] = (struct sim_watch){io, arg, ++l->generation};
	err = sim_loop_control(l, EPOLL_CTL_ADD, fd, events);
	if (err)
		l->watches[fd].io = NULL;
	return err;
}

int sim_loop_change(struct sim_loop *l, int fd, uint32_t events)
{
	if (fd < 0 || (size_t)fd >= l->n || !l->watches[fd].io)
		return -EBADF;
	return sim_loop_control(l, EPOLL_CTL_MOD, fd, events);
}

void sim_loop_unwatch(struct sim_loop *l, int fd)
{
	if (fd < 0 || (size_t)fd >= l->n || !l->watches[fd].io)
		return;
	epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	l->watches[fd].io = NULL;
}

static void sim_loop_dispatch(struct sim_loop *l, const struct epoll_event *ev)
{
	size_t fd = (uint32_t)ev->data.u64;
	uint32_t generation = (uint32_t)(ev->data.u64 >> 32);
	struct sim_watch w;

	if (fd >= l->n)
		return;
	w = l->watches[fd];
	if (w.io && w.generation == generation)
		w.io(ev->events, w.arg);
}

static int sim_loop_wait_ms(const struct sim_loop *l)
{
	usec_t due = l->h.deadline ? l->h.deadline(l->arg) : USEC_NEVER;
	usec_t now = clock_now();

	if (due == USEC_NEVER)
		return -1;
	if (due <= now)
		return 0;
	return due - now > 60 * USEC_S ? 60000
				       : (int)((due - now) / USEC_MS) + 1;
}

static void sim_loop_on_signal(uint32_t events, void *arg)
{
	struct sim_loop *l = arg;
	struct signalfd_siginfo taken;

	/* Taken, or it would strike when the mask is lifted at the end. */
	l->stopped = read(l->signal_fd, &taken, sizeof(taken)) > 0;
}

int sim_loop_run(struct sim_loop *l)
{
	struct epoll_event ev[SIM_LOOP_BATCH];
	sigset_t set, old;
	int n, err;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, &old);
	l->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	err = sim_loop_watch(l, l->signal_fd, EPOLLIN, sim_loop_on_signal, l);
	while (!err && !l->stopped) {
		n = epoll_wait(l->epoll_fd, ev, SIM_LOOP_BATCH,
			       sim_loop_wait_ms(l));
		if (n < 0 && errno != EINTR)
			err = -errno;
		for (int i = 0; i < n; i++)
			sim_loop_dispatch(l, &ev[i]);
		if (l->h.tick)
			l->h.tick(clock_now(), l->arg);
	}
	sim_loop_unwatch(l, l->signal_fd);
	if (l->signal_fd >= 0)
		close(l->signal_fd);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err;
}

void sim_loop_stop(struct sim_loop *l)
{
	l->stopped = true;
}
