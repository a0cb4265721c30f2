#include "ice/agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "ice/agent_internal.h"
#include "ice/reflector.h"

#define UFRAG_CHARS 4
#define PWD_CHARS 24
#define FAIL_AFTER (20 * USEC_S)
/* A STUN server is asked again after 250 ms, doubling; once it answered, and
 * as long as no pair works, every 10 s: the NAT's binding stays, a new address
 * is noticed. */
#define QUERY_FIRST (250 * USEC_MS)
#define QUERY_TRIES 7
#define QUERY_KEEP (10 * USEC_S)

void ice_agent_random(struct ice_agent *a, void *p, size_t n)
{
	if (a->conf.random)
		a->conf.random(p, n, a->conf.random_arg);
	else
		random_bytes(p, n);
}

static void text_draw(struct ice_agent *a, char *dst, size_t n)
{
	static const char ice_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"abcdefghijklmnopqrstuvwxyz"
					"0123456789+/";
	uint8_t raw[PWD_CHARS];

	ice_agent_random(a, raw, n);
	for (size_t i = 0; i < n; i++)
		dst[i] = ice_chars[raw[i] & 63];
	dst[n] = '\0';
	bytes_wipe(raw, sizeof(raw));
}

int ice_agent_new(struct ice_agent **ap, const struct ice_agent_conf *conf)
{
	struct ice_agent *a;

	if (!conf->handlers.send)
		return -EINVAL;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->conf = *conf;
	a->controlling = conf->controlling;
	if (!a->conf.fail_after)
		a->conf.fail_after = FAIL_AFTER;
	memcpy(a->ufrag, conf->ufrag, sizeof(a->ufrag) - 1);
	memcpy(a->pwd, conf->pwd, sizeof(a->pwd) - 1);
	if (!a->ufrag[0])
		text_draw(a, a->ufrag, UFRAG_CHARS);
	if (!a->pwd[0])
		text_draw(a, a->pwd, PWD_CHARS);
	ice_agent_random(a, &a->tie_breaker, sizeof(a->tie_breaker));
	*ap = a;
	return 0;
}

void ice_agent_free(struct ice_agent **ap)
{
	struct ice_agent *a = *ap;

	if (!a)
		return;
	*ap = NULL;
	while (a->pairs_n)
		ice_pair_remove(a, a->pairs[0]);
	bytes_wipe(a, sizeof(*a));
	free(a);
}

const char *ice_agent_ufrag(const struct ice_agent *a)
{
	return a->ufrag;
}

const char *ice_agent_pwd(const struct ice_agent *a)
{
	return a->pwd;
}

/* -- what the owner is told, last in every call ---------------------------- */

static void tell(struct ice_agent *a)
{
	const struct ice_handlers *h = &a->conf.handlers;
	char line[256];

	for (int i = 0; i < a->locals_n; i++) {
		struct ice_local *l = &a->locals[i];

		if (l->published)
			continue;
		l->published = true;
		ice_candidate_write(line, sizeof(line), l, a);
		if (h->candidate)
			h->candidate(line, a->conf.arg);
	}
	if (a->tell_selected) {
		a->tell_selected = false;
		if (h->selected && a->selected)
			h->selected(a->selected->base,
				    &a->selected->remote.addr, a->conf.arg);
	}
	if (a->tell_state) {
		a->tell_state = false;
		if (h->state)
			h->state(a->state, a->conf.arg);
	}
}

static void state_set(struct ice_agent *a, enum ice_state state)
{
	if (a->state == state)
		return;
	a->state = state;
	a->tell_state = true;
}

static void settle(struct ice_agent *a, usec_t now)
{
	if (a->relays_held && now >= a->relays_from)
		a->relays_held = false;
	ice_selection_update(a, now);
	if (ice_pair_is_alive(a->selected, now)) {
		a->last_good = a->selected->heard_at;
		state_set(a, ICE_CONNECTED);
	} else if (a->has_remote) {
		if (a->state == ICE_CONNECTED)
			state_set(a, ICE_DISCONNECTED);
		if (now >= a->last_good + a->conf.fail_after)
			state_set(a, ICE_FAILED);
	}
	tell(a);
}

/* -- candidates ------------------------------------------------------------ */

static struct ice_local *local_find(struct ice_agent *a, const struct sa *addr,
				    int base)
{
	for (int i = 0; i < a->locals_n; i++)
		if (a->locals[i].base == base &&
		    sa_cmp(&a->locals[i].addr, addr, SA_ALL))
			return &a->locals[i];
	return NULL;
}

