/* Calls through the API: the machine, its refusals, the simulated users. */
#include "sim/dh.h"
#include "sim/world_test.h"

static struct fixture x;
static uint8_t secret[2][256], public_value[2][256];
static int64_t call_id, hash[2];

static struct tl_obj *new_protocol(struct fake *f, const char *version)
{
	struct tl_obj *o = fake_new(f, TL_phoneCallProtocol);

	tl_set_true(o, TL_phoneCallProtocol_udp_p2p);
	tl_set_true(o, TL_phoneCallProtocol_udp_reflector);
	tl_set_int(o, TL_phoneCallProtocol_min_layer, 65);
	tl_set_int(o, TL_phoneCallProtocol_max_layer, 92);
	tl_set_vector(&f->arena, o, TL_phoneCallProtocol_library_versions,
		      version ? 3 : 0);
	if (!version)
		return o;
	tl_put_bytes(o, TL_phoneCallProtocol_library_versions, 0, "9.0.0", 5);
	tl_put_bytes(o, TL_phoneCallProtocol_library_versions, 1, version,
		     strlen(version));
	tl_put_bytes(o, TL_phoneCallProtocol_library_versions, 2, "7.0.0", 5);
	return o;
}

static struct tl_obj *new_call(struct fake *f, int side)
{
	struct tl_obj *o = fake_new(f, TL_inputPhoneCall);

	tl_set_long(o, TL_inputPhoneCall_id, call_id);
	tl_set_long(o, TL_inputPhoneCall_access_hash, hash[side]);
	return o;
}

static struct tl_obj *request_of(struct fake *f, int64_t to, int32_t random_id)
{
	struct tl_obj *q = fake_new(f, TL_phone_requestCall);
	uint8_t *g_a_hash = tl_arena_alloc(&f->arena, 32);

	sim_dh_draw(secret[0], public_value[0]);
	sim_dh_hash(g_a_hash, bytes_of(public_value[0], 256));
	tl_set_child(q, TL_phone_requestCall_user_id, fake_user(f, 1, to));
	tl_set_int(q, TL_phone_requestCall_random_id, random_id);
	tl_set_bytes(q, TL_phone_requestCall_g_a_hash, g_a_hash, 32);
	tl_set_child(q, TL_phone_requestCall_protocol,
		     new_protocol(f, "13.0.0"));
	return q;
}

/* Anna calls; remembers what both sides need to name the call. */
static bool request(int64_t to, int32_t random_id)
{
	const struct tl_obj *o;

	fake_ask(&x.a, request_of(&x.a, to, random_id));
	o = tl_child(x.a.answer, TL_phone_phoneCall_phone_call);
	if (!tl_is(o, TL_phoneCallWaiting))
		return false;
	call_id = tl_long(o, TL_phoneCallWaiting_id);
	hash[0] = tl_long(o, TL_phoneCallWaiting_access_hash);
	o = tl_child(fake_update(&x.b, x.b.pushes - 1),
		     TL_updatePhoneCall_phone_call);
	hash[1] = tl_long(o, TL_phoneCallRequested_access_hash);
	return !tl_has(tl_child(x.a.answer, TL_phone_phoneCall_phone_call),
		       TL_phoneCallWaiting_receive_date);
}

static void received(struct fake *f)
{
	struct tl_obj *q = fake_new(f, TL_phone_receivedCall);

	tl_set_child(q, TL_phone_receivedCall_peer, new_call(f, 1));
	fake_ask(f, q);
}

static void accept_by(struct fake *f, const char *version)
{
	struct tl_obj *q = fake_new(f, TL_phone_acceptCall);

	sim_dh_draw(secret[1], public_value[1]);
	tl_set_child(q, TL_phone_acceptCall_peer, new_call(f, 1));
	tl_set_bytes(q, TL_phone_acceptCall_g_b, public_value[1], 256);
	tl_set_child(q, TL_phone_acceptCall_protocol, new_protocol(f, version));
	fake_ask(f, q);
}

static int64_t fingerprint_of(int side, const uint8_t *peer)
{
	uint8_t key[256];

	sim_dh_key(key, bytes_of(peer, 256), secret[side]);
	return sim_dh_fingerprint(key);
}

