/* REGISTER (RFC 3261 10.3). The order of checks is that of behaviour 3.4; the
 * owner's part of it comes after the password. */
#include "sip/stack_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sip/address.h"

/* Contacts looked at in one request; more is no phone. */
#define CONTACTS_MAX 8
/* libre drops a connection that said nothing for 15 minutes, and with it the
 * way back to the phone: it has to register more often than that. */
#define CONNECTION_EXPIRES_MAX_S 600

struct registration {
	struct sip_stack *stack;
	const struct sip_msg *msg;
	usec_t now;
	char aor[128];
	char call_id[128];
	bool star;
	unsigned code; /* of a refusal, 0: none */
	char reason[129];
	size_t contacts_n;
	struct {
		char uri[512];
		unsigned expires_s;
	} contacts[CONTACTS_MAX];
};

static bool refuse(struct registration *r, unsigned code, const char *reason)
{
	r->code = code;
	str_ncpy(r->reason, reason, sizeof(r->reason));
	return true; /* ends the walk over the contacts */
}

/* RFC 3261 10.2.1.1: the contact's own parameter, else Expires, else ours. A
 * malformed value counts as not given (20.19). */
static unsigned expires_wanted(const struct registration *r,
			       const struct sip_addr *addr)
{
	struct bytes given[2] = {
		{0}, bytes_of(r->msg->expires.p, r->msg->expires.l)};
	struct pl pl;
	uint64_t n;

	if (!msg_param_decode(&addr->params, "expires", &pl))
		given[0] = bytes_of(pl.p, pl.l);
	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		if (head_number(head_trim(given[i]), UINT64_MAX, &n))
			return n > UINT32_MAX ? UINT32_MAX : (unsigned)n;
	return r->stack->expires_default_s;
}

static bool contact_read(const struct sip_hdr *hdr, const struct sip_msg *msg,
			 void *arg)
{
	struct registration *r = arg;
	const struct sip_stack *s = r->stack;
	struct sip_addr addr;
	unsigned expires;

	if (pl_strcmp(&hdr->val, "*") == 0) {
		r->star = true;
		return false;
	}
	if (sip_addr_decode(&addr, &hdr->val) ||
	    addr.auri.l >= sizeof(r->contacts[0].uri) ||
	    r->contacts_n == CONTACTS_MAX)
		return refuse(r, 400, "Bad Contact");
	expires = expires_wanted(r, &addr);
	if (expires && expires < s->expires_min_s)
		return refuse(r, 423, "Interval Too Brief");
	if (expires > s->expires_max_s)
		expires = s->expires_max_s;
	if (msg->tp != SIP_TRANSP_UDP)
		expires = MIN(expires, CONNECTION_EXPIRES_MAX_S);
	(void)pl_strcpy(&addr.auri, r->contacts[r->contacts_n].uri,
			sizeof(r->contacts[0].uri));
	r->contacts[r->contacts_n++].expires_s = expires;
	return false;
}

static void binding_fill(const struct registration *r, struct sip_binding *b,
			 const char *contact, unsigned expires_s)
{
	const struct sip_hdr *agent = sip_msg_hdr(r->msg, SIP_HDR_USER_AGENT);

	*b = (struct sip_binding){.source = *stack_source(r->stack, r->msg)};
	str_ncpy(b->aor, r->aor, sizeof(b->aor));
	str_ncpy(b->contact, contact, sizeof(b->contact));
	connection_path(b->path, r->msg);
	if (agent) {
		struct pl pl = agent->val;

		if (pl.l >= sizeof(b->user_agent))
			pl.l = sizeof(b->user_agent) - 1;
		(void)pl_strcpy(&pl, b->user_agent, sizeof(b->user_agent));
	}
	if (expires_s)
		b->expires_at = r->now + expires_s * USEC_S;
}

/* The owner's word on one contact. */
static bool permitted(struct registration *r, struct sip_binding *b,
		      unsigned expires_s, unsigned *bindings)
{
	const struct sip_stack *s = r->stack;
	struct sip_verdict v = {.expires_s = expires_s};

	if (s->handlers.registering)
		s->handlers.registering(b, expires_s == 0, &v, s->arg);
	if (v.code != 0 && v.code != 200) {
		(void)refuse(r, v.code, v.reason);
		return false;
	}
	*bindings = v.bindings ? v.bindings : 1;
	if (expires_s && v.expires_s && v.expires_s < expires_s)
		b->expires_at = r->now + v.expires_s * USEC_S;
	return true;
}

