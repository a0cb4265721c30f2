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
	const struct media_codec *found[MEDIA_CODECS_MAX];

	CHECK(all[0] == &media_codec_opus && all[1] == &media_codec_pcma);
	CHECK(all[2] == &media_codec_pcmu);
	CHECK(media_codec_by_setting("ALAW") == &media_codec_pcma);
	CHECK(media_codec_by_setting("mulaw") == &media_codec_pcmu);
	CHECK(!media_codec_by_setting("ilbc"));
	CHECK(!media_codec_by_setting(""));
	CHECK_INT(media_codecs_by_setting(found, MEDIA_CODECS_MAX, "Slin"), 3);
	CHECK(found[0] == &media_codec_l16_48);
	CHECK_INT(media_codecs_by_setting(found, 1, "slin"), 1);
	CHECK_INT(media_codecs_by_setting(found, MEDIA_CODECS_MAX, "g723"), 0);
}

static void test_codec_payload_types_differ(void)
{
	const struct media_codec *const *all = media_codecs();

	for (size_t i = 0; all[i]; i++) {
		CHECK(all[i]->pt < 35 || (all[i]->pt > 95 && all[i]->pt < 128));
		CHECK(all[i]->pt != 101); /* telephone-event */
		for (size_t k = 0; k < i; k++)
			CHECK(all[i]->pt != all[k]->pt);
		CHECK(i < MEDIA_CODECS_MAX);
	}
}

/* Which of the table a line of SDP means; "" in `modes` of none. */
static const struct media_codec *sdp_find(const char *name, uint32_t clock_hz,
					  unsigned channels, const char *fmtp,
					  unsigned *modes)
{
	const struct media_codec *const *all = media_codecs();

	for (size_t i = 0; all[i]; i++)
		if (media_codec_matches(all[i], name, clock_hz, channels, fmtp,
					modes))
			return all[i];
	return NULL;
}

static void test_codec_is_what_sdp_says(void)
{
	static const struct {
		const char *name, *fmtp;
		uint32_t clock_hz;
		unsigned channels, modes;
		const struct media_codec *codec;
	} lines[] = {
		{"OPUS", "stereo=1", 48000, 2, 0, &media_codec_opus},
		{"opus", "", 48000, 1, 0, &media_codec_opus},
		{"opus", "", 8000, 2, 0, NULL},
		{"pcmu", "", 8000, 1, 0, &media_codec_pcmu},
		{"G722", "", 8000, 1, 0, &media_codec_g722},
		{"G722", "", 16000, 1, 0, NULL}, /* RFC 3551 4.5.2 */
		{"GSM", "", 8000, 1, 0, &media_codec_gsm},
		{"Speex", "vbr=on", 16000, 1, 0, &media_codec_speex_wide},
		{"speex", "", 8000, 1, 0, &media_codec_speex_narrow},
		{"speex", "", 32000, 1, 0, NULL},
		{"L16", "", 48000, 1, 0, &media_codec_l16_48},
		{"L16", "", 48000, 2, 0, NULL},
		{"L16", "", 44100, 1, 0, NULL},
		{"AMR", "", 8000, 1, 0, &media_codec_amr},
		{"AMR", "octet-align=0", 8000, 1, 0, &media_codec_amr},
		{"AMR", "mode-set=0,2,7; octet-align=1", 8000, 1, 0x85,
		 &media_codec_amr_aligned},
		{"AMR", "octet-align=1;mode-change-period=2", 8000, 1, 0,
		 &media_codec_amr_aligned},
		{"AMR", "octet-align=1; crc=1", 8000, 1, 0, NULL},
		{"AMR", "octet-align=1; crc=0", 8000, 1, 0,
		 &media_codec_amr_aligned},
		{"AMR", "octet-align=1; interleaving=30", 8000, 1, 0, NULL},
		{"AMR", "robust-sorting=1; octet-align=1", 8000, 1, 0, NULL},
		{"AMR", "mode-set=8", 8000, 1, 0, NULL},
		{"AMR", "mode-set=", 8000, 1, 0, NULL},
		{"AMR", "mode-set=1,", 8000, 1, 0, NULL},
		{"AMR", "mode-set=12", 8000, 1, 0, NULL},
		{"AMR-WB", "", 16000, 1, 0, NULL},
		{"iLBC", "mode=20", 8000, 1, 0, NULL},
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		unsigned modes = 9;
		const struct media_codec *found =
			sdp_find(lines[i].name, lines[i].clock_hz,
				 lines[i].channels, lines[i].fmtp, &modes);

		if (found != lines[i].codec)
			printf("# %s %s\n", lines[i].name, lines[i].fmtp);
		CHECK(found == lines[i].codec);
		if (found)
			CHECK_INT(modes, lines[i].modes);
	}
}

