/* The text, line by line, into sections of entries. A reason never quotes a
 * value: it may be a password.
 */
#include "base/config_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/text.h"

#define FILE_MAX_BYTES (1024 * 1024)
#define LINE_MAX_BYTES 4096

struct reader {
	struct config *config;
	struct config_error *err;
	unsigned line;
};

static int __attribute__((format(printf, 2, 3)))
bad_line(const struct reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	config_error_at(r->err, r->config->file_name, r->line, fmt, ap);
	va_end(ap);
	return -EBADMSG;
}

static int no_memory(const struct reader *r)
{
	(void)bad_line(r, "out of memory");
	return -ENOMEM;
}

/* -- reading --------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct bytes trimmed(const char *p, size_t n)
{
	while (n > 0 && is_blank(*p)) {
		p++;
		n--;
	}
	while (n > 0 && is_blank(p[n - 1]))
		n--;
	return bytes_of(p, n);
}

static bool is_word(struct bytes w)
{
	for (size_t i = 0; i < w.n; i++) {
		char c = (char)w.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || c == '_' || c == '-' ||
		      c == '.'))
			return false;
	}
	return w.n > 0;
}

static char *copy_of(struct bytes b)
{
	char *p = calloc(1, b.n + 1);

	if (p && b.n > 0)
		memcpy(p, b.p, b.n);
	return p;
}

/* Unescapes v into a new text. Quoted text ends at the first bare quote, which
 * must be the last character. */
static int value_read(const struct reader *r, struct bytes v, char **textp)
{
	bool quoted = v.n > 0 && v.p[0] == '"', closed = false;
	char *text = calloc(1, v.n + 1);
	size_t n = 0, i = quoted ? 1 : 0;

	if (!text)
		return no_memory(r);
	for (; i < v.n && !closed; i++) {
		char c = (char)v.p[i], e = 0;

		if (c == '\\' && i + 1 < v.n)
			e = text_unescaped((char)v.p[i + 1], quoted);
		if (e) {
			text[n++] = e;
			i++;
		} else if (quoted && c == '"') {
			closed = true;
		} else {
			text[n++] = c;
		}
	}
	if (quoted && (!closed || i < v.n)) {
		bytes_wipe(text, v.n);
		free(text);
		return bad_line(r, closed ? "text behind the closing quote"
					  : "the quote is not closed");
	}
	*textp = text;
	return 0;
}

static int section_append(const struct reader *r, struct bytes kind,
			  struct bytes name)
{
	struct config *c = r->config;
	struct section *s = calloc(1, sizeof(*s)), **grown;

	if (!s)
		return no_memory(r);
	s->kind = copy_of(kind);
	s->name = copy_of(name);
	grown = realloc(c->sections, (c->sections_n + 1) * sizeof(*grown));
	if (grown)
		c->sections = grown;
	if (!s->kind || !s->name || !grown) {
		free(s->kind);
		free(s->name);
		free(s);
		return no_memory(r);
	}
	s->pub = (struct config_section){
		.kind = s->kind,
		.name = s->name,
		.line = r->line,
		.config = c,
	};
	c->sections[c->sections_n++] = s;
	return 0;
}

/* "[kind]" or "[kind name]". A named section stands once; whether an unnamed
 * one may be repeated is for its reader, who asks for the second or not. */
static int section_read(const struct reader *r, struct bytes line)
{
	struct config *c = r->config;
	struct section *old, *added;
	struct bytes in, kind, name;
	size_t n = 0;
	int err;

	if (line.n < 2 || line.p[line.n - 1] != ']')
		return bad_line(r, "a section needs a closing bracket");
	in = trimmed((const char *)line.p + 1, line.n - 2);
	while (n < in.n && !is_blank((char)in.p[n]))
		n++;
	kind = bytes_of(in.p, n);
	name = trimmed((const char *)in.p + n, in.n - n);
	if (!is_word(kind))
		return bad_line(r, "a section is [kind] or [kind name]");
	if (memchr(in.p, '[', in.n) || memchr(in.p, ']', in.n))
		return bad_line(r, "brackets inside a section's name");
	err = section_append(r, kind, name);
	if (err)
		return err;
	added = c->sections[c->sections_n - 1];
	old = config_section_find(c, added->kind, added->name);
	if (name.n > 0 && old != added)
		return bad_line(r, "section [%.*s %.*s] stands in line %u too",
				CONFIG_SHOWN_MAX, old->kind, CONFIG_SHOWN_MAX,
				old->name, old->pub.line);
	return 0;
}

