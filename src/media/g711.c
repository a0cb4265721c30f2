/* G.711 by segments: sign, three bits of segment, four bits of step.
 *
 * A-law has 13 bits, mu-law 14; both are carried here in the upper bits of 16,
 * and a decoded value is the middle of its step. Computing costs less than
 * looking up would in a cold cache.
 */
#include "media/g711.h"

#define ALAW_INVERT 0x55 /* "even bits inverted", G.711 table 1a note 2 */
#define ULAW_INVERT 0xff
#define ULAW_BIAS 132 /* 33 steps of 14 bits, in 16 */
#define ULAW_CLIP 32635
#define SIGN 0x80

/* The position of the highest set bit; v > 0. */
static unsigned bit_highest(unsigned v)
{
	return 31U - (unsigned)__builtin_clz(v);
}

static uint8_t alaw_encode(int16_t sample)
{
	/* A negative value is mirrored so that -1 falls in the first step. */
	unsigned sign = sample >= 0 ? SIGN : 0;
	unsigned v = (unsigned)(sample >= 0 ? sample : -1 - sample);
	/* Segments 0 and 1 share one step size: 16 of 16 bits. */
	unsigned segment = v < 256 ? 0 : bit_highest(v) - 7;
	unsigned step = v >> (segment ? segment + 3 : 4) & 15;

	return (uint8_t)((sign | segment << 4 | step) ^ ALAW_INVERT);
}

static int16_t alaw_decode(uint8_t code)
{
	unsigned c = code ^ ALAW_INVERT;
	unsigned segment = c >> 4 & 7;
	int v = (int)((c & 15) << 4) + 8;

	if (segment)
		v = (v + 256) << (segment - 1);
	return (int16_t)(c & SIGN ? v : -v);
}

static uint8_t ulaw_encode(int16_t sample)
{
	unsigned sign = sample < 0 ? SIGN : 0;
	int magnitude = sample < 0 ? -(int)sample : sample;
	unsigned v = (unsigned)(magnitude > ULAW_CLIP ? ULAW_CLIP : magnitude) +
		     ULAW_BIAS;
	unsigned segment = bit_highest(v) - 7;
	unsigned step = v >> (segment + 3) & 15;

	return (uint8_t)((sign | segment << 4 | step) ^ ULAW_INVERT);
}

static int16_t ulaw_decode(uint8_t code)
{
	unsigned c = code ^ ULAW_INVERT;
	int v = (int)((c & 15) << 3) + ULAW_BIAS;

	v = (v << (c >> 4 & 7)) - ULAW_BIAS;
	return (int16_t)(c & SIGN ? -v : v);
}

void g711_alaw_encode(uint8_t *dst, const int16_t *pcm, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = alaw_encode(pcm[i]);
}

void g711_alaw_decode(int16_t *pcm, const uint8_t *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pcm[i] = alaw_decode(src[i]);
}

void g711_ulaw_encode(uint8_t *dst, const int16_t *pcm, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = ulaw_encode(pcm[i]);
}

void g711_ulaw_decode(int16_t *pcm, const uint8_t *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pcm[i] = ulaw_decode(src[i]);
}
