/* Faults on demand, through the control interface's operations. */
#include "sim/control.h"
#include "sim/held.h"
#include "sim/world_test.h"

static struct fixture x;

/* One operation; true: it was accepted. */
static bool order(const char *text)
{
	json_t *q = json_loads(text, 0, NULL);
	json_t *o = sim_control_run(x.w, NULL, q);
	bool ok = json_is_true(json_object_get(o, "ok"));

	json_decref(q);
	json_decref(o);
	return ok;
}

static void open_logged_in(void)
{
	fixture_open(&x);
	fake_login(&x.a, "9990000001");
	fake_login(&x.b, "9990000002");
}

static void ask(struct fake *f, enum tl_ctor_no no)
{
	fake_ask(f, fake_new(f, no));
}

static void ask_difference(struct fake *f, int32_t pts)
{
	struct tl_obj *q = fake_new(f, TL_updates_getDifference);

	tl_set_int(q, TL_updates_getDifference_pts, pts);
	tl_set_int(q, TL_updates_getDifference_date, 1);
	tl_set_int(q, TL_updates_getDifference_qts, 0);
	fake_ask(f, q);
}

static bool refused_with(const struct fake *f, int code, const char *text)
{
	return !f->answer && f->code == code && !strcmp(f->text, text);
}

/* Anna's text to Boris, as if from another device. */
static void text(const char *what)
{
	sim_text_send(sim_world_account(x.w, 1), sim_world_account(x.w, 2),
		      what, 0, 0, false);
}

static bool heard(int i, const char *what)
{
	struct bytes b = tl_bytes(
		tl_child(fake_update(&x.b, i), TL_updateNewMessage_message),
		TL_message_message);

	return b.n == strlen(what) && !memcmp(b.p, what, b.n);
}

/* -- queries -----------------------------------------------------------------
 */

static void test_order_error_strikes_n_times(void)
{
	open_logged_in();
	CHECK(order("{\"op\":\"fault\",\"fault\":\"error\",\"method\":"
		    "\"updates.getState\",\"code\":420,"
		    "\"text\":\"FLOOD_WAIT_7\",\"times\":2,\"skip\":1}"));
	ask(&x.a, TL_updates_getState);
	CHECK(tl_is(x.a.answer, TL_updates_state));
	ask(&x.a, TL_help_getConfig);
	CHECK(tl_is(x.a.answer, TL_config));
	for (int i = 0; i < 2; i++) {
		ask(&x.a, TL_updates_getState);
		CHECK(refused_with(&x.a, 420, "FLOOD_WAIT_7"));
	}
	ask(&x.a, TL_updates_getState);
	CHECK(tl_is(x.a.answer, TL_updates_state));
	CHECK(!x.w->orders);
	fixture_close(&x);
}

static void test_order_of_one_account(void)
{
	open_logged_in();
	CHECK(order("{\"op\":\"fault\",\"fault\":\"error\",\"user\":\"boris\","
		    "\"code\":303,\"text\":\"PHONE_MIGRATE_4\","
		    "\"times\":0}"));
	for (int i = 0; i < 3; i++) {
		ask(&x.a, TL_updates_getState);
		CHECK(tl_is(x.a.answer, TL_updates_state));
		ask(&x.b, TL_updates_getState);
		CHECK(refused_with(&x.b, 303, "PHONE_MIGRATE_4"));
	}
	CHECK(order("{\"op\":\"fault-cancel\"}"));
	ask(&x.b, TL_updates_getState);
	CHECK(tl_is(x.b.answer, TL_updates_state));
	fixture_close(&x);
}

static void test_order_hang_is_never_answered(void)
{
	open_logged_in();
	CHECK(order("{\"op\":\"fault\",\"fault\":\"hang\",\"method\":"
		    "\"updates.getState\"}"));
	ask(&x.a, TL_updates_getState);
	fixture_pass(&x, 600000);
	CHECK(!x.a.answer && !x.a.code);
	ask(&x.a, TL_updates_getState);
	CHECK(tl_is(x.a.answer, TL_updates_state));
	fixture_close(&x);
}

