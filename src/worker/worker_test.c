/* The Worker between a Manager and a Storage that are only messages. */
#include "worker/worker.h"

#include <errno.h>

#include "base/log.h"
#include "bus/ear_test.h"
#include "tests/check.h"
#include "worker/internal.h"

static struct worker *worker;

static json_t *show(const char *what)
{
	return json_object_get(
		ear_ask("worker.w1.show", json_pack("{ss}", "what", what)),
		"rows");
}

static int begin(void)
{
	struct worker_conf conf = {
		.id = "w1",
		.listen_n = 1,
		.rtp_first = 43000,
		.rtp_last = 43009,
		.media_threads = 1,
		.versions = {"13.0.0"},
		.versions_n = 1,
	};
	const char *why;
	int err;

	if (!ear_open())
		return -ENOMEM;
	conf.bus = bus;
	sa_set_str(&conf.listen[0], "127.0.0.1", 0);
	err = worker_new(&worker, &conf, &why);
	if (err)
		printf("# %s: %s\n", why, strerror(-err));
	return err;
}

static void end(void)
{
	worker_free(&worker);
	ear_close();
}

static void test_worker_greets_the_manager(void)
{
	CHECK_INT(begin(), 0);
	CHECK(ear_await("manager.hello", 1));
	CHECK_STR(text_of(ear_body("manager.hello", 0), "worker"), "w1");
	end();
}

static void trunk_table(const char *first, const char *second)
{
	json_t *list = json_array();

	for (int i = 0; i < 2; i++) {
		const char *login = i ? second : first;

		if (login)
			json_array_append_new(
				list,
				json_pack("{ss ss s{ss ss ss ss}}", "name",
					  i ? "u" : "t", "storage", "s1",
					  "settings", "login", login,
					  "password", "p", "session", "a",
					  "codecs", "opus,alaw"));
	}
	bus_publish(bus, "worker.w1.trunks", json_pack("{so}", "trunks", list));
	(void)show("status"); /* it has arrived when this is answered */
}

static void test_worker_holds_the_trunks_it_was_last_told(void)
{
	struct worker_trunk *t;

	CHECK_INT(begin(), 0);
	CHECK(!worker_has_manager(worker));
	trunk_table("100", "200");
	CHECK(worker_has_manager(worker));
	t = worker_trunk_by_login(worker, "100");
	CHECK(t && worker_trunk_by_name(worker, "t") == t);
	CHECK_INT(t->codecs_n, 2);
	CHECK(t->codecs[0] == &media_codec_opus);
	trunk_table("101", NULL);
	CHECK(worker_trunk_by_login(worker, "101") == t);
	CHECK(!worker_trunk_by_login(worker, "100"));
	CHECK(!worker_trunk_by_name(worker, "u"));
	CHECK_INT(list_count(&worker->trunks), 1);
	end();
}

static void test_worker_shows_its_state(void)
{
	json_t *row;

	CHECK_INT(begin(), 0);
	row = json_array_get(show("status"), 0);
	CHECK_STR(text_of(row, "worker"), "w1");
	CHECK_INT(json_integer_value(json_object_get(row, "calls")), 0);
	CHECK_INT(json_integer_value(json_object_get(row, "rtp_ports")), 0);
	CHECK_INT(json_integer_value(json_object_get(row, "media_threads")), 1);
	CHECK(json_integer_value(json_object_get(row, "descriptors")) > 3);
	CHECK(json_integer_value(json_object_get(row, "rss_kib")) > 0);
	CHECK_INT(json_array_size(show("calls")), 0);
	end();
}

static void offer(const char *trunk)
{
	bus_publish(bus, "worker.w1.call.offer",
		    json_pack("{ss ss ss ss ss s{ss ss} s[{ss ss ss}]}", "call",
			      "c7", "session", "a", "storage", "s1",
			      "telegram_id", "42", "access_hash", "-5",
			      "caller", "id", "4711", "first_name", "Joe",
			      "targets", "trunk", trunk, "from_user", "joe",
			      "from_name", "Joe"));
}

/* Nobody has registered: the caller hears no ringing, the record says why. */
static void test_worker_ends_a_telegram_call_that_reaches_no_phone(void)
{
	json_t *record;

	CHECK_INT(begin(), 0);
	trunk_table("100", NULL);
	offer("t");
	CHECK(ear_await("manager.call.record", 1));
	record = json_object_get(ear_body("manager.call.record", 0), "record");
	CHECK_STR(text_of(record, "call"), "c7");
	CHECK_STR(text_of(record, "direction"), "telegram-to-sip");
	CHECK_STR(text_of(record, "trunk"), "t");
	CHECK_STR(text_of(record, "telegram_user"), "4711");
	CHECK_INT(json_integer_value(json_object_get(record, "sip_status")),
		  503);
	CHECK_STR(text_of(record, "reason"), "SIP account is unavailable");
	CHECK(json_is_null(json_object_get(record, "answer")));
	CHECK(!json_object_get(record, "sip_media"));
	CHECK(ear_await("storage.s1.call.discard", 1));
	CHECK_STR(text_of(ear_body("storage.s1.call.discard", 0), "reason"),
		  "disconnect");
	CHECK_INT(json_array_size(show("calls")), 0);
	end();
}

