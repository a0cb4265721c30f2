#include "worker/media_call.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define REPORT_EVERY (1 * USEC_S)
/* Native apps send 60 ms packets and expect no less; web peers send 20 ms. */
#define PTIME_NATIVE_MS 60
#define PTIME_WEB_MS 20
/* Of the Telegram leg in captures. */
#define TELEGRAM_PORT 20000

struct media_call {
	/* control loop */
	struct media_call_conf conf;
	bool closing;
	uint16_t port_number;

	/* media thread */
	struct media_ticker ticker;
	bool attached;
	struct rtp_port *port;
	struct tgcall *telegram;
	struct bridge *bridge;
	char version[16];
	struct media_call_sip sip;
	bool transcode; /* tones of ours have no room in passed packets */
	bool up, deaf, mute, may_be_silent;
	usec_t silence_from; /* when both sides were up, none on hold */
	bool silence_told;
	usec_t report_at;
	struct capture *capture; /* NULL: none */
	struct sa capture_local;

	/* both */
	pthread_mutex_t report_lock;
	struct media_call_report report;
};

/* One message, either way. */
struct parcel {
	struct media_call *m;
	struct media_call_sip sip;
	struct tgcall_conf telegram;
	struct capture *capture;
	struct sa local;
	enum tgcall_state state;
	char digit;
	enum dtmf_method method;
	size_t n;
	uint8_t data[];
};

static struct parcel *parcel_new(struct media_call *m, const void *data,
				 size_t n)
{
	struct parcel *p = calloc(1, sizeof(*p) + n);

	if (!p)
		return NULL;
	p->m = m;
	p->n = n;
	if (data)
		memcpy(p->data, data, n);
	return p;
}

static void to_control(struct parcel *p, mailbox_h *fn)
{
	if (p && mailbox_post(p->m->conf.control, fn, p))
		free(p);
}

static void to_media(struct parcel *p, mailbox_h *fn)
{
	if (p && media_thread_post(p->m->conf.thread, fn, p))
		free(p);
}

/* -- events, arriving on the control loop ---------------------------------- */

static void control_signal(void *arg)
{
	struct parcel *p = arg;
	struct media_call *m = p->m;

	if (!m->closing)
		m->conf.events.signal(bytes_of(p->data, p->n), m->conf.arg);
	free(p);
}

static void control_state(void *arg)
{
	struct parcel *p = arg;
	struct media_call *m = p->m;

	if (!m->closing)
		m->conf.events.telegram(p->state, m->conf.arg);
	free(p);
}

static void control_digit(void *arg)
{
	struct parcel *p = arg;
	struct media_call *m = p->m;

	if (!m->closing)
		m->conf.events.digit(p->method, p->digit, m->conf.arg);
	free(p);
}

static void control_silent(void *arg)
{
	struct parcel *p = arg;
	struct media_call *m = p->m;

	if (!m->closing)
		m->conf.events.silent(m->conf.arg);
	free(p);
}

static void control_closed(void *arg)
{
	struct parcel *p = arg;
	struct media_call *m = p->m;

	m->conf.events.closed(&m->report, m->conf.arg);
	pthread_mutex_destroy(&m->report_lock);
	free(m);
	free(p);
}

/* -- on the media thread --------------------------------------------------- */

