#include "media/codec.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "media/g711.h"
#include "media/splice.h"
#include "tests/check.h"
#include "tests/speech.h"

/* -- G.711, against the segments of tables 1a and 2a -------------------- */

static int alaw_table_value(int code)
{
	static const int start[] = {0, 32, 64, 128, 256, 512, 1024, 2048};
	static const int step[] = {2, 2, 4, 8, 16, 32, 64, 128};
	int c = code ^ 0x55, segment = (c >> 4) & 7;
	int v = start[segment] + step[segment] * (c & 15) + step[segment] / 2;

	return (c & 0x80 ? v : -v) * 8; /* 13 bits in 16 */
}

static int ulaw_table_value(int code)
{
	static const int start[] = {0, 33, 99, 231, 495, 1023, 2079, 4191};
	int c = ~code & 0xff, segment = (c >> 4) & 7;
	int v = start[segment] + (2 << segment) * (c & 15);

	/* table 2a: the first value of segments 2 to 8 lies half a step into
	 * them, at 33 x 2^n - 33; segment 1 begins at 0 */
	return (c & 0x80 ? -v : v) * 4; /* 14 bits in 16 */
}

static void test_g711_decodes_every_code_as_the_tables_say(void)
{
	for (int code = 0; code < 256; code++) {
		uint8_t byte = (uint8_t)code;
		int16_t v;

		g711_alaw_decode(&v, &byte, 1);
		CHECK_INT(v, alaw_table_value(code));
		g711_ulaw_decode(&v, &byte, 1);
		CHECK_INT(v, ulaw_table_value(code));
	}
}

static void test_g711_knows_the_corner_values(void)
{
	static const struct {
		uint8_t code;
		int16_t alaw, ulaw;
	} corner[] = {
		{0xd5, 8, 716},      {0x55, -8, -716},
		{0xaa, 32256, 5372}, {0x2a, -32256, -5372},
		{0x80, 5504, 32124}, {0x00, -5504, -32124},
		{0xff, 848, 0},      {0x7f, -848, 0},
		{0xf0, 688, 120},
	};

	for (size_t i = 0; i < sizeof(corner) / sizeof(corner[0]); i++) {
		int16_t v;

		g711_alaw_decode(&v, &corner[i].code, 1);
		CHECK_INT(v, corner[i].alaw);
		g711_ulaw_decode(&v, &corner[i].code, 1);
		CHECK_INT(v, corner[i].ulaw);
	}
}

static void test_g711_encodes_every_value_to_the_nearest_step(void)
{
	for (int v = -32768; v < 32768; v++) {
		int16_t in = (int16_t)v, out;
		int best_a = 1 << 30, best_u = 1 << 30;
		uint8_t code;

		for (int c = 0; v % 37 == 0 && c < 256; c++) {
			int a = abs(alaw_table_value(c) - v);
			int u = abs(ulaw_table_value(c) - v);

			best_a = a < best_a ? a : best_a;
			best_u = u < best_u ? u : best_u;
		}
		if (v % 37)
			continue;
		g711_alaw_encode(&code, &in, 1);
		g711_alaw_decode(&out, &code, 1);
		/* where two segments meet, the decision lies half a small
		 * step from one value and half a large one from the other */
		CHECK(abs(out - v) <= 2 * best_a);
		g711_ulaw_encode(&code, &in, 1);
		g711_ulaw_decode(&out, &code, 1);
		CHECK(abs(out - v) <= 2 * best_u);
	}
}

static void test_g711_decides_where_the_tables_say(void)
{
	/* x(n) of table 1a, in 13 bits, and the first of each segment in 2a,
	 * in 14: the value itself is in the upper segment, one less is not */
	static const int alaw[] = {32, 64, 128, 256, 512, 1024, 2048};
	static const int ulaw[] = {31, 95, 223, 479, 991, 2015, 4063};

	for (int segment = 1; segment < 8; segment++) {
		int a = alaw[segment - 1] * 8, u = ulaw[segment - 1] * 4;
		int16_t v[4] = {(int16_t)a, (int16_t)(a - 1), (int16_t)u,
				(int16_t)(u - 1)};
		uint8_t code[4];

		g711_alaw_encode(code, v, 2);
		g711_ulaw_encode(code + 2, v + 2, 2);
		CHECK_INT(code[0] ^ 0x55, 0x80 | segment << 4);
		CHECK_INT(code[1] ^ 0x55, 0x80 | ((segment << 4) - 1));
		CHECK_INT(code[2] ^ 0xff, segment << 4);
		CHECK_INT(code[3] ^ 0xff, (segment << 4) - 1);
	}
}

