/* Bytes of vectors, which stand in hexadecimal digits. */
#ifndef TESTS_HEX_H
#define TESTS_HEX_H

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static inline void unhex(void *dst, const char *text)
{
	size_t n = strlen(text);

	if (hex_decode(dst, n / 2, text, n))
		abort();
}

#endif
