/* Key agreement of one-to-one calls (telegram-wire D.2): pure functions over
 * byte strings, no state, no I/O. Any thread.
 *
 * Values of the peer are taken as received: hashes are made over those bytes,
 * never over a number written anew.
 */
#ifndef TELEGRAM_PHONE_KEY_H
#define TELEGRAM_PHONE_KEY_H

#include "base/bytes.h"

#define PHONE_KEY_BYTES 256
#define PHONE_HASH_BYTES 32
#define PHONE_EMOJI_TABLE 333     /* entries of the apps' table */
#define PHONE_EMOJI_TEXT_BYTES 64 /* four of at most 8 bytes, and the end */

/* The group of messages.dhConfig, kept while its version is current. */
struct phone_dh {
	bool present;
	int32_t version;
	int32_t g;
	uint8_t p[PHONE_KEY_BYTES];
};

/* Takes over g and p after the checks of A.4 step 6. -EBADMSG: p is not a
 * 2048-bit safe prime or g does not fit it; dh is then untouched. */
int phone_dh_set(struct phone_dh *dh, int32_t version, int32_t g,
		 struct bytes p);
/* secret = our own random bytes XOR the server's (as many as it sent). */
void phone_secret_make(uint8_t secret[PHONE_KEY_BYTES], struct bytes random);
/* value = g^secret mod p. -EAGAIN: the secret must be drawn anew (the value
 * begins with a zero byte or is outside the safe range), -ENOMEM. */
int phone_value(uint8_t value[PHONE_KEY_BYTES], const struct phone_dh *dh,
		const uint8_t secret[PHONE_KEY_BYTES]);
/* key = peer^secret mod p, left-padded. -ERANGE: peer is not inside
 * [2^1984, p - 2^1984]; -ENOMEM. */
int phone_key_make(uint8_t key[PHONE_KEY_BYTES], const struct phone_dh *dh,
		   const uint8_t secret[PHONE_KEY_BYTES], struct bytes peer);
/* g_a_hash: SHA256 of the bytes as sent or received. */
void phone_value_hash(uint8_t hash[PHONE_HASH_BYTES], struct bytes g_a);
int64_t phone_key_fingerprint(const uint8_t key[PHONE_KEY_BYTES]);
/* g_a: the caller's value, at most 256 bytes. */
void phone_key_emoji(uint16_t emoji[4], const uint8_t key[PHONE_KEY_BYTES],
		     struct bytes g_a);
/* The four as UTF-8, as the apps show them; indices outside the table add
 * nothing. */
void phone_emoji_text(char text[PHONE_EMOJI_TEXT_BYTES],
		      const uint16_t emoji[4]);

#endif
