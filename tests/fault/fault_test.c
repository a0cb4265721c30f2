/* One fault at a time, between a gateway's account and the simulated Telegram:
 * what becomes of the session, of what was asked and of what was sent. */
#include "base/log.h"
#include "sim/update.h"
#include "tests/check.h"
#include "tests/fault/world.h"

static struct fault_world w;

static bool begin(void)
{
	fault_world_open(&w, 1, false);
	return fault_until(&w, 20 * USEC_S, fault_is_ready);
}

/* A fault of a query or an update of ours. */
#define ORDER(fault, more)                                                     \
	fault_op(&w, "%s",                                                     \
		 "{\"op\":\"fault\",\"user\":501,\"fault\":\"" fault           \
		 "\"," more "}")

static bool all_answered(struct fault_world *f)
{
	return f->asked == f->answered;
}

static bool is_not_ready(struct fault_world *f)
{
	return !fault_is_ready(f);
}

static void text_in(const char *text)
{
	fault_op(&w,
		 "{\"op\":\"text\",\"user\":1002,\"to\":501,\"text\":\"%s\"}",
		 text);
}

static bool heard(struct fault_world *f)
{
	return !strcmp(f->last_text, "last");
}

/* -- queries -----------------------------------------------------------------
 */

static void test_fault_error_goes_to_the_asker(void)
{
	CHECK(begin());
	ORDER("error", "\"code\":400,\"text\":\"SOMETHING_WRONG\"");
	fault_ask(&w, TL_help_getNearestDc);
	CHECK(fault_until(&w, USEC_S, all_answered));
	CHECK_STR(w.refusal, "SOMETHING_WRONG");
	CHECK_STR(fault_state(&w), "ready");
	fault_ask(&w, TL_help_getNearestDc);
	CHECK(fault_until(&w, USEC_S, all_answered));
	CHECK_STR(w.refusal, "");
	CHECK(fault_world_close(&w));
}

/* "Never sleep through FLOOD_WAIT" (A.8) */
static void test_fault_flood_goes_to_the_asker(void)
{
	CHECK(begin());
	ORDER("error", "\"code\":420,\"text\":\"FLOOD_WAIT_77\"");
	fault_find(&w, "anna_line");
	CHECK(fault_until(&w, USEC_S, all_answered));
	CHECK_STR(w.refusal, "FLOOD_WAIT_77");
	CHECK_STR(fault_state(&w), "ready");
	CHECK(fault_world_close(&w));
}

static void test_fault_hang_is_a_timeout(void)
{
	CHECK(begin());
	ORDER("hang", "\"method\":\"contacts.resolveUsername\"");
	fault_find(&w, "anna_line");
	CHECK(!fault_until(&w, 9 * USEC_S, all_answered));
	CHECK(fault_until(&w, 2 * USEC_S, all_answered));
	CHECK_STR(w.refusal, "TIMEOUT");
	CHECK_STR(fault_state(&w), "ready");
	CHECK(fault_world_close(&w));
}

static void test_fault_slow_answer_is_waited_for(void)
{
	CHECK(begin());
	ORDER("slow", "\"ms\":8000");
	fault_find(&w, "anna_line");
	CHECK(!fault_until(&w, 7 * USEC_S, all_answered));
	CHECK(fault_until(&w, 2 * USEC_S, all_answered));
	CHECK_STR(w.refusal, "");
	/* Too slow: it comes when nobody waits any more. */
	ORDER("slow", "\"ms\":15000");
	fault_find(&w, "boris_line");
	CHECK(fault_until(&w, 11 * USEC_S, all_answered));
	CHECK_STR(w.refusal, "TIMEOUT");
	fault_pass(&w, 10 * USEC_S);
	CHECK_STR(fault_state(&w), "ready");
	CHECK(fault_world_close(&w));
}

static unsigned copies(const char *text)
{
	const struct sim_account *a = sim_world_account(w.sim, 1002);
	unsigned n = 0;

	for (size_t i = 0; i < a->message_count; i++)
		n += a->messages[i].text && !strcmp(a->messages[i].text, text);
	return n;
}

