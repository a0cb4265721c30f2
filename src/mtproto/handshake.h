/* Creating an authorisation key, client side (telegram-wire A.4).
 *
 * An engine over message bodies: the plain envelope (auth_key_id 0, msg_id,
 * length) is the caller's. One exchange an object.
 *
 *   start -> req_pq_multi ............. resPQ
 *            req_DH_params ............ server_DH_params_ok
 *            set_client_DH_params ..... dh_gen_ok | dh_gen_retry | dh_gen_fail
 */
#ifndef MTPROTO_HANDSHAKE_H
#define MTPROTO_HANDSHAKE_H

#include "base/bytes.h"
#include "base/clock.h"
#include "mtproto/message.h"
#include "mtproto/random.h"
#include "mtproto/rsa.h"

#define MTP_NONCE_BYTES 16
#define MTP_NEW_NONCE_BYTES 32

struct mtp_handshake;

struct mtp_handshake_result {
	uint8_t key[MTP_KEY_BYTES];
	int64_t salt;
	int32_t time_diff; /* server time minus local wall time [s] */
};

/* rsa is borrowed for life, random copied. dc: as in p_q_inner_data_dc.
 * -ENOMEM. */
int mtp_handshake_new(struct mtp_handshake **hp, const struct mtp_rsa *rsa,
		      int32_t dc, const struct mtp_random *random);
/* Before the start: the key will be a temporary one, of so many seconds. */
void mtp_handshake_temporary(struct mtp_handshake *h, int32_t expires_in);
void mtp_handshake_free(struct mtp_handshake **hp);
/* Appends the first request. */
int mtp_handshake_start(struct mtp_handshake *h, struct buf *request);
/* One answer body. 0: the next request was appended; 1: done, see result;
 * -EPROTO: the server failed a check, mtp_handshake_fault() says which;
 * -ENOMEM. After an error the exchange is over. */
int mtp_handshake_input(struct mtp_handshake *h, struct bytes answer,
			struct buf *request, struct wall wall);
const char *mtp_handshake_fault(const struct mtp_handshake *h);
const struct mtp_handshake_result *
mtp_handshake_result(const struct mtp_handshake *h);

/* -- formulas both sides share -------------------------------------------- */

/* Key and IV of the encrypted part (step 5). new_nonce_bytes is 32; the
 * published vector has 16. */
void mtp_handshake_cipher(uint8_t aes_key[32], uint8_t aes_iv[32],
			  const uint8_t server_nonce[MTP_NONCE_BYTES],
			  const uint8_t *new_nonce, size_t new_nonce_bytes);
/* new_nonce_hashN (step 8). */
void mtp_handshake_hash(uint8_t out[16],
			const uint8_t new_nonce[MTP_NEW_NONCE_BYTES],
			const uint8_t key[MTP_KEY_BYTES], uint8_t number);
/* SHA1(key)[0..8), the retry_id of the next attempt. */
int64_t mtp_handshake_key_aux(const uint8_t key[MTP_KEY_BYTES]);
/* SHA1(data) || data || random to a multiple of 16, encrypted. -ENOMEM. */
int mtp_handshake_wrap(struct buf *out, struct bytes data,
		       const uint8_t aes_key[32], const uint8_t aes_iv[32],
		       const struct mtp_random *random);
/* A number as BE bytes without leading zeros. */
struct bytes mtp_handshake_number(uint8_t scratch[8], uint64_t v);
/* The same back; r-style failure is `false`: longer than 8 bytes. */
bool mtp_handshake_number_read(uint64_t *vp, struct bytes v);

#endif
