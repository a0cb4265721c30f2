#include "sip/stack_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEBUG_MODULE "sip"
#define DEBUG_LEVEL 0
#include <re_dbg.h>

#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "sip/session_priv.h"
#include "sip/websocket_server.h"

/* Powers of two, as libre's tables want them. */
#define TRANSACTION_BUCKETS 1024
#define SESSION_BUCKETS 1024

const struct sa *stack_source(const struct sip_stack *s,
			      const struct sip_msg *msg)
{
	return websocket_server_source(s->websockets, msg);
}

static void refusal_log(char event[17], const struct sip_stack *s,
			const struct sip_msg *msg, unsigned code,
			const char *reason)
{
	char user[64], source[64];

	random_text(event, 16);
	text_clean(user, sizeof(user),
		   bytes_of(msg->from.uri.user.p, msg->from.uri.user.l));
	(void)re_snprintf(source, sizeof(source), "%J", stack_source(s, msg));
	log_info("sip", event, "%.*s of %s from %s: %u %s", (int)msg->met.l,
		 msg->met.p, user, source, code, reason);
}

static void refusal_answer(struct sip_stack *s, const struct sip_msg *msg,
			   unsigned code, const char *reason, const char *event,
			   const char *lines)
{
	(void)sip_treplyf(NULL, NULL, s->sip, msg, false, (uint16_t)code,
			  reason,
			  "X-Gateway-Event: %s\r\n%s"
			  "Content-Length: 0\r\n\r\n",
			  event, lines ? lines : "");
}

void stack_refusal(char event[17], struct sip_stack *s,
		   const struct sip_msg *msg, unsigned code, const char *reason)
{
	char text[160];

	(void)re_snprintf(text, sizeof(text), "%u %s", code, reason);
	stack_refused(s, stack_source(s, msg), refused_kind_of(code), text);
	refusal_log(event, s, msg, code, reason);
}

void stack_refuse(struct sip_stack *s, const struct sip_msg *msg, unsigned code,
		  const char *reason, const char *lines)
{
	char clean[129], event[17];

	sip_reason_clean(clean, reason);
	stack_refusal(event, s, msg, code, clean);
	refusal_answer(s, msg, code, clean, event, lines);
}

void stack_refuse_offender(struct sip_stack *s, const struct sip_msg *msg,
			   enum cause_row row, const char *kind,
			   const char *lines)
{
	const struct cause_facts *f = cause_facts(row);
	unsigned code = (unsigned)f->code;
	char text[160], event[17];

	(void)re_snprintf(text, sizeof(text), "%u %s", code, f->reason);
	count_bad("sip", kind, text);
	stack_offence(s, stack_source(s, msg), refused_kind_of(code), text);
	refusal_log(event, s, msg, code, f->reason);
	refusal_answer(s, msg, code, f->reason, event, lines);
}

void sip_stack_unbind(struct sip_stack *s, const char *aor)
{
	(void)registrar_remove(s->registrar, aor, NULL, "", 0);
}

/* -- messages -------------------------------------------------------------- */

/* The helper under libre sees all datagrams but the very first; what came by
 * TCP, or before the helper was there, is judged here. */
static bool sane(struct sip_stack *s, const struct sip_msg *msg)
{
	struct bytes text = bytes_of(msg->mb->buf, msg->mb->end);
	const struct sa *source = stack_source(s, msg);
	struct sanity v;
	struct head h;

	if (msg->tp == SIP_TRANSP_UDP && !transport_learn(s, msg))
		return true;
	if (websocket_server_expels(s->websockets, msg) ||
	    !guard_admits(s, source, text))
		return false;
	sanity_check(&v, &h, text);
	if (guard_drops(s, &h, source, msg->tp == SIP_TRANSP_UDP))
		return false;
	if (v.kind)
		count_bad("sip", v.kind, v.reason ? v.reason : "dropped");
	if (sanity_is_garbage(&v))
		stack_garbage(s, source, msg->tp == SIP_TRANSP_UDP);
	if (v.verdict == SANITY_REFUSE && msg->req)
		(void)sip_replyf(s->sip, msg, (uint16_t)v.code, v.reason,
				 "%sContent-Length: 0\r\n\r\n", v.extra);
	return v.verdict == SANITY_PASS;
}

static void request_outside(struct sip_stack *s, const struct sip_msg *msg)
{
	if (pl_strcmp(&msg->met, "REGISTER") == 0)
		register_request(s, msg);
	else if (pl_strcmp(&msg->met, "INVITE") == 0)
		session_in_request(s, msg);
	else if (pl_strcmp(&msg->met, "OPTIONS") == 0)
		options_request(s, msg);
	else if (pl_strcmp(&msg->met, "REFER") == 0 ||
		 pl_strcmp(&msg->met, "SUBSCRIBE") == 0)
		refer_not_allowed(s, msg);
	else if (pl_strcmp(&msg->met, "ACK") != 0)
		(void)sip_reply(s->sip, msg, 481,
				"Call/Transaction Does Not Exist");
}

