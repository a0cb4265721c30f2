#include "tgcall/sctp.h"

#include <errno.h>

#include "tests/check.h"
#include "tgcall/carrier_fake.h"
#include "tgcall/sctp_packet.h"

#define MESSAGES_MAX 4096

/* -- two ends on one carrier --------------------------------------------- */

struct end {
	struct sctp *sctp;
	int id;
	struct pair *pair;
	unsigned established, closed, messages;
	uint32_t numbers[MESSAGES_MAX]; /* first four bytes of each message */
	size_t last_n;
	uint8_t last_byte;
	uint32_t last_ppid;
	struct buf sent; /* the last packet sent */
};

struct pair {
	struct carrier carrier;
	struct end ends[2];
	uint64_t random_seed;
};

static void on_packet(struct bytes packet, void *arg)
{
	struct end *e = arg;

	buf_reset(&e->sent);
	buf_put(&e->sent, packet.p, packet.n);
	carrier_send(&e->pair->carrier, !e->id, packet);
}

static void on_established(void *arg)
{
	((struct end *)arg)->established++;
}

static void on_message(uint16_t stream, uint32_t ppid, struct bytes data,
		       void *arg)
{
	struct end *e = arg;

	if (e->messages < MESSAGES_MAX && data.n >= 4)
		e->numbers[e->messages] = be32_load(data.p);
	e->messages++;
	e->last_n = data.n;
	e->last_byte = data.p[data.n - 1];
	e->last_ppid = ppid;
}

static void on_closed(const char *why, void *arg)
{
	((struct end *)arg)->closed++;
}

static void pair_input(int to, struct bytes packet, usec_t now, void *arg)
{
	struct pair *p = arg;

	(void)sctp_input(p->ends[to].sctp, packet, now);
}

static usec_t pair_deadline(int end, void *arg)
{
	struct pair *p = arg;

	return p->ends[end].sctp ? sctp_deadline(p->ends[end].sctp)
				 : USEC_NEVER;
}

static void pair_timeout(int end, usec_t now, void *arg)
{
	struct pair *p = arg;

	sctp_timeout(p->ends[end].sctp, now);
}

static void end_open(struct pair *p, int i)
{
	struct sctp_conf conf = {
		.port = 5000,
		.packet_max = 1191,
		.message_max = 262144,
		.init_first = 400 * USEC_MS,
		.init_cap = 750 * USEC_MS,
		.resend_first = 400 * USEC_MS,
		.resend_cap = 750 * USEC_MS,
		.heartbeat = 30500 * USEC_MS,
		.random = carrier_random,
		.random_arg = &p->random_seed,
		.handlers = {on_packet, on_established, on_message, on_closed},
		.arg = &p->ends[i],
	};

	if (sctp_new(&p->ends[i].sctp, &conf))
		abort();
}

static struct pair *pair_new(uint64_t seed, unsigned loss_percent)
{
	struct pair *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->random_seed = seed * 7919 + 1;
	p->carrier = (struct carrier){
		.seed = seed,
		.loss_percent = loss_percent,
		.delay = 30 * USEC_MS,
		.input = pair_input,
		.deadline = pair_deadline,
		.timeout = pair_timeout,
		.arg = p,
	};
	for (int i = 0; i < 2; i++) {
		p->ends[i].id = i;
		p->ends[i].pair = p;
		buf_init(&p->ends[i].sent);
		end_open(p, i);
	}
	return p;
}

static void pair_free(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		sctp_free(&p->ends[i].sctp);
		buf_clear(&p->ends[i].sent);
	}
	carrier_clear(&p->carrier);
	free(p);
}

static int number_send(struct pair *p, int from, uint32_t number, size_t n)
{
	uint8_t *data = calloc(1, n);
	int err;

	if (!data)
		abort();
	data[n - 1] = 0x5a;
	be32_store(data, number);
	err = sctp_send(p->ends[from].sctp, 0, 53, bytes_of(data, n),
			p->carrier.now);
	free(data);
	return err;
}

static bool numbers_are_in_order(const struct end *e, unsigned n)
{
	if (e->messages != n)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (e->numbers[i] != i)
			return false;
	return true;
}

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

/* -- carrying ------------------------------------------------------------ */

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

/* -- chunks made by hand ------------------------------------------------- */

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
	RUN(test_sctp_crc_matches_vector);
	RUN(test_sctp_init_matches_vector);
	RUN(test_sctp_init_reports_parameters_by_type_bits);
	RUN(test_sctp_connects_and_carries_both_ways);
	RUN(test_sctp_survives_collision_of_inits);
	RUN(test_sctp_repeats_init_without_end);
	RUN(test_sctp_begins_again_when_peer_restarts);
	RUN(test_sctp_opens_again_after_abort);
	RUN(test_sctp_refuses_stale_cookie_after_abort);
	RUN(test_sctp_carries_fragments);
	RUN(test_sctp_carries_over_loss);
	RUN(test_sctp_carries_over_reordering);
	RUN(test_sctp_acknowledges_repeats_and_gaps);
	RUN(test_sctp_delays_sack_for_one_packet);
	RUN(test_sctp_heartbeats_and_answers);
	RUN(test_sctp_treats_unknown_chunks_by_type_bits);
	RUN(test_sctp_answers_re_config);
	RUN(test_sctp_forward_tsn_skips_lost_data);
	RUN(test_sctp_shuts_down_when_asked);
	RUN(test_sctp_refuses_what_is_wrong);
	RUN(test_sctp_limits_answers_to_one_packet);
	return check_done();
}
