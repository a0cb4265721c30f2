#include "manager/manager.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cause.h"
#include "base/clock.h"
#include "base/log.h"
#include "bus/manager_storage.h"
#include "bus/manager_worker.h"
#include "bus/text.h"
#include "manager/internal.h"
#include "route/caller.h"

void manager_publish(struct manager *m, const char *subject, json_t *body)
{
	if (bus_publish(m->conf.bus, subject, body))
		log_error("manager", NULL, "no memory for %s", subject);
}

int64_t manager_now(void)
{
	return (int64_t)(clock_wall().us / USEC_S);
}

/* -- Workers ------------------------------------------------------------------
 */

static void on_hello(const struct bus_message *msg, void *arg)
{
	struct manager *m = arg;
	struct manager_worker *w =
		manager_worker_add(m, text_of(msg->body, "worker"));

	if (!w)
		return;
	text_copy(w->address, sizeof(w->address), msg->body, "address");
	w->registrar = !json_is_false(json_object_get(msg->body, "registrar"));
	manager_alarm_hello(m, msg->body);
	manager_calls_settle(m, w->id, json_object_get(msg->body, "calls"));
	manager_bans_send(m, w->id);
	manager_announce_to(m, w);
	manager_stale_worker(m, w->id);
}

static void on_bye(const struct bus_message *msg, void *arg)
{
	const char *worker = text_of(msg->body, "worker");
	struct manager *m = arg;

	manager_alarm_worker(m, worker, true);
	manager_trunks_forget(m, worker);
	mem_deref(manager_worker_find(m, worker));
	manager_announce_soon(m);
}

static void on_registered(const struct bus_message *msg, void *arg)
{
	struct manager_trunk *t =
		manager_trunk_find(arg, text_of(msg->body, "trunk"));

	if (!t)
		return;
	t->registered =
		json_integer_value(json_object_get(msg->body, "expires_s")) > 0;
	text_copy(t->source, sizeof(t->source), msg->body, "source");
	text_copy(t->user_agent, sizeof(t->user_agent), msg->body,
		  "user_agent");
	text_copy(t->worker, sizeof(t->worker), msg->body, "worker");
	text_copy(t->cause, sizeof(t->cause), msg->body, "cause");
	manager_alarm_trunk(arg, t->set.name, !t->registered, t->cause);
}

static void on_reachable(const struct bus_message *msg, void *arg)
{
	struct manager_trunk *t =
		manager_trunk_find(arg, text_of(msg->body, "trunk"));

	if (!t)
		return;
	t->unreachable = json_is_false(json_object_get(msg->body, "reachable"));
	text_copy(t->worker, sizeof(t->worker), msg->body, "worker");
	text_copy(t->cause, sizeof(t->cause), msg->body, "cause");
	manager_alarm_trunk(arg, t->set.name, t->unreachable, t->cause);
}

/* -- routes -------------------------------------------------------------------
 */

static void refuse(struct manager *m, const struct bus_message *msg,
		   enum cause_row row, const char *text)
{
	bus_reply(m->conf.bus, msg->inbox,
		  json_pack("{sb ss ss}", "ok", 0, "cause",
			    cause_facts(row)->name, "text", text));
}

/* Rows 10 and 11. */
static enum cause_row reads(struct route_identifier *id, const struct trunk *t,
			    json_t *body)
{
	if (json_is_false(json_object_get(body, "codec")))
		return CAUSE_NOT_ACCEPTABLE;
	if (route_identifier_read(id, t->caller_phone,
				  text_of(body, "identifier")))
		return CAUSE_NOT_FOUND;
	return CAUSE_ROWS;
}

/* Behaviour 3.4, rows 7 to 11 of an INVITE. What the session is capable of at
 * this moment the Storage tells when it is asked (rows 8 and 12); only what
 * comes behind that question must not be told before it. */
