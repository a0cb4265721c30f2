/* Requests of a whole account: white list, gates, repetitions. */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "telegram/account_world.h"
#include "tests/check.h"

static int64_t unix_now(void)
{
	return clock_wall().us / (1000 * 1000);
}

static int ask(struct world *w, enum tl_ctor_no no)
{
	struct tl_obj *q = tl_new(&w->arena, no);

	return tg_account_query(w->account, q, 0, on_answer, w);
}

static int ask_name(struct world *w, const char *name)
{
	struct tl_obj *q = tl_new(&w->arena, TL_contacts_resolveUsername);

	tl_set_str(q, TL_contacts_resolveUsername_username, name);
	return tg_account_query(w->account, q, 0, on_answer, w);
}

static void reopen(struct world *w)
{
	tg_account_free(&w->account);
	if (tg_account_new(&w->account, &w->conf) ||
	    tg_account_start(w->account))
		abort();
}

/* -- the white list -------------------------------------------------------- */

static void test_method_of_no_feature_is_refused(void)
{
	uint64_t before = count_get("telegram", "request-refused");
	struct world w;

	CHECK(make_ready(&w));
	CHECK(!method_find(TL_account_deleteAccount));
	CHECK(!method_find(TL_messages_getDialogs));
	CHECK(!method_find(TL_auth_signUp));
	CHECK_INT(ask(&w, TL_messages_getDialogs), -EPERM);
	CHECK_INT(count_get("telegram", "request-refused"), before + 1);
	CHECK(!asked(&w, TL_messages_getDialogs));
	CHECK_INT(w.answer_n, 0);
	world_close(&w);
}

static void test_method_of_another_feature_is_refused(void)
{
	uint64_t before;
	struct world w;

	world_open(&w, false);
	w.conf.use.features = TG_FEATURE_MESSAGES;
	reopen(&w);
	CHECK(run(&w, config_asked));
	before = count_get("telegram", "request-refused");
	CHECK_INT(ask(&w, TL_phone_getCallConfig), -EPERM);
	CHECK_INT(ask(&w, TL_messages_setInlineBotResults), -EPERM);
	CHECK_INT(count_get("telegram", "request-refused"), before + 2);
	/* Its own, and what every account needs. */
	CHECK_INT(ask(&w, TL_account_getAuthorizations), 0);
	CHECK_INT(ask(&w, TL_help_getNearestDc), 0);
	world_close(&w);
}

static void test_method_table_has_each_once(void)
{
	unsigned n = 0;

	for (int no = 0; no < 10000; no++) {
		const struct method *m = method_find(no);

		if (!m)
			continue;
		n++;
		CHECK(m->features);
		CHECK_INT(m->no, no);
	}
	CHECK(n > 50 && n < 100);
	/* What costs money, tries or trust is never repeated on a guess. */
	CHECK_INT(method_find(TL_auth_checkPassword)->repeat, METHOD_ONCE);
	CHECK_INT(method_find(TL_auth_recoverPassword)->repeat, METHOD_ONCE);
	CHECK_INT(method_find(TL_messages_getBotCallbackAnswer)->repeat,
		  METHOD_ONCE);
	CHECK_INT(method_find(TL_phone_requestCall)->repeat, METHOD_SAME);
	CHECK_INT(method_find(TL_phone_requestCall)->line, FLOOD_CALLS);
}

static struct tl_obj *short_message(struct world *w, int32_t pts)
{
	struct tl_obj *o = tl_new(&w->arena, TL_updateShortMessage);

	tl_set_int(o, TL_updateShortMessage_id, pts);
	tl_set_long(o, TL_updateShortMessage_user_id, 5);
	tl_set_str(o, TL_updateShortMessage_message, "hi");
	tl_set_int(o, TL_updateShortMessage_pts, pts);
	tl_set_int(o, TL_updateShortMessage_pts_count, 1);
	tl_set_int(o, TL_updateShortMessage_date, 1000);
	return o;
}

static void on_event(const struct tg_event *event, void *arg)
{
	struct world *w = arg;

	w->answer_n++;
}

static void test_update_of_another_feature_is_not_forwarded(void)
{
	uint64_t before = count_get("telegram", "update-unlisted");
	struct world w;

	for (int listed = 0; listed < 2; listed++) {
		CHECK(make_ready(&w));
		w.account->handlers.event = on_event;
		w.account->use.features =
			listed ? TG_FEATURE_MESSAGES : TG_FEATURE_CALLS;
		w.account->recent[1] = calloc(1, sizeof(struct tg_user));
		w.account->recent[1]->id = 5;
		w.account->recent[1]->access_hash = 6;
		feed_updates(w.account, short_message(&w, 11));
		CHECK_INT(w.answer_n, listed);
		/* The order of updates goes on, and the writer is known. */
		CHECK_INT(w.account->updates.pts, 11);
		CHECK_INT(w.met, 5);
		world_close(&w);
	}
	CHECK_INT(count_get("telegram", "update-unlisted"), before + 1);
}