static void confirm(const uint8_t *g_a, int64_t fingerprint)
{
	struct tl_obj *q = fake_new(&x.a, TL_phone_confirmCall);

	tl_set_child(q, TL_phone_confirmCall_peer, new_call(&x.a, 0));
	tl_set_bytes(q, TL_phone_confirmCall_g_a, g_a, 256);
	tl_set_long(q, TL_phone_confirmCall_key_fingerprint, fingerprint);
	tl_set_child(q, TL_phone_confirmCall_protocol,
		     new_protocol(&x.a, "13.0.0"));
	fake_ask(&x.a, q);
}

static void discard(struct fake *f, int side, enum tl_ctor_no reason)
{
	struct tl_obj *q = fake_new(f, TL_phone_discardCall);

	tl_set_child(q, TL_phone_discardCall_peer, new_call(f, side));
	tl_set_int(q, TL_phone_discardCall_duration, 3);
	tl_set_child(q, TL_phone_discardCall_reason, fake_new(f, reason));
	tl_set_long(q, TL_phone_discardCall_connection_id, 0);
	fake_ask(f, q);
}

static void signal_by(struct fake *f, int side, const char *text)
{
	struct tl_obj *q = fake_new(f, TL_phone_sendSignalingData);

	tl_set_child(q, TL_phone_sendSignalingData_peer, new_call(f, side));
	tl_set_str(q, TL_phone_sendSignalingData_data, text);
	fake_ask(f, q);
}

static struct tl_obj *last_call(const struct fake *f)
{
	return tl_child(fake_update(f, f->pushes - 1),
			TL_updatePhoneCall_phone_call);
}

static bool open_all(void)
{
	fixture_open(&x);
	return fake_login(&x.a, "9990000001") &&
	       fake_login(&x.b, "9990000002") && fake_login(&x.c, "9990000002");
}

static void test_sim_call_between_clients(void)
{
	const struct tl_obj *o;
	struct tl_obj *one, *two;

	CHECK(open_all());
	CHECK(request(2, 77));
	CHECK(tl_is(last_call(&x.b), TL_phoneCallRequested));
	CHECK(tl_is(last_call(&x.c), TL_phoneCallRequested));
	received(&x.b);
	CHECK(tl_is(x.b.answer, TL_boolTrue));
	CHECK(tl_has(last_call(&x.a), TL_phoneCallWaiting_receive_date));
	accept_by(&x.b, "13.0.0");
	CHECK(tl_is(tl_child(x.b.answer, TL_phone_phoneCall_phone_call),
		    TL_phoneCallWaiting));
	CHECK(tl_is(last_call(&x.a), TL_phoneCallAccepted));
	/* The other device stops ringing. */
	CHECK(tl_is(last_call(&x.c), TL_phoneCallDiscarded));
	confirm(public_value[0], fingerprint_of(0, public_value[1]));
	o = tl_child(x.a.answer, TL_phone_phoneCall_phone_call);
	CHECK(tl_is(o, TL_phoneCall));
	CHECK(tl_has(o, TL_phoneCall_p2p_allowed));
	CHECK(bytes_equal(tl_item_bytes(tl_child(o, TL_phoneCall_protocol),
					TL_phoneCallProtocol_library_versions,
					0),
			  bytes_str("13.0.0")));
	one = tl_item(o, TL_phoneCall_connections, 1);
	o = last_call(&x.b);
	CHECK(tl_is(o, TL_phoneCall));
	CHECK_INT(tl_long(o, TL_phoneCall_key_fingerprint),
		  fingerprint_of(1, tl_bytes(o, TL_phoneCall_g_a_or_b).p));
	/* Peer tags of the two sides differ in one bit. */
	two = tl_item(o, TL_phoneCall_connections, 1);
	CHECK_INT(tl_bytes(one, TL_phoneConnection_peer_tag).p[0] ^
			  tl_bytes(two, TL_phoneConnection_peer_tag).p[0],
		  1);
	signal_by(&x.a, 0, "one");
	signal_by(&x.a, 0, "two");
	CHECK(bytes_equal(tl_bytes(fake_update(&x.b, x.b.pushes - 2),
				   TL_updatePhoneCallSignalingData_data),
			  bytes_str("one")));
	CHECK(bytes_equal(tl_bytes(fake_update(&x.b, x.b.pushes - 1),
				   TL_updatePhoneCallSignalingData_data),
			  bytes_str("two")));
	discard(&x.b, 1, TL_phoneCallDiscardReasonHangup);
	CHECK(tl_is(x.b.answer, TL_updates));
	o = last_call(&x.a);
	CHECK(tl_is(o, TL_phoneCallDiscarded));
	CHECK_INT(tl_int(o, TL_phoneCallDiscarded_duration), 3);
	fixture_close(&x);
}

