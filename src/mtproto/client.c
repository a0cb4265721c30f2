#include "mtproto/client_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_MAX ((size_t)1 << 20)
#define QUERY_TIMEOUT (10 * USEC_S)
#define PING_INTERVAL (25 * USEC_S)
/* "reconnect when nothing was read for 60 s"; with faster pings, sooner. */
#define SILENCE_MAX (60 * USEC_S)
#define SILENCE_MIN (15 * USEC_S)
#define SILENCE_PINGS 3

static int conf_copy(struct mtp_client *c, const struct mtp_client_conf *conf)
{
	const struct mtp_identity *id = &conf->identity;

	c->transport = conf->transport;
	c->obfuscated = conf->obfuscated;
	c->dc_wire = conf->dc_wire;
	c->rsa = conf->rsa;
	c->auth = conf->auth;
	c->api_id = id->api_id;
	c->device_model = strdup(id->device_model ? id->device_model : "");
	c->system_version =
		strdup(id->system_version ? id->system_version : "");
	c->app_version = strdup(id->app_version ? id->app_version : "");
	c->lang_code = strdup(id->lang_code ? id->lang_code : "en");
	c->temporary_s = conf->temporary_s;
	c->query_timeout =
		conf->query_timeout ? conf->query_timeout : QUERY_TIMEOUT;
	c->ping_interval =
		conf->ping_interval ? conf->ping_interval : PING_INTERVAL;
	c->random = (struct mtp_random){conf->random, conf->random_arg};
	c->handlers = conf->handlers;
	c->arg = conf->arg;
	return c->device_model && c->system_version && c->app_version &&
			       c->lang_code
		       ? 0
		       : -ENOMEM;
}

int mtp_client_new(struct mtp_client **cp, const struct mtp_client_conf *conf)
{
	struct mtp_client *c;

	if (!conf->auth.present && !conf->rsa)
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	buf_init(&c->out);
	buf_init(&c->plain);
	buf_init(&c->info);
	TAILQ_INIT(&c->queries);
	STAILQ_INIT(&c->deliveries);
	c->acks_deadline = USEC_NEVER;
	if (conf_copy(c, conf)) {
		mtp_client_free(&c);
		return -ENOMEM;
	}
	if (c->auth.present) {
		c->auth.key_id = mtp_key_id(c->auth.key);
		client_session_reset(c);
	}
	*cp = c;
	return 0;
}

void mtp_client_free(struct mtp_client **cp)
{
	struct mtp_client *c = *cp;
	struct client_query *q;

	if (!c)
		return;
	c->state = CLIENT_DOWN;
	while ((q = TAILQ_FIRST(&c->queries)))
		client_answer_error(c, q, -ECANCELED, bytes_str("CLOSED"));
	c->handlers = (struct mtp_handlers){0};
	client_deliver(c);
	mtp_codec_free(&c->codec);
	mtp_handshake_free(&c->handshake);
	client_secrecy_disconnected(c);
	buf_clear(&c->out);
	buf_clear(&c->plain);
	buf_clear(&c->info);
	free(c->state_ids);
	free(c->device_model);
	free(c->system_version);
	free(c->app_version);
	free(c->lang_code);
	bytes_wipe(c, sizeof(*c));
	free(c);
	*cp = NULL;
}

/* -- connection ----------------------------------------------------------- */

static int codec_renew(struct mtp_client *c)
{
	uint8_t header[64];

	mtp_codec_free(&c->codec);
	do
		mtp_random_fill(&c->random, header, sizeof(header));
	while (c->obfuscated && !mtp_codec_header_ok(header));
	return mtp_codec_new_client(
		&c->codec, c->transport, c->obfuscated ? header : NULL,
		c->has_secret ? c->secret : NULL, c->dc_wire);
}

void mtp_client_transport(struct mtp_client *c, enum mtp_transport_kind kind,
			  bool obfuscated, const uint8_t *secret)
{
	c->transport = kind;
	c->obfuscated = obfuscated;
	c->has_secret = secret != NULL;
	if (secret)
		memcpy(c->secret, secret, sizeof(c->secret));
}

static void call_begin(struct mtp_client *c, usec_t now, struct wall wall)
{
	c->now = now;
	c->wall = wall;
}

/* Handlers run last; what they queued goes out at once. */
static void call_end(struct mtp_client *c)
{
	client_deliver(c);
	client_switch_try(c);
	client_flush(c);
	client_deliver(c);
}

void mtp_client_connected(struct mtp_client *c, usec_t now, struct wall wall)
{
	int err;

	call_begin(c, now, wall);
	buf_reset(&c->out);
	c->ready = false;
	c->heard = now;
	c->refusals = 0;
	if (c->temporary.present && now >= c->temporary_ends)
		client_temporary_drop(c);
	c->state = client_key(c)->present ? CLIENT_SESSION : CLIENT_HANDSHAKE;
	err = codec_renew(c);
	if (!err && c->state == CLIENT_HANDSHAKE)
		err = client_handshake_begin(c);
	if (!err && c->state == CLIENT_SESSION) {
		c->time_trusted = false;
		c->inited = false;
		c->ping.due = true;
		c->destroy.due = c->destroying;
		client_states_ask(c);
	}
	if (err)
		client_close(c, "out of memory");
	call_end(c);
}

