#include "sip/session_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sip/address.h"

static const char *const state_names[] = {
	[SESSION_NEW] = "new",
	[SESSION_CALLING] = "calling",
	[SESSION_EARLY] = "early",
	[SESSION_ACCEPTED] = "accepted",
	[SESSION_CONFIRMED] = "confirmed",
	[SESSION_TERMINATED] = "terminated",
};

static void timers_stop(struct sip_session *s)
{
	session_ok_stop(s);
	session_reliable_stop(s);
	session_out_stop(s);
	session_refresh_stop(s);
	session_timer_stop(s);
	session_refer_stop(s);
}

static void destructor(void *p)
{
	struct sip_session *s = p;

	list_unlink(&s->list_le);
	hash_unlink(&s->call_le);
	tmr_cancel(&s->closed_timer);
	tmr_cancel(&s->servers_try);
	timers_stop(s);
	list_flush(&s->requests);
	mem_deref(s->transaction);
	mem_deref(s->invite);
	session_early_clear(s);
	session_redirect_clear(s);
	dialog_clear(&s->dialog);
	free(s->call_id);
	free(s->request_user);
	free(s->from_user);
	free(s->from_name);
	free(s->to_user);
	free(s->user_agent);
	free(s->contact_user);
	free(s->asserted_user);
	free(s->asserted_name);
	free(s->diverted_user);
	free(s->diverted_reason);
	free(s->auth_user);
	if (s->auth_password)
		bytes_wipe(s->auth_password, strlen(s->auth_password));
	free(s->auth_password);
	buf_clear(&s->offer);
	buf_clear(&s->headers);
	buf_clear(&s->authorization);
	buf_clear(&s->reason_header);
	buf_clear(&s->cancel.via);
	buf_clear(&s->local_sdp);
	buf_clear(&s->warning);
	buf_clear(&s->ack_body);
}

struct sip_session *session_new(struct sip_stack *stack, bool incoming)
{
	struct sip_session *s = mem_zalloc(sizeof(*s), destructor);

	if (!s)
		return NULL;
	s->stack = stack;
	s->incoming = incoming;
	s->state = incoming ? SESSION_NEW : SESSION_CALLING;
	return s;
}

void session_add(struct sip_session *s, const char *call_id)
{
	list_append(&s->stack->sessions, &s->list_le, mem_ref(s));
	hash_append(s->stack->sessions_by_call, hash_joaat_str(call_id),
		    &s->call_le, s);
}

struct sip_session *session_find(const struct sip_stack *stack,
				 const struct sip_msg *msg)
{
	struct le *le = list_head(hash_list(stack->sessions_by_call,
					    hash_joaat_pl(&msg->callid)));

	for (; le; le = le->next) {
		struct sip_session *s = le->data;

		if (dialog_matches(&s->dialog, msg))
			return s;
	}
	return NULL;
}

void session_set_state(struct sip_session *s, enum session_state state)
{
	if (s->state != state)
		log_debug("sip", s->dialog.call_id, "session %s -> %s",
			  state_names[s->state], state_names[state]);
	s->state = state;
}

/* -- the end --------------------------------------------------------------- */

static void end_note(struct sip_session *s, enum sip_end how, int code,
		     const char *reason)
{
	session_set_state(s, SESSION_TERMINATED);
	session_reliable_stop(s);
	session_refresh_stop(s);
	session_timer_stop(s);
	s->closed = true;
	s->end_how = how;
	s->end_code = code;
	sip_reason_clean(s->end_reason, reason);
}

static void end_tell(struct sip_session *s)
{
	const struct sip_session_handlers h = s->handlers;

	s->handlers = (struct sip_session_handlers){0};
	mem_ref(s);
	if (h.closed)
		h.closed(s->end_how, s->end_code, s->end_reason, s->arg);
	session_settle(s);
	mem_deref(s);
}

void session_close(struct sip_session *s, enum sip_end how, int code,
		   const char *reason)
{
	if (s->closed) {
		session_settle(s);
		return;
	}
	end_note(s, how, code, reason);
	end_tell(s);
}

static void closed_handler(void *arg)
{
	end_tell(arg);
}

void session_close_later(struct sip_session *s, int code, const char *reason)
{
	if (s->closed)
		return;
	end_note(s, SIP_END_LOCAL, code, reason);
	tmr_start(&s->closed_timer, 0, closed_handler, s);
}

void session_settle(struct sip_session *s)
{
	if (!s->list_le.list || !s->closed || tmr_isrunning(&s->closed_timer) ||
	    session_out_is_open(s) || s->requests.head || s->ok.text)
		return;
	list_unlink(&s->list_le);
	hash_unlink(&s->call_le);
	mem_deref(s);
}

void sip_session_end(struct sip_session *s, int code, const char *reason,
		     const char *reason_header)
{
	if (s->closed || !s->stack)
		return;
	if (reason_header && address_header_safe(reason_header))
		buf_printf(&s->reason_header, "Reason: %s\r\n", reason_header);
	switch (s->state) {
	case SESSION_NEW:
	case SESSION_EARLY:
		if (s->incoming) {
			(void)sip_session_reject(s, code >= 300 ? code : 480,
						 reason, NULL, 0);
			return;
		}
		session_out_cancel(s);
		break;
	case SESSION_CALLING:
		session_out_cancel(s);
		break;
	case SESSION_ACCEPTED:
		/* RFC 3261 15: the callee sends no BYE before the ACK or the
		 * end of waiting for it. */
		s->bye_after_ack = true;
		break;
	case SESSION_CONFIRMED:
		session_bye(s);
		break;
	case SESSION_TERMINATED:
		return;
	}
	session_close_later(s, code,
			    reason && *reason ? reason : session_reason(code));
}

