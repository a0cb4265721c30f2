/* Log-ins other than by a plain code: what the simulator refuses. That right
 * answers are taken is shown by the gateway's own log-ins
 * (tests/scenario/login_methods.py), for proofs need a client. */
#include "sim/api_auth.h"
#include "sim/world_test.h"

static struct fixture x;

static struct sim_account *lock(int64_t id)
{
	struct sim_account *a = sim_world_account(x.w, id);

	sim_password_set(&a->password, "secret");
	return a;
}

/* The code is right, the password still owed. */
static void owe(struct fake *f)
{
	fake_send_code(f, "9990000001");
	fake_sign_in(f, "9990000001",
		     tl_bytes(f->answer, TL_auth_sentCode_phone_code_hash),
		     x.w->codes->code);
	CHECK_INT(f->code, 401);
	CHECK_STR(f->text, "SESSION_PASSWORD_NEEDED");
}

static void check_password(struct fake *f, int64_t id, uint8_t fill, size_t n)
{
	struct tl_obj *q = fake_new(f, TL_auth_checkPassword);
	struct tl_obj *in = fake_new(f, TL_inputCheckPasswordSRP);
	uint8_t value[256], m1[32] = {0};

	memset(value, fill, sizeof(value));
	tl_set_long(in, TL_inputCheckPasswordSRP_srp_id, id);
	tl_set_bytes(in, TL_inputCheckPasswordSRP_A, value, n);
	tl_set_bytes(in, TL_inputCheckPasswordSRP_M1, m1, sizeof(m1));
	tl_set_child(q, TL_auth_checkPassword_password, in);
	fake_ask(f, q);
}

static int64_t fetch(struct fake *f)
{
	fake_ask(f, fake_new(f, TL_account_getPassword));
	return tl_long(f->answer, TL_account_password_srp_id);
}

static void test_sim_password_owed(void)
{
	fixture_open(&x);
	fake_ask(&x.a, fake_new(&x.a, TL_account_getPassword));
	CHECK_STR(x.a.text, "AUTH_KEY_UNREGISTERED");
	lock(1);
	owe(&x.a);
	/* Only that much is open to him. */
	fake_ask(&x.a, fake_new(&x.a, TL_updates_getState));
	CHECK_STR(x.a.text, "AUTH_KEY_UNREGISTERED");
	fake_ask(&x.a, fake_new(&x.a, TL_account_getPassword));
	CHECK(tl_is(x.a.answer, TL_account_password));
	CHECK_INT(tl_bytes(x.a.answer, TL_account_password_srp_B).n, 256);
	CHECK(!tl_has(x.a.answer, TL_account_password_has_recovery));
	fake_ask(&x.b, fake_new(&x.b, TL_account_getPassword));
	CHECK_STR(x.b.text, "AUTH_KEY_UNREGISTERED");
	fixture_close(&x);
}

static void test_sim_password_refusals(void)
{
	int64_t id;

	fixture_open(&x);
	lock(1);
	owe(&x.a);
	id = fetch(&x.a);
	check_password(&x.a, id + 1, 0x5a, 256);
	CHECK_STR(x.a.text, "SRP_ID_INVALID");
	check_password(&x.a, id, 0, 256);
	CHECK_STR(x.a.text, "PASSWORD_HASH_INVALID");
	CHECK_INT(sim_world_refused_count(x.w, "srp-a-range"), 1);
	/* It was good for one attempt. */
	check_password(&x.a, id, 0x5a, 256);
	CHECK_STR(x.a.text, "SRP_ID_INVALID");
	check_password(&x.a, fetch(&x.a), 0x5a, 255);
	CHECK_INT(sim_world_refused_count(x.w, "srp-a-range"), 2);
	id = fetch(&x.a);
	lock(1);
	check_password(&x.a, id, 0x5a, 256);
	CHECK_STR(x.a.text, "SRP_PASSWORD_CHANGED");
	for (int i = 0; i < 5; i++) {
		check_password(&x.a, fetch(&x.a), 0x5a, 256);
		CHECK_STR(x.a.text, "PASSWORD_HASH_INVALID");
	}
	check_password(&x.a, fetch(&x.a), 0x5a, 256);
	CHECK_INT(x.a.code, 420);
	CHECK_STR(x.a.text, "FLOOD_WAIT_60");
	fixture_close(&x);
}