void ice_agent_local_add(struct ice_agent *a, enum ice_kind kind,
			 const struct sa *addr, int base)
{
	struct ice_local *l = local_find(a, addr, base);

	/* A server may tell nonsense. */
	if (sa_port(addr) == 0 || sa_is_any(addr) ||
	    ice_reflector_is_address(addr) !=
		    ice_reflector_is_address(&a->bases[base].addr)) {
		count_bad("ice", "mapped-address", "no address of anybody");
		return;
	}
	if (l) {
		/* Learned from a check first, from the server later. */
		if (l->kind == ICE_PRFLX && kind == ICE_SRFLX) {
			l->kind = kind;
			l->published = false;
		}
		return;
	}
	if (a->locals_n == ICE_LOCALS_MAX)
		return;
	a->locals[a->locals_n++] = (struct ice_local){
		.kind = kind,
		.addr = *addr,
		.base = base,
		.published = kind == ICE_PRFLX,
	};
}

static void query_add(struct ice_agent *a, int base, const struct sa *server,
		      usec_t now)
{
	struct ice_query *q = &a->queries[a->queries_n];

	if (ice_base_is_relay(a, base) ||
	    sa_af(server) != sa_af(&a->bases[base].addr))
		return;
	a->queries_n++;
	*q = (struct ice_query){.server = *server, .base = base, .at = now};
}

static void query_send(struct ice_agent *a, struct ice_query *q, usec_t now)
{
	struct ice_message_out o;

	if (q->answered) {
		q->answered = false;
		q->tries = 0;
	}
	ice_agent_random(a, q->tid, sizeof(q->tid));
	ice_message_begin(&o, ICE_REQUEST, q->tid);
	ice_message_end(&o, NULL);
	q->at = now + (QUERY_FIRST << (q->tries < 6 ? q->tries : 6));
	q->tries++;
	a->conf.handlers.send(q->base, &q->server, bytes_of(o.p, o.n),
			      a->conf.arg);
}

static usec_t query_deadline(const struct ice_agent *a,
			     const struct ice_query *q)
{
	if (q->answered)
		return a->state == ICE_CONNECTED ? USEC_NEVER
						 : q->at + QUERY_KEEP;
	return q->tries < QUERY_TRIES ? q->at : USEC_NEVER;
}

static void queries_run(struct ice_agent *a, usec_t now)
{
	for (int i = 0; i < a->queries_n; i++)
		if (query_deadline(a, &a->queries[i]) <= now)
			query_send(a, &a->queries[i], now);
}

static int base_add(struct ice_agent *a, const struct ice_base *b, usec_t now)
{
	int base = a->bases_n;

	if (!sa_isset(&b->addr, SA_ALL) || sa_is_any(&b->addr))
		return -EINVAL;
	if (base == ICE_BASES_MAX)
		return -ENOSPC;
	a->bases[a->bases_n++] = *b;
	for (int i = 0; i < a->remotes_n; i++)
		ice_pair_offer(a, base, &a->remotes[i], now);
	return base;
}

int ice_agent_relay(struct ice_agent *a, enum ice_base_kind kind,
		    const struct sa *addr, const struct sa *server, usec_t now)
{
	struct ice_base b = {kind, *addr, *server};
	int base;

	/* A TURN server may tell nonsense. */
	if (ice_reflector_is_address(addr) != (kind != ICE_BASE_TURN))
		return -EINVAL;
	base = base_add(a, &b, now);
	if (base < 0)
		return base;
	ice_agent_local_add(a, ICE_RELAY, addr, base);
	ice_check_next(a, now);
	settle(a, now);
	return base;
}

int ice_agent_base(struct ice_agent *a, const struct sa *addr, usec_t now)
{
	struct ice_base b = {.kind = ICE_BASE_SOCKET, .addr = *addr};
	int base = a->conf.relays_only ? -EPERM : base_add(a, &b, now);

	if (base < 0)
		return base;
	if (a->conf.allow_loopback ||
	    (!sa_is_loopback(addr) && !sa_is_linklocal(addr)))
		ice_agent_local_add(a, ICE_HOST, addr, base);
	for (int i = 0; i < a->servers_n; i++)
		query_add(a, base, &a->servers[i], now);
	queries_run(a, now);
	settle(a, now);
	return base;
}

int ice_agent_stun_server(struct ice_agent *a, const struct sa *addr,
			  usec_t now)
{
	if (!sa_isset(addr, SA_ALL))
		return -EINVAL;
	if (a->conf.relays_only)
		return -EPERM;
	if (a->servers_n == ICE_SERVERS_MAX)
		return -ENOSPC;
	a->servers[a->servers_n++] = *addr;
	for (int i = 0; i < a->bases_n; i++)
		query_add(a, i, addr, now);
	queries_run(a, now);
	settle(a, now);
	return 0;
}

