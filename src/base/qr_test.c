/* Codes are read back here as a scanner does, by the standard's other side:
 * format bits by its table, modules in its order, and every block's checks by
 * their syndromes. */
#include "base/qr.h"

#include <errno.h>
#include <string.h>

#include "tests/check.h"

/* ISO/IEC 18004, table C.1: level L, masks 0 to 7. */
static const unsigned formats[8] = {0x77c4, 0x72f3, 0x7daa, 0x789d,
				    0x662f, 0x6318, 0x6c41, 0x6976};
static const int blocks_n[7] = {0, 1, 1, 1, 1, 1, 2};
static const int data_n[7] = {0, 19, 34, 55, 80, 108, 68};
static const int checks_n[7] = {0, 7, 10, 15, 20, 26, 18};

static struct qr qr;

/* Bit 14 first, from the left and then up along the upper left finder. */
static unsigned format_read(void)
{
	static const int at[15][2] = {{8, 0}, {8, 1}, {8, 2}, {8, 3}, {8, 4},
				      {8, 5}, {8, 7}, {8, 8}, {7, 8}, {5, 8},
				      {4, 8}, {3, 8}, {2, 8}, {1, 8}, {0, 8}};
	unsigned bits = 0;

	for (int i = 0; i < 15; i++)
		bits = bits << 1 | qr.dark[at[i][0]][at[i][1]];
	return bits;
}

static unsigned format_second(void)
{
	unsigned bits = 0;

	for (int i = 0; i < 7; i++)
		bits = bits << 1 | qr.dark[qr.side - 1 - i][8];
	for (int i = 0; i < 8; i++)
		bits = bits << 1 | qr.dark[8][qr.side - 8 + i];
	return bits;
}

static bool is_function(int r, int c)
{
	int s = qr.side, a = s - 7;

	return r == 6 || c == 6 || (r < 9 && c < 9) || (r < 9 && c >= s - 8) ||
	       (r >= s - 8 && c < 9) ||
	       (s > 21 && r >= a - 2 && r <= a + 2 && c >= a - 2 && c <= a + 2);
}

static bool masked(unsigned m, int r, int c)
{
	const int v[8] = {(r + c) % 2,
			  r % 2,
			  c % 3,
			  (r + c) % 3,
			  (r / 2 + c / 3) % 2,
			  r * c % 2 + r * c % 3,
			  (r * c % 2 + r * c % 3) % 2,
			  ((r + c) % 2 + r * c % 3) % 2};

	return v[m] == 0;
}

static int words_read(uint8_t *words, unsigned mask)
{
	int n = 0;
	bool up = true;

	memset(words, 0, 200);
	for (int c = qr.side - 1; c > 0; c -= 2, up = !up) {
		if (c == 6)
			c--;
		for (int i = 0; i < qr.side; i++)
			for (int k = c; k > c - 2; k--) {
				int r = up ? qr.side - 1 - i : i;

				if (is_function(r, k))
					continue;
				if (qr.dark[r][k] != masked(mask, r, k))
					words[n / 8] |= 0x80 >> n % 8;
				n++;
			}
	}
	return n / 8;
}

static uint8_t times(uint8_t a, uint8_t b)
{
	unsigned sum = 0, x = a;

	for (; b; b >>= 1, x = x << 1 ^ (x & 0x80 ? 0x11d : 0))
		if (b & 1)
			sum ^= x;
	return (uint8_t)sum;
}

/* The block as a polynomial is 0 at every root of the generator. */
static bool checks_hold(const uint8_t *block, int n, int checks)
{
	uint8_t root = 1;

	for (int i = 0; i < checks; i++) {
		uint8_t sum = 0;

		for (int j = 0; j < n; j++)
			sum = times(sum, root) ^ block[j];
		if (sum)
			return false;
		root = times(root, 2);
	}
	return true;
}

