#include "tgcall/sctp.h"

#include <errno.h>

#include "tgcall/sctp_packet.h"
#include "tgcall/sctp_pair_test.h"

/* -- the wire ------------------------------------------------------------ */

static void test_sctp_crc_matches_vector(void)
{
	CHECK_INT(sctp_crc32c("123456789", 9), 0xe3069283);
}

/* telegram-wire G.1 */
static void test_sctp_init_matches_vector(void)
{
	static const char hex[] = "1388138800000000b4ffbcc401000014"
				  "0102030400500000ffffffff0a0b0c0d";
	const struct sctp_init init = {
		.tag = 0x01020304,
		.rwnd = SCTP_RWND,
		.tsn = 0x0a0b0c0d,
		.streams_out = 65535,
		.streams_in = 65535,
	};
	char text[2 * 32 + 1];
	struct buf b;

	buf_init(&b);
	sctp_packet_begin(&b, 5000, 0);
	sctp_chunk_end(&b, sctp_init_begin(&b, SCTP_INIT, &init));
	sctp_packet_end(&b);
	CHECK_INT(b.n, 32);
	hex_encode(text, b.p, b.n);
	CHECK_STR(text, hex);
	CHECK(sctp_is_packet(buf_bytes(&b), 5000));
	b.p[20] ^= 1;
	CHECK(!sctp_is_packet(buf_bytes(&b), 5000));
	buf_clear(&b);
}

static void test_sctp_init_reports_parameters_by_type_bits(void)
{
	static const struct {
		uint16_t type;
		bool reported, goes_on;
	} cases[] = {
		{0x3fff, false, false},
		{0x7fff, true, false},
		{0xbfff, false, true},
		{0xffff, true, true},
	};

	for (size_t i = 0; i < 4; i++) {
		struct sctp_init init = {
			.tag = 1, .streams_out = 1, .streams_in = 1};
		struct buf b, report;

		buf_init(&b);
		buf_init(&report);
		sctp_init_begin(&b, SCTP_INIT, &init);
		sctp_param_put(&b, cases[i].type, bytes_str("odd"));
		sctp_param_put(&b, 7, bytes_str("cookie"));
		CHECK_INT(sctp_init_parse(&init, bytes_of(b.p + 4, b.n - 4),
					  &report),
			  0);
		CHECK_INT(report.n, cases[i].reported ? 11 : 0);
		CHECK_INT(init.cookie.n, cases[i].goes_on ? 6 : 0);
		CHECK_INT(
			sctp_init_parse(&init, bytes_of(b.p + 4, 15), &report),
			-EBADMSG);
		buf_clear(&report);
		buf_clear(&b);
	}
}

/* -- opening ------------------------------------------------------------- */

static void test_sctp_connects_and_carries_both_ways(void)
{
	struct pair *p = pair_new(1, 0);

	CHECK_INT(number_send(p, 0, 0, 100), 0); /* waits */
	sctp_connect(p->ends[0].sctp, 0);
	carrier_run(&p->carrier, 100 * USEC_MS);
	CHECK_INT(number_send(p, 1, 0, 200), 0);
	carrier_run(&p->carrier, 2 * USEC_S);
	for (int i = 0; i < 2; i++) {
		CHECK(sctp_is_established(p->ends[i].sctp));
		CHECK_INT(p->ends[i].established, 1);
		CHECK(numbers_are_in_order(&p->ends[i], 1));
		CHECK_INT(p->ends[i].last_ppid, 53);
	}
	CHECK_INT(p->ends[0].last_n, 200);
	pair_free(p);
}

static void test_sctp_survives_collision_of_inits(void)
{
	struct pair *p = pair_new(2, 0);

	for (int i = 0; i < 2; i++) {
		number_send(p, i, 0, 10);
		sctp_connect(p->ends[i].sctp, 0);
	}
	carrier_run(&p->carrier, 2 * USEC_S);
	for (int i = 0; i < 2; i++) {
		CHECK_INT(p->ends[i].established, 1);
		CHECK(numbers_are_in_order(&p->ends[i], 1));
	}
	pair_free(p);
}