static void test_order_slow_answers_late(void)
{
	open_logged_in();
	CHECK(order("{\"op\":\"fault\",\"fault\":\"slow\",\"ms\":5000}"));
	ask(&x.a, TL_updates_getState);
	CHECK(!x.a.answer && !x.a.code);
	CHECK_INT(sim_held_deadline(x.w), x.w->now + 5 * USEC_S);
	fixture_pass(&x, 4999);
	CHECK(!x.a.answer);
	fixture_pass(&x, 1);
	CHECK(tl_is(x.a.answer, TL_updates_state));
	CHECK(sim_held_deadline(x.w) == USEC_NEVER);
	fixture_close(&x);
}

/* A slow refusal stays one; an answer whose session has gone is lost. */
static void test_order_slow_error_and_lost_session(void)
{
	open_logged_in();
	CHECK(order("{\"op\":\"fault\",\"fault\":\"slow\",\"ms\":10,"
		    "\"times\":2}"));
	ask_difference(&x.a, -1);
	fixture_pass(&x, 10);
	CHECK(refused_with(&x.a, 400, "PERSISTENT_TIMESTAMP_INVALID"));
	ask(&x.a, TL_updates_getState);
	sim_world_session_remove(x.w, &x.a.s);
	fixture_pass(&x, 10);
	CHECK(!x.a.answer);
	fixture_close(&x);
}

static void test_order_drop_before_and_after(void)
{
	static const char *const faults[] = {"drop-before", "drop-answer",
					     "drop-after"};
	char request[80];

	open_logged_in();
	for (int i = 0; i < 3; i++) {
		snprintf(request, sizeof(request),
			 "{\"op\":\"fault\",\"fault\":\"%s\"}", faults[i]);
		CHECK(order(request));
		ask(&x.a, TL_updates_getState);
		CHECK(!!x.a.answer == (i > 0) && !x.a.code);
		CHECK_INT(x.a.losses, 1);
		CHECK_INT(x.a.cuts, i > 0);
		CHECK_INT(x.a.drops, i > 1);
	}
	fixture_close(&x);
}

/* Lost before: the text was never sent; after: it was. */
static void test_order_drop_answer_runs_the_query(void)
{
	struct tl_obj *q;

	open_logged_in();
	for (int i = 0; i < 2; i++) {
		CHECK(order(i ? "{\"op\":\"fault\",\"fault\":\"drop-answer\"}"
			      : "{\"op\":\"fault\",\"fault\":"
				"\"drop-before\"}"));
		q = fake_new(&x.a, TL_messages_sendMessage);
		tl_set_child(q, TL_messages_sendMessage_peer,
			     fake_peer(&x.a, 1, 2));
		tl_set_str(q, TL_messages_sendMessage_message, "hello");
		tl_set_long(q, TL_messages_sendMessage_random_id, 4 + i);
		fake_ask(&x.a, q);
		CHECK_INT(x.b.pushes, i);
	}
	fixture_close(&x);
}

static void test_order_difference_too_long(void)
{
	open_logged_in();
	text("one");
	CHECK(order("{\"op\":\"fault\",\"fault\":\"difference-too-long\"}"));
	ask(&x.b, TL_updates_getState);
	CHECK(tl_is(x.b.answer, TL_updates_state));
	ask_difference(&x.b, 0);
	CHECK(tl_is(x.b.answer, TL_updates_differenceTooLong));
	CHECK_INT(tl_int(x.b.answer, TL_updates_differenceTooLong_pts),
		  sim_world_account(x.w, 2)->pts);
	ask_difference(&x.b, 0);
	CHECK(tl_is(x.b.answer, TL_updates_difference));
	fixture_close(&x);
}

/* -- updates -----------------------------------------------------------------
 */

