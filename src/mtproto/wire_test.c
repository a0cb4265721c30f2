#include "mtproto/wire.h"

#include <errno.h>

#include "mtproto/gzip.h"
#include "tests/check.h"
#include "tests/hex.h"

static void test_wire_bytes_round_trip_every_length(void)
{
	uint8_t data[600];
	struct buf b;
	struct rd r;

	memset(data, 0x5a, sizeof(data));
	buf_init(&b);
	for (size_t n = 0; n < sizeof(data); n++) {
		buf_reset(&b);
		wire_put_bytes(&b, bytes_of(data, n));
		CHECK_INT(b.n % 4, 0);
		rd_init(&r, b.p, b.n);
		CHECK(bytes_equal(wire_bytes(&r), bytes_of(data, n)));
		CHECK(!r.bad && !r.n);
		rd_init(&r, b.p, b.n - 1);
		(void)wire_bytes(&r);
		CHECK(r.bad);
	}
	rd_init(&r, "\xff\0\0\0\0\0\0\0", 8);
	(void)wire_bytes(&r);
	CHECK(r.bad);
	buf_clear(&b);
}

/* A zlib stream (78 9c) as TDLib sends it, of "gramline gramline gramline". */
static void test_gzip_reads_zlib_and_gzip(void)
{
	static const char text[] = "gramline gramline gramline";
	uint8_t zlib[20];
	struct buf b, packed;
	struct rd r;

	unhex(zlib, "789c4b2f4acccdc9cc4b554847670000898a0a2e");
	buf_init(&b);
	buf_init(&packed);
	CHECK_INT(mtp_gzip_unpack(&b, bytes_of(zlib, sizeof(zlib))), 0);
	CHECK(bytes_equal(buf_bytes(&b), bytes_str(text)));
	buf_reset(&b);
	CHECK_INT(mtp_gzip_unpack(&b, bytes_of(zlib, sizeof(zlib) - 1)),
		  -EBADMSG);
	buf_reset(&b);
	buf_fill(&b, 'x', 5000);
	CHECK_INT(mtp_gzip_pack(&packed, buf_bytes(&b)), 0);
	rd_init(&r, packed.p, packed.n);
	CHECK(rd_le32(&r) == WIRE_GZIP_PACKED);
	buf_reset(&b);
	CHECK_INT(mtp_gzip_unpack(&b, wire_bytes(&r)), 0);
	CHECK_INT(b.n, 5000);
	CHECK_INT(mtp_gzip_pack(&packed, bytes_str("incompressible")), -ENOSPC);
	buf_clear(&b);
	buf_clear(&packed);
}

static void test_gzip_caps_the_inflated_size(void)
{
	struct buf b, packed;
	struct rd r;

	buf_init(&b);
	buf_init(&packed);
	buf_fill(&b, 0, MTP_INFLATED_MAX + 1);
	CHECK_INT(mtp_gzip_pack(&packed, buf_bytes(&b)), 0);
	rd_init(&r, packed.p, packed.n);
	rd_skip(&r, 4);
	buf_clear(&b);
	CHECK_INT(mtp_gzip_unpack(&b, wire_bytes(&r)), -EMSGSIZE);
	buf_clear(&b);
	buf_clear(&packed);
}

int main(void)
{
	RUN(test_wire_bytes_round_trip_every_length);
	RUN(test_gzip_reads_zlib_and_gzip);
	RUN(test_gzip_caps_the_inflated_size);
	return check_done();
}
