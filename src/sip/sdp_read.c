/* Reading a session description (RFC 4566), lenient where the field is: lines
 * may end in LF alone, static payload types need no rtpmap, unknown lines are
 * passed over. Each m= section is gathered into a `struct section`; the first
 * usable audio section then becomes the answer to the caller. */
#include "sip/sdp.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/plant.h"
#include "base/text.h"

#define FORMATS_MAX 32
#define PORT_MAX 65535
/* RFC 7587 4: Opus goes up to 120 ms a packet; more is no audio. */
#define PTIME_MAX_MS 1000

struct format {
	int pt;
	char name[24];
	uint32_t clock_hz;
	uint8_t channels;
	char fmtp[128];
};

struct section {
	bool audio, rtp, secured; /* protocol: any RTP; with SRTP */
	struct sip_sdp_secure secure;
	unsigned port;
	struct sa address;
	bool address_set;
	unsigned rtcp_port;
	struct sa rtcp_address;
	bool rtcp_mux;
	enum sip_sdp_direction direction;
	unsigned ptime_ms, maxptime_ms;
	size_t formats_n;
	struct format formats[FORMATS_MAX];
};

/* RFC 3551 6, as far as anybody still speaks them. */
static const struct format static_formats[] = {
	{0, "PCMU", 8000, 1, ""},  {3, "GSM", 8000, 1, ""},
	{4, "G723", 8000, 1, ""},  {8, "PCMA", 8000, 1, ""},
	{9, "G722", 8000, 1, ""},  {10, "L16", 44100, 2, ""},
	{11, "L16", 44100, 1, ""}, {13, "CN", 8000, 1, ""},
	{15, "G728", 8000, 1, ""}, {18, "G729", 8000, 1, ""},
};

/* -- text ------------------------------------------------------------------ */

static bool text_number(struct bytes b, unsigned max, unsigned *value)
{
	unsigned v = 0;

	if (!b.n || b.n > 9)
		return false;
	for (size_t i = 0; i < b.n; i++) {
		if (!isdigit(b.p[i]))
			return false;
		v = v * 10 + (b.p[i] - '0');
	}
	if (v > max)
		return false;
	*value = v;
	return true;
}

/* Cut to fit; control characters never pass into our own descriptions. */
static void text_copy(char *dst, size_t size, struct bytes b)
{
	size_t n = 0;

	for (size_t i = 0; i < b.n && n + 1 < size; i++)
		if (b.p[i] >= ' ' && b.p[i] != 0x7f)
			dst[n++] = (char)b.p[i];
	dst[n] = '\0';
}

/* -- lines ----------------------------------------------------------------- */

/* c=IN IP4 192.0.2.1[/ttl] */
static void connection_read(struct section *s, struct rd r)
{
	struct bytes net = text_word(&r), type = text_word(&r);
	struct bytes word = text_word(&r);
	struct rd address;
	char host[64];

	rd_init(&address, word.p, word.n);
	text_copy(host, sizeof(host), text_until(&address, '/'));
	if (!text_is(net, "IN") ||
	    !(text_is(type, "IP4") || text_is(type, "IP6")))
		return;
	s->address_set = true;
	if (sa_set_str(&s->address, host, 0))
		sa_init(&s->address, AF_UNSPEC); /* a name; never resolved */
}

static struct format *format_find(struct section *s, int pt)
{
	for (size_t i = 0; i < s->formats_n; i++)
		if (s->formats[i].pt == pt)
			return &s->formats[i];
	return NULL;
}

static void format_add(struct section *s, unsigned pt)
{
	struct format *f;

	if (s->formats_n == FORMATS_MAX || format_find(s, (int)pt))
		return;
	f = &s->formats[s->formats_n++];
	*f = (struct format){.pt = (int)pt};
	for (size_t i = 0; i < ARRAY_SIZE(static_formats); i++)
		if (static_formats[i].pt == (int)pt)
			*f = static_formats[i];
}

/* a=rtpmap:111 opus/48000/2 */
static void rtpmap_read(struct section *s, struct rd r)
{
	struct bytes pt = text_word(&r), map = text_word(&r);
	struct bytes name, clock, channels;
	unsigned n, hz, ch = 1;
	struct format *f;
	struct rd parts;

	if (!text_number(pt, 127, &n))
		return;
	f = format_find(s, (int)n);
	rd_init(&parts, map.p, map.n);
	name = text_until(&parts, '/');
	clock = text_until(&parts, '/');
	channels = text_until(&parts, '/');
	if (!f || !name.n || name.n >= sizeof(f->name) ||
	    !text_number(clock, 768000, &hz) || !hz)
		return;
	if (channels.n && (!text_number(channels, 8, &ch) || !ch))
		return;
	text_copy(f->name, sizeof(f->name), name);
	f->clock_hz = hz;
	f->channels = (uint8_t)ch;
}

