/* The machine of an incoming call. */
#include <errno.h>
#include <openssl/sha.h>

#include "mtproto/dh.h"
#include "telegram/call_world.h"
#include "tests/check.h"

/* -- incoming ------------------------------------------------------------- */

static void test_call_incoming_becomes_active(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w));
	CHECK(in_prepare(&w));
	CHECK(in_accept(&w));
	phone_update(&w.phone, phone_call(&w, bytes_of(far_value, 256),
					  in_fingerprint, "9.0.0"));
	CHECK_INT(w.active_n, 1);
	CHECK_MEM(w.media.key, in_key, 256);
	CHECK(!w.media.outgoing);
	CHECK_STR(w.media.version, "9.0.0");
	CHECK_INT(w.states_n, 2);
	CHECK_INT(w.states[0], TG_CALL_EXCHANGING);
	CHECK_INT(w.states[1], TG_CALL_ACTIVE);
	/* Twice: once is enough. */
	phone_update(&w.phone, phone_call(&w, bytes_of(far_value, 256),
					  in_fingerprint, "9.0.0"));
	CHECK_INT(w.active_n, 1);
	world_close(&w);
}

static void test_call_incoming_accepted_at_once(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w));
	/* Before the group is known: acceptCall follows it. */
	CHECK_INT(tg_call_accept(w.call), 0);
	CHECK_INT(tg_call_accept(w.call), -EINVAL);
	CHECK_INT(w.asked_n, 2);
	answer(&w, dh_config(&w, 3, mtp_dh_known_prime));
	CHECK_INT(w.asked_n, 3);
	CHECK_INT(tg_call_state(w.call), TG_CALL_EXCHANGING);
	answer(&w, yes(&w));
	CHECK(asked(&w, TL_phone_acceptCall));
	world_close(&w);
}

static void test_call_incoming_rings_once(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w));
	phone_update(&w.phone, requested(&w, in_hash, DATE));
	CHECK_INT(w.incoming, 1);
	phone_update(&w.phone,
		     discarded(&w, TL_phoneCallDiscardReasonMissed, 0));
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(w.end.reason, TG_DISCARD_MISSED);
	CHECK(!w.end.by_us);
	/* Late repetition. */
	phone_update(&w.phone, requested(&w, in_hash, DATE));
	CHECK_INT(w.incoming, 1);
	world_close(&w);
}

static void test_call_incoming_old_is_ignored(void)
{
	struct world w;

	world_open(&w);
	SHA256(far_value, 256, in_hash);
	phone_update(&w.phone, requested(&w, in_hash, DATE - 91));
	CHECK_INT(w.incoming, 0);
	phone_update(&w.phone, requested(&w, in_hash, DATE - 90));
	CHECK_INT(w.incoming, 1);
	world_close(&w);
}

static void test_call_incoming_not_taken_is_left_alone(void)
{
	struct world w;

	world_open(&w);
	w.take = false;
	SHA256(far_value, 256, in_hash);
	phone_update(&w.phone, requested(&w, in_hash, DATE));
	CHECK_INT(w.incoming, 1);
	CHECK(nothing_asked(&w));
	CHECK_INT(w.busy, 0);
	phone_update(&w.phone, requested(&w, in_hash, DATE));
	CHECK_INT(w.incoming, 1);
	world_close(&w);
}

static void test_call_incoming_declined(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w) && in_prepare(&w));
	tg_call_discard(w.call, TG_DISCARD_BUSY, 0);
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonBusy));
	answer(&w, tl_new(&w.arena, TL_updatesTooLong));
	CHECK_INT(w.ended_n, 1);
	CHECK(w.end.by_us);
	CHECK_INT(w.end.reason, TG_DISCARD_BUSY);
	world_close(&w);
}

static void test_call_incoming_rings_out_silently(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w) && in_prepare(&w));
	pass(&w, 90 * USEC_S);
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(w.end.reason, TG_DISCARD_MISSED);
	/* The owner's other devices go on ringing. */
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_incoming_answered_elsewhere(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w) && in_prepare(&w));
	CHECK_INT(tg_call_accept(w.call), 0);
	refuse(&w, 400, "CALL_ALREADY_ACCEPTED");
	CHECK_INT(w.ended_n, 1);
	CHECK_STR(w.end.error, "CALL_ALREADY_ACCEPTED");
	CHECK_INT(w.end.error_code, 400);
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_incoming_incompatible_is_discarded(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w) && in_prepare(&w));
	CHECK_INT(tg_call_accept(w.call), 0);
	refuse(&w, 406, "CALL_PROTOCOL_COMPAT_LAYER_INVALID");
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonDisconnect));
	answer(&w, tl_new(&w.arena, TL_updatesTooLong));
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(w.end.error_code, 406);
	world_close(&w);
}

