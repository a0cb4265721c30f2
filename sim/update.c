#include "sim/update.h"

#include <stdlib.h>
#include <string.h>

#include "sim/app.h"
#include "sim/held.h"
#include "sim/layer.h"
#include "sim/object.h"
#include "sim/order.h"

/* Which sessions an update goes to. */
struct sim_audience_of {
	struct sim_account *account;
	uint64_t only, except;
};

static bool sim_session_hears(const struct sim_session *s,
			      const struct sim_audience_of *to)
{
	const struct sim_key *k = sim_world_login_key(s->world, s->key_id);

	return k && k->user == to->account->id && s->wants_updates &&
	       !s->superseded && (!to->only || k->id == to->only) &&
	       (!to->except || k->id != to->except);
}

/* Each session is told in its own layer. */
static void sim_push_to(struct sim_session *s, const struct tl_obj *o)
{
	struct buf out;

	buf_init(&out);
	if (sim_layer_write(&out, o, s->layer))
		sim_world_refused(s->world, "internal-update");
	else
		s->push(s, buf_bytes(&out));
	buf_clear(&out);
}

static void sim_update_too_long(struct sim_session *s)
{
	struct tl_arena a;

	tl_arena_init(&a);
	sim_push_to(s, tl_new(&a, TL_updatesTooLong));
	tl_arena_clear(&a);
}

/* Told with updatesTooLong when a session of the log-in listens again. */
static void sim_keys_miss(const struct sim_audience_of *to)
{
	struct sim_world *w = to->account->world;

	for (struct sim_key *k = w->keys; k; k = k->next) {
		const struct sim_session *s = w->sessions;
		const struct sim_audience_of one = {to->account, k->id,
						    to->except};

		if (k->user != to->account->id || k->id == to->except ||
		    (to->only && k->id != to->only))
			continue;
		while (s && !sim_session_hears(s, &one))
			s = s->next;
		k->missed |= !s;
	}
}

/* -- faults on demand --------------------------------------------------------
 */

/* What an order names: the update, not its container. */
static const char *sim_update_name(const struct tl_obj *o)
{
	const struct tl_obj *u = tl_is(o, TL_updateShort)
					 ? tl_child(o, TL_updateShort_update)
					 : tl_item(o, TL_updates_updates, 0);

	return tl_ctor_name(u ? u->no : o->no);
}

/* The constructor of the (first) update becomes one of no layer. */
static void sim_update_spoil(struct buf *out, const struct tl_obj *o)
{
	size_t at = tl_is(o, TL_updateShort) ? 4 : 12;

	if (out->n >= at + 4)
		le32_store(out->p + at, 0x0bad0bad);
}

static void sim_push_struck(struct sim_session *s, const struct tl_obj *o,
			    const struct sim_order *order)
{
	struct buf out;

	if (order->kind == SIM_ORDER_LOSE)
		return;
	buf_init(&out);
	if (order->kind == SIM_ORDER_TOO_LONG) {
		sim_update_too_long(s);
	} else if (sim_layer_write(&out, o, s->layer)) {
		sim_world_refused(s->world, "internal-update");
	} else if (order->kind == SIM_ORDER_DELAY ||
		   order->kind == SIM_ORDER_SWAP) {
		sim_held_push(s, buf_bytes(&out), order->delay,
			      order->kind == SIM_ORDER_SWAP);
	} else {
		if (order->kind == SIM_ORDER_UNKNOWN)
			sim_update_spoil(&out, o);
		s->push(s, buf_bytes(&out));
		if (order->kind == SIM_ORDER_REPEAT)
			s->push(s, buf_bytes(&out));
	}
	buf_clear(&out);
}

static void sim_push(const struct sim_audience_of *to, const struct tl_obj *o)
{
	struct sim_world *w = to->account->world;
	struct sim_order order = {.kind = SIM_ORDER_NONE};
	bool heard = false;

	for (struct sim_session *s = w->sessions; s; s = s->next) {
		if (!sim_session_hears(s, to))
			continue;
		if (!heard)
			sim_order_update(&order, w, sim_update_name(o),
					 to->account->id);
		heard = true;
		if (order.kind) {
			sim_push_struck(s, o, &order);
			continue;
		}
		sim_push_to(s, o);
		sim_held_swap(s);
	}
	sim_keys_miss(to);
	w->pushed += heard;
	w->unheard += !heard;
}

/* -- calls
 * ----------------------------------------------------------------------- */

static struct tl_obj *sim_call_update(struct tl_arena *a, struct sim_call *c,
				      int side, struct tl_obj *phone_call)
{
	struct tl_obj *u = tl_new(a, TL_updatePhoneCall);
	struct sim_mentions m = {.n = 0};

	tl_set_child(u, TL_updatePhoneCall_phone_call, phone_call);
	sim_mention(&m, c->legs[0].account);
	sim_mention(&m, c->legs[1].account);
	return sim_object_updates(a, c->world, &u, 1, &m, c->legs[side].account,
				  0);
}

void sim_update_call(struct sim_call *c, int side, uint64_t only,
		     uint64_t except)
{
	struct sim_audience_of to = {c->legs[side].account, only, except};
	struct tl_arena a;

	tl_arena_init(&a);
	sim_push(&to,
		 sim_call_update(&a, c, side, sim_object_call(&a, c, side)));
	tl_arena_clear(&a);
}

