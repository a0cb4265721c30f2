/* What the headers of a call transfer say: Refer-To with its Replaces (RFC
 * 3515, 3891), Referred-By (3892), Refer-Sub (4488). Values; texts of a peer,
 * checked.
 */
#ifndef SIP_REFER_H
#define SIP_REFER_H

#include "base/bytes.h"
#include "base/re.h"

/* A REFER, as it asks for a call. */
struct sip_refer {
	char target[512];      /* SIP URI to call, without its headers */
	char replaces[256];    /* Replaces for that INVITE, or "" */
	char referred_by[256]; /* or "" */
	bool quiet;            /* RFC 4488: it wants no subscription */
};

/* 0, or the status that refuses it: 400, 416 (no SIP URI), 603 (another method
 * than INVITE is asked for). */
int refer_read(struct sip_refer *r, const struct sip_msg *msg);

/* The dialog that an INVITE is to take the place of; views into the message. */
struct sip_replaces {
	struct bytes call_id, to_tag, from_tag;
	bool early_only;
};

/* -ENOENT: no such header. -EBADMSG: not one, or more than one. */
int replaces_read(struct sip_replaces *r, const struct sip_msg *msg);

/* What a subscription to a transfer is called by (RFC 3515 2.4.6): "refer", or
 * "refer;id=93809824". False: another event. */
bool refer_event_read(const struct sip_msg *msg, uint32_t *id, bool *with_id);

#endif
