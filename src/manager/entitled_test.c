/* Behaviour 3.4: the order of the checks on REGISTER and INVITE. */
#include "manager/fixture_test.h"

static json_t *set_of(const char *name, const char *value)
{
	return json_pack("{ss}", name, value);
}

static const char *refusal(void)
{
	json_t *t = announced("w1", "t");

	return json_object_get(t, "refusal") ? text_of(t, "refusal") : "(none)";
}

static const char *refusal_text(void)
{
	return text_of(announced("w1", "t"), "text");
}

static json_t *route(const char *call, bool codec, const char *identifier)
{
	return ear_ask("manager.route",
		       json_pack("{ss ss ss ss sb}", "call", call, "worker",
				 "w1", "trunk", "t", "identifier", identifier,
				 "codec", codec));
}

static const char *cause(json_t *o)
{
	return json_is_true(json_object_get(o, "ok")) ? "(routed)"
						      : text_of(o, "cause");
}

static const char *routed(void)
{
	return cause(route("c1", true, "+99966000001"));
}

static const char *limit(void)
{
	json_t *o = route("c1", true, "+99966000001");

	return strcmp(cause(o), "LIMIT") ? cause(o) : text_of(o, "text");
}

static const char *ask(const char *subject, const char *key, const char *value)
{
	json_t *o = ear_ask(subject, json_pack("{ss}", key, value));

	return json_is_true(json_object_get(o, "ok")) ? "(done)"
						      : text_of(o, "text");
}

/* Takes settings. */
static void subscribe_to(json_t *settings)
{
	json_t *o = ear_ask("manager.subscription.set",
			    json_pack("{ss so}", "subscription", "gold",
				      "settings", settings));

	CHECK(json_is_true(json_object_get(o, "ok")));
}

static bool begin_with_trunk(void)
{
	return begin() &&
	       !strcmp(refused(ask_trunk("add", "t",
					 set_of("session", "office"))),
		       "(done)");
}

static void ended(const char *call, int status, const char *hop, int seconds)
{
	bus_publish(bus, "manager.call.record",
		    json_pack("{ss s{ss ss si ss si}}", "call", call, "record",
			      "call", call, "trunk", "t", "sip_status", status,
			      "hop", hop, "duration_s", seconds));
	ear_settle();
}

/* Each thing that is wrong hides what stands behind it. */
static void test_register_is_checked_in_the_order_of_3_4(void)
{
	CHECK(begin_with_trunk());
	CHECK_STR(refused(ask_trunk("set", "t",
				    json_pack("{ss ss ss ss}", "owner", "bob",
					      "worker", "w2", "subscription",
					      "gold", "enabled", "no"))),
		  "(done)");
	CHECK_STR(refusal(), "ACCOUNT_NOT_RUNNING");
	CHECK_STR(refused(ask_trunk("enable", "t", NULL)), "(done)");
	CHECK_STR(refusal(), "NOT_PERMITTED");
	CHECK_STR(refused(ask_trunk("set", "t", set_of("owner", "anna"))),
		  "(done)");
	CHECK_STR(refusal(), "WORKER_INACTIVE");
	CHECK_STR(refused(ask_trunk("set", "t", set_of("worker", "w1"))),
		  "(done)");
	CHECK_STR(ask("manager.place.disable", "worker", "w1"), "(done)");
	CHECK_STR(refusal(), "WORKER_INACTIVE");
	CHECK_STR(ask("manager.place.enable", "worker", "w1"), "(done)");
	json_array_clear(heard);
	hello("w1", false);
	CHECK_STR(
		text_of(json_array_get(
				json_object_get(ear_body("worker.w1.trunks", 0),
						"trunks"),
				0),
			"refusal"),
		"WORKER_NO_ADDRESS");
	CHECK_STR(refusal(), "STORAGE_INACTIVE"); /* not heard of yet */
	session_is("office", "dead", false);
	CHECK_STR(ask("manager.place.disable", "storage", "s1"), "(done)");
	CHECK_STR(refusal(), "STORAGE_INACTIVE");
	CHECK_STR(ask("manager.place.enable", "storage", "s1"), "(done)");
	CHECK_STR(refusal(), "SESSION_INACTIVE");
	session_is("office", "connecting", true);
	CHECK_STR(refusal(), "LIMIT");
	CHECK_STR(refusal_text(), "Subscription is required");
	subscribe_to(set_of("until", "2020-01-01"));
	CHECK_STR(refusal_text(), "Subscription is required");
	subscribe_to(json_pack("{ss ss ss}", "until", "", "seconds", "60",
			       "seconds_used", "60"));
	CHECK_STR(refusal_text(), "Total calls duration is exceeded");
	subscribe_to(set_of("seconds_used", "59"));
	CHECK_STR(refusal(), "(none)");
	end();
}