/* -- gates ------------------------------------------------------------------
 */

static void test_query_flood_wait_closes_the_gate(void)
{
	struct tg_status t;
	struct world w;

	CHECK(make_ready(&w));
	CHECK_INT(ask_name(&w, "anna"), 0);
	CHECK(refuse(&w, TL_contacts_resolveUsername, 420, "FLOOD_WAIT_77"));
	CHECK_STR(w.text, "FLOOD_WAIT_77");
	CHECK_STR(w.flood, "names FLOOD_WAIT_77");
	CHECK(w.flood_until >= unix_now() + 76);
	CHECK(w.flood_until <= unix_now() + 78);
	/* Answered from here, never inside the call. */
	w.answer_n = 0;
	CHECK_INT(ask_name(&w, "anna"), 0);
	CHECK(!asked(&w, TL_contacts_resolveUsername));
	CHECK_INT(w.answer_n, 0);
	CHECK(run(&w, answered));
	CHECK_INT(w.code, 420);
	CHECK_STR(w.text, "FLOOD_WAIT_77");
	/* Other lines are open. */
	CHECK_INT(ask(&w, TL_phone_getCallConfig), 0);
	CHECK(asked(&w, TL_phone_getCallConfig));
	tg_account_status(w.account, &t);
	CHECK_INT(t.next_call, 0);
	CHECK_STR(t.next_call_why, "");
	CHECK(is_ready(&w));
	world_close(&w);
}

static void test_query_gated_when_freed_is_closed(void)
{
	struct world w;

	CHECK(make_ready(&w));
	tg_account_flood(w.account, "names", "FLOOD_WAIT_9", unix_now() + 9);
	CHECK_INT(ask_name(&w, "anna"), 0);
	world_close(&w);
	CHECK_INT(w.answer_n, 1);
	CHECK_STR(w.text, "CLOSED");
}

static void test_call_gate_is_shown_and_remembered(void)
{
	struct tg_user anna = {.id = 5, .access_hash = 6};
	struct tg_status t;
	char why[32];
	struct world w;

	CHECK(make_ready(&w));
	CHECK(tg_call_permitted(w.account, NULL, why));
	/* As the store has it after a restart. */
	tg_account_flood(w.account, "calls", "FLOOD_WAIT_100", unix_now() + 50);
	CHECK(!tg_call_permitted(w.account, NULL, why));
	CHECK(!strcmp(why, "FLOOD_WAIT_50") || !strcmp(why, "FLOOD_WAIT_49"));
	tg_account_status(w.account, &t);
	CHECK(t.next_call >= unix_now() + 48 && t.next_call <= unix_now() + 51);
	CHECK_STR(t.next_call_why, "FLOOD_WAIT_100");
	CHECK_INT(t.next_new_peer, t.next_call);
	/* What has passed closes nothing, nor does a line we do not know. */
	flood_init(&w.account->flood);
	tg_account_flood(w.account, "calls", "FLOOD_WAIT_1", unix_now() - 1);
	tg_account_flood(w.account, "none", "FLOOD_WAIT_9", unix_now() + 9);
	CHECK(tg_call_permitted(w.account, &anna, why));
	world_close(&w);
}

static void test_call_peer_flood_spares_those_met(void)
{
	struct tg_user anna = {.id = 5, .access_hash = 6};
	struct tg_user berta = {.id = 7, .access_hash = 8, .met = true};
	struct tg_status t;
	char why[32];
	struct world w;

	CHECK(make_ready(&w));
	CHECK_INT(ask(&w, TL_phone_requestCall), -EINVAL); /* incomplete */
	tg_account_flood(w.account, "new peers", "PEER_FLOOD",
			 unix_now() + 3600);
	CHECK(tg_call_permitted(w.account, NULL, why));
	CHECK(tg_call_permitted(w.account, &berta, why));
	CHECK(!tg_call_permitted(w.account, &anna, why));
	CHECK_STR(why, "PEER_FLOOD");
	tg_account_status(w.account, &t);
	CHECK_INT(t.next_call, 0);
	CHECK(t.next_new_peer >= unix_now() + 3598);
	CHECK_STR(t.next_new_peer_why, "PEER_FLOOD");
	world_close(&w);
}

