/* INVITE from the peer (RFC 3261 13.3). */
#include "sip/session_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sip/address.h"

/* -- 2xx until ACK --------------------------------------------------------- */

void session_ok_stop(struct sip_session *s)
{
	struct session_ok *ok = &s->ok;

	tmr_cancel(&ok->again);
	tmr_cancel(&ok->give_up);
	ok->text = mem_deref(ok->text);
	ok->request = mem_deref(ok->request);
}

/* RFC 3261 13.3.1.4: from T1, doubling up to T2, on any transport. */
static void again_handler(void *arg)
{
	struct sip_session *s = arg;
	struct session_ok *ok = &s->ok;

	(void)sip_send(s->stack->sip, ok->request->sock, ok->request->tp,
		       &ok->dst, ok->text);
	s->repeats++;
	ok->interval_ms = MIN(2 * ok->interval_ms, 8 * s->stack->t1_ms);
	tmr_start(&ok->again, ok->interval_ms, again_handler, s);
}

/* "If the server retransmits the 2xx response for 64*T1 seconds without
 * receiving an ACK, the dialog is confirmed, but the session SHOULD be
 * terminated" with a BYE. */
static void give_up_handler(void *arg)
{
	struct sip_session *s = arg;

	mem_ref(s);
	session_ok_stop(s);
	session_bye(s);
	session_close(s, SIP_END_TIMEOUT, 408, "Request Timeout");
	mem_deref(s);
}

int session_ok_send(struct sip_session *s, struct sip_strans **transaction,
		    const struct sip_msg *msg, struct bytes sdp, bool offer)
{
	struct session_ok *ok = &s->ok;
	struct mbuf *text = NULL;
	struct buf lines;
	struct pl rport;
	union {
		const struct sip_msg *in;
		struct sip_msg *out;
	} request = {.in = msg};
	int err;

	session_ok_stop(s);
	buf_init(&lines);
	session_write_own(&lines, s, msg);
	session_timer_answer(s, msg, &lines);
	if (sdp.n)
		buf_str(&lines, "Content-Type: application/sdp\r\n");
	err = sip_treplyf(transaction, &text, s->stack->sip, msg, true, 200,
			  "OK", "%bContent-Length: %zu\r\n\r\n%b", lines.p,
			  lines.n, sdp.n, sdp.p, sdp.n);
	buf_clear(&lines);
	if (err)
		return -err;
	session_sdp_sent(s, sdp);
	ok->text = text;
	ok->request = mem_ref(request.out);
	ok->seq = msg->cseq.num;
	ok->offer = offer;
	ok->interval_ms = s->stack->t1_ms;
	sip_reply_addr(&ok->dst, msg,
		       !msg_param_exists(&msg->via.params, "rport", &rport));
	tmr_start(&ok->again, ok->interval_ms, again_handler, s);
	tmr_start(&ok->give_up, 64 * s->stack->t1_ms, give_up_handler, s);
	return 0;
}

/* -- the INVITE ------------------------------------------------------------ */

/* The transaction has answered the CANCEL with 200 (RFC 3261 9.2). */
static void cancel_handler(void *arg)
{
	struct sip_session *s = arg;

	if (s->state != SESSION_NEW && s->state != SESSION_EARLY)
		return;
	session_in_terminate(s);
	session_close(s, SIP_END_REMOTE, 487, "Request Terminated");
}

