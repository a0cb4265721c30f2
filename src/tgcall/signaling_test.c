#include "tgcall/signaling.h"

#include <errno.h>

#include "base/log.h"
#include "tests/check.h"
#include "tgcall/signal_message.h"
#include "tgcall/signaling_pair_fake.h"

#define CHECK_OPEN(p)                                                          \
	do {                                                                   \
		CHECK(pair_is_open(p));                                        \
		for (int check_i = 0; check_i < 2; check_i++) {                \
			const struct signaling_end *check_e =                  \
				&(p)->ends[check_i];                           \
			CHECK_INT(check_e->candidates, 2);                     \
			CHECK_INT(check_e->transports, 1);                     \
			CHECK_INT(check_e->sends, 1);                          \
			CHECK_INT(check_e->recvs, 1);                          \
			CHECK_INT(check_e->recv.payload_type, 111);            \
			CHECK_INT(check_e->recv.ext_abs_send_time, 2);         \
			CHECK_INT(check_e->recv.ext_transport_cc, 3);          \
		}                                                              \
	} while (0)

static void test_signaling_names_versions_descending(void)
{
	static const char *const expected[] = {"13.0.0", "12.0.0", "11.0.0",
					       "10.0.0", "9.0.0",  "8.0.0",
					       "7.0.0"};
	const char *const *v = tgcall_versions();
	enum tgcall_framing f;

	for (int i = 0; i < 7; i++)
		CHECK_STR(v[i], expected[i]);
	CHECK(!v[7]);
	CHECK_INT(tgcall_framing_of(&f, "7.0.0"), 0);
	CHECK_INT(f, TGCALL_FRAMING_RAW);
	CHECK_INT(tgcall_framing_of(&f, "14.0.0"), -ENOENT);
	CHECK(tgcall_version_is_sdp("10.0.0"));
	CHECK(tgcall_version_is_sdp("11.0.0"));
	CHECK(!tgcall_version_is_sdp("12.0.0"));
}

static void test_signaling_opens_both_ways_in_every_version(void)
{
	for (const char *const *v = tgcall_versions(); *v; v++) {
		struct signaling_pair *p = pair_new_versions(1, *v, *v);

		pair_start(p);
		carrier_run(&p->carrier, 3 * USEC_S);
		CHECK_OPEN(p);
		CHECK_STR(p->ends[0].transport.ufrag, "uf1/");
		CHECK_INT(p->ends[0].transport.setup, tgcall_version_is_sdp(*v)
							      ? TGCALL_ACTIVE
							      : TGCALL_PASSIVE);
		CHECK_INT(p->ends[0].transport.fingerprint[31], 0xa1);
		CHECK(p->ends[1].transport.renomination);
		CHECK_STR(p->ends[1].candidate,
			  "candidate:2 1 udp 1686052607 203.0.113.5 40001 "
			  "typ srflx");
		pair_free(p);
	}
}

/* 20 and 30 % of blobs lost, some repeated, some overtaking others. */
static void loss_try(const char *version, uint64_t seed, unsigned percent,
		     usec_t *worst)
{
	struct signaling_pair *p = pair_new_versions(seed, version, version);

	p->carrier.loss_percent = percent;
	p->carrier.repeat_percent = 10;
	p->carrier.jitter = seed % 2 ? 100 * USEC_MS : 0;
	pair_start(p);
	carrier_run(&p->carrier, 90 * USEC_S);
	CHECK_OPEN(p);
	for (int i = 0; i < 2; i++)
		if (p->ends[i].open_at > *worst)
			*worst = p->ends[i].open_at;
	pair_free(p);
}

static void test_signaling_opens_over_loss(void)
{
	static const char *const names[] = {"13.0.0", "12.0.0", "11.0.0",
					    "10.0.0", "9.0.0",  "8.0.0"};

	for (int v = 0; v < 6; v++) {
		usec_t worst = 0;

		for (uint64_t seed = 1; seed <= 100; seed++) {
			loss_try(names[v], seed, seed % 2 ? 20 : 30, &worst);
			if (check_failed) {
				printf("# %s, seed %u\n", names[v],
				       (unsigned)seed);
				return;
			}
		}
		printf("# %s: slowest of 100 open after %.2f s\n", names[v],
		       (double)worst / 1e6);
	}
}

static void test_signaling_raw_repeats_nothing(void)
{
	struct signaling_pair *p = pair_new_versions(3, "7.0.0", "7.0.0");
	unsigned blobs;

	pair_start(p);
	carrier_run(&p->carrier, USEC_S);
	CHECK_OPEN(p);
	blobs = p->ends[0].blobs + p->ends[1].blobs;
	/* offer, setup, 2 candidates, answer; twice */
	CHECK_INT(blobs, 10);
	carrier_run(&p->carrier, 60 * USEC_S);
	CHECK_INT(p->ends[0].blobs + p->ends[1].blobs, blobs);
	pair_free(p);
}

