/* The range of port pairs, shared by all threads. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/random.h"
#include "media/rtp_port.h"
#include "media/rtp_ports.h"

struct rtp_ports {
	uint16_t first; /* even */
	unsigned pairs;
	pthread_mutex_t lock;
	/* under the lock */
	unsigned next, in_use;
	bool used[];
};

int rtp_ports_new(struct rtp_ports **pp, uint16_t first, uint16_t last)
{
	unsigned even = (first + 1U) & ~1U, pairs;
	struct rtp_ports *p;

	if (!first || last <= even)
		return -EINVAL;
	pairs = (last - even + 1U) / 2;
	p = calloc(1, sizeof(*p) + pairs * sizeof(p->used[0]));
	if (!p)
		return -ENOMEM;
	p->first = (uint16_t)even;
	p->pairs = pairs;
	/* not where the calls before a restart were */
	p->next = random_u32() % pairs;
	pthread_mutex_init(&p->lock, NULL);
	*pp = p;
	return 0;
}

void rtp_ports_free(struct rtp_ports **pp)
{
	struct rtp_ports *p = *pp;

	*pp = NULL;
	if (!p)
		return;
	pthread_mutex_destroy(&p->lock);
	free(p);
}

unsigned rtp_ports_in_use(struct rtp_ports *p)
{
	unsigned n;

	pthread_mutex_lock(&p->lock);
	n = p->in_use;
	pthread_mutex_unlock(&p->lock);
	return n;
}

unsigned rtp_ports_pairs(const struct rtp_ports *p)
{
	return p->pairs;
}

uint16_t rtp_ports_take(struct rtp_ports *p)
{
	uint16_t port = 0;

	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < p->pairs && !port; i++) {
		unsigned pair = (p->next + i) % p->pairs;

		if (p->used[pair])
			continue;
		p->used[pair] = true;
		p->in_use++;
		p->next = (pair + 1) % p->pairs;
		port = (uint16_t)(p->first + 2 * pair);
	}
	pthread_mutex_unlock(&p->lock);
	return port;
}

void rtp_ports_give(struct rtp_ports *p, uint16_t port)
{
	pthread_mutex_lock(&p->lock);
	p->used[(port - p->first) / 2] = false;
	p->in_use--;
	pthread_mutex_unlock(&p->lock);
}
