/* Provisional answers that are acknowledged (RFC 3262): ours until their PRACK
 * comes, and our PRACK for those of the peer. */
#include "sip/session_priv.h"

#include <errno.h>

#include "base/log.h"
#include "base/random.h"

bool session_reliable_wanted(const struct sip_session *s)
{
	return s->reliable.required ||
	       (s->terms.rel100 == SIP_REL100_REQUIRED &&
		s->reliable.supported);
}

bool sip_session_is_reliable(const struct sip_session *s)
{
	return s->incoming && session_reliable_wanted(s);
}

int sip_session_agree(struct sip_session *s,
		      const struct sip_session_terms *terms)
{
	s->terms = *terms;
	return s->incoming && terms->rel100 == SIP_REL100_REQUIRED &&
			       !s->reliable.required && !s->reliable.supported
		       ? -ENOTSUP
		       : 0;
}

/* -- ours ------------------------------------------------------------------ */

void session_reliable_stop(struct sip_session *s)
{
	tmr_cancel(&s->reliable.again);
	tmr_cancel(&s->reliable.give_up);
	s->reliable.text = mem_deref(s->reliable.text);
}

/* RFC 3262 3: "starting at T1 seconds and doubling for each retransmission" */
static void again_handler(void *arg)
{
	struct sip_session *s = arg;
	struct session_reliable *r = &s->reliable;

	(void)sip_send(s->stack->sip, s->invite->sock, s->invite->tp, &r->dst,
		       r->text);
	r->interval_ms *= 2;
	tmr_start(&r->again, r->interval_ms, again_handler, s);
}

/* "If a reliable provisional response is retransmitted for 64*T1 seconds
 * without reception of a corresponding PRACK, the UAS SHOULD reject the
 * original request with a 5xx response." */
static void give_up_handler(void *arg)
{
	struct sip_session *s = arg;

	mem_ref(s);
	session_reliable_stop(s);
	(void)session_in_reject(s, 504, "PRACK Timeout", bytes_of(NULL, 0));
	session_close(s, SIP_END_TIMEOUT, 504, "PRACK Timeout");
	mem_deref(s);
}

void session_reliable_write(struct sip_session *s, struct buf *lines)
{
	struct session_reliable *r = &s->reliable;

	/* RFC 3262 3: the first "uniformly between 1 and 2**31 - 1", then one
	 * more each. Room is left for that. */
	r->seq = r->seq ? r->seq + 1 : 1 + random_u32() % 0x3fffffff;
	buf_printf(lines, "Require: 100rel\r\nRSeq: %u\r\n", r->seq);
}

void session_reliable_sent(struct sip_session *s, struct mbuf *text, bool offer)
{
	struct session_reliable *r = &s->reliable;
	struct pl rport;

	session_reliable_stop(s);
	r->text = text;
	r->offer = offer;
	r->interval_ms = s->stack->t1_ms;
	sip_reply_addr(
		&r->dst, s->invite,
		!msg_param_exists(&s->invite->via.params, "rport", &rport));
	tmr_start(&r->again, r->interval_ms, again_handler, s);
	tmr_start(&r->give_up, 64 * s->stack->t1_ms, give_up_handler, s);
}

/* RFC 3262 7.2: "RAck: response-num CSeq-num Method" */
static bool rack_matches(const struct sip_session *s, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RACK);
	struct pl seq, cseq, method;

	return hdr && s->reliable.text &&
	       !re_regex(hdr->val.p, hdr->val.l,
			 "[0-9]+[ \t\r\n]+[0-9]+[ \t\r\n]+[^ \t\r\n]+", &seq,
			 NULL, &cseq, NULL, &method) &&
	       pl_u32(&seq) == s->reliable.seq &&
	       pl_u32(&cseq) == s->invite->cseq.num &&
	       pl_strcmp(&method, "INVITE") == 0;
}

static void prack_accept(struct sip_session *s, const struct sip_msg *msg,
			 struct bytes sdp)
{
	(void)sip_treplyf(NULL, NULL, s->stack->sip, msg, false, 200, "OK",
			  "%sContent-Length: %zu\r\n\r\n%b",
			  sdp.n ? "Content-Type: application/sdp\r\n" : "",
			  sdp.n, sdp.p, sdp.n);
	session_sdp_sent(s, sdp);
}

/* RFC 3262 5: it carries the answer to our offer, or another offer. */
static void prack_body(struct sip_session *s, const struct sip_msg *msg,
		       bool answers)
{
	struct bytes sdp = session_sdp(msg);
	struct buf answer;
	int code = 0;

	if (answers || !sdp.n) {
		prack_accept(s, msg, bytes_of(NULL, 0));
		if (answers && sdp.n && s->handlers.changed)
			s->handlers.changed(sdp, s->arg);
		return;
	}
	buf_init(&answer);
	code = session_offer_blocked(s, msg);
	if (!code)
		code = session_offer_ask(s, sdp, &answer);
	if (code > 0)
		session_offer_refuse(s, msg, code);
	else if (!code)
		prack_accept(s, msg, buf_bytes(&answer));
	buf_clear(&answer);
}

void session_prack_request(struct sip_session *s, const struct sip_msg *msg)
{
	bool answers = s->reliable.offer;

	if (!rack_matches(s, msg)) {
		(void)sip_treply(NULL, s->stack->sip, msg, 481,
				 "Call/Transaction Does Not Exist");
		return;
	}
	session_reliable_stop(s);
	prack_body(s, msg, answers);
	if (s->stack && s->reliable.answer_due && s->transaction) {
		s->reliable.answer_due = false;
		(void)sip_session_answer(s, bytes_of(NULL, 0));
	}
}

/* -- the peer's ------------------------------------------------------------ */

/* Our INVITE had no offer: his is in the provisional answer, ours goes with the
 * PRACK. */
static void offer_answer(struct sip_session *s, struct bytes sdp,
			 struct buf *answer)
{
	if (!s->offer.n && sdp.n)
		(void)session_offer_ask(s, sdp, answer);
}

static void prack_to(struct sip_session *s, const struct sip_msg *msg,
		     uint32_t seq)
{
	struct dialog d;
	struct buf line, answer;

	if (dialog_copy(&d, &s->dialog))
		return;
	buf_init(&line);
	buf_init(&answer);
	if (!dialog_establish(&d, msg)) {
		offer_answer(s, session_sdp(msg), &answer);
		buf_printf(&line, "RAck: %u %u INVITE\r\n", seq, msg->cseq.num);
		(void)session_request_send(NULL, s, &d, "PRACK",
					   buf_bytes(&line), buf_bytes(&answer),
					   NULL);
	}
	buf_clear(&answer);
	buf_clear(&line);
	dialog_clear(&d);
}

bool session_prack_send(struct sip_session *s, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RSEQ);
	struct session_early *early = session_early_find(s, &msg->to.tag);
	struct bytes sdp = session_sdp(msg);
	uint64_t seq;

	if (early && sdp.n) {
		buf_reset(&early->sdp);
		buf_put(&early->sdp, sdp.p, sdp.n);
	}
	if (!hdr || !sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "100rel"))
		return true;
	/* RFC 3262 4: the next one only; one that was acknowledged is not
	 * acknowledged again. */
	if (!early || !msg->to.tag.l ||
	    !head_number(head_trim(bytes_of(hdr->val.p, hdr->val.l)),
			 UINT32_MAX, &seq) ||
	    (early->seq && seq != (uint64_t)early->seq + 1))
		return false;
	early->seq = (uint32_t)seq;
	prack_to(s, msg, early->seq);
	return true;
}
