#include "mtproto/random.h"

#include "base/random.h"

void mtp_random_fill(const struct mtp_random *r, void *p, size_t n)
{
	if (r && r->fill)
		r->fill(p, n, r->arg);
	else
		random_bytes(p, n);
}

int64_t mtp_random_long(const struct mtp_random *r)
{
	int64_t v;

	mtp_random_fill(r, &v, sizeof(v));
	return v;
}
