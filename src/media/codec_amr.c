/* AMR, narrow band (RFC 4867), by opencore-amr. Sends the best mode that the
 * far end permits (mode-set) and wants (codec mode request). */
#include "media/codec_ops.h"

#include <errno.h>
#include <opencore-amrnb/interf_dec.h>
#include <opencore-amrnb/interf_enc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "media/amr_payload.h"

#define FRAME_SAMPLES 160
#define MODES_ALL 0xffU
/* The library's frames: type and quality in front, as in a file (RFC 4867
 * 5.3). */
#define FILE_FRAME_BYTES (1 + AMR_FRAME_BYTES)

struct amr_coder {
	struct media_coder coder;
	void *encoder, *decoder;
	bool aligned;
	unsigned modes; /* that we may send */
	int mode;       /* that we send */
	int wanted;     /* by the far end; -1: nothing */
};

static struct amr_coder *self(struct media_coder *c)
{
	return (struct amr_coder *)c;
}

/* The best permitted mode up to the wanted one, or the least of all. */
static int mode_choose(unsigned modes, int wanted)
{
	for (int mode = wanted; mode >= 0; mode--)
		if (modes & 1U << mode)
			return mode;
	return __builtin_ctz(modes);
}

static int amr_open(struct media_coder *coder,
		    const struct media_coder_conf *conf)
{
	struct amr_coder *c = self(coder);

	c->aligned = coder->codec == &media_codec_amr_aligned;
	c->modes =
		conf->modes & MODES_ALL ? conf->modes & MODES_ALL : MODES_ALL;
	c->mode = mode_choose(c->modes, AMR_SPEECH_LAST);
	c->wanted = -1;
	if (conf->use & MEDIA_CODER_ENCODE)
		c->encoder = Encoder_Interface_init(0);
	if (conf->use & MEDIA_CODER_DECODE)
		c->decoder = Decoder_Interface_init();
	return coder_is_whole(conf, c->encoder, c->decoder) ? 0 : -ENOMEM;
}

static void amr_close(struct media_coder *coder)
{
	struct amr_coder *c = self(coder);

	if (c->encoder)
		Encoder_Interface_exit(c->encoder);
	if (c->decoder)
		Decoder_Interface_exit(c->decoder);
}

static int frames_encode(struct media_coder *coder, uint8_t *dst, size_t room,
			 const int16_t *pcm, size_t samples)
{
	struct amr_coder *c = self(coder);
	struct amr_payload p = {.request = AMR_REQUEST_NONE,
				.n = samples / FRAME_SAMPLES};

	if (!c->encoder)
		return -EINVAL;
	for (size_t i = 0; i < p.n; i++) {
		unsigned char file[FILE_FRAME_BYTES + 1] = {0};
		struct amr_frame *f = &p.frames[i];
		int16_t copy[FRAME_SAMPLES]; /* it writes into its input */

		memcpy(copy, pcm + i * FRAME_SAMPLES, sizeof(copy));
		if (Encoder_Interface_Encode(c->encoder, (enum Mode)c->mode,
					     copy, file, 0) <= 1)
			return -EINVAL;
		f->type = file[0] >> 3 & 15;
		f->good = true;
		memcpy(f->bits, file + 1, sizeof(f->bits));
	}
	return amr_payload_write(dst, room, &p, c->aligned);
}

static void frame_decode(struct amr_coder *c, int16_t *pcm,
			 const struct amr_frame *f)
{
	unsigned char file[FILE_FRAME_BYTES] = {AMR_NO_DATA << 3 | 4};

	/* The library conceals a frame that is not there, but would decode a
	 * damaged one. */
	if (f && f->good) {
		file[0] = (unsigned char)(f->type << 3 | 4);
		memcpy(file + 1, f->bits, sizeof(f->bits));
	}
	Decoder_Interface_Decode(c->decoder, file, pcm, 0);
}

static int frames_decode(struct media_coder *coder, int16_t *pcm, size_t room,
			 struct bytes payload)
{
	struct amr_coder *c = self(coder);
	struct amr_payload p;

