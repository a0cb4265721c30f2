/* What was missed, of a whole account: gaps, differences of every kind, updates
 * that come twice, in another order, or that nobody can read. */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "telegram/account_world.h"
#include "telegram/messages.h"
#include "tests/check.h"

#define ANNA 222

static struct world w;
static char texts[256];

static void on_event(const struct tg_event *e, void *arg)
{
	size_t n = strlen(texts);

	if (e->kind == TG_EVENT_MESSAGE)
		snprintf(texts + n, sizeof(texts) - n, "%.*s,",
			 (int)e->message.text.n,
			 (const char *)e->message.text.p);
}

/* Ready, with pts 10. */
static bool open_ready(void)
{
	bool ok;

	texts[0] = '\0';
	ok = make_ready(&w);
	w.account->handlers.event = on_event;
	return ok && w.account->updates.pts == 10;
}

/* -- objects -------------------------------------------------------------- */

static struct tl_obj *message(const char *text)
{
	struct tl_obj *o = tl_new(&w.arena, TL_message);
	struct tl_obj *peer = tl_new(&w.arena, TL_peerUser);

	tl_set_long(peer, TL_peerUser_user_id, ANNA);
	tl_set_int(o, TL_message_id, 1);
	tl_set_child(o, TL_message_peer_id, peer);
	tl_set_int(o, TL_message_date, 1001);
	tl_set_str(o, TL_message_message, text);
	return o;
}

static struct tl_obj *new_message(const char *text, int32_t pts)
{
	struct tl_obj *o = tl_new(&w.arena, TL_updateNewMessage);

	tl_set_child(o, TL_updateNewMessage_message, message(text));
	tl_set_int(o, TL_updateNewMessage_pts, pts);
	tl_set_int(o, TL_updateNewMessage_pts_count, 1);
	return o;
}

static struct tl_obj *updates(struct tl_obj *update, int32_t seq)
{
	struct tl_obj *o = tl_new(&w.arena, TL_updates);

	tl_set_vector(&w.arena, o, TL_updates_updates, 1);
	tl_put_obj(o, TL_updates_updates, 0, update);
	tl_set_vector(&w.arena, o, TL_updates_users, 1);
	tl_put_obj(o, TL_updates_users, 0, user(&w, ANNA, false));
	tl_set_vector(&w.arena, o, TL_updates_chats, 0);
	tl_set_int(o, TL_updates_date, 2000);
	tl_set_int(o, TL_updates_seq, seq);
	return o;
}

static void push_spoilt(struct tl_obj *o, size_t at)
{
	struct buf b = {0};

	if (tl_write(&b, o))
		abort();
	if (at)
		le32_store(b.p + at, 0x0bad0bad);
	engine->conf.handlers.update(buf_bytes(&b), engine->conf.arg);
	buf_clear(&b);
}

static void push(struct tl_obj *o)
{
	push_spoilt(o, 0);
}

static struct tl_obj *state_at(int32_t pts)
{
	struct tl_obj *o = state(&w);

	tl_set_int(o, TL_updates_state_pts, pts);
	tl_set_int(o, TL_updates_state_qts, 0);
	tl_set_int(o, TL_updates_state_seq, 0);
	return o;
}

static struct tl_obj *difference(const char *text, int32_t pts, bool slice)
{
	struct tl_obj *o = tl_new(&w.arena, slice ? TL_updates_differenceSlice
						  : TL_updates_difference);
	/* The same fields, in the same order. */
	int at = slice ? TL_updates_differenceSlice_new_messages
		       : TL_updates_difference_new_messages;

	tl_set_vector(&w.arena, o, at, 1);
	tl_put_obj(o, at, 0, message(text));
	tl_set_vector(&w.arena, o, at + 1, 0);
	tl_set_vector(&w.arena, o, at + 2, 0);
	tl_set_vector(&w.arena, o, at + 3, 0);
	tl_set_vector(&w.arena, o, at + 4, 1);
	tl_put_obj(o, at + 4, 0, user(&w, ANNA, false));
	tl_set_child(o, at + 5, state_at(pts));
	return o;
}

