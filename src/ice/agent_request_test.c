/* One agent, and requests and candidates made by hand. */
#include "ice/network_fake.h"

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

int main(void)
{
	RUN(test_ice_agent_echoes_retransmit_count);
	RUN(test_ice_agent_refuses_unknown_required_attribute);
	RUN(test_ice_agent_refuses_wrong_password_and_fingerprint);
	RUN(test_ice_agent_takes_data_from_where_it_answered);
	RUN(test_ice_agent_answers_no_check_without_room_for_it);
	RUN(test_ice_agent_follows_nomination_values);
	RUN(test_ice_agent_drops_data_of_strangers);
	RUN(test_ice_candidate_lines_of_apps_are_read);
	RUN(test_ice_agent_ignores_loopback_candidates);
	return check_done();
}
