/* See flood.h. A budget of n in a period is kept as one date: when the next
 * request would be due if all were spread evenly. It may run ahead of the
 * clock by the whole period less one share.
 */
#include "telegram/flood.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MAX_S (14 * 24 * 3600u)
#define DAY (24 * 3600 * USEC_S)
#define PEER_FLOOD_FIRST (3600 * USEC_S)

static const char *const names[FLOOD_LINES] = {
	[FLOOD_NONE] = "none",           [FLOOD_CALLS] = "calls",
	[FLOOD_STRANGERS] = "new peers", [FLOOD_PHONES] = "phones",
	[FLOOD_NAMES] = "names",         [FLOOD_MESSAGES] = "messages",
};

const char *flood_line_name(enum flood_line line)
{
	return names[line];
}

enum flood_line flood_line_of(const char *name)
{
	for (int i = FLOOD_LINES - 1; i > FLOOD_NONE; i--)
		if (strcmp(names[i], name) == 0)
			return i;
	return FLOOD_NONE;
}

void flood_init(struct flood *f)
{
	memset(f, 0, sizeof(*f));
}

void flood_budget(struct flood *f, enum flood_line line, unsigned count,
		  usec_t period)
{
	struct flood_gate *g = &f->gates[line];

	g->period = count ? period : 0;
	g->each = count ? period / count : 0;
}

static unsigned seconds_up(usec_t t)
{
	return (unsigned)((t + USEC_S - 1) / USEC_S);
}

static usec_t budget_from(const struct flood_gate *g)
{
	usec_t ahead = g->period - g->each;

	return g->each && g->due > ahead ? g->due - ahead : 0;
}

unsigned flood_wait_s(const struct flood *f, enum flood_line line,
		      const char **why, usec_t now)
{
	const struct flood_gate *g = &f->gates[line];
	usec_t from = budget_from(g);

	if (why)
		*why = "";
	if (g->until > now && g->until >= from) {
		if (why)
			*why = g->why;
		return seconds_up(g->until - now);
	}
	if (from <= now)
		return 0;
	if (why)
		*why = "budget";
	return seconds_up(from - now);
}

void flood_spent(struct flood *f, enum flood_line line, usec_t now)
{
	struct flood_gate *g = &f->gates[line];

	if (g->each)
		g->due = (g->due > now ? g->due : now) + g->each;
}

unsigned flood_seconds(const char *text)
{
	static const char *const heads[] = {
		"FLOOD_WAIT_", "FLOOD_PREMIUM_WAIT_", "SLOWMODE_WAIT_"};

	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		size_t n = strlen(heads[i]);
		char *end;
		unsigned long s;

		if (strncmp(text, heads[i], n) != 0)
			continue;
		s = strtoul(text + n, &end, 10);
		if (text[n] < '0' || text[n] > '9' || *end)
			return 0;
		return s < WAIT_MAX_S ? (unsigned)s : WAIT_MAX_S;
	}
	return 0;
}

void flood_close(struct flood *f, enum flood_line line, const char *why,
		 usec_t until)
{
	struct flood_gate *g = &f->gates[line];

	g->until = until;
	snprintf(g->why, sizeof(g->why), "%s", why);
}

/* Telegram's word against spam says no time: an hour, then twice as long. */
static void peer_flood(struct flood *f, usec_t now)
{
	struct flood_gate *g = &f->gates[FLOOD_STRANGERS];
	bool again = g->told_for && now - g->told_at < DAY;

	g->told_for = again ? 2 * g->told_for : PEER_FLOOD_FIRST;
	if (g->told_for > DAY)
		g->told_for = DAY;
	g->told_at = now;
	flood_close(f, FLOOD_STRANGERS, "PEER_FLOOD", now + g->told_for);
}

bool flood_told(struct flood *f, enum flood_line *closed, enum flood_line line,
		const char *text, usec_t now)
{
	unsigned s = flood_seconds(text);

	if (!strcmp(text, "PEER_FLOOD") &&
	    (line == FLOOD_CALLS || line == FLOOD_STRANGERS)) {
		peer_flood(f, now);
		*closed = FLOOD_STRANGERS;
		return true;
	}
	/* One chat's slow mode is no concern of the others. */
	if (!s || line == FLOOD_NONE || !strncmp(text, "SLOWMODE_", 9))
		return false;
	flood_close(f, line, text, now + s * USEC_S);
	*closed = line;
	return true;
}
