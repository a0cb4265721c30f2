#include "route/dial_rules.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/bytes.h"
#include "base/plant.h"
#include "base/text.h"

/* Behaviour 3.8: "Bound every match in steps (hostile patterns)". A step is one
 * item of an expression tried at one place; all rules of one text share them.
 */
#define STEPS_MAX 200000
#define MATCH_LIMIT 100000 /* PCRE2's own count, of one match */
#define HEAP_LIMIT_KIB 2048
#define NESTING_MAX 32
#define RULES_MAX 64
#define GROUPS_MAX 10    /* \0 to \9 */
#define BETWEEN_MAX 8192 /* bytes of a text between two rules */

struct rule {
	pcre2_code *expression;
	char *replacement; /* NULL: a filter */
};

struct dial_rules {
	struct rule rules[RULES_MAX];
	size_t n;
	pcre2_match_context *context;
	pcre2_match_data *match;
	unsigned steps; /* left, of the text at hand */
};

/* -- reading a setting ------------------------------------------------------
 */

/* The setting while it is read: minus signs already as they should be. */
struct reading {
	struct dial_rules *rules;
	struct dial_rules_fault *fault;
	pcre2_compile_context *context;
	char text[DIAL_RULES_TEXT_MAX + 1];
};

static int refuse(struct reading *g, const char *at, const char *why)
{
	struct dial_rules_fault *f = g->fault;

	f->position = 1;
	for (const char *p = g->text; p < at && *p; p++)
		f->position += ((uint8_t)p[1] & 0xc0) != 0x80;
	snprintf(f->text, sizeof(f->text), "position %zu: %s", f->position,
		 why);
	return -EINVAL;
}

/* "U+2212 is read as -": what keyboards and Telegram make of it. */
static void minus_copy(char *dst, const char *text)
{
	while (*text) {
		bool minus = strncmp(text, "\u2212", 3) == 0;

		*dst++ = minus ? '-' : *text;
		text += minus ? 3 : 1;
	}
	*dst = '\0';
}

/* Behind a class that begins at p ("[^]x[:digit:]]"), or end. */
static const char *class_skip(const char *p, const char *end)
{
	p++;
	if (p < end && *p == '^')
		p++;
	if (p < end && *p == ']')
		p++;
	while (p < end && *p != ']') {
		if (*p == '\\') {
			p++;
		} else if (*p == '[' && p + 1 < end && p[1] == ':') {
			const char *close =
				memmem(p + 2, (size_t)(end - p - 2), ":]", 2);

			if (close)
				p = close + 1;
		}
		p++;
	}
	return p < end ? p + 1 : end;
}

/* "split at the LAST "=" that is not inside (...) or [...]"; NULL: none. */
static const char *equals_find(const char *p, const char *end)
{
	const char *found = NULL;
	int depth = 0;

	while (p < end) {
		if (*p == '[') {
			p = class_skip(p, end);
			continue;
		}
		if (*p == '\\')
			p++;
		else if (*p == '(')
			depth++;
		else if (*p == ')' && depth > 0)
			depth--;
		else if (*p == '=' && depth == 0)
			found = p;
		p++;
	}
	return found;
}

static int expression_read(struct reading *g, struct rule *rule, const char *at,
			   size_t n)
{
	PCRE2_SIZE offset;
	PCRE2_UCHAR why[120];
	int code;

	if (!n)
		return refuse(g, at, "an expression is missing before =");
	/* Without automatic possession: its shortcuts would not be counted. */
	rule->expression = pcre2_compile(
		(PCRE2_SPTR)at, n,
		PCRE2_UTF | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY |
			PCRE2_AUTO_CALLOUT | PCRE2_NEVER_BACKSLASH_C,
		&code, &offset, g->context);
	if (rule->expression)
		return 0;
	if (code == PCRE2_ERROR_HEAP_FAILED)
		return -ENOMEM;
	(void)pcre2_get_error_message(code, why, sizeof(why));
	return refuse(g, at + (offset <= n ? offset : n), (const char *)why);
}

