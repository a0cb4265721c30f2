/* GSM 06.10 full rate, by libgsm: 33 bytes for 20 ms (RFC 3551 4.5.8). */
#include "media/codec_ops.h"

#include <errno.h>
#include <gsm/gsm.h>
#include <string.h>

#define FRAME_BYTES 33
#define FRAME_SAMPLES 160

struct gsm_coder {
	struct media_coder coder;
	gsm encoder, decoder;
};

static int gsm_open(struct media_coder *coder,
		    const struct media_coder_conf *conf)
{
	struct gsm_coder *c = (struct gsm_coder *)coder;

	if (conf->use & MEDIA_CODER_ENCODE)
		c->encoder = gsm_create();
	if (conf->use & MEDIA_CODER_DECODE)
		c->decoder = gsm_create();
	return coder_is_whole(conf, c->encoder, c->decoder) ? 0 : -ENOMEM;
}

static void gsm_close(struct media_coder *coder)
{
	struct gsm_coder *c = (struct gsm_coder *)coder;

	if (c->encoder)
		gsm_destroy(c->encoder);
	if (c->decoder)
		gsm_destroy(c->decoder);
}

static int frames_encode(struct media_coder *coder, uint8_t *dst, size_t room,
			 const int16_t *pcm, size_t samples)
{
	struct gsm_coder *c = (struct gsm_coder *)coder;
	size_t n = samples / FRAME_SAMPLES;
	gsm_signal frame[FRAME_SAMPLES];

	if (!c->encoder)
		return -EINVAL;
	if (room < n * FRAME_BYTES)
		return -ENOSPC;
	for (size_t i = 0; i < n; i++) {
		memcpy(frame, pcm + i * FRAME_SAMPLES, sizeof(frame));
		gsm_encode(c->encoder, frame, dst + i * FRAME_BYTES);
	}
	return (int)(n * FRAME_BYTES);
}

static int frames_decode(struct media_coder *coder, int16_t *pcm, size_t room,
			 struct bytes payload)
{
	struct gsm_coder *c = (struct gsm_coder *)coder;
	size_t n = payload.n / FRAME_BYTES;
	gsm_byte frame[FRAME_BYTES];

	if (!c->decoder)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		memcpy(frame, payload.p + i * FRAME_BYTES, sizeof(frame));
		if (gsm_decode(c->decoder, frame, pcm + i * FRAME_SAMPLES))
			return -EBADMSG;
	}
	return (int)(n * FRAME_SAMPLES);
}

static int frames_count(const struct media_codec *codec, struct bytes payload)
{
	if (payload.n % FRAME_BYTES)
		return -EBADMSG;
	/* RFC 3551 4.5.8.1: "the signature 0xD" in the first four bits */
	for (size_t i = 0; i < payload.n; i += FRAME_BYTES)
		if (payload.p[i] >> 4 != GSM_MAGIC)
			return -EBADMSG;
	return (int)(payload.n / FRAME_BYTES * FRAME_SAMPLES);
}

static const struct media_codec_ops gsm_ops = {
	.size = sizeof(struct gsm_coder),
	.open = gsm_open,
	.close = gsm_close,
	.encode = frames_encode,
	.decode = frames_decode,
	.samples = frames_count,
};

const struct media_codec media_codec_gsm = {
	.name = "GSM",
	.setting = "gsm",
	.fmtp = "",
	.rtp_clock_hz = 8000,
	.rate_hz = 8000,
	.pt = CODEC_PT_GSM,
	.sdp_channels = 1,
	.frame_ms = 20,
	.packet_ms_max = 120,
	.bytes_per_ms = 2,
	.ops = &gsm_ops,
};
