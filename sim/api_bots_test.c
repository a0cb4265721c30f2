/* Buttons and inline queries: 1 is a user, 2 another one, 3 the bot. */
#include "sim/query.h"
#include "sim/world_test.h"

static struct fixture x;

static struct tl_obj *keyboard(struct fake *f)
{
	struct tl_obj *o = fake_new(f, TL_replyInlineMarkup);
	struct tl_obj *row = fake_new(f, TL_keyboardButtonRow);
	struct tl_obj *button = fake_new(f, TL_keyboardButtonCallback);

	tl_set_str(button, TL_keyboardButtonCallback_text, "Five");
	tl_set_bytes(button, TL_keyboardButtonCallback_data, "5", 1);
	tl_set_vector(&f->arena, row, TL_keyboardButtonRow_buttons, 1);
	tl_put_obj(row, TL_keyboardButtonRow_buttons, 0, button);
	tl_set_vector(&f->arena, o, TL_replyInlineMarkup_rows, 1);
	tl_put_obj(o, TL_replyInlineMarkup_rows, 0, row);
	return o;
}

static void open_bot(void)
{
	struct sim_account *bot;

	fixture_open(&x);
	fake_login(&x.a, "9990000001");
	fake_login(&x.b, "9990000002");
	fake_login(&x.c, "9990000003");
	bot = sim_world_account(x.w, 3);
	strcpy(bot->bot_token, "3:token");
	strcpy(bot->inline_hint, "digits");
}

static struct tl_obj *heard(struct fake *f, enum tl_ctor_no no)
{
	struct tl_obj *u = fake_update(f, f->pushes - 1);

	return tl_is(u, no) ? u : NULL;
}

static void bot_sends(void)
{
	struct tl_obj *q = fake_new(&x.c, TL_messages_sendMessage);

	tl_set_child(q, TL_messages_sendMessage_peer, fake_peer(&x.c, 3, 1));
	tl_set_str(q, TL_messages_sendMessage_message, "press");
	tl_set_long(q, TL_messages_sendMessage_random_id, 1);
	tl_set_child(q, TL_messages_sendMessage_reply_markup, keyboard(&x.c));
	fake_ask(&x.c, q);
}

static void ask_press(struct fake *f, int64_t me, int64_t peer, int32_t id,
		      const char *data)
{
	struct tl_obj *q = fake_new(f, TL_messages_getBotCallbackAnswer);

	tl_set_child(q, TL_messages_getBotCallbackAnswer_peer,
		     fake_peer(f, me, peer));
	tl_set_int(q, TL_messages_getBotCallbackAnswer_msg_id, id);
	tl_set_str(q, TL_messages_getBotCallbackAnswer_data, data);
	fake_ask(f, q);
}

static void ask_answer(struct fake *f, int64_t id, const char *text)
{
	struct tl_obj *q = fake_new(f, TL_messages_setBotCallbackAnswer);

	tl_set_long(q, TL_messages_setBotCallbackAnswer_query_id, id);
	tl_set_str(q, TL_messages_setBotCallbackAnswer_message, text);
	tl_set_int(q, TL_messages_setBotCallbackAnswer_cache_time, 0);
	fake_ask(f, q);
}

static void test_sim_button_is_pressed_and_answered(void)
{
	struct tl_obj *u;

	open_bot();
	bot_sends();
	ask_press(&x.a, 1, 3, 1, "5");
	CHECK(!x.a.answer && !x.a.code);
	u = heard(&x.c, TL_updateBotCallbackQuery);
	CHECK_INT(tl_long(u, TL_updateBotCallbackQuery_user_id), 1);
	CHECK_INT(tl_int(u, TL_updateBotCallbackQuery_msg_id), 1);
	CHECK(bytes_equal(tl_bytes(u, TL_updateBotCallbackQuery_data),
			  bytes_str("5")));
	ask_answer(&x.a, tl_long(u, TL_updateBotCallbackQuery_query_id), "x");
	CHECK_STR(x.a.text, "USER_BOT_REQUIRED");
	x.a.msg_id--;
	x.a.fn = TL_messages_getBotCallbackAnswer;
	ask_answer(&x.c, tl_long(u, TL_updateBotCallbackQuery_query_id),
		   "five");
	CHECK(tl_is(x.c.answer, TL_boolTrue));
	CHECK(bytes_equal(
		tl_bytes(x.a.answer, TL_messages_botCallbackAnswer_message),
		bytes_str("five")));
	ask_answer(&x.c, tl_long(u, TL_updateBotCallbackQuery_query_id),
		   "again");
	CHECK_STR(x.c.text, "QUERY_ID_INVALID");
	fixture_close(&x);
}

