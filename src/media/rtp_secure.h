/* What protects the packets of one RTP port: SRTP with keys from the
 * signalling (SDES, RFC 4568), or with keys from DTLS on the same sockets
 * (RFC 5764), an association for RTP and one for RTCP. Nothing plain passes
 * once there is one. On the port's thread; nothing allocates per packet.
 */
#ifndef MEDIA_RTP_SECURE_H
#define MEDIA_RTP_SECURE_H

#include "base/clock.h"
#include "media/dtls.h"
#include "media/srtp.h"

struct rtp_secure;

struct rtp_secure_dtls {
	bool client;                                 /* we say hello */
	uint8_t fingerprint[DTLS_FINGERPRINT_BYTES]; /* the peer's, sha-256 */
	void (*send)(bool rtcp, struct bytes datagram, void *arg);
	void *arg;
};

/* Both take the place of what *sp held; the same keys, or fingerprint and
 * role, as before change nothing: counters and associations go on. -EINVAL,
 * -ENOMEM, -EIO: *sp then lets nothing pass. */
int rtp_secure_sdes(struct rtp_secure **sp, const struct media_srtp_key *tx,
		    const struct media_srtp_key *rx);
int rtp_secure_dtls(struct rtp_secure **sp, const struct rtp_secure_dtls *conf);
void rtp_secure_free(struct rtp_secure **sp);

/* In place, as media_srtp_protect(). -ENOKEY: there are no keys yet. */
int rtp_secure_protect(struct rtp_secure *s, bool rtcp, uint8_t *packet,
		       size_t n);
int rtp_secure_unprotect(struct rtp_secure *s, bool rtcp, uint8_t *packet,
			 size_t n);
/* RFC 7983: is this datagram DTLS? */
bool rtp_secure_is_dtls(struct bytes datagram);
/* True: the association has just come up. */
bool rtp_secure_input(struct rtp_secure *s, bool rtcp, struct bytes datagram,
		      usec_t now);
void rtp_secure_tick(struct rtp_secure *s, usec_t now);

#endif