static void test_codec_answer_repeats_the_modes(void)
{
	char text[64];

	media_codec_fmtp_write(text, sizeof(text), &media_codec_amr, 0);
	CHECK_STR(text, "");
	media_codec_fmtp_write(text, sizeof(text), &media_codec_amr, 0x90);
	CHECK_STR(text, "mode-set=4,7");
	media_codec_fmtp_write(text, sizeof(text), &media_codec_amr_aligned,
			       0x85);
	CHECK_STR(text, "octet-align=1; mode-set=0,2,7");
	media_codec_fmtp_write(text, 8, &media_codec_amr_aligned, 0x85);
	CHECK_STR(text, "octet-a");
}

static void test_codec_packet_time_is_whole_frames(void)
{
	static const struct {
		const struct media_codec *codec;
		unsigned wanted, ms;
	} times[] = {
		{&media_codec_pcma, 0, 20},    {&media_codec_pcma, 30, 30},
		{&media_codec_pcma, 7, 10},    {&media_codec_pcma, 1000, 120},
		{&media_codec_opus, 30, 40},   {&media_codec_opus, 50, 40},
		{&media_codec_opus, 120, 60},  {&media_codec_opus, 10, 10},
		{&media_codec_gsm, 30, 20},    {&media_codec_gsm, 10, 20},
		{&media_codec_amr, 60, 60},    {&media_codec_l16_48, 20, 10},
		{&media_codec_l16_16, 20, 20}, {&media_codec_speex_wide, 0, 20},
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
		CHECK_INT(media_codec_ptime(times[i].codec, times[i].wanted),
			  times[i].ms);
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

static void test_codec_payloads_are_whole_frames(void)
{
	/* 400 bytes of what would be GSM frames */
	uint8_t bytes[400];
	static const struct {
		const struct media_codec *codec;
		size_t n;
		int samples;
	} payloads[] = {
		{&media_codec_gsm, 33, 160},
		{&media_codec_gsm, 32, -EBADMSG},
		{&media_codec_gsm, 34, -EBADMSG},
		{&media_codec_gsm, 66, 320},
		{&media_codec_gsm, 198, 960},
		{&media_codec_gsm, 231, -EBADMSG},
		{&media_codec_g722, 160, 160},
		{&media_codec_g722, 1, 1},
		{&media_codec_l16_8, 320, 160},
		{&media_codec_l16_8, 1, -EBADMSG},
		{&media_codec_l16_48, 400, 200},
		{&media_codec_l16_16, 3, -EBADMSG},
	};

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i % 33 ? 0 : 0xd0;
	for (size_t i = 0; i < sizeof(payloads) / sizeof(*payloads); i++)
		CHECK_INT(media_payload_samples(payloads[i].codec,
						bytes_of(bytes, payloads[i].n)),
			  payloads[i].samples);
	bytes[33] = 0x50;
	CHECK_INT(media_payload_samples(&media_codec_gsm, bytes_of(bytes, 66)),
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
	struct conceal c;
	int16_t pcm[800], good[400];
	double error = 0, power = 0;

	for (size_t i = 0; i < 400; i++)
		good[i] = (int16_t)(8000 * sin(6.2831853 * (double)i / 57));
	CHECK_INT(conceal_init(&c, 44100), -EINVAL);
	CHECK_INT(conceal_init(&c, 8000), 0);
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
	conceal_clear(&c);
}

int main(void)
{
	RUN(test_g711_decodes_every_code_as_the_tables_say);
	RUN(test_g711_knows_the_corner_values);
	RUN(test_g711_encodes_every_value_to_the_nearest_step);
	RUN(test_g711_decides_where_the_tables_say);
	RUN(test_g711_codes_survive_a_round_trip);
	RUN(test_codec_names_find_their_codecs);
	RUN(test_codec_payload_types_differ);
	RUN(test_codec_is_what_sdp_says);
	RUN(test_codec_answer_repeats_the_modes);
	RUN(test_codec_packet_time_is_whole_frames);
	RUN(test_codec_payload_length_is_checked);
	RUN(test_codec_payloads_are_whole_frames);
	RUN(test_coder_keeps_speech_alike);
	RUN(test_coder_repairs_and_conceals_losses);
	RUN(test_coder_takes_every_opus_packet_length);
	RUN(test_coder_conceals_any_length);
	RUN(test_coder_conceals_a_voice_at_every_rate);
	RUN(test_coder_amr_sends_the_mode_that_is_wanted);
	RUN(test_coder_use_of_the_other_half_is_refused);
	RUN(test_coder_stretched_keeps_a_tone);
	RUN(test_coder_refuses_wrong_arguments);
	RUN(test_splice_shortens_a_vowel_by_whole_periods);
	RUN(test_splice_removes_all_it_may_from_quiet);
	RUN(test_conceal_continues_a_vowel_and_fades);
	return check_done();
}
