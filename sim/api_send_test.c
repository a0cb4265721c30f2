/* Sending, editing and deleting: both boxes, what is told, what is refused. */
#include "sim/send.h"
#include "sim/world_test.h"

static struct fixture x;

static void open_two(void)
{
	fixture_open(&x);
	fake_login(&x.a, "9990000001");
	fake_login(&x.b, "9990000002");
}

static struct tl_obj *send_query(const char *text)
{
	static int64_t random_id = 100;
	struct tl_obj *q = fake_new(&x.a, TL_messages_sendMessage);

	tl_set_child(q, TL_messages_sendMessage_peer, fake_peer(&x.a, 1, 2));
	tl_set_str(q, TL_messages_sendMessage_message, text);
	tl_set_long(q, TL_messages_sendMessage_random_id, ++random_id);
	return q;
}

static void ask_send(const char *text)
{
	fake_ask(&x.a, send_query(text));
}

static struct tl_obj *edit_query(struct fake *f, int64_t me, int64_t peer,
				 int32_t id, const char *text)
{
	struct tl_obj *q = fake_new(f, TL_messages_editMessage);

	tl_set_child(q, TL_messages_editMessage_peer, fake_peer(f, me, peer));
	tl_set_int(q, TL_messages_editMessage_id, id);
	if (text)
		tl_set_str(q, TL_messages_editMessage_message, text);
	return q;
}

static struct tl_obj *bold(struct fake *f, int32_t offset, int32_t length)
{
	struct tl_obj *o = fake_new(f, TL_messageEntityBold);

	tl_set_int(o, TL_messageEntityBold_offset, offset);
	tl_set_int(o, TL_messageEntityBold_length, length);
	return o;
}

static void ask_send_bold(const char *text, int32_t offset, int32_t length)
{
	struct tl_obj *q = send_query(text);

	tl_set_vector(&x.a.arena, q, TL_messages_sendMessage_entities, 1);
	tl_put_obj(q, TL_messages_sendMessage_entities, 0,
		   bold(&x.a, offset, length));
	fake_ask(&x.a, q);
}

static struct tl_obj *told(struct fake *f, enum tl_ctor_no no)
{
	return tl_is(fake_update(f, f->pushes - 1), no)
		       ? fake_update(f, f->pushes - 1)
		       : NULL;
}

static void test_sim_send_text_limits(void)
{
	char text[4 * 2049 + 1];

	open_two();
	/* 2048 characters of two units each are 4096. */
	for (int i = 0; i < 2049; i++)
		memcpy(text + 4 * i, "\xf0\x9f\x99\x82", 5);
	ask_send(text + 4);
	CHECK_INT(x.a.code, 0);
	ask_send(text);
	CHECK_STR(x.a.text, "MESSAGE_TOO_LONG");
	ask_send("\xff");
	CHECK_STR(x.a.text, "INPUT_FETCH_ERROR");
	fixture_close(&x);
}

static void test_sim_send_entities_reach_the_other_side(void)
{
	struct tl_obj *m, *e;

	open_two();
	ask_send_bold("a \xf0\x9f\x99\x82 b", 2, 2);
	m = tl_child(told(&x.b, TL_updateNewMessage),
		     TL_updateNewMessage_message);
	CHECK_INT(tl_count(m, TL_message_entities), 1);
	e = tl_item(m, TL_message_entities, 0);
	CHECK(tl_is(e, TL_messageEntityBold));
	CHECK_INT(tl_int(e, TL_messageEntityBold_offset), 2);
	/* The text has six units. */
	ask_send_bold("a \xf0\x9f\x99\x82 b", 4, 2);
	CHECK_INT(x.a.code, 0);
	ask_send_bold("a \xf0\x9f\x99\x82 b", 4, 3);
	CHECK_STR(x.a.text, "ENTITY_BOUNDS_INVALID");
	ask_send_bold("a", -1, 1);
	CHECK_STR(x.a.text, "ENTITY_BOUNDS_INVALID");
	ask_send_bold("a", 0, 0);
	CHECK_STR(x.a.text, "ENTITY_BOUNDS_INVALID");
	fixture_close(&x);
}

