/* 3xx to our INVITE (RFC 3261 8.1.3.4, 21.3): its contacts are tried in the
 * order of their q, each once, and never more than SESSION_TARGETS_MAX in all,
 * so that peers who send us in circles come to an end. */
#include "sip/session_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* RFC 3261 25.1: "0" to "1" with up to three decimals; 1 when it is none. */
static unsigned q_read(const struct sip_addr *addr)
{
	unsigned q, digit = 100;
	struct pl pl;

	if (msg_param_decode(&addr->params, "q", &pl) || !pl.l ||
	    pl.p[0] != '0')
		return 1000;
	q = 0;
	for (size_t i = 2; i < pl.l && pl.p[i] >= '0' && pl.p[i] <= '9';
	     i++, digit /= 10)
		q += (unsigned)(pl.p[i] - '0') * digit;
	return q;
}

/* Back to ourselves would be a loop. */
static bool is_ours(const struct sip_session *s, const struct uri *uri)
{
	struct sa sa;

	if (sa_set(&sa, &uri->host, uri->port ? uri->port : SIP_PORT))
		return false;
	for (size_t i = 0; i < s->stack->listen_n; i++)
		if (sa_cmp(&s->stack->listen[i], &sa, SA_ALL))
			return true;
	return false;
}

static bool is_known(const struct session_targets *t, const struct pl *uri)
{
	for (size_t i = 0; i < t->n; i++)
		if (pl_strcasecmp(uri, t->uris[i]) == 0)
			return true;
	return false;
}

/* Behind those already tried, before the first of a lower q. */
static void target_insert(struct session_targets *t, char *uri, unsigned q)
{
	size_t at = t->n;

	while (at > t->tried && t->q[at - 1] < q) {
		t->uris[at] = t->uris[at - 1];
		t->q[at] = t->q[at - 1];
		at--;
	}
	t->uris[at] = uri;
	t->q[at] = q;
	t->n++;
}

static bool contact_read(const struct sip_hdr *hdr, const struct sip_msg *msg,
			 void *arg)
{
	struct sip_session *s = arg;
	struct session_targets *t = &s->targets;
	struct sip_addr addr;
	char *uri;

	if (t->n == SESSION_TARGETS_MAX)
		return true;
	if (sip_addr_decode(&addr, &hdr->val) ||
	    pl_strcasecmp(&addr.uri.scheme, "sip") != 0 ||
	    memchr(addr.auri.p, '?', addr.auri.l) || is_ours(s, &addr.uri) ||
	    is_known(t, &addr.auri))
		return false;
	uri = strndup(addr.auri.p, addr.auri.l);
	if (uri)
		target_insert(t, uri, q_read(&addr));
	return false;
}

void session_redirect_read(struct sip_session *s, const struct sip_msg *msg)
{
	struct session_targets *t = &s->targets;

	if (!t->n) {
		t->uris[0] = strdup(s->dialog.target);
		if (!t->uris[0])
			return;
		t->n = t->tried = 1;
	}
	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_CONTACT, contact_read, s);
}

int session_redirect_next(struct sip_session *s)
{
	struct session_targets *t = &s->targets;
	char *target;

	if (t->tried == t->n)
		return -ENOENT;
	target = strdup(t->uris[t->tried]);
	if (!target)
		return -ENOMEM;
	t->tried++;
	log_info("sip", s->dialog.call_id, "sent on to another address, %zu",
		 t->tried);
	free(s->dialog.target);
	s->dialog.target = target;
	if (!t->through_proxy) {
		free(s->dialog.hop);
		s->dialog.hop = NULL;
		s->servers.n = 0;
	}
	return session_out_again(s);
}

void session_redirect_clear(struct sip_session *s)
{
	for (size_t i = 0; i < s->targets.n; i++)
		free(s->targets.uris[i]);
	s->targets.n = s->targets.tried = 0;
}
