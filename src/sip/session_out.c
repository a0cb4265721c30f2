/* INVITE of ours (RFC 3261 13.2, 9.1, 22). */
#include "sip/session_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sip/address.h"

/* A nonce may go stale under way, a proxy and the server may both ask; a
 * fourth challenge means that our password is wrong. */
#define CHALLENGES_MAX 3

static int invite_send(struct sip_session *s);

/* -- CANCEL ---------------------------------------------------------------- */

static void cancel_stop(struct sip_session *s)
{
	tmr_cancel(&s->cancel.again);
	tmr_cancel(&s->cancel.give_up);
}

void session_out_stop(struct sip_session *s)
{
	cancel_stop(s);
	s->request = mem_deref(s->request);
}

static void cancel_again_handler(void *arg);

/* RFC 3261 9.1: Request-URI, Call-ID, To, From, CSeq number, Route and the one
 * Via are those of the INVITE. libre's own CANCEL has no room for a Reason. */
static void cancel_transmit(struct sip_session *s)
{
	struct session_cancel *c = &s->cancel;
	struct mbuf *mb = mbuf_alloc(1024);
	struct buf text;

	buf_init(&text);
	buf_printf(&text, "CANCEL %s SIP/2.0\r\n", s->dialog.target);
	buf_put(&text, c->via.p, c->via.n);
	dialog_write_head(&text, &s->dialog, s->invite_seq, "CANCEL");
	buf_put(&text, s->reason_header.p, s->reason_header.n);
	buf_printf(&text, "User-Agent: %s\r\nContent-Length: 0\r\n\r\n",
		   s->stack->software);
	if (mb && !mbuf_write_mem(mb, text.p, text.n)) {
		mb->pos = 0;
		(void)sip_send(s->stack->sip, NULL, c->tp, &c->dst, mb);
	}
	buf_clear(&text);
	mem_deref(mb);
	if (c->tp != SIP_TRANSP_UDP)
		return;
	tmr_start(&c->again, c->interval_ms, cancel_again_handler, s);
	c->interval_ms = MIN(2 * c->interval_ms, 8 * s->stack->t1_ms);
}

static void cancel_again_handler(void *arg)
{
	cancel_transmit(arg);
}

/* "If there is no final response for the original request in 64*T1 seconds,
 * the client SHOULD then consider the original transaction cancelled" (9.1) */
static void cancel_give_up_handler(void *arg)
{
	struct sip_session *s = arg;

	session_out_stop(s);
	session_settle(s);
}

static void cancel_send(struct sip_session *s)
{
	struct session_cancel *c = &s->cancel;

	if (c->sent)
		return;
	c->sent = true;
	c->interval_ms = s->stack->t1_ms;
	tmr_start(&c->give_up, 64 * s->stack->t1_ms, cancel_give_up_handler, s);
	cancel_transmit(s);
}

/* RFC 3261 9.1: no CANCEL before a provisional answer came. */
void session_out_cancel(struct sip_session *s)
{
	s->cancel.wanted = true;
	if (s->provisional)
		cancel_send(s);
}

/* -- credentials ----------------------------------------------------------- */

static bool invite_retry(struct sip_session *s, const struct sip_msg *msg)
{
	const struct auth_credentials credentials = {
		.user = s->auth_user,
		.password = s->auth_password,
		.method = "INVITE",
		.uri = s->dialog.target,
		.count = 1,
	};
	struct digest_fields f;

	if (s->closed || s->challenges >= CHALLENGES_MAX ||
	    auth_challenge(&f, msg))
		return false;
	/* A second challenge that is not about age means a wrong password. */
	if (s->challenges && s->authorization.n && !f.stale)
		return false;
	s->challenges++;
	if (auth_answer(&s->authorization, &f, msg->scode == 407, &credentials))
		return false;
	s->provisional = false;
	return invite_send(s) == 0;
}

/* -- answers --------------------------------------------------------------- */

/* RFC 3261 13.2.2.4: the ACK has the INVITE's number and credentials. */
static void ack_send(struct sip_session *s, struct dialog *d)
{
	const struct dialog_request r = {
		.method = "ACK",
		.seq = s->invite_seq,
		.headers = buf_bytes(&s->authorization),
	};

	(void)dialog_send(d, s->stack, NULL, &r);
}

/* Somebody answered whom we no longer want: an ACK and a BYE for him alone. */
static void fork_end(struct sip_session *s, const struct sip_msg *msg)
{
	struct dialog_request bye = {
		.method = "BYE",
		.stateful = true,
	};
	struct dialog d;

	if (dialog_copy(&d, &s->dialog))
		return;
	if (!dialog_establish(&d, msg)) {
		ack_send(s, &d);
		(void)dialog_send(&d, s->stack, NULL, &bye);
	}
	dialog_clear(&d);
}

