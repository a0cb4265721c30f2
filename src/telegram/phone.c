/* All calls of one account: which update belongs to which call. See call.h. */
#include "telegram/call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define TIMER_MIN_MS 1000
#define TIMER_MAX_MS 600000
#define EARLY_BYTES_MAX (16 * 1024)

void phone_init(struct phone *p, const struct phone_io *io)
{
	memset(p, 0, sizeof(*p));
	p->io = *io;
	p->receive_timeout = CALL_RECEIVE_TIMEOUT;
	p->ring_timeout = CALL_RING_TIMEOUT;
}

void phone_self(struct phone *p, int64_t user_id)
{
	p->self_id = user_id;
}

static void timer_take(usec_t *timer, int32_t ms)
{
	if (ms >= TIMER_MIN_MS && ms <= TIMER_MAX_MS)
		*timer = (usec_t)ms * USEC_MS;
}

void phone_timers(struct phone *p, int32_t receive_ms, int32_t ring_ms)
{
	timer_take(&p->receive_timeout, receive_ms);
	timer_take(&p->ring_timeout, ring_ms);
}

/* -- updates that overtook the answer to requestCall ---------------------- */

static void early_clear(struct phone *p)
{
	for (unsigned i = 0; i < p->early_n; i++)
		buf_clear(&p->early[i]);
	p->early_n = 0;
}

/* A requestCall is under way: the id of one of our calls is still unknown. */
static bool id_awaited(const struct phone *p)
{
	for (struct tg_call *c = p->calls; c; c = c->next)
		if (c->outgoing && c->requested && !c->id)
			return true;
	return false;
}

static void early_keep(struct phone *p, const struct tl_obj *o)
{
	struct buf b = {0};

	if (p->early_n == PHONE_EARLY_MAX || tl_write(&b, o) ||
	    b.n > EARLY_BYTES_MAX) {
		buf_clear(&b);
		return;
	}
	p->early[p->early_n++] = b;
}

static int64_t call_obj_id(const struct tl_obj *o)
{
	switch (o->no) {
	case TL_phoneCallEmpty:
		return tl_long(o, TL_phoneCallEmpty_id);
	case TL_phoneCallWaiting:
		return tl_long(o, TL_phoneCallWaiting_id);
	case TL_phoneCallRequested:
		return tl_long(o, TL_phoneCallRequested_id);
	case TL_phoneCallAccepted:
		return tl_long(o, TL_phoneCallAccepted_id);
	case TL_phoneCall:
		return tl_long(o, TL_phoneCall_id);
	case TL_phoneCallDiscarded:
		return tl_long(o, TL_phoneCallDiscarded_id);
	default:
		return 0;
	}
}

void phone_replay(struct phone *p, struct tg_call *c)
{
	call_ref(c);
	for (unsigned i = 0; i < p->early_n && c->state != TG_CALL_ENDED; i++) {
		struct tl_arena a;
		struct tl_obj *o;
		struct rd r;

		tl_arena_init(&a);
		rd_init(&r, p->early[i].p, p->early[i].n);
		if (!tl_read(&o, &a, &r) && c->id && call_obj_id(o) == c->id)
			call_update(c, o);
		tl_arena_clear(&a);
	}
	if (!id_awaited(p))
		early_clear(p);
	call_unref(c);
}

/* -- arriving ------------------------------------------------------------- */

static struct tg_call *call_by_id(struct phone *p, int64_t id)
{
	for (struct tg_call *c = p->calls; c && id; c = c->next)
		if (c->id == id)
			return c;
	return NULL;
}

static bool was_seen(const struct phone *p, int64_t id)
{
	for (unsigned i = 0; i < PHONE_SEEN_MAX; i++)
		if (p->seen[i] == id)
			return true;
	return false;
}

/* Not taken: the owner's other devices go on ringing. */
static void incoming_drop(struct tg_call *c)
{
	memset(&c->handlers, 0, sizeof(c->handlers));
	call_finish(c);
}

