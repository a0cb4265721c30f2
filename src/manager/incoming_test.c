#include "manager/office_test.h"

static json_t *incoming(const char *session)
{
	return json_pack("{ss ss ss ss ss s{ss ss ss ss ss}}", "session",
			 session, "storage", "s1", "call", "c7", "telegram_id",
			 "9223372036854775807", "access_hash",
			 "-9223372036854775808", "caller", "id", "4711",
			 "first_name", "J\xc3\xb6rg", "last_name", "Sm\xc3\xa5",
			 "username", "joerg_s", "phone", "");
}

static struct bus_sub *taker;

/* A Worker that takes calls, or does not. */
static void on_call_offer(const struct bus_message *m, void *arg)
{
	bus_reply(bus, m->inbox, json_pack("{sb}", "ok", arg != NULL));
}

static bool worker_comes(bool takes)
{
	hello("w1");
	return !bus_subscribe(&taker, bus, "worker.w1.call.offer",
			      on_call_offer, takes ? &taker : NULL);
}

static void test_manager_offers_a_telegram_call_by_the_caller_rules(void)
{
	json_t *offer, *targets, *t;

	CHECK(begin());
	CHECK(worker_comes(true));
	bus_publish(bus, "manager.call.incoming", incoming("office"));
	ear_settle();
	offer = ear_body("worker.w1.call.offer", 0);
	CHECK_STR(text_of(offer, "call"), "c7");
	CHECK_STR(text_of(offer, "telegram_id"), "9223372036854775807");
	CHECK_STR(text_of(offer, "access_hash"), "-9223372036854775808");
	targets = json_object_get(offer, "targets");
	CHECK_INT(json_array_size(targets), 2);
	t = json_array_get(targets, 0);
	CHECK_STR(text_of(t, "trunk"), "pbx");
	CHECK_STR(text_of(t, "from_user"), "joerg_s");
	CHECK_STR(text_of(t, "from_name"), "Joerg Sma");
	CHECK_INT(json_integer_value(json_object_get(t, "priority")), 0);
	t = json_array_get(targets, 1);
	CHECK_STR(text_of(t, "trunk"), "second");
	CHECK_STR(text_of(t, "from_user"), "tg#joerg_s");
	CHECK_STR(text_of(t, "from_name"), "J\xc3\xb6rg Sm\xc3\xa5");
	CHECK_STR(text_of(ear_body("storage.s1.call.assign", 0), "call"), "c7");
	CHECK_STR(text_of(ear_body("storage.s1.call.assign", 0), "worker"),
		  "w1");
	bus_unsubscribe(&taker);
	end();
}

static void test_manager_offers_a_call_of_a_session_without_trunk(void)
{
	json_t *offer;

	CHECK(begin());
	hello("w1");
	bus_publish(bus, "manager.call.incoming", incoming("unrouted"));
	ear_settle();
	offer = ear_body("worker.w1.call.offer", 0);
	CHECK(offer);
	CHECK_INT(json_array_size(json_object_get(offer, "targets")), 0);
	end();
}

/* The Storage ends the call and tells the caller; the record is ours. */
static void refused_with_a_record(void)
{
	json_t *o = ear_ask("manager.call.incoming", incoming("office"));
	json_t *r = record(0);

	CHECK(json_is_false(json_object_get(o, "ok")));
	CHECK_STR(text_of(o, "cause"), "WORKER_UNAVAILABLE");
	CHECK(!ear_body("storage.s1.call.assign", 0));
	CHECK_STR(text_of(r, "call"), "c7");
	CHECK_INT(json_integer_value(json_object_get(r, "sip_status")), 503);
	CHECK_STR(text_of(r, "reason"), "Worker is unavailable");
	CHECK_INT(json_integer_value(json_object_get(r, "row")), 50);
	CHECK_STR(text_of(r, "telegram_user"), "4711");
	json_decref(r);
}

static void test_manager_without_worker_refuses_a_telegram_call(void)
{
	CHECK(begin());
	refused_with_a_record();
	end();
}

static void test_manager_refuses_a_call_that_no_worker_takes(void)
{
	CHECK(begin());
	CHECK(worker_comes(false));
	refused_with_a_record();
	bus_unsubscribe(&taker);
	end();
}

static void call_record(const char *direction, int code)
{
	bus_publish(bus, "manager.call.record",
		    json_pack("{ss s{ss ss ss ss si ss}}", "call", "c7",
			      "record", "call", "c7", "direction", direction,
			      "session", "office", "telegram_user", "4711",
			      "sip_status", code, "reason", "Why \xc3\xa4"));
	ear_settle();
}

static void test_manager_tells_a_telegram_caller_why(void)
{
	json_t *o;

	CHECK(begin());
	call_record("telegram-to-sip", 200);
	call_record("telegram-to-sip", 487);
	call_record("sip-to-telegram", 503);
	CHECK(!ear_body("storage.s1.chat.tell", 0));
	call_record("telegram-to-sip", 603);
	o = ear_body("storage.s1.chat.tell", 0);
	CHECK_STR(text_of(o, "session"), "office");
	CHECK_STR(text_of(o, "user"), "4711");
	CHECK_STR(text_of(o, "text"), "603 Why \xc3\xa4");
	end();
}

static void write_text(const char *user, const char *text)
{
	bus_publish(bus, "manager.message",
		    json_pack("{ss ss s{ss} ss}", "session", "office",
			      "storage", "s1", "from", "id", user, "text",
			      text));
	ear_settle();
}

/* Of the offer's targets: "trunk:number " each. */
static const char *numbers_offered(void)
{
	static char text[128];
	json_t *targets, *t;
	size_t i;

	json_array_clear(heard);
	ear_ask("manager.call.incoming", incoming("office"));
	targets =
		json_object_get(ear_body("worker.w1.call.offer", 0), "targets");
	*text = '\0';
	json_array_foreach(targets, i, t)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "%s:%s ", text_of(t, "trunk"), text_of(t, "number"));
	return text;
}

/* Behaviour 3.13: the trunks whose rules make a number of it, and once. */
static void test_manager_dials_what_the_caller_wrote(void)
{
	struct trunk_fault f;

	CHECK(begin());
	manager_free(&manager);
	CHECK_INT(trunk_set(&trunks[1], "dial_rules", "[^\\d]= ^8=7", &f), 0);
	CHECK_INT(start(), 0);
	hello("w1");
	CHECK_STR(numbers_offered(), "pbx: second: ");
	write_text("4711", "please 8-100");
	CHECK_STR(numbers_offered(), "second:7100 ");
	CHECK_STR(numbers_offered(), "pbx: second: ");
	write_text("4711", "101");
	write_text("4711", "thanks"); /* no number: the last one stands */
	write_text("4712", "102");    /* of somebody else */
	CHECK_STR(numbers_offered(), "second:101 ");
	end();
}

int main(void)
{
	if (office_open())
		return 1;
	RUN(test_manager_offers_a_telegram_call_by_the_caller_rules);
	RUN(test_manager_offers_a_call_of_a_session_without_trunk);
	RUN(test_manager_without_worker_refuses_a_telegram_call);
	RUN(test_manager_refuses_a_call_that_no_worker_takes);
	RUN(test_manager_tells_a_telegram_caller_why);
	RUN(test_manager_dials_what_the_caller_wrote);
	office_close();
	return check_done();
}
