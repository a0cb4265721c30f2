/* messages.*: what users ask of bots and bots answer: pressed buttons, inline
 * queries, results sent by users and edited by the bot. */
#include <stdlib.h>
#include <string.h>

#include "sim/api.h"
#include "sim/query.h"
#include "sim/send.h"
#include "sim/update.h"

enum {
	SIM_ALERT_MAX = 200,
	SIM_INLINE_QUERY_MAX = 256,
	SIM_RESULTS_MAX = 50,
	SIM_RESULT_ID_MAX = 64,
	SIM_COMMANDS_MAX = 100,
};

static bool sim_bot_refused(struct sim_request *r)
{
	if (r->me->bot_token[0])
		return false;
	sim_refuse(r, SIM_FAULT(400, "USER_BOT_REQUIRED", "method-of-bots"));
	return true;
}

static bool sim_user_refused(struct sim_request *r)
{
	if (!r->me->bot_token[0])
		return false;
	sim_refuse(r, SIM_FAULT(400, "BOT_METHOD_INVALID", "method-of-users"));
	return true;
}

/* -- inline messages by number ----------------------------------------------
 */

static int64_t sim_inline_hash(const struct sim_world *w, int64_t owner,
			       int32_t id)
{
	int64_t hash = 0;

	sim_world_derive(w, "inline", owner, id, &hash, sizeof(hash));
	return hash | 1;
}

/* The sender's copy is the one that bots name. */
static struct tl_obj *sim_object_inline_id(struct tl_arena *a,
					   struct sim_account *owner,
					   const struct sim_message *m)
{
	struct tl_obj *o = tl_new(a, TL_inputBotInlineMessageID64);
	struct sim_account *at = owner;

	if (!m->outgoing)
		m = sim_message_twin(&at, owner, m);
	if (!m)
		return NULL;
	tl_set_int(o, TL_inputBotInlineMessageID64_dc_id, at->dc);
	tl_set_long(o, TL_inputBotInlineMessageID64_owner_id, at->id);
	tl_set_int(o, TL_inputBotInlineMessageID64_id, m->id);
	tl_set_long(o, TL_inputBotInlineMessageID64_access_hash,
		    sim_inline_hash(owner->world, at->id, m->id));
	return o;
}

/* NULL: not one of this bot's, or not of this data centre. */
static struct sim_message *sim_inline_message(struct sim_account **ownerp,
					      const struct sim_request *r,
					      const struct tl_obj *o)
{
	int32_t id = tl_int(o, TL_inputBotInlineMessageID64_id);
	int64_t owner = tl_long(o, TL_inputBotInlineMessageID64_owner_id);
	struct sim_account *a = sim_world_account(r->world, owner);
	struct sim_message *m = a ? sim_account_message(a, id) : NULL;

	if (!m || m->via_bot != r->me->id ||
	    tl_long(o, TL_inputBotInlineMessageID64_access_hash) !=
		    sim_inline_hash(r->world, owner, id) ||
	    tl_int(o, TL_inputBotInlineMessageID64_dc_id) != a->dc ||
	    r->session->dc != a->dc)
		return NULL;
	*ownerp = a;
	return m;
}

static void sim_messages_edit_inline(struct sim_request *r)
{
	static const struct sim_content_fields fields = {
		TL_messages_editInlineBotMessage_message,
		TL_messages_editInlineBotMessage_entities,
		TL_messages_editInlineBotMessage_reply_markup};
	struct sim_account *owner = NULL;
	struct sim_content c = {.text = NULL};
	const struct sim_fault *f;
	struct sim_message *m;

	if (sim_bot_refused(r))
		return;
	m = sim_inline_message(
		&owner, r, tl_child(r->q, TL_messages_editInlineBotMessage_id));
	f = m ? sim_edit_content(&c, r->me, r->q, &fields, m)
	      : SIM_FAULT(400, "MESSAGE_ID_INVALID", "inline-unknown");
	if (f)
		sim_refuse(r, f);
	else if (!sim_message_edit(owner, m, &c, 0))
		sim_answer_bool(r, true);
	sim_content_clear(&c);
}

/* -- buttons ------------------------------------------------------------------
 */

static int64_t sim_chat_instance(const struct sim_world *w, int64_t a,
				 int64_t b)
{
	int64_t n = 0;

	sim_world_derive(w, "chat", a < b ? a : b, a < b ? b : a, &n,
			 sizeof(n));
	return n;
}

