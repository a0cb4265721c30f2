/* Writing the descriptions of sdp.h, in the apps' order of lines. */
#include "tgcall/sdp.h"

#include <errno.h>
#include <inttypes.h>

#include "tgcall/signal_message.h"

static void bundle_put(struct buf *b, const struct sdp *s)
{
	bool any = false;

	for (size_t i = 0; i < s->sections_n; i++) {
		if (s->sections[i].refused || !*s->sections[i].mid)
			continue;
		buf_str(b, any ? " " : "a=group:BUNDLE ");
		buf_str(b, s->sections[i].mid);
		any = true;
	}
	if (any)
		buf_str(b, "\r\n");
}

static void transport_put(struct buf *b, const struct tgcall_transport *t)
{
	char fingerprint[3 * sizeof(t->fingerprint)];

	hex_pairs_encode(fingerprint, t->fingerprint, sizeof(t->fingerprint));
	buf_printf(b,
		   "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n"
		   "a=ice-options:trickle%s\r\n"
		   "a=fingerprint:sha-256 %s\r\na=setup:%s\r\n",
		   t->ufrag, t->pwd, t->renomination ? " renomination" : "",
		   fingerprint, signal_setup_name(t->setup));
}

static void extension_put(struct buf *b, int id, const char *uri)
{
	if (id)
		buf_printf(b, "a=extmap:%d %s\r\n", id, uri);
}

static const char *direction_name(const struct sdp_section *m)
{
	if (m->sends)
		return m->receives ? "sendrecv" : "sendonly";
	return m->receives ? "recvonly" : "inactive";
}

static void audio_put(struct buf *b, const struct sdp *s,
		      const struct sdp_section *m)
{
	const struct tgcall_channel *c = &m->channel;

	extension_put(b, c->ext_abs_send_time, SIGNAL_URI_ABS_SEND_TIME);
	extension_put(b, c->ext_transport_cc, SIGNAL_URI_TRANSPORT_CC);
	buf_printf(b, "a=%s\r\n", direction_name(m));
	if (m->sends)
		buf_str(b, "a=msid:0 0\r\n");
	buf_printf(b,
		   "a=rtcp-mux\r\na=rtpmap:%d opus/48000/2\r\n"
		   "a=rtcp-fb:%d transport-cc\r\n"
		   "a=fmtp:%d minptime=10;useinbandfec=1\r\n",
		   c->payload_type, c->payload_type, c->payload_type);
	if (m->sends)
		buf_printf(b,
			   "a=ssrc:%u cname:%" PRIx64 "\r\na=ssrc:%u msid:0 "
			   "0\r\n",
			   (unsigned)c->ssrc, s->id, (unsigned)c->ssrc);
}

static void mid_put(struct buf *b, const struct sdp_section *m)
{
	if (*m->mid)
		buf_printf(b, "a=mid:%s\r\n", m->mid);
}

static void section_put(struct buf *b, const struct sdp *s,
			const struct sdp_section *m)
{
	if (m->refused) {
		buf_printf(b,
			   "m=%s 0 %s %s\r\nc=IN IP4 0.0.0.0\r\n"
			   "a=inactive\r\n",
			   m->media, m->proto, m->format);
		mid_put(b, m);
		return;
	}
	buf_printf(b, "m=%s 9 %s ", m->media, m->proto);
	if (m->kind == SDP_AUDIO)
		buf_printf(b, "%d", m->channel.payload_type);
	else
		buf_str(b, m->format);
	buf_str(b, "\r\nc=IN IP4 0.0.0.0\r\n");
	if (m->kind == SDP_AUDIO)
		buf_str(b, "a=rtcp:9 IN IP4 0.0.0.0\r\n");
	transport_put(b, &s->transport);
	mid_put(b, m);
	if (m->kind == SDP_AUDIO)
		audio_put(b, s, m);
	else
		buf_str(b, "a=sctp-port:5000\r\na=max-message-size:262144\r\n");
}

int sdp_put(struct buf *b, const struct sdp *s)
{
	buf_printf(b,
		   "v=0\r\no=- %" PRIu64 " %" PRIu64 " IN IP4 127.0.0.1\r\n"
		   "s=-\r\nt=0 0\r\n",
		   s->id, s->version);
	bundle_put(b, s);
	buf_str(b, "a=msid-semantic: WMS 0\r\n");
	for (size_t i = 0; i < s->sections_n; i++)
		section_put(b, s, &s->sections[i]);
	return b->bad ? -ENOMEM : 0;
}