static void test_sim_call_request_refused(void)
{
	struct sim_account *b;
	struct tl_obj *q, *p;

	CHECK(open_all());
	b = sim_world_account(x.w, 2);
	CHECK(!request(1, 1));
	CHECK_STR(x.a.text, "USER_ID_INVALID");
	b->privacy[SIM_PRIVACY_CALL] = SIM_AUDIENCE_CONTACTS;
	CHECK(!request(2, 2));
	CHECK_INT(x.a.code, 403);
	CHECK_STR(x.a.text, "USER_PRIVACY_RESTRICTED");
	sim_account_block(b, 1, true);
	CHECK(!request(2, 3));
	CHECK_STR(x.a.text, "USER_IS_BLOCKED");
	sim_account_block(b, 1, false);
	sim_account_contact_add(b, 1, bytes_str("A"), bytes_str(""));
	CHECK(request(2, 4));
	CHECK(!request(2, 4));
	CHECK_INT(x.a.code, 500);
	CHECK_STR(x.a.text, "RANDOM_ID_DUPLICATE");
	sim_world_account(x.w, 1)->flood_wait_s = 33;
	CHECK(!request(2, 5));
	CHECK_INT(x.a.code, 420);
	CHECK_STR(x.a.text, "FLOOD_WAIT_33");
	sim_world_account(x.w, 1)->flood_wait_s = 0;
	b->deleted = true;
	CHECK(!request(2, 6));
	CHECK_STR(x.a.text, "INPUT_USER_DEACTIVATED");
	b->deleted = false;
	q = request_of(&x.a, 2, 8);
	tl_set_bytes(q, TL_phone_requestCall_g_a_hash, "short", 5);
	fake_ask(&x.a, q);
	CHECK_STR(x.a.text, "DH_G_A_INVALID");
	q = request_of(&x.a, 2, 9);
	p = tl_child(q, TL_phone_requestCall_protocol);
	tl_set_int(p, TL_phoneCallProtocol_max_layer, 93);
	fake_ask(&x.a, q);
	CHECK_STR(x.a.text, "CALL_PROTOCOL_LAYER_INVALID");
	tl_set_int(p, TL_phoneCallProtocol_max_layer, 92);
	tl_set_int(p, TL_phoneCallProtocol_min_layer, 64);
	fake_ask(&x.a, q);
	CHECK_STR(x.a.text, "CALL_PROTOCOL_LAYER_INVALID");
	p = fake_new(&x.a, TL_phoneCallProtocol);
	tl_set_int(p, TL_phoneCallProtocol_min_layer, 65);
	tl_set_int(p, TL_phoneCallProtocol_max_layer, 92);
	tl_set_vector(&x.a.arena, p, TL_phoneCallProtocol_library_versions, 0);
	tl_set_child(q, TL_phone_requestCall_protocol, p);
	fake_ask(&x.a, q);
	CHECK_STR(x.a.text, "CALL_PROTOCOL_FLAGS_INVALID");
	tl_set_child(q, TL_phone_requestCall_protocol,
		     new_protocol(&x.a, NULL));
	fake_ask(&x.a, q);
	CHECK_STR(x.a.text, "PARTICIPANT_VERSION_OUTDATED");
	fixture_close(&x);
}

static void test_sim_call_wrong_g_a(void)
{
	uint8_t other[256];

	CHECK(open_all());
	CHECK(request(2, 1));
	received(&x.b);
	accept_by(&x.b, "13.0.0");
	memcpy(other, public_value[0], sizeof(other));
	other[255] ^= 1;
	confirm(other, 5);
	CHECK_STR(x.a.text, "DH_G_A_INVALID");
	CHECK_INT(sim_world_refused_count(x.w, "g_a_hash"), 1);
	confirm(public_value[0], 0);
	CHECK_STR(x.a.text, "CALL_PEER_INVALID");
	CHECK_INT(sim_world_refused_count(x.w, "fingerprint-zero"), 1);
	confirm(public_value[0], 5);
	CHECK(tl_is(x.a.answer, TL_phone_phoneCall));
	CHECK_INT(tl_long(last_call(&x.b), TL_phoneCall_key_fingerprint), 5);
	fixture_close(&x);
}

