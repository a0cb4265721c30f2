/* Re-INVITE and UPDATE of ours: they change nothing, but say that the session
 * is alive (RFC 4028 7.4) and where we are. */
#include "sip/session_priv.h"

#include <errno.h>

#include "base/log.h"
#include "base/random.h"

/* A refresh that was refused is tried again after this, until time is up. */
#define AGAIN_S 10
#define RETRY_AFTER_MAX_S 60

void session_refresh_stop(struct sip_session *s)
{
	tmr_cancel(&s->refresh.again);
	mem_deref(s->refresh.request); /* its destructor clears it */
}

bool session_refresh_offers(const struct sip_session *s)
{
	return s->refresh.request && s->refresh.offer;
}

static void again_handler(void *arg)
{
	session_refresh_send(arg);
}

static void again_after(struct sip_session *s, uint64_t ms)
{
	tmr_start(&s->refresh.again, ms, again_handler, s);
}

/* RFC 3261 14.1: "If the UAC is the owner of the Call-ID of the dialog ID, T
 * has a randomly chosen value between 2.1 and 4 seconds in units of 10 ms. If
 * the UAC is not the owner [...], between 0 and 2 seconds". */
static uint64_t glare_ms(const struct sip_session *s)
{
	uint64_t units =
		s->incoming ? random_u32() % 201 : 210 + random_u32() % 191;

	return units * s->stack->second_ms / 100;
}

static uint64_t retry_after_ms(const struct sip_session *s,
			       const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER);
	uint64_t seconds = 0;
	size_t digits = 0;

	while (hdr && digits < hdr->val.l && hdr->val.p[digits] >= '0' &&
	       hdr->val.p[digits] <= '9')
		digits++;
	if (!digits || !head_number(bytes_of(hdr->val.p, digits),
				    RETRY_AFTER_MAX_S, &seconds))
		seconds = AGAIN_S;
	return seconds * s->stack->second_ms;
}

/* RFC 3261 14.1, 12.2.1.2: nobody is there any more. */
static void peer_gone(struct sip_session *s)
{
	session_bye(s);
	session_close(s, SIP_END_TIMEOUT, 408, "Request Timeout");
}

static void refused(struct sip_session *s, const struct session_request *r,
		    const struct sip_msg *msg)
{
	switch (msg->scode) {
	case 408:
	case 481:
		peer_gone(s);
		break;
	case 405:
	case 501:
		if (!s->refresh.offer) {
			s->refresh.peer_updates = false;
			session_refresh_send(s);
		}
		break;
	case 422:
		if (session_timer_raise(s, msg))
			session_refresh_send(s);
		break;
	case 491:
		again_after(s, glare_ms(s));
		break;
	default:
		/* RFC 3261 14.1: "the session parameters MUST remain
		 * unchanged, as if no re-INVITE had been issued". */
		log_info("sip", s->dialog.call_id, "%s refused: %u", r->method,
			 msg->scode);
		again_after(s, retry_after_ms(s, msg));
		break;
	}
}

static void refreshed(struct session_request *r, int err,
		      const struct sip_msg *msg)
{
	struct sip_session *s = r->session;
	struct bytes sdp;

	if (msg && msg->scode < 300 && s->refresh.offer) {
		s->refresh.acked_seq = r->seq;
		session_request_ack(r);
	}
	if (s->closed)
		return;
	if (err || !msg) {
		peer_gone(s);
		return;
	}
	if (msg->scode >= 300) {
		refused(s, r, msg);
		return;
	}
	session_abilities_read(s, msg);
	(void)dialog_refresh(&s->dialog, msg);
	session_timer_take(s, msg);
	sdp = session_sdp(msg);
	if (s->refresh.offer && sdp.n && s->handlers.changed)
		s->handlers.changed(sdp, s->arg);
}

void session_refresh_send(struct sip_session *s)
{
	bool update = s->refresh.peer_updates || !s->local_sdp.n;
	struct bytes sdp =
		update ? bytes_of(NULL, 0) : buf_bytes(&s->local_sdp);
	struct buf lines;
	int err;

	if (s->closed || s->state != SESSION_CONFIRMED || s->refresh.request)
		return;
	if (!update && s->ok.text) { /* the peer's own re-INVITE is open */
		again_after(s, glare_ms(s));
		return;
	}
	buf_init(&lines);
	session_write_abilities(&lines, s);
	session_timer_ask(s, &lines);
	s->refresh.offer = !update;
	err = session_request_send(&s->refresh.request, s, NULL,
				   update ? "UPDATE" : "INVITE",
				   buf_bytes(&lines), sdp, refreshed);
	buf_clear(&lines);
	if (err)
		again_after(s, AGAIN_S * s->stack->second_ms);
}
