/* The machine of an outgoing call: the key exchange and every check of it. */
#include <errno.h>
#include <openssl/sha.h>

#include "mtproto/dh.h"
#include "telegram/call_world.h"
#include "tests/check.h"

static void test_call_outgoing_becomes_active(void)
{
	struct world w;
	struct tl_obj *q, *p;

	world_open(&w);
	CHECK(out_start(&w));
	CHECK_INT(w.busy, 1);
	q = asked(&w, TL_messages_getDhConfig);
	CHECK_INT(tl_int(q, TL_messages_getDhConfig_version), 0);
	CHECK_INT(tl_int(q, TL_messages_getDhConfig_random_length), 256);
	CHECK(out_group(&w));
	q = asked(&w, TL_phone_requestCall);
	p = tl_child(q, TL_phone_requestCall_protocol);
	CHECK(tl_has(p, TL_phoneCallProtocol_udp_p2p));
	CHECK(tl_has(p, TL_phoneCallProtocol_udp_reflector));
	CHECK_INT(tl_int(p, TL_phoneCallProtocol_min_layer), 65);
	CHECK_INT(tl_int(p, TL_phoneCallProtocol_max_layer), 92);
	CHECK_INT(tl_count(p, TL_phoneCallProtocol_library_versions), 2);
	CHECK(bytes_equal(
		tl_item_bytes(p, TL_phoneCallProtocol_library_versions, 0),
		bytes_str("13.0.0")));
	CHECK(!tl_has(q, TL_phone_requestCall_video));
	CHECK(out_wait(&w));
	CHECK(out_ring(&w));
	CHECK(out_accept(&w));
	answer(&w, result(&w, out_call(&w)));
	CHECK_INT(tg_call_state(w.call), TG_CALL_ACTIVE);
	CHECK_INT(w.active_n, 1);
	CHECK_INT(w.states_n, 4);
	CHECK_INT(w.states[0], TG_CALL_WAITING);
	CHECK_INT(w.states[1], TG_CALL_RINGING);
	CHECK_INT(w.states[2], TG_CALL_EXCHANGING);
	CHECK_INT(w.states[3], TG_CALL_ACTIVE);
	/* As update as well: nothing happens. */
	phone_update(&w.phone, out_call(&w));
	CHECK_INT(w.active_n, 1);
	CHECK(nothing_asked(&w));
	world_close(&w);
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(w.busy, 0);
}

static void test_call_outgoing_gives_media(void)
{
	struct world w;
	uint8_t digest[32], joined[512];
	const struct tg_call_server *s = w.media.servers;

	world_open(&w);
	CHECK(out_active(&w));
	CHECK_MEM(w.media.key, out_key, 256);
	CHECK(w.media.outgoing);
	CHECK(w.media.p2p_allowed);
	CHECK_STR(w.media.version, "13.0.0");
	CHECK_STR(w.custom, "{\"a\":1}");
	/* The one with a tag of 15 bytes is left out. */
	CHECK_INT(w.media.servers_n, 2);
	CHECK(s[0].reflector && !s[0].tcp && !s[0].turn);
	CHECK_STR(s[0].ip, "192.0.2.1");
	CHECK_INT(s[0].port, 598);
	CHECK_INT(s[0].id, 77);
	CHECK_INT(s[0].peer_tag[3], 4);
	CHECK(s[1].turn && s[1].stun && !s[1].reflector);
	CHECK_STR(s[1].ipv6, "2001:db8::2");
	CHECK_STR(s[1].username, "1:a");
	CHECK_STR(s[1].password, "secret");
	memcpy(joined, out_key, 256);
	memcpy(joined + 256, out_value, 256);
	SHA256(joined, sizeof(joined), digest);
	for (int i = 0; i < 4; i++) {
		uint64_t v = 0;

		for (int k = 0; k < 8; k++)
			v = v << 8 | digest[8 * i + k];
		CHECK_INT(be16_load(w.media.emoji + 2 * i),
			  (v & INT64_MAX) % 333);
	}
	world_close(&w);
}

static void test_call_active_by_update_before_result(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w) && out_ring(&w) &&
	      out_accept(&w));
	phone_update(&w.phone, out_call(&w));
	CHECK_INT(w.active_n, 1);
	answer(&w, result(&w, out_call(&w)));
	CHECK_INT(w.active_n, 1);
	CHECK_INT(w.ended_n, 0);
	world_close(&w);
}

static void test_call_repeated_accepted_confirms_once(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w) && out_ring(&w) &&
	      out_accept(&w));
	phone_update(&w.phone, accepted(&w, bytes_of(far_value, 256)));
	CHECK_INT(w.asked_n, w.next + 1);
	answer(&w, result(&w, out_call(&w)));
	phone_update(&w.phone, accepted(&w, bytes_of(far_value, 256)));
	phone_update(&w.phone, waiting(&w, true));
	CHECK(nothing_asked(&w));
	CHECK_INT(tg_call_state(w.call), TG_CALL_ACTIVE);
	world_close(&w);
}

