/* The inside of a SIP leg, shared by the sip_leg*.c files only.
 *
 *   sip_leg.c     session events, the leg's operations
 *   sip_leg_out.c legs of ours: whom they name, transfers
 */
#ifndef WORKER_SIP_LEG_PRIV_H
#define WORKER_SIP_LEG_PRIV_H

#include "worker/sip_media.h"

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
	struct sip_media media;   /* what was offered and agreed */
	struct sip_digits digits; /* towards the PBX, and how they come */
	char target[512]; /* of a transfer: what it calls at the PBX; or "" */
};

/* NULL: no memory. */
struct sip_leg *sip_leg_make(struct worker_call *wc,
			     const struct worker_trunk *trunk);

#endif