static void test_sim_edit_changes_both_boxes(void)
{
	struct sim_account *b;
	struct tl_obj *u;

	open_two();
	b = sim_world_account(x.w, 2);
	ask_send("before");
	fake_ask(&x.a, edit_query(&x.a, 1, 2, 1, "after"));
	CHECK(tl_is(tl_item(x.a.answer, TL_updates_updates, 0),
		    TL_updateEditMessage));
	u = told(&x.b, TL_updateEditMessage);
	CHECK_INT(tl_int(u, TL_updateEditMessage_pts), 3);
	u = tl_child(u, TL_updateEditMessage_message);
	CHECK(bytes_equal(tl_bytes(u, TL_message_message), bytes_str("after")));
	CHECK_INT(tl_int(u, TL_message_edit_date), 1700000000);
	CHECK_STR(b->messages[0].text, "after");
	fixture_restart(&x);
	b = sim_world_account(x.w, 2);
	CHECK_STR(b->messages[0].text, "after");
	CHECK_INT(b->messages[0].edited, 1700000000);
	CHECK_INT(b->messages[0].twin, 1);
	fixture_close(&x);
}

static void test_sim_edit_refusals(void)
{
	open_two();
	ask_send("same");
	fake_ask(&x.a, edit_query(&x.a, 1, 2, 1, "same"));
	CHECK_STR(x.a.text, "MESSAGE_NOT_MODIFIED");
	fake_ask(&x.a, edit_query(&x.a, 1, 2, 1, ""));
	CHECK_STR(x.a.text, "MESSAGE_EMPTY");
	fake_ask(&x.a, edit_query(&x.a, 1, 2, 2, "x"));
	CHECK_STR(x.a.text, "MESSAGE_ID_INVALID");
	fake_ask(&x.a, edit_query(&x.a, 1, 3, 1, "x"));
	CHECK_STR(x.a.text, "MESSAGE_ID_INVALID");
	fake_ask(&x.b, edit_query(&x.b, 2, 1, 1, "x"));
	CHECK_STR(x.b.text, "MESSAGE_AUTHOR_REQUIRED");
	CHECK_INT(x.b.code, 403);
	fixture_pass(&x, 48 * 3600 * 1000 + 1000);
	fake_ask(&x.a, edit_query(&x.a, 1, 2, 1, "late"));
	CHECK_STR(x.a.text, "MESSAGE_EDIT_TIME_EXPIRED");
	fixture_close(&x);
}

static void ask_delete(struct fake *f, int32_t id, bool revoke)
{
	struct tl_obj *q = fake_new(f, TL_messages_deleteMessages);

	if (revoke)
		tl_set_true(q, TL_messages_deleteMessages_revoke);
	tl_set_vector(&f->arena, q, TL_messages_deleteMessages_id, id ? 1 : 0);
	if (id)
		tl_put_long(q, TL_messages_deleteMessages_id, 0, id);
	fake_ask(f, q);
}

static void test_sim_delete_for_both_or_one(void)
{
	struct sim_account *b;
	struct tl_obj *u;

	open_two();
	b = sim_world_account(x.w, 2);
	ask_send("one");
	ask_send("two");
	ask_delete(&x.a, 1, true);
	CHECK_INT(tl_int(x.a.answer, TL_messages_affectedMessages_pts), 4);
	CHECK_INT(tl_int(x.a.answer, TL_messages_affectedMessages_pts_count),
		  1);
	u = told(&x.b, TL_updateDeleteMessages);
	CHECK_INT(tl_item_long(u, TL_updateDeleteMessages_messages, 0), 1);
	CHECK_INT(tl_int(u, TL_updateDeleteMessages_pts), 4);
	CHECK_INT(b->message_count, 1);
	ask_delete(&x.a, 2, false);
	CHECK_INT(b->message_count, 1);
	/* What is not there is left out. */
	ask_delete(&x.a, 2, true);
	CHECK_INT(tl_int(x.a.answer, TL_messages_affectedMessages_pts_count),
		  0);
	CHECK_INT(b->message_count, 1);
	ask_delete(&x.a, 0, true);
	CHECK_STR(x.a.text, "MESSAGE_IDS_EMPTY");
	fixture_close(&x);
}

/* Ids of deleted messages are not used again, also after a restart. */
static void test_sim_difference_tells_edits_and_deletions(void)
{
	struct tl_obj *q;

	open_two();
	ask_send("one");
	ask_send("two");
	fake_ask(&x.a, edit_query(&x.a, 1, 2, 1, "One"));
	ask_delete(&x.a, 2, true);
	fixture_restart(&x);
	CHECK_INT(sim_world_account(x.w, 2)->last_message_id, 2);
	q = fake_new(&x.b, TL_updates_getDifference);
	tl_set_int(q, TL_updates_getDifference_pts, 1);
	tl_set_int(q, TL_updates_getDifference_date, 1);
	tl_set_int(q, TL_updates_getDifference_qts, 0);
	fake_ask(&x.b, q);
	CHECK_INT(tl_count(x.b.answer, TL_updates_difference_new_messages), 1);
	CHECK_INT(tl_count(x.b.answer, TL_updates_difference_other_updates), 2);
	CHECK(tl_is(tl_item(x.b.answer, TL_updates_difference_other_updates, 0),
		    TL_updateEditMessage));
	CHECK(tl_is(tl_item(x.b.answer, TL_updates_difference_other_updates, 1),
		    TL_updateDeleteMessages));
	CHECK_INT(tl_int(tl_child(x.b.answer, TL_updates_difference_state),
			 TL_updates_state_pts),
		  5);
	fixture_close(&x);
}

