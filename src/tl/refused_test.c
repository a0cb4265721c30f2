/* What readers and setters refuse. */
#include "tl/fixture_test.h"

/* -- misuse --------------------------------------------------------------- */

static void test_tl_field_of_another_constructor_is_refused(void)
{
	struct tl_obj *o = tl_new(&arena, TL_peerUser);

	tl_set_long(o, TL_peerUser_user_id, 7);
	CHECK_INT(tl_long(o, TL_peerUser_user_id), 7);
	CHECK_INT(tl_long(o, 0), 7);
	CHECK_INT(tl_long(o, TL_peerChat_chat_id), 0);
	CHECK_INT(tl_int(o, TL_peerUser_user_id), 0);
	CHECK_INT(tl_long(o, 1), 0);
	CHECK_INT(tl_long(o, -1), 0);
	CHECK_INT(tl_long(NULL, TL_peerUser_user_id), 0);
	CHECK_INT(tl_write(&out, o), 0);
	tl_set_long(o, TL_peerChat_chat_id, 8);
	CHECK_INT(tl_write(&out, o), -EINVAL);
}

static void test_tl_setter_of_another_kind_is_refused(void)
{
	struct tl_obj *o = tl_new(&arena, TL_peerUser);

	tl_set_long(o, TL_peerUser_user_id, 7);
	tl_set_int(o, TL_peerUser_user_id, 7);
	CHECK_INT(tl_write(&out, o), -EINVAL);
}

static void test_tl_unset_field_is_refused(void)
{
	struct tl_obj *o = tl_new(&arena, TL_peerUser);

	CHECK_INT(tl_write(&out, o), -EINVAL);
	CHECK_INT(tl_write(&out, NULL), -EINVAL);
}

static void test_tl_child_of_another_type_is_refused(void)
{
	struct tl_obj *o = tl_new(&arena, TL_updateShort);

	tl_set_int(o, TL_updateShort_date, 1);
	tl_set_child(o, TL_updateShort_update, tl_new(&arena, TL_userEmpty));
	CHECK_INT(tl_write(&out, o), -EINVAL);
	tl_set_child(o, TL_updateShort_update, NULL);
	CHECK_INT(tl_write(&out, o), -EINVAL);
	tl_set_child(o, TL_updateShort_update, tl_new(&arena, TL_updateConfig));
	buf_reset(&out);
	CHECK_INT(tl_write(&out, o), 0);
}

static void test_tl_vector_item_out_of_range_is_refused(void)
{
	struct tl_obj *o = tl_new(&arena, TL_msgs_ack);

	CHECK_INT(tl_set_vector(&arena, o, TL_msgs_ack_msg_ids, 2), 0);
	tl_put_long(o, TL_msgs_ack_msg_ids, 0, 1);
	CHECK_INT(tl_write(&out, o), -EINVAL);
	tl_put_long(o, TL_msgs_ack_msg_ids, 1, 1);
	buf_reset(&out);
	CHECK_INT(tl_write(&out, o), 0);
	tl_put_long(o, TL_msgs_ack_msg_ids, 2, 1);
	CHECK_INT(tl_write(&out, o), -EINVAL);
}

static void test_tl_vector_item_too_big_is_refused(void)
{
	struct tl_obj *o = tl_new(&arena, TL_messages_getMessagesViews);
	int ids = TL_messages_getMessagesViews_id;

	tl_set_child(o, TL_messages_getMessagesViews_peer,
		     tl_new(&arena, TL_inputPeerSelf));
	tl_set_bool(&arena, o, TL_messages_getMessagesViews_increment, false);
	CHECK_INT(tl_set_vector(&arena, o, ids, 1), 0);
	tl_put_long(o, ids, 0, INT32_MIN);
	CHECK_INT(tl_write(&out, o), 0);
	CHECK_INT(tl_item_long(o, ids, 0), INT32_MIN);
	tl_put_long(o, ids, 0, INT64_C(1) << 31);
	CHECK_INT(tl_write(&out, o), -EINVAL);
}

/* -- bombs ---------------------------------------------------------------- */

