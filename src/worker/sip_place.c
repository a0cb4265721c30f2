/* Where a call to a trunk goes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sip/address.h"
#include "worker/internal.h"

/* A contact that names another address than the REGISTER came from means
 * nothing here: only the way it came leads back. (Another port alone may be
 * meant: some phones send from one and listen at another.) */
static bool behind_nat(const struct sip_binding *b)
{
	struct uri uri;
	struct sa host;
	struct pl contact;

	pl_set_str(&contact, b->contact);
	return !uri_decode(&uri, &contact) && !sa_set(&host, &uri.host, 0) &&
	       !sa_cmp(&host, &b->source, SA_ADDR);
}

static int place_of_binding(struct sip_place *p, struct sip_invite_conf *conf,
			    const struct worker *w,
			    const struct worker_trunk *t)
{
	const struct sip_binding *b;

	if (!sip_stack_bindings(w->sip, t->set.login, &b, 1))
		return -ENOTCONN;
	p->peer = b->source;
	snprintf(p->uri, sizeof(p->uri), "%s", b->contact);
	/* RFC 5626 5.3: what came by a connection is called on it. */
	if (behind_nat(b) || strncmp(b->path, "udp:", 4) != 0) {
		snprintf(p->route, sizeof(p->route), "%s", b->path);
		conf->route = p->route;
	}
	return 0;
}

static const char *transport_parameter(const struct worker_trunk *t)
{
	switch (t->set.transport) {
	case TRUNK_TCP:
		return ";transport=tcp";
	case TRUNK_TLS:
		return ";transport=tls";
	default:
		return "";
	}
}

static int place_of_registrar(struct sip_place *p, struct sip_invite_conf *conf,
			      const struct worker_trunk *t)
{
	const char *transport = transport_parameter(t);

	if (t->status.state != SIP_REGISTRATION_UP)
		return -ENOTCONN;
	p->peer = t->status.registrar;
	snprintf(p->uri, sizeof(p->uri), "sip:%s@%s%s", t->set.number,
		 t->set.domain, transport);
	snprintf(p->host, sizeof(p->host), "%.*s",
		 (int)address_host_length(t->set.domain), t->set.domain);
	conf->from_host = p->host;
	conf->tls_name = t->set.domain;
	conf->tls_verify = t->set.tls_verify;
	conf->auth_user = t->set.login;
	conf->auth_password = t->set.password;
	if (*t->set.proxy) {
		snprintf(p->route, sizeof(p->route), "sip:%s;lr%s",
			 t->set.proxy, transport);
		conf->route = p->route;
	}
	return 0;
}

static int place_of_peer(struct sip_place *p, struct sip_invite_conf *conf,
			 const struct worker_trunk *t)
{
	if (!sa_isset(&t->address, SA_ADDR))
		return -ENOTCONN;
	p->peer = t->address;
	snprintf(p->uri, sizeof(p->uri), "sip:%s@%s%s", t->set.number,
		 t->set.address, transport_parameter(t));
	conf->tls_name = t->set.address;
	conf->tls_verify = t->set.tls_verify;
	return 0;
}

int sip_place_find(struct sip_place *p, struct sip_invite_conf *conf,
		   const struct worker *w, const struct worker_trunk *t)
{
	conf->uri = p->uri;
	switch (t->set.kind) {
	case TRUNK_GATEWAY_TO_PBX:
		return place_of_registrar(p, conf, t);
	case TRUNK_IP:
		return place_of_peer(p, conf, t);
	default:
		return place_of_binding(p, conf, w, t);
	}
}
