/* Text from strangers: names, numbers and reasons that come over the network
 * and may hold anything. Values; any thread.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/bytes.h"

/* Bytes of the UTF-8 character that t begins with (RFC 3629: no surrogates, no
 * overlong forms); 0 when it begins with none. */
size_t text_utf8_length(struct bytes t);
bool text_is_utf8(struct bytes t);
/* Copies text as UTF-8 that can be shown, logged and put into JSON: control
 * characters become blanks, bytes that are not UTF-8 question marks. Cut to
 * the room, never inside a character; room at least 1. */
void text_clean(char *dst, size_t room, struct bytes t);
/* The same, but those are left out. */
void text_strip(char *dst, size_t room, struct bytes t);

/* Cuts text that is UTF-8 to the room, never inside a character. */
void text_cut(char *dst, size_t room, struct bytes t);

/* The same word, whatever the case of its ASCII letters. */
bool text_is(struct bytes t, const char *word);
/* Takes the next line off the text, without its end, CRLF or LF; false at the
 * end of the text. */
bool text_line(struct rd *r, struct bytes *line);
/* Takes the next word; blanks and tabs separate words. Empty: there is none. */
struct bytes text_word(struct rd *r);
/* Takes what stands before the separator, and the separator; everything where
 * there is none. */
struct bytes text_until(struct rd *r, char separator);
/* Takes the next item off a list, with commas, blanks or tabs between; false
 * at its end. An item that does not fit is cut. */
bool text_item(const char **at, char *item, size_t room);
/* What a backslash and this character stand for in settings and commands; 0:
 * for themselves, both, so that patterns such as \d+ need no doubling. */
char text_unescaped(char c, bool quoted);

#endif
