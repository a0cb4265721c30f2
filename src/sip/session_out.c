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

void session_out_stop(struct sip_session *s)
{
	session_cancel_stop(s);
	session_attempts_stop(s);
}

/* -- who answered ---------------------------------------------------------- */

struct session_early *session_early_find(struct sip_session *s,
					 const struct pl *tag)
{
	struct session_early *early = s->early;

	for (size_t i = 0; i < s->early_n; i++)
		if (pl_strcmp(tag, early[i].tag) == 0)
			return &early[i];
	if (s->early_n == SESSION_EARLY_MAX || tag->l >= sizeof(early->tag))
		return NULL;
	early += s->early_n++;
	*early = (struct session_early){0};
	(void)pl_strcpy(tag, early->tag, sizeof(early->tag));
	buf_init(&early->sdp);
	return early;
}

void session_early_clear(struct sip_session *s)
{
	for (size_t i = 0; i < s->early_n; i++)
		buf_clear(&s->early[i].sdp);
	s->early_n = 0;
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
		.type = "application/sdp",
		.body = buf_bytes(&s->ack_body),
	};

	(void)dialog_send(d, s->stack, NULL, &r);
}

/* Somebody answered whom we no longer want: an ACK and a BYE for him alone. */
static void fork_end(struct sip_session *s, const struct sip_msg *msg)
{
	static const char reason[] =
		"Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n";
	struct dialog d;

	if (dialog_copy(&d, &s->dialog))
		return;
	if (!dialog_establish(&d, msg)) {
		ack_send(s, &d);
		(void)session_request_send(NULL, s, &d, "BYE",
					   bytes_str(reason), bytes_of(NULL, 0),
					   NULL);
	}
	dialog_clear(&d);
}

/* The peer's description: in the 2xx, or in a provisional answer of the same
 * one before. */
static struct bytes answer_sdp(struct sip_session *s, const struct sip_msg *msg)
{
	struct bytes sdp = session_sdp(msg);
	const struct session_early *early = session_early_find(s, &msg->to.tag);

	return sdp.n || !early ? sdp : buf_bytes(&early->sdp);
}

/* We sent no offer, so the 2xx has it; the ACK takes our answer. One that
 * cannot be answered is acknowledged and ended. */
static int offer_in_answer(struct sip_session *s, const struct sip_msg *msg)
{
	const struct session_early *early = session_early_find(s, &msg->to.tag);

	if (s->offer.n || s->closed || (early && early->seq && early->sdp.n))
		return 0;
	buf_reset(&s->ack_body);
	return session_offer_ask(s, session_sdp(msg), &s->ack_body);
}

static void answer_accepted(struct sip_session *s, const struct sip_msg *msg)
{
	int code;

	session_cancel_stop(s);
	if (dialog_establish(&s->dialog, msg)) {
		session_close(s, SIP_END_TIMEOUT, 500, "Server Internal Error");
		return;
	}
	/* The servers were the way to the domain: the peer's own address is
	 * in its Contact. */
	if (s->servers.n && !s->targets.through_proxy) {
		free(s->dialog.hop);
		s->dialog.hop = NULL;
	}
	code = offer_in_answer(s, msg);
	if (code < 0)
		return;
	ack_send(s, &s->dialog);
	if (s->closed || code) {
		/* The 200 crossed our CANCEL, or offers nothing of use. */
		session_bye(s);
		session_close(s, SIP_END_REJECTED, code, session_reason(code));
		return;
	}
	session_set_state(s, SESSION_CONFIRMED);
	session_abilities_read(s, msg);
	session_timer_take(s, msg);
	session_sdp_sent(s, buf_bytes(s->offer.n ? &s->offer : &s->ack_body));
	if (s->handlers.answered)
		s->handlers.answered(answer_sdp(s, msg), s->arg);
}

static void answer_provisional(struct sip_session *s, const struct sip_msg *msg)
{
	char reason[129], text[256] = "";

	s->provisional = true;
	if (msg->scode == 100) {
		if (s->cancel.wanted)
			session_cancel_send(s);
		return;
	}
	if (!session_prack_send(s, msg))
		return;
	if (s->cancel.wanted) {
		session_cancel_send(s);
		return;
	}
	if (s->closed)
		return;
	session_set_state(s, SESSION_EARLY);
	(void)pl_strcpy(&msg->reason, text, sizeof(text));
	sip_reason_clean(reason, text);
	if (s->handlers.progress)
		s->handlers.progress(msg->scode, reason, session_sdp(msg),
				     s->arg);
}

