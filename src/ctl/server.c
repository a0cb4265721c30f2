#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/re.h"
#include "ctl/ctl.h"

#define LINE_MAX_BYTES 65536
#define CLIENTS_MAX 32
/* Some thousand sessions in one answer; several that nobody reads are too
 * many. */
#define UNSENT_MAX_BYTES (8U * 1024 * 1024)

struct ctl_server {
	int fd;
	char path[108];
	struct service *service;
	struct list clients;
};

struct client {
	struct le le;
	struct ctl_server *server;
	int fd;
	struct buf in, out;
	bool gone; /* the peer left; the object waits for its answers */
};

static void client_destroy(void *arg)
{
	struct client *c = arg;

	list_unlink(&c->le);
	if (c->fd >= 0) {
		fd_close(c->fd);
		close(c->fd);
	}
	buf_clear(&c->in);
	buf_clear(&c->out);
}

static void client_leave(struct client *c)
{
	if (c->gone)
		return;
	c->gone = true;
	fd_close(c->fd);
	close(c->fd);
	c->fd = -1;
	list_unlink(&c->le);
	mem_deref(c);
}

static void on_event(int flags, void *arg);

/* As much as the socket takes; the rest goes when it has room again. A client
 * that does not read loses its connection, not our time. */
static void flush(struct client *c)
{
	size_t sent = 0;
	ssize_t k = 0;

	while (sent < c->out.n &&
	       (k = send(c->fd, c->out.p + sent, c->out.n - sent,
			 MSG_NOSIGNAL | MSG_DONTWAIT)) > 0)
		sent += (size_t)k;
	if (k < 0 && errno != EAGAIN && errno != EINTR) {
		client_leave(c);
		return;
	}
	buf_drop(&c->out, sent);
	if (c->out.n > UNSENT_MAX_BYTES ||
	    fd_listen(c->fd, FD_READ | (c->out.n ? FD_WRITE : 0), on_event, c))
		client_leave(c);
}

static void send_line(struct client *c, json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);

	if (text && !c->gone) {
		buf_str(&c->out, text);
		buf_u8(&c->out, '\n');
		if (c->out.bad)
			client_leave(c);
		else
			flush(c);
	}
	free(text);
}

static void on_answer(json_t *answer, void *arg)
{
	struct client *c = arg;

	send_line(c, answer);
	mem_deref(c);
}

static void take_line(struct client *c, const char *text, size_t n)
{
	json_t *request = json_loadb(text, n, 0, NULL);
	json_t *bad;

	if (!json_is_object(request)) {
		count_bad("ctl", "request", "not a JSON object");
		bad = json_pack("{sb ss}", "ok", 0, "error",
				"not a JSON object");
		send_line(c, bad);
		json_decref(bad);
	} else {
		mem_ref(c);
		if (service_run(c->server->service, request, on_answer, c))
			mem_deref(c);
	}
	json_decref(request);
}

static void read_lines(struct client *c)
{
	uint8_t *end;

	while (!c->gone && c->in.n &&
	       (end = memchr(c->in.p, '\n', c->in.n)) != NULL) {
		size_t n = (size_t)(end - c->in.p);

		take_line(c, (const char *)c->in.p, n);
		buf_drop(&c->in, n + 1);
	}
	if (c->in.n > LINE_MAX_BYTES) {
		count_bad("ctl", "line", "longer than 64 KiB");
		client_leave(c);
	}
}

static void read_more(struct client *c)
{
	char chunk[4096];
	ssize_t n = recv(c->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			client_leave(c);
		return;
	}
	buf_put(&c->in, chunk, (size_t)n);
	read_lines(c);
}

static void on_event(int flags, void *arg)
{
	struct client *c = arg;

	mem_ref(c);
	if (flags & FD_WRITE)
		flush(c);
	if ((flags & ~FD_WRITE) && !c->gone)
		read_more(c);
	mem_deref(c);
}

static void on_connect(int flags, void *arg)
{
	struct ctl_server *s = arg;
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c;

	if (fd < 0)
		return;
	if (list_count(&s->clients) >= CLIENTS_MAX) {
		count_bad("ctl", "client", "more than 32 at a time");
		close(fd);
		return;
	}
	c = mem_zalloc(sizeof(*c), client_destroy);
	if (!c) {
		close(fd);
		return;
	}
	c->server = s;
	c->fd = fd;
	list_append(&s->clients, &c->le, c);
	if (fd_listen(fd, FD_READ, on_event, c))
		client_leave(c);
}

static bool somebody_listens(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool live = fd >= 0 && connect(fd, (const struct sockaddr *)sun,
				       sizeof(*sun)) == 0;

	if (fd >= 0)
		close(fd);
	return live;
}

/* What an earlier process left. Never another kind of file. */
static int remove_stale(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	return unlink(path) ? -errno : 0;
}

static int listen_at(struct ctl_server *s)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	mode_t mask;
	int err;

	memcpy(sun.sun_path, s->path, sizeof(sun.sun_path));
	if (somebody_listens(&sun))
		return -EADDRINUSE;
	err = remove_stale(s->path);
	if (err)
		return err;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return -errno;
	mask = umask(0177);
	if (bind(s->fd, (struct sockaddr *)&sun, sizeof(sun)) ||
	    listen(s->fd, 16))
		err = -errno;
	umask(mask);
	return err ? err : -fd_listen(s->fd, FD_READ, on_connect, s);
}

int ctl_server_new(struct ctl_server **sp, const char *path,
		   struct service *service)
{
	struct ctl_server *s;
	int err;

	if (strlen(path) >= sizeof(s->path))
		return -ENAMETOOLONG;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->fd = -1;
	s->service = service;
	memcpy(s->path, path, strlen(path));
	err = listen_at(s);
	if (err) {
		if (s->fd >= 0)
			close(s->fd);
		free(s);
		return err;
	}
	*sp = s;
	return 0;
}

void ctl_server_free(struct ctl_server **sp)
{
	struct ctl_server *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	while (!list_isempty(&s->clients))
		client_leave(list_head(&s->clients)->data);
	fd_close(s->fd);
	close(s->fd);
	unlink(s->path);
	free(s);
}
