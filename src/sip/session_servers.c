/* The servers of a domain, one after the other (RFC 3263 4.3). One that was
 * silent for a moment is given up, but may still answer: then it is told that
 * there is no call. */
#include "sip/session_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* -- attempts -------------------------------------------------------------- */

static void attempt_destroy(void *p)
{
	struct session_attempt *a = p;

	list_unlink(&a->le);
	mem_deref(a->request);
	free(a->hop);
	buf_clear(&a->authorization);
}

static void try_handler(void *arg);

/* The hop of the next request, and how long it may be silent. */
static int server_choose(struct sip_session *s)
{
	struct buf hop;
	char *text;

	if (!s->servers.n)
		return 0;
	buf_init(&hop);
	sip_server_hop(&hop, &s->servers, s->servers_transport);
	text = strdup(buf_cstr(&hop));
	buf_clear(&hop);
	if (!text)
		return -ENOMEM;
	free(s->dialog.hop);
	s->dialog.hop = text;
	if (s->servers_tried < s->servers.n)
		tmr_start(&s->servers_try,
			  (uint64_t)SIP_SERVER_TRY_S * s->stack->second_ms,
			  try_handler, s);
	return 0;
}

int session_attempt_begin(struct sip_session *s)
{
	struct session_attempt *a = mem_zalloc(sizeof(*a), attempt_destroy);

	if (!a)
		return -ENOMEM;
	a->session = s;
	s->attempt = a;
	return server_choose(s);
}

void session_attempts_stop(struct sip_session *s)
{
	s->attempt = mem_deref(s->attempt);
	list_flush(&s->given_up);
}

bool session_out_is_open(const struct sip_session *s)
{
	for (struct le *le = s->given_up.head; le; le = le->next)
		if (((struct session_attempt *)le->data)->request)
			return true;
	return s->attempt != NULL;
}

bool session_server_next(struct sip_session *s)
{
	if (s->closed || s->cancel.wanted || s->servers_tried >= s->servers.n)
		return false;
	s->servers_tried++;
	s->servers.at = (s->servers.at + 1) % s->servers.n;
	return session_out_again(s) == 0;
}

/* -- one that is given up -------------------------------------------------- */

/* libre sends it a CANCEL when it answers provisionally, not before (RFC 3261
 * 9.1). */
static void give_up(struct sip_session *s)
{
	struct session_attempt *a = s->attempt;

	s->attempt = NULL;
	a->seq = s->invite_seq;
	/* A proxy stays the way; else the peer's Contact is. */
	if (s->targets.through_proxy && s->dialog.hop)
		a->hop = strdup(s->dialog.hop);
	buf_put(&a->authorization, s->authorization.p, s->authorization.n);
	list_append(&s->given_up, &a->le, a);
	sip_request_cancel(a->request);
}

static void try_handler(void *arg)
{
	struct sip_session *s = arg;

	if (s->closed || s->cancel.wanted)
		return;
	mem_ref(s);
	give_up(s);
	if (!session_server_next(s))
		session_close(s, SIP_END_TIMEOUT, 408, "Request Timeout");
	mem_deref(s);
}

/* It has accepted the call meanwhile: an ACK, and the end. */
static void late_end(struct session_attempt *a, const struct sip_msg *msg)
{
	static const char reason[] =
		"Reason: SIP;cause=408;text=\"Request Timeout\"\r\n";
	const struct dialog_request ack = {
		.method = "ACK",
		.seq = a->seq,
		.headers = buf_bytes(&a->authorization),
	};
	struct sip_session *s = a->session;
	struct dialog d;

	if (dialog_copy(&d, &s->dialog))
		return;
	free(d.hop);
	d.hop = a->hop ? strdup(a->hop) : NULL;
	if (!dialog_establish(&d, msg)) {
		log_info("sip", s->dialog.call_id,
			 "a server that was given up accepts: ended");
		(void)dialog_send(&d, s->stack, NULL, &ack);
		(void)session_request_send(NULL, s, &d, "BYE",
					   bytes_str(reason), bytes_of(NULL, 0),
					   NULL);
	}
	dialog_clear(&d);
}

bool session_given_up_answer(struct session_attempt *a,
			     const struct sip_msg *msg)
{
	if (a == a->session->attempt)
		return false;
	if (msg && msg->scode >= 200 && msg->scode < 300)
		late_end(a, msg);
	if (!msg || msg->scode >= 200)
		session_settle(a->session);
	return true;
}

bool session_given_up_stray(struct sip_session *s, const struct sip_msg *msg)
{
	for (struct le *le = s->given_up.head; le; le = le->next) {
		struct session_attempt *a = le->data;

		if (a->seq != msg->cseq.num)
			continue;
		late_end(a, msg);
		return true;
	}
	return false;
}
