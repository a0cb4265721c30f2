/* Codewords are put into two blocks at most, drawn around the fixed patterns,
 * and masked by the mask of the eight that scanners find easiest. Section
 * numbers: ISO/IEC 18004:2015.
 */
#include "base/qr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define QUIET 4
#define CODEWORDS_MAX 172
#define CHECKS_MAX 26
#define FORMAT_POLYNOMIAL 0x537u
#define FORMAT_MASK 0x5412u
#define LEVEL_L 1u

/* Level L (table 9): blocks, data and check codewords of each. */
static const struct {
	uint8_t blocks, data, checks;
} versions[] = {
	{0},         {1, 19, 7},   {1, 34, 10}, {1, 55, 15},
	{1, 80, 20}, {1, 108, 26}, {2, 68, 18},
};

/* -- codewords ------------------------------------------------------------ */

/* In GF(256) with x^8 + x^4 + x^3 + x^2 + 1. */
static uint8_t gf_multiply(uint8_t a, uint8_t b)
{
	unsigned product = 0;

	for (int i = 7; i >= 0; i--) {
		product = product << 1 ^ (product >> 7 & 1) * 0x11d;
		if (b >> i & 1)
			product ^= a;
	}
	return (uint8_t)product;
}

/* The remainder of data by the generator of degree n (7.5.2). */
static void checks_make(uint8_t *checks, int n, const uint8_t *data, int data_n)
{
	uint8_t generator[CHECKS_MAX] = {0}, root = 1;

	generator[n - 1] = 1;
	for (int i = 0; i < n; i++) {
		for (int j = 0; j < n; j++) {
			generator[j] = gf_multiply(generator[j], root);
			if (j + 1 < n)
				generator[j] ^= generator[j + 1];
		}
		root = gf_multiply(root, 2);
	}
	memset(checks, 0, (size_t)n);
	for (int i = 0; i < data_n; i++) {
		uint8_t factor = data[i] ^ checks[0];

		memmove(checks, checks + 1, (size_t)n - 1);
		checks[n - 1] = 0;
		for (int j = 0; j < n; j++)
			checks[j] ^= gf_multiply(generator[j], factor);
	}
}

/* Mode 0100, length, bytes, terminator 0000, then 0xec 0x11 ... (7.4). All of
 * it is shifted by half a byte. */
static void data_fill(uint8_t *data, int n, struct bytes text)
{
	size_t used = text.n + 2;

	memset(data, 0, (size_t)n);
	data[0] = (uint8_t)(0x40 | text.n >> 4);
	data[1] = (uint8_t)(text.n << 4);
	for (size_t i = 0; i < text.n; i++) {
		data[i + 1] |= text.p[i] >> 4;
		data[i + 2] = (uint8_t)(text.p[i] << 4);
	}
	for (size_t i = used; i < (size_t)n; i++)
		data[i] = (i - used) & 1 ? 0x11 : 0xec;
}

/* All codewords, blocks interleaved (7.6). Returns their number. */
static int codewords_make(uint8_t *out, int version, struct bytes text)
{
	int blocks = versions[version].blocks, data_n = versions[version].data;
	int checks_n = versions[version].checks, n = 0;
	uint8_t data[CODEWORDS_MAX], checks[2][CHECKS_MAX];

	data_fill(data, blocks * data_n, text);
	for (int b = 0; b < blocks; b++)
		checks_make(checks[b], checks_n, data + b * data_n, data_n);
	for (int i = 0; i < data_n; i++)
		for (int b = 0; b < blocks; b++)
			out[n++] = data[b * data_n + i];
	for (int i = 0; i < checks_n; i++)
		for (int b = 0; b < blocks; b++)
			out[n++] = checks[b][i];
	return n;
}

/* -- modules -------------------------------------------------------------- */

/* A code while it is drawn. */
struct drawing {
	struct qr qr;
	bool fixed[QR_SIDE_MAX][QR_SIDE_MAX]; /* not data */
};

static void fix(struct drawing *d, int row, int column, bool dark)
{
	if (row < 0 || column < 0 || row >= d->qr.side || column >= d->qr.side)
		return;
	d->qr.dark[row][column] = dark;
	d->fixed[row][column] = true;
}

/* Squares around a centre: dark where the distance is in the set. */
static void squares(struct drawing *d, int row, int column, int reach,
		    unsigned dark_distances)
{
	for (int r = -reach; r <= reach; r++)
		for (int c = -reach; c <= reach; c++) {
			int far = abs(r) > abs(c) ? abs(r) : abs(c);

			fix(d, row + r, column + c, dark_distances >> far & 1);
		}
}

static void patterns_draw(struct drawing *d, int version)
{
	const unsigned finder = 1u << 0 | 1u << 1 | 1u << 3;
	const unsigned alignment = 1u << 0 | 1u << 2;
	int side = d->qr.side;

	for (int i = 0; i < side; i++) {
		fix(d, 6, i, i % 2 == 0);
		fix(d, i, 6, i % 2 == 0);
	}
	squares(d, 3, 3, 4, finder);
	squares(d, 3, side - 4, 4, finder);
	squares(d, side - 4, 3, 4, finder);
	if (version > 1)
		squares(d, side - 7, side - 7, 2, alignment);
}

