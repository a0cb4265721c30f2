/* What stands behind a command's name: words, and KEY=VALUE settings.
 *
 *     trunk set "Office 1" codecs=alaw caller_name="{name} (Telegram)"
 *
 * "..." keeps blanks; \n, \t, \\ and, in quotes, \" are understood as in the
 * configuration, another backslash stands for itself. */
#ifndef SERVICE_WORDS_H
#define SERVICE_WORDS_H

#include <jansson.h>
#include <stdbool.h>

#define SERVICE_WHY 160

/* Puts the words into o under the names of `needs` (NULL at the end, at most
 * two), what follows into o's "settings" if those are meant. Fewer words are
 * no error. -EINVAL: a word too many, an open quote, no KEY=VALUE, a key
 * twice; why is set ("" for a word too many). */
int words_take(json_t *o, const char *const needs[2], bool settings,
	       const char *text, char why[SERVICE_WHY]);

#endif
