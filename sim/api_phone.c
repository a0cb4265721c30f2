/* phone.*: requests of clients, turned into steps of a call (sim/call.h). */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "sim/api.h"
#include "sim/update.h"

static void sim_answer_call(struct sim_request *r, const struct sim_call *c,
			    struct tl_obj *phone_call)
{
	struct tl_obj *o = tl_new(r->arena, TL_phone_phoneCall);
	struct sim_mentions m = {.n = 0};

	sim_mention(&m, c->legs[0].account);
	sim_mention(&m, c->legs[1].account);
	tl_set_child(o, TL_phone_phoneCall_phone_call, phone_call);
	sim_mentions_put(&m, r->arena, o, TL_phone_phoneCall_users, r->me);
	sim_answer(r, o);
}

static bool sim_protocol_read(struct sim_protocol *p, const struct tl_obj *o)
{
	uint32_t n = tl_count(o, TL_phoneCallProtocol_library_versions);

	memset(p, 0, sizeof(*p));
	p->udp_p2p = tl_has(o, TL_phoneCallProtocol_udp_p2p);
	p->udp_reflector = tl_has(o, TL_phoneCallProtocol_udp_reflector);
	p->min_layer = tl_int(o, TL_phoneCallProtocol_min_layer);
	p->max_layer = tl_int(o, TL_phoneCallProtocol_max_layer);
	for (uint32_t i = 0; i < n && p->versions.n < SIM_VERSIONS; i++) {
		struct bytes v = tl_item_bytes(
			o, TL_phoneCallProtocol_library_versions, i);
		char *dst = p->versions.v[p->versions.n];

		if (!v.n || v.n >= SIM_VERSION_MAX)
			continue;
		memcpy(dst, v.p, v.n);
		dst[v.n] = '\0';
		p->versions.n++;
	}
	return tl_is(o, TL_phoneCallProtocol);
}

/* The call an inputPhoneCall names, and the caller's side in it; NULL after a
 * refusal. */
static struct sim_call *sim_call_of(struct sim_request *r, int peer_field,
				    int *side)
{
	const struct tl_obj *peer = tl_child(r->q, peer_field);
	struct sim_call *c =
		sim_call_find(r->world, tl_long(peer, TL_inputPhoneCall_id));

	*side = c ? sim_call_side(c, r->me) : -1;
	if (*side >= 0 && tl_long(peer, TL_inputPhoneCall_access_hash) ==
				  sim_call_access_hash(c, *side))
		return c;
	sim_refuse(r, SIM_FAULT(400, "CALL_PEER_INVALID", "call-unknown"));
	return NULL;
}

static bool sim_phone_flooded(struct sim_request *r)
{
	char text[32];

	if (r->me->flood_wait_s <= 0)
		return false;
	snprintf(text, sizeof(text), "FLOOD_WAIT_%d", r->me->flood_wait_s);
	sim_world_refused(r->world, "call-flood");
	sim_refuse_text(r, 420, text);
	return true;
}

static void sim_phone_request(struct sim_request *r)
{
	struct sim_protocol p;
	const struct sim_fault *f;
	struct sim_call *c;

	if (sim_phone_flooded(r))
		return;
	sim_protocol_read(&p, tl_child(r->q, TL_phone_requestCall_protocol));
	f = sim_call_request(
		&c, r->world,
		&(struct sim_call_request){
			.caller = r->me,
			.callee = sim_input_user(
				r,
				tl_child(r->q, TL_phone_requestCall_user_id)),
			.key_id = r->key->id,
			.random_id =
				tl_int(r->q, TL_phone_requestCall_random_id),
			.video = tl_has(r->q, TL_phone_requestCall_video),
			.g_a_hash =
				tl_bytes(r->q, TL_phone_requestCall_g_a_hash),
			.protocol = &p,
		});
	if (f)
		sim_refuse(r, f);
	else
		sim_answer_call(r, c, sim_object_call(r->arena, c, 0));
}

static void sim_phone_received(struct sim_request *r)
{
	int side;
	struct sim_call *c = sim_call_of(r, TL_phone_receivedCall_peer, &side);
	const struct sim_fault *f;

	if (!c)
		return;
	f = side == 1 ? sim_call_receive(c, r->key->id)
		      : SIM_FAULT(400, "CALL_PEER_INVALID", "receive-side");
	if (f)
		sim_refuse(r, f);
	else
		sim_answer_bool(r, true);
}

static void sim_phone_accept(struct sim_request *r)
{
	int side;
	struct sim_call *c = sim_call_of(r, TL_phone_acceptCall_peer, &side);
	const struct sim_fault *f;
	struct sim_protocol p;

	if (!c)
		return;
	sim_protocol_read(&p, tl_child(r->q, TL_phone_acceptCall_protocol));
	f = side == 1 ? sim_call_accept(c, r->key->id,
					tl_bytes(r->q, TL_phone_acceptCall_g_b),
					&p)
		      : SIM_FAULT(400, "CALL_PEER_INVALID", "accept-side");
	if (f)
		sim_refuse(r, f);
	else
		sim_answer_call(r, c, sim_object_call(r->arena, c, 1));
}

