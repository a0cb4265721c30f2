#include "sim/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "sim/app.h"
#include "sim/dh.h"
#include "sim/update.h"

/* "min_layer 65, max_layer 92" (telegram-wire D.3). */
enum { SIM_CALL_LAYER_MIN = 65, SIM_CALL_LAYER_MAX = 92 };
/* "16 KiB is the limit of the peers' own code" (telegram-wire D.7); the server
 * takes more, but not without end. */
enum { SIM_SIGNAL_MAX = 65536 };
enum { SIM_CALLS_KEPT = 500 };

static void sim_call_set_state(struct sim_call *c, enum sim_call_state s)
{
	char id[24];

	snprintf(id, sizeof(id), "%lld", (long long)c->id);
	log_info("sim-call", id, "%s -> %s", sim_call_state_name(c->state),
		 sim_call_state_name(s));
	c->state = s;
	sim_call_save(c);
	sim_world_event(c->world, json_pack("{ss so}", "event", "call", "call",
					    sim_call_describe(c)));
}

/* Both faces of one side: its clients and its simulated device. */
static void sim_call_tell(struct sim_call *c, int side, uint64_t only,
			  uint64_t except)
{
	sim_update_call(c, side, only, except);
	if (c->legs[side].account->app && !c->legs[side].key_id)
		sim_app_on_call(c, side);
}

static usec_t sim_call_limit(const struct sim_call *c, int32_t ms)
{
	return c->world->now + (usec_t)ms * USEC_MS;
}

/* -- checks
 * -------------------------------------------------------------------- */

static const struct sim_fault *sim_protocol_check(const struct sim_protocol *p)
{
	if (!p->udp_p2p && !p->udp_reflector)
		return SIM_FAULT(400, "CALL_PROTOCOL_FLAGS_INVALID",
				 "call-protocol-flags");
	if (p->min_layer < SIM_CALL_LAYER_MIN || p->min_layer > p->max_layer ||
	    p->max_layer > SIM_CALL_LAYER_MAX)
		return SIM_FAULT(400, "CALL_PROTOCOL_LAYER_INVALID",
				 "call-protocol-layer");
	return NULL;
}

static const struct sim_fault *
sim_callee_check(const struct sim_call_request *r)
{
	struct sim_account *callee = r->callee;

	if (!callee || callee == r->caller)
		return SIM_FAULT(400, "USER_ID_INVALID", "call-user");
	if (callee->deleted)
		return SIM_FAULT(400, "INPUT_USER_DEACTIVATED",
				 "call-user-deleted");
	if (sim_account_blocks(callee, r->caller->id))
		return SIM_FAULT(403, "USER_IS_BLOCKED", "call-blocked");
	if (!sim_account_allows(callee, SIM_PRIVACY_CALL, r->caller->id))
		return SIM_FAULT(403, "USER_PRIVACY_RESTRICTED",
				 "call-privacy");
	return NULL;
}

/* Components of "13.0.0" as one number. */
static long sim_version_rank(const char *v)
{
	int a = 0, b = 0, c = 0;

	sscanf(v, "%d.%d.%d", &a, &b, &c);
	return a * 1000000L + b * 1000L + c;
}

/* Which common version wins "is server policy" (telegram-wire D.3): a setting
 * here, or forced by either account. NULL: none in common. */
static const char *sim_version_choose(const struct sim_call *c,
				      const struct sim_versions *caller,
				      const struct sim_versions *callee)
{
	enum sim_policy policy = c->world->config->policy;
	bool reversed = policy == SIM_POLICY_CALLEE;
	const struct sim_versions *a = reversed ? callee : caller;
	const struct sim_versions *b = reversed ? caller : callee;
	const char *forced = c->legs[1].account->version, *best = NULL;

	if (!forced[0])
		forced = c->legs[0].account->version;
	for (int i = 0; i < a->n; i++) {
		const char *v = a->v[i];
		long gain =
			best ? sim_version_rank(v) - sim_version_rank(best) : 1;

		if (!sim_versions_has(b, v) || (forced[0] && strcmp(forced, v)))
			continue;
		if (best && policy == SIM_POLICY_LOWEST)
			gain = -gain;
		if (!best || (policy <= SIM_POLICY_LOWEST && gain > 0))
			best = v;
	}
	return best;
}

static const struct sim_fault *
sim_random_check(struct sim_world *w, const struct sim_call_request *r)
{
	for (const struct sim_call *c = w->calls; c; c = c->next)
		if (c->legs[0].account == r->caller &&
		    c->random_id == r->random_id && r->key_id)
			return SIM_FAULT(500, "RANDOM_ID_DUPLICATE",
					 "call-random-id");
	return NULL;
}

