/* Key creation: against a transcript computed independently
 * (tests/data/mtproto/handshake.py), then against our own server, honest and
 * hostile. */
#include "mtproto/handshake.h"

#include <errno.h>
#include <stdlib.h>

#include "mtproto/digest.h"
#include "mtproto/factor.h"
#include "mtproto/handshake_server.h"
#include "mtproto/test_key.h"
#include "mtproto/wire.h"
#include "tests/check.h"

#define NOW ((struct wall){1700000123 * (int64_t)1000000})

static struct mtp_rsa *client_keys, *server_keys;

/* -- the transcript ------------------------------------------------------- */

struct transcript {
	struct buf random; /* what the client draws, in order */
	size_t used;
};

/* The line "name hex" of the data file. */
static void line_read(struct buf *b, const char *name)
{
	FILE *f = fopen(HANDSHAKE_DATA, "r");
	static char line[8192];
	size_t n = strlen(name);

	while (f && fgets(line, sizeof(line), f)) {
		size_t digits = strcspn(line, "\n");

		if (strncmp(line, name, n) != 0 || line[n] != ' ')
			continue;
		digits -= n + 1;
		if (buf_reserve(b, digits / 2) ||
		    hex_decode(b->p + b->n, digits / 2, line + n + 1, digits))
			abort();
		b->n += digits / 2;
	}
	if (f)
		fclose(f);
}

static void transcript_random(void *p, size_t n, void *arg)
{
	struct transcript *t = arg;

	if (t->used + n > t->random.n)
		abort();
	memcpy(p, t->random.p + t->used, n);
	t->used += n;
}

/* Feeds the answer called `in` and compares the request with line `out`. */
static int transcript_step(struct mtp_handshake *h, const char *in,
			   const char *out)
{
	struct buf answer, request, want;
	int rc;

	buf_init(&answer);
	buf_init(&request);
	buf_init(&want);
	line_read(&answer, in);
	if (out)
		line_read(&want, out);
	rc = mtp_handshake_input(h, buf_bytes(&answer), &request, NOW);
	if (!bytes_equal(buf_bytes(&request), buf_bytes(&want)))
		rc = -EBADMSG;
	buf_clear(&answer);
	buf_clear(&request);
	buf_clear(&want);
	return rc;
}

static void test_handshake_client_reproduces_the_transcript(void)
{
	struct transcript t = {0};
	struct mtp_random random = {transcript_random, &t};
	struct mtp_handshake *h = NULL;
	struct mtp_rsa *keys = NULL;
	struct buf b, want;

	buf_init(&b);
	buf_init(&want);
	line_read(&t.random, "nonce");
	line_read(&t.random, "random_params");
	line_read(&t.random, "random_key");
	line_read(&b, "pem");
	CHECK_INT(mtp_rsa_new(&keys), 0);
	CHECK_INT(mtp_rsa_add_pem(keys, (char *)b.p, b.n), 0);
	line_read(&want, "fingerprint");
	CHECK((int64_t)le64_load(want.p) == mtp_rsa_fingerprint(keys, 0));
	CHECK_INT(mtp_handshake_new(&h, keys, 2, &random), 0);
	buf_reset(&b);
	buf_reset(&want);
	line_read(&want, "req_pq");
	CHECK_INT(mtp_handshake_start(h, &b), 0);
	CHECK(bytes_equal(buf_bytes(&b), buf_bytes(&want)));
	CHECK_INT(transcript_step(h, "res_pq", "req_dh_params"), 0);
	CHECK_INT(
		transcript_step(h, "server_dh_params", "set_client_dh_params"),
		0);
	CHECK(mtp_handshake_result(h) == NULL);
	CHECK_INT(transcript_step(h, "dh_gen_ok", NULL), 1);
	CHECK_INT(t.used, t.random.n);
	buf_reset(&want);
	line_read(&want, "auth_key");
	CHECK_MEM(mtp_handshake_result(h)->key, want.p, MTP_KEY_BYTES);
	buf_reset(&want);
	line_read(&want, "salt");
	CHECK((int64_t)le64_load(want.p) == mtp_handshake_result(h)->salt);
	CHECK_INT(mtp_handshake_result(h)->time_diff, -123);
	mtp_handshake_free(&h);
	mtp_rsa_free(&keys);
	buf_clear(&t.random);
	buf_clear(&b);
	buf_clear(&want);
}

