/* Two whole calls in one process, over loopback sockets and libre's loop. */
#include "tgcall/tgcall.h"

#include <errno.h>
#include <stdlib.h>

#include "base/re.h"
#include "tests/check.h"

#define BLOBS_MAX 64
#define GIVE_UP_MS 10000

struct end {
	struct tgcall *call;
	enum tgcall_state state;
	int audio_n, muted_n, blobs_n;
	struct {
		uint8_t p[16384];
		size_t n;
	} blobs[BLOBS_MAX]; /* on their way to this end */
	struct end *peer;
};

static struct end ends[2];
static struct tmr step_timer, limit_timer;
static bool (*is_done)(void);
static bool ran_out;

static void on_signal(struct bytes blob, void *arg)
{
	struct end *to = ((struct end *)arg)->peer;

	if (to->blobs_n == BLOBS_MAX || blob.n > sizeof(to->blobs[0].p))
		return;
	memcpy(to->blobs[to->blobs_n].p, blob.p, blob.n);
	to->blobs[to->blobs_n++].n = blob.n;
}

static void on_state(enum tgcall_state state, void *arg)
{
	((struct end *)arg)->state = state;
}

static void on_audio(const struct media_packet *packet, void *arg)
{
	((struct end *)arg)->audio_n++;
}

static void on_media_state(const struct tgcall_media_state *s, void *arg)
{
	((struct end *)arg)->muted_n += s->muted;
}

static void conf_fill(struct tgcall_conf *conf, const char *version, int side)
{
	*conf = (struct tgcall_conf){
		.version = version,
		.outgoing = side == 0,
		.p2p_allowed = true,
		.bind_address = "127.0.0.1",
		.allow_loopback = true,
		.handlers = {on_signal, on_state, on_audio, on_media_state},
		.arg = &ends[side],
	};
	for (size_t i = 0; i < sizeof(conf->key); i++)
		conf->key[i] = (uint8_t)i;
}

static void on_step(void *arg)
{
	static const uint8_t opus[] = {0xf8, 0xff, 0xfe};

	for (int i = 0; i < 2; i++) {
		struct end *e = &ends[i];

		for (int k = 0; k < e->blobs_n; k++)
			tgcall_signal_input(e->call, bytes_of(e->blobs[k].p,
							      e->blobs[k].n));
		e->blobs_n = 0;
		tgcall_send_audio(e->call, bytes_of(opus, sizeof(opus)), 960);
		/* One end as a busy thread uses it, the other as a program. */
		if (i == 1 && e->state == TGCALL_STATE_ESTABLISHED) {
			tgcall_set_polled(e->call, true);
			tgcall_poll(e->call, clock_now());
		}
	}
	if (is_done())
		re_cancel();
	else
		tmr_start(&step_timer, 5, on_step, NULL);
}

static void on_limit(void *arg)
{
	ran_out = true;
	re_cancel();
}

static bool run(bool (*done)(void))
{
	ran_out = false;
	is_done = done;
	tmr_start(&limit_timer, GIVE_UP_MS, on_limit, NULL);
	tmr_start(&step_timer, 0, on_step, NULL);
	re_main(NULL);
	tmr_cancel(&step_timer);
	tmr_cancel(&limit_timer);
	return !ran_out;
}

static int pair_start(const char *version, const char *parameters)
{
	struct tgcall_conf conf;
	int e = 0;

	memset(ends, 0, sizeof(ends));
	ends[0].peer = &ends[1];
	ends[1].peer = &ends[0];
	for (int i = 0; i < 2 && e == 0; i++) {
		conf_fill(&conf, version, i);
		conf.custom_parameters = parameters;
		e = tgcall_new(&ends[i].call, &conf);
	}
	for (int i = 0; i < 2 && e == 0; i++)
		tgcall_start(ends[i].call);
	return e;
}

static void pair_free(void)
{
	tgcall_free(&ends[0].call);
	tgcall_free(&ends[1].call);
}

static bool both_hear(void)
{
	return ends[0].audio_n >= 5 && ends[1].audio_n >= 5;
}

static bool second_knows_mute(void)
{
	return ends[1].muted_n > 0;
}

static bool second_reconnects(void)
{
	return ends[1].state == TGCALL_STATE_RECONNECTING;
}

