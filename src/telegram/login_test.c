/* The ways to log in, question by question, with a stand-in for the MTProto
 * engine (account_world.h). The proof itself: srp_test.c. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "mtproto/dh.h"
#include "telegram/account_world.h"
#include "telegram/login.h"
#include "tests/check.h"

#define ALGO(field)                                                            \
	TL_passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow##field

static struct world w;
static struct tg_password told;
static char email[128];

static void on_password(const struct mtp_error *err,
			const struct tg_password *p, void *arg)
{
	on_answer(err, NULL, arg);
	if (p)
		told = *p;
}

static void on_recovery(const struct mtp_error *err, const char *pattern,
			void *arg)
{
	on_answer(err, NULL, arg);
	snprintf(email, sizeof(email), "%s", pattern ? pattern : "");
}

static struct tl_obj *algo(void)
{
	struct tl_obj *o = tl_new(&w.arena, ALGO());

	tl_set_bytes(o, ALGO(_salt1), "12345678", 8);
	tl_set_bytes(o, ALGO(_salt2), "1234567812345678", 16);
	tl_set_int(o, ALGO(_g), 3);
	tl_set_bytes(o, ALGO(_p), mtp_dh_known_prime, MTP_DH_BYTES);
	return o;
}

static struct tl_obj *password(const uint8_t *b, size_t n, int64_t id)
{
	struct tl_obj *o = tl_new(&w.arena, TL_account_password);

	tl_set_true(o, TL_account_password_has_password);
	tl_set_true(o, TL_account_password_has_recovery);
	tl_set_child(o, TL_account_password_current_algo, algo());
	tl_set_bytes(o, TL_account_password_srp_B, b, n);
	tl_set_long(o, TL_account_password_srp_id, id);
	tl_set_str(o, TL_account_password_hint, "a\nhint");
	tl_set_child(o, TL_account_password_new_algo, algo());
	tl_set_child(o, TL_account_password_new_secure_algo,
		     tl_new(&w.arena, TL_securePasswordKdfAlgoUnknown));
	tl_set_bytes(o, TL_account_password_secure_random, "", 0);
	return o;
}

/* Connected, nobody logged in; a B that passes the checks. */
static void begin(uint8_t b[256])
{
	world_open(&w, false);
	CHECK(run(&w, config_asked));
	CHECK(answer(&w, TL_help_getConfig, config(&w)));
	memset(b, 0x5a, 256);
}

static void test_login_password_hint(void)
{
	uint8_t b[256];

	begin(b);
	CHECK_INT(tg_login_password_ask(w.account, on_password, &w), 0);
	CHECK(answer(&w, TL_account_getPassword, password(b, 256, 1)));
	CHECK(told.on && told.has_recovery);
	CHECK_STR(told.hint, "a hint");
	CHECK_INT(tg_login_password_ask(w.account, on_password, &w), 0);
	CHECK(refuse(&w, TL_account_getPassword, 401, "AUTH_KEY_UNREGISTERED"));
	CHECK_STR(w.text, "AUTH_KEY_UNREGISTERED");
	world_close(&w);
}

static void test_login_password_proves_and_enters(void)
{
	uint8_t b[256];
	struct tl_obj *q, *in;

	begin(b);
	CHECK_INT(tg_login_password(w.account, "", on_login, &w), -EINVAL);
	CHECK_INT(tg_login_password(w.account, "secret", on_login, &w), 0);
	CHECK(answer(&w, TL_account_getPassword, password(b, 256, 77)));
	q = asked(&w, TL_auth_checkPassword);
	in = tl_child(q, TL_auth_checkPassword_password);
	CHECK_INT(tl_long(in, TL_inputCheckPasswordSRP_srp_id), 77);
	CHECK_INT(tl_bytes(in, TL_inputCheckPasswordSRP_A).n, 256);
	CHECK_INT(tl_bytes(in, TL_inputCheckPasswordSRP_M1).n, 32);
	CHECK(answer(&w, TL_auth_checkPassword,
		     authorization(&w, user(&w, 111, true))));
	CHECK_INT(w.login_n, 1);
	CHECK_INT(w.code, 0);
	CHECK_INT(w.selves, 1);
	world_close(&w);
}

