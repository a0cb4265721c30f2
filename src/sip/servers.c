#include "sip/servers.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/random.h"
#include "sip/address.h"
#include "sip/stack_priv.h"

#define TARGETS_MAX 8

struct sip_lookup {
	struct sip_stack *stack;
	sip_lookup_h *found;
	void *arg;
	struct dns_query *query;
	char host[256];
	uint16_t port; /* of the name itself */
	struct target {
		char name[256];
		uint16_t port;
	} targets[TARGETS_MAX];
	size_t n, at;
	bool six; /* the AAAA of targets[at] is asked for */
	struct sip_servers servers;
};

static void targets_go_on(struct sip_lookup *l);

static void finish(struct sip_lookup *l)
{
	const struct sip_servers servers = l->servers;

	l->found(&servers, l->arg);
}

static bool address_take(struct dnsrr *rr, void *arg)
{
	struct sip_lookup *l = arg;
	struct sip_servers *s = &l->servers;
	uint16_t port = l->targets[l->at].port;

	if (s->n == SIP_SERVERS_MAX)
		return true;
	if (rr->type == DNS_TYPE_A)
		sa_set_in(&s->list[s->n++], rr->rdata.a.addr, port);
	else if (rr->type == DNS_TYPE_AAAA)
		sa_set_in6(&s->list[s->n++], rr->rdata.aaaa.addr, port);
	return false;
}

static void on_address(int err, const struct dnshdr *hdr, struct list *answers,
		       struct list *authorities, struct list *more, void *arg)
{
	struct sip_lookup *l = arg;

	l->query = NULL;
	if (!err)
		(void)dns_rrlist_apply2(answers, l->targets[l->at].name,
					DNS_TYPE_A, DNS_TYPE_AAAA, DNS_CLASS_IN,
					true, address_take, l);
	if (l->six)
		l->at++;
	l->six = !l->six;
	targets_go_on(l);
}

static bool speaks(const struct sip_stack *s, int family)
{
	for (size_t i = 0; i < s->listen_n; i++)
		if (sa_af(&s->listen[i]) == family)
			return true;
	return false;
}

/* Asks for one address after another; those of a family that we do not listen
 * on are of no use. */
static void targets_go_on(struct sip_lookup *l)
{
	while (l->at < l->n) {
		bool useful = speaks(l->stack, l->six ? AF_INET6 : AF_INET);

		if (useful && !dnsc_query(&l->query, l->stack->dns,
					  l->targets[l->at].name,
					  l->six ? DNS_TYPE_AAAA : DNS_TYPE_A,
					  DNS_CLASS_IN, true, on_address, l))
			return;
		if (l->six)
			l->at++;
		l->six = !l->six;
	}
	finish(l);
}

static void target_add(struct sip_lookup *l, const char *name, uint16_t port)
{
	struct target *t = &l->targets[l->n];

	/* RFC 2782: "." says that there is no such service. */
	if (l->n == TARGETS_MAX || !*name || strcmp(name, ".") == 0)
		return;
	str_ncpy(t->name, name, sizeof(t->name));
	t->port = port;
	l->n++;
}

static bool service_take(struct dnsrr *rr, void *arg)
{
	target_add(arg, rr->rdata.srv.target, rr->rdata.srv.port);
	return false;
}

static void on_services(int err, const struct dnshdr *hdr, struct list *answers,
			struct list *authorities, struct list *more, void *arg)
{
	struct sip_lookup *l = arg;
	bool any = false;

	l->query = NULL;
	if (!err) {
		/* By priority, and within one by weight and chance. */
		dns_rrlist_sort(answers, DNS_TYPE_SRV, random_u32());
		any = dns_rrlist_find(answers, NULL, DNS_TYPE_SRV, DNS_CLASS_IN,
				      false) != NULL;
		(void)dns_rrlist_apply(answers, NULL, DNS_TYPE_SRV,
				       DNS_CLASS_IN, false, service_take, l);
	}
	if (!any)
		target_add(l, l->host, l->port);
	targets_go_on(l);
}

static void destructor(void *arg)
{
	struct sip_lookup *l = arg;

	mem_deref(l->query);
}

static int begin(struct sip_lookup *l, const char *where, const char *transport)
{
	bool tls = strcmp(transport, "tls") == 0;
	size_t n = address_host_length(where);
	char service[300];

	snprintf(l->host, sizeof(l->host), "%.*s", (int)n, where);
	l->port = tls ? SIP_PORT_TLS : SIP_PORT;
	if (where[n] == ':') {
		struct pl port;

		pl_set_str(&port, where + n + 1);
		target_add(l, l->host, (uint16_t)pl_u32(&port));
		targets_go_on(l);
		return 0;
	}
	snprintf(service, sizeof(service), "%s.%s",
		 tls                             ? "_sips._tcp"
		 : strcmp(transport, "tcp") == 0 ? "_sip._tcp"
						 : "_sip._udp",
		 l->host);
	return -dnsc_query(&l->query, l->stack->dns, service, DNS_TYPE_SRV,
			   DNS_CLASS_IN, true, on_services, l);
}

/* With or without a port. */
static bool is_literal(const char *where)
{
	char host[INET6_ADDRSTRLEN];
	size_t n = address_host_length(where);
	struct sa sa;

	if (*where == '[')
		return true;
	if (n >= sizeof(host))
		return false;
	memcpy(host, where, n);
	host[n] = 0;
	return !sa_set_str(&sa, host, 0);
}

int sip_lookup_new(struct sip_lookup **lp, struct sip_stack *stack,
		   const char *where, const char *transport,
		   sip_lookup_h *found, void *arg)
{
	struct sip_lookup *l;
	int err;

	if (is_literal(where))
		return -EINVAL;
	if (!stack->dns)
		return -ENOTCONN;
	l = mem_zalloc(sizeof(*l), destructor);
	if (!l)
		return -ENOMEM;
	l->stack = stack;
	l->found = found;
	l->arg = arg;
	*lp = l;
	err = begin(l, where, transport);
	if (err) {
		*lp = NULL;
		mem_deref(l);
	}
	return err;
}

void sip_lookup_free(struct sip_lookup **lp)
{
	*lp = mem_deref(*lp);
}

void sip_server_hop(struct buf *hop, const struct sip_servers *s,
		    const char *transport)
{
	char where[80] = "";

	(void)re_snprintf(where, sizeof(where), "%J", &s->list[s->at]);
	buf_printf(hop, "sip:%s;lr;transport=%s", where, transport);
}
