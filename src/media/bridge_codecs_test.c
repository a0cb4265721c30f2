/* What a bridge adds to its codecs: nothing. Every codec to Opus and back,
 * through a bridge and by applying the same two codecs one after the other:
 * what is heard is as like what was said, within 2 %. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "media/bridge.h"
#include "media/path.h"
#include "tests/check.h"
#include "tests/speech.h"

#define SECONDS 3
#define RATE_MAX 48000
#define SAMPLES_MAX (SECONDS * RATE_MAX)
#define OPUS_PTIME_MS 20
/* A jitter buffer, a packet each way and the codecs' look-ahead. */
#define LATE_MS 150
#define SAME 0.02

struct sound {
	size_t n;
	int16_t pcm[SAMPLES_MAX];
};

static struct sound said, heard, applied;

struct coder {
	const struct media_codec *codec;
	struct media_coder *coder;
	unsigned ptime_ms;
	uint32_t rate_hz;
	struct sound *out;
};

static bool coder_open(struct coder *c, const struct media_codec *codec,
		       uint32_t rate_hz)
{
	struct media_coder_conf conf = {
		.rate_hz = rate_hz,
		.complexity = BRIDGE_OPUS_COMPLEXITY,
		.expected_loss = BRIDGE_OPUS_LOSS_PERCENT,
		.bitrate = BRIDGE_OPUS_BITRATE,
	};

	*c = (struct coder){.codec = codec,
			    .rate_hz = rate_hz,
			    .ptime_ms =
				    media_codec_ptime(codec, OPUS_PTIME_MS)};
	return media_coder_new(&c->coder, codec, &conf) == 0;
}

static size_t coder_frame(const struct coder *c)
{
	return c->rate_hz / 1000 * c->ptime_ms;
}

static void packet_hear(struct bytes payload, uint32_t samples, bool marker,
			void *arg)
{
	struct coder *c = arg;
	int n = media_decode(c->coder, c->out->pcm + c->out->n,
			     SAMPLES_MAX - c->out->n, payload, false);

	if (n > 0)
		c->out->n += (size_t)n;
}

/* in through one codec. */
static bool codec_apply(struct sound *out, const struct sound *in,
			const struct media_codec *codec, uint32_t rate_hz)
{
	struct coder c;
	bool good = coder_open(&c, codec, rate_hz);
	size_t frame = coder_frame(&c);

	c.out = out;
	out->n = 0;
	for (size_t at = 0; good && at + frame <= in->n; at += frame) {
		uint8_t packet[1500];
		int n = media_encode(c.coder, packet, sizeof(packet),
				     in->pcm + at, frame);

		good = n > 0;
		if (good)
			packet_hear(bytes_of(packet, (size_t)n), 0, false, &c);
	}
	media_coder_free(&c.coder);
	return good && out->n == in->n / frame * frame;
}

static void packet_say(struct coder *c, struct bridge *b, unsigned ms)
{
	uint8_t packet[1500];
	unsigned i = ms / c->ptime_ms;
	struct media_packet p = {
		.seq = (uint16_t)i,
		.ts = i * (c->codec->rtp_clock_hz / 1000 * c->ptime_ms),
		.arrival = USEC_S + ms * USEC_MS,
	};
	int n = media_encode(c->coder, packet, sizeof(packet),
			     said.pcm + i * coder_frame(c), coder_frame(c));

	p.payload = bytes_of(packet, n > 0 ? (size_t)n : 0);
	bridge_input(b, BRIDGE_A, &p);
}

static void packet_ignore(struct bytes payload, uint32_t samples, bool marker,
			  void *arg)
{
}

static bool bridge_apply(const struct media_codec *from,
			 const struct media_codec *to, uint32_t rate_hz)
{
	struct coder speaker, listener;
	bool good = coder_open(&speaker, from, rate_hz) &&
		    coder_open(&listener, to, rate_hz);
	struct bridge_leg_conf a = {.codec = from,
				    .ptime_ms = speaker.ptime_ms,
				    .send = packet_ignore};
	struct bridge_leg_conf b = {.codec = to,
				    .ptime_ms = listener.ptime_ms,
				    .send = packet_hear,
				    .arg = &listener};
	struct bridge *bridge = NULL;

	listener.out = &heard;
	heard.n = 0;
	good = good && bridge_new(&bridge, &a, &b) == 0;
	for (unsigned ms = 0; good && ms < SECONDS * 1000;
	     ms += BRIDGE_TICK_MS) {
		if (ms % speaker.ptime_ms == 0)
			packet_say(&speaker, bridge, ms);
		bridge_tick(bridge, USEC_S + ms * USEC_MS);
	}
	bridge_free(&bridge);
	media_coder_free(&speaker.coder);
	media_coder_free(&listener.coder);
	return good;
}

