/* Digits towards the PBX: by the first method of its trunk's list that the far
 * end takes (behaviour 3.10), each press 100 ms.
 *
 * Embedded in a SIP leg; control loop. Digits are secrets: never logged.
 */
#ifndef WORKER_SIP_DIGITS_H
#define WORKER_SIP_DIGITS_H

#include "base/re.h"
#include "media/dtmf.h"
#include "sip/session.h"
#include "worker/media_call.h"

struct sip_digits {
	enum dtmf_method methods[DTMF_METHODS]; /* by preference */
	size_t methods_n;
	bool events;  /* telephone-event is negotiated */
	bool refused; /* INFO is not taken by the far end */
	/* by INFO: one at a time, with the answer and the pause awaited */
	struct dtmf_queue queue;
	char open; /* not answered yet; 0: none */
	bool paused;
	struct tmr pause;
	/* borrowed, of the leg; NULL while there is none */
	struct sip_session **session;
	struct media_call **media;
};

/* setting: of the trunk, "rfc2833,info". */
void sip_digits_init(struct sip_digits *d, const char *setting,
		     struct sip_session **session, struct media_call **media);
void sip_digits_clear(struct sip_digits *d);
bool sip_digits_take(const struct sip_digits *d, enum dtmf_method method);
/* The method's name; NULL: -EINVAL no digits, -ENOSPC too many wait, -ENOTCONN
 * not answered, -ENOTSUP the far end takes none of the methods. */
const char *sip_digits_press(struct sip_digits *d, const char *digits,
			     int *err);
/* The answer to INFO; see sip_session_handlers. */
void sip_digits_told(struct sip_digits *d, int code);

#endif
