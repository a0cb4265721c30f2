/* Requests of ours inside the dialog: sent, and sent again with credentials
 * when the peer asks for them (RFC 3261 12.2.1, 22). */
#include "sip/session_priv.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

static int request_send(struct session_request *r);

static void request_destroy(void *p)
{
	struct session_request *r = p;

	list_unlink(&r->le);
	if (r->session->refresh.request == r)
		r->session->refresh.request = NULL;
	mem_deref(r->request);
	dialog_clear(&r->fork);
	buf_clear(&r->lines);
	buf_clear(&r->body);
	buf_clear(&r->authorization);
}

static struct dialog *dialog_of(struct session_request *r)
{
	return r->fork.call_id ? &r->fork : &r->session->dialog;
}

static bool request_retry(struct session_request *r, const struct sip_msg *msg)
{
	const struct sip_session *s = r->session;
	const struct auth_credentials credentials = {
		.user = s->auth_user,
		.password = s->auth_password,
		.method = r->method,
		.uri = dialog_of(r)->target,
		.count = 1,
	};
	struct digest_fields f;

	if ((msg->scode != 401 && msg->scode != 407) || r->challenges++ > 0 ||
	    auth_challenge(&f, msg))
		return false;
	return !auth_answer(&r->authorization, &f, msg->scode == 407,
			    &credentials) &&
	       !request_send(r);
}

static void answered(int err, const struct sip_msg *msg, void *arg)
{
	struct session_request *r = arg;
	struct sip_session *s = r->session;

	if (!err && msg && msg->scode < 200)
		return;
	if (!err && msg && request_retry(r, msg))
		return;
	mem_ref(s);
	list_unlink(&r->le);
	if (s->refresh.request == r)
		s->refresh.request = NULL;
	if (r->answered && s->stack)
		r->answered(r, err, err ? NULL : msg);
	mem_deref(r);
	session_settle(s);
	mem_deref(s);
}

/* A request that refreshes the target says where we are (RFC 3261 12.2.1.1,
 * 3311 5.1). */
static int sending(enum sip_transp tp, const struct sa *src,
		   const struct sa *dst, struct mbuf *mb, void *arg)
{
	const struct session_request *r = arg;
	struct buf contact;
	int err;

	tls_peer_expect(r->fork.call_id ? r->fork.tls : r->session->dialog.tls);
	if (strcmp(r->method, "INVITE") != 0 &&
	    strcmp(r->method, "UPDATE") != 0 &&
	    strcmp(r->method, "NOTIFY") != 0)
		return 0;
	buf_init(&contact);
	transport_contact(&contact, r->session->stack,
			  &(struct transport_way){tp, src, dst},
			  r->session->contact_user, NULL);
	err = mbuf_write_mem(mb, contact.p, contact.n);
	buf_clear(&contact);
	return err;
}

static const char *body_type(const char *method)
{
	if (strcmp(method, "NOTIFY") == 0)
		return "message/sipfrag;version=2.0";
	return strcmp(method, "INFO") == 0 ? "application/dtmf-relay"
					   : "application/sdp";
}

static int request_send(struct session_request *r)
{
	struct sip_session *s = r->session;
	struct dialog_request d = {
		.method = r->method,
		.seq = ++s->dialog.local_seq, /* forks count with it */
		.stateful = true,
		.type = body_type(r->method),
		.body = buf_bytes(&r->body),
		.send = sending,
		.answered = answered,
		.arg = r,
	};
	struct buf lines;
	int err;

	r->seq = d.seq;
	buf_init(&lines);
	buf_put(&lines, r->authorization.p, r->authorization.n);
	buf_put(&lines, r->lines.p, r->lines.n);
	d.headers = buf_bytes(&lines);
	err = dialog_send(dialog_of(r), s->stack, &r->request, &d);
	buf_clear(&lines);
	return err;
}

int session_request_send(struct session_request **rp, struct sip_session *s,
			 struct dialog *fork, const char *method,
			 struct bytes lines, struct bytes body,
			 session_answered_h *handler)
{
	struct session_request *r;
	int err;

	if (!s->stack)
		return -ENOTCONN;
	r = mem_zalloc(sizeof(*r), request_destroy);
	if (!r)
		return -ENOMEM;
	r->session = s;
	r->method = method;
	r->answered = handler;
	buf_put(&r->lines, lines.p, lines.n);
	buf_put(&r->body, body.p, body.n);
	if (fork) {
		r->fork = *fork;
		*fork = (struct dialog){0};
	}
	err = r->lines.bad || r->body.bad ? -ENOMEM : request_send(r);
	if (err) {
		mem_deref(r);
		return err;
	}
	list_append(&s->requests, &r->le, r);
	if (rp)
		*rp = r;
	return 0;
}

void session_request_ack(struct session_request *r)
{
	struct sip_session *s = r->session;
	const struct dialog_request ack = {
		.method = "ACK",
		.seq = r->seq,
		.headers = buf_bytes(&r->authorization),
	};

	(void)dialog_send(&s->dialog, s->stack, NULL, &ack);
}

void session_bye(struct sip_session *s)
{
	int err;

	if (s->bye_sent)
		return;
	s->bye_sent = true;
	err = session_request_send(NULL, s, NULL, "BYE",
				   buf_bytes(&s->reason_header),
				   bytes_of(NULL, 0), NULL);
	if (err)
		log_warn("sip", s->dialog.call_id, "BYE not sent: %s",
			 strerror(-err));
}
