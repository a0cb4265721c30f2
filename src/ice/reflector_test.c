#include "ice/reflector.h"

#include <errno.h>

#include "tests/check.h"

/* telegram-wire G.1 */
static const uint8_t hello[] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
				0x08, 0x09, 0x0a, 0x0b, 0x44, 0x33, 0x22, 0x11,
				0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff,
				0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x7b};
static const uint8_t wrapped[] = {
	0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a,
	0x0b, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x00, 0x00,
	0x00, 0x05, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0x00, 0x00, 0x00};
static const uint8_t payload[] = {0xaa, 0xbb, 0xcc, 0xdd, 0xee};

static void port_make(struct ice_reflector *r, uint32_t tag, bool tcp)
{
	uint8_t peer_tag[16];

	for (int i = 0; i < 16; i++)
		peer_tag[i] = (uint8_t)i;
	ice_reflector_init(r, 1, peer_tag, tag, tcp, USEC_S);
}

static void test_reflector_hello_is_the_vector(void)
{
	struct ice_reflector r;
	uint8_t d[ICE_REFLECTOR_HELLO_BYTES];

	port_make(&r, 0x11223344, false);
	CHECK_INT(ice_reflector_hello(d, &r, USEC_S), 40);
	CHECK_MEM(d, hello, 40);
	port_make(&r, 0x11223344, true);
	CHECK_INT(ice_reflector_hello(d, &r, USEC_S), 20);
	CHECK_MEM(d, hello, 16);
	CHECK_MEM(d + 16, "\0\0\0\0", 4);
}

static void test_reflector_hello_repeats_until_answered(void)
{
	struct ice_reflector r;
	uint8_t d[ICE_REFLECTOR_HELLO_BYTES];
	struct bytes p;
	uint32_t from;

	port_make(&r, 0x11223344, false);
	CHECK_INT(r.hello_at, USEC_S);
	ice_reflector_hello(d, &r, USEC_S);
	CHECK_INT(r.hello_at, USEC_S + 500 * USEC_MS);
	CHECK_INT(ice_reflector_unwrap(&p, &from, &r, bytes_of(hello, 40)), 0);
	CHECK(r.answered);
	CHECK_INT(r.hello_at, 11 * USEC_S);
	ice_reflector_hello(d, &r, 11 * USEC_S);
	CHECK_INT(r.hello_at, 21 * USEC_S);
}

static void test_reflector_data_is_the_vector_and_comes_back(void)
{
	struct ice_reflector a, b;
	uint8_t d[64];
	struct bytes p;
	uint32_t from;

	port_make(&a, 0x11223344, false);
	port_make(&b, 0x55667788, false);
	CHECK_INT(ice_reflector_wrap(d, sizeof(d), &a, 0x55667788,
				     bytes_of(payload, 5)),
		  32);
	CHECK_MEM(d, wrapped, 32);
	CHECK_INT(ice_reflector_wrap(d, 31, &a, 1, bytes_of(payload, 5)),
		  -EMSGSIZE);
	CHECK_INT(ice_reflector_unwrap(&p, &from, &b, bytes_of(wrapped, 32)),
		  1);
	CHECK_INT(from, 0x11223344);
	CHECK(bytes_equal(p, bytes_of(payload, 5)));
}

