#include "media/codec.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/speech.h"

/* The best likeness of b, shifted by up to `most`, to a; where in *at. */
static double likeness_best(const int16_t *a, const int16_t *b, size_t n,
			    size_t most, size_t *at)
{
	double best = -1;

	for (size_t lag = 0; lag <= most; lag++) {
		double ab = 0, aa = 1e-9, bb = 1e-9;

		for (size_t i = 0; i + lag < n; i++) {
			ab += (double)a[i] * b[i + lag];
			aa += (double)a[i] * a[i];
			bb += (double)b[i + lag] * b[i + lag];
		}
		if (ab / sqrt(aa * bb) > best) {
			best = ab / sqrt(aa * bb);
			*at = lag;
		}
	}
	return best;
}

enum { SECONDS = 3 };

struct path {
	const struct media_codec *codec;
	uint32_t rate_hz;
	unsigned frame_ms;
	unsigned lost_of_100;
	bool fec;
};

/* Speech through one encoder and one decoder. */
static double path_likeness(const struct path *p, size_t *delay)
{
	struct media_coder_conf conf = {.rate_hz = p->rate_hz,
					.complexity = -1,
					.expected_loss =
						p->lost_of_100 ? 20 : 0};
	size_t n = (size_t)p->rate_hz * SECONDS;
	size_t frame = p->rate_hz * p->frame_ms / 1000, done = 0;
	int16_t *in = calloc(n, 2), *out = calloc(n, 2);
	struct media_coder *c = NULL;
	struct speech speech;
	uint32_t seed = 3;
	bool missing = false;
	double like = -1;

	speech_init(&speech, p->rate_hz, 7);
	if (!in || !out || media_coder_new(&c, p->codec, &conf))
		goto out;
	speech_fill(&speech, in, n);
	for (size_t i = 0; i + frame <= n; i += frame) {
		uint8_t packet[1500];
		int bytes =
			media_encode(c, packet, sizeof(packet), in + i, frame);

		if (bytes <= 0)
			goto out;
		seed = seed * 1664525U + 1013904223U;
		if (missing) { /* the packet after a lost one repairs it */
			struct bytes b =
				bytes_of(packet, p->fec ? (size_t)bytes : 0);
			if (media_decode(c, out + done, frame, b, p->fec) !=
			    (int)frame)
				goto out;
			done += frame;
			missing = false;
		}
		if (i > frame && (seed >> 16) % 100 < p->lost_of_100) {
			missing = true;
			continue;
		}
		if (media_decode(c, out + done, n - done,
				 bytes_of(packet, (size_t)bytes),
				 false) != (int)frame)
			goto out;
		done += frame;
	}
	like = likeness_best(in, out, done, p->rate_hz / 50, delay);
out:
	media_coder_free(&c);
	free(in);
	free(out);
	return like;
}

static void test_coder_keeps_speech_alike(void)
{
	static const struct path paths[] = {
		{&media_codec_pcma, 8000, 20, 0, false},
		{&media_codec_pcmu, 8000, 30, 0, false},
		{&media_codec_opus, 8000, 10, 0, false},
		{&media_codec_opus, 8000, 20, 0, false},
		{&media_codec_opus, 8000, 60, 0, false},
		{&media_codec_opus, 16000, 40, 0, false},
		{&media_codec_opus, 48000, 20, 0, false},
		{&media_codec_g722, 16000, 20, 0, false},
		{&media_codec_gsm, 8000, 40, 0, false},
		{&media_codec_speex_narrow, 8000, 20, 0, false},
		{&media_codec_speex_wide, 16000, 40, 0, false},
		{&media_codec_amr, 8000, 20, 0, false},
		{&media_codec_amr_aligned, 8000, 60, 0, false},
		{&media_codec_l16_8, 8000, 10, 0, false},
		{&media_codec_l16_16, 16000, 20, 0, false},
		{&media_codec_l16_48, 48000, 10, 0, false},
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		bool exact = paths[i].codec->bytes_per_ms ==
				     2 * paths[i].rate_hz / 1000 ||
			     paths[i].codec == &media_codec_pcma ||
			     paths[i].codec == &media_codec_pcmu;
		size_t delay = 0;
		double like = path_likeness(&paths[i], &delay);

		printf("# %s %u Hz %u ms: likeness %.4f, delay %.2f ms\n",
		       paths[i].codec->name, paths[i].rate_hz,
		       paths[i].frame_ms, like,
		       (double)delay * 1000 / paths[i].rate_hz);
		CHECK(like > (exact ? 0.998 : 0.85));
		CHECK(delay * 1000 <= 14 * paths[i].rate_hz);
	}
}