static void test_sim_button_refusals(void)
{
	struct tl_obj *u;

	open_bot();
	bot_sends();
	ask_press(&x.a, 1, 3, 1, "6");
	CHECK_STR(x.a.text, "DATA_INVALID");
	ask_press(&x.a, 1, 3, 2, "5");
	CHECK_STR(x.a.text, "MESSAGE_ID_INVALID");
	ask_press(&x.c, 3, 1, 1, "5");
	CHECK_STR(x.c.text, "BOT_METHOD_INVALID");
	ask_press(&x.a, 1, 3, 1, "5");
	u = heard(&x.c, TL_updateBotCallbackQuery);
	CHECK_INT(sim_world_deadline(x.w), x.w->now + SIM_QUERY_TIME);
	fixture_pass(&x, 7999);
	CHECK_INT(x.a.code, 0);
	fixture_pass(&x, 1);
	CHECK_STR(x.a.text, "BOT_RESPONSE_TIMEOUT");
	ask_answer(&x.c, tl_long(u, TL_updateBotCallbackQuery_query_id), "x");
	CHECK_STR(x.c.text, "QUERY_ID_INVALID");
	fixture_close(&x);
}

/* -- inline ---------------------------------------------------------------- */

static void ask_inline(const char *text)
{
	struct tl_obj *q = fake_new(&x.a, TL_messages_getInlineBotResults);

	tl_set_child(q, TL_messages_getInlineBotResults_bot,
		     fake_user(&x.a, 1, 3));
	tl_set_child(q, TL_messages_getInlineBotResults_peer,
		     fake_peer(&x.a, 1, 2));
	tl_set_str(q, TL_messages_getInlineBotResults_query, text);
	tl_set_str(q, TL_messages_getInlineBotResults_offset, "");
	fake_ask(&x.a, q);
}

static struct tl_obj *result(const char *id, const char *title)
{
	struct tl_obj *o = fake_new(&x.c, TL_inputBotInlineResult);
	struct tl_obj *text = fake_new(&x.c, TL_inputBotInlineMessageText);

	tl_set_str(text, TL_inputBotInlineMessageText_message, "keypad");
	tl_set_child(text, TL_inputBotInlineMessageText_reply_markup,
		     keyboard(&x.c));
	tl_set_str(o, TL_inputBotInlineResult_id, id);
	tl_set_str(o, TL_inputBotInlineResult_type, "article");
	if (title)
		tl_set_str(o, TL_inputBotInlineResult_title, title);
	tl_set_child(o, TL_inputBotInlineResult_send_message, text);
	return o;
}

static void ask_results(int64_t id, struct tl_obj *first, struct tl_obj *second)
{
	struct tl_obj *q = fake_new(&x.c, TL_messages_setInlineBotResults);
	int field = TL_messages_setInlineBotResults_results;

	tl_set_long(q, TL_messages_setInlineBotResults_query_id, id);
	tl_set_vector(&x.c.arena, q, field, second ? 2 : 1);
	tl_put_obj(q, field, 0, first);
	if (second)
		tl_put_obj(q, field, 1, second);
	tl_set_int(q, TL_messages_setInlineBotResults_cache_time, 0);
	fake_ask(&x.c, q);
}

static void ask_send_result(int64_t query, const char *id, int64_t random_id)
{
	struct tl_obj *q = fake_new(&x.a, TL_messages_sendInlineBotResult);

	tl_set_child(q, TL_messages_sendInlineBotResult_peer,
		     fake_peer(&x.a, 1, 2));
	tl_set_long(q, TL_messages_sendInlineBotResult_random_id, random_id);
	tl_set_long(q, TL_messages_sendInlineBotResult_query_id, query);
	tl_set_str(q, TL_messages_sendInlineBotResult_id, id);
	fake_ask(&x.a, q);
}

/* The number of the query that the bot has been asked. */
static int64_t asked(const char *text)
{
	ask_inline(text);
	return tl_long(heard(&x.c, TL_updateBotInlineQuery),
		       TL_updateBotInlineQuery_query_id);
}

