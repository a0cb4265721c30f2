/* Timers of an outgoing call, and hanging up at every moment. */
#include <errno.h>
#include <openssl/sha.h>

#include "mtproto/dh.h"
#include "telegram/call_world.h"
#include "tests/check.h"

/* -- outgoing: timers ----------------------------------------------------- */

static void test_call_receive_timer(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w));
	CHECK_INT(phone_deadline(&w.phone), T0 + 20 * USEC_S);
	pass(&w, 20 * USEC_S - 1);
	CHECK(nothing_asked(&w));
	pass(&w, 1);
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonMissed));
	answer(&w, tl_new(&w.arena, TL_updatesTooLong));
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(w.end.reason, TG_DISCARD_MISSED);
	CHECK(w.end.by_us);
	CHECK(!w.end.was_ringing);
	CHECK_INT(phone_deadline(&w.phone), USEC_NEVER);
	world_close(&w);
}

static void test_call_ring_timer(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w));
	pass(&w, 5 * USEC_S);
	CHECK(out_ring(&w));
	/* Once more: the timer goes on. */
	pass(&w, 10 * USEC_S);
	CHECK(out_ring(&w));
	pass(&w, 80 * USEC_S - 1);
	CHECK(nothing_asked(&w));
	pass(&w, 1);
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonMissed));
	world_close(&w);
	CHECK(w.end.was_ringing);
}

static void test_call_timers_from_config(void)
{
	struct world w;

	world_open(&w);
	phone_timers(&w.phone, 5000, 30000);
	phone_timers(&w.phone, 0, -1);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w));
	CHECK_INT(phone_deadline(&w.phone), T0 + 5 * USEC_S);
	CHECK(out_ring(&w));
	CHECK_INT(phone_deadline(&w.phone), T0 + 30 * USEC_S);
	world_close(&w);
}

static void test_call_exchange_timer(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w) && out_ring(&w) &&
	      out_accept(&w));
	w.next++; /* confirmCall stays unanswered for now */
	pass(&w, 20 * USEC_S - 1);
	CHECK(nothing_asked(&w));
	pass(&w, 1);
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonDisconnect));
	w.next--;
	world_close(&w);
	CHECK(w.end.error[0]);
	CHECK_INT(w.end.reason, TG_DISCARD_DISCONNECT);
}

/* -- hanging up ----------------------------------------------------------- */

static void test_call_hangup_before_request(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w));
	tg_call_discard(w.call, TG_DISCARD_MISSED, 0);
	/* Never inside the call that asked for it. */
	CHECK_INT(w.ended_n, 0);
	CHECK_INT(phone_deadline(&w.phone), w.now);
	pass(&w, 0);
	CHECK_INT(w.ended_n, 1);
	CHECK(w.end.by_us);
	/* The answer comes late: nobody is called. */
	answer(&w, dh_config(&w, 3, mtp_dh_known_prime));
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_hangup_before_the_id(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w));
	tg_call_discard(w.call, TG_DISCARD_MISSED, 0);
	pass(&w, USEC_S);
	CHECK_INT(w.ended_n, 0);
	answer(&w, result(&w, waiting(&w, false)));
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonMissed));
	answer(&w, tl_new(&w.arena, TL_updatesTooLong));
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(w.end.reason, TG_DISCARD_MISSED);
	CHECK_INT(w.states_n, 0);
	world_close(&w);
}

static void test_call_hangup_before_a_refused_request(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w));
	tg_call_discard(w.call, TG_DISCARD_MISSED, 0);
	refuse(&w, 403, "USER_PRIVACY_RESTRICTED");
	CHECK_INT(w.ended_n, 1);
	CHECK(w.end.by_us);
	world_close(&w);
}

static void test_call_hangup_while_active(void)
{
	struct world w;
	struct tl_obj *q;

	world_open(&w);
	CHECK(out_active(&w));
	tg_call_discard(w.call, TG_DISCARD_HANGUP, 17);
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonHangup));
	q = asked(&w, TL_phone_discardCall);
	CHECK_INT(tl_int(q, TL_phone_discardCall_duration), 17);
	CHECK_INT(tl_long(q, TL_phone_discardCall_connection_id), 0);
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("x")), -ENOTCONN);
	/* A second one is the same one. */
	tg_call_discard(w.call, TG_DISCARD_DISCONNECT, 99);
	CHECK_INT(w.asked_n, w.next + 1);
	answer(&w, tl_new(&w.arena, TL_updatesTooLong));
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(w.end.reason, TG_DISCARD_HANGUP);
	CHECK_INT(w.end.duration_s, 17);
	CHECK(w.end.by_us);
	CHECK(w.end.was_active);
	world_close(&w);
}

