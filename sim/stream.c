#include "sim/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { SIM_LINE_MAX = 1 << 20 };

struct sim_stream {
	struct sim_loop *loop;
	int fd;
	struct sim_stream_handlers h;
	void *arg;
	struct buf out;
	struct buf in; /* an unfinished line */
	bool finishing;
	bool busy;  /* a handler runs: memory stays until it returns */
	bool freed; /* by the owner, inside its handler */
};

struct sim_listener {
	struct sim_loop *loop;
	int fd;
	sim_listener_h *h;
	void *arg;
};

static void sim_stream_lost(struct sim_stream *s)
{
	sim_loop_unwatch(s->loop, s->fd);
	if (s->h.closed)
		s->h.closed(s->arg);
}

/* False: the connection is gone and the owner was told. */
static bool sim_stream_flush(struct sim_stream *s)
{
	while (s->out.n) {
		ssize_t n = send(s->fd, s->out.p, s->out.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) {
			sim_stream_lost(s);
			return false;
		}
		buf_drop(&s->out, (size_t)n);
	}
	if (!s->out.n && s->finishing) {
		sim_stream_lost(s);
		return false;
	}
	sim_loop_change(s->loop, s->fd,
			s->out.n ? EPOLLIN | EPOLLOUT : EPOLLIN);
	return true;
}

/* After a handler. False: the owner freed the stream inside it. */
static bool sim_stream_calm(struct sim_stream *s)
{
	s->busy = false;
	if (!s->freed)
		return true;
	free(s);
	return false;
}

/* False: the owner freed the stream inside its handler. */
static bool sim_stream_lines(struct sim_stream *s, struct bytes in)
{
	uint8_t *end;

	buf_put(&s->in, in.p, in.n);
	s->busy = true;
	while (!s->freed && s->in.n && (end = memchr(s->in.p, '\n', s->in.n))) {
		size_t n = (size_t)(end - s->in.p);
		char *line = strndup((const char *)s->in.p, n);

		buf_drop(&s->in, n + 1);
		if (line)
			s->h.line(line, s->arg);
		free(line);
	}
	if (!sim_stream_calm(s))
		return false;
	if (s->in.n > SIM_LINE_MAX || s->in.bad) {
		sim_stream_lost(s);
		return false;
	}
	return true;
}

static bool sim_stream_take(struct sim_stream *s, struct bytes in)
{
	if (s->h.line)
		return sim_stream_lines(s, in);
	if (!s->h.data)
		return true;
	s->busy = true;
	s->h.data(in, s->arg);
	return sim_stream_calm(s);
}

static void sim_stream_on_io(uint32_t events, void *arg)
{
	struct sim_stream *s = arg;
	uint8_t chunk[16384];
	ssize_t n;

	if ((events & EPOLLOUT) && !sim_stream_flush(s))
		return;
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	n = recv(s->fd, chunk, sizeof(chunk), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		sim_stream_lost(s);
	else
		sim_stream_take(s, bytes_of(chunk, (size_t)n));
}

int sim_stream_new(struct sim_stream **sp, struct sim_loop *l, int fd,
		   const struct sim_stream_handlers *h, void *arg)
{
	struct sim_stream *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	if (!s)
		goto out;
	s->loop = l;
	s->fd = fd;
	s->h = *h;
	s->arg = arg;
	buf_init(&s->out);
	buf_init(&s->in);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	err = sim_loop_watch(l, fd, EPOLLIN, sim_stream_on_io, s);
	if (err)
		goto out;
	*sp = s;
	return 0;
out:
	free(s);
	close(fd);
	return err;
}

void sim_stream_free(struct sim_stream **sp)
{
	struct sim_stream *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	s->freed = true;
	sim_loop_unwatch(s->loop, s->fd);
	close(s->fd);
	buf_clear(&s->out);
	buf_clear(&s->in);
	if (!s->busy)
		free(s);
}

void sim_stream_write(struct sim_stream *s, struct bytes out)
{
	buf_put(&s->out, out.p, out.n);
	/* Sending waits for the loop: the owner is never told of a loss from
	 * within its own call. */
	sim_loop_change(s->loop, s->fd, EPOLLIN | EPOLLOUT);
}

void sim_stream_finish(struct sim_stream *s)
{
	s->finishing = true;
	sim_loop_change(s->loop, s->fd, EPOLLIN | EPOLLOUT);
}

int sim_stream_fd(const struct sim_stream *s)
{
	return s->fd;
}

/* -- listening ------------------------------------------------------------ */

static void sim_listener_on_io(uint32_t events, void *arg)
{
	struct sim_listener *l = arg;
	int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		l->h(fd, l->arg);
}

int sim_listener_new_fd(struct sim_listener **lp, struct sim_loop *loop, int fd,
			sim_listener_h *h, void *arg)
{
	struct sim_listener *l = calloc(1, sizeof(*l));
	int err = -ENOMEM;

	if (!l)
		goto out;
	*l = (struct sim_listener){loop, fd, h, arg};
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	err = sim_loop_watch(loop, fd, EPOLLIN, sim_listener_on_io, l);
	if (err)
		goto out;
	*lp = l;
	return 0;
out:
	free(l);
	close(fd);
	return err;
}

static int sim_tcp_listen(const struct addrinfo *ai)
{
	int one = 1, err;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, 64) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int sim_listener_new_tcp(struct sim_listener **lp, struct sim_loop *loop,
			 const char *host, uint16_t port, sim_listener_h *h,
			 void *arg)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				 .ai_socktype = SOCK_STREAM};
	struct addrinfo *ai = NULL;
	char service[8];
	int fd;

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(host, service, &hints, &ai))
		return -EINVAL;
	fd = sim_tcp_listen(ai);
	freeaddrinfo(ai);
	return fd < 0 ? fd : sim_listener_new_fd(lp, loop, fd, h, arg);
}

static int sim_unix_address(struct sockaddr_un *sun, const char *path)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(sun->sun_path))
		return -ENAMETOOLONG;
	strcpy(sun->sun_path, path);
	return 0;
}

int sim_unix_listen(const char *path)
{
	struct sockaddr_un sun;
	int fd, err = sim_unix_address(&sun, path);

	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	unlink(path);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 &&
	    chmod(path, 0600) == 0 && listen(fd, 64) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int sim_unix_connect(const char *path)
{
	struct sockaddr_un sun;
	int fd, err = sim_unix_address(&sun, path);

	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int sim_listener_new_unix(struct sim_listener **lp, struct sim_loop *loop,
			  const char *path, sim_listener_h *h, void *arg)
{
	int fd = sim_unix_listen(path);

	return fd < 0 ? fd : sim_listener_new_fd(lp, loop, fd, h, arg);
}

uint16_t sim_listener_port(const struct sim_listener *l)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address = {{0}};
	socklen_t n = sizeof(address);

	if (getsockname(l->fd, &address.any, &n))
		return 0;
	return ntohs(address.any.sa_family == AF_INET6 ? address.in6.sin6_port
						       : address.in.sin_port);
}

void sim_listener_free(struct sim_listener **lp)
{
	struct sim_listener *l = *lp;

	if (!l)
		return;
	sim_loop_unwatch(l->loop, l->fd);
	close(l->fd);
	free(l);
	*lp = NULL;
}
