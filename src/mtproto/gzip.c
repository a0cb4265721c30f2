#include "mtproto/gzip.h"

#include <errno.h>

#define ZLIB_CONST /* next_in is read only */
#include <zlib.h>

#include "mtproto/wire.h"

#define WINDOW_ANY (15 + 32)  /* zlib: detect gzip or zlib */
#define WINDOW_GZIP (15 + 16) /* zlib: write gzip */
#define STEP 16384

static int stream_inflate(z_stream *z, struct buf *out)
{
	size_t total = 0;
	int rc;

	do {
		size_t got;

		if (buf_reserve(out, STEP))
			return -ENOMEM;
		z->next_out = out->p + out->n;
		z->avail_out = STEP;
		rc = inflate(z, Z_NO_FLUSH);
		got = STEP - z->avail_out;
		out->n += got;
		total += got;
		if (total > MTP_INFLATED_MAX)
			return -EMSGSIZE;
		if (rc != Z_OK && rc != Z_STREAM_END)
			return -EBADMSG;
	} while (rc != Z_STREAM_END);
	return z->avail_in ? -EBADMSG : 0;
}

int mtp_gzip_unpack(struct buf *out, struct bytes in)
{
	z_stream z = {0};
	int err;

	z.next_in = in.p;
	z.avail_in = (uInt)in.n;
	if (inflateInit2(&z, WINDOW_ANY) != Z_OK)
		return -ENOMEM;
	err = stream_inflate(&z, out);
	inflateEnd(&z);
	return err;
}

int mtp_gzip_pack(struct buf *out, struct bytes object)
{
	z_stream z = {0};
	struct buf packed;
	int err = -ENOMEM;

	buf_init(&packed);
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_GZIP, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	if (buf_reserve(&packed, object.n))
		goto out;
	z.next_in = object.p;
	z.avail_in = (uInt)object.n;
	z.next_out = packed.p;
	z.avail_out = (uInt)object.n;
	/* Room for less than the object only: running out is the answer. */
	if (deflate(&z, Z_FINISH) != Z_STREAM_END ||
	    object.n - z.avail_out + 12 >= object.n) {
		err = -ENOSPC;
		goto out;
	}
	packed.n = object.n - z.avail_out;
	buf_le32(out, WIRE_GZIP_PACKED);
	wire_put_bytes(out, buf_bytes(&packed));
	err = out->bad ? -ENOMEM : 0;
out:
	deflateEnd(&z);
	buf_clear(&packed);
	return err;
}
