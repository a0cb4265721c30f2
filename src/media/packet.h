/* One audio packet between a network leg and the bridge. A value; the payload
 * is borrowed for the call that hands it over. */
#ifndef MEDIA_PACKET_H
#define MEDIA_PACKET_H

#include "base/bytes.h"
#include "base/clock.h"

struct media_packet {
	uint16_t seq;
	uint32_t ts; /* RTP timestamp in units of the stream's clock */
	bool marker;
	uint8_t pt;
	struct bytes payload;
	usec_t arrival; /* monotonic */
};

#endif
