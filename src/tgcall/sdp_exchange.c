#include "tgcall/sdp_exchange.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "tgcall/signal_message.h"

void sdp_exchange_init(struct sdp_exchange *x,
		       const struct sdp_exchange_conf *conf)
{
	*x = (struct sdp_exchange){.conf = *conf, .mid = "0"};
	conf->random(&x->id, sizeof(x->id), conf->random_arg);
	x->id >>= 2; /* RFC 8829 5.2.1: below 2^62 */
}

void sdp_exchange_clear(struct sdp_exchange *x)
{
	bytes_wipe(x, sizeof(*x));
}

/* -- what we say ------------------------------------------------------------
 */

static void description_begin(struct sdp_exchange *x, struct sdp *ours)
{
	memset(ours, 0, sizeof(*ours));
	ours->id = x->id;
	ours->version = ++x->version;
	ours->transport = x->conf.local;
}

static void description_send(struct sdp_exchange *x, const char *type,
			     const struct sdp *ours)
{
	struct buf text, json;

	buf_init(&text);
	buf_init(&json);
	if (sdp_put(&text, ours) == 0 &&
	    signal_description_put(&json, type, buf_bytes(&text)) == 0)
		x->conf.text(buf_bytes(&json), x->conf.arg);
	buf_clear(&text);
	buf_clear(&json);
	x->described = true;
}

void sdp_exchange_offer(struct sdp_exchange *x)
{
	static const struct sdp_section audio = {.kind = SDP_AUDIO,
						 .media = "audio",
						 .proto = "UDP/TLS/RTP/SAVPF",
						 .mid = "0",
						 .sends = true,
						 .receives = true},
					data = {.kind = SDP_DATA,
						.media = "application",
						.proto = "UDP/DTLS/SCTP",
						.format = "webrtc-datachannel",
						.mid = "1"};
	struct sdp ours;

	description_begin(x, &ours);
	ours.transport.setup = TGCALL_ACTPASS;
	ours.sections[ours.sections_n++] = audio;
	ours.sections[ours.sections_n++] = data;
	signal_channel_offered(&ours.sections[0].channel, x->conf.ssrc);
	x->offered = true;
	description_send(x, "offer", &ours);
}

/* -- what it comes to -------------------------------------------------------
 */

static void
channel_tell(bool *open, struct tgcall_channel *last,
	     const struct tgcall_channel *c,
	     void (*tell)(const struct tgcall_channel *c, void *arg), void *arg)
{
	if (*open && memcmp(last, c, sizeof(*c)) == 0)
		return;
	*open = true;
	*last = *c;
	tell(c, arg);
}

static void send_tell(struct sdp_exchange *x, const struct tgcall_channel *c)
{
	channel_tell(&x->send_open, &x->send, c, x->conf.send_open,
		     x->conf.arg);
}

static void recv_tell(struct sdp_exchange *x, const struct tgcall_channel *c)
{
	channel_tell(&x->recv_open, &x->recv, c, x->conf.recv_open,
		     x->conf.arg);
}

static bool is_audio(const struct sdp_section *m)
{
	return m->kind == SDP_AUDIO && !m->refused && m->has_opus;
}

/* The section the peer speaks in, or NULL. */
static const struct sdp_section *speaking(const struct sdp *s)
{
	for (size_t i = 0; i < s->sections_n; i++)
		if (is_audio(&s->sections[i]) && s->sections[i].sends &&
		    s->sections[i].channel.ssrc)
			return &s->sections[i];
	return NULL;
}

/* The section it hears us in, or NULL. */
static const struct sdp_section *listening(const struct sdp *s)
{
	for (size_t i = 0; i < s->sections_n; i++)
		if (is_audio(&s->sections[i]) && s->sections[i].receives)
			return &s->sections[i];
	return NULL;
}

static void transport_tell(struct sdp_exchange *x, const struct sdp *theirs)
{
	struct tgcall_transport t = theirs->transport;

	t.setup = x->role == TGCALL_ACTIVE ? TGCALL_PASSIVE : TGCALL_ACTIVE;
	x->conf.transport(&t, x->conf.arg);
	for (size_t i = 0; i < theirs->candidates_n; i++)
		x->conf.candidate(theirs->candidates[i], x->conf.arg);
	bytes_wipe(&t, sizeof(t));
}

/* -- answering --------------------------------------------------------------
 */

