#include "tests/load_voice.h"

#include "tests/check.h"

/* What may be heard, and what is said of it. */
static const unsigned tones[] = {2480, 2490, 2520, 2560, 2600, 2650, 2700,
				 2750, 2800, 2850, 2900, 2950, 3000, 3050,
				 3100, 3150, 3200, 3250, 3300, 3350, 3400};
#define WINDOWS (2 * LOAD_VOICE_S * 5)
#define TONES (sizeof(tones) / sizeof(tones[0]))

/* What load tests speak. */
static const struct media_codec *const codecs[] = {
	&media_codec_opus, &media_codec_pcma, &media_codec_pcmu, NULL};

static struct load_speaker speaker;
static struct load_listener listener;

/* Two rounds of a voice said with `say` into a listener for `hear`. */
static bool talk(const struct media_codec *codec, unsigned say, unsigned hear)
{
	bool good = load_speaker_init(&speaker, codec, say) == 0 &&
		    load_listener_init(&listener, codec, hear) == 0;

	for (int i = 0; good && i < 2 * LOAD_VOICE_PACKETS; i++)
		load_listener_packet(&listener, load_speaker_next(&speaker),
				     tones, TONES);
	load_listener_clear(&listener);
	return good;
}

static void test_load_voice_is_heard_in_every_codec(void)
{
	for (const struct media_codec *const *c = codecs; *c; c++)
		for (size_t i = 0; i < TONES; i += 5) {
			CHECK(talk(*c, tones[i], tones[i]));
			CHECK(listener.heard >= WINDOWS * 17 / 20);
			CHECK_INT(listener.foreign, 0);
		}
}

static void test_load_voice_of_another_is_foreign(void)
{
	for (const struct media_codec *const *c = codecs; *c; c++) {
		CHECK(talk(*c, tones[0], tones[1]));
		CHECK_INT(listener.heard, 0);
		CHECK(listener.foreign > WINDOWS * 9 / 10);
	}
}

static void test_load_voice_without_any_tone_is_not_heard(void)
{
	CHECK(talk(&media_codec_pcma, 1234, tones[0]));
	/* By chance, now and then. */
	CHECK(listener.heard + listener.foreign < 4);
	CHECK(listener.unclear > WINDOWS * 9 / 10);
}

static void test_load_voice_tells_silence(void)
{
	uint8_t packet[160];

	/* 0xd5 is the least value of A-law. */
	memset(packet, 0xd5, sizeof(packet));
	CHECK_INT(load_listener_init(&listener, &media_codec_pcma, tones[0]),
		  0);
	for (int i = 0; i < LOAD_VOICE_PACKETS; i++)
		load_listener_packet(&listener,
				     bytes_of(packet, sizeof(packet)), tones,
				     TONES);
	CHECK_INT(listener.silent, 5 * LOAD_VOICE_S);
	load_listener_reset(&listener);
	CHECK_INT(listener.silent, 0);
	load_listener_clear(&listener);
}

int main(void)
{
	RUN(test_load_voice_is_heard_in_every_codec);
	RUN(test_load_voice_of_another_is_foreign);
	RUN(test_load_voice_without_any_tone_is_not_heard);
	RUN(test_load_voice_tells_silence);
	return check_done();
}