/* Nothing acknowledges in 7.0.0: what was not answered is said anew. */
static void test_signaling_raw_is_repaired_by_saying_it_again(void)
{
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct signaling_pair *p =
			pair_new_versions(seed, "7.0.0", "7.0.0");

		p->carrier.loss_percent = 20;
		pair_start(p);
		carrier_run(&p->carrier, 18 * USEC_S);
		CHECK(pair_is_open(p));
		CHECK_INT(p->ends[0].transports, 1);
		CHECK_INT(p->ends[1].transports, 1);
		pair_free(p);
		if (check_failed) {
			printf("# seed %u\n", (unsigned)seed);
			return;
		}
	}
}

/* A caller that nobody hears gives it up. */
static void test_signaling_raw_caller_is_silent_in_the_end(void)
{
	struct signaling_pair *p = pair_new_versions(3, "7.0.0", "7.0.0");
	unsigned blobs;

	p->carrier.loss_percent = 100;
	pair_start(p);
	carrier_run(&p->carrier, 20 * USEC_S);
	blobs = p->ends[0].blobs;
	CHECK(blobs > 10);
	carrier_run(&p->carrier, 90 * USEC_S);
	CHECK_INT(p->ends[0].blobs, blobs);
	CHECK_INT(p->ends[1].blobs, 0);
	pair_free(p);
}

static void test_signaling_follows_the_peers_framing(void)
{
	static const char *const names[] = {"13.0.0", "9.0.0", "7.0.0"};

	for (int a = 0; a < 3; a++) {
		for (int b = 0; b < 3; b++) {
			struct signaling_pair *p =
				pair_new_versions(4, names[a], names[b]);
			enum tgcall_framing f;

			tgcall_framing_of(&f, names[a]);
			pair_start(p);
			carrier_run(&p->carrier, 20 * USEC_S);
			CHECK_OPEN(p);
			CHECK_INT(
				tgcall_signaling_framing(p->ends[1].signaling),
				f);
			pair_free(p);
		}
	}
}

/* 9.0.0 of old desktop builds: SCTP from both sides, so that a caller that
 * began with acked framing must turn round. */
static void test_signaling_caller_turns_to_sctp(void)
{
	struct signaling_pair *p = pair_new_versions(5, "9.0.0", "9.0.0");
	struct signaling_pair *q = pair_new_versions(6, "13.0.0", "13.0.0");
	struct bytes init;

	pair_start(p);
	carrier_clear(&p->carrier); /* nothing of it is understood */
	tgcall_signaling_free(&p->ends[1].signaling);
	/* The other's own INIT, from an engine that speaks SCTP. */
	tgcall_signaling_start(q->ends[0].signaling, 0);
	init = buf_bytes(&q->ends[0].sent);
	CHECK_INT(tgcall_signaling_input(p->ends[0].signaling, init, 0), 0);
	CHECK_INT(tgcall_signaling_framing(p->ends[0].signaling),
		  TGCALL_FRAMING_SCTP);
	CHECK_INT(p->ends[0].sent.p[12], 2); /* INIT-ACK, after its INIT */
	pair_free(p);
	pair_free(q);
}

static void test_signaling_nosctp_sends_gzip_in_blobs(void)
{
	struct signaling_pair *p = pair_new(7);

	for (int i = 0; i < 2; i++) {
		struct tgcall_signaling_conf conf = pair_conf(p, i, "13.0.0");

		conf.nosctp = true;
		pair_end_open(p, &conf);
	}
	pair_start(p);
	carrier_run(&p->carrier, USEC_S);
	CHECK_OPEN(p);
	CHECK_INT(p->ends[0].blobs + p->ends[1].blobs, 10);
	pair_free(p);
}

static void test_signaling_callee_is_silent_before_the_caller(void)
{
	for (const char *const *v = tgcall_versions(); *v; v++) {
		struct signaling_pair *p = pair_new_versions(8, *v, *v);

		tgcall_signaling_start(p->ends[1].signaling, 0);
		tgcall_signaling_candidate(p->ends[1].signaling, "candidate:1",
					   0);
		carrier_run(&p->carrier, 60 * USEC_S);
		CHECK_INT(p->ends[1].blobs, 0);
		pair_free(p);
	}
}

/* The caller's first INIT is its first blob; a 2026 callee waits for it. */
static void test_signaling_sctp_begins_with_init(void)
{
	struct signaling_pair *p = pair_new_versions(9, "13.0.0", "13.0.0");

	tgcall_signaling_start(p->ends[0].signaling, 0);
	CHECK_INT(p->ends[0].blobs, 1);
	CHECK_INT(p->ends[0].sent.n, 44);
	CHECK_INT(p->ends[0].sent.p[12], 1);
	carrier_run(&p->carrier, 60 * USEC_MS);
	CHECK_INT(p->ends[1].blobs, 2); /* its own INIT, then INIT-ACK */
	pair_free(p);
}