static int entry_append(const struct reader *r, struct bytes key, char *value)
{
	struct config_section *s =
		&r->config->sections[r->config->sections_n - 1]->pub;
	struct config_entry *grown;
	char *key_text = copy_of(key);

	grown = realloc(s->entries, (s->entries_n + 1) * sizeof(*grown));
	if (grown)
		s->entries = grown;
	if (!grown || !key_text) {
		free(key_text);
		return no_memory(r);
	}
	s->entries[s->entries_n++] = (struct config_entry){
		.key = key_text,
		.value = value,
		.line = r->line,
	};
	return 0;
}

static int entry_read(const struct reader *r, struct bytes line)
{
	const uint8_t *equals = memchr(line.p, '=', line.n);
	struct bytes key, rest;
	size_t before;
	char *value = NULL;
	int err;

	if (!equals)
		return bad_line(r, "neither a section nor key = value");
	before = (size_t)(equals - line.p);
	key = trimmed((const char *)line.p, before);
	rest = trimmed((const char *)equals + 1, line.n - before - 1);
	if (!is_word(key))
		return bad_line(r, "a key is made of letters, digits, _ - .");
	if (r->config->sections_n == 0)
		return bad_line(r, "key '%.*s' stands before any section",
				(int)(key.n < CONFIG_SHOWN_MAX
					      ? key.n
					      : CONFIG_SHOWN_MAX),
				(const char *)key.p);
	err = value_read(r, rest, &value);
	if (err)
		return err;
	err = entry_append(r, key, value);
	if (err) {
		bytes_wipe(value, strlen(value));
		free(value);
	}
	return err;
}

static int line_read(const struct reader *r, const char *p, size_t n)
{
	struct bytes line;

	if (n > 0 && p[n - 1] == '\r')
		n--;
	if (n > LINE_MAX_BYTES)
		return bad_line(r, "the line is longer than %d bytes",
				LINE_MAX_BYTES);
	if (memchr(p, 0, n))
		return bad_line(r, "the line holds a NUL byte");
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)p[i] < ' ' && p[i] != '\t') || p[i] == 127)
			return bad_line(r, "the line holds a control "
					   "character");
	line = trimmed(p, n);
	if (line.n == 0 || line.p[0] == '#')
		return 0;
	/* What is read here goes into JSON and into SIP messages. */
	if (!text_is_utf8(line))
		return bad_line(r, "the line is not UTF-8");
	return line.p[0] == '[' ? section_read(r, line) : entry_read(r, line);
}

static int lines_read(struct reader *r, const char *p, size_t n)
{
	/* Some editors put a byte order mark in front. */
	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
		p += 3;
		n -= 3;
	}
	while (n > 0) {
		const char *end = memchr(p, '\n', n);
		size_t line_n = end ? (size_t)(end - p) : n;
		size_t step = end ? line_n + 1 : n;
		int err;

		r->line++;
		err = line_read(r, p, line_n);
		if (err)
			return err;
		p += step;
		n -= step;
	}
	return 0;
}

static int config_read(struct config **cp, const char *file_name,
		       struct bytes text, struct config_error *err)
{
	struct config *c = calloc(1, sizeof(*c));
	struct reader r = {.config = c, .err = err};
	int e;

	if (!c)
		return -ENOMEM;
	c->file_name = strdup(file_name);
	e = c->file_name ? lines_read(&r, (const char *)text.p, text.n)
			 : -ENOMEM;
	if (e)
		config_free(&c);
	else
		*cp = c;
	return e;
}

int config_read_text(struct config **cp, const char *file_name,
		     const char *text, struct config_error *err)
{
	return config_read(cp, file_name, bytes_str(text), err);
}

static int fd_read_all(int fd, struct buf *b)
{
	for (;;) {
		char block[4096];
		ssize_t n = read(fd, block, sizeof(block));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n > 0)
			buf_put(b, block, (size_t)n);
		bytes_wipe(block, sizeof(block));
		if (b->bad)
			return -ENOMEM;
		if (n == 0)
			return 0;
		if (b->n > FILE_MAX_BYTES)
			return -EFBIG;
	}
}

int config_read_file(struct config **cp, const char *path,
		     struct config_error *err)
{
	struct buf b;
	int fd, e;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		e = -errno;
		(void)config_fail_at(err, path, 0, "cannot be opened: %s",
				     strerror(-e));
		return e;
	}
	buf_init(&b);
	e = fd_read_all(fd, &b);
	close(fd);
	if (e)
		(void)config_fail_at(err, path, 0, "cannot be read: %s",
				     strerror(-e));
	else
		e = config_read(cp, path, buf_bytes(&b), err);
	buf_clear(&b);
	return e;
}