static void on_tg_signal(struct bytes blob, void *arg)
{
	to_control(parcel_new(arg, blob.p, blob.n), control_signal);
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
	struct parcel *p = parcel_new(m, NULL, 0);

	if (state == TGCALL_STATE_ESTABLISHED && m->telegram)
		telegram_up(m);
	if (!p)
		return;
	p->state = state;
	to_control(p, control_state);
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
	struct parcel *p = parcel_new(m, NULL, 0);

	if (!p)
		return;
	p->digit = digit;
	p->method = method;
	to_control(p, control_digit);
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
	to_control(parcel_new(m, NULL, 0), control_silent);
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

static void media_attach(void *arg)
{
	struct parcel *p = arg;
	struct media_call *m = p->m;

	m->attached = true;
	m->ticker = (struct media_ticker){.tick = on_tick, .arg = m};
	media_thread_add(m->conf.thread, &m->ticker);
	free(p);
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

static void media_set_sip(void *arg)
{
	struct parcel *p = arg;
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
	bytes_wipe(&p->sip.protect, sizeof(p->sip.protect));
	free(p);
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

static void media_digits(void *arg)
{
	struct parcel *p = arg;
	const char *digits = (const char *)p->data;

	if (p->method == DTMF_INBAND)
		tones_play(p->m, digits);
	else if (rtp_port_send_digits(p->m->port, digits, p->m->sip.dtmf_hz))
		count_bad("worker", "digits", "not sent to a phone");
	bytes_wipe(p->data, p->n);
	free(p);
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

static void media_capture(void *arg)
{
	struct parcel *p = arg;
	struct media_call *m = p->m;

	m->capture = p->capture;
	m->capture_local = p->local;
	taps_set(m);
	free(p);
}

static void media_up(void *arg)
{
	struct parcel *p = arg;

	p->m->up = true;
	p->m->silence_from = clock_now();
	free(p);
}

/* telegram-wire F 28: "Telegram has no hold; muted state only". */
static void telegram_begin(struct media_call *m)
{
	taps_set(m);
	tgcall_mute(m->telegram, m->mute);
	tgcall_start(m->telegram);
}

static void media_start_telegram(void *arg)
{
	struct parcel *p = arg;
	struct media_call *m = p->m;
	int err = tgcall_new(&m->telegram, &p->telegram);

	memcpy(m->version, p->data, sizeof(m->version));
	bytes_wipe(p->telegram.key, sizeof(p->telegram.key));
	if (err)
		on_tg_state(TGCALL_STATE_FAILED, m);
	else
		telegram_begin(m);
	free(p);
}

static void media_signal(void *arg)
{
	struct parcel *p = arg;

	if (p->m->telegram)
		(void)tgcall_signal_input(p->m->telegram,
					  bytes_of(p->data, p->n));
	free(p);
}

static void media_shut(void *arg)
{
	struct parcel *p = arg;
	struct media_call *m = p->m;

	take_report(m);
	if (m->attached)
		media_thread_remove(&m->ticker);
	tgcall_free(&m->telegram);
	bridge_free(&m->bridge);
	rtp_port_free(&m->port);
	/* The goodbye blobs of tgcall_free are ahead of this in the box. */
	to_control(p, control_closed);
}

/* -- the control side's functions ------------------------------------------ */

int media_call_new(struct media_call **mp, const struct media_call_conf *conf)
{
	static const struct rtp_port_handlers handlers = {
		.audio = on_rtp_audio, .digit = on_rtp_digit};
	struct media_call *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	m->conf = *conf;
	pthread_mutex_init(&m->report_lock, NULL);
	err = rtp_port_new(&m->port, conf->ports, &conf->address, &handlers, m);
	if (err) {
		pthread_mutex_destroy(&m->report_lock);
		free(m);
		return err;
	}
	m->port_number = rtp_port_number(m->port);
	to_media(parcel_new(m, NULL, 0), media_attach);
	*mp = m;
	return 0;
}

void media_call_close(struct media_call **mp)
{
	struct media_call *m = *mp;

	if (!m)
		return;
	*mp = NULL;
	m->closing = true;
	to_media(parcel_new(m, NULL, 0), media_shut);
}

uint16_t media_call_port(const struct media_call *m)
{
	return m->port_number;
}

void media_call_sip(struct media_call *m, const struct media_call_sip *sip)
{
	struct parcel *p = parcel_new(m, NULL, 0);

	if (!p)
		return;
	p->sip = *sip;
	to_media(p, media_set_sip);
}

/* Layout of the parcel's data: version[16], servers, custom parameters, bind
 * address; the copied conf points into it. */
int media_call_telegram(struct media_call *m, const struct tgcall_conf *conf)
{
	size_t servers = conf->servers_n * sizeof(*conf->servers);
	size_t custom = conf->custom_parameters
				? strlen(conf->custom_parameters) + 1
				: 0;
	size_t bind = conf->bind_address ? strlen(conf->bind_address) + 1 : 0;
	struct parcel *p = parcel_new(m, NULL, 16 + servers + custom + bind);
	uint8_t *at;

	if (!p)
		return -ENOMEM;
	p->telegram = *conf;
	p->telegram.handlers = (struct tgcall_handlers){
		.signal = on_tg_signal,
		.state = on_tg_state,
		.audio = on_tg_audio,
	};
	p->telegram.arg = m;
	at = p->data;
	strncpy((char *)at, conf->version, 15);
	p->telegram.version = (const char *)at;
	at += 16;
	if (servers)
		memcpy(at, conf->servers, servers);
	p->telegram.servers = (const struct tgcall_server *)(void *)at;
	at += servers;
	if (custom)
		memcpy(at, conf->custom_parameters, custom);
	p->telegram.custom_parameters = custom ? (const char *)at : NULL;
	at += custom;
	if (bind)
		memcpy(at, conf->bind_address, bind);
	p->telegram.bind_address = bind ? (const char *)at : NULL;
	to_media(p, media_start_telegram);
	return 0;
}

void media_call_signal(struct media_call *m, struct bytes blob)
{
	to_media(parcel_new(m, blob.p, blob.n), media_signal);
}

void media_call_digits(struct media_call *m, enum dtmf_method method,
		       const char *digits)
{
	struct parcel *p = parcel_new(m, digits, strlen(digits) + 1);

	if (!p)
		return;
	p->method = method;
	to_media(p, media_digits);
}

void media_call_up(struct media_call *m)
{
	to_media(parcel_new(m, NULL, 0), media_up);
}

void media_call_report(struct media_call *m, struct media_call_report *r)
{
	pthread_mutex_lock(&m->report_lock);
	*r = m->report;
	pthread_mutex_unlock(&m->report_lock);
}

void media_call_capture(struct media_call *m, struct capture *c,
			const struct sa *local)
{
	struct parcel *p = parcel_new(m, NULL, 0);

	if (!p)
		return;
	p->capture = c;
	p->local = *local;
	to_media(p, media_capture);
}
