/* What a codec of the table does; one file each (codec_*.c). For those and
 * codec.c only.
 */
#ifndef MEDIA_CODEC_OPS_H
#define MEDIA_CODEC_OPS_H

#include "media/codec.h"
#include "media/splice.h"

/* RFC 3551 6: payload types below 96 belong to codecs for good; the dynamic
 * ones we offer stand here, all different. */
enum {
	CODEC_PT_PCMU = 0,
	CODEC_PT_GSM = 3,
	CODEC_PT_PCMA = 8,
	CODEC_PT_G722 = 9,
	CODEC_PT_G729 = 18,
	CODEC_PT_AMR = 102,
	CODEC_PT_AMR_ALIGNED = 103,
	CODEC_PT_SPEEX_NARROW = 104,
	CODEC_PT_SPEEX_WIDE = 105,
	CODEC_PT_L16_8 = 106,
	CODEC_PT_L16_16 = 107,
	CODEC_PT_L16_48 = 108,
	CODEC_PT_OPUS = 111,
};

struct media_coder {
	const struct media_codec *codec;
	uint32_t rate_hz;
	struct conceal conceal; /* of codecs that use it */
};

/* What its library made is there, as far as it was asked for. */
static inline bool coder_is_whole(const struct media_coder_conf *conf,
				  const void *encoder, const void *decoder)
{
	return (!(conf->use & MEDIA_CODER_ENCODE) || encoder) &&
	       (!(conf->use & MEDIA_CODER_DECODE) || decoder);
}

struct media_codec_ops {
	size_t size; /* of its coder, which begins with a struct media_coder */
	/* What may be left half-made by a failure is freed by close. */
	int (*open)(struct media_coder *c, const struct media_coder_conf *conf);
	void (*close)(struct media_coder *c);
	/* samples are a whole number of frames up to the codec's longest
	 * packet; Opus looks for itself. */
	int (*encode)(struct media_coder *c, uint8_t *dst, size_t room,
		      const int16_t *pcm, size_t samples);
	/* A payload that samples() is content with and that fits. */
	int (*decode)(struct media_coder *c, int16_t *pcm, size_t room,
		      struct bytes payload);
	/* In clock units, at least 1; -EBADMSG. */
	int (*samples)(const struct media_codec *codec, struct bytes payload);

	/* The rest may be NULL: */
	/* The copy of the packet before this one, as long as `room`. */
	int (*repair)(struct media_coder *c, int16_t *pcm, size_t room,
		      struct bytes payload);
	/* Its own concealment; false: not for that length. */
	bool (*conceal)(struct media_coder *c, int16_t *pcm, size_t n);
	/* With this, struct conceal is not used, and conceal always works. */
	void (*stretch)(struct media_coder *c, int16_t *pcm, size_t n);
	void (*set_loss)(struct media_coder *c, int percent);
	int (*wanted_mode)(const struct media_coder *c);
	void (*set_mode)(struct media_coder *c, int mode);
	/* What the far end's parameters mean; false: not this one. */
	bool (*fmtp_read)(const struct media_codec *codec, const char *fmtp,
			  unsigned *modes);
};

#endif
