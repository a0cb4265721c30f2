/* Getting through a proxy to a data centre: SOCKS5 (RFC 1928, 1929) and HTTP
 * CONNECT (RFC 7231 4.3.6, 7617) as an engine: bytes in, bytes out, no sockets.
 * An MTProto proxy needs no words of its own: its secret goes into the
 * obfuscation of the transport (mtproto/transport.h).
 *
 * The proxy's bytes are foreign: what breaks the rules is refused by name. No
 * reason and no log line holds user name, password or secret.
 */
#ifndef TELEGRAM_PROXY_H
#define TELEGRAM_PROXY_H

#include "base/bytes.h"
#include "mtproto/transport.h"

enum proxy_type {
	PROXY_NONE,
	PROXY_SOCKS5,
	PROXY_HTTP,
	PROXY_MTPROTO,
};

#define PROXY_TEXT_MAX 255 /* RFC 1929: lengths of one byte */

struct proxy_conf {
	enum proxy_type type;
	char host[PROXY_TEXT_MAX + 1]; /* literal address or name */
	uint16_t port;
	/* SOCKS5 and HTTP; empty user name: none. */
	char username[PROXY_TEXT_MAX + 1];
	char password[PROXY_TEXT_MAX + 1];
	/* MTProto: 16 bytes; padded: the secret asks for the padded transport
	 * (dd), else the configured one serves. */
	uint8_t secret[MTP_SECRET_BYTES];
	bool padded;
};

const char *proxy_type_name(enum proxy_type type); /* "socks5", ... */

/* Reads a secret as links carry it, hexadecimal or base64 (also base64url,
 * unpadded): 16 bytes, or dd and 16 bytes. Errors, with *why set: -EINVAL
 * malformed; -ENOTSUP a fake-TLS secret (ee). */
int proxy_secret_read(struct proxy_conf *conf, const char *text,
		      const char **why);

struct proxy;

/* host: where to go, a literal address or a name of at most 255 bytes.
 * -EINVAL: no SOCKS5 or HTTP proxy, host too long; -ENOMEM. */
int proxy_new(struct proxy **pp, const struct proxy_conf *conf,
	      const char *host, uint16_t port);
void proxy_free(struct proxy **pp);
/* Appends the first request. -ENOMEM. */
int proxy_start(struct proxy *p, struct buf *out);
/* Bytes from the proxy. 0: more are needed, the next request may have been
 * appended; 1: through, proxy_rest() is already the far side's;
 * -ECONNREFUSED: the proxy said no; -EPROTO: it speaks something else;
 * -ENOMEM. After an error proxy_reason() says what happened. */
int proxy_input(struct proxy *p, struct bytes in, struct buf *out);
struct bytes proxy_rest(const struct proxy *p);
const char *proxy_reason(const struct proxy *p);

#endif