static const struct sim_fault *
sim_request_check(struct sim_world *w, const struct sim_call_request *r)
{
	const struct sim_fault *f = sim_protocol_check(r->protocol);

	if (!f)
		f = sim_callee_check(r);
	if (!f && r->g_a_hash.n != 32)
		f = SIM_FAULT(400, "DH_G_A_INVALID", "g_a_hash-length");
	return f ? f : sim_random_check(w, r);
}

/* -- the machine
 * ----------------------------------------------------------------- */

static void sim_call_forget_oldest(struct sim_world *w)
{
	struct sim_call **cp = &w->calls;
	char id[24];
	int n = 0;

	while (*cp && (n++ < SIM_CALLS_KEPT || (*cp)->state != SIM_CALL_ENDED))
		cp = &(*cp)->next;
	if (!*cp)
		return;
	struct sim_call *old = *cp;

	*cp = old->next;
	snprintf(id, sizeof(id), "%lld", (long long)old->id);
	sim_store_drop(w->store, "call", id);
	free(old->legs[0].stats);
	free(old->legs[1].stats);
	bytes_wipe(old, sizeof(*old));
	free(old);
}

static struct sim_call *sim_call_new(struct sim_world *w,
				     const struct sim_call_request *r)
{
	struct sim_call *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	sim_call_forget_oldest(w);
	c->world = w;
	do {
		c->id = (int64_t)(random_u64() >> 1);
	} while (!c->id || sim_call_find(w, c->id));
	c->video = r->video;
	c->random_id = r->random_id;
	c->date = sim_world_date(w);
	c->legs[0].account = r->caller;
	c->legs[0].key_id = r->key_id;
	c->legs[0].protocol = *r->protocol;
	c->legs[1].account = r->callee;
	c->legs[0].due = c->legs[1].due = USEC_NEVER;
	memcpy(c->g_a_hash, r->g_a_hash.p, 32);
	c->limit = sim_call_limit(c, w->config->receive_limit_ms);
	return c;
}

const struct sim_fault *sim_call_request(struct sim_call **cp,
					 struct sim_world *w,
					 const struct sim_call_request *r)
{
	const struct sim_fault *f = sim_request_check(w, r);
	const struct sim_versions *have;
	struct sim_call *c;

	if (f)
		return f;
	c = sim_call_new(w, r);
	if (!c)
		return SIM_FAULT(500, "PARTICIPANT_CALL_FAILED", "memory");
	have = r->callee->app ? sim_app_versions(r->callee) : NULL;
	if (!r->protocol->versions.n ||
	    (have && !sim_version_choose(c, &r->protocol->versions, have))) {
		free(c);
		return SIM_FAULT(400, "PARTICIPANT_VERSION_OUTDATED",
				 "call-version-request");
	}
	c->next = w->calls;
	w->calls = c;
	*cp = c;
	sim_call_set_state(c, SIM_CALL_REQUESTED);
	sim_call_tell(c, 1, 0, 0);
	return NULL;
}

const struct sim_fault *sim_call_receive(struct sim_call *c, uint64_t key_id)
{
	if (c->state == SIM_CALL_ENDED)
		return SIM_FAULT(400, "CALL_ALREADY_DECLINED", "receive-ended");
	if (c->state != SIM_CALL_REQUESTED)
		return NULL;
	c->receive_date = sim_world_date(c->world);
	c->limit = sim_call_limit(c, c->world->config->ring_limit_ms);
	sim_call_set_state(c, SIM_CALL_RINGING);
	sim_call_tell(c, 0, c->legs[0].key_id, 0);
	return NULL;
}

static const struct sim_fault *sim_accept_check(const struct sim_call *c,
						struct bytes g_b,
						const struct sim_protocol *p)
{
	if (c->state == SIM_CALL_ENDED)
		return SIM_FAULT(400, "CALL_ALREADY_DECLINED", "accept-ended");
	if (c->state >= SIM_CALL_ACCEPTED)
		return SIM_FAULT(400, "CALL_ALREADY_ACCEPTED",
				 "accept-accepted");
	if (!sim_dh_in_range(g_b))
		return SIM_FAULT(400, "DH_G_A_INVALID", "g_b-range");
	return sim_protocol_check(p);
}

const struct sim_fault *sim_call_accept(struct sim_call *c, uint64_t key_id,
					struct bytes g_b,
					const struct sim_protocol *p)
{
	const struct sim_fault *f = sim_accept_check(c, g_b, p);
	const char *version;

	if (f)
		return f;
	version = sim_version_choose(c, &c->legs[0].protocol.versions,
				     &p->versions);
	if (!version)
		return SIM_FAULT(406, "CALL_PROTOCOL_COMPAT_LAYER_INVALID",
				 "call-version-accept");
	snprintf(c->version, sizeof(c->version), "%s", version);
	c->legs[1].protocol = *p;
	memcpy(c->g_b.p, g_b.p, g_b.n);
	c->g_b.n = g_b.n;
	c->limit = sim_call_limit(c, c->world->config->exchange_limit_ms);
	/* The other devices of this account stop ringing before the state
	 * names the accepting one. */
	sim_update_call_elsewhere(c, key_id);
	c->legs[1].key_id = key_id;
	sim_call_set_state(c, SIM_CALL_ACCEPTED);
	sim_call_tell(c, 0, c->legs[0].key_id, 0);
	return NULL;
}

