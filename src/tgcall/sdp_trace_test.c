/* The recorded exchanges of 10.0.0 and 11.0.0, taken apart, and each side of
 * each answered by this engine. */
#include "tests/check.h"
#include "tgcall/sdp.h"
#include "tgcall/signal_message.h"
#include "tgcall/trace_fake.h"

#define CALLER_SSRC 793325990u /* in 10.0.0 */

static const char *const versions[] = {"10.0.0", "11.0.0"};

/* What one side said, repeats left out, in order. */
struct side {
	struct {
		enum signal_message_type type;
		struct sdp sdp;
		struct buf text; /* sdp points into it */
	} said[16];
	size_t said_n;
	uint32_t seqs[TEXTS_MAX];
	size_t seqs_n;
	unsigned candidates;
};

static bool seq_is_new(struct side *s, uint32_t seq)
{
	for (size_t i = 0; i < s->seqs_n; i++)
		if (s->seqs[i] == seq)
			return false;
	s->seqs[s->seqs_n++] = seq;
	return true;
}

static void text_note(struct side *s, struct bytes json)
{
	struct signal_message m;

	CHECK_INT(signal_message_parse(&m, json), 0);
	if (m.type == SIGNAL_SDP_CANDIDATE) {
		CHECK_INT(m.candidates_n, 1);
		s->candidates++;
	} else {
		CHECK(m.type == SIGNAL_OFFER || m.type == SIGNAL_ANSWER);
		CHECK(s->said_n < 16);
		s->said[s->said_n].type = m.type;
		buf_init(&s->said[s->said_n].text);
		buf_put(&s->said[s->said_n].text, m.sdp.p, m.sdp.n);
		CHECK_INT(sdp_read(&s->said[s->said_n].sdp,
				   buf_bytes(&s->said[s->said_n].text)),
			  0);
		s->said_n++;
	}
	signal_message_clear(&m);
}

static void texts_note(struct side *s, const struct text *texts, size_t n)
{
	for (size_t i = 0; i < n && !check_failed; i++)
		if (seq_is_new(s, texts[i].seq))
			text_note(s, buf_bytes(&texts[i].json));
}

static void side_clear(struct side *s)
{
	while (s->said_n)
		buf_clear(&s->said[--s->said_n].text);
	*s = (struct side){0};
}

static void recorded_note(struct side *s, int from)
{
	for (size_t i = 0; i < blobs_n; i++) {
		struct text texts[TEXTS_MAX];
		size_t n;

		if (blobs[i].from != from)
			continue;
		n = texts_of_packet(texts, from == 0,
				    buf_bytes(&blobs[i].payload));
		texts_note(s, texts, n);
		texts_clear(texts, n);
	}
}

/* -- taken apart ------------------------------------------------------------
 */

static void caller_is_understood(const struct side *s)
{
	const struct sdp *offer = &s->said[0].sdp, *answer;

	CHECK(s->said_n >= 3 && s->candidates == 1);
	CHECK_INT(s->said[0].type, SIGNAL_OFFER);
	CHECK_INT(offer->version, 2);
	CHECK(offer->has_transport && offer->transport.renomination);
	CHECK_INT(offer->transport.setup, TGCALL_ACTPASS);
	CHECK_INT(offer->sections_n, 2);
	CHECK(offer->sections[0].sends && offer->sections[0].receives);
	CHECK_INT(offer->sections[0].channel.payload_type, 111);
	CHECK_INT(offer->sections[1].kind, SDP_DATA);
	CHECK_INT(s->said[s->said_n - 1].type, SIGNAL_ANSWER);
	answer = &s->said[s->said_n - 1].sdp;
	CHECK_INT(answer->transport.setup, TGCALL_PASSIVE);
	CHECK_INT(answer->sections_n, 3);
	CHECK(answer->sections[0].sends && !answer->sections[0].receives);
	CHECK(!answer->sections[2].sends && answer->sections[2].receives);
	CHECK_INT(answer->sections[0].channel.ssrc,
		  offer->sections[0].channel.ssrc);
}

static void callee_is_understood(const struct side *s)
{
	const struct sdp *answer = &s->said[0].sdp;
	const struct sdp *offer = &s->said[s->said_n - 1].sdp;

	CHECK(s->said_n >= 3 && s->candidates == 1);
	CHECK_INT(s->said[0].type, SIGNAL_ANSWER);
	CHECK_INT(answer->transport.setup, TGCALL_ACTIVE);
	CHECK(!answer->sections[0].sends && answer->sections[0].receives);
	CHECK_INT(answer->sections[0].channel.ssrc, 0);
	CHECK_INT(s->said[s->said_n - 1].type, SIGNAL_OFFER);
	CHECK_INT(offer->sections_n, 3);
	CHECK_STR(offer->sections[2].mid, "2");
	CHECK(offer->sections[2].sends && offer->sections[2].channel.ssrc);
}

