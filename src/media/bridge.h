/* The bridge of one call: audio from each leg to the other.
 *
 * Lives on a media thread; bridge_tick() runs every 10 ms for all bridges of
 * the thread. Chooses the cheapest path when both codecs are known: same Opus
 * on both sides passes through (repacketised when packet times differ);
 * otherwise one decode and one encode at the lowest rate that loses nothing.
 * Sends to both legs from the first tick on; silence while there is nothing
 * else. No allocation, lock or log per packet.
 */
#ifndef MEDIA_BRIDGE_H
#define MEDIA_BRIDGE_H

#include "media/codec.h"
#include "media/jitter.h"
#include "media/packet.h"

/* What the bridge encodes with; the benchmark's floor uses the same. */
#define BRIDGE_TICK_MS 10
#define BRIDGE_OPUS_BITRATE 24000
#define BRIDGE_OPUS_COMPLEXITY 5
#define BRIDGE_OPUS_LOSS_PERCENT 10 /* in-band FEC on (telegram-wire E.11) */

struct bridge;

enum bridge_side { BRIDGE_A, BRIDGE_B };

struct bridge_leg_conf {
	const struct media_codec *codec;
	unsigned ptime_ms; /* packet time to send, one that
			    * media_codec_ptime() gives. Opus passed through
			    * keeps frames that are longer */
	/* One encoded packet for this leg: payload and its duration in clock
	 * units of the leg's codec. marker: first after a pause. payload.n 0:
	 * a packet was lost on its way to us; count its sequence number and
	 * its time and send nothing, so that the leg can repair the loss. */
	void (*send)(struct bytes payload, uint32_t samples, bool marker,
		     void *arg);
	void *arg;
	uint32_t bitrate; /* Opus towards this leg; 0: default */
	unsigned modes;   /* AMR: that this leg takes; 0: all */
	bool transcode;   /* never pass through to or from this leg */
	/* A digit whose tones this leg sends; NULL: nobody listens, or else
	 * nothing passes through. Runs inside bridge_tick(). */
	void (*tone)(char digit, void *arg);
};

struct bridge_leg_stats {
	struct jitter_stats jitter;
	uint64_t packets_in, packets_out, undecodable;
	uint32_t silence_ms; /* since the last packet from this leg, or since
			      * the first tick */
};

/* -EINVAL: no codec, no handler or an impossible packet time. */
int bridge_new(struct bridge **bp, const struct bridge_leg_conf *a,
	       const struct bridge_leg_conf *b);
void bridge_free(struct bridge **bp);
/* Changes codec or packet time of a leg while the bridge runs; on failure, or
 * if nothing changes, it goes on as before. */
int bridge_set_leg(struct bridge *b, enum bridge_side side,
		   const struct bridge_leg_conf *conf);
/* What share of the packets towards this leg gets lost, per cent: the encoder
 * adds what repairs them. Forgotten by bridge_set_leg(). */
void bridge_set_loss(struct bridge *b, enum bridge_side side, int percent);
/* A packet received from a leg. Empty payloads (padding) only count. */
void bridge_input(struct bridge *b, enum bridge_side from,
		  const struct media_packet *p);
/* Send handlers run inside; they must not free or change the bridge. */
void bridge_tick(struct bridge *b, usec_t now);
bool bridge_is_passthrough(const struct bridge *b);
/* Digits as tones towards a leg, instead of the voice (media/dtmf.h).
 * -ENOTSUP: it passes through. Those that wait are forgotten by
 * bridge_set_leg(). */
int bridge_play_digits(struct bridge *b, enum bridge_side to,
		       const char *digits);
void bridge_stats(const struct bridge *b, enum bridge_side side,
		  struct bridge_leg_stats *s);
/* The linear rate between two codecs. */
uint32_t bridge_rate_hz(const struct media_codec *a,
			const struct media_codec *b);

#endif
