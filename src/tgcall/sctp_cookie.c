#include "tgcall/sctp_cookie.h"

#include <errno.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define FIELDS_BYTES 32
#define MAC_BYTES (SCTP_COOKIE_BYTES - FIELDS_BYTES)

static int cookie_mac(uint8_t dst[EVP_MAX_MD_SIZE], const uint8_t *fields,
		      const uint8_t secret[SCTP_SECRET_BYTES])
{
	unsigned n = 0;

	if (!HMAC(EVP_sha256(), secret, SCTP_SECRET_BYTES, fields, FIELDS_BYTES,
		  dst, &n))
		return -EIO;
	return 0;
}

int sctp_cookie_seal(uint8_t dst[SCTP_COOKIE_BYTES],
		     const struct sctp_cookie *cookie,
		     const uint8_t secret[SCTP_SECRET_BYTES])
{
	const uint32_t fields[] = {
		cookie->local_tag, cookie->peer_tag,  cookie->local_tsn,
		cookie->peer_tsn,  cookie->peer_rwnd, cookie->peer_streams,
		cookie->tie_local, cookie->tie_peer,
	};
	uint8_t mac[EVP_MAX_MD_SIZE];

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		be32_store(dst + 4 * i, fields[i]);
	if (cookie_mac(mac, dst, secret))
		return -EIO;
	for (size_t i = 0; i < MAC_BYTES; i++)
		dst[FIELDS_BYTES + i] = mac[i];
	return 0;
}

int sctp_cookie_open(struct sctp_cookie *cookie, struct bytes src,
		     const uint8_t secret[SCTP_SECRET_BYTES])
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	struct rd r;

	if (src.n != SCTP_COOKIE_BYTES || cookie_mac(mac, src.p, secret) ||
	    !bytes_equal_ct(mac, src.p + FIELDS_BYTES, MAC_BYTES))
		return -EBADMSG;
	rd_init(&r, src.p, src.n);
	cookie->local_tag = rd_be32(&r);
	cookie->peer_tag = rd_be32(&r);
	cookie->local_tsn = rd_be32(&r);
	cookie->peer_tsn = rd_be32(&r);
	cookie->peer_rwnd = rd_be32(&r);
	cookie->peer_streams = rd_be32(&r);
	cookie->tie_local = rd_be32(&r);
	cookie->tie_peer = rd_be32(&r);
	return 0;
}
