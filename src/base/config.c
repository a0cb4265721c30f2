/* What a reader asks for is marked as used; what nobody asked for is an error
 * of the file (a misspelt key must not silently mean the default).
 */
#include "base/config_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"

#define PATH_SHOWN_MAX 200

/* -- errors ---------------------------------------------------------------- */

/* A long path keeps its end. */
void config_error_at(struct config_error *err, const char *file, unsigned line,
		     const char *fmt, va_list ap)
{
	size_t n = strlen(file);
	int at;

	if (!err)
		return;
	if (n > PATH_SHOWN_MAX)
		file += n - PATH_SHOWN_MAX;
	if (line)
		at = snprintf(err->text, sizeof(err->text), "%s:%u: ", file,
			      line);
	else
		at = snprintf(err->text, sizeof(err->text), "%s: ", file);
	vsnprintf(err->text + at, sizeof(err->text) - (size_t)at, fmt, ap);
}

int config_fail_at(struct config_error *err, const char *file, unsigned line,
		   const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	config_error_at(err, file, line, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

struct section *config_section_find(const struct config *c, const char *kind,
				    const char *name)
{
	for (size_t i = 0; i < c->sections_n; i++) {
		struct section *s = c->sections[i];

		if (strcmp(s->kind, kind) == 0 && strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

void config_free(struct config **cp)
{
	struct config *c = *cp;

	if (!c)
		return;
	for (size_t i = 0; i < c->sections_n; i++) {
		struct section *s = c->sections[i];

		for (size_t k = 0; k < s->pub.entries_n; k++) {
			struct config_entry *e = &s->pub.entries[k];

			bytes_wipe(e->value, strlen(e->value));
			free(e->value);
			free(e->key);
		}
		free(s->pub.entries);
		free(s->kind);
		free(s->name);
		free(s);
	}
	free(c->sections);
	free(c->file_name);
	free(c);
	*cp = NULL;
}

/* -- asking ---------------------------------------------------------------- */

struct config_section *config_section(struct config *c, const char *kind,
				      size_t i)
{
	for (size_t k = 0; k < c->sections_n; k++) {
		struct section *s = c->sections[k];

		if (strcmp(s->kind, kind) != 0 || i-- > 0)
			continue;
		s->used = true;
		return &s->pub;
	}
	return NULL;
}

struct config_section *config_section_named(struct config *c, const char *kind,
					    const char *name)
{
	struct section *s = config_section_find(c, kind, name);

	if (!s)
		return NULL;
	s->used = true;
	return &s->pub;
}

static struct config_entry *entry_find(struct config_section *s,
				       const char *key, size_t i)
{
	for (size_t k = 0; s && key && k < s->entries_n; k++)
		if (strcmp(s->entries[k].key, key) == 0 && i-- == 0)
			return &s->entries[k];
	return NULL;
}

const char *config_value(struct config_section *s, const char *key, size_t i)
{
	struct config_entry *e = entry_find(s, key, i);

	if (!e)
		return NULL;
	e->used = true;
	return e->value;
}

int config_fail(struct config_section *s, const char *key, size_t i,
		struct config_error *err, const char *fmt, ...)
{
	struct config_entry *e = entry_find(s, key, i);
	char reason[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	if (!s)
		return config_fail_at(err, "configuration", 0, "%.*s: %s",
				      CONFIG_SHOWN_MAX, key, reason);
	if (!key)
		return config_fail_at(err, s->config->file_name, s->line, "%s",
				      reason);
	return config_fail_at(err, s->config->file_name, e ? e->line : s->line,
			      "%.*s: %s", CONFIG_SHOWN_MAX, key, reason);
}

/* The value of a key that stands at most once; NULL in *vp when missing. */
static int single_value(struct config_section *s, const char *key,
			const char **vp, struct config_error *err)
{
	*vp = config_value(s, key, 0);
	if (entry_find(s, key, 1))
		return config_fail(s, key, 1, err, "stands in line %u already",
				   entry_find(s, key, 0)->line);
	return 0;
}

int config_bool(struct config_section *s, const char *key, bool *v,
		struct config_error *err)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{"yes", true}, {"true", true},   {"on", true},
		{"no", false}, {"false", false}, {"off", false},
	};
	const char *text;

	if (single_value(s, key, &text, err))
		return -EINVAL;
	if (!text)
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(text, words[i].word) == 0) {
			*v = words[i].value;
			return 0;
		}
	return config_fail(s, key, 0, err, "yes or no is expected");
}

static int uint_read(const char *text, uint64_t *v)
{
	*v = 0;
	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' ||
		    __builtin_mul_overflow(*v, UINT64_C(10), v) ||
		    __builtin_add_overflow(*v, (uint64_t)(*text - '0'), v))
			return -EINVAL;
	}
	return 0;
}

int config_uint(struct config_section *s, const char *key, uint64_t min,
		uint64_t max, uint64_t *v, struct config_error *err)
{
	const char *text;
	uint64_t read;

	if (single_value(s, key, &text, err))
		return -EINVAL;
	if (!text)
		return 0;
	if (uint_read(text, &read) || read < min || read > max)
		return config_fail(s, key, 0, err,
				   "a number from %llu to %llu is expected",
				   (unsigned long long)min,
				   (unsigned long long)max);
	*v = read;
	return 0;
}

int config_text(struct config_section *s, const char *key, char *dst,
		size_t room, struct config_error *err)
{
	const char *text;

	if (single_value(s, key, &text, err))
		return -EINVAL;
	if (!text)
		return 0;
	if (strlen(text) >= room)
		return config_fail(s, key, 0, err, "longer than %zu bytes",
				   room - 1);
	memcpy(dst, text, strlen(text) + 1);
	return 0;
}

int config_require(struct config_section *s, const char *key,
		   struct config_error *err)
{
	if (entry_find(s, key, 0))
		return 0;
	if (!s)
		return config_fail(s, key, 0, err,
				   "the section that needs it is missing");
	return config_fail_at(err, s->config->file_name, s->line,
			      "section [%.*s%s%.*s] needs '%.*s'",
			      CONFIG_SHOWN_MAX, s->kind, *s->name ? " " : "",
			      CONFIG_SHOWN_MAX, s->name, CONFIG_SHOWN_MAX, key);
}

static int entry_unused(const struct config_section *s,
			const struct config_entry *e, struct config_error *err)
{
	const char *why = "unknown key";

	for (size_t i = 0; i < s->entries_n; i++)
		if (s->entries[i].used &&
		    strcmp(s->entries[i].key, e->key) == 0)
			why = "too many times the key";
	return config_fail_at(err, s->config->file_name, e->line,
			      "%s '%.*s' in section [%.*s%s%.*s]", why,
			      CONFIG_SHOWN_MAX, e->key, CONFIG_SHOWN_MAX,
			      s->kind, *s->name ? " " : "", CONFIG_SHOWN_MAX,
			      s->name);
}

int config_unused(struct config *c, struct config_error *err)
{
	for (size_t i = 0; i < c->sections_n; i++) {
		struct section *s = c->sections[i];

		if (!s->used)
			return config_fail_at(
				err, c->file_name, s->pub.line,
				"%s section [%.*s%s%.*s]",
				config_section_find(c, s->kind, s->name)->used
					? "repeated"
					: "unknown",
				CONFIG_SHOWN_MAX, s->kind, *s->name ? " " : "",
				CONFIG_SHOWN_MAX, s->name);
		for (size_t k = 0; k < s->pub.entries_n; k++)
			if (!s->pub.entries[k].used)
				return entry_unused(&s->pub, &s->pub.entries[k],
						    err);
	}
	return 0;
}
