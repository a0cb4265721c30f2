/* The inside of a SIP leg, shared by the sip_leg*.c files only.
 *
 *   sip_leg.c     offers and answers, session events, the leg's operations
 *   sip_leg_out.c legs of ours: whom they name, transfers
 */
#ifndef WORKER_SIP_LEG_PRIV_H
#define WORKER_SIP_LEG_PRIV_H

#include "sip/sdp.h"
#include "worker/internal.h"
#include "worker/sip_digits.h"
#include "worker/sip_protection.h"

#define TARGET_HEADERS 10

struct sip_leg {
	struct call_leg leg;
	struct worker_call *wc;
	struct sip_session *session; /* referenced; NULL when closed */
	struct worker_trunk trunk;   /* a copy: tables change during calls */
	bool incoming;
	bool confirmed;
	bool delayed_offer; /* INVITE came without SDP: we offer in 200 */
	bool offering;      /* our offer is out, ACK or PRACK answers it */
	bool offered_early; /* in a provisional answer */
	char from_user[128], from_name[256], call_id[128];
	char contact[512]; /* of one binding; "": any */
	char headers[TARGET_HEADERS][2][256];
	size_t headers_n;
	const struct media_codec *codec; /* chosen */
	unsigned modes;                  /* of it, that the far end takes */
	struct sip_sdp_codec sdp_codec;
	struct sip_sdp_remote remote;
	struct sip_protection protection;
	struct sip_digits digits; /* towards the PBX, and how they come */
	uint64_t sdp_id, sdp_version;
	struct sa peer;   /* where SIP comes from: chooses our address */
	char target[512]; /* of a transfer: what it calls at the PBX; or "" */
};

/* NULL: no memory. */
struct sip_leg *sip_leg_make(struct worker_call *wc,
			     const struct worker_trunk *trunk);

#endif
