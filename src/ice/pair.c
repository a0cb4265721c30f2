/* Candidate pairs: checks, their timing, and which pair carries the call.
 *
 * Every check is a new transaction, as in libwebrtc: nothing is repeated with
 * an old id, so that loss costs one interval and every answer gives a round
 * trip time.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ice/agent_internal.h"
#include "ice/reflector.h"

/* Time to the next check of a pair that has not answered the last one. */
#define REPEAT_FAST (100 * USEC_MS)
#define REPEAT_SLOW (500 * USEC_MS)
#define REPEAT_REST (2 * USEC_S)
/* Once another pair carries the call: E.7 "480 ms per connection when ok". */
#define REPEAT_SPARE (480 * USEC_MS)
#define REPEAT_SPARE_REST (5 * USEC_S)
#define REPEAT_SELECTED (300 * USEC_MS)
/* Time after an answered check. E.7: "send checks/keep-alive at least every
 * 2 s on the selected pair"; others rest "2500 ms". */
#define KEEP_SELECTED (1500 * USEC_MS)
#define KEEP_SPARE (2500 * USEC_MS)
/* A pair that nothing came of: so many checks without an answer, and nothing
 * heard for so long. */
#define SPENT_CHECKS 10
#define SPENT_AFTER (20 * USEC_S)
/* RFC 7675 5.1 allows 30 s without an answer; E.7: "write timeout 15 s". */
#define CONSENT (15 * USEC_S)
/* A nomination that the peer no longer repeats (its checks come every 2.5 s) */
#define NOMINATION_STALE (3 * USEC_S)

bool ice_pair_is_alive(const struct ice_pair *p, usec_t now)
{
	return p && p->succeeded && now < ice_pair_alive_until(p);
}

usec_t ice_pair_alive_until(const struct ice_pair *p)
{
	usec_t heard = p->heard_at + ICE_RECEIVING;
	usec_t consent = p->answered_at + CONSENT;

	return heard < consent ? heard : consent;
}

struct ice_pair *ice_pair_find(const struct ice_agent *a, int base,
			       const struct sa *remote)
{
	for (int i = 0; i < a->pairs_n; i++) {
		struct ice_pair *p = a->pairs[i];

		if (p->base == base && sa_cmp(&p->remote.addr, remote, SA_ALL))
			return p;
	}
	return NULL;
}

/* RFC 8445 6.1.2.3 */
void ice_pair_set_priority(const struct ice_agent *a, struct ice_pair *p)
{
	uint32_t local = ice_base_priority(a, p->base);
	uint64_t g = a->controlling ? local : p->remote.priority;
	uint64_t d = a->controlling ? p->remote.priority : local;

	p->priority = ((g < d ? g : d) << 32) + 2 * (g > d ? g : d) + (g > d);
}

static bool pair_makes_sense(const struct sa *base, const struct sa *remote)
{
	if (ice_reflector_is_address(base) || ice_reflector_is_address(remote))
		return ice_reflector_same_server(base, remote);
	return sa_af(base) == sa_af(remote) &&
	       sa_is_loopback(base) == sa_is_loopback(remote);
}

struct ice_pair *ice_pair_offer(struct ice_agent *a, int base,
				const struct ice_remote *r, usec_t now)
{
	if (!ice_pair_find(a, base, &r->addr) &&
	    !pair_makes_sense(&a->bases[base].addr, &r->addr))
		return NULL;
	return ice_pair_add(a, base, r, now);
}

bool ice_pair_is_spent(const struct ice_agent *a, const struct ice_pair *p,
		       usec_t now)
{
	return p != a->selected && p != a->wanted &&
	       p->unanswered >= SPENT_CHECKS &&
	       now >= p->heard_at + SPENT_AFTER;
}

/* A peer that changes its network again and again brings new candidates for
 * as long as the call lasts; those of networks it left go first. */
static bool pair_make_room(struct ice_agent *a, usec_t now)
{
	/* The oldest stand last. */
	for (int i = a->pairs_n - 1; i >= 0; i--) {
		if (!ice_pair_is_spent(a, a->pairs[i], now))
			continue;
		ice_pair_remove(a, a->pairs[i]);
		return true;
	}
	return false;
}