static bool info_take(struct sip_session *s, const struct sip_msg *msg)
{
	const struct sip_hdr *agent = sip_msg_hdr(msg, SIP_HDR_USER_AGENT);
	static const struct pl none = {"", 0};
	struct bytes sdp = session_sdp(msg);

	s->request_user = session_user_copy(&msg->uri);
	s->from_user = session_user_copy(&msg->from.uri);
	s->to_user = session_user_copy(&msg->to.uri);
	s->from_name =
		session_name_copy(msg->from.dname.p ? &msg->from.dname : &none);
	s->user_agent = session_name_copy(agent ? &agent->val : &none);
	s->contact_user = session_user_copy(&msg->uri);
	s->source = *stack_source(s->stack, msg);
	s->reliable.required =
		sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "100rel");
	s->reliable.supported =
		sip_msg_hdr_has_value(msg, SIP_HDR_SUPPORTED, "100rel");
	session_abilities_read(s, msg);
	buf_put(&s->offer, sdp.p, sdp.n);
	return s->request_user && s->from_user && s->to_user && s->from_name &&
	       s->user_agent && s->contact_user && !s->offer.bad &&
	       !session_identity_read(s, msg);
}

/* The registration a trunk of this kind needs (behaviour 3.4, row 5). */
bool session_in_is_registered(const struct sip_stack *stack, const char *user)
{
	const struct sip_binding *b;

	return sip_stack_bindings(stack, user, &b, 1) == 1;
}

bool sip_origin_has_header(const struct sip_origin *o, const char *name,
			   const char *value)
{
	const struct sip_hdr *hdr = sip_msg_xhdr(o->msg, name);

	return hdr && pl_strcmp(&hdr->val, value) == 0;
}

bool session_in_is_peer(struct sip_stack *stack, const struct sip_msg *msg,
			char name[64])
{
	struct sip_origin o = {.source = *stack_source(stack, msg), .msg = msg};
	struct pl line;
	char *user;

	if (!stack->handlers.peer || auth_given(stack, msg))
		return false;
	user = session_user_copy(&msg->uri);
	str_ncpy(o.user, user ? user : "", sizeof(o.user));
	free(user);
	if (!msg_param_decode(&msg->uri.params, "line", &line))
		(void)pl_strcpy(&line, o.line, sizeof(o.line));
	return stack->handlers.peer(&o, name, stack->arg);
}

void session_in_verdict(const struct sip_stack *stack, const char *user,
			struct sip_verdict *v)
{
	if (stack->handlers.calling)
		stack->handlers.calling(user, v, stack->arg);
}

/* The owner's word on a user; answered already when false. */
static bool may_call(struct sip_stack *stack, const struct sip_msg *msg,
		     const char *user)
{
	struct sip_verdict v = {0};

	session_in_verdict(stack, user, &v);
	if (!v.code || v.code == 200)
		return true;
	stack_refuse(stack, msg, (unsigned)v.code, v.reason, NULL);
	return false;
}

/* Who it is, by his address or by digest and registration (behaviour 3.4, rows
 * 3 to 5). Answered already when false. */
static bool identify(struct sip_stack *stack, const struct sip_msg *msg,
		     char user[128], char peer[64])
{
	if (session_in_is_peer(stack, msg, peer))
		return true;
	peer[0] = '\0';
	if (!auth_check(stack, msg, user))
		return false;
	if (!may_call(stack, msg, user))
		return false;
	if (!session_in_is_registered(stack, user)) {
		stack_refuse_offender(stack, msg, CAUSE_REGISTER_FIRST,
				      "call without registration",
				      "Allow: " SANITY_ALLOW "\r\n");
		return false;
	}
	return true;
}

static bool accepts_sdp(const struct sip_hdr *hdr, const struct sip_msg *msg,
			void *arg)
{
	return !re_regex(hdr->val.p, hdr->val.l, "application/sdp", NULL) ||
	       !re_regex(hdr->val.p, hdr->val.l, "application/[*]1", NULL) ||
	       !re_regex(hdr->val.p, hdr->val.l, "[*]1/[*]1", NULL);
}

