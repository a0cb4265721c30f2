/* What every test of the Manager needs around it: a folder, a key, and a
 * session that another role tells of. */
#ifndef MANAGER_ROOM_TEST_H
#define MANAGER_ROOM_TEST_H

#include <stdlib.h>

#include "bus/ear_test.h"
#include "manager/manager.h"
#include "tests/folder.h"

static inline void session_is(const char *name, const char *state,
			      bool logged_in)
{
	bus_publish(bus, "manager.session.state",
		    json_pack("{ss ss ss sb}", "session", name, "storage", "s1",
			      "state", state, "logged_in", logged_in));
	ear_settle();
}

static inline int room_open(struct secret_key **secretp)
{
	const char *why;

	(void)setenv("GRAMLINE_KEY",
		     "000102030405060708090a0b0c0d0e0f"
		     "101112131415161718191a1b1c1d1e1f",
		     1);
	if (!folder_make("manager") || libre_init())
		return -1;
	return secret_key_load(secretp, NULL, &why);
}

static inline void room_close(struct secret_key **secretp)
{
	secret_key_free(secretp);
	libre_close();
}

#endif