/* -- client and server ---------------------------------------------------- */

struct pair {
	struct mtp_handshake *client;
	struct mtp_acceptor *server;
	struct buf up, down;
	int client_rc, server_rc;
};

static void pair_init(struct pair *p, enum mtp_hostile hostile)
{
	memset(p, 0, sizeof(*p));
	if (mtp_handshake_new(&p->client, client_keys, 2, NULL) ||
	    mtp_acceptor_new(&p->server, server_keys, 2, hostile) ||
	    mtp_handshake_start(p->client, &p->up))
		abort();
}

static void pair_clear(struct pair *p)
{
	mtp_handshake_free(&p->client);
	mtp_acceptor_free(&p->server);
	buf_clear(&p->up);
	buf_clear(&p->down);
}

/* One request and its answer. */
static bool pair_step(struct pair *p)
{
	buf_reset(&p->down);
	p->server_rc =
		mtp_acceptor_input(p->server, buf_bytes(&p->up), &p->down, NOW);
	if (p->server_rc < 0)
		return false;
	buf_reset(&p->up);
	p->client_rc = mtp_handshake_input(p->client, buf_bytes(&p->down),
					   &p->up, NOW);
	return p->client_rc == 0;
}

static void pair_run(struct pair *p, enum mtp_hostile hostile)
{
	pair_init(p, hostile);
	for (int i = 0; i < 20 && pair_step(p); i++)
		;
}

static void test_handshake_both_sides_agree(void)
{
	struct pair p;

	pair_run(&p, MTP_HOSTILE_NONE);
	CHECK_INT(p.client_rc, 1);
	CHECK_INT(p.server_rc, 1);
	CHECK_MEM(mtp_handshake_result(p.client)->key,
		  mtp_acceptor_result(p.server)->key, MTP_KEY_BYTES);
	CHECK(mtp_handshake_result(p.client)->salt ==
	      mtp_acceptor_result(p.server)->salt);
	CHECK_INT(mtp_acceptor_result(p.server)->expires_in, 0);
	pair_clear(&p);
}

static void test_handshake_client_obeys_dh_gen_retry(void)
{
	struct pair p;

	pair_run(&p, MTP_HOSTILE_DH_RETRY);
	CHECK_INT(p.client_rc, 1);
	CHECK_MEM(mtp_handshake_result(p.client)->key,
		  mtp_acceptor_result(p.server)->key, MTP_KEY_BYTES);
	pair_clear(&p);
}

static void refusal_check(enum mtp_hostile hostile, const char *fault)
{
	struct pair p;

	pair_run(&p, hostile);
	CHECK_INT(p.client_rc, -EPROTO);
	CHECK_STR(mtp_handshake_fault(p.client), fault);
	CHECK(mtp_handshake_result(p.client) == NULL);
	/* Nothing revives it. */
	CHECK_INT(mtp_handshake_input(p.client, buf_bytes(&p.down), &p.up, NOW),
		  -EPROTO);
	pair_clear(&p);
}

static void test_handshake_client_refuses_nonce(void)
{
	refusal_check(MTP_HOSTILE_NONCE, "nonce differs");
}

static void test_handshake_client_refuses_server_nonce(void)
{
	refusal_check(MTP_HOSTILE_SERVER_NONCE, "server_nonce differs");
}

static void test_handshake_client_refuses_fingerprint(void)
{
	refusal_check(MTP_HOSTILE_FINGERPRINT,
		      "no known RSA key among the fingerprints");
}

static void test_handshake_client_refuses_pq(void)
{
	refusal_check(MTP_HOSTILE_PQ, "pq is not a product of two primes");
}

static void test_handshake_client_refuses_prime_composite(void)
{
	refusal_check(MTP_HOSTILE_PRIME_COMPOSITE, "dh_prime is not prime");
}

