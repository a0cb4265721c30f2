#include "base/cause.h"
#include "manager/office_test.h"

static const char *explained(json_t *o, const char *what)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(o, "rows"), i, row)
	{
		if (strcmp(text_of(row, "what"), what) == 0)
			return text_of(row, "text");
	}
	return "";
}

static json_t *ask_explain(const char *id)
{
	return ear_ask("manager.explain", json_pack("{ss}", "call", id));
}

static void test_manager_explains_a_call(void)
{
	json_t *o;

	CHECK(begin());
	bus_publish(
		bus, "manager.call.record",
		json_pack("{ss s{ss ss ss ss si ss ss ss ss si s[{ss si si ss "
			  "ss}]}}",
			  "call", "c7", "record", "call", "c7", "sip_call_id",
			  "abc@pbx", "direction", "telegram-to-sip", "invite",
			  "2026-01-01T00:00:00Z", "sip_status", 503, "reason",
			  "SIP account is unavailable", "cause",
			  "SIP_UNAVAILABLE", "hop", "sip", "sip_status_source",
			  "local", "retransmissions", 6, "tried", "trunk",
			  "one", "priority", 2, "sip_status", 404, "reason",
			  "Gone", "sip_status_source", "remote"));
	ear_settle();
	o = ask_explain("c7");
	CHECK_STR(explained(o, "status"),
		  "503 SIP account is unavailable (made here)");
	CHECK_STR(explained(o, "hop"),
		  "sip: did not answer, asked again 6 times");
	CHECK_STR(explained(o, "trunk rung"),
		  "one, priority 2: 404 Gone (received)");
	CHECK_STR(explained(o, "what to do"),
		  cause_facts(CAUSE_SIP_UNAVAILABLE)->advice);
	CHECK_STR(explained(ask_explain("abc@pbx"), "call"), "c7");
	/* A part of an id is none. */
	CHECK(json_is_false(json_object_get(ask_explain("c"), "ok")));
	CHECK(json_is_false(json_object_get(ask_explain(""), "ok")));
	end();
}

/* Wherever in the file it stands. */
static void test_manager_explains_calls_of_long_ago(void)
{
	char id[16];
	FILE *f;

	CHECK(begin());
	f = fopen(records, "a");
	CHECK(f);
	for (int i = 0; i < 6000; i++)
		fprintf(f,
			"{\"call\":\"id%04d\",\"sip_status\":486,"
			"\"reason\":\"Busy Here\",\"cause\":\"%0400d\"}\n",
			i, i);
	CHECK(!fclose(f));
	for (int i = 0; i < 6000; i += 333) {
		snprintf(id, sizeof(id), "id%04d", i);
		CHECK_STR(explained(ask_explain(id), "call"), id);
	}
	CHECK_STR(explained(ask_explain("id0000"), "means"),
		  cause_facts(CAUSE_PASSED_BUSY)->trigger);
	CHECK(json_is_false(json_object_get(ask_explain("id6000"), "ok")));
	end();
}

int main(void)
{
	if (office_open())
		return 1;
	RUN(test_manager_explains_a_call);
	RUN(test_manager_explains_calls_of_long_ago);
	office_close();
	return check_done();
}
