/* The table of codecs, and a coder of each.
 *
 * Opus runs at the API rate of the other leg (8 kHz towards G.711: no
 * resampler, 2.5 times cheaper than 48 kHz with one). Its settings are those
 * for calls: VOIP, mono, no DTX (the far side's RTP must not stop), in-band
 * FEC when loss is expected.
 */
#include "media/codec.h"

#include <errno.h>
#include <opus/opus.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "media/g711.h"
#include "media/splice.h"

#define OPUS_CLOCK_HZ 48000
#define G711_RATE_HZ 8000U
#define BITRATE_DEFAULT 24000
#define COMPLEXITY_DEFAULT 5
/* G.711 carries 13 and 14 bits: what lies below is its own noise. */
#define LSB_DEPTH_NARROW 14
#define LSB_DEPTH_WIDE 16
/* A decoder of one channel needs 18 KiB. */
#define OPUS_STATE_MAX 32768
/* Pieces in a row; concealment has faded away by then. */
#define STRETCH_MAX 20
#define STRETCH_SAMPLES_MAX (OPUS_CLOCK_HZ / 50)

const struct media_codec media_codec_opus = {
	.name = "opus",
	.setting = "opus",
	.rtp_clock_hz = OPUS_CLOCK_HZ,
	.static_pt = -1,
	.sdp_channels = 2, /* RFC 7587 7: always 2, whatever is sent */
};

const struct media_codec media_codec_pcma = {
	.name = "PCMA",
	.setting = "alaw",
	.rtp_clock_hz = G711_RATE_HZ,
	.static_pt = 8,
	.sdp_channels = 1,
};

const struct media_codec media_codec_pcmu = {
	.name = "PCMU",
	.setting = "mulaw",
	.rtp_clock_hz = G711_RATE_HZ,
	.static_pt = 0,
	.sdp_channels = 1,
};

static const struct media_codec *const codecs[] = {
	&media_codec_opus,
	&media_codec_pcma,
	&media_codec_pcmu,
	NULL,
};

const struct media_codec *const *media_codecs(void)
{
	return codecs;
}

const struct media_codec *media_codec_by_setting(const char *name)
{
	for (size_t i = 0; codecs[i]; i++)
		if (!strcasecmp(codecs[i]->setting, name))
			return codecs[i];
	return NULL;
}

const struct media_codec *media_codec_by_sdp(const char *name,
					     uint32_t clock_hz)
{
	for (size_t i = 0; codecs[i]; i++)
		if (!strcasecmp(codecs[i]->name, name) &&
		    codecs[i]->rtp_clock_hz == clock_hz)
			return codecs[i];
	return NULL;
}

/* -- coder -------------------------------------------------------------- */

struct media_coder {
	const struct media_codec *codec;
	uint32_t rate_hz;
	OpusEncoder *encoder;
	OpusDecoder *decoder;
	struct conceal conceal; /* G.711 */
	unsigned stretched;     /* Opus: pieces since the last packet */
	size_t stretch;         /* samples of the last piece */
};