/* RFC 3261 21.6.1: "600 Busy Everywhere": nobody else is to be tried. */
static bool elsewhere(struct sip_session *s, const struct sip_msg *msg)
{
	if (s->closed || s->cancel.wanted || msg->scode >= 600)
		return false;
	if (msg->scode >= 300 && msg->scode < 400 && msg->scode != 380)
		session_redirect_read(s, msg);
	return !session_redirect_next(s);
}

static void answer_rejected(struct sip_session *s, const struct sip_msg *msg)
{
	char reason[129], text[256] = "";

	session_cancel_stop(s);
	if (msg->scode == 503 && session_server_next(s))
		return;
	if ((msg->scode == 401 || msg->scode == 407) && invite_retry(s, msg))
		return;
	if (!s->closed && session_timer_raise(s, msg) && !session_out_again(s))
		return;
	if (elsewhere(s, msg))
		return;
	(void)pl_strcpy(&msg->reason, text, sizeof(text));
	sip_reason_clean(reason, text);
	session_close(s, SIP_END_REJECTED, msg->scode, reason);
}

static void answer_missing(struct sip_session *s, int err)
{
	const char *failure = tls_peer_failure(s->dialog.tls);

	session_cancel_stop(s);
	if (session_server_next(s) || (!s->closed && !session_redirect_next(s)))
		return;
	if (err == ETIMEDOUT)
		session_close(s, SIP_END_TIMEOUT, 408, "Request Timeout");
	else
		session_close(s, SIP_END_TIMEOUT, 503,
			      *failure ? failure : "Service Unavailable");
}

static void response_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct session_attempt *a = arg;
	struct sip_session *s = a->session;

	mem_ref(s);
	if (session_given_up_answer(a, err ? NULL : msg)) {
		mem_deref(s);
		return;
	}
	tmr_cancel(&s->servers_try);
	if (err || !msg || msg->scode >= 200)
		s->attempt = mem_deref(s->attempt);
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
	const struct dialog_request ack = {
		.method = "ACK",
		.seq = msg->cseq.num,
	};

	if (pl_strcmp(&msg->cseq.met, "CANCEL") == 0) {
		tmr_cancel(&s->cancel.again);
		return;
	}
	if (pl_strcmp(&msg->cseq.met, "INVITE") != 0 || msg->scode < 200 ||
	    msg->scode > 299)
		return;
	/* The same answer again: the ACK was lost. Another: a second fork. */
	if (msg->cseq.num == s->refresh.acked_seq)
		(void)dialog_send(&s->dialog, s->stack, NULL, &ack);
	else if (session_given_up_stray(s, msg))
		return;
	else if (s->incoming || msg->cseq.num != s->invite_seq)
		return;
	else if (s->dialog.remote_tag &&
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
	struct sip_session *s = ((struct session_attempt *)arg)->session;
	struct buf contact;
	struct pl via;
	int err;

	tls_peer_expect(s->dialog.tls);
	s->repeats = 0;
	s->stack->invite_first = true;
	buf_reset(&s->cancel.via);
	if (!re_regex((char *)mb->buf, mb->end, "\nVia: [^\r]+", &via))
		buf_printf(&s->cancel.via, "Via: %.*s\r\n", (int)via.l, via.p);
	s->cancel.tp = tp;
	s->cancel.dst = *dst;
	buf_init(&contact);
	transport_contact(&contact, s->stack,
			  &(struct transport_way){tp, src, dst},
			  s->contact_user, NULL);
	err = mbuf_write_mem(mb, contact.p, contact.n);
	buf_clear(&contact);
	return err;
}

/* libre repeats a request by itself and says nothing; its trace does. */
void session_out_sent(struct sip_stack *stack, struct bytes datagram)
{
	struct le *le;
	struct pl id;

	if (stack->invite_first) {
		stack->invite_first = false;
		return;
	}
	if (re_regex((const char *)datagram.p, datagram.n, "\nCall-ID: [^\r]+",
		     &id))
		return;
	le = list_head(hash_list(stack->sessions_by_call, hash_joaat_pl(&id)));
	for (; le; le = le->next) {
		struct sip_session *s = le->data;

		if (!s->incoming && !pl_strcmp(&id, s->dialog.call_id))
			s->repeats++;
	}
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
	};
	struct buf lines;
	int err;

	buf_init(&lines);
	buf_put(&lines, s->authorization.p, s->authorization.n);
	session_write_abilities(&lines, s);
	session_timer_ask(s, &lines);
	if (s->terms.rel100 == SIP_REL100_REQUIRED)
		buf_str(&lines, "Require: 100rel\r\n");
	buf_put(&lines, s->headers.p, s->headers.n);
	r.headers = buf_bytes(&lines);
	err = session_attempt_begin(s);
	r.arg = s->attempt;
	if (!err)
		err = dialog_send(&s->dialog, s->stack, &s->attempt->request,
				  &r);
	if (err)
		s->attempt = mem_deref(s->attempt);
	s->invite_seq = s->dialog.local_seq;
	buf_clear(&lines);
	return err;
}

