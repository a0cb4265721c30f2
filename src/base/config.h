/* The configuration text: sections of "key = value" lines.
 *
 *     # comment
 *     [sip]
 *     listen = 127.0.0.1:5060
 *     listen = [::1]:5060         repeated keys are kept in order
 *     [trunk office]              kind "trunk", name "office"
 *     caller_phone = {phone}\n0{userid}     \n, \t, \\ are understood
 *
 * A value reaches to the end of the line, blanks trimmed; "..." keeps blanks.
 * Every error names file, line and reason. Readers mark what they used, so
 * that unknown keys are errors too (config_unused). Constant after reading.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;

struct config_section {
	const char *kind;
	const char *name; /* "" when it has none */
	unsigned line;
	struct config *config;
	struct config_entry *entries;
	size_t entries_n;
};

struct config_error {
	char text[400]; /* "FILE:LINE: reason" */
};

/* Errors: -ENOENT and other errno of open, -EBADMSG; err->text is set. */
int config_read_file(struct config **cp, const char *path,
		     struct config_error *err);
int config_read_text(struct config **cp, const char *file_name,
		     const char *text, struct config_error *err);
void config_free(struct config **cp);

/* Sections of a kind in file order; NULL after the last. */
struct config_section *config_section(struct config *c, const char *kind,
				      size_t i);
struct config_section *config_section_named(struct config *c, const char *kind,
					    const char *name);
/* The i-th value of a key, or NULL. s may be NULL (a missing section). */
const char *config_value(struct config_section *s, const char *key, size_t i);

/* Typed readers: leave *v alone when the key is missing (so *v holds the
 * default). Errors: -EINVAL with err->text naming file, line, key, reason. */
int config_bool(struct config_section *s, const char *key, bool *v,
		struct config_error *err); /* yes/no, true/false, on/off */
int config_uint(struct config_section *s, const char *key, uint64_t min,
		uint64_t max, uint64_t *v, struct config_error *err);
/* Copies; -EINVAL when longer than room - 1. */
int config_text(struct config_section *s, const char *key, char *dst,
		size_t room, struct config_error *err);
/* -EINVAL naming the section when the key is missing. */
int config_require(struct config_section *s, const char *key,
		   struct config_error *err);
/* For a reader's own checks: names file and line of the key's i-th value; key
 * NULL: of the section. */
int config_fail(struct config_section *s, const char *key, size_t i,
		struct config_error *err, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* The first key or section nobody asked for: -EINVAL, or 0 if none. */
int config_unused(struct config *c, struct config_error *err);

#endif
