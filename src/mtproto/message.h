/* The cipher of MTProto 2.0 messages (telegram-wire A.5). Values; any thread.
 */
#ifndef MTPROTO_MESSAGE_H
#define MTPROTO_MESSAGE_H

#include "base/bytes.h"
#include "mtproto/random.h"

#define MTP_KEY_BYTES 256
#define MTP_MSG_KEY_BYTES 16
#define MTP_PADDING_MIN 12
#define MTP_PADDING_MAX 1024

/* The sender; the value is the x of the formulas. */
enum mtp_sender {
	MTP_SENDER_CLIENT = 0,
	MTP_SENDER_SERVER = 8,
};

struct mtp_message {
	int64_t salt;
	int64_t session_id;
	int64_t msg_id;
	uint32_t seqno;
	struct bytes body;
};

/* LE int64 of SHA1(key)[12..20). */
uint64_t mtp_key_id(const uint8_t key[MTP_KEY_BYTES]);
/* AES key and IV of one message. */
void mtp_message_cipher(uint8_t aes_key[32], uint8_t aes_iv[32],
			const uint8_t key[MTP_KEY_BYTES],
			const uint8_t msg_key[MTP_MSG_KEY_BYTES],
			enum mtp_sender sender);
/* Bytes of padding for a body: what makes the plaintext one of TDLib's usual
 * sizes. */
size_t mtp_message_padding(size_t body_bytes);
/* Appends the packet. padding makes the plaintext a multiple of 16; it is
 * random. -EINVAL, -ENOMEM. */
int mtp_message_seal(struct buf *out, const struct mtp_message *m,
		     const uint8_t key[MTP_KEY_BYTES], enum mtp_sender sender,
		     size_t padding, const struct mtp_random *random);
/* Opens a packet with the key its first 8 bytes named. The plaintext goes into
 * `plain` (replaced); m->body points into it. -EBADMSG: *faultp says, as a
 * constant text, which rule it breaks. -ENOMEM. */
int mtp_message_open(struct mtp_message *m, struct buf *plain,
		     const char **faultp, struct bytes packet,
		     const uint8_t key[MTP_KEY_BYTES], enum mtp_sender sender);

#endif
