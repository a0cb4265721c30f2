/* See styled.h. Markdown is read by looking for the partner of each sign:
 * where there is none the sign is text. HTML is read with a stack of tags. */
#include "telegram/styled.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/plant.h"
#include "base/text.h"
#include "telegram/styled_out.h"

#define SOURCE_MAX ((size_t)64 << 10)
#define DEPTH_MAX 16

int32_t tg_text_units(struct bytes text)
{
	int32_t units = 0;

	for (size_t i = 0; i < text.n; i++)
		if ((text.p[i] & 0xc0) != 0x80)
			units += text.p[i] >= 0xf0 ? 2 : 1;
	return units;
}

/* -- output ---------------------------------------------------------------- */

void styled_put(struct tg_styled *s, struct bytes text)
{
	buf_put(&s->text, text.p, text.n);
	s->units += tg_text_units(text);
}

struct tg_entity *styled_open(struct tg_styled *s, enum tg_style style)
{
	struct tg_entity *e = &s->entities[s->entities_n];

	if (s->entities_n == TG_ENTITIES_MAX)
		return NULL;
	s->entities_n++;
	*e = (struct tg_entity){.style = style, .offset = s->units};
	return e;
}

void styled_close(struct tg_styled *s, struct tg_entity *e)
{
	if (e)
		e->length = s->units - e->offset;
}

void styled_link(struct tg_styled *s, struct tg_entity *e, struct bytes address)
{
	static const char mention[] = "tg://user?id=";
	size_t n = sizeof(mention) - 1;
	char digits[24];

	if (!e)
		return;
	e->style = TG_STYLE_LINK;
	e->detail = tl_arena_copy(&s->details, address);
	if (address.n <= n || address.n - n >= sizeof(digits) ||
	    memcmp(address.p, mention, n) != 0)
		return;
	memcpy(digits, address.p + n, address.n - n);
	digits[address.n - n] = '\0';
	if (strspn(digits, "0123456789") != address.n - n)
		return;
	e->style = TG_STYLE_MENTION;
	e->user_id = strtoll(digits, NULL, 10);
}

/* An entity of nothing is refused by Telegram. */
static void empty_drop(struct tg_styled *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->entities_n; i++)
		if (s->entities[i].length > 0)
			s->entities[kept++] = s->entities[i];
	s->entities_n = kept;
}

/* -- Markdown -------------------------------------------------------------- */

static const struct {
	const char *sign;
	enum tg_style style;
	bool words; /* stands at the edges of words only */
} signs[] = {
	{"**", TG_STYLE_BOLD, false},     {"*", TG_STYLE_BOLD, false},
	{"__", TG_STYLE_UNDERLINE, true}, {"_", TG_STYLE_ITALIC, true},
	{"~~", TG_STYLE_STRIKE, false},   {"~", TG_STYLE_STRIKE, false},
	{"||", TG_STYLE_SPOILER, false},
};

#define SIGNS (sizeof(signs) / sizeof(signs[0]))

struct markdown {
	struct tg_styled *out;
	const uint8_t *p;
	size_t n; /* of the whole source */
};

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c >= 0x80;
}

static bool is_punctuation(uint8_t c)
{
	return c > ' ' && c < 0x7f && !is_word(c);
}

static bool stands_at(const struct markdown *m, size_t at, size_t end,
		      const char *sign)
{
	size_t n = strlen(sign);

	return at + n <= end && !memcmp(m->p + at, sign, n);
}

/* The first place from `at` where the text stands, escapes skipped; end: none.
 */
static size_t find(const struct markdown *m, size_t at, size_t end,
		   const char *text)
{
	for (; at < end; at++) {
		if (m->p[at] == '\\' && at + 1 < end &&
		    is_punctuation(m->p[at + 1]))
			at++;
		else if (stands_at(m, at, end, text))
			return at;
	}
	return end;
}

/* Past a piece of code or an escape that begins here; 0: neither does. */
static size_t opaque_end(const struct markdown *m, size_t at, size_t end)
{
	const char *fence = stands_at(m, at, end, "```") ? "```" : "`";
	size_t n = strlen(fence), close;

	if (m->p[at] == '\\' && at + 1 < end && is_punctuation(m->p[at + 1]))
		return at + 2;
	if (m->p[at] != '`')
		return 0;
	close = find(m, at + n, end, fence);
	return close < end ? close + n : 0;
}

static bool closes(const struct markdown *m, size_t at, size_t i)
{
	size_t behind = at + strlen(signs[i].sign);

	if (is_space(m->p[at - 1]))
		return false;
	return !signs[i].words || behind >= m->n || !is_word(m->p[behind]);
}

static bool opens(const struct markdown *m, size_t at, size_t end, size_t i)
{
	size_t behind = at + strlen(signs[i].sign);

	if (!stands_at(m, at, end, signs[i].sign) || behind >= end ||
	    is_space(m->p[behind]))
		return false;
	/* Half of a doubled sign is none. */
	if (behind == at + 1 && m->p[behind] == m->p[at])
		return false;
	return !signs[i].words || !at || !is_word(m->p[at - 1]);
}

/* Where the partner of the sign that ended before `at` stands; end: nowhere. */
static size_t partner(const struct markdown *m, size_t at, size_t end, size_t i)
{
	size_t n = strlen(signs[i].sign);
	size_t first = at, skip;

	while (at < end) {
		skip = opaque_end(m, at, end);
		if (skip) {
			at = skip;
			continue;
		}
		if (!stands_at(m, at, end, signs[i].sign)) {
			at++;
			continue;
		}
		/* A doubled sign is no single one. */
		if (n == 1 && stands_at(m, at + 1, end, signs[i].sign) &&
		    m->p[at] != '|') {
			at += 2;
			continue;
		}
		if (at > first && closes(m, at, i))
			return at;
		at += n;
	}
	return end;
}

