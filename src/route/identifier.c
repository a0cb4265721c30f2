/* The caller rules read backwards (behaviour 3.5.2), and whether that can go
 * wrong. */
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "route/caller.h"
#include "route/template.h"

#define DIALLED_MAX 255 /* longer ones mean nothing */

/* Behaviour 3.5.2: what stands for a parameter: a prefix that may be missing,
 * a first character, and so many of others. */
static const struct shape {
	char prefix;
	size_t least, most;
} shapes[] = {
	[TEMPLATE_PHONE] = {'+', 5, 15},
	[TEMPLATE_USERNAME] = {'@', 3, 32},
	[TEMPLATE_USERID] = {0, 1, 19},
};

static bool can_begin(enum template_param p, char c)
{
	return p == TEMPLATE_USERNAME ? isalpha((unsigned char)c) && c > 0
				      : c >= '1' && c <= '9';
}

static bool can_follow(enum template_param p, char c)
{
	if (c >= '0' && c <= '9')
		return true;
	return p == TEMPLATE_USERNAME &&
	       (c == '_' || (isalpha((unsigned char)c) && c > 0));
}

/* -- reading ----------------------------------------------------------------
 */

/* Which pieces may begin where, so that the rest fits as well. */
struct fit {
	const struct template *t;
	const char *text;
	size_t n;
	bool can[TEMPLATE_PIECES_MAX + 1][DIALLED_MAX + 1];
};

/* The longest value at `at` that leaves the rest a way; 0: none. */
static size_t value_fit(const struct fit *f, size_t piece, size_t at)
{
	enum template_param p = f->t->pieces[piece].param;
	size_t longest = 0;

	for (size_t n = 0; n < shapes[p].most && at + n < f->n; n++) {
		char c = f->text[at + n];

		if (!(n ? can_follow(p, c) : can_begin(p, c)))
			break;
		if (n + 1 >= shapes[p].least && f->can[piece + 1][at + n + 1])
			longest = n + 1;
	}
	return longest;
}

static bool has_prefix(const struct fit *f, size_t piece, size_t at)
{
	char prefix = shapes[f->t->pieces[piece].param].prefix;

	return prefix && at < f->n && f->text[at] == prefix;
}

static bool piece_fits(const struct fit *f, size_t i, size_t at)
{
	const struct template_piece *p = &f->t->pieces[i];

	if (p->is_param)
		return value_fit(f, i, at) ||
		       (has_prefix(f, i, at) && value_fit(f, i, at + 1));
	return p->n <= f->n - at && memcmp(f->text + at, p->text, p->n) == 0 &&
	       f->can[i + 1][at + p->n];
}

static void identifier_set(struct route_identifier *id, enum template_param p,
			   const char *text, size_t n)
{
	id->kind = (enum route_kind)p;
	snprintf(id->value, sizeof(id->value), "%.*s", (int)n, text);
}

/* Several parameters in one rule: the strongest found wins (user id, then
 * username, then phone). */
static void values_take(struct route_identifier *id, const struct fit *f)
{
	int strongest = -1;
	size_t at = 0;

	for (size_t i = 0; i < f->t->n; i++) {
		const struct template_piece *p = &f->t->pieces[i];
		size_t n = p->n;

		if (p->is_param) {
			n = value_fit(f, i, at);
			if (!n) {
				at++;
				n = value_fit(f, i, at);
			}
			if ((int)p->param > strongest) {
				strongest = (int)p->param;
				identifier_set(id, p->param, f->text + at, n);
			}
		}
		at += n;
	}
}

/* "Rules without parameters never match here"; names cannot be dialled. */
static bool readable(const struct template *t)
{
	return t->params && t->params < 1u << TEMPLATE_NAME;
}

static bool rule_reads(struct route_identifier *id, const struct template *t,
		       const char *dialled)
{
	struct fit f = {.t = t, .text = dialled, .n = strlen(dialled)};

	if (!readable(t) || f.n > DIALLED_MAX)
		return false;
	f.can[t->n][f.n] = true;
	for (size_t i = t->n; i--;)
		for (size_t at = 0; at <= f.n; at++)
			f.can[i][at] = piece_fits(&f, i, at);
	if (!f.can[0][0])
		return false;
	values_take(id, &f);
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
		struct template t;
		const char *rule;
		size_t n;

		while (template_next(&at, &rule, &n))
			if (!template_read(&t, rule, n) &&
			    rule_reads(id, &t, dialled))
				return 0;
	}
	return -ENOENT;
}

const char *route_kind_name(enum route_kind kind)
{
	static const char *const names[] = {"phone", "username", "id"};

	return names[kind];
}

/* -- ambiguity --------------------------------------------------------------
 *
 * A rule as a row of cells, each of which takes one character or, where it may
 * be missing, none. Two rows have a text in common if both can be walked to
 * the end at the same time.
 */

#define CELLS_MAX (TEMPLATE_PIECES_MAX * 33 + DIALLED_MAX)
#define LITERAL 0x100

struct cell {
	uint16_t takes; /* LITERAL and a character, or bits of what[] */
	bool optional;
	bool strongest; /* part of the value that the rule is read as */
};

enum { DIGIT_FIRST = 1, ZERO = 2, LETTER = 4, UNDERSCORE = 8 };

struct row {
	struct cell cells[CELLS_MAX];
	size_t n;
};

