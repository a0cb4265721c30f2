/* Sending, editing, deleting and reading over a stand-in for the MTProto engine
 * (account_world.h). */
#include "telegram/messages.h"

#include <errno.h>

#include "base/log.h"
#include "telegram/account_world.h"
#include "telegram/inline.h"
#include "telegram/message_core.h"
#include "tests/check.h"

#define ANNA 222

static struct world w;
static struct tg_user anna = {.id = ANNA, .access_hash = 223};
static unsigned sent_n, done_n, listed_n, list_len, events_n;
static int code;
static char text[64];
static struct tg_message last; /* its pointers are of no use afterwards */
static struct tg_event event;

static void take(const struct mtp_error *err)
{
	code = err ? err->code : 0;
	snprintf(text, sizeof(text), "%s", err ? err->text : "");
}

static void on_sent(const struct mtp_error *err, const struct tg_message *sent,
		    void *arg)
{
	sent_n++;
	take(err);
	if (sent)
		last = *sent;
}

static void on_done(const struct mtp_error *err, void *arg)
{
	done_n++;
	take(err);
}

static void on_listed(const struct mtp_error *err,
		      const struct tg_message *list, size_t n, void *arg)
{
	listed_n++;
	list_len = (unsigned)n;
	take(err);
	if (n)
		last = list[0];
}

static void on_event(const struct tg_event *e, void *arg)
{
	events_n++;
	event = *e;
	last = e->message;
}

static bool opened(void)
{
	sent_n = done_n = listed_n = list_len = events_n = 0;
	code = -1;
	if (!make_ready(&w))
		return false;
	w.account->handlers.event = on_event;
	return true;
}

/* -- what the server says -------------------------------------------------- */

static struct tl_obj *message(int32_t id, bool out, const char *words)
{
	struct tl_obj *o = tl_new(&w.arena, TL_message);
	struct tl_obj *peer = tl_new(&w.arena, TL_peerUser);

	tl_set_long(peer, TL_peerUser_user_id, ANNA);
	tl_set_int(o, TL_message_id, id);
	tl_set_child(o, TL_message_peer_id, peer);
	tl_set_int(o, TL_message_date, 1300);
	tl_set_str(o, TL_message_message, words);
	if (out)
		tl_set_true(o, TL_message_out);
	return o;
}

static struct tl_obj *updates(struct tl_obj *u)
{
	struct tl_obj *o = tl_new(&w.arena, TL_updates);

	tl_set_vector(&w.arena, o, TL_updates_updates, 1);
	tl_put_obj(o, TL_updates_updates, 0, u);
	tl_set_vector(&w.arena, o, TL_updates_users, 1);
	tl_put_obj(o, TL_updates_users, 0, user(&w, ANNA, false));
	tl_set_vector(&w.arena, o, TL_updates_chats, 0);
	tl_set_int(o, TL_updates_date, 1300);
	tl_set_int(o, TL_updates_seq, 0);
	return o;
}

static struct tl_obj *new_message(struct tl_obj *m, int32_t pts)
{
	struct tl_obj *o = tl_new(&w.arena, TL_updateNewMessage);

	tl_set_child(o, TL_updateNewMessage_message, m);
	tl_set_int(o, TL_updateNewMessage_pts, pts);
	tl_set_int(o, TL_updateNewMessage_pts_count, 1);
	return o;
}

static struct tl_obj *edited(struct tl_obj *m, int32_t pts)
{
	struct tl_obj *o = tl_new(&w.arena, TL_updateEditMessage);

	tl_set_child(o, TL_updateEditMessage_message, m);
	tl_set_int(o, TL_updateEditMessage_pts, pts);
	tl_set_int(o, TL_updateEditMessage_pts_count, 1);
	return o;
}

static struct tl_obj *history(struct tl_obj *m)
{
	struct tl_obj *o = tl_new(&w.arena, TL_messages_messages);

	tl_set_vector(&w.arena, o, TL_messages_messages_messages, 1);
	tl_put_obj(o, TL_messages_messages_messages, 0, m);
	tl_set_vector(&w.arena, o, TL_messages_messages_topics, 0);
	tl_set_vector(&w.arena, o, TL_messages_messages_chats, 0);
	tl_set_vector(&w.arena, o, TL_messages_messages_users, 0);
	return o;
}

