/* Messages as Telegram sends them, and the updates about them. Their text is
 * never logged. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "telegram/message_core.h"

/* -- the parts of a message ------------------------------------------------ */

static const struct {
	enum tl_ctor_no no;
	enum tg_style style;
	int offset, length;
} kinds[] = {
#define KIND(name, style)                                                      \
	{                                                                      \
		TL_messageEntity##name, TG_STYLE_##style,                      \
			TL_messageEntity##name##_offset,                       \
			TL_messageEntity##name##_length                        \
	}
	KIND(Bold, BOLD),
	KIND(Italic, ITALIC),
	KIND(Underline, UNDERLINE),
	KIND(Strike, STRIKE),
	KIND(Spoiler, SPOILER),
	KIND(Code, CODE),
	KIND(Pre, PRE),
	KIND(Blockquote, QUOTE),
	KIND(TextUrl, LINK),
	KIND(MentionName, MENTION),
	KIND(Unknown, OTHER),
	KIND(Mention, OTHER),
	KIND(Hashtag, OTHER),
	KIND(BotCommand, OTHER),
	KIND(Url, OTHER),
	KIND(Email, OTHER),
	KIND(Phone, OTHER),
	KIND(Cashtag, OTHER),
	KIND(BankCard, OTHER),
	KIND(CustomEmoji, OTHER),
#undef KIND
};

static void entity_read(struct tg_entity *e, const struct tl_obj *o)
{
	*e = (struct tg_entity){.style = TG_STYLE_OTHER};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!tl_is(o, kinds[i].no))
			continue;
		e->style = kinds[i].style;
		e->offset = tl_int(o, kinds[i].offset);
		e->length = tl_int(o, kinds[i].length);
	}
	if (e->style == TG_STYLE_LINK)
		e->detail = tl_bytes(o, TL_messageEntityTextUrl_url);
	else if (e->style == TG_STYLE_PRE)
		e->detail = tl_bytes(o, TL_messageEntityPre_language);
	else if (e->style == TG_STYLE_MENTION)
		e->user_id = tl_long(o, TL_messageEntityMentionName_user_id);
	if (!text_is_utf8(e->detail))
		e->detail = bytes_of(NULL, 0);
}

static void entities_read(struct tg_message *m, struct tl_arena *arena,
			  const struct tl_obj *o)
{
	uint32_t n = tl_count(o, TL_message_entities);
	int32_t units = tg_text_units(m->text);
	struct tg_entity *list;

	if (n > TG_ENTITIES_MAX)
		n = TG_ENTITIES_MAX;
	list = n ? tl_arena_alloc(arena, n * sizeof(*list)) : NULL;
	for (uint32_t i = 0; list && i < n; i++) {
		struct tg_entity *e = &list[m->entities_n];

		entity_read(e, tl_item(o, TL_message_entities, i));
		/* Outside of the text: of no use to anybody. */
		if (e->offset >= 0 && e->length > 0 && e->offset <= units &&
		    e->length <= units - e->offset)
			m->entities_n++;
	}
	m->entities = list;
}

static void attribute_read(struct tg_document *d, const struct tl_obj *o)
{
	if (tl_is(o, TL_documentAttributeFilename)) {
		d->name = tl_bytes(o, TL_documentAttributeFilename_file_name);
	} else if (tl_is(o, TL_documentAttributeAudio)) {
		d->voice = tl_has(o, TL_documentAttributeAudio_voice);
		d->duration_s = tl_int(o, TL_documentAttributeAudio_duration);
		d->waveform = tl_bytes(o, TL_documentAttributeAudio_waveform);
	}
}

static const struct tg_document *document_read(struct tl_arena *arena,
					       const struct tl_obj *o)
{
	uint32_t n = tl_count(o, TL_document_attributes);
	struct tg_document *d = tl_arena_alloc(arena, sizeof(*d));

	if (!tl_is(o, TL_document) || !d)
		return NULL;
	d->id = tl_long(o, TL_document_id);
	d->access_hash = tl_long(o, TL_document_access_hash);
	d->dc_id = tl_int(o, TL_document_dc_id);
	d->size = tl_long(o, TL_document_size);
	d->mime = tl_bytes(o, TL_document_mime_type);
	d->reference = tl_bytes(o, TL_document_file_reference);
	for (uint32_t i = 0; i < n; i++)
		attribute_read(d, tl_item(o, TL_document_attributes, i));
	if (d->size < 0 || !text_is_utf8(d->mime))
		return NULL;
	if (!text_is_utf8(d->name))
		d->name = bytes_of(NULL, 0);
	return d;
}

