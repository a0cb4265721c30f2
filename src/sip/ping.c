#include "sip/ping.h"

#include <errno.h>
#include <string.h>

#include "sip/address.h"
#include "sip/dialog.h"
#include "sip/stack_priv.h"

#define ANSWER_S 4

enum there { THERE_UNKNOWN, THERE_YES, THERE_NO };

struct sip_ping {
	struct sip_stack *stack;
	struct dialog dialog;
	struct sip_request *request;
	struct tmr next, give_up;
	unsigned interval_s;
	enum there there;
	sip_ping_h *changed;
	void *arg;
};

static void destructor(void *p)
{
	struct sip_ping *ping = p;

	tmr_cancel(&ping->next);
	tmr_cancel(&ping->give_up);
	mem_deref(ping->request);
	dialog_clear(&ping->dialog);
}

static void ping_send(void *arg);

static void result(struct sip_ping *ping, bool there, const char *cause)
{
	enum there now = there ? THERE_YES : THERE_NO;
	bool changed = ping->there != now;
	uint64_t after = ping->interval_s;

	tmr_cancel(&ping->give_up);
	/* The time of an answer that did not come counts. */
	if (!there)
		after = after > ANSWER_S ? after - ANSWER_S : 1;
	tmr_start(&ping->next, after * ping->stack->second_ms, ping_send, ping);
	ping->there = now;
	if (changed)
		ping->changed(there, there ? "" : cause, ping->arg);
}

static void answered(int err, const struct sip_msg *msg, void *arg)
{
	struct sip_ping *ping = arg;
	const char *failure = tls_peer_failure(ping->dialog.tls);

	if (!err && msg && msg->scode < 200)
		return;
	if (!err && msg)
		result(ping, true, "");
	else if (*failure)
		result(ping, false, failure);
	else
		result(ping, false,
		       err == ETIMEDOUT ? "OPTIONS is not answered"
					: "cannot be reached");
}

static void give_up_handler(void *arg)
{
	struct sip_ping *ping = arg;

	ping->request = mem_deref(ping->request);
	result(ping, false, "OPTIONS is not answered");
}

/* RFC 3261 11.1: Contact may be there; Accept should. */
static int sending(enum sip_transp tp, const struct sa *src,
		   const struct sa *dst, struct mbuf *mb, void *arg)
{
	const struct sip_ping *ping = arg;
	struct buf contact;
	int err;

	tls_peer_expect(ping->dialog.tls);
	buf_init(&contact);
	transport_contact(&contact, ping->stack,
			  &(struct transport_way){tp, src, dst}, NULL, NULL);
	err = mbuf_write_mem(mb, contact.p, contact.n);
	buf_clear(&contact);
	return err;
}

static void ping_send(void *arg)
{
	struct sip_ping *ping = arg;
	const struct dialog_request r = {
		.method = "OPTIONS",
		.stateful = true,
		.headers = bytes_str("Accept: application/sdp\r\n"),
		.send = sending,
		.answered = answered,
		.arg = ping,
	};

	tmr_start(&ping->give_up, (uint64_t)ANSWER_S * ping->stack->second_ms,
		  give_up_handler, ping);
	if (dialog_send(&ping->dialog, ping->stack, &ping->request, &r))
		result(ping, false, "cannot be reached");
}

static int dialog_make(struct sip_ping *ping, const struct sip_ping_conf *conf)
{
	struct dialog_conf start = {
		.target = conf->uri,
		.route = conf->route,
		.tls_name = conf->tls_name,
		.tls_verify = conf->tls_verify,
	};
	struct buf local, remote;
	struct uri uri;
	struct pl pl;
	int err;

	pl_set_str(&pl, conf->uri);
	if (!address_header_safe(conf->uri) || strpbrk(conf->uri, " <>\"") ||
	    uri_decode(&uri, &pl))
		return -EINVAL;
	buf_init(&local);
	buf_init(&remote);
	buf_printf(&local, "<sip:%s>",
		   ping->stack->public_address ? ping->stack->public_address
					       : ping->stack->realm);
	buf_printf(&remote, "<%s>", conf->uri);
	start.local = buf_cstr(&local);
	start.remote = buf_cstr(&remote);
	err = dialog_start(&ping->dialog, &start);
	buf_clear(&local);
	buf_clear(&remote);
	return err;
}

int sip_ping_new(struct sip_ping **pp, struct sip_stack *stack,
		 const struct sip_ping_conf *conf, sip_ping_h *changed,
		 void *arg)
{
	struct sip_ping *ping = mem_zalloc(sizeof(*ping), destructor);
	int err;

	if (!ping)
		return -ENOMEM;
	ping->stack = stack;
	ping->interval_s = conf->interval_s ? conf->interval_s : 1;
	ping->changed = changed;
	ping->arg = arg;
	err = dialog_make(ping, conf);
	if (err) {
		mem_deref(ping);
		return err;
	}
	tmr_start(&ping->next, 0, ping_send, ping);
	*pp = ping;
	return 0;
}

void sip_ping_seen(struct sip_ping *ping)
{
	ping->request = mem_deref(ping->request);
	result(ping, true, "");
}

void sip_ping_free(struct sip_ping **pp)
{
	*pp = mem_deref(*pp);
}
