#include "media/dtmf.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "media/codec.h"
#include "media/dtmf_tones.h"
#include "media/telephone_event.h"
#include "tests/check.h"
#include "tests/speech.h"

static const char all[] = "0123456789*#ABCD";

/* -- the queue ---------------------------------------------------------- */

static void test_dtmf_queue_takes_all_or_none(void)
{
	struct dtmf_queue q = {.n = 0};
	char many[DTMF_QUEUE_MAX + 1];

	CHECK_INT(dtmf_queue_put(&q, ""), -EINVAL);
	CHECK_INT(dtmf_queue_put(&q, "12x"), -EINVAL);
	CHECK_INT(dtmf_queue_put(&q, "a"), -EINVAL);
	CHECK_INT(dtmf_queue_take(&q), 0);
	for (int round = 0; round < 7; round++) {
		CHECK_INT(dtmf_queue_put(&q, all), 0);
		for (const char *c = all; *c; c++)
			CHECK_INT(dtmf_queue_take(&q), *c);
	}
	memset(many, '5', sizeof(many));
	many[DTMF_QUEUE_MAX] = '\0';
	CHECK_INT(dtmf_queue_put(&q, "1"), 0);
	CHECK_INT(dtmf_queue_put(&q, many), -ENOSPC);
	CHECK_INT(dtmf_queue_put(&q, many + 1), 0);
	CHECK_INT(dtmf_queue_take(&q), '1');
	CHECK_INT(q.n, DTMF_QUEUE_MAX - 1);
}

/* -- one press, however it comes ---------------------------------------- */

/* "r1 i1 b2": a letter of the method, the digit, 300 ms apart; '-' is six
 * seconds. Returns the presses. */
static const char *presses(const char *text)
{
	static const char methods[] = "rib";
	static char out[32];
	struct dtmf_presses p = {.n = 0};
	usec_t now = USEC_S;
	size_t n = 0;

	for (; *text; text++) {
		if (*text == '-')
			now += 6 * USEC_S;
		if (*text == '-' || *text == ' ')
			continue;
		now += 300 * USEC_MS;
		if (dtmf_press(&p,
			       (enum dtmf_method)(strchr(methods, text[0]) -
						  methods),
			       text[1], now))
			out[n++] = text[1];
		text++;
	}
	out[n] = '\0';
	return out;
}

static void test_dtmf_presses_are_counted_once(void)
{
	CHECK_STR(presses("r1 r1 r1"), "111");
	CHECK_STR(presses("i1 i2 b3"), "123");
	CHECK_STR(presses("b1 r1 b1 r1"), "11");
	CHECK_STR(presses("b1 b1 r1 r1"), "11");
	CHECK_STR(presses("r4 i4 b4 b7 r7 i7 r1 b1"), "471");
	/* one method misses some */
	CHECK_STR(presses("r1 r2 b2 r3 b3"), "123");
	CHECK_STR(presses("b1 r1 r2 r3 b3 b4 r4"), "1234");
	/* much later it is another press */
	CHECK_STR(presses("r1 - b1"), "11");
	CHECK_STR(presses("r1 b1 - b1 r1"), "11");
}

static void test_dtmf_presses_go_on_for_long(void)
{
	struct dtmf_presses p = {.n = 0};
	unsigned n = 0;

	for (unsigned i = 0; i < 300; i++) {
		usec_t now = USEC_S + i * 200 * USEC_MS;

		n += dtmf_press(&p, DTMF_RFC2833, all[i * 7 % 16], now);
		if (i % 50 > 20)
			n += dtmf_press(&p, DTMF_INBAND, all[i * 7 % 16],
					now + 50 * USEC_MS);
	}
	CHECK_INT(n, 300);
}

/* -- events ------------------------------------------------------------- */

/* RFC 4733: what a receiver makes of what the sender sends; audio packets
 * between. */
