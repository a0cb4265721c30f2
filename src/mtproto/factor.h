/* The pq puzzle of key creation: numbers below 2^63. */
#ifndef MTPROTO_FACTOR_H
#define MTPROTO_FACTOR_H

#include <stdbool.h>
#include <stdint.h>

/* Exact for every 64-bit number. */
bool mtp_prime_is(uint64_t n);
/* p < q, both prime, p * q = n. -EBADMSG: n is no product of two different
 * odd primes. */
int mtp_factor(uint64_t *pp, uint64_t *qp, uint64_t n);

#endif
