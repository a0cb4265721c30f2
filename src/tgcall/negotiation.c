#include "tgcall/negotiation.h"

#include <string.h>

/* E.6: "if our offer stays unanswered for 2-3 s send a new one" */
#define OFFER_AGAIN_AFTER (2500 * USEC_MS)
#define OFFERS_MAX 6

void negotiation_init(struct negotiation *n,
		      const struct negotiation_conf *conf)
{
	*n = (struct negotiation){.conf = *conf, .offer_at = USEC_NEVER};
}

static void queued_drop(struct negotiation *n)
{
	json_decref(n->queued.answer);
	n->queued = (struct signal_negotiation){0};
	n->has_queued = false;
}

void negotiation_clear(struct negotiation *n)
{
	queued_drop(n);
}

static bool id_is_ours(const struct negotiation *n, uint32_t id)
{
	for (size_t i = 0; i < n->ids_n; i++)
		if (n->ids[i] == id)
			return true;
	return false;
}

static uint32_t id_draw(struct negotiation *n)
{
	uint32_t id;

	do {
		n->conf.random(&id, sizeof(id), n->conf.random_arg);
	} while (!id || id_is_ours(n, id));
	if (n->ids_n == NEGOTIATION_IDS_MAX)
		memmove(n->ids, n->ids + 1, --n->ids_n * sizeof(*n->ids));
	n->ids[n->ids_n++] = id;
	return id;
}

static void text_send(struct negotiation *n, struct buf *b, int err)
{
	if (!err)
		n->conf.text(buf_bytes(b), n->conf.arg);
	buf_clear(b);
}

static void offer_send(struct negotiation *n, usec_t now)
{
	struct buf b;

	buf_init(&b);
	text_send(n, &b, signal_offer_put(&b, id_draw(n), n->conf.ssrc));
	/* A callee may have met a caller that was offering at the same time
	 * and dropped this one; a caller is always answered, unless it was not
	 * heard. */
	if ((!n->conf.outgoing || n->conf.lossy) && ++n->offers_n < OFFERS_MAX)
		n->offer_at = now + OFFER_AGAIN_AFTER;
	else
		n->offer_at = USEC_NEVER;
}

void negotiation_start(struct negotiation *n, usec_t now)
{
	if (n->conf.outgoing)
		offer_send(n, now);
}

static void answer_send(struct negotiation *n,
			const struct signal_negotiation *offer)
{
	struct buf b;

	buf_init(&b);
	text_send(n, &b, signal_answer_put(&b, offer));
	n->answered = true;
	n->answered_id = offer->exchange_id;
	if (!offer->has_audio ||
	    (n->recv_open &&
	     memcmp(&n->recv, &offer->audio, sizeof(n->recv)) == 0))
		return;
	n->recv = offer->audio;
	n->recv_open = true;
	n->conf.recv_open(&n->recv, n->conf.arg);
}

/* Send with the ids we offered and they echoed. */
static void on_answer(struct negotiation *n,
		      const struct signal_negotiation *answer)
{
	struct tgcall_channel ours, c = answer->audio;

	signal_channel_offered(&ours, n->conf.ssrc);
	n->own_answered = true;
	n->offer_at = USEC_NEVER;
	if (n->send_open || !answer->has_audio ||
	    c.payload_type != ours.payload_type)
		return; /* refused, or told already */
	ours.ext_abs_send_time = c.ext_abs_send_time == ours.ext_abs_send_time
					 ? ours.ext_abs_send_time
					 : 0;
	ours.ext_transport_cc = c.ext_transport_cc == ours.ext_transport_cc
					? ours.ext_transport_cc
					: 0;
	n->send_open = true;
	n->conf.send_open(&ours, n->conf.arg);
}

static bool own_is_unanswered(const struct negotiation *n)
{
	return n->ids_n && !n->own_answered;
}

static void on_offer(struct negotiation *n, struct signal_negotiation *offer,
		     usec_t now)
{
	bool repeated = n->answered && n->answered_id == offer->exchange_id;

	/* Glare: "as caller queue a foreign offer until our own is answered" */
	if (n->conf.outgoing && own_is_unanswered(n)) {
		queued_drop(n);
		n->queued = *offer;
		n->has_queued = true;
		offer->answer = NULL;
		return;
	}
	answer_send(n, offer);
	/* "a callee with an unanswered offer discards its own and answers":
	 * the caller has dropped it, so offer anew; and the first time. */
	if (!n->conf.outgoing && !repeated && !n->own_answered &&
	    n->offers_n < OFFERS_MAX)
		offer_send(n, now);
}

void negotiation_input(struct negotiation *n, struct signal_negotiation *theirs,
		       usec_t now)
{
	if (!id_is_ours(n, theirs->exchange_id)) {
		on_offer(n, theirs, now);
		return;
	}
	on_answer(n, theirs);
	if (n->has_queued) {
		struct signal_negotiation queued = n->queued;

		n->queued.answer = NULL;
		queued_drop(n);
		answer_send(n, &queued);
		json_decref(queued.answer);
	}
}

usec_t negotiation_deadline(const struct negotiation *n)
{
	return n->offer_at;
}

void negotiation_timeout(struct negotiation *n, usec_t now)
{
	if (now >= n->offer_at)
		offer_send(n, now);
}
