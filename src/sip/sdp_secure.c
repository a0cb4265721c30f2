#include "sip/sdp_secure.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/re.h"
#include "base/text.h"

#define TAG_MAX 999999999u /* RFC 4568 9.1: 1*9DIGIT */

static const char *const setups[] = {
	[SIP_SDP_ACTPASS] = "actpass",
	[SIP_SDP_ACTIVE] = "active",
	[SIP_SDP_PASSIVE] = "passive",
	[SIP_SDP_HOLDCONN] = "holdconn",
};

static bool word_begins(struct bytes word, const char *text)
{
	return word.n >= strlen(text) &&
	       strncasecmp((const char *)word.p, text, strlen(text)) == 0;
}

static bool tag_read(unsigned *tag, struct bytes word)
{
	unsigned v = 0;

	if (!word.n || word.n > 9)
		return false;
	for (size_t i = 0; i < word.n; i++) {
		if (!isdigit(word.p[i]))
			return false;
		v = v * 10 + (word.p[i] - '0');
	}
	*tag = v;
	return true;
}

/* RFC 4648 4, with its padding; nothing else between. */
static bool key_read(struct sip_sdp_crypto *c, struct bytes text)
{
	char copy[4 * ((SIP_SDP_KEY_BYTES + 2) / 3) + 1];
	size_t padding = 0;
	bool good;

	if (!text.n || text.n % 4 || text.n >= sizeof(copy))
		return false;
	while (padding < 2 && text.p[text.n - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < text.n - padding; i++)
		if (!isalnum(text.p[i]) && text.p[i] != '+' && text.p[i] != '/')
			return false;
	memcpy(copy, text.p, text.n);
	c->key_n = sizeof(c->key);
	good = base64_decode(copy, text.n, c->key, &c->key_n) == 0;
	bytes_wipe(copy, sizeof(copy));
	return good;
}

/* "inline:KEY[|LIFETIME][|MKI:LENGTH]": a lifetime is the sender's affair. */
static bool parameters_read(struct sip_sdp_crypto *c, struct bytes word)
{
	static const char method[] = "inline:";
	struct bytes key;
	const uint8_t *bar;

	if (!word_begins(word, method) || memchr(word.p, ';', word.n))
		return false;
	key = bytes_of(word.p + strlen(method), word.n - strlen(method));
	bar = key.n ? memchr(key.p, '|', key.n) : NULL;
	if (bar) {
		if (memchr(bar, ':', (size_t)(key.p + key.n - bar)))
			return false;
		key.n = (size_t)(bar - key.p);
	}
	return key_read(c, key);
}

/* RFC 4568 6.3.7: "-" stands before what may be ignored. WSH says something of
 * the sender's window only. */
static bool session_parameter_is_harmless(struct bytes word)
{
	return word_begins(word, "-") || word_begins(word, "WSH=");
}

bool sip_sdp_crypto_read(struct sip_sdp_crypto *c, struct bytes value)
{
	struct sip_sdp_crypto out = {0};
	struct bytes tag, suite, word;
	bool good;
	struct rd r;

	rd_init(&r, value.p, value.n);
	tag = text_word(&r);
	suite = text_word(&r);
	if (!tag_read(&out.tag, tag) || !suite.n ||
	    suite.n >= sizeof(out.suite))
		return false;
	for (size_t i = 0; i < suite.n; i++) {
		if (!isalnum(suite.p[i]) && suite.p[i] != '_')
			return false;
		out.suite[i] = (char)suite.p[i];
	}
	good = parameters_read(&out, text_word(&r));
	while (good && (word = text_word(&r)).n)
		good = session_parameter_is_harmless(word);
	if (good)
		*c = out;
	bytes_wipe(&out, sizeof(out));
	return good;
}

/* "sha-256 AB:CD:...": RFC 8122 5 */
bool sip_sdp_fingerprint_read(uint8_t fingerprint[SIP_SDP_FINGERPRINT_BYTES],
			      struct bytes value)
{
	struct bytes hash, text;
	struct rd r;

	rd_init(&r, value.p, value.n);
	hash = text_word(&r);
	text = text_word(&r);
	return text_is(hash, "sha-256") &&
	       hex_pairs_decode(fingerprint, SIP_SDP_FINGERPRINT_BYTES,
				(const char *)text.p, text.n) == 0;
}

bool sip_sdp_setup_read(enum sip_sdp_setup *setup, struct bytes value)
{
	struct bytes word;
	struct rd r;

	rd_init(&r, value.p, value.n);
	word = text_word(&r);
	for (unsigned i = 0; i < ARRAY_SIZE(setups); i++) {
		if (text_is(word, setups[i])) {
			*setup = (enum sip_sdp_setup)i;
			return true;
		}
	}
	return false;
}

static void crypto_write(struct buf *text, const struct sip_sdp_crypto *c)
{
	char key[4 * ((SIP_SDP_KEY_BYTES + 2) / 3) + 1];
	size_t n = sizeof(key) - 1;

	if (base64_encode(c->key, c->key_n, key, &n))
		return;
	buf_printf(text, "a=crypto:%u %s inline:%.*s\r\n", c->tag, c->suite,
		   (int)n, key);
	bytes_wipe(key, sizeof(key));
}

void sip_sdp_secure_write(struct buf *text, const struct sip_sdp_secure *s)
{
	char pairs[3 * SIP_SDP_FINGERPRINT_BYTES];

	for (size_t i = 0; i < s->crypto_n; i++)
		crypto_write(text, &s->crypto[i]);
	if (!s->has_fingerprint)
		return;
	hex_pairs_encode(pairs, s->fingerprint, sizeof(s->fingerprint));
	buf_printf(text, "a=fingerprint:sha-256 %s\r\na=setup:%s\r\n", pairs,
		   setups[s->setup]);
}
