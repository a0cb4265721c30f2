/* The `Dial Rules` of a trunk (behaviour 3.8): what number a text means.
 *
 *   [^+*#\w]= ^8=7       replace all; then a leading 8 by 7
 *   ^\d{4}$              a filter: others are not for this trunk
 *   =                    nothing is changed, nothing excluded
 *
 * Rules are PCRE2 expressions of strangers: matching takes a bounded number of
 * steps, whatever the expression and the text. Compiled once; a value of one
 * thread.
 */
#ifndef ROUTE_DIAL_RULES_H
#define ROUTE_DIAL_RULES_H

#include <stddef.h>

#define DIAL_RULES_DEFAULT ".*="
#define DIAL_RULES_TEXT_MAX 511 /* bytes of a setting */

struct dial_rules;

struct dial_rules_fault {
	size_t position; /* in characters of the setting, from 1 */
	char text[160];  /* "position 5: missing closing parenthesis" */
};

/* text: the setting, with or without back-quotes around it; empty: as "=".
 * Errors: -EINVAL with *fault, -ENOMEM. */
int dial_rules_new(struct dial_rules **rp, const char *text,
		   struct dial_rules_fault *fault);
void dial_rules_free(struct dial_rules **rp);

/* The number in a message's text; blanks around it are nothing. dst may come
 * out empty: the trunk's own number is meant.
 * Errors: -ENOENT: a filter excludes it; -ELOOP: more steps than allowed;
 * -ENOSPC: does not fit, here or on the way; -EBADMSG: not UTF-8; -ENOMEM. */
int dial_rules_apply(char *dst, size_t room, struct dial_rules *r,
		     const char *text);

#endif