static void test_order_update_lost_and_repeated(void)
{
	open_logged_in();
	CHECK(order("{\"op\":\"fault\",\"fault\":\"lose\",\"skip\":1,"
		    "\"user\":2}"));
	CHECK(order("{\"op\":\"fault\",\"fault\":\"repeat\",\"skip\":1,"
		    "\"update\":\"updateNewMessage\",\"user\":2}"));
	text("one");
	text("two");
	text("three");
	CHECK_INT(x.b.pushes, 3);
	CHECK(heard(0, "one") && heard(1, "three") && heard(2, "three"));
	fixture_close(&x);
}

static void test_order_update_reordered(void)
{
	open_logged_in();
	CHECK(order("{\"op\":\"fault\",\"fault\":\"swap\",\"user\":2}"));
	text("one");
	CHECK_INT(x.b.pushes, 0);
	text("two");
	CHECK_INT(x.b.pushes, 2);
	CHECK(heard(0, "two") && heard(1, "one"));
	CHECK(order("{\"op\":\"fault\",\"fault\":\"delay\",\"user\":2,"
		    "\"ms\":300}"));
	text("three");
	text("four");
	CHECK_INT(x.b.pushes, 3);
	fixture_pass(&x, 300);
	CHECK_INT(x.b.pushes, 4);
	CHECK(heard(2, "four") && heard(3, "three"));
	fixture_close(&x);
}

/* The swapped one is not lost when nothing follows it. */
static void test_order_swap_ends_by_itself(void)
{
	open_logged_in();
	CHECK(order("{\"op\":\"fault\",\"fault\":\"swap\",\"user\":2}"));
	text("one");
	fixture_pass(&x, 999);
	CHECK_INT(x.b.pushes, 0);
	fixture_pass(&x, 1);
	CHECK_INT(x.b.pushes, 1);
	fixture_close(&x);
}

static void test_order_updates_too_long(void)
{
	open_logged_in();
	CHECK(order("{\"op\":\"fault\",\"fault\":\"too-long\",\"user\":2}"));
	text("one");
	CHECK_INT(x.b.pushes, 1);
	CHECK(tl_is(x.b.pushed[0], TL_updatesTooLong));
	fixture_close(&x);
}

static void test_order_unknown_constructor(void)
{
	open_logged_in();
	CHECK(order("{\"op\":\"fault\",\"fault\":\"unknown\",\"user\":2}"));
	text("one");
	CHECK_INT(x.b.pushes, 0); /* fake_push could not read it */
	text("two");
	CHECK_INT(x.b.pushes, 1);
	fixture_close(&x);
}

/* -- accounts and log-ins ----------------------------------------------------
 */

static void test_order_log_in_ended(void)
{
	open_logged_in();
	CHECK(order("{\"op\":\"logout\",\"user\":1,"
		    "\"reason\":\"SESSION_REVOKED\"}"));
	ask(&x.a, TL_updates_getState);
	CHECK(refused_with(&x.a, 401, "SESSION_REVOKED"));
	ask(&x.a, TL_help_getConfig);
	CHECK(tl_is(x.a.answer, TL_config));
	CHECK(fake_login(&x.a, "9990000001"));
	ask(&x.a, TL_updates_getState);
	CHECK(tl_is(x.a.answer, TL_updates_state));
	CHECK(order("{\"op\":\"logout\",\"user\":2}"));
	ask(&x.b, TL_updates_getState);
	CHECK(refused_with(&x.b, 401, "AUTH_KEY_UNREGISTERED"));
	fixture_close(&x);
}

static void test_order_account_banned(void)
{
	open_logged_in();
	CHECK(order("{\"op\":\"set\",\"user\":2,"
		    "\"banned\":\"USER_DEACTIVATED_BAN\"}"));
	ask(&x.b, TL_updates_getState);
	CHECK(refused_with(&x.b, 401, "USER_DEACTIVATED_BAN"));
	fake_send_code(&x.c, "9990000002");
	CHECK(refused_with(&x.c, 400, "PHONE_NUMBER_BANNED"));
	CHECK(order("{\"op\":\"set\",\"user\":2,\"banned\":\"\"}"));
	ask(&x.b, TL_updates_getState);
	CHECK(tl_is(x.b.answer, TL_updates_state));
	fixture_close(&x);
}

