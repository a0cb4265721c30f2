#include "base/clock.h"

#include <stdio.h>
#include <time.h>

usec_t clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (usec_t)ts.tv_sec * USEC_S + (usec_t)ts.tv_nsec / 1000;
}

struct wall clock_wall(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct wall){(int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000};
}

char *wall_iso8601(char dst[32], struct wall t)
{
	time_t s = (time_t)(t.us / 1000000);
	int ms = (int)(t.us % 1000000 / 1000);
	char day[24];
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(dst, 32, "%s.%03dZ", day, ms);
	return dst;
}
