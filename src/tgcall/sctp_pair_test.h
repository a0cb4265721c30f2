/* For tests of SCTP: two ends on one carrier. */
#ifndef TGCALL_SCTP_PAIR_TEST_H
#define TGCALL_SCTP_PAIR_TEST_H

#include "tests/check.h"
#include "tgcall/carrier_fake.h"
#include "tgcall/sctp.h"

#define MESSAGES_MAX 4096

struct end {
	struct sctp *sctp;
	int id;
	struct pair *pair;
	unsigned established, closed, messages;
	uint32_t numbers[MESSAGES_MAX]; /* first four bytes of each message */
	size_t last_n;
	uint8_t last_byte;
	uint32_t last_ppid;
	struct buf sent; /* the last packet sent */
};

struct pair {
	struct carrier carrier;
	struct end ends[2];
	uint64_t random_seed;
};

static inline void on_packet(struct bytes packet, void *arg)
{
	struct end *e = arg;

	buf_reset(&e->sent);
	buf_put(&e->sent, packet.p, packet.n);
	carrier_send(&e->pair->carrier, !e->id, packet);
}

static inline void on_established(void *arg)
{
	((struct end *)arg)->established++;
}

static inline void on_message(uint16_t stream, uint32_t ppid, struct bytes data,
			      void *arg)
{
	struct end *e = arg;

	if (e->messages < MESSAGES_MAX && data.n >= 4)
		e->numbers[e->messages] = be32_load(data.p);
	e->messages++;
	e->last_n = data.n;
	e->last_byte = data.p[data.n - 1];
	e->last_ppid = ppid;
}

static inline void on_closed(const char *why, void *arg)
{
	((struct end *)arg)->closed++;
}

static inline void pair_input(int to, struct bytes packet, usec_t now,
			      void *arg)
{
	struct pair *p = arg;

	(void)sctp_input(p->ends[to].sctp, packet, now);
}

static inline usec_t pair_deadline(int end, void *arg)
{
	struct pair *p = arg;

	return p->ends[end].sctp ? sctp_deadline(p->ends[end].sctp)
				 : USEC_NEVER;
}

static inline void pair_timeout(int end, usec_t now, void *arg)
{
	struct pair *p = arg;

	sctp_timeout(p->ends[end].sctp, now);
}

static inline void end_open(struct pair *p, int i)
{
	struct sctp_conf conf = {
		.port = 5000,
		.packet_max = 1191,
		.message_max = 262144,
		.init_first = 400 * USEC_MS,
		.init_cap = 750 * USEC_MS,
		.resend_first = 400 * USEC_MS,
		.resend_cap = 750 * USEC_MS,
		.heartbeat = 30500 * USEC_MS,
		.random = carrier_random,
		.random_arg = &p->random_seed,
		.handlers = {on_packet, on_established, on_message, on_closed},
		.arg = &p->ends[i],
	};

	if (sctp_new(&p->ends[i].sctp, &conf))
		abort();
}

static inline struct pair *pair_new(uint64_t seed, unsigned loss_percent)
{
	struct pair *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->random_seed = seed * 7919 + 1;
	p->carrier = (struct carrier){
		.seed = seed,
		.loss_percent = loss_percent,
		.delay = 30 * USEC_MS,
		.input = pair_input,
		.deadline = pair_deadline,
		.timeout = pair_timeout,
		.arg = p,
	};
	for (int i = 0; i < 2; i++) {
		p->ends[i].id = i;
		p->ends[i].pair = p;
		buf_init(&p->ends[i].sent);
		end_open(p, i);
	}
	return p;
}

static inline void pair_free(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		sctp_free(&p->ends[i].sctp);
		buf_clear(&p->ends[i].sent);
	}
	carrier_clear(&p->carrier);
	free(p);
}

static inline int number_send(struct pair *p, int from, uint32_t number,
			      size_t n)
{
	uint8_t *data = calloc(1, n);
	int err;

	if (!data)
		abort();
	data[n - 1] = 0x5a;
	be32_store(data, number);
	err = sctp_send(p->ends[from].sctp, 0, 53, bytes_of(data, n),
			p->carrier.now);
	free(data);
	return err;
}

static inline bool numbers_are_in_order(const struct end *e, unsigned n)
{
	if (e->messages != n)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (e->numbers[i] != i)
			return false;
	return true;
}

#endif
