/* The signalling channel of a call. */
#include <errno.h>
#include <openssl/sha.h>

#include "mtproto/dh.h"
#include "telegram/call_world.h"
#include "tests/check.h"

/* -- signalling ----------------------------------------------------------- */

static void test_call_signaling_waits_for_the_key(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w) && in_prepare(&w) && in_accept(&w));
	phone_signaling(&w.phone, CALL_ID, bytes_str("a"));
	phone_signaling(&w.phone, CALL_ID, bytes_str("b"));
	phone_signaling(&w.phone, CALL_ID + 1, bytes_str("other"));
	CHECK_STR(w.heard, "");
	phone_update(&w.phone, phone_call(&w, bytes_of(far_value, 256),
					  in_fingerprint, "13.0.0"));
	CHECK_STR(w.heard, "a,b,");
	phone_signaling(&w.phone, CALL_ID, bytes_str("c"));
	CHECK_STR(w.heard, "a,b,c,");
	world_close(&w);
}

static void test_call_early_signaling_is_bounded(void)
{
	static uint8_t block[16 * 1024];
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w) && in_prepare(&w) && in_accept(&w));
	for (int i = 0; i < 100; i++)
		phone_signaling(&w.phone, CALL_ID,
				bytes_of(block, sizeof(block)));
	phone_update(&w.phone, phone_call(&w, bytes_of(far_value, 256),
					  in_fingerprint, "13.0.0"));
	CHECK_INT(w.heard_bytes, 64 * 1024);
	world_close(&w);
}

static bool signaling_asked(struct world *w, const char *text)
{
	struct tl_obj *q = asked(w, TL_phone_sendSignalingData);

	return q && bytes_equal(tl_bytes(q, TL_phone_sendSignalingData_data),
				bytes_str(text));
}

static void test_call_signaling_goes_one_at_a_time(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w));
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("x")), -ENOTCONN);
	CHECK(out_wait(&w) && out_ring(&w) && out_accept(&w));
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("x")), -ENOTCONN);
	answer(&w, result(&w, out_call(&w)));
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("1")), 0);
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("2")), 0);
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("3")), 0);
	CHECK(signaling_asked(&w, "1"));
	CHECK_INT(w.asked_n, w.next + 1);
	answer(&w, yes(&w));
	CHECK(signaling_asked(&w, "2"));
	CHECK_INT(w.asked_n, w.next + 1);
	answer(&w, yes(&w));
	CHECK(signaling_asked(&w, "3"));
	answer(&w, yes(&w));
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_signaling_is_sent_again(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_active(&w));
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("1")), 0);
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("2")), 0);
	refuse(&w, 408, "TIMEOUT");
	CHECK(nothing_asked(&w));
	pass(&w, USEC_S);
	CHECK(signaling_asked(&w, "1"));
	refuse(&w, 420, "FLOOD_WAIT_3");
	pass(&w, 3 * USEC_S - 1);
	CHECK(nothing_asked(&w));
	/* What comes meanwhile waits behind. */
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("3")), 0);
	CHECK(nothing_asked(&w));
	pass(&w, 1);
	CHECK(signaling_asked(&w, "1"));
	answer(&w, yes(&w));
	CHECK(signaling_asked(&w, "2"));
	CHECK_INT(w.ended_n, 0);
	world_close(&w);
}

static void test_call_signaling_refused_ends(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_active(&w));
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("1")), 0);
	answer(&w, tl_new(&w.arena, TL_boolFalse));
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonDisconnect));
	world_close(&w);
	CHECK_INT(w.ended_n, 1);
}

static void test_call_signaling_not_active_ends(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_active(&w));
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("1")), 0);
	refuse(&w, 400, "CALL_NOT_ACTIVE");
	CHECK_INT(w.ended_n, 1);
	CHECK_STR(w.end.error, "CALL_NOT_ACTIVE");
	CHECK(w.end.was_active);
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_signaling_queue_is_bounded(void)
{
	static uint8_t block[64 * 1024];
	struct world w;
	int err = 0;

	world_open(&w);
	CHECK(out_active(&w));
	for (int i = 0; i < 8 && !err; i++)
		err = tg_call_send_signaling(w.call,
					     bytes_of(block, sizeof(block)));
	CHECK_INT(err, 0);
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("x")), -ENOBUFS);
	world_close(&w);
}

int main(void)
{
	far_open();
	RUN(test_call_signaling_waits_for_the_key);
	RUN(test_call_early_signaling_is_bounded);
	RUN(test_call_signaling_goes_one_at_a_time);
	RUN(test_call_signaling_is_sent_again);
	RUN(test_call_signaling_refused_ends);
	RUN(test_call_signaling_not_active_ends);
	RUN(test_call_signaling_queue_is_bounded);
	return check_done();
}
