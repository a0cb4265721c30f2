/* The data centre's side of the launcher (sim/launcher.h): connects to the one
 * that is left from before, or starts one, and joins its endpoints to the
 * calls of the world. One thread. */
#ifndef SIM_MEDIA_H
#define SIM_MEDIA_H

#include "sim/loop.h"
#include "sim/world.h"

struct sim_media;

/* program: path of this very program, run as "media FD DIR". Sets
 * w->endpoints. */
int sim_media_new(struct sim_media **mp, struct sim_world *w,
		  struct sim_loop *l, const char *program, const char *dir);
/* stop_all: the endpoints end too (clean stop); else they go on. */
void sim_media_free(struct sim_media **mp, bool stop_all);
/* Starts another launcher if the last one died. */
void sim_media_tick(struct sim_media *m);

#endif