static void on_route(const struct bus_message *msg, void *arg)
{
	struct manager *m = arg;
	const struct manager_trunk *t =
		manager_trunk_find(m, text_of(msg->body, "trunk"));
	bool explained = json_is_true(json_object_get(msg->body, "explain"));
	struct route_identifier id;
	enum cause_row row;
	char text[64] = "";

	if (!t) {
		refuse(m, msg, CAUSE_ROUTE_NOT_FOUND, "");
		return;
	}
	row = manager_may_call(m, &t->set, text);
	if (row == CAUSE_ROWS)
		row = reads(&id, &t->set, msg->body);
	/* An explanation asks no Storage. */
	if ((row == CAUSE_NOT_ACCEPTABLE || row == CAUSE_NOT_FOUND ||
	     (row == CAUSE_ROWS && explained)) &&
	    !manager_session_ready(m, t->set.session))
		row = CAUSE_SESSION_NOT_RUNNING;
	if (row != CAUSE_ROWS) {
		refuse(m, msg, row, text);
		return;
	}
	if (!explained)
		manager_call_add(m, text_of(msg->body, "call"),
				 text_of(msg->body, "worker"), t->set.name);
	bus_reply(m->conf.bus, msg->inbox,
		  json_pack("{sb ss ss s{ss ss}}", "ok", 1, "session",
			    t->set.session, "storage", m->conf.storage, "peer",
			    "kind", route_kind_name(id.kind), "value",
			    id.value));
}

static void on_incoming(const struct bus_message *msg, void *arg)
{
	manager_incoming(arg, msg);
}

static void on_message(const struct bus_message *msg, void *arg)
{
	manager_message(arg, msg);
}

static void on_explain(const struct bus_message *msg, void *arg)
{
	manager_explain(arg, msg);
}

static void on_session_state(const struct bus_message *msg, void *arg)
{
	struct manager *m = arg;
	const char *session = text_of(msg->body, "session");
	json_t *before = json_object_get(m->sessions, session);
	bool same =
		before && json_equal(json_object_get(before, "logged_in"),
				     json_object_get(msg->body, "logged_in"));

	json_object_set(m->sessions, session, msg->body);
	manager_alarm_session(m, msg->body);
	if (!same)
		manager_announce_soon(m);
	if (strcmp(text_of(msg->body, "state"), "ready") == 0)
		manager_stale_session(m, session);
}

static void on_storage_gone(const struct bus_message *msg, void *arg)
{
	struct manager *m = arg;
	const char *storage = text_of(msg->body, "storage"), *name;
	json_t *session;
	void *next;

	json_object_foreach_safe(m->sessions, next, name, session)
	{
		if (strcmp(text_of(session, "storage"), storage) == 0)
			json_object_del(m->sessions, name);
	}
	manager_alarm_storage(m, storage);
	manager_announce_soon(m);
}

static void on_ban(const struct bus_message *msg, void *arg)
{
	manager_ban_keep(arg, msg->body);
	manager_alarm_ban(arg, msg->body, false);
}

static void on_ban_lifted(const struct bus_message *msg, void *arg)
{
	manager_ban_forget(arg, msg->body);
	manager_alarm_ban(arg, msg->body, true);
}

static void on_call_open(const struct bus_message *msg, void *arg)
{
	manager_call_open(arg, msg->body);
}

static void on_call_record(const struct bus_message *msg, void *arg)
{
	struct manager *m = arg;

	manager_call_record(m, msg->body);
	if (msg->inbox)
		bus_reply(m->conf.bus, msg->inbox, json_pack("{sb}", "ok", 1));
}

static void on_show_alerts(const struct bus_message *msg, void *arg)
{
	manager_show_alerts(arg, msg);
}

static void on_alert_acknowledge(const struct bus_message *msg, void *arg)
{
	manager_alert_acknowledge(arg, msg);
}

