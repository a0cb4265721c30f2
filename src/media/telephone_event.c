#include "media/telephone_event.h"

#include <errno.h>
#include <string.h>

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

/* -- sending ------------------------------------------------------------ */

/* RFC 4733 2.5.1.4: "three times", the last packet of an event */
#define ENDS 3
/* -10 dBm0: as loud as a key is */
#define VOLUME 10
#define END_BIT 0x80

static void event_write(const struct telephone_sender *t, uint8_t *payload,
			const struct telephone_slot *slot, bool end)
{
	uint64_t duration =
		(uint64_t)t->duration * slot->event_clock_hz / slot->clock_hz;

	payload[0] = (uint8_t)((const char *)memchr(digits, t->digit,
						    sizeof(digits)) -
			       digits);
	payload[1] = VOLUME | (end ? END_BIT : 0);
	payload[2] = (uint8_t)(duration >> 8);
	payload[3] = (uint8_t)duration;
}

static bool press_start(struct telephone_sender *t, uint32_t ts)
{
	t->digit = dtmf_queue_take(&t->queue);
	if (!t->digit)
		return false;
	t->state = TELEPHONE_PRESSED;
	t->ts = ts;
	t->duration = t->pause = 0;
	t->ends = 0;
	return true;
}

bool telephone_sender_next(struct telephone_sender *t,
			   uint8_t payload[TELEPHONE_EVENT_BYTES],
			   struct telephone_slot *slot, bool *marker)
{
	uint32_t ms = slot->clock_hz / 1000;

	if (t->state == TELEPHONE_PAUSE && t->pause >= DTMF_PAUSE_MS * ms)
		t->state = TELEPHONE_QUIET;
	*marker = t->state == TELEPHONE_QUIET && press_start(t, slot->ts);
	if (t->state == TELEPHONE_QUIET)
		return false;
	if (t->state == TELEPHONE_PRESSED) {
		t->duration += slot->samples;
		if (t->duration >= DTMF_PRESS_MS * ms)
			t->state = TELEPHONE_ENDING;
	} else {
		t->pause += slot->samples;
	}
	if (t->state == TELEPHONE_PAUSE)
		return false;
	event_write(t, payload, slot, t->state == TELEPHONE_ENDING);
	slot->ts = t->ts;
	if (t->state == TELEPHONE_ENDING && ++t->ends == ENDS)
		t->state = TELEPHONE_PAUSE;
	return true;
}
