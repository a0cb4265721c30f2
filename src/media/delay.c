#include "media/delay.h"

#include <string.h>

/* Two windows of this length give the fastest packet: long enough to see one,
 * short enough to follow clocks that drift and routes that change. */
#define WINDOW_US (4 * USEC_S)
/* A packet so far off tells of other timestamps, not of jitter. */
#define RESYNC_US 2000000
/* When the fastest becomes slower by so much, the route has changed and what
 * was learned is void. */
#define ROUTE_US 50000
/* Time constant of forgetting. */
#define MEMORY_US (8 * USEC_S)
#define SHARE_NEEDED 0.98F

void delay_init(struct delay_meter *m)
{
	memset(m, 0, sizeof(*m));
}

void delay_forget_base(struct delay_meter *m)
{
	m->based = false;
}

static void base_observe(struct delay_meter *m, int64_t transit, usec_t arrival)
{
	int64_t off = transit - m->base, base;

	if (!m->based || off > RESYNC_US || off < -RESYNC_US) {
		m->based = true;
		m->base = m->least_now = m->least_before = transit;
		m->window_end = arrival + WINDOW_US;
		return;
	}
	if (arrival > m->window_end) {
		m->least_before = m->least_now;
		m->least_now = transit;
		m->window_end = arrival + WINDOW_US;
	}
	if (transit < m->least_now)
		m->least_now = transit;
	base = m->least_now < m->least_before ? m->least_now : m->least_before;
	if (base - m->base > ROUTE_US)
		m->learned = 0;
	m->base = base;
}

static void share_learn(struct delay_meter *m, size_t bucket, usec_t length_us)
{
	float weight = (float)length_us / (float)MEMORY_US;

	/* the first packets weigh more: they are all that is known */
	m->learned++;
	if (weight < 1.0F / (float)m->learned)
		weight = 1.0F / (float)m->learned;
	for (size_t i = 0; i < DELAY_BUCKETS; i++)
		m->share[i] *= 1.0F - weight;
	m->share[bucket] += weight;
}

static int64_t share_quantile(const struct delay_meter *m)
{
	float sum = 0;
	size_t i = 0;

	for (; i < DELAY_BUCKETS - 1; i++) {
		sum += m->share[i];
		if (sum >= SHARE_NEEDED)
			break;
	}
	/* below one bucket the tick absorbs it */
	return i ? (int64_t)(i + 1) * DELAY_BUCKET_US : 0;
}

void delay_observe(struct delay_meter *m, int64_t transit, usec_t arrival,
		   usec_t length_us)
{
	int64_t over;
	size_t bucket;

	base_observe(m, transit, arrival);
	over = transit - m->base;
	bucket = (size_t)(over / DELAY_BUCKET_US);
	if (bucket >= DELAY_BUCKETS)
		bucket = DELAY_BUCKETS - 1;
	share_learn(m, bucket, length_us);
	m->needed_us = share_quantile(m);
}

int64_t delay_needed_us(const struct delay_meter *m)
{
	return m->needed_us;
}