static void test_sim_call_wrong_states(void)
{
	CHECK(open_all());
	CHECK(request(2, 1));
	signal_by(&x.a, 0, "early");
	CHECK_STR(x.a.text, "CALL_NOT_ACTIVE");
	confirm(public_value[0], 5);
	CHECK_STR(x.a.text, "CALL_PEER_INVALID");
	CHECK_INT(sim_world_refused_count(x.w, "confirm-early"), 1);
	hash[1]++;
	received(&x.b);
	CHECK_STR(x.b.text, "CALL_PEER_INVALID");
	hash[1]--;
	accept_by(&x.b, "13.0.0");
	CHECK(tl_is(x.b.answer, TL_phone_phoneCall));
	accept_by(&x.c, "13.0.0");
	CHECK_STR(x.c.text, "CALL_ALREADY_ACCEPTED");
	discard(&x.c, 1, TL_phoneCallDiscardReasonBusy);
	CHECK_STR(x.c.text, "CALL_ALREADY_ACCEPTED");
	confirm(public_value[0], 5);
	confirm(public_value[0], 5);
	CHECK_STR(x.a.text, "CALL_ALREADY_ACCEPTED");
	signal_by(&x.c, 1, "not this device");
	CHECK_STR(x.c.text, "CALL_PEER_INVALID");
	discard(&x.a, 0, TL_phoneCallDiscardReasonHangup);
	signal_by(&x.a, 0, "late");
	CHECK_STR(x.a.text, "CALL_NOT_ACTIVE");
	received(&x.b);
	CHECK_STR(x.b.text, "CALL_ALREADY_DECLINED");
	accept_by(&x.b, "13.0.0");
	CHECK_STR(x.b.text, "CALL_ALREADY_DECLINED");
	confirm(public_value[0], 5);
	CHECK_STR(x.a.text, "CALL_ALREADY_DECLINED");
	call_id++;
	received(&x.b);
	CHECK_STR(x.b.text, "CALL_PEER_INVALID");
	fixture_close(&x);
}

static void test_sim_call_version_policy(void)
{
	static const struct {
		enum sim_policy policy;
		const char *forced, *chosen;
	} rows[] = {
		{SIM_POLICY_HIGHEST, "", "13.0.0"},
		{SIM_POLICY_LOWEST, "", "7.0.0"},
		{SIM_POLICY_CALLER, "", "9.0.0"},
		{SIM_POLICY_HIGHEST, "9.0.0", "9.0.0"},
	};

	CHECK(open_all());
	for (int i = 0; i < 4; i++) {
		x.w->config->policy = rows[i].policy;
		strcpy(sim_world_account(x.w, 2)->version, rows[i].forced);
		CHECK(request(2, 10 + i));
		accept_by(&x.b, "13.0.0");
		CHECK_STR(x.w->calls->version, rows[i].chosen);
		discard(&x.a, 0, TL_phoneCallDiscardReasonMissed);
	}
	strcpy(sim_world_account(x.w, 2)->version, "2.7.7");
	CHECK(request(2, 20));
	accept_by(&x.b, "13.0.0");
	CHECK_INT(x.b.code, 406);
	CHECK_STR(x.b.text, "CALL_PROTOCOL_COMPAT_LAYER_INVALID");
	fixture_close(&x);
}

static void test_sim_call_time_limits(void)
{
	CHECK(open_all());
	CHECK(request(2, 1));
	fixture_pass(&x, 24999);
	CHECK_INT(x.w->calls->state, SIM_CALL_REQUESTED);
	fixture_pass(&x, 1);
	CHECK_INT(x.w->calls->state, SIM_CALL_ENDED);
	CHECK(tl_is(tl_child(last_call(&x.a), TL_phoneCallDiscarded_reason),
		    TL_phoneCallDiscardReasonMissed));
	CHECK(request(2, 2));
	received(&x.b);
	fixture_pass(&x, 94999);
	CHECK_INT(x.w->calls->state, SIM_CALL_RINGING);
	fixture_pass(&x, 1);
	CHECK_INT(x.w->calls->state, SIM_CALL_ENDED);
	fixture_close(&x);
}

