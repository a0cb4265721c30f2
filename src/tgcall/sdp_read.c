#include "tgcall/sdp.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/plant.h"
#include "base/text.h"
#include "tgcall/signal_message.h"

#define CREDENTIAL_MAX 256
#define PAYLOAD_TYPES 128

/* What may stand in the session part and holds for every section then. */
struct part {
	bool has_ufrag, has_pwd, has_fingerprint, has_setup;
	struct tgcall_transport transport;
	bool sends, receives;
};

struct reading {
	struct sdp *sdp;
	struct part session, part; /* part: of the section being read */
	struct sdp_section *section;
	bool formats[PAYLOAD_TYPES]; /* payload types of its m= line */
	bool bundle_only;
};

/* -- words ------------------------------------------------------------------
 */

/* RFC 8866 5: CRLF ends a line; "parsers SHOULD also accept LF". */
static bool line_next(struct rd *r, struct rd *line)
{
	struct bytes text;

	if (!text_line(r, &text))
		return false;
	rd_init(line, text.p, text.n);
	return true;
}

static struct bytes word_next(struct rd *r)
{
	while (r->n && *r->p == ' ')
		rd_skip(r, 1);
	return text_until(r, ' ');
}

static bool is(struct bytes word, const char *text)
{
	return word.n == strlen(text) && memcmp(word.p, text, word.n) == 0;
}

static int number(uint64_t *v, struct bytes word, uint64_t max)
{
	uint64_t n = 0;

	if (!word.n || word.n > 20)
		return -EBADMSG;
	for (size_t i = 0; i < word.n; i++) {
		uint64_t digit = (uint64_t)word.p[i] - '0';

		if (!isdigit(word.p[i]) || n > (max - digit) / 10)
			return -EBADMSG;
		n = n * 10 + digit;
	}
	*v = n;
	return 0;
}

/* Printable and short, or nothing. */
static int copy(char *dst, size_t room, struct bytes word)
{
	if (!word.n || word.n >= room)
		return -EBADMSG;
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] <= ' ' || word.p[i] > '~')
			return -EBADMSG;
	memcpy(dst, word.p, word.n);
	dst[word.n] = '\0';
	return 0;
}

/* -- the transport ----------------------------------------------------------
 */

static int ufrag_read(struct part *p, struct rd *value)
{
	p->has_ufrag = true;
	return copy(p->transport.ufrag, CREDENTIAL_MAX + 1, word_next(value));
}

static int pwd_read(struct part *p, struct rd *value)
{
	p->has_pwd = true;
	return copy(p->transport.pwd, CREDENTIAL_MAX + 1, word_next(value));
}

static int fingerprint_read(struct part *p, struct rd *value)
{
	struct bytes hash = word_next(value), pairs;

	/* There may be several; one that we know must be among them. */
	if (!text_is(hash, "sha-256") || p->has_fingerprint)
		return 0;
	p->has_fingerprint = true;
	pairs = word_next(value);
	return hex_pairs_decode(p->transport.fingerprint,
				sizeof(p->transport.fingerprint),
				(const char *)pairs.p, pairs.n);
}

static int setup_read(struct part *p, struct rd *value)
{
	char text[16];

	p->has_setup = true;
	if (copy(text, sizeof(text), word_next(value)))
		return -EBADMSG;
	p->transport.setup = signal_setup_read(text);
	return 0;
}

static int options_read(struct part *p, struct rd *value)
{
	while (value->n)
		if (is(word_next(value), "renomination"))
			p->transport.renomination = true;
	return 0;
}

static bool direction_read(struct part *p, struct bytes name)
{
	static const struct {
		const char *name;
		bool sends, receives;
	} directions[] = {
		{"sendrecv", true, true},
		{"sendonly", true, false},
		{"recvonly", false, true},
		{"inactive", false, false},
	};

	for (size_t i = 0; i < sizeof(directions) / sizeof(*directions); i++) {
		if (!is(name, directions[i].name))
			continue;
		p->sends = directions[i].sends;
		p->receives = directions[i].receives;
		return true;
	}
	return false;
}

static int transport_attribute(struct part *p, struct bytes name,
			       struct rd *value)
{
	static const struct {
		const char *name;
		int (*read)(struct part *p, struct rd *value);
	} attributes[] = {
		{"ice-ufrag", ufrag_read},
		{"ice-pwd", pwd_read},
		{"ice-options", options_read},
		{"fingerprint", fingerprint_read},
		{"setup", setup_read},
	};

	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
		if (is(name, attributes[i].name))
			return attributes[i].read(p, value);
	direction_read(p, name);
	return 0;
}

/* -- sections ---------------------------------------------------------------
 */

/* a=rtpmap:111 opus/48000/2 */
static int rtpmap_read(struct reading *g, struct rd *value)
{
	struct sdp_section *s = g->section;
	struct bytes coding;
	struct rd name;
	uint64_t type;

	if (number(&type, word_next(value), PAYLOAD_TYPES - 1))
		return -EBADMSG;
	coding = word_next(value);
	rd_init(&name, coding.p, coding.n);
	if (s->has_opus || !g->formats[type] ||
	    !text_is(text_until(&name, '/'), "opus") ||
	    !is(text_until(&name, '/'), "48000"))
		return 0;
	s->has_opus = true;
	s->channel.payload_type = (int)type;
	return 0;
}

/* a=extmap:3[/sendrecv] URI */
static int extmap_read(struct reading *g, struct rd *value)
{
	struct bytes word = word_next(value);
	char uri[128];
	uint64_t id;
	struct rd r;
	int *slot;

	rd_init(&r, word.p, word.n);
	if (number(&id, text_until(&r, '/'), 4095))
		return -EBADMSG;
	/* RFC 8285 4.2: one-byte headers. */
	if (id < 1 || id > 14 || copy(uri, sizeof(uri), word_next(value)))
		return 0;
	slot = signal_extension_slot(&g->section->channel, uri);
	if (slot && !*slot)
		*slot = (int)id;
	return 0;
}

