/* STUN: an agent in the middle of a call is fed datagrams whose integrity and
 * fingerprint count as right. The input is a row of records: one byte (bit 0:
 * from a stranger, bit 1: 100 ms later, bit 2: the peer restarts), a
 * big-endian 16-bit length, the datagram. Random numbers are a count, so that
 * a corpus can answer the agent's checks. */
#include <stdlib.h>

#include "base/log.h"
#include "ice/agent_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char local_pwd[] = "012345678901234567890123";
static const char remote_pwd[] = "543210987654321098765432";
static const char second_pwd[] = "543210987654321098765431";
static uint8_t count;

static void counted(void *p, size_t n, void *arg)
{
	(void)arg;
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = count++;
}

static void sent(int base, const struct sa *dst, struct bytes d, void *arg)
{
	struct ice_message m;

	(void)base;
	(void)dst;
	(void)arg;
	/* What we write, we can read, and it is signed as it should be. */
	if (ice_message_read(&m, d) < 0 || !ice_message_fingerprint_ok(&m, d))
		abort();
	if (m.integrity_at && !ice_message_integrity_ok(&m, d, remote_pwd) &&
	    !ice_message_integrity_ok(&m, d, second_pwd) &&
	    !ice_message_integrity_ok(&m, d, local_pwd))
		abort();
}

static void told(const char *candidate, void *arg)
{
	struct ice_remote r;

	(void)arg;
	if (ice_candidate_read(&r, candidate) < 0)
		abort();
}

static struct ice_agent *agent_make(usec_t now)
{
	struct ice_agent_conf conf = {
		.ufrag = "abcd",
		.pwd = "012345678901234567890123",
		.random = counted,
		.handlers = {.send = sent, .candidate = told},
	};
	struct ice_agent *a = NULL;
	struct sa addr;

	count = 0;
	if (ice_agent_new(&a, &conf) < 0)
		abort();
	a->trusting = true;
	sa_set_str(&addr, "10.0.0.1", 4000);
	ice_agent_base(a, &addr, now);
	ice_agent_remote(a, "efgh", remote_pwd, true, now);
	ice_agent_remote_candidate(
		a, "candidate:1 1 udp 2122260223 10.0.0.2 5000 typ host", now);
	sa_set_str(&addr, "10.0.0.3", 3478);
	ice_agent_stun_server(a, &addr, now);
	return a;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	usec_t now = USEC_S;
	struct ice_agent *a;
	struct sa peer, stranger;
	struct rd r;

	log_set_level(LOG_LEVEL_ERROR);
	a = agent_make(now);
	sa_set_str(&peer, "10.0.0.2", 5000);
	sa_set_str(&stranger, "10.0.0.3", 3478);
	rd_init(&r, data, n);
	while (r.n > 0 && !r.bad) {
		uint8_t flags = rd_u8(&r);
		struct bytes d = rd_bytes(&r, rd_be16(&r));

		if (flags & 2)
			now += 100 * USEC_MS;
		if (flags & 4)
			ice_agent_remote(a, "ijkl", second_pwd, false, now);
		ice_agent_input(a, 0, flags & 1 ? &stranger : &peer, d, now);
		if (ice_agent_deadline(a) <= now)
			ice_agent_timeout(a, now);
	}
	ice_agent_free(&a);
	return 0;
}
