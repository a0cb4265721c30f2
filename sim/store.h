/* What the simulator keeps over a restart: JSON records in one SQLite table,
 * addressed by kind and id. Every change is written before the answer that
 * depends on it leaves, so `kill -9` loses nothing a client was told.
 * One thread.
 */
#ifndef SIM_STORE_H
#define SIM_STORE_H

#include <jansson.h>

#include "base/bytes.h"

struct sim_store;

/* path: a file, or ":memory:". Errors: -EIO (named in the log). */
int sim_store_new(struct sim_store **sp, const char *path);
void sim_store_free(struct sim_store **sp);
/* Steals the reference to `value`. Failures are logged: a simulator that
 * cannot write goes on, but does not survive its restart. */
void sim_store_put(struct sim_store *s, const char *kind, const char *id,
		   json_t *value);
void sim_store_drop(struct sim_store *s, const char *kind, const char *id);
/* In the order of insertion. `value` is borrowed. */
typedef void sim_store_each_h(const char *id, const json_t *value, void *arg);
void sim_store_each(struct sim_store *s, const char *kind,
		    sim_store_each_h *each, void *arg);
/* NULL when missing; the caller owns the result. */
json_t *sim_store_get(struct sim_store *s, const char *kind, const char *id);

/* Files, by number. */
void sim_store_blob_put(struct sim_store *s, int64_t id, struct bytes data);
/* Appends n bytes from offset; both within the file. -EIO, -ENOMEM. */
int sim_store_blob_get(struct sim_store *s, int64_t id, struct buf *out,
		       int64_t offset, size_t n);

/* JSON helpers for octet strings. */
json_t *sim_json_hex(const void *p, size_t n);
/* Exactly n bytes of the text at key; false otherwise. */
int sim_json_hex_get(const json_t *o, const char *key, void *dst, size_t n);
const char *sim_json_text(const json_t *o, const char *key,
			  const char *otherwise);
json_int_t sim_json_int(const json_t *o, const char *key, json_int_t otherwise);

#endif
