/* The lines of `Caller phone` and `Caller name` taken apart (behaviour 3.5.1).
 * For the files of this folder. Values; any thread. */
#ifndef ROUTE_TEMPLATE_H
#define ROUTE_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

/* The first three as in enum route_kind, the strongest last. */
enum template_param {
	TEMPLATE_PHONE,
	TEMPLATE_USERNAME,
	TEMPLATE_USERID,
	TEMPLATE_NAME,
	TEMPLATE_NAME_ASCII,
	TEMPLATE_PARAMS,
};

/* A run of literal text, or a parameter. */
struct template_piece {
	bool is_param;
	enum template_param param;
	const char *text; /* into the setting */
	size_t n;
};

#define TEMPLATE_PIECES_MAX 64

struct template
{
	struct template_piece pieces[TEMPLATE_PIECES_MAX];
	size_t n;
	unsigned params; /* bit: enum template_param */
};

/* One rule of the setting, without the blanks around it; empty lines are
 * passed over. False at the end. */
bool template_next(const char **at, const char **rule, size_t *n);
/* -EINVAL: unknown parameter or unclosed brace; -E2BIG: too many pieces. */
int template_read(struct template *t, const char *rule, size_t n);

#endif