static void test_call_pair_hears_each_other_in_every_version(void)
{
	for (const char *const *v = tgcall_versions(); *v; v++) {
		struct tgcall_stats s;

		CHECK_INT(pair_start(*v, NULL), 0);
		CHECK(run(both_hear));
		CHECK_INT(ends[0].state, TGCALL_STATE_ESTABLISHED);
		CHECK_INT(ends[1].state, TGCALL_STATE_ESTABLISHED);
		tgcall_stats(ends[0].call, &s);
		CHECK(s.rx_packets >= 5 && s.connect_us > 0);
		CHECK(strncmp(s.local, "host 127.0.0.1:", 15) == 0);
		CHECK(strstr(s.remote, " 127.0.0.1:") != NULL);
		pair_free();
	}
}

static void test_call_pair_honours_signaling_parameters(void)
{
	CHECK_INT(pair_start("13.0.0", "{\"network_signaling_nosctp\":true}"),
		  0);
	CHECK(run(both_hear));
	pair_free();
	CHECK_INT(pair_start("9.0.0", "{\"network_kcp_experiment\":true}"), 0);
	/* The caller's first blob is a bare SCTP packet, port 5000. */
	CHECK(ends[1].blobs_n > 0);
	CHECK_MEM(ends[1].blobs[0].p, "\x13\x88\x13\x88", 4);
	CHECK(run(both_hear));
	pair_free();
}

/* No DTLS, no SRTP; the data channel goes with it. */
static void test_call_pair_seals_media_with_the_key(void)
{
	struct tgcall_stats s;

	CHECK_INT(pair_start("13.0.0", "{\"network_use_mtproto\":true}"), 0);
	CHECK(run(both_hear));
	CHECK_INT(ends[0].state, TGCALL_STATE_ESTABLISHED);
	tgcall_mute(ends[0].call, true);
	CHECK(run(second_knows_mute));
	tgcall_stats(ends[1].call, &s);
	CHECK_INT(s.rx_bad, 0);
	pair_free();
}

static void test_call_mute_reaches_the_peer(void)
{
	CHECK_INT(pair_start("13.0.0", NULL), 0);
	CHECK(run(both_hear));
	tgcall_mute(ends[0].call, true);
	CHECK(run(second_knows_mute));
	pair_free();
}

static void test_call_goodbye_of_the_peer_is_reconnecting(void)
{
	CHECK_INT(pair_start("9.0.0", NULL), 0);
	CHECK(run(both_hear));
	tgcall_free(&ends[0].call);
	/* The peer's place is taken by a call that never answers. */
	struct tgcall_conf conf;

	conf_fill(&conf, "9.0.0", 0);
	CHECK_INT(tgcall_new(&ends[0].call, &conf), 0);
	ends[1].blobs_n = 0;
	CHECK(run(second_reconnects));
	pair_free();
}

static void test_call_refuses_what_it_cannot_do(void)
{
	struct tgcall_conf conf;
	struct tgcall *c = NULL;

	conf_fill(&conf, "14.0.0", 0);
	CHECK_INT(tgcall_new(&c, &conf), -ENOENT);
	conf_fill(&conf, "13.0.0", 0);
	conf.p2p_allowed = false;
	CHECK_INT(tgcall_new(&c, &conf), -EADDRNOTAVAIL);
	conf_fill(&conf, "11.0.0", 0);
	conf.custom_parameters = "{\"network_use_mtproto\":true}";
	CHECK_INT(tgcall_new(&c, &conf), -ENOTSUP);
	conf_fill(&conf, "13.0.0", 0);
	conf.bind_address = "192.0.2.77"; /* not ours */
	CHECK_INT(tgcall_new(&c, &conf), -EADDRNOTAVAIL);
	CHECK(c == NULL);
	/* Not JSON: as if there were no parameters. */
	conf_fill(&conf, "13.0.0", 0);
	conf.custom_parameters = "{";
	CHECK_INT(tgcall_new(&c, &conf), 0);
	CHECK_INT(tgcall_send_audio(c, bytes_str("x"), 960), -ENOTCONN);
	CHECK_INT(tgcall_state(c), TGCALL_STATE_WAIT);
	tgcall_free(&c);
}

int main(void)
{
	if (libre_init() || fd_setsize(256))
		return 1;
	tmr_init(&step_timer);
	tmr_init(&limit_timer);
	RUN(test_call_pair_hears_each_other_in_every_version);
	RUN(test_call_pair_honours_signaling_parameters);
	RUN(test_call_pair_seals_media_with_the_key);
	RUN(test_call_mute_reaches_the_peer);
	RUN(test_call_goodbye_of_the_peer_is_reconnecting);
	RUN(test_call_refuses_what_it_cannot_do);
	libre_close();
	return check_done();
}
