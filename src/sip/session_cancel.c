/* CANCEL of ours (RFC 3261 9.1). libre's own has no room for a Reason. */
#include "sip/session_priv.h"

static void cancel_again_handler(void *arg);

void session_cancel_stop(struct sip_session *s)
{
	tmr_cancel(&s->cancel.again);
	tmr_cancel(&s->cancel.give_up);
}

/* Request-URI, Call-ID, To, From, CSeq number, Route and the one Via are those
 * of the INVITE. */
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

	session_cancel_stop(s);
	s->attempt = mem_deref(s->attempt);
	session_settle(s);
}

void session_cancel_send(struct sip_session *s)
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
		session_cancel_send(s);
}