static struct tl_obj *too_long(int32_t pts)
{
	struct tl_obj *o = tl_new(&w.arena, TL_updates_differenceTooLong);

	tl_set_int(o, TL_updates_differenceTooLong_pts, pts);
	return o;
}

static bool asked_from(int32_t pts)
{
	struct tl_obj *q;

	if (!run(&w, difference_asked))
		return false;
	q = asked(&w, TL_updates_getDifference);
	return tl_int(q, TL_updates_getDifference_pts) == pts;
}

/* -- gaps ----------------------------------------------------------------- */

static void test_difference_fills_a_gap(void)
{
	usec_t began = clock_now();

	CHECK(open_ready());
	push(updates(new_message("c", 13), 0));
	CHECK_STR(texts, "");
	CHECK(!difference_asked(&w));
	CHECK(asked_from(10));
	CHECK(clock_now() - began >= UPDATES_GAP);
	/* It brings what is still held, too: told once. */
	CHECK(answer(&w, TL_updates_getDifference, difference("b", 13, false)));
	CHECK_STR(texts, "b,");
	CHECK_INT(w.account->updates.pts, 13);
	CHECK_INT(w.account->updates.held_n, 0);
	CHECK(is_ready(&w));
	world_close(&w);
}

static void test_difference_is_not_asked_for_a_late_update(void)
{
	CHECK(open_ready());
	push(updates(new_message("c", 13), 0));
	push(updates(new_message("b", 12), 0));
	CHECK_STR(texts, "");
	push(updates(new_message("a", 11), 0));
	CHECK_STR(texts, "a,b,c,");
	/* All of them again, and one of the past. */
	push(updates(new_message("b", 12), 0));
	push(updates(new_message("c", 13), 0));
	push(updates(new_message("x", 9), 0));
	CHECK_STR(texts, "a,b,c,");
	CHECK_INT(w.account->updates.gap_deadline, USEC_NEVER);
	CHECK(!w.account->updates.wanted);
	world_close(&w);
}

static void test_difference_after_a_gap_of_seq(void)
{
	CHECK(open_ready());
	push(updates(new_message("a", 11), 5)); /* seq was 2 */
	CHECK_STR(texts, "a,");
	CHECK(asked_from(11));
	world_close(&w);
}

/* -- the kinds of differences --------------------------------------------- */

static void test_difference_in_slices(void)
{
	CHECK(open_ready());
	push(tl_new(&w.arena, TL_updatesTooLong));
	CHECK(asked_from(10));
	CHECK(answer(&w, TL_updates_getDifference, difference("a", 20, true)));
	CHECK(asked_from(20));
	/* Meanwhile everything is held. */
	push(updates(new_message("d", 41), 0));
	CHECK(answer(&w, TL_updates_getDifference, difference("b", 30, true)));
	CHECK(asked_from(30));
	CHECK(answer(&w, TL_updates_getDifference, difference("c", 40, false)));
	CHECK_STR(texts, "a,b,c,d,");
	CHECK_INT(w.account->updates.pts, 41);
	CHECK(!difference_asked(&w));
	world_close(&w);
}

static void test_difference_too_long_goes_on_from_its_pts(void)
{
	CHECK(open_ready());
	push(tl_new(&w.arena, TL_updatesTooLong));
	CHECK(asked_from(10));
	CHECK(answer(&w, TL_updates_getDifference, too_long(90000)));
	CHECK(asked_from(90000));
	CHECK(answer(&w, TL_updates_getDifference,
		     difference("a", 90007, false)));
	CHECK_STR(texts, "a,");
	CHECK_INT(w.account->updates.pts, 90007);
	CHECK(is_ready(&w));
	world_close(&w);
}

