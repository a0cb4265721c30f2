/* An address or a prefix: "192.0.2.1", "192.0.2.0/24", "2001:db8::/32".
 * Values; any thread. */
#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

struct network {
	uint8_t address[16]; /* network order; an IPv4 address in four */
	unsigned bits;       /* of the prefix */
	bool ipv6;
};

/* -EINVAL: neither, or bits behind the prefix are set. */
int network_read(struct network *n, const char *text);
/* address: 4 or 16 octets in network order. An IPv4 address mapped into IPv6
 * (::ffff:192.0.2.1) counts as the IPv4 address. */
bool network_has(const struct network *n, const uint8_t *address, bool ipv6);

#endif