/* The peer's new credentials make a new session of checks; what carries the
 * call goes on until a new pair works (RFC 8445 9). */
static void restart(struct ice_agent *a, usec_t now)
{
	a->remotes_n = 0;
	a->wanted = NULL;
	for (int i = a->pairs_n - 1; i >= 0; i--) {
		struct ice_pair *p = a->pairs[i];

		if (p == a->selected)
			p->old = true;
		else
			ice_pair_remove(a, p);
	}
	/* Its address most likely still is the peer's. */
	if (a->selected)
		ice_pair_add(a, a->selected->base, &a->selected->remote, now);
}

int ice_agent_remote(struct ice_agent *a, const char *ufrag, const char *pwd,
		     bool renomination, usec_t now)
{
	size_t ufrag_n = strlen(ufrag), pwd_n = strlen(pwd);

	(void)renomination; /* NOMINATION is honoured in any case */
	if (!ufrag_n || ufrag_n >= sizeof(a->remote_ufrag) || !pwd_n ||
	    pwd_n >= sizeof(a->remote_pwd))
		return -EINVAL;
	if (a->has_remote && strcmp(a->remote_ufrag, ufrag) == 0 &&
	    strcmp(a->remote_pwd, pwd) == 0)
		return 0;
	if (a->has_remote)
		restart(a, now);
	memcpy(a->remote_ufrag, ufrag, ufrag_n + 1);
	memcpy(a->remote_pwd, pwd, pwd_n + 1);
	if (!a->has_remote) {
		a->has_remote = true;
		a->last_good = now;
		a->relays_held = !a->conf.relays_only;
		a->relays_from = now + ICE_RELAY_AFTER;
		state_set(a, ICE_CHECKING);
	}
	ice_check_next(a, now);
	settle(a, now);
	return 0;
}

/* Does any pair of this candidate live, or may it still? */
static bool remote_is_spent(const struct ice_agent *a, const struct sa *addr,
			    usec_t now)
{
	for (int i = 0; i < a->pairs_n; i++)
		if (sa_cmp(&a->pairs[i]->remote.addr, addr, SA_ALL) &&
		    !ice_pair_is_spent(a, a->pairs[i], now))
			return false;
	return true;
}

/* The oldest candidate that nothing came of makes room, with its pairs. */
static bool remote_make_room(struct ice_agent *a, usec_t now)
{
	struct sa addr;
	int i = 0;

	while (i < a->remotes_n &&
	       !remote_is_spent(a, &a->remotes[i].addr, now))
		i++;
	if (i == a->remotes_n)
		return false;
	addr = a->remotes[i].addr;
	a->remotes_n--;
	memmove(a->remotes + i, a->remotes + i + 1,
		(size_t)(a->remotes_n - i) * sizeof(*a->remotes));
	for (i = a->pairs_n - 1; i >= 0; i--)
		if (sa_cmp(&a->pairs[i]->remote.addr, &addr, SA_ALL))
			ice_pair_remove(a, a->pairs[i]);
	return true;
}

int ice_agent_remote_add(struct ice_agent *a, const struct ice_remote *r,
			 usec_t now)
{
	for (int i = 0; i < a->remotes_n; i++)
		if (sa_cmp(&a->remotes[i].addr, &r->addr, SA_ALL))
			return 0;
	if (a->remotes_n == ICE_REMOTES_MAX && !remote_make_room(a, now)) {
		count_bad("ice", "candidates", "too many remote candidates");
		return -ENOSPC;
	}
	a->remotes[a->remotes_n++] = *r;
	for (int i = 0; i < a->bases_n; i++) {
		struct ice_pair *p = ice_pair_offer(a, i, r, now);

		/* Learned from a check before it was signalled. */
		if (p && p->remote.kind == ICE_PRFLX) {
			p->remote = *r;
			ice_pair_set_priority(a, p);
		}
	}
	return 0;
}

static bool remote_is_usable(const struct ice_agent *a, const struct sa *addr)
{
	if (sa_is_any(addr) || sa_is_linklocal(addr))
		return false;
	if (sa_af(addr) == AF_INET && sa_in(addr) >= 0xe0000000u)
		return false;
	return a->conf.allow_loopback || !sa_is_loopback(addr);
}

