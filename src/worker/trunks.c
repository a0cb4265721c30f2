/* Trunks as the Manager announced them, and who is registered for them. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "bus/manager_worker.h"
#include "worker/internal.h"

/* Behaviour 2.2: without its Manager a Worker answers by itself. The Manager
 * announces the trunks every 2 s. */
#define MANAGER_LOST (10 * USEC_S)

bool worker_has_manager(const struct worker *w)
{
	return w->trunks_at && clock_now() - w->trunks_at < MANAGER_LOST;
}

/* Of those that register with us. */
struct worker_trunk *worker_trunk_by_login(struct worker *w, const char *login)
{
	struct le *le;

	LIST_FOREACH(&w->trunks, le)
	{
		struct worker_trunk *t = le->data;

		if (t->set.kind == TRUNK_PBX_TO_GATEWAY &&
		    strcmp(t->set.login, login) == 0)
			return t;
	}
	return NULL;
}

struct worker_trunk *worker_trunk_by_name(const struct worker *w,
					  const char *name)
{
	struct le *le;

	LIST_FOREACH(&w->trunks, le)
	{
		struct worker_trunk *t = le->data;

		if (strcmp(t->set.name, name) == 0)
			return t;
	}
	return NULL;
}

bool worker_trunk_runs(const struct worker_trunk *t)
{
	return t->set.enabled && t->here;
}

bool worker_trunk_trusts(const struct worker_trunk *t, const struct sa *source)
{
	return !t->trusted_n ||
	       sip_networks_have(t->trusted, t->trusted_n, source);
}

struct worker_trunk *worker_trunk_of(struct worker *w, const char *user,
				     const char *peer)
{
	return user ? worker_trunk_by_login(w, user)
		    : worker_trunk_by_name(w, peer);
}

/* -- who may begin -----------------------------------------------------------
 */

static void verdict_set(struct sip_verdict *v, enum cause_row row,
			const char *text)
{
	struct call_cause cause;

	call_cause_set(&cause, row, text);
	v->code = cause.code;
	snprintf(v->reason, sizeof(v->reason), "%s", cause.reason);
}

/* The first announcement is still to come. */
static bool is_new(const struct worker *w)
{
	return !w->heard && clock_now() - w->started_at < MANAGER_LOST;
}

/* Behaviour 2.2, 3.4: before anything else, and never counted as an attack. */
void worker_trunk_admit(bool registering, struct sip_verdict *v, void *arg)
{
	const struct worker *w = arg;

	if (!registering && (w->stopping || is_new(w)))
		verdict_set(v, CAUSE_WORKER_NOT_READY, NULL);
	else if (!worker_has_manager(w))
		verdict_set(v, CAUSE_NO_MANAGER, NULL);
}

/* A call to the contact we registered; a PBX that drops its parameters sends
 * to our login from the registrar's address. */
static bool is_registrar(const struct worker_trunk *t,
			 const struct sip_origin *o)
{
	if (t->set.kind != TRUNK_GATEWAY_TO_PBX || !t->registration)
		return false;
	if (*o->line)
		return strcmp(o->line, t->line) == 0;
	return t->status.state == SIP_REGISTRATION_UP &&
	       strcmp(o->user, t->set.login) == 0 &&
	       sa_cmp(&o->source, &t->status.registrar, SA_ADDR);
}

static bool is_static_peer(const struct worker_trunk *t,
			   const struct sip_origin *o)
{
	return t->set.kind == TRUNK_IP &&
	       sa_cmp(&o->source, &t->address, SA_ADDR) &&
	       (!*t->field_name ||
		sip_origin_has_header(o, t->field_name, t->field_value));
}

/* One that runs before one that does not; one that asks for a header says more
 * than one that does not. */
static bool is_better(const struct worker_trunk *t,
		      const struct worker_trunk *found)
{
	if (worker_trunk_runs(t) != worker_trunk_runs(found))
		return worker_trunk_runs(t);
	return *t->field_name && !*found->field_name;
}

bool worker_trunk_peer(const struct sip_origin *o, char name[64], void *arg)
{
	const struct worker *w = arg;
	const struct worker_trunk *found = NULL;
	struct le *le;

	LIST_FOREACH(&w->trunks, le)
	{
		const struct worker_trunk *t = le->data;

		if (!is_registrar(t, o) && !is_static_peer(t, o))
			continue;
		if (!found || is_better(t, found))
			found = t;
	}
	if (found)
		snprintf(name, 64, "%s", found->set.name);
	return found != NULL;
}

