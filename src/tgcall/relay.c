#include "tgcall/relay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/random.h"
#include "tgcall/relay_internal.h"

#define RETRY (1 * USEC_S)

/* -- engines' handlers ------------------------------------------------------
 */

/* E.8: with network_standalone_reflectors "tag fixed (1 caller, 2 callee),
 * candidates are not signalled but derived". */
static uint32_t standalone_tag(bool outgoing)
{
	return outgoing ? 1 : 2;
}

static void peer_derive(struct tgcall_relay *r)
{
	struct tgcall *c = r->call;
	char name[64], line[160];
	struct sa addr;

	ice_reflector_address(&addr, r->reflector.server_id,
			      standalone_tag(!c->outgoing),
			      sa_port(&r->server));
	ice_reflector_name_write(name, &addr);
	snprintf(line, sizeof(line),
		 "candidate:1 1 udp 41877760 %s %u typ relay", name,
		 sa_port(&addr));
	ice_agent_remote_candidate(c->ice, line, c->now);
}

void relay_is_ready(struct tgcall_relay *r, const struct sa *addr)
{
	struct tgcall *c = r->call;
	int base;

	if (r->base >= 0)
		return;
	base = ice_agent_relay(c->ice, r->kind, addr, &r->server, c->now);
	if (base < 0)
		return;
	r->base = base;
	if (c->standalone && !r->turn)
		peer_derive(r);
}

static void on_turn_send(struct bytes d, void *arg)
{
	struct tgcall_relay *r = arg;

	if (r->fd >= 0)
		tgcall_socket_send(r->fd, &r->server, d);
}

static void on_turn_allocated(const struct sa *relayed, void *arg)
{
	relay_is_ready(arg, relayed);
}

static void payload_input(struct tgcall_relay *r, const struct sa *src,
			  struct bytes payload)
{
	if (r->base < 0)
		return;
	r->call->reading = r->base;
	tgcall_datagram_input(r->call, src, payload);
}

static void on_turn_data(const struct sa *peer, struct bytes payload, void *arg)
{
	payload_input(arg, peer, payload);
}

static void on_turn_failed(void *arg)
{
	(void)arg;
	log_warn("tgcall", NULL, "a TURN server gave no allocation");
}

void relay_packet_input(struct tgcall_relay *r, struct bytes packet)
{
	struct ice_reflector *f = &r->reflector;
	struct bytes payload;
	struct sa addr;
	uint32_t from;
	int e = ice_reflector_unwrap(&payload, &from, f, packet);

	if (e < 0) {
		count_bad("tgcall", "reflector-packet", "not for us");
		return;
	}
	if (r->base < 0) {
		ice_reflector_address(&addr, f->server_id, f->tag,
				      sa_port(&r->server));
		relay_is_ready(r, &addr);
	}
	if (e == 0)
		return;
	ice_reflector_address(&addr, f->server_id, from, sa_port(&r->server));
	payload_input(r, &addr, payload);
}

/* -- sockets ----------------------------------------------------------------
 */

static void on_server_datagram(const struct sa *src, struct bytes d, void *arg)
{
	struct tgcall_relay *r = arg;

	(void)src;
	if (r->turn)
		ice_turn_input(r->turn, d, r->call->now);
	else
		relay_packet_input(r, d);
}

static bool relay_read(struct tgcall_relay *r)
{
	if (r->stream)
		return relay_stream_read(r);
	return r->fd >= 0 &&
	       tgcall_socket_read(r->fd, on_server_datagram, r) > 0;
}

static void on_readable(int flags, void *arg)
{
	struct tgcall_relay *r = arg;
	struct tgcall *c = r->call;

	(void)flags;
	tgcall_enter(c, clock_now());
	relay_read(r);
	tgcall_leave(c);
}

void relay_listen(struct tgcall_relay *r, bool listen)
{
	int flags = FD_READ;

	if (r->fd < 0)
		return;
	if (r->stream && !r->stream->connected)
		flags |= FD_WRITE;
	fd_close(r->fd);
	if (listen && fd_listen(r->fd, flags, on_readable, r))
		log_error("tgcall", NULL, "no room in the loop");
}

static void relay_open(struct tgcall_relay *r)
{
	struct tgcall *c = r->call;
	struct sa local;

	r->retry_at = USEC_NEVER;
	if (r->stream) {
		r->fd = relay_stream_open(r);
	} else {
		sa_init(&local, sa_af(&r->server));
		if (c->has_bind && sa_af(&c->bind) == sa_af(&r->server))
			local = c->bind;
		else
			sa_set_str(&local,
				   sa_af(&r->server) == AF_INET6 ? "::"
								 : "0.0.0.0",
				   0);
		r->fd = tgcall_socket_open(&local);
		if (r->fd >= 0 &&
		    connect(r->fd, &r->server.u.sa, r->server.len) < 0) {
			close(r->fd);
			r->fd = -1;
		}
	}
	if (r->fd < 0) {
		r->fd = -1;
		r->retry_at = c->now + RETRY;
		return;
	}
	if (!c->polled)
		relay_listen(r, true);
}

void relay_hello_send(struct tgcall_relay *r)
{
	uint8_t hello[ICE_REFLECTOR_HELLO_BYTES];
	size_t n = ice_reflector_hello(hello, &r->reflector, r->call->now);

	if (r->stream)
		relay_stream_send(r, bytes_of(hello, n));
	else if (r->fd >= 0)
		tgcall_socket_send(r->fd, &r->server, bytes_of(hello, n));
}

/* -- the list ---------------------------------------------------------------
 */

