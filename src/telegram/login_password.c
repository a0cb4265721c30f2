/* Two-step verification and its recovery (B.4, B.5). A password exists here
 * from the call to the proof; it is wiped then. */
#include "telegram/login_step.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "telegram/srp.h"

#define PASSWORD_MAX 255
#define CODE_MAX 63
/* srp_id and srp_B are "valid for one attempt": somebody else's attempt in
 * between makes ours void. */
#define FETCHES_MAX 3
/* New passwords: "salt1 of the server, followed by 32 random bytes". */
#define SALT_MORE 32
#define SALT_MAX 128

static const struct mtp_error terms_refused = {400, "PASSWORD_TERMS_REFUSED"};
static const struct mtp_error update_needed = {406, "UPDATE_APP_TO_LOGIN"};
static const struct mtp_error no_password = {400, "PASSWORD_EMPTY"};
static const struct mtp_error code_invalid = {400, "CODE_INVALID"};
static const struct mtp_error internal = {500, "INTERNAL"};

#define ALGO(field)                                                            \
	TL_passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow##field

/* One attempt: with a password, or with a code by e-mail. */
struct attempt {
	struct step step;
	char password[PASSWORD_MAX + 1]; /* old one, or the new one */
	char code[CODE_MAX + 1];
	unsigned fetches;
};

static struct attempt *attempt_new(struct tg_account *a, const char *password,
				   tg_login_h *done, void *arg)
{
	struct attempt *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->step.account = a;
	t->step.done.login = done;
	t->step.arg = arg;
	memcpy(t->password, password, strlen(password) + 1);
	return t;
}

static void attempt_free(struct attempt *t)
{
	bytes_wipe(t, sizeof(*t));
	free(t);
}

static void attempt_done(struct attempt *t, const struct mtp_error *err,
			 const struct tg_user *self)
{
	struct step s = t->step;

	attempt_free(t);
	if (s.done.login)
		s.done.login(err, err ? NULL : self, s.arg);
}

/* Sends the next query of an attempt; its end when that fails. */
static void attempt_query(struct attempt *t, const struct tl_obj *q,
			  tg_answer_h *done)
{
	if (tg_account_query(t->step.account, q, 0, done, t))
		attempt_done(t, &internal, NULL);
}

static int password_fetch(struct tg_account *a, tg_answer_h *done, void *arg)
{
	struct tl_arena arena;
	int err;

	tl_arena_init(&arena);
	err = tg_account_query(a, tl_new(&arena, TL_account_getPassword), 0,
			       done, arg);
	tl_arena_clear(&arena);
	return err;
}

static void terms_read(struct srp_terms *terms, const struct tl_obj *algo)
{
	terms->salt1 = tl_bytes(algo, ALGO(_salt1));
	terms->salt2 = tl_bytes(algo, ALGO(_salt2));
	terms->g = tl_int(algo, ALGO(_g));
	terms->p = tl_bytes(algo, ALGO(_p));
}

/* -- the hint ------------------------------------------------------------- */

static void hint_answered(const struct mtp_error *err,
			  const struct tl_obj *answer, void *arg)
{
	struct tg_password password = {.on = false};
	struct step *s = arg;

	if (!err) {
		password.on = tl_has(answer, TL_account_password_has_password);
		password.has_recovery =
			tl_has(answer, TL_account_password_has_recovery);
		text_clean(password.hint, sizeof(password.hint),
			   tl_bytes(answer, TL_account_password_hint));
	}
	if (s->done.password)
		s->done.password(err, err ? NULL : &password, s->arg);
	free(s);
}

int tg_login_password_ask(struct tg_account *a, tg_password_h *done, void *arg)
{
	struct step *s = step_new(a, arg);
	int err;

	if (!s)
		return -ENOMEM;
	s->done.password = done;
	err = password_fetch(a, hint_answered, s);
	if (err)
		free(s);
	return err;
}

/* -- the proof ------------------------------------------------------------ */

static void terms_answered(const struct mtp_error *err,
			   const struct tl_obj *answer, void *arg);

static bool must_fetch_again(const struct mtp_error *err)
{
	return !strcmp(err->text, "SRP_ID_INVALID") ||
	       !strcmp(err->text, "SRP_PASSWORD_CHANGED");
}

