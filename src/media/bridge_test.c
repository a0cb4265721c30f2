#include "media/bridge.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/speech.h"

/* -- counting allocations ----------------------------------------------- */

static size_t allocations;

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(HAS_ASAN)

int __sanitizer_install_malloc_and_free_hooks(
	void (*on_malloc)(const volatile void *, size_t),
	void (*on_free)(const volatile void *));

static void malloc_seen(const volatile void *p, size_t n)
{
	allocations++;
}

static void free_seen(const volatile void *p)
{
}

static void allocations_watch(void)
{
	__sanitizer_install_malloc_and_free_hooks(malloc_seen, free_seen);
}

#else

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
	allocations++;
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	allocations++;
	return __libc_realloc(p, n);
}

static void allocations_watch(void)
{
}

#endif

/* -- a far end: speech in packets, packets to sound --------------------- */

enum { RATE = 8000, SECONDS_MAX = 12, SAMPLES_MAX = RATE * SECONDS_MAX };

struct end {
	const struct media_codec *codec;
	unsigned ptime_ms; /* of the packets it sends */
	struct media_coder *coder;
	struct speech speech;
	uint16_t seq;
	uint32_t ts;
	int16_t *said, *heard;
	size_t said_n, heard_n;
	/* what arrives from the bridge */
	usec_t now;
	unsigned packets, gaps, bad, markers;
	usec_t offset; /* latest send time minus media time: a receiver that
			* plays at once must start so late */
	usec_t last_at, apart_min, apart_max;
	uint32_t last_samples;
	uint8_t last[1500];
	size_t last_n;
};

static void end_hear(struct bytes payload, uint32_t samples, bool marker,
		     void *arg)
{
	struct end *e = arg;
	size_t want = samples * (size_t)RATE / e->codec->rtp_clock_hz;
	usec_t media = e->heard_n * USEC_S / RATE;
	int n;

	if (e->heard_n + want > SAMPLES_MAX)
		return;
	if (payload.n &&
	    media_payload_samples(e->codec, payload) != (int)samples)
		e->bad++;
	n = media_decode(e->coder, e->heard + e->heard_n,
			 payload.n ? SAMPLES_MAX - e->heard_n : want, payload,
			 false);
	if (n != (int)want)
		e->bad++;
	if (e->now - media > e->offset)
		e->offset = e->now - media;
	if (e->packets) {
		usec_t apart = e->now - e->last_at;

		e->apart_min = apart < e->apart_min ? apart : e->apart_min;
		e->apart_max = apart > e->apart_max ? apart : e->apart_max;
	}
	e->last_at = e->now;
	e->last_samples = samples;
	e->heard_n += want;
	e->markers += marker;
	if (!payload.n) {
		e->gaps++;
		return;
	}
	memcpy(e->last, payload.p, payload.n);
	e->last_n = payload.n;
	e->packets++;
}

static bool end_new(struct end *e, const struct media_codec *codec,
		    unsigned ptime_ms)
{
	struct media_coder_conf conf = {
		.rate_hz = RATE, .complexity = 3, .expected_loss = 10};

	memset(e, 0, sizeof(*e));
	e->codec = codec;
	e->ptime_ms = ptime_ms;
	e->seq = 65500;
	e->ts = 0xffffff00;
	e->apart_min = USEC_NEVER;
	e->said = calloc(SAMPLES_MAX, sizeof(int16_t));
	e->heard = calloc(SAMPLES_MAX, sizeof(int16_t));
	speech_init(&e->speech, RATE, ptime_ms);
	return e->said && e->heard && !media_coder_new(&e->coder, codec, &conf);
}

static void end_free(struct end *e)
{
	media_coder_free(&e->coder);
	free(e->said);
	free(e->heard);
}

static void end_forget_heard(struct end *e)
{
	e->heard_n = 0;
	e->packets = e->gaps = e->markers = 0;
	e->offset = 0;
	e->apart_min = USEC_NEVER;
	e->apart_max = 0;
}

