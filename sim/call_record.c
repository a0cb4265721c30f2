/* Calls as records: what a restart must find again, and what people are told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/call.h"

static json_t *sim_protocol_pack(const struct sim_protocol *p)
{
	json_t *versions = json_array();

	for (int i = 0; i < p->versions.n; i++)
		json_array_append_new(versions, json_string(p->versions.v[i]));
	return json_pack("{sb sb si si so}", "p2p", p->udp_p2p, "reflector",
			 p->udp_reflector, "min", p->min_layer, "max",
			 p->max_layer, "versions", versions);
}

static void sim_protocol_unpack(struct sim_protocol *p, const json_t *o)
{
	memset(p, 0, sizeof(*p));
	p->udp_p2p = json_is_true(json_object_get(o, "p2p"));
	p->udp_reflector = json_is_true(json_object_get(o, "reflector"));
	p->min_layer = (int32_t)sim_json_int(o, "min", 0);
	p->max_layer = (int32_t)sim_json_int(o, "max", 0);
	sim_versions_parse(&p->versions, json_object_get(o, "versions"));
}

static json_t *sim_leg_pack(const struct sim_leg *l)
{
	return json_pack(
		"{sI sI so si sI si si si so so sb ss ss ss}", "user",
		(json_int_t)l->account->id, "key_id", (json_int_t)l->key_id,
		"protocol", sim_protocol_pack(&l->protocol), "step", l->step,
		"due", (json_int_t)l->due, "after", l->after_ms, "hangup",
		l->hangup_after_ms, "cancel", l->cancel_after_ms, "secret",
		sim_json_hex(l->secret, 256), "call_key",
		sim_json_hex(l->call_key, 256), "endpoint", l->endpoint,
		"media", l->media, "in", l->in, "out", l->out);
}

static bool sim_leg_unpack(struct sim_leg *l, struct sim_world *w,
			   const json_t *o)
{
	l->account = sim_world_account(w, sim_json_int(o, "user", 0));
	l->key_id = (uint64_t)sim_json_int(o, "key_id", 0);
	sim_protocol_unpack(&l->protocol, json_object_get(o, "protocol"));
	l->step = (enum sim_step)sim_json_int(o, "step", 0);
	l->due = (usec_t)sim_json_int(o, "due", -1);
	l->after_ms = (int)sim_json_int(o, "after", 0);
	l->hangup_after_ms = (int)sim_json_int(o, "hangup", 0);
	l->cancel_after_ms = (int)sim_json_int(o, "cancel", 0);
	sim_json_hex_get(o, "secret", l->secret, 256);
	sim_json_hex_get(o, "call_key", l->call_key, 256);
	l->endpoint = json_is_true(json_object_get(o, "endpoint"));
	snprintf(l->media, sizeof(l->media), "%s",
		 sim_json_text(o, "media", ""));
	snprintf(l->in, sizeof(l->in), "%s", sim_json_text(o, "in", ""));
	snprintf(l->out, sizeof(l->out), "%s", sim_json_text(o, "out", ""));
	return l->account != NULL;
}

void sim_call_save(const struct sim_call *c)
{
	char id[24];

	snprintf(id, sizeof(id), "%lld", (long long)c->id);
	sim_store_put(c->world->store, "call", id,
		      json_pack("{si si si sb si si si si si so so so so so sI "
				"ss sI sI}",
				"state", c->state, "reason", c->reason, "by",
				c->ended_by, "video", c->video, "random",
				c->random_id, "date", c->date, "receive",
				c->receive_date, "start", c->start_date,
				"duration", c->duration_s, "admin",
				sim_leg_pack(&c->legs[0]), "participant",
				sim_leg_pack(&c->legs[1]), "g_a_hash",
				sim_json_hex(c->g_a_hash, 32), "g_a",
				sim_json_hex(c->g_a.p, c->g_a.n), "g_b",
				sim_json_hex(c->g_b.p, c->g_b.n), "fingerprint",
				(json_int_t)c->fingerprint, "version",
				c->version, "limit", (json_int_t)c->limit,
				"active", (json_int_t)c->active_at));
}

static void sim_public_unpack(struct sim_public *v, const json_t *o,
			      const char *key)
{
	size_t n = strlen(sim_json_text(o, key, "")) / 2;

	if (n <= sizeof(v->p) && !sim_json_hex_get(o, key, v->p, n))
		v->n = n;
}

static void sim_call_unpack(struct sim_call *c, const json_t *o)
{
	c->state = (enum sim_call_state)sim_json_int(o, "state", 0);
	c->reason = (enum sim_reason)sim_json_int(o, "reason", 0);
	c->ended_by = (int)sim_json_int(o, "by", -1);
	c->video = json_is_true(json_object_get(o, "video"));
	c->random_id = (int32_t)sim_json_int(o, "random", 0);
	c->date = (int32_t)sim_json_int(o, "date", 0);
	c->receive_date = (int32_t)sim_json_int(o, "receive", 0);
	c->start_date = (int32_t)sim_json_int(o, "start", 0);
	c->duration_s = (int32_t)sim_json_int(o, "duration", 0);
	sim_json_hex_get(o, "g_a_hash", c->g_a_hash, 32);
	sim_public_unpack(&c->g_a, o, "g_a");
	sim_public_unpack(&c->g_b, o, "g_b");
	c->fingerprint = sim_json_int(o, "fingerprint", 0);
	snprintf(c->version, sizeof(c->version), "%s",
		 sim_json_text(o, "version", ""));
	c->limit = (usec_t)sim_json_int(o, "limit", -1);
	c->active_at = (usec_t)sim_json_int(o, "active", 0);
}

void sim_call_load(const char *id, const json_t *o, void *world)
{
	struct sim_world *w = world;
	struct sim_call *c = calloc(1, sizeof(*c));

	if (!c)
		return;
	c->world = w;
	c->id = strtoll(id, NULL, 10);
	sim_call_unpack(c, o);
	if (!sim_leg_unpack(&c->legs[0], w, json_object_get(o, "admin")) ||
	    !sim_leg_unpack(&c->legs[1], w,
			    json_object_get(o, "participant"))) {
		free(c); /* an account that left the configuration */
		return;
	}
	c->next = w->calls;
	w->calls = c;
}

