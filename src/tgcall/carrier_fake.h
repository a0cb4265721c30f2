/* For tests: a carrier between two ends in invented time, which delays every
 * packet, and loses or repeats some by a seeded draw. */
#ifndef TGCALL_CARRIER_FAKE_H
#define TGCALL_CARRIER_FAKE_H

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"

struct carrier_packet {
	struct carrier_packet *next;
	usec_t at;
	int to;
	size_t n;
	uint8_t data[];
};

struct carrier {
	uint64_t seed;
	unsigned loss_percent, repeat_percent;
	usec_t delay, jitter; /* with jitter, packets overtake each other */
	usec_t now;
	struct carrier_packet *first;
	unsigned sent, lost;
	void (*input)(int to, struct bytes packet, usec_t now, void *arg);
	usec_t (*deadline)(int end, void *arg);
	void (*timeout)(int end, usec_t now, void *arg);
	void *arg;
};

/* splitmix64 */
static inline uint64_t carrier_draw(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline void carrier_random(void *p, size_t n, void *arg)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)carrier_draw(arg);
}

static inline void carrier_put(struct carrier *c, int to, struct bytes packet)
{
	struct carrier_packet **at = &c->first;
	struct carrier_packet *p = malloc(sizeof(*p) + packet.n);

	if (!p)
		abort();
	p->at = c->now + c->delay;
	if (c->jitter)
		p->at += carrier_draw(&c->seed) % c->jitter;
	p->to = to;
	p->n = packet.n;
	memcpy(p->data, packet.p, packet.n);
	while (*at && (*at)->at <= p->at)
		at = &(*at)->next;
	p->next = *at;
	*at = p;
}

static inline void carrier_send(struct carrier *c, int to, struct bytes packet)
{
	c->sent++;
	if (carrier_draw(&c->seed) % 100 < c->loss_percent) {
		c->lost++;
		return;
	}
	carrier_put(c, to, packet);
	if (carrier_draw(&c->seed) % 100 < c->repeat_percent)
		carrier_put(c, to, packet);
}

static inline void carrier_clear(struct carrier *c)
{
	while (c->first) {
		struct carrier_packet *p = c->first;

		c->first = p->next;
		free(p);
	}
}

/* Runs both ends until `until`, or until nothing is under way and due. */
static inline void carrier_run(struct carrier *c, usec_t until)
{
	for (;;) {
		usec_t at = USEC_NEVER;
		int end = -1;

		for (int i = 0; i < 2; i++) {
			usec_t t = c->deadline(i, c->arg);

			if (t < at) {
				at = t;
				end = i;
			}
		}
		if (c->first && c->first->at <= at) {
			struct carrier_packet *p = c->first;

			if (p->at > until)
				break;
			c->first = p->next;
			if (p->at > c->now)
				c->now = p->at;
			c->input(p->to, bytes_of(p->data, p->n), c->now,
				 c->arg);
			free(p);
			continue;
		}
		if (end < 0 || at > until)
			break;
		if (at > c->now)
			c->now = at;
		c->timeout(end, c->now, c->arg);
	}
	if (until != USEC_NEVER && c->now < until)
		c->now = until;
}

#endif