static void test_g711_codes_survive_a_round_trip(void)
{
	for (int code = 0; code < 256; code++) {
		uint8_t in = (uint8_t)code, out;
		int16_t v;

		g711_alaw_decode(&v, &in, 1);
		g711_alaw_encode(&out, &v, 1);
		CHECK_INT(out, code);
		g711_ulaw_decode(&v, &in, 1);
		g711_ulaw_encode(&out, &v, 1);
		/* mu-law has two zeros */
		CHECK_INT(out, code == 0x7f ? 0xff : code);
	}
}

/* -- the table ---------------------------------------------------------- */

static void test_codec_names_find_their_codecs(void)
{
	const struct media_codec *const *all = media_codecs();

	CHECK(all[0] == &media_codec_opus && all[1] == &media_codec_pcma);
	CHECK(all[2] == &media_codec_pcmu && !all[3]);
	CHECK(media_codec_by_setting("ALAW") == &media_codec_pcma);
	CHECK(media_codec_by_setting("mulaw") == &media_codec_pcmu);
	CHECK(!media_codec_by_setting("g729"));
	CHECK(media_codec_by_sdp("OPUS", 48000) == &media_codec_opus);
	CHECK(!media_codec_by_sdp("opus", 8000));
	CHECK(media_codec_by_sdp("pcmu", 8000) == &media_codec_pcmu);
}

static void test_codec_payload_length_is_checked(void)
{
	static const uint8_t opus_60[] = {0x18, 1, 2, 3}; /* SILK NB 60 ms */
	static const uint8_t opus_3x20[] = {0x0b, 3, 1, 2, 3};
	static const uint8_t opus_7x20[] = {0x0b, 7, 1, 2, 3, 4, 5, 6, 7};
	static const uint8_t opus_odd[] = {0x09, 1, 2, 3}; /* two of 1.5 */
	static const uint8_t opus_2ms5[] = {0x80, 9};
	const struct media_codec *o = &media_codec_opus;

	CHECK_INT(media_payload_samples(o, bytes_of(opus_60, 4)), 2880);
	CHECK_INT(media_payload_samples(o, bytes_of(opus_3x20, 5)), 2880);
	CHECK_INT(media_payload_samples(o, bytes_of(opus_2ms5, 2)), 120);
	CHECK_INT(media_payload_samples(o, bytes_of(opus_3x20, 1)), -EBADMSG);
	CHECK_INT(media_payload_samples(o, bytes_of(opus_7x20, 9)), -EBADMSG);
	CHECK_INT(media_payload_samples(o, bytes_of(opus_odd, 4)), -EBADMSG);
	CHECK_INT(media_payload_samples(o, bytes_of(NULL, 0)), -EBADMSG);
	CHECK_INT(
		media_payload_samples(&media_codec_pcma, bytes_of(opus_60, 4)),
		4);
	CHECK_INT(media_payload_samples(&media_codec_pcma, bytes_of(NULL, 0)),
		  -EBADMSG);
}

