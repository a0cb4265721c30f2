/* One call: life, states, timers, ending. See call.h. */
#include "telegram/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

struct tg_call *tg_call_new(struct phone *p, bool outgoing)
{
	struct tg_call *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->phone = p;
	c->refs = 1;
	c->outgoing = outgoing;
	c->state = outgoing ? TG_CALL_REQUESTING : TG_CALL_RINGING;
	c->timer = USEC_NEVER;
	c->finish_at = USEC_NEVER;
	c->out_retry_at = USEC_NEVER;
	call_queue_init(&c->early);
	call_queue_init(&c->out);
	c->next = p->calls;
	p->calls = c;
	if (!c->next && p->io.busy)
		p->io.busy(true, p->io.arg);
	return c;
}

struct tg_call *call_ref(struct tg_call *c)
{
	c->refs++;
	return c;
}

void call_unref(struct tg_call *c)
{
	if (--c->refs)
		return;
	call_queue_clear(&c->early);
	call_queue_clear(&c->out);
	call_media_clear(&c->media);
	bytes_wipe(c, sizeof(*c));
	free(c);
}

int call_versions_set(struct tg_call *c, const char *const *versions)
{
	size_t n = 0;

	for (; versions && versions[n]; n++) {
		size_t len = strlen(versions[n]);

		if (n >= CALL_VERSIONS_MAX || !len ||
		    len >= sizeof(c->versions[0]))
			return -EINVAL;
		memcpy(c->versions[n], versions[n], len + 1);
	}
	c->versions_n = n;
	return n ? 0 : -EINVAL;
}

static const char *state_name(enum tg_call_state state)
{
	static const char *const names[] = {
		[TG_CALL_REQUESTING] = "requesting",
		[TG_CALL_WAITING] = "waiting",
		[TG_CALL_RINGING] = "ringing",
		[TG_CALL_EXCHANGING] = "exchanging",
		[TG_CALL_ACTIVE] = "active",
		[TG_CALL_ENDED] = "ended",
	};

	return names[state];
}

void call_state_set(struct tg_call *c, enum tg_call_state state)
{
	log_debug("call", NULL, "telegram call %lld: %s to %s",
		  (long long)c->id, state_name(c->state), state_name(state));
	c->state = state;
	if (c->handlers.state)
		c->handlers.state(state, c->arg);
}

void call_timer_set(struct tg_call *c, usec_t at)
{
	c->timer = at;
	if (c->phone && c->phone->io.wake)
		c->phone->io.wake(c->phone->io.arg);
}

usec_t call_deadline(const struct tg_call *c)
{
	usec_t at = c->timer;

	if (c->finish_at < at)
		at = c->finish_at;
	if (c->out_retry_at < at)
		at = c->out_retry_at;
	return at;
}

/* -- queries -------------------------------------------------------------- */

int call_query(struct tg_call *c, const struct tl_obj *query, tg_answer_h *done)
{
	struct phone *p = c->phone;
	int err;

	if (!p)
		return -ENOTCONN;
	call_ref(c);
	err = p->io.query(query, done, c, p->io.arg);
	if (err)
		call_unref(c);
	return err;
}

struct tl_obj *call_peer(struct tl_arena *a, const struct tg_call *c)
{
	struct tl_obj *peer = tl_new(a, TL_inputPhoneCall);

	tl_set_long(peer, TL_inputPhoneCall_id, c->id);
	tl_set_long(peer, TL_inputPhoneCall_access_hash, c->access_hash);
	return peer;
}

/* -- ending --------------------------------------------------------------- */

static void phone_forget(struct phone *p, struct tg_call *c)
{
	struct tg_call **at = &p->calls;

	while (*at && *at != c)
		at = &(*at)->next;
	if (*at)
		*at = c->next;
	c->next = NULL;
	if (c->id)
		p->seen[p->seen_n++ % PHONE_SEEN_MAX] = c->id;
	if (!p->calls && p->io.busy)
		p->io.busy(false, p->io.arg);
}

void call_finish(struct tg_call *c)
{
	struct tg_call_end end;

	if (c->state == TG_CALL_ENDED)
		return;
	log_debug("call", NULL,
		  "telegram call %lld: %s to ended, reason %d%s%s",
		  (long long)c->id, state_name(c->state), (int)c->end.reason,
		  c->end.error[0] ? ", " : "", c->end.error);
	c->end.was_active = c->state == TG_CALL_ACTIVE;
	c->state = TG_CALL_ENDED;
	c->timer = USEC_NEVER;
	c->finish_at = USEC_NEVER;
	c->out_retry_at = USEC_NEVER;
	phone_forget(c->phone, c);
	c->phone = NULL;
	call_queue_clear(&c->early);
	call_queue_clear(&c->out);
	bytes_wipe(c->secret, sizeof(c->secret));
	bytes_wipe(c->key, sizeof(c->key));
	call_media_clear(&c->media);
	end = c->end;
	if (c->handlers.ended)
		c->handlers.ended(&end, c->arg);
	call_unref(c);
}