static void span_read(struct markdown *m, size_t at, size_t end, int depth);

static size_t code_read(struct markdown *m, size_t at, size_t end)
{
	bool pre = stands_at(m, at, end, "```");
	size_t n = pre ? 3 : 1, from = at + n, close, line;
	struct tg_entity *e;

	close = find(m, from, end, pre ? "```" : "`");
	if (close >= end || close == from)
		return 0;
	e = styled_open(m->out, pre ? TG_STYLE_PRE : TG_STYLE_CODE);
	line = find(m, from, close, "\n");
	if (pre && line < close) {
		struct bytes name = bytes_of(m->p + from, line - from);

		if (e)
			e->detail = tl_arena_copy(&m->out->details, name);
		from = line + 1;
	}
	for (size_t i = from; i < close; i++) {
		if (m->p[i] == '\\' && i + 1 < close &&
		    (m->p[i + 1] == '`' || m->p[i + 1] == '\\'))
			i++;
		styled_put(m->out, bytes_of(m->p + i, 1));
	}
	styled_close(m->out, e);
	return close + n;
}

/* [text](address) */
static size_t link_read(struct markdown *m, size_t at, size_t end, int depth)
{
	size_t text = find(m, at + 1, end, "]("), close;
	struct tg_entity *e;
	uint8_t address[512];
	size_t n = 0;

	if (text >= end || text == at + 1)
		return 0;
	close = find(m, text + 2, end, ")");
	if (close >= end || close == text + 2 ||
	    close - text - 2 > sizeof(address))
		return 0;
	for (size_t i = text + 2; i < close; i++) {
		if (m->p[i] == '\\' && is_punctuation(m->p[i + 1]))
			i++;
		address[n++] = m->p[i];
	}
	PLANT_OVERFLOW(depth > 0 && n > 12, address, n);
	e = styled_open(m->out, TG_STYLE_LINK);
	span_read(m, at + 1, text, depth + 1);
	styled_close(m->out, e);
	styled_link(m->out, e, bytes_of(address, n));
	return close + 1;
}

static size_t sign_read(struct markdown *m, size_t at, size_t end, int depth,
			bool *none)
{
	for (size_t i = 0; i < SIGNS; i++) {
		size_t n = strlen(signs[i].sign), close;
		struct tg_entity *e;

		if (none[i] || !opens(m, at, end, i))
			continue;
		close = partner(m, at + n, end, i);
		if (close >= end) {
			none[i] = true; /* and none for later ones */
			continue;
		}
		e = styled_open(m->out, signs[i].style);
		span_read(m, at + n, close, depth + 1);
		styled_close(m->out, e);
		return close + n;
	}
	return 0;
}

static size_t piece_read(struct markdown *m, size_t at, size_t end, int depth,
			 bool *none)
{
	uint8_t c = m->p[at];

	if (c == '\\' && at + 1 < end && is_punctuation(m->p[at + 1])) {
		styled_put(m->out, bytes_of(m->p + at + 1, 1));
		return at + 2;
	}
	if (depth >= DEPTH_MAX)
		return 0;
	if (c == '`')
		return code_read(m, at, end);
	if (c == '[')
		return link_read(m, at, end, depth);
	return sign_read(m, at, end, depth, none);
}

static void span_read(struct markdown *m, size_t at, size_t end, int depth)
{
	bool none[SIGNS] = {false};

	while (at < end) {
		size_t next = piece_read(m, at, end, depth, none);

		if (!next) {
			styled_put(m->out, bytes_of(m->p + at, 1));
			next = at + 1;
		}
		at = next;
	}
}

/* -- the whole ------------------------------------------------------------- */

int tg_styled_read(struct tg_styled *s, struct bytes source,
		   enum tg_format format)
{
	struct markdown m = {.out = s, .p = source.p, .n = source.n};
	int err = 0;

	memset(s, 0, sizeof(*s));
	tl_arena_init(&s->details);
	if (source.n > SOURCE_MAX)
		return -EMSGSIZE;
	if (!text_is_utf8(source))
		return -EILSEQ;
	if (format == TG_FORMAT_MARKDOWN)
		span_read(&m, 0, source.n, 0);
	else if (format == TG_FORMAT_HTML)
		err = styled_html_read(s, source);
	else
		styled_put(s, source);
	empty_drop(s);
	return s->text.bad ? -ENOMEM : err;
}

void tg_styled_clear(struct tg_styled *s)
{
	buf_clear(&s->text);
	tl_arena_clear(&s->details);
	s->entities_n = 0;
}

static void html_escape(struct buf *out, uint8_t c)
{
	switch (c) {
	case '<':
		buf_str(out, "&lt;");
		break;
	case '>':
		buf_str(out, "&gt;");
		break;
	case '&':
		buf_str(out, "&amp;");
		break;
	case '"':
		buf_str(out, "&quot;");
		break;
	default:
		buf_u8(out, c);
	}
}

void tg_styled_escape(struct buf *out, struct bytes text, enum tg_format format)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (format == TG_FORMAT_HTML) {
			html_escape(out, c);
			continue;
		}
		if (format == TG_FORMAT_MARKDOWN && is_punctuation(c))
			buf_u8(out, '\\');
		buf_u8(out, c);
	}
}
