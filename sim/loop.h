/* The simulator's event loop: descriptors and one deadline.
 *
 * Timers belong to the engines: before each wait the loop asks `deadline`, and
 * after each round it calls `tick`. One thread. A watch may be removed inside
 * any handler, its own too.
 */
#ifndef SIM_LOOP_H
#define SIM_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct sim_loop;

/* events: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP. */
typedef void sim_loop_io_h(uint32_t events, void *arg);

struct sim_loop_handlers {
	usec_t (*deadline)(void *arg); /* USEC_NEVER: none */
	void (*tick)(usec_t now, void *arg);
};

int sim_loop_new(struct sim_loop **lp, const struct sim_loop_handlers *h,
		 void *arg);
void sim_loop_free(struct sim_loop **lp); /* closes no watched descriptor */
/* Watches fd; at most one watch a descriptor. -EEXIST, -ENOMEM, errno. */
int sim_loop_watch(struct sim_loop *l, int fd, uint32_t events,
		   sim_loop_io_h *io, void *arg);
int sim_loop_change(struct sim_loop *l, int fd, uint32_t events);
void sim_loop_unwatch(struct sim_loop *l, int fd);
/* Runs until sim_loop_stop() or SIGTERM/SIGINT. */
int sim_loop_run(struct sim_loop *l);
void sim_loop_stop(struct sim_loop *l);

#endif