static void proof_answered(const struct mtp_error *err,
			   const struct tl_obj *answer, void *arg)
{
	static const struct mtp_error unusable = {400,
						  "AUTHORIZATION_UNUSABLE"};
	struct attempt *t = arg;
	const struct tg_user *self = NULL;

	if (err && must_fetch_again(err) && t->fetches++ < FETCHES_MAX) {
		if (password_fetch(t->step.account, terms_answered, t))
			attempt_done(t, &internal, NULL);
		return;
	}
	if (!err) {
		self = login_authorised(t->step.account, answer);
		if (!self)
			err = &unusable;
	}
	attempt_done(t, err, self);
}

static void proof_send(struct attempt *t, int64_t srp_id,
		       const uint8_t public_value[SRP_BYTES],
		       const uint8_t proof[SRP_PROOF_BYTES])
{
	struct tl_arena arena;
	struct tl_obj *q, *in;

	tl_arena_init(&arena);
	q = tl_new(&arena, TL_auth_checkPassword);
	in = tl_new(&arena, TL_inputCheckPasswordSRP);
	tl_set_long(in, TL_inputCheckPasswordSRP_srp_id, srp_id);
	tl_set_bytes(in, TL_inputCheckPasswordSRP_A, public_value, SRP_BYTES);
	tl_set_bytes(in, TL_inputCheckPasswordSRP_M1, proof, SRP_PROOF_BYTES);
	tl_set_child(q, TL_auth_checkPassword_password, in);
	attempt_query(t, q, proof_answered);
	tl_arena_clear(&arena);
}

static const struct mtp_error *
prove(struct attempt *t, const struct srp_terms *terms, int64_t srp_id)
{
	uint8_t secret[SRP_BYTES], public_value[SRP_BYTES];
	uint8_t proof[SRP_PROOF_BYTES];
	int err;

	do {
		random_bytes(secret, sizeof(secret));
		err = srp_prove(public_value, proof, terms,
				bytes_str(t->password), secret);
	} while (err == -EAGAIN);
	bytes_wipe(secret, sizeof(secret));
	if (err == -EPROTO)
		return &terms_refused;
	if (err)
		return &internal;
	proof_send(t, srp_id, public_value, proof);
	return NULL;
}

static void terms_answered(const struct mtp_error *err,
			   const struct tl_obj *answer, void *arg)
{
	const struct tl_obj *algo =
		tl_child(answer, TL_account_password_current_algo);
	struct attempt *t = arg;
	struct srp_terms terms;
	const char *fault;

	if (!err && !tl_has(answer, TL_account_password_has_password))
		err = &no_password;
	else if (!err && !tl_is(algo, ALGO()))
		err = &update_needed;
	if (!err) {
		terms_read(&terms, algo);
		terms.b = tl_bytes(answer, TL_account_password_srp_B);
		fault = srp_terms_fault(&terms);
		if (fault) {
			count_bad("telegram", "password", fault);
			err = &terms_refused;
		}
	}
	if (!err)
		err = prove(t, &terms,
			    tl_long(answer, TL_account_password_srp_id));
	if (err)
		attempt_done(t, err, NULL);
}

int tg_login_password(struct tg_account *a, const char *password,
		      tg_login_h *done, void *arg)
{
	struct attempt *t;
	int err;

	if (!*password || strlen(password) > PASSWORD_MAX)
		return -EINVAL;
	t = attempt_new(a, password, done, arg);
	if (!t)
		return -ENOMEM;
	err = password_fetch(a, terms_answered, t);
	if (err)
		attempt_free(t);
	return err;
}

/* -- recovery ------------------------------------------------------------- */

static void recovery_answered(const struct mtp_error *err,
			      const struct tl_obj *answer, void *arg)
{
	struct step *s = arg;
	char pattern[128];

	text_clean(
		pattern, sizeof(pattern),
		err ? bytes_of("", 0)
		    : tl_bytes(answer, TL_auth_passwordRecovery_email_pattern));
	if (s->done.recovery)
		s->done.recovery(err, err ? NULL : pattern, s->arg);
	free(s);
}

int tg_login_recovery_start(struct tg_account *a, tg_recovery_h *done,
			    void *arg)
{
	struct step *s = step_new(a, arg);
	struct tl_arena arena;
	int err;

	if (!s)
		return -ENOMEM;
	s->done.recovery = done;
	tl_arena_init(&arena);
	err = step_query(s, tl_new(&arena, TL_auth_requestPasswordRecovery),
			 recovery_answered);
	tl_arena_clear(&arena);
	return err;
}

