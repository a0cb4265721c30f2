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

static int place_of_binding(struct sip_place *p, struct sip_invite_conf *conf,
			    const struct worker *w,
			    const struct worker_trunk *t)
{
	const struct sip_binding *b;

	if (!sip_stack_bindings(w->sip, t->set.login, &b, 1))
		return -ENOTCONN;
	p->peer = b->source;
	snprintf(p->uri, sizeof(p->uri), "%s", b->contact);
	/* Behaviour Q-9: the number of a message. */
	if (*t->set.number)
		contact_with_user(p->uri, sizeof(p->uri), b->contact,
				  t->set.number);
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
	char number[USER_MAX];

	if (t->status.state != SIP_REGISTRATION_UP)
		return -ENOTCONN;
	p->peer = t->status.registrar;
	user_escape(number, t->set.number);
	snprintf(p->uri, sizeof(p->uri), "sip:%s@%s%s", number, t->set.domain,
		 transport);
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
	char number[USER_MAX];

	if (!sa_isset(&t->address, SA_ADDR))
		return -ENOTCONN;
	p->peer = t->address;
	user_escape(number, t->set.number);
	snprintf(p->uri, sizeof(p->uri), "sip:%s@%s%s", number, t->set.address,
		 transport_parameter(t));
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
