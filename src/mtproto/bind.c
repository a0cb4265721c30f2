#include "mtproto/bind.h"

#include <errno.h>
#include <string.h>

#include "mtproto/digest.h"
#include "mtproto/ige.h"
#include "mtproto/wire.h"

#define RANDOM_BYTES 16
#define INNER_BYTES 40
#define HEAD_BYTES (RANDOM_BYTES + 8 + 4 + 4)
#define SIGNED_BYTES (HEAD_BYTES + INNER_BYTES) /* "the 72 bytes" */
#define PLAIN_BYTES (SIGNED_BYTES + 8)
#define SEALED_AT (8 + 16)

void mtp_bind_cipher(uint8_t aes_key[32], uint8_t aes_iv[32],
		     const uint8_t perm_key[MTP_KEY_BYTES],
		     const uint8_t msg_key[16])
{
	struct bytes m = bytes_of(msg_key, 16);
	uint8_t a[MTP_SHA1_BYTES], b[MTP_SHA1_BYTES], c[MTP_SHA1_BYTES],
		d[MTP_SHA1_BYTES];
	struct bytes of_a[] = {m, bytes_of(perm_key, 32)};
	struct bytes of_b[] = {bytes_of(perm_key + 32, 16), m,
			       bytes_of(perm_key + 48, 16)};
	struct bytes of_c[] = {bytes_of(perm_key + 64, 32), m};
	struct bytes of_d[] = {m, bytes_of(perm_key + 96, 32)};

	mtp_sha1(a, of_a, 2);
	mtp_sha1(b, of_b, 3);
	mtp_sha1(c, of_c, 2);
	mtp_sha1(d, of_d, 2);
	/* key = a[0..8) || b[8..20) || c[4..16) */
	memcpy(aes_key, a, 8);
	memcpy(aes_key + 8, b + 8, 12);
	memcpy(aes_key + 20, c + 4, 12);
	/* iv = a[8..20) || b[0..8) || c[16..20) || d[0..8) */
	memcpy(aes_iv, a + 8, 12);
	memcpy(aes_iv + 12, b, 8);
	memcpy(aes_iv + 20, c + 16, 4);
	memcpy(aes_iv + 24, d, 8);
	bytes_wipe(a, sizeof(a));
	bytes_wipe(b, sizeof(b));
	bytes_wipe(c, sizeof(c));
	bytes_wipe(d, sizeof(d));
}

/* "msg_key = SHA1(the 72 bytes before the padding)[4..20)" */
static void msg_key_make(uint8_t msg_key[16], const uint8_t *plain)
{
	struct bytes part = bytes_of(plain, SIGNED_BYTES);
	uint8_t hash[MTP_SHA1_BYTES];

	mtp_sha1(hash, &part, 1);
	memcpy(msg_key, hash + 4, 16);
}

int mtp_bind_seal(struct buf *out, const struct mtp_bind *bind,
		  const uint8_t perm_key[MTP_KEY_BYTES], int64_t msg_id,
		  const struct mtp_random *random)
{
	uint8_t noise[RANDOM_BYTES + 8], msg_key[16], aes_key[32], aes_iv[32];
	struct buf plain;
	int err = -ENOMEM;

	buf_init(&plain);
	mtp_random_fill(random, noise, sizeof(noise));
	buf_put(&plain, noise, RANDOM_BYTES);
	buf_le64(&plain, (uint64_t)msg_id);
	buf_le32(&plain, 0); /* seq_no */
	buf_le32(&plain, INNER_BYTES);
	buf_le32(&plain, WIRE_BIND_AUTH_KEY_INNER);
	buf_le64(&plain, (uint64_t)bind->nonce);
	buf_le64(&plain, bind->temp_key_id);
	buf_le64(&plain, bind->perm_key_id);
	buf_le64(&plain, (uint64_t)bind->temp_session_id);
	buf_le32(&plain, (uint32_t)bind->expires_at);
	buf_put(&plain, noise + RANDOM_BYTES, 8);
	if (!plain.bad) {
		msg_key_make(msg_key, plain.p);
		mtp_bind_cipher(aes_key, aes_iv, perm_key, msg_key);
		mtp_ige_encrypt(plain.p, plain.p, PLAIN_BYTES, aes_key, aes_iv);
		buf_le64(out, bind->perm_key_id);
		buf_put(out, msg_key, sizeof(msg_key));
		buf_put(out, plain.p, PLAIN_BYTES);
		err = out->bad ? -ENOMEM : 0;
	}
	buf_clear(&plain);
	bytes_wipe(aes_key, sizeof(aes_key));
	bytes_wipe(aes_iv, sizeof(aes_iv));
	return err;
}

