#include "base/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "tests/check.h"

/* 1, 0; -1: could not be read. */
static int has(const char *network, const char *address)
{
	uint8_t octets[16] = {0};
	bool ipv6 = strchr(address, ':') != NULL;
	struct network n;

	if (network_read(&n, network) ||
	    inet_pton(ipv6 ? AF_INET6 : AF_INET, address, octets) != 1)
		return -1;
	return network_has(&n, octets, ipv6);
}

/* Behaviour 3.18. */
static void test_network_holds_its_addresses(void)
{
	CHECK_INT(has("192.0.2.0/24", "192.0.2.0"), 1);
	CHECK_INT(has("192.0.2.0/24", "192.0.2.255"), 1);
	CHECK_INT(has("192.0.2.0/24", "192.0.3.0"), 0);
	CHECK_INT(has("192.0.2.7", "192.0.2.7"), 1);
	CHECK_INT(has("192.0.2.7", "192.0.2.6"), 0);
	CHECK_INT(has("2001:db8::/32", "2001:db8:ffff::1"), 1);
	CHECK_INT(has("2001:db8::/32", "2001:db9::1"), 0);
	CHECK_INT(has("10.64.0.0/10", "10.127.255.255"), 1);
	CHECK_INT(has("10.64.0.0/10", "10.128.0.0"), 0);
	CHECK_INT(has("0.0.0.0/0", "203.0.113.9"), 1);
	CHECK_INT(has("0.0.0.0/0", "2001:db8::1"), 0);
	CHECK_INT(has("::/0", "2001:db8::1"), 1);
}

static void test_network_takes_mapped_addresses_for_ipv4(void)
{
	CHECK_INT(has("192.0.2.0/24", "::ffff:192.0.2.9"), 1);
	CHECK_INT(has("::/0", "::ffff:192.0.2.9"), 0);
}

static void test_network_refuses_what_is_none(void)
{
	static const char *const broken[] = {"",
					     "192.0.2",
					     "192.0.2.1/",
					     "192.0.2.0/33",
					     "192.0.2.1/24",
					     "192.0.2.0/-1",
					     "192.0.2.0/ 8",
					     "pbx.example",
					     "2001:db8::/129",
					     "2001:db8::1/64",
					     "192.0.2.0/8x",
					     "/24"};
	struct network n = {.bits = 77};

	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++)
		CHECK_INT(network_read(&n, broken[i]), -EINVAL);
	CHECK_INT(n.bits, 77);
}

int main(void)
{
	RUN(test_network_holds_its_addresses);
	RUN(test_network_takes_mapped_addresses_for_ipv4);
	RUN(test_network_refuses_what_is_none);
	return check_done();
}
