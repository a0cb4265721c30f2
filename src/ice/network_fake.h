/* For tests: two agents in a network made of memory, with invented time. */
#ifndef ICE_NETWORK_FAKE_H
#define ICE_NETWORK_FAKE_H

#include "ice/agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ice/agent_internal.h"
#include "ice/reflector.h"
#include "tests/check.h"

#define PACKETS_MAX 4096
#define DELAY (10 * USEC_MS)

enum nat { NAT_NONE, NAT_FULL_CONE, NAT_ADDRESS_RESTRICTED };

struct host {
	struct ice_agent *agent;
	struct host *peer;
	enum nat nat;
	struct sa base[2];
	int bases_n;
	struct sa public;    /* of base 0 behind a NAT */
	uint32_t allowed[8]; /* addresses it sent to: open in the NAT */
	int allowed_n;
	bool hold;   /* candidates are kept, not signalled */
	bool cut[2]; /* the base's packets vanish */
	int candidates_n;
	char candidates[16][160];
	enum ice_state state;
	int states[5], selected_n, selected_base;
	struct sa selected;
};

static struct packet {
	bool used;
	usec_t at;
	struct sa src, dst;
	uint8_t p[1500];
	size_t n;
} packets[PACKETS_MAX];

static struct host host_a, host_b;
static struct sa stun_server;
static usec_t now;
static unsigned loss_percent;
static uint32_t seed;
static int sent_n;

static inline uint32_t draw(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

static inline void draw_bytes(void *p, size_t n, void *arg)
{
	uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)draw();
}

static inline void packet_queue(const struct sa *src, const struct sa *dst,
				struct bytes d)
{
	if (draw() % 100 < loss_percent)
		return;
	for (int i = 0; i < PACKETS_MAX; i++) {
		struct packet *k = &packets[i];

		if (k->used)
			continue;
		k->used = true;
		k->at = now + DELAY;
		k->src = *src;
		k->dst = *dst;
		k->n = d.n;
		memcpy(k->p, d.p, d.n);
		return;
	}
}

static inline void host_send(int base, const struct sa *dst, struct bytes d,
			     void *arg)
{
	struct host *h = arg;
	const struct sa *src = &h->base[base];

	sent_n++;
	if (h->cut[base])
		return;
	if (h->nat != NAT_NONE) {
		src = &h->public;
		if (h->allowed_n < 8)
			h->allowed[h->allowed_n++] = sa_in(dst);
	}
	packet_queue(src, dst, d);
}

static inline void host_candidate(const char *candidate, void *arg)
{
	struct host *h = arg;

	snprintf(h->candidates[h->candidates_n++ % 16], 160, "%s", candidate);
}

static inline void host_state(enum ice_state state, void *arg)
{
	struct host *h = arg;

	h->state = state;
	h->states[state]++;
}

static inline void host_selected(int base, const struct sa *dst, void *arg)
{
	struct host *h = arg;

	h->selected_n++;
	h->selected_base = base;
	h->selected = *dst;
}

/* Which host gets it, and through which base; NULL: nobody. */
static inline struct host *packet_route(const struct packet *k, int *base)
{
	struct host *both[] = {&host_a, &host_b};

	for (int i = 0; i < 2; i++) {
		struct host *h = both[i];

		if (h->nat != NAT_NONE) {
			bool open = h->nat == NAT_FULL_CONE;

			*base = 0;
			for (int j = 0; j < h->allowed_n; j++)
				open |= h->allowed[j] == sa_in(&k->src);
			if (sa_cmp(&k->dst, &h->public, SA_ALL))
				return h->allowed_n && open ? h : NULL;
			continue;
		}
		for (*base = 0; *base < h->bases_n; (*base)++)
			if (sa_cmp(&k->dst, &h->base[*base], SA_ALL))
				return h->cut[*base] ? NULL : h;
	}
	return NULL;
}

/* The STUN server is libre's codec, not ours. */
static inline void server_answer(const struct packet *k)
{
	struct mbuf *in = mbuf_alloc(k->n), *out = mbuf_alloc(128);
	struct stun_unknown_attr ua;
	struct stun_msg *msg = NULL;

	mbuf_write_mem(in, k->p, k->n);
	in->pos = 0;
	if (stun_msg_decode(&msg, in, &ua) == 0 &&
	    stun_msg_encode(out, STUN_METHOD_BINDING, STUN_CLASS_SUCCESS_RESP,
			    stun_msg_tid(msg), NULL, NULL, 0, false, 0, 1,
			    STUN_ATTR_XOR_MAPPED_ADDR, &k->src) == 0)
		packet_queue(&k->dst, &k->src, bytes_of(out->buf, out->end));
	mem_deref(msg);
	mem_deref(in);
	mem_deref(out);
}

