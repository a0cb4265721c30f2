/* G.722 at 64 kbit/s, by spandsp: a byte for two samples of 16 kHz.
 *
 * RFC 3551 4.5.2: "the RTP clock rate for the G722 payload format is 8,000 Hz
 * ... because that value was erroneously assigned in RFC 1890". So a byte is
 * one unit of time. */
#include "media/codec_ops.h"

#include <errno.h>
#include <spandsp/telephony.h>

#include <spandsp/g722.h>

#define BITS_PER_S 64000
#define RATE_HZ 16000

struct g722_coder {
	struct media_coder coder;
	g722_encode_state_t *encoder;
	g722_decode_state_t *decoder;
};

static int g722_open(struct media_coder *coder,
		     const struct media_coder_conf *conf)
{
	struct g722_coder *c = (struct g722_coder *)coder;

	if (conf->use & MEDIA_CODER_ENCODE)
		c->encoder = g722_encode_init(NULL, BITS_PER_S, 0);
	if (conf->use & MEDIA_CODER_DECODE)
		c->decoder = g722_decode_init(NULL, BITS_PER_S, 0);
	return coder_is_whole(conf, c->encoder, c->decoder) ? 0 : -ENOMEM;
}

static void g722_close(struct media_coder *coder)
{
	struct g722_coder *c = (struct g722_coder *)coder;

	if (c->encoder)
		(void)g722_encode_free(c->encoder);
	if (c->decoder)
		(void)g722_decode_free(c->decoder);
}

static int samples_encode(struct media_coder *coder, uint8_t *dst, size_t room,
			  const int16_t *pcm, size_t samples)
{
	struct g722_coder *c = (struct g722_coder *)coder;

	if (!c->encoder || samples % 2)
		return -EINVAL;
	if (room < samples / 2)
		return -ENOSPC;
	return g722_encode(c->encoder, dst, pcm, (int)samples);
}

static int samples_decode(struct media_coder *coder, int16_t *pcm, size_t room,
			  struct bytes payload)
{
	struct g722_coder *c = (struct g722_coder *)coder;

	if (!c->decoder)
		return -EINVAL;
	return g722_decode(c->decoder, pcm, payload.p, (int)payload.n);
}

static int samples_count(const struct media_codec *codec, struct bytes payload)
{
	return (int)payload.n;
}

static const struct media_codec_ops g722_ops = {
	.size = sizeof(struct g722_coder),
	.open = g722_open,
	.close = g722_close,
	.encode = samples_encode,
	.decode = samples_decode,
	.samples = samples_count,
};

const struct media_codec media_codec_g722 = {
	.name = "G722",
	.setting = "g722",
	.fmtp = "",
	.rtp_clock_hz = 8000,
	.rate_hz = RATE_HZ,
	.pt = CODEC_PT_G722,
	.sdp_channels = 1,
	.frame_ms = 10,
	.packet_ms_max = 120,
	.bytes_per_ms = 8,
	.ops = &g722_ops,
};