static void test_sim_app_answers(void)
{
	const struct tl_obj *o;
	struct bytes g_b;

	CHECK(open_all());
	CHECK(request(3, 1));
	fixture_pass(&x, 0);
	CHECK(tl_has(last_call(&x.a), TL_phoneCallWaiting_receive_date));
	fixture_pass(&x, 1999);
	CHECK(tl_is(last_call(&x.a), TL_phoneCallWaiting));
	fixture_pass(&x, 1);
	CHECK(tl_is(last_call(&x.a), TL_phoneCallAccepted));
	g_b = tl_bytes(last_call(&x.a), TL_phoneCallAccepted_g_b);
	CHECK_INT(x.endpoints, 0);
	confirm(public_value[0], fingerprint_of(0, g_b.p));
	CHECK(tl_is(x.a.answer, TL_phone_phoneCall));
	CHECK_INT(x.endpoints, 1);
	CHECK(strstr(x.last_argv, "\"--version\",\"13.0.0\",\"--incoming\""));
	CHECK(strstr(x.last_argv, "\"--out\",\"heard-3.wav\""));
	CHECK(strstr(x.last_argv, "isTurn"));
	signal_by(&x.a, 0, "\x01\xff");
	CHECK_STR(x.last_line, "SIG 01ff");
	sim_app_on_line(x.w, x.last_id, "SIG 0a0b");
	o = fake_update(&x.a, x.a.pushes - 1);
	CHECK(bytes_equal(tl_bytes(o, TL_updatePhoneCallSignalingData_data),
			  bytes_str("\x0a\x0b")));
	sim_app_on_line(x.w, x.last_id, "SIG 0a0");
	CHECK_INT(sim_world_refused_count(x.w, "endpoint-blob"), 1);
	sim_app_on_line(x.w, x.last_id, "STATE established");
	CHECK_STR(x.w->calls->legs[1].media, "established");
	sim_app_on_line(x.w, x.last_id, "STATE failed");
	CHECK(tl_is(tl_child(last_call(&x.a), TL_phoneCallDiscarded_reason),
		    TL_phoneCallDiscardReasonDisconnect));
	CHECK_STR(x.last_line, "STOP");
	fixture_close(&x);
}

static void test_sim_app_checks_the_key(void)
{
	CHECK(open_all());
	CHECK(request(3, 1));
	fixture_pass(&x, 0);
	fixture_pass(&x, 2000);
	confirm(public_value[0], 5);
	CHECK(tl_is(x.a.answer, TL_phone_phoneCall));
	fixture_pass(&x, 0);
	CHECK_INT(x.endpoints, 0);
	CHECK_INT(x.w->calls->reason, SIM_REASON_DISCONNECT);
	CHECK_INT(sim_world_refused_count(x.w, "app-fingerprint"), 1);
	fixture_close(&x);
}

static void test_sim_app_behaviours(void)
{
	static const struct {
		enum sim_behaviour behaviour;
		bool rings;
		enum sim_reason reason;
	} rows[] = {
		{SIM_BEHAVIOUR_DECLINE, true, SIM_REASON_BUSY},
		{SIM_BEHAVIOUR_BUSY, false, SIM_REASON_BUSY},
		{SIM_BEHAVIOUR_IGNORE, true, SIM_REASON_MISSED},
		{SIM_BEHAVIOUR_OFFLINE, false, SIM_REASON_MISSED},
	};

	CHECK(open_all());
	for (int i = 0; i < 4; i++) {
		sim_world_account(x.w, 3)->app->behaviour = rows[i].behaviour;
		CHECK(request(3, 30 + i));
		for (int ms = 0; ms < 120000; ms += 500)
			fixture_pass(&x, 500);
		CHECK_INT(x.w->calls->state, SIM_CALL_ENDED);
		CHECK_INT(x.w->calls->receive_date != 0, rows[i].rings);
		CHECK_INT(x.w->calls->reason, rows[i].reason);
	}
	fixture_close(&x);
}

