/* Delay and loss of a stream that crosses a network with jitter, in invented
 * time. */
#include "media/jitter.h"

#include <stdlib.h>

#include "tests/check.h"

enum { PACKETS_MAX = 20000 };

struct run {
	/* the stream */
	unsigned ptime_ms, seconds;
	uint32_t clock_hz;
	uint16_t first_seq;
	uint32_t first_ts;
	double jitter_ms; /* uniform 0..this on top of a fixed delay */
	unsigned lost_of_1000;
	int drift_ppm;         /* the sender's clock is so much faster */
	bool fec, shortens;    /* what the player can do */
	double jitter_until_s; /* 0: always */
	unsigned phase_us;     /* of the first packet after a tick */
	uint32_t seed;

	/* results */
	unsigned sent, lost_on_wire, played, dropped;
	unsigned verdicts[JITTER_DROP + 1];
	double delay_mean_ms, delay_max_ms; /* buffer: play minus arrival at
					     * fixed delay */
	double delay_end_ms;                /* mean of the last five seconds */
	struct jitter_stats stats;
};

struct flying {
	usec_t arrival;
	unsigned number;
};

static double drawn(uint32_t *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return (*seed >> 8) / 16777216.0;
}

static int flying_compare(const void *a, const void *b)
{
	const struct flying *x = a, *y = b;

	if (x->arrival != y->arrival)
		return x->arrival < y->arrival ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

#define FIXED_US 30000.0
#define START_US 1000000.0

static double sent_at(const struct run *r, unsigned number)
{
	return START_US + r->phase_us +
	       number * r->ptime_ms * 1000.0 / (1 + r->drift_ppm / 1e6);
}

static unsigned packets_fly(struct run *r, struct flying *f)
{
	unsigned n = r->seconds * 1000 / r->ptime_ms, flying = 0;

	for (unsigned i = 0; i < n && i < PACKETS_MAX; i++) {
		double late = drawn(&r->seed) * r->jitter_ms * 1000;
		double at = sent_at(r, i);

		if (r->jitter_until_s > 0 && at > r->jitter_until_s * 1e6)
			late = 0;
		r->sent++;
		if (drawn(&r->seed) * 1000 < r->lost_of_1000) {
			r->lost_on_wire++;
			continue;
		}
		f[flying].arrival = (usec_t)(at + FIXED_US + late);
		f[flying++].number = i;
	}
	qsort(f, flying, sizeof(*f), flying_compare);
	return flying;
}

static void packet_arrive(struct run *r, struct jitter *j,
			  const struct flying *f)
{
	uint32_t samples = r->clock_hz * r->ptime_ms / 1000;
	uint8_t payload[4];
	struct media_packet p = {
		.seq = (uint16_t)(r->first_seq + f->number),
		.ts = r->first_ts + f->number * samples,
		.payload = {payload, 4},
		.arrival = f->arrival,
	};

	be32_store(payload, f->number);
	(void)jitter_put(j, &p, samples);
}

struct player {
	double next_pull; /* us */
	double delay_sum, end_sum;
	unsigned end_n;
};

/* One decision; returns for how many microseconds it fills. */
static double player_pull(struct run *r, struct jitter *j, struct player *p,
			  usec_t now)
{
	struct jitter_out out;
	double length, delay;

	jitter_get(j, &out, now);
	r->verdicts[out.verdict]++;
	length = out.samples * 1e6 / r->clock_hz;
	if (out.verdict == JITTER_WAIT)
		return 10000;
	if (out.verdict != JITTER_PACKET && out.verdict != JITTER_DROP)
		return length;
	r->played++;
	delay = ((double)now - FIXED_US -
		 sent_at(r, be32_load(out.packet.payload.p))) /
		1000;
	p->delay_sum += delay;
	if (delay > r->delay_max_ms)
		r->delay_max_ms = delay;
	if ((double)now > START_US + (r->seconds - 5) * 1e6) {
		p->end_sum += delay;
		p->end_n++;
	}
	if (out.verdict == JITTER_PACKET)
		return length;
	r->dropped++;
	return r->shortens ? r->ptime_ms * 1000.0 - length : 0;
}

static void run(struct run *r)
{
	struct jitter_conf conf = {.clock_hz = r->clock_hz,
				   .fec = r->fec,
				   .shortens = r->shortens};
	struct flying *f = calloc(PACKETS_MAX, sizeof(*f));
	struct player p = {0};
	struct jitter *j = NULL;
	unsigned flying, next = 0;

	if (!f || jitter_new(&j, &conf)) {
		free(f);
		return;
	}
	flying = packets_fly(r, f);
	for (usec_t now = USEC_S;
	     now < (r->seconds + 1) * USEC_S + (usec_t)FIXED_US;
	     now += 10 * USEC_MS) {
		while (next < flying && f[next].arrival <= now)
			packet_arrive(r, j, &f[next++]);
		if (p.next_pull < (double)now - 100000)
			p.next_pull = (double)now;
		while (p.next_pull <= (double)now)
			p.next_pull += player_pull(r, j, &p, now);
	}
	jitter_stats(j, &r->stats);
	if (r->played)
		r->delay_mean_ms = p.delay_sum / r->played;
	if (p.end_n)
		r->delay_end_ms = p.end_sum / p.end_n;
	jitter_free(&j);
	free(f);
}

static void run_print(const char *what, const struct run *r)
{
	printf("# %s: delay mean %.1f max %.1f end %.1f ms, target %u; sent "
	       "%u wire-lost %u played %u late %llu lost %llu fec %u expand "
	       "%u drop %u wait %u\n",
	       what, r->delay_mean_ms, r->delay_max_ms, r->delay_end_ms,
	       r->stats.target_ms, r->sent, r->lost_on_wire, r->played,
	       (unsigned long long)r->stats.late,
	       (unsigned long long)r->stats.lost, r->verdicts[JITTER_FEC],
	       r->verdicts[JITTER_EXPAND], r->verdicts[JITTER_DROP],
	       r->verdicts[JITTER_WAIT]);
}

/* Share of what arrived that was not played, per cent. */
static double late_share(const struct run *r)
{
	return 100.0 * (r->sent - r->lost_on_wire - r->played) / r->sent;
}

static struct run run_of(unsigned ptime_ms, double jitter_ms)
{
	struct run r = {.ptime_ms = ptime_ms,
			.seconds = 60,
			.clock_hz = 48000,
			.first_seq = 65000, /* wraps */
			.first_ts = 0xfff00000,
			.jitter_ms = jitter_ms,
			.shortens = true,
			.seed = 17};

	return r;
}

/* -- delay and loss under jitter ---------------------------------------- */

static void test_jitter_zero_adds_less_than_a_tick_and_a_half(void)
{
	static const unsigned ptimes[] = {10, 20, 30, 40, 60, 120};

	for (size_t i = 0; i < 6; i++) {
		for (unsigned phase = 0; phase < 10000; phase += 2499) {
			struct run r = run_of(ptimes[i], 0);

			r.phase_us = phase;
			run(&r);
			if (r.delay_max_ms >= 15 || r.played + 1 < r.sent)
				run_print("zero", &r);
			CHECK(r.delay_max_ms < 15);
			/* the run may end before the last one is due */
			CHECK(r.played + 1 >= r.sent);
			CHECK_INT(r.verdicts[JITTER_EXPAND], 0);
			CHECK_INT(r.stats.target_ms, 0);
		}
	}
}

static void test_jitter_delay_follows_the_jitter(void)
{
	static const double jitters[] = {3, 20, 50, 100, 200};

	for (size_t i = 0; i < 5; i++) {
		for (unsigned ptime = 20; ptime <= 60; ptime += 40) {
			struct run r = run_of(ptime, jitters[i]);

			run(&r);
			run_print("jitter", &r);
			/* no more than needed, no less than nearly all need */
			CHECK(r.delay_end_ms < jitters[i] + 25);
			CHECK(r.delay_end_ms > jitters[i] * 0.8 - 10);
			CHECK(late_share(&r) < 2.0);
			/* under-runs only while learning */
			CHECK(r.verdicts[JITTER_EXPAND] < 60);
		}
	}
}

static void test_jitter_with_losses_stays_bounded(void)
{
	static const double jitters[] = {0, 20, 50, 100};

	for (size_t i = 0; i < 4; i++) {
		struct run r = run_of(20, jitters[i]);

		r.lost_of_1000 = 50;
		run(&r);
		run_print("5 % lost", &r);
		CHECK(r.delay_end_ms < jitters[i] + 25);
		CHECK(late_share(&r) < 2.0);
		CHECK(r.stats.lost > r.lost_on_wire * 9 / 10);
		CHECK(r.stats.lost < r.lost_on_wire + r.sent / 50);
	}
}

static void test_jitter_zero_with_losses_adds_nothing(void)
{
	struct run r = run_of(20, 0);

	r.lost_of_1000 = 50;
	run(&r);
	CHECK(r.delay_max_ms < 15);
	CHECK_INT(r.stats.lost, r.lost_on_wire);
	CHECK_INT(r.played, r.sent - r.lost_on_wire);
}

static void test_jitter_waits_for_repair_when_losses_are_seen(void)
{
	struct run r = run_of(20, 0);

	r.lost_of_1000 = 100;
	r.fec = true;
	run(&r);
	run_print("10 % lost, repair", &r);
	CHECK(r.verdicts[JITTER_FEC] > r.lost_on_wire * 7 / 10);
	CHECK(r.delay_end_ms < 40);
	r = run_of(20, 0);
	r.fec = true;
	run(&r);
	CHECK(r.delay_max_ms < 15);
}

static void test_jitter_shrinks_when_the_network_calms_down(void)
{
	for (unsigned ptime = 20; ptime <= 60; ptime += 40) {
		struct run r = run_of(ptime, 120);

		r.jitter_until_s = 20;
		run(&r);
		run_print("calming down", &r);
		CHECK(r.delay_max_ms > 80);
		CHECK(r.delay_end_ms < 20);
		CHECK_INT(r.stats.target_ms, 0);
	}
}

static void test_jitter_shrinks_by_whole_packets_too(void)
{
	struct run r = run_of(20, 120);

	r.jitter_until_s = 20;
	r.shortens = false;
	run(&r);
	run_print("whole packets", &r);
	CHECK(r.delay_end_ms < 40);
	CHECK(r.dropped >= 4);
	CHECK(r.verdicts[JITTER_EXPAND] < 60);
}

static void test_jitter_follows_a_drifting_clock(void)
{
	static const int drifts[] = {-300, 300};

	for (size_t i = 0; i < 2; i++) {
		struct run r = run_of(20, 5);

		r.drift_ppm = drifts[i];
		r.seconds = 300;
		run(&r);
		run_print("drift", &r);
		/* 300 ppm are 90 ms in five minutes */
		CHECK(r.delay_end_ms < 100 && r.delay_end_ms > -100);
		CHECK(r.stats.delay_ms < 30);
		CHECK(late_share(&r) < 1.0);
		CHECK(r.verdicts[JITTER_EXPAND] < 60);
	}
}

int main(void)
{
	RUN(test_jitter_zero_adds_less_than_a_tick_and_a_half);
	RUN(test_jitter_delay_follows_the_jitter);
	RUN(test_jitter_with_losses_stays_bounded);
	RUN(test_jitter_zero_with_losses_adds_nothing);
	RUN(test_jitter_waits_for_repair_when_losses_are_seen);
	RUN(test_jitter_shrinks_when_the_network_calms_down);
	RUN(test_jitter_shrinks_by_whole_packets_too);
	RUN(test_jitter_follows_a_drifting_clock);
	return check_done();
}
