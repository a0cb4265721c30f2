#include "tgcall/raw.h"

#include <errno.h>

#include <zlib.h>

#define GZIP_WINDOW (16 + MAX_WBITS)

bool raw_is_gzip(struct bytes text)
{
	return text.n >= 2 && text.p[0] == 0x1f && text.p[1] == 0x8b;
}

/* zlib takes no const, and does not write. */
static Bytef *zlib_input(struct bytes b)
{
	return (Bytef *)(uintptr_t)b.p;
}

int raw_gzip(struct buf *dst, struct bytes text)
{
	z_stream z = {0};
	int err;

	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	err = buf_reserve(dst, deflateBound(&z, (uLong)text.n));
	if (!err) {
		z.next_in = zlib_input(text);
		z.avail_in = (uInt)text.n;
		z.next_out = dst->p + dst->n;
		z.avail_out = (uInt)(dst->cap - dst->n);
		if (deflate(&z, Z_FINISH) == Z_STREAM_END)
			dst->n += z.total_out;
		else
			err = -EIO;
	}
	deflateEnd(&z);
	return err;
}

static int gunzip_run(struct buf *dst, z_stream *z, size_t n_max)
{
	uint8_t part[4096];
	size_t at = dst->n;
	int status;

	do {
		size_t n;

		z->next_out = part;
		z->avail_out = sizeof(part);
		status = inflate(z, Z_NO_FLUSH);
		n = sizeof(part) - z->avail_out;
		if (status != Z_OK && status != Z_STREAM_END)
			return -EBADMSG;
		if (dst->n - at + n > n_max)
			return -EBADMSG;
		buf_put(dst, part, n);
	} while (status != Z_STREAM_END);
	return dst->bad ? -ENOMEM : 0;
}

int raw_gunzip(struct buf *dst, struct bytes packed, size_t n_max)
{
	size_t at = dst->n;
	z_stream z = {0};
	int err;

	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		return -ENOMEM;
	z.next_in = zlib_input(packed);
	z.avail_in = (uInt)packed.n;
	err = gunzip_run(dst, &z, n_max);
	inflateEnd(&z);
	if (err)
		dst->n = at;
	return err;
}

int raw_put(struct buf *plain, uint32_t counter, struct bytes json, bool gzip)
{
	buf_be32(plain, counter & RAW_COUNTER_MASK);
	if (gzip)
		return raw_gzip(plain, json);
	buf_put(plain, json.p, json.n);
	return plain->bad ? -ENOMEM : 0;
}
