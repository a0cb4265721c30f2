/* Blocks of a pcapng file (draft-ietf-opsawg-pcapng), each packet as UDP in
 * IPv4 or IPv6. Values into a buffer; no I/O. */
#ifndef MEDIA_PCAPNG_H
#define MEDIA_PCAPNG_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/re.h"

void pcapng_write_section(struct buf *out);
/* The next interface, from 0: raw IP, microseconds. */
void pcapng_write_interface(struct buf *out, const char *name,
			    const char *description);

struct pcapng_packet {
	uint32_t interface;
	struct wall at;
	struct sa src, dst; /* of one family */
	struct bytes data;
	size_t length; /* of the payload on the wire; data may be less of it */
};
/* -EINVAL: not an address of IPv4 or IPv6, or too long for UDP. */
int pcapng_write_packet(struct buf *out, const struct pcapng_packet *p);

#endif
