/* Names for PBXs that know only ASCII (behaviour 3.6). */
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "route/caller.h"

/* Consecutive code points from `first`, one transliteration each. */
static const struct range {
	uint32_t first;
	const char *const *to;
	size_t n;
} ranges[] = {
#define RANGE(first, table)                                                    \
	{                                                                      \
		first, table, sizeof(table) / sizeof(*(table))                 \
	}
	RANGE(0xc0,
	      ((const char *const[]){
		      "A",  "A",  "A",  "A", "Ae", "A", "AE", "C", "E",  "E",
		      "E",  "E",  "I",  "I", "I",  "I", "D",  "N", "O",  "O",
		      "O",  "O",  "Oe", "",  "O",  "U", "U",  "U", "Ue", "Y",
		      "Th", "ss", "a",  "a", "a",  "a", "ae", "a", "ae", "c",
		      "e",  "e",  "e",  "e", "i",  "i", "i",  "i", "d",  "n",
		      "o",  "o",  "o",  "o", "oe", "",  "o",  "u", "u",  "u",
		      "ue", "y",  "th", "y"})),
	RANGE(0x100,
	      ((const char *const[]){
		      "A", "a", "A", "a", "A", "a",  "C",  "c",  "C", "c", "C",
		      "c", "C", "c", "D", "d", "D",  "d",  "E",  "e", "E", "e",
		      "E", "e", "E", "e", "E", "e",  "G",  "g",  "G", "g", "G",
		      "g", "G", "g", "H", "h", "H",  "h",  "I",  "i", "I", "i",
		      "I", "i", "I", "i", "I", "i",  "IJ", "ij", "J", "j", "K",
		      "k", "k", "L", "l", "L", "l",  "L",  "l",  "L", "l", "L",
		      "l", "N", "n", "N", "n", "N",  "n",  "n",  "N", "n", "O",
		      "o", "O", "o", "O", "o", "OE", "oe", "R",  "r", "R", "r",
		      "R", "r", "S", "s", "S", "s",  "S",  "s",  "S", "s", "T",
		      "t", "T", "t", "T", "t", "U",  "u",  "U",  "u", "U", "u",
		      "U", "u", "U", "u", "U", "u",  "W",  "w",  "Y", "y", "Y",
		      "Z", "z", "Z", "z", "Z", "z",  "s"})),
	RANGE(0x386,
	      ((const char *const[]){
		      "A",  "",  "E", "I",  "I",  "",   "O",  "",  "Y",  "O",
		      "i",  "A", "V", "G",  "D",  "E",  "Z",  "I", "Th", "I",
		      "K",  "L", "M", "N",  "X",  "O",  "P",  "R", "",   "S",
		      "T",  "Y", "F", "Ch", "Ps", "O",  "I",  "Y", "a",  "e",
		      "i",  "i", "y", "a",  "v",  "g",  "d",  "e", "z",  "i",
		      "th", "i", "k", "l",  "m",  "n",  "x",  "o", "p",  "r",
		      "s",  "s", "t", "y",  "f",  "ch", "ps", "o", "i",  "y",
		      "o",  "y", "o"})),
	RANGE(0x400,
	      ((const char *const[]){
		      "E",  "Yo",   "Dj", "G",  "Ye", "Dz",   "I",   "Yi", "J",
		      "Lj", "Nj",   "C",  "K",  "I",  "U",    "Dzh", "A",  "B",
		      "V",  "G",    "D",  "E",  "Zh", "Z",    "I",   "Y",  "K",
		      "L",  "M",    "N",  "O",  "P",  "R",    "S",   "T",  "U",
		      "F",  "Kh",   "Ts", "Ch", "Sh", "Shch", "",    "Y",  "",
		      "E",  "Yu",   "Ya", "a",  "b",  "v",    "g",   "d",  "e",
		      "zh", "z",    "i",  "y",  "k",  "l",    "m",   "n",  "o",
		      "p",  "r",    "s",  "t",  "u",  "f",    "kh",  "ts", "ch",
		      "sh", "shch", "",   "y",  "",   "e",    "yu",  "ya", "e",
		      "yo", "dj",   "g",  "ye", "dz", "i",    "yi",  "j",  "lj",
		      "nj", "c",    "k",  "i",  "u",  "dzh"})),
	RANGE(0x490, ((const char *const[]){"G", "g"})),
#undef RANGE
};

static const char *transliterate(uint32_t c, char ascii[2])
{
	if (c < 0x80) {
		ascii[0] = c >= ' ' && c != 0x7f ? (char)c : ' ';
		ascii[1] = '\0';
		return ascii;
	}
	if (c == 0xa0)
		return " ";
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if (c >= ranges[i].first && c - ranges[i].first < ranges[i].n)
			return ranges[i].to[c - ranges[i].first];
	return "";
}

/* One code point; malformed bytes are skipped one at a time as 0xfffd. */
static uint32_t utf8_next(struct bytes *left)
{
	size_t n = text_utf8_length(*left);
	uint32_t c = n > 1 ? *left->p & (0x7fu >> n) : *left->p;

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (left->p[i] & 0x3fu);
	if (!n) {
		c = 0xfffd;
		n = 1;
	}
	*left = bytes_of(left->p + n, left->n - n);
	return c;
}

void route_ascii(char *dst, size_t room, const char *utf8)
{
	struct bytes left = bytes_str(utf8);
	size_t n = 0;

	while (left.n) {
		char one[2];
		const char *t = transliterate(utf8_next(&left), one);

		for (; *t && n + 1 < room; t++) {
			if (*t == ' ' && (n == 0 || dst[n - 1] == ' '))
				continue;
			dst[n++] = *t;
		}
	}
	while (n && dst[n - 1] == ' ')
		n--;
	dst[n] = '\0';
}