static bool request_handler(const struct sip_msg *msg, void *arg)
{
	struct sip_stack *s = arg;
	struct sip_session *session;

	if (!sane(s, msg) || pl_strcmp(&msg->callid, s->probe) == 0)
		return true;
	if (!pl_isset(&msg->to.tag)) {
		request_outside(s, msg);
		return true;
	}
	session = session_find(s, msg);
	if (session)
		session_mid_request(session, msg);
	else if (pl_strcmp(&msg->met, "ACK") != 0)
		(void)sip_reply(s->sip, msg, 481,
				"Call/Transaction Does Not Exist");
	return true;
}

/* Responses without a transaction: 2xx to INVITE sent again or by another fork
 * (RFC 3261 13.2.2.4), and the answers to our own CANCEL. */
static bool response_handler(const struct sip_msg *msg, void *arg)
{
	struct sip_stack *s = arg;
	struct sip_session *session;

	if (!sane(s, msg))
		return true;
	session = session_find(s, msg);
	if (session)
		session_out_stray(session, msg);
	else
		count_add("sip", "response to nothing", 1);
	return true;
}

/* libre's loopback connection is nobody's business. */
static void trace_correct(const struct sip_stack *s, struct sa *phone,
			  struct sa *own)
{
	const struct websocket_way *way =
		websocket_server_way(s->websockets, phone);

	if (way) {
		*own = way->ours;
		*phone = way->real;
	}
}

static void trace_tell(struct sip_stack *s, bool tx, enum sip_transp tp,
		       const struct sa *src, const struct sa *dst,
		       struct bytes text)
{
	struct sip_trace t = {
		.sent = tx, .datagram = tp == SIP_TRANSP_UDP, .text = text};

	if (!s->handlers.traced || s->closing ||
	    (text.n && text.p[0] <= ' ')) /* keep-alives */
		return;
	if (dst)
		t.dst = *dst;
	if (src)
		t.src = *src;
	/* libre may not know our side: a wildcard, or nothing at all. */
	if (tx && dst && (!src || !sa_isset(src, SA_ADDR) || sa_is_any(src)))
		(void)transport_local(s, dst, &t.src);
	if (!t.datagram)
		trace_correct(s, tx ? &t.dst : &t.src, tx ? &t.src : &t.dst);
	s->handlers.traced(&t, s->arg);
}

static void trace_handler(bool tx, enum sip_transp tp, const struct sa *src,
			  const struct sa *dst, const uint8_t *pkt, size_t len,
			  void *arg)
{
	struct sip_stack *s = arg;

	if (!tx && tp == SIP_TRANSP_UDP)
		s->decoded = s->passed;
	trace_tell(s, tx, tp, src, dst, bytes_of(pkt, len));
	if (tx && len > 7 && memcmp(pkt, "INVITE ", 7) == 0)
		session_out_sent(s, bytes_of(pkt, len));
}

/* -- life ------------------------------------------------------------------ */

static void unregistered_handler(const struct sip_binding *b, void *arg)
{
	struct sip_stack *s = arg;

	if (s->handlers.unregistered && !s->closing)
		s->handlers.unregistered(b, s->arg);
}

static void dns_start(struct sip_stack *s, const struct sip_stack_conf *conf)
{
	struct sa servers[ARRAY_SIZE(conf->dns)];
	uint32_t n = ARRAY_SIZE(servers);
	char domain[256];

	memcpy(servers, conf->dns, sizeof(servers));
	/* Without name servers numeric addresses still work. */
	if (conf->dns_n)
		n = (uint32_t)conf->dns_n;
	else if (dns_srv_get(domain, sizeof(domain), servers, &n))
		n = 0;
	if (n)
		(void)dnsc_alloc(&s->dns, NULL, servers, n);
}

static char *copy(const char *text, const char *otherwise)
{
	return strdup(text && *text ? text : otherwise);
}

static int conf_take(struct sip_stack *s, const struct sip_stack_conf *conf)
{
	s->handlers = conf->handlers;
	s->tls = conf->tls;
	s->arg = conf->arg;
	s->t1_ms = SIP_T1;
	s->second_ms = 1000;
	/* Behaviour Q-24 */
	s->expires_min_s = conf->expires_min_s ? conf->expires_min_s : 60;
	s->expires_max_s = conf->expires_max_s ? conf->expires_max_s : 3600;
	s->expires_default_s =
		conf->expires_default_s ? conf->expires_default_s : 300;
	s->realm = copy(conf->realm, "gramline");
	s->software = copy(conf->user_agent, "Gramline/" GRAMLINE_VERSION);
	if (conf->public_address && *conf->public_address) {
		if (sa_set_str(&s->public, conf->public_address, 0))
			return -EINVAL;
		s->public_address = strdup(conf->public_address);
		if (!s->public_address)
			return -ENOMEM;
	}
	return s->realm && s->software ? 0 : -ENOMEM;
}