static void test_call_accepted_without_ringing(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w));
	CHECK(out_accept(&w));
	answer(&w, result(&w, out_call(&w)));
	CHECK_INT(w.active_n, 1);
	world_close(&w);
}

static void test_call_updates_overtake_the_result(void)
{
	struct world w;
	struct tl_obj *first;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w));
	first = result(&w, waiting(&w, false));
	phone_update(&w.phone, waiting(&w, true));
	phone_update(&w.phone, accepted(&w, bytes_of(far_value, 256)));
	CHECK_INT(tg_call_state(w.call), TG_CALL_REQUESTING);
	answer(&w, first);
	CHECK_INT(tg_call_state(w.call), TG_CALL_EXCHANGING);
	CHECK(asked(&w, TL_phone_confirmCall));
	CHECK_INT(w.phone.early_n, 0);
	world_close(&w);
}

static void test_call_group_is_cached(void)
{
	struct world w;
	struct tl_obj *o;
	uint8_t random[256] = {1};

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w));
	phone_update(&w.phone, discarded(&w, TL_null, 0));
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(phone_request(&w.call, &w.phone, PEER, 999, versions,
				&handlers, &w),
		  0);
	o = asked(&w, TL_messages_getDhConfig);
	CHECK_INT(tl_int(o, TL_messages_getDhConfig_version), 5);
	o = tl_new(&w.arena, TL_messages_dhConfigNotModified);
	tl_set_bytes(o, TL_messages_dhConfigNotModified_random, random, 256);
	answer(&w, o);
	CHECK(asked(&w, TL_phone_requestCall));
	world_close(&w);
}

/* -- outgoing: checks that fail ------------------------------------------- */

static void test_call_refuses_bad_group(void)
{
	struct world w;
	uint8_t p[256];

	memcpy(p, mtp_dh_known_prime, sizeof(p));
	p[255] ^= 4;
	world_open(&w);
	CHECK(out_start(&w));
	answer(&w, dh_config(&w, 3, p));
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(w.end.error_code, 0);
	CHECK(w.end.error[0]);
	CHECK(w.end.by_us);
	CHECK_INT(w.end.reason, TG_DISCARD_DISCONNECT);
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_refuses_bad_generator(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w));
	answer(&w, dh_config(&w, 2, mtp_dh_known_prime));
	CHECK_INT(w.ended_n, 1);
	CHECK(w.end.error[0]);
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_refuses_unsent_group(void)
{
	struct world w;
	struct tl_obj *o;

	world_open(&w);
	CHECK(out_start(&w));
	o = tl_new(&w.arena, TL_messages_dhConfigNotModified);
	tl_set_bytes(o, TL_messages_dhConfigNotModified_random, "", 0);
	answer(&w, o);
	CHECK_INT(w.ended_n, 1);
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_refuses_value_out_of_range(void)
{
	static const uint8_t one[1] = {1};
	struct world w;
	uint8_t v[256];

	memset(v, 0, sizeof(v));
	memset(v + 8, 0xff, 248); /* 2^1984 - 1 */
	for (int i = 0; i < 3; i++) {
		world_open(&w);
		CHECK(out_start(&w) && out_group(&w) && out_wait(&w));
		phone_update(&w.phone,
			     accepted(&w, i == 0   ? bytes_of(v, 256)
					  : i == 1 ? bytes_of(one, 1)
						   : bytes_of(NULL, 0)));
		CHECK(discard_asked(&w, TL_phoneCallDiscardReasonDisconnect));
		CHECK_INT(w.ended_n, 0);
		answer(&w, tl_new(&w.arena, TL_updatesTooLong));
		CHECK_INT(w.ended_n, 1);
		CHECK_INT(w.end.error_code, 0);
		CHECK(w.end.error[0]);
		CHECK_INT(w.end.reason, TG_DISCARD_DISCONNECT);
		CHECK_INT(w.active_n, 0);
		world_close(&w);
	}
}

static void test_call_refuses_fingerprint(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w) && out_ring(&w) &&
	      out_accept(&w));
	answer(&w, result(&w, phone_call(&w, bytes_of(far_value, 256),
					 out_fingerprint ^ 1, "13.0.0")));
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonDisconnect));
	CHECK_INT(w.active_n, 0);
	/* Nothing can make it active any more. */
	phone_update(&w.phone, out_call(&w));
	CHECK_INT(w.active_n, 0);
	world_close(&w);
	CHECK(strstr(w.end.error, "fingerprint"));
}

static void test_call_refuses_unannounced_version(void)
{
	struct world w;

	for (int i = 0; i < 2; i++) {
		world_open(&w);
		CHECK(out_start(&w) && out_group(&w) && out_wait(&w) &&
		      out_accept(&w));
		answer(&w, result(&w, phone_call(&w, bytes_of(far_value, 256),
						 out_fingerprint,
						 i ? "2.4.4" : NULL)));
		CHECK(discard_asked(&w, TL_phoneCallDiscardReasonDisconnect));
		CHECK_INT(w.active_n, 0);
		world_close(&w);
	}
}

/* -- outgoing: errors and ends -------------------------------------------- */

