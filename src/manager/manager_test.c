#include "manager/manager.h"

#include <errno.h>
#include <sys/stat.h>

#include "manager/office_test.h"

static json_t *route(const char *trunk, const char *identifier)
{
	return ear_ask("manager.route",
		       json_pack("{ss ss ss ss}", "call", "c1", "worker", "w1",
				 "trunk", trunk, "identifier", identifier));
}

static const char *peer_of(json_t *o, const char *key)
{
	return text_of(json_object_get(o, "peer"), key);
}

static void test_manager_announces_the_trunks_to_a_worker(void)
{
	json_t *list, *first, *set;

	CHECK(begin());
	hello("w1");
	list = json_object_get(ear_body("worker.w1.trunks", 0), "trunks");
	CHECK_INT(json_array_size(list), 3);
	first = json_array_get(list, 0);
	CHECK_STR(text_of(first, "name"), "pbx");
	CHECK_STR(text_of(first, "storage"), "s1");
	set = json_object_get(first, "settings");
	CHECK_STR(text_of(set, "login"), "9991");
	CHECK_STR(text_of(set, "password"), "p1");
	CHECK_STR(text_of(set, "session"), "office");
	CHECK_STR(text_of(set, "codecs"), "opus,alaw");
	end();
}

/* The heartbeat without which a Worker refuses calls after 10 s. */
static void test_manager_repeats_the_trunks_unasked(void)
{
	CHECK(begin());
	hello("w1");
	CHECK(ear_await("worker.w1.trunks", 2));
	end();
}

static void test_manager_routes_by_the_rules_of_the_trunk(void)
{
	json_t *o;

	CHECK(begin());
	session_is("office", "ready", true);
	session_is("home", "ready", true);
	o = route("pbx", "+99966000002");
	CHECK(json_is_true(json_object_get(o, "ok")));
	CHECK_STR(text_of(o, "session"), "office");
	CHECK_STR(text_of(o, "storage"), "s1");
	CHECK_STR(peer_of(o, "kind"), "phone");
	CHECK_STR(peer_of(o, "value"), "99966000002");
	o = route("pbx", "some_name");
	CHECK_STR(peer_of(o, "kind"), "username");
	CHECK_STR(peer_of(o, "value"), "some_name");
	o = route("second", "777000");
	CHECK_STR(peer_of(o, "kind"), "id");
	CHECK_STR(peer_of(o, "value"), "777000");
	o = route("elsewhere", "+99966000002");
	CHECK_STR(text_of(o, "session"), "home");
	end();
}

static void test_manager_refuses_routes_with_the_true_cause(void)
{
	json_t *o;

	CHECK(begin());
	session_is("office", "ready", true);
	session_is("home", "ready", true);
	o = route("nobody", "+99966000002");
	CHECK(json_is_false(json_object_get(o, "ok")));
	CHECK_STR(text_of(o, "cause"), "ROUTE_NOT_FOUND");
	o = route("pbx", "not a name!");
	CHECK(json_is_false(json_object_get(o, "ok")));
	CHECK_STR(text_of(o, "cause"), "NOT_FOUND");
	o = ear_ask("manager.route", json_object());
	CHECK_STR(text_of(o, "cause"), "ROUTE_NOT_FOUND");
	end();
}

static void registered(const char *trunk, int expires_s)
{
	bus_publish(bus, "manager.registered",
		    json_pack("{ss ss ss ss ss si}", "worker", "w1", "trunk",
			      trunk, "contact", "sip:x", "source",
			      "192.0.2.1:5060", "user_agent", "Phone 1",
			      "expires_s", expires_s));
	ear_settle();
}

static json_t *trunk_row(size_t i)
{
	return json_array_get(
		json_object_get(ear_ask("manager.show.trunks", json_object()),
				"rows"),
		i);
}

static void test_manager_shows_what_is_registered(void)
{
	CHECK(begin());
	CHECK_STR(text_of(trunk_row(0), "state"), "unregistered");
	registered("nobody", 60);
	registered("pbx", 60);
	CHECK_STR(text_of(trunk_row(0), "state"), "registered");
	CHECK_STR(text_of(trunk_row(0), "source"), "192.0.2.1:5060");
	CHECK_STR(text_of(trunk_row(0), "user_agent"), "Phone 1");
	CHECK_STR(text_of(trunk_row(1), "state"), "unregistered");
	registered("pbx", 0);
	CHECK_STR(text_of(trunk_row(0), "state"), "unregistered");
	end();
}

static void test_manager_writes_one_line_a_record(void)
{
	struct stat st;
	json_t *first, *second, *third;

	CHECK(begin());
	for (int i = 0; i < 2; i++) {
		bus_publish(bus, "manager.call.record",
			    json_pack("{ss s{ss si ss}}", "call", "c1",
				      "record", "call", "c1", "number", i,
				      "reason", "two\nlines"));
		ear_settle();
	}
	first = record(0);
	second = record(1);
	third = record(2);
	json_decref(first);
	json_decref(second);
	CHECK(first && second && !third);
	CHECK_INT(stat(records, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0640);
	end();
}

static void test_manager_does_not_start_without_its_records_file(void)
{
	struct manager_conf conf = {.records = "/nowhere/calls.jsonl"};

	CHECK(begin());
	manager_free(&manager);
	conf.bus = bus;
	conf.store = store;
	CHECK_INT(manager_new(&manager, &conf), -ENOENT);
	CHECK(!manager);
	end();
}

int main(void)
{
	if (office_open())
		return 1;
	RUN(test_manager_announces_the_trunks_to_a_worker);
	RUN(test_manager_repeats_the_trunks_unasked);
	RUN(test_manager_routes_by_the_rules_of_the_trunk);
	RUN(test_manager_refuses_routes_with_the_true_cause);
	RUN(test_manager_shows_what_is_registered);
	RUN(test_manager_writes_one_line_a_record);
	RUN(test_manager_does_not_start_without_its_records_file);
	office_close();
	return check_done();
}
