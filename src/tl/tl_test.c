/* Known bytes, both ways. */
#include "tl/tl.h"

#include <stdlib.h>

#include "tl/fixture_test.h"

static const uint8_t nonce[16] = {0x3e, 0x05, 0x49, 0x82, 0x8c, 0xca,
				  0x27, 0xe9, 0x66, 0xb3, 0x01, 0xa4,
				  0x8f, 0xec, 0xe2, 0xfc};

/* resPQ of the key exchange sample in the public MTProto documentation. */
static const uint8_t respq[] = {
	0x63, 0x24, 0x16, 0x05, 0x3e, 0x05, 0x49, 0x82, 0x8c, 0xca, 0x27,
	0xe9, 0x66, 0xb3, 0x01, 0xa4, 0x8f, 0xec, 0xe2, 0xfc, 0xa5, 0xcf,
	0x4d, 0x33, 0xf4, 0xa1, 0x1e, 0xa8, 0x77, 0xba, 0x4a, 0xa5, 0x73,
	0x90, 0x73, 0x30, 0x08, 0x17, 0xed, 0x48, 0x94, 0x1a, 0x08, 0xf9,
	0x81, 0x00, 0x00, 0x00, 0x15, 0xc4, 0xb5, 0x1c, 0x01, 0x00, 0x00,
	0x00, 0x21, 0x6b, 0xe8, 0x6c, 0x02, 0x2b, 0xb4, 0xc3};

static void test_tl_respq_is_read(void)
{
	struct tl_obj *o = NULL;

	CHECK_INT(read_bytes(&o, respq, sizeof(respq)), 0);
	CHECK(tl_is(o, TL_resPQ));
	CHECK_MEM(tl_raw(o, TL_resPQ_nonce), nonce, 16);
	CHECK_MEM(tl_raw(o, TL_resPQ_server_nonce), respq + 20, 16);
	CHECK_INT(tl_bytes(o, TL_resPQ_pq).n, 8);
	CHECK_MEM(tl_bytes(o, TL_resPQ_pq).p, respq + 37, 8);
	CHECK_INT(tl_count(o, TL_resPQ_server_public_key_fingerprints), 1);
	CHECK_INT(tl_item_long(o, TL_resPQ_server_public_key_fingerprints, 0),
		  INT64_C(-4344800451088585951));
	CHECK_INT(tl_item_long(o, TL_resPQ_server_public_key_fingerprints, 1),
		  0);
}

static void test_tl_respq_is_written(void)
{
	struct tl_obj *o = tl_new(&arena, TL_resPQ);
	int prints = TL_resPQ_server_public_key_fingerprints;

	tl_set_raw(o, TL_resPQ_nonce, nonce);
	tl_set_raw(o, TL_resPQ_server_nonce, respq + 20);
	tl_set_bytes(o, TL_resPQ_pq, respq + 37, 8);
	CHECK_INT(tl_set_vector(&arena, o, prints, 1), 0);
	tl_put_long(o, prints, 0, INT64_C(-4344800451088585951));
	CHECK_INT(tl_write(&out, o), 0);
	CHECK_INT(out.n, sizeof(respq));
	CHECK_MEM(out.p, respq, sizeof(respq));
}

static void test_tl_respq_is_refused_when_truncated(void)
{
	for (size_t n = 0; n < sizeof(respq); n++) {
		uint8_t *copy = malloc(n + 1);
		struct tl_obj *o = NULL;
		int err;

		memcpy(copy, respq, n);
		err = read_bytes(&o, copy, n);
		free(copy);
		CHECK_INT(err, -EBADMSG);
		CHECK(!o);
	}
}

