#include "base/bytes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

struct bytes bytes_of(const void *p, size_t n)
{
	return (struct bytes){.p = p, .n = n};
}

struct bytes bytes_str(const char *text)
{
	return bytes_of(text, text ? strlen(text) : 0);
}

bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool bytes_equal_ct(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

void bytes_wipe(void *p, size_t n)
{
	if (p && n)
		OPENSSL_cleanse(p, n);
}

void be32_store(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

void be16_store(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

uint32_t be32_load(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

uint16_t be16_load(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

void le32_store(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

void le64_store(uint8_t *p, uint64_t v)
{
	le32_store(p, (uint32_t)v);
	le32_store(p + 4, (uint32_t)(v >> 32));
}

uint32_t le32_load(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[1] << 8 | p[0];
}

uint64_t le64_load(const uint8_t *p)
{
	return (uint64_t)le32_load(p + 4) << 32 | le32_load(p);
}

void rd_init(struct rd *r, const void *p, size_t n)
{
	*r = (struct rd){.p = p, .n = n};
}

void rd_fail(struct rd *r)
{
	r->bad = true;
	r->n = 0;
}

struct bytes rd_bytes(struct rd *r, size_t n)
{
	struct bytes v = {0};

	if (n > r->n || r->bad) {
		rd_fail(r);
		return v;
	}
	v = bytes_of(r->p, n);
	if (n) {
		r->p += n;
		r->n -= n;
	}
	return v;
}

void rd_skip(struct rd *r, size_t n)
{
	(void)rd_bytes(r, n);
}

void rd_copy(struct rd *r, void *dst, size_t n)
{
	struct bytes v = rd_bytes(r, n);

	if (r->bad)
		memset(dst, 0, n);
	else if (n)
		memcpy(dst, v.p, n);
}

uint8_t rd_u8(struct rd *r)
{
	struct bytes v = rd_bytes(r, 1);

	return v.n ? v.p[0] : 0;
}

uint16_t rd_be16(struct rd *r)
{
	struct bytes v = rd_bytes(r, 2);

	return v.n ? be16_load(v.p) : 0;
}

uint32_t rd_be32(struct rd *r)
{
	struct bytes v = rd_bytes(r, 4);

	return v.n ? be32_load(v.p) : 0;
}

uint64_t rd_be64(struct rd *r)
{
	uint64_t high = rd_be32(r);

	return high << 32 | rd_be32(r);
}

uint16_t rd_le16(struct rd *r)
{
	struct bytes v = rd_bytes(r, 2);

	return v.n ? (uint16_t)(v.p[1] << 8 | v.p[0]) : 0;
}

uint32_t rd_le32(struct rd *r)
{
	struct bytes v = rd_bytes(r, 4);

	return v.n ? le32_load(v.p) : 0;
}

uint64_t rd_le64(struct rd *r)
{
	struct bytes v = rd_bytes(r, 8);

	return v.n ? le64_load(v.p) : 0;
}

void buf_init(struct buf *b)
{
	*b = (struct buf){0};
}

void buf_clear(struct buf *b)
{
	bytes_wipe(b->p, b->cap);
	free(b->p);
	buf_init(b);
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->bad = false;
}

/* One byte more than asked is kept so that buf_cstr() never has to grow. */
int buf_reserve(struct buf *b, size_t more)
{
	size_t want = b->n + more + 1;
	size_t cap = b->cap ? b->cap : 64;
	uint8_t *p;

	if (b->bad || want < more)
		return -ENOMEM;
	if (want <= b->cap)
		return 0;
	while (cap < want)
		cap *= 2;
	p = malloc(cap);
	if (!p) {
		b->bad = true;
		return -ENOMEM;
	}
	if (b->n)
		memcpy(p, b->p, b->n);
	bytes_wipe(b->p, b->cap);
	free(b->p);
	b->p = p;
	b->cap = cap;
	return 0;
}

void buf_put(struct buf *b, const void *p, size_t n)
{
	if (buf_reserve(b, n))
		return;
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
}

void buf_fill(struct buf *b, uint8_t v, size_t n)
{
	if (buf_reserve(b, n))
		return;
	memset(b->p + b->n, v, n);
	b->n += n;
}

void buf_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

void buf_be16(struct buf *b, uint16_t v)
{
	uint8_t p[2];

	be16_store(p, v);
	buf_put(b, p, sizeof(p));
}

void buf_be32(struct buf *b, uint32_t v)
{
	uint8_t p[4];

	be32_store(p, v);
	buf_put(b, p, sizeof(p));
}

void buf_be64(struct buf *b, uint64_t v)
{
	buf_be32(b, (uint32_t)(v >> 32));
	buf_be32(b, (uint32_t)v);
}

void buf_le16(struct buf *b, uint16_t v)
{
	buf_u8(b, (uint8_t)v);
	buf_u8(b, (uint8_t)(v >> 8));
}

void buf_le32(struct buf *b, uint32_t v)
{
	uint8_t p[4];

	le32_store(p, v);
	buf_put(b, p, sizeof(p));
}

void buf_le64(struct buf *b, uint64_t v)
{
	uint8_t p[8];

	le64_store(p, v);
	buf_put(b, p, sizeof(p));
}

void buf_str(struct buf *b, const char *text)
{
	buf_put(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || buf_reserve(b, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

void buf_drop(struct buf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
		return;
	}
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

struct bytes buf_bytes(const struct buf *b)
{
	return bytes_of(b->p, b->n);
}

const char *buf_cstr(struct buf *b)
{
	if (buf_reserve(b, 0))
		return "";
	b->p[b->n] = '\0';
	return (const char *)b->p;
}

void hex_encode(char *dst, const void *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *src = p;

	for (size_t i = 0; i < n; i++) {
		*dst++ = digits[src[i] >> 4];
		*dst++ = digits[src[i] & 15];
	}
	*dst = '\0';
}

int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int hex_decode(void *dst, size_t n, const char *text, size_t len)
{
	uint8_t *out = dst;

	if (len != 2 * n)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++) {
		int high = hex_digit((uint8_t)text[2 * i]);
		int low = hex_digit((uint8_t)text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EBADMSG;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

void hex_pairs_encode(char *dst, const void *p, size_t n)
{
	const uint8_t *src = p;

	for (size_t i = 0; i < n; i++)
		snprintf(dst + 3 * i, 4, "%02X%s", src[i],
			 i + 1 < n ? ":" : "");
}

int hex_pairs_decode(void *dst, size_t n, const char *text, size_t len)
{
	uint8_t *out = dst;

	if (len + 1 != 3 * n)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++)
		if ((i && text[3 * i - 1] != ':') ||
		    hex_decode(out + i, 1, text + 3 * i, 2))
			return -EBADMSG;
	return 0;
}
