/* The recorded exchanges of the apps' own library (tests/data/traces), taken
 * apart, and each side of each answered by this engine. */
#include <errno.h>

#include "tests/check.h"
#include "tgcall/signal_message.h"
#include "tgcall/trace_fake.h"

static const struct trace {
	const char *name, *version;
	int blobs[2], messages[2]; /* of caller and callee */
} traces[] = {
	{"7.0.0", "7.0.0", {4, 4}, {4, 4}},
	{"8.0.0", "8.0.0", {8, 8}, {5, 6}},
	{"9.0.0", "9.0.0", {8, 8}, {5, 5}},
	{"12.0.0", "12.0.0", {12, 12}, {4, 4}},
	{"13.0.0", "13.0.0", {11, 12}, {4, 4}},
	{"13.0.0-sctp2026", "13.0.0", {11, 12}, {4, 4}},
	{"9.0.0-tdesktop4.6.5", "9.0.0", {11, 12}, {4, 4}},
};

#define TRACES_N (sizeof(traces) / sizeof(*traces))
/* -- taken apart --------------------------------------------------------- */

static void trace_parse(const struct trace *t)
{
	int blobs_seen[2] = {0}, messages[2] = {0};

	for (size_t i = 0; i < blobs_n; i++) {
		struct blob *b = &blobs[i];
		struct text texts[TEXTS_MAX];
		size_t n = texts_of_packet(texts, b->from == 0,
					   buf_bytes(&b->payload));

		blobs_seen[b->from]++;
		messages[b->from] += (int)n;
		for (size_t k = 0; k < n; k++) {
			struct signal_message m;

			CHECK_INT(signal_message_parse(
					  &m, buf_bytes(&texts[k].json)),
				  0);
			CHECK(m.type != SIGNAL_UNKNOWN);
			CHECK(m.type != SIGNAL_NEGOTIATE_CHANNELS ||
			      m.negotiation.has_audio);
			CHECK(m.type != SIGNAL_CANDIDATES ||
			      m.candidates_n == 1);
			signal_message_clear(&m);
		}
		texts_clear(texts, n);
	}
	for (int i = 0; i < 2; i++) {
		CHECK_INT(blobs_seen[i], t->blobs[i]);
		CHECK_INT(messages[i], t->messages[i]);
	}
}

static void test_trace_blobs_are_understood(void)
{
	for (size_t i = 0; i < TRACES_N && !check_failed; i++) {
		blobs_read(traces[i].name);
		trace_parse(&traces[i]);
		if (check_failed)
			printf("# %s\n", traces[i].name);
		blobs_clear();
	}
}

/* What the apps' INIT says, ours says byte for byte, numbers aside. */
static void test_trace_init_is_like_ours(void)
{
	struct signaling_pair *p = pair_new_versions(1, "13.0.0", "13.0.0");
	struct buf *ours = &p->ends[0].sent;

	blobs_read("13.0.0");
	tgcall_signaling_start(p->ends[0].signaling, 0);
	CHECK_INT(ours->n, blobs[0].bytes.n);
	CHECK_MEM(ours->p, blobs[0].bytes.p, 8);
	CHECK_MEM(ours->p + 12, blobs[0].bytes.p + 12, 4);
	CHECK_MEM(ours->p + 20, blobs[0].bytes.p + 20, 8);
	CHECK_MEM(ours->p + 32, blobs[0].bytes.p + 32, 12);
	blobs_clear();
	pair_free(p);
}

/* -- answered ------------------------------------------------------------ */

/* Our n-th message of a type, parsed; cleared by the caller. */
static int ours_parse(struct player *pl, struct signal_message *m,
		      enum signal_message_type type, int nth)
{
	for (size_t i = 0; i < pl->ours_n; i++) {
		if (signal_message_parse(m, buf_bytes(&pl->ours[i].json)) ==
			    0 &&
		    m->type == type && nth-- == 0)
			return 0;
		signal_message_clear(m);
	}
	*m = (struct signal_message){0};
	return -ENOENT;
}

