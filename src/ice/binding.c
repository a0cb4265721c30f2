/* Binding requests of the peer and the answers to ours (RFC 8445 7.2, 7.3). */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "ice/agent_internal.h"
#include "ice/reflector.h"

static void reply_send(struct ice_agent *a, int base, const struct sa *dst,
		       struct ice_message_out *o)
{
	if (!o->bad)
		a->conf.handlers.send(base, dst, bytes_of(o->p, o->n),
				      a->conf.arg);
}

static void error_send(struct ice_agent *a, int base, const struct sa *dst,
		       const struct ice_message *m, uint16_t code,
		       const char *reason)
{
	struct ice_message_out o;
	uint8_t list[16];

	ice_message_begin(&o, ICE_ERROR, m->tid);
	ice_message_put_error(&o, code, reason);
	if (code == 420) {
		for (size_t i = 0; i < m->unknown_n; i++)
			be16_store(list + 2 * i, m->unknown[i]);
		ice_message_put(&o, ICE_ATTR_UNKNOWN_ATTRIBUTES, list,
				(size_t)2 * m->unknown_n);
	}
	/* RFC 8489 9.1.3: no integrity in answers to requests that had none
	 * that we could check. */
	ice_message_end(&o, code < 402 ? NULL : a->pwd);
	reply_send(a, base, dst, &o);
}

static void success_send(struct ice_agent *a, int base, const struct sa *dst,
			 const struct ice_message *m)
{
	struct ice_message_out o;

	ice_message_begin(&o, ICE_SUCCESS, m->tid);
	/* A reflector's ports have names only; the apps give the server's
	 * address. */
	ice_message_put_address(&o, ice_reflector_is_address(dst)
					    ? &a->bases[base].server
					    : dst);
	/* E.7: "RETRANSMIT-COUNT 0xFF00 (echo it in the response)". */
	if (m->has_retransmit)
		ice_message_put(&o, ICE_ATTR_RETRANSMIT_COUNT, m->retransmit.p,
				m->retransmit.n);
	ice_message_end(&o, a->pwd);
	reply_send(a, base, dst, &o);
}

/* USERNAME of a request to us is "own_ufrag:peer_ufrag". The second part is
 * not compared: it may belong to a restart that signalling still carries. */
static bool username_is_ours(const struct ice_agent *a,
			     const struct ice_message *m)
{
	size_t n = strlen(a->ufrag);

	return m->has_username && m->username.n > n &&
	       memcmp(m->username.p, a->ufrag, n) == 0 &&
	       m->username.p[n] == ':';
}

static void role_set(struct ice_agent *a, bool controlling)
{
	if (a->controlling == controlling)
		return;
	a->controlling = controlling;
	for (int i = 0; i < a->pairs_n; i++)
		ice_pair_set_priority(a, a->pairs[i]);
}

/* RFC 8445 7.3.1.1. false: answered with 487. */
static bool role_settle(struct ice_agent *a, const struct ice_message *m)
{
	bool larger = a->tie_breaker >= m->tie_breaker;

	if (a->controlling && m->has_controlling) {
		if (larger)
			return false;
		role_set(a, false);
	} else if (!a->controlling && m->has_controlled) {
		if (!larger)
			return false;
		role_set(a, true);
	}
	return true;
}

static struct ice_pair *request_pair(struct ice_agent *a, int base,
				     const struct sa *src,
				     const struct ice_message *m, usec_t now)
{
	struct ice_pair *p = ice_pair_find(a, base, src);
	struct ice_remote r = {.addr = *src, .kind = ICE_PRFLX};

	if (p && !p->old)
		return p;
	/* RFC 8445 7.3.1.3: a peer-reflexive candidate. */
	r.priority = m->has_priority
			     ? m->priority
			     : ice_candidate_priority(a, ICE_PRFLX, base);
	for (int i = 0; i < a->remotes_n; i++)
		if (sa_cmp(&a->remotes[i].addr, src, SA_ALL))
			r = a->remotes[i];
	return ice_pair_add(a, base, &r, now);
}