/* The second of the three, every k-th sample. */
static double likeness_at(const struct sound *s, size_t rate_hz, size_t late,
			  size_t k)
{
	double ab = 0, aa = 1, bb = 1;

	for (size_t i = rate_hz; i < 2 * rate_hz && i + late < s->n; i += k) {
		double x = said.pcm[i], y = s->pcm[i + late];

		ab += x * y;
		aa += x * x;
		bb += y * y;
	}
	return ab / sqrt(aa * bb);
}

static double likeness(const struct sound *s, size_t rate_hz)
{
	size_t k = rate_hz / 8000, at = 0;
	double best = -1;

	for (size_t late = 0; late < rate_hz * LATE_MS / 1000; late += k) {
		double like = likeness_at(s, rate_hz, late, k);

		if (like > best) {
			best = like;
			at = late;
		}
	}
	for (size_t late = at > k ? at - k : 0; k > 1 && late < at + k; late++)
		best = fmax(best, likeness_at(s, rate_hz, late, 1));
	return best;
}

static void pair_check(const struct media_codec *from,
		       const struct media_codec *to)
{
	uint32_t rate_hz = path_rate_hz(from, to);
	static struct sound between;
	struct speech speech;
	double direct, bridged;

	speech_init(&speech, rate_hz, 11);
	said.n = (size_t)SECONDS * rate_hz;
	speech_fill(&speech, said.pcm, said.n);
	CHECK(codec_apply(&between, &said, from, rate_hz));
	CHECK(codec_apply(&applied, &between, to, rate_hz));
	CHECK(bridge_apply(from, to, rate_hz));
	direct = likeness(&applied, rate_hz);
	bridged = likeness(&heard, rate_hz);
	printf("# %s/%u to %s at %u Hz: applied %.4f, bridged %.4f\n",
	       from->name, from->rtp_clock_hz, to->name, rate_hz, direct,
	       bridged);
	CHECK(bridged > 0.75);
	CHECK(bridged > direct * (1 - SAME));
}

static void test_bridge_adds_nothing_to_any_codec(void)
{
	const struct media_codec *const *all = media_codecs();

	for (size_t i = 1; all[i]; i++) {
		pair_check(all[i], &media_codec_opus);
		pair_check(&media_codec_opus, all[i]);
	}
}

static void test_bridge_rates_need_no_resampler(void)
{
	const struct media_codec *const *all = media_codecs();

	for (size_t i = 0; all[i]; i++)
		CHECK_INT(path_rate_hz(all[i], &media_codec_opus),
			  all[i]->rate_hz ? all[i]->rate_hz : 48000);
	CHECK_INT(path_rate_hz(&media_codec_pcma, &media_codec_gsm), 8000);
	CHECK_INT(path_rate_hz(&media_codec_pcma, &media_codec_g722), 0);
}

static void test_bridge_of_different_rates_is_refused(void)
{
	struct bridge_leg_conf a = {.codec = &media_codec_pcma,
				    .ptime_ms = 20,
				    .send = packet_ignore};
	struct bridge_leg_conf b = a;
	struct bridge *bridge = NULL;

	b.codec = &media_codec_g722;
	CHECK_INT(bridge_new(&bridge, &a, &b), -EINVAL);
	b.codec = &media_codec_l16_48;
	CHECK_INT(bridge_new(&bridge, &a, &b), -EINVAL);
	a.codec = &media_codec_opus;
	CHECK_INT(bridge_new(&bridge, &a, &b), -EINVAL); /* 20 ms of L16 */
	b.ptime_ms = 10;
	CHECK_INT(bridge_new(&bridge, &a, &b), 0);
	bridge_free(&bridge);
}

/* The far end's request in the packets it sends changes those it gets. */
static unsigned amr_bytes;

static void amr_hear(struct bytes payload, uint32_t samples, bool marker,
		     void *arg)
{
	amr_bytes = (unsigned)payload.n;
}

static const struct bridge_leg_conf amr_leg = {.codec =
						       &media_codec_amr_aligned,
					       .ptime_ms = 20,
					       .send = amr_hear,
					       .modes = 0x85};

static void amr_request_is_obeyed(struct bridge *bridge, enum bridge_side side)
{
	/* nothing but the request for mode 4: the best of 0, 2 and 7 is 2 */
	uint8_t request[] = {0x40, 0x7c};
	struct media_packet p = {.payload = {request, 2}};

	amr_bytes = 0;
	for (unsigned ms = 0; ms < 600; ms += BRIDGE_TICK_MS) {
		p.arrival = USEC_S + ms * USEC_MS;
		if (ms == 300)
			CHECK_INT(amr_bytes, 33);
		if (ms >= 300 && ms % 20 == 0) {
			p.seq++;
			p.ts += 160;
			bridge_input(bridge, side, &p);
		}
		bridge_tick(bridge, p.arrival);
	}
	CHECK_INT(amr_bytes, 17);
}

