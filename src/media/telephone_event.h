/* Digits as RFC 4733 events. Received: each press once, whatever was lost or
 * repeated. Sent: in place of audio packets. Values; no I/O, one thread. Digits
 * are secrets: never logged. */
#ifndef MEDIA_TELEPHONE_EVENT_H
#define MEDIA_TELEPHONE_EVENT_H

#include "media/dtmf.h"
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

#define TELEPHONE_EVENT_BYTES 4

/* Zeroed at first. */
struct telephone_sender {
	struct dtmf_queue queue;
	enum {
		TELEPHONE_QUIET,
		TELEPHONE_PRESSED,
		TELEPHONE_ENDING, /* the end is said three times */
		TELEPHONE_PAUSE,
	} state;
	char digit;
	unsigned ends;
	uint32_t ts;              /* of its beginning */
	uint32_t duration, pause; /* in units of the stream */
};

/* What stands in place of the next audio packet, in units of the stream's
 * clock. */
struct telephone_slot {
	uint32_t ts, samples;
	uint32_t clock_hz;       /* of the stream */
	uint32_t event_clock_hz; /* of the event's payload type */
};

/* Instead of an audio packet: false: the audio goes out. Else the payload of
 * an event packet, whose timestamp is slot->ts as it is then. */
bool telephone_sender_next(struct telephone_sender *t,
			   uint8_t payload[TELEPHONE_EVENT_BYTES],
			   struct telephone_slot *slot, bool *marker);

#endif
