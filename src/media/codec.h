/* Audio codecs behind one table. Linear side: mono s16 at codec->rate_hz.
 *
 * A coder object holds encoder and/or decoder state of one direction of one
 * leg; create it off the packet path, then nothing allocates. One thread.
 */
#ifndef MEDIA_CODEC_H
#define MEDIA_CODEC_H

#include "base/bytes.h"

struct media_codec {
	const char *name;      /* SDP encoding name: "PCMA", "PCMU", "opus" */
	const char *setting;   /* name in configurations: "alaw", ... */
	uint32_t rtp_clock_hz; /* 8000; 48000 for Opus */
	int static_pt;         /* 8, 0; -1 dynamic */
	uint8_t sdp_channels;  /* 1; 2 for Opus in SDP */
};

extern const struct media_codec media_codec_pcma, media_codec_pcmu,
	media_codec_opus;
/* All codecs of this build, by default order opus, alaw, mulaw;
 * NULL-terminated. */
const struct media_codec *const *media_codecs(void);
const struct media_codec *media_codec_by_setting(const char *name);
const struct media_codec *media_codec_by_sdp(const char *name,
					     uint32_t clock_hz);

/* The longest packet we take or make: RFC 7587 4.2 for Opus, and enough for
 * G.711. */
#define MEDIA_PACKET_MS_MAX 120

enum media_coder_use {
	MEDIA_CODER_ENCODE = 1,
	MEDIA_CODER_DECODE = 2,
};

struct media_coder_conf {
	unsigned use;      /* enum media_coder_use or'ed; 0: both */
	uint32_t rate_hz;  /* linear rate: 8000, 16000, 48000 (Opus: any of
			    * them; G.711: 8000) */
	uint32_t bitrate;  /* Opus; 0: 24000 */
	int complexity;    /* Opus 0..10; -1: 5 */
	int expected_loss; /* per cent; in-band FEC on when > 0 */
	bool wideband;     /* Opus: nothing above 8 kHz. Packets of more than
			    * 20 ms are then one frame, and the next packet
			    * repairs all of it, not its last 20 ms */
};

struct media_coder;
int media_coder_new(struct media_coder **cp, const struct media_codec *codec,
		    const struct media_coder_conf *conf);
void media_coder_free(struct media_coder **cp);
/* samples: of one frame, up to 120 ms (Opus: 10, 20, 40, 60, 120 ms). Returns bytes
 * written or -EINVAL, -ENOSPC. */
int media_encode(struct media_coder *c, uint8_t *dst, size_t room,
		 const int16_t *pcm, size_t samples);
/* Returns samples or -EBADMSG, also when `room` is too small. payload.n 0:
 * conceal `room` samples. fec: use the in-band copy of the packet *before* this
 * one, or conceal if there is none; room = its length. */
int media_decode(struct media_coder *c, int16_t *pcm, size_t room,
		 struct bytes payload, bool fec);
/* Fills time that no packet belongs to: the stream is stretched. Unlike after
 * a loss the decoder does not move, so that the next packet finds what its
 * encoder had there. Sounds like concealment; samples: up to 20 ms. */
void media_stretch(struct media_coder *c, int16_t *pcm, size_t samples);
void media_coder_set_loss(struct media_coder *c, int percent);
/* Length in samples at rtp_clock_hz of one payload; -EBADMSG. */
int media_payload_samples(const struct media_codec *codec,
			  struct bytes payload);

#endif