int session_out_again(struct sip_session *s)
{
	s->provisional = false;
	s->challenges = 0;
	buf_reset(&s->authorization);
	session_early_clear(s);
	session_set_state(s, SESSION_CALLING);
	return invite_send(s);
}

/* Our address towards a next hop, where that is an address, too. */
static int local_address(struct sa *local, const struct sip_stack *stack,
			 const char *next)
{
	struct buf hop;
	struct uri uri;
	struct sa dst;
	struct pl pl;
	int err;

	buf_init(&hop);
	err = address_hop(&hop, next);
	if (!err) {
		pl_set_str(&pl, buf_cstr(&hop));
		err = uri_decode(&uri, &pl) ||
		      sa_set(&dst, &uri.host, uri.port) ||
		      transport_local(stack, &dst, local);
	}
	buf_clear(&hop);
	return err;
}

/* The host of our From: what we are called by, or our address. */
static void domain_write(struct buf *text, const struct sip_stack *stack,
			 const char *next)
{
	char host[64] = "";
	struct sa local;

	if (stack->public_address) {
		buf_str(text, stack->public_address);
	} else if (!local_address(&local, stack, next)) {
		(void)re_snprintf(host, sizeof(host),
				  sa_af(&local) == AF_INET6 ? "[%j]" : "%j",
				  &local);
		buf_str(text, host);
	} else {
		buf_str(text, stack->realm);
	}
}

/* RFC 3323 4.1.1.3: what an anonymous From says. */
static void from_write(struct buf *text, const struct sip_session *s,
		       const struct sip_invite_conf *conf, bool anonymous)
{
	if (anonymous) {
		buf_str(text, "\"Anonymous\" "
			      "<sip:anonymous@anonymous.invalid>");
		return;
	}
	address_write_name(text, conf->from_name);
	buf_str(text, "<sip:");
	if (conf->from_user && *conf->from_user) {
		address_write_user(text, conf->from_user);
		buf_u8(text, '@');
	}
	if (conf->from_host && *conf->from_host)
		buf_str(text, conf->from_host);
	else
		domain_write(text, s->stack,
			     conf->route ? conf->route : conf->uri);
	buf_u8(text, '>');
}

static void asserted_write(struct sip_session *s,
			   const struct sip_invite_conf *conf)
{
	buf_str(&s->headers, "P-Asserted-Identity: ");
	from_write(&s->headers, s, conf, false);
	buf_str(&s->headers, "\r\n");
}

static int dialog_make(struct sip_session *s,
		       const struct sip_invite_conf *conf)
{
	const char *to = conf->to_uri ? conf->to_uri : conf->uri;
	struct dialog_conf start = {
		.target = conf->uri,
		.route = conf->route,
		.tls_name = conf->tls_name,
		.tls_verify = conf->tls_verify,
	};
	struct buf local, remote;
	int err;

	if (!address_header_safe(conf->uri) || strpbrk(conf->uri, " <>\"") ||
	    !address_header_safe(to) || strpbrk(to, "<>\"") ||
	    (conf->from_host && (!address_header_safe(conf->from_host) ||
				 strpbrk(conf->from_host, " <>\"@;"))))
		return -EINVAL;
	buf_init(&local);
	buf_init(&remote);
	from_write(&local, s, conf, conf->anonymous);
	if (conf->assert_identity)
		asserted_write(s, conf);
	if (conf->anonymous)
		buf_str(&s->headers, "Privacy: id\r\n");
	buf_printf(&remote, "<%s>", to);
	start.local = buf_cstr(&local);
	start.remote = buf_cstr(&remote);
	err = dialog_start(&s->dialog, &start);
	buf_clear(&local);
	buf_clear(&remote);
	return err;
}

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static int conf_take(struct sip_session *s, const struct sip_invite_conf *conf)
{
	int err;

	for (size_t i = 0; i < conf->headers_n; i++)
		address_write_header(&s->headers, conf->headers[i].name,
				     conf->headers[i].value);
	buf_put(&s->offer, conf->sdp.p, conf->sdp.n);
	s->terms = conf->terms;
	if (conf->servers && conf->servers->n) {
		s->servers = *conf->servers;
		s->servers_tried = 1;
		s->servers_transport = conf->servers_transport;
	}
	s->targets.through_proxy =
		conf->route && strncmp(conf->route, "sip:", 4) == 0;
	s->contact_user = copy(conf->anonymous ? "anonymous" : conf->from_user);
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
	err = dialog_make(s, conf);
	return err ? err : s->headers.bad ? -ENOMEM : 0;
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
