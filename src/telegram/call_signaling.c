/* One call: the signalling channel (D.7).
 *
 * Out: strictly in order, one query at a time; an unanswered one is repeated
 * (by the connection after a reconnect, by us after a time-out). In: blobs
 * that come before the key is known wait, 64 KiB at most.
 */
#include "telegram/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define SEND_RETRIES 5
#define SEND_RETRY_AFTER USEC_S
/* A longer flood wait would outlast the peers' patience (20 s). */
#define SEND_FLOOD_WAIT_MAX_S 10

void call_queue_init(struct call_queue *q)
{
	q->first = NULL;
	q->last = &q->first;
	q->bytes = 0;
}

void call_queue_drop(struct call_queue *q)
{
	struct call_blob *b = q->first;

	if (!b)
		return;
	q->first = b->next;
	if (!q->first)
		q->last = &q->first;
	q->bytes -= b->n;
	free(b);
}

void call_queue_clear(struct call_queue *q)
{
	while (q->first)
		call_queue_drop(q);
}

int call_queue_put(struct call_queue *q, struct bytes b, size_t max)
{
	struct call_blob *blob;

	if (b.n > max || q->bytes > max - b.n)
		return -ENOBUFS;
	blob = malloc(sizeof(*blob) + b.n);
	if (!blob)
		return -ENOMEM;
	blob->next = NULL;
	blob->n = b.n;
	if (b.n)
		memcpy(blob->p, b.p, b.n);
	*q->last = blob;
	q->last = &blob->next;
	q->bytes += b.n;
	return 0;
}

/* -- in ------------------------------------------------------------------- */

void call_signaling_in(struct tg_call *c, struct bytes data)
{
	if (c->state == TG_CALL_ENDED || c->discarding)
		return;
	/* Behind the early ones while those are being handed on. */
	if (c->state == TG_CALL_ACTIVE && !c->early.first) {
		if (c->handlers.signaling)
			c->handlers.signaling(data, c->arg);
		return;
	}
	if (call_queue_put(&c->early, data, CALL_EARLY_BYTES_MAX))
		count_bad("call", "early-signaling", "queue is full");
}

void call_signaling_open(struct tg_call *c)
{
	call_ref(c);
	while (c->early.first && c->state == TG_CALL_ACTIVE && !c->discarding) {
		struct call_blob *b = c->early.first;

		/* The handler may end the call, which clears the queue. */
		c->early.first = b->next;
		if (!c->early.first)
			c->early.last = &c->early.first;
		c->early.bytes -= b->n;
		if (c->handlers.signaling)
			c->handlers.signaling(bytes_of(b->p, b->n), c->arg);
		free(b);
	}
	call_unref(c);
}

/* -- out ------------------------------------------------------------------ */

static bool try_again(struct tg_call *c, const struct mtp_error *err,
		      usec_t now)
{
	unsigned seconds;

	if (err->code == 420 &&
	    sscanf(err->text, "FLOOD_WAIT_%u", &seconds) == 1 &&
	    seconds <= SEND_FLOOD_WAIT_MAX_S) {
		c->out_retry_at = now + seconds * USEC_S;
		return true;
	}
	if (err->code != 408 && err->code < 500)
		return false;
	if (c->out_retries++ >= SEND_RETRIES)
		return false;
	c->out_retry_at = now + SEND_RETRY_AFTER;
	return true;
}

static void send_failed(struct tg_call *c, const struct mtp_error *err)
{
	usec_t now = c->phone->io.now(c->phone->io.arg);
	bool over = !strcmp(err->text, "CALL_NOT_ACTIVE") ||
		    !strcmp(err->text, "CALL_PEER_INVALID");

	if (!over && try_again(c, err, now)) {
		if (c->phone->io.wake)
			c->phone->io.wake(c->phone->io.arg);
		return;
	}
	call_fail(c, err->code, err->text,
		  over ? TG_DISCARD_NONE : TG_DISCARD_DISCONNECT);
}

static void sent(const struct mtp_error *err, const struct tl_obj *answer,
		 void *arg)
{
	struct tg_call *c = arg;

	c->out_busy = false;
	if (c->state == TG_CALL_ENDED || c->discarding) {
		call_unref(c);
		return;
	}
	if (err) {
		send_failed(c, err);
	} else if (!tl_is(answer, TL_boolTrue)) {
		/* boolFalse: treat as failed call (D.7). */
		call_fail(c, 0, "signalling was refused",
			  TG_DISCARD_DISCONNECT);
	} else {
		c->out_retries = 0;
		call_queue_drop(&c->out);
		call_signaling_pump(c, c->phone->io.now(c->phone->io.arg));
	}
	call_unref(c);
}

void call_signaling_pump(struct tg_call *c, usec_t now)
{
	struct tl_arena a;
	struct tl_obj *q;

	if (c->out_busy || !c->out.first || c->state != TG_CALL_ACTIVE ||
	    c->discarding || c->out_retry_at != USEC_NEVER)
		return;
	tl_arena_init(&a);
	q = tl_new(&a, TL_phone_sendSignalingData);
	tl_set_child(q, TL_phone_sendSignalingData_peer, call_peer(&a, c));
	tl_set_bytes(q, TL_phone_sendSignalingData_data, c->out.first->p,
		     c->out.first->n);
	c->out_busy = true;
	if (call_query(c, q, sent)) {
		c->out_busy = false;
		c->out_retry_at = now + SEND_RETRY_AFTER;
		if (c->phone->io.wake)
			c->phone->io.wake(c->phone->io.arg);
	}
	tl_arena_clear(&a);
}

int tg_call_send_signaling(struct tg_call *c, struct bytes data)
{
	int err;

	if (c->state != TG_CALL_ACTIVE || c->discarding)
		return -ENOTCONN;
	err = call_queue_put(&c->out, data, CALL_SEND_BYTES_MAX);
	if (!err)
		call_signaling_pump(c, c->phone->io.now(c->phone->io.arg));
	return err;
}
