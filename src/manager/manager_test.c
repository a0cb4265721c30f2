#include "manager/manager.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cause.h"
#include "bus/ear_test.h"
#include "route/caller.h"
#include "tests/check.h"
#include "tests/folder.h"

static char database[64], records[64];
static struct store *store;
static struct manager *manager;

static struct secret_key *secret;
static struct trunk trunks[3];
static const struct manager_session sessions[] = {{"office", "anna"},
						  {"home", ""}};

static void trunks_make(void)
{
	static const char *const given[][6] = {
		{"pbx", "9991", "p1", "office", "codecs", "opus,alaw"},
		{"second", "9992", "p2", "office", "preset", "tg2sip"},
		{"elsewhere", "9993", "p3", "home", "", ""},
	};
	struct trunk_fault f;

	for (size_t i = 0; i < 3; i++) {
		CHECK_INT(trunk_init(&trunks[i], given[i][0], &f), 0);
		CHECK_INT(trunk_set(&trunks[i], "login", given[i][1], &f), 0);
		CHECK_INT(trunk_set(&trunks[i], "password", given[i][2], &f),
			  0);
		CHECK_INT(trunk_set(&trunks[i], "session", given[i][3], &f), 0);
		if (*given[i][4])
			CHECK_INT(trunk_set(&trunks[i], given[i][4],
					    given[i][5], &f),
				  0);
	}
	CHECK_INT(trunk_set(&trunks[1], "caller_name", "{name}", &f), 0);
}

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

static int start(void)
{
	struct manager_conf conf = {
		.bus = bus,
		.store = store,
		.records = records,
		.storage = "s1",
		.key = secret,
		.declared = {trunks, sizeof(trunks) / sizeof(*trunks), sessions,
			     sizeof(sessions) / sizeof(*sessions)},
	};

	return manager_new(&manager, &conf);
}

static bool begin(void)
{
	const char *why;

	trunks_make();
	return ear_open() && !store_open(&store, database, &why) && !start();
}

static void end(void)
{
	manager_free(&manager);
	ear_close();
	store_close(&store);
	unlink(records);
}

/* A process that ends and one that takes its place. */
static bool restart(void)
{
	const char *why;

	manager_free(&manager);
	store_close(&store);
	json_array_clear(heard);
	return !store_open(&store, database, &why) && !start();
}

static void hello(const char *worker)
{
	bus_publish(bus, "manager.hello", json_pack("{ss}", "worker", worker));
	ear_settle();
}

/* The records file's i-th line as an object; a new reference or NULL. */
static json_t *record(size_t i)
{
	FILE *f = fopen(records, "r");
	char line[4096];
	json_t *o = NULL;

	while (f && fgets(line, sizeof(line), f))
		if (i-- == 0)
			o = json_loads(line, 0, NULL);
	if (f)
		fclose(f);
	return o;
}

static void session_is(const char *name, const char *state, bool logged_in)
{
	bus_publish(bus, "manager.session.state",
		    json_pack("{ss ss ss sb}", "session", name, "storage", "s1",
			      "state", state, "logged_in", logged_in));
	ear_settle();
}

/* -- tests ------------------------------------------------------------------
 */

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
	const char *why = NULL;

	(void)setenv("GRAMLINE_KEY",
		     "000102030405060708090a0b0c0d0e0f"
		     "101112131415161718191a1b1c1d1e1f",
		     1);
	if (!folder_make("manager") || libre_init() ||
	    secret_key_load(&secret, NULL, &why))
		return 1;
	folder_file(database, "db");
	folder_file(records, "calls.jsonl");
	RUN(test_manager_announces_the_trunks_to_a_worker);
	RUN(test_manager_repeats_the_trunks_unasked);
	RUN(test_manager_routes_by_the_rules_of_the_trunk);
	RUN(test_manager_refuses_routes_with_the_true_cause);
	RUN(test_manager_offers_a_telegram_call_by_the_caller_rules);
	RUN(test_manager_offers_a_call_of_a_session_without_trunk);
	RUN(test_manager_without_worker_refuses_a_telegram_call);
	RUN(test_manager_refuses_a_call_that_no_worker_takes);
	RUN(test_manager_tells_a_telegram_caller_why);
	RUN(test_manager_explains_a_call);
	RUN(test_manager_explains_calls_of_long_ago);
	RUN(test_manager_shows_what_is_registered);
	RUN(test_manager_writes_one_line_a_record);
	RUN(test_manager_does_not_start_without_its_records_file);
	RUN(test_manager_closes_what_an_earlier_process_left);
	RUN(test_manager_tells_both_far_ends_once_after_a_restart);
	RUN(test_manager_tells_only_the_far_ends_there_were);
	RUN(test_manager_dials_what_the_caller_wrote);
	libre_close();
	secret_key_free(&secret);
	return check_done();
}
