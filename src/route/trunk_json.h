/* A trunk as a JSON object: key and text of each setting that is not at its
 * default. The form on the bus and in the store. */
#ifndef ROUTE_TRUNK_JSON_H
#define ROUTE_TRUNK_JSON_H

#include <jansson.h>

#include "route/trunk.h"

enum trunk_json_part {
	TRUNK_JSON_PLAIN = 1,
	TRUNK_JSON_SECRETS = 2,
	TRUNK_JSON_ALL = 3,
};

/* NULL without memory. Its name is not a part of it. */
json_t *trunk_json(const struct trunk *t, enum trunk_json_part part);
/* Sets what the object holds. Keys the table does not know and values it does
 * not take are left out: the first of them is told by -ENOENT or -EINVAL and
 * f, the others are set. */
int trunk_json_read(struct trunk *t, json_t *o, struct trunk_fault *f);

#endif
