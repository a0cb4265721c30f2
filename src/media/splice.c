#include "media/splice.h"

#include <math.h>
#include <string.h>

#define QUIET_MEAN_SQUARE (100 * 100)

/* All at 8 kHz: a period of 5 to 15 ms, compared over 20 ms. */
#define PITCH_MIN 40
#define PITCH_MAX 120
#define PITCH_WINDOW 160
#define BLEND 32         /* 4 ms */
#define FULL_SAMPLES 80  /* the first 10 ms at full strength, */
#define FADE_SAMPLES 400 /* then down to nothing in 50 ms */

bool splice_is_quiet(const int16_t *pcm, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (uint64_t)(pcm[i] * pcm[i]);
	return sum <= (uint64_t)QUIET_MEAN_SQUARE * n;
}

/* Likeness of a and b, -1 to 1, looking at every `step`th sample. */
static float likeness(const int16_t *a, const int16_t *b, size_t n, size_t step)
{
	float ab = 0, aa = 1, bb = 1;

	for (size_t i = 0; i < n; i += step) {
		ab += (float)a[i] * b[i];
		aa += (float)a[i] * a[i];
		bb += (float)b[i] * b[i];
	}
	return ab / sqrtf(aa * bb);
}

static int16_t blend(int16_t from, int16_t to, size_t i, size_t n)
{
	return (int16_t)((from * (int)(n - i) + to * (int)i) / (int)n);
}

/* The cut, from `least` to `most` samples long, that is heard least. */
static size_t cut_find(const int16_t *pcm, size_t least, size_t most,
		       size_t overlap, size_t step)
{
	size_t cut = most;
	float best = -2;

	for (size_t l = least; l <= most; l += step) {
		float like = likeness(pcm, pcm + l, overlap, step);

		if (like > best) {
			best = like;
			cut = l;
		}
	}
	return cut;
}

size_t splice_shorten(int16_t *pcm, size_t n, size_t most, uint32_t rate_hz)
{
	size_t least = rate_hz / 400, overlap = rate_hz / 200, cut;

	if (n < overlap + least || most < least)
		return 0;
	if (most > n - overlap)
		most = n - overlap;
	cut = splice_is_quiet(pcm, n)
		      ? most
		      : cut_find(pcm, least, most, overlap, rate_hz / 8000);
	for (size_t i = 0; i < overlap; i++)
		pcm[i] = blend(pcm[i], pcm[i + cut], i, overlap);
	memmove(pcm + overlap, pcm + overlap + cut,
		(n - overlap - cut) * sizeof(*pcm));
	return cut;
}

/* -- concealment -------------------------------------------------------- */

static void history_add(struct conceal *c, const int16_t *pcm, size_t n)
{
	if (n >= CONCEAL_HISTORY) {
		memcpy(c->history, pcm + n - CONCEAL_HISTORY,
		       sizeof(c->history));
		return;
	}
	memmove(c->history, c->history + n,
		(CONCEAL_HISTORY - n) * sizeof(*pcm));
	memcpy(c->history + CONCEAL_HISTORY - n, pcm, n * sizeof(*pcm));
}

static size_t pitch_find(const struct conceal *c)
{
	const int16_t *last = c->history + CONCEAL_HISTORY - PITCH_WINDOW;
	size_t pitch = PITCH_MIN;
	float best = -2;

	for (size_t lag = PITCH_MIN; lag <= PITCH_MAX; lag++) {
		float like = likeness(last, last - lag, PITCH_WINDOW, 2);

		if (like > best) {
			best = like;
			pitch = lag;
		}
	}
	return pitch;
}

/* The last period, its end blended into what came before its beginning, so
 * that it can be repeated without a click. */
static void period_make(struct conceal *c)
{
	const int16_t *end = c->history + CONCEAL_HISTORY;
	size_t n = pitch_find(c), overlap = n / 4;

	c->period_n = n;
	c->phase = 0;
	memcpy(c->period, end - n, n * sizeof(*end));
	for (size_t i = 0; i < overlap; i++)
		c->period[n - overlap + i] =
			blend(end[(ptrdiff_t)i - (ptrdiff_t)overlap],
			      end[(ptrdiff_t)i - (ptrdiff_t)(n + overlap)], i,
			      overlap);
}

static int16_t period_next(struct conceal *c, size_t made)
{
	int v = c->period[c->phase];

	c->phase = (c->phase + 1) % c->period_n;
	if (made >= FULL_SAMPLES + FADE_SAMPLES)
		return 0;
	if (made > FULL_SAMPLES)
		v = v * (int)(FULL_SAMPLES + FADE_SAMPLES - made) /
		    FADE_SAMPLES;
	return (int16_t)v;
}

void conceal_missing(struct conceal *c, int16_t *pcm, size_t n)
{
	int step = 0;

	if (!c->made) {
		period_make(c);
		/* Start where the voice stopped and let the difference die. */
		step = c->history[CONCEAL_HISTORY - 1] -
		       c->history[CONCEAL_HISTORY - c->period_n - 1];
	}
	for (size_t i = 0; i < n; i++) {
		int v = period_next(c, c->made + i);

		if (i < BLEND)
			v += step * (int)(BLEND - i) / BLEND;
		pcm[i] = (int16_t)(v > 32767 ? 32767 : v < -32768 ? -32768 : v);
	}
	c->made += n;
	history_add(c, pcm, n);
}

void conceal_good(struct conceal *c, int16_t *pcm, size_t n)
{
	for (size_t i = 0; c->made && i < BLEND && i < n; i++)
		pcm[i] = blend(period_next(c, c->made + i), pcm[i], i, BLEND);
	c->made = 0;
	history_add(c, pcm, n);
}