/* The next packet it says. */
static bool end_say(struct end *e, struct media_packet *p, uint8_t *packet,
		    size_t room)
{
	size_t n = (size_t)RATE * e->ptime_ms / 1000;
	int bytes;

	if (e->said_n + n > SAMPLES_MAX)
		return false;
	speech_fill(&e->speech, e->said + e->said_n, n);
	bytes = media_encode(e->coder, packet, room, e->said + e->said_n, n);
	if (bytes <= 0)
		e->bad++;
	p->seq = e->seq++;
	p->ts = e->ts;
	p->payload = bytes_of(packet, bytes > 0 ? (size_t)bytes : 0);
	e->said_n += n;
	e->ts += (uint32_t)(n * e->codec->rtp_clock_hz / RATE);
	return bytes > 0;
}

/* -- a call in invented time -------------------------------------------- */

struct call {
	struct end a, b;
	struct bridge *bridge;
	usec_t now, start;
	unsigned phase_us; /* of packets after a tick */
	unsigned lost_of_100;
	unsigned tick_wobble_us;
	bool a_mute, b_mute;
	uint32_t seed;
	usec_t a_next, b_next; /* when the next packets are complete */
	unsigned jitter_ms;
	struct flying {
		usec_t at; /* 0: free */
		enum bridge_side side;
		struct media_packet p;
		uint8_t bytes[600];
	} flying[64];
};

static struct bridge_leg_conf leg_of(struct end *e, unsigned ptime_ms)
{
	return (struct bridge_leg_conf){.codec = e->codec,
					.ptime_ms = ptime_ms,
					.send = end_hear,
					.arg = e};
}

static bool call_new(struct call *c, const struct media_codec *a,
		     unsigned a_ptime, const struct media_codec *b,
		     unsigned b_ptime)
{
	struct bridge_leg_conf la, lb;

	memset(c, 0, sizeof(*c));
	if (!end_new(&c->a, a, a_ptime) || !end_new(&c->b, b, b_ptime))
		return false;
	la = leg_of(&c->a, a_ptime);
	lb = leg_of(&c->b, b_ptime);
	c->start = c->now = 1000 * USEC_S;
	c->seed = 9;
	return !bridge_new(&c->bridge, &la, &lb);
}

static void call_free(struct call *c)
{
	bridge_free(&c->bridge);
	end_free(&c->a);
	end_free(&c->b);
}

static uint32_t call_draw(struct call *c, uint32_t below)
{
	c->seed = c->seed * 1664525U + 1013904223U;
	return (c->seed >> 8) % below;
}

static struct flying *flying_free(struct call *c)
{
	for (size_t i = 0; i < sizeof(c->flying) / sizeof(c->flying[0]); i++)
		if (!c->flying[i].at)
			return &c->flying[i];
	return NULL;
}

/* Says what is due until `until`; a packet is complete, and sets off, one
 * packet time after its first sample was said. */
static void end_talk(struct call *c, struct end *e, enum bridge_side side,
		     usec_t *next, usec_t until)
{
	for (; *next <= until; *next += e->ptime_ms * USEC_MS) {
		bool lost = call_draw(c, 100) < c->lost_of_100;
		struct flying *f = flying_free(c);

		if (e == &c->a ? c->a_mute : c->b_mute) {
			e->ts += e->ptime_ms * e->codec->rtp_clock_hz / 1000;
			continue;
		}
		if (!f || !end_say(e, &f->p, f->bytes, sizeof(f->bytes)) ||
		    lost)
			continue;
		f->side = side;
		f->at = *next;
		if (c->jitter_ms)
			f->at += call_draw(c, c->jitter_ms * 1000);
	}
}

/* The earliest packet that has arrived by now; NULL: none. */
static struct flying *flying_next(struct call *c, usec_t now)
{
	struct flying *first = NULL;

	for (size_t i = 0; i < sizeof(c->flying) / sizeof(c->flying[0]); i++) {
		struct flying *f = &c->flying[i];

		if (f->at && f->at <= now && (!first || f->at < first->at))
			first = f;
	}
	return first;
}

static void call_deliver(struct call *c, usec_t now)
{
	struct flying *f;

	while ((f = flying_next(c, now))) {
		f->p.arrival = f->at;
		bridge_input(c->bridge, f->side, &f->p);
		f->at = 0;
	}
}

