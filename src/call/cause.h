/* Why a call ended: a row of the one table (base/cause.h) and what the case
 * adds to it (behaviour 8.1, 8.3).
 *
 * Reasons are literal, byte for byte. A cause says who produced the code (ours
 * or received) and which hop it belongs to. Values; any thread.
 */
#ifndef CALL_CAUSE_H
#define CALL_CAUSE_H

#include <stdbool.h>

#include "base/cause.h"

struct call_cause {
	enum cause_row row; /* CAUSE_ROWS: a code of others, in no row */
	int code;           /* SIP status */
	char reason[129];
	bool remote; /* received, not made by us */
	enum cause_hop hop;
	bool elsewhere; /* the caller's or callee's other device has it */
	unsigned retry_after_s; /* 0: no Retry-After */
	bool unanswered;        /* the hop said nothing at all, */
	unsigned repeats;       /* though we asked it so often again (D11) */
};

/* text: of the rows without a reason: Telegram's text, the limit that was
 * reached, the seconds of FLOOD_WAIT; else ignored and may be NULL. */
void call_cause_set(struct call_cause *c, enum cause_row row, const char *text);
/* A code and reason as received from a SIP peer. */
void call_cause_remote(struct call_cause *c, int code, const char *reason);
/* Telegram's RPC error (telegram-wire D.8, behaviour 8.3). code 408 with
 * "TIMEOUT" is ours: the answer did not come. */
void call_cause_telegram_error(struct call_cause *c, int code,
			       const char *text);
/* phoneCallDiscarded. reason: "none", "missed", "busy", "hangup",
 * "disconnect". A decline and a busy are told apart by whether a device had
 * begun to ring. */
void call_cause_telegram_discard(struct call_cause *c, const char *reason,
				 bool was_ringing, bool was_active);

#endif