static void test_bridge_obeys_an_amr_request(void)
{
	struct bridge_leg_conf opus = {.codec = &media_codec_opus,
				       .ptime_ms = 20,
				       .send = packet_ignore};
	struct bridge *bridge = NULL;

	CHECK_INT(bridge_new(&bridge, &amr_leg, &opus), 0);
	amr_request_is_obeyed(bridge, BRIDGE_A);
	bridge_free(&bridge);
	CHECK_INT(bridge_new(&bridge, &opus, &amr_leg), 0);
	amr_request_is_obeyed(bridge, BRIDGE_B);
	bridge_free(&bridge);
	/* one that changed to AMR */
	CHECK_INT(bridge_new(&bridge, &opus, &opus), 0);
	CHECK_INT(bridge_set_leg(bridge, BRIDGE_A, &amr_leg), 0);
	amr_request_is_obeyed(bridge, BRIDGE_A);
	bridge_free(&bridge);
}

/* -- digits ------------------------------------------------------------- */

static char digits[20];

static void on_tone(char digit, void *arg)
{
	size_t n = strlen(digits);

	if (n + 1 < sizeof(digits))
		digits[n] = digit;
}

/* Of two bridges in a row the first plays digits as tones to its leg A, whose
 * sound is what comes from leg A of the second. */
static struct {
	struct bridge *to;
	uint16_t seq;
	uint32_t ts;
	usec_t now;
} wire;

static void wire_carry(struct bytes payload, uint32_t samples, bool marker,
		       void *arg)
{
	struct media_packet p = {.seq = wire.seq++,
				 .ts = wire.ts,
				 .payload = payload,
				 .arrival = wire.now};

	wire.ts += samples;
	if (payload.n)
		bridge_input(wire.to, BRIDGE_A, &p);
}

static void digits_check(const struct media_codec *codec)
{
	struct bridge_leg_conf a = {.codec = codec,
				    .ptime_ms = media_codec_ptime(codec, 20),
				    .transcode = true,
				    .send = wire_carry};
	struct bridge_leg_conf b = {.codec = &media_codec_opus,
				    .ptime_ms = 20,
				    .send = packet_ignore};
	struct bridge *from = NULL;

	memset(digits, 0, sizeof(digits));
	memset(&wire, 0, sizeof(wire));
	CHECK_INT(bridge_new(&from, &a, &b), 0);
	a.send = packet_ignore;
	a.transcode = false;
	a.tone = on_tone;
	CHECK_INT(bridge_new(&wire.to, &a, &b), 0);
	CHECK(!bridge_is_passthrough(wire.to));
	CHECK_INT(bridge_play_digits(from, BRIDGE_A, "1234567890*#ABCD"), 0);
	for (unsigned ms = 0; ms < 4000; ms += BRIDGE_TICK_MS) {
		wire.now = USEC_S + ms * USEC_MS;
		bridge_tick(from, wire.now);
		bridge_tick(wire.to, wire.now);
	}
	bridge_free(&from);
	bridge_free(&wire.to);
	CHECK_STR(digits, "1234567890*#ABCD");
}

static void test_bridge_digits_are_tones_in_every_codec(void)
{
	const struct media_codec *const *all = media_codecs();

	for (size_t i = 0; all[i]; i++)
		if (strcmp(all[i]->setting, "g729") != 0) /* spoils tones */
			digits_check(all[i]);
}

static void test_bridge_passing_through_plays_nothing(void)
{
	struct bridge_leg_conf a = {.codec = &media_codec_opus,
				    .ptime_ms = 20,
				    .send = packet_ignore};
	struct bridge *bridge = NULL;

	CHECK_INT(bridge_new(&bridge, &a, &a), 0);
	CHECK_INT(bridge_play_digits(bridge, BRIDGE_A, "1"), -ENOTSUP);
	bridge_free(&bridge);
}

int main(void)
{
	RUN(test_bridge_adds_nothing_to_any_codec);
	RUN(test_bridge_rates_need_no_resampler);
	RUN(test_bridge_of_different_rates_is_refused);
	RUN(test_bridge_obeys_an_amr_request);
	RUN(test_bridge_digits_are_tones_in_every_codec);
	RUN(test_bridge_passing_through_plays_nothing);
	return check_done();
}
