/* A planted defect, to prove that a fuzz target would find a real one.
 *
 * PLANT_OVERFLOW(condition, p, n) compiles to nothing, except in the fuzz
 * build that defines GRAMLINE_PLANT: there it copies n bytes into a heap block
 * that is one byte too short whenever the condition holds. One per parser,
 * behind a condition that takes some structure to reach.
 */
#ifndef BASE_PLANT_H
#define BASE_PLANT_H

#ifdef GRAMLINE_PLANT
#include <stdlib.h>
#include <string.h>

static inline void plant_overflow(const void *p, size_t n)
{
	char *block = malloc(n ? n - 1 : 1);
	volatile char *out = block; /* or the compiler drops the copy */

	for (size_t i = 0; block && i < n; i++)
		out[i] = ((const char *)p)[i];
	free(block);
}
#define PLANT_OVERFLOW(condition, p, n)                                        \
	do {                                                                   \
		if (condition)                                                 \
			plant_overflow(p, n);                                  \
	} while (0)
#else
#define PLANT_OVERFLOW(condition, p, n) ((void)0)
#endif

#endif
