/* Queries whose answer is a message of ours, and what becomes of one that was
 * sent twice: after a lost connection the first copy may have arrived. Then the
 * answer is RANDOM_ID_DUPLICATE, and the message is looked for in the chat. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "telegram/message_core.h"

#define LOOK_BACK 30

struct sending *sending_new(struct tg_account *a, const struct tg_user *chat,
			    tg_sent_h *done, void *arg)
{
	struct sending *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->account = a;
	s->chat = *chat;
	s->done = done;
	s->arg = arg;
	return s;
}

void sending_free(struct sending *s)
{
	buf_clear(&s->text);
	free(s);
}

static void sending_end(struct sending *s, const struct mtp_error *err,
			const struct tg_message *sent)
{
	if (s->done)
		s->done(err, err ? NULL : sent, s->arg);
	sending_free(s);
}

void sending_fail(struct sending *s, int code, const char *text)
{
	struct mtp_error err = {code, text};

	sending_end(s, &err, NULL);
}

/* -- sent before ----------------------------------------------------------- */

static bool is_ours(const struct sending *s, const struct tg_message *m)
{
	int64_t size = m->document ? m->document->size : 0;

	if (!m->out || m->via_bot != s->via_bot)
		return false;
	/* The text of an inline result is its bot's. */
	return s->via_bot ||
	       (size == s->size && bytes_equal(m->text, buf_bytes(&s->text)));
}

static void looked(const struct mtp_error *err, const struct tg_message *list,
		   size_t n, void *arg)
{
	struct sending *s = arg;

	for (size_t i = 0; !err && i < n; i++)
		if (is_ours(s, &list[i])) {
			sending_end(s, NULL, &list[i]);
			return;
		}
	sending_fail(s, 500, "RANDOM_ID_DUPLICATE");
}

static bool look_back(struct sending *s)
{
	log_info("telegram", s->account->name,
		 "a message was sent already: looking for it");
	return !tg_messages_history(s->account, &s->chat, 0, LOOK_BACK, looked,
				    s);
}

/* -- answers --------------------------------------------------------------- */

/* The message among the updates; the first of them is ours. */
static bool message_find(struct tg_message *m, struct sending *s,
			 struct tl_arena *arena, const struct tl_obj *answer)
{
	uint32_t n = tl_count(answer, TL_updates_updates);

	for (uint32_t i = 0; i < n; i++) {
		const struct tl_obj *u = tl_item(answer, TL_updates_updates, i);
		const struct tl_obj *o =
			tl_is(u, TL_updateEditMessage)
				? tl_child(u, TL_updateEditMessage_message)
				: tl_child(u, TL_updateNewMessage_message);

		if (o && message_read(m, s->account, arena, o))
			return true;
	}
	return false;
}

static void sent_short(struct sending *s, const struct tl_obj *answer)
{
	struct tg_message m = {
		.id = tl_int(answer, TL_updateShortSentMessage_id),
		.chat = s->chat,
		.out = true,
		.date = tl_int(answer, TL_updateShortSentMessage_date),
		.text = buf_bytes(&s->text),
	};

	sending_end(s, NULL, &m);
}

static void sent(const struct mtp_error *err, const struct tl_obj *answer,
		 void *arg)
{
	struct sending *s = arg;
	struct tl_arena arena;
	struct tg_message m;

	if (err && !s->edits && !strcmp(err->text, "RANDOM_ID_DUPLICATE") &&
	    look_back(s))
		return;
	if (err) {
		sending_end(s, err, NULL);
		return;
	}
	if (tl_is(answer, TL_updateShortSentMessage)) {
		sent_short(s, answer);
		return;
	}
	tl_arena_init(&arena);
	if (message_find(&m, s, &arena, answer))
		sending_end(s, NULL, &m);
	else
		sending_fail(s, 500, "ANSWER_UNREADABLE");
	tl_arena_clear(&arena);
}

int sending_query(struct sending *s, const struct tl_obj *q)
{
	int err = s->text.bad ? -ENOMEM
			      : tg_account_query(s->account, q, 0, sent, s);

	if (err)
		sending_free(s);
	return err;
}
