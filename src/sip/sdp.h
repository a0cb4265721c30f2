/* SDP of one audio stream (RFC 3264, 4566, 4733, 7587).
 * Text in, text out; no state, no I/O. Named sip_sdp_* because libre owns
 * sdp_*. */
#ifndef SIP_SDP_H
#define SIP_SDP_H

#include "base/bytes.h"
#include "base/re.h"
#include "sip/sdp_secure.h"

enum sip_sdp_direction {
	SIP_SDP_SENDRECV,
	SIP_SDP_SENDONLY,
	SIP_SDP_RECVONLY,
	SIP_SDP_INACTIVE,
};

/* A codec as SDP names it; the media folder's table is mapped by the Worker. */
struct sip_sdp_codec {
	char name[24]; /* "PCMA", "opus" */
	uint32_t clock_hz;
	uint8_t channels;
	int pt;         /* static, or the dynamic one to offer */
	char fmtp[128]; /* may be empty */
};

#define SIP_SDP_CODECS_MAX 16
#define SIP_SDP_SECTIONS_MAX 8

/* What a remote description says of its first usable audio section. */
struct sip_sdp_remote {
	struct sa rtp;  /* where to send; port 0: declined */
	struct sa rtcp; /* a=rtcp or rtp + 1 */
	bool rtcp_mux;
	/* As the remote wrote it; c=0.0.0.0 (RFC 2543 hold) takes away its
	 * wish to receive: sendrecv becomes sendonly. */
	enum sip_sdp_direction direction;
	unsigned ptime_ms; /* 0: not given */
	size_t codecs_n;
	struct sip_sdp_codec codecs[SIP_SDP_CODECS_MAX]; /* in its order */
	int dtmf_pt;       /* telephone-event/8000, -1: none */
	int dtmf_pt_48k;   /* telephone-event/48000, -1: none */
	unsigned sections; /* number of m= lines, for the answer */
	unsigned audio_index;
	bool protocol_secure; /* RTP/SAVP: RTP without SRTP is not meant */
	struct sip_sdp_secure secure;
	/* Kind, protocol and first format of each, for declining the others. */
	char media[SIP_SDP_SECTIONS_MAX][16];
	char proto[SIP_SDP_SECTIONS_MAX][32];
	char format[SIP_SDP_SECTIONS_MAX][32];
};

/* A c= line with a host name leaves r->rtp at 0.0.0.0 and the port. Of several
 * audio sections the first is taken that is of RTP/AVP.
 * -EBADMSG: not SDP. -ENOTSUP: no RTP audio in it. r is then untouched. */
int sip_sdp_read(struct sip_sdp_remote *r, struct bytes text);
/* The same, preferring a section that offers SRTP. */
int sip_sdp_read_secure(struct sip_sdp_remote *r, struct bytes text);

struct sip_sdp_local {
	struct sa rtp; /* address and port for c= and m= */
	uint64_t session_id, version;
	enum sip_sdp_direction direction;
	unsigned ptime_ms;
	/* Offer: all; answer: the chosen, with the offer's payload types. */
	const struct sip_sdp_codec *codecs;
	size_t codecs_n;
	int dtmf_pt; /* -1: none */
	uint32_t dtmf_clock_hz;
	const char *protocol; /* NULL: RTP/AVP; an answer has the offer's */
	const struct sip_sdp_secure *secure; /* NULL: none */
};
int sip_sdp_offer(struct buf *text, const struct sip_sdp_local *l);
/* Declines every section but r->audio_index with port 0. */
int sip_sdp_answer(struct buf *text, const struct sip_sdp_local *l,
		   const struct sip_sdp_remote *r);

#endif
