#include "hangup.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/re.h"

static struct {
	int fd;
	void (*handler)(void *arg);
	void *arg;
} hangup = {.fd = -1};

static void mask(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
}

int hangup_block(void)
{
	sigset_t set;

	mask(&set);
	return sigprocmask(SIG_BLOCK, &set, NULL) ? -errno : 0;
}

static void on_readable(int flags, void *arg)
{
	struct signalfd_siginfo info;

	while (read(hangup.fd, &info, sizeof(info)) == sizeof(info))
		hangup.handler(hangup.arg);
}

int hangup_listen(void (*handler)(void *arg), void *arg)
{
	sigset_t set;
	int err;

	mask(&set);
	hangup.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (hangup.fd < 0)
		return -errno;
	hangup.handler = handler;
	hangup.arg = arg;
	err = fd_listen(hangup.fd, FD_READ, on_readable, NULL);
	if (err)
		hangup_close();
	return -err;
}

void hangup_close(void)
{
	if (hangup.fd < 0)
		return;
	fd_close(hangup.fd);
	close(hangup.fd);
	hangup.fd = -1;
}
