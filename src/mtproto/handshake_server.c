#include "mtproto/handshake_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>

#include "base/random.h"
#include "mtproto/dh.h"
#include "mtproto/digest.h"
#include "mtproto/factor.h"
#include "mtproto/ige.h"
#include "mtproto/wire.h"

#define GENERATOR 3
#define GENERATOR_WRONG 2  /* the known prime is 3 modulo 8 */
#define OLD_DATA_BYTES 235 /* of the old RSA scheme, behind the SHA1 */

enum step {
	STEP_PQ,
	STEP_PARAMS,
	STEP_KEY,
};

struct mtp_acceptor {
	const struct mtp_rsa *rsa;
	int16_t dc;
	enum mtp_hostile hostile;
	enum step step;
	const char *fault;
	bool retried;
	uint64_t p, q;
	uint8_t nonce[MTP_NONCE_BYTES];
	uint8_t server_nonce[MTP_NONCE_BYTES];
	uint8_t new_nonce[MTP_NEW_NONCE_BYTES];
	uint8_t aes_key[32], aes_iv[32];
	uint8_t a[MTP_DH_BYTES]; /* secret exponent */
	uint8_t prime[MTP_DH_BYTES];
	struct mtp_acceptor_result result;
};

int mtp_acceptor_new(struct mtp_acceptor **ap, const struct mtp_rsa *rsa,
		     int16_t dc, enum mtp_hostile hostile)
{
	struct mtp_acceptor *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->rsa = rsa;
	a->dc = dc;
	a->hostile = hostile;
	*ap = a;
	return 0;
}

void mtp_acceptor_free(struct mtp_acceptor **ap)
{
	if (!*ap)
		return;
	bytes_wipe(*ap, sizeof(**ap));
	free(*ap);
	*ap = NULL;
}

const char *mtp_acceptor_fault(const struct mtp_acceptor *a)
{
	return a->fault;
}

const struct mtp_acceptor_result *
mtp_acceptor_result(const struct mtp_acceptor *a)
{
	return &a->result;
}

static int refuse(struct mtp_acceptor *a, const char *fault)
{
	a->fault = fault;
	a->step = STEP_PQ;
	return -EPROTO;
}

static void nonces_put(const struct mtp_acceptor *a, struct buf *b)
{
	buf_put(b, a->nonce, sizeof(a->nonce));
	buf_put(b, a->server_nonce, sizeof(a->server_nonce));
}

static bool nonces_match(const struct mtp_acceptor *a, struct rd *r)
{
	struct bytes nonce = rd_bytes(r, MTP_NONCE_BYTES);
	struct bytes other = rd_bytes(r, MTP_NONCE_BYTES);

	return !r->bad && bytes_equal_ct(nonce.p, a->nonce, nonce.n) &&
	       bytes_equal_ct(other.p, a->server_nonce, other.n);
}

/* -- req_pq --------------------------------------------------------------- */

static uint64_t prime_draw(void)
{
	uint64_t v;

	do
		v = (random_u32() & 0x7fffffff) | 0x40000001;
	while (!mtp_prime_is(v));
	return v;
}

static int on_req_pq(struct mtp_acceptor *a, struct rd *r, struct buf *answer)
{
	uint8_t raw[8], nonce[MTP_NONCE_BYTES];
	uint64_t pq, q;
	uint32_t count = (uint32_t)mtp_rsa_count(a->rsa);

	/* TDLib pads its plain messages, inside the stated length. */
	rd_copy(r, a->nonce, sizeof(a->nonce));
	if (r->bad)
		return refuse(a, "req_pq is malformed");
	random_bytes(a->server_nonce, sizeof(a->server_nonce));
	a->p = prime_draw();
	do
		q = prime_draw();
	while (q == a->p);
	a->q = q > a->p ? q : a->p;
	a->p = q > a->p ? a->p : q;
	pq = a->p * a->q;
	if (a->hostile == MTP_HOSTILE_PQ)
		pq = ((uint64_t)1 << 61) - 1; /* a prime */
	memcpy(nonce, a->nonce, sizeof(nonce));
	if (a->hostile == MTP_HOSTILE_NONCE)
		nonce[0] ^= 1;
	buf_le32(answer, WIRE_RES_PQ);
	buf_put(answer, nonce, sizeof(nonce));
	buf_put(answer, a->server_nonce, sizeof(a->server_nonce));
	wire_put_bytes(answer, mtp_handshake_number(raw, pq));
	buf_le32(answer, WIRE_VECTOR);
	buf_le32(answer, count);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t f = (uint64_t)mtp_rsa_fingerprint(a->rsa, i);

		buf_le64(answer,
			 a->hostile == MTP_HOSTILE_FINGERPRINT ? ~f : f);
	}
	a->step = STEP_PARAMS;
	a->retried = false;
	return 0;
}

