/* How the media of a SIP leg is protected: what the trunk's settings permit,
 * what an offer or answer of the peer says, and what ours says (RFC 4568,
 * 5763; docs/encryption.md). A value; control loop. Holds keys: wipe.
 */
#ifndef WORKER_SIP_PROTECTION_H
#define WORKER_SIP_PROTECTION_H

#include "route/trunk.h"
#include "sip/sdp.h"
#include "worker/media_call.h"

struct sip_protection {
	/* Ours, one a suite; a re-INVITE finds the same. suite NONE: not made
	 * yet. */
	struct media_srtp_key own[MEDIA_SRTP_GCM_256 + 1];
	struct media_protect now;   /* agreed */
	struct sip_sdp_secure says; /* for our offer or answer */
	const char *refused;        /* why an offer was not taken; NULL */
};

void sip_protection_wipe(struct sip_protection *p);
/* "sdes", "dtls"; NULL: plain. */
const char *sip_protection_name(const struct sip_protection *p);
/* Reads by the trunk's wish: sections with SRTP first, unless it is off. */
int sip_protection_read(struct sip_sdp_remote *r, struct bytes sdp,
			const struct trunk *set);
/* An offer of the peer: what is agreed then, and said in our answer. False: it
 * is refused (488), p->refused says why; nothing has changed. */
bool sip_protection_take_offer(struct sip_protection *p,
			       const struct trunk *set,
			       const struct sip_sdp_remote *r);
/* What our offer says, and its protocol: that of what the peer said before, if
 * it did. */
void sip_protection_offer(struct sip_protection *p, const struct trunk *set,
			  const struct sip_sdp_remote *before,
			  struct sip_sdp_local *l);
/* The peer's answer to that. False: it leaves out what is required. */
bool sip_protection_take_answer(struct sip_protection *p,
				const struct trunk *set,
				const struct sip_sdp_remote *r);
/* What our answer says. */
void sip_protection_answer(const struct sip_protection *p,
			   struct sip_sdp_local *l);

#endif
