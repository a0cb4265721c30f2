#include "sip/dialog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "sip/address.h"
#include "sip/stack_priv.h"

static char *pl_copy(const struct pl *pl)
{
	return strndup(pl->p ? pl->p : "", pl->l);
}

static char *buf_take(struct buf *b)
{
	char *text = b->bad ? NULL : strdup(buf_cstr(b));

	buf_clear(b);
	return text;
}

void dialog_clear(struct dialog *d)
{
	free(d->call_id);
	free(d->local_tag);
	free(d->remote_tag);
	free(d->local);
	free(d->remote);
	free(d->target);
	free(d->hop);
	for (size_t i = 0; i < d->routes_n; i++)
		free(d->routes[i]);
	mem_deref(d->tls);
	*d = (struct dialog){0};
}

static bool complete(const struct dialog *d)
{
	for (size_t i = 0; i < d->routes_n; i++)
		if (!d->routes[i])
			return false;
	return d->call_id && d->local_tag && d->local && d->remote && d->target;
}

static int finish(struct dialog *d)
{
	if (complete(d))
		return 0;
	dialog_clear(d);
	return -ENOMEM;
}

static bool route_add(const struct sip_hdr *hdr, const struct sip_msg *msg,
		      void *arg)
{
	struct dialog *d = arg;

	if (d->routes_n == DIALOG_ROUTES_MAX)
		return true;
	d->routes[d->routes_n++] = pl_copy(&hdr->val);
	return false;
}

/* Where a NAT stands between: Via does not say where the request came from, or
 * Contact names a private address that is not the source's. Then only the
 * source can be reached. */
static bool behind_nat(const struct sip_msg *msg, const struct pl *contact)
{
	struct sa via = msg->via.addr, host;
	struct uri uri;

	if (msg->tp != SIP_TRANSP_UDP)
		return true; /* the connection is the only sure way back */
	if (!sa_port(&via))
		sa_set_port(&via, SIP_PORT);
	if (!sa_cmp(&via, &msg->src, SA_ALL))
		return true;
	return !uri_decode(&uri, contact) && !sa_set(&host, &uri.host, 0) &&
	       address_is_private(&host) && !sa_cmp(&host, &msg->src, SA_ADDR);
}

int dialog_from_request(struct dialog *d, const struct sip_msg *msg)
{
	const struct sip_hdr *contact = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct sip_addr addr;
	struct buf text;

	/* RFC 2543 6.13 demands no Contact: then requests go where the peer
	 * says it comes from. A zero byte in a name would end our strings. */
	if (sip_addr_decode(&addr, contact ? &contact->val : &msg->from.val) ||
	    memchr(msg->from.val.p, 0, msg->from.val.l) ||
	    memchr(msg->to.val.p, 0, msg->to.val.l))
		return -EBADMSG;
	*d = (struct dialog){.local_seq = random_u32() & 0xffff,
			     .remote_seq = msg->cseq.num,
			     .remote_seq_known = true};
	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_RECORD_ROUTE, route_add, d);
	buf_init(&text);
	buf_printf(&text, "%016llx", (unsigned long long)msg->tag);
	d->local_tag = buf_take(&text);
	buf_put(&text, msg->to.val.p, msg->to.val.l);
	buf_printf(&text, ";tag=%016llx", (unsigned long long)msg->tag);
	d->local = buf_take(&text);
	d->remote = pl_copy(&msg->from.val);
	d->remote_tag = pl_copy(&msg->from.tag);
	d->call_id = pl_copy(&msg->callid);
	d->target = pl_copy(&addr.auri);
	if (!d->routes_n && behind_nat(msg, &addr.auri)) {
		transport_uri(&text, msg->tp, &msg->src);
		d->hop = buf_take(&text);
	}
	return finish(d);
}

