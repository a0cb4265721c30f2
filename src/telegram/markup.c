#include "telegram/markup.h"

#include <errno.h>

#include "base/text.h"

static bool button_is_good(const struct tg_button *b)
{
	if (!b->text.n || !text_is_utf8(b->text) || !text_is_utf8(b->url))
		return false;
	/* data: 1..64 bytes (C.3) */
	return (b->data.n > 0) != (b->url.n > 0) &&
	       b->data.n <= TG_BUTTON_DATA_MAX;
}

int tg_keyboard_check(const struct tg_keyboard *k)
{
	size_t count = 0;

	for (size_t i = 0; i < k->n; i++) {
		const struct tg_row *row = &k->rows[i];

		count += row->n;
		if (!row->n || row->n > TG_ROW_MAX || count > TG_BUTTONS_MAX)
			return -EINVAL;
		for (size_t j = 0; j < row->n; j++)
			if (!button_is_good(&row->buttons[j]))
				return -EINVAL;
	}
	return 0;
}

/* -- building -------------------------------------------------------------- */

static struct tl_obj *button_build(struct tl_arena *a,
				   const struct tg_button *b)
{
	struct tl_obj *o;

	if (b->url.n) {
		o = tl_new(a, TL_keyboardButtonUrl);
		tl_set_bytes(o, TL_keyboardButtonUrl_text, b->text.p,
			     b->text.n);
		tl_set_bytes(o, TL_keyboardButtonUrl_url, b->url.p, b->url.n);
		return o;
	}
	o = tl_new(a, TL_keyboardButtonCallback);
	tl_set_bytes(o, TL_keyboardButtonCallback_text, b->text.p, b->text.n);
	tl_set_bytes(o, TL_keyboardButtonCallback_data, b->data.p, b->data.n);
	return o;
}

struct tl_obj *markup_build(struct tl_arena *a, const struct tg_keyboard *k)
{
	struct tl_obj *o = tl_new(a, TL_replyInlineMarkup);

	tl_set_vector(a, o, TL_replyInlineMarkup_rows, (uint32_t)k->n);
	for (uint32_t i = 0; i < k->n; i++) {
		const struct tg_row *in = &k->rows[i];
		struct tl_obj *row = tl_new(a, TL_keyboardButtonRow);

		tl_set_vector(a, row, TL_keyboardButtonRow_buttons,
			      (uint32_t)in->n);
		for (uint32_t j = 0; j < in->n; j++)
			tl_put_obj(row, TL_keyboardButtonRow_buttons, j,
				   button_build(a, &in->buttons[j]));
		tl_put_obj(o, TL_replyInlineMarkup_rows, i, row);
	}
	return o;
}

/* -- reading --------------------------------------------------------------- */

static struct bytes clean(struct bytes text)
{
	return text_is_utf8(text) ? text : bytes_str("?");
}

static void button_read(struct tg_button *b, const struct tl_obj *o)
{
	if (tl_is(o, TL_keyboardButtonCallback)) {
		b->text = tl_bytes(o, TL_keyboardButtonCallback_text);
		b->data = tl_bytes(o, TL_keyboardButtonCallback_data);
	} else if (tl_is(o, TL_keyboardButtonUrl)) {
		b->text = tl_bytes(o, TL_keyboardButtonUrl_text);
		b->url = clean(tl_bytes(o, TL_keyboardButtonUrl_url));
	}
	b->text = clean(b->text);
}

static bool row_read(struct tl_arena *a, struct tg_row *row,
		     const struct tl_obj *o)
{
	uint32_t n = tl_count(o, TL_keyboardButtonRow_buttons);
	struct tg_button *list = tl_arena_alloc(a, n * sizeof(*list) + 1);

	if (!list)
		return false;
	for (uint32_t i = 0; i < n; i++)
		button_read(&list[i],
			    tl_item(o, TL_keyboardButtonRow_buttons, i));
	row->buttons = list;
	row->n = n;
	return true;
}

const struct tg_keyboard *markup_read(struct tl_arena *a,
				      const struct tl_obj *o)
{
	uint32_t n = tl_count(o, TL_replyInlineMarkup_rows);
	struct tg_keyboard *k = tl_arena_alloc(a, sizeof(*k));
	struct tg_row *rows = tl_arena_alloc(a, n * sizeof(*rows) + 1);

	if (!tl_is(o, TL_replyInlineMarkup) || !k || !rows)
		return NULL;
	for (uint32_t i = 0; i < n; i++)
		if (!row_read(a, &rows[i],
			      tl_item(o, TL_replyInlineMarkup_rows, i)))
			return NULL;
	k->rows = rows;
	k->n = n;
	return k;
}
