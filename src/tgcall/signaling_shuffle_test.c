/* A legal exchange of messages in any order and with repeats: both directions
 * open all the same, for each version and role, a thousand seeds each. Nothing
 * is lost. The version is the program's argument. */
#include <errno.h>

#include "tests/check.h"
#include "tgcall/carriage.h"
#include "tgcall/sdp.h"
#include "tgcall/signal_message.h"
#include "tgcall/signaling_pair_fake.h"

#define SEEDS 1000
#define TEXTS_MAX 32
#define REPEATS_MAX 3

static const char *version;

/* -- both ends ours, blobs under way in a bag ---------------------------- */

/* Raw and acked blobs come at any time and again: delays of up to 2 s, half of
 * them repeated. SCTP is left to order them; its packets are shaken too. */
static void exchange_shake(uint64_t seed)
{
	struct signaling_pair *p = pair_new_versions(seed, version, version);

	p->carrier.delay = USEC_MS;
	p->carrier.jitter = 2 * USEC_S;
	p->carrier.repeat_percent = 50;
	pair_start(p);
	carrier_run(&p->carrier, 40 * USEC_S);
	CHECK(pair_is_open(p));
	for (int i = 0; i < 2; i++) {
		CHECK_INT(p->ends[i].sends, 1);
		CHECK(p->ends[i].candidates >= 2);
		CHECK_INT(p->ends[i].transports, 1);
	}
	pair_free(p);
}

static void test_shuffle_of_blobs_opens_both_ends(void)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		exchange_shake(seed);
		if (check_failed) {
			printf("# seed %u\n", (unsigned)seed);
			return;
		}
	}
}

/* -- one end ours, the other's texts in any order ------------------------ */

/* The texts of a peer are written down; those that answer ours appear when
 * ours has offered. Each is given up to REPEATS_MAX times, at random. */
struct bag {
	struct signaling_pair *pair;
	int us;
	uint64_t seed;
	struct buf texts[TEXTS_MAX];
	int left[TEXTS_MAX];
	size_t texts_n;
	uint32_t offers[16]; /* of ours that are answered in the bag */
	size_t offers_n;
};

static void bag_add(struct bag *b, struct buf *text)
{
	if (b->texts_n == TEXTS_MAX)
		abort();
	b->texts[b->texts_n] = *text;
	b->left[b->texts_n] = 1 + (int)(carrier_draw(&b->seed) % REPEATS_MAX);
	b->texts_n++;
}

#define PEER_SSRC 777
#define PEER_EXCHANGE 4242

/* The peer answers each offer of ours, and not the answers to its own. */
static void our_text_note(struct bag *b, struct bytes text)
{
	struct signal_message m;
	struct buf answer;
	bool known = false;

	if (signal_message_parse(&m, text) == 0 &&
	    m.type == SIGNAL_NEGOTIATE_CHANNELS &&
	    m.negotiation.exchange_id != PEER_EXCHANGE) {
		for (size_t i = 0; i < b->offers_n; i++)
			known |= b->offers[i] == m.negotiation.exchange_id;
		if (!known && b->offers_n < 16) {
			b->offers[b->offers_n++] = m.negotiation.exchange_id;
			buf_init(&answer);
			signal_answer_put(&answer, &m.negotiation);
			bag_add(b, &answer);
		}
	}
	signal_message_clear(&m);
}

/* The peer is a carriage alone: framing without any negotiation. */
static int peer_text(struct bytes text, void *arg)
{
	our_text_note(arg, text);
	return 0;
}

struct shuffle {
	struct bag bag;
	struct carriage *peer;
};

static void peer_blob(struct bytes blob, void *arg)
{
	struct shuffle *s = arg;

	carrier_send(&s->bag.pair->carrier, s->bag.us, blob);
}

static void shuffle_input(int to, struct bytes blob, usec_t now, void *arg)
{
	struct shuffle *s = arg;

	if (to == s->bag.us)
		(void)tgcall_signaling_input(s->bag.pair->ends[to].signaling,
					     blob, now);
	else
		(void)carriage_input(s->peer, blob, now);
}

static usec_t shuffle_deadline(int end, void *arg)
{
	struct shuffle *s = arg;

	if (end != s->bag.us)
		return carriage_deadline(s->peer);
	return tgcall_signaling_deadline(s->bag.pair->ends[end].signaling);
}

static void shuffle_timeout(int end, usec_t now, void *arg)
{
	struct shuffle *s = arg;

	if (end != s->bag.us)
		carriage_timeout(s->peer, now);
	else
		tgcall_signaling_timeout(s->bag.pair->ends[end].signaling, now);
}

static void description_add(struct bag *b, const struct tgcall_transport *local,
			    const char *type, uint64_t version_number,
			    struct sdp_section *audio, size_t audio_n)
{
	struct sdp s = {.id = 1, .version = version_number};
	struct buf text, json;

	s.transport = *local;
	s.transport.setup = *type == 'a' ? TGCALL_ACTIVE : TGCALL_ACTPASS;
	for (size_t i = 0; i < audio_n; i++) {
		struct sdp_section *m = &s.sections[s.sections_n++];

		*m = audio[i];
		m->kind = SDP_AUDIO;
		strcpy(m->media, "audio");
		strcpy(m->proto, "UDP/TLS/RTP/SAVPF");
		snprintf(m->mid, sizeof(m->mid), "%u", (unsigned)i);
		signal_channel_offered(&m->channel, PEER_SSRC);
	}
	buf_init(&text);
	buf_init(&json);
	sdp_put(&text, &s);
	signal_description_put(&json, type, buf_bytes(&text));
	buf_clear(&text);
	bag_add(b, &json);
}

