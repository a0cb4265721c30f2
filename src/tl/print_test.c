#include "tl/tl.h"

#include "tests/check.h"

/* resPQ of the key exchange sample in the public MTProto documentation. */
static const uint8_t respq[] = {
	0x63, 0x24, 0x16, 0x05, 0x3e, 0x05, 0x49, 0x82, 0x8c, 0xca, 0x27,
	0xe9, 0x66, 0xb3, 0x01, 0xa4, 0x8f, 0xec, 0xe2, 0xfc, 0xa5, 0xcf,
	0x4d, 0x33, 0xf4, 0xa1, 0x1e, 0xa8, 0x77, 0xba, 0x4a, 0xa5, 0x73,
	0x90, 0x73, 0x30, 0x08, 0x17, 0xed, 0x48, 0x94, 0x1a, 0x08, 0xf9,
	0x81, 0x00, 0x00, 0x00, 0x15, 0xc4, 0xb5, 0x1c, 0x01, 0x00, 0x00,
	0x00, 0x21, 0x6b, 0xe8, 0x6c, 0x02, 0x2b, 0xb4, 0xc3};

static struct tl_arena arena;
static struct buf out;

static void test_tl_print_is_one_bounded_line(void)
{
	static const char full[] = "updateShort{update: updatePhoneCall{"
				   "phone_call: phoneCallDiscarded{flags: 0x2, "
				   "id: 5, duration: 7}}, date: 3}";
	struct tl_obj *call = tl_new(&arena, TL_phoneCallDiscarded);
	struct tl_obj *update = tl_new(&arena, TL_updatePhoneCall);
	struct tl_obj *o = tl_new(&arena, TL_updateShort), *read = NULL;
	struct rd r;

	tl_set_long(call, TL_phoneCallDiscarded_id, 5);
	tl_set_int(call, TL_phoneCallDiscarded_duration, 7);
	tl_set_child(update, TL_updatePhoneCall_phone_call, call);
	tl_set_child(o, TL_updateShort_update, update);
	tl_set_int(o, TL_updateShort_date, 3);
	CHECK_INT(tl_write(&out, o), 0);
	rd_init(&r, out.p, out.n);
	CHECK_INT(tl_read(&read, &arena, &r), 0);
	buf_reset(&out);
	tl_print(&out, read, 1000);
	CHECK_STR(buf_cstr(&out), full);
	for (size_t max = 0; max < sizeof(full); max++) {
		buf_reset(&out);
		tl_print(&out, read, max);
		CHECK_INT(out.n, max);
		CHECK_MEM(buf_cstr(&out), full, max);
	}
}

static void test_tl_print_shows_every_kind(void)
{
	struct tl_obj *o = NULL;
	struct rd r;

	rd_init(&r, respq, sizeof(respq));
	CHECK_INT(tl_read(&o, &arena, &r), 0);
	tl_print(&out, o, 1000);
	CHECK_STR(buf_cstr(&out),
		  "resPQ{nonce: 3e0549828cca27e966b301a48fece2fc, "
		  "server_nonce: a5cf4d33f4a11ea877ba4aa573907330, "
		  "pq: #17ed48941a08f981, "
		  "server_public_key_fingerprints: [-4344800451088585951]}");
	buf_reset(&out);
	tl_print(&out, NULL, 1000);
	CHECK_STR(buf_cstr(&out), "(none)");
	buf_reset(&out);
	o = tl_new(&arena, TL_jsonNumber);
	tl_set_double(o, TL_jsonNumber_value, 0.5);
	tl_print(&out, o, 1000);
	CHECK_STR(buf_cstr(&out), "jsonNumber{value: 0.5}");
	CHECK(tl_double(o, TL_jsonNumber_value) == 0.5);
}

int main(void)
{
	RUN(test_tl_print_is_one_bounded_line);
	tl_arena_clear(&arena);
	buf_clear(&out);
	RUN(test_tl_print_shows_every_kind);
	tl_arena_clear(&arena);
	buf_clear(&out);
	return check_done();
}
