/* For tests of an RTP port: one, and peers with real sockets on loopback, in
 * invented time. */
#ifndef MEDIA_RTP_PORT_FIXTURE_TEST_H
#define MEDIA_RTP_PORT_FIXTURE_TEST_H

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/rtp_port.h"
#include "tests/check.h"

struct peer {
	int fd;
	struct sa sa;
	uint16_t seq;
	uint32_t ts, ssrc;
};

struct fixture {
	struct rtp_ports *range;
	struct rtp_port *port;
	struct sa rtp, rtcp; /* where the port listens */
	usec_t now;
	unsigned audio, byes, digits;
	struct media_packet last;
	uint8_t payload[16];
	char keys[16];
	unsigned duration_ms;
};

static inline void on_audio(const struct media_packet *p, void *arg)
{
	struct fixture *f = arg;

	f->audio++;
	f->last = *p;
	memcpy(f->payload, p->payload.p, p->payload.n < 16 ? p->payload.n : 16);
}

static inline void on_digit(char digit, unsigned duration_ms, void *arg)
{
	struct fixture *f = arg;

	if (f->digits < 15)
		f->keys[f->digits++] = digit;
	f->duration_ms = duration_ms;
}

static inline void on_bye(void *arg)
{
	struct fixture *f = arg;

	f->byes++;
}

static inline bool fixture_new(struct fixture *f, const char *address)
{
	static const struct rtp_port_handlers handlers = {on_audio, on_digit,
							  on_bye};
	struct sa sa;

	memset(f, 0, sizeof(*f));
	f->now = 5000 * USEC_S;
	if (sa_set_str(&sa, address, 0) ||
	    rtp_ports_new(&f->range, 40000, 49999) ||
	    rtp_port_new(&f->port, f->range, &sa, &handlers, f))
		return false;
	f->rtp = f->rtcp = sa;
	sa_set_port(&f->rtp, rtp_port_number(f->port));
	sa_set_port(&f->rtcp, (uint16_t)(rtp_port_number(f->port) + 1));
	return true;
}

static inline void fixture_free(struct fixture *f)
{
	rtp_port_free(&f->port);
	rtp_ports_free(&f->range);
}

static inline bool peer_new(struct peer *p, const char *address)
{
	memset(p, 0, sizeof(*p));
	p->fd = -1;
	if (sa_set_str(&p->sa, address, 0))
		return false;
	p->fd = socket(sa_af(&p->sa), SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (p->fd < 0 || bind(p->fd, &p->sa.u.sa, p->sa.len))
		return false;
	p->sa.len = sizeof(p->sa.u);
	p->ssrc = 77;
	return !getsockname(p->fd, &p->sa.u.sa, &p->sa.len);
}

static inline void peer_free(struct peer *p)
{
	if (p->fd >= 0)
		(void)close(p->fd);
}

static inline void peer_send(struct peer *p, const struct sa *to,
			     const void *bytes, size_t n)
{
	(void)sendto(p->fd, bytes, n, 0, &to->u.sa, to->len);
}

static inline void peer_say(struct fixture *f, struct peer *p, uint8_t pt,
			    const char *text)
{
	struct rtp_header h = {.pt = pt,
			       .seq = p->seq++,
			       .ts = p->ts,
			       .ssrc = p->ssrc,
			       .payload = bytes_str(text)};
	uint8_t out[200];
	int n = rtp_write(out, sizeof(out), &h);

	p->ts += 160;
	peer_send(p, &f->rtp, out, (size_t)n);
	rtp_port_poll(f->port, f->now);
	f->now += 20 * USEC_MS;
}

/* The next datagram at the peer; 0: none within a second. */
static inline size_t peer_receive(struct peer *p, uint8_t *dst, size_t room)
{
	struct pollfd fd = {.fd = p->fd, .events = POLLIN};
	ssize_t n;

	if (poll(&fd, 1, 1000) != 1)
		return 0;
	n = recv(p->fd, dst, room, 0);
	return n > 0 ? (size_t)n : 0;
}

static inline bool peer_is_quiet(struct peer *p)
{
	struct pollfd fd = {.fd = p->fd, .events = POLLIN};

	return poll(&fd, 1, 0) == 0;
}

#endif
