/* AMR in RTP (RFC 4867 4.3 and 4.4): frames of 20 ms behind a table of
 * contents, in one of two ways of packing them.
 *
 * Values; no state.
 */
#ifndef MEDIA_AMR_PAYLOAD_H
#define MEDIA_AMR_PAYLOAD_H

#include "base/bytes.h"

#define AMR_FRAMES_MAX 6
#define AMR_FRAME_BYTES 31 /* 244 bits */
#define AMR_REQUEST_NONE 15

enum amr_type {
	/* 0 to 7 are speech, 4.75 to 12.2 kbit/s */
	AMR_SPEECH_LAST = 7,
	AMR_SID = 8, /* comfort noise */
	AMR_NO_DATA = 15,
};

struct amr_frame {
	uint8_t type;                  /* 0 to 8, or AMR_NO_DATA */
	bool good;                     /* Q: not damaged on its way */
	uint8_t bits[AMR_FRAME_BYTES]; /* from the top of the first byte on */
};

struct amr_payload {
	uint8_t request; /* the mode the sender wants to get, 0 to 7 */
	size_t n;
	struct amr_frame frames[AMR_FRAMES_MAX];
};

/* aligned: octet-align=1. -EBADMSG. */
int amr_payload_read(struct amr_payload *p, struct bytes payload, bool aligned);
/* Returns how many bytes; -EINVAL, -ENOSPC. */
int amr_payload_write(uint8_t *dst, size_t room, const struct amr_payload *p,
		      bool aligned);
/* Bits of a frame; 0: a type without any. */
size_t amr_frame_bits(unsigned type);

#endif