/* As the apps do: a caller offers twice; a callee answers that it listens, and
 * offers a section to speak in. */
static void bag_fill_sdp(struct bag *b, const struct tgcall_transport *local)
{
	struct sdp_section audio[2] = {{.sends = true, .receives = true},
				       {.sends = true, .receives = true}};
	struct buf text;

	for (int i = 0; i < 3; i++) {
		buf_init(&text);
		signal_sdp_candidate_put(
			&text, "candidate:1 1 udp 1 10.0.0.1 5 typ host", "0",
			0);
		bag_add(b, &text);
	}
	if (b->us == 1) {
		description_add(b, local, "offer", 2, audio, 1);
		description_add(b, local, "offer", 3, audio, 1);
		return;
	}
	audio[0].sends = false;
	description_add(b, local, "answer", 2, audio, 1);
	description_add(b, local, "offer", 3, audio, 2);
}

static void bag_fill(struct bag *b, const struct tgcall_transport *setup)
{
	struct buf text;

	if (tgcall_version_is_sdp(version)) {
		bag_fill_sdp(b, setup);
		return;
	}
	buf_init(&text);
	signal_setup_put(&text, setup);
	bag_add(b, &text);
	for (int i = 0; i < 3; i++) {
		buf_init(&text);
		signal_candidate_put(&text, "candidate:1 1 udp 1 10.0.0.1 5 "
					    "typ host");
		bag_add(b, &text);
	}
	buf_init(&text);
	signal_offer_put(&text, PEER_EXCHANGE, PEER_SSRC);
	bag_add(b, &text);
}

/* Any text of the bag that is left; false when it is empty. */
static bool bag_draw(struct shuffle *s)
{
	struct bag *b = &s->bag;
	size_t open = 0, pick;

	for (size_t i = 0; i < b->texts_n; i++)
		open += b->left[i] > 0;
	if (!open)
		return false;
	pick = carrier_draw(&b->seed) % open;
	for (size_t i = 0; i < b->texts_n; i++) {
		if (b->left[i] <= 0 || pick-- > 0)
			continue;
		b->left[i]--;
		carriage_send(s->peer, buf_bytes(&b->texts[i]),
			      b->pair->carrier.now);
		break;
	}
	return true;
}

static void shuffle_new(struct shuffle *s, int us, uint64_t seed)
{
	struct signaling_pair *p = pair_new(seed);
	struct tgcall_signaling_conf conf = pair_conf(p, us, version);
	struct tgcall_signaling_conf theirs = pair_conf(p, !us, version);
	struct carriage_conf carriage = {
		.mode = conf.framing == TGCALL_FRAMING_RAW     ? CARRIAGE_RAW
			: conf.framing == TGCALL_FRAMING_ACKED ? CARRIAGE_ACKED
							       : CARRIAGE_SCTP,
		.outgoing = us == 1,
		.key = theirs.key,
		.random = carrier_random,
		.random_arg = &p->random_seed,
		.blob = peer_blob,
		.text = peer_text,
		.arg = s,
	};

	*s = (struct shuffle){.bag = {.pair = p, .us = us, .seed = seed}};
	p->carrier.input = shuffle_input;
	p->carrier.deadline = shuffle_deadline;
	p->carrier.timeout = shuffle_timeout;
	p->carrier.arg = s;
	pair_end_open(p, &conf);
	if (carriage_new(&s->peer, &carriage))
		abort();
	bag_fill(&s->bag, &theirs.local);
}

static void shuffle_free(struct shuffle *s)
{
	for (size_t i = 0; i < s->bag.texts_n; i++)
		buf_clear(&s->bag.texts[i]);
	carriage_free(&s->peer);
	pair_free(s->bag.pair);
}

static void shuffle_try(int us, uint64_t seed)
{
	struct shuffle s;
	struct signaling_end *e;
	usec_t step;

	shuffle_new(&s, us, seed);
	e = &s.bag.pair->ends[us];
	step = seed % 3 ? 10 * USEC_MS : 400 * USEC_MS;
	tgcall_signaling_start(e->signaling, 0);
	carriage_open(s.peer, 0);
	do {
		carrier_run(&s.bag.pair->carrier,
			    s.bag.pair->carrier.now + step);
	} while (bag_draw(&s));
	carrier_run(&s.bag.pair->carrier, s.bag.pair->carrier.now + 9 * USEC_S);
	while (bag_draw(&s))
		carrier_run(&s.bag.pair->carrier,
			    s.bag.pair->carrier.now + USEC_S);
	CHECK_INT(e->sends, 1);
	CHECK_INT(e->recvs, 1);
	CHECK_INT(e->recv.ssrc, PEER_SSRC);
	CHECK(tgcall_signaling_send_is_open(e->signaling));
	CHECK(tgcall_signaling_recv_is_open(e->signaling));
	CHECK_INT(e->transports, 1);
	CHECK(e->candidates >= 3);
	shuffle_free(&s);
}

static void role_shuffle(int us)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		shuffle_try(us, seed);
		if (check_failed) {
			printf("# seed %u\n", (unsigned)seed);
			return;
		}
	}
}

static void test_shuffle_of_callee_messages_opens_caller(void)
{
	role_shuffle(0);
}

static void test_shuffle_of_caller_messages_opens_callee(void)
{
	role_shuffle(1);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	version = argv[1];
	RUN(test_shuffle_of_blobs_opens_both_ends);
	RUN(test_shuffle_of_callee_messages_opens_caller);
	RUN(test_shuffle_of_caller_messages_opens_callee);
	return check_done();
}
