#include "base/wheel.h"

#include <stdlib.h>

#include "tests/check.h"

/* -- a journal of what fired ----------------------------------------------- */

static struct wheel wheel;
static uint64_t now;
static char journal[256];

static void note(void *arg)
{
	strcat(journal, arg);
}

static void timer_start(struct tmr *tmr, uint64_t delay, tmr_h *th, void *arg)
{
	if (tmr->th)
		list_unlink(&tmr->le);
	tmr->th = th;
	tmr->arg = arg;
	tmr->jfs = now + delay;
	wheel_insert(&wheel, tmr);
}

static void timer_stop(struct tmr *tmr)
{
	list_unlink(&tmr->le);
	tmr->th = NULL;
}

static void begin(uint64_t at)
{
	now = at;
	wheel_init(&wheel, now);
	journal[0] = '\0';
}

static void run(uint64_t ms)
{
	now += ms;
	wheel_run(&wheel, now);
}

static char a_text[] = "a", b_text[] = "b", c_text[] = "c", d_text[] = "d";

/* -- tests ----------------------------------------------------------------- */

static void test_wheel_fires_at_its_time_once(void)
{
	static const uint64_t delays[] = {1,        2,        63,        64,
					  65,       4095,     4096,      4097,
					  262143,   262144,   262145,    32000,
					  16777216, 86400000, 4294967296};

	for (uint64_t start = 4090; start < 4100; start++)
		for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]);
		     i++) {
			struct tmr t = {.th = NULL};

			begin(start);
			timer_start(&t, delays[i], note, a_text);
			CHECK(wheel_next(&wheel) > now);
			CHECK(wheel_next(&wheel) <= now + delays[i]);
			run(delays[i] - 1);
			CHECK_STR(journal, "");
			CHECK_INT(wheel_next(&wheel), now + 1);
			run(1);
			CHECK_STR(journal, "a");
			CHECK(!t.th);
			CHECK(wheel_next(&wheel) == WHEEL_NEVER);
			run(delays[i]);
			CHECK_STR(journal, "a");
		}
}

static void test_wheel_orders_by_time_then_start(void)
{
	struct tmr a = {.th = NULL}, b = a, c = a, d = a;

	begin(1000000);
	timer_start(&d, 20000, note, d_text);
	timer_start(&a, 10000, note, a_text);
	run(6000);
	/* the same time as a, from nearer, hence from another level */
	timer_start(&b, 4000, note, b_text);
	run(3999);
	timer_start(&c, 1, note, c_text);
	CHECK_STR(journal, "");
	run(100000);
	CHECK_STR(journal, "abcd");
}

static void test_wheel_does_not_wake_without_need(void)
{
	struct tmr a = {.th = NULL};
	int wakes = 0;

	begin(123456);
	timer_start(&a, 32000, note, a_text);
	while (a.th) {
		uint64_t next = wheel_next(&wheel);

		CHECK(next > now);
		run(next - now);
		wakes++;
	}
	CHECK_INT(now, 123456 + 32000);
	CHECK(wakes <= 3);
}

static void test_wheel_stopped_timers_do_not_fire(void)
{
	struct tmr a = {.th = NULL}, b = a, c = a;

	begin(5);
	timer_start(&a, 100, note, a_text);
	timer_start(&b, 100, note, b_text);
	timer_start(&c, 100, note, c_text);
	CHECK_INT(wheel_count(&wheel), 3);
	timer_stop(&b);
	timer_start(&a, 200, note, a_text);
	CHECK_INT(wheel_count(&wheel), 2);
	run(150);
	CHECK_STR(journal, "c");
	timer_stop(&a);
	CHECK(wheel_next(&wheel) == WHEEL_NEVER);
	run(1000);
	CHECK_STR(journal, "c");
}

static void test_wheel_takes_any_time(void)
{
	struct tmr a = {.th = NULL}, b = a, c = a;

	begin(1000);
	timer_start(&a, 0, note, a_text);
	CHECK_INT(wheel_next(&wheel), now);
	run(0);
	CHECK_STR(journal, "a");
	b.th = note;
	b.arg = b_text;
	b.jfs = 7; /* long ago */
	wheel_insert(&wheel, &b);
	run(0);
	CHECK_STR(journal, "ab");
	c.th = note;
	c.arg = c_text;
	c.jfs = UINT64_MAX;
	wheel_insert(&wheel, &c);
	run(UINT64_C(1) << 40);
	CHECK_STR(journal, "ab");
	CHECK(c.th);
	timer_stop(&c);
}