/* The way to the next hop, and whom we expect there. */
static int way_take(struct dialog *d, const struct dialog_conf *conf)
{
	struct buf hop;
	int err = 0;

	buf_init(&hop);
	if (conf->route) {
		err = address_hop(&hop, conf->route);
		d->hop = buf_take(&hop);
		if (!err && !d->hop)
			err = -ENOMEM;
	}
	if (!err && conf->tls_name)
		err = tls_peer_new(&d->tls, conf->tls_name, conf->tls_verify);
	return err;
}

int dialog_start(struct dialog *d, const struct dialog_conf *conf)
{
	char call_id[25], tag[17];
	struct buf text;
	int err;

	*d = (struct dialog){.local_seq = random_u32() & 0xffff};
	random_text(call_id, sizeof(call_id) - 1);
	random_text(tag, sizeof(tag) - 1);
	buf_init(&text);
	buf_printf(&text, "%s;tag=%s", conf->local, tag);
	d->local = buf_take(&text);
	d->call_id = strdup(call_id);
	d->local_tag = strdup(tag);
	d->remote = strdup(conf->remote);
	d->target = strdup(conf->target);
	err = way_take(d, conf);
	if (err) {
		dialog_clear(d);
		return err;
	}
	return finish(d);
}

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

int dialog_copy(struct dialog *dst, const struct dialog *src)
{
	*dst = (struct dialog){.call_id = copy(src->call_id),
			       .local_tag = copy(src->local_tag),
			       .remote_tag = copy(src->remote_tag),
			       .local = copy(src->local),
			       .remote = copy(src->remote),
			       .target = copy(src->target),
			       .hop = copy(src->hop),
			       .tls = mem_ref(src->tls),
			       .local_seq = src->local_seq};
	return finish(dst);
}

int dialog_refresh(struct dialog *d, const struct sip_msg *msg)
{
	const struct sip_hdr *contact = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct sip_addr addr;
	char *target;

	if (!contact)
		return 0;
	if (sip_addr_decode(&addr, &contact->val))
		return -EBADMSG;
	target = pl_copy(&addr.auri);
	if (!target)
		return -ENOMEM;
	free(d->target);
	d->target = target;
	return 0;
}

int dialog_establish(struct dialog *d, const struct sip_msg *msg)
{
	char *remote = pl_copy(&msg->to.val), *tag = pl_copy(&msg->to.tag);

	if (!remote || !tag) {
		free(remote);
		free(tag);
		return -ENOMEM;
	}
	free(d->remote);
	free(d->remote_tag);
	d->remote = remote;
	d->remote_tag = tag;
	(void)dialog_refresh(d, msg); /* without one, the old target stays */
	for (size_t i = 0; i < d->routes_n; i++)
		free(d->routes[i]);
	d->routes_n = 0;
	/* RFC 3261 12.1.2: the route set is Record-Route in reverse order. */
	(void)sip_msg_hdr_apply(msg, false, SIP_HDR_RECORD_ROUTE, route_add, d);
	return complete(d) ? 0 : -ENOMEM;
}

bool dialog_take_seq(struct dialog *d, const struct sip_msg *msg)
{
	if (d->remote_seq_known && msg->cseq.num <= d->remote_seq)
		return false;
	d->remote_seq = msg->cseq.num;
	d->remote_seq_known = true;
	return true;
}

bool dialog_matches(const struct dialog *d, const struct sip_msg *msg)
{
	const struct pl *ours = msg->req ? &msg->to.tag : &msg->from.tag;
	const struct pl *theirs = msg->req ? &msg->from.tag : &msg->to.tag;

	return pl_strcmp(&msg->callid, d->call_id) == 0 &&
	       pl_strcmp(ours, d->local_tag) == 0 &&
	       (!msg->req || !d->remote_tag ||
		pl_strcmp(theirs, d->remote_tag) == 0 ||
		(!*d->remote_tag && !theirs->l));
}

void dialog_write_head(struct buf *text, const struct dialog *d, uint32_t seq,
		       const char *method)
{
	buf_str(text, "Max-Forwards: 70\r\n");
	for (size_t i = 0; i < d->routes_n; i++)
		buf_printf(text, "Route: %s\r\n", d->routes[i]);
	buf_printf(text, "To: %s\r\nFrom: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n",
		   d->remote, d->local, d->call_id, seq, method);
}

