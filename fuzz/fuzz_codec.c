/* Fuzz target of what a far end sends as sound: payloads of one codec, each
 * behind one byte of its length (0: a packet was lost), through its reader and
 * its decoder, and parameters of SDP as text. The first byte chooses the codec.
 * What is read of AMR can be written and means the same.
 */
#include <stdlib.h>
#include <string.h>

#include "media/amr_payload.h"
#include "media/codec.h"

#define OPUS_RATE_HZ 8000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool claim)
{
	if (!claim)
		abort();
}

static void amr_round_trip(struct bytes payload, bool aligned)
{
	uint8_t out[AMR_FRAMES_MAX * (AMR_FRAME_BYTES + 1) + 1];
	struct amr_payload p, again;
	int n;

	if (amr_payload_read(&p, payload, aligned))
		return;
	must(p.n > 0 && p.n <= AMR_FRAMES_MAX);
	n = amr_payload_write(out, sizeof(out), &p, aligned);
	must(n == (int)payload.n);
	must(amr_payload_write(out, (size_t)n - 1, &p, aligned) < 0);
	n = amr_payload_write(out, sizeof(out), &p, aligned);
	must(!amr_payload_read(&again, bytes_of(out, (size_t)n), aligned));
	must(memcmp(&p, &again, sizeof(p)) == 0);
}

/* Into a block of exact size: the sanitizer sees one sample more. */
static void payload_decode(struct media_coder *c, uint32_t rate_hz,
			   const struct media_codec *codec,
			   struct bytes payload)
{
	int units = media_payload_samples(codec, payload);
	size_t n = units > 0 ? (size_t)units * rate_hz / codec->rtp_clock_hz
			     : rate_hz / 50;
	int16_t *pcm = malloc(n * sizeof(*pcm));
	int got;

	must(pcm);
	got = media_decode(c, pcm, n, payload, false);
	must(got == (int)n || got < 0);
	must(payload.n || got == (int)n);
	must(!payload.n || units > 0 || got < 0);
	if (payload.n && payload.p[payload.n - 1] & 1)
		media_stretch(c, pcm, n < rate_hz / 50 ? n : rate_hz / 50);
	free(pcm);
}

static void payloads_decode(const struct media_codec *codec, struct rd *r)
{
	struct media_coder_conf conf = {
		.use = MEDIA_CODER_DECODE,
		.rate_hz = codec->rate_hz ? codec->rate_hz : OPUS_RATE_HZ,
	};
	struct media_coder *c = NULL;

	must(media_coder_new(&c, codec, &conf) == 0);
	while (r->n && !r->bad) {
		struct bytes view = rd_bytes(r, rd_u8(r));
		uint8_t *exact = malloc(view.n ? view.n : 1);
		struct bytes payload = bytes_of(exact, view.n);

		must(exact);
		if (view.n)
			memcpy(exact, view.p, view.n);
		if (codec == &media_codec_amr ||
		    codec == &media_codec_amr_aligned)
			amr_round_trip(payload,
				       codec == &media_codec_amr_aligned);
		payload_decode(c, conf.rate_hz, codec, payload);
		free(exact);
	}
	must(media_coder_wanted_mode(c) < 8);
	media_coder_free(&c);
}

/* What it permits is said in the answer, and means the same. */
static void parameters_match(struct bytes text)
{
	char fmtp[128] = "", again[128];
	unsigned modes, same;

	memcpy(fmtp, text.p, text.n < sizeof(fmtp) ? text.n : 127);
	for (size_t i = 0; media_codecs()[i]; i++) {
		const struct media_codec *c = media_codecs()[i];

		if (!media_codec_matches(c, c->name, c->rtp_clock_hz, 1, fmtp,
					 &modes))
			continue;
		media_codec_fmtp_write(again, sizeof(again), c, modes);
		must(media_codec_matches(c, c->name, c->rtp_clock_hz, 1, again,
					 &same) &&
		     same == modes);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r;
	size_t n = 0, which;

	if (!size)
		return 0;
	while (media_codecs()[n])
		n++;
	rd_init(&r, data, size);
	which = rd_u8(&r) % (n + 1);
	if (which == n)
		parameters_match(rd_bytes(&r, r.n));
	else
		payloads_decode(media_codecs()[which], &r);
	return 0;
}