static void on_show_trunks(const struct bus_message *msg, void *arg)
{
	struct manager *m = arg;

	bus_reply(m->conf.bus, msg->inbox,
		  json_pack("{so}", "rows", manager_show_trunks(m)));
}

/* -- the role
 * ------------------------------------------------------------------ */

static int subscribe_all(struct manager *m)
{
	static const struct {
		const char *subject;
		bus_h *handler;
	} table[] = {
		{BUS_MANAGER_HELLO, on_hello},
		{BUS_MANAGER_ROUTE, on_route},
		{BUS_MANAGER_REGISTERED, on_registered},
		{BUS_MANAGER_REACHABLE, on_reachable},
		{BUS_MANAGER_CALL_OPEN, on_call_open},
		{BUS_MANAGER_CALL_RECORD, on_call_record},
		{BUS_MANAGER_CALL_INCOMING, on_incoming},
		{BUS_MANAGER_MESSAGE, on_message},
		{BUS_MANAGER_SESSION_STATE, on_session_state},
		{BUS_MANAGER_SHOW_TRUNKS, on_show_trunks},
		{BUS_MANAGER_EXPLAIN, on_explain},
		{BUS_MANAGER_SHOW_ALERTS, on_show_alerts},
		{BUS_MANAGER_ALERT_ACKNOWLEDGE, on_alert_acknowledge},
		{BUS_MANAGER_BAN, on_ban},
		{BUS_MANAGER_BAN_LIFTED, on_ban_lifted},
		{BUS_MANAGER_BYE, on_bye},
		{BUS_MANAGER_STORAGE_GONE, on_storage_gone},
		{BUS_MANAGER_TRUNK, manager_on_trunk},
		{BUS_MANAGER_PLACE, manager_on_place},
		{BUS_MANAGER_SUBSCRIPTION, manager_on_subscription},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		int err = bus_subscribe(&m->subs[m->subs_n], m->conf.bus,
					table[i].subject, table[i].handler, m);

		if (err)
			return err;
		m->subs_n++;
	}
	return 0;
}

int manager_new(struct manager **mp, const struct manager_conf *conf)
{
	struct manager *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	m->conf = *conf;
	m->records_fd = -1;
	m->sessions = json_object();
	tmr_init(&m->announce);
	err = m->sessions ? manager_alarm_open(m) : -ENOMEM;
	if (!err)
		err = manager_records_open(m);
	if (err)
		goto out;
	manager_places_load(m);
	err = manager_declare(m, &conf->declared);
	if (!err)
		err = subscribe_all(m);
	if (err)
		goto out;
	/* Workers and Storages that run tell what they have. */
	if (conf->again) {
		manager_alarm_again(m);
		manager_publish(m, BUS_MANAGER_UP, json_object());
	}
	*mp = m;
	return 0;
out:
	manager_free(&m);
	return err;
}

static void farewell(struct manager *m)
{
	char subject[96];
	struct le *le;

	LIST_FOREACH(&m->workers, le)
	{
		const struct manager_worker *w = le->data;

		snprintf(subject, sizeof(subject), BUS_WORKER_TRUNKS, w->id);
		manager_publish(m, subject, json_pack("{sb}", "gone", 1));
	}
}

void manager_stopping(struct manager *m)
{
	m->stopping = true;
}

void manager_free(struct manager **mp)
{
	struct manager *m = *mp;

	if (!m)
		return;
	*mp = NULL;
	tmr_cancel(&m->announce);
	while (m->subs_n)
		bus_unsubscribe(&m->subs[--m->subs_n]);
	farewell(m);
	manager_incoming_drop(m);
	manager_records_close(m);
	list_flush(&m->workers);
	list_flush(&m->said);
	manager_alarm_close(m);
	list_flush(&m->calls);
	list_flush(&m->trunks);
	json_decref(m->sessions);
	json_decref(m->owners);
	json_decref(m->max_calls);
	json_decref(m->off);
	free(m);
}