static int parts_start(struct sip_stack *s, const struct sip_stack_conf *conf)
{
	int err;

	dns_start(s, conf);
	err = -sip_alloc(&s->sip, s->dns, TRANSACTION_BUCKETS,
			 TRANSACTION_BUCKETS, TRANSACTION_BUCKETS, s->software,
			 NULL, s);
	if (!err)
		err = -hash_alloc(&s->sessions_by_call, SESSION_BUCKETS);
	if (!err)
		err = digest_server_new(&s->digest, s->realm);
	if (!err)
		err = guard_init(s, conf);
	if (!err)
		err = registrar_new(&s->registrar, unregistered_handler, s);
	if (!err)
		err = -sip_listen(&s->requests, s->sip, true, request_handler,
				  s);
	if (!err)
		err = -sip_listen(&s->responses, s->sip, false,
				  response_handler, s);
	if (!err)
		sip_set_trace_handler(s->sip, trace_handler);
	return err;
}

static int listen_on(struct sip_stack *s, const struct sip_stack_conf *conf,
		     bool loopback)
{
	int err = 0;

	for (size_t i = 0; !err && i < conf->listen_n; i++)
		if (sa_is_loopback(&conf->listen[i]) == loopback)
			err = transport_listen(s, &conf->listen[i],
					       conf->tcp ? TRANSPORT_UDP_TCP
							 : TRANSPORT_UDP);
	for (size_t i = 0; !err && i < conf->tls_listen_n; i++)
		if (sa_is_loopback(&conf->tls_listen[i]) == loopback)
			err = transport_listen(s, &conf->tls_listen[i],
					       TRANSPORT_TLS);
	return err;
}

static int websockets_listen(struct sip_stack *s,
			     const struct sip_stack_conf *conf)
{
	int err = websocket_server_new(&s->websockets, s);

	for (size_t i = 0; !err && i < conf->ws_listen_n; i++)
		err = websocket_server_listen(s->websockets,
					      &conf->ws_listen[i], NULL);
	for (size_t i = 0; !err && i < conf->wss_listen_n; i++)
		err = websocket_server_listen(s->websockets,
					      &conf->wss_listen[i],
					      sip_tls_context(s->tls));
	return err;
}

/* libre sends from the first socket of a family: the loopback's, which reaches
 * nobody else, comes last. */
static int listen_all(struct sip_stack *s, const struct sip_stack_conf *conf)
{
	bool bad = conf->dns_n > ARRAY_SIZE(conf->dns) ||
		   conf->listen_n > ARRAY_SIZE(conf->listen) ||
		   conf->tls_listen_n > ARRAY_SIZE(conf->tls_listen) ||
		   conf->ws_listen_n > ARRAY_SIZE(conf->ws_listen) ||
		   conf->wss_listen_n > ARRAY_SIZE(conf->wss_listen) ||
		   ((conf->tls_listen_n || conf->wss_listen_n) && !conf->tls);
	int err = bad ? -EINVAL : 0;

	if (!err)
		err = listen_on(s, conf, false);
	if (!err)
		err = listen_on(s, conf, true);
	if (!err && (conf->ws_listen_n || conf->wss_listen_n))
		err = websockets_listen(s, conf);
	return err;
}

int sip_stack_new(struct sip_stack **sp, const struct sip_stack_conf *conf)
{
	struct sip_stack *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	/* libre says what peers do wrong to stderr: a log they could fill. */
	dbg_init(DBG_EMERG, DBG_NONE);
	random_text(s->probe, sizeof(s->probe) - 1);
	err = conf_take(s, conf);
	if (!err)
		err = parts_start(s, conf);
	if (!err)
		err = listen_all(s, conf);
	if (err) {
		sip_stack_free(&s);
		return err;
	}
	*sp = s;
	return 0;
}

void sip_stack_free(struct sip_stack **sp)
{
	struct sip_stack *s = *sp;

	*sp = NULL;
	if (!s)
		return;
	s->closing = true;
	tmr_cancel(&s->registrar_timer);
	session_stop_all(s);
	list_flush(&s->leaving);
	list_flush(&s->connections);
	s->requests = mem_deref(s->requests);
	s->responses = mem_deref(s->responses);
	websocket_server_free(&s->websockets);
	transport_close(s);
	sip_close(s->sip, true);
	s->sip = mem_deref(s->sip);
	s->dns = mem_deref(s->dns);
	registrar_free(&s->registrar);
	digest_server_free(&s->digest);
	guard_clear(s);
	mem_deref(s->sessions_by_call);
	free(s->software);
	free(s->realm);
	free(s->public_address);
	free(s);
}

int sip_stack_local(const struct sip_stack *s, const struct sa *dst,
		    struct sa *local)
{
	int err = transport_local(s, dst, local);

	if (!err)
		transport_public(local, s, dst);
	return err;
}

size_t sip_stack_bindings(const struct sip_stack *s, const char *aor,
			  const struct sip_binding **list, size_t max)
{
	return registrar_find(s->registrar, aor, clock_now(), list, max);
}