static const struct sim_fault *sim_confirm_check(const struct sim_call *c,
						 uint64_t key_id,
						 struct bytes g_a,
						 int64_t fingerprint)
{
	uint8_t hash[32];

	if (c->state == SIM_CALL_ENDED)
		return SIM_FAULT(400, "CALL_ALREADY_DECLINED", "confirm-ended");
	if (key_id != c->legs[0].key_id)
		return SIM_FAULT(400, "CALL_PEER_INVALID", "confirm-device");
	if (c->state == SIM_CALL_ACTIVE)
		return SIM_FAULT(400, "CALL_ALREADY_ACCEPTED",
				 "confirm-repeated");
	if (c->state != SIM_CALL_ACCEPTED)
		return SIM_FAULT(400, "CALL_PEER_INVALID", "confirm-early");
	sim_dh_hash(hash, g_a);
	if (!sim_dh_in_range(g_a) || memcmp(hash, c->g_a_hash, 32) != 0)
		return SIM_FAULT(400, "DH_G_A_INVALID", "g_a_hash");
	if (!fingerprint)
		return SIM_FAULT(400, "CALL_PEER_INVALID", "fingerprint-zero");
	return NULL;
}

const struct sim_fault *sim_call_confirm(struct sim_call *c, uint64_t key_id,
					 struct bytes g_a, int64_t fingerprint,
					 const struct sim_protocol *p)
{
	const struct sim_fault *f =
		sim_confirm_check(c, key_id, g_a, fingerprint);

	if (!f)
		f = sim_protocol_check(p);
	if (!f && !sim_versions_has(&p->versions, c->version))
		f = SIM_FAULT(400, "CALL_PROTOCOL_FLAGS_INVALID",
			      "confirm-version");
	if (f)
		return f;
	memcpy(c->g_a.p, g_a.p, g_a.n);
	c->g_a.n = g_a.n;
	c->fingerprint = fingerprint;
	c->start_date = sim_world_date(c->world);
	c->active_at = c->world->now;
	c->limit = USEC_NEVER;
	sim_call_set_state(c, SIM_CALL_ACTIVE);
	sim_call_tell(c, 1, c->legs[1].key_id, 0);
	if (c->legs[0].account->app && !c->legs[0].key_id)
		sim_app_on_call(c, 0);
	return NULL;
}

static void sim_call_finish(struct sim_call *c, int by, uint64_t key_id,
			    enum sim_reason reason, int32_t duration_s)
{
	bool answered = c->state >= SIM_CALL_ACCEPTED;

	c->reason = reason;
	c->ended_by = by;
	c->duration_s = c->state == SIM_CALL_ACTIVE ? duration_s : 0;
	c->limit = USEC_NEVER;
	c->legs[0].due = c->legs[1].due = USEC_NEVER;
	sim_call_set_state(c, SIM_CALL_ENDED);
	sim_call_tell(c, 0, c->legs[0].key_id, key_id);
	sim_call_tell(c, 1, answered ? c->legs[1].key_id : 0, key_id);
	if (c->world->config->call_messages)
		sim_update_call_message(c);
}

const struct sim_fault *sim_call_discard(struct sim_call *c, int side,
					 uint64_t key_id,
					 enum sim_reason reason,
					 int32_t duration_s)
{
	if (c->state == SIM_CALL_ENDED)
		return NULL;
	if (side == 1 && c->state >= SIM_CALL_ACCEPTED &&
	    key_id != c->legs[1].key_id)
		return SIM_FAULT(400, "CALL_ALREADY_ACCEPTED",
				 "discard-elsewhere");
	if (side == 0 && key_id != c->legs[0].key_id)
		return SIM_FAULT(400, "CALL_PEER_INVALID", "discard-device");
	if (duration_s < 0)
		return SIM_FAULT(400, "CALL_PEER_INVALID", "discard-duration");
	sim_call_finish(c, side, key_id, reason, duration_s);
	return NULL;
}

void sim_call_end(struct sim_call *c, int side, enum sim_reason reason)
{
	int32_t duration_s =
		c->state == SIM_CALL_ACTIVE
			? (int32_t)((c->world->now - c->active_at) / USEC_S)
			: 0;

	if (c->state != SIM_CALL_ENDED)
		sim_call_finish(c, side, 0, reason, duration_s);
}

