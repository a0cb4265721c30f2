/* Where an engine's randomness comes from: the caller's function in
 * deterministic tests, the system's generator otherwise.  A value. */
#ifndef MTPROTO_RANDOM_H
#define MTPROTO_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct mtp_random {
	void (*fill)(void *p, size_t n, void *arg); /* NULL: random_bytes() */
	void *arg;
};

/* r may be NULL. */
void mtp_random_fill(const struct mtp_random *r, void *p, size_t n);
int64_t mtp_random_long(const struct mtp_random *r);

#endif
