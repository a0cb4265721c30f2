#include "terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/bytes.h"

/* What an interrupting signal has to put back. */
static struct termios shown;

static void on_interrupt(int sig)
{
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	signal(sig, SIG_DFL);
	raise(sig);
}

static bool echo_off(struct sigaction old[2])
{
	struct sigaction act = {.sa_handler = on_interrupt};
	struct termios silent;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &shown))
		return false;
	silent = shown;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	silent.c_lflag |= ECHONL;
	sigaction(SIGINT, &act, &old[0]);
	sigaction(SIGTERM, &act, &old[1]);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	return true;
}

static void echo_on(const struct sigaction old[2])
{
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	sigaction(SIGINT, &old[0], NULL);
	sigaction(SIGTERM, &old[1], NULL);
}

/* Byte by byte: no buffer of the C library keeps a password. */
static int read_line(char *dst, size_t room)
{
	size_t n = 0;
	ssize_t got;
	char c;

	for (;;) {
		got = read(STDIN_FILENO, &c, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -EIO;
		if (c == '\n')
			break;
		if (n + 1 < room)
			dst[n] = c;
		n++;
	}
	if (n >= room) {
		bytes_wipe(dst, room);
		return -EMSGSIZE;
	}
	dst[n] = '\0';
	if (n && dst[n - 1] == '\r')
		dst[n - 1] = '\0';
	return 0;
}

int terminal_ask(const char *prompt, char *dst, size_t room, bool hidden)
{
	struct sigaction old[2];
	int err;

	hidden = hidden && echo_off(old);
	printf("%s: ", prompt);
	fflush(stdout);
	err = read_line(dst, room);
	if (hidden)
		echo_on(old);
	return err;
}
