/* The table of codecs, and what all coders have in common: arguments are
 * checked here, and what a codec cannot conceal by itself is concealed here.
 */
#include "media/codec_ops.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PTIME_DEFAULT_MS 20

static const struct media_codec *const codecs[] = {
	&media_codec_opus,
	&media_codec_pcma,
	&media_codec_pcmu,
	&media_codec_g722,
	&media_codec_gsm,
	&media_codec_speex_wide,
	&media_codec_speex_narrow,
	&media_codec_amr_aligned,
	&media_codec_amr,
	&media_codec_l16_48,
	&media_codec_l16_16,
	&media_codec_l16_8,
#ifdef HAVE_G729
	&media_codec_g729,
#endif
	NULL,
};

const struct media_codec *const *media_codecs(void)
{
	return codecs;
}

size_t media_codecs_by_setting(const struct media_codec **dst, size_t room,
			       const char *name)
{
	size_t n = 0;

	for (size_t i = 0; codecs[i] && n < room; i++)
		if (!strcasecmp(codecs[i]->setting, name))
			dst[n++] = codecs[i];
	return n;
}

const struct media_codec *media_codec_by_setting(const char *name)
{
	const struct media_codec *first = NULL;

	(void)media_codecs_by_setting(&first, 1, name);
	return first;
}

bool media_codec_matches(const struct media_codec *codec, const char *name,
			 uint32_t clock_hz, unsigned channels, const char *fmtp,
			 unsigned *modes)
{
	*modes = 0;
	if (strcasecmp(codec->name, name) || codec->rtp_clock_hz != clock_hz ||
	    channels > codec->sdp_channels)
		return false;
	return !codec->ops->fmtp_read ||
	       codec->ops->fmtp_read(codec, fmtp, modes);
}

void media_codec_fmtp_write(char *dst, size_t size,
			    const struct media_codec *codec, unsigned modes)
{
	const char *before = *codec->fmtp ? "; mode-set=" : "mode-set=";
	size_t n;

	snprintf(dst, size, "%s", codec->fmtp);
	for (unsigned mode = 0; mode < 16; mode++) {
		if (!(modes & 1U << mode))
			continue;
		n = strlen(dst);
		snprintf(dst + n, size - n, "%s%u", before, mode);
		before = ",";
	}
}

unsigned media_codec_ptime(const struct media_codec *codec, unsigned wanted_ms)
{
	unsigned ms = wanted_ms ? wanted_ms : PTIME_DEFAULT_MS;

	/* Opus frames of 30 and 50 ms do not exist. */
	if (codec == &media_codec_opus && ms > 20)
		ms = ms < 60 ? 40 : 60;
	if (ms > codec->packet_ms_max)
		ms = codec->packet_ms_max;
	ms -= ms % codec->frame_ms;
	return ms ? ms : codec->frame_ms;
}

/* -- coder -------------------------------------------------------------- */

static bool rate_is_good(const struct media_codec *codec, uint32_t rate_hz)
{
	if (codec->rate_hz)
		return rate_hz == codec->rate_hz;
	return rate_hz == 8000 || rate_hz == 16000 || rate_hz == 48000;
}

int media_coder_new(struct media_coder **cp, const struct media_codec *codec,
		    const struct media_coder_conf *conf)
{
	struct media_coder_conf whole = *conf;
	struct media_coder *c;
	int err;

	if (!rate_is_good(codec, conf->rate_hz))
		return -EINVAL;
	if (!whole.use)
		whole.use = MEDIA_CODER_ENCODE | MEDIA_CODER_DECODE;
	c = calloc(1, codec->ops->size);
	if (!c)
		return -ENOMEM;
	c->codec = codec;
	c->rate_hz = conf->rate_hz;
	err = codec->ops->stretch ? 0
				  : conceal_init(&c->conceal, conf->rate_hz);
	if (!err && codec->ops->open)
		err = codec->ops->open(c, &whole);
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
	if (c->codec->ops->close)
		c->codec->ops->close(c);
	conceal_clear(&c->conceal);
	free(c);
}

void media_coder_set_loss(struct media_coder *c, int percent)
{
	percent = percent < 0 ? 0 : percent > 100 ? 100 : percent;
	if (c->codec->ops->set_loss)
		c->codec->ops->set_loss(c, percent);
}

bool media_codec_has_modes(const struct media_codec *codec)
{
	return codec->ops->wanted_mode != NULL;
}

int media_coder_wanted_mode(const struct media_coder *c)
{
	return c->codec->ops->wanted_mode ? c->codec->ops->wanted_mode(c) : -1;
}

void media_coder_set_mode(struct media_coder *c, int mode)
{
	if (c->codec->ops->set_mode)
		c->codec->ops->set_mode(c, mode);
}

int media_encode(struct media_coder *c, uint8_t *dst, size_t room,
		 const int16_t *pcm, size_t samples)
{
	size_t ms = c->rate_hz / 1000;

	if (!samples || samples > ms * c->codec->packet_ms_max)
		return -EINVAL;
	/* Codecs of single samples take any number of them. */
	if (c->codec->frame_ms != 10 && samples % (ms * c->codec->frame_ms))
		return -EINVAL;
	return c->codec->ops->encode(c, dst, room, pcm, samples);
}

/* -- decoding ----------------------------------------------------------- */

static int missing_conceal(struct media_coder *c, int16_t *pcm, size_t n)
{
	const struct media_codec_ops *ops = c->codec->ops;

	if (ops->stretch) /* conceals all by itself */
		return ops->conceal(c, pcm, n) ? (int)n : -EBADMSG;
	if (ops->conceal && ops->conceal(c, pcm, n))
		conceal_good(&c->conceal, pcm, n);
	else
		conceal_missing(&c->conceal, pcm, n);
	return (int)n;
}

void media_stretch(struct media_coder *c, int16_t *pcm, size_t samples)
{
	if (c->codec->ops->stretch)
		c->codec->ops->stretch(c, pcm, samples);
	else
		conceal_missing(&c->conceal, pcm, samples);
}

int media_decode(struct media_coder *c, int16_t *pcm, size_t room,
		 struct bytes payload, bool fec)
{
	const struct media_codec_ops *ops = c->codec->ops;
	int units, n;

	if (!payload.n || (fec && !ops->repair))
		return missing_conceal(c, pcm, room);
	units = media_payload_samples(c->codec, payload);
	if (units < 0)
		return units;
	if (fec)
		return ops->repair(c, pcm, room, payload);
	if ((uint64_t)units * c->rate_hz >
	    (uint64_t)room * c->codec->rtp_clock_hz)
		return -EBADMSG;
	n = ops->decode(c, pcm, room, payload);
	if (n > 0 && !ops->stretch)
		conceal_good(&c->conceal, pcm, (size_t)n);
	return n;
}

int media_payload_samples(const struct media_codec *codec, struct bytes payload)
{
	int most = (int)(codec->rtp_clock_hz / 1000 * MEDIA_PACKET_MS_MAX);
	int n = payload.n ? codec->ops->samples(codec, payload) : -EBADMSG;

	return n > most ? -EBADMSG : n;
}
