#include "base/bytes.h"

#include <errno.h>

#include "tests/check.h"

static void test_bytes_read_past_end_is_bad_and_zero(void)
{
	const uint8_t src[] = {1, 2, 3};
	struct rd r;

	rd_init(&r, src, sizeof(src));
	CHECK_INT(rd_be16(&r), 0x0102);
	CHECK_INT(rd_be32(&r), 0);
	CHECK(r.bad);
	CHECK_INT(rd_u8(&r), 0);
}

static void test_bytes_read_orders(void)
{
	const uint8_t src[] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct rd r;

	rd_init(&r, src, sizeof(src));
	CHECK_INT(rd_le64(&r), 0x0807060504030201);
	rd_init(&r, src, sizeof(src));
	CHECK_INT(rd_be64(&r), 0x0102030405060708);
	rd_init(&r, src, sizeof(src));
	CHECK_INT(rd_le16(&r), 0x0201);
	CHECK_INT(rd_le32(&r), 0x06050403);
	CHECK(!r.bad && r.n == 2);
}

static void test_bytes_buffer_grows_and_prints(void)
{
	struct buf b;

	buf_init(&b);
	for (int i = 0; i < 1000; i++)
		buf_u8(&b, (uint8_t)i);
	CHECK_INT(b.n, 1000);
	buf_drop(&b, 998);
	CHECK_INT(b.n, 2);
	CHECK_INT(b.p[0], 998 & 255);
	buf_reset(&b);
	buf_printf(&b, "%s=%d", "n", 7);
	CHECK_STR(buf_cstr(&b), "n=7");
	buf_clear(&b);
	CHECK(b.p == NULL && b.n == 0);
}

static void test_bytes_hex_round_trip_and_refusals(void)
{
	uint8_t v[3] = {0xde, 0xad, 0x01}, back[3];
	char text[7];

	hex_encode(text, v, sizeof(v));
	CHECK_STR(text, "dead01");
	CHECK_INT(hex_decode(back, 3, "DEad01", 6), 0);
	CHECK_MEM(v, back, 3);
	CHECK_INT(hex_decode(back, 3, "dead0", 5), -EBADMSG);
	CHECK_INT(hex_decode(back, 3, "dead0g", 6), -EBADMSG);
}

static void test_bytes_hex_pairs_round_trip_and_refusals(void)
{
	uint8_t v[3] = {0xde, 0xad, 0x01}, back[3];
	char text[9];

	hex_pairs_encode(text, v, sizeof(v));
	CHECK_STR(text, "DE:AD:01");
	CHECK_INT(hex_pairs_decode(back, 3, "DE:ad:01", 8), 0);
	CHECK_MEM(v, back, 3);
	CHECK_INT(hex_pairs_decode(back, 3, "DE:AD:0", 7), -EBADMSG);
	CHECK_INT(hex_pairs_decode(back, 3, "DE:AD:01:", 9), -EBADMSG);
	CHECK_INT(hex_pairs_decode(back, 3, "DE:AD;01", 8), -EBADMSG);
	CHECK_INT(hex_pairs_decode(back, 3, "DE:AD:0g", 8), -EBADMSG);
	CHECK_INT(hex_pairs_decode(back, 3, NULL, 0), -EBADMSG);
}

int main(void)
{
	RUN(test_bytes_read_past_end_is_bad_and_zero);
	RUN(test_bytes_read_orders);
	RUN(test_bytes_buffer_grows_and_prints);
	RUN(test_bytes_hex_round_trip_and_refusals);
	RUN(test_bytes_hex_pairs_round_trip_and_refusals);
	return check_done();
}