/* Who answers for the buttons of a message in a's box; NULL: nobody. */
static struct sim_account *sim_button_bot(const struct sim_account *a,
					  const struct sim_message *m)
{
	struct sim_account *bot =
		sim_world_account(a->world, m->via_bot ? m->via_bot : m->peer);

	if (!m->via_bot && m->outgoing)
		return NULL;
	return bot && bot->bot_token[0] ? bot : NULL;
}

static struct tl_obj *sim_object_pressed(struct sim_request *r,
					 const struct sim_query *q,
					 const struct sim_message *m,
					 struct bytes data)
{
	int64_t chat = sim_chat_instance(r->world, r->me->id, m->peer);
	struct tl_obj *o;

	if (m->via_bot) {
		o = tl_new(r->arena, TL_updateInlineBotCallbackQuery);
		tl_set_long(o, TL_updateInlineBotCallbackQuery_query_id, q->id);
		tl_set_long(o, TL_updateInlineBotCallbackQuery_user_id,
			    r->me->id);
		tl_set_child(o, TL_updateInlineBotCallbackQuery_msg_id,
			     sim_object_inline_id(r->arena, r->me, m));
		tl_set_long(o, TL_updateInlineBotCallbackQuery_chat_instance,
			    chat);
		tl_set_bytes(o, TL_updateInlineBotCallbackQuery_data, data.p,
			     data.n);
		return o;
	}
	o = tl_new(r->arena, TL_updateBotCallbackQuery);
	tl_set_long(o, TL_updateBotCallbackQuery_query_id, q->id);
	tl_set_long(o, TL_updateBotCallbackQuery_user_id, r->me->id);
	tl_set_child(o, TL_updateBotCallbackQuery_peer,
		     sim_object_peer(r->arena, r->me->id));
	tl_set_int(o, TL_updateBotCallbackQuery_msg_id, m->twin);
	tl_set_long(o, TL_updateBotCallbackQuery_chat_instance, chat);
	tl_set_bytes(o, TL_updateBotCallbackQuery_data, data.p, data.n);
	return o;
}

static void sim_messages_press(struct sim_request *r)
{
	struct bytes data =
		tl_bytes(r->q, TL_messages_getBotCallbackAnswer_data);
	const struct sim_account *peer = sim_input_user(
		r, tl_child(r->q, TL_messages_getBotCallbackAnswer_peer));
	const struct sim_message *m = sim_account_message(
		r->me, tl_int(r->q, TL_messages_getBotCallbackAnswer_msg_id));
	struct sim_account *bot;
	struct sim_query *q;

	if (sim_user_refused(r))
		return;
	bot = m && peer && m->peer == peer->id ? sim_button_bot(r->me, m)
					       : NULL;
	if (!bot || !m->markup.n) {
		sim_refuse(r, SIM_FAULT(400, "MESSAGE_ID_INVALID",
					"press-unknown"));
		return;
	}
	if (!sim_content_has_button(&m->markup, data)) {
		sim_refuse(r, SIM_FAULT(400, "DATA_INVALID", "press-data"));
		return;
	}
	q = sim_query_new(r, bot->id, false);
	if (q)
		sim_update_bot(bot, r->me, r->arena,
			       sim_object_pressed(r, q, m, data));
}

static struct tl_obj *sim_object_alert(struct sim_request *r,
				       struct bytes message, struct bytes url)
{
	struct tl_obj *o = tl_new(r->arena, TL_messages_botCallbackAnswer);

	if (tl_has(r->q, TL_messages_setBotCallbackAnswer_alert))
		tl_set_true(o, TL_messages_botCallbackAnswer_alert);
	if (message.n)
		tl_set_bytes(o, TL_messages_botCallbackAnswer_message,
			     message.p, message.n);
	if (url.n) {
		tl_set_true(o, TL_messages_botCallbackAnswer_has_url);
		tl_set_bytes(o, TL_messages_botCallbackAnswer_url, url.p,
			     url.n);
	}
	tl_set_int(o, TL_messages_botCallbackAnswer_cache_time,
		   tl_int(r->q, TL_messages_setBotCallbackAnswer_cache_time));
	return o;
}