/* RFC 8842 5.3. A role that is settled stays: DTLS goes on. */
static void role_answer(struct sdp_exchange *x, enum tgcall_setup theirs)
{
	if (theirs == TGCALL_ACTIVE)
		x->role = TGCALL_PASSIVE;
	else if (theirs == TGCALL_PASSIVE || x->role == TGCALL_ACTPASS)
		x->role = TGCALL_ACTIVE;
}

static void audio_answer(const struct sdp_exchange *x, struct sdp_section *m,
			 bool hears_us, bool is_heard)
{
	m->sends = hears_us;
	m->receives = is_heard;
	m->channel.ssrc = x->conf.ssrc;
	m->channel.ext_audio_level = m->channel.ext_mid = 0;
}

/* One section as we answer it. Of audio one that speaks and one that listens
 * (mostly the same) are taken, and the first data section; the rest, video
 * above all, is refused (E.6). */
static void section_answer(const struct sdp_exchange *x,
			   const struct sdp *theirs, struct sdp_section *m,
			   size_t i, bool *has_data)
{
	const struct sdp_section *s = &theirs->sections[i];

	if (is_audio(m)) {
		audio_answer(x, m, s == listening(theirs),
			     s == speaking(theirs));
	} else if (m->kind == SDP_DATA && !m->refused && !*has_data) {
		*has_data = true;
	} else {
		m->refused = true;
	}
}

static void mid_note(struct sdp_exchange *x, const struct sdp *ours)
{
	for (size_t i = 0; i < ours->sections_n; i++) {
		if (ours->sections[i].refused)
			continue;
		memcpy(x->mid, ours->sections[i].mid, sizeof(x->mid));
		x->mline = i;
		return;
	}
}

static void answer_send(struct sdp_exchange *x, const struct sdp *theirs)
{
	struct sdp ours;
	bool has_data = false;

	role_answer(x, theirs->transport.setup);
	description_begin(x, &ours);
	ours.transport.setup = x->role;
	ours.sections_n = theirs->sections_n;
	for (size_t i = 0; i < theirs->sections_n; i++) {
		ours.sections[i] = theirs->sections[i];
		section_answer(x, theirs, &ours.sections[i], i, &has_data);
	}
	mid_note(x, &ours);
	description_send(x, "answer", &ours);
	for (size_t i = 0; i < ours.sections_n; i++)
		if (is_audio(&ours.sections[i]) && ours.sections[i].sends)
			send_tell(x, &ours.sections[i].channel);
	bytes_wipe(&ours, sizeof(ours));
}

/* Send with the ids we offered and they repeated. */
static void on_answer(struct sdp_exchange *x, const struct sdp *theirs)
{
	const struct sdp_section *m = listening(theirs);
	struct tgcall_channel ours;

	signal_channel_offered(&ours, x->conf.ssrc);
	if (!m || m->channel.payload_type != ours.payload_type)
		return;
	if (m->channel.ext_abs_send_time != ours.ext_abs_send_time)
		ours.ext_abs_send_time = 0;
	if (m->channel.ext_transport_cc != ours.ext_transport_cc)
		ours.ext_transport_cc = 0;
	if (!x->send_open)
		send_tell(x, &ours);
}

/* false: a newer one of the same session came before. */
static bool is_news(struct sdp_exchange *x, const struct sdp *theirs)
{
	if (x->remote_id == theirs->id && theirs->version < x->remote_version)
		return false;
	x->remote_id = theirs->id;
	x->remote_version = theirs->version;
	return true;
}

static int description_input(struct sdp_exchange *x, bool is_offer,
			     const struct sdp *theirs)
{
	bool news = is_news(x, theirs);
	const struct sdp_section *m = speaking(theirs);

	if (!theirs->has_transport || (!is_offer && !x->offered))
		return -EBADMSG;
	if (is_offer) {
		if (!news)
			return 0;
		answer_send(x, theirs);
	} else {
		on_answer(x, theirs);
		if (!news)
			return 0;
		/* RFC 8842 5.4: "active" or "passive". */
		x->role = theirs->transport.setup == TGCALL_PASSIVE
				  ? TGCALL_ACTIVE
				  : TGCALL_PASSIVE;
	}
	transport_tell(x, theirs);
	if (m)
		recv_tell(x, &m->channel);
	return 0;
}

int sdp_exchange_input(struct sdp_exchange *x, bool is_offer, struct bytes text)
{
	struct sdp theirs;
	int err = sdp_read(&theirs, text);

	if (err == 0)
		err = description_input(x, is_offer, &theirs);
	bytes_wipe(&theirs, sizeof(theirs));
	return err;
}
