/* Digest access authentication, both sides (RFC 2617, 7616, 8760).
 *
 * Server: nonces are stateless, a time signed with a secret of the process;
 * they live DIGEST_NONCE_LIFE. Only the nonce counts already used are kept, in
 * a small table. MD5 is what we offer: the decoder of many phones gives up at
 * a second challenge; an answer in SHA-256 is computed all the same.
 * Engine: takes now, no I/O, one thread.
 */
#ifndef SIP_DIGEST_H
#define SIP_DIGEST_H

#include "base/bytes.h"
#include "base/clock.h"

#define DIGEST_NONCE_LIFE (300 * USEC_S)

enum digest_algorithm {
	DIGEST_MD5,
	DIGEST_SHA256,
	DIGEST_UNKNOWN,
};

/* Parameters of a challenge or of credentials, unquoted. */
struct digest_fields {
	char username[128], realm[128], nonce[256], uri[512];
	char response[65], cnonce[128], nc[9], opaque[256];
	bool stale;
	bool qop_given;
	bool qop_auth; /* "auth" is (among) the value(s) */
	enum digest_algorithm algorithm;
};

/* The value of a WWW-Authenticate or Authorization header.
 * -EBADMSG: not Digest, malformed or a parameter too long. */
int digest_read(struct digest_fields *f, struct bytes value);

/* The response in hex for the fields' username, realm, nonce, uri, and nc and
 * cnonce if qop_auth. -ENOTSUP: unknown algorithm. */
int digest_response(char hex[65], const struct digest_fields *f,
		    const char *method, const char *password);

/* -- client ---------------------------------------------------------------- */

/* Header value answering a challenge. count: 1 for the first use of the nonce.
 * -ENOTSUP: an algorithm or qop we do not have. */
int digest_answer(struct buf *value, const struct digest_fields *challenge,
		  const char *method, const char *uri, const char *user,
		  const char *password, unsigned count);

/* -- server ---------------------------------------------------------------- */

struct digest_server;

enum digest_verdict {
	DIGEST_GOOD,
	DIGEST_STALE,   /* our nonce, too old or its count already used */
	DIGEST_REFUSED, /* not our nonce or realm, no qop: challenge anew */
	DIGEST_WRONG,   /* all in order but the password */
};

int digest_server_new(struct digest_server **dp, const char *realm);
void digest_server_free(struct digest_server **dp);
void digest_challenge(const struct digest_server *d, struct buf *value,
		      bool stale, usec_t now);
/* What can be told without the password: GOOD, STALE or REFUSED. */
enum digest_verdict digest_check_nonce(const struct digest_server *d,
				       const struct digest_fields *f,
				       usec_t now);
/* The whole check; marks the nonce count as used. */
enum digest_verdict digest_check(struct digest_server *d,
				 const struct digest_fields *f,
				 const char *method, const char *password,
				 usec_t now);

#endif
