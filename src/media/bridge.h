/* The bridge of one call: audio from each leg to the other.
 *
 * Lives on a media thread; bridge_tick() runs every 10 ms for all bridges of
 * the thread. Chooses the cheapest path when both codecs are known: same Opus
 * on both sides passes through (repacketised when packet times differ);
 * otherwise one decode and one encode at the lowest rate that loses nothing.
 * No allocation, lock or log per packet.
 */
#ifndef MEDIA_BRIDGE_H
#define MEDIA_BRIDGE_H

#include "media/codec.h"
#include "media/jitter.h"
#include "media/packet.h"

struct bridge;

enum bridge_side { BRIDGE_A, BRIDGE_B };

struct bridge_leg_conf {
	const struct media_codec *codec;
	unsigned ptime_ms; /* packet time to send: 10, 20, 40, 60 */
	/* One encoded packet for this leg: payload and its duration in clock
	 * units of the leg's codec. marker: first after a pause. */
	void (*send)(struct bytes payload, uint32_t samples, bool marker,
		     void *arg);
	void *arg;
	uint32_t bitrate; /* Opus towards this leg; 0: default */
};

struct bridge_leg_stats {
	struct jitter_stats jitter;
	uint64_t packets_in, packets_out, undecodable;
	uint32_t silence_ms; /* since the last packet from this leg */
};

int bridge_new(struct bridge **bp, const struct bridge_leg_conf *a,
	       const struct bridge_leg_conf *b);
void bridge_free(struct bridge **bp);
/* Changes codec or packet time of a leg while the bridge runs. */
int bridge_set_leg(struct bridge *b, enum bridge_side side,
		   const struct bridge_leg_conf *conf);
/* A packet received from a leg. */
void bridge_input(struct bridge *b, enum bridge_side from,
		  const struct media_packet *p);
void bridge_tick(struct bridge *b, usec_t now);
bool bridge_is_passthrough(const struct bridge *b);
void bridge_stats(const struct bridge *b, enum bridge_side side,
		  struct bridge_leg_stats *s);

#endif
