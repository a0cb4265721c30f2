/* Cutting speech without clicks: how long is the pitch period, how to leave a
 * piece out, how to go on where samples are missing.
 *
 * Values; mono s16 at any rate up to 48 kHz; one thread each.
 */
#ifndef MEDIA_SPLICE_H
#define MEDIA_SPLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Mean square below about -50 dBov: nobody hears a cut here. */
bool splice_is_quiet(const int16_t *pcm, size_t n);
/* Removes up to `most` samples from the n of pcm, in place, near the start: a
 * whole number of pitch periods when somebody speaks. Returns how many. */
size_t splice_shorten(int16_t *pcm, size_t n, size_t most, uint32_t rate_hz);

/* Concealment for codecs that have none of their own, at 8 kHz, by repeating
 * the last pitch period and fading out (the idea of G.711 Appendix I, without
 * its delay). */
#define CONCEAL_HISTORY 320

struct conceal {
	int16_t history[CONCEAL_HISTORY]; /* latest last */
	int16_t period[CONCEAL_HISTORY];
	size_t period_n, phase;
	size_t made; /* samples concealed since the last good one */
};

/* Good samples on their way out; the first ones after a gap are blended with
 * what concealment had promised. */
void conceal_good(struct conceal *c, int16_t *pcm, size_t n);
void conceal_missing(struct conceal *c, int16_t *pcm, size_t n);

#endif
