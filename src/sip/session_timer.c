/* Session timers (RFC 4028). One side refreshes at half the interval; both say
 * BYE when no refresh came. */
#include "sip/session_priv.h"

#include <inttypes.h>

#include "base/log.h"

/* RFC 4028 5: "The absolute minimum for the Session-Expires header field is
 * 90 seconds." What a trunk asks for by itself may be less. */
#define MIN_SE_S 90
#define EXPIRES_MAX_S 86400
/* How often a peer may want more for one request. */
#define RAISES_MAX 3

struct session_expires {
	unsigned s;
	struct pl refresher; /* empty: not said */
};

/* RFC 4028 4: delta-seconds and parameters. False: none, or malformed. */
static bool seconds_read(const struct sip_msg *msg, enum sip_hdrid id,
			 struct session_expires *e)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, id);
	struct pl params = {0};
	uint64_t n;
	size_t digits = 0;

	*e = (struct session_expires){0};
	if (!hdr)
		return false;
	while (digits < hdr->val.l && hdr->val.p[digits] >= '0' &&
	       hdr->val.p[digits] <= '9')
		digits++;
	if (!head_number(bytes_of(hdr->val.p, digits), EXPIRES_MAX_S, &n))
		return false;
	e->s = (unsigned)n;
	params.p = hdr->val.p + digits;
	params.l = hdr->val.l - digits;
	(void)msg_param_decode(&params, "refresher", &e->refresher);
	return true;
}

static bool peer_can(const struct sip_msg *msg)
{
	return sip_msg_hdr_has_value(msg, SIP_HDR_SUPPORTED, "timer") ||
	       sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "timer");
}

/* -- the clock ------------------------------------------------------------- */

void session_timer_stop(struct sip_session *s)
{
	s->timer.interval_s = 0;
	tmr_cancel(&s->timer.refresh);
	tmr_cancel(&s->timer.expire);
}

static void refresh_handler(void *arg)
{
	session_refresh_send(arg);
}

/* RFC 4028 10: "the UA SHOULD send a BYE to terminate the session" */
static void expire_handler(void *arg)
{
	struct sip_session *s = arg;

	log_info("sip", s->dialog.call_id, "the session was not refreshed");
	mem_ref(s);
	session_refresh_stop(s);
	buf_reset(&s->reason_header);
	buf_str(&s->reason_header,
		"Reason: SIP;cause=408;text=\"Session timer expired\", "
		"Q.850;cause=102;text=\"Recovery on timer expiry\"\r\n");
	session_bye(s);
	session_close(s, SIP_END_TIMEOUT, 408, "Session timer expired");
	mem_deref(s);
}

static void timer_start(struct sip_session *s, unsigned interval_s, bool ours)
{
	uint64_t second = s->stack->second_ms;
	/* RFC 4028 10: "the minimum of 32 seconds and one third of the
	 * session interval" before its end */
	uint64_t margin = MIN(32 * second, interval_s * second / 3);

	session_timer_stop(s);
	if (s->closed)
		return;
	s->timer.interval_s = interval_s;
	s->timer.ours = ours;
	tmr_start(&s->timer.expire, interval_s * second - margin,
		  expire_handler, s);
	if (ours)
		tmr_start(&s->timer.refresh, interval_s * second / 2,
			  refresh_handler, s);
}

/* -- requests of the peer -------------------------------------------------- */

/* The least we take: what we asked for ourselves is never too short. */
static unsigned minimum_of(const struct sip_session *s)
{
	unsigned least = MIN_SE_S;

	if (s->terms.timer_s && s->terms.timer_s < least)
		least = s->terms.timer_s;
	if (s->timer.interval_s && s->timer.interval_s < least)
		least = s->timer.interval_s;
	return least;
}

int session_timer_check(struct sip_session *s, const struct sip_msg *msg,
			struct buf *lines)
{
	struct session_expires e;

	if (!seconds_read(msg, SIP_HDR_SESSION_EXPIRES, &e) ||
	    e.s >= minimum_of(s) || !peer_can(msg))
		return 0;
	buf_printf(lines, "Min-SE: %u\r\n", minimum_of(s));
	return 422;
}

/* RFC 4028 9, table 2: who refreshes. */
static bool peer_refreshes(const struct session_expires *e, bool can)
{
	if (!can)
		return false;
	return pl_strcasecmp(&e->refresher, "uas") != 0;
}

void session_timer_answer(struct sip_session *s, const struct sip_msg *msg,
			  struct buf *lines)
{
	struct session_expires e, least;
	bool asked = seconds_read(msg, SIP_HDR_SESSION_EXPIRES, &e), theirs;
	unsigned wanted = s->terms.timer_s;

	if (!seconds_read(msg, SIP_HDR_MIN_SE, &least))
		least.s = wanted < MIN_SE_S ? wanted : MIN_SE_S;
	if (wanted < least.s)
		wanted = least.s;
	if (!asked && !s->terms.timer_s) {
		session_timer_stop(s);
		return;
	}
	/* "The UAS MAY reduce its value, but MUST NOT ... below Min-SE" */
	if (!asked || (s->terms.timer_s && wanted < e.s))
		e.s = wanted;
	if (!e.s)
		return;
	theirs = peer_refreshes(&e, peer_can(msg));
	buf_printf(lines, "Session-Expires: %u;refresher=%s\r\n%s", e.s,
		   theirs ? "uac" : "uas", theirs ? "Require: timer\r\n" : "");
	timer_start(s, e.s, !theirs);
}

/* -- requests of ours ------------------------------------------------------ */

void session_timer_ask(const struct sip_session *s, struct buf *lines)
{
	bool running = s->timer.interval_s != 0;
	unsigned seconds = running ? s->timer.interval_s : s->terms.timer_s;

	if (!seconds)
		return;
	seconds = MAX(seconds, s->timer.min_s);
	buf_printf(lines, "Session-Expires: %u%s\r\n", seconds,
		   running ? ";refresher=uac" : "");
	if (s->timer.min_s)
		buf_printf(lines, "Min-SE: %u\r\n", s->timer.min_s);
}

void session_timer_take(struct sip_session *s, const struct sip_msg *msg)
{
	struct session_expires e;

	s->timer.raised = 0;
	if (seconds_read(msg, SIP_HDR_SESSION_EXPIRES, &e) && e.s)
		timer_start(s, e.s, pl_strcasecmp(&e.refresher, "uas") != 0);
	else
		session_timer_stop(s); /* RFC 4028 7.2: no expiration */
}

bool session_timer_raise(struct sip_session *s, const struct sip_msg *msg)
{
	struct session_expires e;

	if (msg->scode != 422 || s->timer.raised++ >= RAISES_MAX ||
	    !seconds_read(msg, SIP_HDR_MIN_SE, &e))
		return false;
	s->timer.min_s = MAX(s->timer.min_s, e.s);
	return true;
}