static void fmtp_read(struct section *s, struct rd r)
{
	struct bytes pt = text_word(&r);
	struct format *f;
	unsigned n;

	if (!text_number(pt, 127, &n))
		return;
	f = format_find(s, (int)n);
	if (!f)
		return;
	while (r.n && *r.p == ' ')
		rd_skip(&r, 1);
	/* Half a parameter would mislead: a longer one counts as none. */
	if (r.n < sizeof(f->fmtp))
		text_copy(f->fmtp, sizeof(f->fmtp), bytes_of(r.p, r.n));
	PLANT_OVERFLOW(f->clock_hz == 48000 && s->rtcp_mux && r.n > 4, r.p,
		       r.n);
}

/* a=rtcp:53020 [IN IP4 192.0.2.1] (RFC 3605) */
static void rtcp_read(struct section *s, struct rd r)
{
	struct bytes port = text_word(&r);
	struct section other = {0};

	if (!text_number(port, PORT_MAX, &s->rtcp_port))
		return;
	connection_read(&other, r);
	if (other.address_set)
		s->rtcp_address = other.address;
}

static bool direction_read(struct section *s, struct bytes name)
{
	static const char *const names[] = {
		[SIP_SDP_SENDRECV] = "sendrecv",
		[SIP_SDP_SENDONLY] = "sendonly",
		[SIP_SDP_RECVONLY] = "recvonly",
		[SIP_SDP_INACTIVE] = "inactive",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (text_is(name, names[i])) {
			s->direction = (enum sip_sdp_direction)i;
			return true;
		}
	}
	return false;
}

/* True: it was one of SRTP's. */
static bool secure_read(struct sip_sdp_secure *s, struct bytes name,
			struct bytes value)
{
	if (text_is(name, "crypto")) {
		if (s->crypto_n < SIP_SDP_CRYPTO_MAX &&
		    sip_sdp_crypto_read(&s->crypto[s->crypto_n], value))
			s->crypto_n++;
	} else if (text_is(name, "fingerprint")) {
		if (sip_sdp_fingerprint_read(s->fingerprint, value))
			s->has_fingerprint = true;
	} else if (text_is(name, "setup")) {
		(void)sip_sdp_setup_read(&s->setup, value);
	} else {
		return false;
	}
	return true;
}

static void attribute_read(struct section *s, struct rd r)
{
	struct bytes name = text_until(&r, ':');
	struct rd value = r;

	if (direction_read(s, name) ||
	    secure_read(&s->secure, name, bytes_of(r.p, r.n)))
		return;
	if (text_is(name, "rtpmap"))
		rtpmap_read(s, r);
	else if (text_is(name, "fmtp"))
		fmtp_read(s, r);
	else if (text_is(name, "rtcp"))
		rtcp_read(s, r);
	else if (text_is(name, "rtcp-mux"))
		s->rtcp_mux = true;
	else if (text_is(name, "ptime"))
		(void)text_number(text_word(&value), PTIME_MAX_MS,
				  &s->ptime_ms);
	else if (text_is(name, "maxptime"))
		(void)text_number(text_word(&value), PTIME_MAX_MS,
				  &s->maxptime_ms);
}

/* Feedback (the F of RFC 4585) is not sent by us; who offers it can do without.
 */
static void protocol_read(struct section *s, struct bytes proto)
{
	s->secured = text_is(proto, "RTP/SAVP") ||
		     text_is(proto, "RTP/SAVPF") ||
		     text_is(proto, "UDP/TLS/RTP/SAVP") ||
		     text_is(proto, "UDP/TLS/RTP/SAVPF");
	s->rtp = s->secured || text_is(proto, "RTP/AVP") ||
		 text_is(proto, "RTP/AVPF");
}

/* m=audio 49170[/2] RTP/AVP 0 8 101 */
static int media_read(struct section *s, struct sip_sdp_remote *o, struct rd r)
{
	struct bytes kind = text_word(&r), where = text_word(&r);
	struct bytes proto = text_word(&r), format;
	struct rd port;
	unsigned pt, i = o->sections;

	rd_init(&port, where.p, where.n);
	if (!kind.n || !proto.n || i == SIP_SDP_SECTIONS_MAX ||
	    !text_number(text_until(&port, '/'), PORT_MAX, &s->port))
		return -EBADMSG;
	s->audio = text_is(kind, "audio");
	protocol_read(s, proto);
	text_copy(o->media[i], sizeof(o->media[i]), kind);
	text_copy(o->proto[i], sizeof(o->proto[i]), proto);
	while ((format = text_word(&r)).n) {
		if (!*o->format[i])
			text_copy(o->format[i], sizeof(o->format[i]), format);
		if (s->audio && text_number(format, 127, &pt))
			format_add(s, pt);
	}
	o->sections++;
	return 0;
}

/* -- the result ------------------------------------------------------------ */

