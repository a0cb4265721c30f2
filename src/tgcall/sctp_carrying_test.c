#include <errno.h>

#include "tgcall/sctp_packet.h"
#include "tgcall/sctp_pair_test.h"

static void test_sctp_carries_fragments(void)
{
	struct pair *p = pair_new(7, 0);

	sctp_connect(p->ends[0].sctp, 0);
	for (int i = 0; i < 2; i++) {
		CHECK_INT(number_send(p, i, 0, 262144), 0);
		CHECK_INT(number_send(p, i, 1, 1160), 0);
		CHECK_INT(number_send(p, i, 2, 1161), 0);
		CHECK_INT(number_send(p, i, 3, 5), 0);
		CHECK_INT(number_send(p, i, 0, 262145), -EMSGSIZE);
	}
	carrier_run(&p->carrier, 20 * USEC_S);
	for (int i = 0; i < 2; i++) {
		CHECK(numbers_are_in_order(&p->ends[i], 4));
		CHECK_INT(p->ends[i].last_n, 5);
		CHECK_INT(p->ends[i].last_byte, 0x5a);
	}
	pair_free(p);
}

static void lossy_exchange(uint64_t seed, unsigned loss, usec_t jitter)
{
	struct pair *p = pair_new(seed, loss);

	p->carrier.jitter = jitter;
	p->carrier.repeat_percent = 10;
	sctp_connect(p->ends[0].sctp, 0);
	if (seed & 1)
		sctp_connect(p->ends[1].sctp, 0);
	for (unsigned i = 0; i < 40; i++)
		for (int e = 0; e < 2; e++)
			number_send(p, e, i, 4 + (i * 397) % 5000);
	carrier_run(&p->carrier, 120 * USEC_S);
	CHECK(numbers_are_in_order(&p->ends[0], 40));
	CHECK(numbers_are_in_order(&p->ends[1], 40));
	pair_free(p);
}

static void test_sctp_carries_over_loss(void)
{
	for (uint64_t seed = 1; seed <= 60 && !check_failed; seed++)
		lossy_exchange(seed, seed % 2 ? 20 : 30, 0);
}

static void test_sctp_carries_over_reordering(void)
{
	for (uint64_t seed = 1; seed <= 40 && !check_failed; seed++)
		lossy_exchange(seed, 10, 200 * USEC_MS);
}

static void test_sctp_acknowledges_repeats_and_gaps(void)
{
	struct pair *p = pair_new(8, 0);
	struct buf b;

	sctp_connect(p->ends[0].sctp, 0);
	carrier_run(&p->carrier, USEC_S);
	number_send(p, 0, 0, 8);
	buf_init(&b);
	buf_put(&b, p->ends[0].sent.p, p->ends[0].sent.n);
	carrier_run(&p->carrier, 2 * USEC_S);
	CHECK_INT(sctp_input(p->ends[1].sctp, buf_bytes(&b), 2 * USEC_S), 0);
	CHECK_INT(p->ends[1].messages, 1);
	CHECK_INT(p->ends[1].sent.p[12], SCTP_SACK);
	CHECK_INT(be16_load(p->ends[1].sent.p + 26), 1); /* one duplicate */
	/* the next but one: a gap */
	be32_store(b.p + 16, be32_load(b.p + 16) + 2);
	CHECK_INT(sctp_input_unchecked(p->ends[1].sctp, buf_bytes(&b),
				       2 * USEC_S),
		  0);
	CHECK_INT(be16_load(p->ends[1].sent.p + 24), 1);
	CHECK_INT(be16_load(p->ends[1].sent.p + 28), 2); /* from cum + 2 */
	CHECK_INT(be16_load(p->ends[1].sent.p + 30), 2);
	CHECK_INT(p->ends[1].messages, 1);
	buf_clear(&b);
	pair_free(p);
}

static void test_sctp_delays_sack_for_one_packet(void)
{
	struct pair *p = pair_new(9, 0);
	unsigned sent;

	sctp_connect(p->ends[0].sctp, 0);
	carrier_run(&p->carrier, USEC_S);
	sent = p->carrier.sent;
	number_send(p, 0, 0, 8);
	carrier_run(&p->carrier, p->carrier.now + 229 * USEC_MS);
	CHECK_INT(p->carrier.sent, sent + 1);
	carrier_run(&p->carrier, p->carrier.now + 2 * USEC_MS);
	CHECK_INT(p->carrier.sent, sent + 2);
	CHECK_INT(p->ends[1].sent.p[12], SCTP_SACK);
	pair_free(p);
}

static void test_sctp_heartbeats_and_answers(void)
{
	struct pair *p = pair_new(10, 0);

	sctp_connect(p->ends[0].sctp, 0);
	carrier_run(&p->carrier, 30 * USEC_S);
	CHECK_INT(p->carrier.sent, 4);
	carrier_run(&p->carrier, 31 * USEC_S);
	CHECK_INT(p->carrier.sent, 8);
	pair_free(p);
}

int main(void)
{
	RUN(test_sctp_carries_fragments);
	RUN(test_sctp_carries_over_loss);
	RUN(test_sctp_carries_over_reordering);
	RUN(test_sctp_acknowledges_repeats_and_gaps);
	RUN(test_sctp_delays_sack_for_one_packet);
	RUN(test_sctp_heartbeats_and_answers);
	return check_done();
}
