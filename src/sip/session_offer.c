/* Offers of the peer inside the dialog: re-INVITE (RFC 3261 14.2) and UPDATE
 * (RFC 3311). One that is refused leaves the session as it was. */
#include "sip/session_priv.h"

#include "base/random.h"

/* Our answer to the INVITE's offer is known to the peer: it stood in a
 * provisional answer that he acknowledged, or ours did and he answered. */
static bool early_offers_done(struct sip_session *s, const struct sip_msg *msg)
{
	const struct session_early *early;

	if (s->incoming)
		return session_reliable_wanted(s) && s->local_sdp.n &&
		       !s->reliable.text;
	early = session_early_find(s, &msg->from.tag);
	return early && early->seq && early->sdp.n;
}

int session_offer_blocked(struct sip_session *s, const struct sip_msg *msg)
{
	switch (s->state) {
	case SESSION_NEW:
	case SESSION_CALLING:
	case SESSION_EARLY:
		if (early_offers_done(s, msg))
			return 0;
		/* RFC 3311 5.2: 500 while his own offer is open, 491 while
		 * ours is. */
		return s->incoming && s->offer.n ? 500 : 491;
	case SESSION_ACCEPTED:
	case SESSION_CONFIRMED:
		/* A 2xx that is not acknowledged, or a re-INVITE of ours. */
		return s->ok.text || session_refresh_offers(s) ? 491 : 0;
	default:
		return 491;
	}
}

void session_offer_refuse(struct sip_session *s, const struct sip_msg *msg,
			  int code)
{
	/* RFC 3311 5.2: "a randomly chosen value between 0 and 10 seconds" */
	if (code == 500)
		(void)sip_treplyf(NULL, NULL, s->stack->sip, msg, false, 500,
				  session_reason(500),
				  "Retry-After: %u\r\n"
				  "Content-Length: 0\r\n\r\n",
				  random_u32() % 11);
	else if (code == 488)
		(void)sip_treplyf(NULL, NULL, s->stack->sip, msg, false, 488,
				  session_reason(488),
				  "%bContent-Length: 0\r\n\r\n", s->warning.p,
				  s->warning.n);
	else
		session_mid_reply(s, msg, code);
}

int session_offer_ask(struct sip_session *s, struct bytes sdp,
		      struct buf *answer)
{
	int code = s->handlers.offer ? s->handlers.offer(sdp, answer, s->arg)
				     : 488;

	if (!s->stack) /* the handler stopped everything */
		return -1;
	if (code) {
		buf_reset(&s->warning);
		buf_put(&s->warning, answer->p, answer->n);
		buf_reset(answer);
	}
	return s->state == SESSION_TERMINATED ? 487 : code;
}

static void update_accept(struct sip_session *s, const struct sip_msg *msg,
			  const struct buf *sdp)
{
	struct buf lines;

	buf_init(&lines);
	session_write_own(&lines, s, msg);
	if (s->state == SESSION_CONFIRMED)
		session_timer_answer(s, msg, &lines);
	if (sdp->n)
		buf_str(&lines, "Content-Type: application/sdp\r\n");
	(void)sip_treplyf(NULL, NULL, s->stack->sip, msg, false, 200, "OK",
			  "%bContent-Length: %zu\r\n\r\n%b", lines.p, lines.n,
			  sdp->n, sdp->p, sdp->n);
	session_sdp_sent(s, buf_bytes(sdp));
	buf_clear(&lines);
}

static bool interval_refused(struct sip_session *s, const struct sip_msg *msg)
{
	struct buf lines;
	int code;

	buf_init(&lines);
	code = session_timer_check(s, msg, &lines);
	if (code)
		(void)sip_treplyf(NULL, NULL, s->stack->sip, msg, false,
				  (uint16_t)code, session_reason(code),
				  "%bContent-Length: 0\r\n\r\n", lines.p,
				  lines.n);
	buf_clear(&lines);
	return code != 0;
}

static void accept_offer(struct sip_session *s, const struct sip_msg *msg,
			 const struct buf *answer)
{
	/* A CANCEL needs the target our INVITE went to. */
	if (s->incoming || s->state == SESSION_CONFIRMED)
		(void)dialog_refresh(&s->dialog, msg);
	session_abilities_read(s, msg);
	if (pl_strcmp(&msg->met, "INVITE") == 0)
		(void)session_ok_send(s, NULL, msg, buf_bytes(answer),
				      !session_sdp(msg).n);
	else
		update_accept(s, msg, answer);
}

void session_offer_request(struct sip_session *s, const struct sip_msg *msg)
{
	bool invite = pl_strcmp(&msg->met, "INVITE") == 0;
	struct bytes sdp = session_sdp(msg);
	struct buf answer;
	int code;

	code = invite || sdp.n ? session_offer_blocked(s, msg) : 0;
	if (code) {
		session_offer_refuse(s, msg, code);
		return;
	}
	if (interval_refused(s, msg))
		return;
	buf_init(&answer);
	if (invite || sdp.n)
		code = session_offer_ask(s, sdp, &answer);
	if (code > 0)
		session_offer_refuse(s, msg, code);
	else if (!code)
		accept_offer(s, msg, &answer);
	buf_clear(&answer);
}
