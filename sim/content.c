#include "sim/content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/world.h"

enum {
	SIM_ENTITIES_MAX = 100,
	SIM_BUTTONS_MAX = 100,
	SIM_ROW_MAX = 8,
	SIM_DATA_MAX = 64,
};

void sim_content_clear(struct sim_content *c)
{
	free(c->text);
	buf_clear(&c->entities);
	buf_clear(&c->markup);
	memset(c, 0, sizeof(*c));
}

/* -- text ------------------------------------------------------------------ */

/* Length in UTF-16 units, -1 when the text is not UTF-8. */
static int sim_text_units(struct bytes text)
{
	int units = 0;

	for (size_t i = 0; i < text.n;) {
		uint8_t c = text.p[i];
		size_t more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;

		if ((c >= 0x80 && c < 0xc2) || c > 0xf4 || i + more >= text.n)
			return -1;
		for (size_t k = 1; k <= more; k++)
			if ((text.p[i + k] & 0xc0) != 0x80)
				return -1;
		units += more == 3 ? 2 : 1;
		i += more + 1;
	}
	return units;
}

/* Offsets and lengths of all entities, by their constructors. */
static const struct {
	enum tl_ctor_no no;
	int offset, length;
} sim_entities[] = {
#define ENTITY(name)                                                           \
	{                                                                      \
		TL_messageEntity##name, TL_messageEntity##name##_offset,       \
			TL_messageEntity##name##_length                        \
	}
	ENTITY(Unknown),    ENTITY(Mention),     ENTITY(Hashtag),
	ENTITY(BotCommand), ENTITY(Url),         ENTITY(Email),
	ENTITY(Bold),       ENTITY(Italic),      ENTITY(Code),
	ENTITY(Pre),        ENTITY(TextUrl),     ENTITY(MentionName),
	ENTITY(Phone),      ENTITY(Cashtag),     ENTITY(Underline),
	ENTITY(Strike),     ENTITY(Blockquote),  ENTITY(BankCard),
	ENTITY(Spoiler),    ENTITY(CustomEmoji),
#undef ENTITY
};

static bool sim_entity_fits(const struct tl_obj *o, int units)
{
	for (size_t i = 0; i < sizeof(sim_entities) / sizeof(*sim_entities);
	     i++) {
		int32_t offset, length;

		if (!tl_is(o, sim_entities[i].no))
			continue;
		offset = tl_int(o, sim_entities[i].offset);
		length = tl_int(o, sim_entities[i].length);
		return offset >= 0 && length > 0 && offset <= units &&
		       length <= units - offset;
	}
	/* A mention by input user: it becomes one by id. */
	return tl_is(o, TL_inputMessageEntityMentionName);
}

static struct tl_obj *sim_entity_kept(struct tl_arena *a, struct tl_obj *in)
{
	const struct tl_obj *user =
		tl_child(in, TL_inputMessageEntityMentionName_user_id);
	struct tl_obj *o;

	if (!tl_is(in, TL_inputMessageEntityMentionName))
		return in;
	o = tl_new(a, TL_messageEntityMentionName);
	tl_set_int(o, TL_messageEntityMentionName_offset,
		   tl_int(in, TL_inputMessageEntityMentionName_offset));
	tl_set_int(o, TL_messageEntityMentionName_length,
		   tl_int(in, TL_inputMessageEntityMentionName_length));
	tl_set_long(o, TL_messageEntityMentionName_user_id,
		    tl_long(user, TL_inputUser_user_id));
	return o;
}