/* Somebody else's attempt in between: fetched again, three times at most. */
static void test_login_password_fetches_again(void)
{
	static const char *const texts[] = {
		"SRP_ID_INVALID", "SRP_PASSWORD_CHANGED", "SRP_ID_INVALID"};
	uint8_t b[256];

	begin(b);
	CHECK_INT(tg_login_password(w.account, "secret", on_login, &w), 0);
	for (int i = 0; i < 3; i++) {
		CHECK(answer(&w, TL_account_getPassword, password(b, 256, i)));
		CHECK(refuse(&w, TL_auth_checkPassword, 400, texts[i]));
		CHECK_INT(w.login_n, 0);
	}
	CHECK(answer(&w, TL_account_getPassword, password(b, 256, 4)));
	CHECK(refuse(&w, TL_auth_checkPassword, 400, "SRP_ID_INVALID"));
	CHECK_INT(w.login_n, 1);
	CHECK_STR(w.text, "SRP_ID_INVALID");
	CHECK(!asked(&w, TL_account_getPassword));
	/* A wrong password is for the owner to type again. */
	CHECK_INT(tg_login_password(w.account, "secret", on_login, &w), 0);
	CHECK(answer(&w, TL_account_getPassword, password(b, 256, 5)));
	CHECK(refuse(&w, TL_auth_checkPassword, 400, "PASSWORD_HASH_INVALID"));
	CHECK_INT(w.login_n, 2);
	CHECK_STR(w.text, "PASSWORD_HASH_INVALID");
	world_close(&w);
}

static void refused_terms(struct tl_obj *terms, const char *text)
{
	unsigned n = w.login_n;

	CHECK_INT(tg_login_password(w.account, "secret", on_login, &w), 0);
	CHECK(answer(&w, TL_account_getPassword, terms));
	CHECK_INT(w.login_n, n + 1);
	CHECK_STR(w.text, text);
	CHECK(!asked(&w, TL_auth_checkPassword));
}

/* Nothing derived from the password leaves when the terms do not pass. */
static void test_login_password_refuses_terms(void)
{
	uint8_t b[256];
	struct tl_obj *o;

	begin(b);
	refused_terms(password(b, 247, 1), "PASSWORD_TERMS_REFUSED");
	memset(b, 0, sizeof(b));
	refused_terms(password(b, 256, 1), "PASSWORD_TERMS_REFUSED");
	refused_terms(password(mtp_dh_known_prime, 256, 1),
		      "PASSWORD_TERMS_REFUSED");
	memset(b, 0x5a, sizeof(b));
	o = password(b, 256, 1);
	tl_set_int(tl_child(o, TL_account_password_current_algo), ALGO(_g), 2);
	refused_terms(o, "PASSWORD_TERMS_REFUSED");
	o = password(b, 256, 1);
	tl_set_child(o, TL_account_password_current_algo,
		     tl_new(&w.arena, TL_passwordKdfAlgoUnknown));
	refused_terms(o, "UPDATE_APP_TO_LOGIN");
	world_close(&w);
}

static void test_login_recovery_new_password(void)
{
	uint8_t b[256];
	struct tl_obj *q, *o, *in;
	struct bytes salt;

	begin(b);
	CHECK_INT(tg_login_recovery_start(w.account, on_recovery, &w), 0);
	o = tl_new(&w.arena, TL_auth_passwordRecovery);
	tl_set_str(o, TL_auth_passwordRecovery_email_pattern, "a***@b");
	CHECK(answer(&w, TL_auth_requestPasswordRecovery, o));
	CHECK_STR(email, "a***@b");
	CHECK_INT(tg_login_recover(w.account, "1", "new", on_login, &w), 0);
	CHECK(answer(&w, TL_auth_checkRecoveryPassword,
		     tl_new(&w.arena, TL_boolFalse)));
	CHECK_STR(w.text, "CODE_INVALID");
	CHECK_INT(tg_login_recover(w.account, "1", "new", on_login, &w), 0);
	CHECK(answer(&w, TL_auth_checkRecoveryPassword,
		     tl_new(&w.arena, TL_boolTrue)));
	CHECK(answer(&w, TL_account_getPassword, password(b, 256, 1)));
	q = asked(&w, TL_auth_recoverPassword);
	in = tl_child(q, TL_auth_recoverPassword_new_settings);
	CHECK_INT(
		tl_bytes(in, TL_account_passwordInputSettings_new_password_hash)
			.n,
		256);
	salt = tl_bytes(tl_child(in, TL_account_passwordInputSettings_new_algo),
			ALGO(_salt1));
	CHECK_INT(salt.n, 40);
	CHECK_MEM(salt.p, "12345678", 8);
	CHECK(answer(&w, TL_auth_recoverPassword,
		     authorization(&w, user(&w, 111, true))));
	CHECK_INT(w.selves, 1);
	world_close(&w);
}