/* Level and mask, twice, with BCH checks (7.9); and the dark module. */
static void format_draw(struct drawing *d, unsigned mask)
{
	unsigned value = LEVEL_L << 3 | mask, rest = value;
	int side = d->qr.side;

	for (int i = 0; i < 10; i++)
		rest = rest << 1 ^ (rest >> 9) * FORMAT_POLYNOMIAL;
	value = (value << 10 | rest) ^ FORMAT_MASK;
	for (int i = 0; i < 15; i++) {
		bool bit = value >> i & 1;

		if (i < 8)
			fix(d, i < 6 ? i : i + 1, 8, bit);
		else
			fix(d, 8, i == 8 ? 7 : 14 - i, bit);
		if (i < 8)
			fix(d, 8, side - 1 - i, bit);
		else
			fix(d, side - 15 + i, 8, bit);
	}
	fix(d, side - 8, 8, true);
}

/* Two columns at a time, upwards and downwards, from the right (7.7.3). */
static void codewords_draw(struct drawing *d, const uint8_t *words, int n)
{
	int side = d->qr.side, at = 0;

	for (int right = side - 1; right > 0; right -= 2) {
		if (right == 6) /* the timing pattern's column */
			right = 5;
		for (int i = 0; i < side * 2; i++) {
			bool up = ((right + 1) & 2) == 0;
			int row = up ? side - 1 - i / 2 : i / 2;
			int column = right - i % 2;

			if (d->fixed[row][column] || at >= n * 8)
				continue;
			d->qr.dark[row][column] =
				words[at / 8] >> (7 - at % 8) & 1;
			at++;
		}
	}
}

static bool is_masked(unsigned mask, int r, int c)
{
	switch (mask) {
	case 0:
		return (r + c) % 2 == 0;
	case 1:
		return r % 2 == 0;
	case 2:
		return c % 3 == 0;
	case 3:
		return (r + c) % 3 == 0;
	case 4:
		return (r / 2 + c / 3) % 2 == 0;
	case 5:
		return r * c % 2 + r * c % 3 == 0;
	case 6:
		return (r * c % 2 + r * c % 3) % 2 == 0;
	default:
		return ((r + c) % 2 + r * c % 3) % 2 == 0;
	}
}

static void mask_apply(struct drawing *d, unsigned mask)
{
	for (int r = 0; r < d->qr.side; r++)
		for (int c = 0; c < d->qr.side; c++)
			if (!d->fixed[r][c] && is_masked(mask, r, c))
				d->qr.dark[r][c] = !d->qr.dark[r][c];
}

/* -- which mask (7.8.3) --------------------------------------------------- */

static bool module(const struct qr *qr, bool across, int line, int i)
{
	return across ? qr->dark[line][i] : qr->dark[i][line];
}

/* Runs of one colour, and what looks like a finder pattern. */
static int line_penalty(const struct qr *qr, bool across, int line)
{
	unsigned last11 = 0;
	int penalty = 0, length = 0;

	for (int i = 0; i < qr->side; i++) {
		bool dark = module(qr, across, line, i);

		if (i && dark == module(qr, across, line, i - 1))
			length++;
		else
			length = 1;
		if (length == 5)
			penalty += 3;
		else if (length > 5)
			penalty++;
		last11 = (last11 << 1 | dark) & 0x7ff;
		if (i >= 10 && (last11 == 0x5d0 || last11 == 0x05d))
			penalty += 40;
	}
	return penalty;
}

static int penalty(const struct qr *qr)
{
	int sum = 0, dark = 0, modules = qr->side * qr->side;

	for (int r = 0; r < qr->side; r++) {
		sum += line_penalty(qr, true, r) + line_penalty(qr, false, r);
		for (int c = 0; c < qr->side; c++) {
			bool d = qr->dark[r][c];

			dark += d;
			if (r && c && d == qr->dark[r - 1][c] &&
			    d == qr->dark[r][c - 1] &&
			    d == qr->dark[r - 1][c - 1])
				sum += 3;
		}
	}
	return sum + abs(dark * 20 - modules * 10) / modules * 10;
}

int qr_encode(struct qr *qr, struct bytes text)
{
	uint8_t words[CODEWORDS_MAX];
	int version = 1, n, least = -1;

	if (text.n > QR_BYTES_MAX)
		return -EMSGSIZE;
	while (text.n + 2 >
	       (size_t)versions[version].blocks * versions[version].data)
		version++;
	n = codewords_make(words, version, text);
	for (unsigned mask = 0; mask < 8; mask++) {
		struct drawing d = {.qr.side = 17 + 4 * version};
		int p;

		patterns_draw(&d, version);
		format_draw(&d, mask);
		codewords_draw(&d, words, n);
		mask_apply(&d, mask);
		p = penalty(&d.qr);
		if (least >= 0 && p >= least)
			continue;
		least = p;
		*qr = d.qr;
	}
	return 0;
}

/* -- the terminal --------------------------------------------------------- */

static bool is_dark(const struct qr *qr, int row, int column)
{
	return row >= 0 && column >= 0 && row < qr->side && column < qr->side &&
	       qr->dark[row][column];
}

void qr_draw(struct buf *out, const struct qr *qr)
{
	static const char *const blocks[] = {" ", "\u2584", "\u2580", "\u2588"};

	for (int r = -QUIET; r < qr->side + QUIET; r += 2) {
		buf_str(out, "\033[30;107m");
		for (int c = -QUIET; c < qr->side + QUIET; c++)
			buf_str(out, blocks[is_dark(qr, r, c) * 2 +
					    is_dark(qr, r + 1, c)]);
		buf_str(out, "\033[0m\n");
	}
}
