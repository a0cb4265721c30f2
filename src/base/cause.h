/* The one table of causes (behaviour 8.1): causes.def as C values.
 *
 * Who refuses takes code and reason from here, so that answers, records, chat
 * texts, explanations and docs/errors.md cannot differ. Constant; any thread.
 */
#ifndef BASE_CAUSE_H
#define BASE_CAUSE_H

#include "base/bytes.h"

enum cause_hop { CAUSE_HOP_GATEWAY, CAUSE_HOP_SIP, CAUSE_HOP_TELEGRAM };

enum cause_row {
#define CAUSE(name, number, code, reason, ways, hop, trigger, advice)          \
	CAUSE_##name,
#include "base/causes.def"
#undef CAUSE
	CAUSE_ROWS,
};

/* Where a cause is told. */
enum cause_way {
	CAUSE_WAY_REGISTER = 1,
	CAUSE_WAY_TO_TELEGRAM = 2, /* the answer to an INVITE of the PBX */
	CAUSE_WAY_TO_SIP = 4,      /* the chat of a Telegram caller */
	CAUSE_WAY_PASSED = 8,      /* made beyond us, passed on as it came */
};

struct cause_facts {
	const char *name; /* "WRONG_PASSWORD" */
	unsigned number;  /* row of behaviour 8.1; 0: beside it */
	int code;
	const char *reason; /* NULL: comes with the case */
	unsigned ways;      /* enum cause_way */
	enum cause_hop hop;
	const char *trigger, *advice;
};

const struct cause_facts *cause_facts(enum cause_row row);
/* The row of that name; CAUSE_ROWS: none. */
enum cause_row cause_by_name(const char *name);
/* The row of a code and reason that were passed on: these very words, else of
 * the same code; CAUSE_ROWS: none. */
enum cause_row cause_passed(int code, const char *reason);
/* The row of ours with this very code and reason; CAUSE_ROWS: none. */
enum cause_row cause_said(int code, const char *reason);
/* "gateway", "sip", "telegram". */
const char *cause_hop_name(enum cause_hop hop);
/* "REGISTER, SIP to Telegram"; room 64. */
void cause_ways_text(char dst[64], unsigned ways);
/* docs/errors.md. */
void cause_document(struct buf *text);

#endif