static void test_call_of_another_feature_is_refused(void)
{
	struct tg_user anna = {.id = 5, .access_hash = 6, .met = true};
	struct tg_call *call = NULL;
	char why[32];
	struct world w;

	CHECK(make_ready(&w));
	w.account->use.features = TG_FEATURE_SESSION | TG_FEATURE_MESSAGES;
	CHECK(!tg_call_permitted(w.account, &anna, why));
	CHECK_STR(why, "FEATURE_OFF");
	CHECK_INT(tg_call_request(&call, w.account, &anna, NULL, NULL, NULL),
		  -EPERM);
	world_close(&w);
}

static void test_call_budget_of_new_peers(void)
{
	static const char *const versions[] = {"13.0.0", NULL};
	static const struct tg_call_handlers none;
	struct tg_user anna = {.id = 5, .access_hash = 6};
	struct tg_call *call = NULL;
	char why[32];
	struct world w;

	CHECK(make_ready(&w));
	flood_budget(&w.account->flood, FLOOD_STRANGERS, 1, 24 * 3600 * USEC_S);
	CHECK_INT(
		tg_call_request(&call, w.account, &anna, versions, &none, NULL),
		0);
	CHECK(!tg_call_permitted(w.account, &anna, why));
	CHECK_STR(why, "FLOOD_WAIT_86400");
	anna.met = true;
	CHECK(tg_call_permitted(w.account, &anna, why));
	tg_call_unref(&call);
	world_close(&w);
}

/* -- repetitions ------------------------------------------------------------
 */

static bool name_asked(struct world *w)
{
	return asked(w, TL_contacts_resolveUsername);
}

static void test_query_reads_are_repeated(void)
{
	struct world w;
	usec_t began;

	CHECK(make_ready(&w));
	CHECK_INT(ask_name(&w, "anna"), 0);
	began = clock_now();
	CHECK(refuse(&w, TL_contacts_resolveUsername, 500, "RPC_CALL_FAIL"));
	CHECK_INT(w.answer_n, 0);
	CHECK(run(&w, name_asked));
	CHECK(clock_now() - began >= 1 * USEC_S);
	CHECK(refuse(&w, TL_contacts_resolveUsername, -503, "Timeout"));
	CHECK(run(&w, name_asked));
	CHECK(clock_now() - began >= 3 * USEC_S);
	/* Two repetitions at most. */
	CHECK(refuse(&w, TL_contacts_resolveUsername, 500, "RPC_CALL_FAIL"));
	CHECK_INT(w.answer_n, 1);
	CHECK_INT(w.code, 500);
	world_close(&w);
}

static void test_query_is_not_repeated_past_its_time(void)
{
	struct world w;

	CHECK(make_ready(&w));
	w.account->query_timeout = USEC_S / 2;
	CHECK_INT(ask_name(&w, "anna"), 0);
	CHECK(refuse(&w, TL_contacts_resolveUsername, 500, "RPC_CALL_FAIL"));
	CHECK_INT(w.answer_n, 1);
	world_close(&w);
}

static void test_query_acts_are_repeated_on_demand_only(void)
{
	struct world w;

	CHECK(make_ready(&w));
	CHECK_INT(ask(&w, TL_auth_logOut), 0);
	CHECK(refuse(&w, TL_auth_logOut, 500, "RPC_CALL_FAIL"));
	CHECK_INT(w.answer_n, 1);
	CHECK_INT(ask(&w, TL_auth_logOut), 0);
	CHECK(refuse(&w, TL_auth_logOut, 500, "WORKER_BUSY_TOO_LONG_RETRY"));
	CHECK_INT(w.answer_n, 1);
	/* Nothing is asked a third time by itself. */
	CHECK_INT(ask(&w, TL_auth_requestPasswordRecovery), 0);
	CHECK(refuse(&w, TL_auth_requestPasswordRecovery, 500,
		     "WORKER_BUSY_TOO_LONG_RETRY"));
	CHECK_INT(w.answer_n, 2);
	world_close(&w);
	CHECK_STR(w.text, "CLOSED"); /* the second logOut waited */
}

int main(void)
{
	if (libre_init())
		return 1;
	RUN(test_method_of_no_feature_is_refused);
	RUN(test_method_of_another_feature_is_refused);
	RUN(test_method_table_has_each_once);
	RUN(test_update_of_another_feature_is_not_forwarded);
	RUN(test_query_flood_wait_closes_the_gate);
	RUN(test_query_gated_when_freed_is_closed);
	RUN(test_call_gate_is_shown_and_remembered);
	RUN(test_call_peer_flood_spares_those_met);
	RUN(test_call_of_another_feature_is_refused);
	RUN(test_call_budget_of_new_peers);
	RUN(test_query_reads_are_repeated);
	RUN(test_query_is_not_repeated_past_its_time);
	RUN(test_query_acts_are_repeated_on_demand_only);
	libre_close();
	return check_done();
}