/* Answered already when false. */
static bool body_acceptable(struct sip_stack *stack, const struct sip_msg *msg)
{
	if (pl_isset(&msg->ctyp.type) &&
	    !msg_ctype_cmp(&msg->ctyp, "application", "sdp")) {
		stack_refuse(stack, msg, 415, "Unsupported Media Type",
			     "Accept: application/sdp\r\n");
		return false;
	}
	/* RFC 4475 3.3.15: the answer would have to be something else. */
	if (sip_msg_hdr(msg, SIP_HDR_ACCEPT) &&
	    !sip_msg_hdr_apply(msg, true, SIP_HDR_ACCEPT, accepts_sdp, NULL)) {
		stack_refuse(stack, msg, 406, "Not Acceptable", NULL);
		return false;
	}
	return true;
}

/* Answered already when true. */
static bool interval_refused(struct sip_session *s, const struct sip_msg *msg)
{
	struct buf line;
	int code;

	buf_init(&line);
	code = session_timer_check(s, msg, &line);
	if (code)
		(void)sip_treplyf(NULL, NULL, s->stack->sip, msg, false,
				  (uint16_t)code, session_reason(code),
				  "%bContent-Length: 0\r\n\r\n", line.p,
				  line.n);
	buf_clear(&line);
	return code != 0;
}

static int session_in_new(struct sip_session **sp, struct sip_stack *stack,
			  const struct sip_msg *msg)
{
	struct sip_session *s = session_new(stack, true);
	union {
		const struct sip_msg *in;
		struct sip_msg *out;
	} request = {.in = msg};
	int err;

	if (!s)
		return -ENOMEM;
	err = dialog_from_request(&s->dialog, msg);
	if (!err && !info_take(s, msg))
		err = -ENOMEM;
	if (!err && interval_refused(s, msg))
		err = -ERANGE;
	if (!err)
		err = -sip_strans_alloc(&s->transaction, stack->sip, msg,
					cancel_handler, s);
	if (!err) {
		s->invite = mem_ref(request.out);
		err = -sip_treply(&s->transaction, stack->sip, msg, 100,
				  "Trying");
	}
	if (err) {
		mem_deref(s);
		return err;
	}
	*sp = s;
	return 0;
}

void session_in_request(struct sip_stack *stack, const struct sip_msg *msg)
{
	struct sip_session *s = NULL;
	char user[128] = "", peer[64] = "";
	struct sip_session *replaced;
	int err, code;

	if (!auth_admit(stack, msg, false) ||
	    !identify(stack, msg, user, peer) || !body_acceptable(stack, msg))
		return;
	code = session_replaced(&replaced, stack, msg);
	if (code) {
		stack_refuse(stack, msg, (unsigned)code, session_reason(code),
			     NULL);
		return;
	}
	err = session_in_new(&s, stack, msg);
	if (err == -ERANGE)
		return;
	if (err) {
		stack_refuse(stack, msg, err == -EBADMSG ? 400 : 500,
			     err == -EBADMSG ? "Bad Contact"
					     : "Server Internal Error",
			     NULL);
		return;
	}
	memcpy(s->peer, peer, sizeof(s->peer));
	session_add(s, s->dialog.call_id);
	s->replaces = mem_ref(replaced);
	if (stack->handlers.incoming)
		stack->handlers.incoming(s, *peer ? NULL : user, stack->arg);
	else
		sip_session_end(s, 404, "Not Found", NULL);
	s->replaces = mem_deref(s->replaces);
	mem_deref(s);
}

/* -- answers --------------------------------------------------------------- */

int sip_session_progress(struct sip_session *s, int code, const char *reason,
			 struct bytes sdp)
{
	bool reliable = session_reliable_wanted(s);
	struct mbuf *text = NULL;
	char clean[129];
	struct buf lines;
	int err;

