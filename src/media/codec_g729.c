/* G.729 (RFC 3551 4.5.6), by bcg729, which is GPL: only in builds made with
 * -Dg729=enabled. Ten bytes for 10 ms; two bytes at the end are comfort noise
 * (annex B), which is heard but not sent. */
#include "media/codec_ops.h"

#include <bcg729/decoder.h>
#include <bcg729/encoder.h>
#include <errno.h>
#include <string.h>

#define FRAME_BYTES 10
#define FRAME_SAMPLES 80
#define NOISE_BYTES 2

struct g729_coder {
	struct media_coder coder;
	bcg729EncoderChannelContextStruct *encoder;
	bcg729DecoderChannelContextStruct *decoder;
};

static int g729_open(struct media_coder *coder,
		     const struct media_coder_conf *conf)
{
	struct g729_coder *c = (struct g729_coder *)coder;

	if (conf->use & MEDIA_CODER_ENCODE)
		c->encoder = initBcg729EncoderChannel(0);
	if (conf->use & MEDIA_CODER_DECODE)
		c->decoder = initBcg729DecoderChannel();
	return coder_is_whole(conf, c->encoder, c->decoder) ? 0 : -ENOMEM;
}

static void g729_close(struct media_coder *coder)
{
	struct g729_coder *c = (struct g729_coder *)coder;

	if (c->encoder)
		closeBcg729EncoderChannel(c->encoder);
	if (c->decoder)
		closeBcg729DecoderChannel(c->decoder);
}

static int frames_encode(struct media_coder *coder, uint8_t *dst, size_t room,
			 const int16_t *pcm, size_t samples)
{
	struct g729_coder *c = (struct g729_coder *)coder;
	size_t n = samples / FRAME_SAMPLES;
	int16_t frame[FRAME_SAMPLES];
	uint8_t bytes;

	if (!c->encoder || samples % FRAME_SAMPLES)
		return -EINVAL;
	if (room < n * FRAME_BYTES)
		return -ENOSPC;
	for (size_t i = 0; i < n; i++) {
		memcpy(frame, pcm + i * FRAME_SAMPLES, sizeof(frame));
		bcg729Encoder(c->encoder, frame, dst + i * FRAME_BYTES, &bytes);
	}
	return (int)(n * FRAME_BYTES);
}

static int frames_decode(struct media_coder *coder, int16_t *pcm, size_t room,
			 struct bytes payload)
{
	struct g729_coder *c = (struct g729_coder *)coder;
	int samples = 0;

	if (!c->decoder)
		return -EINVAL;
	for (size_t at = 0; at < payload.n; at += FRAME_BYTES) {
		size_t n = payload.n - at;
		bool noise = n == NOISE_BYTES;

		bcg729Decoder(c->decoder, payload.p + at,
			      noise ? NOISE_BYTES : FRAME_BYTES, 0, noise, 0,
			      pcm + samples);
		samples += FRAME_SAMPLES;
	}
	return samples;
}

static bool frames_conceal(struct media_coder *coder, int16_t *pcm, size_t n)
{
	struct g729_coder *c = (struct g729_coder *)coder;

	if (!c->decoder || !n || n % FRAME_SAMPLES)
		return false;
	for (size_t i = 0; i < n; i += FRAME_SAMPLES)
		bcg729Decoder(c->decoder, NULL, 0, 1, 0, 0, pcm + i);
	return true;
}

static int frames_count(const struct media_codec *codec, struct bytes payload)
{
	size_t rest = payload.n % FRAME_BYTES;

	if (rest && rest != NOISE_BYTES)
		return -EBADMSG;
	return (int)((payload.n / FRAME_BYTES + (rest != 0)) * FRAME_SAMPLES);
}

static const struct media_codec_ops g729_ops = {
	.size = sizeof(struct g729_coder),
	.open = g729_open,
	.close = g729_close,
	.encode = frames_encode,
	.decode = frames_decode,
	.samples = frames_count,
	.conceal = frames_conceal,
};

const struct media_codec media_codec_g729 = {
	.name = "G729",
	.setting = "g729",
	.fmtp = "annexb=no",
	.rtp_clock_hz = 8000,
	.rate_hz = 8000,
	.pt = CODEC_PT_G729,
	.sdp_channels = 1,
	.frame_ms = 10,
	.packet_ms_max = 120,
	.bytes_per_ms = 1,
	.ops = &g729_ops,
};