/* The recorded offer, exchange ids of both sides: the caller's first one, and
 * the callee's that is another. */
static void recorded_find(struct signal_message *setup,
			  struct signal_message *offer, int from,
			  uint32_t other_id)
{
	*setup = *offer = (struct signal_message){0};
	for (size_t i = 0; i < blobs_n; i++) {
		struct text texts[TEXTS_MAX];
		size_t n = texts_of_packet(texts, from == 0,
					   buf_bytes(&blobs[i].payload));

		for (size_t k = 0; k < n; k++) {
			struct signal_message m;

			signal_message_parse(&m, buf_bytes(&texts[k].json));
			if (m.type == SIGNAL_INITIAL_SETUP && !setup->type) {
				*setup = m;
			} else if (m.type == SIGNAL_NEGOTIATE_CHANNELS &&
				   !offer->type &&
				   m.negotiation.exchange_id != other_id) {
				*offer = m;
			} else {
				signal_message_clear(&m);
			}
		}
		texts_clear(texts, n);
	}
}

/* Does the blob hold an answer to the side we replace? It is not for us. */
static bool blob_answers(const struct blob *b, uint32_t own_id)
{
	struct text texts[TEXTS_MAX];
	size_t n = texts_of_packet(texts, b->from == 0, buf_bytes(&b->payload));
	bool answers = false;

	for (size_t k = 0; k < n; k++) {
		struct signal_message m;

		signal_message_parse(&m, buf_bytes(&texts[k].json));
		answers |= m.type == SIGNAL_NEGOTIATE_CHANNELS &&
			   m.negotiation.exchange_id != own_id;
		signal_message_clear(&m);
	}
	texts_clear(texts, n);
	return answers;
}

static void recorded_play(struct player *pl, uint32_t own_id)
{
	for (size_t i = 0; i < blobs_n; i++) {
		struct blob *b = &blobs[i];

		if (b->from == pl->us || !b->payload.n)
			continue;
		/* As callee we were not asked what the caller answered to
		 * the recorded one; as caller the queue must stand it. */
		if (pl->us == 1 && blob_answers(b, own_id))
			continue;
		player_send(pl, buf_bytes(&b->payload));
		player_run(pl);
	}
}

static void our_offer_answer(struct player *pl, int nth)
{
	struct signal_message m;
	struct buf b;

	buf_init(&b);
	CHECK_INT(ours_parse(pl, &m, SIGNAL_NEGOTIATE_CHANNELS, nth), 0);
	CHECK(m.negotiation.has_audio);
	CHECK_INT(signal_answer_put(&b, &m.negotiation), 0);
	player_text_send(pl, buf_bytes(&b));
	player_run(pl);
	CHECK_INT(pl->pair->ends[pl->us].sends, 1);
	CHECK_INT(pl->pair->ends[pl->us].send.ssrc, m.negotiation.audio.ssrc);
	signal_message_clear(&m);
	buf_clear(&b);
}

/* A NegotiateChannels of ours answers theirs: id, SSRC, ids of types. */
static void our_answer_check(struct player *pl,
			     const struct signal_negotiation *theirs)
{
	struct signal_message m = {0};
	int nth = 0;

	do {
		signal_message_clear(&m);
		if (ours_parse(pl, &m, SIGNAL_NEGOTIATE_CHANNELS, nth++))
			break;
	} while (m.negotiation.exchange_id != theirs->exchange_id);
	CHECK_INT(m.negotiation.exchange_id, theirs->exchange_id);
	CHECK_INT(m.negotiation.audio.ssrc, theirs->audio.ssrc);
	CHECK_INT(m.negotiation.audio.payload_type, 111);
	CHECK_INT(m.negotiation.audio.ext_abs_send_time, 2);
	CHECK_INT(m.negotiation.audio.ext_transport_cc, 3);
	CHECK(json_equal(m.negotiation.answer, theirs->answer));
	signal_message_clear(&m);
}

