/* A call through a bridge in invented time: two far ends that speak, a network
 * with losses and jitter, and what each end hears. For tests only.
 */
#ifndef MEDIA_BRIDGE_FIXTURE_H
#define MEDIA_BRIDGE_FIXTURE_H

#include <math.h>
#include <stdlib.h>

#include "media/bridge.h"
#include "tests/speech.h"

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

static inline void end_hear(struct bytes payload, uint32_t samples, bool marker,
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

static inline bool end_new(struct end *e, const struct media_codec *codec,
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

static inline void end_free(struct end *e)
{
	media_coder_free(&e->coder);
	free(e->said);
	free(e->heard);
}

static inline void end_forget_heard(struct end *e)
{
	e->heard_n = 0;
	e->packets = e->gaps = e->markers = 0;
	e->offset = 0;
	e->apart_min = USEC_NEVER;
	e->apart_max = 0;
}

/* The next packet it says. */
static inline bool end_say(struct end *e, struct media_packet *p,
			   uint8_t *packet, size_t room)
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

static inline struct bridge_leg_conf leg_of(struct end *e, unsigned ptime_ms)
{
	return (struct bridge_leg_conf){.codec = e->codec,
					.ptime_ms = ptime_ms,
					.send = end_hear,
					.arg = e};
}

static inline bool call_new(struct call *c, const struct media_codec *a,
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

static inline void call_free(struct call *c)
{
	bridge_free(&c->bridge);
	end_free(&c->a);
	end_free(&c->b);
}

static inline uint32_t call_draw(struct call *c, uint32_t below)
{
	c->seed = c->seed * 1664525U + 1013904223U;
	return (c->seed >> 8) % below;
}

static inline struct flying *flying_free(struct call *c)
{
	for (size_t i = 0; i < sizeof(c->flying) / sizeof(c->flying[0]); i++)
		if (!c->flying[i].at)
			return &c->flying[i];
	return NULL;
}

/* Says what is due until `until`; a packet is complete, and sets off, one
 * packet time after its first sample was said. */
static inline void end_talk(struct call *c, struct end *e,
			    enum bridge_side side, usec_t *next, usec_t until)
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
static inline struct flying *flying_next(struct call *c, usec_t now)
{
	struct flying *first = NULL;

	for (size_t i = 0; i < sizeof(c->flying) / sizeof(c->flying[0]); i++) {
		struct flying *f = &c->flying[i];

		if (f->at && f->at <= now && (!first || f->at < first->at))
			first = f;
	}
	return first;
}

static inline void call_deliver(struct call *c, usec_t now)
{
	struct flying *f;

	while ((f = flying_next(c, now))) {
		f->p.arrival = f->at;
		bridge_input(c->bridge, f->side, &f->p);
		f->at = 0;
	}
}

static inline void call_run(struct call *c, unsigned ms)
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
static inline double likeness(const struct end *from, const struct end *to,
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
static inline double delay_ms(const struct call *c, const struct end *from,
			      const struct end *to, double *like)
{
	int lag = 0;

	*like = likeness(from, to, 4000, 8000, &lag);
	return ((double)to->offset - (double)c->start - c->phase_us) / 1000 +
	       lag * 1000.0 / RATE;
}

#endif
