/* Random bytes for keys, nonces, tags and identifiers (OpenSSL's generator).
 * Any thread.  The process ends if the generator fails: nothing that needs
 * secrets may go on without them. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *p, size_t n);
uint32_t random_u32(void);
uint64_t random_u64(void);
/* n characters of [A-Za-z0-9], NUL-terminated: dst has room for n + 1. */
void random_text(char *dst, size_t n);

#endif
