#include "manager/alerts.h"

#include <errno.h>
#include <stdio.h>

#include "tests/check.h"

#define NOW 1800000000

static struct store_alert last_told;
static size_t told, dropped;
static int64_t last_dropped;

static void on_changed(const struct store_alert *alert, void *arg)
{
	last_told = *alert;
	told++;
}

static void on_dropped(int64_t id, void *arg)
{
	last_dropped = id;
	dropped++;
}

static struct alerts *make(void)
{
	static const struct alerts_handlers handlers = {on_changed, on_dropped};
	struct alerts *a = NULL;

	told = dropped = 0;
	(void)alerts_new(&a, &handlers, NULL);
	return a;
}

struct seen {
	size_t n, open;
	struct store_alert newest;
};

static void see(const struct store_alert *alert, void *arg)
{
	struct seen *s = arg;

	if (!s->n++)
		s->newest = *alert;
	s->open += !alert->cleared;
}

static struct seen look(const struct alerts *a)
{
	struct seen s = {0};

	alerts_each(a, see, &s);
	return s;
}

static void test_alert_is_raised_counted_and_cleared(void)
{
	struct alerts *a = make();

	alerts_raise(a, ALERT_TRUNK, "pbx", 403, "Forbidden", NOW, 0);
	alerts_raise(a, ALERT_TRUNK, "other", 0, "not registered", NOW, 0);
	alerts_raise(a, ALERT_TRUNK, "pbx", 408, "Request Timeout", NOW + 5, 0);
	CHECK_INT(told, 3);
	CHECK_INT(last_told.id, 1);
	CHECK_STR(last_told.kind, "trunk");
	CHECK_STR(last_told.object, "pbx");
	CHECK_INT(last_told.count, 2);
	CHECK_INT(last_told.since, NOW);
	CHECK_INT(last_told.last, NOW + 5);
	CHECK_INT(last_told.code, 408);
	CHECK_STR(last_told.reason, "Request Timeout");
	CHECK_INT(look(a).open, 2);
	alerts_clear(a, ALERT_SESSION, "pbx", NOW + 6);
	alerts_clear(a, ALERT_TRUNK, "nobody", NOW + 6);
	CHECK_INT(told, 3);
	alerts_clear(a, ALERT_TRUNK, "pbx", NOW + 7);
	CHECK_INT(last_told.cleared, NOW + 7);
	alerts_clear(a, ALERT_TRUNK, "pbx", NOW + 8);
	CHECK_INT(told, 4);
	/* It goes again: another alert. */
	alerts_raise(a, ALERT_TRUNK, "pbx", 403, "Forbidden", NOW + 9, 0);
	CHECK_INT(last_told.id, 3);
	CHECK_INT(last_told.count, 1);
	CHECK_INT(look(a).n, 3);
	CHECK_INT(look(a).open, 2);
	alerts_free(&a);
}

static void test_alert_ends_by_itself(void)
{
	struct alerts *a = make();

	alerts_raise(a, ALERT_BAN, "192.0.2.1", 403, "Wrong password", NOW,
		     NOW + 1800);
	alerts_raise(a, ALERT_FLOOD, "office", 503, "x", NOW, NOW + 60);
	alerts_tick(a, NOW + 59);
	CHECK_INT(look(a).open, 2);
	alerts_tick(a, NOW + 61);
	CHECK_INT(look(a).open, 1);
	CHECK_INT(last_told.cleared, NOW + 60);
	alerts_raise(a, ALERT_BAN, "192.0.2.1", 403, "x", NOW + 100,
		     NOW + 3700);
	alerts_tick(a, NOW + 1800);
	CHECK_INT(look(a).open, 1);
	alerts_free(&a);
}

