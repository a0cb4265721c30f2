/* Writing the messages of signal_message.h. */
#include "tgcall/signal_message.h"

#include <errno.h>
#include <stdio.h>

static int json_put_part(const char *text, size_t n, void *arg)
{
	buf_put(arg, text, n);
	return 0;
}

/* Takes the reference. */
static int json_put(struct buf *b, json_t *root)
{
	int err = -ENOMEM;

	if (root &&
	    json_dump_callback(root, json_put_part, b,
			       JSON_COMPACT | JSON_SORT_KEYS) == 0 &&
	    !b->bad)
		err = 0;
	json_decref(root);
	return err;
}

const char *signal_setup_name(enum tgcall_setup setup)
{
	switch (setup) {
	case TGCALL_ACTIVE:
		return "active";
	case TGCALL_PASSIVE:
		return "passive";
	case TGCALL_ACTPASS:
		break;
	}
	return "actpass";
}

int signal_setup_put(struct buf *b, const struct tgcall_transport *setup)
{
	char text[3 * sizeof(setup->fingerprint)];

	hex_pairs_encode(text, setup->fingerprint, sizeof(setup->fingerprint));
	return json_put(b, json_pack("{s:s,s:s,s:s,s:b,s:[{s:s,s:s,s:s}]}",
				     "@type", "InitialSetup", "ufrag",
				     setup->ufrag, "pwd", setup->pwd,
				     "renomination", setup->renomination,
				     "fingerprints", "hash", "sha-256", "setup",
				     signal_setup_name(setup->setup),
				     "fingerprint", text));
}

int signal_candidate_put(struct buf *b, const char *candidate)
{
	/* E.5: "For web peers always add sdpMLineIndex 0" */
	return json_put(b, json_pack("{s:s,s:[{s:s,s:i}]}", "@type",
				     "Candidates", "candidates", "sdpString",
				     candidate, "sdpMLineIndex", 0));
}

#define OPUS_ID 111
#define ABS_SEND_TIME_ID 2
#define TRANSPORT_CC_ID 3

void signal_channel_offered(struct tgcall_channel *c, uint32_t ssrc)
{
	*c = (struct tgcall_channel){
		.ssrc = ssrc,
		.payload_type = OPUS_ID,
		.ext_abs_send_time = ABS_SEND_TIME_ID,
		.ext_transport_cc = TRANSPORT_CC_ID,
	};
}

/* exchangeId and ssrc are decimal strings. */
static int negotiation_put(struct buf *b, uint32_t exchange_id,
			   json_t *contents)
{
	char id[16];

	snprintf(id, sizeof(id), "%u", (unsigned)exchange_id);
	return json_put(b,
			json_pack("{s:s,s:s,s:o}", "@type", "NegotiateChannels",
				  "exchangeId", id, "contents", contents));
}

int signal_offer_put(struct buf *b, uint32_t exchange_id, uint32_t ssrc)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", (unsigned)ssrc);
	return negotiation_put(
		b, exchange_id,
		json_pack("[{s:s,s:s,s:[{s:i,s:s,s:i,s:i,s:[{s:s,s:s}],"
			  "s:{s:s,s:s}}],s:[{s:i,s:s},{s:i,s:s}]}]",
			  "type", "audio", "ssrc", text, "payloadTypes", "id",
			  OPUS_ID, "name", "opus", "clockrate", 48000,
			  "channels", 2, "feedbackTypes", "type",
			  "transport-cc", "subtype", "", "parameters",
			  "minptime", "10", "useinbandfec", "1",
			  "rtpExtensions", "id", ABS_SEND_TIME_ID, "uri",
			  SIGNAL_URI_ABS_SEND_TIME, "id", TRANSPORT_CC_ID,
			  "uri", SIGNAL_URI_TRANSPORT_CC));
}

int signal_answer_put(struct buf *b, const struct signal_negotiation *offer)
{
	json_t *contents = json_array();

	if (offer->has_audio)
		json_array_append(contents, offer->answer);
	return negotiation_put(b, offer->exchange_id, contents);
}

int signal_description_put(struct buf *b, const char *type, struct bytes sdp)
{
	return json_put(b, json_pack("{s:s,s:s%}", "@type", type, "sdp",
				     (const char *)sdp.p, sdp.n));
}

int signal_sdp_candidate_put(struct buf *b, const char *candidate,
			     const char *mid, size_t mline)
{
	return json_put(b, json_pack("{s:s,s:s,s:s,s:I}", "@type", "candidate",
				     "sdp", candidate, "mid", mid, "mline",
				     (json_int_t)mline));
}

int tgcall_media_state_put(struct buf *b, const struct tgcall_media_state *s)
{
	return json_put(b, json_pack("{s:s,s:b,s:b,s:s,s:s,s:i}", "@type",
				     "MediaState", "muted", s->muted,
				     "lowBattery", s->low_battery, "videoState",
				     "inactive", "screencastState", "inactive",
				     "videoRotation", 0));
}