void sim_update_call_elsewhere(struct sim_call *c, uint64_t accepting)
{
	struct sim_audience_of to = {c->legs[1].account, 0, accepting};
	struct tl_obj *o;
	struct tl_arena a;

	tl_arena_init(&a);
	o = tl_new(&a, TL_phoneCallDiscarded);
	tl_set_long(o, TL_phoneCallDiscarded_id, c->id);
	sim_push(&to, sim_call_update(&a, c, 1, o));
	tl_arena_clear(&a);
}

void sim_update_signal(struct sim_call *c, int side, struct bytes data)
{
	struct sim_audience_of to = {c->legs[side].account,
				     c->legs[side].key_id, 0};
	struct tl_obj *u, *o;
	struct tl_arena a;

	tl_arena_init(&a);
	u = tl_new(&a, TL_updatePhoneCallSignalingData);
	tl_set_long(u, TL_updatePhoneCallSignalingData_phone_call_id, c->id);
	tl_set_bytes(u, TL_updatePhoneCallSignalingData_data, data.p, data.n);
	o = tl_new(&a, TL_updateShort);
	tl_set_child(o, TL_updateShort_update, u);
	tl_set_int(o, TL_updateShort_date, sim_world_date(c->world));
	sim_push(&to, o);
	tl_arena_clear(&a);
}

void sim_update_call_message(struct sim_call *c)
{
	for (int side = 0; side < 2; side++) {
		struct sim_account *a = c->legs[side].account;
		struct sim_message m = {
			.peer = c->legs[!side].account->id,
			.outgoing = side == 0,
			.date = sim_world_date(c->world),
			.call_id = c->id,
			.call_reason = c->reason,
			.call_duration_s = c->duration_s,
		};

		if (sim_account_message_add(a, &m))
			sim_update_event(a, 0);
	}
}

/* -- messages
 * -------------------------------------------------------------------- */

void sim_update_event(struct sim_account *account, uint64_t except)
{
	struct sim_audience_of to = {account, 0, except};
	const struct sim_event *e = &account->events[account->event_count - 1];
	struct sim_mentions m = {.n = 0};
	struct tl_obj *u;
	struct tl_arena a;

	tl_arena_init(&a);
	u = sim_object_event(&a, account, e);
	sim_mention(&m, account);
	sim_mention(&m, sim_world_account(account->world, e->peer));
	sim_push(&to,
		 sim_object_updates(&a, account->world, &u, 1, &m, account, 0));
	tl_arena_clear(&a);
}

static struct sim_message *sim_text_put(struct sim_account *owner,
					struct sim_account *peer, char *text,
					int64_t random_id, bool outgoing)
{
	struct sim_message m = {.peer = peer->id,
				.outgoing = outgoing,
				.date = sim_world_date(owner->world),
				.random_id = random_id,
				.text = text};

	sim_account_dialog(owner, peer->id);
	return sim_account_message_add(owner, &m);
}

struct sim_message *sim_text_send(struct sim_account *from,
				  struct sim_account *to, const char *text,
				  int64_t random_id, uint64_t except,
				  bool silent)
{
	char *copy = strdup(text);
	struct sim_message *sent =
		copy ? sim_text_put(from, to, copy, random_id, true) : NULL;

	if (sent)
		sim_update_event(from, except);
	if (sent && from != to && sim_text_put(to, from, copy, 0, false) &&
	    !silent)
		sim_update_event(to, 0);
	free(copy);
	sim_world_event(from->world,
			json_pack("{ss sI sI ss}", "event", "text", "from",
				  (json_int_t)from->id, "to",
				  (json_int_t)to->id, "text", text));
	return sent;
}

/* -- the rest
 * ---------------------------------------------------------------------- */

void sim_update_status(struct sim_account *account, struct sim_account *about,
		       int skip)
{
	for (struct sim_key *k = account->world->keys; k; k = k->next) {
		struct sim_audience_of to = {account, k->id, 0};
		struct sim_mentions m = {.n = 0};
		struct tl_obj *u;
		struct tl_arena a;

		if (k->user != account->id)
			continue;
		k->seq += 1 + skip;
		sim_world_key_save(account->world, k);
		tl_arena_init(&a);
		u = tl_new(&a, TL_updateUserStatus);
		tl_set_long(u, TL_updateUserStatus_user_id, about->id);
		tl_set_child(u, TL_updateUserStatus_status,
			     tl_new(&a, TL_userStatusRecently));
		sim_mention(&m, about);
		sim_push(&to, sim_object_updates(&a, account->world, &u, 1, &m,
						 account, k->seq));
		tl_arena_clear(&a);
	}
}

void sim_update_token(struct sim_world *w, uint64_t key_id)
{
	struct tl_obj *o;
	struct tl_arena a;

	tl_arena_init(&a);
	o = tl_new(&a, TL_updateShort);
	tl_set_child(o, TL_updateShort_update, tl_new(&a, TL_updateLoginToken));
	tl_set_int(o, TL_updateShort_date, sim_world_date(w));
	for (struct sim_session *s = w->sessions; s; s = s->next) {
		const struct sim_key *k = sim_world_login_key(w, s->key_id);

		if (k && k->id == key_id && s->wants_updates && !s->superseded)
			sim_push_to(s, o);
	}
	tl_arena_clear(&a);
}

void sim_update_resume(struct sim_session *s)
{
	struct sim_account *a = sim_session_account(s);
	struct sim_key *k = sim_world_login_key(s->world, s->key_id);

	if (k->missed)
		sim_update_too_long(s);
	k->missed = false;
	for (struct sim_call *c = s->world->calls; a && c; c = c->next)
		if (c->legs[1].account == a && c->state <= SIM_CALL_RINGING)
			sim_update_call(c, 1, k->id, 0);
}
