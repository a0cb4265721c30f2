#include "manager/manager.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cause.h"
#include "base/log.h"
#include "bus/manager_storage.h"
#include "bus/manager_worker.h"
#include "bus/text.h"
#include "manager/internal.h"
#include "route/caller.h"
#include "route/trunk_json.h"

#define ANNOUNCE_MS 2000

void manager_publish(struct manager *m, const char *subject, json_t *body)
{
	if (bus_publish(m->conf.bus, subject, body))
		log_error("manager", NULL, "no memory for %s", subject);
}

static struct trunk *trunk_find(struct manager *m, const char *name)
{
	for (size_t i = 0; i < m->conf.trunks_n; i++)
		if (strcmp(m->trunks[i].name, name) == 0)
			return &m->trunks[i];
	return NULL;
}

/* False once Telegram has said so; not merely while there is no connection. */
static bool session_authorised(const struct manager *m, const char *name)
{
	const json_t *session = json_object_get(m->sessions, name);

	return !json_is_false(json_object_get(session, "logged_in"));
}

/* -- Workers ------------------------------------------------------------------
 */

static json_t *announced(const struct manager *m, const struct trunk *t)
{
	return json_pack("{ss ss sb so}", "name", t->name, "storage",
			 m->conf.storage, "authorised",
			 session_authorised(m, t->session), "settings",
			 trunk_json(t, TRUNK_JSON_ALL));
}

static json_t *trunks_json(const struct manager *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < m->conf.trunks_n; i++) {
		json_array_append_new(list, announced(m, &m->trunks[i]));
	}
	return list;
}

static void announce_to(struct manager *m, const char *worker)
{
	char subject[96];

	snprintf(subject, sizeof(subject), BUS_WORKER_TRUNKS, worker);
	manager_publish(m, subject,
			json_pack("{so}", "trunks", trunks_json(m)));
}

static void announce_all(void *arg)
{
	struct manager *m = arg;
	struct le *le;

	LIST_FOREACH(&m->workers, le)
	announce_to(m, ((struct manager_worker *)le->data)->id);
	tmr_start(&m->announce, ANNOUNCE_MS, announce_all, m);
}

static void worker_destroy(void *arg)
{
	struct manager_worker *w = arg;

	list_unlink(&w->le);
}

static void on_hello(const struct bus_message *msg, void *arg)
{
	struct manager *m = arg;
	const char *id = text_of(msg->body, "worker");
	struct manager_worker *w;
	struct le *le;

	LIST_FOREACH(&m->workers, le)
	if (strcmp(((struct manager_worker *)le->data)->id, id) == 0)
		goto known;
	w = mem_zalloc(sizeof(*w), worker_destroy);
	if (!w)
		return;
	snprintf(w->id, sizeof(w->id), "%s", id);
	list_append(&m->workers, &w->le, w);
known:
	manager_bans_send(m, id);
	announce_to(m, id);
	manager_stale_worker(m, id);
}

static void on_registered(const struct bus_message *msg, void *arg)
{
	struct manager *m = arg;
	struct trunk *t = trunk_find(m, text_of(msg->body, "trunk"));
	size_t i;

	if (!t)
		return;
	i = (size_t)(t - m->trunks);
	m->registrations[i].registered =
		json_integer_value(json_object_get(msg->body, "expires_s")) > 0;
	snprintf(m->registrations[i].source, sizeof(m->registrations[i].source),
		 "%s", text_of(msg->body, "source"));
	snprintf(m->registrations[i].user_agent,
		 sizeof(m->registrations[i].user_agent), "%s",
		 text_of(msg->body, "user_agent"));
	snprintf(m->registrations[i].worker, sizeof(m->registrations[i].worker),
		 "%s", text_of(msg->body, "worker"));
	text_copy(m->registrations[i].cause, sizeof(m->registrations[i].cause),
		  msg->body, "cause");
}

static void on_reachable(const struct bus_message *msg, void *arg)
{
	struct manager *m = arg;
	struct trunk *t = trunk_find(m, text_of(msg->body, "trunk"));
	size_t i = (size_t)(t - m->trunks);

	if (!t)
		return;
	m->registrations[i].unreachable =
		json_is_false(json_object_get(msg->body, "reachable"));
	text_copy(m->registrations[i].cause, sizeof(m->registrations[i].cause),
		  msg->body, "cause");
}

/* -- routes -------------------------------------------------------------------
 */

static void refuse(struct manager *m, const struct bus_message *msg,
		   enum cause_row row)
{
	bus_reply(
		m->conf.bus, msg->inbox,
		json_pack("{sb ss}", "ok", 0, "cause", cause_facts(row)->name));
}

