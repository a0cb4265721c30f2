/* Chunks made by hand. */
#include <errno.h>

#include "tgcall/sctp_packet.h"
#include "tgcall/sctp_pair_test.h"

static int chunk_give(struct pair *p, int to, uint8_t type, uint8_t flags,
		      struct bytes body)
{
	struct buf b;
	uint32_t tag;
	int err;

	/* what the other end last sent carries the right tag */
	tag = be32_load(p->ends[!to].sent.p + 4);
	buf_init(&b);
	sctp_packet_begin(&b, 5000, tag);
	sctp_chunk_put(&b, type, flags, body);
	sctp_packet_end(&b);
	err = sctp_input(p->ends[to].sctp, buf_bytes(&b), p->carrier.now);
	buf_clear(&b);
	return err;
}

static struct pair *pair_open(uint64_t seed)
{
	struct pair *p = pair_new(seed, 0);

	sctp_connect(p->ends[0].sctp, 0);
	number_send(p, 0, 0, 8);
	number_send(p, 1, 0, 8);
	carrier_run(&p->carrier, USEC_S);
	return p;
}

static void test_sctp_treats_unknown_chunks_by_type_bits(void)
{
	struct pair *p = pair_open(11);
	struct buf *sent = &p->ends[1].sent;
	uint8_t types[] = {0x3f, 0x7f, 0xbf, 0xff};

	for (size_t i = 0; i < 4; i++) {
		buf_reset(sent);
		CHECK_INT(chunk_give(p, 1, types[i], 0, bytes_str("what")), 0);
		CHECK_INT(sent->n, types[i] & 0x40 ? 24 : 0);
		if (sent->n)
			CHECK_INT(sent->p[12], SCTP_ERROR);
	}
	pair_free(p);
}

static void test_sctp_answers_re_config(void)
{
	static const uint8_t reset[] = {0, 13, 0, 18, 0, 0, 0, 7, 0, 0,
					0, 0,  0, 0,  0, 1, 0, 0, 0, 0};
	struct pair *p = pair_open(12);
	struct buf *sent = &p->ends[1].sent;

	CHECK_INT(chunk_give(p, 1, SCTP_RE_CONFIG, 0,
			     bytes_of(reset, sizeof(reset))),
		  0);
	CHECK_INT(sent->p[12], SCTP_RE_CONFIG);
	CHECK_INT(be32_load(sent->p + 20), 7);
	CHECK_INT(be32_load(sent->p + 24), 1);
	CHECK_INT(chunk_give(p, 1, SCTP_RE_CONFIG, 0, bytes_of(reset, 6)),
		  -EBADMSG);
	pair_free(p);
}

static void test_sctp_forward_tsn_skips_lost_data(void)
{
	struct pair *p = pair_open(13);
	uint8_t tsn[8] = {0};
	uint32_t cumulative;

	p->carrier.loss_percent = 100;
	number_send(p, 0, 1, 8); /* lost */
	cumulative = be32_load(p->ends[0].sent.p + 16);
	p->carrier.loss_percent = 0;
	number_send(p, 0, 2, 8); /* held */
	carrier_run(&p->carrier, p->carrier.now + 50 * USEC_MS);
	CHECK_INT(p->ends[1].messages, 1);
	be32_store(tsn, cumulative);
	CHECK_INT(chunk_give(p, 1, SCTP_FORWARD_TSN, 0, bytes_of(tsn, 4)), 0);
	CHECK_INT(p->ends[1].messages, 2);
	CHECK_INT(p->ends[1].numbers[1], 2);
	CHECK_INT(chunk_give(p, 1, SCTP_FORWARD_TSN, 0, bytes_of(tsn, 3)),
		  -EBADMSG);
	pair_free(p);
}

static void test_sctp_shuts_down_when_asked(void)
{
	struct pair *p = pair_open(14);
	uint8_t tsn[4];

	number_send(p, 1, 1, 8);
	be32_store(tsn, be32_load(p->ends[1].sent.p + 16) - 1);
	buf_reset(&p->ends[1].sent);
	CHECK_INT(chunk_give(p, 1, SCTP_SHUTDOWN, 0, bytes_of(tsn, 4)), 0);
	CHECK_INT(p->ends[1].sent.n, 0); /* something is in flight */
	CHECK_INT(number_send(p, 1, 2, 8), -EPIPE);
	be32_store(tsn, be32_load(tsn) + 1);
	CHECK_INT(chunk_give(p, 1, SCTP_SHUTDOWN, 0, bytes_of(tsn, 4)), 0);
	CHECK_INT(p->ends[1].sent.p[12], SCTP_SHUTDOWN_ACK);
	CHECK_INT(
		chunk_give(p, 1, SCTP_SHUTDOWN_COMPLETE, 0, bytes_of(NULL, 0)),
		0);
	CHECK_INT(p->ends[1].closed, 1);
	pair_free(p);
}

static void test_sctp_refuses_what_is_wrong(void)
{
	struct pair *p = pair_open(15);
	struct sctp *s = p->ends[1].sctp;
	uint8_t sack[12] = {0};
	struct buf b;

	number_send(p, 0, 1, 8);
	buf_init(&b);
	buf_put(&b, p->ends[0].sent.p, p->ends[0].sent.n);
	b.p[8] ^= 1; /* checksum */
	CHECK_INT(sctp_input(s, buf_bytes(&b), USEC_S), -EBADMSG);
	b.p[4] ^= 1; /* tag */
	CHECK_INT(sctp_input_unchecked(s, buf_bytes(&b), USEC_S), -EBADMSG);
	b.p[4] ^= 1;
	for (size_t n = 0; n < b.n; n++)
		CHECK_INT(sctp_input_unchecked(s, bytes_of(b.p, n), USEC_S),
			  -EBADMSG);
	CHECK_INT(p->ends[1].messages, 1);
	number_send(p, 1, 1, 8);
	be32_store(sack, be32_load(p->ends[1].sent.p + 16) + 1);
	number_send(p, 0, 2, 8);
	CHECK_INT(chunk_give(p, 1, SCTP_SACK, 0, bytes_of(sack, 12)), -EBADMSG);
	CHECK_INT(chunk_give(p, 1, SCTP_SACK, 0, bytes_of(sack, 11)), -EBADMSG);
	CHECK(sctp_is_established(s));
	buf_clear(&b);
	pair_free(p);
}

static void test_sctp_limits_answers_to_one_packet(void)
{
	struct pair *p = pair_open(16);
	struct buf b;
	unsigned sent = p->carrier.sent;

	buf_init(&b);
	sctp_packet_begin(&b, 5000, be32_load(p->ends[0].sent.p + 4));
	for (int i = 0; i < 200; i++)
		sctp_chunk_put(&b, SCTP_HEARTBEAT, 0, bytes_of(NULL, 0));
	sctp_packet_end(&b);
	CHECK_INT(sctp_input(p->ends[1].sctp, buf_bytes(&b), USEC_S), 0);
	CHECK_INT(p->carrier.sent, sent + 8);
	buf_clear(&b);
	pair_free(p);
}

int main(void)
{
	RUN(test_sctp_treats_unknown_chunks_by_type_bits);
	RUN(test_sctp_answers_re_config);
	RUN(test_sctp_forward_tsn_skips_lost_data);
	RUN(test_sctp_shuts_down_when_asked);
	RUN(test_sctp_refuses_what_is_wrong);
	RUN(test_sctp_limits_answers_to_one_packet);
	return check_done();
}
