#include "mtproto/factor.h"

#include <errno.h>
#include <stddef.h>

__extension__ typedef unsigned __int128 wide;

/* Steps between two greatest common divisors. */
#define BATCH 128

static uint64_t mul_mod(uint64_t a, uint64_t b, uint64_t m)
{
	return (uint64_t)((wide)a * b % m);
}

static uint64_t power_mod(uint64_t a, uint64_t e, uint64_t m)
{
	uint64_t r = 1;

	for (a %= m; e; e >>= 1) {
		if (e & 1)
			r = mul_mod(r, a, m);
		a = mul_mod(a, a, m);
	}
	return r;
}

/* One Miller-Rabin round: false when a proves that n is composite. */
static bool witness_passes(uint64_t a, uint64_t n, uint64_t odd, int twos)
{
	uint64_t x = power_mod(a, odd, n);

	if (x == 1 || x == n - 1)
		return true;
	for (int i = 1; i < twos; i++) {
		x = mul_mod(x, x, n);
		if (x == n - 1)
			return true;
	}
	return false;
}

bool mtp_prime_is(uint64_t n)
{
	/* These bases decide every n below 2^64. */
	static const uint64_t bases[] = {2,  3,  5,  7,  11, 13,
					 17, 19, 23, 29, 31, 37};
	uint64_t odd = n - 1;
	int twos = 0;

	if (n < 2)
		return false;
	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
		if (n % bases[i] == 0)
			return n == bases[i];
	for (; odd % 2 == 0; odd /= 2)
		twos++;
	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
		if (!witness_passes(bases[i], n, odd, twos))
			return false;
	return true;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t t = a % b;

		a = b;
		b = t;
	}
	return a;
}

static uint64_t rho_step(uint64_t x, uint64_t c, uint64_t n)
{
	return (uint64_t)(((wide)x * x + c) % n);
}

/* Pollard's rho with Brent's cycle finding; n odd and composite. Returns a
 * proper divisor, or n when this constant c had no luck. */
static uint64_t rho_divisor(uint64_t n, uint64_t c)
{
	uint64_t x = 2, y = 2, saved = 2, product = 1, d = 1;

	for (uint64_t r = 1; d == 1; r *= 2) {
		x = y;
		for (uint64_t i = 0; i < r; i++)
			y = rho_step(y, c, n);
		for (uint64_t k = 0; k < r && d == 1; k += BATCH) {
			saved = y;
			for (uint64_t i = 0; i < BATCH && i < r - k; i++) {
				y = rho_step(y, c, n);
				product = mul_mod(product,
						  x > y ? x - y : y - x, n);
			}
			d = gcd(product, n);
		}
	}
	if (d != n)
		return d;
	/* The batch swallowed both factors: repeat it step by step. */
	for (d = 1; d == 1;) {
		saved = rho_step(saved, c, n);
		d = gcd(x > saved ? x - saved : saved - x, n);
	}
	return d;
}

int mtp_factor(uint64_t *pp, uint64_t *qp, uint64_t n)
{
	uint64_t d = n;

	if (n < 15 || n % 2 == 0 || n >> 63 || mtp_prime_is(n))
		return -EBADMSG;
	for (uint64_t c = 1; d == n && c < 32; c++)
		d = rho_divisor(n, c);
	if (d == n || d == 1)
		return -EBADMSG;
	if (d > n / d)
		d = n / d;
	if (d == n / d || !mtp_prime_is(d) || !mtp_prime_is(n / d))
		return -EBADMSG;
	*pp = d;
	*qp = n / d;
	return 0;
}