static unsigned bits_of(uint16_t takes)
{
	char c = (char)(takes & 0xff);

	if (!(takes & LITERAL))
		return takes;
	if (c == '0')
		return ZERO;
	if (c == '_')
		return UNDERSCORE;
	if (c >= '1' && c <= '9')
		return DIGIT_FIRST;
	return isalpha((unsigned char)c) && c > 0 ? LETTER : 0;
}

static bool meet(const struct cell *a, const struct cell *b)
{
	if (a->takes & b->takes & LITERAL)
		return a->takes == b->takes;
	return bits_of(a->takes) & bits_of(b->takes);
}

static void cell_add(struct row *r, unsigned takes, bool optional,
		     bool strongest)
{
	if (r->n < CELLS_MAX)
		r->cells[r->n++] =
			(struct cell){(uint16_t)takes, optional, strongest};
}

/* reading: with the prefixes that a parameter may have. */
static void param_add(struct row *r, enum template_param p, bool reading,
		      bool strongest)
{
	unsigned first = p == TEMPLATE_USERNAME ? LETTER : DIGIT_FIRST;
	unsigned more = p == TEMPLATE_USERNAME
				? LETTER | UNDERSCORE | ZERO | DIGIT_FIRST
				: ZERO | DIGIT_FIRST;

	if (reading && shapes[p].prefix)
		cell_add(r, LITERAL | (uint8_t)shapes[p].prefix, true, false);
	cell_add(r, first, false, strongest);
	for (size_t i = 1; i < shapes[p].most; i++)
		cell_add(r, more, i >= shapes[p].least, strongest);
}

static void row_make(struct row *r, const struct template *t, bool reading)
{
	bool told = false;

	r->n = 0;
	for (size_t i = 0; i < t->n; i++) {
		const struct template_piece *p = &t->pieces[i];
		bool strongest =
			p->is_param && !told && !(t->params >> (p->param + 1));

		told |= strongest;
		for (size_t k = 0; !p->is_param && k < p->n; k++)
			cell_add(r, LITERAL | (uint8_t)p->text[k], false,
				 false);
		if (p->is_param)
			param_add(r, p->param, reading, strongest);
	}
}

enum { NEVER = 0, ALIKE = 1, OTHERWISE = 2 };

/* Bits: how a text that `made` makes can be read by `read`. ALIKE: the same
 * characters are the value; OTHERWISE: others. */
static unsigned rows_meet(const struct row *made, const struct row *read)
{
	uint8_t at[2][CELLS_MAX + 1];

	memset(at, NEVER, sizeof(at));
	at[0][0] = ALIKE;
	for (size_t i = 0; i <= made->n; i++) {
		const struct cell *a = &made->cells[i];
		uint8_t *now = at[i % 2], *next = at[(i + 1) % 2];

		memset(next, NEVER, read->n + 1);
		for (size_t k = 0; k <= read->n; k++) {
			const struct cell *b = &read->cells[k];
			uint8_t ways = now[k];

			if (!ways)
				continue;
			if (k < read->n && b->optional)
				now[k + 1] |= ways;
			if (i == made->n)
				continue;
			if (a->optional)
				next[k] |= ways;
			if (k == read->n || !meet(a, b))
				continue;
			next[k + 1] |=
				a->strongest == b->strongest ? ways : OTHERWISE;
		}
	}
	return at[made->n % 2][read->n];
}

/* The rule that comes after `earlier` others; false: there are fewer. */
static bool rule_at(struct template *t, const char *rules, size_t earlier)
{
	const char *rule;
	size_t n;

	do {
		if (!template_next(&rules, &rule, &n))
			return false;
	} while (earlier--);
	return !template_read(t, rule, n);
}

struct rows {
	struct template t;
	struct row made, read;
};

/* What `made` makes is taken by an earlier rule, or by itself for something
 * else. */
static const char *rule_doubt(struct rows *w, const char *rules, size_t j,
			      unsigned params)
{
	for (size_t i = 0; i < j; i++) {
		(void)rule_at(&w->t, rules, i);
		/* That one would have been used: this one never is. */
		if (!(w->t.params & ~params))
			return NULL;
	}
	for (size_t i = 0; i < j; i++) {
		(void)rule_at(&w->t, rules, i);
		row_make(&w->read, &w->t, true);
		if (readable(&w->t) && rows_meet(&w->made, &w->read))
			return "what a later rule makes is read by an earlier "
			       "one: mark ids with a 0, as in 0{userid}";
	}
	(void)rule_at(&w->t, rules, j);
	row_make(&w->read, &w->t, true);
	if (rows_meet(&w->made, &w->read) & OTHERWISE)
		return "what a rule makes can be taken apart in two ways: put "
		       "a sign between its parameters";
	return NULL;
}

bool route_caller_ambiguous(const char *rules, const char **why)
{
	struct rows w;

	*why = NULL;
	for (size_t j = 0; rule_at(&w.t, rules, j); j++) {
		unsigned params = w.t.params;

		if (!readable(&w.t)) {
			*why = params ? "nobody is reached by his name"
				      : "a rule without a parameter shows all "
					"alike: nobody is reached by it";
			return true;
		}
		row_make(&w.made, &w.t, false);
		*why = rule_doubt(&w, rules, j, params);
		if (*why)
			return true;
		if (params == 1u << TEMPLATE_USERID)
			return false; /* everybody has an id: the last used */
	}
	*why = "somebody without phone and username is shown by his id, which "
	       "reads as a phone: end with 0{userid}";
	return true;
}
