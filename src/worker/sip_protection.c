#include "worker/sip_protection.h"

#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "media/dtls.h"

/* What we offer by SDES; we take every suite of media/srtp.h that the field
 * has keys in its descriptions for. */
static const enum media_srtp_suite offered[] = {MEDIA_SRTP_AES_CM_128_80,
						MEDIA_SRTP_AES_CM_128_32};

void sip_protection_wipe(struct sip_protection *p)
{
	bytes_wipe(p, sizeof(*p));
}

const char *sip_protection_name(const struct sip_protection *p)
{
	switch (p->now.kind) {
	case MEDIA_SDES:
		return "sdes";
	case MEDIA_DTLS:
		return "dtls";
	default:
		return NULL;
	}
}

int sip_protection_read(struct sip_sdp_remote *r, struct bytes sdp,
			const struct trunk *set)
{
	return set->srtp == TRUNK_SRTP_OFF ? sip_sdp_read(r, sdp)
					   : sip_sdp_read_secure(r, sdp);
}

/* -- SDES ------------------------------------------------------------------ */

static const struct media_srtp_key *own_key(struct sip_protection *p,
					    enum media_srtp_suite suite)
{
	struct media_srtp_key *k = &p->own[suite];

	if (!k->suite) {
		random_bytes(k->bytes, media_srtp_key_bytes(suite));
		k->suite = suite;
	}
	return k;
}

static void crypto_say(struct sip_protection *p, unsigned tag,
		       enum media_srtp_suite suite)
{
	struct sip_sdp_crypto *c = &p->says.crypto[p->says.crypto_n++];
	const struct media_srtp_key *k = own_key(p, suite);

	*c = (struct sip_sdp_crypto){.tag = tag,
				     .key_n = media_srtp_key_bytes(suite)};
	snprintf(c->suite, sizeof(c->suite), "%s",
		 media_srtp_suite_name(suite));
	memcpy(c->key, k->bytes, c->key_n);
}

static bool crypto_fits(const struct sip_sdp_crypto *c,
			enum media_srtp_suite *suite)
{
	*suite = media_srtp_suite_of(c->suite);
	return *suite && media_srtp_key_bytes(*suite) == c->key_n;
}

/* RFC 4568 5.1.2: the first that we can. */
static const struct sip_sdp_crypto *crypto_find(const struct sip_sdp_secure *s,
						enum media_srtp_suite *suite)
{
	for (size_t i = 0; i < s->crypto_n; i++)
		if (crypto_fits(&s->crypto[i], suite))
			return &s->crypto[i];
	return NULL;
}

static void sdes_agree(struct sip_protection *p, const struct sip_sdp_crypto *c,
		       enum media_srtp_suite suite)
{
	p->now = (struct media_protect){.kind = MEDIA_SDES};
	p->now.tx = *own_key(p, suite);
	p->now.rx.suite = suite;
	memcpy(p->now.rx.bytes, c->key, c->key_n);
}

/* -- DTLS ------------------------------------------------------------------ */

static bool dtls_say(struct sip_protection *p, enum sip_sdp_setup setup)
{
	p->says.setup = setup;
	p->says.has_fingerprint =
		media_dtls_fingerprint(p->says.fingerprint) == 0;
	return p->says.has_fingerprint;
}

static void dtls_agree(struct sip_protection *p, const struct sip_sdp_secure *s,
		       bool client)
{
	p->now = (struct media_protect){.kind = MEDIA_DTLS, .client = client};
	memcpy(p->now.fingerprint, s->fingerprint, sizeof(s->fingerprint));
}

/* -- offers of the peer ---------------------------------------------------- */

static bool refuse(struct sip_protection *p, const char *why)
{
	p->refused = why;
	return false;
}