static void test_login_recovery_without_password(void)
{
	uint8_t b[256];

	begin(b);
	CHECK_INT(tg_login_recover(w.account, "", "", on_login, &w), -EINVAL);
	CHECK_INT(tg_login_recover(w.account, "1", NULL, on_login, &w), 0);
	CHECK(answer(&w, TL_auth_checkRecoveryPassword,
		     tl_new(&w.arena, TL_boolTrue)));
	CHECK(!tl_has(asked(&w, TL_auth_recoverPassword),
		      TL_auth_recoverPassword_new_settings));
	CHECK(refuse(&w, TL_auth_recoverPassword, 400,
		     "PASSWORD_RECOVERY_EXPIRED"));
	CHECK_STR(w.text, "PASSWORD_RECOVERY_EXPIRED");
	world_close(&w);
}

static void test_login_code_resent_by_email_and_cancelled(void)
{
	struct tl_obj *o, *type, *q;
	uint8_t b[256];

	begin(b);
	CHECK_INT(tg_login_resend_code(w.account, on_code, &w), -EINVAL);
	CHECK_INT(tg_login_send_code(w.account, "999001", on_code, &w), 0);
	o = sent_code(&w);
	tl_set_child(o, TL_auth_sentCode_next_type,
		     tl_new(&w.arena, TL_auth_codeTypeCall));
	CHECK(answer(&w, TL_auth_sendCode, o));
	CHECK_STR(w.sent.next, "call");
	CHECK_INT(tg_login_resend_code(w.account, on_code, &w), 0);
	o = sent_code(&w);
	type = tl_new(&w.arena, TL_auth_sentCodeTypeEmailCode);
	tl_set_str(type, TL_auth_sentCodeTypeEmailCode_email_pattern, "a@b");
	tl_set_int(type, TL_auth_sentCodeTypeEmailCode_length, 6);
	tl_set_child(o, TL_auth_sentCode_type, type);
	CHECK(answer(&w, TL_auth_resendCode, o));
	CHECK_STR(w.sent.how, "email");
	CHECK_STR(w.sent.pattern, "a@b");
	CHECK_STR(w.sent.next, "");
	CHECK_INT(tg_login_sign_in(w.account, "654321", on_login, &w), 0);
	q = asked(&w, TL_auth_signIn);
	CHECK(!tl_has(q, TL_auth_signIn_phone_code));
	CHECK(bytes_equal(
		tl_bytes(tl_child(q, TL_auth_signIn_email_verification),
			 TL_emailVerificationCode_code),
		bytes_str("654321")));
	CHECK(refuse(&w, TL_auth_signIn, 400, "PHONE_CODE_INVALID"));
	CHECK_INT(tg_login_cancel_code(w.account, on_login, &w), 0);
	CHECK(answer(&w, TL_auth_cancelCode, tl_new(&w.arena, TL_boolTrue)));
	CHECK_INT(tg_login_sign_in(w.account, "1", on_login, &w), -EINVAL);
	world_close(&w);
}

