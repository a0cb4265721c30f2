/* The detector hears 8 kHz: other rates pass a filter of windowed sincs that
 * leaves what is below 2 kHz, and every second or sixth sample of it. */
#include "media/dtmf_tones.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spandsp/telephony.h>

#include <spandsp/logging.h>

#include <spandsp/super_tone_rx.h>
#include <spandsp/tone_generate.h>

#include <spandsp/dtmf.h>

/* Peak of 3.14 dBm0 at full scale: -8 and -6 dBm0, the higher tone louder, as
 * lines weaken it more. */
#define LOW_AMPLITUDE 9090
#define HIGH_AMPLITUDE 11440
#define EAR_RATE_HZ 8000
#define CUTOFF_HZ 3000
#define TAPS_PER_STEP 8
#define FACTOR_MAX 6
#define TAPS_MAX (TAPS_PER_STEP * FACTOR_MAX)
#define BLOCK 160

/* -- made --------------------------------------------------------------- */

static void tone_write(struct dtmf_tones *t, int16_t *pcm, size_t n,
		       uint32_t rate_hz)
{
	unsigned hz[2];

	dtmf_tones_hz(t->digit, hz);
	for (size_t i = 0; i < n; i++) {
		double at = 2 * M_PI * (double)(t->made + i) / rate_hz;

		pcm[i] = (int16_t)(LOW_AMPLITUDE * sin(hz[0] * at) +
				   HIGH_AMPLITUDE * sin(hz[1] * at));
	}
}

void dtmf_tones_fill(struct dtmf_tones *t, int16_t *pcm, size_t n,
		     uint32_t rate_hz)
{
	size_t press = rate_hz / 1000 * DTMF_PRESS_MS;
	size_t whole = press + rate_hz / 1000 * DTMF_PAUSE_MS;

	while (n) {
		bool sounds = t->digit && t->made < press;
		size_t part = (sounds ? press : whole) - t->made;

		if (!t->digit) {
			t->digit = dtmf_queue_take(&t->queue);
			t->made = 0;
			if (!t->digit)
				return;
			continue;
		}
		part = part < n ? part : n;
		if (sounds)
			tone_write(t, pcm, part, rate_hz);
		else
			memset(pcm, 0, part * sizeof(*pcm));
		t->made += part;
		pcm += part;
		n -= part;
		if (t->made == whole)
			t->digit = 0;
	}
}

/* -- heard -------------------------------------------------------------- */

struct dtmf_ear {
	dtmf_rx_state_t *rx;
	void (*heard)(char digit, void *arg);
	void *arg;
	size_t factor, taps;
	float filter[TAPS_MAX];
	int16_t last[TAPS_MAX]; /* a ring */
	size_t at, step;
};

static void digits_heard(void *arg, const char *digits, int n)
{
	struct dtmf_ear *e = arg;

	for (int i = 0; i < n; i++)
		if (dtmf_is_digit(digits[i]))
			e->heard(digits[i], e->arg);
}

static void filter_make(struct dtmf_ear *e, uint32_t rate_hz)
{
	double sum = 0, middle = (double)(e->taps - 1) / 2;

	for (size_t i = 0; i < e->taps; i++) {
		double x =
			2 * M_PI * CUTOFF_HZ / rate_hz * ((double)i - middle);
		double window = 0.54 - 0.46 * cos(2 * M_PI * (double)i /
						  (double)(e->taps - 1));

		e->filter[i] = (float)(window * (x != 0 ? sin(x) / x : 1));
		sum += e->filter[i];
	}
	for (size_t i = 0; i < e->taps; i++)
		e->filter[i] /= (float)sum;
}

int dtmf_ear_new(struct dtmf_ear **ep, uint32_t rate_hz,
		 void (*heard)(char digit, void *arg), void *arg)
{
	struct dtmf_ear *e;

	if (rate_hz % EAR_RATE_HZ || !rate_hz ||
	    rate_hz > FACTOR_MAX * EAR_RATE_HZ)
		return -EINVAL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->heard = heard;
	e->arg = arg;
	e->factor = rate_hz / EAR_RATE_HZ;
	e->taps = TAPS_PER_STEP * e->factor;
	filter_make(e, rate_hz);
	e->rx = dtmf_rx_init(NULL, digits_heard, e);
	if (!e->rx) {
		free(e);
		return -ENOMEM;
	}
	*ep = e;
	return 0;
}

void dtmf_ear_free(struct dtmf_ear **ep)
{
	struct dtmf_ear *e = *ep;

	*ep = NULL;
	if (!e)
		return;
	(void)dtmf_rx_free(e->rx);
	free(e);
}

static int16_t filtered(const struct dtmf_ear *e)
{
	float sum = 0;

	for (size_t i = 0; i < e->taps; i++)
		sum += e->filter[i] * e->last[(e->at + i) % e->taps];
	return (int16_t)(sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum);
}

void dtmf_ear_listen(struct dtmf_ear *e, const int16_t *pcm, size_t n)
{
	int16_t block[BLOCK];
	size_t have = 0;

	if (e->factor == 1) {
		(void)dtmf_rx(e->rx, pcm, (int)n);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		e->last[e->at] = pcm[i];
		e->at = (e->at + 1) % e->taps;
		if (++e->step < e->factor)
			continue;
		e->step = 0;
		block[have++] = filtered(e);
		if (have < BLOCK)
			continue;
		(void)dtmf_rx(e->rx, block, BLOCK);
		have = 0;
	}
	if (have)
		(void)dtmf_rx(e->rx, block, (int)have);
}
