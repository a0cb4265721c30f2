/* The inside of a call, for the files of this folder. */
#ifndef CALL_INTERNAL_H
#define CALL_INTERNAL_H

#include "base/re.h"
#include "call/call.h"

#define CALLED_LEGS_MAX 16
#define RETIRED_LEGS_MAX 4

enum call_ended_by { BY_GATEWAY, BY_CALLING, BY_CALLED };

struct call {
	char id[33];
	enum call_state state;
	struct call_leg *calling;
	struct call_leg *called[CALLED_LEGS_MAX];
	size_t called_n;
	struct call_leg *winner;
	struct call_leg *best; /* of the failed ones */
	unsigned trying;       /* the priority whose legs were started last */
	bool added_all;
	enum call_ended_by by;
	struct call_cause cause;
	struct call_times times;
	/* A leg being replaced, and by whom; NULL: none. */
	struct call_leg *replaced, *replacing;
	struct call_leg *retired[RETIRED_LEGS_MAX]; /* released by a timer */
	size_t retired_n;
	struct tmr replace_timer, retire_timer;
	struct tmr timer;   /* of the present state */
	struct tmr release; /* frees the call outside every event */
	struct call_conf conf;
};

/* -- call.c ---------------------------------------------------------------- */

void call_end_by(struct call *c, const struct call_cause *cause,
		 enum call_ended_by by);
/* Ends a leg that is not over yet. */
void call_end_leg(struct call_leg *leg, const struct call_cause *cause,
		  bool elsewhere);

/* -- replace.c ------------------------------------------------------------- */

void call_replace_init(struct call *c);
/* Events of the leg that is to take another's place. */
void call_replace_ringing(struct call *c);
void call_replace_answered(struct call *c);
void call_replace_failed(struct call *c, const struct call_cause *cause);
/* The call ends: so does what is under way. */
void call_replace_give_up(struct call *c, const struct call_cause *cause);
/* Releases what a replacement left. */
void call_replace_clear(struct call *c);

#endif