/* -- handlers that do things ----------------------------------------------- */

static struct tmr one, two, *heap;

static void restart(void *arg)
{
	strcat(journal, "r");
	if (strlen(journal) < 5)
		timer_start(&one, 0, restart, NULL);
}

static void stop_other(void *arg)
{
	strcat(journal, "s");
	timer_stop(&two);
}

static void free_self(void *arg)
{
	strcat(journal, "f");
	free(heap);
}

static void test_wheel_handlers_may_do_anything(void)
{
	begin(77);
	timer_start(&one, 3, restart, NULL);
	run(10);
	CHECK_STR(journal, "rrrrr");

	begin(77);
	timer_start(&one, 3, stop_other, NULL);
	timer_start(&two, 3, note, a_text);
	run(10);
	CHECK_STR(journal, "s");

	begin(77);
	heap = calloc(1, sizeof(*heap));
	CHECK(heap);
	timer_start(heap, 70, free_self, NULL);
	timer_start(&two, 70, note, a_text);
	run(1000);
	CHECK_STR(journal, "fa");
}

/* -- against a plain model ------------------------------------------------- */

#define MODEL_TIMERS 300
#define MODEL_STEPS 60000

static struct {
	struct tmr tmr;
	unsigned long order;
} timers[MODEL_TIMERS];
static unsigned long orders, fired;
static uint64_t last_time;
static unsigned long last_order;
static bool wrong;
static uint64_t dice_state = 88172645463325252;

static uint64_t dice(uint64_t n)
{
	dice_state ^= dice_state << 13;
	dice_state ^= dice_state >> 7;
	dice_state ^= dice_state << 17;
	return dice_state % n;
}

static void model_fired(void *arg);

static void model_start(size_t i)
{
	/* all magnitudes alike, often at a border */
	uint64_t delay = dice(UINT64_C(1) << dice(22));

	if (dice(3) == 0)
		delay = ((now + delay) | 63) + 1 - now;
	timers[i].order = ++orders;
	timer_start(&timers[i].tmr, delay, model_fired, &timers[i]);
}

static void model_fired(void *arg)
{
	size_t i = (size_t)((char *)arg - (char *)timers) / sizeof(timers[0]);

	fired++;
	if (timers[i].tmr.jfs > now || timers[i].tmr.jfs < last_time ||
	    (timers[i].tmr.jfs == last_time && timers[i].order < last_order))
		wrong = true;
	last_time = timers[i].tmr.jfs;
	last_order = timers[i].order;
	if (dice(4) == 0)
		model_start(i);
	if (dice(8) == 0)
		model_start(dice(MODEL_TIMERS));
}

static void test_wheel_agrees_with_a_model(void)
{
	begin(dice(1 << 30));
	for (int step = 0; step < MODEL_STEPS; step++) {
		size_t i = dice(MODEL_TIMERS);

		if (dice(4) > 0)
			model_start(i);
		else if (timers[i].tmr.th)
			timer_stop(&timers[i].tmr);
		last_time = 0;
		last_order = 0;
		run(dice(UINT64_C(1) << dice(16)));
		CHECK(!wrong);
		if (step % 16 == 0)
			for (i = 0; i < MODEL_TIMERS; i++)
				CHECK(!timers[i].tmr.th ||
				      timers[i].tmr.jfs > now);
	}
	CHECK(fired > MODEL_STEPS / 4);
}

int main(void)
{
	RUN(test_wheel_fires_at_its_time_once);
	RUN(test_wheel_orders_by_time_then_start);
	RUN(test_wheel_does_not_wake_without_need);
	RUN(test_wheel_stopped_timers_do_not_fire);
	RUN(test_wheel_takes_any_time);
	RUN(test_wheel_handlers_may_do_anything);
	RUN(test_wheel_agrees_with_a_model);
	return check_done();
}