/* References must have a group; the rest is taken when a number is made. */
static int replacement_read(struct reading *g, struct rule *rule,
			    const char *at, const char *end)
{
	uint32_t groups = 0;

	(void)pcre2_pattern_info(rule->expression, PCRE2_INFO_CAPTURECOUNT,
				 &groups);
	for (const char *p = at; p < end; p++) {
		if (*p != '\\')
			continue;
		if (++p == end)
			return refuse(g, p - 1, "\\ at the end");
		PLANT_OVERFLOW(*p > '4' && groups > 2, at, (size_t)(p - at));
		if (*p >= '0' && *p <= '9' && (uint32_t)(*p - '0') > groups)
			return refuse(g, p, "there is no such group");
	}
	rule->replacement = strndup(at, (size_t)(end - at));
	return rule->replacement ? 0 : -ENOMEM;
}

static int rule_read(struct reading *g, const char *at, size_t n)
{
	const char *equals = equals_find(at, at + n);
	struct rule *rule = &g->rules->rules[g->rules->n];
	int err;

	if (g->rules->n == RULES_MAX)
		return refuse(g, at, "too many rules");
	g->rules->n++;
	err = expression_read(g, rule, at, equals ? (size_t)(equals - at) : n);
	if (!err && equals)
		err = replacement_read(g, rule, equals + 1, at + n);
	return err;
}

static int setting_read(struct reading *g)
{
	static const char blanks[] = " \t\r\n";
	char *at = g->text + strspn(g->text, blanks);
	char *end = at + strlen(at);
	int err = 0;

	while (end > at && strchr(blanks, end[-1]))
		end--;
	/* "the quotes are not part of the rules" */
	if (at < end && *at == '`')
		at++;
	if (at < end && end[-1] == '`')
		end--;
	*end = '\0';
	at += strspn(at, blanks);
	if (strcspn(at, blanks) == 1 && *at == '=' &&
	    !at[1 + strspn(at + 1, blanks)])
		return 0;
	while (!err && *at) {
		size_t n = strcspn(at, blanks);

		err = rule_read(g, at, n);
		at += n;
		at += strspn(at, blanks);
	}
	return err;
}

static int step_count(pcre2_callout_block *block, void *arg)
{
	struct dial_rules *r = arg;

	if (!r->steps)
		return PCRE2_ERROR_CALLOUT;
	r->steps--;
	return 0;
}

static int parts_make(struct reading *g)
{
	struct dial_rules *r = g->rules;

	g->context = pcre2_compile_context_create(NULL);
	r->context = pcre2_match_context_create(NULL);
	r->match = pcre2_match_data_create(GROUPS_MAX, NULL);
	if (!g->context || !r->context || !r->match)
		return -ENOMEM;
	(void)pcre2_set_parens_nest_limit(g->context, NESTING_MAX);
	(void)pcre2_set_match_limit(r->context, MATCH_LIMIT);
	(void)pcre2_set_depth_limit(r->context, MATCH_LIMIT);
	(void)pcre2_set_heap_limit(r->context, HEAP_LIMIT_KIB);
	(void)pcre2_set_callout(r->context, step_count, r);
	return 0;
}

int dial_rules_new(struct dial_rules **rp, const char *text,
		   struct dial_rules_fault *fault)
{
	struct reading g = {.fault = fault};
	int err;

	if (strlen(text) > DIAL_RULES_TEXT_MAX)
		return refuse(&g, g.text, "the rules are too long");
	minus_copy(g.text, text);
	if (!text_is_utf8(bytes_str(g.text)))
		return refuse(&g, g.text, "the rules are not UTF-8");
	g.rules = calloc(1, sizeof(*g.rules));
	if (!g.rules)
		return -ENOMEM;
	err = parts_make(&g);
	if (!err)
		err = setting_read(&g);
	pcre2_compile_context_free(g.context);
	if (err)
		dial_rules_free(&g.rules);
	else
		*rp = g.rules;
	return err;
}

void dial_rules_free(struct dial_rules **rp)
{
	struct dial_rules *r = *rp;

	if (!r)
		return;
	*rp = NULL;
	for (size_t i = 0; i < r->n; i++) {
		pcre2_code_free(r->rules[i].expression);
		free(r->rules[i].replacement);
	}
	pcre2_match_context_free(r->context);
	pcre2_match_data_free(r->match);
	free(r);
}

/* -- applying ---------------------------------------------------------------
 */

