/* The HTML subset of styled.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "telegram/styled_out.h"

#define OPEN_MAX 32

static const struct {
	const char *name;
	enum tg_style style;
} tags[] = {
	{"b", TG_STYLE_BOLD},
	{"strong", TG_STYLE_BOLD},
	{"i", TG_STYLE_ITALIC},
	{"em", TG_STYLE_ITALIC},
	{"u", TG_STYLE_UNDERLINE},
	{"ins", TG_STYLE_UNDERLINE},
	{"s", TG_STYLE_STRIKE},
	{"strike", TG_STYLE_STRIKE},
	{"del", TG_STYLE_STRIKE},
	{"code", TG_STYLE_CODE},
	{"pre", TG_STYLE_PRE},
	{"blockquote", TG_STYLE_QUOTE},
	{"tg-spoiler", TG_STYLE_SPOILER},
	{"span", TG_STYLE_SPOILER},
	{"a", TG_STYLE_LINK},
};

#define TAGS (sizeof(tags) / sizeof(tags[0]))

struct html {
	struct tg_styled *out;
	struct rd in;
	struct {
		size_t tag;
		struct tg_entity *entity;
	} open[OPEN_MAX];
	size_t open_n;
};

/* Up to the sign, which is taken, too. */
static struct bytes until(struct rd *in, uint8_t sign)
{
	const uint8_t *at = in->n ? memchr(in->p, sign, in->n) : NULL;
	struct bytes head;

	if (!at) {
		rd_fail(in);
		return bytes_of(NULL, 0);
	}
	head = rd_bytes(in, (size_t)(at - in->p));
	rd_skip(in, 1);
	return head;
}

static void code_point_put(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_u8(b, (uint8_t)c);
	} else if (c < 0x800) {
		buf_u8(b, (uint8_t)(0xc0 | c >> 6));
		buf_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_u8(b, (uint8_t)(0xe0 | c >> 12));
		buf_u8(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
	} else {
		buf_u8(b, (uint8_t)(0xf0 | c >> 18));
		buf_u8(b, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		buf_u8(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
	}
}

/* &#65; &#x41; */
static bool number_put(struct buf *b, struct bytes name)
{
	bool hex = name.n > 1 && (name.p[1] == 'x' || name.p[1] == 'X');
	char digits[12] = "";
	unsigned long c;
	char *end;
	size_t skip = hex ? 2 : 1;

	if (name.n <= skip || name.n - skip >= sizeof(digits))
		return false;
	memcpy(digits, name.p + skip, name.n - skip);
	if (strspn(digits, "0123456789abcdefABCDEF") != name.n - skip)
		return false;
	c = strtoul(digits, &end, hex ? 16 : 10);
	if (*end || c < ' ' || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return false;
	code_point_put(b, (uint32_t)c);
	return true;
}

static bool entity_put(struct buf *b, struct rd *in)
{
	static const struct {
		const char *name;
		uint8_t c;
	} names[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}};
	struct bytes name = until(in, ';');

	if (in->bad || !name.n)
		return false;
	if (name.p[0] == '#')
		return number_put(b, name);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (bytes_equal(name, bytes_str(names[i].name))) {
			buf_u8(b, names[i].c);
			return true;
		}
	return false;
}

/* Text with its character references undone. */
static bool text_decode(struct buf *b, struct bytes text)
{
	struct rd in;

	rd_init(&in, text.p, text.n);
	while (in.n) {
		uint8_t c = rd_u8(&in);

		if (c != '&')
			buf_u8(b, c);
		else if (!entity_put(b, &in))
			return false;
	}
	return true;
}

static bool text_read(struct html *h, struct bytes text)
{
	struct buf plain;
	bool good;

	buf_init(&plain);
	good = text_decode(&plain, text);
	styled_put(h->out, buf_bytes(&plain));
	buf_clear(&plain);
	return good;
}

/* The value of the one attribute a tag may have: name="value". */
static bool attribute(struct bytes *value, struct bytes rest, const char *name)
{
	struct rd in;
	struct bytes key;

	rd_init(&in, rest.p, rest.n);
	key = until(&in, '=');
	if (!bytes_equal(key, bytes_str(name)) || rd_u8(&in) != '"')
		return false;
	*value = until(&in, '"');
	return !in.bad && !in.n;
}

static bool link_open(struct html *h, struct tg_entity *e, struct bytes value)
{
	struct buf address;
	bool good;

	buf_init(&address);
	good = text_decode(&address, value) && address.n;
	if (good)
		styled_link(h->out, e, buf_bytes(&address));
	buf_clear(&address);
	return good;
}

static bool attributes_read(struct html *h, size_t tag, struct tg_entity *e,
			    struct bytes rest)
{
	static const char language[] = "language-";
	size_t n = sizeof(language) - 1;
	const char *name = tags[tag].name;
	struct bytes value;

	if (!strcmp(name, "a"))
		return attribute(&value, rest, "href") &&
		       link_open(h, e, value);
	if (!strcmp(name, "span"))
		return attribute(&value, rest, "class") &&
		       bytes_equal(value, bytes_str("tg-spoiler"));
	if (!rest.n)
		return true;
	/* <pre><code class="language-x"> */
	if (strcmp(name, "code") != 0 || !attribute(&value, rest, "class") ||
	    value.n <= n || memcmp(value.p, language, n) != 0)
		return false;
	if (e && h->open_n && h->open[h->open_n - 1].entity)
		h->open[h->open_n - 1].entity->detail = tl_arena_copy(
			&h->out->details, bytes_of(value.p + n, value.n - n));
	return true;
}

static bool tag_open(struct html *h, struct bytes tag)
{
	const uint8_t *blank = memchr(tag.p, ' ', tag.n);
	size_t n = blank ? (size_t)(blank - tag.p) : tag.n;
	struct bytes rest = bytes_of(tag.p + n + (blank != NULL),
				     tag.n - n - (blank != NULL));
	struct tg_entity *e;
	size_t i = 0;

	while (i < TAGS &&
	       !bytes_equal(bytes_of(tag.p, n), bytes_str(tags[i].name)))
		i++;
	if (i == TAGS || h->open_n == OPEN_MAX)
		return false;
	e = styled_open(h->out, tags[i].style);
	if (!attributes_read(h, i, e, rest))
		return false;
	h->open[h->open_n].tag = i;
	h->open[h->open_n++].entity = e;
	return true;
}

static bool tag_close(struct html *h, struct bytes name)
{
	if (!h->open_n)
		return false;
	h->open_n--;
	if (!bytes_equal(name, bytes_str(tags[h->open[h->open_n].tag].name)))
		return false;
	styled_close(h->out, h->open[h->open_n].entity);
	return true;
}

static bool tag_read(struct html *h)
{
	struct bytes tag = until(&h->in, '>');

	if (h->in.bad || !tag.n)
		return false;
	if (tag.p[0] == '/')
		return tag_close(h, bytes_of(tag.p + 1, tag.n - 1));
	return tag_open(h, tag);
}

int styled_html_read(struct tg_styled *s, struct bytes source)
{
	struct html h = {.out = s};

	rd_init(&h.in, source.p, source.n);
	while (h.in.n) {
		const uint8_t *at = memchr(h.in.p, '<', h.in.n);
		size_t n = at ? (size_t)(at - h.in.p) : h.in.n;

		if (!text_read(&h, rd_bytes(&h.in, n)))
			return -EBADMSG;
		if (!at)
			break;
		rd_skip(&h.in, 1);
		if (!tag_read(&h))
			return -EBADMSG;
	}
	return h.open_n ? -EBADMSG : 0;
}
