#include "tgcall/signaling_event.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

struct signaling_event {
	struct signaling_event *next;
	enum signaling_event_kind kind;
	size_t n;
	union { /* data is what the kind says, or bytes and a NUL */
		struct tgcall_transport transport;
		struct tgcall_channel channel;
		struct tgcall_media_state state;
	} value;
	uint8_t data[];
};

void signaling_events_init(struct signaling_events *e)
{
	e->first = NULL;
	e->last = &e->first;
}

static void event_free(struct signaling_event *event)
{
	bytes_wipe(&event->value, sizeof(event->value)); /* ICE password */
	free(event);
}

static struct signaling_event *event_take(struct signaling_events *e)
{
	struct signaling_event *event = e->first;

	if (!event)
		return NULL;
	e->first = event->next;
	if (!e->first)
		e->last = &e->first;
	return event;
}

void signaling_events_clear(struct signaling_events *e)
{
	struct signaling_event *event;

	while ((event = event_take(e)))
		event_free(event);
}

void signaling_events_put(struct signaling_events *e,
			  enum signaling_event_kind kind, const void *p,
			  size_t n)
{
	bool is_bytes = kind == SIGNALING_EVENT_BLOB ||
			kind == SIGNALING_EVENT_CANDIDATE;
	struct signaling_event *event =
		calloc(1, sizeof(*event) + (is_bytes ? n + 1 : 0));

	if (!event) {
		count_bad("signaling", "memory", "an event was lost");
		return;
	}
	event->kind = kind;
	event->n = n;
	memcpy(is_bytes ? (void *)event->data : (void *)&event->value, p, n);
	*e->last = event;
	e->last = &event->next;
}

bool signaling_events_dispatch(struct signaling_events *e,
			       const struct tgcall_signaling_handlers *h,
			       void *arg)
{
	struct signaling_event *event = event_take(e);

	if (!event)
		return false;
	switch (event->kind) {
	case SIGNALING_EVENT_BLOB:
		h->blob(bytes_of(event->data, event->n), arg);
		break;
	case SIGNALING_EVENT_TRANSPORT:
		if (h->remote_transport)
			h->remote_transport(&event->value.transport, arg);
		break;
	case SIGNALING_EVENT_CANDIDATE:
		if (h->remote_candidate)
			h->remote_candidate((const char *)event->data, arg);
		break;
	case SIGNALING_EVENT_SEND_OPEN:
		if (h->send_open)
			h->send_open(&event->value.channel, arg);
		break;
	case SIGNALING_EVENT_RECV_OPEN:
		if (h->recv_open)
			h->recv_open(&event->value.channel, arg);
		break;
	case SIGNALING_EVENT_MEDIA_STATE:
		if (h->media_state)
			h->media_state(&event->value.state, arg);
		break;
	}
	event_free(event);
	return true;
}
