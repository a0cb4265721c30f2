/* The call's own sockets: one for each address of the machine, and more when it
 * gets others while the call is without a connection (E.7: "gathering:
 * continual"). */
#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "tgcall/tgcall_internal.h"

static bool has_address(const struct tgcall *c, const struct sa *addr)
{
	for (int i = 0; i < c->sockets_n; i++)
		if (sa_cmp(&c->sockets[i].addr, addr, SA_ADDR))
			return true;
	return false;
}

/* NULL: no room, or the address is not to be had. */
static struct tgcall_socket *socket_add(struct tgcall *c, const struct sa *addr)
{
	struct tgcall_socket *s = &c->sockets[c->sockets_n];

	if (c->sockets_n == TGCALL_SOCKETS_MAX)
		return NULL;
	*s = (struct tgcall_socket){.call = c, .addr = *addr, .base = -1};
	s->fd = tgcall_socket_open(&s->addr);
	if (s->fd < 0)
		return NULL;
	c->sockets_n++;
	return s;
}

int tgcall_sockets_open(struct tgcall *c, const struct tgcall_conf *conf)
{
	struct sa list[TGCALL_SOCKETS_MAX];
	int n;

	if (conf->bind_address &&
	    sa_set_str(&c->bind, conf->bind_address, 0) == 0)
		c->has_bind = true;
	c->allow_loopback = conf->allow_loopback;
	/* E.7: without it "relay candidates only"; never leak our address. */
	if (!conf->p2p_allowed)
		return c->relays_n ? 0 : -EADDRNOTAVAIL;
	n = tgcall_socket_addresses(list, conf->bind_address,
				    conf->allow_loopback);
	for (int i = 0; i < n; i++)
		(void)socket_add(c, &list[i]);
	return c->sockets_n ? 0 : -EADDRNOTAVAIL;
}

static void socket_gather(struct tgcall_socket *s)
{
	struct tgcall *c = s->call;

	s->base = ice_agent_base(c->ice, &s->addr, c->now);
	if (s->base < 0)
		count_add("tgcall", "address-unused", 1);
}

void tgcall_sockets_gather(struct tgcall *c)
{
	for (int i = 0; i < c->sockets_n; i++)
		socket_gather(&c->sockets[i]);
}

void tgcall_sockets_renew(struct tgcall *c)
{
	struct sa list[TGCALL_SOCKETS_MAX];
	int n;

	/* Relays only, or one address by configuration: nothing to look for. */
	if (!c->sockets_n || c->has_bind)
		return;
	n = tgcall_socket_addresses(list, NULL, c->allow_loopback);
	for (int i = 0; i < n; i++) {
		struct tgcall_socket *s;

		if (has_address(c, &list[i]))
			continue;
		s = socket_add(c, &list[i]);
		if (!s)
			continue;
		log_info("tgcall", NULL, "a new local address is used");
		if (!c->polled)
			tgcall_socket_listen(s, true);
		socket_gather(s);
	}
}

struct tgcall_socket *tgcall_socket_of(struct tgcall *c, int base)
{
	for (int i = 0; i < c->sockets_n; i++)
		if (c->sockets[i].base == base)
			return &c->sockets[i];
	return NULL;
}