static const struct sim_fault *sim_entities_read(struct sim_content *c,
						 const struct tl_obj *o,
						 int field, int units)
{
	uint32_t n = tl_count(o, field);
	struct tl_arena a;
	struct tl_obj *kept;

	if (n > SIM_ENTITIES_MAX)
		return SIM_FAULT(400, "ENTITIES_TOO_LONG", "entities-many");
	for (uint32_t i = 0; i < n; i++)
		if (!sim_entity_fits(tl_item(o, field, i), units))
			return SIM_FAULT(400, "ENTITY_BOUNDS_INVALID",
					 "entity-bounds");
	if (!n)
		return NULL;
	tl_arena_init(&a);
	kept = tl_new(&a, TL_textWithEntities);
	tl_set_str(kept, TL_textWithEntities_text, "");
	tl_set_vector(&a, kept, TL_textWithEntities_entities, n);
	for (uint32_t i = 0; i < n; i++)
		tl_put_obj(kept, TL_textWithEntities_entities, i,
			   sim_entity_kept(&a, tl_item(o, field, i)));
	if (tl_write(&c->entities, kept))
		buf_reset(&c->entities);
	tl_arena_clear(&a);
	return NULL;
}

static struct tl_obj *sim_content_parse(struct tl_arena *a, const struct buf *b)
{
	struct tl_obj *o = NULL;
	struct rd r;

	rd_init(&r, b->p, b->n);
	if (!b->n || tl_read(&o, a, &r))
		return NULL;
	return o;
}

void sim_content_put_entities(struct tl_arena *a, struct tl_obj *o, int field,
			      const struct buf *entities)
{
	const struct tl_obj *kept = sim_content_parse(a, entities);
	uint32_t n = tl_count(kept, TL_textWithEntities_entities);

	if (!n)
		return;
	tl_set_vector(a, o, field, n);
	for (uint32_t i = 0; i < n; i++)
		tl_put_obj(o, field, i,
			   tl_item(kept, TL_textWithEntities_entities, i));
}

/* -- keyboards ------------------------------------------------------------- */

static bool sim_url_legal(struct bytes url)
{
	static const char *const heads[] = {"http://", "https://", "tg://",
					    "ton://"};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		size_t n = strlen(heads[i]);

		if (url.n > n && !memcmp(url.p, heads[i], n))
			return true;
	}
	return false;
}

static const struct sim_fault *sim_button_check(const struct tl_obj *o)
{
	struct bytes data = tl_bytes(o, TL_keyboardButtonCallback_data);

	if (tl_is(o, TL_keyboardButtonCallback)) {
		if (!tl_bytes(o, TL_keyboardButtonCallback_text).n)
			return SIM_FAULT(400, "BUTTON_TEXT_INVALID",
					 "button-text");
		/* data: 1..64 bytes (C.3) */
		if (!data.n || data.n > SIM_DATA_MAX)
			return SIM_FAULT(400, "BUTTON_DATA_INVALID",
					 "button-data");
		return NULL;
	}
	if (tl_is(o, TL_keyboardButtonUrl)) {
		if (!tl_bytes(o, TL_keyboardButtonUrl_text).n)
			return SIM_FAULT(400, "BUTTON_TEXT_INVALID",
					 "button-text");
		if (!sim_url_legal(tl_bytes(o, TL_keyboardButtonUrl_url)))
			return SIM_FAULT(400, "BUTTON_URL_INVALID",
					 "button-url");
		return NULL;
	}
	return SIM_FAULT(400, "BUTTON_TYPE_INVALID", "button-type");
}

static const struct sim_fault *sim_row_check(const struct tl_obj *row,
					     uint32_t *count)
{
	uint32_t n = tl_count(row, TL_keyboardButtonRow_buttons);

	*count += n;
	if (!n || n > SIM_ROW_MAX || *count > SIM_BUTTONS_MAX)
		return SIM_FAULT(400, "REPLY_MARKUP_TOO_LONG", "markup-long");
	for (uint32_t i = 0; i < n; i++) {
		const struct sim_fault *f = sim_button_check(
			tl_item(row, TL_keyboardButtonRow_buttons, i));

		if (f)
			return f;
	}
	return NULL;
}

