/* Workers and Storages: which there are, and which are switched off. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "bus/manager_worker.h"
#include "bus/text.h"
#include "manager/internal.h"

/* Kept as one fact: a JSON object of those that are off. */
#define OFF_FACT "places.off"

static void worker_destroy(void *arg)
{
	struct manager_worker *w = arg;

	list_unlink(&w->le);
}

struct manager_worker *manager_worker_find(struct manager *m, const char *id)
{
	struct le *le;

	LIST_FOREACH(&m->workers, le)
	{
		struct manager_worker *w = le->data;

		if (strcmp(w->id, id) == 0)
			return w;
	}
	return NULL;
}

struct manager_worker *manager_worker_add(struct manager *m, const char *id)
{
	struct manager_worker *w = manager_worker_find(m, id);

	if (w)
		return w;
	w = mem_zalloc(sizeof(*w), worker_destroy);
	if (!w)
		return NULL;
	snprintf(w->id, sizeof(w->id), "%s", id);
	list_append(&m->workers, &w->le, w);
	return w;
}

static void key_make(char key[80], const char *kind, const char *id)
{
	snprintf(key, 80, "%s %s", kind, id);
}

bool manager_is_on(const struct manager *m, const char *kind, const char *id)
{
	char key[80];

	key_make(key, kind, id);
	return !json_object_get(m->off, key);
}

void manager_places_load(struct manager *m)
{
	struct buf text;

	buf_init(&text);
	if (!store_fact_get(m->conf.store, OFF_FACT, &text))
		m->off = json_loadb((const char *)text.p, text.n, 0, NULL);
	if (!m->off)
		m->off = json_object();
	buf_clear(&text);
}

static int places_save(struct manager *m)
{
	char *text = json_dumps(m->off, JSON_COMPACT);
	int err =
		text ? store_fact_set(m->conf.store, OFF_FACT, bytes_str(text))
		     : -ENOMEM;

	free(text);
	return err;
}

static bool is_known(struct manager *m, const char *kind, const char *id)
{
	return strcmp(kind, "worker") == 0
		       ? manager_worker_find(m, id) != NULL
		       : strcmp(kind, "storage") == 0 &&
				 strcmp(id, m->conf.storage) == 0;
}

static void place_switch(struct manager *m, const struct bus_message *msg,
			 const char *kind, bool on)
{
	const char *id = text_of(msg->body, kind);
	char key[80];
	int err;

	/* One that is away can still be switched on again. */
	if (!is_known(m, kind, id) && manager_is_on(m, kind, id)) {
		manager_refuse(m, msg, "there is no %s %s", kind, id);
		return;
	}
	key_make(key, kind, id);
	if (on)
		json_object_del(m->off, key);
	else
		json_object_set_new(m->off, key, json_true());
	err = places_save(m);
	manager_announce(m);
	if (err) {
		manager_refuse(m, msg, "done, but not kept: %s",
			       strerror(-err));
		return;
	}
	log_info("manager", NULL, "%s %s is switched %s", kind, id,
		 on ? "on" : "off");
	bus_reply(m->conf.bus, msg->inbox, json_pack("{sb}", "ok", 1));
}

static void places_show(struct manager *m, const struct bus_message *msg)
{
	json_t *rows = json_array();
	struct le *le;

	LIST_FOREACH(&m->workers, le)
	{
		const struct manager_worker *w = le->data;

		json_array_append_new(
			rows,
			json_pack("{ss ss sb ss sb}", "place", "worker", "id",
				  w->id, "enabled",
				  manager_is_on(m, "worker", w->id), "address",
				  w->address, "registrar", w->registrar));
	}
	json_array_append_new(
		rows, json_pack("{ss ss sb ss sb}", "place", "storage", "id",
				m->conf.storage, "enabled",
				manager_is_on(m, "storage", m->conf.storage),
				"address", "", "registrar", 0));
	bus_reply(m->conf.bus, msg->inbox, json_pack("{so}", "rows", rows));
}

void manager_on_place(const struct bus_message *msg, void *arg)
{
	struct manager *m = arg;
	const char *kind =
		json_object_get(msg->body, "worker") ? "worker" : "storage";

	if (strcmp(msg->subject, BUS_MANAGER_PLACE_SHOW) == 0)
		places_show(m, msg);
	else
		place_switch(m, msg, kind,
			     strcmp(msg->subject, BUS_MANAGER_PLACE_ENABLE) ==
				     0);
}