static void test_route_is_checked_in_the_order_of_3_4(void)
{
	CHECK(begin_with_trunk());
	hello("w1", true);
	CHECK_STR(
		refused(ask_trunk("set", "t", set_of("subscription", "gold"))),
		"(done)");
	CHECK_STR(cause(route("c1", false, "?")), "STORAGE_UNAVAILABLE");
	session_is("office", "dead", false);
	CHECK_STR(cause(route("c1", false, "?")), "SESSION_NOT_RUNNING");
	session_is("office", "connecting", true);
	CHECK_STR(cause(route("c1", false, "?")), "SESSION_NOT_RUNNING");
	session_is("office", "ready", true);
	CHECK_STR(cause(route("c1", false, "?")), "LIMIT");
	subscribe_to(set_of("until", ""));
	CHECK_STR(cause(route("c1", false, "?")), "NOT_ACCEPTABLE");
	CHECK_STR(cause(route("c1", true, "?")), "NOT_FOUND");
	CHECK_STR(routed(), "(routed)");
	CHECK_STR(ask("manager.place.disable", "storage", "s1"), "(done)");
	CHECK_STR(routed(), "STORAGE_UNAVAILABLE");
	end();
}

/* Requirement D5: 480 where nothing is attached. */
static void test_route_of_a_trunk_whose_session_is_gone(void)
{
	struct manager_declared home = {declared, 0, sessions + 1, 1};

	CHECK(begin_with_trunk());
	hello("w1", true);
	session_is("office", "ready", true);
	CHECK_STR(routed(), "(routed)");
	CHECK_INT(manager_declare(manager, &home), 0);
	CHECK_STR(routed(), "NOTHING_ATTACHED");
	end();
}

static void test_lines_are_calls_at_once(void)
{
	CHECK(begin_with_trunk());
	hello("w1", true);
	session_is("office", "ready", true);
	CHECK_STR(refused(ask_trunk("set", "t",
				    json_pack("{ss ss}", "lines", "2",
					      "subscription", "gold"))),
		  "(done)");
	subscribe_to(set_of("lines", "3"));
	CHECK_STR(cause(route("a", true, "+99966000001")), "(routed)");
	CHECK_STR(cause(route("b", true, "+99966000001")), "(routed)");
	CHECK_STR(limit(), "Amount of lines is exceeded");
	ended("a", 200, "gateway", 5);
	CHECK_STR(limit(), "(routed)");
	CHECK_STR(refused(ask_trunk("set", "t", set_of("lines", ""))),
		  "(done)");
	CHECK_STR(cause(route("d", true, "+99966000001")), "(routed)");
	CHECK_STR(cause(route("e", true, "+99966000001")), "LIMIT");
	end();
}

/* Behaviour D7: paid for or not, more are not taken. */
static void test_max_calls_of_a_trunk(void)
{
	CHECK(begin_with_trunk());
	hello("w1", true);
	session_is("office", "ready", true);
	CHECK_STR(refused(ask_trunk("set", "t", set_of("max_calls", "2"))),
		  "(done)");
	CHECK_STR(cause(route("a", true, "+99966000001")), "(routed)");
	CHECK_STR(cause(route("b", true, "+99966000001")), "(routed)");
	CHECK_STR(cause(route("d", true, "+99966000001")), "MAX_CALLS");
	ended("a", 200, "gateway", 5);
	CHECK_STR(cause(route("d", true, "+99966000001")), "(routed)");
	end();
}

static void test_subscription_counts_seconds_and_failures(void)
{
	CHECK(begin_with_trunk());
	hello("w1", true);
	session_is("office", "ready", true);
	CHECK_STR(
		refused(ask_trunk("set", "t", set_of("subscription", "gold"))),
		"(done)");
	subscribe_to(json_pack("{ss ss}", "seconds", "10", "fails", "2"));
	ended("a", 402, "gateway", 0); /* ours: does not count */
	ended("b", 487, "sip", 0);     /* hung up himself */
	ended("c", 486, "telegram", 0);
	CHECK_STR(limit(), "(routed)");
	ended("c1", 480, "telegram", 0);
	CHECK_STR(limit(), "Amount of fail calls is exceeded");
	subscribe_to(set_of("fails", "3"));
	CHECK_STR(limit(), "(routed)");
	ended("c1", 200, "gateway", 10);
	CHECK_STR(limit(), "Total calls duration is exceeded");
	end();
}

static void offer(void)
{
	json_array_clear(heard);
	bus_publish(bus, "manager.call.incoming",
		    json_pack("{ss ss ss s{ss}}", "session", "office",
			      "storage", "s1", "call", "c9", "caller", "id",
			      "4711"));
	ear_settle();
}

