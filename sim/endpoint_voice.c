#include "sim/endpoint_voice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_PER_MS 48
#define TICK_SAMPLES 480
/* Longer inputs are not worth keeping encoded: it is for load tests. */
#define PACKETS_MAX 20000

/* -- speaking -------------------------------------------------------------- */

static int packet_encode(struct speaker *s, struct voice_packet *p)
{
	int16_t frame[VOICE_FRAME_MAX];
	int n;

	for (size_t i = 0; i < s->frame; i++) {
		frame[i] = s->samples[s->at];
		s->at = (s->at + 1) % s->samples_n;
	}
	n = media_encode(s->coder, p->p, sizeof(p->p), frame, s->frame);
	p->n = n > 0 ? (size_t)n : 0;
	return n;
}

static int encode_all(struct speaker *s)
{
	size_t n = s->samples_n / s->frame;

	if (n == 0 || n > PACKETS_MAX)
		return -EINVAL;
	s->packets = calloc(n, sizeof(*s->packets));
	if (!s->packets)
		return -ENOMEM;
	for (s->packets_n = 0; s->packets_n < n; s->packets_n++)
		if (packet_encode(s, &s->packets[s->packets_n]) < 0)
			return -EINVAL;
	return 0;
}

int speaker_init(struct speaker *s, const char *path, unsigned ptime_ms,
		 bool pre_encoded)
{
	const struct media_coder_conf conf = {
		.rate_hz = WAV_RATE_HZ,
		.bitrate = 32000,
		.complexity = 5,
		.wideband = ptime_ms > 20,
	};
	int e;

	memset(s, 0, sizeof(*s));
	if (!path)
		return 0;
	s->frame = (size_t)ptime_ms * SAMPLES_PER_MS;
	e = wav_read(&s->samples, &s->samples_n, path);
	if (e == 0)
		e = media_coder_new(&s->coder, &media_codec_opus, &conf);
	if (e == 0 && pre_encoded)
		e = encode_all(s);
	return e;
}

void speaker_clear(struct speaker *s)
{
	media_coder_free(&s->coder);
	free(s->samples);
	free(s->packets);
	memset(s, 0, sizeof(*s));
}

void speaker_expect_loss(struct speaker *s, int percent)
{
	if (s->coder)
		media_coder_set_loss(s->coder, percent);
}

const struct voice_packet *speaker_next(struct speaker *s)
{
	if (s->packets_n) {
		const struct voice_packet *p = &s->packets[s->packet_at];

		s->packet_at = (s->packet_at + 1) % s->packets_n;
		return p;
	}
	if (!s->samples || packet_encode(s, &s->now) < 0)
		return NULL;
	return &s->now;
}

/* -- hearing --------------------------------------------------------------- */

int listener_init(struct listener *l, const char *path, usec_t now)
{
	static const struct jitter_conf jitter = {.clock_hz = WAV_RATE_HZ,
						  .fec = true};
	static const struct media_coder_conf coder = {
		.rate_hz = WAV_RATE_HZ,
		.complexity = -1,
	};
	int e;

	memset(l, 0, sizeof(*l));
	l->started_at = now;
	if (!path)
		return 0;
	e = jitter_new(&l->jitter, &jitter);
	if (e == 0)
		e = media_coder_new(&l->coder, &media_codec_opus, &coder);
	if (e == 0)
		e = wav_open(&l->wav, path);
	return e;
}

void listener_clear(struct listener *l)
{
	jitter_free(&l->jitter);
	media_coder_free(&l->coder);
	wav_close(&l->wav);
}

void listener_packet(struct listener *l, const struct media_packet *p)
{
	int samples;

	if (!l->wav.file)
		return;
	samples = media_payload_samples(&media_codec_opus, p->payload);
	if (samples > 0)
		jitter_put(l->jitter, p, (uint32_t)samples);
}

/* Decodes `payload` (n 0: conceals `samples`) behind what is there. */
static void decode(struct listener *l, struct bytes payload, size_t samples,
		   bool fec)
{
	size_t room = sizeof(l->pcm) / sizeof(l->pcm[0]) - l->pcm_n;
	int n;

	if (payload.n && !fec)
		samples = room;
	if (samples > room)
		samples = room;
	n = media_decode(l->coder, l->pcm + l->pcm_n, samples, payload, fec);
	if (n > 0)
		l->pcm_n += (size_t)n;
}

/* One decision of the jitter buffer; false: there is nothing. */
static bool more_decode(struct listener *l, usec_t now)
{
	size_t before = l->pcm_n;
	struct jitter_out out;

	jitter_get(l->jitter, &out, now);
	switch (out.verdict) {
	case JITTER_WAIT:
		return false;
	case JITTER_PACKET:
		decode(l, out.packet.payload, 0, false);
		break;
	case JITTER_DROP:
		decode(l, out.packet.payload, 0, false);
		l->pcm_n = before;
		return true;
	case JITTER_FEC:
		decode(l, out.packet.payload, out.samples, true);
		break;
	case JITTER_LOST:
		decode(l, bytes_of(NULL, 0), out.samples, false);
		break;
	case JITTER_EXPAND:
		if (l->pcm_n + out.samples <=
		    sizeof(l->pcm) / sizeof(l->pcm[0])) {
			media_stretch(l->coder, l->pcm + l->pcm_n, out.samples);
			l->pcm_n += out.samples;
		}
		break;
	}
	return l->pcm_n > before;
}

static void write_one_tick(struct listener *l, usec_t now)
{
	static const int16_t silence[TICK_SAMPLES];

	while (l->pcm_n < TICK_SAMPLES && more_decode(l, now))
		;
	if (l->pcm_n < TICK_SAMPLES) {
		size_t n = l->pcm_n;

		wav_put(&l->wav, l->pcm, n);
		wav_put(&l->wav, silence, TICK_SAMPLES - n);
		l->pcm_n = 0;
		return;
	}
	wav_put(&l->wav, l->pcm, TICK_SAMPLES);
	l->pcm_n -= TICK_SAMPLES;
	memmove(l->pcm, l->pcm + TICK_SAMPLES, 2 * l->pcm_n);
}

void listener_tick(struct listener *l, usec_t now)
{
	uint64_t due = (now - l->started_at) / USEC_MS * SAMPLES_PER_MS;

	if (!l->wav.file)
		return;
	while (l->wav.samples + TICK_SAMPLES <= due)
		write_one_tick(l, now);
	/* Whole even if somebody kills us. */
	if (l->wav.samples % WAV_RATE_HZ < TICK_SAMPLES)
		wav_sync(&l->wav);
}
