#include "media/telephone_event.h"

#include <errno.h>

#define EVENT_DIGIT_LAST 15
/* Older by less than this: a packet that was overtaken. By more: the sender's
 * timestamps have jumped. Half a minute at 48 kHz. */
#define OVERTAKEN_MAX (30 * 48000)

static const char digits[EVENT_DIGIT_LAST + 1] = {'0', '1', '2', '3', '4', '5',
						  '6', '7', '8', '9', '*', '#',
						  'A', 'B', 'C', 'D'};

static int press_end(struct telephone_events *t, struct telephone_digit *d)
{
	if (!t->pressed)
		return 0;
	t->pressed = false;
	/* 16 and above: flash and line events, no digits */
	if (t->event > EVENT_DIGIT_LAST)
		return 0;
	d->digit = digits[t->event];
	d->duration = t->before + t->duration;
	return 1;
}

/* RFC 4733 2.5.1.3: an event longer than its 16 bits of duration goes on in
 * another segment that begins where the last one ends. */
static bool event_goes_on(const struct telephone_events *t, uint8_t event,
			  uint32_t ts)
{
	return t->pressed && event == t->event && ts == t->ts + t->duration &&
	       t->duration >= 0x8000;
}

static void press_begin(struct telephone_events *t, uint8_t event, uint32_t ts)
{
	t->pressed = true;
	t->known = true;
	t->event = event;
	t->ts = ts;
	t->duration = 0;
	t->before = 0;
}

int telephone_event_read(struct telephone_events *t,
			 struct telephone_digit d[2],
			 const struct rtp_header *h, usec_t now)
{
	struct rd r;
	uint8_t event, flags;
	uint16_t duration;
	int32_t later = (int32_t)(h->ts - t->ts);
	int n = 0;

	rd_init(&r, h->payload.p, h->payload.n);
	event = rd_u8(&r);
	flags = rd_u8(&r);
	duration = rd_be16(&r);
	if (r.bad)
		return -EBADMSG;
	if (t->known && later < 0 && later > -OVERTAKEN_MAX)
		return 0;
	if (event_goes_on(t, event, h->ts)) {
		t->before += t->duration;
		t->duration = 0;
		t->ts = h->ts;
	} else if (!t->known || later) {
		n = press_end(t, d);
		press_begin(t, event, h->ts);
	}
	t->at = now;
	if (duration > t->duration)
		t->duration = duration;
	/* The end bit comes three times; the first one counts. */
	if (flags & 0x80)
		n += press_end(t, &d[n]);
	return n;
}

int telephone_event_expire(struct telephone_events *t,
			   struct telephone_digit *d, usec_t now)
{
	if (!t->pressed || now < t->at + TELEPHONE_EVENT_LOST_US)
		return 0;
	return press_end(t, d);
}
