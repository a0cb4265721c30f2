#include "media/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "media/dtmf_tones.h"
#include "media/repack.h"
#include "media/splice.h"

#define TICK_US (BRIDGE_TICK_MS * USEC_MS)
/* Ticks are never quite on time: what is due within half a tick is due. */
#define DUE_US (TICK_US / 2)
/* After a longer sleep of the thread there is no catching up. */
#define SLEPT_US (100 * USEC_MS)
/* The longest packet, a frame to send and what a sleep piles up. */
#define PCM_MS 320
#define PACKET_BYTES 1500
/* What the jitter buffer may hold: 400 ms, and a packet more. */
#define HELD_MS 520
#define HELD_BYTES_LEAST 4096
/* Samples that never leave for so long are delay without use. */
#define RESIDUE_EVERY_US USEC_S
#define RESIDUE_LEAST_MS 5

/* Silence before the first sound delays it by part of a packet, and usually
 * both legs begin at once. */
#define SILENCE_AFTER_US (100 * USEC_MS)
/* Beyond this, timestamps have jumped. */
#define GAP_MAX_MS 500

#define OPUS_CLOCK_HZ 48000U

struct path {
	struct bridge_leg_conf to;
	const struct media_codec *from;
	struct jitter *jitter;
	bool started, waiting, marker;
	usec_t started_at, next_pull, next_send;
	uint64_t packets_out, undecodable;

	/* transcoding */
	struct media_coder *decoder, *encoder;
	struct dtmf_ear *ear; /* NULL: nobody wants to know */
	struct dtmf_tones tones;
	uint32_t rate_hz;
	int16_t *pcm;
	size_t pcm_n, pcm_room, frame; /* samples; frame: of a packet to send */
	size_t residue;                /* least left over after sending */
	usec_t residue_at;

	/* passing through */
	bool passthrough;
	struct repack *repack; /* only here */
	unsigned wait_ms;      /* of silence not sent yet */
	bool follows;          /* the packet passed on last is known: */
	uint16_t next_seq;
	uint32_t next_ts, last_samples;
	uint8_t silence[16];
	size_t silence_n;
};

/* -- creation ----------------------------------------------------------- */

uint32_t path_rate_hz(const struct media_codec *from,
		      const struct media_codec *to)
{
	/* no resampler: Opus at the rate of the other */
	if (!from->rate_hz && !to->rate_hz)
		return OPUS_CLOCK_HZ;
	if (!from->rate_hz || !to->rate_hz)
		return from->rate_hz + to->rate_hz;
	return from->rate_hz == to->rate_hz ? from->rate_hz : 0;
}

static bool conf_is_good(const struct bridge_leg_conf *c)
{
	return c->codec && c->send && c->ptime_ms &&
	       media_codec_ptime(c->codec, c->ptime_ms) == c->ptime_ms;
}

static int coders_new(struct path *p, const struct bridge_leg_conf *from)
{
	struct media_coder_conf conf = {
		.use = MEDIA_CODER_DECODE,
		.rate_hz = path_rate_hz(p->from, p->to.codec),
		.complexity = BRIDGE_OPUS_COMPLEXITY,
		.expected_loss = BRIDGE_OPUS_LOSS_PERCENT,
		.bitrate = p->to.bitrate ? p->to.bitrate : BRIDGE_OPUS_BITRATE,
		.modes = p->to.modes,
	};
	int err = media_coder_new(&p->decoder, p->from, &conf);

	conf.use = MEDIA_CODER_ENCODE;
	if (!err)
		err = media_coder_new(&p->encoder, p->to.codec, &conf);
	if (err)
		return err;
	if (from->tone)
		err = dtmf_ear_new(&p->ear, conf.rate_hz, from->tone,
				   from->arg);
	if (err)
		return err;
	p->rate_hz = conf.rate_hz;
	p->frame = p->rate_hz * p->to.ptime_ms / 1000;
	p->pcm_room = p->rate_hz * PCM_MS / 1000;
	p->pcm = calloc(p->pcm_room, sizeof(*p->pcm));
	return p->pcm ? 0 : -ENOMEM;
}

