#include "tests/load_voice.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/speech.h"

#define RATE_HZ 8000
/* Peak of the tone; the speech's is above 10000. */
#define TONE 300
#define FRAME (RATE_HZ * LOAD_VOICE_PACKET_MS / 1000)
/* Root mean square below this is silence. */
#define SILENT 50
/* Ratio of powers between the heard tone and any other. */
#define STRONGER 3
/* A tone's least part of a window's power; below it is what speech and codec
 * leave at any frequency. */
#define TONE_SHARE 0.0001

void load_voice_fill(int16_t *pcm, size_t n, uint32_t rate_hz, unsigned hertz)
{
	struct speech s;

	speech_init(&s, rate_hz, hertz);
	for (size_t i = 0; i < n; i++) {
		double v = speech_next(&s) +
			   TONE * sin(2 * M_PI * hertz * (double)i / rate_hz);

		pcm[i] = (int16_t)fmax(-32767, fmin(32767, v));
	}
}

static int packets_encode(struct load_speaker *s, struct media_coder *c,
			  const int16_t *pcm)
{
	/* The second round is kept: the coder has settled then. */
	for (size_t i = 0; i < 2 * LOAD_VOICE_PACKETS; i++) {
		size_t at = i % LOAD_VOICE_PACKETS;
		int n = media_encode(c, s->packets[at].bytes,
				     LOAD_VOICE_PACKET_BYTES, pcm + at * FRAME,
				     FRAME);

		if (n < 0)
			return n;
		s->packets[at].n = (size_t)n;
	}
	return 0;
}

int load_speaker_init(struct load_speaker *s, const struct media_codec *codec,
		      unsigned hertz)
{
	struct media_coder_conf conf = {
		.use = MEDIA_CODER_ENCODE,
		.rate_hz = RATE_HZ,
		.complexity = -1,
	};
	size_t n = LOAD_VOICE_S * RATE_HZ;
	int16_t *pcm = calloc(n, sizeof(*pcm));
	struct media_coder *c = NULL;
	int err = pcm ? media_coder_new(&c, codec, &conf) : -ENOMEM;

	s->at = 0;
	if (!err) {
		load_voice_fill(pcm, n, RATE_HZ, hertz);
		err = packets_encode(s, c, pcm);
	}
	media_coder_free(&c);
	free(pcm);
	return err;
}

struct bytes load_speaker_next(struct load_speaker *s)
{
	size_t at = s->at;

	s->at = (at + 1) % LOAD_VOICE_PACKETS;
	return bytes_of(s->packets[at].bytes, s->packets[at].n);
}

int load_listener_init(struct load_listener *l, const struct media_codec *codec,
		       unsigned hertz)
{
	struct media_coder_conf conf = {
		.use = MEDIA_CODER_DECODE,
		.rate_hz = RATE_HZ,
		.complexity = -1,
	};

	memset(l, 0, sizeof(*l));
	l->hertz = hertz;
	return media_coder_new(&l->coder, codec, &conf);
}

void load_listener_clear(struct load_listener *l)
{
	media_coder_free(&l->coder);
}

void load_listener_reset(struct load_listener *l)
{
	l->n = 0;
	l->heard = l->silent = l->foreign = l->unclear = 0;
}

/* Goertzel: the power at one frequency, as a part of `power`. */
static double share(const int16_t *pcm, double power, unsigned hertz)
{
	double k = 2 * cos(2 * M_PI * hertz / RATE_HZ), a = 0, b = 0;

	for (size_t i = 0; i < LOAD_VOICE_WINDOW; i++) {
		double c = pcm[i] + k * a - b;

		b = a;
		a = c;
	}
	return (a * a + b * b - k * a * b) * 2 / LOAD_VOICE_WINDOW / power;
}

/* The strongest tone of all; none when it is not so by far. */
static unsigned strongest(const int16_t *pcm, double power,
			  const unsigned *tones_hz, size_t tones_n)
{
	double first = 0, second = 0;
	unsigned hertz = 0;

	for (size_t i = 0; i < tones_n; i++) {
		double s = share(pcm, power, tones_hz[i]);

		if (s > first) {
			second = first;
			first = s;
			hertz = tones_hz[i];
		} else if (s > second) {
			second = s;
		}
	}
	return first > STRONGER * second && first > TONE_SHARE ? hertz : 0;
}

static void window_judge(struct load_listener *l, const unsigned *tones_hz,
			 size_t tones_n)
{
	double power = 0;
	unsigned hertz;

	for (size_t i = 0; i < LOAD_VOICE_WINDOW; i++)
		power += (double)l->pcm[i] * l->pcm[i];
	if (power < (double)SILENT * SILENT * LOAD_VOICE_WINDOW) {
		l->silent++;
		return;
	}
	hertz = strongest(l->pcm, power, tones_hz, tones_n);
	if (hertz == l->hertz)
		l->heard++;
	else if (hertz)
		l->foreign++;
	else
		l->unclear++;
}

void load_listener_packet(struct load_listener *l, struct bytes payload,
			  const unsigned *tones_hz, size_t tones_n)
{
	int16_t pcm[RATE_HZ * MEDIA_PACKET_MS_MAX / 1000];
	int n = media_decode(l->coder, pcm, sizeof(pcm) / sizeof(pcm[0]),
			     payload, false);

	for (int i = 0; i < n; i++) {
		l->pcm[l->n++] = pcm[i];
		if (l->n < LOAD_VOICE_WINDOW)
			continue;
		l->n = 0;
		window_judge(l, tones_hz, tones_n);
	}
}