static void answer_accepted(struct sip_session *s, const struct sip_msg *msg)
{
	struct bytes sdp = session_sdp(msg);

	cancel_stop(s);
	if (dialog_establish(&s->dialog, msg)) {
		session_close(s, SIP_END_TIMEOUT, 500, "Server Internal Error");
		return;
	}
	ack_send(s, &s->dialog);
	if (s->closed) {
		/* The 200 crossed our CANCEL. */
		session_bye(s);
		session_settle(s);
		return;
	}
	session_set_state(s, SESSION_CONFIRMED);
	if (s->handlers.answered)
		s->handlers.answered(sdp, s->arg);
}

static void answer_provisional(struct sip_session *s, const struct sip_msg *msg)
{
	char reason[129], text[256] = "";

	s->provisional = true;
	if (s->cancel.wanted) {
		cancel_send(s);
		return;
	}
	if (msg->scode == 100 || s->closed)
		return;
	session_set_state(s, SESSION_EARLY);
	(void)pl_strcpy(&msg->reason, text, sizeof(text));
	sip_reason_clean(reason, text);
	if (s->handlers.progress)
		s->handlers.progress(msg->scode, reason, session_sdp(msg),
				     s->arg);
}

static void answer_rejected(struct sip_session *s, const struct sip_msg *msg)
{
	char reason[129], text[256] = "";

	cancel_stop(s);
	if ((msg->scode == 401 || msg->scode == 407) && invite_retry(s, msg))
		return;
	(void)pl_strcpy(&msg->reason, text, sizeof(text));
	sip_reason_clean(reason, text);
	session_close(s, SIP_END_REJECTED, msg->scode, reason);
}

static void answer_missing(struct sip_session *s, int err)
{
	const char *failure = tls_peer_failure(s->dialog.tls);

	cancel_stop(s);
	if (err == ETIMEDOUT)
		session_close(s, SIP_END_TIMEOUT, 408, "Request Timeout");
	else
		session_close(s, SIP_END_TIMEOUT, 503,
			      *failure ? failure : "Service Unavailable");
}

static void response_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct sip_session *s = arg;

	mem_ref(s);
	if (err || !msg)
		answer_missing(s, err);
	else if (msg->scode < 200)
		answer_provisional(s, msg);
	else if (msg->scode < 300)
		answer_accepted(s, msg);
	else
		answer_rejected(s, msg);
	mem_deref(s);
}

void session_out_stray(struct sip_session *s, const struct sip_msg *msg)
{
	if (pl_strcmp(&msg->cseq.met, "CANCEL") == 0) {
		tmr_cancel(&s->cancel.again);
		return;
	}
	if (s->incoming || pl_strcmp(&msg->cseq.met, "INVITE") != 0 ||
	    msg->scode < 200 || msg->scode > 299 ||
	    msg->cseq.num != s->invite_seq)
		return;
	/* The same answer again: the ACK was lost. Another: a second fork. */
	if (s->dialog.remote_tag &&
	    pl_strcmp(&msg->to.tag, s->dialog.remote_tag) == 0)
		ack_send(s, &s->dialog);
	else
		fork_end(s, msg);
}

/* -- the request ----------------------------------------------------------- */

/* Runs when libre has chosen the transport and written the Via, which a CANCEL
 * must repeat. */
static int invite_sending(enum sip_transp tp, const struct sa *src,
			  const struct sa *dst, struct mbuf *mb, void *arg)
{
	struct sip_session *s = arg;
	struct buf contact;
	struct pl via;
	int err;

	tls_peer_expect(s->dialog.tls);
	buf_reset(&s->cancel.via);
	if (!re_regex((char *)mb->buf, mb->end, "\nVia: [^\r]+", &via))
		buf_printf(&s->cancel.via, "Via: %.*s\r\n", (int)via.l, via.p);
	s->cancel.tp = tp;
	s->cancel.dst = *dst;
	buf_init(&contact);
	transport_contact(&contact, s->stack, tp, src, s->contact_user, NULL);
	err = mbuf_write_mem(mb, contact.p, contact.n);
	buf_clear(&contact);
	return err;
}