int ice_agent_remote_candidate(struct ice_agent *a, const char *candidate,
			       usec_t now)
{
	struct ice_remote r = {.kind = ICE_HOST};
	int e = ice_candidate_read(&r, candidate);

	if (e == -EBADMSG)
		count_bad("ice", "candidate", "not a candidate line");
	if (e == 0 && !remote_is_usable(a, &r.addr))
		e = -ENOTSUP;
	if (e == -ENOTSUP)
		count_add("ice", "candidate-ignored", 1);
	if (e < 0)
		return e;
	e = ice_agent_remote_add(a, &r, now);
	ice_check_next(a, now);
	settle(a, now);
	return e;
}

/* -- datagrams and time ---------------------------------------------------- */

int ice_agent_input(struct ice_agent *a, int base, const struct sa *src,
		    struct bytes datagram, usec_t now)
{
	struct ice_message m;
	int e;

	if (base < 0 || base >= a->bases_n)
		return -EINVAL;
	/* Names of reflectors' ports come from reflectors only. */
	if (ice_reflector_is_address(src) !=
	    ice_reflector_is_address(&a->bases[base].addr)) {
		count_bad("ice", "source", "address of nobody");
		return -EBADMSG;
	}
	if (ice_message_read(&m, datagram) < 0) {
		count_bad("ice", "malformed", "not a STUN message");
		return -EBADMSG;
	}
	/* A STUN server need not send one; peers must (RFC 8445 7.1). */
	if (!a->trusting &&
	    (m.fingerprint_at || m.cls == ICE_REQUEST || m.integrity_at) &&
	    !ice_message_fingerprint_ok(&m, datagram)) {
		count_bad("ice", "fingerprint", "missing or wrong");
		return -EBADMSG;
	}
	e = ice_binding_input(a, base, src, &m, datagram, now);
	settle(a, now);
	return e;
}

bool ice_agent_heard(struct ice_agent *a, int base, const struct sa *src,
		     usec_t now)
{
	struct ice_pair *p = a->selected;

	if (!p || p->base != base || !sa_cmp(&p->remote.addr, src, SA_ALL))
		p = ice_pair_find(a, base, src);
	/* The peer may use a pair that our own check has not confirmed yet; a
	 * request signed with our password came from there all the same. */
	if (!p || (!p->succeeded && p->heard_at == 0))
		return false;
	p->heard_at = now;
	if (a->state != ICE_CONNECTED)
		settle(a, now);
	return true;
}

enum ice_state ice_agent_state(const struct ice_agent *a)
{
	return a->state;
}

bool ice_agent_selected(const struct ice_agent *a, int *base, struct sa *dst)
{
	if (!a->selected)
		return false;
	*base = a->selected->base;
	*dst = a->selected->remote.addr;
	return true;
}

usec_t ice_agent_rtt(const struct ice_agent *a)
{
	return a->selected ? a->selected->rtt : 0;
}

static void describe(char text[64], const char *kind, const struct sa *addr)
{
	char host[48], name[64];

	if (ice_reflector_is_address(addr)) {
		ice_reflector_name_write(name, addr);
		snprintf(text, 64, "%s %.50s:%u", kind, name, sa_port(addr));
		return;
	}
	sa_ntop(addr, host, sizeof(host));
	snprintf(text, 64, sa_af(addr) == AF_INET6 ? "%s [%s]:%u" : "%s %s:%u",
		 kind, host, sa_port(addr));
}

void ice_agent_describe(const struct ice_agent *a, char local[64],
			char remote[64])
{
	const struct ice_pair *p = a->selected;

	local[0] = remote[0] = '\0';
	if (!p)
		return;
	describe(local,
		 ice_kind_name(ice_base_is_relay(a, p->base) ? ICE_RELAY
							     : ICE_HOST),
		 &a->bases[p->base].addr);
	describe(remote, ice_kind_name(p->remote.kind), &p->remote.addr);
}

static usec_t state_deadline(const struct ice_agent *a)
{
	switch (a->state) {
	case ICE_CONNECTED:
		return ice_pair_alive_until(a->selected);
	case ICE_CHECKING:
	case ICE_DISCONNECTED:
		return a->last_good + a->conf.fail_after;
	case ICE_NEW:
	case ICE_FAILED:
		break;
	}
	return USEC_NEVER;
}

usec_t ice_agent_deadline(const struct ice_agent *a)
{
	usec_t at = ice_check_deadline(a), other = state_deadline(a);

	if (a->relays_held && a->relays_from < at)
		at = a->relays_from;
	if (other < at)
		at = other;
	for (int i = 0; i < a->queries_n; i++) {
		other = query_deadline(a, &a->queries[i]);
		if (other < at)
			at = other;
	}
	return at;
}

void ice_agent_timeout(struct ice_agent *a, usec_t now)
{
	ice_check_next(a, now);
	queries_run(a, now);
	settle(a, now);
}