static void recover(struct fake *f, const char *code)
{
	struct tl_obj *q = fake_new(f, TL_auth_recoverPassword);

	tl_set_str(q, TL_auth_recoverPassword_code, code);
	fake_ask(f, q);
}

static void test_sim_password_recovery(void)
{
	struct sim_account *a;
	char code[8];

	fixture_open(&x);
	a = lock(1);
	owe(&x.a);
	fake_ask(&x.a, fake_new(&x.a, TL_auth_requestPasswordRecovery));
	CHECK_STR(x.a.text, "PASSWORD_RECOVERY_NA");
	recover(&x.a, "1");
	CHECK_STR(x.a.text, "PASSWORD_RECOVERY_EXPIRED");
	snprintf(a->email, sizeof(a->email), "anna@mail.example");
	fake_ask(&x.a, fake_new(&x.a, TL_auth_requestPasswordRecovery));
	CHECK(bytes_equal(
		tl_bytes(x.a.answer, TL_auth_passwordRecovery_email_pattern),
		bytes_str("a***@mail.example")));
	snprintf(code, sizeof(code), "%s", a->recovery);
	recover(&x.a, "");
	CHECK_STR(x.a.text, "CODE_EMPTY");
	recover(&x.a, "x");
	CHECK_STR(x.a.text, "CODE_INVALID");
	recover(&x.a, code);
	CHECK(tl_is(x.a.answer, TL_auth_authorization));
	CHECK(!a->password.on);
	/* Still off after a restart, whatever the configuration says. */
	fixture_restart(&x);
	CHECK(sim_world_account(x.w, 1)->password.changed);
	CHECK(!sim_world_account(x.w, 1)->password.on);
	fixture_close(&x);
}

static struct tl_obj *resend(struct fake *f, struct bytes hash)
{
	struct tl_obj *q = fake_new(f, TL_auth_resendCode);

	tl_set_str(q, TL_auth_resendCode_phone_number, "9990000001");
	tl_set_bytes(q, TL_auth_resendCode_phone_code_hash, hash.p, hash.n);
	fake_ask(f, q);
	return f->answer;
}

static void test_sim_code_resent(void)
{
	struct sim_account *a;
	struct bytes first, hash;

	fixture_open(&x);
	a = sim_world_account(x.w, 1);
	snprintf(a->ways[1], sizeof(a->ways[1]), "sms");
	a->way_count = 2;
	a->code_timeout_s = 30;
	fake_send_code(&x.a, "9990000001");
	CHECK(tl_is(tl_child(x.a.answer, TL_auth_sentCode_next_type),
		    TL_auth_codeTypeSms));
	CHECK_INT(tl_int(x.a.answer, TL_auth_sentCode_timeout), 30);
	first = tl_bytes(x.a.answer, TL_auth_sentCode_phone_code_hash);
	resend(&x.a, first);
	CHECK_INT(x.a.code, 406);
	CHECK_STR(x.a.text, "SEND_CODE_UNAVAILABLE");
	fixture_pass(&x, 30000);
	resend(&x.a, first);
	CHECK(tl_is(tl_child(x.a.answer, TL_auth_sentCode_type),
		    TL_auth_sentCodeTypeSms));
	hash = tl_bytes(x.a.answer, TL_auth_sentCode_phone_code_hash);
	resend(&x.a, first);
	CHECK_STR(x.a.text, "PHONE_CODE_EXPIRED");
	fixture_pass(&x, 30000);
	resend(&x.a, hash);
	CHECK_STR(x.a.text, "SEND_CODE_UNAVAILABLE");
	fake_sign_in(&x.a, "9990000001", hash, x.w->codes->code);
	CHECK(tl_is(x.a.answer, TL_auth_authorization));
	fixture_close(&x);
}

static void export_token(struct fake *f)
{
	struct tl_obj *q = fake_new(f, TL_auth_exportLoginToken);

	tl_set_int(q, TL_auth_exportLoginToken_api_id, 17);
	tl_set_str(q, TL_auth_exportLoginToken_api_hash, "feed");
	tl_set_vector(&f->arena, q, TL_auth_exportLoginToken_except_ids, 0);
	fake_ask(f, q);
}

static void accept_token(struct fake *f, struct bytes token)
{
	struct tl_obj *q = fake_new(f, TL_auth_acceptLoginToken);

	tl_set_bytes(q, TL_auth_acceptLoginToken_token, token.p, token.n);
	fake_ask(f, q);
}

