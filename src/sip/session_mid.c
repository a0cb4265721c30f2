/* Requests of the peer inside the dialog (RFC 3261 12.2.2, 15.1.2; 6086). */
#include "sip/session_priv.h"

#include "base/log.h"

void session_mid_reply(struct sip_session *s, const struct sip_msg *msg,
		       int code)
{
	(void)sip_treply(NULL, s->stack->sip, msg, (uint16_t)code,
			 session_reason(code));
}

/* -- ACK, BYE -------------------------------------------------------------- */

static void ack_request(struct sip_session *s, const struct sip_msg *msg)
{
	struct bytes sdp = session_sdp(msg);
	bool first = s->state == SESSION_ACCEPTED;

	if (!s->ok.text || msg->cseq.num != s->ok.seq)
		return;
	session_ok_stop(s);
	if (s->state == SESSION_TERMINATED) {
		if (s->bye_after_ack)
			session_bye(s);
		session_settle(s);
		return;
	}
	session_set_state(s, SESSION_CONFIRMED);
	if ((first || sdp.n) && s->handlers.confirmed)
		s->handlers.confirmed(sdp, s->arg);
}

static void bye_request(struct sip_session *s, const struct sip_msg *msg)
{
	session_mid_reply(s, msg, 200);
	session_ok_stop(s);
	/* RFC 3261 15.1.2: "pending requests" are answered with 487. */
	if (s->transaction)
		session_in_terminate(s);
	session_close(s, SIP_END_REMOTE, 200, "OK");
}

/* -- INFO ------------------------------------------------------------------ */

static bool is_digit(uint8_t c)
{
	return (c >= '0' && c <= '9') || c == '*' || c == '#' ||
	       (c >= 'A' && c <= 'D') || (c >= 'a' && c <= 'd');
}

/* "Signal=5\r\nDuration=160\r\n", or the digit alone. */
static bool dtmf_read(struct bytes body, char *digit, unsigned *duration_ms)
{
	struct pl text = {.p = (const char *)body.p, .l = body.n}, pl;
	uint64_t n;

	*duration_ms = 0;
	if (!body.n)
		return false;
	if (!re_regex(text.p, text.l, "Duration[ \t]*=[ \t]*[0-9]+", NULL, NULL,
		      &pl) &&
	    head_number(bytes_of(pl.p, pl.l), 60000, &n))
		*duration_ms = (unsigned)n;
	if (!re_regex(text.p, text.l, "Signal[ \t]*=[ \t]*[^ \t\r\n]1", NULL,
		      NULL, &pl)) {
		*digit = *pl.p;
	} else {
		struct bytes word = head_trim(body);

		if (word.n != 1)
			return false;
		*digit = (char)*word.p;
	}
	if (*digit >= 'a' && *digit <= 'd')
		*digit = (char)(*digit - 'a' + 'A');
	return is_digit((uint8_t)*digit);
}

static void info_request(struct sip_session *s, const struct sip_msg *msg)
{
	struct bytes body = bytes_of(mbuf_buf(msg->mb), mbuf_get_left(msg->mb));
	unsigned duration_ms;
	char digit;

	if (!body.n) {
		session_mid_reply(s, msg, 200); /* a keep-alive of old phones */
		return;
	}
	if (!msg_ctype_cmp(&msg->ctyp, "application", "dtmf-relay") &&
	    !msg_ctype_cmp(&msg->ctyp, "application", "dtmf")) {
		(void)sip_treplyf(NULL, NULL, s->stack->sip, msg, false, 415,
				  "Unsupported Media Type",
				  "Accept: application/dtmf-relay, "
				  "application/dtmf\r\n"
				  "Content-Length: 0\r\n\r\n");
		return;
	}
	if (!dtmf_read(body, &digit, &duration_ms)) {
		count_bad("sip", "bad DTMF", "INFO without a digit");
		session_mid_reply(s, msg, 400);
		return;
	}
	session_mid_reply(s, msg, 200);
	if (s->handlers.dtmf)
		s->handlers.dtmf(digit, duration_ms, s->arg);
}

/* -- by method ------------------------------------------------------------- */

static void in_order(struct sip_session *s, const struct sip_msg *msg)
{
	if (pl_strcmp(&msg->met, "BYE") == 0)
		bye_request(s, msg);
	else if (s->state == SESSION_TERMINATED)
		(void)sip_treply(NULL, s->stack->sip, msg, 481,
				 "Call/Transaction Does Not Exist");
	else if (pl_strcmp(&msg->met, "INVITE") == 0 ||
		 pl_strcmp(&msg->met, "UPDATE") == 0)
		session_offer_request(s, msg);
	else if (pl_strcmp(&msg->met, "PRACK") == 0)
		session_prack_request(s, msg);
	else if (pl_strcmp(&msg->met, "INFO") == 0)
		info_request(s, msg);
	else if (pl_strcmp(&msg->met, "OPTIONS") == 0)
		options_request(s->stack, msg);
	else if (pl_strcmp(&msg->met, "REFER") == 0)
		session_refer_request(s, msg);
	else if (pl_strcmp(&msg->met, "SUBSCRIBE") == 0)
		session_refer_subscribe(s, msg);
	else
		(void)sip_treplyf(NULL, NULL, s->stack->sip, msg, false, 405,
				  "Method Not Allowed",
				  "Allow: %s\r\nContent-Length: 0\r\n\r\n",
				  SANITY_ALLOW);
}

void session_mid_request(struct sip_session *s, const struct sip_msg *msg)
{
	mem_ref(s);
	if (pl_strcmp(&msg->met, "ACK") == 0)
		ack_request(s, msg);
	else if (pl_strcmp(&msg->met, "CANCEL") == 0)
		(void)sip_reply(s->stack->sip, msg, 481,
				"Call/Transaction Does Not Exist");
	/* Forks of ours count each for itself. */
	else if ((s->incoming || s->dialog.remote_tag) &&
		 !dialog_take_seq(&s->dialog, msg))
		session_mid_reply(s, msg,
				  500); /* RFC 3261 12.2.2: out of order */
	else
		in_order(s, msg);
	mem_deref(s);
}
