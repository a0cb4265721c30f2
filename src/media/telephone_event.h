/* Receiving digits as RFC 4733 events: each press once, whatever was lost or
 * repeated. A value; no I/O, one thread. Digits are secrets: never logged. */
#ifndef MEDIA_TELEPHONE_EVENT_H
#define MEDIA_TELEPHONE_EVENT_H

#include "media/rtp.h"

/* No packet of a press for so long: it is over, its end packets were lost. */
#define TELEPHONE_EVENT_LOST_US (200 * USEC_MS)

struct telephone_events {
	bool pressed; /* `event` has begun and not been handed over */
	bool known;   /* ts is that of the latest press, over or not */
	uint8_t event;
	uint32_t ts;
	uint16_t duration; /* of this segment */
	uint32_t before;   /* of the segments before it */
	usec_t at;
};

struct telephone_digit {
	char digit;        /* 0-9, *, #, A-D */
	uint32_t duration; /* in units of the RTP clock */
};

/* One packet of the event payload type. Fills d with the presses that it ends
 * (a lost end, and its own); returns their number, 0 to 2, or -EBADMSG. */
int telephone_event_read(struct telephone_events *t,
			 struct telephone_digit d[2],
			 const struct rtp_header *h, usec_t now);
/* 1: a press ended because nothing was heard of it. */
int telephone_event_expire(struct telephone_events *t,
			   struct telephone_digit *d, usec_t now);

#endif
