#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define COUNTERS_MAX 256

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static atomic_int log_threshold = LOG_LEVEL_INFO;

/* The one table of counters. A slot is published by its `kind` pointer, so
 * look-ups need no lock; only adding a slot takes the mutex. */
static struct counter {
	const char *area;
	_Atomic(const char *) kind;
	atomic_uint_fast64_t n;
} counters[COUNTERS_MAX];
static pthread_mutex_t counters_lock = PTHREAD_MUTEX_INITIALIZER;

void log_set_level(enum log_level level)
{
	atomic_store(&log_threshold, (int)level);
}

int log_level_parse(enum log_level *level, const char *text)
{
	for (int i = 0; i <= LOG_LEVEL_DEBUG; i++) {
		if (strcmp(level_names[i], text) == 0) {
			*level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

void log_event(enum log_level level, const char *area, const char *id,
	       const char *fmt, ...)
{
	char line[1024], when[32];
	va_list ap;
	int n;

	if ((int)level > atomic_load(&log_threshold))
		return;
	n = snprintf(line, sizeof(line), "%s %-5s %-8s [%s] ",
		     wall_iso8601(when, clock_wall()), level_names[level], area,
		     id ? id : "-");
	if (n > (int)sizeof(line) / 2)
		n = sizeof(line) / 2; /* a name out of all bounds */
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	/* Foreign text must not forge lines. */
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	n = (int)strlen(line);
	line[n++] = '\n';
	fwrite(line, 1, (size_t)n, stderr);
}

char *log_mask_number(char dst[32], const char *number)
{
	size_t n = strlen(number);

	if (n < 9)
		snprintf(dst, 32, "***");
	else
		snprintf(dst, 32, "%.5s***%s", number, number + n - 2);
	return dst;
}

static struct counter *counter_find(const char *area, const char *kind)
{
	for (int i = 0; i < COUNTERS_MAX; i++) {
		const char *k = atomic_load_explicit(&counters[i].kind,
						     memory_order_acquire);
		if (!k)
			return NULL;
		if (strcmp(k, kind) == 0 && strcmp(counters[i].area, area) == 0)
			return &counters[i];
	}
	return NULL;
}

static struct counter *counter_get(const char *area, const char *kind)
{
	struct counter *c = counter_find(area, kind);

	if (c)
		return c;
	pthread_mutex_lock(&counters_lock);
	c = counter_find(area, kind);
	for (int i = 0; !c && i < COUNTERS_MAX; i++) {
		if (atomic_load(&counters[i].kind))
			continue;
		c = &counters[i];
		c->area = area;
		atomic_store_explicit(&c->kind, kind, memory_order_release);
	}
	pthread_mutex_unlock(&counters_lock);
	return c;
}

void count_add(const char *area, const char *kind, uint64_t n)
{
	struct counter *c = counter_get(area, kind);

	if (c)
		atomic_fetch_add_explicit(&c->n, n, memory_order_relaxed);
}

void count_bad(const char *area, const char *kind, const char *text)
{
	struct counter *c = counter_get(area, kind);

	if (c && atomic_fetch_add(&c->n, 1) == 0)
		log_warn(area, NULL,
			 "%s: %s (first of its kind; more are only counted)",
			 kind, text);
}

uint64_t count_get(const char *area, const char *kind)
{
	struct counter *c = counter_find(area, kind);

	return c ? atomic_load(&c->n) : 0;
}

void count_each(count_each_h *each, void *arg)
{
	for (int i = 0; i < COUNTERS_MAX; i++) {
		const char *k = atomic_load(&counters[i].kind);

		if (!k)
			return;
		each(counters[i].area, k, atomic_load(&counters[i].n), arg);
	}
}
