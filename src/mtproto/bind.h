/* auth.bindTempAuthKey: the message in which a temporary key says whose it is,
 * sealed with the permanent key by the rules of MTProto 1.0 (telegram-wire A.4,
 * "PFS"). */
#ifndef MTPROTO_BIND_H
#define MTPROTO_BIND_H

#include "base/bytes.h"
#include "mtproto/message.h"
#include "mtproto/random.h"

/* bind_auth_key_inner */
struct mtp_bind {
	int64_t nonce;
	uint64_t temp_key_id, perm_key_id;
	int64_t temp_session_id;
	int32_t expires_at; /* unix time */
};

/* Appends the whole query. msg_id: of the message that will carry it. random
 * may be NULL. -ENOMEM. */
int mtp_bind_query(struct buf *out, const struct mtp_bind *bind,
		   const uint8_t perm_key[MTP_KEY_BYTES], int64_t msg_id,
		   const struct mtp_random *random);
/* encrypted_message alone. */
int mtp_bind_seal(struct buf *out, const struct mtp_bind *bind,
		  const uint8_t perm_key[MTP_KEY_BYTES], int64_t msg_id,
		  const struct mtp_random *random);
/* The same read back, every field of the envelope checked. -EBADMSG, and
 * *faultp says what is wrong. */
int mtp_bind_open(struct mtp_bind *bind, const char **faultp,
		  struct bytes sealed, const uint8_t perm_key[MTP_KEY_BYTES],
		  int64_t msg_id);
/* Key and IV of MTProto 1.0, x = 0. */
void mtp_bind_cipher(uint8_t aes_key[32], uint8_t aes_iv[32],
		     const uint8_t perm_key[MTP_KEY_BYTES],
		     const uint8_t msg_key[16]);

#endif
