/* The order of updates (telegram-wire A.9) as an engine: no I/O, no clock.
 *
 * It keeps pts, qts, date and seq, says of every arriving update whether to
 * apply it, and tells its caller when updates.getDifference (or, while no
 * state is known, updates.getState) is due.
 *
 *   apply   pts_local + pts_count = pts
 *   ignore  pts <= pts_local
 *   else    a gap: the update is held for 0.5 s, then the difference is asked
 *
 * A value with one owner, one thread. Contents of held updates are copied.
 */
#ifndef TELEGRAM_UPDATES_H
#define TELEGRAM_UPDATES_H

#include "base/bytes.h"
#include "base/clock.h"

#define UPDATES_GAP (500 * USEC_MS)
#define UPDATES_SILENCE (15 * 60 * USEC_S)

enum updates_line {
	UPDATES_PTS, /* messages of private chats and groups */
	UPDATES_QTS, /* secret chats and bots */
	UPDATES_SEQ, /* whole containers */
};

enum updates_verdict {
	UPDATES_APPLY,
	UPDATES_IGNORE, /* known already, or lost: a difference is due then */
	UPDATES_HELD,
};

struct updates_held;

struct updates {
	int32_t pts, qts, date, seq;
	bool known;   /* the four are the server's */
	bool wanted;  /* a difference is due */
	bool running; /* one is under way: everything is held */
	usec_t gap_deadline;
	usec_t silence_deadline;
	usec_t retry_at; /* not before, after a failed request */
	unsigned failures;
	struct updates_held *held;
	size_t held_n, held_cap, held_bytes;
};

/* pts 0: nothing is known. A difference is wanted at once in either case. */
void updates_init(struct updates *u, int32_t pts, int32_t qts, int32_t date,
		  int32_t seq, usec_t now);
void updates_clear(struct updates *u);

/* One update: value is the state after it, count its width (qts: 1; seq: seq -
 * seq_start + 1). APPLY has moved the state already. content is copied when
 * HELD. A seq of 0 stands outside all order: APPLY. */
enum updates_verdict updates_take(struct updates *u, enum updates_line line,
				  int32_t value, int32_t count,
				  struct bytes content, usec_t now);
/* After every APPLY and every end of a difference: the next held update that
 * has become due, its content moved to *content (initialised by the caller).
 * False: none. */
bool updates_release(struct updates *u, struct buf *content, usec_t now);
/* The date of an applied container. */
void updates_dated(struct updates *u, int32_t date);

/* Something was lost: reconnect, new session, updatesTooLong, an unknown
 * constructor. */
void updates_lost(struct updates *u);
/* Anything arrived. */
void updates_heard(struct updates *u, usec_t now);
usec_t updates_deadline(const struct updates *u);
void updates_timeout(struct updates *u, usec_t now);

/* True: ask now (getState while !known, else getDifference) and call
 * updates_asked(); then exactly one of the answers below. */
bool updates_due(const struct updates *u, usec_t now);
void updates_asked(struct updates *u);
/* updates.state, or the state of updates.difference: done. */
void updates_state(struct updates *u, int32_t pts, int32_t qts, int32_t date,
		   int32_t seq, usec_t now);
/* differenceSlice: the intermediate state; ask again. */
void updates_slice(struct updates *u, int32_t pts, int32_t qts, int32_t date,
		   int32_t seq);
/* differenceEmpty. */
void updates_empty(struct updates *u, int32_t date, int32_t seq, usec_t now);
/* differenceTooLong: go on from this pts; ask again. */
void updates_too_long(struct updates *u, int32_t pts);
/* The request failed: again after 1, 2, 4 .. 60 s. forget: the server does not
 * accept our state, getState comes next. */
void updates_failed(struct updates *u, bool forget, usec_t now);
/* After updates_failed: Telegram told how long to wait. */
void updates_not_before(struct updates *u, usec_t at);

#endif
