/* What the endpoint says and hears: a WAV looped into Opus packets, and Opus
 * packets through jitter buffer and decoder into a WAV in real time. */
#ifndef SIM_ENDPOINT_VOICE_H
#define SIM_ENDPOINT_VOICE_H

#include "media/codec.h"
#include "media/jitter.h"
#include "sim/wav.h"

#define VOICE_FRAME_MAX 5760 /* 120 ms */

struct voice_packet {
	uint8_t p[1275]; /* RFC 6716 3.4: the most a frame can have */
	size_t n;
};

struct speaker {
	int16_t *samples;
	size_t samples_n, at;
	size_t frame; /* samples a packet */
	struct media_coder *coder;
	struct voice_packet *packets; /* the input encoded once, or NULL */
	size_t packets_n, packet_at;
	struct voice_packet now;
};

int speaker_init(struct speaker *s, const char *path, unsigned ptime_ms,
		 bool pre_encoded);
void speaker_clear(struct speaker *s);
/* What the peer reports as lost, per cent: FEC is on when there is any. */
void speaker_expect_loss(struct speaker *s, int percent);
/* The next packet; NULL when there is nothing to say. */
const struct voice_packet *speaker_next(struct speaker *s);

struct listener {
	struct wav_writer wav;
	struct jitter *jitter;
	struct media_coder *coder;
	int16_t pcm[8 * VOICE_FRAME_MAX];
	size_t pcm_n; /* decoded, not yet written */
	usec_t started_at;
};

/* path NULL: packets are only counted. */
int listener_init(struct listener *l, const char *path, usec_t now);
void listener_clear(struct listener *l);
void listener_packet(struct listener *l, const struct media_packet *p);
/* Writes everything up to now. */
void listener_tick(struct listener *l, usec_t now);

#endif
