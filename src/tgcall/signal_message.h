/* The JSON messages of InstanceV2 (E.5) and of 10.0.0 and 11.0.0 (E.13): parsed
 * strictly, written like the apps write them (keys sorted, no spaces). Values;
 * any thread. */
#ifndef TGCALL_SIGNAL_MESSAGE_H
#define TGCALL_SIGNAL_MESSAGE_H

#include <jansson.h>

#include "base/bytes.h"
#include "tgcall/signaling.h"

#define SIGNAL_TEXT_MAX (256u * 1024)
#define SIGNAL_DEPTH_MAX 12
#define SIGNAL_CANDIDATES_MAX 64
#define SIGNAL_CANDIDATE_BYTES_MAX 1000

#define SIGNAL_URI_ABS_SEND_TIME                                               \
	"http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
#define SIGNAL_URI_TRANSPORT_CC                                                \
	"http://www.ietf.org/id/"                                              \
	"draft-holmer-rmcat-transport-wide-cc-extensions-01"

enum signal_message_type {
	SIGNAL_UNKNOWN, /* ignored */
	SIGNAL_INITIAL_SETUP,
	SIGNAL_NEGOTIATE_CHANNELS,
	SIGNAL_CANDIDATES,
	SIGNAL_MEDIA_STATE,
	SIGNAL_OFFER, /* these three of 10.0.0 and 11.0.0 only */
	SIGNAL_ANSWER,
	SIGNAL_SDP_CANDIDATE, /* fills candidates, too */
};

/* NegotiateChannels, reduced to its first audio content. */
struct signal_negotiation {
	uint32_t exchange_id;
	bool has_audio; /* with an Opus payload type */
	struct tgcall_channel audio;
	json_t *answer; /* that content as an answer repeats it; owned */
};

struct signal_message {
	enum signal_message_type type;
	struct tgcall_transport setup;
	struct signal_negotiation negotiation;
	const char *candidates[SIGNAL_CANDIDATES_MAX]; /* point into root */
	size_t candidates_n;
	bool has_mid; /* a candidate carried sdpMid: a web peer */
	struct tgcall_media_state state;
	struct bytes sdp; /* of an offer or answer; points into root */
	json_t *root;
};

/* -EBADMSG: no JSON, too large or deep, or a wrong type anywhere in what is
 * used. Clear it in every case. */
int signal_message_parse(struct signal_message *m, struct bytes text);
void signal_message_clear(struct signal_message *m);

/* signal_write.c. All append. -ENOMEM. */
int signal_setup_put(struct buf *b, const struct tgcall_transport *setup);
int signal_candidate_put(struct buf *b, const char *candidate);
int signal_offer_put(struct buf *b, uint32_t exchange_id, uint32_t ssrc);
int signal_answer_put(struct buf *b, const struct signal_negotiation *offer);

/* type: "offer" or "answer". */
int signal_description_put(struct buf *b, const char *type, struct bytes sdp);
int signal_sdp_candidate_put(struct buf *b, const char *candidate,
			     const char *mid, size_t mline);

/* What is not known is taken for "actpass". */
enum tgcall_setup signal_setup_read(const char *text);
const char *signal_setup_name(enum tgcall_setup setup);
/* Where the id of a header extension belongs; NULL: not one of ours. */
int *signal_extension_slot(struct tgcall_channel *c, const char *uri);

/* The channel our offers propose. */
void signal_channel_offered(struct tgcall_channel *c, uint32_t ssrc);

#endif
