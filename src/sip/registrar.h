/* Bindings of addresses of record (RFC 3261 10.3). Engine: takes now, offers
 * the next deadline, no I/O, one thread. */
#ifndef SIP_REGISTRAR_H
#define SIP_REGISTRAR_H

#include "sip/stack.h"

struct registrar;

typedef void(registrar_ended_h)(const struct sip_binding *b, void *arg);

/* ended runs for each binding that was removed, replaced, expired or lost its
 * connection, never inside registrar_free(). */
int registrar_new(struct registrar **rp, registrar_ended_h *ended, void *arg);
void registrar_free(struct registrar **rp);
/* Adds b, or refreshes the binding with its contact. most: how many contacts
 * its address of record may have, from 1; the oldest make room. call_id and
 * cseq are of the REGISTER: -ESTALE when they say it is older than what is
 * known (RFC 3261 10.3, 7). -ENOMEM. */
int registrar_set(struct registrar *r, const struct sip_binding *b, size_t most,
		  const char *call_id, uint32_t cseq);
/* contact NULL: all of the address of record. -ENOENT, -ESTALE. */
int registrar_remove(struct registrar *r, const char *aor, const char *contact,
		     const char *call_id, uint32_t cseq);
/* Newest first; only those alive at now. */
size_t registrar_find(const struct registrar *r, const char *aor, usec_t now,
		      const struct sip_binding **list, size_t max);
/* A binding that lives was made from this address. */
bool registrar_has_source(const struct registrar *r, const struct sa *source,
			  usec_t now);
/* The connection of this path is closed: what came by it can be reached no
 * more. */
void registrar_disconnected(struct registrar *r, const char *path);
void registrar_expire(struct registrar *r, usec_t now);
usec_t registrar_deadline(const struct registrar *r); /* USEC_NEVER: none */

#endif