static void media_read(struct tg_message *m, struct tl_arena *arena,
		       const struct tl_obj *media)
{
	/* The preview of an address belongs to the text. */
	if (!media || tl_is(media, TL_messageMediaWebPage) ||
	    tl_is(media, TL_messageMediaEmpty))
		return;
	m->document = document_read(
		arena, tl_child(media, TL_messageMediaDocument_document));
	m->other_media = !m->document;
}

/* -- a message ------------------------------------------------------------- */

static void user_find(struct tg_account *a, int64_t id, struct tg_user *user)
{
	memset(user, 0, sizeof(*user));
	if (id && id == a->self.id) {
		*user = a->self;
		user->self = true;
	} else if (!peers_find(a, id, user)) {
		user->id = id;
	}
}

bool message_read(struct tg_message *m, struct tg_account *a,
		  struct tl_arena *arena, const struct tl_obj *o)
{
	const struct tl_obj *peer = tl_child(o, TL_message_peer_id);
	const struct tl_obj *from = tl_child(o, TL_message_from_id);

	memset(m, 0, sizeof(*m));
	if (!tl_is(o, TL_message) || !tl_is(peer, TL_peerUser))
		return false;
	/* In a private chat from_id is absent or names a user. */
	if (from && !tl_is(from, TL_peerUser))
		return false;
	m->id = tl_int(o, TL_message_id);
	user_find(a, tl_long(peer, TL_peerUser_user_id), &m->chat);
	m->out = tl_has(o, TL_message_out);
	m->date = tl_int(o, TL_message_date);
	m->edited = tl_int(o, TL_message_edit_date);
	m->via_bot = tl_long(o, TL_message_via_bot_id);
	m->reply_to = tl_int(tl_child(o, TL_message_reply_to),
			     TL_messageReplyHeader_reply_to_msg_id);
	m->text = tl_bytes(o, TL_message_message);
	if (!text_is_utf8(m->text))
		return false;
	entities_read(m, arena, o);
	if (tl_has(o, TL_message_reply_markup))
		m->keyboard = markup_read(arena,
					  tl_child(o, TL_message_reply_markup));
	media_read(m, arena, tl_child(o, TL_message_media));
	return true;
}

static bool short_read(struct tg_message *m, struct tg_account *a,
		       const struct tl_obj *o)
{
	memset(m, 0, sizeof(*m));
	m->id = tl_int(o, TL_updateShortMessage_id);
	user_find(a, tl_long(o, TL_updateShortMessage_user_id), &m->chat);
	m->out = tl_has(o, TL_updateShortMessage_out);
	m->date = tl_int(o, TL_updateShortMessage_date);
	m->via_bot = tl_long(o, TL_updateShortMessage_via_bot_id);
	m->reply_to = tl_int(tl_child(o, TL_updateShortMessage_reply_to),
			     TL_messageReplyHeader_reply_to_msg_id);
	m->text = tl_bytes(o, TL_updateShortMessage_message);
	return text_is_utf8(m->text);
}

/* -- updates --------------------------------------------------------------- */

static void tell(struct tg_account *a, const struct tg_event *e)
{
	if (a->handlers.event && !a->closing)
		a->handlers.event(e, a->arg);
}

static void deleted_read(struct tg_event *e, struct tl_arena *arena,
			 const struct tl_obj *o)
{
	uint32_t n = tl_count(o, TL_updateDeleteMessages_messages);
	int32_t *ids = n ? tl_arena_alloc(arena, n * sizeof(*ids)) : NULL;

	for (uint32_t i = 0; ids && i < n; i++)
		ids[i] = (int32_t)tl_item_long(
			o, TL_updateDeleteMessages_messages, i);
	e->ids = ids;
	e->ids_n = ids ? n : 0;
}

static bool inline_id_read(struct tg_inline_id *id, const struct tl_obj *o)
{
	if (tl_is(o, TL_inputBotInlineMessageID64)) {
		id->dc_id = tl_int(o, TL_inputBotInlineMessageID64_dc_id);
		id->owner_id =
			tl_long(o, TL_inputBotInlineMessageID64_owner_id);
		id->id = tl_int(o, TL_inputBotInlineMessageID64_id);
		id->access_hash =
			tl_long(o, TL_inputBotInlineMessageID64_access_hash);
		return true;
	}
	if (!tl_is(o, TL_inputBotInlineMessageID))
		return false;
	id->dc_id = tl_int(o, TL_inputBotInlineMessageID_dc_id);
	id->id = tl_long(o, TL_inputBotInlineMessageID_id);
	id->access_hash = tl_long(o, TL_inputBotInlineMessageID_access_hash);
	return true;
}