static void test_coder_repairs_and_conceals_losses(void)
{
	struct path p = {&media_codec_opus, 8000, 20, 10, false};
	size_t delay;
	double concealed, repaired, lost_pcma;

	concealed = path_likeness(&p, &delay);
	p.fec = true;
	repaired = path_likeness(&p, &delay);
	p = (struct path){&media_codec_pcma, 8000, 20, 5, false};
	lost_pcma = path_likeness(&p, &delay);
	printf("# 10 %% lost: concealed %.3f, repaired %.3f; "
	       "alaw, 5 %% lost: %.3f\n",
	       concealed, repaired, lost_pcma);
	CHECK(concealed > 0.6);
	CHECK(repaired > concealed + 0.02);
	CHECK(lost_pcma > 0.9);
}

static void test_coder_takes_every_opus_packet_length(void)
{
	/* CELT 2.5 to 20 ms, SILK 10 to 60 ms, hybrid, one byte: a frame that
	 * is not there (RFC 6716 3.2.1), stereo, 120 ms */
	static const struct {
		uint8_t bytes[4];
		size_t n;
		int ms10;
	} packets[] = {
		{{0xe0, 0xff, 0xfe}, 3, 25},
		{{0xe8, 0xff, 0xfe}, 3, 50},
		{{0xf0, 0xff, 0xfe}, 3, 100},
		{{0xf8, 0xff, 0xfe}, 3, 200},
		{{0xfc, 0xff, 0xfe}, 3, 200},
		{{0x08}, 1, 200},
		{{0x18, 0x0b, 0xe4, 0xc1}, 4, 600},
		{{0x1b, 0x02}, 2, 1200},
		{{0x78, 0xff, 0xfe}, 3, 200},
	};
	struct media_coder_conf conf = {.use = MEDIA_CODER_DECODE,
					.rate_hz = 8000};
	struct media_coder *c = NULL;
	int16_t pcm[960];

	CHECK_INT(media_coder_new(&c, &media_codec_opus, &conf), 0);
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		struct bytes b = bytes_of(packets[i].bytes, packets[i].n);
		int samples = packets[i].ms10 * 8 / 10;
		bool fits = media_decode(c, pcm, 960, b, false) == samples;
		bool refused = media_decode(c, pcm, (size_t)samples - 1, b,
					    false) == -EBADMSG;

		if (!fits || !refused)
			printf("# packet %zu\n", i);
		CHECK(fits && refused);
	}
	CHECK_INT(media_encode(c, (uint8_t *)pcm, 100, pcm, 160), -EINVAL);
	media_coder_free(&c);
}

static void test_coder_conceals_any_length(void)
{
	const struct media_codec *const *all = media_codecs();
	struct media_coder_conf conf = {.use = MEDIA_CODER_DECODE};

	for (size_t i = 0; all[i]; i++) {
		struct media_coder *c = NULL;
		size_t most;
		int16_t *pcm;

		conf.rate_hz = all[i]->rate_hz ? all[i]->rate_hz : 8000;
		most = conf.rate_hz / 1000 * MEDIA_PACKET_MS_MAX;
		CHECK_INT(media_coder_new(&c, all[i], &conf), 0);
		for (size_t n = 1; n <= most; n = n * 3 / 2 + 1) {
			pcm = malloc(n * 2);
			CHECK(pcm);
			CHECK_INT(media_decode(c, pcm, n, bytes_of(NULL, 0),
					       false),
				  n);
			if (n * 50 <= conf.rate_hz)
				media_stretch(c, pcm, n);
			free(pcm);
		}
		media_coder_free(&c);
	}
}