static void test_reflector_foreign_packets_are_refused(void)
{
	struct ice_reflector b;
	uint8_t d[32];
	struct bytes p;
	uint32_t from;

	port_make(&b, 0x55667788, false);
	memcpy(d, wrapped, 32);
	d[11] ^= 1; /* another call's prefix */
	CHECK_INT(ice_reflector_unwrap(&p, &from, &b, bytes_of(d, 32)),
		  -EBADMSG);
	CHECK_INT(ice_reflector_unwrap(&p, &from, &b, bytes_of(wrapped, 15)),
		  -EBADMSG);
	CHECK(!b.answered);
	/* Cut within the payload; the padding may be missing. */
	CHECK_INT(ice_reflector_unwrap(&p, &from, &b, bytes_of(wrapped, 28)),
		  -EBADMSG);
	CHECK_INT(ice_reflector_unwrap(&p, &from, &b, bytes_of(wrapped, 29)),
		  1);
	memcpy(d, wrapped, 32);
	d[12] ^= 1; /* to another tag */
	CHECK_INT(ice_reflector_unwrap(&p, &from, &b, bytes_of(d, 32)),
		  -EBADMSG);
	memcpy(d, wrapped, 32);
	memset(d + 20, 0xff, 4); /* a length beyond everything */
	CHECK_INT(ice_reflector_unwrap(&p, &from, &b, bytes_of(d, 32)),
		  -EBADMSG);
}

static int packets_n;

static void on_packet(struct bytes packet, void *arg)
{
	packets_n++;
	CHECK(bytes_equal(packet, bytes_of(wrapped, 32)));
}

static void test_reflector_stream_finds_packets_in_any_pieces(void)
{
	static struct ice_reflector_stream s;
	uint8_t d[3 * 36];

	for (int i = 0; i < 3; i++) {
		le32_store(d + (size_t)36 * i, 32);
		memcpy(d + (size_t)36 * i + 4, wrapped, 32);
	}
	for (size_t piece = 1; piece <= sizeof(d); piece++) {
		packets_n = 0;
		for (size_t at = 0; at < sizeof(d); at += piece) {
			size_t n = sizeof(d) - at;

			n = n < piece ? n : piece;
			CHECK_INT(ice_reflector_stream_input(
					  &s, bytes_of(d + at, n), on_packet,
					  NULL),
				  0);
		}
		CHECK_INT(packets_n, 3);
	}
	le32_store(d, ICE_REFLECTOR_PACKET_BYTES + 1);
	CHECK_INT(ice_reflector_stream_input(&s, bytes_of(d, 36), on_packet,
					     NULL),
		  -EBADMSG);
}

static void test_reflector_names_are_addresses(void)
{
	struct sa a, b;
	char name[64];

	CHECK_INT(ice_reflector_name_read(&a,
					  "reflector-2-4294967295."
					  "reflector",
					  598),
		  0);
	ice_reflector_name_write(name, &a);
	CHECK_STR(name, "reflector-2-4294967295.reflector");
	CHECK_INT(ice_reflector_tag(&a), 4294967295u);
	ice_reflector_address(&b, 2, 7, 598);
	CHECK(ice_reflector_same_server(&a, &b));
	ice_reflector_address(&b, 2, 7, 599);
	CHECK(!ice_reflector_same_server(&a, &b));
	ice_reflector_address(&b, 3, 7, 598);
	CHECK(!ice_reflector_same_server(&a, &b));
	sa_set_str(&b, "2001:db8::1", 598);
	CHECK(!ice_reflector_same_server(&b, &b));
}

static void test_reflector_bad_names_are_refused(void)
{
	static const char *const names[] = {"reflector-1-5",
					    "reflector-1-5.reflectors",
					    "reflector-1-0.reflector",
					    "reflector-256-5.reflector",
					    "reflector--5.reflector",
					    "reflector-1-4294967296.reflector",
					    "reflector-1--5.reflector",
					    "reflector-1-5.reflector.",
					    "reflector-",
					    "x.local",
					    ""};
	struct sa a;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK_INT(ice_reflector_name_read(&a, names[i], 1), -ENOTSUP);
}

int main(void)
{
	RUN(test_reflector_hello_is_the_vector);
	RUN(test_reflector_hello_repeats_until_answered);
	RUN(test_reflector_data_is_the_vector_and_comes_back);
	RUN(test_reflector_foreign_packets_are_refused);
	RUN(test_reflector_stream_finds_packets_in_any_pieces);
	RUN(test_reflector_names_are_addresses);
	RUN(test_reflector_bad_names_are_refused);
	return check_done();
}
