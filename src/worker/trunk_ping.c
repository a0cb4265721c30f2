/* Are the PBXs there? OPTIONS to each, and to each contact that is registered,
 * when the trunk's `keepalive` says so. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "bus/manager_worker.h"
#include "sip/ping.h"
#include "worker/internal.h"

struct trunk_ping {
	struct le le;
	struct worker_trunk *trunk;
	char contact[sizeof(
		((struct sip_binding *)0)->contact)]; /* "": the PBX */
	struct sip_ping *ping;
	bool silent;
};

static void destructor(void *p)
{
	struct trunk_ping *tp = p;

	list_unlink(&tp->le);
	sip_ping_free(&tp->ping);
}

static struct trunk_ping *ping_find(const struct worker_trunk *t,
				    const char *contact)
{
	struct le *le;

	LIST_FOREACH(&t->pings, le)
	{
		struct trunk_ping *tp = le->data;

		if (strcmp(tp->contact, contact) == 0)
			return tp;
	}
	return NULL;
}

bool worker_trunk_is_there(const struct worker *w, const char *trunk,
			   const char *contact)
{
	const struct worker_trunk *t = worker_trunk_by_name(w, trunk);
	const struct trunk_ping *tp = t ? ping_find(t, contact) : NULL;

	return !tp || !tp->silent;
}

/* One phone of several that is gone does not make the trunk unreachable. */
static bool all_silent(const struct worker_trunk *t)
{
	struct le *le;

	LIST_FOREACH(&t->pings, le)
	if (!((struct trunk_ping *)le->data)->silent)
		return false;
	return t->pings.head != NULL;
}

static void tell(struct worker_trunk *t, const char *cause)
{
	bool unreachable = all_silent(t);

	if (unreachable == t->unreachable)
		return;
	t->unreachable = unreachable;
	worker_publish(t->worker, BUS_MANAGER_REACHABLE,
		       json_pack("{ss ss sb ss}", "worker", t->worker->id,
				 "trunk", t->set.name, "reachable",
				 !unreachable, "cause",
				 unreachable ? cause : ""));
}

static void on_changed(bool there, const char *cause, void *arg)
{
	struct trunk_ping *tp = arg;
	struct worker_trunk *t = tp->trunk;

	if (there && tp->silent)
		log_info("worker", t->set.name, "answers again");
	else if (!there)
		log_warn("worker", t->set.name, "unreachable: %s", cause);
	tp->silent = !there;
	tell(t, cause);
}

static void ping_add(struct worker_trunk *t, const char *contact,
		     struct sip_ping_conf *conf)
{
	struct trunk_ping *tp = mem_zalloc(sizeof(*tp), destructor);

	if (!tp)
		return;
	tp->trunk = t;
	snprintf(tp->contact, sizeof(tp->contact), "%s", contact);
	conf->interval_s = t->set.keepalive;
	if (sip_ping_new(&tp->ping, t->worker->sip, conf, on_changed, tp))
		mem_deref(tp);
	else
		list_append(&t->pings, &tp->le, tp);
}

void worker_trunk_ping_binding(struct worker_trunk *t,
			       const struct sip_binding *b)
{
	struct sip_place place = {0};
	struct sip_ping_conf conf = {.uri = b->contact};

	if (!t->set.keepalive)
		return;
	if (ping_find(t, b->contact)) {
		worker_trunk_seen(t, b->contact);
		return;
	}
	if (sip_place_route(&place, b))
		conf.route = place.route;
	ping_add(t, b->contact, &conf);
}

void worker_trunk_seen(struct worker_trunk *t, const char *contact)
{
	struct trunk_ping *tp = ping_find(t, contact);

	if (tp)
		sip_ping_seen(tp->ping);
}

void worker_trunk_ping_tell(struct worker_trunk *t)
{
	if (!t->unreachable)
		return;
	t->unreachable = false;
	tell(t, "no answer");
}

void worker_trunk_ping_forget(struct worker_trunk *t, const char *contact)
{
	mem_deref(ping_find(t, contact));
	tell(t, "");
}

void worker_trunk_ping(struct worker_trunk *t)
{
	const struct sip_binding *list[SIP_PLACE_BINDINGS];
	struct sip_invite_conf invite = {0};
	struct sip_place place = {0};
	struct sip_ping_conf conf;
	size_t n;

	list_flush(&t->pings);
	if (!worker_trunk_runs(t)) {
		tell(t, "");
		return;
	}
	if (t->set.keepalive && t->set.kind == TRUNK_PBX_TO_GATEWAY) {
		n = sip_stack_bindings(t->worker->sip, t->set.login, list,
				       SIP_PLACE_BINDINGS);
		for (size_t i = 0; i < n; i++)
			worker_trunk_ping_binding(t, list[i]);
	} else if (t->set.keepalive) {
		sip_place_pbx(&place, &invite, t, "");
		conf = (struct sip_ping_conf){
			.uri = place.uri,
			.route = invite.route,
			.tls_name = invite.tls_name,
			.tls_verify = invite.tls_verify,
		};
		/* Without it a name is asked for by TLS and TCP first. */
		if (!conf.route && invite.servers) {
			snprintf(place.route, sizeof(place.route),
				 "sip:%s;lr;transport=%s", t->set.domain,
				 invite.servers_transport);
			conf.route = place.route;
		}
		ping_add(t, "", &conf);
	}
	tell(t, "");
}