static void test_order_account_frozen(void)
{
	struct tl_obj *q;

	open_logged_in();
	CHECK(order("{\"op\":\"set\",\"user\":1,\"frozen\":true}"));
	ask(&x.a, TL_updates_getState);
	CHECK(tl_is(x.a.answer, TL_updates_state));
	q = fake_new(&x.a, TL_messages_sendMessage);
	tl_set_child(q, TL_messages_sendMessage_peer, fake_peer(&x.a, 1, 2));
	tl_set_str(q, TL_messages_sendMessage_message, "hello");
	tl_set_long(q, TL_messages_sendMessage_random_id, 4);
	fake_ask(&x.a, q);
	CHECK(refused_with(&x.a, 420, "FROZEN_METHOD_INVALID"));
	fixture_close(&x);
}

static void test_order_clock_is_off(void)
{
	int32_t before;

	open_logged_in();
	before = sim_world_date(x.w);
	CHECK(order("{\"op\":\"clock\",\"offset_s\":-4000}"));
	fixture_pass(&x, 0);
	CHECK_INT(sim_world_date(x.w), before - 4000);
	fixture_close(&x);
}

/* -- what is no order --------------------------------------------------------
 */

static void test_order_wrong_ones_are_refused(void)
{
	static const char *const wrong[] = {
		"{\"op\":\"fault\"}",
		"{\"op\":\"fault\",\"fault\":\"none\"}",
		"{\"op\":\"fault\",\"fault\":\"error\",\"code\":400}",
		"{\"op\":\"fault\",\"fault\":\"hang\",\"times\":-1}",
		"{\"op\":\"fault\",\"fault\":\"hang\",\"user\":77}",
		"{\"op\":\"fault\",\"fault\":\"slow\",\"ms\":-5}",
	};

	open_logged_in();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		CHECK(!order(wrong[i]));
	CHECK(!x.w->orders);
	fixture_close(&x);
}

static void test_order_of_the_configuration(void)
{
	struct sim_config config;
	struct sim_world *w = NULL;
	char why[256] = "", text[256];

	for (int good = 0; good < 2; good++) {
		snprintf(text, sizeof(text),
			 "{\"dcs\":[{\"id\":2}],\"accounts\":[],\"faults\":["
			 "{\"fault\":\"lose\"},{\"fault\":\"%s\"}]}",
			 good ? "hang" : "hung");
		fixture_open(&x);
		CHECK_INT(sim_config_parse(&config, text, why), 0);
		CHECK(!sim_world_new(&w, &config, x.store, why) == !!good);
		if (good)
			CHECK(w->orders && w->orders->next);
		sim_world_free(&w);
		sim_config_clear(&config);
		fixture_close(&x);
	}
}

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_order_error_strikes_n_times);
	RUN(test_order_of_one_account);
	RUN(test_order_hang_is_never_answered);
	RUN(test_order_slow_answers_late);
	RUN(test_order_slow_error_and_lost_session);
	RUN(test_order_drop_before_and_after);
	RUN(test_order_drop_answer_runs_the_query);
	RUN(test_order_difference_too_long);
	RUN(test_order_update_lost_and_repeated);
	RUN(test_order_update_reordered);
	RUN(test_order_swap_ends_by_itself);
	RUN(test_order_updates_too_long);
	RUN(test_order_unknown_constructor);
	RUN(test_order_log_in_ended);
	RUN(test_order_account_banned);
	RUN(test_order_account_frozen);
	RUN(test_order_clock_is_off);
	RUN(test_order_wrong_ones_are_refused);
	RUN(test_order_of_the_configuration);
	return check_done();
}