static const struct sim_fault *sim_markup_read(struct sim_content *c,
					       const struct sim_account *author,
					       const struct tl_obj *o)
{
	uint32_t n = tl_count(o, TL_replyInlineMarkup_rows), count = 0;

	/* "bots only" (C.3) */
	if (!author->bot_token[0] || !tl_is(o, TL_replyInlineMarkup))
		return SIM_FAULT(400, "REPLY_MARKUP_INVALID", "markup-kind");
	for (uint32_t i = 0; i < n; i++) {
		const struct sim_fault *f = sim_row_check(
			tl_item(o, TL_replyInlineMarkup_rows, i), &count);

		if (f)
			return f;
	}
	if (n && tl_write(&c->markup, o))
		buf_reset(&c->markup);
	return NULL;
}

struct tl_obj *sim_content_markup(struct tl_arena *a, const struct buf *markup)
{
	return sim_content_parse(a, markup);
}

static bool sim_row_has(const struct tl_obj *row, struct bytes data)
{
	uint32_t n = tl_count(row, TL_keyboardButtonRow_buttons);

	for (uint32_t i = 0; i < n; i++)
		if (bytes_equal(
			    tl_bytes(tl_item(row, TL_keyboardButtonRow_buttons,
					     i),
				     TL_keyboardButtonCallback_data),
			    data))
			return true;
	return false;
}

bool sim_content_has_button(const struct buf *markup, struct bytes data)
{
	struct tl_arena a;
	const struct tl_obj *o;
	uint32_t n;
	bool found = false;

	tl_arena_init(&a);
	o = sim_content_parse(&a, markup);
	n = tl_count(o, TL_replyInlineMarkup_rows);
	for (uint32_t i = 0; i < n && data.n && !found; i++)
		found = sim_row_has(tl_item(o, TL_replyInlineMarkup_rows, i),
				    data);
	tl_arena_clear(&a);
	return found;
}

/* -- the whole ------------------------------------------------------------- */

const struct sim_fault *sim_content_read(struct sim_content *c,
					 const struct sim_account *author,
					 const struct tl_obj *o,
					 const struct sim_content_fields *f,
					 int units)
{
	struct bytes text = tl_bytes(o, f->message);
	const struct sim_fault *fault;
	int n = sim_text_units(text);

	memset(c, 0, sizeof(*c));
	if (n < 0)
		return SIM_FAULT(400, "INPUT_FETCH_ERROR", "message-utf8");
	if (n > units)
		return units == SIM_CAPTION_UNITS
			       ? SIM_FAULT(400, "MEDIA_CAPTION_TOO_LONG",
					   "caption-long")
			       : SIM_FAULT(400, "MESSAGE_TOO_LONG",
					   "message-long");
	if (tl_has(o, f->message)) {
		c->text = text.n ? strndup((const char *)text.p, text.n)
				 : strdup("");
		if (!c->text)
			return SIM_FAULT(500, "WORKER_BUSY_TOO_LONG_RETRY",
					 "no-memory");
	}
	fault = sim_entities_read(c, o, f->entities, n);
	if (!fault && tl_has(o, f->markup))
		fault = sim_markup_read(c, author, tl_child(o, f->markup));
	return fault;
}

void sim_content_keep(struct sim_content *c, const struct sim_message *m)
{
	if (c->text)
		return;
	c->text = strdup(m->text ? m->text : "");
	(void)sim_buf_set(&c->entities, buf_bytes(&m->entities));
}

bool sim_content_is(const struct sim_content *c, const struct sim_message *m)
{
	return c->text && m->text && !strcmp(c->text, m->text) &&
	       bytes_equal(buf_bytes(&c->entities), buf_bytes(&m->entities)) &&
	       bytes_equal(buf_bytes(&c->markup), buf_bytes(&m->markup));
}

void sim_content_move(struct sim_message *m, struct sim_content *c)
{
	free(m->text);
	m->text = c->text;
	c->text = NULL;
	(void)sim_buf_set(&m->entities, buf_bytes(&c->entities));
	(void)sim_buf_set(&m->markup, buf_bytes(&c->markup));
}
