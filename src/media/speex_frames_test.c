#include "media/speex_frames.h"

#include <errno.h>
#include <speex/speex.h>
#include <string.h>

#include "tests/check.h"
#include "tests/speech.h"

static int count(const uint8_t *bytes, size_t n)
{
	return speex_frames_count(bytes_of(bytes, n));
}

/* libspeex makes them at every quality; so many frames are found. */
static void test_speex_frames_of_the_library_are_counted(void)
{
	for (int round = 0; round < 11 * 3; round++) {
		int quality = round % 11, band = round / 11, n = round % 6 + 1;
		void *encoder = speex_encoder_init(speex_lib_get_mode(band));
		spx_int16_t pcm[640];
		struct speech speech;
		SpeexBits bits;
		char bytes[1500];
		int length;

		speech_init(&speech, 8000U << band, 5);
		speex_bits_init(&bits);
		(void)speex_encoder_ctl(encoder, SPEEX_SET_QUALITY, &quality);
		for (int i = 0; i < n; i++) {
			speech_fill(&speech, pcm, (size_t)160 << band);
			(void)speex_encode_int(encoder, pcm, &bits);
		}
		length = speex_bits_write(&bits, bytes, sizeof(bytes));
		CHECK_INT(count((uint8_t *)bytes, (size_t)length), n);
		/* one short: the last frame is not whole */
		CHECK(count((uint8_t *)bytes, (size_t)length - 1) != n);
		speex_bits_destroy(&bits);
		speex_encoder_destroy(encoder);
	}
}

static void test_speex_frames_of_no_bits(void)
{
	/* mode 0: five bits each; 00000 01111 111111 */
	static const uint8_t one[] = {0x03, 0xff};
	static const uint8_t none[] = {0x7f};
	static const uint8_t many[] = {0, 0, 0, 0, 0};

	CHECK_INT(count(one, 2), 1);
	CHECK_INT(count(none, 1), -EBADMSG);
	CHECK_INT(count(NULL, 0), -EBADMSG);
	CHECK_INT(count(many, 5), -EBADMSG); /* eight */
}

static void test_speex_frames_refuse_what_is_none(void)
{
	/* modes 9 to 12 of the lower band, 5 to 7 of the upper, an upper
	 * layer without a lower one, three of them */
	static const uint8_t narrow[] = {0x4f, 0xff}, wide[] = {0x06, 0xff};
	static const uint8_t first[] = {0x87, 0xff};
	static const uint8_t three[] = {0x04, 0x44, 0x47};
	static const uint8_t two[] = {0x04, 0x43, 0xff};

	CHECK_INT(count(narrow, 2), -EBADMSG);
	CHECK_INT(count(wide, 2), -EBADMSG);
	CHECK_INT(count(first, 2), -EBADMSG);
	CHECK_INT(count(three, 3), -EBADMSG);
	CHECK_INT(count(two, 3), 1);
}

static void test_speex_frames_skip_requests(void)
{
	/* 00000, in band 01110 with code 1000 and 8 bits, 01111 1 */
	static const uint8_t inband[] = {0x03, 0xa0, 0x01, 0xff};
	/* 00000, user 01101, 0000: five bits, then the end */
	static const uint8_t user[] = {0x03, 0x40, 0x0f, 0xff};

	CHECK_INT(count(inband, 4), 1);
	CHECK_INT(count(inband, 2), -EBADMSG);
	CHECK_INT(count(user, 4), 1);
	CHECK_INT(count(user, 1), 1);
}

int main(void)
{
	RUN(test_speex_frames_of_the_library_are_counted);
	RUN(test_speex_frames_of_no_bits);
	RUN(test_speex_frames_refuse_what_is_none);
	RUN(test_speex_frames_skip_requests);
	return check_done();
}