	if (!s->incoming || !s->transaction || code < 101 || code > 199)
		return -EINVAL;
	if (s->reliable.text)
		return -EBUSY;
	sip_reason_clean(clean,
			 reason && *reason ? reason : session_reason(code));
	buf_init(&lines);
	session_write_own(&lines, s, s->invite);
	if (reliable)
		session_reliable_write(s, &lines);
	if (sdp.n)
		buf_str(&lines, "Content-Type: application/sdp\r\n");
	err = sip_treplyf(&s->transaction, &text, s->stack->sip, s->invite,
			  true, (uint16_t)code, clean,
			  "%bContent-Length: %zu\r\n\r\n%b", lines.p, lines.n,
			  sdp.n, sdp.p, sdp.n);
	buf_clear(&lines);
	if (err)
		return -err;
	session_sdp_sent(s, sdp);
	if (reliable)
		session_reliable_sent(s, text, sdp.n && !s->offer.n);
	else
		mem_deref(text);
	session_set_state(s, SESSION_EARLY);
	return 0;
}

int sip_session_answer(struct sip_session *s, struct bytes sdp)
{
	int err;

	if (!s->incoming || !s->transaction)
		return -EINVAL;
	/* RFC 3262 3: not before the PRACK of one with a description. */
	if (s->reliable.text && s->reliable.offer) {
		s->reliable.answer_due = true;
		return 0;
	}
	session_reliable_stop(s);
	err = session_ok_send(s, &s->transaction, s->invite, sdp,
			      sdp.n && !s->offer.n);
	if (!err)
		session_set_state(s, SESSION_ACCEPTED);
	return err;
}

int session_in_reject(struct sip_session *s, int code, const char *reason,
		      struct bytes lines)
{
	char clean[129];

	session_reliable_stop(s);
	sip_reason_clean(clean,
			 reason && *reason ? reason : session_reason(code));
	return -sip_treplyf(&s->transaction, NULL, s->stack->sip, s->invite,
			    false, (uint16_t)code, clean,
			    "%bContent-Length: 0\r\n\r\n", lines.p, lines.n);
}

void session_in_terminate(struct sip_session *s)
{
	struct buf lines;

	buf_init(&lines);
	if (*s->event)
		buf_printf(&lines, "X-Gateway-Event: %s\r\n", s->event);
	(void)session_in_reject(s, 487, NULL, buf_bytes(&lines));
	buf_clear(&lines);
}

void sip_session_event(struct sip_session *s, const char *event)
{
	str_ncpy(s->event, event, sizeof(s->event));
}

static bool can_reject(const struct sip_session *s, int code)
{
	return s->incoming && s->transaction && code >= 300 && code <= 699;
}

static int reject_and_close(struct sip_session *s, int code, const char *reason,
			    const struct sip_header *headers, size_t headers_n)
{
	struct buf lines;
	int err;

	buf_init(&lines);
	for (size_t i = 0; i < headers_n; i++)
		address_write_header(&lines, headers[i].name, headers[i].value);
	err = session_in_reject(s, code, reason, buf_bytes(&lines));
	buf_clear(&lines);
	session_close_later(s, code,
			    reason && *reason ? reason : session_reason(code));
	return err;
}

int sip_session_reject(struct sip_session *s, int code, const char *reason,
		       const struct sip_header *headers, size_t headers_n)
{
	if (!can_reject(s, code))
		return -EINVAL;
	/* Behaviour D5: a number that matches nothing is counted; nobody is
	 * banned for it. */
	if (code == 404)
		stack_refused(s->stack, &s->source, REFUSED_404, reason);
	return reject_and_close(s, code, reason, headers, headers_n);
}

int sip_session_refuse(struct sip_session *s, int code, const char *reason,
		       const struct sip_header *more)
{
	struct sip_header headers[2] = {{"X-Gateway-Event", NULL}};
	char event[17], clean[129];

	if (!can_reject(s, code))
		return -EINVAL;
	sip_reason_clean(clean,
			 reason && *reason ? reason : session_reason(code));
	stack_refusal(event, s->stack, s->invite, (unsigned)code, clean);
	headers[0].value = event;
	if (more)
		headers[1] = *more;
	return reject_and_close(s, code, clean, headers, more ? 2 : 1);
}
