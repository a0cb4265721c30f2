/* SRTP and SRTCP, one direction (RFC 3711, 6188, 7714).
 *
 * An engine: packets in place, no clock, no I/O, nothing allocated per packet
 * (libre's allocates in OpenSSL for each HMAC). One thread. Named media_srtp
 * because libre owns srtp_*.
 *
 * The receiving side follows up to four sources; only packets that are
 * authentic make one known.
 */
#ifndef MEDIA_SRTP_H
#define MEDIA_SRTP_H

#include "base/bytes.h"

#define MEDIA_SRTP_KEY_BYTES 46  /* master key and salt at most */
#define MEDIA_SRTP_TAIL_BYTES 20 /* what protection adds at most */

enum media_srtp_suite {
	MEDIA_SRTP_NONE,
	MEDIA_SRTP_AES_CM_128_80, /* AES_CM_128_HMAC_SHA1_80 */
	MEDIA_SRTP_AES_CM_128_32,
	MEDIA_SRTP_AES_CM_256_80,
	MEDIA_SRTP_AES_CM_256_32,
	MEDIA_SRTP_GCM_128, /* AEAD_AES_128_GCM */
	MEDIA_SRTP_GCM_256,
};

struct media_srtp_key { /* wipe it */
	enum media_srtp_suite suite;
	uint8_t bytes[MEDIA_SRTP_KEY_BYTES]; /* key || salt */
};

/* Master key and salt together; 0: no such suite. */
size_t media_srtp_key_bytes(enum media_srtp_suite suite);
/* By the names of RFC 4568 and 6188, any case; NONE: unknown. */
enum media_srtp_suite media_srtp_suite_of(const char *name);
const char *media_srtp_suite_name(enum media_srtp_suite suite);

struct media_srtp;

/* -EINVAL: no such suite; -ENOMEM. */
int media_srtp_new(struct media_srtp **sp, const struct media_srtp_key *key);
void media_srtp_free(struct media_srtp **sp);
/* In place; the buffer has MEDIA_SRTP_TAIL_BYTES of room behind n. The new
 * length, or -EBADMSG: not RTP (RTCP). */
int media_srtp_protect(struct media_srtp *s, uint8_t *packet, size_t n);
int media_srtcp_protect(struct media_srtp *s, uint8_t *packet, size_t n);
/* The new length. -EBADMSG: not authentic, or too short; -EALREADY: a packet
 * that was seen, or too old to know. */
int media_srtp_unprotect(struct media_srtp *s, uint8_t *packet, size_t n);
int media_srtcp_unprotect(struct media_srtp *s, uint8_t *packet, size_t n);

/* RFC 3711 4.3: n bytes of the session key with this label. For tests. */
int media_srtp_derive(uint8_t *dst, size_t n, const uint8_t *key,
		      size_t key_bytes, const uint8_t salt[14], uint8_t label);

#endif
