/* Speex (RFC 5574), narrow at 8 kHz and wide at 16 kHz, by libspeex. */
#include "media/codec_ops.h"

#include <errno.h>
#include <speex/speex.h>
#include <string.h>

#include "media/speex_frames.h"

#define QUALITY 8 /* 15 and 27.8 kbit/s; what most send */
#define FRAME_MAX 320
#define FRAMES_S 50
/* Of quality 8; mode 8 of the wide band has 70. */
#define FRAME_BYTES_MAX 106

struct speex_coder {
	struct media_coder coder;
	void *encoder, *decoder;
	SpeexBits in, out;
};

static struct speex_coder *self(struct media_coder *c)
{
	return (struct speex_coder *)c;
}

static size_t frame_samples(const struct media_codec *codec)
{
	return codec->rate_hz / FRAMES_S;
}

static int speex_open(struct media_coder *coder,
		      const struct media_coder_conf *conf)
{
	struct speex_coder *c = self(coder);
	const SpeexMode *mode = speex_lib_get_mode(coder->codec->rate_hz == 8000
							   ? SPEEX_MODEID_NB
							   : SPEEX_MODEID_WB);
	int quality = QUALITY, on = 1;

	if (conf->use & MEDIA_CODER_ENCODE) {
		c->encoder = speex_encoder_init(mode);
		if (!c->encoder)
			return -ENOMEM;
		(void)speex_encoder_ctl(c->encoder, SPEEX_SET_QUALITY,
					&quality);
		speex_bits_init(&c->out);
	}
	if (conf->use & MEDIA_CODER_DECODE) {
		c->decoder = speex_decoder_init(mode);
		if (!c->decoder)
			return -ENOMEM;
		(void)speex_decoder_ctl(c->decoder, SPEEX_SET_ENH, &on);
		speex_bits_init(&c->in);
	}
	return 0;
}

static void speex_close(struct media_coder *coder)
{
	struct speex_coder *c = self(coder);

	if (c->encoder) {
		speex_encoder_destroy(c->encoder);
		speex_bits_destroy(&c->out);
	}
	if (c->decoder) {
		speex_decoder_destroy(c->decoder);
		speex_bits_destroy(&c->in);
	}
}

static int frames_encode(struct media_coder *coder, uint8_t *dst, size_t room,
			 const int16_t *pcm, size_t samples)
{
	struct speex_coder *c = self(coder);
	size_t frame = frame_samples(coder->codec);
	spx_int16_t copy[FRAME_MAX];

	if (!c->encoder)
		return -EINVAL;
	if (room < samples / frame * FRAME_BYTES_MAX)
		return -ENOSPC;
	speex_bits_reset(&c->out);
	for (size_t i = 0; i + frame <= samples; i += frame) {
		memcpy(copy, pcm + i, frame * sizeof(*copy));
		(void)speex_encode_int(c->encoder, copy, &c->out);
	}
	return speex_bits_write(&c->out, (char *)dst, (int)room);
}

static int frames_decode(struct media_coder *coder, int16_t *pcm, size_t room,
			 struct bytes payload)
{
	struct speex_coder *c = self(coder);
	size_t frame = frame_samples(coder->codec);
	int n = speex_frames_count(payload);

	if (!c->decoder)
		return -EINVAL;
	speex_bits_read_from(&c->in, (const char *)payload.p, (int)payload.n);
	for (int i = 0; i < n; i++)
		if (speex_decode_int(c->decoder, &c->in,
				     pcm + (size_t)i * frame))
			return -EBADMSG;
	return n * (int)frame;
}

static bool frames_conceal(struct media_coder *coder, int16_t *pcm, size_t n)
{
	struct speex_coder *c = self(coder);
	size_t frame = frame_samples(coder->codec);

	if (!c->decoder || !n || n % frame)
		return false;
	for (size_t i = 0; i < n; i += frame)
		(void)speex_decode_int(c->decoder, NULL, pcm + i);
	return true;
}

static int frames_count(const struct media_codec *codec, struct bytes payload)
{
	int n = speex_frames_count(payload);

	return n < 0 ? n : n * (int)frame_samples(codec);
}

static const struct media_codec_ops speex_ops = {
	.size = sizeof(struct speex_coder),
	.open = speex_open,
	.close = speex_close,
	.encode = frames_encode,
	.decode = frames_decode,
	.samples = frames_count,
	.conceal = frames_conceal,
};

#define SPEEX(khz, type)                                                       \
	{                                                                      \
		.name = "speex", .setting = "speex", .fmtp = "vbr=off",        \
		.rtp_clock_hz = (khz)*1000, .rate_hz = (khz)*1000,             \
		.pt = (type), .sdp_channels = 1, .frame_ms = 20,               \
		.packet_ms_max = 120, .bytes_per_ms = 6, .ops = &speex_ops,    \
	}

const struct media_codec media_codec_speex_wide =
	SPEEX(16, CODEC_PT_SPEEX_WIDE);
const struct media_codec media_codec_speex_narrow =
	SPEEX(8, CODEC_PT_SPEEX_NARROW);