static void sim_phone_confirm(struct sim_request *r)
{
	int side;
	struct sim_call *c = sim_call_of(r, TL_phone_confirmCall_peer, &side);
	const struct sim_fault *f;
	struct sim_protocol p;

	if (!c)
		return;
	sim_protocol_read(&p, tl_child(r->q, TL_phone_confirmCall_protocol));
	f = side == 0 ? sim_call_confirm(
				c, r->key->id,
				tl_bytes(r->q, TL_phone_confirmCall_g_a),
				tl_long(r->q,
					TL_phone_confirmCall_key_fingerprint),
				&p)
		      : SIM_FAULT(400, "CALL_PEER_INVALID", "confirm-side");
	if (f)
		sim_refuse(r, f);
	else
		sim_answer_call(r, c, sim_object_call(r->arena, c, 0));
}

static void sim_phone_discard(struct sim_request *r)
{
	int side;
	struct sim_call *c = sim_call_of(r, TL_phone_discardCall_peer, &side);
	struct sim_mentions m = {.n = 0};
	const struct sim_fault *f;
	struct tl_obj *u;

	if (!c)
		return;
	f = sim_call_discard(
		c, side, r->key->id,
		sim_reason_read(tl_child(r->q, TL_phone_discardCall_reason)),
		tl_int(r->q, TL_phone_discardCall_duration));
	if (f) {
		sim_refuse(r, f);
		return;
	}
	u = tl_new(r->arena, TL_updatePhoneCall);
	tl_set_child(u, TL_updatePhoneCall_phone_call,
		     sim_object_call(r->arena, c, side));
	sim_mention(&m, c->legs[0].account);
	sim_mention(&m, c->legs[1].account);
	sim_answer(r,
		   sim_object_updates(r->arena, r->world, &u, 1, &m, r->me, 0));
}

static void sim_phone_signal(struct sim_request *r)
{
	int side;
	struct sim_call *c =
		sim_call_of(r, TL_phone_sendSignalingData_peer, &side);
	const struct sim_fault *f;

	if (!c)
		return;
	f = sim_call_signal(c, side, r->key->id,
			    tl_bytes(r->q, TL_phone_sendSignalingData_data));
	if (f)
		sim_refuse(r, f);
	else
		sim_answer_bool(r, true);
}

static void sim_phone_rate(struct sim_request *r)
{
	int32_t rating = tl_int(r->q, TL_phone_setCallRating_rating);
	struct sim_mentions m = {.n = 0};
	int side;
	struct sim_call *c = sim_call_of(r, TL_phone_setCallRating_peer, &side);

	if (!c)
		return;
	if (c->state != SIM_CALL_ENDED || rating < 1 || rating > 5) {
		sim_refuse(r, SIM_FAULT(400, "CALL_PEER_INVALID", "rating"));
		return;
	}
	c->ratings[side] = rating;
	sim_answer(r, sim_object_updates(r->arena, r->world, NULL, 0, &m, r->me,
					 0));
}

static void sim_phone_debug(struct sim_request *r)
{
	int side;
	struct sim_call *c = sim_call_of(r, TL_phone_saveCallDebug_peer, &side);
	struct bytes text = tl_bytes(
		tl_child(r->q, TL_phone_saveCallDebug_debug), TL_dataJSON_data);
	json_t *o;

	if (!c)
		return;
	o = json_loadb((const char *)text.p, text.n, 0, NULL);
	c->debugs[side] |= o != NULL;
	if (o)
		sim_answer_bool(r, true);
	else
		sim_refuse(r,
			   SIM_FAULT(400, "DATA_JSON_INVALID", "debug-json"));
	json_decref(o);
}

static void sim_phone_config(struct sim_request *r)
{
	sim_answer(r, sim_object_json(r->arena, r->world->config->call_config));
}

const struct sim_method sim_methods_phone[] = {
	{TL_phone_requestCall, SIM_ACCESS_LOGIN, sim_phone_request},
	{TL_phone_receivedCall, SIM_ACCESS_LOGIN, sim_phone_received},
	{TL_phone_acceptCall, SIM_ACCESS_LOGIN, sim_phone_accept},
	{TL_phone_confirmCall, SIM_ACCESS_LOGIN, sim_phone_confirm},
	{TL_phone_discardCall, SIM_ACCESS_LOGIN, sim_phone_discard},
	{TL_phone_sendSignalingData, SIM_ACCESS_LOGIN, sim_phone_signal},
	{TL_phone_setCallRating, SIM_ACCESS_LOGIN, sim_phone_rate},
	{TL_phone_saveCallDebug, SIM_ACCESS_LOGIN, sim_phone_debug},
	{TL_phone_getCallConfig, SIM_ACCESS_LOGIN, sim_phone_config},
	{0, SIM_ACCESS_OPEN, NULL},
};
