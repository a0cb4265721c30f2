/* Where a call to a trunk goes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

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

/* The user part of a URI, escaped: three characters of each at most. */
#define USER_MAX (3 * sizeof(((struct trunk *)0)->number))

static void user_escape(char dst[USER_MAX], const char *user)
{
	struct buf text;

	buf_init(&text);
	address_write_user(&text, user);
	snprintf(dst, USER_MAX, "%s", buf_cstr(&text));
	buf_clear(&text);
}

/* The contact with another user: who is called there. Other URIs than SIP's
 * are left. */
static void contact_with_user(char *dst, size_t room, const char *contact,
			      const char *user)
{
	const char *rest = strchr(contact, ':');
	const char *at = rest ? strchr(rest, '@') : NULL;
	char escaped[USER_MAX];

	if (!rest || strncasecmp(contact, "sip", 3) != 0)
		return;
	user_escape(escaped, user);
	(void)re_snprintf(dst, room, "%b:%s@%s", contact,
			  (size_t)(rest - contact), escaped,
			  at ? at + 1 : rest + 1);
}

size_t sip_place_bindings(const struct worker *w, const struct worker_trunk *t,
			  const struct sip_binding *list[SIP_PLACE_BINDINGS])
{
	size_t n = sip_stack_bindings(w->sip, t->set.login, list,
				      SIP_PLACE_BINDINGS);
	size_t there = 0;

	for (size_t i = 0; i < n; i++)
		if (worker_trunk_is_there(w, t->set.name, list[i]->contact))
			list[there++] = list[i];
	return there;
}

bool sip_place_route(struct sip_place *p, const struct sip_binding *b)
{
	/* RFC 5626 5.3: what came by a connection is called on it. */
	if (!behind_nat(b) && strncmp(b->path, "udp:", 4) == 0)
		return false;
	snprintf(p->route, sizeof(p->route), "%s", b->path);
	return true;
}

static int place_of_binding(struct sip_place *p, struct sip_invite_conf *conf,
			    const struct worker *w,
			    const struct worker_trunk *t, const char *contact)
{
	const struct sip_binding *list[SIP_PLACE_BINDINGS], *b;
	size_t n = sip_place_bindings(w, t, list), i = 0;

	while (i < n && *contact && strcmp(list[i]->contact, contact) != 0)
		i++;
	if (i == n)
		return -ENOTCONN;
	b = list[i];
	p->peer = b->source;
	snprintf(p->uri, sizeof(p->uri), "%s", b->contact);
	/* Behaviour Q-9: the number of a message. */
	if (*t->set.number)
		contact_with_user(p->uri, sizeof(p->uri), b->contact,
				  t->set.number);
	if (sip_place_route(p, b))
		conf->route = p->route;
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

static const char *transport_name_of(const struct worker_trunk *t)
{
	const char *parameter = transport_parameter(t);

	return *parameter ? strchr(parameter, '=') + 1 : "udp";
}

/* "USER@", or nothing. */
static void user_at(char dst[USER_MAX + 1], const char *user)
{
	*dst = '\0';
	if (!*user)
		return;
	user_escape(dst, user);
	strcat(dst, "@");
}

static void place_of_registrar(struct sip_place *p,
			       struct sip_invite_conf *conf,
			       const struct worker_trunk *t, const char *user)
{
	const char *transport = transport_parameter(t);

	snprintf(p->uri, sizeof(p->uri), "sip:%s%s%s", user, t->set.domain,
		 transport);
	snprintf(p->host, sizeof(p->host), "%.*s",
		 (int)address_host_length(t->set.domain), t->set.domain);
	conf->from_host = p->host;
	conf->tls_name = *t->set.proxy ? t->set.proxy : t->set.domain;
	conf->servers = &t->status.servers;
	conf->servers_transport = transport_name_of(t);
	conf->auth_user = t->set.login;
	conf->auth_password = t->set.password;
	if (*t->set.proxy) {
		snprintf(p->route, sizeof(p->route), "sip:%s;lr%s",
			 t->set.proxy, transport);
		conf->route = p->route;
	}
}

void sip_place_pbx(struct sip_place *p, struct sip_invite_conf *conf,
		   const struct worker_trunk *t, const char *number)
{
	char user[USER_MAX + 1];

	user_at(user, number);
	conf->uri = p->uri;
	conf->tls_verify = t->set.tls_verify;
	if (t->set.kind == TRUNK_GATEWAY_TO_PBX) {
		place_of_registrar(p, conf, t, user);
		return;
	}
	snprintf(p->uri, sizeof(p->uri), "sip:%s%s%s", user, t->set.address,
		 transport_parameter(t));
	conf->tls_name = t->set.address;
}

int sip_place_find(struct sip_place *p, struct sip_invite_conf *conf,
		   const struct worker *w, const struct worker_trunk *t,
		   const char *contact)
{
	const struct worker_trunk *now = worker_trunk_by_name(w, t->set.name);
	bool ip = t->set.kind == TRUNK_IP;

	conf->uri = p->uri;
	if (t->set.kind == TRUNK_PBX_TO_GATEWAY)
		return place_of_binding(p, conf, w, t, contact);
	/* t may be the trunk as it was when the call began. */
	if (!now || !worker_trunk_is_there(w, t->set.name, "") ||
	    (ip ? !sa_isset(&t->address, SA_ADDR)
		: now->status.state != SIP_REGISTRATION_UP))
		return -ENOTCONN;
	p->peer = ip ? t->address : now->status.registrar;
	sip_place_pbx(p, conf, t, t->set.number);
	return 0;
}
