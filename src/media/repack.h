/* Opus packets of one length into packets of another without decoding:
 * frames are joined and parted, never touched (RFC 6716 3.2). A 60 ms SILK
 * frame is one frame and stays whole.
 *
 * Value with one allocation at creation; one thread.
 */
#ifndef MEDIA_REPACK_H
#define MEDIA_REPACK_H

#include <opus/opus.h>

#include "base/bytes.h"

#define REPACK_BYTES 8192

struct repack {
	OpusRepacketizer *frames; /* points into held */
	uint8_t held[REPACK_BYTES];
	size_t held_n;
	uint32_t frame_samples; /* of each held frame, at 48 kHz */
};

int repack_init(struct repack *r);
void repack_clear(struct repack *r);
void repack_reset(struct repack *r);
/* Appends the frames of a valid packet. -EAGAIN: they cannot stand in one
 * packet with those held (another mode, or more than 120 ms): take those out
 * first. -EBADMSG. */
int repack_put(struct repack *r, struct bytes packet);
uint32_t repack_samples(const struct repack *r); /* held, at 48 kHz */
/* One packet of at most `most` samples, but at least one frame. Returns its
 * length and sets *samples; 0: nothing is held. */
int repack_take(struct repack *r, uint8_t *dst, size_t room, uint32_t most,
		uint32_t *samples);

#endif