static void test_call_incoming_over_before_it_rang(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w));
	answer(&w, dh_config(&w, 3, mtp_dh_known_prime));
	refuse(&w, 400, "CALL_ALREADY_DECLINED");
	CHECK_INT(w.ended_n, 1);
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_incoming_gone_while_offline(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w) && in_prepare(&w));
	phone_reconnected(&w.phone);
	CHECK(asked(&w, TL_phone_receivedCall));
	answer(&w, yes(&w));
	CHECK_INT(w.ended_n, 0);
	phone_reconnected(&w.phone);
	refuse(&w, 400, "CALL_ALREADY_DECLINED");
	CHECK_INT(w.ended_n, 1);
	phone_reconnected(&w.phone);
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_incoming_refuses_g_a_hash(void)
{
	struct world w;
	uint8_t other[256];
	uint8_t e[256] = {9};

	e[255] = 1;
	far_power(other, g3, 1, e);
	world_open(&w);
	CHECK(in_ring(&w) && in_prepare(&w) && in_accept(&w));
	/* A sound value, but not the one that was promised. */
	phone_update(&w.phone, phone_call(&w, bytes_of(other, 256),
					  in_fingerprint, "13.0.0"));
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonDisconnect));
	CHECK_INT(w.active_n, 0);
	world_close(&w);
	CHECK(strstr(w.end.error, "g_a_hash"));
}

static void test_call_incoming_refuses_range(void)
{
	struct world w;
	uint8_t v[256];

	/* Promised and kept, but outside the range. */
	memcpy(v, mtp_dh_known_prime, sizeof(v));
	v[255]--;
	world_open(&w);
	SHA256(v, 256, in_hash);
	phone_update(&w.phone, requested(&w, in_hash, DATE));
	CHECK(w.call && in_prepare(&w) && in_accept(&w));
	phone_update(&w.phone, phone_call(&w, bytes_of(v, 256), in_fingerprint,
					  "13.0.0"));
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonDisconnect));
	CHECK_INT(w.active_n, 0);
	world_close(&w);
	CHECK(strstr(w.end.error, "range"));
}

static void test_call_incoming_refuses_fingerprint(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w) && in_prepare(&w) && in_accept(&w));
	phone_update(&w.phone, phone_call(&w, bytes_of(far_value, 256),
					  in_fingerprint + 1, "13.0.0"));
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonDisconnect));
	CHECK_INT(w.active_n, 0);
	world_close(&w);
	CHECK(strstr(w.end.error, "fingerprint"));
}

static void test_call_incoming_refuses_bad_group(void)
{
	struct world w;
	uint8_t p[256];

	memcpy(p, mtp_dh_known_prime, sizeof(p));
	p[0] = 0x01;
	world_open(&w);
	CHECK(in_ring(&w));
	answer(&w, dh_config(&w, 3, p));
	w.next++; /* receivedCall */
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonDisconnect));
	w.next--;
	world_close(&w);
	CHECK_INT(w.ended_n, 1);
}

static void test_call_incoming_hash_of_wrong_size(void)
{
	struct world w;
	struct tl_obj *o;

	world_open(&w);
	o = requested(&w, in_hash, DATE);
	tl_set_bytes(o, TL_phoneCallRequested_g_a_hash, in_hash, 31);
	phone_update(&w.phone, o);
	CHECK_INT(w.incoming, 0);
	world_close(&w);
}

static void test_call_of_another_device_is_ignored(void)
{
	struct world w;

	world_open(&w);
	phone_update(&w.phone, accepted(&w, bytes_of(far_value, 256)));
	phone_update(&w.phone, out_call(&w));
	phone_update(&w.phone, waiting(&w, true));
	CHECK(nothing_asked(&w));
	CHECK_INT(w.busy, 0);
	CHECK_INT(w.phone.early_n, 0);
	world_close(&w);
}

int main(void)
{
	far_open();
	RUN(test_call_incoming_becomes_active);
	RUN(test_call_incoming_accepted_at_once);
	RUN(test_call_incoming_rings_once);
	RUN(test_call_incoming_old_is_ignored);
	RUN(test_call_incoming_not_taken_is_left_alone);
	RUN(test_call_incoming_declined);
	RUN(test_call_incoming_rings_out_silently);
	RUN(test_call_incoming_answered_elsewhere);
	RUN(test_call_incoming_incompatible_is_discarded);
	RUN(test_call_incoming_over_before_it_rang);
	RUN(test_call_incoming_gone_while_offline);
	RUN(test_call_incoming_refuses_g_a_hash);
	RUN(test_call_incoming_refuses_range);
	RUN(test_call_incoming_refuses_fingerprint);
	RUN(test_call_incoming_refuses_bad_group);
	RUN(test_call_incoming_hash_of_wrong_size);
	RUN(test_call_of_another_device_is_ignored);
	return check_done();
}
