/* Agents in a network made of memory, with invented time. */
#include "ice/agent.h"

#include <errno.h>
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

static uint32_t draw(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

static void draw_bytes(void *p, size_t n, void *arg)
{
	uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)draw();
}

static void packet_queue(const struct sa *src, const struct sa *dst,
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

static void host_send(int base, const struct sa *dst, struct bytes d, void *arg)
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

static void host_candidate(const char *candidate, void *arg)
{
	struct host *h = arg;

	snprintf(h->candidates[h->candidates_n++ % 16], 160, "%s", candidate);
}

static void host_state(enum ice_state state, void *arg)
{
	struct host *h = arg;

	h->state = state;
	h->states[state]++;
}

static void host_selected(int base, const struct sa *dst, void *arg)
{
	struct host *h = arg;

	h->selected_n++;
	h->selected_base = base;
	h->selected = *dst;
}

/* Which host gets it, and through which base; NULL: nobody. */
static struct host *packet_route(const struct packet *k, int *base)
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
static void server_answer(const struct packet *k)
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

static void packet_deliver(struct packet *slot)
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
static void signal_candidates(struct host *h)
{
	char line[160];

	while (h->candidates_n && !h->hold) {
		memcpy(line, h->candidates[--h->candidates_n], sizeof(line));
		ice_agent_remote_candidate(h->peer->agent, line, now);
	}
}

static usec_t earliest(void)
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

static void run_until(usec_t end, bool both_connected)
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

static void host_init(struct host *h, struct host *peer, bool controlling)
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

static void host_base(struct host *h, const char *addr)
{
	sa_set_str(&h->base[h->bases_n], addr, (uint16_t)(4000 + h->bases_n));
	ice_agent_base(h->agent, &h->base[h->bases_n++], now);
}

static void network_init(uint32_t start)
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

static void network_done(void)
{
	ice_agent_free(&host_a.agent);
	ice_agent_free(&host_b.agent);
}

static void exchange_credentials(void)
{
	ice_agent_remote(host_a.agent, ice_agent_ufrag(host_b.agent),
			 ice_agent_pwd(host_b.agent), false, now);
	ice_agent_remote(host_b.agent, ice_agent_ufrag(host_a.agent),
			 ice_agent_pwd(host_a.agent), false, now);
}

static void start_plain(uint32_t start)
{
	network_init(start);
	host_base(&host_a, "10.0.0.1");
	host_base(&host_b, "10.0.0.2");
	exchange_credentials();
}

static bool both_connected(void)
{
	return host_a.state == ICE_CONNECTED && host_b.state == ICE_CONNECTED;
}

static bool pairs_match(void)
{
	return sa_cmp(&host_a.selected, &host_b.base[host_b.selected_base],
		      SA_ALL) &&
	       sa_cmp(&host_b.selected, &host_a.base[host_a.selected_base],
		      SA_ALL);
}

static void test_ice_agent_connects_within_two_round_trips(void)
{
	start_plain(1);
	run_until(now + USEC_S, true);
	CHECK(both_connected());
	CHECK(now <= USEC_S + 4 * DELAY);
	CHECK(pairs_match());
	run_until(now + 100 * USEC_MS, false);
	CHECK_INT(ice_agent_rtt(host_a.agent), 2 * DELAY);
	network_done();
}

static void test_ice_agent_stays_connected_and_checks_every_two_seconds(void)
{
	start_plain(2);
	run_until(now + 2 * USEC_S, false);
	sent_n = 0;
	run_until(now + 60 * USEC_S, false);
	CHECK(both_connected());
	CHECK_INT(host_a.states[ICE_DISCONNECTED], 0);
	/* Per side 60 s / 1.5 s requests and as many answers. */
	CHECK(sent_n >= 4 * 30 && sent_n <= 4 * 60);
	network_done();
}

static void test_ice_agent_connects_with_twenty_percent_loss(void)
{
	for (uint32_t s = 1; s <= 50; s++) {
		start_plain(s);
		loss_percent = 20;
		run_until(now + 5 * USEC_S, true);
		CHECK(both_connected());
		run_until(now + 30 * USEC_S, false);
		CHECK(both_connected() || host_a.state == ICE_DISCONNECTED ||
		      host_b.state == ICE_DISCONNECTED);
		CHECK_INT(host_a.states[ICE_FAILED], 0);
		network_done();
	}
}

static void test_ice_agent_early_check_is_answered_before_credentials(void)
{
	network_init(3);
	host_base(&host_a, "10.0.0.1");
	host_base(&host_b, "10.0.0.2");
	host_a.hold = true; /* b hears of a through its checks alone */
	ice_agent_remote(host_a.agent, ice_agent_ufrag(host_b.agent),
			 ice_agent_pwd(host_b.agent), false, now);
	run_until(now + 300 * USEC_MS, false);
	CHECK_INT(host_a.state, ICE_CONNECTED);
	CHECK_INT(host_b.state, ICE_NEW);
	ice_agent_remote(host_b.agent, ice_agent_ufrag(host_a.agent),
			 ice_agent_pwd(host_a.agent), false, now);
	run_until(now + 2 * DELAY, true);
	CHECK(both_connected());
	network_done();
}

static void connect_through_nat(enum nat a, enum nat b)
{
	network_init(4);
	host_a.nat = a;
	host_b.nat = b;
	sa_set_str(&host_a.public, "198.51.100.1", 6001);
	sa_set_str(&host_b.public, "198.51.100.2", 6002);
	host_base(&host_a, "10.0.0.1");
	host_base(&host_b, "10.1.0.2");
	ice_agent_stun_server(host_a.agent, &stun_server, now);
	ice_agent_stun_server(host_b.agent, &stun_server, now);
	exchange_credentials();
	run_until(now + 3 * USEC_S, true);
}

static void test_ice_agent_connects_through_full_cone(void)
{
	connect_through_nat(NAT_FULL_CONE, NAT_NONE);
	CHECK(both_connected());
	CHECK(sa_cmp(&host_b.selected, &host_a.public, SA_ALL));
	network_done();
}

static void test_ice_agent_connects_through_restricted_nats(void)
{
	connect_through_nat(NAT_ADDRESS_RESTRICTED, NAT_ADDRESS_RESTRICTED);
	CHECK(both_connected());
	CHECK(sa_cmp(&host_a.selected, &host_b.public, SA_ALL));
	CHECK(sa_cmp(&host_b.selected, &host_a.public, SA_ALL));
	network_done();
}

static void test_ice_agent_publishes_server_reflexive_candidate(void)
{
	network_init(5);
	host_a.nat = NAT_FULL_CONE;
	host_a.hold = true;
	sa_set_str(&host_a.public, "198.51.100.1", 6001);
	host_base(&host_a, "10.0.0.1");
	ice_agent_stun_server(host_a.agent, &stun_server, now);
	run_until(now + USEC_S, false);
	CHECK_INT(host_a.candidates_n, 2);
	CHECK(strstr(host_a.candidates[0], " 1 udp 2130706431 10.0.0.1 4000 "
					   "typ host generation 0"));
	CHECK(strstr(host_a.candidates[1],
		     " 198.51.100.1 6001 typ srflx raddr 10.0.0.1 rport 4000 "
		     "generation 0"));
	network_done();
}

static void test_ice_agent_role_conflict_is_settled(void)
{
	for (int both = 0; both < 2; both++) {
		network_init(6);
		host_init(&host_a, &host_b, both);
		host_init(&host_b, &host_a, both);
		host_base(&host_a, "10.0.0.1");
		host_base(&host_b, "10.0.0.2");
		exchange_credentials();
		run_until(now + USEC_S, true);
		CHECK(both_connected());
		CHECK(host_a.agent->controlling != host_b.agent->controlling);
		CHECK(host_a.agent->controlling ==
		      (host_a.agent->tie_breaker > host_b.agent->tie_breaker));
		network_done();
	}
}

static void test_ice_agent_restart_keeps_and_moves_the_pair(void)
{
	struct ice_agent_conf conf = {
		.random = draw_bytes,
		.handlers = {host_send, host_candidate, host_state,
			     host_selected},
		.arg = &host_b,
	};

	start_plain(7);
	run_until(now + 2 * USEC_S, false);
	CHECK(both_connected());
	/* b starts again as a new agent with new credentials elsewhere. */
	ice_agent_free(&host_b.agent);
	ice_agent_new(&host_b.agent, &conf);
	host_b.bases_n = 0;
	host_b.state = ICE_NEW;
	host_b.candidates_n = 0;
	host_base(&host_b, "10.0.0.9");
	exchange_credentials();
	CHECK_INT(host_a.state, ICE_CONNECTED);
	run_until(now + 2 * USEC_S, true);
	run_until(now + 2 * USEC_S, false);
	CHECK(both_connected() && pairs_match());
	CHECK_INT(host_a.states[ICE_DISCONNECTED], 0);
	network_done();
}

static void test_ice_agent_switches_when_the_pair_dies(void)
{
	network_init(8);
	host_base(&host_a, "10.0.0.1");
	host_base(&host_a, "10.0.1.1");
	host_base(&host_b, "10.0.0.2");
	exchange_credentials();
	run_until(now + 3 * USEC_S, false);
	CHECK(both_connected() && pairs_match());
	CHECK_INT(host_a.selected_base, 0);
	host_a.cut[0] = true;
	run_until(now + 6 * USEC_S, false);
	CHECK(both_connected() && pairs_match());
	CHECK_INT(host_a.selected_base, 1);
	/* And back to the better one when it works again. */
	host_a.cut[0] = false;
	run_until(now + 12 * USEC_S, false);
	CHECK_INT(host_a.selected_base, 0);
	CHECK(both_connected() && pairs_match());
	network_done();
}

static void test_ice_agent_loses_consent_fails_and_recovers(void)
{
	usec_t cut_at;

	start_plain(9);
	run_until(now + 3 * USEC_S, false);
	loss_percent = 100;
	cut_at = now;
	run_until(now + 4 * USEC_S, false);
	CHECK_INT(host_a.state, ICE_DISCONNECTED);
	CHECK_INT(host_b.state, ICE_DISCONNECTED);
	run_until(cut_at + 17 * USEC_S, false);
	CHECK_INT(host_a.states[ICE_FAILED], 0);
	run_until(cut_at + 21 * USEC_S, false);
	CHECK_INT(host_a.state, ICE_FAILED);
	CHECK_INT(host_b.state, ICE_FAILED);
	loss_percent = 0;
	run_until(now + 6 * USEC_S, true);
	CHECK(both_connected());
	network_done();
}

static void test_ice_agent_fails_after_twenty_seconds_without_peer(void)
{
	network_init(10);
	host_base(&host_a, "10.0.0.1");
	ice_agent_remote(host_a.agent, "none", "nonenonenonenonenonenone",
			 false, now);
	ice_agent_remote_candidate(
		host_a.agent, "candidate:1 1 udp 1 10.0.0.7 9 typ host", now);
	run_until(21 * USEC_S - 1, false);
	CHECK_INT(host_a.state, ICE_CHECKING);
	run_until(21 * USEC_S, false);
	CHECK_INT(host_a.state, ICE_FAILED);
	network_done();
}

/* -- requests made by hand ------------------------------------------------- */

static struct bytes last_answer;
static uint8_t last_raw[1500];

static void keep_send(int base, const struct sa *dst, struct bytes d, void *arg)
{
	struct ice_message m;

	if (ice_message_read(&m, d) == 0 && m.cls == ICE_REQUEST)
		return;
	memcpy(last_raw, d.p, d.n);
	last_answer = bytes_of(last_raw, d.n);
}

static struct ice_agent *lonely(void)
{
	struct ice_agent_conf conf = {
		.ufrag = "abcd",
		.pwd = "012345678901234567890123",
		.random = draw_bytes,
		.handlers = {.send = keep_send},
	};
	struct ice_agent *a = NULL;
	struct sa addr;

	sa_set_str(&addr, "10.0.0.1", 4000);
	ice_agent_new(&a, &conf);
	ice_agent_base(a, &addr, now);
	last_answer = bytes_of(NULL, 0);
	return a;
}

static void request_begin(struct ice_message_out *o)
{
	static const uint8_t tid[ICE_TID_BYTES] = "handmadetid0";

	ice_message_begin(o, ICE_REQUEST, tid);
	ice_message_put(o, ICE_ATTR_USERNAME, "abcd:efgh", 9);
	ice_message_put_u32(o, ICE_ATTR_PRIORITY, 1);
}

static int request_give(struct ice_agent *a, struct ice_message_out *o,
			const char *password, struct ice_message *answer)
{
	struct sa src;
	int e;

	sa_set_str(&src, "10.0.0.2", 5000);
	ice_message_end(o, password);
	e = ice_agent_input(a, 0, &src, bytes_of(o->p, o->n), now);
	memset(answer, 0, sizeof(*answer));
	if (last_answer.n)
		ice_message_read(answer, last_answer);
	return e;
}

static void test_ice_agent_echoes_retransmit_count(void)
{
	struct ice_agent *a = lonely();
	struct ice_message_out o;
	struct ice_message m;

	request_begin(&o);
	ice_message_put_u32(&o, ICE_ATTR_RETRANSMIT_COUNT, 5);
	request_give(a, &o, ice_agent_pwd(a), &m);
	CHECK_INT(m.cls, ICE_SUCCESS);
	CHECK(m.has_retransmit && be32_load(m.retransmit.p) == 5);
	CHECK(ice_message_integrity_ok(&m, last_answer, ice_agent_pwd(a)));
	CHECK(ice_message_fingerprint_ok(&m, last_answer));
	ice_agent_free(&a);
}

static void test_ice_agent_refuses_unknown_required_attribute(void)
{
	struct ice_agent *a = lonely();
	struct ice_message_out o;
	struct ice_message m;

	request_begin(&o);
	ice_message_put_u32(&o, 0x7001, 5);
	request_give(a, &o, ice_agent_pwd(a), &m);
	CHECK_INT(m.cls, ICE_ERROR);
	CHECK_INT(m.error, 420);
	ice_agent_free(&a);
}

static void test_ice_agent_refuses_wrong_password_and_fingerprint(void)
{
	struct ice_agent *a = lonely();
	struct ice_message_out o;
	struct ice_message m;
	struct sa src;

	request_begin(&o);
	CHECK_INT(request_give(a, &o, "wrong", &m), -EBADMSG);
	CHECK_INT(m.error, 401);
	request_begin(&o);
	CHECK_INT(request_give(a, &o, NULL, &m), -EBADMSG);
	CHECK_INT(m.error, 400);
	last_answer.n = 0;
	request_begin(&o);
	ice_message_end(&o, ice_agent_pwd(a));
	o.p[o.n - 1] ^= 1;
	sa_set_str(&src, "10.0.0.2", 5000);
	CHECK_INT(ice_agent_input(a, 0, &src, bytes_of(o.p, o.n), now),
		  -EBADMSG);
	CHECK_INT(last_answer.n, 0);
	CHECK_INT(a->pairs_n, 0);
	ice_agent_free(&a);
}

static void test_ice_agent_takes_data_from_where_it_answered(void)
{
	struct ice_message_out o;
	struct ice_agent *a;
	struct sa src;

	now = USEC_S;
	a = lonely();
	/* A pair we would not try ourselves; the peer's check came through. */
	sa_set_str(&src, "127.0.0.1", 5000);
	CHECK(!ice_agent_heard(a, 0, &src, now));
	request_begin(&o);
	ice_message_end(&o, ice_agent_pwd(a));
	CHECK_INT(ice_agent_input(a, 0, &src, bytes_of(o.p, o.n), now), 0);
	CHECK(last_answer.n > 0);
	CHECK(ice_agent_heard(a, 0, &src, now));
	ice_agent_free(&a);
}

static void test_ice_agent_answers_no_check_without_room_for_it(void)
{
	struct ice_remote r = {.priority = 1};
	struct ice_message_out o;
	struct ice_agent *a;
	struct ice_message m;

	now = USEC_S;
	a = lonely();
	for (uint16_t i = 0; i < ICE_PAIRS_MAX; i++) {
		sa_set_str(&r.addr, "10.0.0.3", (uint16_t)(5000 + i));
		CHECK(ice_pair_add(a, 0, &r, now) != NULL);
	}
	request_begin(&o);
	CHECK_INT(request_give(a, &o, ice_agent_pwd(a), &m), 0);
	CHECK_INT(last_answer.n, 0);
	ice_agent_free(&a);
}

static void test_ice_agent_follows_nomination_values(void)
{
	struct ice_agent *a;
	struct ice_message m = {.has_nomination = true};
	struct ice_remote r = {.priority = 100};
	struct ice_pair *p[2];

	now = USEC_S;
	a = lonely();
	for (int i = 0; i < 2; i++) {
		sa_set_str(&r.addr, i ? "10.0.0.3" : "10.0.0.2", 5000);
		r.priority -= 10;
		p[i] = ice_pair_add(a, 0, &r, now);
		p[i]->succeeded = true;
		p[i]->heard_at = p[i]->answered_at = now;
	}
	ice_selection_update(a, now);
	CHECK(a->selected == p[0]);
	m.nomination = 3;
	ice_pair_nominate(a, p[1], &m, now);
	ice_selection_update(a, now);
	CHECK(a->selected == p[1]);
	m.nomination = 2; /* an older one, late */
	ice_pair_nominate(a, p[0], &m, now);
	ice_selection_update(a, now);
	CHECK(a->selected == p[1]);
	m.nomination = 4;
	ice_pair_nominate(a, p[0], &m, now);
	ice_selection_update(a, now);
	CHECK(a->selected == p[0]);
	ice_agent_free(&a);
}

static void test_ice_agent_drops_data_of_strangers(void)
{
	struct sa stranger;

	start_plain(11);
	run_until(now + USEC_S, false);
	sa_set_str(&stranger, "10.0.0.66", 4000);
	CHECK(ice_agent_heard(host_a.agent, 0, &host_b.base[0], now));
	CHECK(!ice_agent_heard(host_a.agent, 0, &stranger, now));
	network_done();
}

static void test_ice_candidate_lines_of_apps_are_read(void)
{
	struct ice_remote r;
	struct sa want;

	CHECK_INT(ice_candidate_read(
			  &r, "candidate:2547220732 1 udp 2122260224 10.99.0.1 "
			      "55521 typ host generation 0 ufrag l0t8 "
			      "network-id 1 network-cost 10"),
		  0);
	sa_set_str(&want, "10.99.0.1", 55521);
	CHECK(r.kind == ICE_HOST && r.priority == 2122260224 &&
	      sa_cmp(&r.addr, &want, SA_ALL));
	CHECK_INT(ice_candidate_read(&r, "candidate:1 1 UDP 5 2001:db8::1 9 "
					 "typ srflx raddr :: rport 0"),
		  0);
	CHECK_INT(ice_candidate_read(&r, "candidate:1 1 udp 5 abc.local 9 typ "
					 "host"),
		  -ENOTSUP);
	CHECK_INT(ice_candidate_read(&r, "candidate:1 1 udp 5 "
					 "reflector-1-5.reflector 9 typ relay"),
		  0);
	ice_reflector_address(&want, 1, 5, 9);
	CHECK(r.kind == ICE_RELAY && sa_cmp(&r.addr, &want, SA_ALL));
	/* Such an address nobody may give as a literal one. */
	CHECK_INT(ice_candidate_read(&r, "candidate:1 1 udp 5 100::1:0:5 9 typ "
					 "relay"),
		  -ENOTSUP);
	CHECK_INT(ice_candidate_read(&r, "candidate:1 1 tcp 5 10.0.0.1 9 typ "
					 "host tcptype active"),
		  -ENOTSUP);
	CHECK_INT(ice_candidate_read(&r, "candidate:1 2 udp 5 10.0.0.1 9 typ "
					 "host"),
		  -ENOTSUP);
	CHECK_INT(ice_candidate_read(&r, "candidate:1 1 udp 5 10.0.0.1 70000 "
					 "typ host"),
		  -EBADMSG);
	CHECK_INT(ice_candidate_read(&r, "candidate:1 1 udp 5 10.0.0.1"),
		  -EBADMSG);
	CHECK_INT(ice_candidate_read(&r, ""), -EBADMSG);
}

static void test_ice_agent_ignores_loopback_candidates(void)
{
	struct ice_agent *a = lonely();

	CHECK_INT(ice_agent_remote_candidate(
			  a, "candidate:1 1 udp 5 127.0.0.1 9 typ host", now),
		  -ENOTSUP);
	CHECK_INT(ice_agent_remote_candidate(
			  a, "candidate:1 1 udp 5 239.0.0.1 9 typ host", now),
		  -ENOTSUP);
	CHECK_INT(a->pairs_n, 0);
	ice_agent_free(&a);
}

/* -- relays -----------------------------------------------------------------
 */

static int host_relay(struct host *h, int server_id, uint32_t tag,
		      uint16_t port)
{
	struct sa server;
	int base = h->bases_n;

	sa_set_str(&server, "203.0.113.50", port);
	ice_reflector_address(&h->base[base], server_id, tag, port);
	base = ice_agent_relay(h->agent, ICE_BASE_REFLECTOR, &h->base[base],
			       &server, now);
	h->bases_n++;
	return base;
}

static void host_init_relays_only(struct host *h, struct host *peer,
				  bool controlling)
{
	struct ice_agent_conf conf = {
		.controlling = controlling,
		.relays_only = true,
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

static void network_init_relays_only(uint32_t start)
{
	network_init(start);
	host_init_relays_only(&host_a, &host_b, true);
	host_init_relays_only(&host_b, &host_a, false);
}

static void test_ice_agent_reflector_candidate_is_as_the_apps_write_it(void)
{
	network_init_relays_only(30);
	host_a.hold = true;
	CHECK_INT(host_relay(&host_a, 2, 287454020, 598), 0);
	CHECK_INT(host_a.candidates_n, 1);
	/* traces/DIFF: 41877760 is 2 << 24 | 0x7f01 << 8. */
	CHECK(strstr(host_a.candidates[0],
		     " 1 udp 41878015 reflector-2-287454020.reflector 598 typ "
		     "relay raddr 0.0.0.0 rport 0 generation 0"));
	network_done();
}

static void test_ice_agent_connects_over_reflectors_alone(void)
{
	char local[64], remote[64];
	struct sa addr;

	network_init_relays_only(31);
	host_relay(&host_a, 1, 100, 598);
	host_relay(&host_b, 1, 200, 598);
	exchange_credentials();
	run_until(now + USEC_S, true);
	CHECK(both_connected());
	CHECK(now <= USEC_S + 4 * DELAY);
	CHECK(pairs_match());
	ice_agent_describe(host_a.agent, local, remote);
	CHECK_STR(local, "relay reflector-1-100.reflector:598");
	CHECK_STR(remote, "relay reflector-1-200.reflector:598");
	run_until(now + 60 * USEC_S, false);
	CHECK(both_connected());
	/* No address but the relay's was ever sent to or told. */
	CHECK_INT(host_a.agent->locals_n, 1);
	sa_set_str(&addr, "10.0.0.1", 4000);
	CHECK_INT(ice_agent_base(host_a.agent, &addr, now), -EPERM);
	CHECK_INT(ice_agent_stun_server(host_a.agent, &stun_server, now),
		  -EPERM);
	network_done();
}

static void test_ice_agent_controlled_checks_reflectors_by_itself(void)
{
	/* E.8: the peer's own checks stay without effect until ours came. */
	network_init_relays_only(32);
	host_relay(&host_a, 1, 100, 598);
	host_relay(&host_b, 1, 200, 598);
	host_a.hold = true;
	exchange_credentials();
	ice_agent_remote_candidate(host_b.agent, host_a.candidates[0], now);
	host_a.cut[0] = true; /* a says nothing */
	sent_n = 0;
	run_until(now + 20 * USEC_S, false);
	CHECK(sent_n >= 20);
	host_a.cut[0] = false;
	run_until(now + 3 * USEC_S, true);
	CHECK(both_connected());
	network_done();
}

static void test_ice_agent_reflectors_pair_by_server_and_port(void)
{
	network_init_relays_only(33);
	host_relay(&host_a, 1, 100, 598);
	host_relay(&host_b, 2, 200, 598);
	exchange_credentials();
	sent_n = 0;
	run_until(now + USEC_S, false);
	CHECK_INT(host_a.agent->pairs_n, 0);
	CHECK_INT(sent_n, 0);
	host_relay(&host_b, 1, 201, 597);
	run_until(now + USEC_S, false);
	CHECK_INT(host_a.agent->pairs_n, 0);
	/* Nor do they pair with addresses. */
	ice_agent_remote_candidate(host_a.agent,
				   "candidate:1 1 udp 5 2001:db8::1 598 typ "
				   "host",
				   now);
	ice_agent_remote_candidate(
		host_a.agent, "candidate:1 1 udp 5 10.0.0.9 598 typ host", now);
	CHECK_INT(host_a.agent->pairs_n, 0);
	CHECK_INT(sent_n, 0);
	network_done();
}

static void test_ice_agent_unsignalled_reflector_port_is_learned(void)
{
	network_init_relays_only(34);
	host_relay(&host_a, 1, 100, 598);
	host_relay(&host_b, 1, 200, 598);
	host_b.hold = true; /* a learns b's port from its checks */
	exchange_credentials();
	run_until(now + USEC_S, true);
	CHECK(both_connected());
	CHECK(pairs_match());
	network_done();
}

static void test_ice_agent_prefers_direct_to_relays(void)
{
	start_plain(35);
	host_relay(&host_a, 1, 100, 598);
	host_relay(&host_b, 1, 200, 598);
	run_until(now + 30 * USEC_S, false);
	CHECK(both_connected());
	CHECK_INT(host_a.selected_base, 0);
	CHECK_INT(host_a.selected_n, 1);
	CHECK_INT(host_b.selected_n, 1);
	network_done();
}

static void test_ice_agent_falls_back_to_relays_after_a_second(void)
{
	usec_t start;

	network_init(36);
	host_base(&host_a, "10.0.0.1");
	host_base(&host_b, "10.0.0.2");
	host_a.cut[0] = true;
	host_relay(&host_a, 1, 100, 598);
	host_relay(&host_b, 1, 200, 598);
	exchange_credentials();
	start = now;
	run_until(now + 5 * USEC_S, true);
	CHECK(both_connected());
	CHECK(now >= start + USEC_S && now < start + 1200 * USEC_MS);
	CHECK_INT(host_a.selected_base, 1);
	/* A direct path that appears takes over. */
	host_a.cut[0] = false;
	run_until(now + 10 * USEC_S, false);
	CHECK_INT(host_a.selected_base, 0);
	CHECK(pairs_match());
	network_done();
}

int main(void)
{
	RUN(test_ice_agent_connects_within_two_round_trips);
	RUN(test_ice_agent_stays_connected_and_checks_every_two_seconds);
	RUN(test_ice_agent_connects_with_twenty_percent_loss);
	RUN(test_ice_agent_early_check_is_answered_before_credentials);
	RUN(test_ice_agent_connects_through_full_cone);
	RUN(test_ice_agent_connects_through_restricted_nats);
	RUN(test_ice_agent_publishes_server_reflexive_candidate);
	RUN(test_ice_agent_role_conflict_is_settled);
	RUN(test_ice_agent_restart_keeps_and_moves_the_pair);
	RUN(test_ice_agent_switches_when_the_pair_dies);
	RUN(test_ice_agent_loses_consent_fails_and_recovers);
	RUN(test_ice_agent_fails_after_twenty_seconds_without_peer);
	RUN(test_ice_agent_echoes_retransmit_count);
	RUN(test_ice_agent_refuses_unknown_required_attribute);
	RUN(test_ice_agent_refuses_wrong_password_and_fingerprint);
	RUN(test_ice_agent_takes_data_from_where_it_answered);
	RUN(test_ice_agent_answers_no_check_without_room_for_it);
	RUN(test_ice_agent_follows_nomination_values);
	RUN(test_ice_agent_drops_data_of_strangers);
	RUN(test_ice_candidate_lines_of_apps_are_read);
	RUN(test_ice_agent_ignores_loopback_candidates);
	RUN(test_ice_agent_reflector_candidate_is_as_the_apps_write_it);
	RUN(test_ice_agent_connects_over_reflectors_alone);
	RUN(test_ice_agent_controlled_checks_reflectors_by_itself);
	RUN(test_ice_agent_reflectors_pair_by_server_and_port);
	RUN(test_ice_agent_unsignalled_reflector_port_is_learned);
	RUN(test_ice_agent_prefers_direct_to_relays);
	RUN(test_ice_agent_falls_back_to_relays_after_a_second);
	return check_done();
}
