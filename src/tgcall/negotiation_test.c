#include "tgcall/negotiation.h"

#include "tests/check.h"

#define OURS 11
#define THEIRS 22

static struct {
	struct negotiation n;
	uint8_t random;
	unsigned sent, sends, recvs;
	uint32_t ids[32], ssrcs[32]; /* of what was sent; SSRC 0: no audio */
	struct tgcall_channel send, recv;
} us;

static void count_up(void *p, size_t n, void *arg)
{
	memset(p, ++us.random, n);
}

static void on_text(struct bytes json, void *arg)
{
	struct signal_message m;

	if (signal_message_parse(&m, json) || us.sent == 32)
		check_failed = true;
	us.ids[us.sent] = m.negotiation.exchange_id;
	us.ssrcs[us.sent++] = m.negotiation.audio.ssrc;
	signal_message_clear(&m);
}

static void on_send_open(const struct tgcall_channel *c, void *arg)
{
	us.sends++;
	us.send = *c;
}

static void on_recv_open(const struct tgcall_channel *c, void *arg)
{
	us.recvs++;
	us.recv = *c;
}

static void begin(bool outgoing)
{
	struct negotiation_conf conf = {
		.outgoing = outgoing,
		.ssrc = OURS,
		.random = count_up,
		.text = on_text,
		.send_open = on_send_open,
		.recv_open = on_recv_open,
	};

	negotiation_clear(&us.n);
	memset(&us, 0, sizeof(us));
	negotiation_init(&us.n, &conf);
	negotiation_start(&us.n, 0);
}

/* SSRC 0: contents without audio. */
static void give(uint32_t id, uint32_t ssrc, usec_t now)
{
	struct signal_message m;
	struct buf b;

	buf_init(&b);
	if (ssrc)
		signal_offer_put(&b, id, ssrc);
	else
		buf_printf(&b,
			   "{\"@type\":\"NegotiateChannels\","
			   "\"exchangeId\":\"%u\",\"contents\":[]}",
			   (unsigned)id);
	if (signal_message_parse(&m, buf_bytes(&b)))
		check_failed = true;
	negotiation_input(&us.n, &m.negotiation, now);
	signal_message_clear(&m);
	buf_clear(&b);
}

static bool sent_is(unsigned i, uint32_t id, uint32_t ssrc)
{
	return us.sent > i && us.ids[i] == id && us.ssrcs[i] == ssrc;
}

static void test_negotiation_caller_offers_and_answers(void)
{
	begin(true);
	CHECK_INT(us.sent, 1);
	CHECK_INT(us.ssrcs[0], OURS);
	give(us.ids[0], OURS, 0);
	CHECK_INT(us.sends, 1);
	CHECK_INT(us.send.ssrc, OURS);
	CHECK_INT(us.send.payload_type, 111);
	CHECK_INT(us.send.ext_transport_cc, 3);
	give(500, THEIRS, 0);
	CHECK(sent_is(1, 500, THEIRS));
	CHECK_INT(us.recvs, 1);
	CHECK_INT(us.recv.ssrc, THEIRS);
	CHECK_INT(negotiation_deadline(&us.n), USEC_NEVER);
}

static void test_negotiation_caller_queues_until_answered(void)
{
	begin(true);
	give(500, THEIRS, 0);
	give(501, THEIRS + 1, 0);
	CHECK_INT(us.sent, 1);
	CHECK_INT(us.recvs, 0);
	give(us.ids[0], OURS, 0);
	CHECK_INT(us.sends, 1);
	CHECK(sent_is(1, 501, THEIRS + 1)); /* the newest */
	CHECK_INT(us.sent, 2);
	CHECK_INT(us.recv.ssrc, THEIRS + 1);
}

static void test_negotiation_callee_answers_first_then_offers_once(void)
{
	begin(false);
	CHECK_INT(us.sent, 0);
	CHECK_INT(negotiation_deadline(&us.n), USEC_NEVER);
	give(500, THEIRS, 0);
	CHECK(sent_is(0, 500, THEIRS));
	CHECK_INT(us.sent, 2);
	CHECK_INT(us.ssrcs[1], OURS);
	give(500, THEIRS, 0); /* repeated: answered again, not offered */
	CHECK(sent_is(2, 500, THEIRS));
	CHECK_INT(us.sent, 3);
	CHECK_INT(us.recvs, 1);
	give(us.ids[1], OURS, 0);
	CHECK_INT(us.sends, 1);
	give(us.ids[1], OURS, 0);
	CHECK_INT(us.sends, 1);
	CHECK_INT(us.sent, 3);
}

static void test_negotiation_callee_offers_anew_when_unanswered(void)
{
	begin(false);
	give(500, THEIRS, USEC_S);
	CHECK_INT(negotiation_deadline(&us.n), 3500 * USEC_MS);
	negotiation_timeout(&us.n, 3499 * USEC_MS);
	CHECK_INT(us.sent, 2);
	negotiation_timeout(&us.n, 3500 * USEC_MS);
	CHECK_INT(us.sent, 3);
	CHECK_INT(us.ssrcs[2], OURS);
	CHECK(us.ids[2] != us.ids[1]);
	/* an answer to the first is an answer all the same */
	give(us.ids[1], OURS, 4 * USEC_S);
	CHECK_INT(us.sends, 1);
	CHECK_INT(negotiation_deadline(&us.n), USEC_NEVER);
	/* not without end */
	begin(false);
	give(500, THEIRS, 0);
	while (negotiation_deadline(&us.n) != USEC_NEVER)
		negotiation_timeout(&us.n, negotiation_deadline(&us.n));
	CHECK_INT(us.sent, 1 + 6);
}

static void test_negotiation_callee_discards_its_offer_on_glare(void)
{
	begin(false);
	give(500, THEIRS, 0);
	give(501, THEIRS, 0);
	CHECK(sent_is(2, 501, THEIRS));
	CHECK_INT(us.sent, 4); /* and offers anew, the caller ignored it */
	CHECK(us.ids[3] != us.ids[1]);
	CHECK_INT(us.ssrcs[3], OURS);
}

static void test_negotiation_answers_renewed_offers(void)
{
	begin(true);
	give(us.ids[0], OURS, 0);
	give(500, THEIRS, 0);
	give(501, THEIRS, 0); /* the same channel: nothing new to tell */
	CHECK(sent_is(2, 501, THEIRS));
	CHECK_INT(us.recvs, 1);
	give(502, THEIRS + 1, 0);
	CHECK(sent_is(3, 502, THEIRS + 1));
	CHECK_INT(us.recvs, 2);
	give(503, 0, 0);
	CHECK(sent_is(4, 503, 0));
	CHECK_INT(us.recvs, 2);
}

static void test_negotiation_refused_audio_stays_closed(void)
{
	begin(true);
	give(500, THEIRS, 0);
	give(us.ids[0], 0, 0);
	CHECK_INT(us.sends, 0);
	CHECK(sent_is(1, 500, THEIRS)); /* it was an answer */
	CHECK_INT(us.recvs, 1);
}

int main(void)
{
	RUN(test_negotiation_caller_offers_and_answers);
	RUN(test_negotiation_caller_queues_until_answered);
	RUN(test_negotiation_callee_answers_first_then_offers_once);
	RUN(test_negotiation_callee_offers_anew_when_unanswered);
	RUN(test_negotiation_callee_discards_its_offer_on_glare);
	RUN(test_negotiation_answers_renewed_offers);
	RUN(test_negotiation_refused_audio_stays_closed);
	negotiation_clear(&us.n);
	return check_done();
}
