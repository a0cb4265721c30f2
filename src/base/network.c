#include "base/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static unsigned size_of(bool ipv6)
{
	return ipv6 ? 16 : 4;
}

/* The first bits of both are the same. */
static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned rest = bits % 8;
	uint8_t mask = (uint8_t)(0xff << (8 - rest));

	return memcmp(a, b, bits / 8) == 0 &&
	       (!rest || ((a[bits / 8] ^ b[bits / 8]) & mask) == 0);
}

static bool tail_is_zero(const struct network *n)
{
	static const uint8_t zero[16];
	struct network all = *n;

	for (unsigned bit = 0; bit < n->bits; bit++)
		all.address[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return memcmp(all.address, zero, size_of(n->ipv6)) == 0;
}

static int bits_read(unsigned *bits, const char *text, unsigned most)
{
	char *end;
	unsigned long value;

	if (!text) {
		*bits = most;
		return 0;
	}
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || value > most)
		return -EINVAL;
	*bits = (unsigned)value;
	return 0;
}

int network_read(struct network *n, const char *text)
{
	const char *slash = strchr(text, '/');
	struct network read = {.ipv6 = strchr(text, ':') != NULL};
	char address[64];
	int err;

	if (snprintf(address, sizeof(address), "%.*s",
		     slash ? (int)(slash - text) : (int)strlen(text),
		     text) >= (int)sizeof(address) ||
	    inet_pton(read.ipv6 ? AF_INET6 : AF_INET, address, read.address) !=
		    1)
		return -EINVAL;
	err = bits_read(&read.bits, slash ? slash + 1 : NULL,
			size_of(read.ipv6) * 8);
	if (!err && !tail_is_zero(&read))
		err = -EINVAL;
	if (!err)
		*n = read;
	return err;
}

bool network_has(const struct network *n, const uint8_t *address, bool ipv6)
{
	if (ipv6 && memcmp(address, mapped, sizeof(mapped)) == 0) {
		address += sizeof(mapped);
		ipv6 = false;
	}
	return n->ipv6 == ipv6 && same_prefix(n->address, address, n->bits);
}
