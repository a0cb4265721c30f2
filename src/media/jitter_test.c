#include "media/jitter.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "tests/check.h"

/* -- a network and a player in invented time ---------------------------- */

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

/* -- single events ------------------------------------------------------ */

struct bench {
	struct jitter *j;
	struct jitter_out out;
	usec_t now;
};

static bool bench_new(struct bench *b)
{
	struct jitter_conf conf = {.clock_hz = 8000};

	memset(b, 0, sizeof(*b));
	b->now = 1000 * USEC_S;
	return !jitter_new(&b->j, &conf);
}

static int put(struct bench *b, uint16_t seq, uint32_t ts)
{
	struct media_packet p = {.seq = seq,
				 .ts = ts,
				 .payload = {(const uint8_t *)&seq, 2},
				 .arrival = b->now};

	return jitter_put(b->j, &p, 160);
}

static enum jitter_verdict get(struct bench *b)
{
	jitter_get(b->j, &b->out, b->now);
	return b->out.verdict;
}

/* n packets on time, each played at once. */
static bool flow(struct bench *b, uint16_t seq, uint32_t ts, unsigned n)
{
	bool ok = true;

	for (unsigned i = 0; i < n; i++) {
		ok = ok && !put(b, (uint16_t)(seq + i), ts + i * 160);
		ok = ok && get(b) == JITTER_PACKET &&
		     b->out.packet.seq == (uint16_t)(seq + i);
		b->now += 20 * USEC_MS;
	}
	return ok;
}

static void test_jitter_drops_repeats_and_late_ones(void)
{
	struct jitter_stats s;
	struct bench b;

	CHECK(bench_new(&b));
	CHECK(flow(&b, 65534, 0, 3));
	CHECK_INT(put(&b, 65535, 160), -EEXIST);
	CHECK_INT(put(&b, 65530, 0), -ETIME);
	CHECK_INT(put(&b, 1, 480), 0);
	CHECK_INT(put(&b, 1, 480), -EEXIST);
	CHECK_INT(get(&b), JITTER_PACKET);
	CHECK_INT(b.out.packet.seq, 1);
	CHECK_INT(b.out.samples, 160);
	jitter_stats(b.j, &s);
	CHECK_INT(s.repeated, 2);
	CHECK_INT(s.late, 1);
	jitter_free(&b.j);
	CHECK(!b.j);
}

static void test_jitter_orders_what_comes_in_disorder(void)
{
	struct bench b;

	CHECK(bench_new(&b));
	CHECK(flow(&b, 10, 0, 5));
	CHECK_INT(put(&b, 17, 7 * 160), 0);
	CHECK_INT(put(&b, 15, 5 * 160), 0);
	CHECK_INT(put(&b, 16, 6 * 160), 0);
	for (uint16_t seq = 15; seq < 18; seq++) {
		CHECK_INT(get(&b), JITTER_PACKET);
		CHECK_INT(b.out.packet.seq, seq);
		CHECK_INT(b.out.packet.ts, (seq - 10U) * 160);
		CHECK_INT(b.out.packet.payload.n, 2);
		CHECK_MEM(b.out.packet.payload.p, &seq, 2);
	}
	jitter_free(&b.j);
}

static void test_jitter_padding_numbers_are_no_loss(void)
{
	struct jitter_stats s;
	struct bench b;

	CHECK(bench_new(&b));
	CHECK(flow(&b, 100, 0, 10));
	/* four padding-only packets used up numbers */
	CHECK(flow(&b, 114, 1600, 10));
	jitter_stats(b.j, &s);
	CHECK_INT(s.lost, 0);
	CHECK_INT(s.concealed, 0);
	jitter_free(&b.j);
}

/* The sender is silent for `silence_ms`; its timestamps go on by `ts_ms`. */
static bool pause_survives(unsigned silence_ms, unsigned ts_ms,
			   unsigned seq_step)
{
	uint16_t seq = (uint16_t)(60 + seq_step);
	unsigned waits = 0;
	struct jitter_stats s;
	struct bench b;
	bool ok = bench_new(&b) && flow(&b, 10, 4000000000U, 50);

	for (unsigned ms = 0; ok && ms < silence_ms; ms += 10) {
		enum jitter_verdict v = get(&b);

		if (v == JITTER_WAIT)
			waits++;
		else
			ok = v == JITTER_EXPAND && !waits;
		b.now += 10 * USEC_MS;
	}
	ok = ok && (silence_ms < 150 || waits);
	ok = ok && flow(&b, seq, 4000000000U + 8000 + ts_ms * 8, 50);
	if (!ok)
		printf("# at %u of %u, verdict %d\n", b.out.packet.seq, seq,
		       (int)b.out.verdict);
	jitter_stats(b.j, &s);
	ok = ok && s.lost == 0 && s.delay_ms < 15;
	jitter_free(&b.j);
	return ok;
}

static void test_jitter_resumes_after_a_mute(void)
{
	CHECK(pause_survives(1000, 1000, 0));
	CHECK(pause_survives(60000, 60000, 0));
	/* timestamps that stood still, or went elsewhere */
	CHECK(pause_survives(60000, 0, 0));
	CHECK(pause_survives(5000, 3000000, 0));
	/* numbers used up by padding meanwhile */
	CHECK(pause_survives(300000, 300000, 240));
	/* a short pause, below what is called one */
	CHECK(pause_survives(60, 60, 0));
}

