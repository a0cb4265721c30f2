#include "mtproto/handshake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mtproto/dh.h"
#include "mtproto/digest.h"
#include "mtproto/factor.h"
#include "mtproto/ige.h"
#include "mtproto/wire.h"

#define RETRIES_MAX 5
#define FINGERPRINTS_MAX 64

enum step {
	STEP_PQ,
	STEP_PARAMS,
	STEP_ANSWER,
	STEP_DONE,
	STEP_DEAD,
};

struct mtp_handshake {
	const struct mtp_rsa *rsa;
	struct mtp_random random;
	int32_t dc;
	int32_t expires_in; /* 0: a permanent key */
	enum step step;
	const char *fault;
	uint8_t nonce[MTP_NONCE_BYTES];
	uint8_t server_nonce[MTP_NONCE_BYTES];
	uint8_t new_nonce[MTP_NEW_NONCE_BYTES];
	uint8_t aes_key[32], aes_iv[32];
	int32_t g;
	uint8_t prime[MTP_DH_BYTES];
	uint8_t g_a[MTP_DH_BYTES];
	int retries;
	struct mtp_handshake_result result;
};

int mtp_handshake_new(struct mtp_handshake **hp, const struct mtp_rsa *rsa,
		      int32_t dc, const struct mtp_random *random)
{
	struct mtp_handshake *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->rsa = rsa;
	h->dc = dc;
	if (random)
		h->random = *random;
	*hp = h;
	return 0;
}

void mtp_handshake_temporary(struct mtp_handshake *h, int32_t expires_in)
{
	h->expires_in = expires_in;
}

void mtp_handshake_free(struct mtp_handshake **hp)
{
	if (!*hp)
		return;
	bytes_wipe(*hp, sizeof(**hp));
	free(*hp);
	*hp = NULL;
}

const char *mtp_handshake_fault(const struct mtp_handshake *h)
{
	return h->fault;
}

const struct mtp_handshake_result *
mtp_handshake_result(const struct mtp_handshake *h)
{
	return h->step == STEP_DONE ? &h->result : NULL;
}

static int refuse(struct mtp_handshake *h, const char *fault)
{
	h->fault = fault;
	h->step = STEP_DEAD;
	return -EPROTO;
}

int mtp_handshake_start(struct mtp_handshake *h, struct buf *request)
{
	mtp_random_fill(&h->random, h->nonce, sizeof(h->nonce));
	buf_le32(request, WIRE_REQ_PQ_MULTI);
	buf_put(request, h->nonce, sizeof(h->nonce));
	h->step = STEP_PQ;
	return request->bad ? -ENOMEM : 0;
}

/* Every answer carries our nonce first; server_nonce is checked from the
 * second answer on. */
static const char *nonces_fault(const struct mtp_handshake *h, struct rd *r,
				bool server)
{
	struct bytes nonce = rd_bytes(r, MTP_NONCE_BYTES), other = {0};

	if (server)
		other = rd_bytes(r, MTP_NONCE_BYTES);
	if (r->bad)
		return "answer is too short";
	if (!bytes_equal_ct(nonce.p, h->nonce, MTP_NONCE_BYTES))
		return "nonce differs";
	if (server &&
	    !bytes_equal_ct(other.p, h->server_nonce, MTP_NONCE_BYTES))
		return "server_nonce differs";
	return NULL;
}

/* -- step 1 and 2: resPQ -> req_DH_params --------------------------------- */

static int request_params(struct mtp_handshake *h, struct buf *request,
			  uint64_t pq, int64_t fingerprint)
{
	uint8_t pq_raw[8], p_raw[8], q_raw[8], sealed[MTP_RSA_BYTES];
	uint64_t p, q;
	struct buf inner;
	int err;

	if (mtp_factor(&p, &q, pq))
		return refuse(h, "pq is not a product of two primes");
	mtp_random_fill(&h->random, h->new_nonce, sizeof(h->new_nonce));
	buf_init(&inner);
	buf_le32(&inner, h->expires_in ? WIRE_P_Q_INNER_DATA_TEMP_DC
				       : WIRE_P_Q_INNER_DATA_DC);
	wire_put_bytes(&inner, mtp_handshake_number(pq_raw, pq));
	wire_put_bytes(&inner, mtp_handshake_number(p_raw, p));
	wire_put_bytes(&inner, mtp_handshake_number(q_raw, q));
	buf_put(&inner, h->nonce, sizeof(h->nonce));
	buf_put(&inner, h->server_nonce, sizeof(h->server_nonce));
	buf_put(&inner, h->new_nonce, sizeof(h->new_nonce));
	buf_le32(&inner, (uint32_t)h->dc);
	if (h->expires_in)
		buf_le32(&inner, (uint32_t)h->expires_in);
	err = inner.bad ? -ENOMEM
			: mtp_rsa_pad_encrypt(h->rsa, fingerprint, sealed,
					      buf_bytes(&inner), &h->random);
	buf_clear(&inner);
	if (err)
		return err;
	buf_le32(request, WIRE_REQ_DH_PARAMS);
	buf_put(request, h->nonce, sizeof(h->nonce));
	buf_put(request, h->server_nonce, sizeof(h->server_nonce));
	wire_put_bytes(request, mtp_handshake_number(p_raw, p));
	wire_put_bytes(request, mtp_handshake_number(q_raw, q));
	buf_le64(request, (uint64_t)fingerprint);
	wire_put_bytes(request, bytes_of(sealed, sizeof(sealed)));
	h->step = STEP_PARAMS;
	return request->bad ? -ENOMEM : 0;
}

