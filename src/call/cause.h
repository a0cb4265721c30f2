/* Why a call ended: the one table (behaviour 8.1, 8.3).
 *
 * Reasons are literal, byte for byte. A cause says who produced the code (ours
 * or received) and which hop it belongs to. Values; any thread.
 */
#ifndef CALL_CAUSE_H
#define CALL_CAUSE_H

#include <stdbool.h>

enum cause_hop { CAUSE_HOP_GATEWAY, CAUSE_HOP_SIP, CAUSE_HOP_TELEGRAM };

/* Rows of the table, in the order of behaviour 8.1. */
enum cause_row {
	CAUSE_NORMAL,                /* 200 OK: hung up after an answer */
	CAUSE_UNAUTHORIZED,          /* row 2 */
	CAUSE_WRONG_PASSWORD,        /* 10 */
	CAUSE_SESSION_INACTIVE,      /* 12 */
	CAUSE_PRIVACY_RESTRICTED,    /* 17 */
	CAUSE_PRIVACY_PREMIUM,       /* 18 */
	CAUSE_ROUTE_NOT_FOUND,       /* 20 */
	CAUSE_NOT_FOUND,             /* 21 */
	CAUSE_CHAT_NOT_FOUND,        /* 22 */
	CAUSE_USERNAME_NOT_OCCUPIED, /* 23 */
	CAUSE_REGISTER_FIRST,        /* 24 */
	CAUSE_REQUEST_TIMEOUT,       /* 27 */
	CAUSE_RPC_TIMEOUT,           /* 28 */
	CAUSE_ANONYMOUS_USER,        /* 29 */
	CAUSE_UNAVAILABLE,           /* 30 */
	CAUSE_NO_RESOURCES,          /* D7: this machine is full */
	CAUSE_CALLER_IS_GATEWAY,     /* 34 */
	CAUSE_BUSY,                  /* 35 */
	CAUSE_DECLINED,              /* 36 */
	CAUSE_TELEGRAM_ERROR,        /* 39: 500 with Telegram's text */
	CAUSE_NO_MANAGER,            /* 41 */
	CAUSE_ACCOUNT_NOT_RUNNING,   /* 42 */
	CAUSE_SESSION_NOT_RUNNING,   /* 44 */
	CAUSE_STORAGE_UNAVAILABLE,   /* 45 */
	CAUSE_FLOOD_WAIT,            /* 46: text carries the seconds */
	CAUSE_PEER_FLOOD,            /* 47 */
	CAUSE_WORKER_NOT_READY,      /* 48 */
	CAUSE_SIP_UNAVAILABLE,       /* 49 */
	CAUSE_WORKER_UNAVAILABLE,    /* 50 */
	CAUSE_NOT_ACCEPTABLE,        /* 56 */
	CAUSE_CANCELLED,             /* 57 */
	CAUSE_ROWS,
};

struct call_cause {
	int code;            /* SIP status */
	char reason[129];
	bool remote;         /* received, not made by us */
	enum cause_hop hop;
	unsigned retry_after_s; /* 0: no Retry-After */
};

/* text: Telegram's text for TELEGRAM_ERROR, seconds for FLOOD_WAIT, else
 * ignored and may be NULL. */
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
const char *call_cause_hop_name(enum cause_hop hop);

#endif
