/* Opus (RFC 6716, 7587), by libopus.
 *
 * It runs at the API rate of the other leg (8 kHz towards G.711: no
 * resampler, 2.5 times cheaper than 48 kHz with one). Its settings are those
 * for calls: VOIP, mono, no DTX (the far side's RTP must not stop), in-band
 * FEC when loss is expected.
 */
#include "media/codec_ops.h"

#include <errno.h>
#include <opus/opus.h>
#include <stddef.h>
#include <string.h>

#define OPUS_CLOCK_HZ 48000
#define BITRATE_DEFAULT 24000
#define COMPLEXITY_DEFAULT 5
/* G.711 carries 13 and 14 bits: what lies below is its own noise. */
#define LSB_DEPTH_NARROW 14
#define LSB_DEPTH_WIDE 16
/* A decoder of one channel: 18 KiB in libopus 1.3, 138 KiB in 1.5. One that
 * grows beyond this has silence in the place of stretched pieces. */
#define OPUS_STATE_MAX (256 << 10)
/* Pieces in a row; concealment has faded away by then. */
#define STRETCH_MAX 20
#define STRETCH_SAMPLES_MAX (OPUS_CLOCK_HZ / 50)

struct opus_coder {
	struct media_coder coder;
	OpusEncoder *encoder;
	OpusDecoder *decoder;
	unsigned stretched; /* pieces since the last packet */
	size_t stretch;     /* samples of the last piece */
};

static struct opus_coder *self(struct media_coder *c)
{
	return (struct opus_coder *)c;
}

static void opus_set_loss(struct media_coder *coder, int percent)
{
	struct opus_coder *c = self(coder);

	if (!c->encoder)
		return;
	(void)opus_encoder_ctl(c->encoder, OPUS_SET_INBAND_FEC(percent > 0));
	(void)opus_encoder_ctl(c->encoder, OPUS_SET_PACKET_LOSS_PERC(percent));
}

static int encoder_new(struct opus_coder *c,
		       const struct media_coder_conf *conf)
{
	opus_int32 bitrate =
		(opus_int32)(conf->bitrate ? conf->bitrate : BITRATE_DEFAULT);
	int complexity =
		conf->complexity < 0 ? COMPLEXITY_DEFAULT : conf->complexity;
	int depth =
		c->coder.rate_hz == 8000 ? LSB_DEPTH_NARROW : LSB_DEPTH_WIDE;
	int err;

	c->encoder = opus_encoder_create((opus_int32)c->coder.rate_hz, 1,
					 OPUS_APPLICATION_VOIP, &err);
	if (!c->encoder)
		return -ENOMEM;
	err = opus_encoder_ctl(c->encoder, OPUS_SET_BITRATE(bitrate));
	err |= opus_encoder_ctl(c->encoder, OPUS_SET_COMPLEXITY(complexity));
	err |= opus_encoder_ctl(c->encoder, OPUS_SET_DTX(0));
	err |= opus_encoder_ctl(c->encoder, OPUS_SET_LSB_DEPTH(depth));
	if (conf->wideband)
		err |= opus_encoder_ctl(
			c->encoder,
			OPUS_SET_MAX_BANDWIDTH(OPUS_BANDWIDTH_WIDEBAND));
	if (err)
		return -EINVAL;
	media_coder_set_loss(&c->coder, conf->expected_loss);
	return 0;
}

static int opus_open(struct media_coder *coder,
		     const struct media_coder_conf *conf)
{
	struct opus_coder *c = self(coder);
	int err = 0;

	if (conf->use & MEDIA_CODER_ENCODE)
		err = encoder_new(c, conf);
	if (!err && conf->use & MEDIA_CODER_DECODE) {
		c->decoder = opus_decoder_create((opus_int32)c->coder.rate_hz,
						 1, &err);
		if (!c->decoder)
			err = -ENOMEM;
	}
	return err;
}

static void opus_close(struct media_coder *coder)
{
	struct opus_coder *c = self(coder);

	if (c->encoder)
		opus_encoder_destroy(c->encoder);
	if (c->decoder)
		opus_decoder_destroy(c->decoder);
}

/* -- encoding ----------------------------------------------------------- */

static int opus_frame_encode(struct media_coder *coder, uint8_t *dst,
			     size_t room, const int16_t *pcm, size_t samples)
{
	struct opus_coder *c = self(coder);
	size_t unit = coder->rate_hz / 100; /* 10 ms */
	int n;

	if (!c->encoder ||
	    (samples != unit && samples != 2 * unit && samples != 4 * unit &&
	     samples != 6 * unit && samples != 12 * unit))
		return -EINVAL;
	n = opus_encode(c->encoder, pcm, (int)samples, dst, (opus_int32)room);
	if (n == OPUS_BUFFER_TOO_SMALL)
		return -ENOSPC;
	return n < 0 ? -EINVAL : n;
}

