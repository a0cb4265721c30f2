/* Digits pressed on telephones: the three ways they come and go, each press
 * once, and what waits to be sent.
 *
 * Values; no I/O. Digits are secrets: never logged.
 */
#ifndef MEDIA_DTMF_H
#define MEDIA_DTMF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

enum dtmf_method {
	DTMF_RFC2833, /* RFC 4733 events in RTP */
	DTMF_INFO,    /* SIP INFO */
	DTMF_INBAND,  /* tones in the audio (ITU-T Q.23) */
	DTMF_METHODS,
};

/* Behaviour 3.10: "100 ms on/100 ms off" */
#define DTMF_PRESS_MS 100
#define DTMF_PAUSE_MS 100

bool dtmf_is_digit(char c); /* 0-9, *, #, A-D */
/* The two tones of a digit, in hertz. */
void dtmf_tones_hz(char digit, unsigned hz[2]);

#define DTMF_QUEUE_MAX 64

struct dtmf_queue {
	char digits[DTMF_QUEUE_MAX];
	size_t at, n; /* the next one, how many */
};

/* All or none. -EINVAL: empty, or not digits; -ENOSPC. */
int dtmf_queue_put(struct dtmf_queue *q, const char *digits);
char dtmf_queue_take(struct dtmf_queue *q); /* 0: empty; wipes it */

/* A PBX may send a press by several methods at once. Digits of one method are
 * all different presses; the same digit of another method, within
 * DTMF_SAME_US, is the same press, and the order of presses is the same for
 * all methods. */
#define DTMF_SAME_US (5 * USEC_S)
#define DTMF_RECENT 16

struct dtmf_presses {
	struct {
		char digit;
		usec_t at;
	} recent[DTMF_RECENT];       /* by number of the press, modulo */
	unsigned n;                  /* presses so far */
	unsigned seen[DTMF_METHODS]; /* the first press not seen that way */
};

/* true: a new press. */
bool dtmf_press(struct dtmf_presses *p, enum dtmf_method method, char digit,
		usec_t now);

#endif