/* T1 400 ms with a cap of 750 ms: 0, 0.40, 1.15, 1.90 */
static void test_sctp_repeats_init_without_end(void)
{
	struct pair *p = pair_new(3, 100);

	sctp_connect(p->ends[0].sctp, 0);
	CHECK_INT(sctp_deadline(p->ends[0].sctp), 400 * USEC_MS);
	carrier_run(&p->carrier, 400 * USEC_MS);
	CHECK_INT(sctp_deadline(p->ends[0].sctp), 1150 * USEC_MS);
	carrier_run(&p->carrier, 1150 * USEC_MS);
	CHECK_INT(sctp_deadline(p->ends[0].sctp), 1900 * USEC_MS);
	carrier_run(&p->carrier, 60 * USEC_S);
	CHECK_INT(p->carrier.sent, 81);
	p->carrier.loss_percent = 0;
	carrier_run(&p->carrier, 62 * USEC_S);
	CHECK(sctp_is_established(p->ends[1].sctp));
	pair_free(p);
}

static void test_sctp_begins_again_when_peer_restarts(void)
{
	struct pair *p = pair_new(4, 0);

	sctp_connect(p->ends[0].sctp, 0);
	number_send(p, 0, 0, 10);
	carrier_run(&p->carrier, USEC_S);
	CHECK_INT(p->ends[1].messages, 1);
	/* The peer forgets all and begins anew; ours keeps its queue. */
	sctp_free(&p->ends[1].sctp);
	end_open(p, 1);
	number_send(p, 0, 1, 10);
	carrier_run(&p->carrier, 2 * USEC_S);
	CHECK_INT(p->ends[1].messages, 1);
	sctp_connect(p->ends[1].sctp, p->carrier.now);
	number_send(p, 1, 0, 10);
	carrier_run(&p->carrier, 4 * USEC_S);
	CHECK_INT(p->ends[0].established, 2);
	CHECK(numbers_are_in_order(&p->ends[1], 2));
	CHECK(numbers_are_in_order(&p->ends[0], 1));
	pair_free(p);
}

static void test_sctp_opens_again_after_abort(void)
{
	struct pair *p = pair_new(5, 0);

	sctp_connect(p->ends[0].sctp, 0);
	carrier_run(&p->carrier, USEC_S);
	sctp_abort(p->ends[0].sctp, p->carrier.now);
	carrier_run(&p->carrier, 2 * USEC_S);
	CHECK_INT(p->ends[0].closed, 0);
	CHECK_INT(p->ends[1].closed, 1);
	CHECK_INT(number_send(p, 1, 0, 10), -EPIPE);
	sctp_connect(p->ends[0].sctp, p->carrier.now);
	number_send(p, 0, 0, 10);
	carrier_run(&p->carrier, 3 * USEC_S);
	CHECK_INT(p->ends[1].established, 2);
	CHECK(numbers_are_in_order(&p->ends[1], 1));
	CHECK_INT(number_send(p, 1, 0, 10), 0);
	pair_free(p);
}

static void test_sctp_refuses_stale_cookie_after_abort(void)
{
	struct pair *p = pair_new(6, 0);
	struct buf echo;

	buf_init(&echo);
	sctp_connect(p->ends[0].sctp, 0);
	carrier_run(&p->carrier, 70 * USEC_MS); /* COOKIE-ECHO just sent */
	buf_put(&echo, p->ends[0].sent.p, p->ends[0].sent.n);
	CHECK_INT(echo.p[12], SCTP_COOKIE_ECHO);
	carrier_run(&p->carrier, USEC_S);
	CHECK_INT(sctp_input(p->ends[1].sctp, buf_bytes(&echo), USEC_S), 0);
	CHECK_INT(p->ends[1].established, 1);
	sctp_abort(p->ends[0].sctp, p->carrier.now);
	carrier_run(&p->carrier, 2 * USEC_S);
	CHECK_INT(sctp_input(p->ends[1].sctp, buf_bytes(&echo), 2 * USEC_S),
		  -EBADMSG);
	CHECK(!sctp_is_established(p->ends[1].sctp));
	buf_clear(&echo);
	pair_free(p);
}

int main(void)
{
	RUN(test_sctp_crc_matches_vector);
	RUN(test_sctp_init_matches_vector);
	RUN(test_sctp_init_reports_parameters_by_type_bits);
	RUN(test_sctp_connects_and_carries_both_ways);
	RUN(test_sctp_survives_collision_of_inits);
	RUN(test_sctp_repeats_init_without_end);
	RUN(test_sctp_begins_again_when_peer_restarts);
	RUN(test_sctp_opens_again_after_abort);
	RUN(test_sctp_refuses_stale_cookie_after_abort);
	return check_done();
}