static enum tl_ctor_no reason_ctor(enum tg_discard reason)
{
	switch (reason) {
	case TG_DISCARD_MISSED:
		return TL_phoneCallDiscardReasonMissed;
	case TG_DISCARD_BUSY:
		return TL_phoneCallDiscardReasonBusy;
	case TG_DISCARD_HANGUP:
		return TL_phoneCallDiscardReasonHangup;
	case TG_DISCARD_NONE:
	case TG_DISCARD_DISCONNECT:
	default:
		return TL_phoneCallDiscardReasonDisconnect;
	}
}

static enum tg_discard reason_of(const struct tl_obj *reason)
{
	if (tl_is(reason, TL_phoneCallDiscardReasonMissed))
		return TG_DISCARD_MISSED;
	if (tl_is(reason, TL_phoneCallDiscardReasonBusy))
		return TG_DISCARD_BUSY;
	if (tl_is(reason, TL_phoneCallDiscardReasonHangup))
		return TG_DISCARD_HANGUP;
	if (tl_is(reason, TL_phoneCallDiscardReasonDisconnect))
		return TG_DISCARD_DISCONNECT;
	/* The peer moves to a conference: this call is over for us. */
	if (tl_is(reason, TL_phoneCallDiscardReasonMigrateConferenceCall))
		return TG_DISCARD_HANGUP;
	return TG_DISCARD_NONE;
}

static void discard_answered(const struct mtp_error *err,
			     const struct tl_obj *answer, void *arg)
{
	struct tg_call *c = arg;

	/* Whatever it is, the server has nothing more to say of the call. */
	if (err)
		log_info("call", NULL, "telegram call %lld: discardCall: %d %s",
			 (long long)c->id, err->code, err->text);
	else
		call_closing_updates(c, answer, c->discard_reason);
	call_finish(c);
	call_unref(c);
}

int call_discard_query(struct tl_obj **qp, struct tl_arena *a,
		       struct tl_obj *peer, enum tg_discard reason,
		       int duration_s)
{
	struct tl_obj *q = tl_new(a, TL_phone_discardCall);

	tl_set_child(q, TL_phone_discardCall_peer, peer);
	tl_set_int(q, TL_phone_discardCall_duration,
		   duration_s > 0 ? duration_s : 0);
	tl_set_child(q, TL_phone_discardCall_reason,
		     tl_new(a, reason_ctor(reason)));
	/* The id of the relay in use, or 0: 0 is fine (D.6). */
	tl_set_long(q, TL_phone_discardCall_connection_id, 0);
	*qp = q;
	return q ? 0 : -ENOMEM;
}

static void finish_later(struct tg_call *c, usec_t at)
{
	c->finish_at = at;
	if (c->phone->io.wake)
		c->phone->io.wake(c->phone->io.arg);
}

static void discard_send(struct tg_call *c)
{
	usec_t now = c->phone->io.now(c->phone->io.arg);
	struct tl_arena a;
	struct tl_obj *q;

	c->discard_sent = true;
	finish_later(c, now + CALL_DISCARD_TIMEOUT);
	tl_arena_init(&a);
	if (call_discard_query(&q, &a, call_peer(&a, c), c->discard_reason,
			       c->duration_s) ||
	    call_query(c, q, discard_answered))
		finish_later(c, now);
	tl_arena_clear(&a);
}

void call_discard(struct tg_call *c, enum tg_discard reason, int duration_s)
{
	if (c->discarding || c->state == TG_CALL_ENDED)
		return;
	c->discarding = true;
	c->discard_reason = reason;
	c->duration_s = duration_s;
	c->end.by_us = true;
	c->end.reason = reason;
	c->end.duration_s = duration_s;
	call_timer_set(c, USEC_NEVER);
	c->out_retry_at = USEC_NEVER;
	call_queue_clear(&c->early);
	if (c->id)
		discard_send(c);
	else if (!c->requested)
		finish_later(c, c->phone->io.now(c->phone->io.arg));
	/* Else the answer to requestCall brings the id, and then we discard. */
}

void call_fail(struct tg_call *c, int code, const char *text,
	       enum tg_discard reason)
{
	if (c->state == TG_CALL_ENDED || c->discarding)
		return;
	c->end.error_code = code;
	snprintf(c->end.error, sizeof(c->end.error), "%s", text ? text : "");
	if (reason == TG_DISCARD_NONE || (!c->id && !c->requested)) {
		c->end.by_us = code == 0;
		c->end.reason = reason;
		call_finish(c);
		return;
	}
	call_discard(c, reason, 0);
}

/* -- the server's view ---------------------------------------------------- */

void call_identify(struct tg_call *c, int64_t id, int64_t access_hash)
{
	if (c->id || !id)
		return;
	c->id = id;
	c->access_hash = access_hash;
	if (c->discarding && !c->discard_sent)
		discard_send(c);
}