static bool relay_kind(enum ice_base_kind *kind, const struct tgcall_server *s)
{
	if (s->reflector)
		*kind = s->tcp ? ICE_BASE_REFLECTOR_TCP : ICE_BASE_REFLECTOR;
	else if (s->turn && !s->tcp)
		*kind = ICE_BASE_TURN;
	else
		return false;
	return true;
}

static int turn_make(struct tgcall_relay *r, const struct tgcall_server *s)
{
	struct ice_turn_conf conf = {
		.username = s->username,
		.password = s->password,
		.ipv6 = sa_af(&r->server) == AF_INET6,
		.handlers = {on_turn_send, on_turn_allocated, on_turn_data,
			     on_turn_failed},
		.arg = r,
	};

	return ice_turn_new(&r->turn, &conf, 0);
}

static void relay_free(struct tgcall_relay **rp)
{
	struct tgcall_relay *r = *rp;

	*rp = NULL;
	relay_listen(r, false);
	ice_turn_free(&r->turn);
	if (r->fd >= 0)
		close(r->fd);
	free(r->stream);
	bytes_wipe(r, sizeof(*r));
	free(r);
}

static int relay_new(struct tgcall_relay **rp, struct tgcall *c,
		     enum ice_base_kind kind, const struct tgcall_server *s)
{
	struct tgcall_relay *r = calloc(1, sizeof(*r));
	uint32_t tag;
	int e = 0;

	if (!r)
		return -ENOMEM;
	r->call = c;
	r->kind = kind;
	r->fd = r->base = -1;
	sa_set_str(&r->server, s->host, s->port);
	do
		random_bytes(&tag, sizeof(tag));
	while (tag == 0);
	if (c->standalone)
		tag = standalone_tag(c->outgoing);
	if (kind == ICE_BASE_TURN)
		e = turn_make(r, s);
	else
		ice_reflector_init(&r->reflector, s->id, s->peer_tag, tag,
				   kind == ICE_BASE_REFLECTOR_TCP, 0);
	if (kind == ICE_BASE_REFLECTOR_TCP) {
		r->stream = calloc(1, sizeof(*r->stream));
		if (!r->stream)
			e = -ENOMEM;
	}
	if (e < 0)
		relay_free(&r);
	*rp = r;
	return e;
}

int tgcall_relays_new(struct tgcall *c, const struct tgcall_conf *conf)
{
	for (size_t i = 0; i < conf->servers_n; i++) {
		const struct tgcall_server *s = &conf->servers[i];
		enum ice_base_kind kind;
		struct sa addr;
		int e;

		if (!relay_kind(&kind, s))
			continue;
		if (c->relays_n == TGCALL_RELAYS_MAX)
			break;
		if (!s->port || sa_set_str(&addr, s->host, s->port)) {
			count_bad("tgcall", "relay", "no literal address");
			continue;
		}
		e = relay_new(&c->relays[c->relays_n], c, kind, s);
		if (e == -ENOMEM)
			return e;
		if (e == 0)
			c->relays_n++;
	}
	return 0;
}

void tgcall_relays_free(struct tgcall *c)
{
	while (c->relays_n)
		relay_free(&c->relays[--c->relays_n]);
}

void tgcall_relays_start(struct tgcall *c)
{
	for (int i = 0; i < c->relays_n; i++)
		relay_open(c->relays[i]);
	tgcall_relays_timeout(c);
}

void tgcall_relays_listen(struct tgcall *c, bool listen)
{
	for (int i = 0; i < c->relays_n; i++)
		relay_listen(c->relays[i], listen);
}

bool tgcall_relays_read(struct tgcall *c, int base)
{
	bool heard = false;

	for (int i = 0; i < c->relays_n; i++)
		if (base < 0 || c->relays[i]->base == base)
			heard |= relay_read(c->relays[i]);
	return heard;
}

static usec_t relay_deadline(const struct tgcall_relay *r)
{
	if (r->fd < 0)
		return r->retry_at;
	if (r->turn)
		return ice_turn_deadline(r->turn);
	if (r->stream && !r->stream->connected)
		return USEC_NEVER;
	return r->reflector.hello_at;
}

usec_t tgcall_relays_deadline(const struct tgcall *c)
{
	usec_t first = USEC_NEVER;

	for (int i = 0; i < c->relays_n; i++) {
		usec_t at = relay_deadline(c->relays[i]);

		if (at < first)
			first = at;
	}
	return first;
}

void tgcall_relays_timeout(struct tgcall *c)
{
	for (int i = 0; i < c->relays_n; i++) {
		struct tgcall_relay *r = c->relays[i];

		if (relay_deadline(r) > c->now)
			continue;
		if (r->fd < 0)
			relay_open(r);
		else if (r->turn)
			ice_turn_timeout(r->turn, c->now);
		else
			relay_hello_send(r);
	}
}

void tgcall_relay_send(struct tgcall *c, int base, const struct sa *dst,
		       struct bytes d)
{
	uint8_t packet[ICE_REFLECTOR_PACKET_BYTES];
	struct tgcall_relay *r = NULL;
	int n;

	for (int i = 0; i < c->relays_n && !r; i++)
		if (c->relays[i]->base == base)
			r = c->relays[i];
	if (!r)
		return;
	if (r->turn) {
		ice_turn_send(r->turn, dst, d, c->now);
		return;
	}
	n = ice_reflector_wrap(packet, sizeof(packet), &r->reflector,
			       ice_reflector_tag(dst), d);
	if (n < 0)
		return;
	if (r->stream)
		relay_stream_send(r, bytes_of(packet, (size_t)n));
	else if (r->fd >= 0)
		tgcall_socket_send(r->fd, &r->server,
				   bytes_of(packet, (size_t)n));
}