/* In the order of behaviour 3.4, rows 7 and 8 before 10: without a common codec
 * no Storage is asked, which tells these otherwise. */
static void refuse_codec(struct manager *m, const struct bus_message *msg,
			 const char *session)
{
	json_t *known = json_object_get(m->sessions, session);

	if (!known)
		refuse(m, msg, CAUSE_STORAGE_UNAVAILABLE);
	else if (strcmp(text_of(known, "state"), "ready") != 0)
		refuse(m, msg, CAUSE_SESSION_NOT_RUNNING);
	else
		refuse(m, msg, CAUSE_NOT_ACCEPTABLE);
}

static void on_route(const struct bus_message *msg, void *arg)
{
	struct manager *m = arg;
	struct trunk *t = trunk_find(m, text_of(msg->body, "trunk"));
	struct route_identifier id;

	if (!t) {
		refuse(m, msg, CAUSE_ROUTE_NOT_FOUND);
		return;
	}
	if (json_is_false(json_object_get(msg->body, "codec"))) {
		refuse_codec(m, msg, t->session);
		return;
	}
	if (route_identifier_read(&id, t->caller_phone,
				  text_of(msg->body, "identifier"))) {
		refuse(m, msg, CAUSE_NOT_FOUND);
		return;
	}
	bus_reply(m->conf.bus, msg->inbox,
		  json_pack("{sb ss ss s{ss ss}}", "ok", 1, "session",
			    t->session, "storage", m->conf.storage, "peer",
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
	bool authorised = session_authorised(m, session);

	json_object_set(m->sessions, session, msg->body);
	if (authorised != session_authorised(m, session))
		announce_all(m);
	if (strcmp(text_of(msg->body, "state"), "ready") == 0)
		manager_stale_session(m, session);
}

static void on_ban(const struct bus_message *msg, void *arg)
{
	manager_ban_keep(arg, msg->body);
}

static void on_ban_lifted(const struct bus_message *msg, void *arg)
{
	manager_ban_forget(arg, msg->body);
}

static void on_call_open(const struct bus_message *msg, void *arg)
{
	manager_call_open(arg, msg->body);
}

static void on_call_record(const struct bus_message *msg, void *arg)
{
	manager_call_record(arg, msg->body);
}

static const char *trunk_state(const struct manager *m, size_t i)
{
	if (m->registrations[i].unreachable)
		return "unreachable";
	if (m->trunks[i].kind == TRUNK_IP)
		return "static";
	return m->registrations[i].registered ? "registered" : "unregistered";
}

static void on_show_trunks(const struct bus_message *msg, void *arg)
{
	struct manager *m = arg;
	json_t *rows = json_array();

	for (size_t i = 0; i < m->conf.trunks_n; i++)
		json_array_append_new(
			rows,
			json_pack("{ss ss ss si ss ss ss ss}", "trunk",
				  m->trunks[i].name, "kind",
				  trunk_kind_name(m->trunks[i].kind), "session",
				  m->trunks[i].session, "priority",
				  (int)m->trunks[i].priority, "state",
				  trunk_state(m, i), "cause",
				  m->registrations[i].cause, "source",
				  m->registrations[i].source, "user_agent",
				  m->registrations[i].user_agent));
	bus_reply(m->conf.bus, msg->inbox, json_pack("{so}", "rows", rows));
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
		{BUS_MANAGER_BAN, on_ban},
		{BUS_MANAGER_BAN_LIFTED, on_ban_lifted},
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
	m->trunks = calloc(conf->trunks_n + 1, sizeof(*m->trunks));
	m->registrations =
		calloc(conf->trunks_n + 1, sizeof(*m->registrations));
	if (!m->trunks || !m->registrations || !m->sessions) {
		err = -ENOMEM;
		goto out;
	}
	if (conf->trunks_n)
		memcpy(m->trunks, conf->trunks,
		       conf->trunks_n * sizeof(*m->trunks));
	err = manager_records_open(m);
	if (!err)
		err = subscribe_all(m);
	if (err)
		goto out;
	tmr_start(&m->announce, ANNOUNCE_MS, announce_all, m);
	*mp = m;
	return 0;
out:
	manager_free(&m);
	return err;
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
	manager_records_close(m);
	list_flush(&m->workers);
	list_flush(&m->said);
	json_decref(m->sessions);
	if (m->trunks)
		bytes_wipe(m->trunks, m->conf.trunks_n * sizeof(*m->trunks));
	free(m->trunks);
	free(m->registrations);
	free(m);
}
