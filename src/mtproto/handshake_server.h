/* Creating an authorisation key, server side: for simulated data centres.
 * Accepts RSA_PAD and the older SHA1 scheme, inner data with and without a
 * data centre number, permanent and temporary keys. A new req_pq at any point
 * starts over, as TDLib's probing connections need it. */
#ifndef MTPROTO_HANDSHAKE_SERVER_H
#define MTPROTO_HANDSHAKE_SERVER_H

#include "mtproto/handshake.h"
#include "mtproto/server.h"

struct mtp_acceptor;

struct mtp_acceptor_result {
	uint8_t key[MTP_KEY_BYTES];
	int64_t salt;
	int32_t expires_in; /* seconds, 0: permanent */
};

int mtp_acceptor_new(struct mtp_acceptor **ap, const struct mtp_rsa *rsa,
		     int16_t dc, enum mtp_hostile hostile);
void mtp_acceptor_free(struct mtp_acceptor **ap);
/* One request body. 0: an answer was appended; 1: the same, and a key is
 * ready; -EPROTO: refused, mtp_acceptor_fault() says why; -ENOMEM. */
int mtp_acceptor_input(struct mtp_acceptor *a, struct bytes request,
		       struct buf *answer, struct wall wall);
const char *mtp_acceptor_fault(const struct mtp_acceptor *a);
const struct mtp_acceptor_result *
mtp_acceptor_result(const struct mtp_acceptor *a);

#endif
