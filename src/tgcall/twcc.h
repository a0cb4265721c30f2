/* Transport-wide congestion control feedback (RTPFB 15, the holmer draft 01;
 * telegram-wire E.11): which packets came when, told to the peer; and the
 * peer's word on ours. We do not adapt: the peer does. Values; no I/O. */
#ifndef TGCALL_TWCC_H
#define TGCALL_TWCC_H

#include "base/bytes.h"
#include "base/clock.h"

#define TWCC_WINDOW 256 /* sequence numbers one feedback can speak of */
#define TWCC_FEEDBACK_BYTES 900

struct twcc_receiver {
	bool started;
	uint16_t base;               /* first sequence number not yet told */
	uint16_t next;               /* one behind the highest seen */
	uint8_t count;               /* of feedback packets */
	usec_t arrival[TWCC_WINDOW]; /* by number; 0: not seen */
};

void twcc_receiver_packet(struct twcc_receiver *r, uint16_t seq, usec_t now);
/* Writes one feedback of all that came since the last. Returns its length, 0
 * when there is nothing to tell, -ENOSPC. */
int twcc_receiver_write(uint8_t *dst, size_t room, struct twcc_receiver *r,
			uint32_t sender_ssrc, uint32_t media_ssrc);

struct twcc_report {
	uint32_t received, lost;
};

/* Adds up the feedback packets of one RTCP compound. -EBADMSG. */
int twcc_report_read(struct twcc_report *t, struct bytes rtcp);

#endif
