#include "telegram/voice.h"

#include <errno.h>

#include "tests/check.h"

static void test_voice_waveform_is_packed_low_bits_first(void)
{
	static const uint8_t levels[] = {31, 0, 1, 2, 30, 16, 31, 99};
	/* As one little-endian number: the sum of level i times 32^i. */
	static const uint8_t packed[] = {0x1f, 0x04, 0xe1, 0xe1, 0xff};
	uint8_t back[8];
	struct buf b;

	buf_init(&b);
	voice_waveform_pack(&b, levels, 8);
	CHECK_INT(b.n, 5);
	CHECK_MEM(b.p, packed, 5);
	CHECK_INT(voice_waveform_unpack(back, 8, buf_bytes(&b)), 8);
	CHECK_MEM(back, levels, 7);
	CHECK_INT(back[7], 31);
	CHECK_INT(voice_waveform_unpack(back, 3, buf_bytes(&b)), 3);
	buf_clear(&b);
}

static void test_voice_waveform_of_a_hundred_has_63_bytes(void)
{
	uint8_t levels[100], back[101];
	struct buf b;

	for (int i = 0; i < 100; i++)
		levels[i] = (uint8_t)(i * 7 % 32);
	buf_init(&b);
	voice_waveform_pack(&b, levels, 100);
	CHECK_INT(b.n, 63);
	CHECK_INT(voice_waveform_unpack(back, sizeof(back), buf_bytes(&b)),
		  100);
	CHECK_MEM(back, levels, 100);
	buf_reset(&b);
	voice_waveform_pack(&b, levels, 0);
	CHECK_INT(b.n, 0);
	CHECK_INT(voice_waveform_unpack(back, 5, buf_bytes(&b)), 0);
	buf_clear(&b);
}

static void page(struct buf *b, uint64_t position, const char *packet, size_t n)
{
	buf_str(b, "OggS");
	buf_u8(b, 0);
	buf_u8(b, 0);
	buf_le64(b, position);
	buf_le32(b, 1);
	buf_le32(b, 0);
	buf_le32(b, 0);
	buf_u8(b, 1);
	buf_u8(b, (uint8_t)n);
	buf_put(b, packet, n);
}

static int duration(int *seconds, struct bytes file)
{
	*seconds = -1;
	return voice_ogg_duration(seconds, file, file);
}

static void test_voice_duration_is_read_from_the_last_page(void)
{
	static const char head[] = "OpusHead\1\1\x38\1\x80\xbb\0\0\0\0\0";
	struct buf b;
	int s;

	buf_init(&b);
	page(&b, 0, head, 19);
	/* Nothing but the head: it is at least a second. */
	CHECK_INT(duration(&s, buf_bytes(&b)), 0);
	CHECK_INT(s, 1);
	page(&b, 48000 + 312, "x", 1);
	CHECK_INT(duration(&s, buf_bytes(&b)), 0);
	CHECK_INT(s, 1);
	page(&b, 48000 * 2 + 313, "x", 1);
	CHECK_INT(duration(&s, buf_bytes(&b)), 0);
	CHECK_INT(s, 3);
	/* A page in the middle of a packet tells no position. */
	page(&b, UINT64_MAX, "x", 1);
	CHECK_INT(duration(&s, buf_bytes(&b)), 0);
	CHECK_INT(s, 3);
	page(&b, UINT64_MAX - 1, "x", 1);
	CHECK_INT(duration(&s, buf_bytes(&b)), -EBADMSG);
	buf_clear(&b);
}

static void test_voice_duration_of_something_else(void)
{
	static const char head[] = "OpusHead\1\1\x38\1\x80\xbb\0\0\0\0\0";
	struct buf b;
	int s;

	buf_init(&b);
	CHECK_INT(duration(&s, buf_bytes(&b)), -EBADMSG);
	page(&b, 0, head, 19);
	for (size_t n = 0; n < 40; n++)
		CHECK_INT(duration(&s, bytes_of(b.p, n)), -EBADMSG);
	CHECK_INT(duration(&s, bytes_of(b.p, 41)), 0);
	b.p[28] = 'o';
	CHECK_INT(duration(&s, buf_bytes(&b)), -EBADMSG);
	b.p[28] = 'O';
	b.p[0] = 'o';
	CHECK_INT(duration(&s, buf_bytes(&b)), -EBADMSG);
	CHECK_INT(s, -1);
	buf_clear(&b);
}

int main(void)
{
	RUN(test_voice_waveform_is_packed_low_bits_first);
	RUN(test_voice_waveform_of_a_hundred_has_63_bytes);
	RUN(test_voice_duration_is_read_from_the_last_page);
	RUN(test_voice_duration_of_something_else);
	return check_done();
}
