#include "sim/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "sim/store.h"
#include "sim/stream.h"

#define SIM_LINGER (300 * USEC_S)
#define SIM_STOP_PATIENCE (5 * USEC_S)
enum { SIM_MISSED_MAX = 8 << 20, SIM_ARGS = 128 };

struct sim_launcher;

/* One endpoint program. It is gone when it has ended and its output is read. */
struct sim_child {
	struct sim_child *next;
	struct sim_launcher *l;
	char id[64];
	pid_t pid;
	int pid_fd;
	struct sim_stream *in, *out;
	bool ended, drained;
	int status;
	int signal;     /* next one to send */
	usec_t kill_at; /* USEC_NEVER: not stopping */
	usec_t give_up; /* output is no longer waited for */
};

struct sim_launcher {
	struct sim_loop *loop;
	struct sim_listener *listener;
	struct sim_stream *dc; /* the data centre, NULL: away */
	bool dc_lost;
	struct buf missed;
	struct sim_child *children;
	const char *dir;
	bool quitting;
	usec_t alone_since;
};

/* -- to the data centre
 * ---------------------------------------------------------- */

static void sim_launcher_tell(struct sim_launcher *l, json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);
	struct buf line;

	json_decref(o);
	if (!text)
		return;
	buf_init(&line);
	buf_str(&line, text);
	buf_u8(&line, '\n');
	free(text);
	if (l->dc)
		sim_stream_write(l->dc, buf_bytes(&line));
	else if (l->missed.n + line.n < SIM_MISSED_MAX)
		buf_put(&l->missed, line.p, line.n);
	buf_clear(&line);
}

/* -- programs
 * ---------------------------------------------------------------------- */

static struct sim_child *sim_child_find(struct sim_launcher *l, const char *id)
{
	struct sim_child *c = l->children;

	while (c && strcmp(c->id, id))
		c = c->next;
	return c;
}

static void sim_child_on_line(const char *line, void *arg)
{
	struct sim_child *c = arg;

	sim_launcher_tell(c->l, json_pack("{ss ss ss}", "event", "line", "id",
					  c->id, "line", line));
}

static void sim_child_on_drained(void *arg)
{
	struct sim_child *c = arg;

	c->drained = true;
}

static void sim_child_on_end(uint32_t events, void *arg)
{
	struct sim_child *c = arg;
	int status = 0;

	if (waitpid(c->pid, &status, WNOHANG) != c->pid)
		return;
	sim_loop_unwatch(c->l->loop, c->pid_fd);
	c->ended = true;
	c->kill_at = USEC_NEVER;
	c->give_up = clock_now() + USEC_S;
	c->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status)
					: WEXITSTATUS(status);
}

static void sim_child_free(struct sim_child *c)
{
	sim_stream_free(&c->in);
	sim_stream_free(&c->out);
	if (c->pid_fd >= 0) {
		sim_loop_unwatch(c->l->loop, c->pid_fd);
		close(c->pid_fd);
	}
	free(c);
}

static void sim_child_exec(char *const argv[], int in, int out, int err)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	dup2(in, 0);
	dup2(out, 1);
	if (err >= 0)
		dup2(err, 2);
	execvp(argv[0], argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static int sim_child_log(const struct sim_launcher *l, const char *id)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/endpoints", l->dir);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/endpoints/%s.log", l->dir, id);
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static int sim_child_spawn(struct sim_child *c, char *const argv[])
{
	static const struct sim_stream_handlers in_handlers = {0};
	static const struct sim_stream_handlers out_handlers = {
		.line = sim_child_on_line, .closed = sim_child_on_drained};
	int in[2], out[2], err = sim_child_log(c->l, c->id);

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out))
		return -errno;
	c->pid = fork();
	if (c->pid == 0)
		sim_child_exec(argv, in[1], out[1], err);
	close(in[1]);
	close(out[1]);
	if (err >= 0)
		close(err);
	if (sim_stream_new(&c->in, c->l->loop, in[0], &in_handlers, c) ||
	    sim_stream_new(&c->out, c->l->loop, out[0], &out_handlers, c) ||
	    c->pid < 0)
		return -ENOMEM;
	c->pid_fd = pidfd_open(c->pid, 0);
	return sim_loop_watch(c->l->loop, c->pid_fd, EPOLLIN, sim_child_on_end,
			      c);
}

static void sim_launcher_start(struct sim_launcher *l, const char *id,
			       const json_t *list)
{
	char *argv[SIM_ARGS + 1] = {NULL};
	struct sim_child *c = calloc(1, sizeof(*c));
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) if (i < SIM_ARGS) argv[i] =
		strdup(json_string_value(item));
	if (c && argv[0] && !sim_child_find(l, id)) {
		snprintf(c->id, sizeof(c->id), "%s", id);
		c->l = l;
		c->kill_at = USEC_NEVER;
		c->give_up = USEC_NEVER;
		c->signal = SIGTERM;
		c->pid_fd = -1;
		c->next = l->children;
		l->children = c;
		if (sim_child_spawn(c, argv)) {
			c->ended = c->drained = true;
			c->status = 127;
		}
		c = NULL;
	}
	free(c);
	for (i = 0; i < SIM_ARGS; i++)
		free(argv[i]);
}

