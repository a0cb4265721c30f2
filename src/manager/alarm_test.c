/* What becomes an alert, and what does not. */
#include "manager/fixture_test.h"

/* "session office open;worker w1 past;", the newest first. */
static const char *alerts_text(void)
{
	json_t *rows = json_object_get(
		ear_ask("manager.show.alerts", json_object()), "rows");
	static char text[512];
	json_t *row;
	size_t i;

	*text = '\0';
	json_array_foreach(rows, i, row)
	{
		size_t n = strlen(text);

		snprintf(text + n, sizeof(text) - n, "%s %s %s;",
			 text_of(row, "kind"), text_of(row, "object"),
			 text_of(row, "state"));
	}
	return text;
}

static void session_lost(const char *name, const char *state)
{
	bus_publish(bus, "manager.session.state",
		    json_pack("{ss ss ss ss sb sb}", "session", name, "storage",
			      "s1", "state", state, "reason", "SESSION_REVOKED",
			      "logged_in", 0, "lost", 1));
	ear_settle();
}

static void test_alarm_session_that_never_logged_in_is_not_lost(void)
{
	CHECK(begin());
	session_is("home", "offline", false);
	session_is("home", "connecting", false);
	session_is("home", "waiting_for_login", false);
	CHECK_STR(alerts_text(), "");
	session_is("office", "ready", true);
	session_lost("office", "revoked");
	CHECK_STR(alerts_text(), "session office open;");
	/* A new log-in is under way: still open, and no other one. */
	session_is("office", "connecting", false);
	session_is("office", "waiting_for_login", false);
	CHECK_STR(alerts_text(), "session office open;");
	session_is("office", "ready", true);
	CHECK_STR(alerts_text(), "session office past;");
	end();
}

static void role_goes(const char *subject, const char *what, const char *id)
{
	bus_publish(bus, subject, json_pack("{ss}", what, id));
	ear_settle();
}

static void test_alarm_roles_that_stop_alone(void)
{
	CHECK(begin());
	hello("w1", true);
	session_is("office", "ready", true);
	role_goes("manager.storage.gone", "storage", "s1");
	role_goes("manager.bye", "worker", "w1");
	CHECK_STR(alerts_text(), "worker w1 open;storage s1 open;");
	hello("w1", true);
	session_is("office", "ready", true);
	CHECK_STR(alerts_text(), "worker w1 past;storage s1 past;");
	end();
}

static void declare_phone(void)
{
	declared[0] = (struct trunk){.kind = TRUNK_PBX_TO_GATEWAY,
				     .name = "phone",
				     .enabled = true,
				     .session = "office",
				     .login = "phone",
				     .password = "x"};
	declared_n = 1;
}

/* The next Worker says so if it is still true. */
static void test_alarm_unreachable_ends_with_the_worker_that_told(void)
{
	declare_phone();
	CHECK(begin());
	hello("w1", true);
	bus_publish(bus, "manager.reachable",
		    json_pack("{ss ss sb ss}", "worker", "w1", "trunk", "phone",
			      "reachable", 0, "cause", "no answer"));
	ear_settle();
	CHECK_STR(alerts_text(), "trunk phone open;");
	role_goes("manager.bye", "worker", "w1");
	CHECK_STR(alerts_text(), "worker w1 open;trunk phone past;");
	end();
	declared_n = 0;
}

static void test_alarm_clean_stop_is_silent(void)
{
	static const char record[] =
		"{\"cause\": \"WORKER_UNAVAILABLE\", \"sip_status\": 503,"
		" \"reason\": \"Worker is unavailable\", \"trunk\": \"phone\"}";

	declare_phone();
	CHECK(begin());
	hello("w1", true);
	session_is("office", "ready", true);
	manager_stopping(manager);
	for (int i = 0; i < 12; i++)
		(void)ear_ask("manager.call.record",
			      json_pack("{ss so}", "call", "c", "record",
					json_loads(record, 0, NULL)));
	bus_publish(bus, "manager.registered",
		    json_pack("{ss ss si}", "worker", "w1", "trunk", "phone",
			      "expires_s", 0));
	role_goes("manager.bye", "worker", "w1");
	session_lost("office", "revoked");
	role_goes("manager.storage.gone", "storage", "s1");
	CHECK_STR(alerts_text(), "");
	end();
	declared_n = 0;
}

int main(void)
{
	if (fixture_open())
		return 1;
	RUN(test_alarm_session_that_never_logged_in_is_not_lost);
	RUN(test_alarm_roles_that_stop_alone);
	RUN(test_alarm_unreachable_ends_with_the_worker_that_told);
	RUN(test_alarm_clean_stop_is_silent);
	fixture_close();
	return check_done();
}