static inline void packet_deliver(struct packet *slot)
{
	struct packet copy = *slot, *k = &copy;
	struct host *h;
	int base;

	slot->used = false; /* answers may be queued in its place */
	if (sa_cmp(&k->dst, &stun_server, SA_ALL)) {
		server_answer(k);
		return;
	}
	h = packet_route(k, &base);
	if (h && h->agent)
		ice_agent_input(h->agent, base, &k->src, bytes_of(k->p, k->n),
				now);
}

/* Trickles what the hosts gathered. */
static inline void signal_candidates(struct host *h)
{
	char line[160];

	while (h->candidates_n && !h->hold) {
		memcpy(line, h->candidates[--h->candidates_n], sizeof(line));
		ice_agent_remote_candidate(h->peer->agent, line, now);
	}
}

static inline usec_t earliest(void)
{
	usec_t at = USEC_NEVER, d;

	for (int i = 0; i < PACKETS_MAX; i++)
		if (packets[i].used && packets[i].at < at)
			at = packets[i].at;
	d = ice_agent_deadline(host_a.agent);
	at = d < at ? d : at;
	d = ice_agent_deadline(host_b.agent);
	return d < at ? d : at;
}

static inline void run_until(usec_t end, bool both_connected)
{
	while (now < end) {
		usec_t at;

		signal_candidates(&host_a);
		signal_candidates(&host_b);
		if (both_connected && host_a.state == ICE_CONNECTED &&
		    host_b.state == ICE_CONNECTED)
			return;
		at = earliest();
		if (at > end)
			at = end;
		if (at > now)
			now = at;
		for (int i = 0; i < PACKETS_MAX; i++)
			if (packets[i].used && packets[i].at <= now)
				packet_deliver(&packets[i]);
		if (ice_agent_deadline(host_a.agent) <= now)
			ice_agent_timeout(host_a.agent, now);
		if (ice_agent_deadline(host_b.agent) <= now)
			ice_agent_timeout(host_b.agent, now);
	}
}

static inline void host_init(struct host *h, struct host *peer,
			     bool controlling)
{
	struct ice_agent_conf conf = {
		.controlling = controlling,
		.random = draw_bytes,
		.handlers = {host_send, host_candidate, host_state,
			     host_selected},
		.arg = h,
	};

	ice_agent_free(&h->agent);
	memset(h, 0, sizeof(*h));
	h->peer = peer;
	ice_agent_new(&h->agent, &conf);
}

static inline void host_base(struct host *h, const char *addr)
{
	sa_set_str(&h->base[h->bases_n], addr, (uint16_t)(4000 + h->bases_n));
	ice_agent_base(h->agent, &h->base[h->bases_n++], now);
}

static inline void network_init(uint32_t start)
{
	memset(packets, 0, sizeof(packets));
	now = USEC_S;
	loss_percent = 0;
	seed = start;
	sent_n = 0;
	sa_set_str(&stun_server, "192.0.2.1", 3478);
	host_init(&host_a, &host_b, true);
	host_init(&host_b, &host_a, false);
}

static inline void network_done(void)
{
	ice_agent_free(&host_a.agent);
	ice_agent_free(&host_b.agent);
}

static inline void exchange_credentials(void)
{
	ice_agent_remote(host_a.agent, ice_agent_ufrag(host_b.agent),
			 ice_agent_pwd(host_b.agent), false, now);
	ice_agent_remote(host_b.agent, ice_agent_ufrag(host_a.agent),
			 ice_agent_pwd(host_a.agent), false, now);
}

static inline void start_plain(uint32_t start)
{
	network_init(start);
	host_base(&host_a, "10.0.0.1");
	host_base(&host_b, "10.0.0.2");
	exchange_credentials();
}

static inline bool both_connected(void)
{
	return host_a.state == ICE_CONNECTED && host_b.state == ICE_CONNECTED;
}

static inline bool pairs_match(void)
{
	return sa_cmp(&host_a.selected, &host_b.base[host_b.selected_base],
		      SA_ALL) &&
	       sa_cmp(&host_b.selected, &host_a.base[host_a.selected_base],
		      SA_ALL);
}

#endif
