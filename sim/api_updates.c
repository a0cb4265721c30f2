/* updates.*: the state of an account and what a client missed. */
#include "sim/api.h"

enum { SIM_DIFFERENCE_MAX = 100 };

static void sim_updates_state(struct sim_request *r)
{
	sim_answer(r, sim_object_state(r->arena, r->me, r->key));
}

static void sim_difference_empty(struct sim_request *r)
{
	struct tl_obj *o = tl_new(r->arena, TL_updates_differenceEmpty);

	tl_set_int(o, TL_updates_differenceEmpty_date,
		   sim_world_date(r->world));
	tl_set_int(o, TL_updates_differenceEmpty_seq, r->key->seq);
	sim_answer(r, o);
}

struct sim_difference {
	const struct sim_event *messages[SIM_DIFFERENCE_MAX];
	const struct sim_event *others[SIM_DIFFERENCE_MAX];
	uint32_t n, m;
	int32_t pts; /* reached */
	bool more;
};

static void sim_difference_collect(struct sim_difference *d,
				   const struct sim_account *a, int32_t pts)
{
	d->pts = pts;
	for (size_t i = 0; i < a->event_count; i++) {
		const struct sim_event *e = &a->events[i];

		if (e->pts <= pts)
			continue;
		if (d->n + d->m == SIM_DIFFERENCE_MAX) {
			d->more = true;
			return;
		}
		/* What is deleted by now is told as deleted only. */
		if (e->kind == SIM_EVENT_READ || e->kind == SIM_EVENT_DELETE)
			d->others[d->m++] = e;
		else if (!sim_account_message(a, e->message_id))
			continue;
		else if (e->kind == SIM_EVENT_EDIT)
			d->others[d->m++] = e;
		else
			d->messages[d->n++] = e;
		d->pts = e->pts;
	}
}

/* Fields of updates.difference and of its slice. */
struct sim_difference_fields {
	enum tl_ctor_no no;
	int messages, encrypted, others, chats, users, state;
};

static struct tl_obj *sim_object_difference(struct sim_request *r,
					    const struct sim_difference *d)
{
	static const struct sim_difference_fields
		whole = {TL_updates_difference,
			 TL_updates_difference_new_messages,
			 TL_updates_difference_new_encrypted_messages,
			 TL_updates_difference_other_updates,
			 TL_updates_difference_chats,
			 TL_updates_difference_users,
			 TL_updates_difference_state},
		slice = {TL_updates_differenceSlice,
			 TL_updates_differenceSlice_new_messages,
			 TL_updates_differenceSlice_new_encrypted_messages,
			 TL_updates_differenceSlice_other_updates,
			 TL_updates_differenceSlice_chats,
			 TL_updates_differenceSlice_users,
			 TL_updates_differenceSlice_intermediate_state};
	const struct sim_difference_fields *f = d->more ? &slice : &whole;
	struct tl_obj *o = tl_new(r->arena, f->no);
	struct sim_mentions m = {.n = 0};
	struct tl_obj *state = sim_object_state(r->arena, r->me, r->key);

	tl_set_vector(r->arena, o, f->messages, d->n);
	for (uint32_t i = 0; i < d->n; i++) {
		const struct sim_message *msg =
			sim_account_message(r->me, d->messages[i]->message_id);

		sim_mention(&m, sim_world_account(r->world, msg->peer));
		tl_put_obj(o, f->messages, i,
			   sim_object_message(r->arena, r->me, msg));
	}
	tl_set_vector(r->arena, o, f->others, d->m);
	for (uint32_t i = 0; i < d->m; i++) {
		sim_mention(&m,
			    sim_world_account(r->world, d->others[i]->peer));
		tl_put_obj(o, f->others, i,
			   sim_object_event(r->arena, r->me, d->others[i]));
	}
	sim_mention(&m, r->me);
	sim_object_empty(r->arena, o, f->encrypted);
	sim_object_empty(r->arena, o, f->chats);
	sim_mentions_put(&m, r->arena, o, f->users, r->me);
	tl_set_int(state, TL_updates_state_pts, d->pts);
	tl_set_child(o, f->state, state);
	return o;
}

static void sim_updates_difference(struct sim_request *r)
{
	int32_t pts = tl_int(r->q, TL_updates_getDifference_pts);
	struct sim_difference d = {.n = 0};

	if (pts < 0) {
		sim_refuse(r, SIM_FAULT(400, "PERSISTENT_TIMESTAMP_INVALID",
					"difference-pts"));
		return;
	}
	sim_difference_collect(&d, r->me, pts);
	if (!d.n && !d.m)
		sim_difference_empty(r);
	else
		sim_answer(r, sim_object_difference(r, &d));
}

const struct sim_method sim_methods_updates[] = {
	{TL_updates_getState, SIM_ACCESS_LOGIN, sim_updates_state},
	{TL_updates_getDifference, SIM_ACCESS_LOGIN, sim_updates_difference},
	{0, SIM_ACCESS_OPEN, NULL},
};
