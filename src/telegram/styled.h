/* Text with styles: from Markdown or HTML to plain text and entities, whose
 * offsets count UTF-16 units (telegram-wire C.3).
 *
 * Markdown, tolerant: *bold* **bold** _italic_ __underline__ ~strike~
 * ||spoiler|| `code` ```language newline pre``` [text](address); a backslash
 * makes the next sign literal. A sign without a partner, and an underscore
 * inside a word, stand for themselves: nothing is refused.
 * HTML, strict: b strong i em u ins s strike del code pre blockquote
 * tg-spoiler, span class="tg-spoiler", a href; &lt; &gt; &amp; &quot; and
 * numbers. The address tg://user?id=N is a mention.
 *
 * A value with one owner; any thread.
 */
#ifndef TELEGRAM_STYLED_H
#define TELEGRAM_STYLED_H

#include "base/bytes.h"
#include "tl/tl.h"

#define TG_ENTITIES_MAX 100

enum tg_format {
	TG_FORMAT_MARKDOWN, /* the default */
	TG_FORMAT_HTML,
	TG_FORMAT_PLAIN,
};

enum tg_style {
	TG_STYLE_BOLD,
	TG_STYLE_ITALIC,
	TG_STYLE_UNDERLINE,
	TG_STYLE_STRIKE,
	TG_STYLE_SPOILER,
	TG_STYLE_CODE,
	TG_STYLE_PRE,
	TG_STYLE_QUOTE,
	TG_STYLE_LINK,
	TG_STYLE_MENTION, /* of a user by id */
	TG_STYLE_OTHER,   /* found by Telegram itself: addresses, numbers.. */
};

struct tg_entity {
	enum tg_style style;
	int32_t offset, length; /* UTF-16 units */
	struct bytes detail;    /* PRE: language, LINK: address */
	int64_t user_id;        /* MENTION */
};

struct tg_styled {
	struct buf text; /* UTF-8 */
	int32_t units;   /* its length in UTF-16 units */
	struct tg_entity entities[TG_ENTITIES_MAX]; /* more are left out */
	size_t entities_n;
	struct tl_arena details;
};

/* Errors: -EILSEQ (not UTF-8), -EBADMSG (HTML that is not well formed, a tag
 * we do not know), -EMSGSIZE (over 64 KiB), -ENOMEM. The caller clears s in
 * any case. */
int tg_styled_read(struct tg_styled *s, struct bytes source,
		   enum tg_format format);
void tg_styled_clear(struct tg_styled *s);
/* Appends text so that in this format it stands for itself: for names and
 * other people's words inside a template. */
void tg_styled_escape(struct buf *out, struct bytes text,
		      enum tg_format format);
/* UTF-16 units of UTF-8 text. */
int32_t tg_text_units(struct bytes text);

#endif
