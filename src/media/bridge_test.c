#include <errno.h>

#include "media/bridge_fixture.h"
#include "tests/check.h"

/* -- delay and likeness ------------------------------------------------- */

static void test_bridge_adds_less_than_20_ms_without_jitter(void)
{
	static const struct {
		const struct media_codec *a, *b;
		unsigned pa, pb;
	} pairs[] = {
		{&media_codec_pcma, &media_codec_opus, 20, 20},
		{&media_codec_pcmu, &media_codec_opus, 20, 60},
		{&media_codec_pcma, &media_codec_opus, 30, 20},
		{&media_codec_opus, &media_codec_opus, 20, 20},
		{&media_codec_pcma, &media_codec_pcmu, 20, 20},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		double most =
			pairs[i].pa > pairs[i].pb ? pairs[i].pa : pairs[i].pb;

		for (unsigned phase = 0; phase < 10000; phase += 3300) {
			double ab, ba, like_ab, like_ba;
			struct call c;

			CHECK(call_new(&c, pairs[i].a, pairs[i].pa, pairs[i].b,
				       pairs[i].pb));
			c.phase_us = phase;
			call_run(&c, 3000);
			ab = delay_ms(&c, &c.a, &c.b, &like_ab);
			ba = delay_ms(&c, &c.b, &c.a, &like_ba);
			printf("# %s %u - %s %u, phase %u: %.1f and %.1f ms, "
			       "likeness %.3f and %.3f\n",
			       pairs[i].a->name, pairs[i].pa, pairs[i].b->name,
			       pairs[i].pb, phase, ab, ba, like_ab, like_ba);
			CHECK(like_ab > 0.9 && like_ba > 0.9);
			/* 30 ms frames meet 20 ms ones every 60 ms only */
			if (pairs[i].pa == 30)
				most = 40;
			CHECK(ab >= 19 && ab < most + 20);
			CHECK(ba >= 19 && ba < most + 20);
			CHECK_INT(c.a.bad + c.b.bad, 0);
			call_free(&c);
		}
	}
}

static void test_bridge_sends_evenly(void)
{
	struct call c;

	CHECK(call_new(&c, &media_codec_pcma, 20, &media_codec_opus, 60));
	c.phase_us = 4000;
	call_run(&c, 1000);
	end_forget_heard(&c.a);
	end_forget_heard(&c.b);
	call_run(&c, 3000);
	CHECK_INT(c.a.packets, 150);
	CHECK_INT(c.a.apart_min, 20000);
	CHECK_INT(c.a.apart_max, 20000);
	CHECK_INT(c.b.packets, 50);
	CHECK_INT(c.b.apart_min, 60000);
	CHECK_INT(c.b.apart_max, 60000);
	call_free(&c);
}

static void test_bridge_stands_ticks_that_wobble(void)
{
	double like, delay;
	struct call c;

	CHECK(call_new(&c, &media_codec_pcma, 20, &media_codec_opus, 20));
	c.phase_us = 5000;
	c.tick_wobble_us = 3000;
	call_run(&c, 6000);
	delay = delay_ms(&c, &c.a, &c.b, &like);
	printf("# wobbling ticks: %.1f ms, %u packets %llu to %llu us apart\n",
	       delay, c.b.packets, (unsigned long long)c.b.apart_min,
	       (unsigned long long)c.b.apart_max);
	CHECK(delay < 20 + 20 + 3);
	CHECK(like > 0.9);
	CHECK(c.b.packets > 290 && c.b.packets <= 301);
	CHECK(c.b.apart_min >= 7000);
	call_free(&c);
}

static void test_bridge_keeps_speech_alike_over_losses(void)
{
	double like_ab, like_ba;
	struct bridge_leg_stats s;
	struct call c;

	CHECK(call_new(&c, &media_codec_pcma, 20, &media_codec_opus, 20));
	c.lost_of_100 = 5;
	call_run(&c, 8000);
	(void)delay_ms(&c, &c.a, &c.b, &like_ab);
	(void)delay_ms(&c, &c.b, &c.a, &like_ba);
	printf("# 5 %% lost: likeness %.3f and %.3f\n", like_ab, like_ba);
	CHECK(like_ab > 0.7 && like_ba > 0.7);
	bridge_stats(c.bridge, BRIDGE_B, &s);
	CHECK(s.jitter.lost > 5 && s.jitter.lost < 50);
	CHECK_INT(s.undecodable, 0);
	CHECK(s.packets_out > 390 && s.packets_out < 410);
	call_free(&c);
}

/* Segments of a second each, because the delay changes meanwhile. */
static double likeness_of_seconds(const struct end *from, const struct end *to,
				  size_t first_s, size_t last_s)
{
	double sum = 0;
	int lag;

	for (size_t s = first_s; s < last_s; s++)
		sum += likeness(from, to, s * RATE, RATE, &lag);
	return sum / (double)(last_s - first_s);
}

