#include "base/cause.h"

#include <stdio.h>
#include <string.h>

#define REGISTER CAUSE_WAY_REGISTER
#define TO_TELEGRAM CAUSE_WAY_TO_TELEGRAM
#define TO_SIP CAUSE_WAY_TO_SIP
#define PASSED CAUSE_WAY_PASSED

static const struct cause_facts table[CAUSE_ROWS] = {
#define CAUSE(name, number, code, reason, ways, hop, trigger, advice)          \
	{#name, number, code, reason, ways, CAUSE_HOP_##hop, trigger, advice},
#include "base/causes.def"
#undef CAUSE
};

const struct cause_facts *cause_facts(enum cause_row row)
{
	return &table[row];
}

enum cause_row cause_by_name(const char *name)
{
	for (int row = 0; row < CAUSE_ROWS; row++)
		if (strcmp(table[row].name, name) == 0)
			return (enum cause_row)row;
	return CAUSE_ROWS;
}

enum cause_row cause_passed(int code, const char *reason)
{
	enum cause_row same_code = CAUSE_ROWS;

	for (int row = 0; row < CAUSE_ROWS; row++) {
		const struct cause_facts *f = &table[row];

		if (!(f->ways & PASSED) || f->code != code)
			continue;
		if (strcmp(f->reason, reason) == 0)
			return (enum cause_row)row;
		if (same_code == CAUSE_ROWS)
			same_code = (enum cause_row)row;
	}
	return same_code;
}

enum cause_row cause_said(int code, const char *reason)
{
	for (int row = 0; row < CAUSE_ROWS; row++) {
		const struct cause_facts *f = &table[row];

		if (!(f->ways & PASSED) && f->code == code && f->reason &&
		    strcmp(f->reason, reason) == 0)
			return (enum cause_row)row;
	}
	return CAUSE_ROWS;
}

const char *cause_hop_name(enum cause_hop hop)
{
	static const char *const names[] = {"gateway", "sip", "telegram"};

	return names[hop];
}

void cause_ways_text(char dst[64], unsigned ways)
{
	static const struct {
		unsigned way;
		const char *text;
	} names[] = {
		{REGISTER, "REGISTER"},
		{TO_TELEGRAM, "SIP to Telegram"},
		{TO_SIP, "Telegram to SIP"},
		{PASSED, "passed on"},
	};
	size_t n = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (ways & names[i].way)
			n += (size_t)snprintf(dst + n, 64 - n, "%s%s",
					      n ? ", " : "", names[i].text);
}

/* -- docs/errors.md ---------------------------------------------------------
 */

static const char head[] =
	"<!-- Written by `make errors` from src/base/causes.def. -->\n"
	"# Codes and reasons\n"
	"\n"
	"Every status that the gateway gives, word for word. To a PBX it is "
	"the\n"
	"status line of the answer to REGISTER or INVITE. A Telegram user "
	"whose\n"
	"call to the PBX fails reads `CODE REASON` in the chat with the "
	"account\n"
	"he called, unless the session's `messages` are off. What the PBX "
	"itself\n"
	"answers is passed on byte for byte; the rows marked *passed on* are "
	"the\n"
	"usual ones. `gramline -x 'show causes'` prints this table,\n"
	"`gramline -x 'explain CALL'` the row of one call ([how to read a "
	"failed\n"
	"call](failed-call.md)).\n"
	"\n"
	"| code and reason | told | hop | when | what to do |\n"
	"|---|---|---|---|---|\n";

static const char tail[] =
	"\n"
	"Other answers are those of RFC 3261 and its extensions: 400 for what\n"
	"cannot be read, 415, 420, 421, 423, 481, 491, 501, 505.\n";

void cause_document(struct buf *text)
{
	char ways[64];

	buf_str(text, head);
	for (int row = 0; row < CAUSE_ROWS; row++) {
		const struct cause_facts *f = &table[row];

		cause_ways_text(ways, f->ways);
		buf_printf(text, "| `%d %s` | %s | %s | %s | %s |\n", f->code,
			   f->reason ? f->reason : "...", ways,
			   cause_hop_name(f->hop), f->trigger, f->advice);
	}
	buf_str(text, tail);
}