static void on_requested(struct phone *p, const struct tl_obj *o)
{
	int64_t id = tl_long(o, TL_phoneCallRequested_id);
	int64_t age = (int64_t)p->io.server_time(p->io.arg) -
		      tl_int(o, TL_phoneCallRequested_date);
	struct bytes hash = tl_bytes(o, TL_phoneCallRequested_g_a_hash);
	struct tg_call *c;

	/* Ignore phoneCallRequested older than the ring timeout (D.5). */
	if (!id || was_seen(p, id) || !p->io.incoming ||
	    age > (int64_t)(p->ring_timeout / USEC_S) ||
	    tl_long(o, TL_phoneCallRequested_participant_id) != p->self_id)
		return;
	if (hash.n != PHONE_HASH_BYTES) {
		count_bad("call", "g-a-hash-size", "g_a_hash is not 32 bytes");
		return;
	}
	c = tg_call_new(p, false);
	if (!c)
		return;
	c->id = id;
	c->access_hash = tl_long(o, TL_phoneCallRequested_access_hash);
	c->user_id = tl_long(o, TL_phoneCallRequested_admin_id);
	memcpy(c->hash, hash.p, sizeof(c->hash));
	call_ref(c);
	p->io.incoming(c, c->user_id, p->io.arg);
	if (!c->taken && c->state != TG_CALL_ENDED)
		incoming_drop(c);
	call_unref(c);
}

void phone_update(struct phone *p, const struct tl_obj *o)
{
	struct tg_call *c;

	if (!o)
		return;
	c = call_by_id(p, call_obj_id(o));
	if (c)
		call_update(c, o);
	else if (tl_is(o, TL_phoneCallRequested))
		on_requested(p, o);
	else if (id_awaited(p))
		early_keep(p, o);
	/* Else a call of another device of this account, or one that is over:
	 * not ours to answer. */
}

void phone_signaling(struct phone *p, int64_t call_id, struct bytes data)
{
	struct tg_call *c = call_by_id(p, call_id);

	if (c)
		call_signaling_in(c, data);
}

void phone_reconnected(struct phone *p)
{
	/* A query never ends a call by itself: the list stays as it is. */
	for (struct tg_call *c = p->calls; c; c = c->next)
		if (!c->outgoing && c->taken && !c->discarding &&
		    c->state == TG_CALL_RINGING)
			call_exchange_ring(c);
}

/* -- time ----------------------------------------------------------------- */

usec_t phone_deadline(const struct phone *p)
{
	usec_t at = USEC_NEVER;

	for (const struct tg_call *c = p->calls; c; c = c->next) {
		usec_t t = call_deadline(c);

		if (t < at)
			at = t;
	}
	return at;
}

void phone_timeout(struct phone *p)
{
	usec_t now = p->io.now(p->io.arg);
	struct tg_call *c;

	/* Handlers may end any call: begin anew after each one that was due.
	 * Each pass takes a deadline away, so this ends. */
	do {
		for (c = p->calls; c && call_deadline(c) > now; c = c->next)
			;
		if (c)
			call_timeout(c, now);
	} while (c);
}

/* -- ending and starting -------------------------------------------------- */

void phone_abort(struct phone *p, int code, const char *text)
{
	while (p->calls) {
		struct tg_call *c = p->calls;

		if (!c->discarding) {
			c->end.error_code = code;
			snprintf(c->end.error, sizeof(c->end.error), "%s",
				 text);
		}
		call_finish(c);
	}
	early_clear(p);
}

void phone_clear(struct phone *p)
{
	phone_abort(p, -ECANCELED, "CLOSED");
	bytes_wipe(p, sizeof(*p));
}

int phone_request(struct tg_call **cp, struct phone *p, int64_t user_id,
		  int64_t access_hash, const char *const *versions,
		  const struct tg_call_handlers *handlers, void *arg)
{
	struct tg_call *c;
	int err;

	if (!user_id || !handlers)
		return -EINVAL;
	c = tg_call_new(p, true);
	if (!c)
		return -ENOMEM;
	c->user_id = user_id;
	c->user_hash = access_hash;
	err = call_versions_set(c, versions);
	if (!err)
		err = call_exchange_start(c);
	if (err) {
		call_finish(c);
		return err;
	}
	c->handlers = *handlers;
	c->arg = arg;
	*cp = call_ref(c);
	return 0;
}