static void sim_messages_press_answer(struct sim_request *r)
{
	struct bytes message =
		tl_bytes(r->q, TL_messages_setBotCallbackAnswer_message);
	struct bytes url = tl_bytes(r->q, TL_messages_setBotCallbackAnswer_url);
	struct sim_query *q = sim_query_waiting(
		r->world, r->me->id,
		tl_long(r->q, TL_messages_setBotCallbackAnswer_query_id),
		false);

	if (sim_bot_refused(r))
		return;
	if (!q) {
		sim_refuse(r, SIM_FAULT(400, "QUERY_ID_INVALID",
					"press-answer-late"));
		return;
	}
	if (message.n > SIM_ALERT_MAX) {
		sim_refuse(r, SIM_FAULT(400, "MESSAGE_TOO_LONG",
					"press-answer-long"));
		return;
	}
	sim_query_answer(r->world, q, sim_object_alert(r, message, url));
	sim_query_free(r->world, q);
	sim_answer_bool(r, true);
}

/* -- inline queries
 * ------------------------------------------------------------ */

static const struct sim_fault *sim_inline_check(const struct sim_account *bot,
						struct bytes query)
{
	if (!bot || !bot->bot_token[0])
		return SIM_FAULT(400, "BOT_INVALID", "inline-bot");
	if (!bot->inline_hint[0])
		return SIM_FAULT(400, "BOT_INLINE_DISABLED", "inline-disabled");
	if (query.n > SIM_INLINE_QUERY_MAX)
		return SIM_FAULT(400, "QUERY_TOO_LONG", "inline-long");
	return NULL;
}

static void sim_messages_ask_inline(struct sim_request *r)
{
	struct bytes query =
		tl_bytes(r->q, TL_messages_getInlineBotResults_query);
	struct bytes offset =
		tl_bytes(r->q, TL_messages_getInlineBotResults_offset);
	struct sim_account *bot = sim_input_user(
		r, tl_child(r->q, TL_messages_getInlineBotResults_bot));
	const struct sim_fault *f = sim_inline_check(bot, query);
	struct sim_query *q;
	struct tl_obj *o;

	if (sim_user_refused(r))
		return;
	if (f) {
		sim_refuse(r, f);
		return;
	}
	q = sim_query_new(r, bot->id, true);
	if (!q)
		return;
	q->text =
		query.n ? strndup((const char *)query.p, query.n) : strdup("");
	o = tl_new(r->arena, TL_updateBotInlineQuery);
	tl_set_long(o, TL_updateBotInlineQuery_query_id, q->id);
	tl_set_long(o, TL_updateBotInlineQuery_user_id, r->me->id);
	tl_set_bytes(o, TL_updateBotInlineQuery_query, query.p, query.n);
	tl_set_child(o, TL_updateBotInlineQuery_peer_type,
		     tl_new(r->arena, TL_inlineQueryPeerTypePM));
	tl_set_bytes(o, TL_updateBotInlineQuery_offset, offset.p, offset.n);
	sim_update_bot(bot, r->me, r->arena, o);
}

static const struct sim_content_fields sim_inline_fields = {
	TL_inputBotInlineMessageText_message,
	TL_inputBotInlineMessageText_entities,
	TL_inputBotInlineMessageText_reply_markup};

static const struct sim_fault *sim_result_check(const struct sim_request *r,
						const struct tl_obj *o)
{
	const struct tl_obj *message =
		tl_child(o, TL_inputBotInlineResult_send_message);
	struct bytes id = tl_bytes(o, TL_inputBotInlineResult_id);
	struct sim_content c = {.text = NULL};
	const struct sim_fault *f;

	if (!tl_is(o, TL_inputBotInlineResult) ||
	    !tl_is(message, TL_inputBotInlineMessageText))
		return SIM_FAULT(400, "SEND_MESSAGE_TYPE_INVALID",
				 "result-kind");
	if (!id.n)
		return SIM_FAULT(400, "RESULT_ID_EMPTY", "result-id");
	if (id.n > SIM_RESULT_ID_MAX)
		return SIM_FAULT(400, "RESULT_ID_INVALID", "result-id");
	if (!tl_bytes(o, TL_inputBotInlineResult_title).n)
		return SIM_FAULT(400, "ARTICLE_TITLE_EMPTY", "result-title");
	f = sim_content_read(&c, r->me, message, &sim_inline_fields,
			     SIM_TEXT_UNITS);
	if (!f && !c.text[0])
		f = SIM_FAULT(400, "MESSAGE_EMPTY", "message-empty");
	sim_content_clear(&c);
	return f;
}

