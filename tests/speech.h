/* A signal like speech, for tests and benchmarks of codecs: voiced and
 * unvoiced syllables with pauses, a gliding pitch and two formants. Drawn from
 * a seed, the same on every machine up to rounding.
 */
#ifndef TESTS_SPEECH_H
#define TESTS_SPEECH_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct speech {
	uint32_t rate_hz, seed;
	double phase, pitch_hz, formant[2];
	double y[2][2];      /* state of the two resonators */
	size_t left, length; /* samples of this syllable */
	int kind;            /* 0 pause, 1 voiced, 2 unvoiced */
};

static inline uint32_t speech_random(struct speech *s)
{
	s->seed = s->seed * 1664525U + 1013904223U;
	return s->seed >> 8;
}

static inline double speech_between(struct speech *s, double low, double high)
{
	return low + (high - low) * (speech_random(s) & 0xffff) / 65536.0;
}

static inline void speech_init(struct speech *s, uint32_t rate_hz,
			       uint32_t seed)
{
	memset(s, 0, sizeof(*s));
	s->rate_hz = rate_hz;
	s->seed = seed;
}

static inline void speech_syllable(struct speech *s)
{
	uint32_t draw = speech_random(s) % 10;

	s->kind = draw < 2 ? 0 : draw < 8 ? 1 : 2;
	s->length = (size_t)(s->rate_hz * speech_between(s, 0.08, 0.25));
	s->left = s->length;
	s->pitch_hz = speech_between(s, 95, 180);
	s->formant[0] = speech_between(s, 300, 800);
	s->formant[1] = speech_between(s, 900, 2400);
}

static inline double speech_resonate(struct speech *s, int i, double x)
{
	double r = exp(-3.14159265 * 90 / s->rate_hz);
	double w = 6.2831853 * s->formant[i] / s->rate_hz;
	double y = x + 2 * r * cos(w) * s->y[i][0] - r * r * s->y[i][1];

	s->y[i][1] = s->y[i][0];
	s->y[i][0] = y;
	return y * (1 - r);
}

static inline int16_t speech_next(struct speech *s)
{
	double x = speech_between(s, -1, 1) * 0.001, envelope, v;

	if (!s->left)
		speech_syllable(s);
	s->left--;
	envelope = sin(3.14159265 * (double)s->left / (double)s->length);
	s->phase += s->pitch_hz / s->rate_hz;
	if (s->phase >= 1) {
		s->phase -= 1;
		if (s->kind == 1)
			x += 12 * envelope;
	}
	if (s->kind == 2)
		x += speech_between(s, -1, 1) * 0.5 * envelope;
	v = speech_resonate(s, 0, x) + 0.6 * speech_resonate(s, 1, x);
	v *= 9000 * (s->rate_hz / 8000.0 < 2 ? 1 : sqrt(s->rate_hz / 8000.0));
	return (int16_t)(v > 30000 ? 30000 : v < -30000 ? -30000 : v);
}

static inline void speech_fill(struct speech *s, int16_t *pcm, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pcm[i] = speech_next(s);
}

#endif