/* a=ssrc:793325990 cname:... */
static int ssrc_read(struct reading *g, struct rd *value)
{
	uint64_t ssrc;

	if (number(&ssrc, word_next(value), UINT32_MAX))
		return -EBADMSG;
	if (!g->section->channel.ssrc)
		g->section->channel.ssrc = (uint32_t)ssrc;
	return 0;
}

static int mid_read(struct reading *g, struct rd *value)
{
	char *mid = g->section->mid;

	if (copy(mid, sizeof(g->section->mid), word_next(value)))
		return -EBADMSG;
	PLANT_OVERFLOW(strlen(mid) > 10 && g->sdp->sections_n > 1, mid,
		       strlen(mid));
	return 0;
}

static int bundle_only_read(struct reading *g, struct rd *value)
{
	g->bundle_only = true;
	return 0;
}

static int section_attribute(struct reading *g, struct bytes name,
			     struct rd *value)
{
	static const struct {
		const char *name;
		int (*read)(struct reading *g, struct rd *value);
	} attributes[] = {
		{"rtpmap", rtpmap_read},
		{"extmap", extmap_read},
		{"ssrc", ssrc_read},
		{"mid", mid_read},
		{"bundle-only", bundle_only_read},
	};

	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
		if (is(name, attributes[i].name))
			return attributes[i].read(g, value);
	return transport_attribute(&g->part, name, value);
}

static void candidate_read(struct reading *g, struct bytes line)
{
	if (g->sdp->candidates_n < SDP_CANDIDATES_MAX)
		g->sdp->candidates[g->sdp->candidates_n++] = line;
}

static int attribute_read(struct reading *g, struct rd line)
{
	struct bytes whole = bytes_of(line.p, line.n);
	struct bytes name = text_until(&line, ':');

	if (!g->section)
		return transport_attribute(&g->session, name, &line);
	if (is(name, "candidate")) {
		candidate_read(g, whole);
		return 0;
	}
	return section_attribute(g, name, &line);
}

/* m=audio 9 UDP/TLS/RTP/SAVPF 111 63 110 */
static int media_read(struct reading *g, struct rd line)
{
	struct sdp_section *s = &g->sdp->sections[g->sdp->sections_n];
	struct rd formats;
	uint64_t port, type;

	if (g->sdp->sections_n == SDP_SECTIONS_MAX)
		return -EBADMSG;
	memset(g->formats, 0, sizeof(g->formats));
	if (copy(s->media, sizeof(s->media), word_next(&line)) ||
	    number(&port, word_next(&line), UINT16_MAX) ||
	    copy(s->proto, sizeof(s->proto), word_next(&line)))
		return -EBADMSG;
	formats = line;
	if (copy(s->format, sizeof(s->format), word_next(&line)))
		return -EBADMSG;
	while (formats.n)
		if (number(&type, word_next(&formats), PAYLOAD_TYPES - 1) == 0)
			g->formats[type] = true;
	s->refused = port == 0;
	if (strcmp(s->media, "audio") == 0)
		s->kind = SDP_AUDIO;
	else if (strcmp(s->media, "application") == 0 &&
		 strstr(s->proto, "DTLS/SCTP"))
		s->kind = SDP_DATA;
	g->sdp->sections_n++;
	g->section = s;
	g->part = g->session;
	g->bundle_only = false;
	return 0;
}

/* What a section is, when its last line was read. */
static void section_end(struct reading *g)
{
	const struct part *p = &g->part;
	struct sdp_section *s = g->section;
	struct sdp *sdp = g->sdp;

	if (!s)
		return;
	s->sends = p->sends;
	s->receives = p->receives;
	/* RFC 8843 6: port 0 of a bundle-only section is no refusal. */
	if (g->bundle_only)
		s->refused = false;
	if (s->refused || sdp->has_transport || !p->has_ufrag || !p->has_pwd ||
	    !p->has_fingerprint)
		return;
	sdp->has_transport = true;
	sdp->transport = p->transport;
	if (!p->has_setup)
		sdp->transport.setup = TGCALL_ACTPASS;
}

/* o=- 1206675281193534646 2 IN IP4 127.0.0.1 */
static int origin_read(struct reading *g, struct rd line)
{
	word_next(&line);
	if (number(&g->sdp->id, word_next(&line), UINT64_MAX) ||
	    number(&g->sdp->version, word_next(&line), UINT64_MAX))
		return -EBADMSG;
	return 0;
}

static int line_read(struct reading *g, struct rd line)
{
	uint8_t type = rd_u8(&line);

	if (rd_u8(&line) != '=' || line.bad)
		return -EBADMSG;
	switch (type) {
	case 'o':
		return origin_read(g, line);
	case 'm':
		section_end(g);
		return media_read(g, line);
	case 'a':
		return attribute_read(g, line);
	default:
		return 0;
	}
}

int sdp_read(struct sdp *s, struct bytes text)
{
	struct reading g = {.sdp = s,
			    .session = {.sends = true, .receives = true}};
	struct rd r, line;
	int err = 0;

	memset(s, 0, sizeof(*s));
	if (text.n > SDP_TEXT_MAX || text.n < 4 || memcmp(text.p, "v=0", 3))
		return -EBADMSG;
	rd_init(&r, text.p, text.n);
	while (err == 0 && line_next(&r, &line))
		if (line.n)
			err = line_read(&g, line);
	section_end(&g);
	bytes_wipe(&g, sizeof(g));
	if (err == 0 && !s->sections_n)
		err = -EBADMSG;
	return err;
}