static void test_sim_token_shown_and_scanned(void)
{
	struct bytes token;

	fixture_open(&x);
	CHECK(fake_login(&x.a, "9990000001"));
	export_token(&x.b);
	token = tl_bytes(x.b.answer, TL_auth_loginToken_token);
	CHECK_INT(token.n, 32);
	accept_token(&x.c, token);
	CHECK_STR(x.c.text, "AUTH_KEY_UNREGISTERED");
	accept_token(&x.a, bytes_str("x"));
	CHECK_STR(x.a.text, "AUTH_TOKEN_INVALID");
	accept_token(&x.a, token);
	CHECK(tl_is(x.a.answer, TL_authorization));
	CHECK_INT(x.b.pushes, 1);
	CHECK(tl_is(fake_update(&x.b, 0), TL_updateLoginToken));
	accept_token(&x.a, token);
	CHECK_STR(x.a.text, "AUTH_TOKEN_ALREADY_ACCEPTED");
	export_token(&x.b);
	CHECK(tl_is(x.b.answer, TL_auth_loginTokenSuccess));
	fake_ask(&x.b, fake_new(&x.b, TL_updates_getState));
	CHECK(tl_is(x.b.answer, TL_updates_state));
	fixture_close(&x);
}

static void test_sim_token_expires_and_migrates(void)
{
	struct bytes token;
	struct tl_obj *q;

	fixture_open(&x);
	CHECK(fake_login(&x.a, "9990000001"));
	export_token(&x.b);
	token = tl_bytes(x.b.answer, TL_auth_loginToken_token);
	fixture_pass(&x, 30000);
	accept_token(&x.a, token);
	CHECK_STR(x.a.text, "AUTH_TOKEN_EXPIRED");
	export_token(&x.b);
	token = tl_bytes(x.b.answer, TL_auth_loginToken_token);
	accept_token(&x.a, token);
	sim_world_account(x.w, 1)->dc = 4;
	lock(1);
	export_token(&x.b);
	CHECK_INT(tl_int(x.b.answer, TL_auth_loginTokenMigrateTo_dc_id), 4);
	token = tl_bytes(x.b.answer, TL_auth_loginTokenMigrateTo_token);
	x.c.s.dc = 4;
	q = fake_new(&x.c, TL_auth_importLoginToken);
	tl_set_bytes(q, TL_auth_importLoginToken_token, token.p, token.n);
	fake_ask(&x.c, q);
	CHECK_STR(x.c.text, "SESSION_PASSWORD_NEEDED");
	fake_ask(&x.c, q);
	CHECK_STR(x.c.text, "AUTH_TOKEN_INVALID");
	fixture_close(&x);
}

static void test_sim_bot_token(void)
{
	struct sim_account *a;
	struct tl_obj *q;

	fixture_open(&x);
	a = sim_world_account(x.w, 2);
	q = fake_new(&x.a, TL_auth_importBotAuthorization);
	tl_set_int(q, TL_auth_importBotAuthorization_flags, 0);
	tl_set_int(q, TL_auth_importBotAuthorization_api_id, 17);
	tl_set_str(q, TL_auth_importBotAuthorization_api_hash, "feed");
	tl_set_str(q, TL_auth_importBotAuthorization_bot_auth_token, "7:x");
	fake_ask(&x.a, q);
	CHECK_STR(x.a.text, "ACCESS_TOKEN_INVALID");
	snprintf(a->bot_token, sizeof(a->bot_token), "7:x");
	a->dc = 4;
	fake_ask(&x.a, q);
	CHECK_STR(x.a.text, "USER_MIGRATE_4");
	a->dc = 2;
	fake_ask(&x.a, q);
	CHECK(tl_has(tl_child(x.a.answer, TL_auth_authorization_user),
		     TL_user_bot));
	fake_ask(&x.a, fake_new(&x.a, TL_phone_getCallConfig));
	CHECK_STR(x.a.text, "BOT_METHOD_INVALID");
	fixture_close(&x);
}

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_sim_password_owed);
	RUN(test_sim_password_refusals);
	RUN(test_sim_password_recovery);
	RUN(test_sim_code_resent);
	RUN(test_sim_token_shown_and_scanned);
	RUN(test_sim_token_expires_and_migrates);
	RUN(test_sim_bot_token);
	return check_done();
}