/* -- req_DH_params -------------------------------------------------------- */

/* Parses the inner data; the bytes it took are data.n - *restp. */
static const char *inner_take(struct mtp_acceptor *a, struct bytes data,
			      size_t *restp)
{
	uint64_t pq = 0, p = 0, q = 0;
	bool numbers, with_dc, temporary;
	int32_t dc = 0;
	struct rd r;
	uint32_t id;

	rd_init(&r, data.p, data.n);
	id = rd_le32(&r);
	with_dc = id == WIRE_P_Q_INNER_DATA_DC ||
		  id == WIRE_P_Q_INNER_DATA_TEMP_DC;
	temporary = id == WIRE_P_Q_INNER_DATA_TEMP ||
		    id == WIRE_P_Q_INNER_DATA_TEMP_DC;
	if (!with_dc && !temporary && id != WIRE_P_Q_INNER_DATA)
		return "p_q_inner_data has an unknown constructor";
	numbers = mtp_handshake_number_read(&pq, wire_bytes(&r));
	numbers &= mtp_handshake_number_read(&p, wire_bytes(&r));
	numbers &= mtp_handshake_number_read(&q, wire_bytes(&r));
	if (!nonces_match(a, &r))
		return "p_q_inner_data has other nonces";
	rd_copy(&r, a->new_nonce, sizeof(a->new_nonce));
	if (with_dc)
		dc = (int32_t)rd_le32(&r);
	a->result.expires_in = temporary ? (int32_t)rd_le32(&r) : 0;
	if (r.bad)
		return "p_q_inner_data is malformed";
	if (!numbers || p != a->p || q != a->q || pq != a->p * a->q)
		return "p_q_inner_data has wrong factors";
	/* "1..5 for production, +10000 for test DCs, negative for media" */
	if (with_dc && a->dc && abs(dc) % 10000 != a->dc)
		return "p_q_inner_data names another data centre";
	*restp = r.n;
	return NULL;
}

static const char *inner_open(struct mtp_acceptor *a, int64_t fingerprint,
			      struct bytes sealed)
{
	uint8_t raw[MTP_RSA_BYTES], data[MTP_RSA_PAD_BYTES],
		hash[MTP_SHA1_BYTES];
	struct bytes old;
	const char *fault;
	size_t rest = 0;

	if (sealed.n != MTP_RSA_BYTES)
		return "encrypted_data is not 256 bytes long";
	if (mtp_rsa_private(a->rsa, fingerprint, raw, sealed.p))
		return "encrypted_data is for no key of ours";
	if (mtp_rsa_pad_open(data, raw) == 0)
		return inner_take(a, bytes_of(data, sizeof(data)), &rest);
	/* The old scheme: SHA1(data) || data || random, 255 bytes. */
	old = bytes_of(raw + 1 + MTP_SHA1_BYTES, OLD_DATA_BYTES);
	fault = inner_take(a, old, &rest);
	if (raw[0] || fault)
		return raw[0] ? "encrypted_data has no valid padding" : fault;
	old.n -= rest;
	mtp_sha1(hash, &old, 1);
	return bytes_equal_ct(hash, raw + 1, sizeof(hash))
		       ? NULL
		       : "encrypted_data has no valid padding";
}

/* A 2048-bit prime p whose (p - 1) / 2 is not one. */
static int prime_unsafe(uint8_t out[MTP_DH_BYTES])
{
	BIGNUM *p = BN_new(), *add = BN_new(), *rem = BN_new();
	int err = -ENOMEM;

	/* p = 5 modulo 12: then (p - 1) / 2 is even. */
	if (p && add && rem && BN_set_word(add, 12) && BN_set_word(rem, 5) &&
	    BN_generate_prime_ex(p, 2048, 0, add, rem, NULL) &&
	    BN_bn2binpad(p, out, MTP_DH_BYTES) == MTP_DH_BYTES)
		err = 0;
	BN_free(p);
	BN_free(add);
	BN_free(rem);
	return err;
}

