/* What the files of the gateway share. Control loop only. */
#ifndef GATEWAY_INTERNAL_H
#define GATEWAY_INTERNAL_H

#include "ctl/ctl.h"
#include "gateway.h"
#include "storage/storage.h"

#define GATEWAY_WORKER_ID "w1"
#define GATEWAY_STORAGE_ID "s1"
#define GATEWAY_STOP_LIMIT_MS 8000
/* BYE and discardCall are on their way; their answers get a moment. */
#define GATEWAY_LINGER_MS 700

struct gateway {
	const struct settings *settings;
	struct settings *reread; /* of the last reload; NULL: none yet */
	unsigned parts;
	int lock; /* descriptor that holds the data folder; -1 */
	struct secret_key *key;
	struct store *store;
	struct bus *bus;
	struct bus_sub *subs[4];
	size_t subs_n;
	struct service *service;
	struct ctl_server *control;
	struct manager *manager;
	struct storage *storage;
	struct worker *worker;
	struct tmr stop_limit;
	void (*stopped)(void *arg);
	void *stopped_arg;
	/* A Worker that is being stopped alone. */
	char *worker_inbox; /* who asked; NULL: it is not */
	struct tmr worker_limit;
};

/* Logs and returns err. */
int gateway_fail(int err, const char *what, const char *why);
/* The settings that hold for trunks. */
const struct settings *gateway_declared(const struct gateway *g);
/* again: beside roles that run. */
int gateway_start_manager(struct gateway *g, bool again);
int gateway_start_worker(struct gateway *g);
int gateway_start_storage(struct gateway *g);

/* gateway_roles.c */
int gateway_roles_subscribe(struct gateway *g);
/* The whole process stops. */
void gateway_roles_leave(struct gateway *g);

#endif
