/* Digits as tones in the audio: made, and heard (by spandsp). Mono s16 at
 * 8000, 16000 or 48000 Hz; nothing allocates after creation; one thread.
 */
#ifndef MEDIA_DTMF_TONES_H
#define MEDIA_DTMF_TONES_H

#include <stdint.h>

#include "media/dtmf.h"

/* A value, zeroed at first. */
struct dtmf_tones {
	struct dtmf_queue queue;
	char digit;  /* that sounds or has sounded; 0: none */
	size_t made; /* samples of it and of the pause behind it */
};

/* Writes tones and pauses over the voice, so that it cannot spoil them;
 * nothing to say: pcm is left as it is. */
void dtmf_tones_fill(struct dtmf_tones *t, int16_t *pcm, size_t n,
		     uint32_t rate_hz);

struct dtmf_ear;
/* heard: once per press, inside dtmf_ear_listen(). -EINVAL: the rate. */
int dtmf_ear_new(struct dtmf_ear **ep, uint32_t rate_hz,
		 void (*heard)(char digit, void *arg), void *arg);
void dtmf_ear_free(struct dtmf_ear **ep);
void dtmf_ear_listen(struct dtmf_ear *e, const int16_t *pcm, size_t n);

#endif