static void call_run(struct call *c, unsigned ms)
{
	usec_t end = c->now + ms * USEC_MS;

	if (!c->a_next) {
		c->a_next = c->now + c->phase_us + c->a.ptime_ms * USEC_MS;
		c->b_next = c->now + c->phase_us + c->b.ptime_ms * USEC_MS;
	}
	while (c->now < end) {
		c->now += 10 * USEC_MS;
		usec_t tick = c->now;

		if (c->tick_wobble_us)
			tick += call_draw(c, c->tick_wobble_us);
		c->a.now = c->b.now = tick;
		end_talk(c, &c->a, BRIDGE_A, &c->a_next, tick);
		end_talk(c, &c->b, BRIDGE_B, &c->b_next, tick);
		call_deliver(c, tick);
		bridge_tick(c->bridge, tick);
	}
}

/* How alike are what `from` said and what `to` heard, at the best shift. */
static double likeness(const struct end *from, const struct end *to,
		       size_t first, size_t n, int *lag)
{
	double best = -1;

	for (int l = -800; l <= 1600; l += 2) {
		double ab = 0, aa = 1, bb = 1;

		for (size_t i = first; i < first + n; i++) {
			ptrdiff_t k = (ptrdiff_t)i + l;
			double x = from->said[i], y;

			if (k < 0 || k >= (ptrdiff_t)to->heard_n)
				continue;
			y = to->heard[k];
			ab += x * y;
			aa += x * x;
			bb += y * y;
		}
		if (ab / sqrt(aa * bb) > best) {
			best = ab / sqrt(aa * bb);
			*lag = l;
		}
	}
	return best;
}

/* Milliseconds from a sample said to the same sample played by a receiver
 * without a buffer of its own. */
static double delay_ms(const struct call *c, const struct end *from,
		       const struct end *to, double *like)
{
	int lag = 0;

	*like = likeness(from, to, 4000, 8000, &lag);
	return ((double)to->offset - (double)c->start - c->phase_us) / 1000 +
	       lag * 1000.0 / RATE;
}

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

/* -- passing through ---------------------------------------------------- */

static void test_bridge_passes_opus_through_untouched(void)
{
	double like;
	struct bridge_leg_stats s;
	struct call c;

	CHECK(call_new(&c, &media_codec_opus, 20, &media_codec_opus, 20));
	CHECK(bridge_is_passthrough(c.bridge));
	c.phase_us = 1000;
	call_run(&c, 3000);
	CHECK(delay_ms(&c, &c.a, &c.b, &like) < 20 + 20);
	CHECK(like > 0.95);
	bridge_stats(c.bridge, BRIDGE_A, &s);
	CHECK(s.packets_in >= 149);
	CHECK_INT(s.jitter.lost + s.jitter.concealed, 0);
	call_free(&c);
}

static void test_bridge_repacketises_between_20_and_60_ms(void)
{
	double like;
	struct bridge_leg_conf leg;
	struct call c;

	/* a sends 20 ms frames, b wants packets of 60 ms */
	CHECK(call_new(&c, &media_codec_opus, 20, &media_codec_opus, 20));
	leg = leg_of(&c.b, 60);
	CHECK_INT(bridge_set_leg(c.bridge, BRIDGE_B, &leg), 0);
	CHECK(bridge_is_passthrough(c.bridge));
	call_run(&c, 3000);
	CHECK(delay_ms(&c, &c.a, &c.b, &like) < 60 + 20);
	CHECK(like > 0.95);
	CHECK(c.b.packets >= 49 && c.b.packets <= 51);
	CHECK_INT(c.b.last_samples, 2880);
	CHECK_INT(c.b.bad, 0);
	call_free(&c);
}

static void test_bridge_parts_packets_of_several_frames(void)
{
	static uint8_t three[] = {0xfb, 0x03, 0xff, 0xfe,
				  0xff, 0xfe, 0xff, 0xfe};
	struct media_packet p = {.payload = {three, sizeof(three)}};
	struct call c;

	CHECK(call_new(&c, &media_codec_opus, 20, &media_codec_opus, 20));
	c.a_mute = c.b_mute = true;
	call_run(&c, 100);
	end_forget_heard(&c.b);
	for (unsigned i = 0; i < 20; i++) {
		p.seq = (uint16_t)i;
		p.ts = i * 2880;
		p.arrival = c.now;
		bridge_input(c.bridge, BRIDGE_A, &p);
		call_run(&c, 60);
		CHECK_INT(c.b.last_samples, 960);
	}
	CHECK_INT(c.b.packets, 60);
	CHECK_INT(c.b.last_n, 3);
	CHECK_INT(c.b.apart_max, 20000);
	CHECK_INT(c.b.bad, 0);
	call_free(&c);
}