/* -- coders ------------------------------------------------------------- */

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
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		bool opus = paths[i].codec == &media_codec_opus;
		size_t delay = 0;
		double like = path_likeness(&paths[i], &delay);

		printf("# %s %u Hz %u ms: likeness %.4f, delay %.2f ms\n",
		       paths[i].codec->name, paths[i].rate_hz,
		       paths[i].frame_ms, like,
		       (double)delay * 1000 / paths[i].rate_hz);
		CHECK(like > (opus ? 0.90 : 0.998));
		CHECK(delay * 1000 <= 8 * paths[i].rate_hz);
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
	static const struct media_codec *const all[] = {&media_codec_opus,
							&media_codec_pcma};
	struct media_coder_conf conf = {.use = MEDIA_CODER_DECODE,
					.rate_hz = 8000};

	for (size_t i = 0; i < 2; i++) {
		struct media_coder *c = NULL;
		int16_t *pcm;

		CHECK_INT(media_coder_new(&c, all[i], &conf), 0);
		for (size_t n = 1; n <= 960; n = n * 3 / 2 + 1) {
			pcm = malloc(n * 2);
			CHECK(pcm);
			CHECK_INT(media_decode(c, pcm, n, bytes_of(NULL, 0),
					       false),
				  n);
			free(pcm);
		}
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

/* -- cutting ------------------------------------------------------------ */

static void test_splice_shortens_a_vowel_by_whole_periods(void)
{
	int16_t pcm[480], whole[480];
	double worst = 0;
	size_t cut;

	for (size_t i = 0; i < 480; i++)
		whole[i] = (int16_t)(8000 * sin(6.2831853 * (double)i / 50));
	memcpy(pcm, whole, sizeof(pcm));
	cut = splice_shorten(pcm, 480, 80, 8000);
	CHECK_INT(cut, 50);
	for (size_t i = 0; i < 480 - cut; i++)
		worst = fmax(worst, fabs((double)pcm[i] - whole[i]));
	CHECK(worst < 40);
}

static void test_splice_removes_all_it_may_from_quiet(void)
{
	int16_t pcm[160] = {0};

	CHECK(splice_is_quiet(pcm, 160));
	CHECK_INT(splice_shorten(pcm, 160, 80, 8000), 80);
	CHECK_INT(splice_shorten(pcm, 160, 160, 8000), 120);
	CHECK_INT(splice_shorten(pcm, 160, 10, 8000), 0);
	CHECK_INT(splice_shorten(pcm, 40, 40, 8000), 0);
	pcm[3] = 30000;
	CHECK(!splice_is_quiet(pcm, 160));
}

static void test_conceal_continues_a_vowel_and_fades(void)
{
	struct conceal c = {0};
	int16_t pcm[800], good[400];
	double error = 0, power = 0;

	for (size_t i = 0; i < 400; i++)
		good[i] = (int16_t)(8000 * sin(6.2831853 * (double)i / 57));
	conceal_good(&c, good, 400);
	conceal_missing(&c, pcm, 80);
	conceal_missing(&c, pcm + 80, 720);
	for (size_t i = 0; i < 80; i++) {
		double want = 8000 * sin(6.2831853 * (double)(i + 400) / 57);

		error += (pcm[i] - want) * (pcm[i] - want);
		power += want * want;
	}
	CHECK(error < power / 10);
	for (size_t i = 600; i < 800; i++)
		CHECK_INT(pcm[i], 0);
	/* back from concealment without a step */
	conceal_good(&c, good, 160);
	CHECK_INT(good[0], 0);
}

int main(void)
{
	RUN(test_g711_decodes_every_code_as_the_tables_say);
	RUN(test_g711_knows_the_corner_values);
	RUN(test_g711_encodes_every_value_to_the_nearest_step);
	RUN(test_g711_decides_where_the_tables_say);
	RUN(test_g711_codes_survive_a_round_trip);
	RUN(test_codec_names_find_their_codecs);
	RUN(test_codec_payload_length_is_checked);
	RUN(test_coder_keeps_speech_alike);
	RUN(test_coder_repairs_and_conceals_losses);
	RUN(test_coder_takes_every_opus_packet_length);
	RUN(test_coder_conceals_any_length);
	RUN(test_coder_stretched_keeps_a_tone);
	RUN(test_coder_refuses_wrong_arguments);
	RUN(test_splice_shortens_a_vowel_by_whole_periods);
	RUN(test_splice_removes_all_it_may_from_quiet);
	RUN(test_conceal_continues_a_vowel_and_fades);
	return check_done();
}