/* A PBX that never registers with us must not be silenced by forged packets. */
bool worker_trunk_known(const struct sa *source, void *arg)
{
	const struct worker *w = arg;
	struct le *le;

	LIST_FOREACH(&w->trunks, le)
	{
		const struct worker_trunk *t = le->data;
		const struct sa *sa = t->set.kind == TRUNK_IP
					      ? &t->address
					      : &t->status.registrar;

		if (sa_isset(sa, SA_ADDR) && sa_cmp(sa, source, SA_ADDR))
			return true;
	}
	return false;
}

void worker_trunk_credentials(const char *user, const struct sa *source,
			      struct sip_credentials *creds, void *arg)
{
	struct worker_trunk *t = worker_trunk_by_login(arg, user);

	if (!t)
		return;
	creds->known = true;
	creds->untrusted = !worker_trunk_trusts(t, source);
	snprintf(creds->password, sizeof(creds->password), "%s",
		 t->set.password);
	creds->owner = t;
}

static void announce_binding(struct worker *w, const struct sip_binding *b,
			     unsigned expires_s)
{
	struct worker_trunk *t = worker_trunk_by_login(w, b->aor);
	char source[64], contact[sizeof(b->contact)];
	char user_agent[sizeof(b->user_agent)];

	if (!t)
		return;
	re_snprintf(source, sizeof(source), "%J", &b->source);
	text_clean(contact, sizeof(contact), bytes_str(b->contact));
	text_clean(user_agent, sizeof(user_agent), bytes_str(b->user_agent));
	log_info("worker", t->set.name, "%s %s",
		 expires_s ? "registered from" : "unregistered", source);
	worker_publish(w, BUS_MANAGER_REGISTERED,
		       json_pack("{ss ss ss ss ss si}", "worker", w->id,
				 "trunk", t->set.name, "contact", contact,
				 "source", source, "user_agent", user_agent,
				 "expires_s", (int)expires_s));
}

/* A PBX whose trunk is switched off need not register first to hear it. */
void worker_trunk_calling(const char *user, struct sip_verdict *v, void *arg)
{
	const struct worker_trunk *t = worker_trunk_by_login(arg, user);

	if (t && !t->set.enabled)
		verdict_set(v, CAUSE_ACCOUNT_NOT_RUNNING, NULL);
}

/* A Manager that came back knows of no registration. */
void worker_trunks_tell(struct worker *w)
{
	usec_t now = clock_now();
	struct le *le;

	LIST_FOREACH(&w->trunks, le)
	{
		struct worker_trunk *t = le->data;
		const struct sip_binding *b;

		if (t->set.kind == TRUNK_PBX_TO_GATEWAY &&
		    sip_stack_bindings(w->sip, t->set.login, &b, 1))
			announce_binding(
				w, b,
				(unsigned)((b->expires_at - now) / USEC_S) + 1);
		worker_trunk_registration_tell(t);
		worker_trunk_ping_tell(t);
	}
}

void worker_trunk_registering(const struct sip_binding *b, bool removal,
			      struct sip_verdict *v, void *arg)
{
	struct worker *w = arg;
	struct worker_trunk *t = worker_trunk_by_login(w, b->aor);
	usec_t now = clock_now();

	/* Behaviour 3.4, rows 6 to 12: the Manager has decided. */
	if (t && t->refusal != CAUSE_ROWS && !removal) {
		verdict_set(v, t->refusal, t->refusal_text);
		return;
	}
	/* A removal counts when it has happened: worker_trunk_unregistered().
	 */
	if (!t || removal || b->expires_at <= now)
		return;
	v->bindings = t->set.bindings;
	announce_binding(w, b, (unsigned)((b->expires_at - now) / USEC_S));
	worker_trunk_ping_binding(t, b);
}

/* An older contact made room, or was given up: the newer one stands. */
void worker_trunk_unregistered(const struct sip_binding *b, void *arg)
{
	struct worker *w = arg;
	struct worker_trunk *t = worker_trunk_by_login(w, b->aor);
	const struct sip_binding *other;

	if (t)
		worker_trunk_ping_forget(t, b->contact);
	if (!sip_stack_bindings(w->sip, b->aor, &other, 1))
		announce_binding(w, b, 0);
}