/* What is lost of a voice is filled with the like, at every rate. */
static void test_coder_conceals_a_voice_at_every_rate(void)
{
	static const struct media_codec *const some[] = {
		&media_codec_g722,         &media_codec_gsm,
		&media_codec_speex_narrow, &media_codec_speex_wide,
		&media_codec_amr,          &media_codec_l16_48};

	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		struct path p = {.codec = some[i],
				 .rate_hz = some[i]->rate_hz,
				 .frame_ms = media_codec_ptime(some[i], 20),
				 .lost_of_100 = 5};
		size_t delay;
		double like = path_likeness(&p, &delay);

		printf("# %s/%u, 5 %% lost: %.3f\n", some[i]->name, p.rate_hz,
		       like);
		CHECK(like > 0.8);
	}
}

/* RFC 4867 4.3.1: the far end chooses what it is sent, as the set permits. */
static void test_coder_amr_sends_the_mode_that_is_wanted(void)
{
	static const struct {
		unsigned modes;
		int wanted, bytes;
	} choices[] = {{0, -1, 33},    {0, 0, 14},    {0, 4, 21},
		       {0x05, -1, 17}, {0x05, 7, 17}, {0x05, 1, 14},
		       {0x80, 0, 33}};

	for (size_t i = 0; i < sizeof(choices) / sizeof(*choices); i++) {
		struct media_coder_conf conf = {.rate_hz = 8000,
						.modes = choices[i].modes};
		struct media_coder *c = NULL;
		int16_t pcm[160] = {0};
		uint8_t packet[100];

		CHECK_INT(media_coder_new(&c, &media_codec_amr_aligned, &conf),
			  0);
		CHECK_INT(media_coder_wanted_mode(c), -1);
		media_coder_set_mode(c, choices[i].wanted);
		CHECK_INT(media_encode(c, packet, sizeof(packet), pcm, 160),
			  choices[i].bytes);
		packet[0] = 0x30;
		CHECK_INT(
			media_decode(c, pcm, 160,
				     bytes_of(packet, (size_t)choices[i].bytes),
				     false),
			160);
		CHECK_INT(media_coder_wanted_mode(c), 3);
		packet[0] = 0xf0;
		(void)media_decode(c, pcm, 160,
				   bytes_of(packet, (size_t)choices[i].bytes),
				   false);
		CHECK_INT(media_coder_wanted_mode(c), 3);
		media_coder_free(&c);
	}
}

static void test_coder_use_of_the_other_half_is_refused(void)
{
	const struct media_codec *const *all = media_codecs();

	for (size_t i = 0; all[i]; i++) {
		struct media_coder_conf conf = {
			.use = MEDIA_CODER_ENCODE,
			.rate_hz = all[i]->rate_hz ? all[i]->rate_hz : 8000};
		bool stateless = all[i]->ops == media_codec_pcma.ops ||
				 all[i]->ops == media_codec_l16_8.ops;
		size_t n = conf.rate_hz / 1000 * all[i]->packet_ms_max;
		int16_t pcm[48 * MEDIA_PACKET_MS_MAX] = {0};
		uint8_t packet[1500];
		struct media_coder *c = NULL;
		int bytes;

		CHECK_INT(media_coder_new(&c, all[i], &conf), 0);
		CHECK_INT(media_encode(c, packet, sizeof(packet), pcm,
				       n + all[i]->frame_ms * conf.rate_hz /
						       1000),
			  -EINVAL);
		/* Opus would say it in one byte. */
		CHECK(all[i] == &media_codec_opus ||
		      media_encode(c, packet, 1, pcm, n) == -ENOSPC);
		bytes = media_encode(c, packet, sizeof(packet), pcm, n);
		CHECK(bytes > 0);
		CHECK((stateless ? (int)n : -EINVAL) ==
		      media_decode(c, pcm, n, bytes_of(packet, (size_t)bytes),
				   false));
		media_coder_free(&c);
		conf.use = MEDIA_CODER_DECODE;
		CHECK_INT(media_coder_new(&c, all[i], &conf), 0);
		CHECK((stateless ? bytes : -EINVAL) ==
		      media_encode(c, packet, sizeof(packet), pcm, n));
		media_coder_free(&c);
	}
}

