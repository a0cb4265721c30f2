/* Faults on demand: what the control interface and the configuration ordered
 * to go wrong. A table; asked at two places, for each query before it is run
 * (api.c) and for each update before it leaves (update.c).
 *
 * An order names a method or an update (none: any), a user (0: any), how many
 * of these pass unharmed first and how many it then strikes. The first order
 * made strikes first; one that has struck often enough is gone. One thread.
 */
#ifndef SIM_ORDER_H
#define SIM_ORDER_H

#include "sim/world.h"

enum sim_order_kind {
	SIM_ORDER_NONE,
	/* queries */
	SIM_ORDER_ERROR,       /* refused with code and text, not run */
	SIM_ORDER_HANG,        /* never answered, not run */
	SIM_ORDER_SLOW,        /* run, answered after a delay */
	SIM_ORDER_DROP_BEFORE, /* the connection is lost and the query with it
				*/
	SIM_ORDER_DROP_ANSWER, /* run; the connection is lost before the answer
				*/
	SIM_ORDER_DROP_AFTER,  /* run, answered, the connection closes */
	SIM_ORDER_BEHIND,      /* getDifference: differenceTooLong */
	/* updates */
	SIM_ORDER_LOSE,
	SIM_ORDER_REPEAT,   /* sent twice */
	SIM_ORDER_DELAY,    /* sent after a delay, others overtake it */
	SIM_ORDER_SWAP,     /* sent after the next one, or after the delay */
	SIM_ORDER_TOO_LONG, /* updatesTooLong in its place */
	SIM_ORDER_UNKNOWN,  /* with a constructor nobody knows */
	SIM_ORDER_COUNT,
};

struct sim_order {
	struct sim_order *next;
	int id;
	enum sim_order_kind kind;
	char what[64]; /* TL name of the method or update; "": any */
	int64_t user;
	int skip;  /* so many pass first */
	int times; /* left; 0: for ever */
	int code;
	char text[64];
	usec_t delay;
	uint64_t struck;
};

/* One order, as docs/simulator.md describes it. -EINVAL: `why` says what. */
int sim_order_add(struct sim_world *w, const json_t *o, int *idp,
		  char why[256]);
/* A list of them; the first wrong one ends it. */
int sim_orders_add(struct sim_world *w, const json_t *list, char why[256]);
/* id 0: all. Returns how many. */
int sim_orders_cancel(struct sim_world *w, int id);
json_t *sim_orders_describe(const struct sim_world *w);

/* The order that strikes this query or update, one strike taken off it. False:
 * none, *order is NONE then. Tells watchers. */
bool sim_order_query(struct sim_order *order, struct sim_world *w,
		     const char *method, int64_t user);
bool sim_order_update(struct sim_order *order, struct sim_world *w,
		      const char *update, int64_t user);

#endif
