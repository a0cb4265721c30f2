/* Media packets without DTLS and SRTP: each is encrypted with the call's own
 * key (telegram-wire E.10, network_use_mtproto). A value; one thread. OpenSSL
 * allocates for each packet: the mode is an experiment of the server's.
 *
 *   packet = E.3's encryption of BE32 (counter | "single") || 127 ||
 *            BE32 length || RTP, RTCP, or dc dc dc dc || SCTP
 */
#ifndef TGCALL_SEALED_H
#define TGCALL_SEALED_H

#include "tgcall/crypto.h"
#include "tgcall/window.h"

struct sealed {
	struct tgcall_crypto crypto;
	uint32_t counter;
	struct window window;
	struct buf plain, packet; /* of the last call */
};

void sealed_init(struct sealed *s, const uint8_t key[TGCALL_KEY_BYTES],
		 bool outgoing);
void sealed_clear(struct sealed *s);
/* The result of either lives until the next call. */
int sealed_put(struct bytes *packet, struct sealed *s, struct bytes data,
	       bool is_sctp);
/* -EBADMSG, -EALREADY. */
int sealed_open(struct bytes *data, bool *is_sctp, struct sealed *s,
		struct bytes packet);

#endif
