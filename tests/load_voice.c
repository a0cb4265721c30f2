#include "tests/load_voice.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define RATE_HZ 8000
#define AMPLITUDE 8000
#define FRAME (RATE_HZ * LOAD_VOICE_PACKET_MS / 1000)
/* Root mean square below this is silence. */
#define SILENT 50
/* Parts of a window's power. */
#define HEARD_SHARE 0.6
#define FOREIGN_SHARE 0.3

int load_speaker_init(struct load_speaker *s, const struct media_codec *codec,
		      unsigned hertz)
{
	struct media_coder_conf conf = {
		.use = MEDIA_CODER_ENCODE,
		.rate_hz = RATE_HZ,
		.complexity = -1,
	};
	struct media_coder *c = NULL;
	int n = media_coder_new(&c, codec, &conf);

	if (n < 0)
		return n;
	s->at = 0;
	/* The second round is kept: the coder has settled then. */
	for (size_t i = 0; i < 2 * LOAD_VOICE_PACKETS && n >= 0; i++) {
		size_t at = i % LOAD_VOICE_PACKETS;
		int16_t pcm[FRAME];

		for (size_t k = 0; k < FRAME; k++)
			pcm[k] = (int16_t)(AMPLITUDE *
					   sin(2 * M_PI * hertz *
					       (double)(at * FRAME + k) /
					       RATE_HZ));
		n = media_encode(c, s->packets[at].bytes,
				 LOAD_VOICE_PACKET_BYTES, pcm, FRAME);
		if (n > 0)
			s->packets[at].n = (size_t)n;
	}
	media_coder_free(&c);
	return n < 0 ? n : 0;
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

static bool holds_any(const int16_t *pcm, double power, const unsigned *hertz,
		      size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (share(pcm, power, hertz[i]) > FOREIGN_SHARE)
			return true;
	return false;
}

static void window_judge(struct load_listener *l, const unsigned *foreign_hz,
			 size_t foreign_n)
{
	double power = 0;

	for (size_t i = 0; i < LOAD_VOICE_WINDOW; i++)
		power += (double)l->pcm[i] * l->pcm[i];
	if (power < (double)SILENT * SILENT * LOAD_VOICE_WINDOW)
		l->silent++;
	else if (share(l->pcm, power, l->hertz) > HEARD_SHARE)
		l->heard++;
	else if (holds_any(l->pcm, power, foreign_hz, foreign_n))
		l->foreign++;
	else
		l->unclear++;
}

void load_listener_packet(struct load_listener *l, struct bytes payload,
			  const unsigned *foreign_hz, size_t foreign_n)
{
	int16_t pcm[RATE_HZ * MEDIA_PACKET_MS_MAX / 1000];
	int n = media_decode(l->coder, pcm, sizeof(pcm) / sizeof(pcm[0]),
			     payload, false);

	for (int i = 0; i < n; i++) {
		l->pcm[l->n++] = pcm[i];
		if (l->n < LOAD_VOICE_WINDOW)
			continue;
		l->n = 0;
		window_judge(l, foreign_hz, foreign_n);
	}
}