struct ice_pair *ice_pair_add(struct ice_agent *a, int base,
			      const struct ice_remote *r, usec_t now)
{
	struct ice_pair *p = ice_pair_find(a, base, &r->addr);

	if (p && !p->old)
		return p;
	if (a->pairs_n == ICE_PAIRS_MAX && !pair_make_room(a, now)) {
		count_bad("ice", "pairs", "too many pairs");
		return NULL;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->base = base;
	p->remote = *r;
	p->check_at = now;
	ice_pair_set_priority(a, p);
	/* In front of a replaced pair with the same addresses. */
	memmove(a->pairs + 1, a->pairs, (size_t)a->pairs_n * sizeof(*a->pairs));
	a->pairs[0] = p;
	a->pairs_n++;
	return p;
}

void ice_pair_remove(struct ice_agent *a, struct ice_pair *p)
{
	for (int i = 0; i < a->pairs_n; i++) {
		if (a->pairs[i] != p)
			continue;
		a->pairs_n--;
		memmove(a->pairs + i, a->pairs + i + 1,
			(size_t)(a->pairs_n - i) * sizeof(*a->pairs));
		break;
	}
	if (a->wanted == p)
		a->wanted = NULL;
	if (a->selected == p)
		a->selected = NULL;
	free(p);
}

/* -- which pair ------------------------------------------------------------ */

static bool pair_is_relayed(const struct ice_agent *a, const struct ice_pair *p)
{
	return ice_base_is_relay(a, p->base) || p->remote.kind == ICE_RELAY;
}

static struct ice_pair *pair_best(const struct ice_agent *a, bool nominated,
				  usec_t now)
{
	struct ice_pair *best = NULL;

	for (int i = 0; i < a->pairs_n; i++) {
		struct ice_pair *p = a->pairs[i];

		if (p->old || !ice_pair_is_alive(p, now) ||
		    (nominated && !p->nominated) ||
		    (!nominated && a->relays_held && pair_is_relayed(a, p)))
			continue;
		if (!best || p->priority > best->priority)
			best = p;
	}
	return best;
}

static void pair_select(struct ice_agent *a, struct ice_pair *p, usec_t now)
{
	struct ice_pair *before = a->selected;

	if (before == p)
		return;
	a->selected = p;
	a->tell_selected = true;
	if (before && before->old)
		ice_pair_remove(a, before);
	/* The chosen pair is nominated at once, not at its next turn. */
	if (a->controlling)
		ice_check_send(a, p, now);
	else if (p->check_at > now + KEEP_SELECTED)
		p->check_at = now + KEEP_SELECTED;
}

static struct ice_pair *choose_controlling(struct ice_agent *a, usec_t now)
{
	struct ice_pair *s = a->selected, *best = pair_best(a, false, now);

	if (!best)
		return NULL;
	if (s && !s->old && ice_pair_is_alive(s, now) &&
	    s->priority >= best->priority)
		return s;
	return best;
}

static struct ice_pair *choose_controlled(struct ice_agent *a, usec_t now)
{
	struct ice_pair *s = a->selected, *best;

	if (ice_pair_is_alive(a->wanted, now))
		return a->wanted;
	if (s && !s->old && s->nominated && ice_pair_is_alive(s, now))
		return s;
	best = pair_best(a, true, now);
	/* Nothing nominated yet: any working pair may carry data already. */
	return best ? best : choose_controlling(a, now);
}

void ice_selection_update(struct ice_agent *a, usec_t now)
{
	struct ice_pair *p = a->controlling ? choose_controlling(a, now)
					    : choose_controlled(a, now);

	if (p)
		pair_select(a, p, now);
}

/* E.7: "as controlled follow the latest nominated valid pair". A peer that
 * nominates aggressively names several; of these the best one counts, as long
 * as the peer goes on naming it. */
void ice_pair_nominate(struct ice_agent *a, struct ice_pair *p,
		       const struct ice_message *m, usec_t now)
{
	const struct ice_pair *s = a->wanted ? a->wanted : a->selected;
	bool follow;

	if (!s || s->old || !s->nominated || s == p ||
	    (s->succeeded && !ice_pair_is_alive(s, now)))
		follow = true;
	else if (m->has_nomination)
		follow = m->nomination > s->nomination;
	else
		follow = p->priority > s->priority ||
			 now > s->nominated_at + NOMINATION_STALE;
	p->nominated = true;
	p->nominated_at = now;
	if (m->has_nomination && m->nomination > p->nomination)
		p->nomination = m->nomination;
	if (follow)
		a->wanted = p;
}

/* -- checks ---------------------------------------------------------------- */

static usec_t repeat_after(const struct ice_agent *a, const struct ice_pair *p)
{
	usec_t rtt = 2 * p->rtt;

	if (p == a->selected)
		return rtt > REPEAT_SELECTED ? rtt : REPEAT_SELECTED;
	if (a->selected && a->state == ICE_CONNECTED)
		return p->unanswered < 12 ? REPEAT_SPARE : REPEAT_SPARE_REST;
	if (p->unanswered < 10)
		return REPEAT_FAST;
	return p->unanswered < 30 ? REPEAT_SLOW : REPEAT_REST;
}

static void check_write(const struct ice_agent *a, const struct ice_pair *p,
			const struct ice_check *c, struct ice_message_out *o)
{
	char username[sizeof(a->remote_ufrag) + sizeof(a->ufrag)];
	size_t n;

	/* E.7: "USERNAME = peer_ufrag:own_ufrag". */
	n = strlen(a->remote_ufrag);
	memcpy(username, a->remote_ufrag, n);
	username[n++] = ':';
	memcpy(username + n, a->ufrag, strlen(a->ufrag));
	n += strlen(a->ufrag);
	ice_message_begin(o, ICE_REQUEST, c->tid);
	ice_message_put(o, ICE_ATTR_USERNAME, username, n);
	ice_message_put_u64(
		o, a->controlling ? ICE_ATTR_CONTROLLING : ICE_ATTR_CONTROLLED,
		a->tie_breaker);
	ice_message_put_u32(o, ICE_ATTR_PRIORITY,
			    ice_candidate_priority(a, ICE_PRFLX, p->base));
	if (a->controlling && p == a->selected)
		ice_message_put(o, ICE_ATTR_USE_CANDIDATE, NULL, 0);
	ice_message_end(o, a->remote_pwd);
}

void ice_check_send(struct ice_agent *a, struct ice_pair *p, usec_t now)
{
	struct ice_check *c = &p->checks[p->check_next];
	struct ice_message_out o;

	if (!a->has_remote || p->old)
		return;
	p->check_next = (p->check_next + 1) % ICE_CHECKS_KEPT;
	ice_agent_random(a, c->tid, sizeof(c->tid));
	c->at = now;
	c->controlling = a->controlling;
	c->open = true;
	check_write(a, p, c, &o);
	p->triggered = false;
	p->check_at = now + repeat_after(a, p);
	p->sent_at = now;
	p->sent++;
	p->unanswered++;
	a->pace_at = now + ICE_PACE;
	if (!o.bad)
		a->conf.handlers.send(p->base, &p->remote.addr,
				      bytes_of(o.p, o.n), a->conf.arg);
}

static bool check_comes_before(const struct ice_pair *p,
			       const struct ice_pair *q)
{
	if (p->triggered != q->triggered)
		return p->triggered;
	if (p->check_at != q->check_at)
		return p->check_at < q->check_at;
	return p->priority > q->priority;
}

static struct ice_pair *check_first(const struct ice_agent *a)
{
	struct ice_pair *first = NULL;

	for (int i = 0; i < a->pairs_n; i++) {
		struct ice_pair *p = a->pairs[i];

		if (!p->old && (!first || check_comes_before(p, first)))
			first = p;
	}
	return first;
}

static usec_t check_due(const struct ice_agent *a, const struct ice_pair *p)
{
	usec_t at = p->triggered ? 0 : p->check_at;

	return at > a->pace_at ? at : a->pace_at;
}

usec_t ice_check_deadline(const struct ice_agent *a)
{
	const struct ice_pair *p = a->has_remote ? check_first(a) : NULL;

	return p ? check_due(a, p) : USEC_NEVER;
}

void ice_check_next(struct ice_agent *a, usec_t now)
{
	struct ice_pair *p = a->has_remote ? check_first(a) : NULL;

	if (p && check_due(a, p) <= now)
		ice_check_send(a, p, now);
}

usec_t ice_pair_keep_after(const struct ice_agent *a, const struct ice_pair *p)
{
	return p == a->selected ? KEEP_SELECTED : KEEP_SPARE;
}