static const struct sim_fault *sim_results_check(const struct sim_request *r)
{
	int field = TL_messages_setInlineBotResults_results;
	uint32_t n = tl_count(r->q, field);

	if (n > SIM_RESULTS_MAX)
		return SIM_FAULT(400, "RESULTS_TOO_MUCH", "results-many");
	for (uint32_t i = 0; i < n; i++) {
		const struct tl_obj *o = tl_item(r->q, field, i);
		const struct sim_fault *f = sim_result_check(r, o);

		if (f)
			return f;
		for (uint32_t k = 0; k < i; k++)
			if (bytes_equal(tl_bytes(o, TL_inputBotInlineResult_id),
					tl_bytes(tl_item(r->q, field, k),
						 TL_inputBotInlineResult_id)))
				return SIM_FAULT(400, "RESULT_ID_DUPLICATE",
						 "result-id");
	}
	return NULL;
}

/* An optional text field of both constructors. */
static void sim_text_pass(struct tl_obj *dst, int to, const struct tl_obj *src,
			  int from)
{
	struct bytes text = tl_bytes(src, from);

	if (tl_has(src, from))
		tl_set_bytes(dst, to, text.p, text.n);
}

static struct tl_obj *sim_object_result(struct tl_arena *a,
					const struct tl_obj *in)
{
	const struct tl_obj *message =
		tl_child(in, TL_inputBotInlineResult_send_message);
	int from = TL_inputBotInlineMessageText_entities;
	int to = TL_botInlineMessageText_entities;
	struct tl_obj *o = tl_new(a, TL_botInlineResult);
	struct tl_obj *text = tl_new(a, TL_botInlineMessageText);
	uint32_t n = tl_count(message, from);

	sim_text_pass(text, TL_botInlineMessageText_message, message,
		      TL_inputBotInlineMessageText_message);
	if (n)
		tl_set_vector(a, text, to, n);
	for (uint32_t i = 0; i < n; i++)
		tl_put_obj(text, to, i, tl_item(message, from, i));
	if (tl_has(message, TL_inputBotInlineMessageText_reply_markup))
		tl_set_child(
			text, TL_botInlineMessageText_reply_markup,
			tl_child(message,
				 TL_inputBotInlineMessageText_reply_markup));
	sim_text_pass(o, TL_botInlineResult_id, in, TL_inputBotInlineResult_id);
	sim_text_pass(o, TL_botInlineResult_type, in,
		      TL_inputBotInlineResult_type);
	sim_text_pass(o, TL_botInlineResult_title, in,
		      TL_inputBotInlineResult_title);
	sim_text_pass(o, TL_botInlineResult_description, in,
		      TL_inputBotInlineResult_description);
	tl_set_child(o, TL_botInlineResult_send_message, text);
	return o;
}

static struct tl_obj *sim_object_results(struct sim_request *r,
					 const struct sim_query *q)
{
	int field = TL_messages_setInlineBotResults_results;
	struct tl_obj *o = tl_new(r->arena, TL_messages_botResults);
	uint32_t n = tl_count(r->q, field);
	struct sim_mentions m = {.n = 0};

	tl_set_long(o, TL_messages_botResults_query_id, q->id);
	sim_text_pass(o, TL_messages_botResults_next_offset, r->q,
		      TL_messages_setInlineBotResults_next_offset);
	tl_set_vector(r->arena, o, TL_messages_botResults_results, n);
	for (uint32_t i = 0; i < n; i++)
		tl_put_obj(
			o, TL_messages_botResults_results, i,
			sim_object_result(r->arena, tl_item(r->q, field, i)));
	tl_set_int(o, TL_messages_botResults_cache_time,
		   tl_int(r->q, TL_messages_setInlineBotResults_cache_time));
	sim_mention(&m, r->me);
	sim_mentions_put(&m, r->arena, o, TL_messages_botResults_users,
			 sim_world_account(r->world, q->user));
	return o;
}

static void sim_messages_answer_inline(struct sim_request *r)
{
	struct sim_query *q = sim_query_waiting(
		r->world, r->me->id,
		tl_long(r->q, TL_messages_setInlineBotResults_query_id), true);
	const struct sim_fault *f;

	if (sim_bot_refused(r))
		return;
	f = q ? sim_results_check(r)
	      : SIM_FAULT(400, "QUERY_ID_INVALID", "inline-answer-late");
	if (f) {
		sim_refuse(r, f);
		return;
	}
	sim_query_answer(r->world, q, sim_object_results(r, q));
	q->deadline = r->world->now + SIM_RESULTS_TIME;
	if (tl_write(&q->results, r->q))
		sim_query_free(r->world, q);
	sim_answer_bool(r, true);
}

/* -- results that users send
 * --------------------------------------------------- */

