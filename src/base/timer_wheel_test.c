/* The wheel under libre: it must be in use, and libre must not notice. */
#include "base/timer_wheel.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/re.h"
#include "tests/check.h"

#define MANY 100000
#define FEW 10000
#define LIMIT_US (8 * USEC_S) /* a sorted list takes far longer */

static void never(void *arg)
{
	abort();
}

static void stop(void *arg)
{
	re_cancel();
}

/* -- it is in use ---------------------------------------------------------- */

static void test_timer_wheel_is_used_by_libre(void)
{
	static const char *const names[] = {"tmr_start", "tmr_poll",
					    "tmr_next_timeout", "tmr_jiffies",
					    "tmr_status"};
	void *check = dlsym(RTLD_DEFAULT, "tmr_cancel");
	Dl_info libre, found;

	CHECK_INT(timer_wheel_check(), 0);
	CHECK(check && dladdr(check, &libre));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		void *symbol = dlsym(RTLD_DEFAULT, names[i]);

		CHECK(symbol && dladdr(symbol, &found));
		/* what the loader gives to whoever asks, libre too */
		CHECK(strcmp(found.dli_fname, libre.dli_fname) != 0);
	}
}

static usec_t start_and_cancel(size_t n)
{
	struct tmr *timers = calloc(n, sizeof(*timers));
	usec_t from = clock_now(), spent;
	unsigned seed = 1;

	for (size_t i = 0; timers && i < n; i++) {
		tmr_start(&timers[i], 1000 + (uint64_t)rand_r(&seed) % 60000,
			  never, NULL);
		if (i % 256 == 0 && clock_now() - from > LIMIT_US)
			break;
	}
	for (size_t i = 0; timers && i < n; i++)
		tmr_cancel(&timers[i]);
	spent = clock_now() - from;
	free(timers);
	return timers ? spent : LIMIT_US;
}

static void test_timer_wheel_cost_does_not_grow(void)
{
	usec_t few = LIMIT_US, many = LIMIT_US;

	/* the best of some, as others use the machine too */
	for (int i = 0; i < 5; i++) {
		usec_t spent = start_and_cancel(FEW);

		few = spent < few ? spent : few;
	}
	for (int i = 0; i < 3; i++) {
		usec_t spent = start_and_cancel(MANY);

		many = spent < many ? spent : many;
	}
	CHECK(many < LIMIT_US);
	/* ten times the timers: ten times the work, a hundred in a list */
	CHECK(many < 40 * (few + USEC_MS));
}

static unsigned fired;
static uint64_t latest;
static bool early, disordered;

struct timed {
	struct tmr tmr;
	uint64_t at;
};

static void on_timed(void *arg)
{
	struct timed *t = arg;

	fired++;
	if (tmr_jiffies() < t->at)
		early = true;
	if (t->tmr.jfs < latest)
		disordered = true;
	latest = t->tmr.jfs;
	if (fired == MANY)
		re_cancel();
}

static void test_timer_wheel_fires_many_in_order(void)
{
	struct timed *timers = calloc(MANY, sizeof(*timers));
	unsigned seed = 2;
	struct tmr limit;

	CHECK(timers);
	tmr_init(&limit);
	tmr_start(&limit, 60000, stop, NULL);
	for (size_t i = 0; i < MANY; i++) {
		uint64_t delay = (uint64_t)rand_r(&seed) % 500;

		timers[i].at = tmr_jiffies() + delay;
		tmr_start(&timers[i].tmr, delay, on_timed, &timers[i]);
	}
	re_main(NULL);
	tmr_cancel(&limit);
	CHECK_INT(fired, MANY);
	CHECK(!early);
	CHECK(!disordered);
	for (size_t i = 0; i < MANY; i++)
		CHECK(!tmr_isrunning(&timers[i].tmr));
	free(timers);
}

/* -- libre's rules --------------------------------------------------------- */

static char journal[64];

static void note(void *arg)
{
	strcat(journal, arg);
}

static struct tmr again;

