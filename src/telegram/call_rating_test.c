/* What the server asks for when a call is over. */
#include <string.h>

#include "telegram/call_world.h"
#include "tests/check.h"

static struct tl_obj *asking(struct world *w, enum tl_ctor_no reason)
{
	struct tl_obj *o = discarded(w, reason, 12);

	tl_set_true(o, TL_phoneCallDiscarded_need_rating);
	tl_set_true(o, TL_phoneCallDiscarded_need_debug);
	return o;
}

static bool rating_is_asked(struct world *w)
{
	struct tl_obj *q = asked(w, TL_phone_setCallRating);
	const struct tl_obj *peer =
		q ? tl_child(q, TL_phone_setCallRating_peer) : NULL;

	return peer && tl_int(q, TL_phone_setCallRating_rating) == 5 &&
	       tl_long(peer, TL_inputPhoneCall_id) == CALL_ID &&
	       tl_long(peer, TL_inputPhoneCall_access_hash) == CALL_HASH;
}

static bool debug_is_asked(struct world *w)
{
	static const char start[] = "{\"network\":[],\"bitrate\":[],";
	struct tl_obj *q = asked(w, TL_phone_saveCallDebug);
	struct bytes text;

	if (!q)
		return false;
	text = tl_bytes(tl_child(q, TL_phone_saveCallDebug_debug),
			TL_dataJSON_data);
	return text.n > sizeof(start) &&
	       memcmp(text.p, start, sizeof(start) - 1) == 0;
}

static void test_call_rating_and_debug_are_answered(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_active(&w));
	phone_update(&w.phone, asking(&w, TL_phoneCallDiscardReasonHangup));
	CHECK_INT(w.ended_n, 1);
	CHECK(rating_is_asked(&w));
	answer(&w, tl_new(&w.arena, TL_updatesTooLong));
	CHECK(debug_is_asked(&w));
	refuse(&w, 400, "CALL_PEER_INVALID");
	CHECK(nothing_asked(&w));
	world_close(&w);
}

/* Ours to end: the question comes in the answer to discardCall. */
static void test_call_rating_is_found_in_the_answer(void)
{
	struct world w;
	struct tl_obj *updates, *update;

	world_open(&w);
	CHECK(out_active(&w));
	tg_call_discard(w.call, TG_DISCARD_HANGUP, 12);
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonHangup));
	updates = tl_new(&w.arena, TL_updates);
	update = tl_new(&w.arena, TL_updatePhoneCall);
	tl_set_child(update, TL_updatePhoneCall_phone_call,
		     asking(&w, TL_phoneCallDiscardReasonHangup));
	tl_set_vector(&w.arena, updates, TL_updates_updates, 1);
	tl_put_obj(updates, TL_updates_updates, 0, update);
	answer(&w, updates);
	CHECK_INT(w.ended_n, 1);
	CHECK(rating_is_asked(&w));
	answer(&w, tl_new(&w.arena, TL_updatesTooLong));
	CHECK(debug_is_asked(&w));
	answer(&w, yes(&w));
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_that_broke_down_is_not_rated(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_active(&w));
	phone_update(&w.phone, asking(&w, TL_phoneCallDiscardReasonDisconnect));
	CHECK(debug_is_asked(&w));
	answer(&w, yes(&w));
	CHECK(nothing_asked(&w));
	world_close(&w);
	/* Nor one that was never answered. */
	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w));
	phone_update(&w.phone, asking(&w, TL_phoneCallDiscardReasonBusy));
	CHECK(debug_is_asked(&w));
	world_close(&w);
}

static void test_call_without_questions_asks_nothing(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_active(&w));
	phone_update(&w.phone,
		     discarded(&w, TL_phoneCallDiscardReasonHangup, 12));
	CHECK_INT(w.ended_n, 1);
	CHECK(nothing_asked(&w));
	world_close(&w);
}

int main(void)
{
	far_open();
	RUN(test_call_rating_and_debug_are_answered);
	RUN(test_call_rating_is_found_in_the_answer);
	RUN(test_call_that_broke_down_is_not_rated);
	RUN(test_call_without_questions_asks_nothing);
	return check_done();
}
