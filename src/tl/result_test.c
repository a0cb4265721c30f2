/* Bare types, and results of functions. */
#include "tl/fixture_test.h"

static void test_tl_future_salts_are_bare(void)
{
	static const uint8_t known[] = {0x95, 0x08, 0x50, 0xae, 1, 0, 0, 0, 0,
					0,    0,    0,    2,    0, 0, 0, 1, 0,
					0,    0,    3,    0,    0, 0, 4, 0, 0,
					0,    5,    0,    0,    0, 0, 0, 0, 0};
	struct tl_obj *o = NULL, *salt;

	CHECK_INT(read_bytes(&o, known, sizeof(known)), 0);
	salt = tl_item(o, TL_future_salts_salts, 0);
	CHECK_INT(tl_int(salt, TL_future_salt_valid_until), 4);
	CHECK_INT(tl_long(salt, TL_future_salt_salt), 5);
	CHECK_INT(tl_write(&out, o), 0);
	CHECK_INT(out.n, sizeof(known));
	CHECK_MEM(out.p, known, sizeof(known));
}

static void test_tl_container_holds_bare_messages(void)
{
	struct tl_obj *o = tl_new(&arena, TL_msg_container), *read = NULL;
	struct tl_obj *m = tl_new(&arena, TL_mt_message);
	struct tl_obj *pong = tl_new(&arena, TL_pong);

	tl_set_long(pong, TL_pong_msg_id, 1);
	tl_set_long(pong, TL_pong_ping_id, 2);
	tl_set_long(m, TL_mt_message_msg_id, 3);
	tl_set_int(m, TL_mt_message_seqno, 4);
	tl_set_int(m, TL_mt_message_bytes, 20);
	tl_set_child(m, TL_mt_message_body, pong);
	CHECK_INT(tl_set_vector(&arena, o, TL_msg_container_messages, 1), 0);
	tl_put_obj(o, TL_msg_container_messages, 0, m);
	CHECK_INT(tl_write(&out, o), 0);
	CHECK_INT(out.n, 4 + 4 + 8 + 4 + 4 + 20);
	CHECK_INT(read_buf(&read, &out), 0);
	m = tl_item(read, TL_msg_container_messages, 0);
	CHECK_INT(tl_long(tl_child(m, TL_mt_message_body), TL_pong_ping_id), 2);
}

static void test_tl_result_vector_of_objects(void)
{
	struct tl_obj *users[2], *o = NULL;

	for (int i = 0; i < 2; i++) {
		users[i] = tl_new(&arena, TL_userEmpty);
		tl_set_long(users[i], TL_userEmpty_id, 40 + i);
	}
	CHECK_INT(tl_write_vector(&out, users, 2), 0);
	CHECK_INT(read_result(&o, &out, TL_users_getUsers), 0);
	CHECK(tl_is(o, TL_vector));
	CHECK_INT(tl_count(o, TL_vector_items), 2);
	CHECK_INT(tl_count(o, 0), 2);
	CHECK_INT(tl_long(tl_item(o, 0, 1), TL_userEmpty_id), 41);

	/* An item of another type, and a result that is no vector. */
	o = NULL;
	CHECK_INT(read_result(&o, &out, TL_contacts_getStatuses), -EBADMSG);
	CHECK_INT(read_result(&o, &out, TL_help_getConfig), -EBADMSG);
	CHECK_INT(read_result(&o, &out, TL_user), -EINVAL);
	CHECK(!o);
}

static void test_tl_result_vector_of_numbers(void)
{
	static const uint8_t ints[] = {0x15, 0xc4, 0xb5, 0x1c, 2, 0,
				       0,    0,    1,    0,    0, 0,
				       0xff, 0xff, 0xff, 0xff};
	const int64_t longs[] = {INT64_MIN, 7};
	struct buf in = {.p = (uint8_t *)(uintptr_t)ints, .n = sizeof(ints)};
	struct tl_obj *o = NULL;

	CHECK_INT(read_result(&o, &in, TL_contacts_getContactIDs), 0);
	CHECK_INT(tl_count(o, TL_vector_items), 2);
	CHECK_INT(tl_item_long(o, TL_vector_items, 1), -1);
	CHECK_INT(tl_write(&out, o), 0);
	CHECK_INT(out.n, sizeof(ints));
	CHECK_MEM(out.p, ints, sizeof(ints));

	buf_reset(&out);
	CHECK_INT(tl_write_vector_long(&out, longs, 2), 0);
	CHECK_INT(out.n, 8 + 16);
	CHECK_INT(read_result(&o, &out, TL_users_getUsers), -ENOENT);
	CHECK_INT(read_result(&o, &out, TL_messages_receivedQueue), 0);
	CHECK_INT(tl_count(o, TL_vector_items), 2);
	CHECK(tl_item_long(o, TL_vector_items, 0) == INT64_MIN);
	o = tl_new(&arena, TL_vector);
	CHECK_INT(tl_set_vector(&arena, o, TL_vector_items, 2), 0);
	tl_put_long(o, TL_vector_items, 0, longs[0]);
	tl_put_long(o, TL_vector_items, 1, longs[1]);
	in = out;
	buf_init(&out);
	CHECK_INT(tl_write(&out, o), 0);
	CHECK(bytes_equal(buf_bytes(&in), buf_bytes(&out)));
	buf_clear(&in);
}

static void test_tl_result_bool(void)
{
	struct tl_obj *o = NULL;

	buf_le32(&out, 0x997275b5);
	CHECK_INT(read_result(&o, &out, TL_account_updateStatus), 0);
	CHECK(tl_is(o, TL_boolTrue));
	buf_reset(&out);
	buf_le32(&out, 0xbc799737);
	CHECK_INT(read_result(&o, &out, TL_account_updateStatus), 0);
	CHECK(tl_is(o, TL_boolFalse));
	buf_reset(&out);
	buf_le32(&out, 0x3fedd339); /* true, which is no Bool */
	CHECK_INT(read_result(&o, &out, TL_account_updateStatus), -EBADMSG);
}

static void test_tl_result_of_wrapper_is_any_object(void)
{
	struct tl_obj *o = NULL;

	buf_le32(&out, 0x997275b5);
	CHECK_INT(read_result(&o, &out, TL_invokeWithLayer), 0);
	CHECK(tl_is(o, TL_boolTrue));
}

static void test_tl_object_may_be_a_vector_of_objects(void)
{
	struct tl_obj *user = tl_new(&arena, TL_userEmpty), *o = NULL;

	tl_set_long(user, TL_userEmpty_id, 9);
	buf_le32(&out, tl_ctor_id(TL_rpc_result));
	buf_le64(&out, 1);
	CHECK_INT(tl_write_vector(&out, &user, 1), 0);
	CHECK_INT(read_buf(&o, &out), 0);
	o = tl_child(o, TL_rpc_result_result);
	CHECK_INT(tl_long(tl_item(o, TL_vector_items, 0), TL_userEmpty_id), 9);
}

int main(void)
{
	TL_RUN(test_tl_future_salts_are_bare);
	TL_RUN(test_tl_container_holds_bare_messages);
	TL_RUN(test_tl_result_vector_of_objects);
	TL_RUN(test_tl_result_vector_of_numbers);
	TL_RUN(test_tl_result_bool);
	TL_RUN(test_tl_result_of_wrapper_is_any_object);
	TL_RUN(test_tl_object_may_be_a_vector_of_objects);
	return check_done();
}
