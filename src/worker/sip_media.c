#include "worker/sip_media.h"

#include <stdio.h>
#include <string.h>

#include "base/random.h"

#define DTMF_PT 101

void sip_media_init(struct sip_media *m)
{
	m->sdp_id = random_u32();
	m->remote.dtmf_pt = m->remote.dtmf_pt_48k = -1;
}

void sip_media_wipe(struct sip_media *m)
{
	sip_protection_wipe(&m->protection);
	bytes_wipe(&m->remote, sizeof(m->remote));
}

static void sdp_codec_of(struct sip_sdp_codec *s, const struct media_codec *c,
			 unsigned modes)
{
	*s = (struct sip_sdp_codec){
		.clock_hz = c->rtp_clock_hz,
		.channels = c->sdp_channels,
		.pt = c->pt,
	};
	snprintf(s->name, sizeof(s->name), "%s", c->name);
	media_codec_fmtp_write(s->fmtp, sizeof(s->fmtp), c, modes);
}

static bool choose_this(struct sip_media *m, const struct media_codec *codec)
{
	for (size_t i = 0; i < m->remote.codecs_n; i++) {
		const struct sip_sdp_codec *r = &m->remote.codecs[i];

		if (!media_codec_matches(codec, r->name, r->clock_hz,
					 r->channels, r->fmtp, &m->modes))
			continue;
		m->codec = codec;
		sdp_codec_of(&m->sdp_codec, codec, m->modes);
		m->sdp_codec.pt = r->pt;
		return true;
	}
	return false;
}

/* Behaviour 3.9: the first codec of our list that the offer contains. */
static bool choose_codec(struct sip_media *m)
{
	for (size_t i = 0; i < m->trunk->codecs_n; i++)
		if (choose_this(m, m->trunk->codecs[i]))
			return true;
	return false;
}

const struct media_codec *sip_media_fit(const struct worker_trunk *trunk,
					struct bytes sdp)
{
	struct sip_media m = {.trunk = trunk};

	return sip_sdp_read(&m.remote, sdp) || !choose_codec(&m) ? NULL
								 : m.codec;
}

static void sdp_local(struct sip_media *m, struct sip_sdp_local *d)
{
	struct worker *w = m->wc->worker;

	*d = (struct sip_sdp_local){
		.session_id = m->sdp_id,
		.version = ++m->sdp_version,
		.ptime_ms = media_codec_ptime(m->trunk->codecs[0], 0),
		.dtmf_pt = -1,
		.dtmf_clock_hz = 8000,
	};
	if (sip_stack_local(w->sip, &m->peer, &d->rtp))
		sa_set_str(&d->rtp, "127.0.0.1", 0);
	sa_set_port(&d->rtp, media_call_port(m->wc->media));
	m->wc->capture.rtp = d->rtp;
	worker_capture_media(m->wc);
}

static enum sip_sdp_direction mirror(enum sip_sdp_direction theirs)
{
	switch (theirs) {
	case SIP_SDP_SENDONLY:
		return SIP_SDP_RECVONLY;
	case SIP_SDP_RECVONLY:
		return SIP_SDP_SENDONLY;
	default:
		return theirs;
	}
}

/* Payload type and clock of digits; -1: none. */
static int events_of(const struct sip_media *m, uint32_t *clock_hz)
{
	bool wide =
		m->codec->rtp_clock_hz == 48000 && m->remote.dtmf_pt_48k >= 0;

	*clock_hz = wide ? 48000 : 8000;
	if (!sip_digits_take(m->digits, DTMF_RFC2833))
		return -1;
	return wide ? m->remote.dtmf_pt_48k : m->remote.dtmf_pt;
}

int sip_media_answer(struct sip_media *m, struct buf *text)
{
	struct sip_sdp_local d;

	sdp_local(m, &d);
	d.codecs = &m->sdp_codec;
	d.codecs_n = 1;
	d.direction = mirror(m->remote.direction);
	d.ptime_ms = media_codec_ptime(m->codec, m->remote.ptime_ms);
	d.dtmf_pt = events_of(m, &d.dtmf_clock_hz);
	sip_protection_answer(&m->protection, &d);
	return sip_sdp_answer(text, &d, &m->remote);
}

