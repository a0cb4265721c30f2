/* Subscriptions: what calls a trunk may make, and what was used of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bus/manager_worker.h"
#include "bus/text.h"
#include "manager/internal.h"

/* "2027-01-31", "2027-01-31T12:00:00Z" or "" for ever; -EINVAL. */
static int date_read(int64_t *v, const char *text)
{
	struct tm tm = {0};
	const char *rest;

	if (!*text) {
		*v = 0;
		return 0;
	}
	rest = strptime(text, "%Y-%m-%d", &tm);
	if (rest && *rest == 'T')
		rest = strptime(rest, "T%H:%M:%SZ", &tm);
	if (!rest || *rest)
		return -EINVAL;
	*v = timegm(&tm);
	return 0;
}

static void date_write(char text[32], int64_t v)
{
	time_t t = (time_t)v;
	struct tm tm;

	*text = '\0';
	if (v && gmtime_r(&t, &tm))
		(void)strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static int number_read(int64_t *v, const char *text)
{
	char *end;
	long long n = strtoll(*text ? text : "0", &end, 10);

	if (*end || n < 0 || n > 1000000000)
		return -EINVAL;
	*v = n;
	return 0;
}

/* NULL, or what is wrong. */
static const char *setting_read(struct store_subscription *v, const char *key,
				const char *text)
{
	if (strcmp(key, "until") == 0)
		return date_read(&v->until, text)
			       ? "a date is expected: 2027-01-31 or "
				 "2027-01-31T12:00:00Z, UTC"
			       : NULL;
	const struct {
		const char *key;
		int64_t *v;
	} numbers[] = {{"lines", &v->lines},
		       {"seconds", &v->seconds},
		       {"fails", &v->fails},
		       {"seconds_used", &v->seconds_used}};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (strcmp(numbers[i].key, key) == 0)
			return number_read(numbers[i].v, text)
				       ? "a number is expected"
				       : NULL;
	return "there are until, lines, seconds, fails and seconds_used";
}

static void subscription_set(struct manager *m, const struct bus_message *msg)
{
	const char *name = text_of(msg->body, "subscription"), *key, *why;
	struct store_subscription v = {0};
	json_t *value;
	int err = store_subscription_get(m->conf.store, name, &v);

	if (err && err != -ENOENT) {
		manager_refuse(m, msg, "the store: %s", strerror(-err));
		return;
	}
	if (!*name || strlen(name) >= sizeof(v.name)) {
		manager_refuse(m, msg, "a name of at most 63 characters");
		return;
	}
	snprintf(v.name, sizeof(v.name), "%s", name);
	json_object_foreach(json_object_get(msg->body, "settings"), key, value)
	{
		why = setting_read(&v, key,
				   json_string_value(value)
					   ? json_string_value(value)
					   : "?");
		if (why) {
			manager_refuse(m, msg, "%.64s: %s", key, why);
			return;
		}
	}
	err = store_subscription_put(m->conf.store, &v);
	if (err) {
		manager_refuse(m, msg, "the store: %s", strerror(-err));
		return;
	}
	manager_announce(m);
	bus_reply(m->conf.bus, msg->inbox, json_pack("{sb}", "ok", 1));
}

static void subscription_remove(struct manager *m,
				const struct bus_message *msg)
{
	const char *name = text_of(msg->body, "subscription");
	struct store_subscription v;

	if (store_subscription_get(m->conf.store, name, &v)) {
		manager_refuse(m, msg, "there is no subscription %.64s", name);
		return;
	}
	(void)store_subscription_remove(m->conf.store, name);
	manager_announce(m);
	bus_reply(m->conf.bus, msg->inbox, json_pack("{sb}", "ok", 1));
}

struct showing {
	struct manager *m;
	json_t *rows;
};

static void show_row(const struct store_subscription *v, void *arg)
{
	struct showing *s = arg;
	int64_t fails = 0;
	char until[32];

	date_write(until, v->until);
	(void)store_fails(s->m->conf.store, v->name, manager_now() - 3600,
			  &fails);
	json_array_append_new(
		s->rows,
		json_pack("{ss ss sI sI sI sI sI sI}", "subscription", v->name,
			  "until", until, "lines", (json_int_t)v->lines,
			  "lines_used",
			  (json_int_t)manager_calls(s->m, CALLS_OF_SUBSCRIPTION,
						    v->name),
			  "seconds", (json_int_t)v->seconds, "seconds_used",
			  (json_int_t)v->seconds_used, "fails",
			  (json_int_t)v->fails, "fails_used",
			  (json_int_t)fails));
}

void manager_on_subscription(const struct bus_message *msg, void *arg)
{
	struct manager *m = arg;
	struct showing s = {m, NULL};
	int err;

	if (strcmp(msg->subject, BUS_MANAGER_SUBSCRIPTION_SET) == 0) {
		subscription_set(m, msg);
		return;
	}
	if (strcmp(msg->subject, BUS_MANAGER_SUBSCRIPTION_REMOVE) == 0) {
		subscription_remove(m, msg);
		return;
	}
	s.rows = json_array();
	err = store_subscription_each(m->conf.store, show_row, &s);
	if (!err) {
		bus_reply(m->conf.bus, msg->inbox,
			  json_pack("{so}", "rows", s.rows));
		return;
	}
	json_decref(s.rows);
	manager_refuse(m, msg, "the store: %s", strerror(-err));
}

/* Behaviour 6.3: "a failed call is an outgoing attempt that reached the far
 * side or Telegram and did not end in an answer, except when cancelled by its
 * own caller; local refusals do not count". */
static bool is_failed(json_t *record)
{
	json_int_t status =
		json_integer_value(json_object_get(record, "sip_status"));

	return status >= 300 && status != 487 &&
	       !json_is_string(json_object_get(record, "answer")) &&
	       strcmp(text_of(record, "hop"), "gateway") != 0;
}

void manager_subscription_use(struct manager *m, json_t *record)
{
	const struct manager_trunk *t =
		manager_trunk_find(m, text_of(record, "trunk"));
	json_int_t seconds =
		json_integer_value(json_object_get(record, "duration_s"));
	int64_t now = manager_now();

	if (!t || !*t->set.subscription)
		return;
	if (seconds > 0)
		(void)store_subscription_use(m->conf.store, t->set.subscription,
					     seconds);
	if (is_failed(record))
		(void)store_fail_put(m->conf.store, t->set.subscription, now,
				     now - 3600);
}
