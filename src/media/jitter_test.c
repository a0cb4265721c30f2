#include "media/jitter.h"

#include <errno.h>

#include "tests/check.h"

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
		uint32_t draw, ts = (uint32_t)i * 80;
		uint16_t seq;

		seed = seed * 1664525U + 1013904223U;
		draw = seed >> 8;
		seq = (uint16_t)(i / 2 + (draw & 15));
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