static void sender_check(uint32_t clock_hz, uint32_t event_hz, unsigned ptime)
{
	struct telephone_sender sender = {.ends = 0};
	struct telephone_events events = {.pressed = false};
	uint32_t ts = 0xffffff00, samples = clock_hz / 1000 * ptime;
	unsigned audio = 0, markers = 0, packets = 0, since = 0, pause = 99999;
	char heard[20] = "";

	CHECK_INT(dtmf_queue_put(&sender.queue, all), 0);
	for (unsigned i = 0; i < 20000 / ptime; i++, ts += samples) {
		struct telephone_slot slot = {ts, samples, clock_hz, event_hz};
		struct telephone_digit d[2];
		struct rtp_header h = {.pt = 101};
		uint8_t payload[4];
		int n;

		if (!telephone_sender_next(&sender, payload, &slot,
					   &h.marker)) {
			audio++;
			since++;
			continue;
		}
		if (h.marker && packets)
			pause = since * ptime < pause ? since * ptime : pause;
		since = 0;
		packets++;
		markers += h.marker;
		CHECK(!h.marker || slot.ts == ts);
		h.ts = slot.ts;
		h.payload = bytes_of(payload, 4);
		n = telephone_event_read(&events, d, &h, i * 20 * USEC_MS);
		CHECK(n == 0 || n == 1);
		if (!n)
			continue;
		heard[strlen(heard)] = d[0].digit;
		CHECK(d[0].duration >= event_hz / 1000 * DTMF_PRESS_MS);
		CHECK(d[0].duration <=
		      event_hz / 1000 * (DTMF_PRESS_MS + ptime));
		CHECK(payload[1] & 0x80);
	}
	CHECK_STR(heard, all);
	CHECK_INT(markers, 16);
	CHECK(audio > 16);
	CHECK_INT(packets, 16 * ((DTMF_PRESS_MS + ptime - 1) / ptime + 2));
	/* two of the three ends are part of the pause */
	CHECK(pause + 2 * ptime >= DTMF_PAUSE_MS);
}

static void test_dtmf_events_are_what_a_receiver_expects(void)
{
	sender_check(8000, 8000, 20);
	sender_check(8000, 8000, 30);
	sender_check(48000, 48000, 20);
	sender_check(48000, 8000, 60);
	sender_check(16000, 8000, 40);
}

static void test_dtmf_event_bytes(void)
{
	struct telephone_sender sender = {.ends = 0};
	struct telephone_slot slot = {1000, 160, 8000, 8000};
	uint8_t payload[4];
	bool marker;

	CHECK_INT(dtmf_queue_put(&sender.queue, "#"), 0);
	CHECK(telephone_sender_next(&sender, payload, &slot, &marker));
	CHECK(marker);
	CHECK(!memcmp(payload, "\x0b\x0a\x00\xa0", 4));
	for (int i = 2; i <= 5; i++) {
		slot.ts = 1000 + 160 * (uint32_t)(i - 1);
		CHECK(telephone_sender_next(&sender, payload, &slot, &marker));
		CHECK(!marker);
		CHECK_INT(slot.ts, 1000);
	}
	CHECK(!memcmp(payload, "\x0b\x8a\x03\x20", 4));
	for (int i = 0; i < 2; i++)
		CHECK(telephone_sender_next(&sender, payload, &slot, &marker));
	CHECK(!memcmp(payload, "\x0b\x8a\x03\x20", 4));
	CHECK(!telephone_sender_next(&sender, payload, &slot, &marker));
}

/* -- tones -------------------------------------------------------------- */

static char heard[64];

static void on_heard(char digit, void *arg)
{
	size_t n = strlen(heard);

	if (n + 1 < sizeof(heard)) {
		heard[n] = digit;
		heard[n + 1] = '\0';
	}
}

static void test_dtmf_tones_are_heard_at_every_rate(void)
{
	static const uint32_t rates[] = {8000, 16000, 48000};

	for (size_t i = 0; i < 3; i++) {
		size_t frame = rates[i] / 50;
		struct dtmf_tones tones = {.made = 0};
		struct dtmf_ear *ear = NULL;
		struct speech voice;
		int16_t pcm[960];

		*heard = '\0';
		speech_init(&voice, rates[i], 3);
		CHECK_INT(dtmf_ear_new(&ear, rates[i], on_heard, NULL), 0);
		CHECK_INT(dtmf_queue_put(&tones.queue, all), 0);
		for (int k = 0; k < 4 * 50; k++) {
			speech_fill(&voice, pcm, frame);
			dtmf_tones_fill(&tones, pcm, frame, rates[i]);
			dtmf_ear_listen(ear, pcm, frame);
		}
		dtmf_ear_free(&ear);
		CHECK_STR(heard, all);
	}
}

