/* A Telegram call of a session, shared by the calls*.c files only.
 *
 *   calls.c           life, events to the Worker, requests of the Worker
 *   calls_incoming.c  a Telegram user calls: who takes it, what he is told
 *   call_media.c      what the Worker needs for the media
 */
#ifndef STORAGE_CALLS_PRIV_H
#define STORAGE_CALLS_PRIV_H

#include "storage/internal.h"

#define VERSIONS_MAX 16

struct storage_call {
	struct le le;
	struct storage *storage;
	struct session *session;
	char id[33];
	char worker[32]; /* "" until the Manager has assigned one */
	struct tg_call *call;
	int64_t user_id;   /* called; 0: he calls */
	int64_t caller_id; /* he calls; else 0 */
	bool told_waiting;
	/* Events of a call that has no Worker yet wait here. */
	json_t *pending;
	/* Outgoing, while the peer is being resolved. */
	char versions[VERSIONS_MAX][16];
	const char *version_list[VERSIONS_MAX + 1];
	bool resolving;
	bool discarded; /* by the Worker, while resolving */
	char *inbox;    /* of the start request */
};

extern const struct tg_call_handlers storage_call_handlers;

/* NULL: there is none, or no memory. */
struct storage_call *storage_call_find(struct storage *s, const char *id);
struct storage_call *storage_call_new(struct session *session, const char *id);
/* Takes the event; kept while the call has no Worker. */
void storage_call_event(struct storage_call *c, json_t *event);

/* -- calls_incoming.c ------------------------------------------------------ */

/* storage.S.call.assign */
void storage_call_on_assign(const struct bus_message *m, void *arg);

#endif
