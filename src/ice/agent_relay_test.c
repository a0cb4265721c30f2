/* Agents with relays as bases. */
#include "ice/network_fake.h"

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
	RUN(test_ice_agent_reflector_candidate_is_as_the_apps_write_it);
	RUN(test_ice_agent_connects_over_reflectors_alone);
	RUN(test_ice_agent_controlled_checks_reflectors_by_itself);
	RUN(test_ice_agent_reflectors_pair_by_server_and_port);
	RUN(test_ice_agent_unsignalled_reflector_port_is_learned);
	RUN(test_ice_agent_prefers_direct_to_relays);
	RUN(test_ice_agent_falls_back_to_relays_after_a_second);
	return check_done();
}
