/* What the ports take from the range. Internal to src/media; any thread. */
#ifndef MEDIA_RTP_PORTS_H
#define MEDIA_RTP_PORTS_H

#include <stdint.h>

struct rtp_ports;

unsigned rtp_ports_pairs(const struct rtp_ports *p);
/* The next free even port, marked used; 0: none. Takes turns, so that a port
 * rests before it is used again. */
uint16_t rtp_ports_take(struct rtp_ports *p);
void rtp_ports_give(struct rtp_ports *p, uint16_t port);

#endif