static void test_call_discard_unanswered_is_forgotten(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_active(&w));
	tg_call_discard(w.call, TG_DISCARD_HANGUP, 1);
	pass(&w, 5 * USEC_S - 1);
	CHECK_INT(w.ended_n, 0);
	pass(&w, 1);
	CHECK_INT(w.ended_n, 1);
	/* The answer comes after all. */
	answer(&w, tl_new(&w.arena, TL_updatesTooLong));
	CHECK_INT(w.ended_n, 1);
	world_close(&w);
}

static void test_call_discard_without_connection_ends(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_active(&w));
	w.refuse = -ENOTCONN;
	tg_call_discard(w.call, TG_DISCARD_HANGUP, 1);
	CHECK_INT(w.ended_n, 0);
	pass(&w, 0);
	CHECK_INT(w.ended_n, 1);
	world_close(&w);
}

static void test_call_accepted_meets_discard(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w) && out_ring(&w));
	tg_call_discard(w.call, TG_DISCARD_MISSED, 0);
	phone_update(&w.phone, accepted(&w, bytes_of(far_value, 256)));
	CHECK_INT(w.asked_n, w.next + 1); /* no confirmCall */
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonMissed));
	phone_update(&w.phone,
		     discarded(&w, TL_phoneCallDiscardReasonMissed, 0));
	CHECK_INT(w.ended_n, 1);
	CHECK(w.end.by_us);
	answer(&w, tl_new(&w.arena, TL_updatesTooLong));
	CHECK_INT(w.ended_n, 1);
	world_close(&w);
}

static void test_call_discarded_meets_confirm(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w) && out_ring(&w) &&
	      out_accept(&w));
	phone_update(&w.phone,
		     discarded(&w, TL_phoneCallDiscardReasonHangup, 0));
	CHECK_INT(w.ended_n, 1);
	refuse(&w, 400, "CALL_ALREADY_DECLINED");
	CHECK_INT(w.ended_n, 1);
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_discard_inside_active(void)
{
	struct world w;

	world_open(&w);
	w.discard_in_active = true;
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w) && out_ring(&w) &&
	      out_accept(&w));
	phone_signaling(&w.phone, CALL_ID, bytes_str("early"));
	w.next++;
	phone_update(&w.phone, out_call(&w));
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonHangup));
	CHECK_STR(w.heard, "");
	w.next--;
	world_close(&w);
	CHECK_INT(w.ended_n, 1);
}

static void test_call_unref_hangs_up(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_active(&w));
	tg_call_unref(&w.call);
	CHECK(w.call == NULL);
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonHangup));
	answer(&w, tl_new(&w.arena, TL_updatesTooLong));
	CHECK_INT(w.ended_n, 0);
	CHECK_INT(w.busy, 0);
	world_close(&w);
}

static void test_call_account_dies(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_active(&w));
	phone_abort(&w.phone, 401, "SESSION_REVOKED");
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(w.end.error_code, 401);
	CHECK_STR(w.end.error, "SESSION_REVOKED");
	world_close(&w);
}

static void test_call_request_needs_versions(void)
{
	static const char *const none[] = {NULL};
	static const char *const wide[] = {"13.0.0-and-much-more", NULL};
	struct world w;

	world_open(&w);
	CHECK_INT(
		phone_request(&w.call, &w.phone, PEER, 1, none, &handlers, &w),
		-EINVAL);
	CHECK_INT(
		phone_request(&w.call, &w.phone, PEER, 1, wide, &handlers, &w),
		-EINVAL);
	w.refuse = -ENOTCONN;
	CHECK_INT(phone_request(&w.call, &w.phone, PEER, 1, versions, &handlers,
				&w),
		  -ENOTCONN);
	CHECK(w.call == NULL);
	CHECK_INT(w.ended_n, 0);
	CHECK_INT(w.busy, 0);
	world_close(&w);
}

int main(void)
{
	far_open();
	RUN(test_call_receive_timer);
	RUN(test_call_ring_timer);
	RUN(test_call_timers_from_config);
	RUN(test_call_exchange_timer);
	RUN(test_call_hangup_before_request);
	RUN(test_call_hangup_before_the_id);
	RUN(test_call_hangup_before_a_refused_request);
	RUN(test_call_hangup_while_active);
	RUN(test_call_discard_unanswered_is_forgotten);
	RUN(test_call_discard_without_connection_ends);
	RUN(test_call_accepted_meets_discard);
	RUN(test_call_discarded_meets_confirm);
	RUN(test_call_discard_inside_active);
	RUN(test_call_unref_hangs_up);
	RUN(test_call_account_dies);
	RUN(test_call_request_needs_versions);
	return check_done();
}
