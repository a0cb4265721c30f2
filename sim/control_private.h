/* What the operations of the control interface share. Not for others. */
#ifndef SIM_CONTROL_PRIVATE_H
#define SIM_CONTROL_PRIVATE_H

#include "sim/control.h"

struct sim_operation {
	struct sim_world *w;
	struct sim_dcs *dcs; /* NULL: a world without connections */
	const json_t *q;
	char why[256]; /* set: the operation failed */
};

struct sim_operation_run {
	const char *name;
	json_t *(*run)(struct sim_operation *op);
};

/* Ended by a NULL name. */
extern const struct sim_operation_run sim_operations_fault[];

/* Says why, unless that is said already. Returns NULL. */
json_t *sim_failed(struct sim_operation *op, const char *why);
/* An account named by id, phone, username, as text or number; or NULL, and
 * the operation has failed. */
struct sim_account *sim_named(struct sim_operation *op, const char *key);

#endif
