/* Inside the configuration: what reading and asking share. */
#ifndef BASE_CONFIG_INTERNAL_H
#define BASE_CONFIG_INTERNAL_H

#include <stdarg.h>

#include "base/config.h"

#define CONFIG_SHOWN_MAX 64 /* of a key or name, in an error */

struct config_entry {
	char *key;
	char *value;
	unsigned line;
	bool used;
};

/* The public part first: readers hold pointers to it. */
struct section {
	struct config_section pub;
	char *kind;
	char *name;
	bool used;
};

struct config {
	char *file_name;
	struct section **sections;
	size_t sections_n;
};

struct section *config_section_find(const struct config *c, const char *kind,
				    const char *name);
/* "FILE:LINE: reason"; line 0: the file as a whole. err may be NULL. */
void config_error_at(struct config_error *err, const char *file, unsigned line,
		     const char *fmt, va_list ap);
/* The same; -EINVAL. */
int config_fail_at(struct config_error *err, const char *file, unsigned line,
		   const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
