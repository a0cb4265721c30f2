/* Answers and updates that leave late (order.h): kept here until they are due,
 * then sent on whichever connection carries their session, or lost when none
 * does. One thread.
 */
#ifndef SIM_HELD_H
#define SIM_HELD_H

#include "sim/world.h"

/* code 0: `body` is the answer, else an error of that text. Copied. */
void sim_held_answer(struct sim_session *s, int64_t msg_id, int code,
		     const char *text, struct bytes body, usec_t delay);
/* swap: leaves with sim_held_swap() if that comes before the delay. */
void sim_held_push(struct sim_session *s, struct bytes updates, usec_t delay,
		   bool swap);
/* An update has just left on this session. */
void sim_held_swap(struct sim_session *s);

usec_t sim_held_deadline(const struct sim_world *w);
void sim_held_tick(struct sim_world *w);
void sim_held_clear(struct sim_world *w);

#endif