static int encoder_new(struct media_coder *c,
		       const struct media_coder_conf *conf)
{
	opus_int32 bitrate =
		(opus_int32)(conf->bitrate ? conf->bitrate : BITRATE_DEFAULT);
	int complexity =
		conf->complexity < 0 ? COMPLEXITY_DEFAULT : conf->complexity;
	int depth =
		c->rate_hz == G711_RATE_HZ ? LSB_DEPTH_NARROW : LSB_DEPTH_WIDE;
	int err;

	c->encoder = opus_encoder_create((opus_int32)c->rate_hz, 1,
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
	media_coder_set_loss(c, conf->expected_loss);
	return 0;
}

static int opus_new(struct media_coder *c, const struct media_coder_conf *conf)
{
	unsigned use =
		conf->use ? conf->use : MEDIA_CODER_ENCODE | MEDIA_CODER_DECODE;
	int err = 0;

	if (use & MEDIA_CODER_ENCODE)
		err = encoder_new(c, conf);
	if (!err && use & MEDIA_CODER_DECODE) {
		c->decoder =
			opus_decoder_create((opus_int32)c->rate_hz, 1, &err);
		if (!c->decoder)
			err = -ENOMEM;
		else if (opus_decoder_get_size(1) > OPUS_STATE_MAX)
			err = -ENOTSUP;
	}
	return err;
}

int media_coder_new(struct media_coder **cp, const struct media_codec *codec,
		    const struct media_coder_conf *conf)
{
	bool opus = codec == &media_codec_opus;
	struct media_coder *c;
	int err = 0;

	if (opus ? conf->rate_hz != 8000 && conf->rate_hz != 16000 &&
			    conf->rate_hz != OPUS_CLOCK_HZ
		 : conf->rate_hz != G711_RATE_HZ)
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->codec = codec;
	c->rate_hz = conf->rate_hz;
	if (opus)
		err = opus_new(c, conf);
	if (err)
		media_coder_free(&c);
	else
		*cp = c;
	return err;
}

void media_coder_free(struct media_coder **cp)
{
	struct media_coder *c = *cp;

	*cp = NULL;
	if (!c)
		return;
	if (c->encoder)
		opus_encoder_destroy(c->encoder);
	if (c->decoder)
		opus_decoder_destroy(c->decoder);
	free(c);
}

void media_coder_set_loss(struct media_coder *c, int percent)
{
	if (!c->encoder)
		return;
	percent = percent < 0 ? 0 : percent > 100 ? 100 : percent;
	(void)opus_encoder_ctl(c->encoder, OPUS_SET_INBAND_FEC(percent > 0));
	(void)opus_encoder_ctl(c->encoder, OPUS_SET_PACKET_LOSS_PERC(percent));
}

/* -- encoding ----------------------------------------------------------- */

static int opus_frame_encode(struct media_coder *c, uint8_t *dst, size_t room,
			     const int16_t *pcm, size_t samples)
{
	size_t unit = c->rate_hz / 100; /* 10 ms */
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

int media_encode(struct media_coder *c, uint8_t *dst, size_t room,
		 const int16_t *pcm, size_t samples)
{
	if (c->codec == &media_codec_opus)
		return opus_frame_encode(c, dst, room, pcm, samples);
	if (!samples || samples > G711_RATE_HZ * MEDIA_PACKET_MS_MAX / 1000)
		return -EINVAL;
	if (room < samples)
		return -ENOSPC;
	if (c->codec == &media_codec_pcma)
		g711_alaw_encode(dst, pcm, samples);
	else
		g711_ulaw_encode(dst, pcm, samples);
	return (int)samples;
}

/* -- decoding ----------------------------------------------------------- */

/* libopus conceals multiples of 2.5 ms only; less than that is silence. */
static int opus_conceal(struct media_coder *c, int16_t *pcm, size_t room)
{
	size_t whole = room - room % (c->rate_hz / 400);

	c->stretched = 0;
	memset(pcm + whole, 0, (room - whole) * sizeof(*pcm));
	if (whole &&
	    opus_decode(c->decoder, NULL, 0, pcm, (int)whole, 0) != (int)whole)
		return -EBADMSG;
	return (int)room;
}

/* Goes on from the decoder's state in a copy of it: what a stretched piece
 * did to the state itself would not be what the encoder did, and a decoder
 * that differs from its encoder can ring for seconds on a pure tone. */
static bool stretch_piece(struct media_coder *c, int16_t *pcm, size_t samples)
{
	_Alignas(max_align_t) unsigned char copy[OPUS_STATE_MAX];
	OpusDecoder *decoder = (void *)copy;

	memcpy(copy, c->decoder, (size_t)opus_decoder_get_size(1));
	for (unsigned i = 0; i <= c->stretched; i++)
		if (opus_decode(decoder, NULL, 0, pcm, (int)samples, 0) !=
		    (int)samples)
			return false;
	return true;
}

static void opus_stretch(struct media_coder *c, int16_t *pcm, size_t samples)
{
	if (!c->decoder || c->stretched >= STRETCH_MAX ||
	    !stretch_piece(c, pcm, samples)) {
		memset(pcm, 0, samples * sizeof(*pcm));
		return;
	}
	c->stretched++;
	c->stretch = samples;
}

void media_stretch(struct media_coder *c, int16_t *pcm, size_t samples)
{
	if (c->codec == &media_codec_opus)
		opus_stretch(c, pcm, samples);
	else
		conceal_missing(&c->conceal, pcm, samples);
}

/* From what the stretched piece promised to the packet, without a click. */
static void stretch_blend(int16_t *pcm, const int16_t *promise, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pcm[i] = (int16_t)((promise[i] * (int)(n - i) +
				    pcm[i] * (int)i) /
				   (int)n);
}

static int opus_packet_decode(struct media_coder *c, int16_t *pcm, size_t room,
			      struct bytes payload, bool fec)
{
	int16_t promise[STRETCH_SAMPLES_MAX];
	bool blend;
	int n;

	if (!c->decoder)
		return -EINVAL;
	if (!payload.n)
		return opus_conceal(c, pcm, room);
	if (media_payload_samples(c->codec, payload) < 0)
		return -EBADMSG;
	/* the repaired stretch must be whole for libopus, too */
	if (fec && (!room || room % (c->rate_hz / 400)))
		return opus_conceal(c, pcm, room);
	blend = c->stretched && c->stretch <= STRETCH_SAMPLES_MAX &&
		stretch_piece(c, promise, c->stretch);
	c->stretched = 0;
	n = opus_decode(c->decoder, payload.p, (opus_int32)payload.n, pcm,
			(int)room, fec);
	if (blend && n >= (int)c->stretch)
		stretch_blend(pcm, promise, c->stretch / 2);
	return n < 0 ? -EBADMSG : n;
}

int media_decode(struct media_coder *c, int16_t *pcm, size_t room,
		 struct bytes payload, bool fec)
{
	if (c->codec == &media_codec_opus)
		return opus_packet_decode(c, pcm, room, payload, fec);
	if (!payload.n || fec) {
		conceal_missing(&c->conceal, pcm, room);
		return (int)room;
	}
	if (payload.n > room || media_payload_samples(c->codec, payload) < 0)
		return -EBADMSG;
	if (c->codec == &media_codec_pcma)
		g711_alaw_decode(pcm, payload.p, payload.n);
	else
		g711_ulaw_decode(pcm, payload.p, payload.n);
	conceal_good(&c->conceal, pcm, payload.n);
	return (int)payload.n;
}

int media_payload_samples(const struct media_codec *codec, struct bytes payload)
{
	size_t most = codec->rtp_clock_hz / 1000 * MEDIA_PACKET_MS_MAX;
	const unsigned char *frames[48];
	opus_int16 sizes[48];
	int n;

	if (!payload.n)
		return -EBADMSG;
	if (codec != &media_codec_opus)
		return payload.n > most ? -EBADMSG : (int)payload.n;
	/* walks all frame lengths, which counting alone does not */
	n = opus_packet_parse(payload.p, (opus_int32)payload.n, NULL, frames,
			      sizes, NULL);
	if (n <= 0)
		return -EBADMSG;
	n *= opus_packet_get_samples_per_frame(payload.p, OPUS_CLOCK_HZ);
	return n > (int)most ? -EBADMSG : n;
}