static int say(const char *words)
{
	struct tg_draft draft = {.text = words};

	return tg_message_send(w.account, &anna, &draft, on_sent, NULL);
}

/* -- sending --------------------------------------------------------------- */

static void test_message_is_sent_with_its_styles(void)
{
	struct tl_obj *q, *peer;

	CHECK(opened());
	CHECK_INT(say("a *b* [c](tg://user?id=111)"), 0);
	q = asked(&w, TL_messages_sendMessage);
	peer = tl_child(q, TL_messages_sendMessage_peer);
	CHECK_INT(tl_long(peer, TL_inputPeerUser_access_hash), 223);
	CHECK(bytes_equal(tl_bytes(q, TL_messages_sendMessage_message),
			  bytes_str("a b c")));
	CHECK_INT(tl_count(q, TL_messages_sendMessage_entities), 2);
	CHECK(tl_is(tl_item(q, TL_messages_sendMessage_entities, 1),
		    TL_inputMessageEntityMentionName));
	CHECK(tl_has(q, TL_messages_sendMessage_no_webpage));
	CHECK(tl_long(q, TL_messages_sendMessage_random_id) != 0);
	CHECK_INT(sent_n, 0);
	CHECK(answer(&w, TL_messages_sendMessage,
		     updates(new_message(message(7, true, "a b c"), 11))));
	CHECK_INT(sent_n, 1);
	CHECK_INT(code, 0);
	CHECK_INT(last.id, 7);
	CHECK_INT(last.chat.id, ANNA);
	CHECK(last.out);
	/* Own messages are told as well, from here or elsewhere. */
	CHECK_INT(events_n, 1);
	CHECK_INT(w.account->updates.pts, 11);
	world_close(&w);
}

static void test_message_short_answer_names_it(void)
{
	struct tl_obj *o;

	CHECK(opened());
	CHECK_INT(say("hi"), 0);
	o = tl_new(&w.arena, TL_updateShortSentMessage);
	tl_set_int(o, TL_updateShortSentMessage_id, 9);
	tl_set_int(o, TL_updateShortSentMessage_pts, 11);
	tl_set_int(o, TL_updateShortSentMessage_pts_count, 1);
	tl_set_int(o, TL_updateShortSentMessage_date, 1300);
	CHECK(answer(&w, TL_messages_sendMessage, o));
	CHECK_INT(last.id, 9);
	CHECK_INT(last.date, 1300);
	CHECK_INT(w.account->updates.pts, 11);
	world_close(&w);
}

static void test_message_refused_before_it_is_asked(void)
{
	static char long_text[4098];
	struct tg_button button = {.text = bytes_str("x")};
	struct tg_row row = {.buttons = &button, .n = 1};
	struct tg_keyboard keyboard = {.rows = &row, .n = 1};
	struct tg_draft draft = {.text = "x", .keyboard = &keyboard};
	struct tg_user nobody = {.id = 0};

	CHECK(opened());
	memset(long_text, 'x', 4097);
	CHECK_INT(say(long_text), -EMSGSIZE);
	CHECK_INT(say(""), -EINVAL);
	CHECK_INT(say("\xff"), -EILSEQ);
	CHECK_INT(tg_message_send(w.account, &nobody, &draft, on_sent, NULL),
		  -EINVAL);
	/* A button needs one of data and address. */
	CHECK_INT(tg_message_send(w.account, &anna, &draft, on_sent, NULL),
		  -EINVAL);
	button.data = bytes_of(long_text, 65);
	CHECK_INT(tg_message_send(w.account, &anna, &draft, on_sent, NULL),
		  -EINVAL);
	button.data = bytes_of(long_text, 64);
	CHECK_INT(tg_message_send(w.account, &anna, &draft, on_sent, NULL), 0);
	draft = (struct tg_draft){.text = "<b>", .format = TG_FORMAT_HTML};
	CHECK_INT(tg_message_send(w.account, &anna, &draft, on_sent, NULL),
		  -EBADMSG);
	w.account->use.features = TG_FEATURE_CALLS;
	CHECK_INT(say("x"), -EPERM);
	CHECK_INT(sent_n, 0);
	world_close(&w);
}

