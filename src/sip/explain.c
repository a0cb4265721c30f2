/* What would become of an INVITE (requirement D4): a message is made of what
 * is known of it, and passes the very checks of the real ones. Nothing is
 * sent, counted or kept. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sip/address.h"
#include "sip/session_priv.h"

static void message_write(struct buf *text, const struct sip_stack *s,
			  const struct sip_question *q)
{
	buf_str(text, "INVITE sip:");
	address_write_user(text, q->user);
	buf_str(text, "@explain.invalid");
	if (q->line && *q->line)
		buf_printf(text, ";line=%s", q->line);
	buf_str(text,
		" SIP/2.0\r\n"
		"Via: SIP/2.0/UDP explain.invalid;branch=z9hG4bKexplain\r\n"
		"From: <sip:explain@explain.invalid>;tag=1\r\n"
		"To: <sip:explain@explain.invalid>\r\n"
		"Call-ID: explain\r\nCSeq: 1 INVITE\r\n");
	if (q->login && *q->login) {
		buf_str(text, "Authorization: Digest username=\"");
		buf_str(text, q->login);
		buf_printf(text,
			   "\", realm=\"%s\", nonce=\"-\", uri=\"sip:-\", "
			   "response=\"00000000000000000000000000000000\"\r\n",
			   s->realm);
	}
	if (q->header_name && *q->header_name)
		address_write_header(text, q->header_name,
				     q->header_value ? q->header_value : "");
	buf_str(text, "Content-Length: 0\r\n\r\n");
}

static int message_make(struct sip_msg **mp, const struct sip_stack *s,
			const struct sip_question *q)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct buf text;
	int err = mb ? 0 : -ENOMEM;

	buf_init(&text);
	message_write(&text, s, q);
	if (!err)
		err = -mbuf_write_mem(mb, text.p, text.n);
	if (!err) {
		mb->pos = 0;
		err = sip_msg_decode(mp, mb) ? -EINVAL : 0;
	}
	if (!err)
		(*mp)->src = q->source;
	buf_clear(&text);
	mem_deref(mb);
	return err;
}

static void refused(struct sip_explanation *e, enum cause_row row)
{
	const struct cause_facts *f = cause_facts(row);

	e->verdict.code = f->code;
	str_ncpy(e->verdict.reason, f->reason, sizeof(e->verdict.reason));
}

/* In the order of session_in_request(). */
static void pass_checks(struct sip_explanation *e, struct sip_stack *s,
			const struct sip_msg *msg, const struct sip_question *q)
{
	struct sip_credentials creds = {0};

	auth_verdict(s, false, &e->verdict);
	if (e->verdict.code || session_in_is_peer(s, msg, e->peer))
		return;
	e->peer[0] = '\0';
	if (!auth_given(s, msg)) {
		refused(e, CAUSE_UNAUTHORIZED);
		return;
	}
	str_ncpy(e->user, q->login, sizeof(e->user));
	if (s->handlers.credentials)
		s->handlers.credentials(q->login, stack_source(s, msg), &creds,
					s->arg);
	if (!creds.known)
		refused(e, CAUSE_ROUTE_NOT_FOUND);
	else if (creds.untrusted)
		refused(e, CAUSE_UNTRUSTED);
	else
		session_in_verdict(s, q->login, &e->verdict);
	if (!e->verdict.code && !session_in_is_registered(s, q->login))
		refused(e, CAUSE_REGISTER_FIRST);
	bytes_wipe(&creds, sizeof(creds));
}

int sip_stack_explain(struct sip_explanation *e, struct sip_stack *s,
		      const struct sip_question *q)
{
	struct sip_msg *msg = NULL;
	int err;

	if (q->login && strpbrk(q->login, "\"\\\r\n"))
		return -EINVAL;
	if (q->header_name && strpbrk(q->header_name, ": \t\r\n"))
		return -EINVAL;
	err = message_make(&msg, s, q);
	if (err)
		return err;
	memset(e, 0, sizeof(*e));
	pass_checks(e, s, msg, q);
	mem_deref(msg);
	return 0;
}
