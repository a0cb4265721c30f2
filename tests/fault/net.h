/* One process, invented time: a client and a simulator joined by TCP
 * connections that are lists in memory.
 *
 * net.c stands in for the clock (base/clock.h), the random numbers
 * (base/random.h, from a seed), libre's timers and TCP, and the simulator's
 * streams (sim/stream.h). What one side writes the other reads NET_LATENCY
 * later. Nothing sleeps; one seed gives one course of events.
 */
#ifndef FAULT_NET_H
#define FAULT_NET_H

#include <stdbool.h>

#include "base/clock.h"

#define NET_LATENCY (5 * USEC_MS)

struct net_conf {
	uint64_t seed;
	/* Of the simulator's engines: asked before and run after each event. */
	usec_t (*deadline)(void *arg);
	void (*tick)(void *arg);
	void *arg;
};

void net_open(const struct net_conf *conf);
/* All timers must be cancelled and all connections closed. */
void net_close(void);
/* Lets things happen until that time, or until `stop` is true. */
bool net_run(usec_t until, bool (*stop)(void *arg), void *arg);
/* True when no timer runs and no connection is open. */
bool net_is_empty(void);

/* How often something was written so far: nobody may send without end. */
unsigned net_writes(void);

/* For the course of a test, apart from random_bytes(): 0 .. n - 1. */
uint32_t net_draw(uint32_t n);

#endif
