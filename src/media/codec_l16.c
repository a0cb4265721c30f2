/* L16 (RFC 3551 4.5.11): samples as they are, in network byte order; "slin" to
 * Asterisk. What tg2sip takes is the one at 48 kHz. */
#include "media/codec_ops.h"

#include <errno.h>

static int samples_encode(struct media_coder *c, uint8_t *dst, size_t room,
			  const int16_t *pcm, size_t samples)
{
	if (room < 2 * samples)
		return -ENOSPC;
	for (size_t i = 0; i < samples; i++) {
		dst[2 * i] = (uint8_t)((uint16_t)pcm[i] >> 8);
		dst[2 * i + 1] = (uint8_t)pcm[i];
	}
	return (int)(2 * samples);
}

static int samples_decode(struct media_coder *c, int16_t *pcm, size_t room,
			  struct bytes payload)
{
	for (size_t i = 0; i < payload.n / 2; i++)
		pcm[i] =
			(int16_t)(payload.p[2 * i] << 8 | payload.p[2 * i + 1]);
	return (int)(payload.n / 2);
}

static int samples_count(const struct media_codec *codec, struct bytes payload)
{
	return payload.n % 2 ? -EBADMSG : (int)(payload.n / 2);
}

static const struct media_codec_ops l16_ops = {
	.size = sizeof(struct media_coder),
	.encode = samples_encode,
	.decode = samples_decode,
	.samples = samples_count,
};

/* The longest packets are those that no network parts. */
#define L16(khz, type, ms)                                                     \
	{                                                                      \
		.name = "L16", .setting = "slin", .fmtp = "",                  \
		.rtp_clock_hz = (khz)*1000, .rate_hz = (khz)*1000,             \
		.pt = (type), .sdp_channels = 1, .frame_ms = 10,               \
		.packet_ms_max = (ms), .bytes_per_ms = 2 * (khz),              \
		.ops = &l16_ops,                                               \
	}

const struct media_codec media_codec_l16_48 = L16(48, CODEC_PT_L16_48, 10);
const struct media_codec media_codec_l16_16 = L16(16, CODEC_PT_L16_16, 40);
const struct media_codec media_codec_l16_8 = L16(8, CODEC_PT_L16_8, 80);
