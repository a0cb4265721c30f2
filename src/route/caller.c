#include "route/caller.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "route/template.h"

static int check(const char *rules, enum template_param last, const char **why)
{
	struct template t;
	const char *rule;
	size_t n;

	while (template_next(&rules, &rule, &n)) {
		int err = template_read(&t, rule, n);

		if (err) {
			*why = err == -E2BIG ? "a rule is too long"
					     : "unknown parameter or unclosed "
					       "brace";
			return -EINVAL;
		}
		for (size_t i = 0; i < t.n; i++) {
			if (t.pieces[i].is_param && t.pieces[i].param > last) {
				*why = "a name is no phone: {phone}, "
				       "{username} or {userid}";
				return -EINVAL;
			}
		}
	}
	return 0;
}

int route_caller_check(const char *rules, const char **why)
{
	return check(rules, TEMPLATE_NAME_ASCII, why);
}

int route_caller_phone_check(const char *rules, const char **why)
{
	return check(rules, TEMPLATE_USERID, why);
}

/* -- forming ----------------------------------------------------------------
 */

static const char *value_of(enum template_param p,
			    const struct route_user *user, const char *ascii)
{
	switch (p) {
	case TEMPLATE_PHONE:
		return user->phone;
	case TEMPLATE_USERNAME:
		return user->username;
	case TEMPLATE_USERID:
		return user->userid;
	case TEMPLATE_NAME:
		return user->name;
	default:
		return ascii;
	}
}

/* 1: applied; 0: a parameter has no value; negative: error. */
static int form_rule(char *dst, size_t room, const struct template *t,
		     const struct route_user *user, const char *ascii)
{
	size_t used = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct template_piece p = t->pieces[i];

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
	return 1;
}

static int form(char *dst, size_t room, const char *rules,
		const struct route_user *user)
{
	char ascii[256];
	struct template t;
	const char *rule;
	size_t n;

	route_ascii(ascii, sizeof(ascii), user->name ? user->name : "");
	while (template_next(&rules, &rule, &n)) {
		int done = template_read(&t, rule, n);

		if (!done)
			done = form_rule(dst, room, &t, user, ascii);

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
	if (done == 0 &&
	    (size_t)snprintf(dst, room, "%s", user->userid) >= room)
		return -ENOSPC;
	return 0;
}

int route_caller_name(char *dst, size_t room, const char *rules,
		      const struct route_user *user)
{
	int done = form(dst, room, rules, user);

	return done < 0 ? done : 0;
}
