#include "media/splice.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define QUIET_MEAN_SQUARE (100 * 100)

/* Samples at 8 kHz: a period of 5 to 15 ms, compared over
 * 20 ms. */
#define HISTORY 320
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

int conceal_init(struct conceal *c, uint32_t rate_hz)
{
	memset(c, 0, sizeof(*c));
	if (!rate_hz || rate_hz % 8000 || rate_hz > 48000)
		return -EINVAL;
	c->scale = rate_hz / 8000;
	c->history = calloc(2 * HISTORY * c->scale, sizeof(*c->history));
	if (!c->history)
		return -ENOMEM;
	c->period = c->history + HISTORY * c->scale;
	return 0;
}

void conceal_clear(struct conceal *c)
{
	free(c->history);
	memset(c, 0, sizeof(*c));
}

/* Where the history ends. */
static const int16_t *history_end(const struct conceal *c)
{
	return c->history + HISTORY * c->scale;
}

static void history_add(struct conceal *c, const int16_t *pcm, size_t n)
{
	size_t all = HISTORY * c->scale;

	if (n >= all) {
		memcpy(c->history, pcm + n - all, all * sizeof(*pcm));
		return;
	}
	memmove(c->history, c->history + n, (all - n) * sizeof(*pcm));
	memcpy(c->history + all - n, pcm, n * sizeof(*pcm));
}

/* The lag from `least` to `most` after which the sound is most like itself. */
static size_t lag_find(const struct conceal *c, size_t least, size_t most,
		       size_t step)
{
	size_t window = PITCH_WINDOW * c->scale, found = least;
	const int16_t *last = history_end(c) - window;
	float best = -2;

	for (size_t lag = least; lag <= most; lag += step) {
		float like = likeness(last, last - lag, window, 2 * c->scale);

		if (like > best) {
			best = like;
			found = lag;
		}
	}
	return found;
}

/* As fine as 8 kHz can tell, then between that; 48 kHz cost little more. */
static size_t pitch_find(const struct conceal *c)
{
	size_t k = c->scale;
	size_t lag = lag_find(c, PITCH_MIN * k, PITCH_MAX * k, k);

	if (k == 1)
		return lag;
	return lag_find(
		c, lag - k / 2,
		lag + k / 2 > PITCH_MAX * k ? PITCH_MAX * k : lag + k / 2, 1);
}

/* The last period, its end blended into what came before its beginning, so
 * that it can be repeated without a click. */
static void period_make(struct conceal *c)
{
	const int16_t *end = history_end(c);
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
	size_t full = FULL_SAMPLES * c->scale, fade = FADE_SAMPLES * c->scale;
	int v = c->period[c->phase];

	c->phase = (c->phase + 1) % c->period_n;
	if (made >= full + fade)
		return 0;
	if (made > full)
		v = v * (int)(full + fade - made) / (int)fade;
	return (int16_t)v;
}

void conceal_missing(struct conceal *c, int16_t *pcm, size_t n)
{
	size_t soft = BLEND * c->scale;
	int step = 0;

	if (!c->made) {
		period_make(c);
		/* Start where the voice stopped and let the difference die. */
		step = history_end(c)[-1] -
		       history_end(c)[-(ptrdiff_t)c->period_n - 1];
	}
	for (size_t i = 0; i < n; i++) {
		int v = period_next(c, c->made + i);

		if (i < soft)
			v += step * (int)(soft - i) / (int)soft;
		pcm[i] = (int16_t)(v > 32767 ? 32767 : v < -32768 ? -32768 : v);
	}
	c->made += n;
	history_add(c, pcm, n);
}

void conceal_good(struct conceal *c, int16_t *pcm, size_t n)
{
	size_t soft = BLEND * c->scale;

	for (size_t i = 0; c->made && i < soft && i < n; i++)
		pcm[i] = blend(period_next(c, c->made + i), pcm[i], i, soft);
	c->made = 0;
	history_add(c, pcm, n);
}
