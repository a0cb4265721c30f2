/* Inline keyboards of bots (telegram-wire C.3): rows of buttons that either
 * send 1 to 64 bytes back to the bot or open an address. Values, borrowed. */
#ifndef TELEGRAM_MARKUP_H
#define TELEGRAM_MARKUP_H

#include "tl/tl.h"

#define TG_BUTTON_DATA_MAX 64
#define TG_BUTTONS_MAX 100
#define TG_ROW_MAX 8

struct tg_button {
	struct bytes text; /* UTF-8, not empty */
	struct bytes data; /* of a callback button; else: */
	struct bytes url;  /* of one that opens an address */
};

struct tg_row {
	const struct tg_button *buttons;
	size_t n; /* 1 .. TG_ROW_MAX */
};

/* No rows: the keyboard is taken away. */
struct tg_keyboard {
	const struct tg_row *rows;
	size_t n;
};

/* -EINVAL: a button without text, with neither or both of data and url, data
 * too long, a row or the whole too large. */
int tg_keyboard_check(const struct tg_keyboard *k);
/* replyInlineMarkup; NULL: no memory. Texts are borrowed. */
struct tl_obj *markup_build(struct tl_arena *a, const struct tg_keyboard *k);
/* In a; NULL when o is no inline keyboard. Buttons of kinds that we do not
 * know have text only. */
const struct tg_keyboard *markup_read(struct tl_arena *a,
				      const struct tl_obj *o);

#endif