/* auth.recoverPassword; settings NULL: no password from then on. */
static void recover_send(struct attempt *t, struct tl_arena *arena,
			 struct tl_obj *settings)
{
	struct tl_obj *q = tl_new(arena, TL_auth_recoverPassword);

	tl_set_str(q, TL_auth_recoverPassword_code, t->code);
	if (settings)
		tl_set_child(q, TL_auth_recoverPassword_new_settings, settings);
	attempt_query(t, q, proof_answered);
}

static struct tl_obj *settings_make(struct tl_arena *arena,
				    const struct srp_terms *terms,
				    const uint8_t verifier[SRP_BYTES])
{
	struct tl_obj *algo = tl_new(arena, ALGO());
	struct tl_obj *o = tl_new(arena, TL_account_passwordInputSettings);

	tl_set_bytes(algo, ALGO(_salt1), terms->salt1.p, terms->salt1.n);
	tl_set_bytes(algo, ALGO(_salt2), terms->salt2.p, terms->salt2.n);
	tl_set_int(algo, ALGO(_g), terms->g);
	tl_set_bytes(algo, ALGO(_p), terms->p.p, terms->p.n);
	tl_set_child(o, TL_account_passwordInputSettings_new_algo, algo);
	tl_set_bytes(o, TL_account_passwordInputSettings_new_password_hash,
		     verifier, SRP_BYTES);
	tl_set_str(o, TL_account_passwordInputSettings_hint, "");
	return o;
}

/* The terms for a new password. */
static void new_terms_answered(const struct mtp_error *err,
			       const struct tl_obj *answer, void *arg)
{
	const struct tl_obj *algo =
		tl_child(answer, TL_account_password_new_algo);
	uint8_t salt1[SALT_MAX + SALT_MORE], verifier[SRP_BYTES];
	struct attempt *t = arg;
	struct srp_terms terms = {.g = 0};
	struct tl_arena arena;

	if (!err && !tl_is(algo, ALGO()))
		err = &update_needed;
	if (!err) {
		terms_read(&terms, algo);
		if (terms.salt1.n > SALT_MAX)
			err = &terms_refused;
	}
	if (!err) {
		if (terms.salt1.n)
			memcpy(salt1, terms.salt1.p, terms.salt1.n);
		random_bytes(salt1 + terms.salt1.n, SALT_MORE);
		terms.salt1 = bytes_of(salt1, terms.salt1.n + SALT_MORE);
		if (srp_verifier(verifier, &terms, bytes_str(t->password)))
			err = &terms_refused;
	}
	if (err) {
		attempt_done(t, err, NULL);
		return;
	}
	tl_arena_init(&arena);
	recover_send(t, &arena, settings_make(&arena, &terms, verifier));
	tl_arena_clear(&arena);
}

static void code_checked(const struct mtp_error *err,
			 const struct tl_obj *answer, void *arg)
{
	struct attempt *t = arg;
	struct tl_arena arena;

	if (!err && !tl_is(answer, TL_boolTrue))
		err = &code_invalid;
	if (err) {
		attempt_done(t, err, NULL);
	} else if (!t->password[0]) {
		tl_arena_init(&arena);
		recover_send(t, &arena, NULL);
		tl_arena_clear(&arena);
	} else if (password_fetch(t->step.account, new_terms_answered, t)) {
		attempt_done(t, &internal, NULL);
	}
}

int tg_login_recover(struct tg_account *a, const char *code,
		     const char *new_password, tg_login_h *done, void *arg)
{
	struct tl_arena arena;
	struct tl_obj *q;
	struct attempt *t;
	int err;

	if (!new_password)
		new_password = "";
	if (!*code || strlen(code) > CODE_MAX ||
	    strlen(new_password) > PASSWORD_MAX)
		return -EINVAL;
	t = attempt_new(a, new_password, done, arg);
	if (!t)
		return -ENOMEM;
	memcpy(t->code, code, strlen(code) + 1);
	/* proof_answered() is also the end of a recovery: nothing to repeat. */
	t->fetches = FETCHES_MAX;
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_auth_checkRecoveryPassword);
	tl_set_str(q, TL_auth_checkRecoveryPassword_code, code);
	err = tg_account_query(a, q, 0, code_checked, t);
	tl_arena_clear(&arena);
	if (err)
		attempt_free(t);
	return err;
}