/* Silence of one packet time, made of CELT frames of 10 or 20 ms. */
static int silence_make(struct path *p)
{
	static const uint8_t silent_10[] = {0xf0, 0xff, 0xfe};
	static const uint8_t silent_20[] = {0xf8, 0xff, 0xfe};
	unsigned frames = p->to.ptime_ms == 10 ? 1 : p->to.ptime_ms / 20;
	uint32_t samples;
	int n;

	for (unsigned i = 0; i < frames; i++)
		if (repack_put(p->repack,
			       bytes_of(p->to.ptime_ms == 10 ? silent_10
							     : silent_20,
					3)))
			return -EINVAL;
	n = repack_take(p->repack, p->silence, sizeof(p->silence),
			OPUS_CLOCK_HZ, &samples);
	if (n <= 0)
		return -EINVAL;
	p->silence_n = (size_t)n;
	return 0;
}

static int passthrough_new(struct path *p)
{
	p->repack = calloc(1, sizeof(*p->repack));
	if (!p->repack || repack_init(p->repack))
		return -ENOMEM;
	return silence_make(p);
}

int path_new(struct path **pp, const struct bridge_leg_conf *from,
	     const struct bridge_leg_conf *to)
{
	struct jitter_conf jitter = {0};
	struct path *p;
	int err;

	if (!conf_is_good(from) || !conf_is_good(to) ||
	    !path_rate_hz(from->codec, to->codec))
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->to = *to;
	p->from = from->codec;
	p->marker = true;
	p->passthrough = from->codec == &media_codec_opus &&
			 to->codec == &media_codec_opus && !from->transcode &&
			 !to->transcode && !from->tone && !to->tone;
	jitter.clock_hz = p->from->rtp_clock_hz;
	jitter.fec = p->from == &media_codec_opus && !p->passthrough;
	jitter.shortens = !p->passthrough;
	jitter.bytes_max = (size_t)p->from->bytes_per_ms * HELD_MS;
	if (jitter.bytes_max < HELD_BYTES_LEAST)
		jitter.bytes_max = HELD_BYTES_LEAST;
	jitter.payload_max = HELD_BYTES_LEAST;
	err = jitter_new(&p->jitter, &jitter);
	if (!err)
		err = p->passthrough ? passthrough_new(p) : coders_new(p, from);
	if (err)
		path_free(&p);
	else
		*pp = p;
	return err;
}

void path_free(struct path **pp)
{
	struct path *p = *pp;

	*pp = NULL;
	if (!p)
		return;
	jitter_free(&p->jitter);
	media_coder_free(&p->decoder);
	media_coder_free(&p->encoder);
	dtmf_ear_free(&p->ear);
	if (p->repack)
		repack_clear(p->repack);
	free(p->repack);
	free(p->pcm);
	free(p);
}

bool path_is_passthrough(const struct path *p)
{
	return p->passthrough;
}

void path_set_loss(struct path *p, int percent)
{
	if (p->encoder)
		media_coder_set_loss(p->encoder, percent);
}

int path_play_digits(struct path *p, const char *digits)
{
	return p->passthrough ? -ENOTSUP
			      : dtmf_queue_put(&p->tones.queue, digits);
}

int path_wanted_mode(const struct path *p)
{
	return p->decoder ? media_coder_wanted_mode(p->decoder) : -1;
}

void path_set_mode(struct path *p, int mode)
{
	if (p->encoder)
		media_coder_set_mode(p->encoder, mode);
}

void path_stats(const struct path *p, struct path_stats *s)
{
	jitter_stats(p->jitter, &s->jitter);
	s->packets_out = p->packets_out;
	s->undecodable = p->undecodable;
}

void path_input(struct path *p, const struct media_packet *packet)
{
	int samples;

	if (!packet->payload.n)
		return;
	samples = media_payload_samples(p->from, packet->payload);
	if (samples < 0)
		p->undecodable++;
	else
		(void)jitter_put(p->jitter, packet, (uint32_t)samples);
}

static void packet_send(struct path *p, struct bytes payload, uint32_t samples)
{
	if (payload.n)
		p->packets_out++;
	p->to.send(payload, samples, p->marker && payload.n, p->to.arg);
	if (payload.n)
		p->marker = false;
}

/* The next packet is due one packet time after this one; when this one is
 * late by more than a tick, after now. */
static void send_pace(struct path *p, usec_t length_us, usec_t now)
{
	if (now > p->next_send + TICK_US)
		p->next_send = now;
	p->next_send += length_us;
}

static bool send_is_due(const struct path *p, usec_t now)
{
	return p->next_send < now + DUE_US;
}

/* The sender speaks again: what is left of the silence before would only
 * hold it up. */
static void wait_end(struct path *p, usec_t now)
{
	if (!p->waiting)
		return;
	p->waiting = false;
	p->marker = true;
	p->pcm_n = 0;
	p->wait_ms = 0;
	p->next_send = now;
}

