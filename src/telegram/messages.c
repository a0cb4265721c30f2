/* Texts, edits, deletions, and reading back (C.3). */
#include "telegram/messages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "telegram/message_core.h"

#define IDS_MAX 100

/* -- sending --------------------------------------------------------------- */

static void send_fill(struct tl_obj *q, struct tl_arena *arena,
		      const struct tg_user *to, const struct tg_draft *d)
{
	tl_set_child(q, TL_messages_sendMessage_peer, input_peer(arena, to));
	/* Repeated after a reconnect it is the same message. */
	tl_set_long(q, TL_messages_sendMessage_random_id,
		    d->random_id ? d->random_id : (int64_t)random_u64());
	if (!d->preview)
		tl_set_true(q, TL_messages_sendMessage_no_webpage);
	if (d->silent)
		tl_set_true(q, TL_messages_sendMessage_silent);
	if (d->reply_to)
		tl_set_child(q, TL_messages_sendMessage_reply_to,
			     reply_build(arena, d->reply_to));
}

/* Sends q, which holds this text. */
static int submit(struct tg_account *a, const struct tl_obj *q,
		  const struct tg_user *chat, const struct tg_styled *styled,
		  bool edits, tg_sent_h *done, void *arg)
{
	struct sending *s = sending_new(a, chat, done, arg);

	if (!s)
		return -ENOMEM;
	s->edits = edits;
	buf_put(&s->text, styled->text.p, styled->text.n);
	return sending_query(s, q);
}

int tg_message_send(struct tg_account *a, const struct tg_user *to,
		    const struct tg_draft *draft, tg_sent_h *done, void *arg)
{
	static const struct draft_fields fields = {
		TL_messages_sendMessage_message,
		TL_messages_sendMessage_entities,
		TL_messages_sendMessage_reply_markup};
	struct tg_styled styled;
	struct tl_arena arena;
	struct tl_obj *q;
	int err;

	if (!to->id || !draft->text)
		return -EINVAL;
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_messages_sendMessage);
	err = draft_put(q, &arena, a, draft, &fields, &styled, TG_TEXT_UNITS);
	if (!err && !styled.text.n)
		err = -EINVAL;
	send_fill(q, &arena, to, draft);
	if (!err)
		err = submit(a, q, to, &styled, false, done, arg);
	tg_styled_clear(&styled);
	tl_arena_clear(&arena);
	return err;
}

int tg_message_edit(struct tg_account *a, const struct tg_user *chat,
		    int32_t id, const struct tg_draft *draft, tg_sent_h *done,
		    void *arg)
{
	static const struct draft_fields fields = {
		TL_messages_editMessage_message,
		TL_messages_editMessage_entities,
		TL_messages_editMessage_reply_markup};
	struct tg_styled styled;
	struct tl_arena arena;
	struct tl_obj *q;
	int err;

	if (!chat->id || !id)
		return -EINVAL;
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_messages_editMessage);
	err = draft_put(q, &arena, a, draft, &fields, &styled, TG_TEXT_UNITS);
	tl_set_child(q, TL_messages_editMessage_peer, input_peer(&arena, chat));
	tl_set_int(q, TL_messages_editMessage_id, id);
	if (!draft->preview)
		tl_set_true(q, TL_messages_editMessage_no_webpage);
	if (!err)
		err = submit(a, q, chat, &styled, true, done, arg);
	tg_styled_clear(&styled);
	tl_arena_clear(&arena);
	return err;
}

/* -- queries that are only done or not ------------------------------------- */

struct simple {
	tg_done_h *done;
	void *arg;
};

static void simple_done(const struct mtp_error *err,
			const struct tl_obj *answer, void *arg)
{
	struct simple *s = arg;

	if (s->done)
		s->done(err, s->arg);
	free(s);
}

int message_simple(struct tg_account *a, int dc_id, const struct tl_obj *q,
		   tg_done_h *done, void *arg)
{
	struct simple *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->done = done;
	s->arg = arg;
	err = dc_id ? tg_account_query_dc(a, dc_id, q, 0, simple_done, s)
		    : tg_account_query(a, q, 0, simple_done, s);
	if (err)
		free(s);
	return err;
}

