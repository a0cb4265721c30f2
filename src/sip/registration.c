#include "sip/registration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "sip/address.h"
#include "sip/dialog.h"
#include "sip/stack_priv.h"

#define EXPIRES_DEFAULT_S 300
#define RETRY_FIRST_MS 5000
#define RETRY_MOST_MS 300000
#define DENIED_FIRST_MS 60000
#define DENIED_MOST_MS 1800000

struct sip_registration {
	struct le le; /* of the stack's, once it is given up */
	struct sip_stack *stack;
	sip_registration_h *changed;
	void *arg;
	struct dialog dialog; /* Call-ID, tags and CSeq stay over refreshes */
	char *login, *password, *line;
	char params[80];
	unsigned expires_s;
	struct digest_fields challenge;
	unsigned uses;     /* of its nonce; 0: no challenge yet */
	bool proxy;        /* the challenge was a 407 */
	unsigned attempts; /* requests since the last final answer */
	unsigned failures;
	struct sip_request *request;
	struct tmr timer;
	/* Of a name: its servers, of which some may be dead. */
	char *where, *transport;
	struct sip_lookup *lookup;
	struct sip_servers servers;
	size_t tried;
	struct tmr try;
	struct sip_registration_status status;
};

static void timer_handler(void *arg);

/* -- the request ----------------------------------------------------------- */

static int sending_handler(enum sip_transp tp, const struct sa *src,
			   const struct sa *dst, struct mbuf *mb, void *arg)
{
	struct sip_registration *r = arg;
	struct buf contact;
	int err;

	tls_peer_expect(r->dialog.tls);
	buf_init(&contact);
	transport_contact(&contact, r->stack,
			  &(struct transport_way){tp, src, dst}, r->login,
			  r->params);
	err = mbuf_write_mem(mb, contact.p, contact.n);
	buf_clear(&contact);
	return err;
}

static void answered_handler(int err, const struct sip_msg *msg, void *arg);

static int request_send(struct sip_registration *r, unsigned expires_s,
			sip_resp_h *answered)
{
	struct auth_credentials credentials = {
		.user = r->login,
		.password = r->password,
		.method = "REGISTER",
		.uri = r->dialog.target,
	};
	struct dialog_request q = {
		.method = "REGISTER",
		.stateful = true,
		.send = sending_handler,
		.answered = answered,
		.arg = r,
	};
	struct buf lines;
	int err = 0;

	buf_init(&lines);
	if (r->uses) {
		credentials.count = r->uses++;
		err = auth_answer(&lines, &r->challenge, r->proxy,
				  &credentials);
	}
	buf_printf(&lines, "Expires: %u\r\nAllow: " SANITY_ALLOW "\r\n",
		   expires_s);
	q.headers = buf_bytes(&lines);
	if (!err)
		err = dialog_send(&r->dialog, r->stack, &r->request, &q);
	buf_clear(&lines);
	return err;
}

/* -- the answer ------------------------------------------------------------ */

static void status_set(struct sip_registration *r,
		       const struct sip_registration_status *status)
{
	const struct sip_registration_status before = r->status;

	r->status = *status;
	if (before.state != status->state || before.code != status->code ||
	    before.expires_s != status->expires_s)
		r->changed(status, r->arg);
}

/* A fifth more or less, so that trunks do not all come at once. */
static uint64_t spread(uint64_t ms)
{
	return ms - ms / 5 + random_u32() % (2 * (ms / 5) + 1);
}

static uint64_t retry_ms(const struct sip_registration *r, bool denied)
{
	uint64_t ms = denied ? DENIED_FIRST_MS : RETRY_FIRST_MS;
	uint64_t most = denied ? DENIED_MOST_MS : RETRY_MOST_MS;

	for (unsigned i = 1; i < r->failures && ms < most; i++)
		ms *= 2;
	return spread(ms < most ? ms : most);
}

static void failed(struct sip_registration *r, int code, const char *reason,
		   unsigned retry_after_s)
{
	struct sip_registration_status status = {
		.state = SIP_REGISTRATION_FAILED,
		.code = code,
	};
	bool denied = code == 401 || code == 403 || code == 404 || code == 407;
	uint64_t ms;

	r->failures++;
	r->uses = 0;
	ms = retry_ms(r, denied);
	if (retry_after_s && retry_after_s * 1000ULL > ms)
		ms = MIN(retry_after_s * 1000ULL, DENIED_MOST_MS);
	sip_reason_clean(status.reason, reason);
	tmr_start(&r->timer, ms, timer_handler, r);
	status_set(r, &status);
}

struct search {
	const char *line;
	unsigned expires_s;
	bool found;
};

