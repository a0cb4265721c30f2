/* The control interface: a unix socket, one JSON object a line in, one out
 * (docs/simulator.md lists the operations). One thread, the loop's. */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "sim/dc.h"
#include "sim/loop.h"
#include "sim/world.h"

struct sim_control;

/* dcs may be NULL (tests). Sets w->event. */
int sim_control_new(struct sim_control **cp, struct sim_world *w,
		    struct sim_dcs *dcs, struct sim_loop *l, const char *path);
void sim_control_free(struct sim_control **cp);
usec_t sim_control_deadline(const struct sim_control *c);
void sim_control_tick(struct sim_control *c);

/* One request that needs no connection; the caller owns the answer. */
json_t *sim_control_run(struct sim_world *w, struct sim_dcs *dcs,
			const json_t *request);
/* Does `o` hold everything `pattern` names, at any depth? */
bool sim_json_matches(const json_t *o, const json_t *pattern);

#endif