static void test_login_bot_by_token(void)
{
	struct tl_obj *q;
	uint8_t b[256];

	begin(b);
	CHECK_INT(tg_login_bot(w.account, "", on_login, &w), -EINVAL);
	CHECK_INT(tg_login_bot(w.account, "1:a", on_login, &w), 0);
	q = asked(&w, TL_auth_importBotAuthorization);
	CHECK(bytes_equal(
		tl_bytes(q, TL_auth_importBotAuthorization_bot_auth_token),
		bytes_str("1:a")));
	CHECK(answer(&w, TL_auth_importBotAuthorization,
		     authorization(&w, user(&w, 111, true))));
	CHECK_INT(w.code, 0);
	CHECK_INT(w.selves, 1);
	CHECK_INT(tg_login_bot(w.account, "1:a", on_login, &w), -EISCONN);
	world_close(&w);
}

static struct tg_qr shown;
static unsigned qr_n;

static void on_qr(const struct mtp_error *err, const struct tg_qr *show,
		  const struct tg_user *self, void *arg)
{
	qr_n++;
	memset(&shown, 0, sizeof(shown));
	on_login(err, self, arg);
	if (show)
		shown = *show;
}

static struct tl_obj *token(const char *bytes)
{
	struct tl_obj *o = tl_new(&w.arena, TL_auth_loginToken);

	tl_set_int(o, TL_auth_loginToken_expires,
		   (int32_t)(clock_wall().us / 1000000 + 30));
	tl_set_bytes(o, TL_auth_loginToken_token, bytes, strlen(bytes));
	return o;
}

static bool token_asked(struct world *world)
{
	return asked(world, TL_auth_exportLoginToken) != NULL;
}

static bool import_asked(struct world *world)
{
	return asked(world, TL_auth_importLoginToken) != NULL;
}

static void scanned(void)
{
	struct tl_obj *o = tl_new(&w.arena, TL_updateShort);

	tl_set_child(o, TL_updateShort_update,
		     tl_new(&w.arena, TL_updateLoginToken));
	tl_set_int(o, TL_updateShort_date, 1);
	feed_updates(w.account, o);
}

static void test_login_qr_shown_and_scanned(void)
{
	struct tl_obj *o;
	uint8_t b[256];

	begin(b);
	qr_n = 0;
	CHECK_INT(tg_login_qr(w.account, false, on_qr, &w), 0);
	CHECK(answer(&w, TL_auth_exportLoginToken, token("\xff\xfe<>?")));
	CHECK_STR(shown.url, "tg://login?token=__48Pj8");
	CHECK(shown.seconds >= 27 && shown.seconds <= 28);
	/* On show: nothing is asked before a scan. */
	CHECK_INT(tg_login_qr(w.account, true, on_qr, &w), 0);
	CHECK(!token_asked(&w));
	scanned();
	CHECK(run(&w, token_asked));
	o = tl_new(&w.arena, TL_auth_loginTokenSuccess);
	tl_set_child(o, TL_auth_loginTokenSuccess_authorization,
		     authorization(&w, user(&w, 111, true)));
	CHECK(answer(&w, TL_auth_exportLoginToken, o));
	CHECK_INT(qr_n, 2);
	CHECK_INT(w.code, 0);
	CHECK_INT(w.selves, 1);
	CHECK_INT(tg_login_qr(w.account, false, on_qr, &w), -EISCONN);
	world_close(&w);
}

/* Scanned between two calls, expired, superseded, closed. */
static void test_login_qr_waits(void)
{
	uint8_t b[256];

	begin(b);
	qr_n = 0;
	CHECK_INT(tg_login_qr(w.account, false, on_qr, &w), 0);
	CHECK(answer(&w, TL_auth_exportLoginToken, token("one")));
	scanned();
	CHECK_INT(tg_login_qr(w.account, true, on_qr, &w), 0);
	CHECK(token_asked(&w));
	CHECK(answer(&w, TL_auth_exportLoginToken, token("two")));
	w.account->qr_until = clock_now() + 20 * USEC_MS;
	CHECK_INT(tg_login_qr(w.account, true, on_qr, &w), 0);
	CHECK(run(&w, token_asked));
	CHECK(answer(&w, TL_auth_exportLoginToken, token("three")));
	CHECK_INT(qr_n, 3);
	CHECK_INT(tg_login_qr(w.account, true, on_qr, &w), 0);
	CHECK_INT(tg_login_qr(w.account, true, on_qr, &w), 0);
	CHECK_INT(qr_n, 4);
	CHECK_STR(w.text, "LOGIN_SUPERSEDED");
	world_close(&w);
	CHECK_INT(qr_n, 5);
	CHECK_STR(w.text, "CLOSED");
}

