/* The order of updates. See updates.h.
 *
 * Held updates wait for the missing one before them. What is still held when
 * a whole difference has passed over it, and fits nowhere, is dropped: else a
 * number far off would ask for differences for ever.
 */
#include "telegram/updates.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define HELD_MAX 512
#define HELD_BYTES_MAX (512 * 1024)
#define RETRY_MAX (60 * USEC_S)

struct updates_held {
	enum updates_line line;
	int32_t value, count;
	bool passed; /* a difference ended with this one still in a gap */
	struct buf content;
};

void updates_init(struct updates *u, int32_t pts, int32_t qts, int32_t date,
		  int32_t seq, usec_t now)
{
	memset(u, 0, sizeof(*u));
	u->pts = pts;
	u->qts = qts;
	u->date = date;
	u->seq = seq;
	u->known = pts > 0;
	u->wanted = true;
	u->gap_deadline = USEC_NEVER;
	u->silence_deadline = now + UPDATES_SILENCE;
}

static void held_drop(struct updates *u, size_t i)
{
	u->held_bytes -= u->held[i].content.n;
	buf_clear(&u->held[i].content);
	memmove(&u->held[i], &u->held[i + 1],
		(u->held_n - i - 1) * sizeof(u->held[0]));
	u->held_n--;
}

static void held_drop_all(struct updates *u)
{
	while (u->held_n)
		held_drop(u, u->held_n - 1);
	u->gap_deadline = USEC_NEVER;
}

void updates_clear(struct updates *u)
{
	held_drop_all(u);
	free(u->held);
	u->held = NULL;
	u->held_cap = 0;
}

static int32_t *line_state(struct updates *u, enum updates_line line)
{
	switch (line) {
	case UPDATES_PTS:
		return &u->pts;
	case UPDATES_QTS:
		return &u->qts;
	case UPDATES_SEQ:
	default:
		return &u->seq;
	}
}

/* What the state says of an update; moves nothing. */
static enum updates_verdict judge(struct updates *u, enum updates_line line,
				  int32_t value, int32_t count)
{
	int32_t local = *line_state(u, line);

	if ((int64_t)local + count == value)
		return UPDATES_APPLY;
	/* A session that never had a seq or qts starts with the first one. */
	if (line != UPDATES_PTS && local == 0)
		return UPDATES_APPLY;
	if (value <= local)
		return UPDATES_IGNORE;
	return UPDATES_HELD;
}

static int held_room(struct updates *u)
{
	size_t cap = u->held_cap ? u->held_cap * 2 : 8;
	struct updates_held *held;

	if (u->held_n < u->held_cap)
		return 0;
	held = realloc(u->held, cap * sizeof(*held));
	if (!held)
		return -1;
	u->held = held;
	u->held_cap = cap;
	return 0;
}

static enum updates_verdict hold(struct updates *u, enum updates_line line,
				 int32_t value, int32_t count,
				 struct bytes content, usec_t now)
{
	struct updates_held *h;

	if (u->held_n >= HELD_MAX ||
	    u->held_bytes + content.n > HELD_BYTES_MAX || held_room(u)) {
		/* Too many to wait for: the difference brings them all. */
		count_bad("telegram", "updates-held", "too many held updates");
		held_drop_all(u);
		u->wanted = true;
		return UPDATES_IGNORE;
	}
	h = &u->held[u->held_n++];
	memset(h, 0, sizeof(*h));
	h->line = line;
	h->value = value;
	h->count = count;
	buf_init(&h->content);
	buf_put(&h->content, content.p, content.n);
	u->held_bytes += h->content.n;
	if (!u->running && u->gap_deadline == USEC_NEVER)
		u->gap_deadline = now + UPDATES_GAP;
	return UPDATES_HELD;
}

enum updates_verdict updates_take(struct updates *u, enum updates_line line,
				  int32_t value, int32_t count,
				  struct bytes content, usec_t now)
{
	enum updates_verdict verdict;

	if (line == UPDATES_SEQ && value == 0)
		return UPDATES_APPLY;
	if (u->running || !u->known)
		return hold(u, line, value, count, content, now);
	verdict = judge(u, line, value, count);
	if (verdict == UPDATES_APPLY)
		*line_state(u, line) = value;
	if (verdict == UPDATES_HELD)
		verdict = hold(u, line, value, count, content, now);
	return verdict;
}