static int prime_choose(struct mtp_acceptor *a, size_t *lenp)
{
	memcpy(a->prime, mtp_dh_known_prime, MTP_DH_BYTES);
	*lenp = MTP_DH_BYTES;
	switch (a->hostile) {
	case MTP_HOSTILE_PRIME_COMPOSITE:
		/* The known prime is 2 modulo 3. */
		a->prime[MTP_DH_BYTES - 1] -= 2;
		return 0;
	case MTP_HOSTILE_PRIME_UNSAFE:
		return prime_unsafe(a->prime);
	case MTP_HOSTILE_PRIME_SHORT:
		*lenp = MTP_DH_BYTES / 2;
		return 0;
	default:
		return 0;
	}
}

static int inner_answer_put(struct mtp_acceptor *a, struct buf *b,
			    struct wall wall)
{
	uint8_t g_a[MTP_DH_BYTES], g = GENERATOR;
	size_t prime_n;
	int err;

	random_bytes(a->a, sizeof(a->a));
	err = prime_choose(a, &prime_n);
	if (!err)
		err = mtp_dh_power(g_a, bytes_of(&g, 1),
				   bytes_of(a->a, sizeof(a->a)),
				   bytes_of(a->prime, MTP_DH_BYTES));
	if (err)
		return err;
	if (a->hostile == MTP_HOSTILE_GA_RANGE)
		memset(g_a, 0, 16); /* below 2^1984 */
	if (a->hostile == MTP_HOSTILE_GENERATOR)
		g = GENERATOR_WRONG;
	buf_le32(b, WIRE_SERVER_DH_INNER_DATA);
	nonces_put(a, b);
	buf_le32(b, g);
	wire_put_bytes(b, bytes_of(a->prime, prime_n));
	wire_put_bytes(b, bytes_of(g_a, sizeof(g_a)));
	buf_le32(b, (uint32_t)(wall.us / 1000000));
	return b->bad ? -ENOMEM : 0;
}

static int params_answer(struct mtp_acceptor *a, struct buf *answer,
			 struct wall wall)
{
	struct buf inner, sealed;
	int err;

	buf_init(&inner);
	buf_init(&sealed);
	mtp_handshake_cipher(a->aes_key, a->aes_iv, a->server_nonce,
			     a->new_nonce, sizeof(a->new_nonce));
	err = inner_answer_put(a, &inner, wall);
	if (!err)
		err = mtp_handshake_wrap(&sealed, buf_bytes(&inner), a->aes_key,
					 a->aes_iv, NULL);
	if (!err && a->hostile == MTP_HOSTILE_ANSWER_HASH) {
		/* The same with one bit of the hash turned over. */
		mtp_ige_decrypt(sealed.p, sealed.p, sealed.n, a->aes_key,
				a->aes_iv);
		sealed.p[0] ^= 1;
		mtp_ige_encrypt(sealed.p, sealed.p, sealed.n, a->aes_key,
				a->aes_iv);
	}
	if (!err) {
		buf_le32(answer, WIRE_SERVER_DH_PARAMS_OK);
		nonces_put(a, answer);
		if (a->hostile == MTP_HOSTILE_SERVER_NONCE)
			answer->p[answer->n - 1] ^= 1;
		wire_put_bytes(answer, buf_bytes(&sealed));
		a->step = STEP_KEY;
	}
	buf_clear(&inner);
	buf_clear(&sealed);
	return err;
}

static int on_req_dh_params(struct mtp_acceptor *a, struct rd *r,
			    struct buf *answer, struct wall wall)
{
	uint64_t p = 0, q = 0;
	bool numbers, same = nonces_match(a, r);
	int64_t fingerprint;
	struct bytes sealed;
	const char *fault;

	numbers = mtp_handshake_number_read(&p, wire_bytes(r));
	numbers &= mtp_handshake_number_read(&q, wire_bytes(r));
	fingerprint = (int64_t)rd_le64(r);
	sealed = wire_bytes(r);
	if (r->bad)
		return refuse(a, "req_DH_params is malformed");
	if (!same)
		return refuse(a, "req_DH_params has other nonces");
	if (!numbers || p != a->p || q != a->q)
		return refuse(a, "req_DH_params has wrong factors");
	if (!mtp_rsa_has(a->rsa, fingerprint))
		return refuse(a, "req_DH_params names an unknown fingerprint");
	fault = inner_open(a, fingerprint, sealed);
	if (fault)
		return refuse(a, fault);
	return params_answer(a, answer, wall);
}

/* -- set_client_DH_params ------------------------------------------------- */

