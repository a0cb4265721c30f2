/* REFER in a dialog, and the subscription that it makes (RFC 3515, 6665, 4488);
 * INVITE with Replaces (RFC 3891).
 *
 *   REFER ──▶ handler `refer` ── 0 ──▶ 202, NOTIFY 100 ──▶
 * sip_session_refer_told └ code: refused               (NOTIFY; the last one
 * ends it)
 */
#include "sip/session_priv.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "sip/refer.h"

/* RFC 3515 2.4.4 leaves it to us; refreshed by SUBSCRIBE. */
#define SUBSCRIPTION_S 300

static void subscription_end(struct session_refer *r)
{
	r->subscribed = false;
	tmr_cancel(&r->expiry);
}

/* RFC 6665 4.2.2: a subscriber that does not know it, or is not there, has
 * none. */
static void notify_answered(struct session_request *request, int err,
			    const struct sip_msg *msg)
{
	if (err || !msg || msg->scode >= 300)
		subscription_end(&request->session->refer);
}

/* ended: why the subscription is over with this one, or NULL. */
static void notify(struct sip_session *s, const char *ended)
{
	struct session_refer *r = &s->refer;
	struct buf lines, body;

	if (!r->subscribed || s->closed)
		return;
	buf_init(&lines);
	buf_init(&body);
	buf_str(&lines, "Event: refer");
	/* RFC 3515 2.4.6: of the first REFER of a dialog it may be missing. */
	if (r->with_id)
		buf_printf(&lines, ";id=%u", r->id);
	if (ended)
		buf_printf(&lines,
			   "\r\nSubscription-State: terminated;reason=%s\r\n",
			   ended);
	else
		buf_printf(&lines,
			   "\r\nSubscription-State: active;expires=%u\r\n",
			   (unsigned)(tmr_get_expire(&r->expiry) / 1000));
	buf_printf(&body, "SIP/2.0 %d %s\r\n", r->code, r->reason);
	if (session_request_send(NULL, s, NULL, "NOTIFY", buf_bytes(&lines),
				 buf_bytes(&body), notify_answered) ||
	    ended)
		subscription_end(r);
	buf_clear(&lines);
	buf_clear(&body);
}

static void expiry_handler(void *arg)
{
	notify(arg, "timeout");
}

void sip_session_refer_told(struct sip_session *s, int code, const char *reason)
{
	struct session_refer *r = &s->refer;

	if (!r->running)
		return;
	r->code = code;
	sip_reason_clean(r->reason,
			 reason && *reason ? reason : session_reason(code));
	r->running = code < 200;
	notify(s, r->running ? NULL : "noresource");
}

/* -- REFER, SUBSCRIBE ------------------------------------------------------ */

void refer_not_allowed(struct sip_stack *stack, const struct sip_msg *msg)
{
	(void)sip_treplyf(
		NULL, NULL, stack->sip, msg, false, 405, "Method Not Allowed",
		"Allow: %s\r\nContent-Length: 0\r\n\r\n", SANITY_ALLOW);
}

static void take(struct sip_session *s, const struct sip_msg *msg, int code,
		 const char *more)
{
	struct buf lines;

	buf_init(&lines);
	transport_contact(
		&lines, s->stack,
		&(struct transport_way){msg->tp, &msg->dst, &msg->src},
		s->contact_user, NULL);
	buf_str(&lines, more);
	(void)sip_treplyf(NULL, NULL, s->stack->sip, msg, false, (uint16_t)code,
			  session_reason(code), "%bContent-Length: 0\r\n\r\n",
			  lines.p, lines.n);
	buf_clear(&lines);
}