/* invokeWithLayer(223, initConnection(.., help.getConfig)) */
static void test_tl_wrapped_query_has_known_bytes(void)
{
	static const uint8_t known[] = {
		0x0d, 0x0d, 0x9b, 0xda, 0xdf, 0x00, 0x00, 0x00, 0xa9, 0x5e,
		0xcd, 0xc1, 0x00, 0x00, 0x00, 0x00, 0x39, 0x30, 0x00, 0x00,
		0x01, 'm',  0x00, 0x00, 0x02, 's',  'v',  0x00, 0x03, 'a',
		'p',  'p',  0x02, 'e',  'n',  0x00, 0x00, 0x00, 0x00, 0x00,
		0x02, 'e',  'n',  0x00, 0x6b, 0x18, 0xf9, 0xc4};
	struct tl_obj *layer = tl_new(&arena, TL_invokeWithLayer);
	struct tl_obj *init = tl_new(&arena, TL_initConnection);
	struct tl_obj *read = NULL;

	tl_set_int(layer, TL_invokeWithLayer_layer, TL_LAYER);
	tl_set_child(layer, TL_invokeWithLayer_query, init);
	tl_set_int(init, TL_initConnection_api_id, 12345);
	tl_set_str(init, TL_initConnection_device_model, "m");
	tl_set_str(init, TL_initConnection_system_version, "sv");
	tl_set_str(init, TL_initConnection_app_version, "app");
	tl_set_str(init, TL_initConnection_system_lang_code, "en");
	tl_set_str(init, TL_initConnection_lang_pack, "");
	tl_set_str(init, TL_initConnection_lang_code, "en");
	tl_set_child(init, TL_initConnection_query,
		     tl_new(&arena, TL_help_getConfig));
	CHECK_INT(tl_write(&out, layer), 0);
	CHECK_INT(out.n, sizeof(known));
	CHECK_MEM(out.p, known, sizeof(known));

	CHECK_INT(read_buf(&read, &out), 0);
	init = tl_child(read, TL_invokeWithLayer_query);
	CHECK(tl_is(init, TL_initConnection));
	CHECK_INT(tl_int(init, TL_initConnection_api_id), 12345);
	CHECK(!tl_has(init, TL_initConnection_proxy));
	CHECK(tl_is(tl_child(init, TL_initConnection_query),
		    TL_help_getConfig));
}

/* -- strings -------------------------------------------------------------- */

static void string_check(size_t n, size_t head, size_t padding)
{
	uint8_t *text = malloc(n + 1);
	struct tl_obj *o = tl_new(&arena, TL_gzip_packed), *read = NULL;
	struct bytes got;

	memset(text, 'x', n + 1);
	buf_reset(&out);
	tl_set_bytes(o, TL_gzip_packed_packed_data, text, n);
	CHECK_INT(tl_write(&out, o), 0);
	CHECK_INT(out.n, 4 + head + n + padding);
	CHECK_INT(out.p[4], head == 1 ? n : 254);
	if (head == 4)
		CHECK_INT(le32_load(out.p + 4) >> 8, n);
	for (size_t i = 0; i < padding; i++)
		CHECK_INT(out.p[out.n - 1 - i], 0);
	CHECK_INT(read_buf(&read, &out), 0);
	got = tl_bytes(read, TL_gzip_packed_packed_data);
	CHECK(bytes_equal(got, bytes_of(text, n)));
	free(text);
}

static void test_tl_string_lengths_follow_the_rules(void)
{
	string_check(0, 1, 3);
	string_check(1, 1, 2);
	string_check(2, 1, 1);
	string_check(3, 1, 0);
	string_check(4, 1, 3);
	string_check(252, 1, 3);
	string_check(253, 1, 2);
	string_check(254, 4, 2);
	string_check(255, 4, 1);
	string_check(256, 4, 0);
	string_check(65535, 4, 1);
	string_check(65536, 4, 0);
	string_check(65537, 4, 3);
	string_check((1 << 24) - 1, 4, 1);
}

static void test_tl_string_too_long_is_refused(void)
{
	struct tl_obj *o = tl_new(&arena, TL_gzip_packed);
	uint8_t *text = calloc(1, 1 << 24);

	tl_set_bytes(o, TL_gzip_packed_packed_data, text, 1 << 24);
	CHECK_INT(tl_write(&out, o), -EINVAL);
	free(text);
}

static void test_tl_string_odd_forms(void)
{
	static const uint8_t long_form[] = {0xa1, 0xcf, 0x72, 0x30, 254, 3,
					    0,    0,    'a',  'b',  'c', 9};
	static const uint8_t no_form[] = {0xa1, 0xcf, 0x72, 0x30, 255, 0,
					  0,    0,    0,    0,    0,   0};
	struct tl_obj *o = NULL;

	CHECK_INT(read_bytes(&o, long_form, sizeof(long_form)), 0);
	CHECK(bytes_equal(tl_bytes(o, TL_gzip_packed_packed_data),
			  bytes_str("abc")));
	/* Without its padding the string is short. */
	o = NULL;
	CHECK_INT(read_bytes(&o, long_form, sizeof(long_form) - 1), -EBADMSG);
	CHECK_INT(read_bytes(&o, no_form, sizeof(no_form)), -EBADMSG);
	CHECK(!o);
}

/* -- flags ---------------------------------------------------------------- */