static void test_call_request_error_passes_through(void)
{
	static const struct {
		int code;
		const char *text;
	} errors[] = {
		{403, "USER_PRIVACY_RESTRICTED"},
		{400, "PARTICIPANT_VERSION_OUTDATED"},
		{420, "FLOOD_WAIT_3600"},
		{400, "PEER_FLOOD"},
		{408, "TIMEOUT"},
		{500, "PARTICIPANT_CALL_FAILED"},
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct world w;

		world_open(&w);
		CHECK(out_start(&w) && out_group(&w));
		refuse(&w, errors[i].code, errors[i].text);
		CHECK_INT(w.ended_n, 1);
		CHECK_INT(w.end.error_code, errors[i].code);
		CHECK_STR(w.end.error, errors[i].text);
		CHECK(!w.end.by_us);
		CHECK(!w.end.was_ringing);
		CHECK(nothing_asked(&w));
		world_close(&w);
	}
}

static void test_call_random_id_is_redrawn(void)
{
	struct world w;
	int32_t first;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w));
	first = tl_int(asked(&w, TL_phone_requestCall),
		       TL_phone_requestCall_random_id);
	refuse(&w, 500, "RANDOM_ID_DUPLICATE");
	CHECK_INT(w.ended_n, 0);
	CHECK(asked(&w, TL_phone_requestCall));
	CHECK(tl_int(asked(&w, TL_phone_requestCall),
		     TL_phone_requestCall_random_id) != first);
	for (int i = 0; i < 3; i++)
		refuse(&w, 500, "RANDOM_ID_DUPLICATE");
	CHECK_INT(w.ended_n, 1);
	CHECK_STR(w.end.error, "RANDOM_ID_DUPLICATE");
	world_close(&w);
}

static void test_call_far_end_reasons(void)
{
	static const struct {
		enum tl_ctor_no no;
		enum tg_discard reason;
	} reasons[] = {
		{TL_phoneCallDiscardReasonBusy, TG_DISCARD_BUSY},
		{TL_phoneCallDiscardReasonMissed, TG_DISCARD_MISSED},
		{TL_phoneCallDiscardReasonHangup, TG_DISCARD_HANGUP},
		{TL_phoneCallDiscardReasonDisconnect, TG_DISCARD_DISCONNECT},
		{TL_null, TG_DISCARD_NONE},
	};

	for (size_t i = 0; i < 2 * sizeof(reasons) / sizeof(reasons[0]); i++) {
		struct world w;
		bool ringing = i & 1;

		world_open(&w);
		CHECK(out_start(&w) && out_group(&w) && out_wait(&w));
		if (ringing)
			CHECK(out_ring(&w));
		phone_update(&w.phone, discarded(&w, reasons[i / 2].no, 0));
		CHECK_INT(w.ended_n, 1);
		CHECK_INT(w.end.reason, reasons[i / 2].reason);
		CHECK_INT(w.end.was_ringing, ringing);
		CHECK(!w.end.by_us);
		CHECK(!w.end.was_active);
		CHECK(nothing_asked(&w));
		/* Late and repeated: nothing left to meet them. */
		phone_update(&w.phone, discarded(&w, reasons[i / 2].no, 0));
		phone_update(&w.phone, accepted(&w, bytes_of(far_value, 256)));
		CHECK_INT(w.ended_n, 1);
		CHECK(nothing_asked(&w));
		world_close(&w);
	}
}

static void test_call_hangup_of_far_end_while_active(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_active(&w));
	phone_update(&w.phone,
		     discarded(&w, TL_phoneCallDiscardReasonHangup, 42));
	CHECK_INT(w.ended_n, 1);
	CHECK(w.end.was_active);
	CHECK_INT(w.end.duration_s, 42);
	CHECK_INT(w.end.reason, TG_DISCARD_HANGUP);
	world_close(&w);
}

static void test_call_empty_is_the_end(void)
{
	struct world w;
	struct tl_obj *o;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w));
	o = tl_new(&w.arena, TL_phoneCallEmpty);
	tl_set_long(o, TL_phoneCallEmpty_id, CALL_ID);
	phone_update(&w.phone, o);
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(w.end.reason, TG_DISCARD_NONE);
	world_close(&w);
}

int main(void)
{
	far_open();
	RUN(test_call_outgoing_becomes_active);
	RUN(test_call_outgoing_gives_media);
	RUN(test_call_active_by_update_before_result);
	RUN(test_call_repeated_accepted_confirms_once);
	RUN(test_call_accepted_without_ringing);
	RUN(test_call_updates_overtake_the_result);
	RUN(test_call_group_is_cached);
	RUN(test_call_refuses_bad_group);
	RUN(test_call_refuses_bad_generator);
	RUN(test_call_refuses_unsent_group);
	RUN(test_call_refuses_value_out_of_range);
	RUN(test_call_refuses_fingerprint);
	RUN(test_call_refuses_unannounced_version);
	RUN(test_call_request_error_passes_through);
	RUN(test_call_random_id_is_redrawn);
	RUN(test_call_far_end_reasons);
	RUN(test_call_hangup_of_far_end_while_active);
	RUN(test_call_empty_is_the_end);
	return check_done();
}
