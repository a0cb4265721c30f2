#include "base/random.h"

#include <stdlib.h>

#include <openssl/rand.h>

void random_bytes(void *p, size_t n)
{
	if (n && RAND_bytes(p, (int)n) != 1)
		abort();
}

uint32_t random_u32(void)
{
	uint32_t v;

	random_bytes(&v, sizeof(v));
	return v;
}

uint64_t random_u64(void)
{
	uint64_t v;

	random_bytes(&v, sizeof(v));
	return v;
}

void random_text(char *dst, size_t n)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789";

	for (size_t i = 0; i < n; i++) {
		uint8_t v;

		do
			random_bytes(&v, 1);
		while (v >= 248); /* 4 * 62: no bias */
		dst[i] = set[v % 62];
	}
	dst[n] = '\0';
}
