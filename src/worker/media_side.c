/* A call's media as they live on a media thread: what comes from either leg,
 * what is done on a tick, what the control loop asks for. */
#include "worker/media_call_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define REPORT_EVERY (1 * USEC_S)
/* Native apps send 60 ms packets and expect no less; web peers send 20 ms. */
#define PTIME_NATIVE_MS 60
#define PTIME_WEB_MS 20
/* Of the Telegram leg in captures. */
#define TELEGRAM_PORT 20000

static void on_tg_signal(struct bytes blob, void *arg)
{
	media_parcel_to_control(media_parcel_new(arg, blob.p, blob.n),
				media_call_tell_signal);
}

static void send_to_telegram(struct bytes payload, uint32_t samples,
			     bool marker, void *arg)
{
	struct media_call *m = arg;

	/* Refused until the direction is open; the peer hears from then on. */
	if (m->telegram)
		(void)tgcall_send_audio(m->telegram, payload, samples);
}

static struct bridge_leg_conf telegram_leg(struct media_call *m)
{
	bool native = m->telegram && tgcall_peer_is_native(m->telegram);

	return (struct bridge_leg_conf){
		.codec = &media_codec_opus,
		.ptime_ms = native ? PTIME_NATIVE_MS : PTIME_WEB_MS,
		.send = send_to_telegram,
		.arg = m,
	};
}

/* The peer's kind is known now, before the first packet goes out: a change of
 * packet time later would cost it a re-adaptation of its jitter buffer. */
static void telegram_up(struct media_call *m)
{
	struct bridge_leg_conf telegram = telegram_leg(m);

	tgcall_set_polled(m->telegram, true);
	if (m->bridge)
		(void)bridge_set_leg(m->bridge, BRIDGE_B, &telegram);
}

static void on_tg_state(enum tgcall_state state, void *arg)
{
	struct media_call *m = arg;
	struct media_parcel *p = media_parcel_new(m, NULL, 0);

	if (state == TGCALL_STATE_ESTABLISHED && m->telegram)
		telegram_up(m);
	if (!p)
		return;
	p->state = state;
	media_parcel_to_control(p, media_call_tell_state);
}

static void on_tg_audio(const struct media_packet *packet, void *arg)
{
	struct media_call *m = arg;

	if (m->bridge)
		bridge_input(m->bridge, BRIDGE_B, packet);
}

static void on_rtp_audio(const struct media_packet *packet, void *arg)
{
	struct media_call *m = arg;

	if (m->bridge)
		bridge_input(m->bridge, BRIDGE_A, packet);
}

static void digit_tell(struct media_call *m, enum dtmf_method method,
		       char digit)
{
	struct media_parcel *p = media_parcel_new(m, NULL, 0);

	if (!p)
		return;
	p->digit = digit;
	p->method = method;
	media_parcel_to_control(p, media_call_tell_digit);
}

static void on_rtp_digit(char digit, unsigned duration_ms, void *arg)
{
	digit_tell(arg, DTMF_RFC2833, digit);
}

static void on_tone(char digit, void *arg)
{
	digit_tell(arg, DTMF_INBAND, digit);
}

static void send_to_sip(struct bytes payload, uint32_t samples, bool marker,
			void *arg)
{
	struct media_call *m = arg;

	if (!m->deaf)
		rtp_port_send(m->port, payload, samples, marker);
}

static void take_report(struct media_call *m)
{
	pthread_mutex_lock(&m->report_lock);
	if (m->port)
		rtp_port_stats(m->port, &m->report.rtp);
	if (m->telegram)
		tgcall_stats(m->telegram, &m->report.telegram);
	if (m->bridge) {
		bridge_stats(m->bridge, BRIDGE_A, &m->report.sip_leg);
		bridge_stats(m->bridge, BRIDGE_B, &m->report.telegram_leg);
		m->report.passthrough = bridge_is_passthrough(m->bridge);
	}
	memcpy(m->report.version, m->version, sizeof(m->version));
	pthread_mutex_unlock(&m->report_lock);
}