static void test_sim_app_calls(void)
{
	json_t *options = json_pack("{s[s]si}", "versions", "9.0.0",
				    "hangup_after_ms", 5000);
	const struct tl_obj *o;
	struct sim_call *c;

	CHECK(open_all());
	CHECK(!sim_app_call(&c, &(struct sim_app_call){
					sim_world_account(x.w, 3),
					sim_world_account(x.w, 2), options}));
	json_decref(options);
	call_id = c->id;
	o = last_call(&x.b);
	CHECK(tl_is(o, TL_phoneCallRequested));
	hash[1] = tl_long(o, TL_phoneCallRequested_access_hash);
	received(&x.b);
	accept_by(&x.b, "13.0.0");
	fixture_pass(&x, 0);
	o = last_call(&x.b);
	CHECK(tl_is(o, TL_phoneCall));
	CHECK_INT(tl_long(o, TL_phoneCall_key_fingerprint),
		  fingerprint_of(1, tl_bytes(o, TL_phoneCall_g_a_or_b).p));
	CHECK_STR(c->version, "9.0.0");
	CHECK(strstr(x.last_argv, "--outgoing"));
	fixture_pass(&x, 5000);
	CHECK_INT(c->reason, SIM_REASON_HANGUP);
	CHECK_INT(tl_int(last_call(&x.b), TL_phoneCallDiscarded_duration), 5);
	fixture_close(&x);
}

static bool still_running(const char *id, void *arg)
{
	return *(bool *)arg;
}

static void test_sim_call_survives_restart(void)
{
	bool running = true;
	struct bytes g_b;
	char id[64];

	CHECK(open_all());
	CHECK(request(3, 1));
	fixture_pass(&x, 0);
	fixture_restart(&x);
	fixture_pass(&x, 0);
	fixture_pass(&x, 2000);
	/* A client that comes back listens once it has asked something. */
	CHECK_INT(x.w->calls->state, SIM_CALL_ACCEPTED);
	g_b = bytes_of(x.w->calls->g_b.p, 256);
	confirm(public_value[0], fingerprint_of(0, g_b.p));
	CHECK(tl_is(x.a.answer, TL_phone_phoneCall));
	strcpy(id, x.last_id);
	fixture_restart(&x);
	sim_app_reattach(x.w, still_running, &running);
	CHECK_INT(x.w->calls->state, SIM_CALL_ACTIVE);
	CHECK(sim_app_endpoint_wanted(x.w, id));
	x.last_line[0] = '\0';
	signal_by(&x.a, 0, "after");
	CHECK_STR(x.last_id, id);
	CHECK_STR(x.last_line, "SIG 6166746572");
	running = false;
	sim_app_reattach(x.w, still_running, &running);
	CHECK_INT(x.w->calls->reason, SIM_REASON_DISCONNECT);
	CHECK(tl_is(last_call(&x.a), TL_phoneCallDiscarded));
	CHECK(!sim_app_endpoint_wanted(x.w, id));
	fixture_close(&x);
}

static void test_sim_call_told_again_on_resume(void)
{
	CHECK(open_all());
	CHECK(request(2, 1));
	fixture_restart(&x);
	CHECK_INT(x.b.pushes, 0);
	fake_ask(&x.b, fake_new(&x.b, TL_updates_getState));
	CHECK(tl_is(last_call(&x.b), TL_phoneCallRequested));
	fixture_close(&x);
}

static void test_sim_dh_agrees(void)
{
	uint8_t a[256], g_a[256], b[256], g_b[256], k[256], l[256];

	sim_dh_draw(a, g_a);
	sim_dh_draw(b, g_b);
	CHECK(!sim_dh_key(k, bytes_of(g_b, 256), a));
	CHECK(!sim_dh_key(l, bytes_of(g_a, 256), b));
	CHECK_MEM(k, l, 256);
	CHECK(sim_dh_fingerprint(k) == sim_dh_fingerprint(l));
	for (int i = 0; i < 256; i++)
		k[i] = (uint8_t)i;
	/* telegram-wire G.1: "key_fingerprint of K" */
	CHECK(sim_dh_fingerprint(k) == -3972359982579920590LL);
	memset(g_a, 0, 8);
	CHECK(sim_dh_key(l, bytes_of(g_a, 256), b) < 0);
	CHECK(!sim_dh_in_range(bytes_of(sim_dh_prime(), 256)));
	CHECK(!sim_dh_in_range(bytes_of(k, 0)));
}

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_sim_dh_agrees);
	RUN(test_sim_call_between_clients);
	RUN(test_sim_call_request_refused);
	RUN(test_sim_call_wrong_g_a);
	RUN(test_sim_call_wrong_states);
	RUN(test_sim_call_version_policy);
	RUN(test_sim_call_time_limits);
	RUN(test_sim_app_answers);
	RUN(test_sim_app_checks_the_key);
	RUN(test_sim_app_behaviours);
	RUN(test_sim_app_calls);
	RUN(test_sim_call_survives_restart);
	RUN(test_sim_call_told_again_on_resume);
	return check_done();
}
