/* Tones that cost next to nothing: what a phone of a load test says, and
 * whether what it hears is the tone it should hear.
 * Values; one thread; no I/O.
 */
#ifndef TESTS_LOAD_VOICE_H
#define TESTS_LOAD_VOICE_H

#include "media/codec.h"

/* One second of a tone, encoded once, said over and over: tones of whole
 * hertz join without a seam. */
#define LOAD_VOICE_PACKETS 50
#define LOAD_VOICE_PACKET_MS 20
#define LOAD_VOICE_PACKET_BYTES 400

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

/* Hearing is judged in windows of 100 ms at 8 kHz: 10 Hz apart is another
 * tone. */
#define LOAD_VOICE_WINDOW 800
#define LOAD_VOICE_TONES_MAX 1024

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
/* foreign_hz: tones of the other calls, looked for when ours is missing. */
void load_listener_packet(struct load_listener *l, struct bytes payload,
			  const unsigned *foreign_hz, size_t foreign_n);
void load_listener_reset(struct load_listener *l);

#endif
