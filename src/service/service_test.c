#include "service/service.h"

#include <errno.h>

#include "base/log.h"
#include "bus/text.h"
#include "tests/check.h"
#include "tests/loop.h"

static struct bus *bus;
static struct service *service;
static struct bus_sub *role;
static json_t *given;  /* what the role answers; NULL: nothing */
static char asked[64]; /* the subject it was asked on */
static json_t *asked_body;
static json_t *answer;
static int answers;

static void on_asked(const struct bus_message *m, void *arg)
{
	str_ncpy(asked, m->subject, sizeof(asked));
	json_decref(asked_body);
	asked_body = json_incref(m->body);
	if (given)
		bus_reply(bus, m->inbox, json_incref(given));
}

static void on_answer(json_t *o, void *arg)
{
	answers++;
	json_decref(answer);
	answer = json_incref(o);
	re_cancel();
}

static void begin(const char *subject, json_t *will_answer)
{
	struct service_conf conf = {.worker = "w7", .storage = "s7"};

	answers = 0;
	asked[0] = '\0';
	given = will_answer;
	bus_local_new(&bus);
	conf.bus = bus;
	service_new(&service, &conf);
	if (subject)
		bus_subscribe(&role, bus, subject, on_asked, NULL);
}

static void end(void)
{
	bus_unsubscribe(&role);
	bus_free(&bus);
	service_free(&service);
	json_decref(given);
	json_decref(asked_body);
	json_decref(answer);
	given = asked_body = answer = NULL;
}

/* The request's reference is taken. */
static int ask(json_t *request)
{
	int err = service_run(service, request, on_answer, NULL);

	json_decref(request);
	if (!err && !answers)
		loop_until_cancelled();
	return err;
}

static json_t *command(const char *name)
{
	return json_pack("{ss}", "command", name);
}

static const char *cell(size_t row, const char *column)
{
	json_t *rows = json_object_get(answer, "rows");

	return text_of(json_array_get(rows, row), column);
}

static bool answered_ok(void)
{
	return json_is_true(json_object_get(answer, "ok"));
}

static void test_service_tables_come_from_their_role(void)
{
	static const struct {
		const char *command, *subject, *what, *column;
	} table[] = {
		{"show calls", "worker.w7.show", "calls", "call"},
		{"show status", "worker.w7.show", "status", "worker"},
		{"show trunks", "manager.show.trunks", "", "trunk"},
		{"show sessions", "storage.s7.show", "sessions", "session"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		begin(">",
		      json_pack("{s[{ss}]}", "rows", table[i].column, "first"));
		CHECK_INT(ask(command(table[i].command)), 0);
		CHECK_INT(answers, 1);
		CHECK(answered_ok());
		CHECK_STR(asked, table[i].subject);
		CHECK_STR(text_of(asked_body, "what"), table[i].what);
		CHECK_STR(json_string_value(json_array_get(
				  json_object_get(answer, "columns"), 0)),
			  table[i].column);
		CHECK_STR(cell(0, table[i].column), "first");
		end();
	}
}

static void test_service_says_its_version_and_counters_itself(void)
{
	bool found = false;
	json_t *rows, *row;
	size_t i;

	count_add("service_test", "kind", 5);
	begin(NULL, NULL);
	CHECK_INT(ask(command("show version")), 0);
	CHECK_STR(cell(0, "version"), GRAMLINE_VERSION);
	answers = 0;
	CHECK_INT(ask(command("show counters")), 0);
	rows = json_object_get(answer, "rows");
	json_array_foreach(rows, i, row)
	{
		if (strcmp(text_of(row, "area"), "service_test") == 0)
			found = json_integer_value(
					json_object_get(row, "count")) == 5;
	}
	CHECK(found);
	end();
}

static void test_service_lists_its_commands(void)
{
	static const char *const wanted[][2] = {
		{"show calls", ""},
		{"explain invite", "source number [KEY=VALUE ...]"},
		{"trunk set", "trunk [KEY=VALUE ...]"},
		{"ban lift", "address"},
		{"message send", NULL},
	};
	json_t *rows, *row;
	size_t i;

	begin(NULL, NULL);
	CHECK_INT(ask(command("help")), 0);
	rows = json_object_get(answer, "rows");
	for (size_t k = 0; k < sizeof(wanted) / sizeof(*wanted); k++) {
		const char *found = NULL;

		json_array_foreach(rows, i, row)
		{
			if (!strcmp(text_of(row, "command"), wanted[k][0]))
				found = text_of(row, "arguments");
		}
		if (wanted[k][1])
			CHECK_STR(found ? found : "none", wanted[k][1]);
		else
			CHECK(!found);
	}
	end();
}

static void test_service_never_answers_inside_the_call(void)
{
	json_t *request = command("show version");

	begin(NULL, NULL);
	CHECK_INT(service_run(service, request, on_answer, NULL), 0);
	json_decref(request);
	CHECK_INT(answers, 0);
	loop_until_cancelled();
	CHECK_INT(answers, 1);
	end();
}

static void test_service_refuses_unknown_commands(void)
{
	static const char *const texts[] = {"show",
					    "show calls ",
					    "",
					    "drop",
					    "ban",
					    "ban lift ",
					    "ban lift 192.0.2.1 now",
					    "show calls 7"};

	begin(">", json_object());
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		answers = 0;
		CHECK_INT(ask(command(texts[i])), 0);
		CHECK(!answered_ok());
		CHECK_STR(text_of(answer, "error"), "unknown command");
	}
	answers = 0;
	CHECK_INT(ask(json_pack("{si}", "command", 7)), 0);
	CHECK_STR(text_of(answer, "error"), "unknown command");
	answers = 0;
	CHECK_INT(ask(json_object()), 0);
	CHECK_STR(text_of(answer, "error"), "unknown command");
	CHECK_STR(asked, "");
	end();
}