/* What the Telegram app reports as lost, the encoder prepares for. */
static void expect_loss(struct media_call *m)
{
	int percent = BRIDGE_OPUS_LOSS_PERCENT;

	if (!m->bridge || !m->telegram)
		return;
	if ((int)tgcall_reported_loss(m->telegram) > percent)
		percent = (int)tgcall_reported_loss(m->telegram);
	bridge_set_loss(m->bridge, BRIDGE_B, percent);
}

static void watch_silence(struct media_call *m, usec_t now)
{
	usec_t limit = m->conf.silence_limit_ms * USEC_MS;
	usec_t silence;

	if (!limit || !m->up || m->may_be_silent || m->silence_told)
		return;
	silence = rtp_port_silence(m->port, now);
	if (now - m->silence_from < limit || silence < limit)
		return;
	m->silence_told = true;
	media_parcel_to_control(media_parcel_new(m, NULL, 0),
				media_call_tell_silent);
}

static void on_tick(usec_t now, void *arg)
{
	struct media_call *m = arg;

	rtp_port_poll(m->port, now);
	if (m->telegram)
		tgcall_poll(m->telegram, now);
	if (m->bridge)
		bridge_tick(m->bridge, now);
	if (now >= m->report_at) {
		m->report_at = now + REPORT_EVERY;
		watch_silence(m, now);
		take_report(m);
		expect_loss(m);
	}
}

int media_side_open(struct media_call *m)
{
	static const struct rtp_port_handlers handlers = {
		.audio = on_rtp_audio, .digit = on_rtp_digit};

	return rtp_port_new(&m->port, m->conf.ports, &m->conf.address,
			    &handlers, m);
}

void media_side_attach(void *arg)
{
	struct media_parcel *p = arg;
	struct media_call *m = p->m;

	m->attached = true;
	m->ticker = (struct media_ticker){.tick = on_tick, .arg = m};
	media_thread_add(m->conf.thread, &m->ticker);
	media_parcel_free(p);
}

static void protect(struct media_call *m, const struct media_protect *how)
{
	int err = 0;

	if (how->kind == MEDIA_SDES)
		err = rtp_port_set_sdes(m->port, &how->tx, &how->rx);
	else if (how->kind == MEDIA_DTLS)
		err = rtp_port_set_dtls(m->port, how->client, how->fingerprint);
	else
		rtp_port_set_plain(m->port);
	if (err)
		count_bad("worker", "srtp", "no protection for a call");
}

static struct bridge_leg_conf sip_leg(struct media_call *m)
{
	return (struct bridge_leg_conf){
		.codec = m->sip.codec,
		.ptime_ms = m->sip.ptime_ms,
		.modes = m->sip.modes,
		.transcode = m->transcode,
		.tone = m->sip.tones ? on_tone : NULL,
		.send = send_to_sip,
		.arg = m,
	};
}

void media_side_set_sip(void *arg)
{
	struct media_parcel *p = arg;
	struct media_call *m = p->m;
	struct bridge_leg_conf sip, telegram = telegram_leg(m);

	m->sip = p->sip;
	bytes_wipe(&m->sip.protect, sizeof(m->sip.protect));
	sip = sip_leg(m);
	if (m->may_be_silent && !p->sip.silent)
		m->silence_from = clock_now();
	m->may_be_silent = p->sip.silent;
	m->deaf = p->sip.deaf;
	m->mute = p->sip.mute;
	if (m->telegram)
		tgcall_mute(m->telegram, m->mute);
	protect(m, &p->sip.protect);
	rtp_port_set_remote(m->port, &p->sip.remote, p->sip.codec, p->sip.pt,
			    p->sip.dtmf_pt);
	if (m->bridge ? bridge_set_leg(m->bridge, BRIDGE_A, &sip)
		      : bridge_new(&m->bridge, &sip, &telegram))
		count_bad("worker", "bridge", "no bridge for a call");
	media_parcel_free(p);
}

static void tones_play(struct media_call *m, const char *digits)
{
	struct bridge_leg_conf sip;

	if (!m->bridge)
		return;
	if (bridge_is_passthrough(m->bridge)) {
		m->transcode = true;
		sip = sip_leg(m);
		(void)bridge_set_leg(m->bridge, BRIDGE_A, &sip);
	}
	if (bridge_play_digits(m->bridge, BRIDGE_A, digits))
		count_bad("worker", "digits", "not played to a phone");
}

