/* Whose requests were refused lately, and why (behaviour D6). Engine: takes
 * now, no I/O, one thread, bounded: the address refused longest ago makes
 * room. An address is meant without its port. */
#ifndef SIP_REFUSED_H
#define SIP_REFUSED_H

#include "base/clock.h"
#include "base/re.h"

enum refused_kind {
	REFUSED_401, /* challenges in a row: nothing came of them */
	REFUSED_403,
	REFUSED_404,
	REFUSED_405,
	REFUSED_OTHER, /* by another code: mostly no fault of theirs */
	REFUSED_UNPARSABLE,
	REFUSED_SCANNER,
	REFUSED_RATE, /* times that it sent too much */
	REFUSED_KINDS,
};

static inline enum refused_kind refused_kind_of(unsigned code)
{
	return code == 405   ? REFUSED_405
	       : code == 404 ? REFUSED_404
	       : code == 403 ? REFUSED_403
			     : REFUSED_OTHER;
}

struct refused {
	struct sa source;
	uint32_t counts[REFUSED_KINDS];
	usec_t last;
	char reason[64]; /* of the last one */
};

struct refused_table;

int refused_new(struct refused_table **tp); /* -ENOMEM */
void refused_free(struct refused_table **tp);
void refused_note(struct refused_table *t, const struct sa *source,
		  enum refused_kind kind, const char *reason, usec_t now);
/* It has proved who it is: the challenges were answered. */
void refused_welcome(struct refused_table *t, const struct sa *source);
/* The last refused first. */
void refused_each(const struct refused_table *t,
		  void (*each)(const struct refused *r, void *arg), void *arg);

#endif
