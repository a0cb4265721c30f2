#include "base/log.h"

#include <errno.h>

#include "base/clock.h"
#include "tests/check.h"

static void test_log_counts_bad_input_per_kind(void)
{
	count_bad("test", "short", "3 bytes");
	count_bad("test", "short", "2 bytes");
	count_bad("test", "long", "9 bytes");
	CHECK_INT(count_get("test", "short"), 2);
	CHECK_INT(count_get("test", "long"), 1);
	CHECK_INT(count_get("test", "never"), 0);
}

static void test_log_masks_numbers(void)
{
	char dst[32];

	CHECK_STR(log_mask_number(dst, "+491701234567"), "+4917***67");
	CHECK_STR(log_mask_number(dst, "12345678"), "***");
}

static void test_log_level_names(void)
{
	enum log_level level = LOG_LEVEL_WARN;

	CHECK_INT(log_level_parse(&level, "debug"), 0);
	CHECK_INT(level, LOG_LEVEL_DEBUG);
	CHECK_INT(log_level_parse(&level, "loud"), -EINVAL);
	CHECK_INT(level, LOG_LEVEL_DEBUG);
}

static void test_log_line_stays_in_bounds_whatever_its_name(void)
{
	char name[3000];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	log_warn("test", name, "%s", name);
	log_warn(name, NULL, "%s", "after a long area");
	CHECK_INT(strlen(name), sizeof(name) - 1);
}

static void test_log_time_is_iso8601(void)
{
	char dst[32];

	CHECK_STR(wall_iso8601(dst, (struct wall){1700000000123000}),
		  "2023-11-14T22:13:20.123Z");
}

int main(void)
{
	RUN(test_log_counts_bad_input_per_kind);
	RUN(test_log_masks_numbers);
	RUN(test_log_level_names);
	RUN(test_log_line_stays_in_bounds_whatever_its_name);
	RUN(test_log_time_is_iso8601);
	return check_done();
}
