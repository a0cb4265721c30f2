/* SRTP and SRTCP of both directions of one call. One thread. Nothing is
 * allocated per packet: each direction has its buffer. */
#ifndef MEDIA_SRTP_PAIR_H
#define MEDIA_SRTP_PAIR_H

#include "base/bytes.h"
#include "media/dtls.h"
#include "media/srtp.h"

#define SRTP_PAIR_PACKET_BYTES 1600

struct srtp_pair;

/* The keys of both directions. -ENOTSUP: no profile. Wipe them. */
int srtp_pair_keys(struct media_srtp_key *tx, struct media_srtp_key *rx,
		   const struct dtls_srtp_keys *keys);
int srtp_pair_new(struct srtp_pair **pp, const struct dtls_srtp_keys *keys);
void srtp_pair_free(struct srtp_pair **pp);
/* The result is valid until the next call of the same function.
 * -EMSGSIZE, -EBADMSG (wrong integrity), -EALREADY (a replay). */
int srtp_pair_protect(struct bytes *out, struct srtp_pair *p, bool rtcp,
		      struct bytes plain);
int srtp_pair_unprotect(struct bytes *out, struct srtp_pair *p, bool rtcp,
			struct bytes cipher);

#endif