/* "10 or more 5xx in 5 min" */
static void test_alert_of_ten_errors_in_five_minutes(void)
{
	struct alerts *a = make();

	for (int i = 0; i < 30; i++) /* one in 34 s: nine in five minutes */
		alerts_error(a, 503, "x", NOW + i * 34);
	CHECK_INT(told, 0);
	for (int i = 0; i < 9; i++)
		alerts_error(a, 500, "Database error", NOW + 2000 + i * 33);
	CHECK_INT(told, 0);
	alerts_error(a, 500, "Database error", NOW + 2000 + 299);
	CHECK_INT(told, 1);
	CHECK_STR(last_told.kind, "5xx");
	CHECK_INT(last_told.code, 500);
	alerts_error(a, 503, "x", NOW + 2310);
	CHECK_INT(look(a).open, 1);
	CHECK_INT(look(a).newest.count, 2);
	alerts_tick(a, NOW + 2310 + 299);
	CHECK_INT(look(a).open, 1);
	alerts_tick(a, NOW + 2310 + 300);
	CHECK_INT(look(a).open, 0);
	alerts_free(&a);
}

static void test_alert_is_acknowledged(void)
{
	struct alerts *a = make();

	alerts_raise(a, ALERT_WORKER, "w1", 503, "x", NOW, 0);
	CHECK_INT(alerts_acknowledge(a, 1), 0);
	CHECK(last_told.acknowledged && !last_told.cleared);
	CHECK_INT(alerts_acknowledge(a, 2), -ENOENT);
	alerts_clear(a, ALERT_WORKER, "w1", NOW + 1);
	CHECK(last_told.acknowledged);
	alerts_free(&a);
}

static void test_alert_of_an_earlier_process_goes_on(void)
{
	struct store_alert kept = {.id = 41,
				   .kind = "trunk",
				   .object = "pbx",
				   .since = NOW,
				   .last = NOW,
				   .count = 1};
	struct alerts *a = make();

	alerts_take(a, &kept);
	CHECK_INT(told, 0);
	alerts_raise(a, ALERT_LINES, "pbx", 402, "x", NOW + 1, 0);
	CHECK_INT(last_told.id, 42);
	alerts_clear(a, ALERT_TRUNK, "pbx", NOW + 2);
	CHECK_INT(last_told.id, 41);
	alerts_free(&a);
}

static void test_alerts_are_bounded(void)
{
	struct alerts *a = make();
	char object[200];

	alerts_raise(a, ALERT_TRUNK, "stays", 0, "x", NOW, 0);
	for (int i = 0; i < ALERTS_MAX; i++) {
		snprintf(object, sizeof(object), "%d", i);
		alerts_raise(a, ALERT_BAN, object, 0, "x", NOW, 0);
		alerts_clear(a, ALERT_BAN, object, NOW);
	}
	CHECK_INT(look(a).n, ALERTS_MAX);
	CHECK_INT(look(a).open, 1);
	CHECK_INT(dropped, 1);
	CHECK_INT(last_dropped, 2);
	for (int i = 0; i < ALERTS_MAX; i++) {
		snprintf(object, sizeof(object), "%d", i);
		alerts_raise(a, ALERT_WORKER, object, 0, "x", NOW, 0);
	}
	CHECK_INT(look(a).n, ALERTS_MAX); /* all open: the oldest goes */
	memset(object, 'o', sizeof(object) - 1);
	object[sizeof(object) - 1] = '\0';
	alerts_raise(a, ALERT_TRUNK, object, 0, object, NOW, 0);
	alerts_raise(a, ALERT_TRUNK, object, 0, object, NOW, 0);
	CHECK_INT(last_told.count, 2); /* cut alike */
	alerts_free(&a);
	alerts_free(&a);
}

int main(void)
{
	RUN(test_alert_is_raised_counted_and_cleared);
	RUN(test_alert_ends_by_itself);
	RUN(test_alert_of_ten_errors_in_five_minutes);
	RUN(test_alert_is_acknowledged);
	RUN(test_alert_of_an_earlier_process_goes_on);
	RUN(test_alerts_are_bounded);
	return check_done();
}
