/* A minimal TAP harness.
 *
 * int main(void) { RUN(test_noun_behaviour); return check_done(); }
 *
 * A failed CHECK prints file, line and expression, marks the running test as
 * failed and returns from the test function.  One line "ok N - name" or
 * "not ok N - name" a test; check_skip() gives "ok N - name # SKIP reason".
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int check_count, check_failures;
static bool check_failed;
static const char *check_skip_reason;

#define CHECK(x)                                                               \
	do {                                                                   \
		if (!(x)) {                                                    \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #x);       \
			check_failed = true;                                   \
			return;                                                \
		}                                                              \
	} while (0)

#define CHECK_INT(a, b)                                                        \
	do {                                                                   \
		long long check_a = (long long)(a), check_b = (long long)(b);  \
		if (check_a != check_b) {                                      \
			printf("# %s:%d: %s is %lld, expected %s = %lld\n",    \
			       __FILE__, __LINE__, #a, check_a, #b, check_b);  \
			check_failed = true;                                   \
			return;                                                \
		}                                                              \
	} while (0)

#define CHECK_STR(a, b)                                                        \
	do {                                                                   \
		const char *check_a = (a), *check_b = (b);                     \
		if (!check_a || strcmp(check_a, check_b) != 0) {               \
			printf("# %s:%d: %s is \"%s\", expected \"%s\"\n",     \
			       __FILE__, __LINE__, #a,                         \
			       check_a ? check_a : "(null)", check_b);         \
			check_failed = true;                                   \
			return;                                                \
		}                                                              \
	} while (0)

#define CHECK_MEM(a, b, n)                                                     \
	do {                                                                   \
		if (memcmp((a), (b), (n)) != 0) {                              \
			printf("# %s:%d: %s differs from %s\n", __FILE__,      \
			       __LINE__, #a, #b);                              \
			check_failed = true;                                   \
			return;                                                \
		}                                                              \
	} while (0)

#define RUN(test) check_run(#test, test)

static inline void check_skip(const char *reason)
{
	check_skip_reason = reason;
}

static inline void check_run(const char *name, void (*test)(void))
{
	check_failed = false;
	check_skip_reason = NULL;
	test();
	check_count++;
	if (check_failed)
		check_failures++;
	if (check_skip_reason && !check_failed)
		printf("ok %d - %s # SKIP %s\n", check_count, name,
		       check_skip_reason);
	else
		printf("%s %d - %s\n", check_failed ? "not ok" : "ok",
		       check_count, name);
	fflush(stdout);
}

static inline int check_done(void)
{
	printf("1..%d\n", check_count);
	return check_failures ? 1 : 0;
}

#endif
