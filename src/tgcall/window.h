/* The receiver's check of packet counters (E.4 V1): each counter once, and
 * none 64 or more below the largest seen. A value; one thread. */
#ifndef TGCALL_WINDOW_H
#define TGCALL_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct window {
	uint32_t largest;
	uint64_t seen; /* bit i: largest - i */
};

/* true: new, and noted. Counters begin at 1: 0 is refused. */
static inline bool window_accept(struct window *w, uint32_t counter)
{
	uint32_t back;

	if (counter > w->largest) {
		uint32_t ahead = counter - w->largest;

		w->seen = ahead < 64 ? w->seen << ahead : 0;
		w->seen |= 1;
		w->largest = counter;
		return true;
	}
	back = w->largest - counter;
	if (counter == 0 || back >= 64 || (w->seen >> back & 1))
		return false;
	w->seen |= (uint64_t)1 << back;
	return true;
}

#endif
