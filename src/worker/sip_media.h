/* What is agreed with a PBX about the media of a SIP leg: codec, digits,
 * protection, addresses; offers and answers (RFC 3264, behaviour 3.9).
 *
 * Embedded in a SIP leg; control loop. Holds keys: wipe.
 */
#ifndef WORKER_SIP_MEDIA_H
#define WORKER_SIP_MEDIA_H

#include "sip/sdp.h"
#include "worker/internal.h"
#include "worker/sip_digits.h"
#include "worker/sip_protection.h"

struct sip_media {
	/* borrowed, of the leg */
	struct worker_call *wc;
	const struct worker_trunk *trunk;
	struct sip_digits *digits;
	struct sa peer; /* where SIP comes from: chooses our address */

	const struct media_codec *codec; /* chosen; NULL */
	unsigned modes;                  /* of it, that the far end takes */
	struct sip_sdp_codec sdp_codec;
	struct sip_sdp_remote remote;
	struct sip_protection protection;
	uint64_t sdp_id, sdp_version;
};

/* The borrowed ones are set. */
void sip_media_init(struct sip_media *m);
void sip_media_wipe(struct sip_media *m);

/* The codec that a call with this offer would have; NULL: none in common. */
const struct media_codec *sip_media_fit(const struct worker_trunk *trunk,
					struct bytes sdp);
/* Our offer: all codecs of the trunk. The call's RTP port must be open. */
int sip_media_offer(struct sip_media *m, struct buf *text);
/* Our answer to an offer that was taken. */
int sip_media_answer(struct sip_media *m, struct buf *text);
/* An offer of the peer; false: there is nothing to agree on, all stays as it
 * was; warning (if not NULL) gets a line that says why. */
bool sip_media_take_offer(struct sip_media *m, struct bytes sdp,
			  struct buf *warning);
/* The peer's answer to our offer, in force at once; false: there is nothing to
 * use, all stays as it was. */
bool sip_media_take_answer(struct sip_media *m, struct bytes sdp);
/* Tells the media thread where to send and what. */
void sip_media_apply(struct sip_media *m);
/* D8: value of a Warning header; a codec mismatch names both lists. */
void sip_media_warn(const struct sip_media *m, struct buf *text);

#endif