static void test_message_refusals_of_telegram_pass_through(void)
{
	CHECK(opened());
	CHECK_INT(say("x"), 0);
	CHECK(refuse(&w, TL_messages_sendMessage, 420, "FLOOD_WAIT_30"));
	CHECK_INT(sent_n, 1);
	CHECK_INT(code, 420);
	CHECK_STR(text, "FLOOD_WAIT_30");
	world_close(&w);
}

/* The first copy had arrived, its answer not. */
static void test_message_sent_twice_is_found_again(void)
{
	struct tg_draft draft = {.text = "*x*", .random_id = 77};
	struct tl_obj *q;

	CHECK(opened());
	CHECK_INT(tg_message_send(w.account, &anna, &draft, on_sent, NULL), 0);
	q = asked(&w, TL_messages_sendMessage);
	CHECK_INT(tl_long(q, TL_messages_sendMessage_random_id), 77);
	CHECK(refuse(&w, TL_messages_sendMessage, 500, "RANDOM_ID_DUPLICATE"));
	CHECK_INT(sent_n, 0);
	CHECK(answer(&w, TL_messages_getHistory,
		     history(message(5, true, "x"))));
	CHECK_INT(sent_n, 1);
	CHECK_INT(code, 0);
	CHECK_INT(last.id, 5);
	/* Not there: then the error is told. */
	CHECK_INT(tg_message_send(w.account, &anna, &draft, on_sent, NULL), 0);
	CHECK(refuse(&w, TL_messages_sendMessage, 500, "RANDOM_ID_DUPLICATE"));
	CHECK(answer(&w, TL_messages_getHistory,
		     history(message(5, false, "x"))));
	CHECK_INT(sent_n, 2);
	CHECK_STR(text, "RANDOM_ID_DUPLICATE");
	world_close(&w);
}

static void test_message_is_edited_and_deleted(void)
{
	struct tg_draft draft = {.text = "new"};
	int32_t ids[101] = {7, 8};
	struct tl_obj *o, *q;

	CHECK(opened());
	CHECK_INT(tg_message_edit(w.account, &anna, 7, &draft, on_sent, NULL),
		  0);
	q = asked(&w, TL_messages_editMessage);
	CHECK_INT(tl_int(q, TL_messages_editMessage_id), 7);
	CHECK(answer(&w, TL_messages_editMessage,
		     updates(edited(message(7, true, "new"), 11))));
	CHECK_INT(last.id, 7);
	/* A draft without text leaves it alone. */
	draft.text = NULL;
	CHECK_INT(tg_message_edit(w.account, &anna, 7, &draft, on_sent, NULL),
		  0);
	q = asked(&w, TL_messages_editMessage);
	CHECK(!tl_has(q, TL_messages_editMessage_message));
	CHECK(refuse(&w, TL_messages_editMessage, 400, "MESSAGE_NOT_MODIFIED"));
	CHECK_STR(text, "MESSAGE_NOT_MODIFIED");
	CHECK_INT(tg_messages_delete(w.account, ids, 2, true, on_done, NULL),
		  0);
	q = asked(&w, TL_messages_deleteMessages);
	CHECK(tl_has(q, TL_messages_deleteMessages_revoke));
	CHECK_INT(tl_item_long(q, TL_messages_deleteMessages_id, 1), 8);
	o = tl_new(&w.arena, TL_messages_affectedMessages);
	tl_set_int(o, TL_messages_affectedMessages_pts, 13);
	tl_set_int(o, TL_messages_affectedMessages_pts_count, 2);
	CHECK(answer(&w, TL_messages_deleteMessages, o));
	CHECK_INT(done_n, 1);
	/* No gap remains that would ask for a difference. */
	CHECK_INT(w.account->updates.pts, 13);
	CHECK_INT(tg_messages_delete(w.account, ids, 0, true, NULL, NULL),
		  -EINVAL);
	CHECK_INT(tg_messages_delete(w.account, ids, 101, true, NULL, NULL),
		  -EINVAL);
	world_close(&w);
}

