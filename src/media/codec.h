/* Audio codecs behind one table. Linear side: mono s16 at the coder's rate.
 *
 * A coder object holds encoder and/or decoder state of one direction of one
 * leg; create it off the packet path, then nothing allocates. One thread.
 */
#ifndef MEDIA_CODEC_H
#define MEDIA_CODEC_H

#include "base/bytes.h"

struct media_codec_ops;

/* One format of SDP. A setting may stand for several: "slin" for L16 at three
 * rates, "amr" for both ways of packing it. */
struct media_codec {
	const char *name;      /* SDP encoding name: "PCMA", "PCMU", "opus" */
	const char *setting;   /* name in configurations: "alaw", ... */
	const char *fmtp;      /* parameters that we state, or "" */
	uint32_t rtp_clock_hz; /* 8000; 48000 for Opus */
	uint32_t rate_hz;      /* of its sound; 0: any of 8000, 16000, 48000 */
	uint8_t pt;            /* static, or the dynamic one to offer */
	uint8_t sdp_channels;  /* 1; 2 for Opus in SDP */
	uint8_t frame_ms;      /* packets hold whole frames of this length */
	uint8_t packet_ms_max; /* the longest packet we make */
	uint8_t bytes_per_ms;  /* at most, as a rule */
	const struct media_codec_ops *ops;
};

extern const struct media_codec media_codec_pcma, media_codec_pcmu,
	media_codec_opus, media_codec_g722, media_codec_gsm,
	media_codec_speex_wide, media_codec_speex_narrow, media_codec_amr,
	media_codec_amr_aligned, media_codec_l16_48, media_codec_l16_16,
	media_codec_l16_8;
#ifdef HAVE_G729
extern const struct media_codec media_codec_g729;
#endif

#define MEDIA_CODECS_MAX 16
/* All codecs of this build, best first within a setting; NULL-terminated. */
const struct media_codec *const *media_codecs(void);
/* The first of a setting; NULL: not in this build. */
const struct media_codec *media_codec_by_setting(const char *name);
/* All of a setting, best first; returns their number. */
size_t media_codecs_by_setting(const struct media_codec **dst, size_t room,
			       const char *name);

/* Is this what a description says? modes: see media_coder_conf. */
bool media_codec_matches(const struct media_codec *codec, const char *name,
			 uint32_t clock_hz, unsigned channels, const char *fmtp,
			 unsigned *modes);
/* Parameters for our answer, which repeats the modes of an offer. */
void media_codec_fmtp_write(char *dst, size_t size,
			    const struct media_codec *codec, unsigned modes);
/* A packet time that this codec can have, near the wanted one; 0: none is
 * wanted. */
unsigned media_codec_ptime(const struct media_codec *codec, unsigned wanted_ms);

/* The longest packet we take: RFC 7587 4.2 for Opus, and enough for all. */
#define MEDIA_PACKET_MS_MAX 120

enum media_coder_use {
	MEDIA_CODER_ENCODE = 1,
	MEDIA_CODER_DECODE = 2,
};

struct media_coder_conf {
	unsigned use;      /* enum media_coder_use or'ed; 0: both */
	uint32_t rate_hz;  /* linear rate: that of the codec's sound; Opus:
			    * 8000, 16000 or 48000 */
	uint32_t bitrate;  /* Opus; 0: 24000 */
	int complexity;    /* Opus 0..10; -1: 5 */
	int expected_loss; /* per cent; in-band FEC on when > 0 */
	bool wideband;     /* Opus: nothing above 8 kHz. Packets of more than
			    * 20 ms are then one frame, and the next packet
			    * repairs all of it, not its last 20 ms */
	unsigned modes;    /* AMR: a bit for each mode that may be sent; 0:
			    * all */
};

struct media_coder;
int media_coder_new(struct media_coder **cp, const struct media_codec *codec,
		    const struct media_coder_conf *conf);
void media_coder_free(struct media_coder **cp);
/* samples: whole frames of one packet (Opus: 10, 20, 40, 60 or 120 ms).
 * Returns bytes written or -EINVAL, -ENOSPC. */
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
/* AMR's codec mode requests: what the far end asked our encoder for (-1: it
 * did not), as its packets told the decoder; and obeying it. */
int media_coder_wanted_mode(const struct media_coder *c);
void media_coder_set_mode(struct media_coder *c, int mode);
/* False: the two above do nothing. */
bool media_codec_has_modes(const struct media_codec *codec);
/* Length in samples at rtp_clock_hz of one payload; -EBADMSG. */
int media_payload_samples(const struct media_codec *codec,
			  struct bytes payload);

#endif