static int route_decode(const struct dialog *d, struct uri *route)
{
	struct sip_addr addr;
	struct pl pl;

	if (d->routes_n) {
		pl_set_str(&pl, d->routes[0]);
		if (sip_addr_decode(&addr, &pl))
			return -EBADMSG;
		*route = addr.uri;
		return 0;
	}
	pl_set_str(&pl, d->hop ? d->hop : d->target);
	return uri_decode(route, &pl) ? -EBADMSG : 0;
}

int dialog_send(struct dialog *d, struct sip_stack *stack,
		struct sip_request **reqp, const struct dialog_request *r)
{
	uint32_t seq = r->seq ? r->seq : ++d->local_seq;
	struct mbuf *mb = mbuf_alloc(2048);
	struct uri route;
	struct buf text;
	int err;

	buf_init(&text);
	dialog_write_head(&text, d, seq, r->method);
	buf_printf(&text, "User-Agent: %s\r\n", stack->software);
	buf_put(&text, r->headers.p, r->headers.n);
	if (r->body.n)
		buf_printf(&text, "Content-Type: %s\r\n", r->type);
	buf_printf(&text, "Content-Length: %zu\r\n\r\n", r->body.n);
	buf_put(&text, r->body.p, r->body.n);
	err = route_decode(d, &route);
	if (!err && (!mb || text.bad || mbuf_write_mem(mb, text.p, text.n)))
		err = -ENOMEM;
	if (!err) {
		mb->pos = 0;
		tls_peer_expect(d->tls);
		err = -sip_request(reqp, stack->sip, r->stateful, r->method, -1,
				   d->target, -1, &route, mb, 0, r->send,
				   r->answered, r->arg);
	}
	buf_clear(&text);
	mem_deref(mb);
	return err;
}

/* -- on disk --------------------------------------------------------------- */

json_t *dialog_pack(const struct dialog *d)
{
	json_t *routes = json_array();

	for (size_t i = 0; i < d->routes_n; i++)
		(void)json_array_append_new(routes, json_string(d->routes[i]));
	return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:I, s:o}",
			 "version", 1, "call_id", d->call_id, "local_tag",
			 d->local_tag, "remote_tag",
			 d->remote_tag ? d->remote_tag : "", "local", d->local,
			 "remote", d->remote, "target", d->target, "hop",
			 d->hop, "local_seq", (json_int_t)d->local_seq,
			 "routes", routes);
}

/* What stood on disk goes into requests: it must not add lines to them. */
static char *kept_string(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text && address_header_safe(text) ? strdup(text) : NULL;
}

int dialog_unpack(struct dialog *d, const json_t *json)
{
	json_t *routes = json_object_get(json, "routes"), *route;
	json_t *seq = json_object_get(json, "local_seq");
	size_t i;

	*d = (struct dialog){0};
	if (json_integer_value(json_object_get(json, "version")) != 1 ||
	    !json_is_integer(seq) || json_integer_value(seq) < 0 ||
	    json_integer_value(seq) >= INT32_MAX ||
	    json_array_size(routes) > DIALOG_ROUTES_MAX)
		return -EBADMSG;
	d->local_seq = (uint32_t)json_integer_value(seq);
	d->call_id = kept_string(json, "call_id");
	d->local_tag = kept_string(json, "local_tag");
	d->remote_tag = kept_string(json, "remote_tag");
	d->local = kept_string(json, "local");
	d->remote = kept_string(json, "remote");
	d->target = kept_string(json, "target");
	d->hop = kept_string(json, "hop");
	json_array_foreach(routes, i, route)
	{
		const char *text = json_string_value(route);

		if (text && address_header_safe(text))
			d->routes[d->routes_n++] = strdup(text);
	}
	if (complete(d) && d->remote_tag)
		return 0;
	dialog_clear(d);
	return -EBADMSG;
}