static void test_worker_ignores_events_of_calls_it_does_not_have(void)
{
	CHECK_INT(begin(), 0);
	bus_publish(bus, "worker.w1.call.event",
		    json_pack("{ss ss}", "call", "none", "event", "ringing"));
	bus_publish(bus, "worker.w1.call.event", json_object());
	bus_publish(bus, "worker.w1.bye", json_pack("{ss}", "dialog", "{}"));
	CHECK_INT(json_array_size(show("calls")), 0);
	end();
}

/* A call as far as a Telegram leg and an RTP port bring it. */
static struct worker_call *open_call(void)
{
	struct worker_call *wc = worker_call_new(worker, false, "c8");
	struct call_leg *leg = NULL;
	struct sa peer;

	sa_set_str(&peer, "127.0.0.1", 5060);
	if (telegram_leg_new_incoming(&leg, wc) || worker_call_begin(wc, leg) ||
	    worker_call_open_media(wc, &peer))
		return NULL;
	return wc;
}

static void test_worker_shows_a_call(void)
{
	json_int_t port;
	json_t *row;

	CHECK_INT(begin(), 0);
	CHECK(open_call());
	row = json_array_get(show("calls"), 0);
	CHECK_STR(text_of(row, "call"), "c8");
	CHECK_STR(text_of(row, "state"), "calling");
	port = json_integer_value(json_object_get(row, "rtp_port"));
	CHECK(port >= 43000 && port <= 43008);
	row = json_array_get(show("status"), 0);
	CHECK_INT(json_integer_value(json_object_get(row, "calls")), 1);
	CHECK_INT(json_integer_value(json_object_get(row, "rtp_ports")), 1);
	end();
}

static int stops;

static void on_stopped(void *arg)
{
	stops++;
	re_cancel();
}

static void test_worker_stop_ends_every_call_and_waits_for_its_media(void)
{
	json_t *record;

	stops = 0;
	CHECK_INT(begin(), 0);
	CHECK(open_call());
	worker_stop(worker, on_stopped, NULL);
	CHECK_INT(stops, 0);
	loop_until_cancelled();
	CHECK_INT(stops, 1);
	CHECK_INT(rtp_ports_in_use(worker->ports), 0);
	CHECK(ear_await("manager.call.record", 1));
	record = json_object_get(ear_body("manager.call.record", 0), "record");
	CHECK_STR(text_of(record, "ended_by"), "gateway");
	/* A Telegram call that comes now is turned away. */
	trunk_table("100", NULL);
	CHECK(json_is_false(json_object_get(
		ear_ask("worker.w1.call.offer", json_pack("{ss}", "call", "t")),
		"ok")));
	end();
	CHECK_INT(stops, 1);
}

static void test_worker_without_calls_stops_at_once(void)
{
	stops = 0;
	CHECK_INT(begin(), 0);
	worker_stop(worker, on_stopped, NULL);
	CHECK_INT(stops, 0);
	loop_until_cancelled();
	CHECK_INT(stops, 1);
	end();
}

/* The leak and address checkers watch. */
static void test_worker_may_go_in_the_middle_of_calls(void)
{
	struct call_leg *leg = NULL;
	struct worker_call *wc;

	CHECK_INT(begin(), 0);
	CHECK(open_call());
	wc = open_call();
	CHECK(wc);
	/* One whose start request is under way, and one without media. */
	CHECK_INT(telegram_leg_new_outgoing(&leg, wc, "phone", "999"), 0);
	call_add(wc->call, leg);
	call_added_all(wc->call);
	wc = worker_call_new(worker, false, "c9");
	leg = NULL;
	CHECK_INT(telegram_leg_new_incoming(&leg, wc), 0);
	CHECK_INT(worker_call_begin(wc, leg), 0);
	stops = 0;
	worker_stop(worker, on_stopped, NULL);
	end();
	CHECK_INT(stops, 0);
	/* No timer of theirs is left on the loop. */
	CHECK_INT(begin(), 0);
	CHECK_INT(json_array_size(show("calls")), 0);
	end();
}