	if (!c->decoder)
		return -EINVAL;
	if (amr_payload_read(&p, payload, c->aligned))
		return -EBADMSG;
	/* 4.3.1: it stands until the next one */
	if (p.request != AMR_REQUEST_NONE)
		c->wanted = p.request;
	for (size_t i = 0; i < p.n; i++)
		frame_decode(c, pcm + i * FRAME_SAMPLES, &p.frames[i]);
	return (int)(p.n * FRAME_SAMPLES);
}

static bool frames_conceal(struct media_coder *coder, int16_t *pcm, size_t n)
{
	struct amr_coder *c = self(coder);

	if (!c->decoder || !n || n % FRAME_SAMPLES)
		return false;
	for (size_t i = 0; i < n; i += FRAME_SAMPLES)
		frame_decode(c, pcm + i, NULL);
	return true;
}

static int frames_count(const struct media_codec *codec, struct bytes payload)
{
	struct amr_payload p;

	if (amr_payload_read(&p, payload, codec == &media_codec_amr_aligned))
		return -EBADMSG;
	return (int)(p.n * FRAME_SAMPLES);
}

static int wanted_mode(const struct media_coder *coder)
{
	return ((const struct amr_coder *)coder)->wanted;
}

static void set_mode(struct media_coder *coder, int mode)
{
	struct amr_coder *c = self(coder);

	if (mode >= 0 && mode <= AMR_SPEECH_LAST)
		c->mode = mode_choose(c->modes, mode);
}

/* -- parameters (RFC 4867 8.1) ----------------------------------------------
 */

/* "0,2,4,7"; -1: no such set */
static int modes_read(const char *text)
{
	unsigned modes = 0;

	for (;; text++) {
		if (*text < '0' || *text > '7')
			return -1;
		modes |= 1U << (*text - '0');
		text++;
		if (!*text)
			return (int)modes;
		if (*text != ',')
			return -1;
	}
}

static bool one_read(char *one, bool *aligned, unsigned *modes)
{
	char *value = strchr(one, '=');
	int set;

	if (!value)
		return true;
	*value++ = '\0';
	if (!strcasecmp(one, "octet-align")) {
		*aligned = !strcmp(value, "1");
	} else if (!strcasecmp(one, "mode-set")) {
		set = modes_read(value);
		if (set < 0)
			return false;
		*modes = (unsigned)set;
	} else if (!strcasecmp(one, "crc") ||
		   !strcasecmp(one, "robust-sorting")) {
		return !strcmp(value, "0");
	} else if (!strcasecmp(one, "interleaving")) {
		return false;
	}
	return true;
}

static bool parameters_read(const struct media_codec *codec, const char *fmtp,
			    unsigned *modes)
{
	char copy[128], *rest = copy, *one;
	bool aligned = false;

	snprintf(copy, sizeof(copy), "%s", fmtp);
	while ((one = strsep(&rest, "; ")))
		if (!one_read(one, &aligned, modes))
			return false;
	return aligned == (codec == &media_codec_amr_aligned);
}

static const struct media_codec_ops amr_ops = {
	.size = sizeof(struct amr_coder),
	.open = amr_open,
	.close = amr_close,
	.encode = frames_encode,
	.decode = frames_decode,
	.samples = frames_count,
	.conceal = frames_conceal,
	.wanted_mode = wanted_mode,
	.set_mode = set_mode,
	.fmtp_read = parameters_read,
};

#define AMR(parameters, type)                                                  \
	{                                                                      \
		.name = "AMR", .setting = "amr", .fmtp = (parameters),         \
		.rtp_clock_hz = 8000, .rate_hz = 8000, .pt = (type),           \
		.sdp_channels = 1, .frame_ms = 20, .packet_ms_max = 120,       \
		.bytes_per_ms = 2, .ops = &amr_ops,                            \
	}

const struct media_codec media_codec_amr = AMR("", CODEC_PT_AMR);
const struct media_codec media_codec_amr_aligned =
	AMR("octet-align=1", CODEC_PT_AMR_ALIGNED);
