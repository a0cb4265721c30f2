/* Message numbers of one side of a session (telegram-wire A.5), and the memory
 * of those the other side used.  Values; one thread. */
#ifndef MTPROTO_SEQUENCE_H
#define MTPROTO_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mtp_sequence {
	int64_t last_id;
	uint32_t content; /* content-related messages numbered so far */
};

/* The next id: about unix time * 2^32, strictly growing; bits are the lowest
 * two: 0 client, 1 answer, 3 other message of a server. */
int64_t mtp_sequence_id(struct mtp_sequence *s, int64_t unix_us, unsigned bits);
/* 2n, or 2n + 1 for a content-related message, which counts. */
uint32_t mtp_sequence_number(struct mtp_sequence *s, bool content);

/* Seconds since 1970 an id was made at. */
int64_t mtp_id_seconds(int64_t msg_id);

#define MTP_WINDOW_IDS 512

/* The last few hundred ids received, oldest dropped first. */
struct mtp_window {
	int64_t ids[MTP_WINDOW_IDS];
	uint32_t seqnos[MTP_WINDOW_IDS];
	size_t n, next;
	int64_t highest;
	int64_t dropped; /* highest id no longer remembered */
};

bool mtp_window_has(const struct mtp_window *w, int64_t id);
void mtp_window_add(struct mtp_window *w, int64_t id, uint32_t seqno);
void mtp_window_remove(struct mtp_window *w, int64_t id);

#endif