static void test_handshake_client_refuses_prime_unsafe(void)
{
	refusal_check(MTP_HOSTILE_PRIME_UNSAFE, "dh_prime is not a safe prime");
}

static void test_handshake_client_refuses_prime_short(void)
{
	refusal_check(MTP_HOSTILE_PRIME_SHORT,
		      "dh_prime is not 2048 bits long");
}

static void test_handshake_client_refuses_generator(void)
{
	refusal_check(MTP_HOSTILE_GENERATOR,
		      "the generator does not suit dh_prime");
}

static void test_handshake_client_refuses_ga_range(void)
{
	refusal_check(MTP_HOSTILE_GA_RANGE, "g_a is out of range");
}

static void test_handshake_client_refuses_answer_hash(void)
{
	refusal_check(MTP_HOSTILE_ANSWER_HASH, "answer hash differs");
}

static void test_handshake_client_refuses_new_nonce_hash(void)
{
	refusal_check(MTP_HOSTILE_NEW_NONCE_HASH, "new_nonce_hash differs");
}

static void test_handshake_client_refuses_dh_gen_fail(void)
{
	refusal_check(MTP_HOSTILE_DH_FAIL, "the server gave up key creation");
}

static void test_handshake_client_refuses_answers_out_of_turn(void)
{
	struct pair p;
	struct buf old;

	pair_init(&p, MTP_HOSTILE_NONE);
	buf_init(&old);
	CHECK(pair_step(&p));
	buf_put(&old, p.down.p, p.down.n);
	CHECK_INT(mtp_handshake_input(p.client, buf_bytes(&old), &p.up, NOW),
		  -EPROTO);
	CHECK_STR(mtp_handshake_fault(p.client),
		  "unexpected answer in key creation");
	pair_clear(&p);
	buf_clear(&old);
}

/* Every answer cut at every byte is refused, never read past its end. */
static void test_handshake_client_refuses_cut_answers(void)
{
	for (int step = 0; step < 3; step++) {
		struct pair p;

		for (size_t cut = 0;; cut += step == 1 ? 37 : 5) {
			bool whole;

			pair_init(&p, MTP_HOSTILE_NONE);
			for (int i = 0; i < step; i++)
				CHECK(pair_step(&p));
			buf_reset(&p.down);
			CHECK(mtp_acceptor_input(p.server, buf_bytes(&p.up),
						 &p.down, NOW) >= 0);
			whole = cut >= p.down.n;
			if (!whole)
				CHECK_INT(mtp_handshake_input(
						  p.client,
						  bytes_of(p.down.p, cut),
						  &p.up, NOW),
					  -EPROTO);
			pair_clear(&p);
			if (whole)
				break;
		}
	}
}

/* -- the server's own checks ---------------------------------------------- */

/* An inner data object in one of its four forms, sealed in one of two ways,
 * inside req_DH_params for the resPQ in `res_pq`. */
struct form {
	uint32_t id;
	bool old_scheme;
	int32_t dc;
	bool other_factor;
};

static void old_seal(uint8_t out[256], struct bytes data, EVP_PKEY *key)
{
	uint8_t raw[256] = {0};
	size_t n = 256;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

	mtp_sha1(raw + 1, &data, 1);
	memcpy(raw + 21, data.p, data.n);
	memset(raw + 21 + data.n, 0x77, 256 - 21 - data.n);
	EVP_PKEY_encrypt_init(ctx);
	EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING);
	if (EVP_PKEY_encrypt(ctx, out, &n, raw, 256) != 1)
		abort();
	EVP_PKEY_CTX_free(ctx);
}

static EVP_PKEY *old_key;
static struct mtp_rsa *old_client, *old_server;

