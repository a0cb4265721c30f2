/* Text fields of messages. A field that is missing or no text reads as "". */
#ifndef BUS_TEXT_H
#define BUS_TEXT_H

#include <jansson.h>

#include "base/text.h"

static inline const char *text_of(json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

/* Cut to the room. */
static inline void text_copy(char *dst, size_t room, json_t *o, const char *key)
{
	text_cut(dst, room, bytes_str(text_of(o, key)));
}

#endif
