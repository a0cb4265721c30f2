/* The receiving half of an SCTP association: TSN bookkeeping, gaps,
 * duplicates, reassembly, and when a SACK is due.
 *
 * Messages are handed on in TSN order, not only in stream order: a sender
 * assigns TSNs in the order of each stream's sequence numbers, so this keeps
 * every stream in order and needs no state per stream. What it costs is that
 * a loss on one stream delays the others.
 */
#ifndef TGCALL_SCTP_RX_H
#define TGCALL_SCTP_RX_H

#include "base/bytes.h"
#include "base/clock.h"

#define SCTP_DUPLICATES_MAX 16

struct sctp_data { /* one DATA chunk, or a part of a message */
	uint32_t tsn, ppid;
	uint16_t stream, ssn;
	uint8_t flags;
	struct bytes payload;
};

struct sctp_message {
	struct sctp_message *next;
	uint32_t ppid;
	uint16_t stream;
	size_t n;
	uint8_t data[];
};

struct sctp_held;

struct sctp_rx {
	size_t message_max;
	uint32_t cumulative;    /* every TSN up to this one has come */
	struct sctp_held *held; /* those beyond, by TSN */
	size_t held_n, held_bytes;
	uint32_t duplicates[SCTP_DUPLICATES_MAX];
	size_t duplicates_n;

	struct buf partial; /* the message being put together */
	bool assembling;
	uint32_t expected; /* the TSN that continues it */

	struct sctp_message *ready, **ready_tail;

	unsigned packets; /* with DATA, since the last SACK */
	bool sack_now;
	usec_t sack_at;
};

void sctp_rx_init(struct sctp_rx *rx, size_t message_max);
/* A new association: the peer's first TSN. Ready messages stay. */
void sctp_rx_begin(struct sctp_rx *rx, uint32_t first_tsn);
void sctp_rx_clear(struct sctp_rx *rx);
/* -EBADMSG: outside the window. -ENOBUFS: no room; as if it had been lost. */
int sctp_rx_data(struct sctp_rx *rx, const struct sctp_data *data);
void sctp_rx_forward(struct sctp_rx *rx, uint32_t cumulative);
/* After a packet that carried DATA. */
void sctp_rx_packet_end(struct sctp_rx *rx, usec_t now);
/* The oldest ready message or NULL; the caller frees it with free(). */
struct sctp_message *sctp_rx_take(struct sctp_rx *rx);
bool sctp_rx_sack_is_due(const struct sctp_rx *rx, usec_t now);
/* Appends the SACK chunk, at most n_max bytes; nothing is due afterwards. */
void sctp_rx_sack_put(struct sctp_rx *rx, struct buf *b, size_t n_max);

#endif