static int form_try(struct form f, const char **faultp, int32_t *expiresp)
{
	struct mtp_acceptor *a = NULL;
	uint64_t pq = 0, p, q;
	uint8_t scratch[8], sealed[256], nonce[16] = {9}, server_nonce[16];
	struct buf in, out, inner;
	struct rd r;
	int rc;

	buf_init(&in);
	buf_init(&out);
	buf_init(&inner);
	if (mtp_acceptor_new(&a, old_server, 2, MTP_HOSTILE_NONE))
		abort();
	buf_le32(&in, WIRE_REQ_PQ);
	buf_put(&in, nonce, 16);
	if (mtp_acceptor_input(a, buf_bytes(&in), &out, NOW))
		abort();
	rd_init(&r, out.p, out.n);
	rd_skip(&r, 20);
	rd_copy(&r, server_nonce, 16);
	mtp_handshake_number_read(&pq, wire_bytes(&r));
	if (mtp_factor(&p, &q, pq))
		abort();
	buf_le32(&inner, f.id);
	wire_put_bytes(&inner, mtp_handshake_number(scratch, pq));
	wire_put_bytes(&inner,
		       mtp_handshake_number(scratch, p + 2 * f.other_factor));
	wire_put_bytes(&inner, mtp_handshake_number(scratch, q));
	buf_put(&inner, nonce, 16);
	buf_put(&inner, server_nonce, 16);
	buf_fill(&inner, 3, 32);
	if (f.id == WIRE_P_Q_INNER_DATA_DC ||
	    f.id == WIRE_P_Q_INNER_DATA_TEMP_DC)
		buf_le32(&inner, (uint32_t)f.dc);
	if (f.id == WIRE_P_Q_INNER_DATA_TEMP ||
	    f.id == WIRE_P_Q_INNER_DATA_TEMP_DC)
		buf_le32(&inner, 86400);
	if (f.old_scheme)
		old_seal(sealed, buf_bytes(&inner), old_key);
	else if (mtp_rsa_pad_encrypt(old_client,
				     mtp_rsa_fingerprint(old_client, 0), sealed,
				     buf_bytes(&inner), NULL))
		abort();
	buf_reset(&in);
	buf_le32(&in, WIRE_REQ_DH_PARAMS);
	buf_put(&in, nonce, 16);
	buf_put(&in, server_nonce, 16);
	wire_put_bytes(&in, mtp_handshake_number(scratch, p));
	wire_put_bytes(&in, mtp_handshake_number(scratch, q));
	buf_le64(&in, (uint64_t)mtp_rsa_fingerprint(old_client, 0));
	wire_put_bytes(&in, bytes_of(sealed, 256));
	rc = mtp_acceptor_input(a, buf_bytes(&in), &out, NOW);
	*faultp = mtp_acceptor_fault(a);
	*expiresp = mtp_acceptor_result(a)->expires_in;
	mtp_acceptor_free(&a);
	buf_clear(&in);
	buf_clear(&out);
	buf_clear(&inner);
	return rc;
}

static void form_accepted(struct form f, int32_t expires)
{
	const char *fault;
	int32_t got;

	CHECK_INT(form_try(f, &fault, &got), 0);
	CHECK_INT(got, expires);
}

static void form_refused(struct form f, const char *why)
{
	const char *fault;
	int32_t got;

	CHECK_INT(form_try(f, &fault, &got), -EPROTO);
	CHECK_STR(fault, why);
}

static void test_acceptor_takes_both_schemes_and_all_forms(void)
{
	for (int old = 0; old < 2; old++) {
		form_accepted((struct form){WIRE_P_Q_INNER_DATA, old, 0, 0}, 0);
		form_accepted(
			(struct form){WIRE_P_Q_INNER_DATA_TEMP, old, 0, 0},
			86400);
		form_accepted((struct form){WIRE_P_Q_INNER_DATA_DC, old, 2, 0},
			      0);
		form_accepted(
			(struct form){WIRE_P_Q_INNER_DATA_DC, old, 10002, 0},
			0);
		form_accepted((struct form){WIRE_P_Q_INNER_DATA_DC, old, -2, 0},
			      0);
		form_accepted(
			(struct form){WIRE_P_Q_INNER_DATA_TEMP_DC, old, 2, 0},
			86400);
	}
}

static void test_acceptor_refuses_other_dc(void)
{
	form_refused((struct form){WIRE_P_Q_INNER_DATA_DC, false, 3, false},
		     "p_q_inner_data names another data centre");
}