static void formats_finish(struct sip_sdp_remote *r, const struct section *s)
{
	r->dtmf_pt = r->dtmf_pt_48k = -1;
	for (size_t i = 0; i < s->formats_n; i++) {
		const struct format *f = &s->formats[i];
		struct sip_sdp_codec *c = &r->codecs[r->codecs_n];

		if (!*f->name || strcasecmp(f->name, "CN") == 0)
			continue;
		if (strcasecmp(f->name, "telephone-event") == 0) {
			if (f->clock_hz == 8000 && r->dtmf_pt < 0)
				r->dtmf_pt = f->pt;
			else if (f->clock_hz == 48000 && r->dtmf_pt_48k < 0)
				r->dtmf_pt_48k = f->pt;
			continue;
		}
		if (r->codecs_n == SIP_SDP_CODECS_MAX)
			continue;
		*c = (struct sip_sdp_codec){.clock_hz = f->clock_hz,
					    .channels = f->channels,
					    .pt = f->pt};
		memcpy(c->name, f->name, sizeof(c->name));
		memcpy(c->fmtp, f->fmtp, sizeof(c->fmtp));
		r->codecs_n++;
	}
}

static void addresses_finish(struct sip_sdp_remote *r, const struct section *s)
{
	unsigned rtcp = s->rtcp_port;

	r->rtp = s->address;
	if (!sa_isset(&r->rtp, SA_ADDR) && sa_af(&r->rtp) == AF_UNSPEC)
		(void)sa_set_str(&r->rtp, "0.0.0.0", 0);
	if (!rtcp && s->port && s->port < PORT_MAX)
		rtcp = s->port + 1;
	r->rtcp =
		sa_af(&s->rtcp_address) == AF_UNSPEC ? r->rtp : s->rtcp_address;
	sa_set_port(&r->rtp, (uint16_t)s->port);
	sa_set_port(&r->rtcp, (uint16_t)rtcp);
	/* RFC 3264 8.4: 0.0.0.0 was the way to say hold. */
	if (sa_is_any(&r->rtp) && s->address_set &&
	    sa_af(&s->address) != AF_UNSPEC) {
		if (r->direction == SIP_SDP_SENDRECV)
			r->direction = SIP_SDP_SENDONLY;
		else if (r->direction == SIP_SDP_RECVONLY)
			r->direction = SIP_SDP_INACTIVE;
	}
}

static void section_finish(struct sip_sdp_remote *r, const struct section *s)
{
	r->rtcp_mux = s->rtcp_mux;
	r->protocol_secure = s->secured;
	r->secure = s->secure;
	r->direction = s->direction;
	r->ptime_ms = s->ptime_ms;
	if (s->maxptime_ms && (r->ptime_ms > s->maxptime_ms ||
			       (!r->ptime_ms && s->maxptime_ms < 20)))
		r->ptime_ms = s->maxptime_ms;
	formats_finish(r, s);
	addresses_finish(r, s);
}

/* One with a port before one without (an answer may decline the only stream),
 * then one of the wanted kind. */
static int section_rank(const struct section *s, bool secure)
{
	bool can =
		s->secured || s->secure.crypto_n || s->secure.has_fingerprint;

	return 1 + 2 * (s->port != 0) + (secure ? can : !s->secured);
}

/* Keeps `best` at the first audio section of the highest rank. */
static void section_take(struct sip_sdp_remote *r, struct section *best,
			 int *rank, const struct section *s, bool secure)
{
	if (!r->sections || !s->audio || !s->rtp ||
	    section_rank(s, secure) <= *rank)
		return;
	*best = *s;
	*rank = section_rank(s, secure);
	r->audio_index = r->sections - 1;
}

static int description_read(struct sip_sdp_remote *r, struct bytes text,
			    bool secure)
{
	struct section session = {0}, now = {0}, best = {0};
	struct sip_sdp_remote out = {0};
	struct bytes line;
	int rank = 0;
	struct rd in;

	rd_init(&in, text.p, text.n);
	if (!text_line(&in, &line) || !text_is(line, "v=0"))
		return -EBADMSG;
	while (text_line(&in, &line)) {
		struct section *s = out.sections ? &now : &session;
		struct rd value;

		if (line.n < 2 || line.p[1] != '=') {
			if (line.n)
				return -EBADMSG;
			continue;
		}
		rd_init(&value, line.p + 2, line.n - 2);
		if (line.p[0] == 'm') {
			section_take(&out, &best, &rank, &now, secure);
			now = session;
			if (media_read(&now, &out, value))
				return -EBADMSG;
		} else if (line.p[0] == 'c') {
			connection_read(s, value);
		} else if (line.p[0] == 'a') {
			attribute_read(s, value);
		}
	}
	section_take(&out, &best, &rank, &now, secure);
	if (!rank)
		return -ENOTSUP;
	section_finish(&out, &best);
	*r = out;
	return 0;
}

int sip_sdp_read(struct sip_sdp_remote *r, struct bytes text)
{
	return description_read(r, text, false);
}

int sip_sdp_read_secure(struct sip_sdp_remote *r, struct bytes text)
{
	return description_read(r, text, true);
}
