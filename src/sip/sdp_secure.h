/* What a session description says of SRTP: a=crypto (SDES, RFC 4568),
 * a=fingerprint and a=setup (DTLS, RFC 5763, 8122). Text in, text out. Keys
 * are in here: wipe, never log.
 */
#ifndef SIP_SDP_SECURE_H
#define SIP_SDP_SECURE_H

#include "base/bytes.h"

#define SIP_SDP_CRYPTO_MAX 8
#define SIP_SDP_KEY_BYTES 46
#define SIP_SDP_FINGERPRINT_BYTES 32

/* One line. */
struct sip_sdp_crypto {
	unsigned tag;
	char suite[32]; /* "AES_CM_128_HMAC_SHA1_80", as written */
	uint8_t key[SIP_SDP_KEY_BYTES]; /* master key || salt */
	size_t key_n;
};

/* RFC 4145 4 */
enum sip_sdp_setup {
	SIP_SDP_ACTPASS,
	SIP_SDP_ACTIVE,
	SIP_SDP_PASSIVE,
	SIP_SDP_HOLDCONN,
};

struct sip_sdp_secure {
	size_t crypto_n;
	struct sip_sdp_crypto crypto[SIP_SDP_CRYPTO_MAX];
	bool has_fingerprint; /* sha-256; another hash counts as none */
	uint8_t fingerprint[SIP_SDP_FINGERPRINT_BYTES];
	enum sip_sdp_setup setup;
};

/* The value behind "a=crypto:". False: not one that could be used; lines with
 * a master key identifier, more than one key, or a parameter that changes what
 * is protected are such. */
bool sip_sdp_crypto_read(struct sip_sdp_crypto *c, struct bytes value);
bool sip_sdp_fingerprint_read(uint8_t fingerprint[SIP_SDP_FINGERPRINT_BYTES],
			      struct bytes value);
bool sip_sdp_setup_read(enum sip_sdp_setup *setup, struct bytes value);
/* All of it as lines; setup only beside a fingerprint. */
void sip_sdp_secure_write(struct buf *text, const struct sip_sdp_secure *s);

#endif