void media_side_digits(void *arg)
{
	struct media_parcel *p = arg;
	const char *digits = (const char *)p->data;

	if (p->method == DTMF_INBAND)
		tones_play(p->m, digits);
	else if (rtp_port_send_digits(p->m->port, digits, p->m->sip.dtmf_hz))
		count_bad("worker", "digits", "not sent to a phone");
	media_parcel_free(p);
}

/* -- capture --------------------------------------------------------------- */

static void capture_put(struct media_call *m, enum capture_kind kind, bool sent,
			const struct sa *ours, const struct sa *theirs,
			struct bytes plain)
{
	const struct capture_packet p = {
		.kind = kind,
		.src = sent ? *ours : *theirs,
		.dst = sent ? *theirs : *ours,
		.data = plain,
		.at = clock_wall(),
	};

	capture_media(m->capture, &p);
}

static void on_rtp_tap(const struct rtp_port_packet *p, void *arg)
{
	struct media_call *m = arg;
	struct sa ours = m->capture_local;

	if (!sa_isset(&ours, SA_ADDR)) /* one of his family, no better known */
		ours = *p->peer;
	sa_set_port(&ours, (uint16_t)(m->port_number + (p->rtcp ? 1 : 0)));
	capture_put(m, p->secure ? CAPTURE_SRTP : CAPTURE_RTP, p->sent, &ours,
		    p->peer, p->plain);
}

static void on_telegram_tap(bool sent, bool rtcp, struct bytes plain, void *arg)
{
	uint16_t port = TELEGRAM_PORT + (rtcp ? 1 : 0);
	struct sa ours, theirs;

	/* Networks for documentation: RFC 5737. */
	sa_set_in(&ours, 0xc0000201, port);
	sa_set_in(&theirs, 0xc0000202, port);
	capture_put(arg, CAPTURE_TELEGRAM, sent, &ours, &theirs, plain);
}

static void taps_set(struct media_call *m)
{
	if (!m->capture)
		return;
	rtp_port_set_tap(m->port, on_rtp_tap, m);
	if (m->telegram)
		tgcall_set_tap(m->telegram, on_telegram_tap, m);
}

void media_side_capture(void *arg)
{
	struct media_parcel *p = arg;
	struct media_call *m = p->m;

	m->capture = p->capture;
	m->capture_local = p->local;
	taps_set(m);
	media_parcel_free(p);
}

void media_side_up(void *arg)
{
	struct media_parcel *p = arg;

	p->m->up = true;
	p->m->silence_from = clock_now();
	media_parcel_free(p);
}

/* telegram-wire F 28: "Telegram has no hold; muted state only". */
static void telegram_begin(struct media_call *m)
{
	taps_set(m);
	tgcall_mute(m->telegram, m->mute);
	tgcall_start(m->telegram);
}

void media_side_start_telegram(void *arg)
{
	struct media_parcel *p = arg;
	struct media_call *m = p->m;
	int err;

	p->telegram.handlers = (struct tgcall_handlers){
		.signal = on_tg_signal,
		.state = on_tg_state,
		.audio = on_tg_audio,
	};
	p->telegram.arg = m;
	err = tgcall_new(&m->telegram, &p->telegram);
	memcpy(m->version, p->data, sizeof(m->version));
	if (err)
		on_tg_state(TGCALL_STATE_FAILED, m);
	else
		telegram_begin(m);
	media_parcel_free(p);
}

void media_side_signal(void *arg)
{
	struct media_parcel *p = arg;

	if (p->m->telegram)
		(void)tgcall_signal_input(p->m->telegram,
					  bytes_of(p->data, p->n));
	media_parcel_free(p);
}

void media_side_shut(void *arg)
{
	struct media_parcel *p = arg;
	struct media_call *m = p->m;

	take_report(m);
	if (m->attached)
		media_thread_remove(&m->ticker);
	tgcall_free(&m->telegram);
	bridge_free(&m->bridge);
	rtp_port_free(&m->port);
	/* The goodbye blobs of tgcall_free are ahead of this in the box. */
	media_parcel_to_control(p, media_call_tell_closed);
}
