/* Two agents find each other, and keep each other. */
#include "ice/network_fake.h"

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

/* Told to nobody: the checks from there are all that the peer has. */
static void test_ice_agent_follows_a_peer_to_another_address(void)
{
	for (int moves = 0; moves < 2; moves++) {
		struct host *h = moves ? &host_b : &host_a;

		start_plain(14);
		run_until(now + 3 * USEC_S, false);
		CHECK(both_connected() && pairs_match());
		h->cut[0] = true;
		h->hold = true;
		host_base(h, "10.0.7.7");
		run_until(now + 6 * USEC_S, false);
		CHECK(both_connected() && pairs_match());
		CHECK_INT(h->selected_base, 1);
		CHECK_INT(host_a.states[ICE_FAILED], 0);
		network_done();
	}
}

/* A mobile peer's candidates of a whole journey: the newest still count. */
static void test_ice_agent_forgets_networks_the_peer_left(void)
{
	char line[160];
	int e = 0;

	start_plain(15);
	run_until(now + 3 * USEC_S, false);
	CHECK(both_connected());
	for (int i = 0; i < 3 * ICE_REMOTES_MAX; i++) {
		snprintf(
			line, sizeof(line),
			"candidate:1 1 udp 2122260223 10.7.%d.%d 5000 typ host",
			i / 200, 1 + i % 200);
		e = ice_agent_remote_candidate(host_a.agent, line, now);
		if (i >= 2 * ICE_REMOTES_MAX)
			CHECK_INT(e, 0);
		run_until(now + 2 * USEC_S, false);
	}
	CHECK(both_connected() && pairs_match());
	CHECK_INT(host_a.states[ICE_DISCONNECTED], 0);
	CHECK(ice_pair_find(host_a.agent, 0,
			    &host_a.agent->remotes[host_a.agent->remotes_n - 1]
				     .addr) != NULL);
	network_done();
}

/* All at once they are only as many as there is room for. */
static void test_ice_agent_bounds_remote_candidates(void)
{
	char line[160];

	start_plain(16);
	for (int i = 0; i < 3 * ICE_REMOTES_MAX; i++) {
		snprintf(
			line, sizeof(line),
			"candidate:1 1 udp 2122260223 10.7.%d.%d 5000 typ host",
			i / 200, 1 + i % 200);
		ice_agent_remote_candidate(host_a.agent, line, now);
	}
	CHECK_INT(host_a.agent->remotes_n, ICE_REMOTES_MAX);
	CHECK(host_a.agent->pairs_n <= ICE_PAIRS_MAX);
	run_until(now + 10 * USEC_S, false);
	CHECK(both_connected());
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
	RUN(test_ice_agent_follows_a_peer_to_another_address);
	RUN(test_ice_agent_forgets_networks_the_peer_left);
	RUN(test_ice_agent_bounds_remote_candidates);
	RUN(test_ice_agent_loses_consent_fails_and_recovers);
	RUN(test_ice_agent_fails_after_twenty_seconds_without_peer);
	return check_done();
}