int tg_messages_delete(struct tg_account *a, const int32_t *ids, size_t n,
		       bool for_all, tg_done_h *done, void *arg)
{
	struct tl_arena arena;
	struct tl_obj *q;
	int err;

	if (!n || n > IDS_MAX)
		return -EINVAL;
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_messages_deleteMessages);
	if (for_all)
		tl_set_true(q, TL_messages_deleteMessages_revoke);
	tl_set_vector(&arena, q, TL_messages_deleteMessages_id, (uint32_t)n);
	for (uint32_t i = 0; i < n; i++)
		tl_put_long(q, TL_messages_deleteMessages_id, i, ids[i]);
	err = message_simple(a, 0, q, done, arg);
	tl_arena_clear(&arena);
	return err;
}

int tg_messages_read(struct tg_account *a, const struct tg_user *chat,
		     int32_t max_id, tg_done_h *done, void *arg)
{
	struct tl_arena arena;
	struct tl_obj *q;
	int err;

	if (!chat->id)
		return -EINVAL;
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_messages_readHistory);
	tl_set_child(q, TL_messages_readHistory_peer, input_peer(&arena, chat));
	tl_set_int(q, TL_messages_readHistory_max_id, max_id);
	err = message_simple(a, 0, q, done, arg);
	tl_arena_clear(&arena);
	return err;
}

/* -- reading back ---------------------------------------------------------- */

struct reading {
	struct tg_account *account;
	tg_messages_h *done;
	void *arg;
};

static int list_field(const struct tl_obj *answer)
{
	if (tl_is(answer, TL_messages_messages))
		return TL_messages_messages_messages;
	if (tl_is(answer, TL_messages_messagesSlice))
		return TL_messages_messagesSlice_messages;
	return -1;
}

static void list_read(struct reading *r, const struct tl_obj *answer)
{
	struct mtp_error full = {500, "INTERNAL"};
	int field = list_field(answer);
	uint32_t n = tl_count(answer, field), kept = 0;
	struct tg_message *list = calloc(n + 1, sizeof(*list));
	struct tl_arena arena;

	tl_arena_init(&arena);
	for (uint32_t i = 0; list && i < n; i++)
		kept += message_read(&list[kept], r->account, &arena,
				     tl_item(answer, field, i));
	r->done(list ? NULL : &full, list, kept, r->arg);
	tl_arena_clear(&arena);
	free(list);
}

static void listed(const struct mtp_error *err, const struct tl_obj *answer,
		   void *arg)
{
	struct reading *r = arg;

	if (err)
		r->done(err, NULL, 0, r->arg);
	else
		list_read(r, answer);
	free(r);
}

static int reading_query(struct tg_account *a, const struct tl_obj *q,
			 tg_messages_h *done, void *arg)
{
	struct reading *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->account = a;
	r->done = done;
	r->arg = arg;
	err = tg_account_query(a, q, 0, listed, r);
	if (err)
		free(r);
	return err;
}

int tg_messages_get(struct tg_account *a, const int32_t *ids, size_t n,
		    tg_messages_h *done, void *arg)
{
	struct tl_arena arena;
	struct tl_obj *q;
	int err;

	if (!n || n > IDS_MAX)
		return -EINVAL;
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_messages_getMessages);
	tl_set_vector(&arena, q, TL_messages_getMessages_id, (uint32_t)n);
	for (uint32_t i = 0; i < n; i++) {
		struct tl_obj *id = tl_new(&arena, TL_inputMessageID);

		tl_set_int(id, TL_inputMessageID_id, ids[i]);
		tl_put_obj(q, TL_messages_getMessages_id, i, id);
	}
	err = reading_query(a, q, done, arg);
	tl_arena_clear(&arena);
	return err;
}

int tg_messages_history(struct tg_account *a, const struct tg_user *chat,
			int32_t before, int limit, tg_messages_h *done,
			void *arg)
{
	struct tl_arena arena;
	struct tl_obj *q;
	int err;

	if (!chat->id || limit < 1 || limit > IDS_MAX)
		return -EINVAL;
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_messages_getHistory);
	tl_set_child(q, TL_messages_getHistory_peer, input_peer(&arena, chat));
	tl_set_int(q, TL_messages_getHistory_offset_id, before);
	tl_set_int(q, TL_messages_getHistory_offset_date, 0);
	tl_set_int(q, TL_messages_getHistory_add_offset, 0);
	tl_set_int(q, TL_messages_getHistory_limit, limit);
	tl_set_int(q, TL_messages_getHistory_max_id, 0);
	tl_set_int(q, TL_messages_getHistory_min_id, 0);
	tl_set_long(q, TL_messages_getHistory_hash, 0);
	err = reading_query(a, q, done, arg);
	tl_arena_clear(&arena);
	return err;
}
