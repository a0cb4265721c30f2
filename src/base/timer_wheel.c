/* A loop is known by the struct list that libre keeps for its timers; the list
 * itself is not used, its head points to the loop's wheel instead. Locking is
 * as in libre: the loop's thread, or who has entered it.
 */
#include "base/timer_wheel.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/wheel.h"

#ifdef tmr_start
#error "this libre declares its timers otherwise: see its re_tmr.h"
#endif

struct loop_wheel {
	struct le anchor; /* the list's head points here; its data is this */
	const struct list *list;
	struct loop_wheel *next; /* of all */
	struct wheel wheel;
};

/* Exported by libre for its own timers, in no header. */
struct list *tmrl_get(void);

/* Wheels live as long as the process: libre does not say when a loop ends, and
 * a loop at the same address takes up an empty one. */
static struct loop_wheel *wheels;
static pthread_mutex_t wheels_lock = PTHREAD_MUTEX_INITIALIZER;

static _Thread_local unsigned starts; /* calls of tmr_start */

/* -- one for each loop ----------------------------------------------------- */

static struct loop_wheel *wheel_new(const struct list *list)
{
	struct loop_wheel *w;

	pthread_mutex_lock(&wheels_lock);
	for (w = wheels; w; w = w->next)
		if (w->list == list && wheel_next(&w->wheel) == WHEEL_NEVER)
			break;
	if (!w) {
		w = calloc(1, sizeof(*w));
		if (!w)
			abort(); /* a loop without timers would hang calls */
		w->list = list;
		w->anchor.data = w;
		w->next = wheels;
		wheels = w;
	}
	pthread_mutex_unlock(&wheels_lock);
	wheel_init(&w->wheel, tmr_jiffies());
	return w;
}

static struct wheel *wheel_of(struct list *list)
{
	struct loop_wheel *w;

	if (!list->head)
		list->head = &wheel_new(list)->anchor;
	w = list->head->data;
	return &w->wheel;
}

/* -- in libre's place ------------------------------------------------------ */

uint64_t tmr_jiffies(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void tmr_start(struct tmr *tmr, uint64_t delay, tmr_h *th, void *arg)
{
	starts++;
	if (!tmr)
		return;
	if (tmr->th)
		list_unlink(&tmr->le);
	tmr->th = th;
	tmr->arg = arg;
	if (!th)
		return;
	if (__builtin_add_overflow(tmr_jiffies(), delay, &tmr->jfs))
		tmr->jfs = WHEEL_NEVER;
	wheel_insert(wheel_of(tmrl_get()), tmr);
}

void tmr_poll(struct list *tmrl)
{
	wheel_run(wheel_of(tmrl), tmr_jiffies());
}

/* 0: there is no timer. Sometimes earlier than the first timer: it only moves
 * to a lower level then. */
uint64_t tmr_next_timeout(struct list *tmrl)
{
	uint64_t now = tmr_jiffies(), at = wheel_next(wheel_of(tmrl));

	if (at == WHEEL_NEVER)
		return 0;
	return at > now ? at - now : 1;
}

int tmr_status(struct re_printf *pf, void *unused)
{
	size_t n = wheel_count(wheel_of(tmrl_get()));

	(void)unused;
	return n ? re_hprintf(pf, "Timers (%zu)\n", n) : 0;
}

/* tmr_cancel stays libre's and calls tmr_start, by the linkage table or not. */
int timer_wheel_check(void)
{
	unsigned before = starts;
	struct tmr tmr;

	tmr_init(&tmr);
	tmr_cancel(&tmr);
	return starts == before ? -ENOTSUP : 0;
}