const struct sim_fault *sim_call_signal(struct sim_call *c, int side,
					uint64_t key_id, struct bytes data)
{
	const struct sim_leg *other = &c->legs[!side];

	if (c->state != SIM_CALL_ACTIVE)
		return SIM_FAULT(400, "CALL_NOT_ACTIVE", "signal-state");
	if (key_id != c->legs[side].key_id)
		return SIM_FAULT(400, "CALL_PEER_INVALID", "signal-device");
	if (!data.n || data.n > SIM_SIGNAL_MAX)
		return SIM_FAULT(400, "CALL_PEER_INVALID", "signal-size");
	c->signals[side]++;
	if (other->account->app && !other->key_id)
		sim_app_on_signal(c, !side, data);
	else
		sim_update_signal(c, !side, data);
	return NULL;
}

/* -- facts
 * ------------------------------------------------------------------------ */

struct sim_call *sim_call_find(struct sim_world *w, int64_t id)
{
	struct sim_call *c = w->calls;

	while (c && c->id != id)
		c = c->next;
	return c;
}

int sim_call_side(const struct sim_call *c, const struct sim_account *a)
{
	if (c->legs[0].account == a)
		return 0;
	return c->legs[1].account == a ? 1 : -1;
}

int64_t sim_call_access_hash(const struct sim_call *c, int side)
{
	return sim_world_access_hash(c->world, c->legs[side].account->id,
				     c->id);
}

void sim_call_protocol(const struct sim_call *c, struct sim_protocol *p)
{
	const struct sim_protocol *a = &c->legs[0].protocol;
	const struct sim_protocol *b = &c->legs[1].protocol;

	memset(p, 0, sizeof(*p));
	p->udp_p2p = a->udp_p2p && b->udp_p2p;
	p->udp_reflector = a->udp_reflector && b->udp_reflector;
	p->min_layer =
		a->min_layer > b->min_layer ? a->min_layer : b->min_layer;
	p->max_layer =
		a->max_layer < b->max_layer ? a->max_layer : b->max_layer;
	strcpy(p->versions.v[0], c->version);
	p->versions.n = 1;
}

bool sim_call_p2p(const struct sim_call *c)
{
	struct sim_protocol p;

	sim_call_protocol(c, &p);
	return c->world->config->p2p && p.udp_p2p &&
	       sim_account_allows(c->legs[0].account, SIM_PRIVACY_P2P,
				  c->legs[1].account->id) &&
	       sim_account_allows(c->legs[1].account, SIM_PRIVACY_P2P,
				  c->legs[0].account->id);
}

void sim_call_peer_tag(const struct sim_call *c, int i, int side,
		       uint8_t tag[16])
{
	sim_world_derive(c->world, "tag", c->id, i, tag, 16);
	/* "first byte differs in its lowest bit" (telegram-wire E.8) */
	tag[0] = (uint8_t)((tag[0] & ~1) | side);
}

const char *sim_call_state_name(enum sim_call_state s)
{
	static const char *const names[] = {"requested", "ringing", "accepted",
					    "active", "ended"};

	return names[s];
}

const char *sim_reason_name(enum sim_reason r)
{
	static const char *const names[] = {"none", "missed", "disconnect",
					    "hangup", "busy"};

	return names[r];
}

/* -- time
 * -------------------------------------------------------------------------- */

usec_t sim_calls_deadline(const struct sim_world *w)
{
	usec_t due = USEC_NEVER;

	for (const struct sim_call *c = w->calls; c; c = c->next) {
		if (c->state == SIM_CALL_ENDED)
			continue;
		due = c->limit < due ? c->limit : due;
		for (int i = 0; i < 2; i++)
			due = c->legs[i].due < due ? c->legs[i].due : due;
	}
	return due;
}

static void sim_call_tick(struct sim_call *c)
{
	for (int i = 0; i < 2 && c->state != SIM_CALL_ENDED; i++)
		if (c->legs[i].due <= c->world->now)
			sim_app_step(c, i);
	if (c->state == SIM_CALL_ENDED || c->limit > c->world->now)
		return;
	sim_call_end(c, -1,
		     c->state == SIM_CALL_ACCEPTED ? SIM_REASON_DISCONNECT
						   : SIM_REASON_MISSED);
}

void sim_calls_tick(struct sim_world *w)
{
	/* New calls are put in front, so a step may start one. */
	for (struct sim_call *c = w->calls, *next; c; c = next) {
		next = c->next;
		if (c->state != SIM_CALL_ENDED)
			sim_call_tick(c);
	}
}

void sim_calls_free(struct sim_world *w)
{
	while (w->calls) {
		struct sim_call *c = w->calls;

		w->calls = c->next;
		free(c->legs[0].stats);
		free(c->legs[1].stats);
		bytes_wipe(c, sizeof(*c));
		free(c);
	}
}
