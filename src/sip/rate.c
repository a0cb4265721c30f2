#include "sip/rate.h"

#include <errno.h>
#include <stdlib.h>

#define SETS 1024
#define WAYS 4
#define BURST_S 2

struct bucket {
	struct sa source;
	usec_t at;     /* of the last request; 0: free */
	uint64_t left; /* requests, in millionths */
	bool over;
};

struct rates {
	unsigned per_second;
	struct bucket buckets[SETS][WAYS];
};

int rates_new(struct rates **rp, unsigned per_second)
{
	struct rates *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->per_second = per_second;
	*rp = r;
	return 0;
}

void rates_free(struct rates **rp)
{
	free(*rp);
	*rp = NULL;
}

static uint64_t most(const struct rates *r)
{
	return (uint64_t)r->per_second * BURST_S * USEC_S;
}

static struct bucket *bucket_of(struct rates *r, const struct sa *source,
				usec_t now)
{
	struct bucket *set = r->buckets[sa_hash(source, SA_ADDR) % SETS];
	struct bucket *oldest = set;

	for (int i = 0; i < WAYS; i++) {
		if (set[i].at && sa_cmp(&set[i].source, source, SA_ADDR))
			return &set[i];
		if (set[i].at < oldest->at)
			oldest = &set[i];
	}
	*oldest = (struct bucket){*source, now, most(r), false};
	return oldest;
}

enum rate_verdict rates_take(struct rates *r, const struct sa *source,
			     usec_t now)
{
	struct bucket *b;
	usec_t still;

	if (!r->per_second)
		return RATE_WITHIN;
	b = bucket_of(r, source, now);
	still = now - b->at;
	b->at = now;
	/* Full again after so long; more would not fit. */
	b->left = still >= BURST_S * USEC_S ? most(r)
					    : b->left + still * r->per_second;
	if (b->left > most(r))
		b->left = most(r);
	if (b->left >= USEC_S) {
		b->left -= USEC_S;
		/* One a second passes of a flood, too: it is over only when
		 * half of what may come at once could. */
		if (b->left >= most(r) / 2)
			b->over = false;
		return RATE_WITHIN;
	}
	if (b->over)
		return RATE_OVER;
	b->over = true;
	return RATE_OVER_NOW;
}