static void check_text(const uint8_t *data, struct bytes text)
{
	bool same = true;

	CHECK_INT(data[0] >> 4, 4);
	CHECK_INT((data[0] & 15) << 4 | data[1] >> 4, text.n);
	for (size_t i = 0; i < text.n; i++)
		same &= (uint8_t)(data[i + 1] << 4 | data[i + 2] >> 4) ==
			text.p[i];
	CHECK(same);
}

static void round_trip(size_t n, int version)
{
	uint8_t text[QR_BYTES_MAX], words[200], data[140] = {0};
	unsigned mask = 0;
	int blocks = blocks_n[version], per = data_n[version];

	for (size_t i = 0; i < n; i++)
		text[i] = (uint8_t)(i * 37 + n);
	CHECK_INT(qr_encode(&qr, bytes_of(text, n)), 0);
	CHECK_INT(qr.side, 17 + 4 * version);
	while (mask < 7 && formats[mask] != format_read())
		mask++;
	CHECK_INT(format_read(), formats[mask]);
	CHECK_INT(format_second(), formats[mask]);
	CHECK(qr.dark[qr.side - 8][8]);
	CHECK_INT(words_read(words, mask), blocks * (per + checks_n[version]));
	for (int b = 0; b < blocks; b++) {
		uint8_t block[140];
		int all = per + checks_n[version];

		for (int i = 0; i < all; i++)
			block[i] = words[i * blocks + b];
		CHECK(checks_hold(block, all, checks_n[version]));
		memcpy(data + b * per, block, (size_t)per);
	}
	check_text(data, bytes_of(text, n));
}

static void test_qr_every_version_reads_back(void)
{
	static const size_t most[7] = {0, 17, 32, 53, 78, 106, 134};

	for (int v = 1; v <= 6; v++) {
		round_trip(most[v - 1] + (v > 1), v);
		round_trip(most[v], v);
	}
	round_trip(1, 1);
}

static void test_qr_too_long(void)
{
	uint8_t text[QR_BYTES_MAX + 1] = {0};

	CHECK_INT(qr_encode(&qr, bytes_of(text, sizeof(text))), -EMSGSIZE);
}

static void test_qr_finders_and_timing(void)
{
	static const char *const finder[7] = {"1111111", "1000001", "1011101",
					      "1011101", "1011101", "1000001",
					      "1111111"};
	bool same = true;

	CHECK_INT(qr_encode(&qr, bytes_str("tg://login?token=abc")), 0);
	for (int r = 0; r < 7; r++)
		for (int c = 0; c < 7; c++) {
			bool dark = finder[r][c] == '1';

			same &= qr.dark[r][c] == dark &&
				qr.dark[qr.side - 7 + r][c] == dark &&
				qr.dark[r][qr.side - 7 + c] == dark;
		}
	CHECK(same);
	for (int i = 8; i < qr.side - 8; i++)
		CHECK(qr.dark[6][i] == !(i & 1) && qr.dark[i][6] == !(i & 1));
}

static void test_qr_drawn_in_half_blocks(void)
{
	struct buf out;
	int lines = 0;

	buf_init(&out);
	CHECK_INT(qr_encode(&qr, bytes_str("x")), 0);
	qr_draw(&out, &qr);
	for (size_t i = 0; i < out.n; i++)
		lines += out.p[i] == '\n';
	CHECK_INT(lines, 15); /* 21 + 8 modules, two a line */
	/* Row 0 and 1 of the finder: full corner, then upper halves. */
	CHECK(strstr(buf_cstr(&out), "m    \u2588\u2580\u2580\u2580\u2580"
				     "\u2580\u2588 ") != NULL);
	buf_clear(&out);
}

int main(void)
{
	RUN(test_qr_every_version_reads_back);
	RUN(test_qr_too_long);
	RUN(test_qr_finders_and_timing);
	RUN(test_qr_drawn_in_half_blocks);
	return check_done();
}
