/* How much delay the packets of a stream need: a histogram of how much later
 * than the fastest they come, with forgetting. A value of the jitter buffer;
 * no clock, one thread.
 */
#ifndef MEDIA_DELAY_H
#define MEDIA_DELAY_H

#include <stdbool.h>

#include "base/clock.h"

#define DELAY_BUCKETS 100
#define DELAY_BUCKET_US 5000

struct delay_meter {
	bool based;
	int64_t base; /* least arrival - media time of the last seconds, us */
	int64_t least_before, least_now;
	usec_t window_end;
	float share[DELAY_BUCKETS]; /* adds up to 1 once learned */
	unsigned learned;
	int64_t needed_us;
};

void delay_init(struct delay_meter *m);
/* Forgets the fastest (another source, other timestamps). */
void delay_forget_base(struct delay_meter *m);
/* transit: arrival minus media time, us; any origin. length_us: of the
 * packet. */
void delay_observe(struct delay_meter *m, int64_t transit, usec_t arrival,
		   usec_t length_us);
/* 0 when the jitter is below one bucket. */
int64_t delay_needed_us(const struct delay_meter *m);

#endif
