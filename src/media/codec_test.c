#include "media/codec.h"

#include <errno.h>

#include "tests/check.h"

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

int main(void)
{
	RUN(test_codec_names_find_their_codecs);
	RUN(test_codec_payload_types_differ);
	RUN(test_codec_is_what_sdp_says);
	RUN(test_codec_answer_repeats_the_modes);
	RUN(test_codec_packet_time_is_whole_frames);
	RUN(test_codec_payload_length_is_checked);
	RUN(test_codec_payloads_are_whole_frames);
	return check_done();
}