static void test_sdp_trace_is_understood(void)
{
	for (int v = 0; v < 2; v++) {
		struct side a = {0}, b = {0};

		blobs_read(versions[v]);
		recorded_note(&a, 0);
		recorded_note(&b, 1);
		caller_is_understood(&a);
		callee_is_understood(&b);
		if (v == 0)
			CHECK_INT(a.said[0].sdp.sections[0].channel.ssrc,
				  CALLER_SSRC);
		side_clear(&a);
		side_clear(&b);
		blobs_clear();
	}
}

/* -- answered ---------------------------------------------------------------
 */

/* Does the blob answer the side we replace? */
static bool blob_answers(const struct blob *b)
{
	struct text texts[TEXTS_MAX];
	size_t n = texts_of_packet(texts, b->from == 0, buf_bytes(&b->payload));
	bool answers = false;

	for (size_t i = 0; i < n; i++) {
		struct signal_message m;

		signal_message_parse(&m, buf_bytes(&texts[i].json));
		answers |= m.type == SIGNAL_ANSWER;
		signal_message_clear(&m);
	}
	texts_clear(texts, n);
	return answers;
}

static void recorded_play(struct player *pl)
{
	for (size_t i = 0; i < blobs_n; i++) {
		struct blob *b = &blobs[i];

		if (b->from == pl->us || !b->payload.n)
			continue;
		if (pl->us == 1 && blob_answers(b))
			continue; /* to an offer that we do not make */
		player_send(pl, buf_bytes(&b->payload));
		player_run(pl);
	}
}

static void side_answer(struct side *ours, const char *version, int us)
{
	struct player *pl = player_new(version, us);
	struct signaling_end *e = &pl->pair->ends[us];
	struct side theirs = {0};
	const struct sdp *last;

	recorded_note(&theirs, !us);
	tgcall_signaling_candidate(
		e->signaling, "candidate:1 1 udp 1 10.0.0.9 9 typ host", 0);
	tgcall_signaling_start(e->signaling, 0);
	if (pl->sctp)
		sctp_connect(pl->sctp, 0);
	player_run(pl);
	recorded_play(pl);
	texts_note(ours, pl->ours, pl->ours_n);
	last = &theirs.said[theirs.said_n - 1].sdp;
	CHECK_INT(e->transports, 1);
	CHECK_STR(e->transport.ufrag, last->transport.ufrag);
	CHECK_STR(e->transport.pwd, last->transport.pwd);
	CHECK_INT(e->candidates, 1);
	CHECK_INT(e->sends, 1);
	CHECK_INT(e->send.payload_type, 111);
	CHECK_INT(e->send.ext_transport_cc, 3);
	CHECK_INT(e->recvs, 1);
	CHECK_INT(ours->candidates, 1);
	CHECK_INT(e->recv.ssrc,
		  us == 1 ? theirs.said[0].sdp.sections[0].channel.ssrc
			  : last->sections[2].channel.ssrc);
	side_clear(&theirs);
	player_free(pl);
}

static void test_sdp_trace_caller_is_answered(void)
{
	for (int v = 0; v < 2; v++) {
		struct side ours = {0};
		const struct sdp *answer = &ours.said[0].sdp;

		blobs_read(versions[v]);
		side_answer(&ours, versions[v], 1);
		/* One answer for each of the two offers. */
		CHECK_INT(ours.said_n, 2);
		CHECK_INT(ours.said[0].type, SIGNAL_ANSWER);
		CHECK_INT(ours.said[1].sdp.version, answer->version + 1);
		CHECK_INT(answer->sections_n, 2);
		CHECK(answer->sections[0].sends);
		CHECK(answer->sections[0].receives);
		CHECK_INT(answer->sections[1].kind, SDP_DATA);
		CHECK_STR(answer->sections[1].mid, "1");
		CHECK_INT(answer->transport.setup, TGCALL_ACTIVE);
		side_clear(&ours);
		blobs_clear();
	}
}

static void test_sdp_trace_callee_is_answered(void)
{
	for (int v = 0; v < 2; v++) {
		struct side ours = {0};
		const struct sdp *answer;

		blobs_read(versions[v]);
		side_answer(&ours, versions[v], 0);
		CHECK(ours.said_n >= 2);
		CHECK_INT(ours.said[0].type, SIGNAL_OFFER);
		answer = &ours.said[ours.said_n - 1].sdp;
		CHECK_INT(answer->sections_n, 3);
		CHECK(answer->sections[0].sends);
		CHECK(!answer->sections[2].sends);
		CHECK(answer->sections[2].receives);
		CHECK_INT(answer->transport.setup, TGCALL_PASSIVE);
		side_clear(&ours);
		blobs_clear();
	}
}

int main(void)
{
	if (key_read())
		return 1;
	RUN(test_sdp_trace_is_understood);
	RUN(test_sdp_trace_caller_is_answered);
	RUN(test_sdp_trace_callee_is_answered);
	return check_done();
}