static void test_limits_take_the_last_trunk_of_a_telegram_call(void)
{
	json_t *o;

	CHECK(begin_with_trunk());
	hello("w1", true);
	CHECK_STR(refused(ask_trunk("add", "u",
				    json_pack("{ss ss}", "session", "office",
					      "subscription", "gold"))),
		  "(done)");
	offer();
	o = ear_body("worker.w1.call.offer", 0);
	CHECK_INT(json_array_size(json_object_get(o, "targets")), 1);
	CHECK(!json_object_get(o, "refusal"));
	CHECK_STR(refused(ask_trunk("disable", "t", NULL)), "(done)");
	offer();
	o = ear_body("worker.w1.call.offer", 0);
	CHECK_INT(json_array_size(json_object_get(o, "targets")), 0);
	o = json_object_get(o, "refusal");
	CHECK_STR(text_of(o, "cause"), "LIMIT");
	CHECK_STR(text_of(o, "text"), "Subscription is required");
	CHECK_STR(refused(ask_trunk("disable", "u", NULL)), "(done)");
	offer();
	o = ear_body("worker.w1.call.offer", 0);
	CHECK(o && !json_object_get(o, "refusal"));
	end();
}

static void test_telegram_call_goes_to_the_worker_of_the_trunk(void)
{
	CHECK(begin_with_trunk());
	hello("w1", true);
	hello("w2", true);
	CHECK_STR(refused(ask_trunk("set", "t", set_of("worker", "w2"))),
		  "(done)");
	offer();
	CHECK(ear_body("worker.w2.call.offer", 0));
	CHECK(!ear_body("worker.w1.call.offer", 0));
	CHECK_STR(ask("manager.place.disable", "worker", "w1"), "(done)");
	CHECK_STR(ask("manager.place.disable", "worker", "w2"), "(done)");
	CHECK_STR(ask("manager.place.disable", "worker", "w9"),
		  "there is no worker w9");
	offer();
	CHECK(!ear_body("worker.w2.call.offer", 0));
	end();
}

static void open_call(const char *id)
{
	bus_publish(bus, "manager.call.open",
		    json_pack("{ss ss s{ss ss ss ss}}", "call", id, "worker",
			      "w1", "keep", "direction", "sip-to-telegram",
			      "trunk", "t", "session", "office", "dialog",
			      "{kept}"));
	ear_settle();
}

/* Calls go on without their Manager; the next one learns which have ended. */
static void test_manager_that_comes_back_keeps_running_calls(void)
{
	CHECK(begin_with_trunk());
	hello("w1", true);
	session_is("office", "ready", true);
	CHECK_STR(refused(ask_trunk("set", "t", set_of("lines", "2"))),
		  "(done)");
	open_call("a");
	open_call("b");
	manager_free(&manager);
	json_array_clear(heard);
	ear_settle();
	CHECK(json_is_true(
		json_object_get(ear_body("worker.w1.trunks", 0), "gone")));
	CHECK_INT(start(true), 0);
	ear_settle();
	CHECK(ear_body("manager.up", 0));
	session_is("office", "ready", true);
	bus_publish(bus, "manager.hello",
		    json_pack("{ss s[ss]}", "worker", "w1", "calls", "a", "b"));
	ear_settle();
	CHECK(!ear_body("worker.w1.bye", 0));
	CHECK_STR(limit(), "Amount of lines is exceeded");
	bus_publish(bus, "manager.hello",
		    json_pack("{ss s[s]}", "worker", "w1", "calls", "a"));
	ear_settle();
	CHECK_STR(text_of(ear_body("worker.w1.bye", 0), "dialog"), "{kept}");
	CHECK_STR(limit(), "(routed)");
	end();
}

static void test_parts_that_stop_are_missed_at_once(void)
{
	CHECK(begin_with_trunk());
	session_is("office", "ready", true);
	CHECK_STR(refusal(), "(none)");
	bus_publish(bus, "manager.storage.gone",
		    json_pack("{ss}", "storage", "s1"));
	ear_settle();
	CHECK_STR(refusal(), "STORAGE_INACTIVE");
	CHECK_STR(routed(), "STORAGE_UNAVAILABLE");
	bus_publish(bus, "manager.bye", json_pack("{ss}", "worker", "w1"));
	ear_settle();
	offer();
	CHECK(!ear_body("worker.w1.call.offer", 0));
	end();
}

int main(void)
{
	if (fixture_open())
		return 1;
	RUN(test_register_is_checked_in_the_order_of_3_4);
	RUN(test_route_is_checked_in_the_order_of_3_4);
	RUN(test_route_of_a_trunk_whose_session_is_gone);
	RUN(test_lines_are_calls_at_once);
	RUN(test_max_calls_of_a_trunk);
	RUN(test_subscription_counts_seconds_and_failures);
	RUN(test_limits_take_the_last_trunk_of_a_telegram_call);
	RUN(test_telegram_call_goes_to_the_worker_of_the_trunk);
	RUN(test_manager_that_comes_back_keeps_running_calls);
	RUN(test_parts_that_stop_are_missed_at_once);
	fixture_close();
	return check_done();
}