static void sim_child_stop(struct sim_child *c)
{
	if (c->kill_at == USEC_NEVER && !c->ended)
		c->kill_at = clock_now() + SIM_STOP_PATIENCE;
}

static void sim_child_line(struct sim_child *c, const char *line)
{
	if (c->ended || !c->in)
		return;
	sim_stream_write(c->in, bytes_str(line));
	sim_stream_write(c->in, bytes_str("\n"));
	if (!strcmp(line, "STOP"))
		sim_child_stop(c);
}

/* -- the data centre
 * ------------------------------------------------------------------ */

static void sim_launcher_attach(struct sim_launcher *l)
{
	json_t *running = json_array();

	if (l->missed.n)
		sim_stream_write(l->dc, buf_bytes(&l->missed));
	buf_reset(&l->missed);
	for (const struct sim_child *c = l->children; c; c = c->next)
		json_array_append_new(running, json_string(c->id));
	sim_launcher_tell(l, json_pack("{ss so}", "event", "attached",
				       "running", running));
}

static void sim_launcher_quit(struct sim_launcher *l)
{
	l->quitting = true;
	for (struct sim_child *c = l->children; c; c = c->next)
		sim_child_line(c, "STOP");
}

static void sim_launcher_on_line(const char *line, void *arg)
{
	struct sim_launcher *l = arg;
	json_t *o = json_loads(line, 0, NULL);
	const char *op = sim_json_text(o, "op", "");
	const char *id = sim_json_text(o, "id", "");
	struct sim_child *c = sim_child_find(l, id);

	if (!strcmp(op, "attach"))
		sim_launcher_attach(l);
	else if (!strcmp(op, "start"))
		sim_launcher_start(l, id, json_object_get(o, "argv"));
	else if (!strcmp(op, "line") && c)
		sim_child_line(c, sim_json_text(o, "line", ""));
	else if (!strcmp(op, "quit"))
		sim_launcher_quit(l);
	json_decref(o);
}

static void sim_launcher_on_lost(void *arg)
{
	struct sim_launcher *l = arg;

	l->dc_lost = true;
}

static void sim_launcher_on_accept(int fd, void *arg)
{
	static const struct sim_stream_handlers handlers = {
		.line = sim_launcher_on_line, .closed = sim_launcher_on_lost};
	struct sim_launcher *l = arg;

	sim_stream_free(&l->dc);
	l->dc_lost = false;
	sim_stream_new(&l->dc, l->loop, fd, &handlers, l);
}

/* -- time
 * --------------------------------------------------------------------------------
 */

static usec_t sim_launcher_deadline(void *arg)
{
	const struct sim_launcher *l = arg;
	usec_t due = l->dc ? USEC_NEVER : l->alone_since + SIM_LINGER;

	for (const struct sim_child *c = l->children; c; c = c->next) {
		due = c->kill_at < due ? c->kill_at : due;
		due = c->give_up < due ? c->give_up : due;
		if (c->ended && c->drained)
			due = 0;
	}
	return due;
}

static void sim_child_tick(struct sim_child *c, usec_t now)
{
	if (c->give_up <= now)
		c->drained = true;
	if (c->kill_at > now || c->ended)
		return;
	kill(c->pid, c->signal);
	c->signal = SIGKILL;
	c->kill_at = now + 2 * USEC_S;
}

static void sim_launcher_reap(struct sim_launcher *l)
{
	struct sim_child **cp = &l->children;

	while (*cp) {
		struct sim_child *c = *cp;

		if (!c->ended || !c->drained) {
			cp = &c->next;
			continue;
		}
		*cp = c->next;
		sim_launcher_tell(l,
				  json_pack("{ss ss si}", "event", "exit", "id",
					    c->id, "status", c->status));
		sim_child_free(c);
	}
}

static void sim_launcher_tick(usec_t now, void *arg)
{
	struct sim_launcher *l = arg;

	if (l->dc_lost) {
		sim_stream_free(&l->dc);
		l->dc_lost = false;
		l->alone_since = now;
	}
	for (struct sim_child *c = l->children; c; c = c->next)
		sim_child_tick(c, now);
	sim_launcher_reap(l);
	if (!l->dc && !l->quitting && l->alone_since + SIM_LINGER <= now)
		sim_launcher_quit(l);
	if (l->quitting && !l->children)
		sim_loop_stop(l->loop);
}

static void sim_launcher_clear(struct sim_launcher *l)
{
	while (l->children) {
		struct sim_child *c = l->children;

		l->children = c->next;
		if (!c->ended && c->pid > 0)
			kill(c->pid, SIGTERM);
		sim_child_free(c);
	}
	sim_stream_free(&l->dc);
	sim_listener_free(&l->listener);
	sim_loop_free(&l->loop);
	buf_clear(&l->missed);
}

int sim_launcher_run(int listen_fd, const char *dir)
{
	struct sim_launcher l = {.dir = dir, .alone_since = clock_now()};
	int err;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	buf_init(&l.missed);
	err = sim_loop_new(&l.loop,
			   &(struct sim_loop_handlers){sim_launcher_deadline,
						       sim_launcher_tick},
			   &l);
	if (!err)
		err = sim_listener_new_fd(&l.listener, l.loop, listen_fd,
					  sim_launcher_on_accept, &l);
	if (!err)
		err = sim_loop_run(l.loop);
	sim_launcher_clear(&l);
	return err ? 1 : 0;
}
