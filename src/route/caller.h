/* The `Caller phone` and `Caller name` rules (behaviour 3.5, 3.6).
 *
 * A setting is a text of lines, each a template of literals and parameters.
 * Forming: the first rule all of whose parameters have a value. Reading: the
 * same setting backwards decides what a dialled identifier means
 * (identifier.c).
 * Values; no allocation; any thread.
 */
#ifndef ROUTE_CALLER_H
#define ROUTE_CALLER_H

#include <stdbool.h>
#include <stddef.h>

#define ROUTE_CALLER_PHONE_DEFAULT "{phone}\n{username}\n0{userid}"
#define ROUTE_CALLER_NAME_DEFAULT "{name_ascii}"
/* tg2sip's grammar: tg#name, +digits, bare digits = user id (design 6). */
#define ROUTE_CALLER_PHONE_TG2SIP "tg#{username}\n+{phone}\n{userid}"

struct route_user {
	const char *phone;    /* digits, "" when hidden */
	const char *username; /* "" when none */
	const char *userid;   /* decimal */
	const char *name;     /* display name, UTF-8 */
};

enum route_kind { ROUTE_PHONE, ROUTE_USERNAME, ROUTE_USERID };

struct route_identifier {
	enum route_kind kind;
	char value[64]; /* digits without "+", name without "@" */
};

/* Checks a setting: 0 or -EINVAL with *why (unknown parameter, unclosed
 * brace). */
int route_caller_check(const char *rules, const char **why);
/* The same of a `Caller phone`, which has no names. */
int route_caller_phone_check(const char *rules, const char **why);
/* Dialling what a user was shown by may reach somebody else, or nobody
 * (behaviour 3.5.2); *why says what to do about it, for a person. */
bool route_caller_ambiguous(const char *rules, const char **why);
/* The user part of From; falls back to the user id. -ENOSPC. */
int route_caller_phone(char *dst, size_t room, const char *rules,
		       const struct route_user *user);
/* The display name; empty when no rule applies. Knows {name} and
 * {name_ascii} as well. -ENOSPC. */
int route_caller_name(char *dst, size_t room, const char *rules,
		      const struct route_user *user);
/* What a dialled identifier means; -ENOENT: nothing (404 Not Found). */
int route_identifier_read(struct route_identifier *id, const char *rules,
			  const char *dialled);
/* Transliterates to ASCII: Latin with diacritics, Cyrillic, Greek; drops the
 * rest; collapses blanks. */
void route_ascii(char *dst, size_t room, const char *utf8);
const char *route_kind_name(enum route_kind kind); /* "phone", ... */

#endif
