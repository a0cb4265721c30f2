#include "sip/head.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

/* RFC 3261 7.3.3 and the registries that came after it. */
static const struct {
	char compact;
	const char *name;
} compact_names[] = {
	{'c', "Content-Type"}, {'e', "Content-Encoding"},
	{'f', "From"},         {'i', "Call-ID"},
	{'k', "Supported"},    {'l', "Content-Length"},
	{'m', "Contact"},      {'s', "Subject"},
	{'t', "To"},           {'v', "Via"},
};

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

struct bytes head_trim(struct bytes b)
{
	while (b.n && (is_blank(*b.p) || *b.p == '\r' || *b.p == '\n')) {
		b.p++;
		b.n--;
	}
	while (b.n && (is_blank(b.p[b.n - 1]) || b.p[b.n - 1] == '\r' ||
		       b.p[b.n - 1] == '\n'))
		b.n--;
	return b;
}

bool head_is(struct bytes b, const char *word)
{
	return b.n == strlen(word) &&
	       strncasecmp((const char *)b.p, word, b.n) == 0;
}

bool head_is_token(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (!isalnum(b.p[i]) && !strchr("-.!%*_+`'~", b.p[i]))
			return false;
	return b.n > 0 && !memchr(b.p, 0, b.n);
}

bool head_number(struct bytes b, uint64_t max, uint64_t *value)
{
	uint64_t v = 0;

	if (!b.n || b.n > 18)
		return false;
	for (size_t i = 0; i < b.n; i++) {
		if (!isdigit(b.p[i]))
			return false;
		v = v * 10 + (uint64_t)(b.p[i] - '0');
	}
	if (v > max)
		return false;
	*value = v;
	return true;
}

void head_value(struct buf *dst, struct bytes value)
{
	bool fold = false;

	for (size_t i = 0; i < value.n; i++) {
		uint8_t c = value.p[i];

		if (c == '\r' || c == '\n' || is_blank(c)) {
			fold = true;
			continue;
		}
		if (c < ' ' || c == 0x7f)
			continue;
		if (fold)
			buf_u8(dst, ' ');
		fold = false;
		buf_u8(dst, c);
	}
}

/* One line without its end; false when no line end follows any more. */
static bool line_read(struct rd *r, struct bytes *line)
{
	const uint8_t *end = r->n ? memchr(r->p, '\n', r->n) : NULL;

	if (!end)
		return false;
	*line = rd_bytes(r, (size_t)(end - r->p));
	rd_skip(r, 1);
	if (line->n && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

/* Up to the next blank; counts the blanks that follow. */
static struct bytes word_read(struct rd *r, size_t *blanks)
{
	struct bytes word;
	size_t n = 0;

	while (n < r->n && !is_blank(r->p[n]))
		n++;
	word = rd_bytes(r, n);
	for (*blanks = 0; r->n && is_blank(*r->p); ++*blanks)
		rd_skip(r, 1);
	return word;
}

static bool version_like(struct bytes b)
{
	return b.n > 4 && strncasecmp((const char *)b.p, "SIP/", 4) == 0;
}

/* Method SP Request-URI SP SIP-Version, or SIP-Version SP code SP reason.
 * A URI with blanks inside is told by the version being the last word. */
static int start_read(struct head *h, struct bytes line)
{
	size_t blanks1, blanks2;
	struct bytes first, rest;
	struct rd r;

	h->spaced =
		line.n && (is_blank(*line.p) || is_blank(line.p[line.n - 1]));
	line = head_trim(line);
	rd_init(&r, line.p, line.n);
	first = word_read(&r, &blanks1);
	if (version_like(first)) {
		h->version = first;
		h->code = word_read(&r, &blanks2);
		h->reason = rd_bytes(&r, r.n);
		return h->code.n ? 0 : -EBADMSG;
	}
	h->request = true;
	h->method = first;
	rest = rd_bytes(&r, r.n);
	for (size_t i = rest.n; i > 0; i--) {
		if (!is_blank(rest.p[i - 1]))
			continue;
		h->version = bytes_of(rest.p + i, rest.n - i);
		h->uri = head_trim(bytes_of(rest.p, i));
		h->spaced |= blanks1 != 1 || h->uri.n + 1 != i;
		break;
	}
	for (size_t i = 0; i < h->uri.n; i++)
		h->spaced |= is_blank(h->uri.p[i]);
	if (!head_is_token(h->method) || !h->uri.n || !version_like(h->version))
		return -EBADMSG;
	return 0;
}

static int field_read(struct head *h, struct bytes line)
{
	const uint8_t *colon = memchr(line.p, ':', line.n);
	struct head_field *f;

	if (!colon)
		return -EBADMSG;
	if (h->fields_n == HEAD_FIELDS_MAX)
		return -E2BIG;
	f = &h->fields[h->fields_n];
	f->name = head_trim(bytes_of(line.p, (size_t)(colon - line.p)));
	f->value = head_trim(
		bytes_of(colon + 1, (size_t)(line.p + line.n - colon) - 1));
	if (!head_is_token(f->name))
		return -EBADMSG;
	h->fields_n++;
	return 0;
}

/* A line that begins with a blank continues the one before it. */
static int fold_read(struct head *h, struct bytes line)
{
	struct head_field *f;

	if (!h->fields_n)
		return -EBADMSG;
	f = &h->fields[h->fields_n - 1];
	if (!f->value.n)
		f->value = head_trim(line);
	else
		f->value = head_trim(bytes_of(
			f->value.p, (size_t)(line.p + line.n - f->value.p)));
	return 0;
}

int head_read(struct head *h, struct bytes text)
{
	struct bytes line;
	struct rd r;
	int err;

	*h = (struct head){0};
	rd_init(&r, text.p, text.n);
	/* RFC 3261 7.5: empty lines before the start line are ignored. */
	do {
		if (!line_read(&r, &line))
			return -EBADMSG;
	} while (!line.n);
	err = start_read(h, line);
	while (!err && line_read(&r, &line)) {
		if (!line.n) {
			h->body = bytes_of(r.p, r.n);
			return 0;
		}
		err = is_blank(*line.p) ? fold_read(h, line)
					: field_read(h, line);
	}
	return err ? err : -EBADMSG;
}

static bool name_matches(struct bytes name, const char *wanted)
{
	if (head_is(name, wanted))
		return true;
	if (name.n != 1)
		return false;
	for (size_t i = 0; i < sizeof(compact_names) / sizeof(*compact_names);
	     i++)
		if (tolower(*name.p) == compact_names[i].compact)
			return strcasecmp(compact_names[i].name, wanted) == 0;
	return false;
}

const struct head_field *head_field(const struct head *h, const char *name,
				    size_t nth)
{
	for (size_t i = 0; i < h->fields_n; i++)
		if (name_matches(h->fields[i].name, name) && nth-- == 0)
			return &h->fields[i];
	return NULL;
}

size_t head_count(const struct head *h, const char *name)
{
	size_t n = 0;

	while (head_field(h, name, n))
		n++;
	return n;
}
