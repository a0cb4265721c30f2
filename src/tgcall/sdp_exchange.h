/* Offers and answers of 10.0.0 and 11.0.0 (telegram-wire E.13).
 *
 *   caller ──offer: audio, data──▶ callee        the caller alone offers
 *          ◀───────answer────────                unasked
 *          ◀─── offer, at any time ───           and is answered at once,
 *          ────────answer────────▶               whatever is under way
 *
 * We offer once and never again: the callee says what it sends in its answer.
 * An app may instead answer that it only listens, and offer a section of its
 * own; it may offer at the same time as we do, and one of the two then drops
 * its offer: which one depends on its age, so that we answer in any case.
 *
 * An engine without clock; one thread. Handlers may not call back.
 */
#ifndef TGCALL_SDP_EXCHANGE_H
#define TGCALL_SDP_EXCHANGE_H

#include "tgcall/sdp.h"

struct sdp_exchange_conf {
	uint32_t ssrc;                 /* ours */
	struct tgcall_transport local; /* setup is not looked at */
	void (*random)(void *p, size_t n, void *arg);
	void *random_arg;
	void (*text)(struct bytes json, void *arg);
	/* setup says what the peer is to be: ACTIVE or PASSIVE. */
	void (*transport)(const struct tgcall_transport *t, void *arg);
	void (*candidate)(struct bytes candidate, void *arg);
	void (*send_open)(const struct tgcall_channel *c, void *arg);
	void (*recv_open)(const struct tgcall_channel *c, void *arg);
	void *arg;
};

struct sdp_exchange {
	struct sdp_exchange_conf conf;
	uint64_t id, version;               /* of our descriptions */
	uint64_t remote_id, remote_version; /* newest seen */
	bool offered, described; /* a description of ours is on its way */
	enum tgcall_setup role;  /* ours; ACTPASS: not settled */
	char mid[32];            /* of the section our candidates name */
	size_t mline;
	bool send_open, recv_open;
	struct tgcall_channel send, recv; /* as last told */
};

void sdp_exchange_init(struct sdp_exchange *x,
		       const struct sdp_exchange_conf *conf);
void sdp_exchange_clear(struct sdp_exchange *x);
void sdp_exchange_offer(struct sdp_exchange *x); /* the caller's */
/* -EBADMSG: not understood. An old one is passed over. */
int sdp_exchange_input(struct sdp_exchange *x, bool is_offer,
		       struct bytes text);

#endif