static void test_jitter_follows_a_new_source_after_two_packets(void)
{
	struct bench b;

	CHECK(bench_new(&b));
	CHECK(flow(&b, 10, 0, 50));
	CHECK_INT(put(&b, 30000, 77), -EINVAL);
	CHECK_INT(put(&b, 20000, 78), -EINVAL);
	CHECK(flow(&b, 60, 8000, 5)); /* strays change nothing */
	CHECK_INT(put(&b, 40000, 99), -EINVAL);
	b.now += 20 * USEC_MS;
	CHECK(flow(&b, 40001, 259, 50));
	jitter_reset(b.j);
	CHECK_INT(get(&b), JITTER_WAIT);
	CHECK(flow(&b, 7, 1, 5));
	jitter_free(&b.j);
}

static void test_jitter_follows_numbers_set_back(void)
{
	unsigned refused = 0;
	struct bench b;

	CHECK(bench_new(&b));
	CHECK(flow(&b, 1000, 0, 100));
	while (refused < 20 &&
	       put(&b, (uint16_t)(1020 + refused), 50000 + refused * 160)) {
		refused++;
		b.now += 20 * USEC_MS;
	}
	CHECK(refused < 10);
	jitter_free(&b.j);
}

static void test_jitter_skips_the_backlog_of_a_stall(void)
{
	struct jitter_stats s;
	struct bench b;

	CHECK(bench_new(&b));
	CHECK(flow(&b, 0, 0, 100));
	for (int i = 0; i < 100; i++) { /* nothing for a second */
		get(&b);
		b.now += 10 * USEC_MS;
	}
	for (unsigned i = 100; i < 150; i++)
		CHECK_INT(put(&b, (uint16_t)i, i * 160), 0);
	CHECK_INT(get(&b), JITTER_PACKET);
	CHECK(b.out.packet.seq > 125);
	jitter_stats(b.j, &s);
	CHECK(s.dropped > 25);
	CHECK(s.delay_ms <= 420);
	jitter_free(&b.j);
}

static void test_jitter_overflow_loses_the_oldest(void)
{
	static uint8_t big[1500];
	struct media_packet p = {.payload = {big, 1500}, .arrival = 1};
	struct jitter_stats s;
	struct bench b;

	CHECK(bench_new(&b));
	p.arrival = b.now;
	for (unsigned i = 0; i < 20; i++) {
		p.seq = (uint16_t)i;
		p.ts = i * 160;
		big[0] = (uint8_t)i;
		CHECK_INT(jitter_put(b.j, &p, 160), 0);
	}
	jitter_stats(b.j, &s);
	CHECK_INT(s.overflow, 15); /* 8192 bytes hold five of 1500 */
	CHECK_INT(get(&b), JITTER_PACKET);
	CHECK_INT(b.out.packet.seq, 15);
	CHECK_INT(b.out.packet.payload.p[0], 15);
	p.payload.n = 1501;
	CHECK_INT(jitter_put(b.j, &p, 160), -EMSGSIZE);
	p.payload.n = 1;
	CHECK_INT(jitter_put(b.j, &p, 0), -EINVAL);
	p.payload.n = 0;
	CHECK_INT(jitter_put(b.j, &p, 160), 0);
	/* more numbers than slots */
	p.payload.n = 1;
	for (unsigned i = 20; i < 120; i++) {
		p.seq = (uint16_t)i;
		p.ts = i * 160;
		CHECK_INT(jitter_put(b.j, &p, 160), 0);
	}
	jitter_free(&b.j);
}

static void test_jitter_survives_any_packet(void)
{
	struct bench b;
	uint32_t seed = 5;

	CHECK(bench_new(&b));
	for (int i = 0; i < 100000; i++) {
		uint32_t draw = (uint32_t)(drawn(&seed) * 16777216);
		uint16_t seq = (uint16_t)(i / 2 + (draw & 15));
		uint32_t ts = (uint32_t)i * 80;

		if (draw % 97 == 0)
			seq = (uint16_t)(draw >> 3);
		if (draw % 101 == 0)
			ts = draw * 7919;
		(void)put(&b, seq, ts);
		if (i & 1)
			(void)get(&b);
		CHECK(b.out.samples <= 8000);
		b.now += 10 * USEC_MS;
	}
	jitter_free(&b.j);
}

static void test_jitter_refuses_wrong_settings(void)
{
	struct jitter_conf conf = {.clock_hz = 0};
	struct jitter *j = NULL;

	CHECK_INT(jitter_new(&j, &conf), -EINVAL);
	conf.clock_hz = 8000;
	conf.packets_max = 63;
	CHECK_INT(jitter_new(&j, &conf), -EINVAL);
	conf.packets_max = 64;
	conf.bytes_max = 100;
	CHECK_INT(jitter_new(&j, &conf), -EINVAL);
	CHECK(!j);
	jitter_free(&j);
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
	RUN(test_jitter_drops_repeats_and_late_ones);
	RUN(test_jitter_orders_what_comes_in_disorder);
	RUN(test_jitter_padding_numbers_are_no_loss);
	RUN(test_jitter_resumes_after_a_mute);
	RUN(test_jitter_follows_a_new_source_after_two_packets);
	RUN(test_jitter_follows_numbers_set_back);
	RUN(test_jitter_skips_the_backlog_of_a_stall);
	RUN(test_jitter_overflow_loses_the_oldest);
	RUN(test_jitter_survives_any_packet);
	RUN(test_jitter_refuses_wrong_settings);
	return check_done();
}
