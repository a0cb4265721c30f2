/* The bot's side of inline.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "telegram/inline.h"
#include "telegram/message_core.h"

#define COMMANDS_MAX 100

int tg_press_answer(struct tg_account *a, int64_t query_id, const char *text,
		    bool alert, int cache_s, tg_done_h *done, void *arg)
{
	struct tl_arena arena;
	struct tl_obj *q;
	int err;

	tl_arena_init(&arena);
	q = tl_new(&arena, TL_messages_setBotCallbackAnswer);
	tl_set_long(q, TL_messages_setBotCallbackAnswer_query_id, query_id);
	if (text)
		tl_set_str(q, TL_messages_setBotCallbackAnswer_message, text);
	if (alert)
		tl_set_true(q, TL_messages_setBotCallbackAnswer_alert);
	tl_set_int(q, TL_messages_setBotCallbackAnswer_cache_time, cache_s);
	err = message_simple(a, 0, q, done, arg);
	tl_arena_clear(&arena);
	return err;
}

/* -- results --------------------------------------------------------------- */

static int result_build(struct tl_obj **op, struct tl_arena *arena,
			struct tg_account *a, const struct tg_result *r,
			struct tg_styled *styled)
{
	static const struct draft_fields fields = {
		TL_inputBotInlineMessageText_message,
		TL_inputBotInlineMessageText_entities,
		TL_inputBotInlineMessageText_reply_markup};
	struct tl_obj *text = tl_new(arena, TL_inputBotInlineMessageText);
	struct tl_obj *o = tl_new(arena, TL_inputBotInlineResult);
	size_t n = r->id ? strlen(r->id) : 0;
	int err = draft_put(text, arena, a, &r->draft, &fields, styled,
			    TG_TEXT_UNITS);

	if (!err &&
	    (!n || n > TG_RESULT_ID_MAX || !r->title || !styled->text.n))
		err = -EINVAL;
	if (err)
		return err;
	if (!r->draft.preview)
		tl_set_true(text, TL_inputBotInlineMessageText_no_webpage);
	tl_set_str(o, TL_inputBotInlineResult_id, r->id);
	tl_set_str(o, TL_inputBotInlineResult_type, "article");
	tl_set_str(o, TL_inputBotInlineResult_title, r->title);
	if (r->description)
		tl_set_str(o, TL_inputBotInlineResult_description,
			   r->description);
	tl_set_child(o, TL_inputBotInlineResult_send_message, text);
	*op = o;
	return 0;
}

int tg_inline_answer(struct tg_account *a, int64_t query_id,
		     const struct tg_result *results, size_t n, int cache_s,
		     bool personal, tg_done_h *done, void *arg)
{
	struct tg_styled *styled = calloc(n + 1, sizeof(*styled));
	struct tl_arena arena;
	struct tl_obj *q, *o;
	int err = 0;

	if (!styled || n > TG_RESULTS_MAX) {
		free(styled);
		return styled ? -EINVAL : -ENOMEM;
	}
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_messages_setInlineBotResults);
	tl_set_long(q, TL_messages_setInlineBotResults_query_id, query_id);
	tl_set_vector(&arena, q, TL_messages_setInlineBotResults_results,
		      (uint32_t)n);
	for (uint32_t i = 0; i < n && !err; i++) {
		err = result_build(&o, &arena, a, &results[i], &styled[i]);
		if (!err)
			tl_put_obj(q, TL_messages_setInlineBotResults_results,
				   i, o);
	}
	tl_set_int(q, TL_messages_setInlineBotResults_cache_time, cache_s);
	if (personal)
		tl_set_true(q, TL_messages_setInlineBotResults_private);
	if (!err)
		err = message_simple(a, 0, q, done, arg);
	for (size_t i = 0; i < n; i++)
		tg_styled_clear(&styled[i]);
	tl_arena_clear(&arena);
	free(styled);
	return err;
}

/* -- edits ----------------------------------------------------------------- */

static struct tl_obj *inline_id_build(struct tl_arena *arena,
				      const struct tg_inline_id *id)
{
	struct tl_obj *o;

	if (!id->owner_id) {
		o = tl_new(arena, TL_inputBotInlineMessageID);
		tl_set_int(o, TL_inputBotInlineMessageID_dc_id, id->dc_id);
		tl_set_long(o, TL_inputBotInlineMessageID_id, id->id);
		tl_set_long(o, TL_inputBotInlineMessageID_access_hash,
			    id->access_hash);
		return o;
	}
	o = tl_new(arena, TL_inputBotInlineMessageID64);
	tl_set_int(o, TL_inputBotInlineMessageID64_dc_id, id->dc_id);
	tl_set_long(o, TL_inputBotInlineMessageID64_owner_id, id->owner_id);
	tl_set_int(o, TL_inputBotInlineMessageID64_id, (int32_t)id->id);
	tl_set_long(o, TL_inputBotInlineMessageID64_access_hash,
		    id->access_hash);
	return o;
}

int tg_inline_edit(struct tg_account *a, const struct tg_inline_id *id,
		   const struct tg_draft *draft, tg_done_h *done, void *arg)
{
	static const struct draft_fields fields = {
		TL_messages_editInlineBotMessage_message,
		TL_messages_editInlineBotMessage_entities,
		TL_messages_editInlineBotMessage_reply_markup};
	struct tg_styled styled;
	struct tl_arena arena;
	struct tl_obj *q;
	int err;

	if (id->dc_id <= 0)
		return -EINVAL;
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_messages_editInlineBotMessage);
	err = draft_put(q, &arena, a, draft, &fields, &styled, TG_TEXT_UNITS);
	tl_set_child(q, TL_messages_editInlineBotMessage_id,
		     inline_id_build(&arena, id));
	if (!draft->preview)
		tl_set_true(q, TL_messages_editInlineBotMessage_no_webpage);
	if (!err)
		err = message_simple(a, id->dc_id, q, done, arg);
	tg_styled_clear(&styled);
	tl_arena_clear(&arena);
	return err;
}

/* -- commands -------------------------------------------------------------- */

int tg_bot_commands(struct tg_account *a, const struct tg_command *list,
		    size_t n, tg_done_h *done, void *arg)
{
	struct tl_arena arena;
	struct tl_obj *q;
	int err;

	if (n > COMMANDS_MAX)
		return -EINVAL;
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_bots_setBotCommands);
	tl_set_child(q, TL_bots_setBotCommands_scope,
		     tl_new(&arena, TL_botCommandScopeDefault));
	tl_set_str(q, TL_bots_setBotCommands_lang_code, "");
	tl_set_vector(&arena, q, TL_bots_setBotCommands_commands, (uint32_t)n);
	for (uint32_t i = 0; i < n; i++) {
		struct tl_obj *o = tl_new(&arena, TL_botCommand);

		tl_set_str(o, TL_botCommand_command, list[i].name);
		tl_set_str(o, TL_botCommand_description, list[i].description);
		tl_put_obj(q, TL_bots_setBotCommands_commands, i, o);
	}
	err = message_simple(a, 0, q, done, arg);
	tl_arena_clear(&arena);
	return err;
}
