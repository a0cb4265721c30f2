#include "sip/address.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "sip/head.h"
#include "sip/stack.h"

static void blanks_skip(struct rd *r)
{
	while (r->n && strchr(" \t\r\n", *r->p) && *r->p)
		rd_skip(r, 1);
}

/* Behind the opening quote; false when it is never closed. A zero byte stands
 * behind a backslash only (RFC 4475 3.1.1.2). */
static bool quoted_skip(struct rd *r)
{
	while (r->n) {
		uint8_t c = rd_u8(r);

		if (c == '"')
			return true;
		if (c == 0)
			return false;
		if (c == '\\')
			rd_skip(r, 1);
	}
	return false;
}

static bool uri_valid(struct bytes uri, bool bare)
{
	size_t scheme = 0;

	while (scheme < uri.n && uri.p[scheme] != ':') {
		uint8_t c = uri.p[scheme];

		if (!isalpha(c) &&
		    !(scheme && c && (isdigit(c) || strchr("+-.", c))))
			return false;
		scheme++;
	}
	if (!scheme || scheme + 1 >= uri.n)
		return false;
	for (size_t i = scheme; i < uri.n; i++) {
		uint8_t c = uri.p[i];

		if (c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"')
			return false;
		/* RFC 3261 20.10: with a comma, question mark or semicolon
		 * the URI must stand in angle brackets. */
		if (bare && (c == '?' || c == ','))
			return false;
	}
	return true;
}

/* A last semicolon with nothing behind it is wrong, harmless and seen. */
static bool params_valid(struct rd *r)
{
	bool empty = false;

	blanks_skip(r);
	if (r->n && *r->p != ';')
		return false;
	while (r->n) {
		uint8_t c = rd_u8(r);

		if (c == '"' && !quoted_skip(r))
			return false;
		if (c == '<' || c == '>' || c == ',' || c == 0)
			return false;
		if (c == ';') {
			if (empty)
				return false;
			blanks_skip(r);
		}
		empty = c == ';';
	}
	return !r->bad;
}

bool address_params_valid(struct bytes params)
{
	struct rd r;

	rd_init(&r, params.p, params.n);
	return params_valid(&r);
}

/* In front of '<': a quoted string, or tokens. UTF-8 without quotes is wrong
 * and common, so it passes. */
static bool display_name_valid(struct rd *r)
{
	blanks_skip(r);
	if (r->n && *r->p == '"') {
		rd_skip(r, 1);
		if (!quoted_skip(r))
			return false;
		blanks_skip(r);
		return r->n && *r->p == '<';
	}
	while (r->n && *r->p != '<') {
		uint8_t c = rd_u8(r);

		if (c == 0 || (c < 0x80 && !head_is_token(bytes_of(&c, 1)) &&
			       !strchr(" \t\r\n", c)))
			return false;
	}
	return r->n > 0;
}

bool address_valid(struct bytes value)
{
	const uint8_t *end;
	struct rd r;
	size_t n = 0;

	value = head_trim(value);
	rd_init(&r, value.p, value.n);
	if (!value.n)
		return false;
	if (*value.p == '"' || memchr(value.p, '<', value.n)) {
		if (!display_name_valid(&r))
			return false;
		rd_skip(&r, 1);
		end = memchr(r.p, '>', r.n);
		if (!end)
			return false;
		if (!uri_valid(rd_bytes(&r, (size_t)(end - r.p)), false))
			return false;
		rd_skip(&r, 1);
		return params_valid(&r);
	}
	while (n < r.n && r.p[n] != ';')
		n++;
	return uri_valid(head_trim(rd_bytes(&r, n)), true) && params_valid(&r);
}

struct bytes address_next(struct bytes *value)
{
	struct bytes one = *value;
	bool quoted = false, bracket = false;

	for (size_t i = 0; i < value->n; i++) {
		uint8_t c = value->p[i];

		if (quoted && c == '\\') {
			i++;
		} else if (c == '"') {
			quoted = !quoted;
		} else if (!quoted && (c == '<' || c == '>')) {
			bracket = c == '<';
		} else if (c == ',' && !quoted && !bracket) {
			one.n = i;
			*value = bytes_of(value->p + i + 1, value->n - i - 1);
			return head_trim(one);
		}
	}
	value->n = 0;
	return head_trim(one);
}

void address_write_name(struct buf *dst, const char *name)
{
	struct bytes left;
	size_t n;

	if (!name || !*name)
		return;
	buf_u8(dst, '"');
	for (left = bytes_str(name); left.n;
	     left = bytes_of(left.p + n, left.n - n)) {
		n = text_utf8_length(left);
		if (!n || *left.p < ' ' || *left.p == 0x7f) {
			n = 1;
			continue;
		}
		if (*left.p == '"' || *left.p == '\\')
			buf_u8(dst, '\\');
		buf_put(dst, left.p, n);
	}
	buf_str(dst, "\" ");
}

void address_write_user(struct buf *dst, const char *user)
{
	for (; user && *user; user++) {
		uint8_t c = (uint8_t)*user;

		/* RFC 3261 25.1: unreserved and user-unreserved; '#' must be
		 * escaped, and ';' and '?' are where parsers differ. */
		if (isalnum(c) || strchr("-_.!~*'()&=+$,/", c))
			buf_u8(dst, c);
		else
			buf_printf(dst, "%%%02X", c);
	}
}

void address_read_user(char *dst, size_t size, struct bytes user)
{
	size_t n = 0;

	for (size_t i = 0; i < user.n && n + 1 < size; i++) {
		uint8_t c = user.p[i];

		if (c == '%' && i + 2 < user.n &&
		    !hex_decode(&c, 1, (const char *)user.p + i + 1, 2) && c)
			i += 2;
		else
			c = user.p[i];
		dst[n++] = (char)c;
	}
	dst[n] = '\0';
}

bool address_header_safe(const char *text)
{
	for (; text && *text; text++)
		if ((uint8_t)*text < ' ' || *text == 0x7f)
			return false;
	return text != NULL;
}

void address_write_header(struct buf *dst, const char *name, const char *value)
{
	if (!name || !value || !head_is_token(bytes_str(name)))
		return;
	buf_printf(dst, "%s: ", name);
	for (; *value; value++)
		if ((uint8_t)*value >= ' ' && *value != 0x7f)
			buf_u8(dst, (uint8_t)*value);
	buf_str(dst, "\r\n");
}

int address_hop(struct buf *dst, const char *hop)
{
	const char *colon = strchr(hop, ':');
	struct bytes scheme = bytes_of(hop, colon ? (size_t)(colon - hop) : 0);

	if (!colon || !address_header_safe(hop) || strpbrk(hop, " <>\""))
		return -EINVAL;
	if (head_is(scheme, "sip"))
		buf_str(dst, hop);
	else if (head_is(scheme, "udp") || head_is(scheme, "tcp") ||
		 head_is(scheme, "tls"))
		buf_printf(dst, "sip:%s;transport=%.3s", colon + 1, hop);
	else
		return -EINVAL;
	return dst->bad ? -ENOMEM : 0;
}

/* Behaviour 8.3: CR, LF and control characters never enter a Reason-Phrase;
 * it is cut at 128 bytes, not inside a UTF-8 sequence. */
void sip_reason_clean(char dst[129], const char *text)
{
	text_strip(dst, 129, text ? bytes_str(text) : bytes_of(NULL, 0));
}

size_t address_host_length(const char *host_port)
{
	const char *bracket = strchr(host_port, ']');
	const char *colon = strchr(bracket ? bracket : host_port, ':');

	return colon ? (size_t)(colon - host_port) : strlen(host_port);
}

bool address_is_private(const struct sa *sa)
{
	const uint8_t *six = sa->u.in6.sin6_addr.s6_addr;
	uint32_t a;

	if (sa_af(sa) == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(six))
		return sa_is_loopback(sa) || sa_is_linklocal(sa) ||
		       (six[0] & 0xfe) == 0xfc;
	a = sa_af(sa) == AF_INET ? sa_in(sa) : be32_load(six + 12);
	return a >> 24 == 10 || a >> 24 == 127 || a >> 20 == 0xac1 ||
	       a >> 16 == 0xc0a8 || a >> 16 == 0xa9fe ||
	       a >> 22 == 0x64400000 >> 22;
}
