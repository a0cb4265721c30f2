/* One DTLS 1.2 association on OpenSSL with SRTP keys (telegram-wire E.9;
 * RFC 6347, 5764).
 *
 * An engine: datagrams in, datagrams and a deadline out; handlers run inside
 * the call that fed it and must not free it. OpenSSL itself keeps the time of
 * retransmissions by the real clock; `now` only maps its deadline. The
 * process has one self-signed ECDSA P-256 certificate, made at first use.
 * One thread per object.
 */
#ifndef MEDIA_DTLS_H
#define MEDIA_DTLS_H

#include "base/bytes.h"
#include "base/clock.h"

#define DTLS_FINGERPRINT_BYTES 32
#define DTLS_SRTP_KEY_BYTES 46 /* AES-256 and a 14-byte salt at most */

struct media_dtls;

enum dtls_srtp_profile {
	DTLS_SRTP_NONE,
	DTLS_SRTP_AES128_CM_SHA1_80 = 1,
	DTLS_SRTP_AES128_GCM = 7,
	DTLS_SRTP_AES256_GCM = 8,
};

struct dtls_srtp_keys { /* key || salt of each direction; wipe it */
	enum dtls_srtp_profile profile;
	size_t n;
	uint8_t tx[DTLS_SRTP_KEY_BYTES], rx[DTLS_SRTP_KEY_BYTES];
};

struct media_dtls_handlers {
	void (*send)(struct bytes datagram, void *arg);
	void (*established)(void *arg);
	void (*data)(struct bytes data, void *arg);
	/* Once; the association is dead. */
	void (*closed)(const char *why, void *arg);
};

struct media_dtls_conf {
	bool client;
	uint8_t fingerprint[DTLS_FINGERPRINT_BYTES]; /* the peer's, sha-256 */
	struct media_dtls_handlers handlers;
	void *arg;
};

/* Sha-256 of this process's certificate. -EIO: OpenSSL failed. */
int media_dtls_fingerprint(uint8_t fingerprint[DTLS_FINGERPRINT_BYTES]);
int media_dtls_new(struct media_dtls **dp, const struct media_dtls_conf *conf);
void media_dtls_free(struct media_dtls **dp); /* says goodbye (close_notify) */
void media_dtls_start(struct media_dtls *d,
		      usec_t now); /* a client says hello */
/* -EBADMSG: not DTLS, or the association is dead. */
int media_dtls_input(struct media_dtls *d, struct bytes datagram, usec_t now);
/* Application data. -ENOTCONN before established; -EMSGSIZE. */
int media_dtls_send(struct media_dtls *d, struct bytes data);
bool media_dtls_is_established(const struct media_dtls *d);
/* -ENOENT: the peer agreed on no profile. */
int media_dtls_srtp_keys(struct dtls_srtp_keys *keys, struct media_dtls *d);
usec_t media_dtls_deadline(const struct media_dtls *d);
void media_dtls_timeout(struct media_dtls *d, usec_t now);

#endif
