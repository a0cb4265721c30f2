#include "media/g711.h"

#include <math.h>
#include <stdlib.h>

#include "tests/check.h"

/* G.711, against the segments of tables 1a and 2a. */

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

int main(void)
{
	RUN(test_g711_decodes_every_code_as_the_tables_say);
	RUN(test_g711_knows_the_corner_values);
	RUN(test_g711_encodes_every_value_to_the_nearest_step);
	RUN(test_g711_decides_where_the_tables_say);
	RUN(test_g711_codes_survive_a_round_trip);
	return check_done();
}
