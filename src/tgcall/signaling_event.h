/* What a signalling engine has to tell its owner, queued so that handlers run
 * last and in order. One thread. */
#ifndef TGCALL_SIGNALING_EVENT_H
#define TGCALL_SIGNALING_EVENT_H

#include "tgcall/signaling.h"

enum signaling_event_kind {
	SIGNALING_EVENT_BLOB,
	SIGNALING_EVENT_TRANSPORT,
	SIGNALING_EVENT_CANDIDATE,
	SIGNALING_EVENT_SEND_OPEN,
	SIGNALING_EVENT_RECV_OPEN,
	SIGNALING_EVENT_MEDIA_STATE,
};

struct signaling_event;

struct signaling_events {
	struct signaling_event *first, **last;
};

void signaling_events_init(struct signaling_events *e);
void signaling_events_clear(struct signaling_events *e);
/* Copies the payload: the blob, the candidate without NUL, or the struct that
 * belongs to the kind. */
void signaling_events_put(struct signaling_events *e,
			  enum signaling_event_kind kind, const void *p,
			  size_t n);
/* Calls one handler; false when there was nothing. */
bool signaling_events_dispatch(struct signaling_events *e,
			       const struct tgcall_signaling_handlers *h,
			       void *arg);

#endif