static void callee_check(struct player *pl, struct signal_message *setup,
			 struct signal_message *offer)
{
	struct signaling_end *us = &pl->pair->ends[1];
	struct signal_message m;

	CHECK_INT(us->transports, 1);
	CHECK_STR(us->transport.ufrag, setup->setup.ufrag);
	CHECK_STR(us->transport.pwd, setup->setup.pwd);
	CHECK_INT(us->transport.setup, TGCALL_ACTPASS);
	CHECK_INT(us->candidates, 1);
	CHECK_INT(us->recvs, 1);
	CHECK_INT(us->recv.ssrc, offer->negotiation.audio.ssrc);
	our_answer_check(pl, &offer->negotiation);
	if (!check_failed)
		our_offer_answer(pl, 1);
	if (check_failed)
		return;
	CHECK_INT(ours_parse(pl, &m, SIGNAL_INITIAL_SETUP, 0), 0);
	CHECK_INT(m.setup.setup, TGCALL_PASSIVE);
	CHECK_STR(m.setup.ufrag, "uf1/");
	signal_message_clear(&m);
}

static void caller_check(struct player *pl, struct signal_message *setup,
			 struct signal_message *offer)
{
	struct signaling_end *us = &pl->pair->ends[0];

	CHECK_STR(us->transport.ufrag, setup->setup.ufrag);
	CHECK_STR(us->transport.pwd, setup->setup.pwd);
	CHECK_INT(us->transport.setup, TGCALL_PASSIVE);
	CHECK_INT(us->candidates, 1);
	CHECK_INT(us->recvs, 0); /* queued until ours is answered */
	our_offer_answer(pl, 0);
	if (check_failed)
		return;
	CHECK_INT(us->recvs, 1);
	CHECK_INT(us->recv.ssrc, offer->negotiation.audio.ssrc);
	our_answer_check(pl, &offer->negotiation);
}

static void trace_answer(const struct trace *t, int us)
{
	struct signal_message setup, offer, their_setup, their_offer;
	struct player *pl = player_new(t->version, us);
	usec_t now = 0;

	recorded_find(&setup, &offer, 0, 0);
	recorded_find(&their_setup, &their_offer, 1,
		      offer.negotiation.exchange_id);
	tgcall_signaling_start(pl->pair->ends[us].signaling, now);
	if (pl->sctp)
		sctp_connect(pl->sctp, now);
	player_run(pl);
	recorded_play(pl, offer.negotiation.exchange_id);
	if (us == 1)
		callee_check(pl, &setup, &offer);
	else
		caller_check(pl, &their_setup, &their_offer);
	CHECK_INT(tgcall_signaling_framing(pl->pair->ends[us].signaling),
		  pl->sctp               ? TGCALL_FRAMING_SCTP
		  : t->version[0] == '7' ? TGCALL_FRAMING_RAW
					 : TGCALL_FRAMING_ACKED);
	signal_message_clear(&setup);
	signal_message_clear(&offer);
	signal_message_clear(&their_setup);
	signal_message_clear(&their_offer);
	player_free(pl);
}

static void traces_answer(int us)
{
	for (size_t i = 0; i < TRACES_N && !check_failed; i++) {
		blobs_read(traces[i].name);
		trace_answer(&traces[i], us);
		if (check_failed)
			printf("# %s\n", traces[i].name);
		blobs_clear();
	}
}

static void test_trace_caller_is_answered(void)
{
	traces_answer(1);
}

static void test_trace_callee_is_answered(void)
{
	traces_answer(0);
}

int main(void)
{
	if (key_read())
		return 1;
	RUN(test_trace_blobs_are_understood);
	RUN(test_trace_init_is_like_ours);
	RUN(test_trace_caller_is_answered);
	RUN(test_trace_callee_is_answered);
	return check_done();
}
