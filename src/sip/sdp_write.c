/* Writing our own offers and answers: one audio stream. */
#include "sip/sdp.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

static const char *const direction_names[] = {
	[SIP_SDP_SENDRECV] = "sendrecv",
	[SIP_SDP_SENDONLY] = "sendonly",
	[SIP_SDP_RECVONLY] = "recvonly",
	[SIP_SDP_INACTIVE] = "inactive",
};

static void session_write(struct buf *text, const struct sip_sdp_local *l)
{
	const char *type = sa_af(&l->rtp) == AF_INET6 ? "IP6" : "IP4";
	char host[64] = "0.0.0.0";

	(void)re_snprintf(host, sizeof(host), "%j", &l->rtp);
	buf_printf(text,
		   "v=0\r\no=- %" PRIu64 " %" PRIu64 " IN %s %s\r\n"
		   "s=-\r\nc=IN %s %s\r\nt=0 0\r\n",
		   l->session_id, l->version, type, host, type, host);
}

static void codec_write(struct buf *text, const struct sip_sdp_codec *c)
{
	buf_printf(text, "a=rtpmap:%d %s/%" PRIu32, c->pt, c->name,
		   c->clock_hz);
	if (c->channels > 1)
		buf_printf(text, "/%u", c->channels);
	buf_str(text, "\r\n");
	if (*c->fmtp)
		buf_printf(text, "a=fmtp:%d %s\r\n", c->pt, c->fmtp);
}

static void audio_write(struct buf *text, const struct sip_sdp_local *l,
			const char *protocol)
{
	uint32_t clock = l->dtmf_clock_hz ? l->dtmf_clock_hz : 8000;

	buf_printf(text, "m=audio %u %s", sa_port(&l->rtp), protocol);
	for (size_t i = 0; i < l->codecs_n; i++)
		buf_printf(text, " %d", l->codecs[i].pt);
	if (l->dtmf_pt >= 0)
		buf_printf(text, " %d", l->dtmf_pt);
	buf_str(text, "\r\n");
	for (size_t i = 0; i < l->codecs_n; i++)
		codec_write(text, &l->codecs[i]);
	/* RFC 4733 2.4.1: events 0-15 are the sixteen DTMF digits. */
	if (l->dtmf_pt >= 0)
		buf_printf(text,
			   "a=rtpmap:%d telephone-event/%" PRIu32
			   "\r\na=fmtp:%d 0-15\r\n",
			   l->dtmf_pt, clock, l->dtmf_pt);
	if (l->ptime_ms)
		buf_printf(text, "a=ptime:%u\r\n", l->ptime_ms);
	if (l->secure)
		sip_sdp_secure_write(text, l->secure);
	buf_printf(text, "a=%s\r\n", direction_names[l->direction]);
}

int sip_sdp_offer(struct buf *text, const struct sip_sdp_local *l)
{
	if (!l->codecs_n)
		return -EINVAL;
	session_write(text, l);
	audio_write(text, l, l->protocol ? l->protocol : "RTP/AVP");
	return text->bad ? -ENOMEM : 0;
}

int sip_sdp_answer(struct buf *text, const struct sip_sdp_local *l,
		   const struct sip_sdp_remote *r)
{
	if (!l->codecs_n || r->audio_index >= r->sections)
		return -EINVAL;
	session_write(text, l);
	for (unsigned i = 0; i < r->sections; i++) {
		/* RFC 3264 6: one m= line for each of the offer, in its order;
		 * a port of zero declines. */
		if (i == r->audio_index)
			audio_write(text, l, r->proto[i]);
		else
			buf_printf(text, "m=%s 0 %s %s\r\n", r->media[i],
				   r->proto[i],
				   *r->format[i] ? r->format[i] : "0");
	}
	return text->bad ? -ENOMEM : 0;
}