static void removed(struct registration *r, int err)
{
	if (err == -ESTALE)
		(void)refuse(r, 500, "Server Internal Error");
}

static void contacts_apply(struct registration *r)
{
	struct registrar *registrar = r->stack->registrar;
	uint32_t seq = r->msg->cseq.num;
	struct sip_binding b;
	unsigned bindings;
	int err;

	if (r->star) {
		binding_fill(r, &b, "*", 0);
		if (permitted(r, &b, 0, &bindings))
			removed(r, registrar_remove(registrar, r->aor, NULL,
						    r->call_id, seq));
		return;
	}
	for (size_t i = 0; i < r->contacts_n && !r->code; i++) {
		unsigned expires = r->contacts[i].expires_s;

		binding_fill(r, &b, r->contacts[i].uri, expires);
		if (!permitted(r, &b, expires, &bindings))
			return;
		if (!expires) {
			removed(r,
				registrar_remove(registrar, r->aor, b.contact,
						 r->call_id, seq));
			continue;
		}
		err = registrar_set(registrar, &b, bindings, r->call_id, seq);
		if (err)
			(void)refuse(r, 500, "Server Internal Error");
	}
}

static void answer_bindings(const struct registration *r)
{
	const struct sip_binding *list[CONTACTS_MAX];
	struct sip_stack *s = r->stack;
	size_t n = registrar_find(s->registrar, r->aor, r->now, list,
				  CONTACTS_MAX);
	struct buf lines;

	buf_init(&lines);
	for (size_t i = 0; i < n; i++)
		buf_printf(&lines, "Contact: <%s>;expires=%" PRIu64 "\r\n",
			   list[i]->contact,
			   (list[i]->expires_at - r->now + USEC_S - 1) /
				   USEC_S);
	/* By a transaction: a repeated datagram must get this answer again,
	 * its nonce count is used up. */
	(void)sip_treplyf(NULL, NULL, s->sip, r->msg, false, 200, "OK",
			  "%sContent-Length: 0\r\n\r\n", buf_cstr(&lines));
	buf_clear(&lines);
}

static void answer_refusal(const struct registration *r)
{
	char lines[32] = "";

	if (r->code == 423)
		(void)re_snprintf(lines, sizeof(lines), "Min-Expires: %u\r\n",
				  r->stack->expires_min_s);
	stack_refuse(r->stack, r->msg, r->code, r->reason, lines);
}

static void contacts_collect(struct registration *r)
{
	struct bytes expires = bytes_of(r->msg->expires.p, r->msg->expires.l);

	(void)sip_msg_hdr_apply(r->msg, true, SIP_HDR_CONTACT, contact_read, r);
	/* RFC 3261 10.2.2: "*" goes alone and with Expires: 0. */
	if (!r->code && r->star &&
	    (r->contacts_n || !head_is(head_trim(expires), "0")))
		(void)refuse(r, 400, "Bad Contact");
}

void register_request(struct sip_stack *s, const struct sip_msg *msg)
{
	struct registration *r;
	char user[128];

	if (!auth_admit(s, msg, true) || !auth_check(s, msg, user))
		return;
	r = calloc(1, sizeof(*r));
	if (!r) {
		stack_refuse(s, msg, 500, "Server Internal Error", NULL);
		return;
	}
	r->stack = s;
	r->msg = msg;
	r->now = clock_now();
	address_read_user(r->aor, sizeof(r->aor),
			  bytes_of(msg->to.uri.user.p, msg->to.uri.user.l));
	(void)pl_strcpy(&msg->callid, r->call_id, sizeof(r->call_id));
	/* RFC 3261 10.3, 4: a user registers for himself only. */
	if (strcmp(r->aor, user) != 0)
		(void)refuse(r, 403, "Forbidden");
	else
		contacts_collect(r);
	if (!r->code)
		contacts_apply(r);
	if (r->code)
		answer_refusal(r);
	else
		answer_bindings(r);
	free(r);
	connection_watch(s, msg);
	register_timer_start(s);
}

static void expire_handler(void *arg)
{
	struct sip_stack *s = arg;

	registrar_expire(s->registrar, clock_now());
	register_timer_start(s);
}

void register_timer_start(struct sip_stack *s)
{
	usec_t deadline = registrar_deadline(s->registrar), now = clock_now();

	if (deadline == USEC_NEVER || s->closing)
		tmr_cancel(&s->registrar_timer);
	else
		tmr_start(&s->registrar_timer,
			  deadline > now ? (deadline - now) / USEC_MS + 1 : 0,
			  expire_handler, s);
}