static int on_res_pq(struct mtp_handshake *h, struct rd *r, struct buf *request)
{
	const char *fault = nonces_fault(h, r, false);
	int64_t fingerprint = 0;
	uint64_t pq = 0;
	bool known = false, pq_ok;
	uint32_t count;

	if (fault)
		return refuse(h, fault);
	rd_copy(r, h->server_nonce, MTP_NONCE_BYTES);
	pq_ok = mtp_handshake_number_read(&pq, wire_bytes(r));
	count = wire_vector_long(r);
	if (r->bad || count > FINGERPRINTS_MAX)
		return refuse(h, "resPQ is malformed");
	if (!pq_ok)
		return refuse(h, "pq is not a product of two primes");
	/* "Pick the first known fingerprint." */
	for (uint32_t i = 0; i < count && !known; i++) {
		fingerprint = (int64_t)rd_le64(r);
		known = mtp_rsa_has(h->rsa, fingerprint);
	}
	if (!known)
		return refuse(h, "no known RSA key among the fingerprints");
	return request_params(h, request, pq, fingerprint);
}

/* -- step 5 to 7: server_DH_params -> set_client_DH_params ---------------- */

static int request_key(struct mtp_handshake *h, struct buf *request,
		       int64_t retry_id)
{
	struct bytes prime = bytes_of(h->prime, sizeof(h->prime));
	struct bytes b, base;
	uint8_t b_raw[MTP_DH_BYTES], g_raw = (uint8_t)h->g, g_b[MTP_DH_BYTES];
	struct buf inner, sealed;
	int err;

	buf_init(&inner);
	buf_init(&sealed);
	mtp_random_fill(&h->random, b_raw, sizeof(b_raw));
	b = bytes_of(b_raw, sizeof(b_raw));
	base = bytes_of(&g_raw, 1);
	err = mtp_dh_power(g_b, base, b, prime);
	if (!err)
		err = mtp_dh_power(h->result.key,
				   bytes_of(h->g_a, MTP_DH_BYTES), b, prime);
	bytes_wipe(b_raw, sizeof(b_raw));
	if (err)
		goto out;
	buf_le32(&inner, WIRE_CLIENT_DH_INNER_DATA);
	buf_put(&inner, h->nonce, sizeof(h->nonce));
	buf_put(&inner, h->server_nonce, sizeof(h->server_nonce));
	buf_le64(&inner, (uint64_t)retry_id);
	wire_put_bytes(&inner, bytes_of(g_b, sizeof(g_b)));
	err = inner.bad ? -ENOMEM
			: mtp_handshake_wrap(&sealed, buf_bytes(&inner),
					     h->aes_key, h->aes_iv, &h->random);
	if (err)
		goto out;
	buf_le32(request, WIRE_SET_CLIENT_DH_PARAMS);
	buf_put(request, h->nonce, sizeof(h->nonce));
	buf_put(request, h->server_nonce, sizeof(h->server_nonce));
	wire_put_bytes(request, buf_bytes(&sealed));
	h->step = STEP_ANSWER;
	err = request->bad ? -ENOMEM : 0;
out:
	buf_clear(&inner);
	buf_clear(&sealed);
	return err;
}

/* plain: SHA1(answer) 20 || answer || 0..15 bytes of padding. */
static const char *inner_fault(struct mtp_handshake *h, struct bytes plain,
			       struct wall wall)
{
	uint8_t hash[MTP_SHA1_BYTES];
	struct bytes prime, g_a, whole;
	const char *fault;
	struct rd r;

