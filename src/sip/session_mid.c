/* Requests inside a dialog (RFC 3261 12.2.2, 14.2, 15.1.2; 3311; 6086), and
 * our own BYE. */
#include "sip/session_priv.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

static void reply(struct sip_session *s, const struct sip_msg *msg, int code)
{
	(void)sip_treply(NULL, s->stack->sip, msg, (uint16_t)code,
			 session_reason(code));
}

/* -- BYE of ours ----------------------------------------------------------- */

static int bye_send(struct sip_session *s, struct bytes authorization);

static bool bye_retry(struct sip_session *s, const struct sip_msg *msg)
{
	const struct auth_credentials credentials = {
		.user = s->auth_user,
		.password = s->auth_password,
		.method = "BYE",
		.uri = s->dialog.target,
		.count = 1,
	};
	struct digest_fields f;
	struct buf line;
	bool sent;

	if ((msg->scode != 401 && msg->scode != 407) ||
	    s->bye_challenges++ > 0 || auth_challenge(&f, msg))
		return false;
	buf_init(&line);
	sent = !auth_answer(&line, &f, msg->scode == 407, &credentials) &&
	       !bye_send(s, buf_bytes(&line));
	buf_clear(&line);
	return sent;
}

static void bye_answered(int err, const struct sip_msg *msg, void *arg)
{
	struct sip_session *s = arg;

	if (!err && msg && msg->scode < 200)
		return;
	mem_ref(s);
	if (err || !msg || !bye_retry(s, msg))
		session_settle(s);
	mem_deref(s);
}

static int bye_send(struct sip_session *s, struct bytes authorization)
{
	struct dialog_request r = {
		.method = "BYE",
		.stateful = true,
		.answered = bye_answered,
		.arg = s,
	};
	struct buf lines;
	int err;

	buf_init(&lines);
	buf_put(&lines, authorization.p, authorization.n);
	buf_put(&lines, s->reason_header.p, s->reason_header.n);
	r.headers = buf_bytes(&lines);
	err = dialog_send(&s->dialog, s->stack, &s->bye, &r);
	buf_clear(&lines);
	return err;
}

void session_bye(struct sip_session *s)
{
	int err = s->bye ? 0 : bye_send(s, bytes_of(NULL, 0));

	if (err)
		log_warn("sip", s->dialog.call_id, "BYE not sent: %s",
			 strerror(-err));
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
	reply(s, msg, 200);
	session_ok_stop(s);
	/* RFC 3261 15.1.2: "pending requests" are answered with 487. */
	if (s->transaction)
		(void)sip_treply(&s->transaction, s->stack->sip, s->invite, 487,
				 "Request Terminated");
	session_close(s, SIP_END_REMOTE, 200, "OK");
}

/* -- offers ---------------------------------------------------------------- */

/* An offer while one of either side is open (RFC 3261 14.2, 3311 5.2). */
static int offer_blocked(const struct sip_session *s)
{
	if (s->state == SESSION_NEW ||
	    (s->state == SESSION_EARLY && s->incoming))
		return s->offer.n ? 500 : 491; /* theirs, or ours, is open */
	if (s->state != SESSION_CONFIRMED && s->state != SESSION_ACCEPTED)
		return 491;
	return s->ok.text ? 491 : 0;
}

static void refuse_offer(struct sip_session *s, const struct sip_msg *msg,
			 int code)
{
	if (code == 500)
		(void)sip_treplyf(NULL, NULL, s->stack->sip, msg, false, 500,
				  session_reason(500),
				  "Retry-After: 2\r\n"
				  "Content-Length: 0\r\n\r\n");
	else
		reply(s, msg, code);
}

static void update_accept(struct sip_session *s, const struct sip_msg *msg,
			  const struct buf *sdp)
{
	struct buf lines;

	buf_init(&lines);
	session_write_own(&lines, s, msg);
	if (sdp->n)
		buf_str(&lines, "Content-Type: application/sdp\r\n");
	(void)sip_treplyf(NULL, NULL, s->stack->sip, msg, false, 200, "OK",
			  "%bContent-Length: %zu\r\n\r\n%b", lines.p, lines.n,
			  sdp->n, sdp->p, sdp->n);
	buf_clear(&lines);
}

static void offer_request(struct sip_session *s, const struct sip_msg *msg)
{
	bool invite = pl_strcmp(&msg->met, "INVITE") == 0;
	struct bytes sdp = session_sdp(msg);
	struct buf answer;
	int code;

	code = invite || sdp.n ? offer_blocked(s) : 0;
	if (code) {
		refuse_offer(s, msg, code);
		return;
	}
	buf_init(&answer);
	if (invite || sdp.n) {
		code = s->handlers.offer
			       ? s->handlers.offer(sdp, &answer, s->arg)
			       : 488;
		if (!s->stack) { /* the handler stopped everything */
			buf_clear(&answer);
			return;
		}
		if (s->state == SESSION_TERMINATED)
			code = 487;
	}
	if (code) {
		refuse_offer(s, msg, code);
	} else {
		(void)dialog_refresh(&s->dialog, msg);
		if (invite)
			(void)session_ok_send(s, NULL, msg, buf_bytes(&answer),
					      !sdp.n);
		else
			update_accept(s, msg, &answer);
	}
	buf_clear(&answer);
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
		reply(s, msg, 200); /* a keep-alive of old phones */
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
		reply(s, msg, 400);
		return;
	}
	reply(s, msg, 200);
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
		offer_request(s, msg);
	else if (pl_strcmp(&msg->met, "INFO") == 0)
		info_request(s, msg);
	else if (pl_strcmp(&msg->met, "OPTIONS") == 0)
		options_request(s->stack, msg);
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
	else if (!dialog_take_seq(&s->dialog, msg))
		reply(s, msg, 500); /* RFC 3261 12.2.2: out of order */
	else
		in_order(s, msg);
	mem_deref(s);
}