int sip_media_offer(struct sip_media *m, struct buf *text)
{
	struct sip_sdp_codec codecs[MEDIA_CODECS_MAX];
	struct sip_sdp_local d;

	sdp_local(m, &d);
	for (size_t i = 0; i < m->trunk->codecs_n; i++) {
		sdp_codec_of(&codecs[i], m->trunk->codecs[i], 0);
		/* RFC 3264 8.3.2: within a call a number keeps its meaning. */
		if (m->codec == m->trunk->codecs[i])
			codecs[i].pt = m->sdp_codec.pt;
	}
	d.codecs = codecs;
	d.codecs_n = m->trunk->codecs_n;
	if (sip_digits_take(m->digits, DTMF_RFC2833))
		d.dtmf_pt = DTMF_PT;
	sip_protection_offer(&m->protection, &m->trunk->set, &m->remote, &d);
	return sip_sdp_offer(text, &d);
}

void sip_media_apply(struct sip_media *m)
{
	struct media_call_sip sip = {
		.remote = m->remote.rtp,
		.codec = m->codec,
		.pt = m->sdp_codec.pt,
		.tones = sip_digits_take(m->digits, DTMF_INBAND),
		.ptime_ms = media_codec_ptime(m->codec, m->remote.ptime_ms),
		.modes = m->modes,
		.deaf = m->remote.direction == SIP_SDP_SENDONLY ||
			m->remote.direction == SIP_SDP_INACTIVE,
		.silent = m->remote.direction != SIP_SDP_SENDRECV,
		.mute = m->remote.direction == SIP_SDP_RECVONLY ||
			m->remote.direction == SIP_SDP_INACTIVE,
		.protect = m->protection.now,
	};

	snprintf(m->wc->codec, sizeof(m->wc->codec), "%s", m->codec->name);
	m->wc->srtp = sip_protection_name(&m->protection);
	sip.dtmf_pt = events_of(m, &sip.dtmf_hz);
	m->digits->events = sip.dtmf_pt >= 0;
	media_call_sip(m->wc->media, &sip);
	bytes_wipe(&sip.protect, sizeof(sip.protect));
}

void sip_media_warn(const struct sip_media *m, struct buf *text)
{
	if (m->protection.refused) {
		buf_printf(text, "399 %s \"%s\"", m->wc->worker->realm,
			   m->protection.refused);
		return;
	}
	buf_printf(text, "304 %s \"offered:", m->wc->worker->realm);
	for (size_t i = 0; i < m->remote.codecs_n; i++)
		buf_printf(text, " %s", m->remote.codecs[i].name);
	buf_str(text, "; supported:");
	for (size_t i = 0; i < m->trunk->codecs_n; i++)
		buf_printf(text, " %s", m->trunk->codecs[i]->name);
	buf_str(text, "\"");
}

bool sip_media_take_offer(struct sip_media *m, struct bytes sdp,
			  struct buf *warning)
{
	struct sip_sdp_remote before = m->remote;
	const struct media_codec *codec = m->codec;
	struct sip_sdp_codec sdp_codec = m->sdp_codec;
	unsigned modes = m->modes;
	bool good = !sip_protection_read(&m->remote, sdp, &m->trunk->set) &&
		    choose_codec(m) &&
		    sip_protection_take_offer(&m->protection, &m->trunk->set,
					      &m->remote);

	if (!good && warning) {
		buf_str(warning, "Warning: ");
		sip_media_warn(m, warning);
		buf_str(warning, "\r\n");
	}
	if (!good && codec) {
		m->remote = before;
		m->codec = codec;
		m->sdp_codec = sdp_codec;
		m->modes = modes;
	}
	bytes_wipe(&before, sizeof(before));
	return good;
}

bool sip_media_take_answer(struct sip_media *m, struct bytes sdp)
{
	struct sip_sdp_remote before = m->remote;

	if (!sip_protection_read(&m->remote, sdp, &m->trunk->set) &&
	    choose_codec(m) &&
	    sip_protection_take_answer(&m->protection, &m->trunk->set,
				       &m->remote)) {
		sip_media_apply(m);
		return true;
	}
	m->remote = before;
	return false;
}
