/* What is sent, as TL. */
#include <errno.h>

#include "telegram/message_core.h"

struct tl_obj *input_peer(struct tl_arena *arena, const struct tg_user *user)
{
	struct tl_obj *o;

	if (user->self)
		return tl_new(arena, TL_inputPeerSelf);
	o = tl_new(arena, TL_inputPeerUser);
	tl_set_long(o, TL_inputPeerUser_user_id, user->id);
	tl_set_long(o, TL_inputPeerUser_access_hash, user->access_hash);
	return o;
}

struct tl_obj *input_user(struct tl_arena *arena, const struct tg_user *user)
{
	struct tl_obj *o;

	if (user->self)
		return tl_new(arena, TL_inputUserSelf);
	o = tl_new(arena, TL_inputUser);
	tl_set_long(o, TL_inputUser_user_id, user->id);
	tl_set_long(o, TL_inputUser_access_hash, user->access_hash);
	return o;
}

/* -- styles ---------------------------------------------------------------- */

/* Those that have a place only. */
static const struct {
	enum tg_style style;
	enum tl_ctor_no no;
	int offset, length;
} kinds[] = {
#define KIND(style, name)                                                      \
	{                                                                      \
		TG_STYLE_##style, TL_messageEntity##name,                      \
			TL_messageEntity##name##_offset,                       \
			TL_messageEntity##name##_length                        \
	}
	KIND(BOLD, Bold),       KIND(ITALIC, Italic),
	KIND(STRIKE, Strike),   KIND(UNDERLINE, Underline),
	KIND(SPOILER, Spoiler), KIND(CODE, Code),
	KIND(PRE, Pre),         KIND(QUOTE, Blockquote),
	KIND(LINK, TextUrl),
#undef KIND
};

/* A mention needs the user's access hash; without it the name is plain. */
static struct tl_obj *mention_build(struct tl_arena *arena,
				    struct tg_account *a,
				    const struct tg_entity *e)
{
	struct tg_user user;
	struct tl_obj *o;

	if (e->user_id == a->self.id)
		user = a->self;
	else if (!peers_find(a, e->user_id, &user) || !user.access_hash)
		return NULL;
	o = tl_new(arena, TL_inputMessageEntityMentionName);
	tl_set_int(o, TL_inputMessageEntityMentionName_offset, e->offset);
	tl_set_int(o, TL_inputMessageEntityMentionName_length, e->length);
	tl_set_child(o, TL_inputMessageEntityMentionName_user_id,
		     input_user(arena, &user));
	return o;
}

static struct tl_obj *entity_build(struct tl_arena *arena, struct tg_account *a,
				   const struct tg_entity *e)
{
	struct tl_obj *o = NULL;

	if (e->style == TG_STYLE_MENTION)
		return mention_build(arena, a, e);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].style != e->style)
			continue;
		o = tl_new(arena, kinds[i].no);
		tl_set_int(o, kinds[i].offset, e->offset);
		tl_set_int(o, kinds[i].length, e->length);
	}
	if (e->style == TG_STYLE_PRE)
		tl_set_bytes(o, TL_messageEntityPre_language, e->detail.p,
			     e->detail.n);
	if (e->style == TG_STYLE_LINK)
		tl_set_bytes(o, TL_messageEntityTextUrl_url, e->detail.p,
			     e->detail.n);
	return o;
}

static void entities_put(struct tl_obj *o, int field, struct tl_arena *arena,
			 struct tg_account *a, const struct tg_styled *s)
{
	struct tl_obj *list[TG_ENTITIES_MAX];
	uint32_t n = 0;

	for (size_t i = 0; i < s->entities_n; i++) {
		list[n] = entity_build(arena, a, &s->entities[i]);
		n += list[n] != NULL;
	}
	if (!n)
		return;
	tl_set_vector(arena, o, field, n);
	for (uint32_t i = 0; i < n; i++)
		tl_put_obj(o, field, i, list[i]);
}

/* -- a draft --------------------------------------------------------------- */

int draft_put(struct tl_obj *o, struct tl_arena *arena, struct tg_account *a,
	      const struct tg_draft *draft, const struct draft_fields *fields,
	      struct tg_styled *styled, int32_t units)
{
	int err = tg_styled_read(styled,
				 bytes_str(draft->text ? draft->text : ""),
				 draft->format);

	if (err)
		return err;
	if (styled->units > units)
		return -EMSGSIZE;
	if (draft->keyboard && tg_keyboard_check(draft->keyboard))
		return -EINVAL;
	if (draft->text) {
		tl_set_bytes(o, fields->message, styled->text.p,
			     styled->text.n);
		entities_put(o, fields->entities, arena, a, styled);
	}
	if (draft->keyboard)
		tl_set_child(o, fields->markup,
			     markup_build(arena, draft->keyboard));
	return 0;
}

struct tl_obj *reply_build(struct tl_arena *arena, int32_t reply_to)
{
	struct tl_obj *o = tl_new(arena, TL_inputReplyToMessage);

	tl_set_int(o, TL_inputReplyToMessage_reply_to_msg_id, reply_to);
	return o;
}