/* Our own contact among those of the address of record. */
static bool is_ours(const struct sip_hdr *hdr, const struct sip_msg *msg,
		    void *arg)
{
	struct search *search = arg;
	struct sip_addr addr;
	struct pl value;

	if (sip_addr_decode(&addr, &hdr->val) ||
	    msg_param_decode(&addr.uri.params, "line", &value) ||
	    pl_strcmp(&value, search->line) != 0)
		return false;
	if (!msg_param_decode(&addr.params, "expires", &value)) {
		search->expires_s = pl_u32(&value);
		search->found = true;
	}
	return true;
}

static void accepted(struct sip_registration *r, const struct sip_msg *msg)
{
	struct search search = {.line = r->line};
	struct sip_registration_status status = {
		.state = SIP_REGISTRATION_UP,
		.code = msg->scode,
		.registrar = msg->src,
		.servers = r->servers,
	};
	uint64_t ms;

	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_CONTACT, is_ours, &search);
	if (search.found)
		status.expires_s = search.expires_s;
	else if (pl_isset(&msg->expires))
		status.expires_s = pl_u32(&msg->expires);
	else
		status.expires_s = r->expires_s;
	if (!status.expires_s) {
		failed(r, msg->scode, "Registrar granted no time", 0);
		return;
	}
	r->failures = 0;
	/* Early enough for a lost request and one challenge. */
	ms = status.expires_s > 64 ? (status.expires_s - 32) * 1000ULL
				   : status.expires_s * 500ULL;
	sip_reason_clean(status.reason, "OK");
	tmr_start(&r->timer, ms, timer_handler, r);
	status_set(r, &status);
}

/* A challenge is answered once; again only if the nonce has aged. */
static bool challenged(struct sip_registration *r, const struct sip_msg *msg)
{
	struct digest_fields f;
	bool again = r->uses > 0;

	if ((msg->scode != 401 && msg->scode != 407) || r->attempts > 3 ||
	    auth_challenge(&f, msg))
		return false;
	/* The first answer to an old nonce may lack "stale". */
	if (again && !f.stale && r->attempts > 1)
		return false;
	r->challenge = f;
	r->uses = 1;
	r->proxy = msg->scode == 407;
	r->attempts++;
	return request_send(r, r->expires_s, answered_handler) == 0;
}

static bool too_brief(struct sip_registration *r, const struct sip_msg *msg)
{
	const struct sip_hdr *least = sip_msg_hdr(msg, SIP_HDR_MIN_EXPIRES);
	unsigned expires_s = least ? pl_u32(&least->val) : 0;

	if (msg->scode != 423 || expires_s <= r->expires_s ||
	    expires_s > 86400 || r->attempts > 3)
		return false;
	r->expires_s = expires_s;
	r->attempts++;
	return request_send(r, r->expires_s, answered_handler) == 0;
}

/* Why nothing could be sent: the certificate before the connection. */
static const char *unreachable(const struct sip_registration *r, int err)
{
	const char *failure = tls_peer_failure(r->dialog.tls);

	if (*failure)
		return failure;
	switch (err) {
	case ECONNREFUSED:
		return "Connection refused";
	case EPROTO:
		return "TLS handshake failed";
	default:
		return "Service Unavailable";
	}
}

static void try_handler(void *arg);

/* To the server in use; no longer than a moment if there is another. */
static void server_try(struct sip_registration *r)
{
	struct buf hop;
	char *text;

	r->attempts = 1;
	r->tried++;
	buf_init(&hop);
	sip_server_hop(&hop, &r->servers, r->transport);
	text = strdup(buf_cstr(&hop));
	buf_clear(&hop);
	if (text) {
		free(r->dialog.hop);
		r->dialog.hop = text;
	}
	if (r->tried < r->servers.n)
		tmr_start(&r->try, SIP_SERVER_TRY_S * 1000ULL, try_handler, r);
	if (!text || request_send(r, r->expires_s, answered_handler))
		failed(r, 503, "Service Unavailable", 0);
}

/* RFC 3263 4.3: another server after a failure to transport, silence or 503. */
static bool server_next(struct sip_registration *r)
{
	if (r->tried >= r->servers.n)
		return false;
	r->servers.at = (r->servers.at + 1) % r->servers.n;
	r->uses = 0;
	server_try(r);
	return true;
}

static void try_handler(void *arg)
{
	struct sip_registration *r = arg;

	r->request = mem_deref(r->request);
	(void)server_next(r);
}

static void answered_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct sip_registration *r = arg;
	const struct sip_hdr *later;
	char reason[129];

	tmr_cancel(&r->try);
	if ((err || !msg || msg->scode == 503) && server_next(r))
		return;
	if (err || !msg) {
		if (err == ETIMEDOUT)
			failed(r, 408, "Request Timeout", 0);
		else
			failed(r, 503, unreachable(r, err), 0);
		return;
	}
	if (msg->scode < 200 || challenged(r, msg) || too_brief(r, msg))
		return;
	if (msg->scode < 300) {
		accepted(r, msg);
		return;
	}
	later = sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER);
	(void)pl_strcpy(&msg->reason, reason, sizeof(reason));
	failed(r, msg->scode, reason, later ? pl_u32(&later->val) : 0);
}

