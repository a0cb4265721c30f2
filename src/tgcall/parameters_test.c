#include "tgcall/parameters.h"

#include <string.h>

#include "tests/check.h"

static bool is_none(const struct tgcall_parameters *p)
{
	return !p->nosctp && !p->kcp && !p->mtproto && !p->standalone &&
	       !p->sctp_first && !p->sctp_cap;
}

static void test_parameters_are_read(void)
{
	struct tgcall_parameters p;

	tgcall_parameters_read(&p, "{\"network_signaling_nosctp\":true,"
				   "\"network_kcp_experiment\":true,"
				   "\"network_use_mtproto\":true,"
				   "\"network_standalone_reflectors\":true,"
				   "\"network_sctp_t1_init_ms\":600,"
				   "\"network_sctp_t1_cookie_ms\":500,"
				   "\"network_sctp_max_backoff_ms\":2000,"
				   "\"network_of_tomorrow\":[1]}");
	CHECK(p.nosctp && p.kcp && p.mtproto && p.standalone);
	CHECK_INT(p.sctp_first, 500 * USEC_MS);
	CHECK_INT(p.sctp_cap, 2 * USEC_S);
}

static void test_parameters_that_are_none_count_as_absent(void)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"5",
		"{}",
		("{\"network_use_mtproto\":1,\"network_kcp_experiment\":"
		 "\"true\","
		 "\"network_sctp_t1_init_ms\":\"400\","
		 "\"network_sctp_max_backoff_ms\":49}"),
		("{\"network_sctp_t1_init_ms\":-1,"
		 "\"network_sctp_max_backoff_ms\":99999999999}"),
	};
	struct tgcall_parameters p;

	tgcall_parameters_read(&p, NULL);
	CHECK(is_none(&p));
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		tgcall_parameters_read(&p, texts[i]);
		CHECK(is_none(&p));
	}
}

int main(void)
{
	RUN(test_parameters_are_read);
	RUN(test_parameters_that_are_none_count_as_absent);
	return check_done();
}