static void test_acceptor_refuses_wrong_factors(void)
{
	form_refused((struct form){WIRE_P_Q_INNER_DATA_DC, false, 2, true},
		     "p_q_inner_data has wrong factors");
}

static void test_acceptor_refuses_unknown_inner_data(void)
{
	form_refused((struct form){WIRE_RES_PQ, false, 0, false},
		     "p_q_inner_data has an unknown constructor");
}

/* TDLib probes with two req_pq_multi at once and then goes on. */
static void test_acceptor_starts_over_at_every_req_pq(void)
{
	struct pair a, b;

	pair_init(&a, MTP_HOSTILE_NONE);
	pair_init(&b, MTP_HOSTILE_NONE);
	mtp_acceptor_free(&b.server);
	CHECK_INT(mtp_acceptor_input(a.server, buf_bytes(&b.up), &b.down, NOW),
		  0);
	CHECK(pair_step(&a));
	/* The first exchange's nonces are not those of the second. */
	CHECK(pair_step(&a));
	CHECK(!pair_step(&a));
	CHECK_INT(a.client_rc, 1);
	pair_clear(&a);
	pair_clear(&b);
}

static void test_acceptor_refuses_unknown_fingerprint(void)
{
	struct pair p;

	pair_init(&p, MTP_HOSTILE_NONE);
	CHECK(pair_step(&p));
	/* nonces 32, p and q 8 each, then the fingerprint */
	p.up.p[4 + 32 + 16] ^= 1;
	CHECK(!pair_step(&p));
	CHECK_INT(p.server_rc, -EPROTO);
	CHECK_STR(mtp_acceptor_fault(p.server),
		  "req_DH_params names an unknown fingerprint");
	pair_clear(&p);
}

static void test_acceptor_refuses_tampered_client_inner_data(void)
{
	struct pair p;

	pair_init(&p, MTP_HOSTILE_NONE);
	CHECK(pair_step(&p));
	CHECK(pair_step(&p));
	p.up.p[p.up.n - 40] ^= 1;
	CHECK(!pair_step(&p));
	CHECK_INT(p.server_rc, -EPROTO);
	CHECK(mtp_acceptor_fault(p.server) != NULL);
	pair_clear(&p);
}

int main(void)
{
	test_key_new(&client_keys, &server_keys);
	old_key = EVP_RSA_gen(2048);
	test_key_add(&old_client, old_key, false);
	test_key_add(&old_server, old_key, true);
	RUN(test_handshake_client_reproduces_the_transcript);
	RUN(test_handshake_both_sides_agree);
	RUN(test_handshake_client_obeys_dh_gen_retry);
	RUN(test_handshake_client_refuses_nonce);
	RUN(test_handshake_client_refuses_server_nonce);
	RUN(test_handshake_client_refuses_fingerprint);
	RUN(test_handshake_client_refuses_pq);
	RUN(test_handshake_client_refuses_prime_composite);
	RUN(test_handshake_client_refuses_prime_unsafe);
	RUN(test_handshake_client_refuses_prime_short);
	RUN(test_handshake_client_refuses_generator);
	RUN(test_handshake_client_refuses_ga_range);
	RUN(test_handshake_client_refuses_answer_hash);
	RUN(test_handshake_client_refuses_new_nonce_hash);
	RUN(test_handshake_client_refuses_dh_gen_fail);
	RUN(test_handshake_client_refuses_answers_out_of_turn);
	RUN(test_handshake_client_refuses_cut_answers);
	RUN(test_acceptor_takes_both_schemes_and_all_forms);
	RUN(test_acceptor_refuses_other_dc);
	RUN(test_acceptor_refuses_wrong_factors);
	RUN(test_acceptor_refuses_unknown_inner_data);
	RUN(test_acceptor_starts_over_at_every_req_pq);
	RUN(test_acceptor_refuses_unknown_fingerprint);
	RUN(test_acceptor_refuses_tampered_client_inner_data);
	mtp_rsa_free(&client_keys);
	mtp_rsa_free(&server_keys);
	mtp_rsa_free(&old_client);
	mtp_rsa_free(&old_server);
	EVP_PKEY_free(old_key);
	return check_done();
}
