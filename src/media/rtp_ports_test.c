#include "media/rtp_port.h"

#include <errno.h>

#include "base/random.h"
#include "tests/check.h"

static void test_rtp_ports_are_pairs_and_run_out(void)
{
	static const struct rtp_port_handlers none;
	uint16_t first = (uint16_t)(50001 + random_u32() % 5000 * 2);
	struct rtp_port *ports[5] = {NULL};
	struct rtp_ports *range = NULL;
	unsigned n = 0;
	struct sa sa;
	int err = 0;

	sa_set_str(&sa, "127.0.0.1", 0);
	CHECK_INT(rtp_ports_new(&range, 0, 100), -EINVAL);
	CHECK_INT(rtp_ports_new(&range, 20001, 20002), -EINVAL);
	CHECK_INT(rtp_ports_new(&range, 20000, 20000), -EINVAL);
	/* odd..odd+9: four whole pairs */
	CHECK_INT(rtp_ports_new(&range, first, (uint16_t)(first + 9)), 0);
	while (!err && n < 5)
		err = rtp_port_new(&ports[n++], range, &sa, &none, NULL);
	n--; /* the one that failed */
	CHECK_INT(err, -EADDRINUSE);
	CHECK(n >= 1 && n <= 4);
	CHECK_INT(rtp_ports_in_use(range), n);
	for (unsigned i = 0; i < n; i++) {
		uint16_t port = rtp_port_number(ports[i]);

		CHECK(port % 2 == 0 && port > first && port < first + 9);
		for (unsigned k = 0; k < i; k++)
			CHECK(port != rtp_port_number(ports[k]));
	}
	rtp_port_free(&ports[0]);
	CHECK(!ports[0]);
	CHECK_INT(rtp_port_new(&ports[0], range, &sa, &none, NULL), 0);
	for (unsigned i = 0; i < n; i++)
		rtp_port_free(&ports[i]);
	CHECK_INT(rtp_ports_in_use(range), 0);
	rtp_ports_free(&range);
}

static void test_rtp_port_skips_pairs_of_others(void)
{
	static const struct rtp_port_handlers none;
	struct rtp_ports *ours = NULL, *theirs = NULL;
	struct rtp_port *a = NULL, *b = NULL;
	uint16_t taken;
	struct sa sa;

	sa_set_str(&sa, "127.0.0.1", 0);
	CHECK_INT(rtp_ports_new(&theirs, 40000, 49999), 0);
	CHECK_INT(rtp_port_new(&a, theirs, &sa, &none, NULL), 0);
	taken = rtp_port_number(a);
	/* a range of one pair, which somebody holds */
	CHECK_INT(rtp_ports_new(&ours, taken, (uint16_t)(taken + 1)), 0);
	CHECK_INT(rtp_port_new(&b, ours, &sa, &none, NULL), -EADDRINUSE);
	CHECK_INT(rtp_ports_in_use(ours), 0);
	rtp_port_free(&a);
	CHECK_INT(rtp_port_new(&b, ours, &sa, &none, NULL), 0);
	rtp_port_free(&b);
	rtp_ports_free(&ours);
	rtp_ports_free(&theirs);
}

int main(void)
{
	RUN(test_rtp_ports_are_pairs_and_run_out);
	RUN(test_rtp_port_skips_pairs_of_others);
	return check_done();
}
