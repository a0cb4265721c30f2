/* Bytes with bounds: a borrowed view, a reading cursor, a growing buffer.
 *
 * Every parser of foreign bytes in this tree reads through `struct rd`: a read
 * past the end returns zeros, sets `bad` and stays bad, so a parser checks once
 * at the end of a step.  Nothing here allocates except `struct buf`.
 * Values; no threads of their own.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A borrowed run of bytes; p may be NULL when n is 0. */
struct bytes {
	const uint8_t *p;
	size_t n;
};

struct bytes bytes_of(const void *p, size_t n);
struct bytes bytes_str(const char *text); /* without the final NUL */
bool bytes_equal(struct bytes a, struct bytes b);
/* Equality in a time that depends on the length only (keys, digests). */
bool bytes_equal_ct(const void *a, const void *b, size_t n);
void bytes_wipe(void *p, size_t n); /* never optimised away */

/* -- reading ------------------------------------------------------------- */

struct rd {
	const uint8_t *p;
	size_t n; /* bytes left */
	bool bad; /* a read went past the end, or rd_fail() was called */
};

void rd_init(struct rd *r, const void *p, size_t n);
void rd_fail(struct rd *r);
uint8_t rd_u8(struct rd *r);
uint16_t rd_be16(struct rd *r);
uint32_t rd_be32(struct rd *r);
uint64_t rd_be64(struct rd *r);
uint16_t rd_le16(struct rd *r);
uint32_t rd_le32(struct rd *r);
uint64_t rd_le64(struct rd *r);
/* The next n bytes as a view into the source; empty and bad when short. */
struct bytes rd_bytes(struct rd *r, size_t n);
void rd_copy(struct rd *r, void *dst, size_t n); /* zeros dst when short */
void rd_skip(struct rd *r, size_t n);

/* -- writing ------------------------------------------------------------- */

/* Owner of its memory. After a failed allocation `bad` is set, the contents
 * stay as they were and later writes do nothing. */
struct buf {
	uint8_t *p;
	size_t n;   /* bytes used */
	size_t cap; /* bytes allocated */
	bool bad;
};

void buf_init(struct buf *b);
void buf_clear(struct buf *b); /* wipes and frees; b is empty afterwards */
void buf_reset(struct buf *b); /* n = 0, memory kept */
int buf_reserve(struct buf *b, size_t more); /* -ENOMEM */
void buf_u8(struct buf *b, uint8_t v);
void buf_be16(struct buf *b, uint16_t v);
void buf_be32(struct buf *b, uint32_t v);
void buf_be64(struct buf *b, uint64_t v);
void buf_le16(struct buf *b, uint16_t v);
void buf_le32(struct buf *b, uint32_t v);
void buf_le64(struct buf *b, uint64_t v);
void buf_put(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void buf_fill(struct buf *b, uint8_t v, size_t n);
/* Drops the first n bytes (n <= b->n). */
void buf_drop(struct buf *b, size_t n);
struct bytes buf_bytes(const struct buf *b);
/* The contents as a C string owned by the buffer (a NUL is kept behind n). */
const char *buf_cstr(struct buf *b);

/* Big-endian / little-endian stores and loads on raw memory. */
void be32_store(uint8_t *p, uint32_t v);
void be16_store(uint8_t *p, uint16_t v);
uint32_t be32_load(const uint8_t *p);
uint16_t be16_load(const uint8_t *p);
void le32_store(uint8_t *p, uint32_t v);
void le64_store(uint8_t *p, uint64_t v);
uint32_t le32_load(const uint8_t *p);
uint64_t le64_load(const uint8_t *p);

/* -- hexadecimal --------------------------------------------------------- */

/* A digit's value, of either case; -1: it is none. */
int hex_digit(uint8_t c);
/* Lower-case digits; dst has room for 2 * n + 1 characters. */
void hex_encode(char *dst, const void *p, size_t n);
/* Exactly n bytes from 2 * n digits of text[0..len). -EBADMSG otherwise. */
int hex_decode(void *dst, size_t n, const char *text, size_t len);
/* "AB:01", as fingerprints are written (RFC 8122 5); room for 3 * n. */
void hex_pairs_encode(char *dst, const void *p, size_t n);
/* n bytes from text[0..3 * n - 1), of either case. -EBADMSG otherwise. */
int hex_pairs_decode(void *dst, size_t n, const char *text, size_t len);

#endif
