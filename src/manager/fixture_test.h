/* For tests of the Manager: one with a store of its own, between roles that
 * are only messages. */
#ifndef MANAGER_FIXTURE_TEST_H
#define MANAGER_FIXTURE_TEST_H

#include <unistd.h>

#include "manager/room_test.h"
#include "tests/check.h"

static char database[64];
static struct store *store;
static struct secret_key *secret;
static struct manager *manager;
static const struct manager_session sessions[] = {{"office", "anna"},
						  {"home", ""}};
static struct trunk declared[1];
static size_t declared_n;

static inline bool no_g729(const char *codec)
{
	return strcmp(codec, "g729") != 0;
}

static inline int start(bool again)
{
	struct manager_conf conf = {
		.bus = bus,
		.store = store,
		.key = secret,
		.storage = "s1",
		.codec_built = no_g729,
		.declared = {declared, declared_n, sessions, 2},
		.again = again,
	};

	return manager_new(&manager, &conf);
}

static inline bool begin(void)
{
	const char *why;

	return ear_open() && !store_open(&store, database, &why) &&
	       !start(false);
}

static inline void end(void)
{
	manager_free(&manager);
	ear_close();
	store_close(&store);
	unlink(database);
}

static inline void hello(const char *worker, bool registrar)
{
	bus_publish(bus, "manager.hello",
		    json_pack("{ss ss sb s[]}", "worker", worker, "address",
			      "192.0.2.1:5060", "registrar", registrar,
			      "calls"));
	ear_settle();
}

/* Takes settings. */
static inline json_t *ask_trunk(const char *verb, const char *name,
				json_t *settings)
{
	char subject[64];

	snprintf(subject, sizeof(subject), "manager.trunk.%s", verb);
	return ear_ask(subject, json_pack("{ss so}", "trunk", name, "settings",
					  settings ? settings : json_object()));
}

static inline const char *refused(json_t *o)
{
	return json_is_false(json_object_get(o, "ok")) ? text_of(o, "text")
						       : "(done)";
}

/* What a Worker hears next of a trunk; NULL: it is not there. */
static inline json_t *announced(const char *worker, const char *name)
{
	char subject[64];
	json_t *t, *list;
	size_t i;

	json_array_clear(heard);
	hello(worker, true);
	snprintf(subject, sizeof(subject), "worker.%s.trunks", worker);
	list = json_object_get(ear_body(subject, 0), "trunks");
	json_array_foreach(list, i, t)
	{
		if (strcmp(text_of(t, "name"), name) == 0)
			return t;
	}
	return NULL;
}

static inline int fixture_open(void)
{
	int err = room_open(&secret);

	folder_file(database, "db");
	return err;
}

static inline void fixture_close(void)
{
	room_close(&secret);
}

#endif