static void on_waiting(struct tg_call *c, const struct tl_obj *o)
{
	usec_t now;

	if (!c->outgoing)
		return; /* the answer to acceptCall */
	call_identify(c, tl_long(o, TL_phoneCallWaiting_id),
		      tl_long(o, TL_phoneCallWaiting_access_hash));
	if (c->discarding)
		return;
	now = c->phone->io.now(c->phone->io.arg);
	if (c->state == TG_CALL_REQUESTING)
		call_state_set(c, TG_CALL_WAITING);
	/* receive_date appears when any device of the callee has confirmed. */
	if (c->state != TG_CALL_WAITING || c->discarding ||
	    !tl_has(o, TL_phoneCallWaiting_receive_date))
		return;
	c->end.was_ringing = true;
	call_timer_set(c, now + c->phone->ring_timeout);
	call_state_set(c, TG_CALL_RINGING);
}

static void on_discarded(struct tg_call *c, const struct tl_obj *o)
{
	if (!c->discarding) {
		c->end.by_us = false;
		c->end.reason =
			reason_of(tl_child(o, TL_phoneCallDiscarded_reason));
		c->end.duration_s = tl_int(o, TL_phoneCallDiscarded_duration);
	}
	call_closing(c, o, c->discarding ? c->discard_reason : c->end.reason);
	call_finish(c);
}

void call_update(struct tg_call *c, const struct tl_obj *o)
{
	if (c->state == TG_CALL_ENDED)
		return;
	call_ref(c);
	if (tl_is(o, TL_phoneCallWaiting))
		on_waiting(c, o);
	else if (tl_is(o, TL_phoneCallDiscarded))
		on_discarded(c, o);
	else if (tl_is(o, TL_phoneCallEmpty))
		call_finish(c);
	else if (c->discarding)
		; /* accepted while our discardCall is under way: too late */
	else if (tl_is(o, TL_phoneCallAccepted))
		call_exchange_accepted(c, o);
	else if (tl_is(o, TL_phoneCall))
		call_exchange_confirmed(c, o);
	call_unref(c);
}

static void on_timer(struct tg_call *c)
{
	switch (c->state) {
	case TG_CALL_REQUESTING:
	case TG_CALL_WAITING:
		/* No device of the callee: offline. */
		call_discard(c, TG_DISCARD_MISSED, 0);
		break;
	case TG_CALL_RINGING:
		if (c->outgoing) {
			call_discard(c, TG_DISCARD_MISSED, 0);
			break;
		}
		/* The caller gives up by itself; a discard of ours would stop
		 * the owner's other devices (F 22). */
		c->end.reason = TG_DISCARD_MISSED;
		c->end.by_us = true;
		call_finish(c);
		break;
	case TG_CALL_EXCHANGING:
		call_fail(c, 0, "key exchange timed out",
			  TG_DISCARD_DISCONNECT);
		break;
	case TG_CALL_ACTIVE:
	case TG_CALL_ENDED:
		break;
	}
}

void call_timeout(struct tg_call *c, usec_t now)
{
	call_ref(c);
	if (now >= c->timer) {
		c->timer = USEC_NEVER;
		on_timer(c);
	}
	if (now >= c->out_retry_at) {
		c->out_retry_at = USEC_NEVER;
		call_signaling_pump(c, now);
	}
	if (now >= c->finish_at)
		call_finish(c);
	call_unref(c);
}

/* -- phone.h -------------------------------------------------------------- */

int tg_call_take(struct tg_call *c, const char *const *versions,
		 const struct tg_call_handlers *handlers, void *arg)
{
	int err;

	if (c->outgoing || c->taken || !c->phone || !handlers)
		return -EINVAL;
	err = call_versions_set(c, versions);
	if (err)
		return err;
	err = call_exchange_start(c);
	if (err)
		return err;
	c->taken = true;
	c->handlers = *handlers;
	c->arg = arg;
	c->end.was_ringing = true;
	call_ref(c); /* the user's */
	call_timer_set(c, c->phone->io.now(c->phone->io.arg) +
				  c->phone->ring_timeout);
	return 0;
}

int tg_call_accept(struct tg_call *c)
{
	if (c->outgoing || !c->taken || c->discarding || c->accept_wanted ||
	    c->state != TG_CALL_RINGING)
		return -EINVAL;
	c->accept_wanted = true;
	if (c->value_ready)
		call_exchange_accept(c);
	return 0;
}

void tg_call_discard(struct tg_call *c, enum tg_discard reason, int duration_s)
{
	call_discard(c, reason, duration_s);
}

int64_t tg_call_id(const struct tg_call *c)
{
	return c->id;
}

int64_t tg_call_access_hash(const struct tg_call *c)
{
	return c->access_hash;
}

enum tg_call_state tg_call_state(const struct tg_call *c)
{
	return c->state;
}

void tg_call_unref(struct tg_call **cp)
{
	struct tg_call *c = *cp;

	if (!c)
		return;
	*cp = NULL;
	memset(&c->handlers, 0, sizeof(c->handlers));
	/* Nobody watches over it any more. */
	if (c->state == TG_CALL_ACTIVE)
		call_discard(c, TG_DISCARD_HANGUP, 0);
	else if (c->state != TG_CALL_ENDED)
		call_discard(c,
			     c->outgoing ? TG_DISCARD_MISSED
					 : TG_DISCARD_DISCONNECT,
			     0);
	call_unref(c);
}
