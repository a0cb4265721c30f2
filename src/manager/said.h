/* What users have just said: the numbers that their texts name for their next
 * call (behaviour 3.13). Engine: takes now, no I/O, bounded; one thread. */
#ifndef MANAGER_SAID_H
#define MANAGER_SAID_H

#include <jansson.h>

#include "base/clock.h"
#include "base/re.h"

/* all: list_flush() frees it. numbers: {trunk: number}, a reference is kept;
 * takes the place of what this user said before. */
void said_put(struct list *all, const char *session, const char *user,
	      json_t *numbers, usec_t now);
/* And forgets it; NULL: nothing. A new reference. */
json_t *said_take(struct list *all, const char *session, const char *user,
		  usec_t now);

#endif