static void session_stop(struct sip_session *s)
{
	sip_session_end(s, 503, "Service Unavailable", NULL);
	if (s->ok.text && s->state == SESSION_TERMINATED && s->bye_after_ack) {
		session_ok_stop(s);
		session_bye(s);
	}
	if (tmr_isrunning(&s->closed_timer)) {
		tmr_cancel(&s->closed_timer);
		end_tell(s);
	}
}

void session_stop_all(struct sip_stack *stack)
{
	while (stack->sessions.head) {
		struct sip_session *s = stack->sessions.head->data;

		mem_ref(s);
		session_stop(s);
		if (s->list_le.list) {
			list_unlink(&s->list_le);
			hash_unlink(&s->call_le);
			mem_deref(s);
		}
		/* An owner may still hold it; it can do nothing any more. */
		timers_stop(s);
		s->transaction = mem_deref(s->transaction);
		list_flush(&s->requests);
		s->stack = NULL;
		mem_deref(s);
	}
	list_flush(&stack->kept);
}

/* -- what both directions share -------------------------------------------- */

void sip_session_info(const struct sip_session *s, struct sip_session_info *i)
{
	*i = (struct sip_session_info){
		.call_id = s->dialog.call_id,
		.request_user = s->request_user ? s->request_user : "",
		.from_user = s->from_user ? s->from_user : "",
		.from_name = s->from_name ? s->from_name : "",
		.to_user = s->to_user ? s->to_user : "",
		.user_agent = s->user_agent ? s->user_agent : "",
		.asserted_user = s->asserted_user ? s->asserted_user : "",
		.asserted_name = s->asserted_name ? s->asserted_name : "",
		.diverted_user = s->diverted_user ? s->diverted_user : "",
		.diverted_reason = s->diverted_reason ? s->diverted_reason : "",
		.private = s->private,
		.peer = s->peer,
		.replaces = s->replaces,
		.source = s->source,
		.sdp = buf_bytes(&s->offer),
		.repeats = s->repeats,
	};
}

void sip_session_handlers(struct sip_session *s,
			  const struct sip_session_handlers *h, void *arg)
{
	s->handlers = h ? *h : (struct sip_session_handlers){0};
	s->arg = arg;
}

void *sip_session_arg(const struct sip_session *s)
{
	return s->handlers.closed ? s->arg : NULL;
}

const char *session_reason(int code)
{
	static const struct {
		int code;
		const char *reason;
	} reasons[] = {
		{180, "Ringing"},
		{181, "Call Is Being Forwarded"},
		{183, "Session Progress"},
		{200, "OK"},
		{202, "Accepted"},
		{400, "Bad Request"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{408, "Request Timeout"},
		{415, "Unsupported Media Type"},
		{421, "Extension Required"},
		{422, "Session Interval Too Small"},
		{416, "Unsupported URI Scheme"},
		{480, "Temporarily Unavailable"},
		{481, "Call/Transaction Does Not Exist"},
		{482, "Loop Detected"},
		{486, "Busy Here"},
		{487, "Request Terminated"},
		{488, "Not Acceptable Here"},
		{491, "Request Pending"},
		{500, "Server Internal Error"},
		{503, "Service Unavailable"},
		{504, "Server Time-out"},
		{600, "Busy Everywhere"},
		{603, "Decline"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].code == code)
			return reasons[i].reason;
	return code < 200 ? "Trying" : code < 300 ? "OK" : "Failure";
}

struct bytes session_sdp(const struct sip_msg *msg)
{
	struct bytes body = bytes_of(mbuf_buf(msg->mb), mbuf_get_left(msg->mb));
	uint64_t length;

	if (msg->clen.p &&
	    head_number(head_trim(bytes_of(msg->clen.p, msg->clen.l)), body.n,
			&length))
		body.n = (size_t)length;
	if (!msg_ctype_cmp(&msg->ctyp, "application", "sdp"))
		body.n = 0;
	return body;
}

void session_write_abilities(struct buf *lines, const struct sip_session *s)
{
	buf_str(lines, "Allow: " SANITY_ALLOW);
	buf_str(lines,
		s->handlers.refer ? ", " SANITY_ALLOW_TRANSFER "\r\n" : "\r\n");
	buf_str(lines, "Supported: ");
	if (s->handlers.refer)
		buf_str(lines, SANITY_SUPPORTED_TRANSFER ", ");
	/* Of a re-INVITE no provisional answer is worth a PRACK. */
	buf_str(lines, s->terms.rel100 == SIP_REL100_OFF ||
				       s->state == SESSION_CONFIRMED
			       ? SANITY_SUPPORTED_PLAIN
			       : SANITY_SUPPORTED);
	buf_str(lines, "\r\n");
}

void session_write_own(struct buf *lines, const struct sip_session *s,
		       const struct sip_msg *msg)
{
	transport_contact(
		lines, s->stack,
		&(struct transport_way){msg->tp, &msg->dst, &msg->src},
		s->contact_user, NULL);
	session_write_abilities(lines, s);
}

void session_sdp_sent(struct sip_session *s, struct bytes sdp)
{
	if (!sdp.n)
		return;
	buf_reset(&s->local_sdp);
	buf_put(&s->local_sdp, sdp.p, sdp.n);
}

void session_abilities_read(struct sip_session *s, const struct sip_msg *msg)
{
	if (!sip_msg_hdr(msg, SIP_HDR_ALLOW))
		return;
	s->refresh.peer_updates =
		sip_msg_hdr_has_value(msg, SIP_HDR_ALLOW, "UPDATE");
	s->peer_no_info = !sip_msg_hdr_has_value(msg, SIP_HDR_ALLOW, "INFO");
}