static void restart(void *arg)
{
	strcat(journal, tmr_isrunning(&again) ? "!" : "r");
	if (strlen(journal) < 4)
		tmr_start(&again, 0, restart, NULL);
}

static void release(void *arg)
{
	strcat(journal, "f");
	mem_deref(arg);
}

static void test_timer_wheel_keeps_libre_s_rules(void)
{
	struct tmr a, b, c, end, *self = mem_zalloc(sizeof(*self), NULL);

	CHECK(self);
	journal[0] = '\0';
	tmr_init(&a);
	tmr_init(&b);
	tmr_init(&c);
	tmr_init(&end);
	tmr_start(&again, 0, restart, NULL);
	tmr_start(&a, 30, note, (char[]){"a"});
	tmr_start(&b, 20, note, (char[]){"b"});
	tmr_start(&c, 25, note, (char[]){"c"});
	tmr_start(self, 40, release, self);
	tmr_start(&end, 60, stop, NULL);
	CHECK(tmr_get_expire(&a) > 0 && tmr_get_expire(&a) <= 30);
	tmr_start(&a, 50, note, (char[]){"a"});
	tmr_cancel(&c);
	CHECK(!tmr_isrunning(&c));
	CHECK_INT(tmr_get_expire(&c), 0);
	re_main(NULL);
	CHECK_STR(journal, "rrrrbfa");
}

static void test_timer_wheel_is_listed(void)
{
	char text[64];
	struct tmr a;

	tmr_init(&a);
	re_snprintf(text, sizeof(text), "%H", tmr_status, NULL);
	CHECK_STR(text, "");
	tmr_start(&a, 100000, never, NULL);
	re_snprintf(text, sizeof(text), "%H", tmr_status, NULL);
	CHECK_STR(text, "Timers (1)\n");
	tmr_cancel(&a);
}

/* -- a loop a thread ------------------------------------------------------- */

#define ROUNDS 200

struct looper {
	pthread_t thread, fired_on;
	struct tmr tmr, far;
	int rounds;
	bool strange;
};

static void on_round(void *arg)
{
	struct looper *l = arg;

	if (!pthread_equal(pthread_self(), l->fired_on))
		l->strange = true;
	tmr_start(&l->far, 1000 + (uint64_t)l->rounds, never, NULL);
	if (++l->rounds == ROUNDS)
		re_cancel();
	else
		tmr_start(&l->tmr, (uint64_t)l->rounds % 3, on_round, l);
}

static void *looper_main(void *arg)
{
	struct looper *l = arg;

	if (re_thread_init()) {
		l->strange = true;
		return NULL;
	}
	l->fired_on = pthread_self();
	tmr_start(&l->tmr, 1, on_round, l);
	re_main(NULL);
	tmr_cancel(&l->far);
	re_thread_close();
	return NULL;
}

static void test_timer_wheel_serves_each_thread(void)
{
	/* twice: the second loops may stand where the first stood */
	for (int times = 0; times < 2; times++) {
		struct looper loopers[2] = {{.rounds = 0}};

		for (int i = 0; i < 2; i++)
			CHECK_INT(pthread_create(&loopers[i].thread, NULL,
						 looper_main, &loopers[i]),
				  0);
		for (int i = 0; i < 2; i++)
			pthread_join(loopers[i].thread, NULL);
		for (int i = 0; i < 2; i++) {
			CHECK(!loopers[i].strange);
			CHECK_INT(loopers[i].rounds, ROUNDS);
		}
	}
}

int main(void)
{
	if (libre_init() || fd_setsize(64))
		return 1;
	RUN(test_timer_wheel_is_used_by_libre);
	RUN(test_timer_wheel_cost_does_not_grow);
	RUN(test_timer_wheel_fires_many_in_order);
	RUN(test_timer_wheel_keeps_libre_s_rules);
	RUN(test_timer_wheel_is_listed);
	RUN(test_timer_wheel_serves_each_thread);
	libre_close();
	return check_done();
}
