/* A timer stands at the level of the highest base-64 digit in which its time
 * differs from `tick`, in the slot of that digit:
 *
 *   level 2   . . . x . .   steps of 4096 ms
 *   level 1   . . x . x .   steps of 64 ms
 *   level 0   . x x . . x   1 ms
 *               ^ tick
 *
 * So no timer stands at or before tick's own digit, except in level 0, and all
 * of a lower level are due before any of a higher one: the next event is the
 * first used slot, found by one look at each level's bit map. When tick reaches
 * a slot of a higher level, its timers move down. As a slot is emptied exactly
 * when tick enters its range, timers of equal time never overtake each other.
 */
#include "base/wheel.h"

#include <string.h>

#define SLOTS WHEEL_SLOTS
#define LEVELS WHEEL_LEVELS
#define LEVEL_BITS 6
#define HORIZON_MASK ((UINT64_C(1) << (LEVELS * LEVEL_BITS)) - 1)

_Static_assert(SLOTS == 1 << LEVEL_BITS, "a slot for each digit");

void wheel_init(struct wheel *w, uint64_t now)
{
	memset(w, 0, sizeof(*w));
	w->tick = now;
}

/* The time at which a slot of tick's surroundings begins. */
static uint64_t slot_time(const struct wheel *w, int level, int slot)
{
	int shift = level * LEVEL_BITS;
	uint64_t above = w->tick >> (shift + LEVEL_BITS)
					    << (shift + LEVEL_BITS);

	return above | (uint64_t)slot << shift;
}

static int slot_of(uint64_t at, int level)
{
	return (int)(at >> (level * LEVEL_BITS)) & (SLOTS - 1);
}

void wheel_insert(struct wheel *w, struct tmr *tmr)
{
	uint64_t at = tmr->jfs, apart;
	int level, slot;

	if (at < w->tick)
		at = w->tick;
	/* Beyond the horizon: moves on from its last slot. */
	if ((at ^ w->tick) > HORIZON_MASK)
		at = w->tick | HORIZON_MASK;
	apart = at ^ w->tick;
	level = apart ? (63 - __builtin_clzll(apart)) / LEVEL_BITS : 0;
	slot = slot_of(at, level);
	list_append(&w->slots[level][slot], &tmr->le, tmr);
	w->used[level] |= UINT64_C(1) << slot;
}

/* The first used slot of a level at or behind `from`, or -1. A slot may have
 * been emptied by tmr_cancel, which does not look for the wheel. */
static int level_first(struct wheel *w, int level, int from)
{
	uint64_t bits = from < SLOTS ? w->used[level] >> from << from : 0;

	while (bits) {
		int slot = __builtin_ctzll(bits);

		if (w->slots[level][slot].head)
			return slot;
		w->used[level] &= ~(UINT64_C(1) << slot);
		bits &= bits - 1;
	}
	return -1;
}

/* Timers fire (level 0) or move down there. */
static uint64_t next_slot(struct wheel *w, int *levelp, int *slotp)
{
	for (int level = 0; level < LEVELS; level++) {
		int from = slot_of(w->tick, level) + (level > 0);
		int slot = level_first(w, level, from);

		if (slot >= 0) {
			*levelp = level;
			*slotp = slot;
			return slot_time(w, level, slot);
		}
	}
	return WHEEL_NEVER;
}

static void slot_fire(struct list *slot)
{
	while (slot->head) {
		struct tmr *tmr = slot->head->data;
		tmr_h *th = tmr->th;
		void *arg = tmr->arg;

		tmr->th = NULL;
		list_unlink(&tmr->le);
		if (th)
			th(arg);
	}
}

/* All timers of the slot are put where they belong now that tick is there:
 * at lower levels. */
static void slot_move_down(struct wheel *w, struct list *slot)
{
	while (slot->head) {
		struct tmr *tmr = slot->head->data;

		list_unlink(&tmr->le);
		wheel_insert(w, tmr);
	}
}

void wheel_run(struct wheel *w, uint64_t now)
{
	int level, slot;
	uint64_t at;

	while ((at = next_slot(w, &level, &slot)) <= now) {
		w->tick = at;
		if (level > 0)
			slot_move_down(w, &w->slots[level][slot]);
		else
			slot_fire(&w->slots[0][slot]);
	}
	if (now > w->tick)
		w->tick = now;
}

uint64_t wheel_next(struct wheel *w)
{
	int level, slot;

	return next_slot(w, &level, &slot);
}

size_t wheel_count(const struct wheel *w)
{
	size_t n = 0;

	for (int level = 0; level < LEVELS; level++)
		for (int slot = 0; slot < SLOTS; slot++)
			n += list_count(&w->slots[level][slot]);
	return n;
}