static int invite_send(struct sip_session *s)
{
	struct dialog_request r = {
		.method = "INVITE",
		.stateful = true,
		.type = "application/sdp",
		.body = buf_bytes(&s->offer),
		.send = invite_sending,
		.answered = response_handler,
		.arg = s,
	};
	struct buf lines;
	int err;

	buf_init(&lines);
	buf_put(&lines, s->authorization.p, s->authorization.n);
	buf_str(&lines, "Allow: " SANITY_ALLOW "\r\nSupported: \r\n");
	buf_put(&lines, s->headers.p, s->headers.n);
	r.headers = buf_bytes(&lines);
	err = dialog_send(&s->dialog, s->stack, &s->request, &r);
	s->invite_seq = s->dialog.local_seq;
	buf_clear(&lines);
	return err;
}

/* The host of our From: what we are called by, or our address. */
static void domain_write(struct buf *text, const struct sip_stack *stack,
			 const char *target)
{
	struct sa dst, local;
	char host[64] = "";
	struct uri uri;
	struct pl pl;

	pl_set_str(&pl, target);
	if (stack->public_address) {
		buf_str(text, stack->public_address);
	} else if (!uri_decode(&uri, &pl) && !sa_set(&dst, &uri.host, 0) &&
		   !transport_local(stack, &dst, &local)) {
		(void)re_snprintf(host, sizeof(host),
				  sa_af(&local) == AF_INET6 ? "[%j]" : "%j",
				  &local);
		buf_str(text, host);
	} else {
		buf_str(text, stack->realm);
	}
}

static int dialog_make(struct sip_session *s,
		       const struct sip_invite_conf *conf)
{
	const char *to = conf->to_uri ? conf->to_uri : conf->uri;
	struct buf local, remote, hop;
	int err = 0;

	if (!address_header_safe(conf->uri) || strpbrk(conf->uri, " <>\"") ||
	    !address_header_safe(to) || strpbrk(to, "<>\"") ||
	    (conf->from_host && (!address_header_safe(conf->from_host) ||
				 strpbrk(conf->from_host, " <>\"@;"))))
		return -EINVAL;
	buf_init(&local);
	buf_init(&remote);
	buf_init(&hop);
	if (conf->route)
		err = address_hop(&hop, conf->route);
	address_write_name(&local, conf->from_name);
	buf_str(&local, "<sip:");
	if (conf->from_user && *conf->from_user) {
		address_write_user(&local, conf->from_user);
		buf_u8(&local, '@');
	}
	if (conf->from_host && *conf->from_host)
		buf_str(&local, conf->from_host);
	else
		domain_write(&local, s->stack,
			     conf->route && !err ? buf_cstr(&hop) : conf->uri);
	buf_u8(&local, '>');
	buf_printf(&remote, "<%s>", to);
	if (!err)
		err = dialog_start(&s->dialog, buf_cstr(&local),
				   buf_cstr(&remote), conf->uri,
				   conf->route ? buf_cstr(&hop) : NULL);
	if (!err && conf->tls_name)
		err = tls_peer_new(&s->dialog.tls, conf->tls_name,
				   conf->tls_verify);
	buf_clear(&local);
	buf_clear(&remote);
	buf_clear(&hop);
	return err;
}

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static int conf_take(struct sip_session *s, const struct sip_invite_conf *conf)
{
	for (size_t i = 0; i < conf->headers_n; i++)
		address_write_header(&s->headers, conf->headers[i].name,
				     conf->headers[i].value);
	buf_put(&s->offer, conf->sdp.p, conf->sdp.n);
	s->contact_user = copy(conf->from_user);
	s->from_user = copy(conf->from_user);
	s->from_name = copy(conf->from_name);
	s->auth_user = copy(conf->auth_user);
	s->auth_password = copy(conf->auth_password);
	if (s->headers.bad || s->offer.bad ||
	    (conf->from_user && (!s->contact_user || !s->from_user)) ||
	    (conf->from_name && !s->from_name) ||
	    (conf->auth_user && !s->auth_user) ||
	    (conf->auth_password && !s->auth_password))
		return -ENOMEM;
	return dialog_make(s, conf);
}

int sip_session_invite(struct sip_session **sp, struct sip_stack *stack,
		       const struct sip_invite_conf *conf,
		       const struct sip_session_handlers *h, void *arg)
{
	struct sip_session *s = session_new(stack, false);
	int err;

	if (!s)
		return -ENOMEM;
	sip_session_handlers(s, h, arg);
	err = conf_take(s, conf);
	if (!err)
		err = invite_send(s);
	if (err) {
		mem_deref(s);
		return err;
	}
	session_add(s, s->dialog.call_id);
	*sp = s;
	return 0;
}
