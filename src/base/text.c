#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* RFC 3629 4: what may follow each first byte. */
static const struct {
	uint8_t first, last; /* of the first byte */
	uint8_t length;
	uint8_t second_first, second_last;
} forms[] = {
	{0x01, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf},
	{0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf},
	{0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
	{0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf},
	{0xf4, 0xf4, 4, 0x80, 0x8f},
};

size_t text_utf8_length(struct bytes t)
{
	size_t form = 0, n;

	if (!t.n)
		return 0;
	while (form < sizeof(forms) / sizeof(*forms) &&
	       (t.p[0] < forms[form].first || t.p[0] > forms[form].last))
		form++;
	if (form == sizeof(forms) / sizeof(*forms))
		return 0;
	n = forms[form].length;
	if (t.n < n)
		return 0;
	if (n > 1 && (t.p[1] < forms[form].second_first ||
		      t.p[1] > forms[form].second_last))
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((t.p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool text_is_utf8(struct bytes t)
{
	size_t n;

	for (; t.n; t = bytes_of(t.p + n, t.n - n)) {
		n = text_utf8_length(t);
		if (!n)
			return false;
	}
	return true;
}

/* The character to stand for step bytes at p: themselves, a blank or a
 * question mark; NULL: left out. */
static const uint8_t *shown(const uint8_t *p, bool readable, bool strip)
{
	static const uint8_t blank = ' ', unknown = '?';

	if (readable && *p >= ' ' && *p != 0x7f)
		return p;
	if (strip)
		return NULL;
	return *p < 0x80 ? &blank : &unknown;
}

static void copy(char *dst, size_t room, struct bytes t, bool strip)
{
	size_t at = 0, step;

	for (; t.n; t = bytes_of(t.p + step, t.n - step)) {
		size_t n = text_utf8_length(t);
		const uint8_t *p = shown(t.p, n, strip);

		step = n ? n : 1;
		if (!p)
			continue;
		if (at + step >= room)
			break;
		memcpy(dst + at, p, step);
		at += step;
	}
	dst[at] = '\0';
}

void text_clean(char *dst, size_t room, struct bytes t)
{
	copy(dst, room, t, false);
}

void text_strip(char *dst, size_t room, struct bytes t)
{
	copy(dst, room, t, true);
}

void text_cut(char *dst, size_t room, struct bytes t)
{
	size_t n = t.n;

	if (n >= room)
		for (n = room - 1; n && (t.p[n] & 0xc0) == 0x80;)
			n--;
	if (n)
		memcpy(dst, t.p, n);
	dst[n] = '\0';
}

bool text_is(struct bytes t, const char *word)
{
	return t.n == strlen(word) &&
	       strncasecmp((const char *)t.p, word, t.n) == 0;
}

struct bytes text_until(struct rd *r, char separator)
{
	const uint8_t *end = r->n ? memchr(r->p, separator, r->n) : NULL;
	struct bytes part = rd_bytes(r, end ? (size_t)(end - r->p) : r->n);

	if (end)
		rd_skip(r, 1);
	return part;
}

bool text_line(struct rd *r, struct bytes *line)
{
	if (!r->n)
		return false;
	*line = text_until(r, '\n');
	if (line->n && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

static bool blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

struct bytes text_word(struct rd *r)
{
	size_t n = 0;

	while (r->n && blank(*r->p))
		rd_skip(r, 1);
	while (n < r->n && !blank(r->p[n]))
		n++;
	return rd_bytes(r, n);
}

bool text_item(const char **at, char *item, size_t room)
{
	size_t n;

	*at += strspn(*at, ", \t");
	n = strcspn(*at, ", \t");
	if (!n)
		return false;
	snprintf(item, room, "%.*s", (int)n, *at);
	*at += n;
	return true;
}

char text_unescaped(char c, bool quoted)
{
	switch (c) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case '\\':
		return '\\';
	case '"':
		return quoted ? '"' : 0;
	default:
		return 0;
	}
}