static const char *client_inner_take(struct mtp_acceptor *a, struct bytes plain,
				     uint8_t g_b[MTP_DH_BYTES])
{
	uint8_t hash[MTP_SHA1_BYTES];
	struct bytes whole, value;
	int64_t retry_id;
	bool same;
	struct rd r;

	rd_init(&r, plain.p + MTP_SHA1_BYTES, plain.n - MTP_SHA1_BYTES);
	if (rd_le32(&r) != WIRE_CLIENT_DH_INNER_DATA)
		return "client_DH_inner_data has another constructor";
	same = nonces_match(a, &r);
	retry_id = (int64_t)rd_le64(&r);
	value = wire_bytes(&r);
	if (r.bad || r.n > 15)
		return "client_DH_inner_data is malformed";
	whole = bytes_of(plain.p + MTP_SHA1_BYTES,
			 plain.n - MTP_SHA1_BYTES - r.n);
	mtp_sha1(hash, &whole, 1);
	if (!bytes_equal_ct(hash, plain.p, sizeof(hash)))
		return "client_DH_inner_data has a wrong hash";
	if (!same)
		return "client_DH_inner_data has other nonces";
	if (retry_id &&
	    (!a->retried || retry_id != mtp_handshake_key_aux(a->result.key)))
		return "client_DH_inner_data has a wrong retry_id";
	if (!mtp_dh_public_ok(value, bytes_of(a->prime, MTP_DH_BYTES)))
		return "g_b is out of range";
	memset(g_b, 0, MTP_DH_BYTES);
	memcpy(g_b + MTP_DH_BYTES - value.n, value.p, value.n);
	return NULL;
}

static int key_answer(struct mtp_acceptor *a, struct buf *answer)
{
	bool retry = a->hostile == MTP_HOSTILE_DH_RETRY && !a->retried;
	bool fail = a->hostile == MTP_HOSTILE_DH_FAIL;
	uint8_t hash[16];

	mtp_handshake_hash(hash, a->new_nonce, a->result.key,
			   retry  ? 2
			   : fail ? 3
				  : 1);
	if (a->hostile == MTP_HOSTILE_NEW_NONCE_HASH)
		hash[0] ^= 1;
	buf_le32(answer, retry  ? WIRE_DH_GEN_RETRY
			 : fail ? WIRE_DH_GEN_FAIL
				: WIRE_DH_GEN_OK);
	nonces_put(a, answer);
	buf_put(answer, hash, sizeof(hash));
	if (answer->bad)
		return -ENOMEM;
	if (retry || fail) {
		a->retried = true;
		return 0;
	}
	a->result.salt =
		(int64_t)(le64_load(a->new_nonce) ^ le64_load(a->server_nonce));
	a->step = STEP_PQ;
	return 1;
}

static int on_set_client_dh_params(struct mtp_acceptor *a, struct rd *r,
				   struct buf *answer)
{
	bool same = nonces_match(a, r);
	struct bytes sealed = wire_bytes(r);
	uint8_t g_b[MTP_DH_BYTES];
	const char *fault;
	struct buf plain;

	if (!same)
		return refuse(a, "set_client_DH_params has other nonces");
	if (r->bad || sealed.n < 32 || sealed.n % 16)
		return refuse(a, "set_client_DH_params is malformed");
	buf_init(&plain);
	if (buf_reserve(&plain, sealed.n))
		return -ENOMEM;
	mtp_ige_decrypt(plain.p, sealed.p, sealed.n, a->aes_key, a->aes_iv);
	plain.n = sealed.n;
	fault = client_inner_take(a, buf_bytes(&plain), g_b);
	buf_clear(&plain);
	if (fault)
		return refuse(a, fault);
	if (mtp_dh_power(a->result.key, bytes_of(g_b, sizeof(g_b)),
			 bytes_of(a->a, sizeof(a->a)),
			 bytes_of(a->prime, sizeof(a->prime))))
		return -ENOMEM;
	return key_answer(a, answer);
}

int mtp_acceptor_input(struct mtp_acceptor *a, struct bytes request,
		       struct buf *answer, struct wall wall)
{
	struct rd r;
	uint32_t id;
	int err;

	rd_init(&r, request.p, request.n);
	id = rd_le32(&r);
	if (id == WIRE_REQ_PQ || id == WIRE_REQ_PQ_MULTI)
		err = on_req_pq(a, &r, answer);
	else if (a->step == STEP_PARAMS && id == WIRE_REQ_DH_PARAMS)
		err = on_req_dh_params(a, &r, answer, wall);
	else if (a->step == STEP_KEY && id == WIRE_SET_CLIENT_DH_PARAMS)
		err = on_set_client_dh_params(a, &r, answer);
	else
		err = refuse(a, "unexpected request in key creation");
	if (err >= 0 && answer->bad)
		err = -ENOMEM;
	return err;
}
