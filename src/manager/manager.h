/* The Manager role (design 2, behaviour 2.2). One control loop. */
#ifndef MANAGER_MANAGER_H
#define MANAGER_MANAGER_H

#include "base/secret.h"
#include "bus/bus.h"
#include "route/trunk.h"
#include "store/store.h"

struct manager;

struct manager_session {
	char name[64];
	char owner[64];     /* "": nobody's */
	unsigned max_calls; /* at once; 0: no limit */
};

/* What the configuration says: its trunks cannot be changed by command. */
struct manager_declared {
	const struct trunk *trunks; /* checked, without a clash */
	size_t trunks_n;
	const struct manager_session *sessions;
	size_t sessions_n;
};

struct manager_conf {
	struct bus *bus; /* borrowed for life, like all below */
	struct store *store;
	const struct secret_key *key; /* seals the secrets of trunks */
	const char *records; /* JSON lines are appended here; NULL: none */
	const char *storage; /* id of the Storage that holds the sessions */
	trunk_codec_h *codec_built;
	struct manager_declared declared; /* copied */
	/* Started anew beside Workers that run: their calls go on. */
	bool again;
};

/* Calls that an earlier process left open are closed: their records are
 * written, both far ends are told. Errors: -ENOMEM, errno of the records
 * file. */
int manager_new(struct manager **mp, const struct manager_conf *conf);
/* The whole gateway stops: that other roles go is no alert from here on. */
void manager_stopping(struct manager *m);
/* Workers are told. */
void manager_free(struct manager **mp);
/* The configuration has been read again. Trunks of the store that clash with
 * it are left out. -ENOMEM and errors of the store: nothing has changed. */
int manager_declare(struct manager *m, const struct manager_declared *d);

#endif