/* A pure tone leaves the codec's filters at the edge of stability: a decoder
 * that was moved would ring at full strength for seconds. */
static void test_coder_stretched_keeps_a_tone(void)
{
	struct media_coder_conf conf = {
		.rate_hz = 8000, .complexity = -1, .expected_loss = 10};
	struct media_coder *c = NULL;
	int16_t in[160], out[160];
	uint8_t packet[1500];
	int loudest = 0;

	CHECK_INT(media_coder_new(&c, &media_codec_opus, &conf), 0);
	for (int i = 0; i < 500; i++) {
		int n;

		for (int k = 0; k < 160; k++)
			in[k] = (int16_t)(8000 * sin(2 * M_PI * 3250 *
						     (i * 160 + k) / 8000));
		n = media_encode(c, packet, sizeof(packet), in, 160);
		CHECK(n > 0);
		if (i % 100 == 40)
			for (int k = 0; k < 3; k++)
				media_stretch(c, out, 80);
		CHECK_INT(media_decode(c, out, 160, bytes_of(packet, (size_t)n),
				       false),
			  160);
		for (int k = 0; k < 160; k++)
			if (abs(out[k]) > loudest)
				loudest = abs(out[k]);
	}
	CHECK(loudest > 7000 && loudest < 12000);
	media_coder_free(&c);
}

static void test_coder_refuses_wrong_arguments(void)
{
	struct media_coder_conf conf = {.rate_hz = 16000, .complexity = -1};
	struct media_coder *c = NULL;
	int16_t pcm[1000] = {0};
	uint8_t out[1000];

	CHECK_INT(media_coder_new(&c, &media_codec_pcma, &conf), -EINVAL);
	conf.rate_hz = 44100;
	CHECK_INT(media_coder_new(&c, &media_codec_opus, &conf), -EINVAL);
	conf.rate_hz = 8000;
	conf.complexity = 11;
	CHECK_INT(media_coder_new(&c, &media_codec_opus, &conf), -EINVAL);
	CHECK(!c);
	conf.complexity = 5;
	CHECK_INT(media_coder_new(&c, &media_codec_opus, &conf), 0);
	CHECK_INT(media_encode(c, out, 1000, pcm, 240), -EINVAL);
	CHECK_INT(media_encode(c, out, 1000, pcm, 0), -EINVAL);
	media_coder_free(&c);
	media_coder_free(&c);
	CHECK_INT(media_coder_new(&c, &media_codec_pcmu, &conf), 0);
	CHECK_INT(media_encode(c, out, 159, pcm, 160), -ENOSPC);
	CHECK_INT(media_encode(c, out, 1000, pcm, 961), -EINVAL);
	CHECK_INT(media_decode(c, pcm, 159, bytes_of(out, 160), false),
		  -EBADMSG);
	media_coder_free(&c);
}

int main(void)
{
	RUN(test_coder_keeps_speech_alike);
	RUN(test_coder_repairs_and_conceals_losses);
	RUN(test_coder_takes_every_opus_packet_length);
	RUN(test_coder_conceals_any_length);
	RUN(test_coder_conceals_a_voice_at_every_rate);
	RUN(test_coder_amr_sends_the_mode_that_is_wanted);
	RUN(test_coder_use_of_the_other_half_is_refused);
	RUN(test_coder_stretched_keeps_a_tone);
	RUN(test_coder_refuses_wrong_arguments);
	return check_done();
}
