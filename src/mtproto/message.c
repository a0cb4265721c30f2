/* packet = auth_key_id 8 || msg_key 16 || IGE(salt 8 || session 8 || msg_id 8
 *          || seqno 4 || length 4 || body || padding) */
#include "mtproto/message.h"

#include <errno.h>
#include <string.h>

#include "mtproto/digest.h"
#include "mtproto/ige.h"

#define OUTER_BYTES (8 + MTP_MSG_KEY_BYTES)
#define INNER_BYTES 32

uint64_t mtp_key_id(const uint8_t key[MTP_KEY_BYTES])
{
	struct bytes all = bytes_of(key, MTP_KEY_BYTES);
	uint8_t hash[MTP_SHA1_BYTES];

	mtp_sha1(hash, &all, 1);
	return le64_load(hash + 12);
}

/* a = SHA256(msg_key || auth_key[x..+36]);
 * b = SHA256(auth_key[40+x..+36] || msg_key);
 * aes_key = a[0..8) || b[8..24) || a[24..32);
 * aes_iv = b[0..8) || a[8..24) || b[24..32). */
void mtp_message_cipher(uint8_t aes_key[32], uint8_t aes_iv[32],
			const uint8_t key[MTP_KEY_BYTES],
			const uint8_t msg_key[MTP_MSG_KEY_BYTES],
			enum mtp_sender sender)
{
	struct bytes mk = bytes_of(msg_key, MTP_MSG_KEY_BYTES);
	struct bytes for_a[2] = {mk, bytes_of(key + sender, 36)};
	struct bytes for_b[2] = {bytes_of(key + 40 + sender, 36), mk};
	uint8_t a[MTP_SHA256_BYTES], b[MTP_SHA256_BYTES];

	mtp_sha256(a, for_a, 2);
	mtp_sha256(b, for_b, 2);
	memcpy(aes_key, a, 8);
	memcpy(aes_key + 8, b + 8, 16);
	memcpy(aes_key + 24, a + 24, 8);
	memcpy(aes_iv, b, 8);
	memcpy(aes_iv + 8, a + 8, 16);
	memcpy(aes_iv + 24, b + 24, 8);
	bytes_wipe(a, sizeof(a));
	bytes_wipe(b, sizeof(b));
}

/* msg_key = SHA256(auth_key[88+x..+32] || plaintext incl. padding)[8..24) */
static void message_key(uint8_t msg_key[MTP_MSG_KEY_BYTES],
			const uint8_t key[MTP_KEY_BYTES], struct bytes plain,
			enum mtp_sender sender)
{
	struct bytes parts[2] = {bytes_of(key + 88 + sender, 32), plain};
	uint8_t hash[MTP_SHA256_BYTES];

	mtp_sha256(hash, parts, 2);
	memcpy(msg_key, hash + 8, MTP_MSG_KEY_BYTES);
}

size_t mtp_message_padding(size_t body_bytes)
{
	/* "td rounds the plaintext up to one of [these] and from there in
	 * steps of 448" */
	static const size_t sizes[] = {64,  128, 192,  256, 384,
				       512, 768, 1024, 1280};
	size_t least = INNER_BYTES + body_bytes + MTP_PADDING_MIN;
	size_t size = 1280;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (least <= sizes[i])
			return sizes[i] - INNER_BYTES - body_bytes;
	size += (least - size + 447) / 448 * 448;
	return size - INNER_BYTES - body_bytes;
}

int mtp_message_seal(struct buf *out, const struct mtp_message *m,
		     const uint8_t key[MTP_KEY_BYTES], enum mtp_sender sender,
		     size_t padding, const struct mtp_random *random)
{
	size_t n = INNER_BYTES + m->body.n + padding;
	uint8_t aes_key[32], aes_iv[32], *outer, *inner;

	if (n % 16 || m->body.n > UINT32_MAX)
		return -EINVAL;
	if (buf_reserve(out, OUTER_BYTES + n))
		return -ENOMEM;
	outer = out->p + out->n;
	inner = outer + OUTER_BYTES;
	le64_store(inner, (uint64_t)m->salt);
	le64_store(inner + 8, (uint64_t)m->session_id);
	le64_store(inner + 16, (uint64_t)m->msg_id);
	le32_store(inner + 24, m->seqno);
	le32_store(inner + 28, (uint32_t)m->body.n);
	if (m->body.n)
		memcpy(inner + INNER_BYTES, m->body.p, m->body.n);
	mtp_random_fill(random, inner + INNER_BYTES + m->body.n, padding);
	le64_store(outer, mtp_key_id(key));
	message_key(outer + 8, key, bytes_of(inner, n), sender);
	mtp_message_cipher(aes_key, aes_iv, key, outer + 8, sender);
	mtp_ige_encrypt(inner, inner, n, aes_key, aes_iv);
	out->n += OUTER_BYTES + n;
	bytes_wipe(aes_key, sizeof(aes_key));
	bytes_wipe(aes_iv, sizeof(aes_iv));
	return 0;
}

static int plain_parse(struct mtp_message *m, const char **faultp,
		       struct bytes plain)
{
	struct rd r;
	uint32_t length;

	rd_init(&r, plain.p, plain.n);
	m->salt = (int64_t)rd_le64(&r);
	m->session_id = (int64_t)rd_le64(&r);
	m->msg_id = (int64_t)rd_le64(&r);
	m->seqno = rd_le32(&r);
	length = rd_le32(&r);
	*faultp = "message length is not a multiple of 4";
	if (length % 4)
		return -EBADMSG;
	*faultp = "message length exceeds the packet";
	m->body = rd_bytes(&r, length);
	if (r.bad)
		return -EBADMSG;
	/* "padding: 12..1024 random bytes" */
	*faultp = "padding is not 12 to 1024 bytes";
	if (r.n < MTP_PADDING_MIN || r.n > MTP_PADDING_MAX)
		return -EBADMSG;
	*faultp = NULL;
	return 0;
}

int mtp_message_open(struct mtp_message *m, struct buf *plain,
		     const char **faultp, struct bytes packet,
		     const uint8_t key[MTP_KEY_BYTES], enum mtp_sender sender)
{
	uint8_t aes_key[32], aes_iv[32], msg_key[MTP_MSG_KEY_BYTES];
	size_t n = packet.n - OUTER_BYTES;

	*faultp = "packet is not whole cipher blocks";
	if (packet.n < OUTER_BYTES + INNER_BYTES || n % 16)
		return -EBADMSG;
	buf_reset(plain);
	if (buf_reserve(plain, n))
		return -ENOMEM;
	mtp_message_cipher(aes_key, aes_iv, key, packet.p + 8, sender);
	mtp_ige_decrypt(plain->p, packet.p + OUTER_BYTES, n, aes_key, aes_iv);
	plain->n = n;
	bytes_wipe(aes_key, sizeof(aes_key));
	bytes_wipe(aes_iv, sizeof(aes_iv));
	message_key(msg_key, key, buf_bytes(plain), sender);
	*faultp = "message key differs";
	if (!bytes_equal_ct(msg_key, packet.p + 8, sizeof(msg_key)))
		return -EBADMSG;
	return plain_parse(m, faultp, buf_bytes(plain));
}
