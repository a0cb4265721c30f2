#include "mtproto/client_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "mtproto/gzip.h"
#include "mtproto/wire.h"

static struct client_delivery *delivery_new(struct mtp_client *c,
					    enum delivery_kind kind)
{
	struct client_delivery *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->kind = kind;
	buf_init(&d->own);
	STAILQ_INSERT_TAIL(&c->deliveries, d, link);
	return d;
}

void client_event(struct mtp_client *c, enum mtp_event event, const char *text)
{
	struct client_delivery *d = delivery_new(c, DELIVERY_EVENT);

	if (!d)
		return;
	d->event = event;
	d->text = text;
}

void client_close(struct mtp_client *c, const char *text)
{
	if (c->state == CLIENT_DOWN || c->state == CLIENT_CLOSING)
		return;
	c->state = CLIENT_CLOSING;
	c->ready = false;
	buf_reset(&c->out);
	client_event(c, MTP_EVENT_CLOSE, text);
}

int client_refuse(struct mtp_client *c, const char *text)
{
	count_bad("mtproto", text, "refused what the server sent");
	client_event(c, MTP_EVENT_REFUSED, text);
	client_close(c, text);
	return -EPROTO;
}

void client_update(struct mtp_client *c, struct bytes object)
{
	struct client_delivery *d = delivery_new(c, DELIVERY_UPDATE);

	if (!d)
		return;
	/* The object may lie in an inflated buffer that ends before the
	 * handlers run. */
	buf_put(&d->own, object.p, object.n);
	d->object = buf_bytes(&d->own);
}

static struct client_delivery *answer_new(struct mtp_client *c,
					  struct client_query *q)
{
	struct client_delivery *d = delivery_new(c, DELIVERY_ANSWER);

	TAILQ_REMOVE(&c->queries, q, link);
	if (d)
		d->query = q;
	else
		client_query_free(q);
	return d;
}

void client_answer(struct mtp_client *c, struct client_query *q,
		   struct bytes object)
{
	struct client_delivery *d = answer_new(c, q);

	if (!d)
		return;
	buf_put(&d->own, object.p, object.n);
	d->object = buf_bytes(&d->own);
}

void client_answer_error(struct mtp_client *c, struct client_query *q, int code,
			 struct bytes text)
{
	struct client_delivery *d = answer_new(c, q);
	size_t n = text.n;

	if (!d)
		return;
	if (n >= sizeof(d->error))
		n = sizeof(d->error) - 1;
	d->failed = true;
	d->code = code;
	if (n)
		memcpy(d->error, text.p, n);
}

static void delivery_run(struct mtp_client *c, struct client_delivery *d)
{
	struct mtp_error err = {.code = d->code, .text = d->error};

	switch (d->kind) {
	case DELIVERY_EVENT:
		if (c->handlers.event)
			c->handlers.event(d->event, d->text, c->arg);
		break;
	case DELIVERY_UPDATE:
		if (c->handlers.update)
			c->handlers.update(d->object, c->arg);
		break;
	case DELIVERY_ANSWER:
		if (d->query->done)
			d->query->done(d->failed ? &err : NULL, d->object,
				       d->query->arg);
		client_query_free(d->query);
		break;
	}
}

void client_deliver(struct mtp_client *c)
{
	struct client_delivery *d;

	if (c->busy)
		return;
	c->busy = true;
	while ((d = STAILQ_FIRST(&c->deliveries))) {
		STAILQ_REMOVE_HEAD(&c->deliveries, link);
		delivery_run(c, d);
		buf_clear(&d->own);
		free(d);
	}
	c->busy = false;
}
