/* SCTP packets on the wire (RFC 9260 section 3): header, chunks, checksum, the
 * INIT family's fixed part and parameters. Values and buffers only; any thread.
 */
#ifndef TGCALL_SCTP_PACKET_H
#define TGCALL_SCTP_PACKET_H

#include "base/bytes.h"

enum sctp_chunk_type {
	SCTP_DATA = 0,
	SCTP_INIT = 1,
	SCTP_INIT_ACK = 2,
	SCTP_SACK = 3,
	SCTP_HEARTBEAT = 4,
	SCTP_HEARTBEAT_ACK = 5,
	SCTP_ABORT = 6,
	SCTP_SHUTDOWN = 7,
	SCTP_SHUTDOWN_ACK = 8,
	SCTP_ERROR = 9,
	SCTP_COOKIE_ECHO = 10,
	SCTP_COOKIE_ACK = 11,
	SCTP_SHUTDOWN_COMPLETE = 14,
	SCTP_RE_CONFIG = 130,
	SCTP_FORWARD_TSN = 192,
};

enum sctp_cause {
	SCTP_CAUSE_STALE_COOKIE = 3,
	SCTP_CAUSE_UNKNOWN_CHUNK = 6,
	SCTP_CAUSE_NO_USER_DATA = 9,
	SCTP_CAUSE_USER_ABORT = 12,
};

#define SCTP_HEADER_BYTES 12
#define SCTP_DATA_HEADER_BYTES 16 /* chunk header included */
#define SCTP_RWND 0x500000

#define SCTP_FLAG_T                                                            \
	0x01 /* ABORT, SHUTDOWN-COMPLETE: tag is the sender's own              \
	      */
#define SCTP_FLAG_END 0x01
#define SCTP_FLAG_BEGIN 0x02
#define SCTP_FLAG_IMMEDIATE 0x08

struct sctp_chunk {
	uint8_t type, flags;
	struct bytes body; /* without header and padding */
};

/* One chunk, or a parameter or cause, which share length and padding rules.
 * false at the end; r->bad tells a broken length from a clean end. */
bool sctp_chunk_read(struct rd *r, struct sctp_chunk *c);
bool sctp_param_read(struct rd *r, uint16_t *type, struct bytes *body);

void sctp_packet_begin(struct buf *b, uint16_t port, uint32_t tag);
void sctp_packet_end(struct buf *b); /* fills in the checksum */
/* Returns where the chunk begins, for the matching end. */
size_t sctp_chunk_begin(struct buf *b, uint8_t type, uint8_t flags);
void sctp_chunk_end(struct buf *b, size_t at); /* length and padding */
void sctp_chunk_put(struct buf *b, uint8_t type, uint8_t flags,
		    struct bytes body);
/* A chunk's length counts the padding between parameters, but not behind the
 * last (RFC 9260 3.2): so padding is put before one. Buffers begin aligned. */
void sctp_param_align(struct buf *b);
void sctp_param_put(struct buf *b, uint16_t type, struct bytes body);

struct sctp_init {
	uint32_t tag, rwnd, tsn;
	uint16_t streams_out, streams_in;
	struct bytes cookie; /* INIT-ACK only */
};

/* Parameters to be reported (type bits x1) are appended to `report`, ready to
 * be put behind an INIT-ACK. -EBADMSG: too short, tag or streams zero. */
int sctp_init_parse(struct sctp_init *init, struct bytes body,
		    struct buf *report);
/* Begins the chunk; parameters may follow before sctp_chunk_end(). */
size_t sctp_init_begin(struct buf *b, uint8_t type,
		       const struct sctp_init *init);

static inline bool sctp_tsn_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

#endif