static json_t *sim_leg_describe(const struct sim_call *c, int side)
{
	const struct sim_leg *l = &c->legs[side];
	json_t *o =
		json_pack("{sI sb sb ss ss ss si si sb}", "user",
			  (json_int_t)l->account->id, "simulated",
			  l->account->app && !l->key_id, "endpoint",
			  l->endpoint, "media", l->media, "in", l->in, "out",
			  l->out, "signals", (int)c->signals[side], "rating",
			  (int)c->ratings[side], "debug", c->debugs[side]);

	if (l->stats)
		json_object_set_new(
			o, "stats",
			json_loads(l->stats, JSON_DECODE_ANY, NULL));
	return o;
}

json_t *sim_call_describe(const struct sim_call *c)
{
	char id[24], fingerprint[24];

	snprintf(id, sizeof(id), "%lld", (long long)c->id);
	snprintf(fingerprint, sizeof(fingerprint), "%lld",
		 (long long)c->fingerprint);
	return json_pack("{ss ss ss ss ss si si si si sb so so}", "id", id,
			 "state", sim_call_state_name(c->state), "reason",
			 sim_reason_name(c->reason), "version", c->version,
			 "key_fingerprint", fingerprint, "by", c->ended_by,
			 "date", c->date, "start_date", c->start_date,
			 "duration_s", c->duration_s, "received",
			 c->receive_date != 0, "caller", sim_leg_describe(c, 0),
			 "callee", sim_leg_describe(c, 1));
}