int mtp_bind_query(struct buf *out, const struct mtp_bind *bind,
		   const uint8_t perm_key[MTP_KEY_BYTES], int64_t msg_id,
		   const struct mtp_random *random)
{
	struct buf sealed;
	int err;

	buf_init(&sealed);
	err = mtp_bind_seal(&sealed, bind, perm_key, msg_id, random);
	buf_le32(out, WIRE_BIND_TEMP_AUTH_KEY);
	buf_le64(out, bind->perm_key_id);
	buf_le64(out, (uint64_t)bind->nonce);
	buf_le32(out, (uint32_t)bind->expires_at);
	wire_put_bytes(out, buf_bytes(&sealed));
	buf_clear(&sealed);
	return err ? err : out->bad ? -ENOMEM : 0;
}

static const char *inner_fault(struct mtp_bind *bind, struct rd *r,
			       int64_t msg_id)
{
	rd_skip(r, RANDOM_BYTES);
	if ((int64_t)rd_le64(r) != msg_id)
		return "the inner msg_id is not that of the query";
	if (rd_le32(r))
		return "the inner seq_no is not 0";
	if (rd_le32(r) != INNER_BYTES)
		return "the inner length is not 40";
	if (rd_le32(r) != WIRE_BIND_AUTH_KEY_INNER)
		return "the inner constructor is another one";
	bind->nonce = (int64_t)rd_le64(r);
	bind->temp_key_id = rd_le64(r);
	bind->perm_key_id = rd_le64(r);
	bind->temp_session_id = (int64_t)rd_le64(r);
	bind->expires_at = (int32_t)rd_le32(r);
	return NULL;
}

int mtp_bind_open(struct mtp_bind *bind, const char **faultp,
		  struct bytes sealed, const uint8_t perm_key[MTP_KEY_BYTES],
		  int64_t msg_id)
{
	uint8_t plain[PLAIN_BYTES], msg_key[16], aes_key[32], aes_iv[32];
	struct rd r;

	*faultp = NULL;
	if (sealed.n != SEALED_AT + PLAIN_BYTES) {
		*faultp = "encrypted_message has another length";
		return -EBADMSG;
	}
	mtp_bind_cipher(aes_key, aes_iv, perm_key, sealed.p + 8);
	mtp_ige_decrypt(plain, sealed.p + SEALED_AT, PLAIN_BYTES, aes_key,
			aes_iv);
	msg_key_make(msg_key, plain);
	rd_init(&r, plain, sizeof(plain));
	if (le64_load(sealed.p) != mtp_key_id(perm_key))
		*faultp = "encrypted_message is for another key";
	else if (!bytes_equal_ct(msg_key, sealed.p + 8, sizeof(msg_key)))
		*faultp = "encrypted_message has a wrong msg_key";
	else
		*faultp = inner_fault(bind, &r, msg_id);
	bytes_wipe(plain, sizeof(plain));
	bytes_wipe(aes_key, sizeof(aes_key));
	bytes_wipe(aes_iv, sizeof(aes_iv));
	return *faultp ? -EBADMSG : 0;
}