/* -- transcoding -------------------------------------------------------- */

static size_t samples_of(const struct path *p, uint32_t units)
{
	return (size_t)units * p->rate_hz / p->from->rtp_clock_hz;
}

/* Decodes one decision onto the end of pcm; returns how many samples. */
static size_t decision_decode(struct path *p, const struct jitter_out *out)
{
	static const struct bytes none;
	bool plays =
		out->verdict == JITTER_PACKET || out->verdict == JITTER_DROP;
	bool fec = out->verdict == JITTER_FEC;
	size_t room = p->pcm_room - p->pcm_n;
	size_t missing = samples_of(p, out->samples);
	int n;

	if (out->verdict == JITTER_EXPAND) {
		media_stretch(p->decoder, p->pcm + p->pcm_n, missing);
		return missing;
	}
	if (plays)
		n = media_decode(p->decoder, p->pcm + p->pcm_n, room,
				 out->packet.payload, false);
	else
		n = media_decode(p->decoder, p->pcm + p->pcm_n, missing,
				 fec ? out->packet.payload : none, fec);
	if (n >= 0)
		return (size_t)n;
	p->undecodable++;
	n = media_decode(p->decoder, p->pcm + p->pcm_n, missing, none, false);
	return n < 0 ? 0 : (size_t)n;
}

static size_t tail_shorten(struct path *p, size_t n, uint32_t units)
{
	return n - splice_shorten(p->pcm + p->pcm_n, n, samples_of(p, units),
				  p->rate_hz);
}

static usec_t decision_transcode(struct path *p, const struct jitter_out *out,
				 usec_t now)
{
	size_t n;

	if (p->pcm_room - p->pcm_n < p->rate_hz * MEDIA_PACKET_MS_MAX / 1000)
		p->pcm_n = 0; /* nobody took anything for 200 ms */
	if (out->verdict == JITTER_WAIT) {
		n = p->rate_hz * BRIDGE_TICK_MS / 1000;
		memset(p->pcm + p->pcm_n, 0, n * sizeof(*p->pcm));
		p->pcm_n += n;
		p->waiting = true;
		return TICK_US;
	}
	wait_end(p, now);
	n = decision_decode(p, out);
	if (p->ear)
		dtmf_ear_listen(p->ear, p->pcm + p->pcm_n, n);
	if (out->verdict == JITTER_DROP)
		n = tail_shorten(p, n, out->samples);
	p->pcm_n += n;
	return n * USEC_S / p->rate_hz;
}

static void pcm_drop(struct path *p, size_t n)
{
	p->pcm_n -= n;
	memmove(p->pcm, p->pcm + n, p->pcm_n * sizeof(*p->pcm));
}

static void frame_send(struct path *p)
{
	uint8_t packet[PACKET_BYTES];
	int n;

	dtmf_tones_fill(&p->tones, p->pcm, p->frame, p->rate_hz);
	n = media_encode(p->encoder, packet, sizeof(packet), p->pcm, p->frame);
	if (n > 0)
		packet_send(p, bytes_of(packet, (size_t)n),
			    (uint32_t)(p->frame * p->to.codec->rtp_clock_hz /
				       p->rate_hz));
	pcm_drop(p, p->frame);
}

/* Under-runs and shortened packets leave parts of frames behind, which would
 * delay all that follows. */
static void residue_trim(struct path *p, usec_t now)
{
	if (now < p->residue_at || p->pcm_n < p->frame)
		return;
	if (p->residue >= p->rate_hz * RESIDUE_LEAST_MS / 1000 &&
	    p->residue <= p->pcm_n)
		p->pcm_n -= splice_shorten(p->pcm, p->pcm_n, p->residue,
					   p->rate_hz);
	p->residue = SIZE_MAX;
	p->residue_at = now + RESIDUE_EVERY_US;
}

static void frames_send(struct path *p, usec_t now)
{
	residue_trim(p, now);
	while (p->pcm_n >= p->frame && send_is_due(p, now)) {
		frame_send(p);
		send_pace(p, p->to.ptime_ms * USEC_MS, now);
	}
	if (p->pcm_n < p->residue)
		p->residue = p->pcm_n;
}

/* -- passing through ---------------------------------------------------- */

static void repack_send(struct path *p, usec_t now)
{
	uint8_t packet[REPACK_BYTES];
	uint32_t samples;
	int n = repack_take(p->repack, packet, sizeof(packet),
			    p->to.ptime_ms * (OPUS_CLOCK_HZ / 1000), &samples);

	if (n <= 0)
		return;
	packet_send(p, bytes_of(packet, (size_t)n), samples);
	send_pace(p, samples * USEC_S / OPUS_CLOCK_HZ, now);
}