static void test_service_takes_arguments_behind_a_command(void)
{
	begin("worker.w7.ban.lift", json_pack("{sb}", "ok", 1));
	CHECK_INT(ask(command("ban lift 192.0.2.1")), 0);
	CHECK(answered_ok());
	CHECK_STR(text_of(asked_body, "address"), "192.0.2.1");
	answers = 0;
	CHECK_INT(ask(command("ban lift")), 0);
	CHECK_STR(text_of(answer, "error"), "argument missing: address");
	end();
}

static void test_service_names_the_missing_argument(void)
{
	static const struct {
		const char *command, *first, *second;
	} table[] = {
		{"login start", "session", "phone"},
		{"login code", "session", "code"},
		{"logout", "session", NULL},
	};
	char text[64];

	begin(">", json_object());
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		answers = 0;
		CHECK_INT(ask(command(table[i].command)), 0);
		snprintf(text, sizeof(text), "argument missing: %s",
			 table[i].first);
		CHECK_STR(text_of(answer, "error"), text);
		if (!table[i].second)
			continue;
		answers = 0;
		CHECK_INT(
			ask(json_pack("{ss ss si}", "command", table[i].command,
				      "session", "a", table[i].second, 12345)),
			0);
		snprintf(text, sizeof(text), "argument missing: %s",
			 table[i].second);
		CHECK_STR(text_of(answer, "error"), text);
	}
	CHECK_STR(asked, "");
	end();
}

static void test_service_passes_a_log_in_through(void)
{
	begin("storage.s7.login.start",
	      json_pack("{sb ss si}", "ok", 1, "how", "app", "length", 5));
	CHECK_INT(ask(json_pack("{ss ss ss}", "command", "login start",
				"session", "a", "phone", "+99966000001")),
		  0);
	CHECK(answered_ok());
	CHECK_STR(text_of(answer, "how"), "app");
	CHECK_STR(text_of(asked_body, "phone"), "+99966000001");
	end();
	begin("storage.s7.login.code",
	      json_pack("{sb si ss}", "ok", 0, "code", 400, "text",
			"PHONE_CODE_INVALID"));
	CHECK_INT(ask(json_pack("{ss ss ss}", "command", "login code",
				"session", "a", "code", "1")),
		  0);
	CHECK(!answered_ok());
	CHECK_STR(text_of(answer, "error"), "PHONE_CODE_INVALID");
	end();
	begin("storage.s7.logout", json_pack("{sb}", "ok", 0));
	CHECK_INT(
		ask(json_pack("{ss ss}", "command", "logout", "session", "a")),
		0);
	CHECK_STR(text_of(answer, "error"), "refused");
	end();
}

static void test_service_says_that_a_role_is_absent(void)
{
	begin(NULL, NULL);
	CHECK_INT(ask(command("show calls")), 0);
	CHECK(!answered_ok());
	CHECK_STR(text_of(answer, "error"), "this role does not run here");
	end();
}

static void test_service_gives_up_on_a_silent_role(void)
{
	begin("worker.w7.show", NULL);
	CHECK_INT(ask(command("show calls")), 0);
	CHECK_INT(answers, 1);
	CHECK_STR(text_of(answer, "error"), "no answer in time");
	end();
}

static void test_service_answers_even_without_rows(void)
{
	begin("worker.w7.show", json_pack("{ss}", "rows", "none"));
	CHECK_INT(ask(command("show calls")), 0);
	CHECK_INT(answers, 1);
	CHECK_STR(text_of(answer, "error"), "answer without rows");
	end();
}

static void test_service_answers_once_when_all_is_stopped(void)
{
	json_t *over_bus = command("show calls"),
	       *here = command("show version");

	begin("worker.w7.show", NULL);
	CHECK_INT(service_run(service, over_bus, on_answer, NULL), 0);
	CHECK_INT(service_run(service, here, on_answer, NULL), 0);
	json_decref(over_bus);
	json_decref(here);
	CHECK_INT(answers, 0);
	bus_unsubscribe(&role);
	bus_free(&bus);
	CHECK_INT(answers, 1);
	CHECK_STR(text_of(answer, "error"), "stopped");
	service_free(&service);
	CHECK_INT(answers, 2);
	CHECK_STR(text_of(answer, "error"), "stopped");
	end();
}

int main(void)
{
	if (libre_init())
		return 1;
	RUN(test_service_tables_come_from_their_role);
	RUN(test_service_says_its_version_and_counters_itself);
	RUN(test_service_lists_its_commands);
	RUN(test_service_never_answers_inside_the_call);
	RUN(test_service_refuses_unknown_commands);
	RUN(test_service_takes_arguments_behind_a_command);
	RUN(test_service_names_the_missing_argument);
	RUN(test_service_passes_a_log_in_through);
	RUN(test_service_says_that_a_role_is_absent);
	RUN(test_service_gives_up_on_a_silent_role);
	RUN(test_service_answers_even_without_rows);
	RUN(test_service_answers_once_when_all_is_stopped);
	libre_close();
	return check_done();
}
