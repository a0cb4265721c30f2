#include "tgcall/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

#define BATCH 8
#define DATAGRAM_BYTES 1600
/* One pass may not hold up the other calls of the thread for ever. */
#define BATCHES_MAX 64

struct gathering {
	struct sa *list;
	int n;
	bool loopback; /* this pass takes loopback addresses, and no others */
};

static bool address_take(const char *name, const struct sa *addr, void *arg)
{
	struct gathering *g = arg;

	(void)name;
	if (g->n == TGCALL_SOCKETS_MAX)
		return true;
	if (sa_is_linklocal(addr) || sa_is_loopback(addr) != g->loopback)
		return false;
	/* One loopback address is enough. */
	if (g->loopback && sa_af(addr) != AF_INET)
		return false;
	g->list[g->n] = *addr;
	sa_set_port(&g->list[g->n++], 0);
	return false;
}

int tgcall_socket_addresses(struct sa list[TGCALL_SOCKETS_MAX],
			    const char *bind_address, bool allow_loopback)
{
	struct gathering g = {.list = list};

	if (bind_address) {
		if (sa_set_str(&list[0], bind_address, 0))
			return -EADDRNOTAVAIL;
		return 1;
	}
	net_getifaddrs(address_take, &g);
	if (g.n == 0 || allow_loopback) {
		g.loopback = true;
		net_getifaddrs(address_take, &g);
	}
	return g.n ? g.n : -EADDRNOTAVAIL;
}

int tgcall_socket_open(struct sa *addr)
{
	struct sa bound;
	int fd = socket(sa_af(addr), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			0);

	if (fd < 0)
		return -errno;
	sa_init(&bound, sa_af(addr));
	bound.len = sizeof(bound.u);
	if (bind(fd, &addr->u.sa, addr->len) < 0 ||
	    getsockname(fd, &bound.u.sa, &bound.len) < 0) {
		int e = -errno;

		close(fd);
		return e;
	}
	*addr = bound;
	return fd;
}

int tgcall_socket_read(int fd,
		       void (*datagram)(const struct sa *src, struct bytes d,
					void *arg),
		       void *arg)
{
	uint8_t data[BATCH][DATAGRAM_BYTES];
	struct sa src[BATCH];
	struct iovec iov[BATCH];
	struct mmsghdr msgs[BATCH];
	int total = 0;

	for (int batch = 0; batch < BATCHES_MAX; batch++) {
		int n;

		for (int i = 0; i < BATCH; i++) {
			iov[i] = (struct iovec){data[i], DATAGRAM_BYTES};
			msgs[i].msg_hdr = (struct msghdr){
				.msg_name = &src[i].u,
				.msg_namelen = sizeof(src[i].u),
				.msg_iov = &iov[i],
				.msg_iovlen = 1,
			};
		}
		n = recvmmsg(fd, msgs, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++) {
			src[i].len = msgs[i].msg_hdr.msg_namelen;
			if (msgs[i].msg_hdr.msg_flags & MSG_TRUNC) {
				count_bad("tgcall", "too-long", "datagram");
				continue;
			}
			datagram(&src[i], bytes_of(data[i], msgs[i].msg_len),
				 arg);
		}
		/* Errors are those of earlier sends (port unreachable): the
		 * checks of the pair find out. */
		if (n > 0)
			total += n;
		if (n < BATCH)
			break;
	}
	return total;
}

void tgcall_socket_send(int fd, const struct sa *dst, struct bytes d)
{
	if (sendto(fd, d.p, d.n, MSG_DONTWAIT, &dst->u.sa, dst->len) < 0)
		count_add("tgcall", "send-failed", 1);
}