static void test_messages_are_read_back(void)
{
	int32_t id = 5;
	struct tl_obj *gone;

	CHECK(opened());
	CHECK_INT(tg_messages_get(w.account, &id, 1, on_listed, NULL), 0);
	gone = tl_new(&w.arena, TL_messageEmpty);
	tl_set_int(gone, TL_messageEmpty_id, id);
	CHECK(answer(&w, TL_messages_getMessages, history(gone)));
	CHECK_INT(listed_n, 1);
	CHECK_INT(list_len, 0);
	CHECK_INT(tg_messages_history(w.account, &anna, 9, 10, on_listed, NULL),
		  0);
	CHECK_INT(tl_int(asked(&w, TL_messages_getHistory),
			 TL_messages_getHistory_offset_id),
		  9);
	CHECK(answer(&w, TL_messages_getHistory,
		     history(message(5, false, "read"))));
	CHECK_INT(listed_n, 2);
	CHECK_INT(list_len, 1);
	CHECK_INT(last.id, 5);
	CHECK_INT(
		tg_messages_history(w.account, &anna, 0, 101, on_listed, NULL),
		-EINVAL);
	world_close(&w);
}

/* -- events ---------------------------------------------------------------- */

static void push(struct tl_obj *u)
{
	struct buf b = {0};

	if (!tl_write(&b, updates(u)))
		feed_bytes(w.account, buf_bytes(&b));
	buf_clear(&b);
}

static void test_event_of_a_message_with_all_its_parts(void)
{
	struct tl_obj *m, *e, *k;

	CHECK(opened());
	m = message(5, false, "call me");
	e = tl_new(&w.arena, TL_messageEntityBold);
	tl_set_int(e, TL_messageEntityBold_offset, 5);
	tl_set_int(e, TL_messageEntityBold_length, 2);
	tl_set_vector(&w.arena, m, TL_message_entities, 2);
	tl_put_obj(m, TL_message_entities, 0, e);
	/* A lie about the text is left out. */
	e = tl_new(&w.arena, TL_messageEntityBold);
	tl_set_int(e, TL_messageEntityBold_offset, 5);
	tl_set_int(e, TL_messageEntityBold_length, 0x7fffffff);
	tl_put_obj(m, TL_message_entities, 1, e);
	k = tl_new(&w.arena, TL_replyInlineMarkup);
	tl_set_vector(&w.arena, k, TL_replyInlineMarkup_rows, 0);
	tl_set_child(m, TL_message_reply_markup, k);
	tl_set_child(m, TL_message_media,
		     tl_new(&w.arena, TL_messageMediaPhoto));
	push(new_message(m, 11));
	CHECK_INT(events_n, 1);
	CHECK_INT(event.kind, TG_EVENT_MESSAGE);
	CHECK_INT(last.chat.access_hash, ANNA + 1);
	CHECK_INT(last.entities_n, 1);
	CHECK(last.keyboard != NULL);
	CHECK(last.other_media);
	push(edited(message(5, false, "edit"), 12));
	CHECK_INT(event.kind, TG_EVENT_EDITED);
	CHECK_INT(events_n, 2);
	world_close(&w);
}

static void test_event_of_deletions(void)
{
	struct tl_obj *o;

	CHECK(opened());
	o = tl_new(&w.arena, TL_updateDeleteMessages);
	tl_set_vector(&w.arena, o, TL_updateDeleteMessages_messages, 2);
	tl_put_long(o, TL_updateDeleteMessages_messages, 0, 3);
	tl_put_long(o, TL_updateDeleteMessages_messages, 1, 4);
	tl_set_int(o, TL_updateDeleteMessages_pts, 12);
	tl_set_int(o, TL_updateDeleteMessages_pts_count, 2);
	push(o);
	CHECK_INT(event.kind, TG_EVENT_DELETED);
	CHECK_INT(event.ids_n, 2);
	CHECK_INT(w.account->updates.pts, 12);
	world_close(&w);
}

/* An edit that comes before what it follows waits, and is told then. */
static void test_event_out_of_order_waits(void)
{
	CHECK(opened());
	push(edited(message(5, false, "second"), 12));
	CHECK_INT(events_n, 0);
	push(new_message(message(5, false, "first"), 11));
	CHECK_INT(events_n, 2);
	CHECK_INT(event.kind, TG_EVENT_EDITED);
	world_close(&w);
}