	rd_init(&r, plain.p + MTP_SHA1_BYTES, plain.n - MTP_SHA1_BYTES);
	if (rd_le32(&r) != WIRE_SERVER_DH_INNER_DATA)
		return "answer hash differs";
	fault = nonces_fault(h, &r, true);
	h->g = (int32_t)rd_le32(&r);
	prime = wire_bytes(&r);
	g_a = wire_bytes(&r);
	h->result.time_diff =
		(int32_t)((int64_t)(int32_t)rd_le32(&r) - wall.us / 1000000);
	if (r.bad || r.n > 15)
		return "server_DH_inner_data is malformed";
	/* "Verify both nonces and the SHA1 over exactly the parsed length." */
	whole = bytes_of(plain.p + MTP_SHA1_BYTES,
			 plain.n - MTP_SHA1_BYTES - r.n);
	mtp_sha1(hash, &whole, 1);
	if (!bytes_equal_ct(hash, plain.p, sizeof(hash)))
		return "answer hash differs";
	if (!fault)
		fault = mtp_dh_group_fault(h->g, prime);
	if (fault)
		return fault;
	if (!mtp_dh_public_ok(g_a, prime))
		return "g_a is out of range";
	memset(h->g_a, 0, sizeof(h->g_a));
	memcpy(h->g_a + sizeof(h->g_a) - g_a.n, g_a.p, g_a.n);
	memcpy(h->prime, prime.p, sizeof(h->prime));
	return NULL;
}

static int on_params(struct mtp_handshake *h, struct rd *r, struct buf *request,
		     struct wall wall)
{
	const char *fault = nonces_fault(h, r, true);
	struct bytes sealed = wire_bytes(r);
	struct buf plain;

	if (fault)
		return refuse(h, fault);
	if (r->bad || sealed.n % 16 || sealed.n < 32)
		return refuse(h, "server_DH_params is malformed");
	mtp_handshake_cipher(h->aes_key, h->aes_iv, h->server_nonce,
			     h->new_nonce, sizeof(h->new_nonce));
	buf_init(&plain);
	if (buf_reserve(&plain, sealed.n))
		return -ENOMEM;
	mtp_ige_decrypt(plain.p, sealed.p, sealed.n, h->aes_key, h->aes_iv);
	plain.n = sealed.n;
	fault = inner_fault(h, buf_bytes(&plain), wall);
	buf_clear(&plain);
	if (fault)
		return refuse(h, fault);
	return request_key(h, request, 0);
}

/* -- step 8: dh_gen_* ----------------------------------------------------- */

static void finish(struct mtp_handshake *h)
{
	/* "First server salt = new_nonce[0..8) XOR server_nonce[0..8)." */
	h->result.salt =
		(int64_t)(le64_load(h->new_nonce) ^ le64_load(h->server_nonce));
	h->step = STEP_DONE;
}

static int on_answer(struct mtp_handshake *h, uint32_t id, struct rd *r,
		     struct buf *request)
{
	const char *fault = nonces_fault(h, r, true);
	struct bytes hash = rd_bytes(r, 16);
	uint8_t want[16], number;

	if (fault)
		return refuse(h, fault);
	number = id == WIRE_DH_GEN_OK ? 1 : id == WIRE_DH_GEN_RETRY ? 2 : 3;
	if (r->bad || (number == 3 && id != WIRE_DH_GEN_FAIL))
		return refuse(h, "unexpected answer in key creation");
	mtp_handshake_hash(want, h->new_nonce, h->result.key, number);
	if (!bytes_equal_ct(want, hash.p, sizeof(want)))
		return refuse(h, "new_nonce_hash differs");
	if (number == 1) {
		finish(h);
		return 1;
	}
	if (number == 3)
		return refuse(h, "the server gave up key creation");
	if (++h->retries > RETRIES_MAX)
		return refuse(h, "too many key creation retries");
	/* "repeat step 7 with retry_id = SHA1(auth_key)[0..8) of the failed
	 * key" */
	return request_key(h, request, mtp_handshake_key_aux(h->result.key));
}

int mtp_handshake_input(struct mtp_handshake *h, struct bytes answer,
			struct buf *request, struct wall wall)
{
	struct rd r;
	uint32_t id;
	int err;

	rd_init(&r, answer.p, answer.n);
	id = rd_le32(&r);
	if (h->step == STEP_PQ && id == WIRE_RES_PQ)
		err = on_res_pq(h, &r, request);
	else if (h->step == STEP_PARAMS && id == WIRE_SERVER_DH_PARAMS_OK)
		err = on_params(h, &r, request, wall);
	else if (h->step == STEP_ANSWER)
		err = on_answer(h, id, &r, request);
	else
		err = refuse(h, "unexpected answer in key creation");
	if (err < 0)
		h->step = STEP_DEAD;
	return err;
}
