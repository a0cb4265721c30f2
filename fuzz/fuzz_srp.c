/* Fuzz target of the second password: what the client does with what
 * account.password and the rest of such a log-in say. First byte: what is
 * asked (bits 0-2), whether nobody wants to know (bit 3), after how many
 * queries there is no room for more (bits 4-7; 0: never). Then rows of a
 * big-endian 16-bit length and an answer.
 *
 * Behind the arithmetic as others are behind the ciphers: the password is
 * stretched once instead of 100000 times, powers are products, and every odd
 * number is a prime.
 * Seeds: fuzz/corpus_telegram.py. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "account_world.h"
#include "base/log.h"
#include "telegram/login.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	ASK_HINT,
	ASK_PASSWORD,
	ASK_RECOVER,
	ASK_RECOVER_OFF,
	ASK_EMAIL,
	ASK_WRONGLY,
	ASKS,
};

static int begun, ended;

int PKCS5_PBKDF2_HMAC(const char *pass, int passlen, const unsigned char *salt,
		      int saltlen, int iter, const EVP_MD *digest, int keylen,
		      unsigned char *out)
{
	unsigned char whole[EVP_MAX_MD_SIZE];

	(void)iter;
	if (saltlen < 0 ||
	    !HMAC(digest, pass, passlen, salt, (size_t)saltlen, whole, NULL))
		return 0;
	for (int i = 0; i < keylen; i++)
		out[i] = whole[i];
	return 1;
}

int BN_mod_exp_mont_consttime(BIGNUM *rr, const BIGNUM *a, const BIGNUM *p,
			      const BIGNUM *m, BN_CTX *ctx,
			      BN_MONT_CTX *in_mont)
{
	(void)in_mont;
	return BN_mod_mul(rr, a, p, m, ctx);
}

int BN_check_prime(const BIGNUM *p, BN_CTX *ctx, BN_GENCB *cb)
{
	(void)ctx;
	(void)cb;
	return BN_is_odd(p);
}

static void on_login(const struct mtp_error *err, const struct tg_user *self,
		     void *arg)
{
	(void)arg;
	if (!err == !self)
		abort();
	ended++;
}

static void on_hint(const struct mtp_error *err, const struct tg_password *p,
		    void *arg)
{
	(void)arg;
	if (!err == !p)
		abort();
	ended++;
}

static void on_email(const struct mtp_error *err, const char *pattern,
		     void *arg)
{
	(void)arg;
	if (!err == !pattern)
		abort();
	ended++;
}

static bool is_ours(enum tl_ctor_no query)
{
	return query == TL_account_getPassword ||
	       query == TL_auth_checkPassword ||
	       query == TL_auth_checkRecoveryPassword ||
	       query == TL_auth_recoverPassword ||
	       query == TL_auth_requestPasswordRecovery;
}

/* Each is refused before anything is asked. */
static int ask_wrongly(struct tg_account *a, tg_login_h *done)
{
	char text[300];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	if (tg_login_password(a, "", done, NULL) != -EINVAL ||
	    tg_login_password(a, text, done, NULL) != -EINVAL ||
	    tg_login_recover(a, "", "new", done, NULL) != -EINVAL ||
	    tg_login_recover(a, text, "new", done, NULL) != -EINVAL ||
	    tg_login_recover(a, "12345", text, done, NULL) != -EINVAL)
		abort();
	return -EINVAL;
}

static int ask(struct tg_account *a, uint8_t how)
{
	bool told = !(how & 8);
	tg_login_h *done = told ? on_login : NULL;

	switch ((how & 7) % ASKS) {
	case ASK_HINT:
		return tg_login_password_ask(a, told ? on_hint : NULL, NULL);
	case ASK_PASSWORD:
		return tg_login_password(a, "open sesame", done, NULL);
	case ASK_RECOVER:
		return tg_login_recover(a, "12345", "new", done, NULL);
	case ASK_RECOVER_OFF:
		return tg_login_recover(a, "12345", NULL, done, NULL);
	case ASK_EMAIL:
		return tg_login_recovery_start(a, told ? on_email : NULL, NULL);
	default:
		return ask_wrongly(a, done);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct tg_account_conf conf = {.auth.present = true};
	struct tg_account *a;
	uint8_t how;
	struct rd r;

	log_set_level(LOG_LEVEL_ERROR);
	a = account_world_open(&conf, is_ours);
	begun = ended = 0;
	rd_init(&r, data, size);
	how = rd_u8(&r);
	account_world_room(how >> 4 ? how >> 4 : INT_MAX);
	begun += ask(a, how) == 0 && !(how & 8);
	while (r.n && !r.bad) {
		struct bytes answer = rd_bytes(&r, rd_be16(&r));

		if (r.bad)
			break;
		account_world_answer(answer);
		account_world_time(a, 0);
	}
	account_world_close(&a);
	if (begun != ended) /* exactly once */
		abort();
	return 0;
}