static void pressed_read(struct tg_event *e, struct tg_account *a,
			 const struct tl_obj *o)
{
	e->kind = TG_EVENT_PRESSED;
	e->query_id = tl_long(o, TL_updateBotCallbackQuery_query_id);
	user_find(a, tl_long(o, TL_updateBotCallbackQuery_user_id), &e->from);
	e->data = tl_bytes(o, TL_updateBotCallbackQuery_data);
	e->message_id = tl_int(o, TL_updateBotCallbackQuery_msg_id);
}

static void inline_pressed_read(struct tg_event *e, struct tg_account *a,
				const struct tl_obj *o)
{
	e->kind = TG_EVENT_PRESSED;
	e->query_id = tl_long(o, TL_updateInlineBotCallbackQuery_query_id);
	user_find(a, tl_long(o, TL_updateInlineBotCallbackQuery_user_id),
		  &e->from);
	e->data = tl_bytes(o, TL_updateInlineBotCallbackQuery_data);
	e->has_inline_id = inline_id_read(
		&e->inline_id,
		tl_child(o, TL_updateInlineBotCallbackQuery_msg_id));
}

static void query_read(struct tg_event *e, struct tg_account *a,
		       const struct tl_obj *o)
{
	e->kind = TG_EVENT_INLINE_QUERY;
	e->query_id = tl_long(o, TL_updateBotInlineQuery_query_id);
	user_find(a, tl_long(o, TL_updateBotInlineQuery_user_id), &e->from);
	e->text = tl_bytes(o, TL_updateBotInlineQuery_query);
	e->offset = tl_bytes(o, TL_updateBotInlineQuery_offset);
}

static void chosen_read(struct tg_event *e, struct tg_account *a,
			const struct tl_obj *o)
{
	e->kind = TG_EVENT_INLINE_CHOSEN;
	user_find(a, tl_long(o, TL_updateBotInlineSend_user_id), &e->from);
	e->text = tl_bytes(o, TL_updateBotInlineSend_query);
	e->result = tl_bytes(o, TL_updateBotInlineSend_id);
	e->has_inline_id = inline_id_read(
		&e->inline_id, tl_child(o, TL_updateBotInlineSend_msg_id));
}

bool message_update_is(const struct tl_obj *o)
{
	static const enum tl_ctor_no list[] = {
		TL_updateNewMessage,       TL_updateShortMessage,
		TL_updateEditMessage,      TL_updateDeleteMessages,
		TL_updateBotCallbackQuery, TL_updateInlineBotCallbackQuery,
		TL_updateBotInlineQuery,   TL_updateBotInlineSend,
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (tl_is(o, list[i]))
			return true;
	return false;
}

/* False: nothing to be told. */
static bool event_read(struct tg_event *e, struct tg_account *a,
		       struct tl_arena *arena, const struct tl_obj *o)
{
	switch (o->no) {
	case TL_updateNewMessage:
		e->kind = TG_EVENT_MESSAGE;
		return message_read(&e->message, a, arena,
				    tl_child(o, TL_updateNewMessage_message));
	case TL_updateShortMessage:
		e->kind = TG_EVENT_MESSAGE;
		return short_read(&e->message, a, o);
	case TL_updateEditMessage:
		e->kind = TG_EVENT_EDITED;
		return message_read(&e->message, a, arena,
				    tl_child(o, TL_updateEditMessage_message));
	case TL_updateDeleteMessages:
		e->kind = TG_EVENT_DELETED;
		deleted_read(e, arena, o);
		return true;
	case TL_updateBotCallbackQuery:
		pressed_read(e, a, o);
		return true;
	case TL_updateInlineBotCallbackQuery:
		inline_pressed_read(e, a, o);
		return true;
	case TL_updateBotInlineQuery:
		query_read(e, a, o);
		return text_is_utf8(e->text);
	case TL_updateBotInlineSend:
		chosen_read(e, a, o);
		return text_is_utf8(e->text) && text_is_utf8(e->result);
	default:
		return false;
	}
}

bool message_update(struct tg_account *a, const struct tl_obj *o)
{
	struct tg_event e = {.kind = TG_EVENT_MESSAGE};
	struct tl_arena arena;

	if (!message_update_is(o))
		return false;
	tl_arena_init(&arena);
	if (event_read(&e, a, &arena, o))
		tell(a, &e);
	tl_arena_clear(&arena);
	return true;
}

void message_new(struct tg_account *a, const struct tl_obj *message)
{
	struct tg_event e = {.kind = TG_EVENT_MESSAGE};
	struct tl_arena arena;

	tl_arena_init(&arena);
	if (message_read(&e.message, a, &arena, message))
		tell(a, &e);
	tl_arena_clear(&arena);
}