static struct tl_obj *keyboard(struct fake *f, const char *text,
			       struct bytes data)
{
	struct tl_obj *o = fake_new(f, TL_replyInlineMarkup);
	struct tl_obj *row = fake_new(f, TL_keyboardButtonRow);
	struct tl_obj *button = fake_new(f, TL_keyboardButtonCallback);

	tl_set_str(button, TL_keyboardButtonCallback_text, text);
	tl_set_bytes(button, TL_keyboardButtonCallback_data, data.p, data.n);
	tl_set_vector(&f->arena, row, TL_keyboardButtonRow_buttons, 1);
	tl_put_obj(row, TL_keyboardButtonRow_buttons, 0, button);
	tl_set_vector(&f->arena, o, TL_replyInlineMarkup_rows, 1);
	tl_put_obj(o, TL_replyInlineMarkup_rows, 0, row);
	return o;
}

static void ask_send_keyboard(const char *text, struct bytes data)
{
	struct tl_obj *q = send_query("choose");

	tl_set_child(q, TL_messages_sendMessage_reply_markup,
		     keyboard(&x.a, text, data));
	fake_ask(&x.a, q);
}

static void test_sim_keyboards_are_for_bots_and_limited(void)
{
	static const uint8_t data[65];
	struct tl_obj *m;

	open_two();
	ask_send_keyboard("1", bytes_of(data, 1));
	CHECK_STR(x.a.text, "REPLY_MARKUP_INVALID");
	strcpy(sim_world_account(x.w, 1)->bot_token, "1:token");
	ask_send_keyboard("1", bytes_of(data, 64));
	CHECK_INT(x.a.code, 0);
	m = tl_child(told(&x.b, TL_updateNewMessage),
		     TL_updateNewMessage_message);
	CHECK(tl_is(tl_child(m, TL_message_reply_markup),
		    TL_replyInlineMarkup));
	ask_send_keyboard("1", bytes_of(data, 65));
	CHECK_STR(x.a.text, "BUTTON_DATA_INVALID");
	ask_send_keyboard("1", bytes_of(data, 0));
	CHECK_STR(x.a.text, "BUTTON_DATA_INVALID");
	ask_send_keyboard("", bytes_of(data, 1));
	CHECK_STR(x.a.text, "BUTTON_TEXT_INVALID");
	/* An edit that names no keyboard takes it away; the text stays. */
	fake_ask(&x.a, edit_query(&x.a, 1, 2, 1, NULL));
	m = tl_child(told(&x.b, TL_updateEditMessage),
		     TL_updateEditMessage_message);
	CHECK(!tl_has(m, TL_message_reply_markup));
	CHECK(bytes_equal(tl_bytes(m, TL_message_message),
			  bytes_str("choose")));
	fixture_close(&x);
}

static void test_sim_reply_is_found_on_the_other_side(void)
{
	struct tl_obj *q, *reply, *m;

	open_two();
	ask_send("question");
	q = send_query("answer");
	reply = fake_new(&x.a, TL_inputReplyToMessage);
	tl_set_int(reply, TL_inputReplyToMessage_reply_to_msg_id, 1);
	tl_set_child(q, TL_messages_sendMessage_reply_to, reply);
	fake_ask(&x.a, q);
	m = tl_child(told(&x.b, TL_updateNewMessage),
		     TL_updateNewMessage_message);
	CHECK_INT(tl_int(tl_child(m, TL_message_reply_to),
			 TL_messageReplyHeader_reply_to_msg_id),
		  1);
	tl_set_int(reply, TL_inputReplyToMessage_reply_to_msg_id, 9);
	tl_set_long(q, TL_messages_sendMessage_random_id, 7);
	fake_ask(&x.a, q);
	CHECK_STR(x.a.text, "REPLY_MESSAGE_ID_INVALID");
	fixture_close(&x);
}

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_sim_send_text_limits);
	RUN(test_sim_send_entities_reach_the_other_side);
	RUN(test_sim_edit_changes_both_boxes);
	RUN(test_sim_edit_refusals);
	RUN(test_sim_delete_for_both_or_one);
	RUN(test_sim_difference_tells_edits_and_deletions);
	RUN(test_sim_keyboards_are_for_bots_and_limited);
	RUN(test_sim_reply_is_found_on_the_other_side);
	return check_done();
}