static void test_sim_inline_results_are_sent(void)
{
	struct tl_obj *u, *m;
	int64_t id;

	open_bot();
	id = asked("call 1");
	u = heard(&x.c, TL_updateBotInlineQuery);
	CHECK(bytes_equal(tl_bytes(u, TL_updateBotInlineQuery_query),
			  bytes_str("call 1")));
	ask_results(id, result("k", "Keypad"), NULL);
	CHECK(tl_is(x.c.answer, TL_boolTrue));
	CHECK(tl_is(x.a.answer, TL_messages_botResults));
	CHECK_INT(tl_long(x.a.answer, TL_messages_botResults_query_id), id);
	CHECK_INT(tl_count(x.a.answer, TL_messages_botResults_results), 1);
	ask_send_result(id, "j", 1);
	CHECK_STR(x.a.text, "RESULT_ID_INVALID");
	ask_send_result(id + 1, "k", 1);
	CHECK_STR(x.a.text, "QUERY_ID_INVALID");
	ask_send_result(id, "k", 1);
	CHECK(tl_is(x.a.answer, TL_updates));
	m = tl_child(heard(&x.b, TL_updateNewMessage),
		     TL_updateNewMessage_message);
	CHECK_INT(tl_long(m, TL_message_via_bot_id), 3);
	CHECK(tl_has(m, TL_message_reply_markup));
	u = heard(&x.c, TL_updateBotInlineSend);
	CHECK(bytes_equal(tl_bytes(u, TL_updateBotInlineSend_query),
			  bytes_str("call 1")));
	CHECK(tl_is(tl_child(u, TL_updateBotInlineSend_msg_id),
		    TL_inputBotInlineMessageID64));
	fixture_pass(&x, 300000);
	ask_send_result(id, "k", 2);
	CHECK_STR(x.a.text, "QUERY_ID_INVALID");
	fixture_close(&x);
}

static void test_sim_inline_refusals(void)
{
	int64_t id;

	open_bot();
	id = asked("q");
	ask_results(id + 1, result("k", "Keypad"), NULL);
	CHECK_STR(x.c.text, "QUERY_ID_INVALID");
	ask_results(id, result("", "Keypad"), NULL);
	CHECK_STR(x.c.text, "RESULT_ID_EMPTY");
	ask_results(id, result("k", NULL), NULL);
	CHECK_STR(x.c.text, "ARTICLE_TITLE_EMPTY");
	ask_results(id, result("k", "1"), result("k", "2"));
	CHECK_STR(x.c.text, "RESULT_ID_DUPLICATE");
	fixture_pass(&x, 8000);
	CHECK_STR(x.a.text, "BOT_RESPONSE_TIMEOUT");
	sim_world_account(x.w, 3)->inline_hint[0] = '\0';
	ask_inline("q");
	CHECK_STR(x.a.text, "BOT_INLINE_DISABLED");
	sim_world_account(x.w, 3)->bot_token[0] = '\0';
	ask_inline("q");
	CHECK_STR(x.a.text, "BOT_INVALID");
	fixture_close(&x);
}

static void ask_edit_inline(struct tl_obj *id, const char *text)
{
	struct tl_obj *q = fake_new(&x.c, TL_messages_editInlineBotMessage);

	tl_set_child(q, TL_messages_editInlineBotMessage_id, id);
	tl_set_str(q, TL_messages_editInlineBotMessage_message, text);
	fake_ask(&x.c, q);
}

/* Either side of the chat presses; the bot edits what both see. */
static void test_sim_inline_message_is_pressed_and_edited(void)
{
	struct tl_obj *u, *id;
	int64_t query;

	open_bot();
	query = asked("");
	ask_results(query, result("k", "Keypad"), NULL);
	ask_send_result(query, "k", 1);
	ask_press(&x.b, 2, 1, 1, "5");
	u = heard(&x.c, TL_updateInlineBotCallbackQuery);
	CHECK_INT(tl_long(u, TL_updateInlineBotCallbackQuery_user_id), 2);
	id = tl_child(u, TL_updateInlineBotCallbackQuery_msg_id);
	CHECK_INT(tl_long(id, TL_inputBotInlineMessageID64_owner_id), 1);
	CHECK_INT(tl_int(id, TL_inputBotInlineMessageID64_dc_id), 2);
	ask_edit_inline(id, "5");
	CHECK(tl_is(x.c.answer, TL_boolTrue));
	CHECK(heard(&x.a, TL_updateEditMessage) != NULL);
	CHECK(heard(&x.b, TL_updateEditMessage) != NULL);
	ask_edit_inline(id, "5");
	CHECK_STR(x.c.text, "MESSAGE_NOT_MODIFIED");
	/* On another data centre than the message's. */
	x.c.s.dc = 4;
	ask_edit_inline(id, "6");
	CHECK_STR(x.c.text, "MESSAGE_ID_INVALID");
	x.c.s.dc = 2;
	tl_set_long(id, TL_inputBotInlineMessageID64_access_hash, 1);
	ask_edit_inline(id, "6");
	CHECK_STR(x.c.text, "MESSAGE_ID_INVALID");
	fixture_close(&x);
}

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_sim_button_is_pressed_and_answered);
	RUN(test_sim_button_refusals);
	RUN(test_sim_inline_results_are_sent);
	RUN(test_sim_inline_refusals);
	RUN(test_sim_inline_message_is_pressed_and_edited);
	return check_done();
}