static void test_bridge_keeps_speech_alike_under_jitter(void)
{
	double like_ab, like_ba;
	struct bridge_leg_stats a, b;
	struct call c;

	CHECK(call_new(&c, &media_codec_pcma, 20, &media_codec_opus, 20));
	c.jitter_ms = 60;
	c.lost_of_100 = 2;
	call_run(&c, 5000);
	c.jitter_ms = 0;
	call_run(&c, 6000);
	like_ab = likeness_of_seconds(&c.a, &c.b, 1, 10);
	like_ba = likeness_of_seconds(&c.b, &c.a, 1, 10);
	bridge_stats(c.bridge, BRIDGE_A, &a);
	bridge_stats(c.bridge, BRIDGE_B, &b);
	printf("# 60 ms of jitter, 2 %% lost: likeness %.3f and %.3f, "
	       "expanded %llu and %llu, dropped %llu and %llu\n",
	       like_ab, like_ba, (unsigned long long)a.jitter.concealed,
	       (unsigned long long)b.jitter.concealed,
	       (unsigned long long)a.jitter.dropped,
	       (unsigned long long)b.jitter.dropped);
	CHECK(like_ab > 0.8 && like_ba > 0.8);
	CHECK(a.jitter.concealed < 60 && b.jitter.concealed < 60);
	CHECK_INT(a.undecodable + b.undecodable, 0);
	call_free(&c);
}

/* -- silence ------------------------------------------------------------ */

static void test_bridge_sends_silence_until_somebody_speaks(void)
{
	struct call c;

	CHECK(call_new(&c, &media_codec_pcma, 20, &media_codec_opus, 20));
	c.a_mute = c.b_mute = true;
	/* both legs get a tenth of a second to begin */
	call_run(&c, 1000);
	CHECK(c.a.packets >= 44 && c.a.packets <= 46);
	CHECK(c.b.packets >= 44 && c.b.packets <= 46);
	CHECK_INT(c.a.markers, 1);
	CHECK_INT(c.a.last_n, 160);
	for (size_t i = 0; i < 160; i++)
		CHECK_INT(c.a.last[i], 0xd5);
	call_free(&c);
}

static void test_bridge_fills_a_mute_and_resumes(void)
{
	struct bridge_leg_stats s;
	struct call c;
	int lag = 0;

	CHECK(call_new(&c, &media_codec_pcma, 20, &media_codec_opus, 60));
	call_run(&c, 2000);
	c.b_mute = true;
	call_run(&c, 1000);
	bridge_stats(c.bridge, BRIDGE_B, &s);
	CHECK(s.silence_ms > 900 && s.silence_ms <= 1060);
	end_forget_heard(&c.a);
	call_run(&c, 1000);
	CHECK_INT(c.a.packets, 50);
	for (size_t i = 0; i < c.a.heard_n; i++)
		CHECK(abs(c.a.heard[i]) <= 8);
	c.b_mute = false;
	c.b.said_n = 0;
	end_forget_heard(&c.a);
	call_run(&c, 3000);
	CHECK(c.a.packets >= 148);
	CHECK(c.a.apart_max <= 20000);
	CHECK_INT(c.a.markers, 1);
	CHECK(likeness(&c.b, &c.a, 4000, 8000, &lag) > 0.9);
	/* the first packet came after 60 ms, and nothing delays it more */
	CHECK(lag <= 80 * RATE / 1000);
	bridge_stats(c.bridge, BRIDGE_B, &s);
	CHECK(s.silence_ms < 80);
	CHECK_INT(s.jitter.lost, 0);
	call_free(&c);
}

/* -- the rest ----------------------------------------------------------- */

static void test_bridge_counts_what_it_cannot_decode(void)
{
	static const uint8_t odd[] = {0x09, 1, 2, 3};
	struct media_packet p = {.payload = {odd, 4}, .arrival = 5};
	struct bridge_leg_stats s;
	struct call c;

	CHECK(call_new(&c, &media_codec_pcma, 20, &media_codec_opus, 20));
	bridge_input(c.bridge, BRIDGE_B, &p);
	p.payload.n = 0; /* padding only */
	bridge_input(c.bridge, BRIDGE_B, &p);
	bridge_stats(c.bridge, BRIDGE_B, &s);
	CHECK_INT(s.undecodable, 1);
	CHECK_INT(s.packets_in, 2);
	call_free(&c);
}

