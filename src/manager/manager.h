/* The Manager role (design 2, behaviour 2.2). One control loop. */
#ifndef MANAGER_MANAGER_H
#define MANAGER_MANAGER_H

#include "bus/bus.h"
#include "route/trunk.h"
#include "store/store.h"

struct manager;

struct manager_conf {
	struct bus *bus; /* borrowed for life, like all below */
	struct store *store;
	const char *records; /* JSON lines are appended here; NULL: none */
	const char *storage; /* id of the Storage that holds the sessions */
	const struct trunk *trunks; /* copied */
	size_t trunks_n;
};

/* Calls that an earlier process left open are closed: their records are
 * written, both far ends are told. Errors: -ENOMEM, errno of the records
 * file. */
int manager_new(struct manager **mp, const struct manager_conf *conf);
void manager_free(struct manager **mp);

#endif
