#include "mtproto/wire.h"

#define LONG_FORM 254

struct bytes wire_bytes(struct rd *r)
{
	size_t n = rd_u8(r), head = 1;
	struct bytes v;

	if (n >= LONG_FORM) {
		if (n > LONG_FORM)
			rd_fail(r);
		n = rd_u8(r);
		n |= (size_t)rd_le16(r) << 8;
		head = 4;
	}
	v = rd_bytes(r, n);
	rd_skip(r, (4 - (head + n) % 4) % 4);
	return r->bad ? bytes_of(NULL, 0) : v;
}

void wire_put_bytes(struct buf *b, struct bytes v)
{
	size_t head = 1;

	if (v.n < LONG_FORM) {
		buf_u8(b, (uint8_t)v.n);
	} else {
		buf_u8(b, LONG_FORM);
		buf_u8(b, (uint8_t)v.n);
		buf_u8(b, (uint8_t)(v.n >> 8));
		buf_u8(b, (uint8_t)(v.n >> 16));
		head = 4;
	}
	buf_put(b, v.p, v.n);
	buf_fill(b, 0, (4 - (head + v.n) % 4) % 4);
}

uint32_t wire_vector_long(struct rd *r)
{
	uint32_t n;

	if (rd_le32(r) != WIRE_VECTOR)
		rd_fail(r);
	n = rd_le32(r);
	if (n > r->n / 8)
		rd_fail(r);
	return r->bad ? 0 : n;
}

void wire_put_vector_long(struct buf *b, const int64_t *v, size_t n)
{
	buf_le32(b, WIRE_VECTOR);
	buf_le32(b, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		buf_le64(b, (uint64_t)v[i]);
}

uint32_t wire_id(struct bytes object)
{
	return object.n >= 4 ? le32_load(object.p) : 0;
}