/* Whenever the connection is lost, the text arrives, and once. */
static void text_survives(const char *fault)
{
	CHECK(begin());
	fault_op(&w,
		 "{\"op\":\"fault\",\"fault\":\"%s\","
		 "\"method\":\"messages.sendMessage\"}",
		 fault);
	fault_text(&w, 1002, fault);
	CHECK(fault_until(&w, 5 * USEC_S, all_answered));
	CHECK_STR(w.refusal, "");
	CHECK_INT(copies(fault), 1);
	CHECK(fault_until(&w, 5 * USEC_S, fault_is_ready));
	CHECK(fault_world_close(&w));
}

static void test_fault_drop_before_the_query(void)
{
	text_survives("drop-before");
}

static void test_fault_drop_before_the_answer(void)
{
	text_survives("drop-answer");
}

static void test_fault_drop_after_the_answer(void)
{
	text_survives("drop-after");
}

/* The log-in stays where its key is. */
static void test_fault_migrate_of_one_logged_in(void)
{
	static const char *const texts[] = {
		"USER_MIGRATE_4", "NETWORK_MIGRATE_1", "PHONE_MIGRATE_4",
		"FILE_MIGRATE_1"};

	for (int i = 0; i < 4; i++) {
		CHECK(begin());
		fault_op(&w,
			 "{\"op\":\"fault\",\"fault\":\"error\",\"code\":303,"
			 "\"text\":\"%s\"}",
			 texts[i]);
		fault_ask(&w, TL_help_getNearestDc);
		CHECK(fault_until(&w, 5 * USEC_S, all_answered));
		CHECK_STR(w.refusal, texts[i]);
		CHECK_STR(fault_state(&w), "ready");
		CHECK(fault_world_close(&w));
	}
}

/* -- updates -----------------------------------------------------------------
 */

/* Three texts, the fault strikes the second: all are heard, each once. */
static void texts_survive(const char *fault, usec_t within)
{
	CHECK(begin());
	fault_op(&w,
		 "{\"op\":\"fault\",\"fault\":\"%s\",\"user\":501,\"skip\":1,"
		 "\"ms\":200,\"update\":\"updateNewMessage\"}",
		 fault);
	text_in("first");
	text_in("second");
	text_in("last");
	CHECK(fault_until(&w, within, heard));
	fault_pass(&w, 30 * USEC_S);
	CHECK_INT(w.texts, 3);
	CHECK_STR(w.last_text, "last");
	CHECK_STR(fault_state(&w), "ready");
	CHECK(fault_world_close(&w));
}

static void test_fault_update_lost(void)
{
	texts_survive("lose", USEC_S);
}

static void test_fault_update_repeated(void)
{
	texts_survive("repeat", USEC_S);
}

static void test_fault_update_late(void)
{
	texts_survive("delay", USEC_S);
}

static void test_fault_updates_swapped(void)
{
	texts_survive("swap", USEC_S);
}

static void test_fault_update_is_too_long(void)
{
	texts_survive("too-long", USEC_S);
}

static void test_fault_update_unknown(void)
{
	texts_survive("unknown", USEC_S);
}

/* The last of all is lost: nothing shows the gap before the next one. */
static void test_fault_last_update_lost(void)
{
	CHECK(begin());
	ORDER("lose", "\"update\":\"updateNewMessage\"");
	text_in("first");
	fault_pass(&w, 60 * USEC_S);
	CHECK_INT(w.texts, 0);
	/* "if nothing arrived for 15 minutes" (A.9) */
	fault_pass(&w, 15 * 60 * USEC_S);
	CHECK_INT(w.texts, 1);
	CHECK(fault_world_close(&w));
}

static void test_fault_gap_in_seq(void)
{
	CHECK(begin());
	/* "A session that never had a seq starts with the first one." */
	fault_op(&w, "{\"op\":\"status\",\"user\":501,\"about\":1001}");
	text_in("first");
	ORDER("lose", "\"update\":\"updateNewMessage\"");
	text_in("last");
	fault_op(&w,
		 "{\"op\":\"status\",\"user\":501,\"about\":1001,\"skip\":2}");
	CHECK(fault_until(&w, 2 * USEC_S, heard));
	CHECK_INT(w.texts, 2);
	CHECK(fault_world_close(&w));
}

