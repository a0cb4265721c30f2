/* Alerts are raised and cleared from what the Manager hears anyway (behaviour
 * D3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cause.h"
#include "base/clock.h"
#include "base/log.h"
#include "bus/manager_worker.h"
#include "bus/text.h"
#include "manager/alerts.h"
#include "manager/internal.h"

#define DAY_S 86400
#define CERTIFICATE_S (30 * DAY_S)

static void on_changed(const struct store_alert *s, void *arg)
{
	struct manager *m = arg;

	if (s->cleared)
		log_info("manager", NULL, "alert %lld is over: %s %s",
			 (long long)s->id, s->kind, s->object);
	else if (s->count == 1 && !s->acknowledged)
		log_warn("manager", NULL, "alert %lld: %s %s: %d %s",
			 (long long)s->id, s->kind, s->object, s->code,
			 s->reason);
	if (store_alert_put(m->conf.store, s))
		log_error("manager", NULL, "alert not kept");
}

static void on_dropped(int64_t id, void *arg)
{
	struct manager *m = arg;

	(void)store_alert_remove(m->conf.store, id);
}

static void take(const struct store_alert *alert, void *arg)
{
	alerts_take(arg, alert);
}

int manager_alarm_open(struct manager *m)
{
	static const struct alerts_handlers handlers = {on_changed, on_dropped};
	int err = alerts_new(&m->alerts, &handlers, m);

	if (!err)
		(void)store_alert_each(m->conf.store, take, m->alerts);
	return err;
}

void manager_alarm_close(struct manager *m)
{
	alerts_free(&m->alerts);
	json_decref(m->certificates);
}

/* When all stops, parts going one after the other are no news. */
static void alarm_raise(struct manager *m, enum alert_kind kind,
			const char *object, int code, const char *reason,
			int64_t now, int64_t until)
{
	if (!m->stopping)
		alerts_raise(m->alerts, kind, object, code, reason, now, until);
}

/* -- what is heard --------------------------------------------------------- */

void manager_alarm_trunk(struct manager *m, const char *trunk, bool lost,
			 const char *cause)
{
	char *rest;
	long code = strtol(cause, &rest, 10);

	if (!lost) {
		alerts_clear(m->alerts, ALERT_TRUNK, trunk, manager_now());
		return;
	}
	rest += *rest == ' ';
	alarm_raise(m, ALERT_TRUNK, trunk, (int)code,
		    *rest ? rest : "not registered", manager_now(), 0);
}

/* state: manager.session.state. One without connection for a moment is not
 * lost: its next state tells. Nor is one that nobody has logged in yet. */
void manager_alarm_session(struct manager *m, json_t *state)
{
	const char *session = text_of(state, "session");
	const char *reason = text_of(state, "reason");
	int64_t now = manager_now();

	alerts_clear(m->alerts, ALERT_STORAGE, text_of(state, "storage"), now);
	if (json_is_true(json_object_get(state, "lost")))
		alarm_raise(m, ALERT_SESSION, session, 0,
			    *reason ? reason : text_of(state, "state"), now, 0);
	else if (strcmp(text_of(state, "state"), "ready") == 0)
		alerts_clear(m->alerts, ALERT_SESSION, session, now);
}

void manager_alarm_worker(struct manager *m, const char *worker, bool lost)
{
	const struct cause_facts *f = cause_facts(CAUSE_WORKER_UNAVAILABLE);

	if (lost)
		alarm_raise(m, ALERT_WORKER, worker, f->code, f->reason,
			    manager_now(), 0);
	else
		alerts_clear(m->alerts, ALERT_WORKER, worker, manager_now());
}

/* Its sessions say when it is back. */
void manager_alarm_storage(struct manager *m, const char *storage)
{
	const struct cause_facts *f = cause_facts(CAUSE_STORAGE_UNAVAILABLE);

	alarm_raise(m, ALERT_STORAGE, storage, f->code, f->reason,
		    manager_now(), 0);
}

void manager_alarm_again(struct manager *m)
{
	const struct cause_facts *f = cause_facts(CAUSE_NO_MANAGER);
	int64_t now = manager_now();

	/* It is there, so it is over. */
	alarm_raise(m, ALERT_MANAGER, "", f->code, f->reason, now, now);
	alerts_tick(m->alerts, now);
}

void manager_alarm_ban(struct manager *m, json_t *ban, bool lifted)
{
	const char *reason = text_of(ban, "reason");
	const char *address = text_of(ban, "address");
	int64_t now = manager_now();
	char *rest;
	long code = strtol(reason, &rest, 10);

	if (lifted)
		alerts_clear(m->alerts, ALERT_BAN, address, now);
	else
		alarm_raise(m, ALERT_BAN, address, (int)code,
			    rest + (*rest == ' '), now,
			    now + json_integer_value(
					  json_object_get(ban, "seconds")));
}