static void test_difference_too_long_without_end_takes_a_state(void)
{
	CHECK(open_ready());
	push(tl_new(&w.arena, TL_updatesTooLong));
	CHECK(asked_from(10));
	CHECK(answer(&w, TL_updates_getDifference, too_long(10)));
	CHECK(run(&w, state_asked));
	CHECK(answer(&w, TL_updates_getState, state_at(77)));
	CHECK_INT(w.account->updates.pts, 77);
	world_close(&w);
}

/* -- what cannot be read -------------------------------------------------- */

static void test_difference_after_an_unknown_constructor(void)
{
	uint64_t before = count_get("telegram", "update");

	CHECK(open_ready());
	/* The first update of the container is of another layer. */
	push_spoilt(updates(new_message("a", 11), 0), 12);
	CHECK_STR(texts, "");
	CHECK_INT(count_get("telegram", "update"), before + 1);
	CHECK(is_ready(&w));
	CHECK(asked_from(10));
	CHECK(answer(&w, TL_updates_getDifference, difference("a", 11, false)));
	CHECK_STR(texts, "a,");
	/* The one that follows is in order. */
	push(updates(new_message("b", 12), 0));
	CHECK_STR(texts, "a,b,");
	world_close(&w);
}

/* -- refusals ------------------------------------------------------------- */

static void test_difference_flood_wait_is_kept(void)
{
	CHECK(open_ready());
	push(tl_new(&w.arena, TL_updatesTooLong));
	CHECK(asked_from(10));
	CHECK(refuse(&w, TL_updates_getDifference, 420, "FLOOD_WAIT_30"));
	CHECK(w.account->updates.retry_at > clock_now() + 28 * USEC_S);
	CHECK(!updates_due(&w.account->updates, clock_now() + 28 * USEC_S));
	CHECK(updates_due(&w.account->updates, clock_now() + 31 * USEC_S));
	CHECK_INT(w.account->updates.pts, 10);
	CHECK(is_ready(&w)); /* calls pass meanwhile */
	world_close(&w);
}

static void test_difference_useless_state_is_taken_anew(void)
{
	CHECK(open_ready());
	push(tl_new(&w.arena, TL_updatesTooLong));
	CHECK(asked_from(10));
	CHECK(refuse(&w, TL_updates_getDifference, 400,
		     "PERSISTENT_TIMESTAMP_INVALID"));
	CHECK(run(&w, state_asked));
	CHECK(answer(&w, TL_updates_getState, state_at(77)));
	CHECK_INT(w.account->updates.pts, 77);
	world_close(&w);
}

/* -- of the account itself ------------------------------------------------ */

static bool app_config_asked(struct world *unused)
{
	return asked(&w, TL_help_getAppConfig);
}

static void test_update_of_the_configuration_asks_for_freezes(void)
{
	struct tl_obj *o;

	CHECK(open_ready());
	CHECK(run(&w, app_config_asked));
	CHECK(refuse(&w, TL_help_getAppConfig, 400, "NO"));
	CHECK(!app_config_asked(&w));
	o = tl_new(&w.arena, TL_updateShort);
	tl_set_child(o, TL_updateShort_update,
		     tl_new(&w.arena, TL_updateConfig));
	tl_set_int(o, TL_updateShort_date, 1);
	push(o);
	CHECK(run(&w, app_config_asked));
	world_close(&w);
}

int main(void)
{
	if (libre_init())
		return 1;
	RUN(test_difference_fills_a_gap);
	RUN(test_difference_is_not_asked_for_a_late_update);
	RUN(test_difference_after_a_gap_of_seq);
	RUN(test_difference_in_slices);
	RUN(test_difference_too_long_goes_on_from_its_pts);
	RUN(test_difference_too_long_without_end_takes_a_state);
	RUN(test_difference_after_an_unknown_constructor);
	RUN(test_difference_flood_wait_is_kept);
	RUN(test_difference_useless_state_is_taken_anew);
	RUN(test_update_of_the_configuration_asks_for_freezes);
	libre_close();
	return check_done();
}
