#include "sim/update.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/content.h"
#include "sim/held.h"
#include "sim/layer.h"
#include "sim/object.h"
#include "sim/order.h"

/* Which sessions an update goes to. */
struct sim_audience_of {
	struct sim_account *account;
	uint64_t only, except;
	bool new_call; /* not for log-ins that take none */
};

static bool sim_session_hears(const struct sim_session *s,
			      const struct sim_audience_of *to)
{
	const struct sim_key *k = sim_world_login_key(s->world, s->key_id);

	return k && k->user == to->account->id && s->wants_updates &&
	       !s->superseded && (!to->only || k->id == to->only) &&
	       (!to->except || k->id != to->except) &&
	       !(to->new_call && k->calls_off);
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
						    to->except, to->new_call};

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
	struct sim_audience_of to = {c->legs[side].account, only, except,
				     side == 1 && !only};
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

static bool sim_account_knows(struct sim_account *a, int64_t id)
{
	for (size_t i = 0; i < a->message_count; i++)
		if (a->messages[i].peer == id)
			return true;
	return a->id == id || sim_account_contact(a, id);
}

static struct tl_obj *sim_name_update(struct tl_arena *a,
				      const struct sim_account *about)
{
	struct tl_obj *o = tl_new(a, TL_updateShort);
	struct tl_obj *u = tl_new(a, TL_updateUserName);
	bool named = about->username[0];

	tl_set_long(u, TL_updateUserName_user_id, about->id);
	tl_set_str(u, TL_updateUserName_first_name, about->first_name);
	tl_set_str(u, TL_updateUserName_last_name, about->last_name);
	tl_set_vector(a, u, TL_updateUserName_usernames, named);
	if (named) {
		struct tl_obj *name = tl_new(a, TL_username);

		tl_set_true(name, TL_username_editable);
		tl_set_true(name, TL_username_active);
		tl_set_str(name, TL_username_username, about->username);
		tl_put_obj(u, TL_updateUserName_usernames, 0, name);
	}
	tl_set_child(o, TL_updateShort_update, u);
	tl_set_int(o, TL_updateShort_date, sim_world_date(about->world));
	return o;
}

void sim_update_renamed(struct sim_account *about)
{
	struct tl_arena a;
	struct tl_obj *o;

	tl_arena_init(&a);
	o = sim_name_update(&a, about);
	for (struct sim_account *to = about->world->accounts; to;
	     to = to->next) {
		struct sim_audience_of one = {.account = to};

		if (sim_account_knows(to, about->id))
			sim_push(&one, o);
	}
	tl_arena_clear(&a);
}

static struct sim_message *sim_copy_put(const struct sim_sending *s,
					struct sim_account *owner,
					struct sim_account *peer)
{
	struct sim_message m = *s->content;
	const struct sim_message *replied;

	m.peer = peer->id;
	m.outgoing = owner == s->from;
	m.date = sim_world_date(owner->world);
	if (!m.outgoing) {
		m.random_id = 0;
		replied = sim_account_message(s->from, m.reply_to);
		m.reply_to = replied ? replied->twin : 0;
	}
	sim_account_dialog(owner, peer->id);
	return sim_account_message_add(owner, &m);
}

static void sim_copies_join(struct sim_account *a, struct sim_message *m,
			    struct sim_account *b, struct sim_message *n)
{
	m->twin = n->id;
	n->twin = m->id;
	sim_account_message_save(a, m);
	sim_account_message_save(b, n);
}

struct sim_message *sim_message_send(const struct sim_sending *s)
{
	struct sim_message *sent = sim_copy_put(s, s->from, s->to);
	struct sim_message *copy = NULL;

	if (!sent)
		return NULL;
	if (s->from != s->to)
		copy = sim_copy_put(s, s->to, s->from);
	if (copy)
		sim_copies_join(s->from, sent, s->to, copy);
	sim_update_event(s->from, s->except);
	if (copy && !s->silent)
		sim_update_event(s->to, 0);
	sim_world_event(s->from->world,
			json_pack("{ss sI sI ss}", "event", "text", "from",
				  (json_int_t)s->from->id, "to",
				  (json_int_t)s->to->id, "text",
				  s->content->text));
	return sent;
}

struct sim_message *sim_text_send(struct sim_account *from,
				  struct sim_account *to, const char *text,
				  int64_t random_id, uint64_t except,
				  bool silent)
{
	char *copy = strdup(text);
	struct sim_message content = {.text = copy, .random_id = random_id};
	struct sim_sending s = {.from = from,
				.to = to,
				.content = &content,
				.except = except,
				.silent = silent};
	struct sim_message *sent = copy ? sim_message_send(&s) : NULL;

	free(copy);
	return sent;
}

struct sim_message *sim_message_twin(struct sim_account **ownerp,
				     const struct sim_account *a,
				     const struct sim_message *m)
{
	struct sim_account *other = sim_world_account(a->world, m->peer);

	if (!m->twin || !other)
		return NULL;
	*ownerp = other;
	return sim_account_message(other, m->twin);
}

static int sim_copy_edit(struct sim_account *a, struct sim_message *m,
			 struct sim_content *c, uint64_t except)
{
	int err;

	sim_content_move(m, c);
	m->edited = sim_world_date(a->world);
	err = sim_account_message_edited(a, m);
	if (!err)
		sim_update_event(a, except);
	return err;
}

int sim_message_edit(struct sim_account *a, struct sim_message *m,
		     struct sim_content *c, uint64_t except)
{
	struct sim_account *other = NULL;
	struct sim_message *twin = sim_message_twin(&other, a, m);
	struct sim_content again = {.text = strdup(c->text)};
	int err = 0;

	if (!again.text ||
	    sim_buf_set(&again.entities, buf_bytes(&c->entities)) ||
	    sim_buf_set(&again.markup, buf_bytes(&c->markup)))
		err = -ENOMEM;
	if (!err && twin)
		err = sim_copy_edit(other, twin, &again, 0);
	if (!err)
		err = sim_copy_edit(a, m, c, except);
	sim_content_clear(&again);
	return err;
}

void sim_update_bot(struct sim_account *bot, struct sim_account *user,
		    struct tl_arena *a, struct tl_obj *update)
{
	struct sim_audience_of to = {bot, 0, 0};
	struct sim_mentions m = {.n = 0};

	sim_mention(&m, user);
	sim_push(&to,
		 sim_object_updates(a, bot->world, &update, 1, &m, bot, 0));
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