static const struct tl_obj *
sim_result_find(struct tl_arena *a, const struct sim_query *q, struct bytes id)
{
	int field = TL_messages_setInlineBotResults_results;
	struct tl_obj *o = NULL;
	uint32_t n;
	struct rd rd;

	rd_init(&rd, q->results.p, q->results.n);
	if (tl_read(&o, a, &rd))
		return NULL;
	n = tl_count(o, field);
	for (uint32_t i = 0; i < n; i++)
		if (bytes_equal(id, tl_bytes(tl_item(o, field, i),
					     TL_inputBotInlineResult_id)))
			return tl_item(o, field, i);
	return NULL;
}

/* The bot learns which of its results was chosen. */
static void sim_chosen_tell(struct sim_request *r, const struct sim_query *q,
			    struct bytes id, const struct sim_message *sent)
{
	struct sim_account *bot = sim_world_account(r->world, q->bot);
	struct tl_obj *o = tl_new(r->arena, TL_updateBotInlineSend);

	tl_set_long(o, TL_updateBotInlineSend_user_id, r->me->id);
	tl_set_str(o, TL_updateBotInlineSend_query, q->text ? q->text : "");
	tl_set_bytes(o, TL_updateBotInlineSend_id, id.p, id.n);
	/* Without a keyboard the message cannot be edited. */
	if (sent->markup.n)
		tl_set_child(o, TL_updateBotInlineSend_msg_id,
			     sim_object_inline_id(r->arena, r->me, sent));
	sim_update_bot(bot, r->me, r->arena, o);
}

static void sim_messages_send_result(struct sim_request *r)
{
	struct bytes id = tl_bytes(r->q, TL_messages_sendInlineBotResult_id);
	struct sim_message m = {
		.random_id = tl_long(
			r->q, TL_messages_sendInlineBotResult_random_id)};
	struct sim_account *to = sim_input_user(
		r, tl_child(r->q, TL_messages_sendInlineBotResult_peer));
	const struct sim_fault *f = sim_send_check(r, to, m.random_id);
	const struct sim_query *q = sim_query_results(
		r->world, r->me->id,
		tl_long(r->q, TL_messages_sendInlineBotResult_query_id));
	const struct tl_obj *result =
		q ? sim_result_find(r->arena, q, id) : NULL;
	struct sim_content c = {.text = NULL};
	const struct sim_message *sent = NULL;

	if (sim_user_refused(r))
		return;
	if (!f && !q)
		f = SIM_FAULT(400, "QUERY_ID_INVALID", "result-query");
	if (!f && !result)
		f = SIM_FAULT(400, "RESULT_ID_INVALID", "result-unknown");
	if (!f)
		f = sim_content_read(
			&c, sim_world_account(r->world, q->bot),
			tl_child(result, TL_inputBotInlineResult_send_message),
			&sim_inline_fields, SIM_TEXT_UNITS);
	if (f) {
		sim_refuse(r, f);
	} else {
		m.text = c.text;
		m.entities = c.entities;
		m.markup = c.markup;
		m.via_bot = q->bot;
		sent = sim_send_run(r, to, &m);
	}
	if (sent)
		sim_chosen_tell(r, q, id, sent);
	sim_content_clear(&c);
}

static void sim_bots_commands(struct sim_request *r)
{
	if (sim_bot_refused(r))
		return;
	if (tl_count(r->q, TL_bots_setBotCommands_commands) > SIM_COMMANDS_MAX)
		sim_refuse(r, SIM_FAULT(400, "BOT_COMMAND_INVALID",
					"bot-commands"));
	else
		sim_answer_bool(r, true);
}

const struct sim_method sim_methods_bots[] = {
	{TL_messages_getBotCallbackAnswer, SIM_ACCESS_LOGIN,
	 sim_messages_press},
	{TL_messages_setBotCallbackAnswer, SIM_ACCESS_LOGIN,
	 sim_messages_press_answer},
	{TL_messages_getInlineBotResults, SIM_ACCESS_LOGIN,
	 sim_messages_ask_inline},
	{TL_messages_setInlineBotResults, SIM_ACCESS_LOGIN,
	 sim_messages_answer_inline},
	{TL_messages_sendInlineBotResult, SIM_ACCESS_LOGIN,
	 sim_messages_send_result},
	{TL_messages_editInlineBotMessage, SIM_ACCESS_LOGIN,
	 sim_messages_edit_inline},
	{TL_bots_setBotCommands, SIM_ACCESS_LOGIN, sim_bots_commands},
	{0, SIM_ACCESS_OPEN, NULL},
};
