#include "manager/office_test.h"

static void open_call(const char *id, const char *dialog, const char *telegram)
{
	bus_publish(bus, "manager.call.open",
		    json_pack("{ss ss s{ss ss ss ss ss ss ss ss}}", "call", id,
			      "worker", "w1", "keep", "direction",
			      "sip-to-telegram", "trunk", "pbx", "session",
			      "office", "from", "100", "to", "+99966000002",
			      "dialog", dialog, "telegram_id", telegram,
			      "access_hash", "-5"));
	ear_settle();
}

static void test_manager_closes_what_an_earlier_process_left(void)
{
	json_t *o, *none;

	CHECK(begin());
	open_call("c1", "", "");
	open_call("c1", "{kept}", "42"); /* it knows more by now */
	open_call("c2", "{kept 2}", "43");
	bus_publish(
		bus, "manager.call.record",
		json_pack("{ss s{ss}}", "call", "c2", "record", "call", "c2"));
	ear_settle();
	unlink(records);
	CHECK(restart());
	o = record(0);
	none = record(1);
	CHECK(o && !none);
	CHECK_STR(text_of(o, "call"), "c1");
	CHECK_STR(text_of(o, "direction"), "sip-to-telegram");
	CHECK_STR(text_of(o, "from"), "100");
	CHECK_INT(json_integer_value(json_object_get(o, "sip_status")), 503);
	CHECK_STR(text_of(o, "reason"), "Gateway was interrupted");
	CHECK_STR(text_of(o, "ended_by"), "gateway");
	json_decref(o);
	/* Nobody is there yet to tell the far ends. */
	ear_settle();
	CHECK_INT(json_array_size(heard), 0);
	end();
}

static void session_ready(const char *name)
{
	bus_publish(bus, "manager.session.state",
		    json_pack("{ss ss ss}", "session", name, "storage", "s1",
			      "state", "ready"));
	ear_settle();
}

static void test_manager_tells_both_far_ends_once_after_a_restart(void)
{
	json_t *stale;

	CHECK(begin());
	open_call("c1", "{kept}", "42");
	CHECK(restart());
	session_ready("home");
	CHECK(!ear_body("storage.s1.call.stale", 0));
	session_ready("office");
	stale = ear_body("storage.s1.call.stale", 0);
	CHECK_STR(text_of(stale, "session"), "office");
	CHECK_STR(text_of(stale, "telegram_id"), "42");
	CHECK_STR(text_of(stale, "access_hash"), "-5");
	CHECK(!ear_body("worker.w1.bye", 0));
	hello("w1");
	CHECK_STR(text_of(ear_body("worker.w1.bye", 0), "dialog"), "{kept}");
	hello("w1");
	hello("w2");
	session_ready("office");
	CHECK(!ear_body("worker.w1.bye", 1));
	CHECK(!ear_body("worker.w2.bye", 0));
	CHECK(!ear_body("storage.s1.call.stale", 1));
	/* And it is closed for good. */
	unlink(records);
	CHECK(restart());
	stale = record(0);
	CHECK(!stale);
	hello("w1");
	CHECK(!ear_body("worker.w1.bye", 0));
	end();
}

static void test_manager_tells_only_the_far_ends_there_were(void)
{
	CHECK(begin());
	open_call("c1", "", "42");
	open_call("c2", "{kept}", "");
	CHECK(restart());
	hello("w1");
	session_ready("office");
	CHECK_STR(text_of(ear_body("worker.w1.bye", 0), "dialog"), "{kept}");
	CHECK(!ear_body("worker.w1.bye", 1));
	CHECK_STR(text_of(ear_body("storage.s1.call.stale", 0), "telegram_id"),
		  "42");
	CHECK(!ear_body("storage.s1.call.stale", 1));
	end();
}

int main(void)
{
	if (office_open())
		return 1;
	RUN(test_manager_closes_what_an_earlier_process_left);
	RUN(test_manager_tells_both_far_ends_once_after_a_restart);
	RUN(test_manager_tells_only_the_far_ends_there_were);
	office_close();
	return check_done();
}
