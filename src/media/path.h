/* One direction of a bridge: packets of one leg in, packets for the other out.
 *
 *   jitter buffer ─▶ decode ─▶ samples ─▶ encode ─▶ send     (transcoding)
 *                 └─▶ frames ─────────────────────▶ send     (passing through)
 *
 * Packets are pulled when the audio before them has been played, in real time;
 * what they hold is sent at once if it fills a packet, and never faster than
 * the packet time. So a packet waits for its tick and for nothing else. While
 * the sender is silent, silence is sent. One media thread, no allocation after
 * creation.
 */
#ifndef MEDIA_PATH_H
#define MEDIA_PATH_H

#include "media/bridge.h"

struct path;

struct path_stats {
	struct jitter_stats jitter;
	uint64_t packets_out, undecodable;
};

/* The lowest rate that loses nothing between the two codecs. 0: there is none
 * without resampling; one of them is Opus, or both have the same. */
uint32_t path_rate_hz(const struct media_codec *from,
		      const struct media_codec *to);
/* -EINVAL: a codec or packet time that is none, or no common rate. Both are
 * copied. */
int path_new(struct path **pp, const struct bridge_leg_conf *from,
	     const struct bridge_leg_conf *to);
void path_free(struct path **pp);
void path_input(struct path *p, const struct media_packet *packet);
/* AMR's mode requests: what the far end of `from` wants to hear (-1: nothing),
 * and what the one of `to` does. */
int path_wanted_mode(const struct path *p);
void path_set_mode(struct path *p, int mode);
/* Tones towards `to`; -ENOTSUP when passing through, -EINVAL, -ENOSPC. */
int path_play_digits(struct path *p, const char *digits);
/* Of packets sent, per cent; from the peer's reports. */
void path_set_loss(struct path *p, int percent);
void path_tick(struct path *p, usec_t now);
bool path_is_passthrough(const struct path *p);
void path_stats(const struct path *p, struct path_stats *s);

#endif