static void repack_flush(struct path *p, usec_t now)
{
	while (repack_samples(p->repack))
		repack_send(p, now);
}

/* What is missing before this packet is missing for the far side, too, which
 * may repair it. Seen from the packets, because what the jitter buffer waited
 * for in vain counts as well. */
static void gap_pass(struct path *p, const struct media_packet *packet,
		     usec_t now)
{
	static const struct bytes none;
	uint32_t gap = packet->ts - p->next_ts;

	if (!p->follows || packet->seq == p->next_seq || !gap ||
	    gap > GAP_MAX_MS * (OPUS_CLOCK_HZ / 1000))
		return;
	repack_flush(p, now);
	for (; gap > p->last_samples; gap -= p->last_samples)
		packet_send(p, none, p->last_samples);
	packet_send(p, none, gap);
}

static void frames_take(struct path *p, const struct media_packet *packet,
			uint32_t samples, usec_t now)
{
	int err;

	gap_pass(p, packet, now);
	p->follows = true;
	p->next_seq = (uint16_t)(packet->seq + 1);
	p->next_ts = packet->ts + samples;
	p->last_samples = samples;
	err = repack_put(p->repack, packet->payload);
	if (err == -EAGAIN) {
		repack_flush(p, now);
		err = repack_put(p->repack, packet->payload);
	}
	if (err)
		p->undecodable++;
}

static void silence_send(struct path *p, usec_t now)
{
	repack_flush(p, now);
	p->waiting = true;
	p->follows = false;
	p->wait_ms += BRIDGE_TICK_MS;
	if (p->wait_ms < p->to.ptime_ms)
		return;
	p->wait_ms -= p->to.ptime_ms;
	packet_send(p, bytes_of(p->silence, p->silence_n),
		    p->to.ptime_ms * (OPUS_CLOCK_HZ / 1000));
	send_pace(p, p->to.ptime_ms * USEC_MS, now);
}

static usec_t decision_pass(struct path *p, const struct jitter_out *out,
			    usec_t now)
{
	usec_t length = out->samples * USEC_S / OPUS_CLOCK_HZ;
	int whole;

	if (out->verdict == JITTER_WAIT) {
		silence_send(p, now);
		return TICK_US;
	}
	wait_end(p, now);
	if (out->verdict != JITTER_PACKET && out->verdict != JITTER_DROP)
		return length; /* the far side conceals it */
	whole = media_payload_samples(p->from, out->packet.payload);
	if (whole < 0 || out->verdict == JITTER_DROP) {
		p->follows = false;
		return 0;
	}
	frames_take(p, &out->packet, (uint32_t)whole, now);
	return (usec_t)whole * USEC_S / OPUS_CLOCK_HZ;
}

static void frames_pass(struct path *p, usec_t now)
{
	uint32_t least = p->to.ptime_ms * (OPUS_CLOCK_HZ / 1000);

	if (p->repack->frame_samples > least)
		least = p->repack->frame_samples;
	while (repack_samples(p->repack) >= least && send_is_due(p, now))
		repack_send(p, now);
}

/* -- tick --------------------------------------------------------------- */

static usec_t decision_play(struct path *p, const struct jitter_out *out,
			    usec_t now)
{
	if (out->verdict == JITTER_WAIT && p->marker &&
	    now < p->started_at + SILENCE_AFTER_US)
		return TICK_US;
	return p->passthrough ? decision_pass(p, out, now)
			      : decision_transcode(p, out, now);
}

static void pull(struct path *p, usec_t now)
{
	struct jitter_out out;

	jitter_get(p->jitter, &out, now);
	/* A pause has no rhythm: the next sound sets it. */
	if (out.verdict == JITTER_WAIT || p->waiting)
		p->next_pull = now;
	p->next_pull += decision_play(p, &out, now);
}

void path_tick(struct path *p, usec_t now)
{
	if (!p->started) {
		p->started = true;
		p->waiting = true;
		p->started_at = now;
	}
	if (now > p->next_pull + SLEPT_US) {
		p->next_pull = now;
		if (p->next_send < now)
			p->next_send = now;
	}
	while (p->next_pull < now + DUE_US)
		pull(p, now);
	if (p->passthrough)
		frames_pass(p, now);
	else
		frames_send(p, now);
}
