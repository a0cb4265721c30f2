/* How many requests an address may send: a token bucket each.
 * Engine: takes now, no I/O, one thread, bounded memory: of too many addresses
 * the one that was still for longest begins anew. */
#ifndef SIP_RATE_H
#define SIP_RATE_H

#include "base/clock.h"
#include "base/re.h"

struct rates;

enum rate_verdict {
	RATE_WITHIN,
	RATE_OVER_NOW, /* the first one over, since it last was within */
	RATE_OVER,
};

/* Two seconds' worth may come at once. per_second 0: no limit. -ENOMEM. */
int rates_new(struct rates **rp, unsigned per_second);
void rates_free(struct rates **rp);
enum rate_verdict rates_take(struct rates *r, const struct sa *source,
			     usec_t now);

#endif
