/* Voices for load tests that cost next to nothing: speech (tests/speech.h) over
 * a faint tone that is the call's own, encoded once, and a listener that tells
 * whose tone it hears. Speech, because codecs spend a third less on a bare
 * tone.
 * Values; one thread; no I/O.
 */
#ifndef TESTS_LOAD_VOICE_H
#define TESTS_LOAD_VOICE_H

#include "media/codec.h"

#define LOAD_VOICE_S 4
#define LOAD_VOICE_PACKET_MS 20
#define LOAD_VOICE_PACKETS (LOAD_VOICE_S * 1000 / LOAD_VOICE_PACKET_MS)
#define LOAD_VOICE_PACKET_BYTES 400

/* The voice of a tone from its beginning. It may be repeated every
 * LOAD_VOICE_S seconds: whole hertz join without a seam. */
void load_voice_fill(int16_t *pcm, size_t n, uint32_t rate_hz, unsigned hertz);

struct load_speaker {
	size_t at;
	struct {
		size_t n;
		uint8_t bytes[LOAD_VOICE_PACKET_BYTES];
	} packets[LOAD_VOICE_PACKETS];
};

int load_speaker_init(struct load_speaker *s, const struct media_codec *codec,
		      unsigned hertz);
struct bytes load_speaker_next(struct load_speaker *s);

/* Hearing is judged in windows of a fifth of a second at 8 kHz: long enough to
 * tell tones 10 Hz apart, short enough that a jitter buffer's jumps of the
 * phase spoil few of them. */
#define LOAD_VOICE_WINDOW 1600
#define LOAD_VOICE_TONES_MAX 512

struct load_listener {
	struct media_coder *coder;
	unsigned hertz;
	size_t n;
	int16_t pcm[LOAD_VOICE_WINDOW];
	/* windows, each counted in one of these */
	unsigned heard, silent, foreign, unclear;
};

int load_listener_init(struct load_listener *l, const struct media_codec *codec,
		       unsigned hertz);
void load_listener_clear(struct load_listener *l);
/* tones_hz: of all calls; it is heard whichever is the strongest by far. */
void load_listener_packet(struct load_listener *l, struct bytes payload,
			  const unsigned *tones_hz, size_t tones_n);
void load_listener_reset(struct load_listener *l);

#endif
