/* For tests of what the Manager does with calls: three trunks are declared, and
 * records go to a file. */
#ifndef MANAGER_OFFICE_TEST_H
#define MANAGER_OFFICE_TEST_H

#include <unistd.h>

#include "manager/room_test.h"
#include "tests/check.h"

static char database[64], records[64];
static struct store *store;
static struct manager *manager;
static struct secret_key *secret;
static struct trunk trunks[3];
static const struct manager_session sessions[] = {{"office", "anna"},
						  {"home", ""}};

static inline void trunks_make(void)
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

static inline int start(void)
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

static inline bool begin(void)
{
	const char *why;

	trunks_make();
	return ear_open() && !store_open(&store, database, &why) && !start();
}

static inline void end(void)
{
	manager_free(&manager);
	ear_close();
	store_close(&store);
	unlink(records);
}

/* A process that ends and one that takes its place. */
static inline bool restart(void)
{
	const char *why;

	manager_free(&manager);
	store_close(&store);
	json_array_clear(heard);
	return !store_open(&store, database, &why) && !start();
}

static inline void hello(const char *worker)
{
	bus_publish(bus, "manager.hello", json_pack("{ss}", "worker", worker));
	ear_settle();
}

/* The records file's i-th line as an object; a new reference or NULL. */
static inline json_t *record(size_t i)
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

static inline int office_open(void)
{
	int err = room_open(&secret);

	folder_file(database, "db");
	folder_file(records, "calls.jsonl");
	return err;
}

static inline void office_close(void)
{
	room_close(&secret);
}

#endif