static int request_input(struct ice_agent *a, int base, const struct sa *src,
			 const struct ice_message *m, struct bytes datagram,
			 usec_t now)
{
	struct ice_pair *p;

	if (m->method != 1)
		return -EBADMSG;
	if (!m->has_username || (!m->integrity_at && !a->trusting)) {
		error_send(a, base, src, m, 400, "Bad Request");
		count_bad("ice", "unsigned", "request without credentials");
		return -EBADMSG;
	}
	if (!a->trusting && (!username_is_ours(a, m) ||
			     !ice_message_integrity_ok(m, datagram, a->pwd))) {
		error_send(a, base, src, m, 401, "Unauthorized");
		count_bad("ice", "unauthorized", "request not for us");
		return -EBADMSG;
	}
	if (m->unknown_n) {
		error_send(a, base, src, m, 420, "Unknown Attribute");
		count_bad("ice", "unknown-attribute", "request answered 420");
		return 0;
	}
	if (!role_settle(a, m)) {
		error_send(a, base, src, m, 487, "Role Conflict");
		count_add("ice", "role-conflict", 1);
		return 0;
	}
	/* An answered check is leave to send here: it must have a pair, be
	 * it one that we would not have tried. */
	p = request_pair(a, base, src, m, now);
	if (!p)
		return 0;
	success_send(a, base, src, m);
	p->heard_at = now;
	if (!a->controlling && (m->use_candidate || m->has_nomination))
		ice_pair_nominate(a, p, m, now);
	/* RFC 8445 7.3.1.4: the triggered check, at once if none is under way
	 * in this pacing interval. */
	if (!ice_pair_is_alive(p, now) || p->unanswered > 2) {
		p->triggered = true;
		if (p->sent == 0 || now >= p->sent_at + ICE_PACE)
			ice_check_send(a, p, now);
	}
	return 0;
}

/* -- answers --------------------------------------------------------------- */

static struct ice_check *check_find(struct ice_agent *a, struct ice_pair **pp,
				    const uint8_t *tid)
{
	for (int i = 0; i < a->pairs_n; i++) {
		for (int k = 0; k < ICE_CHECKS_KEPT; k++) {
			struct ice_check *c = &a->pairs[i]->checks[k];

			if (!c->open || memcmp(c->tid, tid, ICE_TID_BYTES) != 0)
				continue;
			*pp = a->pairs[i];
			return c;
		}
	}
	return NULL;
}

static void check_succeeded(struct ice_agent *a, struct ice_pair *p,
			    const struct ice_message *m,
			    const struct ice_check *c, usec_t now)
{
	usec_t rtt = now - c->at;

	p->rtt = p->succeeded ? (7 * p->rtt + rtt) / 8 : rtt;
	p->succeeded = true;
	p->unanswered = 0;
	p->answered_at = p->heard_at = now;
	p->check_at = now + ice_pair_keep_after(a, p);
	/* RFC 8445 7.2.5.3.1: an address of ours that nobody told us. It is
	 * not signalled: the peer knows it. */
	if (m->has_mapped && !ice_base_is_relay(a, p->base))
		ice_agent_local_add(a, ICE_PRFLX, &m->mapped, p->base);
}

static int check_answered(struct ice_agent *a, struct ice_pair *p,
			  struct ice_check *c, int base, const struct sa *src,
			  const struct ice_message *m, struct bytes datagram,
			  usec_t now)
{
	bool signed_well = a->trusting ||
			   ice_message_integrity_ok(m, datagram, a->remote_pwd);

	/* RFC 8445 7.2.5.2.1: from where the request went, or it is worth
	 * nothing. */
	if (base != p->base || !sa_cmp(src, &p->remote.addr, SA_ALL)) {
		count_add("ice", "asymmetric", 1);
		return 0;
	}
	if (m->cls == ICE_ERROR) {
		c->open = false;
		if (m->error == 487 && (signed_well || !m->integrity_at)) {
			role_set(a, !c->controlling);
			p->triggered = true;
		}
		return 0;
	}
	if (!signed_well) {
		count_bad("ice", "forged-answer",
			  "answer with wrong integrity");
		return -EBADMSG;
	}
	c->open = false;
	check_succeeded(a, p, m, c, now);
	return 0;
}

static bool query_answered(struct ice_agent *a, int base, const struct sa *src,
			   const struct ice_message *m)
{
	for (int i = 0; i < a->queries_n; i++) {
		struct ice_query *q = &a->queries[i];

		if (q->base != base || !sa_cmp(&q->server, src, SA_ALL) ||
		    memcmp(q->tid, m->tid, ICE_TID_BYTES) != 0)
			continue;
		if (m->cls == ICE_SUCCESS && m->has_mapped) {
			q->answered = true;
			ice_agent_local_add(a, ICE_SRFLX, &m->mapped, base);
		}
		return true;
	}
	return false;
}

static int answer_input(struct ice_agent *a, int base, const struct sa *src,
			const struct ice_message *m, struct bytes datagram,
			usec_t now)
{
	struct ice_pair *p = NULL;
	struct ice_check *c = check_find(a, &p, m->tid);

	if (c)
		return check_answered(a, p, c, base, src, m, datagram, now);
	if (query_answered(a, base, src, m))
		return 0;
	/* Late, or a second copy. */
	count_add("ice", "stray-answer", 1);
	return 0;
}

int ice_binding_input(struct ice_agent *a, int base, const struct sa *src,
		      const struct ice_message *m, struct bytes datagram,
		      usec_t now)
{
	switch (m->cls) {
	case ICE_REQUEST:
		return request_input(a, base, src, m, datagram, now);
	case ICE_SUCCESS:
	case ICE_ERROR:
		return answer_input(a, base, src, m, datagram, now);
	case ICE_INDICATION:
		break; /* a keep-alive */
	}
	return 0;
}