/* -- bots ------------------------------------------------------------------ */

static struct tl_obj *inline_id(int32_t dc)
{
	struct tl_obj *o = tl_new(&w.arena, TL_inputBotInlineMessageID64);

	tl_set_int(o, TL_inputBotInlineMessageID64_dc_id, dc);
	tl_set_long(o, TL_inputBotInlineMessageID64_owner_id, ANNA);
	tl_set_int(o, TL_inputBotInlineMessageID64_id, 6);
	tl_set_long(o, TL_inputBotInlineMessageID64_access_hash, 99);
	return o;
}

static void test_bot_is_pressed_and_edits_where_the_message_is(void)
{
	struct tg_draft draft = {.text = "5"};
	struct tl_obj *o, *q;

	CHECK(opened());
	o = tl_new(&w.arena, TL_updateInlineBotCallbackQuery);
	tl_set_long(o, TL_updateInlineBotCallbackQuery_query_id, 1234);
	tl_set_long(o, TL_updateInlineBotCallbackQuery_user_id, ANNA);
	tl_set_child(o, TL_updateInlineBotCallbackQuery_msg_id, inline_id(1));
	tl_set_long(o, TL_updateInlineBotCallbackQuery_chat_instance, 1);
	tl_set_str(o, TL_updateInlineBotCallbackQuery_data, "5");
	push(o);
	CHECK_INT(event.kind, TG_EVENT_PRESSED);
	CHECK_INT(event.query_id, 1234);
	CHECK_INT(event.from.id, ANNA);
	CHECK(event.has_inline_id);
	CHECK_INT(tg_press_answer(w.account, 1234, "five", true, 0, on_done,
				  NULL),
		  0);
	q = asked(&w, TL_messages_setBotCallbackAnswer);
	CHECK(tl_has(q, TL_messages_setBotCallbackAnswer_alert));
	CHECK(refuse(&w, TL_messages_setBotCallbackAnswer, 400,
		     "QUERY_ID_INVALID"));
	CHECK_STR(text, "QUERY_ID_INVALID");
	CHECK_INT(tg_inline_edit(w.account, &event.inline_id, &draft, on_done,
				 NULL),
		  0);
	q = tl_child(asked(&w, TL_messages_editInlineBotMessage),
		     TL_messages_editInlineBotMessage_id);
	CHECK_INT(tl_long(q, TL_inputBotInlineMessageID64_access_hash), 99);
	CHECK(answer(&w, TL_messages_editInlineBotMessage,
		     tl_new(&w.arena, TL_boolTrue)));
	CHECK_INT(done_n, 2);
	/* That of data centre 2 is not asked here. */
	event.inline_id.dc_id = 2;
	CHECK_INT(tg_inline_edit(w.account, &event.inline_id, &draft, on_done,
				 NULL),
		  0);
	CHECK(!asked(&w, TL_messages_editInlineBotMessage));
	event.inline_id.dc_id = 3;
	CHECK_INT(tg_inline_edit(w.account, &event.inline_id, &draft, on_done,
				 NULL),
		  -EHOSTUNREACH);
	event.inline_id.dc_id = 0;
	CHECK_INT(tg_inline_edit(w.account, &event.inline_id, &draft, on_done,
				 NULL),
		  -EINVAL);
	world_close(&w);
}

static void test_bot_offers_results(void)
{
	struct tg_result results[2] = {
		{.id = "a", .title = "A", .draft = {.text = "*x*"}},
		{.id = "b", .title = "B", .draft = {.text = "y"}},
	};
	struct tl_obj *q, *o;

	CHECK(opened());
	CHECK_INT(tg_inline_answer(w.account, 5, results, 2, 60, true, on_done,
				   NULL),
		  0);
	q = asked(&w, TL_messages_setInlineBotResults);
	CHECK_INT(tl_count(q, TL_messages_setInlineBotResults_results), 2);
	CHECK(tl_has(q, TL_messages_setInlineBotResults_private));
	o = tl_child(tl_item(q, TL_messages_setInlineBotResults_results, 0),
		     TL_inputBotInlineResult_send_message);
	CHECK_INT(tl_count(o, TL_inputBotInlineMessageText_entities), 1);
	results[1].id = "";
	CHECK_INT(tg_inline_answer(w.account, 5, results, 2, 60, true, on_done,
				   NULL),
		  -EINVAL);
	CHECK_INT(tg_inline_answer(w.account, 5, results, TG_RESULTS_MAX + 1,
				   60, true, on_done, NULL),
		  -EINVAL);
	world_close(&w);
}