static void test_tl_unknown_id_is_refused(void)
{
	static const uint8_t bad[] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct tl_obj *o = NULL;
	enum tl_ctor_no no = TL_user;
	struct rd r;

	rd_init(&r, bad, sizeof(bad));
	CHECK_INT(tl_read(&o, &arena, &r), -ENOENT);
	CHECK(r.bad && !o);
	CHECK_INT(tl_ctor_by_id(&no, 0x04030201), -ENOENT);
	CHECK_INT(no, TL_user);
	/* Inside an object, too: the rest cannot be read. */
	buf_le32(&out, tl_ctor_id(TL_updateShort));
	buf_put(&out, bad, sizeof(bad));
	CHECK_INT(read_buf(&o, &out), -ENOENT);
}

static void wrappers_put(int count)
{
	for (int i = 0; i < count; i++)
		buf_le32(&out, tl_ctor_id(TL_invokeWithoutUpdates));
	buf_le32(&out, tl_ctor_id(TL_help_getConfig));
}

static void test_tl_depth_is_limited(void)
{
	struct tl_obj *o = NULL, *outer;

	wrappers_put(63);
	CHECK_INT(read_buf(&o, &out), 0);
	buf_reset(&out);
	CHECK_INT(tl_write(&out, o), 0);
	outer = tl_new(&arena, TL_invokeWithoutUpdates);
	tl_set_child(outer, TL_invokeWithoutUpdates_query, o);
	CHECK_INT(tl_write(&out, outer), -EINVAL);
	/* An object that holds itself ends as well. */
	tl_set_child(outer, TL_invokeWithoutUpdates_query, outer);
	CHECK_INT(tl_write(&out, outer), -EINVAL);

	o = NULL;
	buf_reset(&out);
	wrappers_put(64);
	CHECK_INT(read_buf(&o, &out), -EBADMSG);
	buf_reset(&out);
	wrappers_put(1000000);
	CHECK_INT(read_buf(&o, &out), -EBADMSG);
	CHECK(!o);
}

static void test_tl_vector_length_is_bounded_by_the_input(void)
{
	static const uint32_t counts[] = {3, 0x10000, 0x7fffffff, 0xffffffff};
	struct tl_obj *o = NULL;
	size_t used;

	for (size_t i = 0; i < 4; i++) {
		buf_reset(&out);
		buf_le32(&out, tl_ctor_id(TL_msgs_ack));
		buf_le32(&out, tl_ctor_id(TL_vector));
		buf_le32(&out, counts[i]);
		buf_fill(&out, 0, 16);
		used = arena.used_bytes;
		CHECK_INT(read_buf(&o, &out), -EBADMSG);
		CHECK(arena.used_bytes - used < 256);
	}
	le32_store(out.p + 8, 2);
	CHECK_INT(read_buf(&o, &out), 0);
	le32_store(out.p + 4, 0x1cb5c416);
	CHECK_INT(read_buf(&o, &out), -EBADMSG);
}

static void test_tl_arena_limit_stops_reading(void)
{
	struct tl_obj *o = NULL;

	buf_le32(&out, tl_ctor_id(TL_msgs_ack));
	buf_le32(&out, tl_ctor_id(TL_vector));
	buf_le32(&out, 1000);
	buf_fill(&out, 0, 8000);
	arena.limit_bytes = 8000;
	CHECK_INT(read_buf(&o, &out), -EMSGSIZE);
	CHECK(!o);
	CHECK(!tl_arena_alloc(&arena, 8001));
	CHECK(!tl_arena_alloc(&arena, SIZE_MAX));
	arena.limit_bytes = 32000;
	CHECK_INT(read_buf(&o, &out), 0);
	arena.limit_bytes = arena.used_bytes;
	CHECK(!tl_new(&arena, TL_user));
	CHECK_INT(tl_set_vector(&arena, o, TL_msgs_ack_msg_ids, 1), -EMSGSIZE);
	CHECK_INT(tl_write(&out, o), -EINVAL);
}

int main(void)
{
	TL_RUN(test_tl_field_of_another_constructor_is_refused);
	TL_RUN(test_tl_setter_of_another_kind_is_refused);
	TL_RUN(test_tl_unset_field_is_refused);
	TL_RUN(test_tl_child_of_another_type_is_refused);
	TL_RUN(test_tl_vector_item_out_of_range_is_refused);
	TL_RUN(test_tl_vector_item_too_big_is_refused);
	TL_RUN(test_tl_unknown_id_is_refused);
	TL_RUN(test_tl_depth_is_limited);
	TL_RUN(test_tl_vector_length_is_bounded_by_the_input);
	TL_RUN(test_tl_arena_limit_stops_reading);
	return check_done();
}