static bool offer_by_dtls(struct sip_protection *p,
			  const struct sip_sdp_secure *s)
{
	/* Once agreed, the roles stay (RFC 5763 6.6). We wait for the hello
	 * where we may choose: it shows where the peer sits. */
	bool again = p->now.kind == MEDIA_DTLS &&
		     memcmp(p->now.fingerprint, s->fingerprint,
			    sizeof(s->fingerprint)) == 0;
	bool client = s->setup == SIP_SDP_PASSIVE ||
		      (s->setup == SIP_SDP_ACTPASS && again && p->now.client);

	p->says = (struct sip_sdp_secure){0};
	if (!dtls_say(p, client ? SIP_SDP_ACTIVE : SIP_SDP_PASSIVE))
		return refuse(p, "DTLS is not to be had");
	dtls_agree(p, s, client);
	return true;
}

bool sip_protection_take_offer(struct sip_protection *p,
			       const struct trunk *set,
			       const struct sip_sdp_remote *r)
{
	const struct sip_sdp_secure *s = &r->secure;
	const struct sip_sdp_crypto *c;
	enum media_srtp_suite suite;

	p->refused = NULL;
	if (set->srtp == TRUNK_SRTP_OFF && r->protocol_secure)
		return refuse(p, "SRTP is off for this trunk");
	c = set->srtp == TRUNK_SRTP_OFF ? NULL : crypto_find(s, &suite);
	if (set->srtp != TRUNK_SRTP_OFF && s->has_fingerprint &&
	    (!c || set->srtp_keying == TRUNK_KEYING_DTLS))
		return offer_by_dtls(p, s);
	if (c) {
		p->says = (struct sip_sdp_secure){0};
		crypto_say(p, c->tag, suite);
		sdes_agree(p, c, suite);
		return true;
	}
	if (r->protocol_secure)
		return refuse(p, "no usable key for SRTP offered");
	if (set->srtp == TRUNK_SRTP_REQUIRED)
		return refuse(p, "SRTP is required on this trunk");
	p->says = (struct sip_sdp_secure){0};
	p->now = (struct media_protect){.kind = MEDIA_PLAIN};
	return true;
}

/* -- offers of ours -------------------------------------------------------- */

/* RTP/AVP with keys in it: one who does not know them answers without, who
 * does answers with. It is what phones and PBXs do for "optional". */
void sip_protection_offer(struct sip_protection *p, const struct trunk *set,
			  const struct sip_sdp_remote *before,
			  struct sip_sdp_local *l)
{
	bool dtls = p->now.kind == MEDIA_DTLS ||
		    (p->now.kind == MEDIA_PLAIN &&
		     set->srtp_keying == TRUNK_KEYING_DTLS);

	p->says = (struct sip_sdp_secure){0};
	if (set->srtp == TRUNK_SRTP_OFF)
		return;
	if (dtls)
		(void)dtls_say(p, SIP_SDP_ACTPASS);
	for (size_t i = 0; !dtls && i < ARRAY_SIZE(offered); i++)
		crypto_say(p, (unsigned)i + 1, offered[i]);
	l->secure = &p->says;
	if (before->sections)
		l->protocol = before->proto[before->audio_index];
	else if (set->srtp == TRUNK_SRTP_REQUIRED)
		l->protocol = dtls ? "UDP/TLS/RTP/SAVP" : "RTP/SAVP";
}

bool sip_protection_take_answer(struct sip_protection *p,
				const struct trunk *set,
				const struct sip_sdp_remote *r)
{
	const struct sip_sdp_secure *s = &r->secure;
	enum media_srtp_suite suite;

	for (size_t i = 0; i < s->crypto_n; i++) {
		const struct sip_sdp_crypto *c = &s->crypto[i];

		if (!crypto_fits(c, &suite) || !p->own[suite].suite ||
		    !p->says.crypto_n)
			continue;
		sdes_agree(p, c, suite);
		return true;
	}
	if (s->has_fingerprint && p->says.has_fingerprint) {
		dtls_agree(p, s, s->setup == SIP_SDP_PASSIVE);
		return true;
	}
	if (set->srtp == TRUNK_SRTP_REQUIRED || r->protocol_secure)
		return refuse(p, "answered without SRTP");
	p->now = (struct media_protect){.kind = MEDIA_PLAIN};
	return true;
}

void sip_protection_answer(const struct sip_protection *p,
			   struct sip_sdp_local *l)
{
	if (p->now.kind != MEDIA_PLAIN)
		l->secure = &p->says;
}