/* The server that was good last time goes first. */
static void found_handler(const struct sip_servers *found, void *arg)
{
	struct sip_registration *r = arg;

	sip_lookup_free(&r->lookup);
	r->servers = *found;
	r->tried = 0;
	if (!found->n) {
		failed(r, 503, "Domain has no address", 0);
		return;
	}
	for (size_t i = 0; i < found->n; i++)
		if (sa_cmp(&found->list[i], &r->status.registrar, SA_ALL))
			r->servers.at = i;
	server_try(r);
}

static void timer_handler(void *arg)
{
	struct sip_registration *r = arg;
	int err;

	sip_lookup_free(&r->lookup);
	err = sip_lookup_new(&r->lookup, r->stack, r->where, r->transport,
			     found_handler, r);
	if (!err)
		return;
	r->attempts = 1;
	r->tried = r->servers.n = 0;
	if (err != -EINVAL)
		failed(r, 503, "No name server", 0);
	else if (request_send(r, r->expires_s, answered_handler))
		failed(r, 503, "Service Unavailable", 0);
}

/* -- life ------------------------------------------------------------------ */

static bool is_host(const char *text)
{
	return *text && strspn(text, "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789.-_:[]") == strlen(text);
}

static int dialog_make(struct sip_registration *r,
		       const struct sip_registration_conf *conf)
{
	bool named = conf->transport && *conf->transport;
	const char *before = named ? ";transport=" : "";
	const char *transport = named ? conf->transport : "";
	struct dialog_conf start = {
		.tls_name = *conf->proxy ? conf->proxy : conf->domain,
		.tls_verify = conf->tls_verify,
	};
	struct buf own, target, hop;
	int err;

	buf_init(&own);
	buf_init(&target);
	buf_init(&hop);
	buf_str(&own, "<sip:");
	address_write_user(&own, conf->login);
	buf_printf(&own, "@%.*s>", (int)address_host_length(conf->domain),
		   conf->domain);
	buf_printf(&target, "sip:%s%s%s", conf->domain, before, transport);
	buf_printf(&hop, "sip:%s;lr%s%s", conf->proxy, before, transport);
	start.local = start.remote = buf_cstr(&own);
	start.target = buf_cstr(&target);
	start.route = *conf->proxy ? buf_cstr(&hop) : NULL;
	err = dialog_start(&r->dialog, &start);
	buf_clear(&own);
	buf_clear(&target);
	buf_clear(&hop);
	return err;
}

static void destructor(void *arg)
{
	struct sip_registration *r = arg;

	list_unlink(&r->le);
	tmr_cancel(&r->timer);
	tmr_cancel(&r->try);
	mem_deref(r->lookup);
	mem_deref(r->request);
	free(r->where);
	free(r->transport);
	dialog_clear(&r->dialog);
	if (r->password)
		bytes_wipe(r->password, strlen(r->password));
	free(r->password);
	free(r->login);
	free(r->line);
}

int sip_registration_new(struct sip_registration **rp, struct sip_stack *stack,
			 const struct sip_registration_conf *conf,
			 sip_registration_h *changed, void *arg)
{
	struct sip_registration *r;
	int err;

	if (!is_host(conf->domain) || (*conf->proxy && !is_host(conf->proxy)))
		return -EINVAL;
	r = mem_zalloc(sizeof(*r), destructor);
	if (!r)
		return -ENOMEM;
	r->stack = stack;
	r->changed = changed;
	r->arg = arg;
	r->expires_s = conf->expires_s ? conf->expires_s : EXPIRES_DEFAULT_S;
	r->login = strdup(conf->login);
	r->password = strdup(conf->password);
	r->line = strdup(conf->line);
	r->where = strdup(*conf->proxy ? conf->proxy : conf->domain);
	r->transport = strdup(
		conf->transport && *conf->transport ? conf->transport : "udp");
	snprintf(r->params, sizeof(r->params), "line=%s", conf->line);
	err = r->login && r->password && r->line && r->where && r->transport
		      ? dialog_make(r, conf)
		      : -ENOMEM;
	if (err) {
		mem_deref(r);
		return err;
	}
	tmr_start(&r->timer, 0, timer_handler, r);
	*rp = r;
	return 0;
}

static void left_handler(int err, const struct sip_msg *msg, void *arg)
{
	if (err || !msg || msg->scode >= 200)
		mem_deref(arg);
}

void sip_registration_free(struct sip_registration **rp)
{
	struct sip_registration *r = *rp;

	if (!r)
		return;
	*rp = NULL;
	tmr_cancel(&r->timer);
	tmr_cancel(&r->try);
	sip_lookup_free(&r->lookup);
	r->request = mem_deref(r->request);
	if (r->status.state == SIP_REGISTRATION_UP &&
	    !request_send(r, 0, left_handler))
		list_append(&r->stack->leaving, &r->le, r);
	else
		mem_deref(r);
}
