/* The user's side of inline.h: a user account asks a bot. */
#include "telegram/inline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/text.h"
#include "telegram/message_core.h"

/* -- buttons --------------------------------------------------------------- */

struct press {
	tg_alert_h *done;
	void *arg;
};

static struct bytes clean(struct bytes text)
{
	return text_is_utf8(text) ? text : bytes_of(NULL, 0);
}

static void pressed(const struct mtp_error *err, const struct tl_obj *answer,
		    void *arg)
{
	struct press *p = arg;
	struct tg_alert alert = {
		.text = clean(tl_bytes(answer,
				       TL_messages_botCallbackAnswer_message)),
		.url = clean(
			tl_bytes(answer, TL_messages_botCallbackAnswer_url)),
		.alert = tl_has(answer, TL_messages_botCallbackAnswer_alert),
	};

	p->done(err, err ? NULL : &alert, p->arg);
	free(p);
}

int tg_press(struct tg_account *a, const struct tg_user *chat,
	     int32_t message_id, struct bytes data, tg_alert_h *done, void *arg)
{
	struct press *p;
	struct tl_arena arena;
	struct tl_obj *q;
	int err;

	if (!chat->id || !message_id || !data.n || data.n > TG_BUTTON_DATA_MAX)
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->done = done;
	p->arg = arg;
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_messages_getBotCallbackAnswer);
	tl_set_child(q, TL_messages_getBotCallbackAnswer_peer,
		     input_peer(&arena, chat));
	tl_set_int(q, TL_messages_getBotCallbackAnswer_msg_id, message_id);
	tl_set_bytes(q, TL_messages_getBotCallbackAnswer_data, data.p, data.n);
	err = tg_account_query(a, q, 0, pressed, p);
	tl_arena_clear(&arena);
	if (err)
		free(p);
	return err;
}

/* -- results --------------------------------------------------------------- */

struct ask {
	tg_offers_h *done;
	void *arg;
};

static void offer_read(struct tg_offer *offer, const struct tl_obj *o)
{
	if (tl_is(o, TL_botInlineResult)) {
		offer->id = tl_bytes(o, TL_botInlineResult_id);
		offer->type = tl_bytes(o, TL_botInlineResult_type);
		offer->title = tl_bytes(o, TL_botInlineResult_title);
		offer->description =
			tl_bytes(o, TL_botInlineResult_description);
	} else {
		offer->id = tl_bytes(o, TL_botInlineMediaResult_id);
		offer->type = tl_bytes(o, TL_botInlineMediaResult_type);
		offer->title = tl_bytes(o, TL_botInlineMediaResult_title);
		offer->description =
			tl_bytes(o, TL_botInlineMediaResult_description);
	}
	offer->type = clean(offer->type);
	offer->title = clean(offer->title);
	offer->description = clean(offer->description);
}

static void asked(const struct mtp_error *err, const struct tl_obj *answer,
		  void *arg)
{
	static const struct mtp_error full = {500, "INTERNAL"};
	struct ask *ask = arg;
	uint32_t n = tl_count(answer, TL_messages_botResults_results);
	struct tg_offer *list = calloc(n + 1, sizeof(*list));
	struct tg_offers offers = {.list = list, .n = n};

	if (!err && list) {
		offers.query_id =
			tl_long(answer, TL_messages_botResults_query_id);
		offers.next_offset = clean(
			tl_bytes(answer, TL_messages_botResults_next_offset));
		for (uint32_t i = 0; i < n; i++)
			offer_read(&list[i],
				   tl_item(answer,
					   TL_messages_botResults_results, i));
	}
	if (!err && !list)
		err = &full;
	ask->done(err, err ? NULL : &offers, ask->arg);
	free(list);
	free(ask);
}

int tg_inline_ask(struct tg_account *a, const struct tg_user *bot,
		  const struct tg_user *chat, const char *query,
		  const char *offset, tg_offers_h *done, void *arg)
{
	struct ask *ask;
	struct tl_arena arena;
	struct tl_obj *q;
	int err;

	if (!bot->id || !chat->id)
		return -EINVAL;
	ask = calloc(1, sizeof(*ask));
	if (!ask)
		return -ENOMEM;
	ask->done = done;
	ask->arg = arg;
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_messages_getInlineBotResults);
	tl_set_child(q, TL_messages_getInlineBotResults_bot,
		     input_user(&arena, bot));
	tl_set_child(q, TL_messages_getInlineBotResults_peer,
		     input_peer(&arena, chat));
	tl_set_str(q, TL_messages_getInlineBotResults_query, query);
	tl_set_str(q, TL_messages_getInlineBotResults_offset, offset);
	err = tg_account_query(a, q, 0, asked, ask);
	tl_arena_clear(&arena);
	if (err)
		free(ask);
	return err;
}

int tg_inline_send(struct tg_account *a, const struct tg_user *bot,
		   const struct tg_user *chat, int64_t query_id,
		   struct bytes result, int64_t random_id, tg_sent_h *done,
		   void *arg)
{
	struct sending *s;
	struct tl_arena arena;
	struct tl_obj *q;
	int err;

	if (!chat->id || !result.n)
		return -EINVAL;
	if (result.n > TG_RESULT_ID_MAX)
		return -EMSGSIZE;
	s = sending_new(a, chat, done, arg);
	if (!s)
		return -ENOMEM;
	s->via_bot = bot->id;
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_messages_sendInlineBotResult);
	tl_set_child(q, TL_messages_sendInlineBotResult_peer,
		     input_peer(&arena, chat));
	tl_set_long(q, TL_messages_sendInlineBotResult_random_id,
		    random_id ? random_id : (int64_t)random_u64());
	tl_set_long(q, TL_messages_sendInlineBotResult_query_id, query_id);
	tl_set_bytes(q, TL_messages_sendInlineBotResult_id, result.p, result.n);
	err = sending_query(s, q);
	tl_arena_clear(&arena);
	return err;
}
