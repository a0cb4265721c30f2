/* Roles stopped and started inside the process, and the configuration read
 * again while it runs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "bus/gateway.h"
#include "bus/text.h"
#include "gateway_internal.h"

static void refuse(struct gateway *g, const char *inbox, const char *text)
{
	bus_reply(g->bus, inbox, json_pack("{sb ss}", "ok", 0, "text", text));
}

static void done(struct gateway *g, const char *inbox)
{
	bus_reply(g->bus, inbox, json_pack("{sb}", "ok", 1));
}

/* -- stop ---------------------------------------------------------------------
 */

static void worker_gone(void *arg)
{
	struct gateway *g = arg;

	tmr_cancel(&g->worker_limit);
	worker_free(&g->worker);
	log_info("gateway", NULL, "the worker has stopped");
	done(g, g->worker_inbox);
	g->worker_inbox = mem_deref(g->worker_inbox);
}

static void worker_empty(void *arg)
{
	struct gateway *g = arg;

	if (g->worker_inbox)
		tmr_start(&g->worker_limit, GATEWAY_LINGER_MS, worker_gone, g);
}

static void stop_worker(struct gateway *g, const char *inbox)
{
	if (g->worker_inbox) {
		refuse(g, inbox, "it is stopping");
		return;
	}
	if (str_dup(&g->worker_inbox, inbox)) {
		refuse(g, inbox, "out of memory");
		return;
	}
	tmr_start(&g->worker_limit, GATEWAY_STOP_LIMIT_MS, worker_gone, g);
	worker_stop(g->worker, worker_empty, g);
}

static void on_stop(const struct bus_message *m, void *arg)
{
	struct gateway *g = arg;
	const char *role = text_of(m->body, "role");

	if (strcmp(role, "worker") == 0 && g->worker) {
		stop_worker(g, m->inbox);
		return;
	}
	if (strcmp(role, "manager") == 0 && g->manager) {
		manager_free(&g->manager);
	} else if (strcmp(role, "storage") == 0 && g->storage) {
		storage_free(&g->storage);
	} else {
		refuse(g, m->inbox, "no such role runs here");
		return;
	}
	log_info("gateway", NULL, "the %s has stopped", role);
	done(g, m->inbox);
}

/* -- start --------------------------------------------------------------------
 */

static void on_start(const struct bus_message *m, void *arg)
{
	struct gateway *g = arg;
	const char *role = text_of(m->body, "role");
	int err;

	if (strcmp(role, "worker") == 0 && !g->worker &&
	    g->parts & GATEWAY_WORKER) {
		err = gateway_start_worker(g);
	} else if (strcmp(role, "manager") == 0 && !g->manager) {
		err = gateway_start_manager(g, true);
	} else if (strcmp(role, "storage") == 0 && !g->storage) {
		err = gateway_start_storage(g);
	} else {
		refuse(g, m->inbox,
		       "there are manager, worker and storage, and this one "
		       "runs already or is none of them");
		return;
	}
	if (err) {
		refuse(g, m->inbox, "it did not start: the log tells why");
		return;
	}
	log_info("gateway", NULL, "the %s is running", role);
	done(g, m->inbox);
}

static void on_show(const struct bus_message *m, void *arg)
{
	const struct gateway *g = arg;

	bus_reply(g->bus, m->inbox,
		  json_pack("{s[{ss ss sb} {ss ss sb} {ss ss sb}]}", "rows",
			    "role", "manager", "id", "", "running",
			    g->manager != NULL, "role", "worker", "id",
			    GATEWAY_WORKER_ID, "running", g->worker != NULL,
			    "role", "storage", "id", GATEWAY_STORAGE_ID,
			    "running", g->storage != NULL));
}

/* -- reload -------------------------------------------------------------------
 */

static bool same_sessions(const struct settings *a, const struct settings *b)
{
	if (a->sessions_n != b->sessions_n)
		return false;
	for (size_t i = 0; i < a->sessions_n; i++)
		if (strcmp(a->sessions[i], b->sessions[i]) != 0)
			return false;
	return true;
}

int gateway_reload(struct gateway *g, struct config_error *err)
{
	struct settings *fresh = NULL;
	struct manager_declared d;
	int fail = settings_read(&fresh, g->settings->path, err);

	if (!fail && !same_sessions(g->settings, fresh)) {
		snprintf(err->text, sizeof(err->text),
			 "%s: other sessions than before: that needs a restart",
			 g->settings->path);
		fail = -EINVAL;
	}
	if (!fail && g->manager) {
		d = settings_declared(fresh);
		fail = manager_declare(g->manager, &d);
		if (fail)
			snprintf(err->text, sizeof(err->text), "the store: %s",
				 strerror(-fail));
	}
	if (fail) {
		log_error("gateway", NULL, "configuration not read again: %s",
			  err->text);
		settings_free(&fresh);
		return fail;
	}
	settings_free(&g->reread);
	g->reread = fresh;
	log_info("gateway", NULL, "configuration read again: %zu trunk(s)",
		 fresh->trunks_n);
	return 0;
}

static void on_reload(const struct bus_message *m, void *arg)
{
	struct gateway *g = arg;
	struct config_error err = {{0}};

	if (gateway_reload(g, &err)) {
		refuse(g, m->inbox, err.text);
		return;
	}
	bus_reply(g->bus, m->inbox,
		  json_pack("{sb si}", "ok", 1, "trunks",
			    (int)g->reread->trunks_n));
}

int gateway_roles_subscribe(struct gateway *g)
{
	static const struct {
		const char *subject;
		bus_h *handler;
	} table[] = {
		{BUS_GATEWAY_ROLE_STOP, on_stop},
		{BUS_GATEWAY_ROLE_START, on_start},
		{BUS_GATEWAY_ROLE_SHOW, on_show},
		{BUS_GATEWAY_RELOAD, on_reload},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		int err = bus_subscribe(&g->subs[g->subs_n], g->bus,
					table[i].subject, table[i].handler, g);

		if (err)
			return err;
		g->subs_n++;
	}
	return 0;
}

void gateway_roles_leave(struct gateway *g)
{
	tmr_cancel(&g->worker_limit);
	g->worker_inbox = mem_deref(g->worker_inbox);
}