static void test_tl_flags_are_computed(void)
{
	static const uint8_t known[] = {
		0x0d, 0xa1, 0xb7, 0x18, 0x11, 0x04, 0, 0, 2, 0,    0,    0,
		1,    'h',  0,    0,    0xbb, 0x01, 0, 0, 2, 0xaa, 0xbb, 0};
	struct tl_obj *o = tl_new(&arena, TL_dcOption), *read = NULL;

	tl_set_true(o, TL_dcOption_ipv6);
	tl_set_true(o, TL_dcOption_static);
	tl_set_int(o, TL_dcOption_id, 2);
	tl_set_str(o, TL_dcOption_ip_address, "h");
	tl_set_int(o, TL_dcOption_port, 443);
	tl_set_bytes(o, TL_dcOption_secret, "\xaa\xbb", 2);
	CHECK_INT(tl_write(&out, o), 0);
	CHECK_INT(out.n, sizeof(known));
	CHECK_MEM(out.p, known, sizeof(known));
	CHECK_INT(read_buf(&read, &out), 0);
	CHECK_INT(tl_int(read, TL_dcOption_flags), 0x411);
	CHECK(tl_has(read, TL_dcOption_ipv6));
	CHECK(!tl_has(read, TL_dcOption_media_only));
	CHECK(tl_has(read, TL_dcOption_secret));
}

/* codeSettings: token and app_sandbox share flag 8. */
static void test_tl_flag_shared_by_fields_needs_all_of_them(void)
{
	struct tl_obj *o = tl_new(&arena, TL_codeSettings), *read = NULL;

	tl_set_str(o, TL_codeSettings_token, "t");
	CHECK_INT(tl_write(&out, o), -EINVAL);
	tl_set_bool(&arena, o, TL_codeSettings_app_sandbox, true);
	buf_reset(&out);
	CHECK_INT(tl_write(&out, o), 0);
	CHECK_INT(le32_load(out.p + 4), 0x100);
	CHECK_INT(read_buf(&read, &out), 0);
	CHECK(tl_bool(read, TL_codeSettings_app_sandbox));
}

/* The same object in a neighbouring layer: another id, one field fewer, one
 * more; nested ones too. */
static void test_tl_writes_in_the_spelling_of_a_layer(void)
{
	static const struct tl_spelling list[] = {
		{TL_peerUser, 0x11111111, 0, 0},
		{TL_contact, 0x22222222, TL_contact_mutual, TL_contact_user_id},
		{TL_updateShort, 0x33333333, 0, TL_updateShort_date},
	};
	struct tl_arena a;
	struct tl_obj *o, *u;
	struct buf b;

	tl_arena_init(&a);
	buf_init(&b);
	o = tl_new(&a, TL_contact);
	tl_set_long(o, TL_contact_user_id, 5);
	tl_set_bool(&a, o, TL_contact_mutual, true);
	CHECK_INT(tl_write_spelled(&b, o, list, 3), 0);
	CHECK_MEM(b.p, "\x22\x22\x22\x22\5\0\0\0\0\0\0\0\0\0\0\0", 16);
	CHECK_INT(b.n, 16);
	buf_reset(&b);
	u = tl_new(&a, TL_updateUserTyping);
	tl_set_long(u, TL_updateUserTyping_user_id, 5);
	tl_set_child(u, TL_updateUserTyping_action,
		     tl_new(&a, TL_sendMessageTypingAction));
	o = tl_new(&a, TL_updateShort);
	tl_set_child(o, TL_updateShort_update, u);
	tl_set_int(o, TL_updateShort_date, 7);
	CHECK_INT(tl_write(&b, o), 0);
	size_t plain = b.n;
	CHECK_INT(le32_load(b.p), tl_ctor_id(TL_updateShort));
	buf_reset(&b);
	CHECK_INT(tl_write_spelled(&b, o, list, 3), 0);
	CHECK_INT(b.n, plain + 4);
	CHECK_INT(le32_load(b.p), 0x33333333);
	CHECK_INT(le32_load(b.p + b.n - 8), 7);
	CHECK_INT(le32_load(b.p + b.n - 4), 0);
	buf_clear(&b);
	tl_arena_clear(&a);
}

int main(void)
{
	TL_RUN(test_tl_respq_is_read);
	TL_RUN(test_tl_respq_is_written);
	TL_RUN(test_tl_respq_is_refused_when_truncated);
	TL_RUN(test_tl_wrapped_query_has_known_bytes);
	TL_RUN(test_tl_string_lengths_follow_the_rules);
	TL_RUN(test_tl_string_too_long_is_refused);
	TL_RUN(test_tl_string_odd_forms);
	TL_RUN(test_tl_flags_are_computed);
	TL_RUN(test_tl_flag_shared_by_fields_needs_all_of_them);
	RUN(test_tl_writes_in_the_spelling_of_a_layer);
	return check_done();
}
