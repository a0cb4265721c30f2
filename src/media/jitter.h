/* Adaptive jitter buffer: packets in by arrival, 10 ms of decisions out.
 *
 * An engine: no clock, no allocation after creation, one thread. It orders
 * packets, drops repeats and late ones, and decides for each tick whether to
 * play a packet, conceal a loss, use forward error correction, or wait; its
 * target delay follows the measured jitter and shrinks again.
 */
#ifndef MEDIA_JITTER_H
#define MEDIA_JITTER_H

#include "media/packet.h"

struct jitter;

struct jitter_conf {
	uint32_t clock_hz;    /* of RTP timestamps */
	unsigned min_ms;      /* 0: 0 ms beyond one packet */
	unsigned max_ms;      /* 0: 400 */
	size_t packets_max;   /* slots, power of two; 0: 64 */
	size_t payload_max;   /* bytes a slot; 0: 1500 */
};

enum jitter_verdict {
	JITTER_WAIT,    /* nothing to play yet (start, or an empty stream) */
	JITTER_PACKET,  /* play this packet */
	JITTER_LOST,    /* one packet missing: conceal `samples` */
	JITTER_FEC,     /* missing, but `packet` (the next one) may repair it */
	JITTER_EXPAND,  /* buffer under-run: play `samples` of concealment */
	JITTER_DROP,    /* buffer too full: decode this packet but skip it */
};

struct jitter_out {
	enum jitter_verdict verdict;
	struct media_packet packet; /* borrowed until the next call */
	uint32_t samples;           /* clock units to fill */
};

struct jitter_stats {
	uint64_t received, late, repeated, overflow, lost, concealed, dropped;
	uint32_t target_ms, delay_ms, jitter_ms;
};

int jitter_new(struct jitter **jp, const struct jitter_conf *conf);
void jitter_free(struct jitter **jp);
/* samples: duration of the payload in clock units. Copies the payload. */
int jitter_put(struct jitter *j, const struct media_packet *p,
	       uint32_t samples);
/* Called whenever the player needs more audio at `now`. */
void jitter_get(struct jitter *j, struct jitter_out *out, usec_t now);
void jitter_reset(struct jitter *j);
void jitter_stats(const struct jitter *j, struct jitter_stats *s);

#endif