/* What was missed is too much to be told: on from there. */
static void test_fault_difference_too_long(void)
{
	CHECK(begin());
	ORDER("difference-too-long", "\"times\":1");
	ORDER("too-long", "\"update\":\"updateNewMessage\"");
	text_in("first");
	fault_pass(&w, 5 * USEC_S);
	CHECK_INT(w.texts, 0);
	text_in("last");
	CHECK(fault_until(&w, USEC_S, heard));
	CHECK_INT(w.texts, 1);
	CHECK(fault_world_close(&w));
}

/* Any refusal of the difference is one of that moment. */
static void test_fault_difference_refused(void)
{
	static const char *const errors[] = {"500,\"text\":\"INTERNAL\"",
					     "400,\"text\":\"MSG_WAIT_FAILED\"",
					     "-503,\"text\":\"Timeout\""};

	for (int i = 0; i < 3; i++) {
		CHECK(begin());
		fault_op(&w,
			 "{\"op\":\"fault\",\"fault\":\"error\",\"code\":%s,"
			 "\"method\":\"updates.getDifference\",\"times\":3}",
			 errors[i]);
		ORDER("lose", "\"update\":\"updateNewMessage\"");
		text_in("first");
		text_in("last");
		CHECK(fault_until(&w, 60 * USEC_S, heard));
		CHECK_INT(w.texts, 2);
		CHECK(fault_world_close(&w));
	}
}

/* -- connections -------------------------------------------------------------
 */

/* True: it came back within that time, and asks and hears again. */
static bool comes_back(usec_t within)
{
	if (!fault_until(&w, within, fault_is_ready))
		return false;
	fault_ask(&w, TL_help_getNearestDc);
	text_in("last");
	return fault_until(&w, 5 * USEC_S, all_answered) && !w.refusal[0] &&
	       fault_until(&w, 5 * USEC_S, heard);
}

static void test_fault_connection_dropped(void)
{
	CHECK(begin());
	fault_op(&w, "{\"op\":\"drop\"}");
	CHECK(fault_until(&w, USEC_S, is_not_ready));
	CHECK(comes_back(USEC_S));
	CHECK(fault_world_close(&w));
}

static void test_fault_connections_refused(void)
{
	CHECK(begin());
	fault_op(&w, "{\"op\":\"refuse\"}");
	fault_op(&w, "{\"op\":\"drop\"}");
	CHECK(fault_until(&w, USEC_S, is_not_ready));
	fault_pass(&w, 600 * USEC_S);
	CHECK_STR(fault_state(&w), "offline");
	fault_op(&w, "{\"op\":\"refuse\",\"on\":false}");
	CHECK(comes_back(6 * USEC_S));
	CHECK(fault_world_close(&w));
}

/* "reconnect when nothing was read for 60 s" (A.6) */
static void test_fault_silence_is_noticed(void)
{
	CHECK(begin());
	fault_op(&w, "{\"op\":\"silence\",\"ms\":100000}");
	fault_pass(&w, 50 * USEC_S);
	CHECK_STR(fault_state(&w), "ready");
	CHECK(fault_until(&w, 15 * USEC_S, is_not_ready));
	CHECK(comes_back(60 * USEC_S));
	CHECK(fault_world_close(&w));
}

static void test_fault_new_salt(void)
{
	CHECK(begin());
	fault_op(&w, "{\"op\":\"salt\"}");
	CHECK(comes_back(0));
	CHECK(fault_world_close(&w));
}

static void test_fault_new_session(void)
{
	CHECK(begin());
	ORDER("lose", "\"update\":\"updateNewMessage\"");
	text_in("first");
	fault_op(&w, "{\"op\":\"renew\"}");
	fault_ask(&w, TL_help_getNearestDc);
	fault_pass(&w, USEC_S);
	CHECK_INT(w.texts, 1); /* the difference was asked for */
	CHECK(comes_back(0));
	CHECK(fault_world_close(&w));
}