static void test_worker_digits_are_counted_and_kept_only_masked(void)
{
	struct worker_call *wc;

	CHECK_INT(begin(), 0);
	wc = open_call();
	CHECK(wc);
	worker_call_digit(wc, DTMF_RFC2833, '1');
	CHECK_INT(wc->digits, 1);
	CHECK_STR(wc->digits_masked, "");
	worker->conf.log_digits = true;
	for (const char *d = "2345"; *d; d++)
		worker_call_digit(wc, DTMF_RFC2833, *d);
	CHECK_INT(wc->digits, 5);
	CHECK_STR(wc->digits_masked, "***5");
	for (int i = 0; i < 200; i++)
		worker_call_digit(wc, DTMF_RFC2833, '#');
	CHECK_INT(strlen(wc->digits_masked), sizeof(wc->digits_masked) - 1);
	end();
}

static void test_record_of_an_answered_call(void)
{
	struct worker_call wc = {
		.to_telegram = true,
		.id = "c1",
		.trunk = "t",
		.session = "a",
		.from = "100",
		.to = "+99966000002",
		.codec = "PCMA",
		.version = "13.0.0",
		.ended_by = "calling",
		.digits = 3,
		.digits_masked = "**9",
		.times = {.created = {1700000000000000},
			  .ringing = {1700000001000000},
			  .answered = {1700000002000000},
			  .up = {1700000003000000},
			  .ended = {1700000063500000}},
	};
	json_t *o, *media;

	call_cause_set(&wc.cause, CAUSE_NORMAL, NULL);
	sa_set_str(&wc.report.rtp.remote, "192.0.2.1", 4000);
	wc.report.rtp.rx_packets = 3000;
	wc.report.telegram_leg.jitter.concealed = 4;
	snprintf(wc.report.telegram.remote, sizeof(wc.report.telegram.remote),
		 "host 192.0.2.2:5000");
	o = worker_record(&wc);
	CHECK_STR(text_of(o, "direction"), "sip-to-telegram");
	CHECK_STR(text_of(o, "invite"), "2023-11-14T22:13:20.000Z");
	CHECK_STR(text_of(o, "connected"), "2023-11-14T22:13:23.000Z");
	CHECK_STR(text_of(o, "end"), "2023-11-14T22:14:23.500Z");
	CHECK_INT(json_integer_value(json_object_get(o, "duration_s")), 60);
	CHECK_INT(json_integer_value(json_object_get(o, "sip_status")), 200);
	CHECK_STR(text_of(o, "sip_status_source"), "local");
	CHECK_STR(text_of(o, "to"), "+99966000002");
	CHECK_STR(text_of(o, "digit_values"), "**9");
	media = json_object_get(o, "sip_media");
	CHECK_STR(text_of(media, "remote"), "192.0.2.1:4000");
	CHECK_INT(json_integer_value(json_object_get(media, "rx_packets")),
		  3000);
	media = json_object_get(o, "telegram_media");
	CHECK_STR(text_of(media, "remote"), "host 192.0.2.2:5000");
	CHECK_INT(json_integer_value(json_object_get(
			  json_object_get(media, "buffer"), "concealed")),
		  4);
	json_decref(o);
}

static void test_record_of_a_call_that_was_refused(void)
{
	struct worker_call wc = {
		.to_telegram = true,
		.id = "c1",
		.ended_by = "called",
		.times = {.created = {1700000000000000},
			  .ended = {1700000000100000}},
	};
	json_t *o;

	call_cause_telegram_error(&wc.cause, 403, "USER_PRIVACY_RESTRICTED");
	o = worker_record(&wc);
	CHECK(json_is_null(json_object_get(o, "answer")));
	CHECK(json_is_null(json_object_get(o, "connected")));
	CHECK_INT(json_integer_value(json_object_get(o, "duration_s")), 0);
	CHECK_STR(text_of(o, "reason"), "USER_PRIVACY_RESTRICTED");
	CHECK_STR(text_of(o, "sip_status_source"), "remote");
	CHECK_STR(text_of(o, "hop"), "telegram");
	CHECK(!json_object_get(o, "sip_media"));
	CHECK(!json_object_get(o, "digit_values"));
	json_decref(o);
}

int main(void)
{
	if (libre_init())
		return 1;
	log_set_level(LOG_LEVEL_WARN);
	RUN(test_worker_greets_the_manager);
	RUN(test_worker_holds_the_trunks_it_was_last_told);
	RUN(test_worker_shows_its_state);
	RUN(test_worker_ends_a_telegram_call_that_reaches_no_phone);
	RUN(test_worker_ignores_events_of_calls_it_does_not_have);
	RUN(test_worker_shows_a_call);
	RUN(test_worker_stop_ends_every_call_and_waits_for_its_media);
	RUN(test_worker_without_calls_stops_at_once);
	RUN(test_worker_may_go_in_the_middle_of_calls);
	RUN(test_worker_digits_are_counted_and_kept_only_masked);
	RUN(test_record_of_an_answered_call);
	RUN(test_record_of_a_call_that_was_refused);
	libre_close();
	return check_done();
}