/* 1: found, 0: not, or an error. */
static int find(struct dial_rules *r, const struct rule *rule,
		const struct buf *text, size_t from)
{
	int found = pcre2_match(rule->expression, text->p, text->n, from,
				PCRE2_NO_UTF_CHECK, r->match, r->context);

	switch (found) {
	case PCRE2_ERROR_NOMATCH:
		return 0;
	case PCRE2_ERROR_NOMEMORY:
		return -ENOMEM;
	default:
		/* Too many steps, or a depth or a heap of them. */
		return found >= 0 ? 1 : -ELOOP;
	}
}

static void group_put(struct buf *out, const struct dial_rules *r,
		      const struct buf *text, unsigned group)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(r->match) + 2 * group;

	if (at[0] != PCRE2_UNSET && at[1] != PCRE2_UNSET && at[0] <= at[1])
		buf_put(out, text->p + at[0], at[1] - at[0]);
}

/* Behaviour Q-3: an unescaped "." is an empty separator, "\." a dot. */
static void replacement_put(struct buf *out, const struct dial_rules *r,
			    const struct rule *rule, const struct buf *text)
{
	for (const char *p = rule->replacement; *p; p++) {
		if (*p == '.')
			continue;
		if (*p == '\\' && *++p >= '0' && *p <= '9')
			group_put(out, r, text, (unsigned)(*p - '0'));
		else
			buf_u8(out, (uint8_t)*p);
	}
}

/* One character of the text as it is. */
static size_t character_put(struct buf *out, const struct buf *text, size_t at)
{
	size_t n = 1;

	while (at + n < text->n && (text->p[at + n] & 0xc0) == 0x80)
		n++;
	buf_put(out, text->p + at, n);
	return at + n;
}

/* "every occurrence is replaced". Nothing right behind an occurrence is no
 * further one: ".*=7" makes 7 of every text, not 77. */
static int replace(struct buf *out, struct dial_rules *r,
		   const struct rule *rule, const struct buf *text)
{
	const PCRE2_SIZE *found = pcre2_get_ovector_pointer(r->match);
	size_t at = 0, behind = SIZE_MAX; /* the last occurrence */
	int more = 1;

	while (at <= text->n && (more = find(r, rule, text, at)) > 0) {
		size_t from = found[0], to = found[1];

		if (from < at || to < from) /* \K in a look-around */
			return -ELOOP;
		buf_put(out, text->p + at, from - at);
		at = to;
		if (to > from || from != behind)
			replacement_put(out, r, rule, text);
		if (out->n > BETWEEN_MAX)
			return -ENOSPC;
		if (to == from) {
			if (at == text->n)
				return 0;
			at = character_put(out, text, at);
		} else {
			behind = to;
		}
	}
	if (more < 0)
		return more;
	buf_put(out, text->p + at, text->n - at);
	return out->n > BETWEEN_MAX ? -ENOSPC : 0;
}

static int rules_run(struct buf *text, struct buf *next, struct dial_rules *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct rule *rule = &r->rules[i];
		struct buf swap;
		int err;

		if (!rule->replacement) {
			err = find(r, rule, text, 0);
			if (err <= 0)
				return err ? err : -ENOENT;
			continue;
		}
		buf_reset(next);
		err = replace(next, r, rule, text);
		if (err)
			return err;
		swap = *text;
		*text = *next;
		*next = swap;
	}
	return 0;
}

static struct bytes trim(const char *text)
{
	static const char blanks[] = " \t\r\n";
	size_t n;

	text += strspn(text, blanks);
	n = strlen(text);
	while (n && strchr(blanks, text[n - 1]))
		n--;
	return bytes_of(text, n);
}

int dial_rules_apply(char *dst, size_t room, struct dial_rules *r,
		     const char *text)
{
	struct bytes given = trim(text);
	struct buf at, next;
	int err;

	if (given.n > BETWEEN_MAX)
		return -ENOSPC;
	if (!text_is_utf8(given))
		return -EBADMSG;
	r->steps = STEPS_MAX;
	buf_init(&at);
	buf_init(&next);
	err = buf_reserve(&at, BETWEEN_MAX);
	if (!err)
		err = buf_reserve(&next, BETWEEN_MAX);
	buf_put(&at, given.p, given.n);
	if (!err)
		err = rules_run(&at, &next, r);
	if (!err && (at.bad || next.bad))
		err = -ENOMEM;
	if (!err && at.n >= room)
		err = -ENOSPC;
	if (!err)
		snprintf(dst, room, "%s", buf_cstr(&at));
	buf_clear(&at);
	buf_clear(&next);
	return err;
}