static void test_login_qr_migrates_to_password(void)
{
	struct tl_obj *o;
	uint8_t b[256];

	begin(b);
	CHECK_INT(tg_login_qr(w.account, false, on_qr, &w), 0);
	o = tl_new(&w.arena, TL_auth_loginTokenMigrateTo);
	tl_set_int(o, TL_auth_loginTokenMigrateTo_dc_id, 2);
	tl_set_bytes(o, TL_auth_loginTokenMigrateTo_token, "moved", 5);
	CHECK(answer(&w, TL_auth_exportLoginToken, o));
	CHECK(run(&w, import_asked));
	CHECK_INT(engine->conf.dc_wire, 2);
	CHECK(bytes_equal(tl_bytes(asked(&w, TL_auth_importLoginToken),
				   TL_auth_importLoginToken_token),
			  bytes_str("moved")));
	CHECK(refuse(&w, TL_auth_importLoginToken, 401,
		     "SESSION_PASSWORD_NEEDED"));
	CHECK_STR(w.text, "SESSION_PASSWORD_NEEDED");
	CHECK_INT(w.lost, 0);
	world_close(&w);
}

static void test_login_qr_refuses_unusable_tokens(void)
{
	uint8_t b[256];
	char longer[89];

	begin(b);
	CHECK_INT(tg_login_qr(w.account, false, on_qr, &w), 0);
	CHECK(answer(&w, TL_auth_exportLoginToken, token("")));
	CHECK_STR(w.text, "LOGIN_TOKEN_UNUSABLE");
	memset(longer, 'x', sizeof(longer));
	longer[88] = '\0';
	CHECK_INT(tg_login_qr(w.account, false, on_qr, &w), 0);
	CHECK(answer(&w, TL_auth_exportLoginToken, token(longer)));
	CHECK_STR(w.text, "LOGIN_TOKEN_UNUSABLE");
	longer[87] = '\0';
	CHECK_INT(tg_login_qr(w.account, false, on_qr, &w), 0);
	CHECK(answer(&w, TL_auth_exportLoginToken, token(longer)));
	CHECK_INT(strlen(shown.url), 17 + 116);
	world_close(&w);
}

/* Its data centre was learnt from another one, and is configured nowhere. */
static void test_login_kept_without_address(void)
{
	struct tg_account *a = NULL;
	struct tg_account_conf conf;
	uint8_t b[256];

	begin(b);
	conf = w.conf;
	conf.dc_id = 9;
	CHECK_INT(tg_account_new(&a, &conf), 0);
	CHECK_INT(tg_account_start(a), 0);
	CHECK_INT(tg_account_state(a), TG_STATE_NO_ADDRESS);
	CHECK_STR(tg_account_reason(a), "no address of data centre 9");
	CHECK_INT(tg_login_password_ask(a, on_password, &w), -ENOTCONN);
	tg_account_free(&a);
	world_close(&w);
}

int main(void)
{
	if (libre_init())
		return 1;
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_login_password_hint);
	RUN(test_login_password_proves_and_enters);
	RUN(test_login_password_fetches_again);
	RUN(test_login_password_refuses_terms);
	RUN(test_login_recovery_new_password);
	RUN(test_login_recovery_without_password);
	RUN(test_login_code_resent_by_email_and_cancelled);
	RUN(test_login_bot_by_token);
	RUN(test_login_kept_without_address);
	RUN(test_login_qr_shown_and_scanned);
	RUN(test_login_qr_waits);
	RUN(test_login_qr_migrates_to_password);
	RUN(test_login_qr_refuses_unusable_tokens);
	libre_close();
	return check_done();
}