static void test_bridge_survives_any_payload(void)
{
	static const struct media_codec *const other[] = {&media_codec_pcmu,
							  &media_codec_opus};

	for (size_t i = 0; i < 2; i++) {
		struct call c;

		CHECK(call_new(&c, other[i], 20, &media_codec_opus, 60));
		c.a_mute = c.b_mute = true;
		for (unsigned round = 0; round < 3000; round++) {
			uint8_t bytes[300];
			size_t n = call_draw(&c, sizeof(bytes)) + 1;
			uint8_t *exact = malloc(n);
			struct media_packet p = {.seq = (uint16_t)round,
						 .ts = round * 960,
						 .arrival = c.now};

			CHECK(exact);
			for (size_t k = 0; k < n; k++)
				exact[k] = (uint8_t)call_draw(&c, 256);
			if (call_draw(&c, 50) == 0)
				p.ts = call_draw(&c, 1U << 23) << 9;
			p.payload = bytes_of(exact, n);
			bridge_input(c.bridge, round & 1 ? BRIDGE_A : BRIDGE_B,
				     &p);
			call_run(&c, round % 3 * 10);
			free(exact);
			if (round % 300 == 0) {
				end_forget_heard(&c.a);
				end_forget_heard(&c.b);
			}
		}
		CHECK_INT(c.a.bad + c.b.bad, 0);
		call_free(&c);
	}
}

static void test_bridge_changes_a_leg_while_running(void)
{
	double like;
	struct bridge_leg_conf leg;
	struct bridge_leg_stats before, after;
	struct call c;

	CHECK(call_new(&c, &media_codec_pcma, 20, &media_codec_opus, 20));
	call_run(&c, 1000);
	bridge_stats(c.bridge, BRIDGE_A, &before);
	leg = leg_of(&c.a, 25);
	CHECK_INT(bridge_set_leg(c.bridge, BRIDGE_A, &leg), -EINVAL);
	leg = leg_of(&c.b, 30);
	CHECK_INT(bridge_set_leg(c.bridge, BRIDGE_B, &leg), -EINVAL);
	leg = leg_of(&c.b, 60);
	CHECK_INT(bridge_set_leg(c.bridge, BRIDGE_B, &leg), 0);
	call_run(&c, 2000);
	(void)delay_ms(&c, &c.a, &c.b, &like);
	CHECK(like > 0.8);
	CHECK_INT(c.b.last_samples, 2880);
	bridge_stats(c.bridge, BRIDGE_A, &after);
	CHECK(after.packets_out >= before.packets_out + 98);
	call_free(&c);
}

static bool last_packets_equal(const struct end *x, const struct end *y)
{
	return x->last_n == y->last_n && !memcmp(x->last, y->last, x->last_n);
}

/* How often the last packet of two calls differs, of `times`. */
static int calls_differ(struct call *x, struct call *y, int times)
{
	int n = 0;

	for (int i = 0; i < times; i++) {
		call_run(x, 100);
		call_run(y, 100);
		n += !last_packets_equal(&x->b, &y->b);
	}
	return n;
}

/* Redundancy takes its part of the bits: the same speech in other packets. */
static void test_bridge_expects_the_loss_it_is_told(void)
{
	struct call told, other;
	int before, after;

	CHECK(call_new(&told, &media_codec_pcma, 20, &media_codec_opus, 20));
	CHECK(call_new(&other, &media_codec_pcma, 20, &media_codec_opus, 20));
	bridge_set_loss(other.bridge, BRIDGE_A, 30); /* G.711: no matter */
	before = calls_differ(&told, &other, 10);
	bridge_set_loss(told.bridge, BRIDGE_B, 30);
	after = calls_differ(&told, &other, 20);
	call_free(&told);
	call_free(&other);
	CHECK_INT(before, 0);
	CHECK(after > 5);
}

static void test_bridge_refuses_half_a_leg(void)
{
	struct bridge_leg_conf good = {
		.codec = &media_codec_pcma, .ptime_ms = 20, .send = end_hear};
	struct bridge_leg_conf bad = good;
	struct bridge *b = NULL;

	bad.codec = NULL;
	CHECK_INT(bridge_new(&b, &good, &bad), -EINVAL);
	bad = good;
	bad.send = NULL;
	CHECK_INT(bridge_new(&b, &bad, &good), -EINVAL);
	bad = good;
	bad.ptime_ms = 0;
	CHECK_INT(bridge_new(&b, &bad, &good), -EINVAL);
	CHECK(!b);
	bridge_free(&b);
}

int main(void)
{
	RUN(test_bridge_adds_less_than_20_ms_without_jitter);
	RUN(test_bridge_sends_evenly);
	RUN(test_bridge_stands_ticks_that_wobble);
	RUN(test_bridge_keeps_speech_alike_over_losses);
	RUN(test_bridge_keeps_speech_alike_under_jitter);
	RUN(test_bridge_sends_silence_until_somebody_speaks);
	RUN(test_bridge_fills_a_mute_and_resumes);
	RUN(test_bridge_counts_what_it_cannot_decode);
	RUN(test_bridge_survives_any_payload);
	RUN(test_bridge_changes_a_leg_while_running);
	RUN(test_bridge_expects_the_loss_it_is_told);
	RUN(test_bridge_refuses_half_a_leg);
	return check_done();
}
