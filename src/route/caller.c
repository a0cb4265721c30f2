#include "route/caller.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum param { PHONE, USERNAME, USERID, NAME, NAME_ASCII, PARAMS };

static const char *const param_names[PARAMS] = {"phone", "username", "userid",
						"name", "name_ascii"};

/* One piece of a rule: a run of literal text, or a parameter. */
struct piece {
	bool is_param;
	enum param param;
	const char *text;
	size_t n;
};

/* One line of the setting, blanks and CR around it trimmed; false at the
 * end. */
static bool next_rule(const char **at, const char **rule, size_t *n)
{
	while (**at) {
		const char *start = *at;
		const char *end = strchr(start, '\n');

		if (!end)
			end = start + strlen(start);
		*at = *end ? end + 1 : end;
		while (start < end && isspace((unsigned char)*start))
			start++;
		while (end > start && isspace((unsigned char)end[-1]))
			end--;
		if (end > start) {
			*rule = start;
			*n = (size_t)(end - start);
			return true;
		}
	}
	return false;
}

static int param_of(const char *text, size_t n, enum param *p)
{
	for (int i = 0; i < PARAMS; i++) {
		if (strlen(param_names[i]) == n &&
		    memcmp(param_names[i], text, n) == 0) {
			*p = (enum param)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* Takes one piece off the rule: 1, 0 at its end, -EINVAL. */
static int next_piece(const char **rule, size_t *n, struct piece *p)
{
	const char *stop;
	size_t used;

	if (!*n)
		return 0;
	if (**rule == '{') {
		stop = memchr(*rule, '}', *n);
		if (!stop || param_of(*rule + 1, (size_t)(stop - *rule - 1),
				      &p->param))
			return -EINVAL;
		p->is_param = true;
		used = (size_t)(stop - *rule) + 1;
	} else {
		stop = memchr(*rule, '{', *n);
		used = stop ? (size_t)(stop - *rule) : *n;
		p->is_param = false;
		p->text = *rule;
		p->n = used;
		if (memchr(p->text, '}', p->n))
			return -EINVAL;
	}
	*rule += used;
	*n -= used;
	return 1;
}

int route_caller_check(const char *rules, const char **why)
{
	const char *rule;
	struct piece p;
	size_t n;
	int more;

	while (next_rule(&rules, &rule, &n)) {
		while ((more = next_piece(&rule, &n, &p)) > 0)
			continue;
		if (more < 0) {
			*why = "unknown parameter or unclosed brace";
			return -EINVAL;
		}
	}
	return 0;
}

/* -- forming ---------------------------------------------------------------- */

static const char *value_of(enum param p, const struct route_user *user,
			    const char *ascii)
{
	switch (p) {
	case PHONE:
		return user->phone;
	case USERNAME:
		return user->username;
	case USERID:
		return user->userid;
	case NAME:
		return user->name;
	default:
		return ascii;
	}
}

/* 1: applied; 0: a parameter has no value; negative: error. */
static int form_rule(char *dst, size_t room, const char *rule, size_t n,
		     const struct route_user *user, const char *ascii)
{
	size_t used = 0;
	struct piece p;
	int more;

	while ((more = next_piece(&rule, &n, &p)) > 0) {
		if (p.is_param) {
			p.text = value_of(p.param, user, ascii);
			p.n = p.text ? strlen(p.text) : 0;
			if (!p.n)
				return 0;
		}
		if (used + p.n >= room)
			return -ENOSPC;
		memcpy(dst + used, p.text, p.n);
		used += p.n;
	}
	dst[used] = '\0';
	return more < 0 ? more : 1;
}

static int form(char *dst, size_t room, const char *rules,
		const struct route_user *user)
{
	char ascii[256];
	const char *rule;
	size_t n;

	route_ascii(ascii, sizeof(ascii), user->name ? user->name : "");
	while (next_rule(&rules, &rule, &n)) {
		int done = form_rule(dst, room, rule, n, user, ascii);

		if (done)
			return done;
	}
	*dst = '\0';
	return 0;
}

int route_caller_phone(char *dst, size_t room, const char *rules,
		       const struct route_user *user)
{
	int done = form(dst, room, rules, user);

	if (done < 0)
		return done;
	if (done == 0 && (size_t)snprintf(dst, room, "%s", user->userid) >= room)
		return -ENOSPC;
	return 0;
}

int route_caller_name(char *dst, size_t room, const char *rules,
		      const struct route_user *user)
{
	int done = form(dst, room, rules, user);

	return done < 0 ? done : 0;
}

/* -- reading ---------------------------------------------------------------- */

/* Behaviour 3.5.2: how much of text a parameter takes, greedy; 0: no match. */
static size_t match_digits(const char *text, size_t min, size_t max)
{
	size_t n = 0;

	if (*text < '1' || *text > '9')
		return 0;
	while (n < max && isdigit((unsigned char)text[n]))
		n++;
	return n >= min && !isdigit((unsigned char)text[n]) ? n : 0;
}

static size_t match_username(const char *text)
{
	size_t n = 0;

	if (!isalpha((unsigned char)*text))
		return 0;
	while (n < 32 && (isalnum((unsigned char)text[n]) || text[n] == '_'))
		n++;
	return n >= 3 ? n : 0;
}

/* The prefix a parameter may carry ("+", "@") is skipped. */
static size_t match_param(enum param p, const char **text)
{
	switch (p) {
	case PHONE:
		if (**text == '+')
			(*text)++;
		return match_digits(*text, 5, 15);
	case USERNAME:
		if (**text == '@')
			(*text)++;
		return match_username(*text);
	case USERID:
		return match_digits(*text, 1, 19);
	default:
		return 0;
	}
}

static void identifier_set(struct route_identifier *id, enum param p,
			   const char *text, size_t n)
{
	static const enum route_kind kinds[] = {ROUTE_PHONE, ROUTE_USERNAME,
						ROUTE_USERID};

	id->kind = kinds[p];
	snprintf(id->value, sizeof(id->value), "%.*s", (int)n, text);
}

/* Several parameters in one rule: the strongest found wins (user id, then
 * username, then phone). A rule without any never matches. */
static bool read_rule(struct route_identifier *id, const char *rule, size_t n,
		      const char *dialled)
{
	struct route_identifier found = {.kind = ROUTE_PHONE};
	bool any = false;
	struct piece p;

	while (next_piece(&rule, &n, &p) > 0) {
		size_t used;

		if (!p.is_param) {
			if (strncmp(dialled, p.text, p.n) != 0)
				return false;
			dialled += p.n;
			continue;
		}
		used = match_param(p.param, &dialled);
		if (!used)
			return false;
		if (!any || (int)p.param > (int)found.kind)
			identifier_set(&found, p.param, dialled, used);
		any = true;
		dialled += used;
	}
	if (!any || *dialled)
		return false;
	*id = found;
	return true;
}

int route_identifier_read(struct route_identifier *id, const char *rules,
			  const char *dialled)
{
	/* Tried when no rule of the setting matches; tg2sip's spelling of a
	 * name is understood by every trunk. */
	static const char defaults[] = "tg#{username}\n+{phone}\n{username}\n"
				       "0{userid}\n{phone}";
	const char *const sets[] = {rules, defaults};

	for (size_t i = 0; i < 2; i++) {
		const char *at = sets[i];
		const char *rule;
		size_t n;

		while (next_rule(&at, &rule, &n))
			if (read_rule(id, rule, n, dialled))
				return 0;
	}
	return -ENOENT;
}

const char *route_kind_name(enum route_kind kind)
{
	static const char *const names[] = {"phone", "username", "id"};

	return names[kind];
}
