/* Adaptive jitter buffer: packets in by arrival, 10 ms of decisions out.
 *
 * An engine: no clock, no allocation after creation, one thread. It orders
 * packets, drops repeats and late ones, and decides for each tick whether to
 * play a packet, conceal a loss, use forward error correction, or wait.
 *
 *   delay of a packet = how much later it plays than if it had come as fast
 *                       as the fastest of the last seconds
 *   target            = the delay that 98 % of the packets needed lately
 *
 * The delay grows to the target when something has to be concealed anyway or
 * at the start of speech, and shrinks again by JITTER_DROP. Timestamps decide
 * what is missing, so sequence numbers that padding used up are no loss.
 */
#ifndef MEDIA_JITTER_H
#define MEDIA_JITTER_H

#include "media/packet.h"

struct jitter;

struct jitter_conf {
	uint32_t clock_hz;  /* of RTP timestamps */
	unsigned min_ms;    /* 0: 0 ms beyond one packet */
	unsigned max_ms;    /* 0: 400 */
	size_t packets_max; /* slots, power of two; 0: 64 */
	size_t payload_max; /* largest payload; 0: 1500 */
	size_t bytes_max;   /* all payloads together; 0: 8192 */
	bool shortens; /* the player can shorten packets; else DROP always means
			* the whole packet */
	bool fec; /* a lost packet can be repaired by the next one: when losses
		   * are seen, wait for it */
};

enum jitter_verdict {
	JITTER_WAIT,   /* nothing to play yet (start, or an empty stream) */
	JITTER_PACKET, /* play this packet */
	JITTER_LOST,   /* audio is missing: conceal `samples` */
	JITTER_FEC,    /* missing, but `packet` (the next one, which will be
			 * played later) may repair `samples` before it */
	JITTER_EXPAND, /* buffer under-run: play `samples` of concealment */
	JITTER_DROP,   /* buffer too full: play this packet, shortened by up
			 * to `samples`; leave it out if that is all of it */
};

struct jitter_out {
	enum jitter_verdict verdict;
	struct media_packet packet; /* borrowed until the next call */
	uint32_t samples; /* clock units to fill; of the packet: its length */
};

struct jitter_stats {
	uint64_t received, late, repeated, overflow;
	uint64_t lost;      /* pieces of about one packet: LOST and FEC */
	uint64_t concealed; /* EXPAND, 10 ms each */
	uint64_t dropped;   /* DROP, and packets skipped after a stall */
	uint32_t target_ms, delay_ms, jitter_ms;
};

int jitter_new(struct jitter **jp, const struct jitter_conf *conf);
void jitter_free(struct jitter **jp);
/* samples: duration of the payload in clock units. Copies the payload. An
 * empty payload is ignored. Not kept: -EEXIST a repeat, -ETIME late,
 * -EMSGSIZE, -EINVAL a wild sequence number (two in a row are followed). */
int jitter_put(struct jitter *j, const struct media_packet *p,
	       uint32_t samples);
/* Called whenever the player needs more audio at `now`. After WAIT ask again
 * at the next tick, else when what was given has been played. */
void jitter_get(struct jitter *j, struct jitter_out *out, usec_t now);
/* Another source: forgets packets and times, keeps what it knows of the
 * network. */
void jitter_reset(struct jitter *j);
void jitter_stats(const struct jitter *j, struct jitter_stats *s);

#endif
