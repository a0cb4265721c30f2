/* Frames follow each other without alignment. Each begins with a bit that says
 * whether it is a layer of the upper band (1), whose mode has three bits, or
 * a frame of the lower band (0), whose mode has four: that alone tells how
 * long it is. Mode 15 ends the payload, 13 and 14 are requests in band.
 */
#include "media/speex_frames.h"

#include <errno.h>

#include "media/codec.h"

#define FRAMES_MAX (MEDIA_PACKET_MS_MAX / 20)
/* Above the lower band there are the upper one and that of 32 kHz. */
#define LAYERS_MAX 2

enum { MODE_USER = 13, MODE_INBAND = 14, MODE_END = 15 };

/* Bits of a frame with its header; -1: no such mode. */
static const int16_t narrow_bits[16] = {5,  43, 119, 160, 220, 300, 364, 492,
					79, -1, -1,  -1,  -1,  -1,  -1,  -1};
static const int16_t layer_bits[8] = {4, 36, 112, 192, 352, -1, -1, -1};

struct bits {
	struct bytes in;
	size_t at; /* of the next one */
};

static size_t bits_left(const struct bits *b)
{
	return b->in.n * 8 - b->at;
}

static unsigned bits_take(struct bits *b, unsigned n)
{
	unsigned v = 0;

	for (unsigned i = 0; i < n; i++, b->at++)
		v = v << 1 | (b->in.p[b->at / 8] >> (7 - b->at % 8) & 1);
	return v;
}

static bool bits_skip(struct bits *b, size_t n)
{
	if (bits_left(b) < n)
		return false;
	b->at += n;
	return true;
}

/* RFC 5574 leaves requests to the Speex manual: a code of four bits says how
 * much follows. */
static bool request_skip(struct bits *b, unsigned mode)
{
	static const uint8_t follow[16] = {1, 1, 4,  4,  4,  4,  4,  4,
					   8, 8, 16, 16, 32, 32, 64, 64};
	unsigned code;

	if (bits_left(b) < 4)
		return false;
	code = bits_take(b, 4);
	return bits_skip(b, mode == MODE_USER ? 5 + 8 * (size_t)code
					      : follow[code]);
}

/* 1: one frame, 0: no frame but something that belongs here. */
static int frame_skip(struct bits *b, unsigned *layers)
{
	unsigned mode;
	int16_t bits;

	if (bits_take(b, 1)) {
		bits = layer_bits[bits_take(b, 3)];
		if (bits < 0 || ++*layers > LAYERS_MAX ||
		    !bits_skip(b, (size_t)bits - 4))
			return -EBADMSG;
		return 0;
	}
	mode = bits_take(b, 4);
	if (mode == MODE_USER || mode == MODE_INBAND)
		return request_skip(b, mode) ? 0 : -EBADMSG;
	bits = narrow_bits[mode];
	if (bits < 0 || !bits_skip(b, (size_t)bits - 5))
		return -EBADMSG;
	*layers = 0;
	return 1;
}

int speex_frames_count(struct bytes payload)
{
	struct bits b = {.in = payload};
	unsigned layers = LAYERS_MAX; /* none before the first frame */
	int n = 0, one;

	/* RFC 5574 3.3: padding is "0 bit followed by all ones" */
	while (bits_left(&b) >= 5) {
		struct bits peek = b;

		if (bits_take(&peek, 5) == MODE_END)
			break;
		one = frame_skip(&b, &layers);
		if (one < 0)
			return one;
		n += one;
	}
	return n && n <= FRAMES_MAX ? n : -EBADMSG;
}
