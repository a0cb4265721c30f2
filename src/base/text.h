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

#endif
