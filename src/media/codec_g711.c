/* G.711: a byte a sample. */
#include "media/codec_ops.h"

#include <errno.h>

#include "media/g711.h"

static int samples_encode(struct media_coder *c, uint8_t *dst, size_t room,
			  const int16_t *pcm, size_t samples)
{
	if (room < samples)
		return -ENOSPC;
	if (c->codec == &media_codec_pcma)
		g711_alaw_encode(dst, pcm, samples);
	else
		g711_ulaw_encode(dst, pcm, samples);
	return (int)samples;
}

static int samples_decode(struct media_coder *c, int16_t *pcm, size_t room,
			  struct bytes payload)
{
	if (c->codec == &media_codec_pcma)
		g711_alaw_decode(pcm, payload.p, payload.n);
	else
		g711_ulaw_decode(pcm, payload.p, payload.n);
	return (int)payload.n;
}

static int samples_count(const struct media_codec *codec, struct bytes payload)
{
	return (int)payload.n;
}

static const struct media_codec_ops g711_ops = {
	.size = sizeof(struct media_coder),
	.encode = samples_encode,
	.decode = samples_decode,
	.samples = samples_count,
};

const struct media_codec media_codec_pcma = {
	.name = "PCMA",
	.setting = "alaw",
	.fmtp = "",
	.rtp_clock_hz = 8000,
	.rate_hz = 8000,
	.pt = CODEC_PT_PCMA,
	.sdp_channels = 1,
	.frame_ms = 10,
	.packet_ms_max = 120,
	.bytes_per_ms = 8,
	.ops = &g711_ops,
};

const struct media_codec media_codec_pcmu = {
	.name = "PCMU",
	.setting = "mulaw",
	.fmtp = "",
	.rtp_clock_hz = 8000,
	.rate_hz = 8000,
	.pt = CODEC_PT_PCMU,
	.sdp_channels = 1,
	.frame_ms = 10,
	.packet_ms_max = 120,
	.bytes_per_ms = 8,
	.ops = &g711_ops,
};