void session_refer_request(struct sip_session *s, const struct sip_msg *msg)
{
	struct session_refer *r = &s->refer;
	struct sip_refer refer;
	int code;

	if (!s->handlers.refer) {
		refer_not_allowed(s->stack, msg);
		return;
	}
	code = refer_read(&refer, msg);
	if (code == 400)
		count_bad("sip", "bad REFER", "a REFER without a target");
	if (!code && (r->running || s->state != SESSION_CONFIRMED))
		code = 491;
	if (!code)
		code = s->handlers.refer(&refer, s->arg);
	if (!s->stack)
		return;
	if (code) {
		session_mid_reply(s, msg, code);
		return;
	}
	subscription_end(r);
	r->running = true;
	r->subscribed = !refer.quiet;
	r->with_id = r->seen;
	r->seen = true;
	r->id = msg->cseq.num;
	r->code = 100;
	sip_reason_clean(r->reason, "Trying");
	take(s, msg, 202, refer.quiet ? "Refer-Sub: false\r\n" : "");
	if (!r->subscribed)
		return;
	tmr_start(&r->expiry, SUBSCRIPTION_S * 1000, expiry_handler, s);
	notify(s, NULL);
}

/* A refresh, or its end (RFC 6665 4.2.1). */
void session_refer_subscribe(struct sip_session *s, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_EXPIRES);
	struct session_refer *r = &s->refer;
	uint64_t seconds = SUBSCRIPTION_S;
	char more[32];
	uint32_t id;
	bool with_id;

	if (!refer_event_read(msg, &id, &with_id)) {
		(void)sip_treplyf(NULL, NULL, s->stack->sip, msg, false, 489,
				  "Bad Event",
				  "Allow-Events: refer\r\n"
				  "Content-Length: 0\r\n\r\n");
		return;
	}
	if (!r->subscribed || (with_id ? id != r->id : r->with_id)) {
		session_mid_reply(s, msg, 481);
		return;
	}
	if (hdr && !head_number(bytes_of(hdr->val.p, hdr->val.l), UINT32_MAX,
				&seconds)) {
		session_mid_reply(s, msg, 400);
		return;
	}
	if (seconds > SUBSCRIPTION_S)
		seconds = SUBSCRIPTION_S;
	(void)re_snprintf(more, sizeof(more), "Expires: %u\r\n",
			  (unsigned)seconds);
	take(s, msg, 200, more);
	tmr_start(&r->expiry, seconds * 1000, expiry_handler, s);
	notify(s, seconds ? NULL : "timeout");
}

/* -- Replaces -------------------------------------------------------------- */

/* The peer's tag; of a call that rings any of those that answered so far. */
static bool tag_known(const struct sip_session *s, struct bytes tag)
{
	if (s->dialog.remote_tag)
		return bytes_equal(tag, bytes_str(s->dialog.remote_tag));
	for (size_t i = 0; i < s->early_n; i++)
		if (bytes_equal(tag, bytes_str(s->early[i].tag)))
			return true;
	return false;
}

static struct sip_session *replaced_find(const struct sip_stack *stack,
					 const struct sip_replaces *r)
{
	struct le *le;

	LIST_FOREACH(&stack->sessions, le)
	{
		struct sip_session *s = le->data;
		const struct dialog *d = &s->dialog;

		if (bytes_equal(r->call_id, bytes_str(d->call_id)) &&
		    bytes_equal(r->to_tag, bytes_str(d->local_tag)) &&
		    tag_known(s, r->from_tag))
			return s;
	}
	return NULL;
}

int session_replaced(struct sip_session **replaced,
		     const struct sip_stack *stack, const struct sip_msg *msg)
{
	struct sip_replaces r;
	struct sip_session *s;
	int err = replaces_read(&r, msg);

	*replaced = NULL;
	if (err == -ENOENT)
		return 0;
	if (err)
		return 400;
	s = replaced_find(stack, &r);
	/* RFC 3891 3, in its order. */
	if (!s)
		return 481;
	if (s->closed || s->state == SESSION_TERMINATED)
		return 603;
	if (s->state == SESSION_CONFIRMED || s->state == SESSION_ACCEPTED) {
		if (r.early_only)
			return 486;
	} else if (s->incoming) {
		return 481; /* "not initiated by this UA" */
	}
	*replaced = s;
	return 0;
}

/* -- life ------------------------------------------------------------------ */

void session_refer_stop(struct sip_session *s)
{
	subscription_end(&s->refer);
	s->refer.running = false;
}
