/* The two offer/answer exchanges of a call (E.6), one per direction: each side
 * offers what it sends, and may send when the other has answered.
 *
 *   ours:   NONE ──offer──▶ OFFERED ──answer──▶ OPEN      (send_open)
 *   theirs: an offer is answered at once, but by a caller only when its own
 *           is answered; a callee offers when it has answered once
 *
 * An engine: messages and `now` in; texts, events and a deadline out. One
 * thread. Handlers may not call back.
 */
#ifndef TGCALL_NEGOTIATION_H
#define TGCALL_NEGOTIATION_H

#include "base/clock.h"
#include "tgcall/signal_message.h"

#define NEGOTIATION_IDS_MAX 8

struct negotiation_conf {
	bool outgoing;
	bool lossy; /* 7.0.0: what is lost is lost */
	uint32_t ssrc;
	void (*random)(void *p, size_t n, void *arg);
	void *random_arg;
	void (*text)(struct bytes json, void *arg);
	void (*send_open)(const struct tgcall_channel *c, void *arg);
	void (*recv_open)(const struct tgcall_channel *c, void *arg);
	void *arg;
};

struct negotiation {
	struct negotiation_conf conf;
	uint32_t ids[NEGOTIATION_IDS_MAX]; /* of our offers, newest last */
	size_t ids_n;
	usec_t offer_at; /* when to offer anew */
	unsigned offers_n;
	bool own_answered, send_open, recv_open;
	struct tgcall_channel recv; /* as last told */
	bool answered;              /* an offer of the peer's */
	uint32_t answered_id;
	bool has_queued;
	struct signal_negotiation queued; /* a caller's, while unanswered */
};

void negotiation_init(struct negotiation *n,
		      const struct negotiation_conf *conf);
void negotiation_clear(struct negotiation *n);
/* The caller's first offer. */
void negotiation_start(struct negotiation *n, usec_t now);
/* Takes what it needs out of *theirs. */
void negotiation_input(struct negotiation *n, struct signal_negotiation *theirs,
		       usec_t now);
usec_t negotiation_deadline(const struct negotiation *n);
void negotiation_timeout(struct negotiation *n, usec_t now);

#endif