/* -- decoding ----------------------------------------------------------- */

/* libopus conceals multiples of 2.5 ms only; less than that is silence. */
static bool opus_conceal(struct media_coder *coder, int16_t *pcm, size_t n)
{
	struct opus_coder *c = self(coder);
	size_t whole = n - n % (coder->rate_hz / 400);

	c->stretched = 0;
	memset(pcm + whole, 0, (n - whole) * sizeof(*pcm));
	return !whole ||
	       (c->decoder && opus_decode(c->decoder, NULL, 0, pcm, (int)whole,
					  0) == (int)whole);
}

/* Goes on from the decoder's state in a copy of it: what a stretched piece
 * did to the state itself would not be what the encoder did, and a decoder
 * that differs from its encoder can ring for seconds on a pure tone. */
static bool stretch_piece(struct opus_coder *c, int16_t *pcm, size_t samples)
{
	_Alignas(max_align_t) unsigned char copy[OPUS_STATE_MAX];
	OpusDecoder *decoder = (void *)copy;
	size_t n = (size_t)opus_decoder_get_size(1);

	if (n > sizeof(copy))
		return false;
	memcpy(copy, c->decoder, n);
	for (unsigned i = 0; i <= c->stretched; i++)
		if (opus_decode(decoder, NULL, 0, pcm, (int)samples, 0) !=
		    (int)samples)
			return false;
	return true;
}

static void opus_stretch(struct media_coder *coder, int16_t *pcm,
			 size_t samples)
{
	struct opus_coder *c = self(coder);

	if (!c->decoder || c->stretched >= STRETCH_MAX ||
	    !stretch_piece(c, pcm, samples)) {
		memset(pcm, 0, samples * sizeof(*pcm));
		return;
	}
	c->stretched++;
	c->stretch = samples;
}

/* From what the stretched piece promised to the packet, without a click. */
static void stretch_blend(int16_t *pcm, const int16_t *promise, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pcm[i] = (int16_t)((promise[i] * (int)(n - i) +
				    pcm[i] * (int)i) /
				   (int)n);
}

static int packet_decode(struct opus_coder *c, int16_t *pcm, size_t room,
			 struct bytes payload, bool fec)
{
	int16_t promise[STRETCH_SAMPLES_MAX];
	bool blend;
	int n;

	if (!c->decoder)
		return -EINVAL;
	blend = c->stretched && c->stretch <= STRETCH_SAMPLES_MAX &&
		stretch_piece(c, promise, c->stretch);
	c->stretched = 0;
	n = opus_decode(c->decoder, payload.p, (opus_int32)payload.n, pcm,
			(int)room, fec);
	if (blend && n >= (int)c->stretch)
		stretch_blend(pcm, promise, c->stretch / 2);
	return n < 0 ? -EBADMSG : n;
}

static int opus_packet_decode(struct media_coder *coder, int16_t *pcm,
			      size_t room, struct bytes payload)
{
	return packet_decode(self(coder), pcm, room, payload, false);
}

static int opus_packet_repair(struct media_coder *coder, int16_t *pcm,
			      size_t room, struct bytes payload)
{
	/* the repaired stretch must be whole for libopus, too */
	if (room && room % (coder->rate_hz / 400) == 0)
		return packet_decode(self(coder), pcm, room, payload, true);
	return opus_conceal(coder, pcm, room) ? (int)room : -EBADMSG;
}

static int opus_samples(const struct media_codec *codec, struct bytes payload)
{
	const unsigned char *frames[48];
	opus_int16 sizes[48];
	int n;

	/* walks all frame lengths, which counting alone does not */
	n = opus_packet_parse(payload.p, (opus_int32)payload.n, NULL, frames,
			      sizes, NULL);
	if (n <= 0)
		return -EBADMSG;
	return n * opus_packet_get_samples_per_frame(payload.p, OPUS_CLOCK_HZ);
}

static const struct media_codec_ops opus_ops = {
	.size = sizeof(struct opus_coder),
	.open = opus_open,
	.close = opus_close,
	.encode = opus_frame_encode,
	.decode = opus_packet_decode,
	.samples = opus_samples,
	.repair = opus_packet_repair,
	.conceal = opus_conceal,
	.stretch = opus_stretch,
	.set_loss = opus_set_loss,
};

const struct media_codec media_codec_opus = {
	.name = "opus",
	.setting = "opus",
	.fmtp = "useinbandfec=1;stereo=0;sprop-stereo=0",
	.rtp_clock_hz = OPUS_CLOCK_HZ,
	.pt = CODEC_PT_OPUS,
	.sdp_channels = 2, /* RFC 7587 7: always 2, whatever is sent */
	.frame_ms = 10,
	.packet_ms_max = 120,
	.bytes_per_ms = 8,
	.ops = &opus_ops,
};
