/* The state cookie of an INIT-ACK (RFC 9260 5.1.3): what the answering side
 * need not remember, under a key of the association. It carries no time: an
 * old one names tags that are no longer ours, which 5.2.4 refuses. */
#ifndef TGCALL_SCTP_COOKIE_H
#define TGCALL_SCTP_COOKIE_H

#include "base/bytes.h"

#define SCTP_COOKIE_BYTES 48
#define SCTP_SECRET_BYTES 32

struct sctp_cookie {
	uint32_t local_tag, peer_tag;
	uint32_t local_tsn, peer_tsn;
	uint32_t peer_rwnd;
	uint32_t peer_streams;        /* what the peer takes in */
	uint32_t tie_local, tie_peer; /* tags at that time, or 0 */
};

int sctp_cookie_seal(uint8_t dst[SCTP_COOKIE_BYTES],
		     const struct sctp_cookie *cookie,
		     const uint8_t secret[SCTP_SECRET_BYTES]);
/* -EBADMSG: not one of ours. */
int sctp_cookie_open(struct sctp_cookie *cookie, struct bytes src,
		     const uint8_t secret[SCTP_SECRET_BYTES]);

#endif