/* -- a user asks a bot ----------------------------------------------------- */

static struct tg_offers offers;
static char first[16];

static void on_offers(const struct mtp_error *err, const struct tg_offers *o,
		      void *arg)
{
	done_n++;
	take(err);
	if (!o)
		return;
	offers = *o;
	if (o->n)
		snprintf(first, sizeof(first), "%.*s", (int)o->list[0].id.n,
			 (const char *)o->list[0].id.p);
}

static struct tl_obj *bot_results(void)
{
	struct tl_obj *o = tl_new(&w.arena, TL_messages_botResults);
	struct tl_obj *r = tl_new(&w.arena, TL_botInlineResult);
	struct tl_obj *m = tl_new(&w.arena, TL_botInlineMessageText);

	tl_set_str(m, TL_botInlineMessageText_message, "x");
	tl_set_str(r, TL_botInlineResult_id, "k");
	tl_set_str(r, TL_botInlineResult_type, "article");
	tl_set_child(r, TL_botInlineResult_send_message, m);
	tl_set_long(o, TL_messages_botResults_query_id, 88);
	tl_set_vector(&w.arena, o, TL_messages_botResults_results, 1);
	tl_put_obj(o, TL_messages_botResults_results, 0, r);
	tl_set_int(o, TL_messages_botResults_cache_time, 0);
	tl_set_vector(&w.arena, o, TL_messages_botResults_users, 0);
	return o;
}

static void test_user_sends_a_bots_result(void)
{
	struct tg_user bot = {.id = 333, .access_hash = 334, .bot = true};
	struct tl_obj *q;

	CHECK(opened());
	CHECK_INT(tg_inline_ask(w.account, &bot, &anna, "call", "", on_offers,
				NULL),
		  0);
	CHECK(answer(&w, TL_messages_getInlineBotResults, bot_results()));
	CHECK_INT(offers.query_id, 88);
	CHECK_STR(first, "k");
	CHECK_INT(tg_inline_send(w.account, &bot, &anna, 88, bytes_str("k"), 3,
				 on_sent, NULL),
		  0);
	q = asked(&w, TL_messages_sendInlineBotResult);
	CHECK_INT(tl_long(q, TL_messages_sendInlineBotResult_random_id), 3);
	q = message(7, true, "x");
	tl_set_long(q, TL_message_via_bot_id, 333);
	/* Sent before: found by its bot. */
	CHECK(refuse(&w, TL_messages_sendInlineBotResult, 500,
		     "RANDOM_ID_DUPLICATE"));
	CHECK(answer(&w, TL_messages_getHistory, history(q)));
	CHECK_INT(last.id, 7);
	CHECK_INT(last.via_bot, 333);
	CHECK_INT(
		tg_inline_ask(w.account, &bot, &anna, "", "", on_offers, NULL),
		0);
	CHECK(refuse(&w, TL_messages_getInlineBotResults, 400,
		     "BOT_RESPONSE_TIMEOUT"));
	CHECK_STR(text, "BOT_RESPONSE_TIMEOUT");
	world_close(&w);
}

int main(void)
{
	if (libre_init())
		return 1;
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_message_is_sent_with_its_styles);
	RUN(test_message_short_answer_names_it);
	RUN(test_message_refused_before_it_is_asked);
	RUN(test_message_refusals_of_telegram_pass_through);
	RUN(test_message_sent_twice_is_found_again);
	RUN(test_message_is_edited_and_deleted);
	RUN(test_messages_are_read_back);
	RUN(test_event_of_a_message_with_all_its_parts);
	RUN(test_event_of_deletions);
	RUN(test_event_out_of_order_waits);
	RUN(test_bot_is_pressed_and_edits_where_the_message_is);
	RUN(test_bot_offers_results);
	RUN(test_user_sends_a_bots_result);
	libre_close();
	return check_done();
}
