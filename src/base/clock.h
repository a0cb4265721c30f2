/* Time.  Engines take `now` and offer deadlines; only loops read the clock.
 * Monotonic and wall time are different types so that they cannot be mixed
 * by accident in a structure.  Any thread.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t usec_t; /* monotonic microseconds */
/* microseconds since 1970, UTC */
struct wall {
	int64_t us;
};

#define USEC_NEVER UINT64_MAX /* "no deadline" */
#define USEC_MS ((usec_t)1000)
#define USEC_S ((usec_t)1000000)

usec_t clock_now(void);
struct wall clock_wall(void);
/* "2026-11-21T08:09:16.123Z"; dst needs 32 bytes. Returns dst. */
char *wall_iso8601(char dst[32], struct wall t);

#endif