void mtp_client_disconnected(struct mtp_client *c, usec_t now)
{
	c->now = now;
	c->state = CLIENT_DOWN;
	c->ready = false;
	mtp_handshake_free(&c->handshake);
	client_secrecy_disconnected(c);
	buf_reset(&c->out);
}

int mtp_client_input(struct mtp_client *c, struct bytes in, usec_t now,
		     struct wall wall)
{
	int rc;

	call_begin(c, now, wall);
	if (c->state == CLIENT_DOWN || c->state == CLIENT_CLOSING)
		return -EPROTO;
	c->heard = now;
	rc = mtp_codec_recv(c->codec, in, client_packet, c);
	if (rc && c->state != CLIENT_CLOSING && c->state != CLIENT_DOWN)
		client_refuse(c, "the transport's framing is broken");
	call_end(c);
	return !rc ? 0 : rc == -ENOMEM ? -EBADMSG : -EPROTO;
}

struct buf *mtp_client_output(struct mtp_client *c)
{
	return &c->out;
}

/* -- time ----------------------------------------------------------------- */

static usec_t silence_limit(const struct mtp_client *c)
{
	usec_t limit = c->ping_interval * SILENCE_PINGS;

	return limit > SILENCE_MAX   ? SILENCE_MAX
	       : limit < SILENCE_MIN ? SILENCE_MIN
				     : limit;
}

static usec_t earlier(usec_t a, usec_t b)
{
	return a < b ? a : b;
}

usec_t mtp_client_deadline(const struct mtp_client *c)
{
	usec_t first = client_queries_deadline(c);

	/* mtp_client_call() runs no handlers: what it met is told next. */
	if (!STAILQ_EMPTY(&c->deliveries))
		return c->now;
	if (c->handshake)
		first = earlier(first, c->handshake_deadline);
	if (c->state != CLIENT_SESSION)
		return first;
	first = earlier(first, client_secrecy_deadline(c));
	first = earlier(first, c->heard + silence_limit(c));
	/* What is due then waits for the temporary key to be bound. */
	if (!client_unbound(c))
		first = earlier(first, c->ping_next);
	if (!client_unbound(c) && c->acks_n)
		first = earlier(first, c->acks_deadline);
	if (c->states_n)
		first = earlier(first, c->states_deadline);
	return first;
}

void mtp_client_timeout(struct mtp_client *c, usec_t now, struct wall wall)
{
	call_begin(c, now, wall);
	client_queries_expire(c);
	if (c->state == CLIENT_HANDSHAKE && now >= c->handshake_deadline)
		client_close(c, "key creation took too long");
	if (c->state == CLIENT_SESSION) {
		if (now >= c->heard + silence_limit(c))
			client_close(c, "the server went silent");
		if (c->states_n && now >= c->states_deadline)
			client_states_give_up(c);
		if (now >= c->ping_next)
			c->ping.due = true;
		client_secrecy_timeout(c);
	}
	call_end(c);
}

void mtp_client_ping_interval(struct mtp_client *c, usec_t interval, usec_t now)
{
	c->now = now;
	c->ping_interval = interval ? interval : PING_INTERVAL;
	if (c->ping_next > now + c->ping_interval)
		c->ping_next = now + c->ping_interval;
	/* The shorter silence limit begins when the faster pings do. */
	if (c->heard + silence_limit(c) < now + c->ping_interval)
		c->heard = now;
}

/* -- queries -------------------------------------------------------------- */

int mtp_client_call(struct mtp_client *c, struct bytes query, unsigned flags,
		    mtp_answer_h *done, void *arg, usec_t now, struct wall wall)
{
	struct client_query *q;

	if (query.n > QUERY_MAX)
		return -EMSGSIZE;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	buf_init(&q->body);
	buf_put(&q->body, query.p, query.n);
	if (q->body.bad) {
		client_query_free(q);
		return -ENOMEM;
	}
	q->flags = flags;
	q->done = done;
	q->arg = arg;
	q->deadline = now + c->query_timeout;
	TAILQ_INSERT_TAIL(&c->queries, q, link);
	call_begin(c, now, wall);
	/* Inside a handler the caller of the handler flushes. No handler may
	 * run from here: the answer never comes inside this call. */
	client_flush(c);
	return 0;
}

void mtp_client_destroy_key(struct mtp_client *c, usec_t now, struct wall wall)
{
	struct client_query *q;

	call_begin(c, now, wall);
	while ((q = TAILQ_FIRST(&c->queries)))
		client_answer_error(c, q, -ECANCELED, bytes_str("CLOSED"));
	if (c->temporary_s) {
		client_temporary_drop(c);
		client_secrecy_disconnected(c);
		mtp_handshake_free(&c->handshake);
		c->temporary_s = 0;
		c->salts_n = 0;
		client_session_reset(c);
	}
	c->destroying = true;
	c->destroy.due = true;
	call_end(c);
}

const struct mtp_auth *mtp_client_auth(const struct mtp_client *c)
{
	return &c->auth;
}

bool mtp_client_ready(const struct mtp_client *c)
{
	return c->ready;
}