bool updates_release(struct updates *u, struct buf *content, usec_t now)
{
	size_t i = 0;

	if (u->running || !u->known)
		return false;
	while (i < u->held_n) {
		struct updates_held *h = &u->held[i];
		enum updates_verdict v;

		v = judge(u, h->line, h->value, h->count);
		if (v == UPDATES_HELD) {
			i++;
			continue;
		}
		if (v == UPDATES_IGNORE) {
			held_drop(u, i);
			continue;
		}
		*line_state(u, h->line) = h->value;
		buf_clear(content);
		*content = h->content;
		u->held_bytes -= content->n;
		buf_init(&h->content);
		held_drop(u, i);
		return true;
	}
	if (!u->held_n)
		u->gap_deadline = USEC_NEVER;
	else if (u->gap_deadline == USEC_NEVER)
		u->gap_deadline = now + UPDATES_GAP;
	return false;
}

void updates_dated(struct updates *u, int32_t date)
{
	if (date > u->date)
		u->date = date;
}

void updates_lost(struct updates *u)
{
	u->wanted = true;
}

void updates_heard(struct updates *u, usec_t now)
{
	u->silence_deadline = now + UPDATES_SILENCE;
}

usec_t updates_deadline(const struct updates *u)
{
	usec_t at = u->silence_deadline;

	if (u->running)
		return USEC_NEVER;
	if (u->gap_deadline < at)
		at = u->gap_deadline;
	if (u->wanted && u->retry_at < at)
		at = u->retry_at;
	return at;
}

void updates_timeout(struct updates *u, usec_t now)
{
	if (now >= u->gap_deadline) {
		u->gap_deadline = USEC_NEVER;
		u->wanted = true;
	}
	if (now >= u->silence_deadline) {
		u->silence_deadline = now + UPDATES_SILENCE;
		u->wanted = true;
	}
}

bool updates_due(const struct updates *u, usec_t now)
{
	return u->wanted && !u->running && now >= u->retry_at;
}

void updates_asked(struct updates *u)
{
	u->running = true;
	u->wanted = false;
	u->gap_deadline = USEC_NEVER;
}

/* The difference is complete. An update held over a whole one and still in a
 * gap has had its chance. */
static void difference_done(struct updates *u, usec_t now)
{
	u->running = false;
	u->known = true;
	u->failures = 0;
	u->retry_at = 0;
	u->silence_deadline = now + UPDATES_SILENCE;
	for (size_t i = 0; i < u->held_n;) {
		struct updates_held *h = &u->held[i];

		if (judge(u, h->line, h->value, h->count) == UPDATES_HELD &&
		    h->passed) {
			held_drop(u, i);
			continue;
		}
		h->passed = true;
		i++;
	}
	if (u->held_n)
		u->gap_deadline = now + UPDATES_GAP;
}

static void state_set(struct updates *u, int32_t pts, int32_t qts, int32_t date,
		      int32_t seq)
{
	u->pts = pts;
	u->qts = qts;
	u->date = date;
	u->seq = seq;
}

void updates_state(struct updates *u, int32_t pts, int32_t qts, int32_t date,
		   int32_t seq, usec_t now)
{
	state_set(u, pts, qts, date, seq);
	difference_done(u, now);
}

void updates_slice(struct updates *u, int32_t pts, int32_t qts, int32_t date,
		   int32_t seq)
{
	/* A slice that leads nowhere would be asked for again without end. */
	bool stuck = pts == u->pts && qts == u->qts && date == u->date;

	state_set(u, pts, qts, date, seq);
	u->running = false;
	u->known = true;
	u->wanted = !stuck;
	u->retry_at = 0;
	if (stuck)
		count_bad("telegram", "difference-stuck",
			  "a difference slice without progress");
}

void updates_empty(struct updates *u, int32_t date, int32_t seq, usec_t now)
{
	u->date = date;
	u->seq = seq;
	difference_done(u, now);
}

void updates_too_long(struct updates *u, int32_t pts)
{
	bool stuck = pts == u->pts;

	u->pts = pts;
	u->running = false;
	u->wanted = true;
	u->retry_at = 0;
	/* The same pts again: only a fresh state leads on. */
	if (stuck)
		u->known = false;
}

void updates_failed(struct updates *u, bool forget, usec_t now)
{
	usec_t wait = USEC_S << (u->failures < 6 ? u->failures : 6);

	u->running = false;
	u->wanted = true;
	u->failures++;
	u->retry_at = now + (wait < RETRY_MAX ? wait : RETRY_MAX);
	if (forget)
		u->known = false;
}

void updates_not_before(struct updates *u, usec_t at)
{
	if (at > u->retry_at)
		u->retry_at = at;
}
