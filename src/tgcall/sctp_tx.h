/* The sending half of an SCTP association: fragmentation, what is in flight,
 * SACKs, fast retransmission and T3.
 *
 * Each chunk carries its own T3: it is due one time-out after it was last
 * sent. That way a packet with fresh chunks does not put off the old ones.
 */
#ifndef TGCALL_SCTP_TX_H
#define TGCALL_SCTP_TX_H

#include "base/bytes.h"
#include "base/clock.h"

#define SCTP_TX_STREAMS 16

struct sctp_out;

struct sctp_tx_conf {
	size_t fragment_max; /* bytes of user data in one chunk */
	size_t message_max;
	usec_t resend_first, resend_cap;
};

struct sctp_tx {
	struct sctp_tx_conf conf;
	struct sctp_out *first, **last; /* by TSN; sent ones, then the rest */
	uint32_t next_tsn;
	size_t queued_bytes; /* of the whole list */
	uint32_t peer_rwnd;  /* as last advertised */
	usec_t resend_delay; /* doubles while nothing is acknowledged */
	struct {
		uint16_t stream, ssn;
	} streams[SCTP_TX_STREAMS];
	size_t streams_n;
};

void sctp_tx_init(struct sctp_tx *tx, const struct sctp_tx_conf *conf);
void sctp_tx_clear(struct sctp_tx *tx);
/* A new association: what was not acknowledged is to be sent anew. */
void sctp_tx_begin(struct sctp_tx *tx, uint32_t first_tsn, uint32_t peer_rwnd);
/* -EMSGSIZE, -ENOMEM (also: too much waits), -ENOBUFS: too many streams. */
int sctp_tx_queue(struct sctp_tx *tx, uint16_t stream, uint32_t ppid,
		  struct bytes data);
/* The value of a SACK chunk. -EBADMSG: broken, or of what was never sent. */
int sctp_tx_sack(struct sctp_tx *tx, struct bytes body);
/* The cumulative TSN of a SHUTDOWN chunk. */
int sctp_tx_cumulative(struct sctp_tx *tx, uint32_t tsn);
/* Appends DATA chunks that may be sent now, up to n_max bytes of packet.
 * Returns how many. */
size_t sctp_tx_put(struct sctp_tx *tx, struct buf *packet, size_t n_max,
		   usec_t now);
bool sctp_tx_has_data(const struct sctp_tx *tx);
bool sctp_tx_is_empty(const struct sctp_tx *tx);
usec_t sctp_tx_deadline(const struct sctp_tx *tx);
void sctp_tx_timeout(struct sctp_tx *tx, usec_t now);

#endif
