/* For tests: two signalling engines, caller 0 and callee 1, on one carrier. */
#ifndef TGCALL_SIGNALING_PAIR_FAKE_H
#define TGCALL_SIGNALING_PAIR_FAKE_H

#include <stdio.h>

#include "tgcall/carrier_fake.h"
#include "tgcall/signaling.h"

struct signaling_pair;

struct signaling_end {
	struct tgcall_signaling *signaling;
	struct signaling_pair *pair;
	int id;
	unsigned blobs, transports, candidates, sends, recvs, states;
	struct tgcall_transport transport;
	struct tgcall_channel send, recv;
	struct tgcall_media_state state;
	char candidate[256]; /* the last */
	struct buf sent;     /* the last blob */
	usec_t open_at;      /* both directions */
};

struct signaling_pair {
	struct carrier carrier;
	struct signaling_end ends[2];
	uint64_t random_seed;
};

static inline void end_open_note(struct signaling_end *e)
{
	if (e->sends && e->recvs && !e->open_at)
		e->open_at = e->pair->carrier.now;
}

static inline void end_blob(struct bytes blob, void *arg)
{
	struct signaling_end *e = arg;

	e->blobs++;
	buf_reset(&e->sent);
	buf_put(&e->sent, blob.p, blob.n);
	carrier_send(&e->pair->carrier, !e->id, blob);
}

static inline void end_transport(const struct tgcall_transport *t, void *arg)
{
	struct signaling_end *e = arg;

	e->transports++;
	e->transport = *t;
}

static inline void end_candidate(const char *candidate, void *arg)
{
	struct signaling_end *e = arg;

	e->candidates++;
	snprintf(e->candidate, sizeof(e->candidate), "%s", candidate);
}

static inline void end_send_open(const struct tgcall_channel *c, void *arg)
{
	struct signaling_end *e = arg;

	e->sends++;
	e->send = *c;
	end_open_note(e);
}

static inline void end_recv_open(const struct tgcall_channel *c, void *arg)
{
	struct signaling_end *e = arg;

	e->recvs++;
	e->recv = *c;
	end_open_note(e);
}

static inline void end_media_state(const struct tgcall_media_state *s,
				   void *arg)
{
	struct signaling_end *e = arg;

	e->states++;
	e->state = *s;
}

static inline void pair_input(int to, struct bytes blob, usec_t now, void *arg)
{
	struct signaling_pair *p = arg;

	if (p->ends[to].signaling)
		(void)tgcall_signaling_input(p->ends[to].signaling, blob, now);
}

static inline usec_t pair_deadline(int end, void *arg)
{
	struct signaling_pair *p = arg;

	return p->ends[end].signaling
		       ? tgcall_signaling_deadline(p->ends[end].signaling)
		       : USEC_NEVER;
}

static inline void pair_timeout(int end, usec_t now, void *arg)
{
	struct signaling_pair *p = arg;

	tgcall_signaling_timeout(p->ends[end].signaling, now);
}

/* What both ends of a test call have in common; the test may change it. */
static inline struct tgcall_signaling_conf
pair_conf(struct signaling_pair *p, int end, const char *version)
{
	struct tgcall_signaling_conf conf = {
		.outgoing = end == 0,
		.sdp = tgcall_version_is_sdp(version),
		.local = {.renomination = true,
			  .setup = end == 0 ? TGCALL_ACTPASS : TGCALL_PASSIVE},
		.random = carrier_random,
		.random_arg = &p->random_seed,
		.handlers = {end_blob, end_transport, end_candidate,
			     end_send_open, end_recv_open, end_media_state},
		.arg = &p->ends[end],
	};

	if (tgcall_framing_of(&conf.framing, version))
		abort();
	for (int i = 0; i < 256; i++)
		conf.key[i] = (uint8_t)i;
	snprintf(conf.local.ufrag, sizeof(conf.local.ufrag), "uf%d/", end);
	snprintf(conf.local.pwd, sizeof(conf.local.pwd),
		 "0123456789abcdefghijkl+%d", end);
	memset(conf.local.fingerprint, 0xa0 + end, 32);
	return conf;
}

static inline struct signaling_pair *pair_new(uint64_t seed)
{
	struct signaling_pair *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->random_seed = seed * 7919 + 1;
	p->carrier = (struct carrier){
		.seed = seed,
		.delay = 50 * USEC_MS,
		.input = pair_input,
		.deadline = pair_deadline,
		.timeout = pair_timeout,
		.arg = p,
	};
	for (int i = 0; i < 2; i++) {
		p->ends[i].id = i;
		p->ends[i].pair = p;
		buf_init(&p->ends[i].sent);
	}
	return p;
}

static inline void pair_end_open(struct signaling_pair *p,
				 const struct tgcall_signaling_conf *conf)
{
	struct signaling_end *e = conf->arg;

	if (tgcall_signaling_new(&e->signaling, conf))
		abort();
}

static inline struct signaling_pair *
pair_new_versions(uint64_t seed, const char *caller, const char *callee)
{
	struct signaling_pair *p = pair_new(seed);

	for (int i = 0; i < 2; i++) {
		struct tgcall_signaling_conf conf =
			pair_conf(p, i, i == 0 ? caller : callee);

		pair_end_open(p, &conf);
	}
	return p;
}

/* Starts both ends, which then tell two candidates each. */
static inline void pair_start(struct signaling_pair *p)
{
	for (int i = 0; i < 2; i++) {
		struct tgcall_signaling *s = p->ends[i].signaling;
		usec_t now = p->carrier.now;

		tgcall_signaling_candidate(s,
					   "candidate:1 1 udp 2122260224 "
					   "10.99.0.1 40000 typ host",
					   now);
		tgcall_signaling_start(s, now);
		tgcall_signaling_candidate(s,
					   "candidate:2 1 udp 1686052607 "
					   "203.0.113.5 40001 typ srflx",
					   now);
	}
}

static inline bool pair_is_open(const struct signaling_pair *p)
{
	for (int i = 0; i < 2; i++)
		if (!tgcall_signaling_send_is_open(p->ends[i].signaling) ||
		    !tgcall_signaling_recv_is_open(p->ends[i].signaling) ||
		    !p->ends[i].sends || !p->ends[i].recvs ||
		    !p->ends[i].transports)
			return false;
	return p->ends[0].send.ssrc == p->ends[1].recv.ssrc &&
	       p->ends[1].send.ssrc == p->ends[0].recv.ssrc;
}

static inline void pair_free(struct signaling_pair *p)
{
	for (int i = 0; i < 2; i++) {
		tgcall_signaling_free(&p->ends[i].signaling);
		buf_clear(&p->ends[i].sent);
	}
	carrier_clear(&p->carrier);
	free(p);
}

#endif