static void test_bridge_keeps_long_frames_whole(void)
{
	double like;
	struct bridge_leg_conf leg;
	struct call c;

	CHECK(call_new(&c, &media_codec_opus, 60, &media_codec_opus, 20));
	leg = leg_of(&c.b, 20);
	CHECK_INT(bridge_set_leg(c.bridge, BRIDGE_B, &leg), 0);
	call_run(&c, 3000);
	(void)delay_ms(&c, &c.a, &c.b, &like);
	CHECK(like > 0.95);
	CHECK_INT(c.b.last_samples, 2880);
	CHECK_INT(c.b.bad, 0);
	call_free(&c);
}

static void test_bridge_passes_losses_on_as_losses(void)
{
	double like;
	struct call c;

	CHECK(call_new(&c, &media_codec_opus, 20, &media_codec_opus, 20));
	c.lost_of_100 = 5;
	call_run(&c, 6000);
	(void)delay_ms(&c, &c.a, &c.b, &like);
	printf("# %u gaps passed on, likeness %.3f\n", c.b.gaps, like);
	CHECK(c.b.gaps > 5);
	CHECK(c.b.packets + c.b.gaps >= 299 && c.b.packets + c.b.gaps <= 301);
	CHECK(like > 0.9);
	call_free(&c);
}

static void test_bridge_transcodes_opus_when_told_to(void)
{
	double like;
	struct bridge_leg_conf la, lb;
	struct call c;

	CHECK(call_new(&c, &media_codec_opus, 20, &media_codec_opus, 60));
	la = leg_of(&c.a, 20);
	lb = leg_of(&c.b, 60);
	lb.transcode = true;
	bridge_free(&c.bridge);
	CHECK_INT(bridge_new(&c.bridge, &la, &lb), 0);
	CHECK(!bridge_is_passthrough(c.bridge));
	CHECK_INT(bridge_rate_hz(la.codec, lb.codec), 48000);
	call_run(&c, 2500);
	CHECK(delay_ms(&c, &c.a, &c.b, &like) < 60 + 20 + 7);
	printf("# coded twice: likeness %.3f\n", like);
	CHECK(like > 0.85);
	CHECK_INT(c.b.last_samples, 2880);
	CHECK_INT(c.a.last_samples, 960);
	CHECK_INT(c.a.bad + c.b.bad, 0);
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

static void test_bridge_allocates_nothing_while_running(void)
{
	static const struct media_codec *const other[] = {&media_codec_pcma,
							  &media_codec_opus};

	allocations_watch();
	for (size_t i = 0; i < 2; i++) {
		size_t before;
		struct call c;

		before = allocations;
		CHECK(call_new(&c, other[i], 20, &media_codec_opus, 60));
		CHECK(allocations > before); /* the count works */
		c.lost_of_100 = 3;
		before = allocations;
		call_run(&c, 3000);
		c.b_mute = true;
		call_run(&c, 500);
		c.b_mute = false;
		call_run(&c, 500);
		CHECK_INT(allocations - before, 0);
		call_free(&c);
	}
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
	RUN(test_bridge_passes_opus_through_untouched);
	RUN(test_bridge_repacketises_between_20_and_60_ms);
	RUN(test_bridge_parts_packets_of_several_frames);
	RUN(test_bridge_keeps_long_frames_whole);
	RUN(test_bridge_passes_losses_on_as_losses);
	RUN(test_bridge_transcodes_opus_when_told_to);
	RUN(test_bridge_counts_what_it_cannot_decode);
	RUN(test_bridge_survives_any_payload);
	RUN(test_bridge_changes_a_leg_while_running);
	RUN(test_bridge_refuses_half_a_leg);
	RUN(test_bridge_allocates_nothing_while_running);
	return check_done();
}
