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

/* Concealment for codecs that have none of their own, by repeating the last
 * pitch period and fading out (the idea of G.711 Appendix I, without its
 * delay). */
struct conceal {
	size_t scale;     /* of the rate to 8 kHz: 1 to 6 */
	int16_t *history; /* 40 ms, latest last; owned */
	int16_t *period;  /* behind it */
	size_t period_n, phase;
	size_t made; /* samples concealed since the last good one */
};

/* rate_hz: a multiple of 8000 up to 48000. -EINVAL, -ENOMEM. */
int conceal_init(struct conceal *c, uint32_t rate_hz);
void conceal_clear(struct conceal *c);
/* Good samples on their way out; the first ones after a gap are blended with
 * what concealment had promised. */
void conceal_good(struct conceal *c, int16_t *pcm, size_t n);
void conceal_missing(struct conceal *c, int16_t *pcm, size_t n);

#endif