static void test_signaling_close_tells_the_peer(void)
{
	struct signaling_pair *p = pair_new_versions(10, "13.0.0", "13.0.0");

	pair_start(p);
	carrier_run(&p->carrier, 2 * USEC_S);
	CHECK(!tgcall_signaling_aborted(p->ends[1].signaling));
	tgcall_signaling_close(p->ends[0].signaling, p->carrier.now);
	carrier_run(&p->carrier, 60 * USEC_S);
	CHECK(tgcall_signaling_aborted(p->ends[1].signaling));
	CHECK_INT(p->ends[0].sent.p[12], 6);
	pair_free(p);
}

static void test_signaling_sctp_keeps_association_alive(void)
{
	struct signaling_pair *p = pair_new_versions(11, "13.0.0", "13.0.0");
	unsigned blobs;

	pair_start(p);
	carrier_run(&p->carrier, 25 * USEC_S);
	blobs = p->ends[0].blobs;
	carrier_run(&p->carrier, 35 * USEC_S);
	CHECK_INT(p->ends[0].blobs, blobs + 2); /* HEARTBEAT and its answer */
	pair_free(p);
}

static void test_signaling_takes_media_state_from_both_places(void)
{
	struct signaling_pair *p = pair_new_versions(12, "13.0.0", "13.0.0");
	struct tgcall_media_state state = {.muted = true};
	struct buf b;

	buf_init(&b);
	CHECK_INT(tgcall_media_state_put(&b, &state), 0);
	CHECK_STR(buf_cstr(&b),
		  "{\"@type\":\"MediaState\",\"lowBattery\":false,"
		  "\"muted\":true,\"screencastState\":\"inactive\","
		  "\"videoRotation\":0,\"videoState\":\"inactive\"}");
	CHECK_INT(tgcall_signaling_json(p->ends[0].signaling, buf_bytes(&b), 0),
		  0);
	CHECK_INT(p->ends[0].states, 1);
	CHECK(p->ends[0].state.muted);
	pair_start(p);
	carrier_run(&p->carrier, 3 * USEC_S);
	tgcall_signaling_media_state(p->ends[0].signaling, &state,
				     p->carrier.now);
	carrier_run(&p->carrier, 5 * USEC_S);
	CHECK_INT(p->ends[1].states, 1);
	CHECK(p->ends[1].state.muted);
	buf_clear(&b);
	pair_free(p);
}

/* E.7: "Accept a changed InitialSetup: new remote credentials"; E.6: the callee
 * answers each. With it comes a new offer, which is answered as well. */
static void test_signaling_restart_is_told_and_answered(void)
{
	for (int us = 0; us < 2; us++) {
		struct signaling_pair *p =
			pair_new_versions(16, "13.0.0", "13.0.0");
		struct signaling_end *e = &p->ends[us];
		struct tgcall_transport t;
		unsigned blobs;
		struct buf b;

		pair_start(p);
		carrier_run(&p->carrier, 3 * USEC_S);
		CHECK_OPEN(p);
		t = e->transport;
		snprintf(t.ufrag, sizeof(t.ufrag), "new1");
		snprintf(t.pwd, sizeof(t.pwd), "a password of the restart");
		buf_init(&b);
		signal_setup_put(&b, &t);
		blobs = e->blobs;
		tgcall_signaling_json(e->signaling, buf_bytes(&b),
				      p->carrier.now);
		CHECK_INT(e->transports, 2);
		CHECK_STR(e->transport.ufrag, "new1");
		CHECK_INT(e->blobs, blobs + us);
		/* The same once more: nothing new. */
		tgcall_signaling_json(e->signaling, buf_bytes(&b),
				      p->carrier.now);
		CHECK_INT(e->transports, 2);
		blobs = e->blobs;
		buf_reset(&b);
		signal_offer_put(&b, 4711, e->recv.ssrc);
		tgcall_signaling_json(e->signaling, buf_bytes(&b),
				      p->carrier.now);
		CHECK_INT(e->blobs, blobs + 1);
		CHECK_INT(e->recvs, 1);
		CHECK_INT(e->sends, 1);
		buf_clear(&b);
		pair_free(p);
	}
}