static void test_dtmf_tones_are_those_of_q23(void)
{
	struct dtmf_tones tones = {.made = 0};
	int16_t pcm[1600];
	unsigned hz[2];

	dtmf_tones_hz('6', hz);
	CHECK(hz[0] == 770 && hz[1] == 1477);
	dtmf_tones_hz('D', hz);
	CHECK(hz[0] == 941 && hz[1] == 1633);
	for (size_t i = 0; i < 1600; i++)
		pcm[i] = 77;
	CHECK_INT(dtmf_queue_put(&tones.queue, "1"), 0);
	dtmf_tones_fill(&tones, pcm, 1600, 8000);
	for (size_t i = 0; i < 800; i++) {
		double at = 2 * M_PI * (double)i / 8000;

		CHECK(fabs(pcm[i] - 9090 * sin(697 * at) -
			   11440 * sin(1209 * at)) < 2);
	}
	/* 100 ms of silence, and the next call leaves the voice alone */
	CHECK(pcm[800] == 0 && pcm[1599] == 0);
	pcm[0] = 77;
	dtmf_tones_fill(&tones, pcm, 1600, 8000);
	CHECK_INT(pcm[0], 77);
}

static void test_dtmf_ear_hears_none_in_speech(void)
{
	struct dtmf_ear *ear = NULL;
	struct speech voice;
	int16_t pcm[160];

	*heard = '\0';
	speech_init(&voice, 8000, 5);
	CHECK_INT(dtmf_ear_new(&ear, 44100, on_heard, NULL), -EINVAL);
	CHECK_INT(dtmf_ear_new(&ear, 8000, on_heard, NULL), 0);
	for (int k = 0; k < 60 * 50; k++) {
		speech_fill(&voice, pcm, 160);
		dtmf_ear_listen(ear, pcm, 160);
	}
	dtmf_ear_free(&ear);
	CHECK_STR(heard, "");
}

/* What compression leaves of them is enough. */
static void test_dtmf_tones_pass_every_codec(void)
{
	const struct media_codec *const *codecs = media_codecs();

	for (size_t i = 0; codecs[i]; i++) {
		uint32_t rate = codecs[i]->rate_hz ? codecs[i]->rate_hz : 8000;
		size_t frame = rate / 1000 * media_codec_ptime(codecs[i], 20);
		struct media_coder_conf conf = {.rate_hz = rate,
						.complexity = -1};
		struct dtmf_tones tones = {.made = 0};
		struct media_coder *c = NULL;
		struct dtmf_ear *ear = NULL;
		int16_t pcm[960] = {0};
		uint8_t packet[1500];

		if (!strcmp(codecs[i]->setting, "g729"))
			continue; /* made for speech alone */
		*heard = '\0';
		CHECK_INT(dtmf_ear_new(&ear, rate, on_heard, NULL), 0);
		CHECK_INT(media_coder_new(&c, codecs[i], &conf), 0);
		CHECK_INT(dtmf_queue_put(&tones.queue, all), 0);
		for (size_t k = 0; k < 4 * rate / frame; k++) {
			int n;

			memset(pcm, 0, sizeof(pcm));
			dtmf_tones_fill(&tones, pcm, frame, rate);
			n = media_encode(c, packet, sizeof(packet), pcm, frame);
			CHECK(n > 0);
			CHECK_INT(media_decode(c, pcm, frame,
					       bytes_of(packet, (size_t)n),
					       false),
				  frame);
			dtmf_ear_listen(ear, pcm, frame);
		}
		printf("# %s/%u: %s\n", codecs[i]->name, rate, heard);
		CHECK_STR(heard, all);
		dtmf_ear_free(&ear);
		media_coder_free(&c);
	}
}

int main(void)
{
	RUN(test_dtmf_queue_takes_all_or_none);
	RUN(test_dtmf_presses_are_counted_once);
	RUN(test_dtmf_presses_go_on_for_long);
	RUN(test_dtmf_events_are_what_a_receiver_expects);
	RUN(test_dtmf_event_bytes);
	RUN(test_dtmf_tones_are_heard_at_every_rate);
	RUN(test_dtmf_tones_are_those_of_q23);
	RUN(test_dtmf_ear_hears_none_in_speech);
	RUN(test_dtmf_tones_pass_every_codec);
	return check_done();
}
