/* See engine_fake.h. */
#include "telegram/engine_fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENGINES_MAX 8

struct mtp_client *engine;
unsigned engines, connects;
static struct mtp_client *alive[ENGINES_MAX];

bool look_at(int dc_id)
{
	for (unsigned i = 0; i < ENGINES_MAX; i++)
		if (alive[i] && alive[i]->conf.dc_wire == dc_id) {
			engine = alive[i];
			return true;
		}
	return false;
}

int mtp_client_new(struct mtp_client **cp, const struct mtp_client_conf *conf)
{
	struct mtp_client *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->conf = *conf;
	c->auth = conf->auth;
	*cp = engine = c;
	for (unsigned i = 0; i < ENGINES_MAX; i++)
		if (!alive[i]) {
			alive[i] = c;
			break;
		}
	engines++;
	return 0;
}

void fake_event(enum mtp_event event, const char *text)
{
	engine->conf.handlers.event(event, text, engine->conf.arg);
}

struct fake_query fake_take(struct mtp_client *c, unsigned i)
{
	struct fake_query q = c->queries[i];

	memmove(&c->queries[i], &c->queries[i + 1],
		(c->queries_n - i - 1) * sizeof(q));
	c->queries_n--;
	return q;
}

void mtp_client_free(struct mtp_client **cp)
{
	static const struct mtp_error closed = {-ECANCELED, "CLOSED"};
	struct mtp_client *c = *cp;

	while (c->queries_n) {
		struct fake_query q = fake_take(c, 0);

		q.done(&closed, bytes_of(NULL, 0), q.arg);
		buf_clear(&q.bytes);
	}
	if (engine == c)
		engine = NULL;
	for (unsigned i = 0; i < ENGINES_MAX; i++)
		if (alive[i] == c)
			alive[i] = NULL;
	buf_clear(&c->out);
	free(c);
	*cp = NULL;
}

void mtp_client_transport(struct mtp_client *c, enum mtp_transport_kind kind,
			  bool obfuscated, const uint8_t *secret)
{
}

void mtp_client_connected(struct mtp_client *c, usec_t now, struct wall wall)
{
	c->up = true;
	connects++;
	buf_put(&c->out, "hello", 5);
	if (!c->auth.present) {
		c->auth.present = true;
		c->auth.key_id = 4711;
		c->conf.handlers.event(MTP_EVENT_KEY_CREATED, NULL,
				       c->conf.arg);
	}
	c->ready = true;
	c->conf.handlers.event(MTP_EVENT_READY, NULL, c->conf.arg);
}

void mtp_client_disconnected(struct mtp_client *c, usec_t now)
{
	c->up = c->ready = false;
	buf_reset(&c->out);
}

int mtp_client_input(struct mtp_client *c, struct bytes in, usec_t now,
		     struct wall wall)
{
	return in.n && in.p[0] == '!' ? -EPROTO : 0;
}

struct buf *mtp_client_output(struct mtp_client *c)
{
	return &c->out;
}

usec_t mtp_client_deadline(const struct mtp_client *c)
{
	return USEC_NEVER;
}

void mtp_client_timeout(struct mtp_client *c, usec_t now, struct wall wall)
{
}

int mtp_client_call(struct mtp_client *c, struct bytes query, unsigned flags,
		    mtp_answer_h *done, void *arg, usec_t now, struct wall wall)
{
	struct fake_query *q = &c->queries[c->queries_n++];

	memset(q, 0, sizeof(*q));
	buf_put(&q->bytes, query.p, query.n);
	q->done = done;
	q->arg = arg;
	return 0;
}

void mtp_client_destroy_key(struct mtp_client *c, usec_t now, struct wall wall)
{
	static const struct mtp_error closed = {-ECANCELED, "CLOSED"};

	c->destroyed = true;
	while (c->queries_n) {
		struct fake_query q = fake_take(c, 0);

		q.done(&closed, bytes_of(NULL, 0), q.arg);
		buf_clear(&q.bytes);
	}
}

void mtp_client_ping_interval(struct mtp_client *c, usec_t interval, usec_t now)
{
	c->ping = interval;
}

const struct mtp_auth *mtp_client_auth(const struct mtp_client *c)
{
	return &c->auth;
}

bool mtp_client_ready(const struct mtp_client *c)
{
	return c->ready;
}