/* E.11: 60 ms packets go to native apps, whose candidates carry no sdpMid. */
static void test_signaling_knows_web_peers_by_their_candidates(void)
{
	struct signaling_pair *p = pair_new_versions(17, "13.0.0", "13.0.0");
	struct tgcall_signaling *s = p->ends[0].signaling;

	tgcall_signaling_json(
		s,
		bytes_str("{\"@type\":\"Candidates\",\"candidates\":[{"
			  "\"sdpString\":\"candidate:1\"}]}"),
		0);
	CHECK(!tgcall_signaling_peer_is_web(s));
	tgcall_signaling_json(
		s,
		bytes_str("{\"@type\":\"Candidates\",\"candidates\":[{"
			  "\"sdpString\":\"candidate:1\",\"sdpMid\":"
			  "\"0\",\"sdpMLineIndex\":0}]}"),
		0);
	CHECK(tgcall_signaling_peer_is_web(s));
	pair_free(p);
	p = pair_new_versions(18, "11.0.0", "11.0.0");
	CHECK(tgcall_signaling_peer_is_web(p->ends[0].signaling));
	pair_free(p);
}

static void test_signaling_drops_and_counts_garbage(void)
{
	for (const char *const *v = tgcall_versions(); *v; v++) {
		struct signaling_pair *p = pair_new_versions(13, *v, *v);
		uint64_t before = count_get("signaling", "cipher");
		uint64_t seed = 99;
		uint8_t garbage[600];

		pair_start(p);
		for (size_t n = 0; n < sizeof(garbage); n++) {
			carrier_random(garbage, n, &seed);
			for (int i = 0; i < 2; i++)
				CHECK_INT(tgcall_signaling_input(
						  p->ends[i].signaling,
						  bytes_of(garbage, n), 0),
					  -EBADMSG);
		}
		CHECK_INT(count_get("signaling", "cipher"),
			  before + 2 * sizeof(garbage));
		carrier_run(&p->carrier, 3 * USEC_S);
		CHECK_OPEN(p);
		pair_free(p);
	}
}

/* Every blob truncated, with one bit turned, and twice. */
static void mangled_input(int to, struct bytes blob, usec_t now, void *arg)
{
	struct signaling_pair *p = arg;
	struct tgcall_signaling *s = p->ends[to].signaling;
	struct buf b;

	buf_init(&b);
	buf_put(&b, blob.p, blob.n);
	for (size_t i = 0; i < blob.n; i += 1 + blob.n / 16) {
		tgcall_signaling_input(s, bytes_of(b.p, i), now);
		b.p[i] ^= (uint8_t)(1 << i % 8);
		tgcall_signaling_input(s, buf_bytes(&b), now);
		b.p[i] ^= (uint8_t)(1 << i % 8);
	}
	buf_clear(&b);
	tgcall_signaling_input(s, blob, now);
	tgcall_signaling_input(s, blob, now);
}

static void test_signaling_survives_mangled_and_replayed_blobs(void)
{
	for (const char *const *v = tgcall_versions(); *v; v++) {
		struct signaling_pair *p = pair_new_versions(14, *v, *v);

		p->carrier.input = mangled_input;
		pair_start(p);
		carrier_run(&p->carrier, 10 * USEC_S);
		CHECK_OPEN(p);
		pair_free(p);
	}
}

static void test_signaling_returns_repeats_as_already(void)
{
	struct signaling_pair *p = pair_new_versions(15, "7.0.0", "7.0.0");
	struct bytes blob;

	tgcall_signaling_start(p->ends[0].signaling, 0);
	blob = buf_bytes(&p->ends[0].sent);
	CHECK_INT(tgcall_signaling_input(p->ends[1].signaling, blob, 0), 0);
	CHECK_INT(tgcall_signaling_input(p->ends[1].signaling, blob, 0),
		  -EALREADY);
	/* our own blob, sent back to us */
	CHECK_INT(tgcall_signaling_input(p->ends[0].signaling, blob, 0),
		  -EBADMSG);
	pair_free(p);
}

int main(void)
{
	RUN(test_signaling_names_versions_descending);
	RUN(test_signaling_opens_both_ways_in_every_version);
	RUN(test_signaling_opens_over_loss);
	RUN(test_signaling_raw_repeats_nothing);
	RUN(test_signaling_raw_is_repaired_by_saying_it_again);
	RUN(test_signaling_raw_caller_is_silent_in_the_end);
	RUN(test_signaling_follows_the_peers_framing);
	RUN(test_signaling_caller_turns_to_sctp);
	RUN(test_signaling_nosctp_sends_gzip_in_blobs);
	RUN(test_signaling_callee_is_silent_before_the_caller);
	RUN(test_signaling_sctp_begins_with_init);
	RUN(test_signaling_close_tells_the_peer);
	RUN(test_signaling_sctp_keeps_association_alive);
	RUN(test_signaling_takes_media_state_from_both_places);
	RUN(test_signaling_restart_is_told_and_answered);
	RUN(test_signaling_knows_web_peers_by_their_candidates);
	RUN(test_signaling_drops_and_counts_garbage);
	RUN(test_signaling_survives_mangled_and_replayed_blobs);
	RUN(test_signaling_returns_repeats_as_already);
	return check_done();
}
