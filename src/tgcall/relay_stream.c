/* A reflector over TCP: connecting, the prologue, whole packets or none. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "tgcall/relay_internal.h"

#define RETRY (1 * USEC_S)
/* One pass may not hold up the other calls of the thread for ever. */
#define READS_MAX 64

static void stream_close(struct tgcall_relay *r)
{
	relay_listen(r, false);
	close(r->fd);
	r->fd = -1;
	r->stream->connected = false;
	r->retry_at = r->call->now + RETRY;
	count_add("tgcall", "relay-connection-lost", 1);
}

int relay_stream_open(struct tgcall_relay *r)
{
	struct relay_stream *s = r->stream;
	int fd = socket(sa_af(&r->server),
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (r->call->has_bind && sa_af(&r->call->bind) == sa_af(&r->server) &&
	    bind(fd, &r->call->bind.u.sa, r->call->bind.len) < 0)
		goto failed;
	if (connect(fd, &r->server.u.sa, r->server.len) < 0 &&
	    errno != EINPROGRESS)
		goto failed;
	s->connected = false;
	s->in.n = 0;
	/* E.8: "before the first packet send ee ee ee ee once". */
	memset(s->rest, 0xee, 4);
	s->rest_n = 4;
	return fd;
failed:
	close(fd);
	return -errno;
}

/* false: the connection is lost. */
static bool rest_send(struct tgcall_relay *r)
{
	struct relay_stream *s = r->stream;
	ssize_t n;

	if (!s->rest_n)
		return true;
	n = send(r->fd, s->rest, s->rest_n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	s->rest_n -= (size_t)n;
	memmove(s->rest, s->rest + n, s->rest_n);
	return true;
}

static bool connect_check(struct tgcall_relay *r)
{
	struct pollfd p = {.fd = r->fd, .events = POLLOUT};
	int error = 0;
	socklen_t n = sizeof(error);
	struct sa addr;

	if (poll(&p, 1, 0) <= 0)
		return false;
	if (getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0 || error) {
		stream_close(r);
		return true;
	}
	r->stream->connected = true;
	relay_listen(r, !r->call->polled);
	relay_hello_send(r);
	/* "Ready as soon as connected; candidate published immediately". */
	ice_reflector_address(&addr, r->reflector.server_id, r->reflector.tag,
			      sa_port(&r->server));
	relay_is_ready(r, &addr);
	return true;
}

static void on_packet(struct bytes packet, void *arg)
{
	relay_packet_input(arg, packet);
}

bool relay_stream_read(struct tgcall_relay *r)
{
	bool heard = false;
	uint8_t d[4096];

	if (r->fd >= 0 && !r->stream->connected)
		heard = connect_check(r);
	for (int i = 0; i < READS_MAX && r->fd >= 0 && r->stream->connected;
	     i++) {
		ssize_t n = recv(r->fd, d, sizeof(d), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		heard = true;
		if (n <= 0 || ice_reflector_stream_input(&r->stream->in,
							 bytes_of(d, (size_t)n),
							 on_packet, r) < 0) {
			stream_close(r);
			break;
		}
	}
	return heard;
}

void relay_stream_send(struct tgcall_relay *r, struct bytes packet)
{
	struct relay_stream *s = r->stream;

	if (r->fd < 0 || !s->connected)
		return;
	if (!rest_send(r)) {
		stream_close(r);
		return;
	}
	if (s->rest_n || 4 + packet.n > sizeof(s->rest)) {
		count_add("tgcall", "relay-dropped", 1);
		return;
	}
	le32_store(s->rest, (uint32_t)packet.n);
	memcpy(s->rest + 4, packet.p, packet.n);
	s->rest_n = 4 + packet.n;
	if (!rest_send(r)) {
		stream_close(r);
		return;
	}
	/* Nothing of it went out: then it never will. */
	if (s->rest_n == 4 + packet.n) {
		s->rest_n = 0;
		count_add("tgcall", "relay-dropped", 1);
	}
}