/* "Too Many Requests: retry after 42" */
static int64_t wait_of(const char *reason)
{
	const char *blank = strrchr(reason, ' ');
	long seconds = blank ? strtol(blank + 1, NULL, 10) : 0;

	return seconds > 0 ? seconds : ALERTS_ERRORS_S;
}

static void cause_heard(struct manager *m, enum cause_row row, json_t *record)
{
	const char *reason = text_of(record, "reason");
	int code =
		(int)json_integer_value(json_object_get(record, "sip_status"));
	const char *session = text_of(record, "session");
	int64_t now = manager_now();

	switch (row) {
	case CAUSE_FLOOD_WAIT:
	case CAUSE_PEER_FLOOD:
		alarm_raise(m, ALERT_FLOOD, session, code, reason, now,
			    now + wait_of(reason));
		break;
	case CAUSE_LIMIT:
	case CAUSE_MAX_CALLS:
		alarm_raise(m, ALERT_LINES, text_of(record, "trunk"), code,
			    reason, now, 0);
		break;
	case CAUSE_STORAGE_UNAVAILABLE:
		alarm_raise(m, ALERT_STORAGE, m->conf.storage, code, reason,
			    now, 0);
		break;
	case CAUSE_NO_MANAGER:
		/* It is heard, so it is over. */
		alarm_raise(m, ALERT_MANAGER, "", code, reason, now, now);
		break;
	default:
		break;
	}
}

void manager_alarm_record(struct manager *m, json_t *record)
{
	int code =
		(int)json_integer_value(json_object_get(record, "sip_status"));

	cause_heard(m, cause_by_name(text_of(record, "cause")), record);
	if (code >= 500 && code < 600 && !m->stopping)
		alerts_error(m->alerts, code, text_of(record, "reason"),
			     manager_now());
	else if (code == 200)
		alerts_clear(m->alerts, ALERT_LINES, text_of(record, "trunk"),
			     manager_now());
	alerts_tick(m->alerts, manager_now());
}

/* {file: unix time of its end} */
static void certificates_check(struct manager *m, int64_t now)
{
	const char *file;
	char reason[64];
	json_t *end;

	json_object_foreach(m->certificates, file, end)
	{
		int64_t left = json_integer_value(end) - now;

		if (left >= CERTIFICATE_S) {
			alerts_clear(m->alerts, ALERT_CERTIFICATE, file, now);
			continue;
		}
		snprintf(reason, sizeof(reason), "expires in %lld days",
			 (long long)(left > 0 ? left / DAY_S : 0));
		alarm_raise(m, ALERT_CERTIFICATE, file, 0, reason, now, 0);
	}
}

void manager_alarm_hello(struct manager *m, json_t *hello)
{
	json_t *certificates = json_object_get(hello, "certificates");

	manager_alarm_worker(m, text_of(hello, "worker"), false);
	if (!json_is_object(certificates))
		return;
	json_decref(m->certificates);
	m->certificates = json_incref(certificates);
	m->certificates_at = manager_now();
	certificates_check(m, m->certificates_at);
}

void manager_alarm_tick(struct manager *m)
{
	int64_t now = manager_now();

	alerts_tick(m->alerts, now);
	if (now - m->certificates_at < DAY_S)
		return;
	m->certificates_at = now;
	certificates_check(m, now);
}

/* -- asked for ------------------------------------------------------------- */

static void row_add(const struct store_alert *s, void *arg)
{
	struct wall wall = {.us = s->since * (int64_t)USEC_S};
	char since[32], last[32], cleared[32] = "";

	wall_iso8601(since, wall);
	wall.us = s->last * (int64_t)USEC_S;
	wall_iso8601(last, wall);
	wall.us = s->cleared * (int64_t)USEC_S;
	if (s->cleared)
		wall_iso8601(cleared, wall);
	json_array_append_new(
		arg, json_pack("{sI ss ss ss si ss sI ss ss ss sb}", "id",
			       (json_int_t)s->id, "state",
			       s->cleared ? "past" : "open", "kind", s->kind,
			       "object", s->object, "code", s->code, "reason",
			       s->reason, "count", (json_int_t)s->count,
			       "since", since, "last", last, "cleared", cleared,
			       "acknowledged", s->acknowledged));
}

void manager_show_alerts(struct manager *m, const struct bus_message *msg)
{
	json_t *rows = json_array();

	alerts_tick(m->alerts, manager_now());
	alerts_each(m->alerts, row_add, rows);
	bus_reply(m->conf.bus, msg->inbox, json_pack("{so}", "rows", rows));
}

void manager_alert_acknowledge(struct manager *m, const struct bus_message *msg)
{
	int64_t id = strtoll(text_of(msg->body, "id"), NULL, 10);

	bus_reply(m->conf.bus, msg->inbox,
		  alerts_acknowledge(m->alerts, id)
			  ? json_pack("{sb ss}", "ok", 0, "text",
				      "there is no such alert")
			  : json_pack("{sb}", "ok", 1));
}
