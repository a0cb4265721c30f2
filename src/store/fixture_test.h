/* For tests of the store: a new one in a file of its own, and samples of what
 * it keeps. */
#ifndef STORE_FIXTURE_TEST_H
#define STORE_FIXTURE_TEST_H

#include <unistd.h>

#include "store/store.h"
#include "tests/check.h"
#include "tests/folder.h"

static char path[64];
static const char *why;

/* Names of the rows that an each-function told of. */
struct seen {
	struct store *s;
	char names[64];
};

static inline void files_remove(void)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	char name[80];

	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
	}
}

static inline struct store *fresh(void)
{
	struct store *s = NULL;

	files_remove();
	return store_open(&s, path, &why) ? NULL : s;
}

static inline bool reopen(struct store **sp)
{
	store_close(sp);
	return store_open(sp, path, &why) == 0;
}

static inline struct store_peer peer(int64_t id, const char *username,
				     const char *phone)
{
	struct store_peer p = {.user_id = id,
			       .access_hash = -id,
			       .first_name = "First",
			       .last_name = "Last",
			       .bot = true};

	snprintf(p.username, sizeof(p.username), "%s", username);
	snprintf(p.phone, sizeof(p.phone), "%s", phone);
	return p;
}

static inline struct store_session sample_session(const char *name)
{
	struct store_session v = {
		.dc_id = 4,
		.key_sealed_n = sizeof(v.key_sealed),
		.salt = INT64_MIN,
		.time_diff = -7,
		.logged_in = true,
		.dead_reason = "",
		.dead_since = 1700000001,
		.frozen_since = 1700000002,
		.user_id = 7000000001,
		.phone = "99966000",
		.username = "Office",
		.first_name = "\xd0\x96",
		.last_name = "'; DROP TABLE peers",
		.pts = 1,
		.qts = 2,
		.date = 1700000000,
		.seq = -1,
	};

	snprintf(v.name, sizeof(v.name), "%s", name);
	for (size_t i = 0; i < sizeof(v.key_sealed); i++)
		v.key_sealed[i] = (uint8_t)i;
	return v;
}

static inline bool fixture_open(void)
{
	if (!folder_make("store"))
		return false;
	folder_file(path, "store.db");
	return true;
}

#endif