static void test_fault_clock_is_off(void)
{
	static const int offsets[] = {-86400, -301, -31, 31, 301, 86400};

	for (int i = 0; i < 6; i++) {
		CHECK(begin());
		fault_op(&w, "{\"op\":\"clock\",\"offset_s\":%d}", offsets[i]);
		fault_op(&w, "{\"op\":\"drop\"}");
		CHECK(fault_until(&w, USEC_S, is_not_ready));
		CHECK(comes_back(10 * USEC_S));
		/* And without a new connection. */
		fault_op(&w, "{\"op\":\"clock\",\"offset_s\":%d}", -offsets[i]);
		fault_ask(&w, TL_help_getNearestDc);
		CHECK(fault_until(&w, 30 * USEC_S, all_answered));
		CHECK(comes_back(10 * USEC_S));
		CHECK(fault_world_close(&w));
	}
}

/* What fails a check of ours ends the connection, not the session. */
static void test_fault_hostile_connection(void)
{
	static const char *const modes[] = {"msg-key", "session", "padding",
					    "msg-id", "replay"};

	for (int i = 0; i < 5; i++) {
		CHECK(begin());
		fault_op(&w, "{\"op\":\"hostile\",\"mode\":\"%s\",\"next\":1}",
			 modes[i]);
		fault_op(&w, "{\"op\":\"drop\"}");
		CHECK(fault_until(&w, USEC_S, is_not_ready));
		CHECK(comes_back(3 * USEC_S));
		CHECK(fault_world_close(&w));
	}
}

/* -- log-ins -----------------------------------------------------------------
 */

static void test_fault_session_ends_in_a_named_state(void)
{
	static const struct {
		const char *op, *state;
	} list[] = {
		{"\"logout\"", "key_unregistered"},
		{"\"logout\",\"reason\":\"SESSION_REVOKED\"", "revoked"},
		{"\"logout\",\"reason\":\"SESSION_EXPIRED\"", "expired"},
		{"\"set\",\"banned\":\"USER_DEACTIVATED\"", "deactivated"},
		{"\"set\",\"banned\":\"USER_DEACTIVATED_BAN\"", "banned"},
		{"\"fault\",\"fault\":\"error\",\"code\":406,"
		 "\"text\":\"AUTH_KEY_DUPLICATED\"",
		 "duplicated"},
		{"\"fault\",\"fault\":\"error\",\"code\":406,"
		 "\"text\":\"UPDATE_APP_TO_LOGIN\"",
		 "update_app_to_login"},
		{"\"set\",\"frozen\":true", "frozen"},
		{"\"forget\"", "key_unknown"},
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		CHECK(begin());
		fault_op(&w, "{\"op\":%s,\"user\":501}", list[i].op);
		fault_text(&w, 1002, "meanwhile");
		fault_pass(&w, 20 * USEC_S);
		CHECK_STR(fault_state(&w), list[i].state);
		CHECK(all_answered(&w) && w.refusal[0]);
		CHECK(fault_world_close(&w));
	}
}

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_fault_error_goes_to_the_asker);
	RUN(test_fault_flood_goes_to_the_asker);
	RUN(test_fault_hang_is_a_timeout);
	RUN(test_fault_slow_answer_is_waited_for);
	RUN(test_fault_drop_before_the_query);
	RUN(test_fault_drop_before_the_answer);
	RUN(test_fault_drop_after_the_answer);
	RUN(test_fault_migrate_of_one_logged_in);
	RUN(test_fault_update_lost);
	RUN(test_fault_update_repeated);
	RUN(test_fault_update_late);
	RUN(test_fault_updates_swapped);
	RUN(test_fault_update_is_too_long);
	RUN(test_fault_update_unknown);
	RUN(test_fault_last_update_lost);
	RUN(test_fault_gap_in_seq);
	RUN(test_fault_difference_too_long);
	RUN(test_fault_difference_refused);
	RUN(test_fault_connection_dropped);
	RUN(test_fault_connections_refused);
	RUN(test_fault_silence_is_noticed);
	RUN(test_fault_new_salt);
	RUN(test_fault_new_session);
	RUN(test_fault_clock_is_off);
	RUN(test_fault_hostile_connection);
	RUN(test_fault_session_ends_in_a_named_state);
	return check_done();
}
