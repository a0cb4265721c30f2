/* A hierarchical timer wheel for libre's timers: eight levels of 64 slots,
 * level k in steps of 64^k ms. Starting and stopping cost the same however many
 * timers there are. An engine: it reads no clock; one thread at a time.
 *
 * Timers are libre's struct tmr: `jfs` is the time in ms, `th` and `arg` the
 * handler. A timer is stopped by list_unlink of its `le`.
 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include <stdint.h>

#include "base/re.h"

#define WHEEL_LEVELS 8
#define WHEEL_SLOTS 64
#define WHEEL_NEVER UINT64_MAX

struct wheel {
	uint64_t tick;               /* ms; timers before it have fired */
	uint64_t used[WHEEL_LEVELS]; /* slots that may hold timers */
	struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, uint64_t now);
/* tmr is in no list. A time that has passed is due at once. */
void wheel_insert(struct wheel *w, struct tmr *tmr);
/* Calls the handlers of all timers up to `now`, in the order of their times,
 * first inserted first; of those that handlers insert on the way too. `th` is
 * NULL before the call; handlers may stop, insert and free any timer. */
void wheel_run(struct wheel *w, uint64_t now);
/* When to run next: not behind the first timer, but it may lie before it.
 * WHEEL_NEVER: there is no timer. */
uint64_t wheel_next(struct wheel *w);
size_t wheel_count(const struct wheel *w); /* walks all */

#endif
