/* Logging in by phone code, and out (B.1, B.6). The code itself is neither
 * kept nor logged. */
#include "telegram/login_step.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

struct step *step_new(struct tg_account *a, void *arg)
{
	struct step *s = calloc(1, sizeof(*s));

	if (s) {
		s->account = a;
		s->arg = arg;
	}
	return s;
}

int step_query(struct step *s, const struct tl_obj *q, tg_answer_h *done)
{
	int err = tg_account_query(s->account, q, 0, done, s);

	if (err)
		free(s);
	return err;
}

void step_login_done(struct step *s, const struct mtp_error *err,
		     const struct tg_user *self)
{
	if (s->done.login)
		s->done.login(err, err ? NULL : self, s->arg);
	free(s);
}

int login_begin(struct tg_account *a)
{
	if (a->logged_in)
		return -EISCONN;
	account_reset(a);
	return 0;
}

/* -- sendCode ------------------------------------------------------------- */

/* Fields of the type: 0 where it has none. */
static const struct {
	enum tl_ctor_no no;
	const char *how;
	int length, pattern;
} sent_types[] = {
	{TL_auth_sentCodeTypeApp, "app", TL_auth_sentCodeTypeApp_length, 0},
	{TL_auth_sentCodeTypeSms, "sms", TL_auth_sentCodeTypeSms_length, 0},
	{TL_auth_sentCodeTypeCall, "call", TL_auth_sentCodeTypeCall_length, 0},
	{TL_auth_sentCodeTypeFlashCall, "flash-call", 0,
	 TL_auth_sentCodeTypeFlashCall_pattern},
	{TL_auth_sentCodeTypeMissedCall, "missed-call",
	 TL_auth_sentCodeTypeMissedCall_length,
	 TL_auth_sentCodeTypeMissedCall_prefix},
	{TL_auth_sentCodeTypeEmailCode, "email",
	 TL_auth_sentCodeTypeEmailCode_length,
	 TL_auth_sentCodeTypeEmailCode_email_pattern},
	{TL_auth_sentCodeTypeSetUpEmailRequired, "email-required", 0, 0},
	{TL_auth_sentCodeTypeFragmentSms, "fragment",
	 TL_auth_sentCodeTypeFragmentSms_length,
	 TL_auth_sentCodeTypeFragmentSms_url},
	{TL_auth_sentCodeTypeFirebaseSms, "firebase",
	 TL_auth_sentCodeTypeFirebaseSms_length, 0},
	{TL_auth_sentCodeTypeSmsWord, "sms-word", 0,
	 TL_auth_sentCodeTypeSmsWord_beginning},
	{TL_auth_sentCodeTypeSmsPhrase, "sms-phrase", 0,
	 TL_auth_sentCodeTypeSmsPhrase_beginning},
};

static const struct {
	enum tl_ctor_no no;
	const char *how;
} next_types[] = {
	{TL_auth_codeTypeSms, "sms"},
	{TL_auth_codeTypeCall, "call"},
	{TL_auth_codeTypeFlashCall, "flash-call"},
	{TL_auth_codeTypeMissedCall, "missed-call"},
	{TL_auth_codeTypeFragmentSms, "fragment"},
};

static void next_read(struct tg_code_sent *sent, const struct tl_obj *next)
{
	for (size_t i = 0; i < sizeof(next_types) / sizeof(*next_types); i++)
		if (tl_is(next, next_types[i].no))
			snprintf(sent->next, sizeof(sent->next), "%s",
				 next_types[i].how);
}

static void sent_read(struct tg_code_sent *sent, const struct tl_obj *answer)
{
	const struct tl_obj *type = tl_child(answer, TL_auth_sentCode_type);

	memset(sent, 0, sizeof(*sent));
	sent->timeout_s = tl_int(answer, TL_auth_sentCode_timeout);
	next_read(sent, tl_child(answer, TL_auth_sentCode_next_type));
	for (size_t i = 0; i < sizeof(sent_types) / sizeof(*sent_types); i++) {
		if (!tl_is(type, sent_types[i].no))
			continue;
		snprintf(sent->how, sizeof(sent->how), "%s", sent_types[i].how);
		if (sent_types[i].length)
			sent->length = tl_int(type, sent_types[i].length);
		if (sent_types[i].pattern)
			text_clean(sent->pattern, sizeof(sent->pattern),
				   tl_bytes(type, sent_types[i].pattern));
	}
}

const struct tg_user *login_authorised(struct tg_account *a,
				       const struct tl_obj *o)
{
	const struct tl_obj *user = tl_child(o, TL_auth_authorization_user);

	if (!tl_is(o, TL_auth_authorization))
		return NULL;
	account_logged_in(a, user);
	return &a->self;
}

static bool hash_take(struct tg_account *a, const struct tl_obj *answer)
{
	struct bytes hash = tl_bytes(answer, TL_auth_sentCode_phone_code_hash);

	if (!hash.n || hash.n >= sizeof(a->login_hash) ||
	    memchr(hash.p, 0, hash.n))
		return false;
	memcpy(a->login_hash, hash.p, hash.n);
	a->login_hash[hash.n] = '\0';
	return true;
}

static void code_sent(const struct mtp_error *err, const struct tl_obj *answer,
		      void *arg)
{
	static const struct mtp_error refused = {400, "SENT_CODE_UNUSABLE"};
	struct step *s = arg;
	struct tg_account *a = s->account;
	struct tg_code_sent sent = {.how = "none"};

	if (!err && tl_is(answer, TL_auth_sentCodeSuccess)) {
		/* A token of an earlier log-out was enough. */
		if (!login_authorised(
			    a, tl_child(answer,
					TL_auth_sentCodeSuccess_authorization)))
			err = &refused;
	} else if (!err && tl_is(answer, TL_auth_sentCode) &&
		   hash_take(a, answer)) {
		sent_read(&sent, answer);
		a->login_by_email = !strcmp(sent.how, "email");
	} else if (!err) {
		err = &refused; /* sentCodePaymentRequired: official apps only
				 */
	}
	if (s->done.code)
		s->done.code(err, err ? NULL : &sent, s->arg);
	free(s);
}

int tg_login_send_code(struct tg_account *a, const char *phone_digits,
		       tg_code_h *done, void *arg)
{
	struct tl_arena arena;
	struct tl_obj *q;
	struct step *s;
	int err;

	if (!*phone_digits || strlen(phone_digits) >= sizeof(a->login_phone))
		return -EINVAL;
	err = login_begin(a);
	if (err)
		return err;
	s = step_new(a, arg);
	if (!s)
		return -ENOMEM;
	s->done.code = done;
	snprintf(a->login_phone, sizeof(a->login_phone), "%s", phone_digits);
	a->login_hash[0] = '\0';
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_auth_sendCode);
	tl_set_str(q, TL_auth_sendCode_phone_number, a->login_phone);
	tl_set_int(q, TL_auth_sendCode_api_id, a->api_id);
	tl_set_str(q, TL_auth_sendCode_api_hash, a->api_hash);
	/* Flags 0: no flash call, no missed call, no app hash. */
	tl_set_child(q, TL_auth_sendCode_settings,
		     tl_new(&arena, TL_codeSettings));
	err = step_query(s, q, code_sent);
	tl_arena_clear(&arena);
	return err;
}

/* -- resendCode, cancelCode ----------------------------------------------- */

int tg_login_resend_code(struct tg_account *a, tg_code_h *done, void *arg)
{
	struct tl_arena arena;
	struct tl_obj *q;
	struct step *s;
	int err;

	if (!a->login_hash[0])
		return -EINVAL;
	s = step_new(a, arg);
	if (!s)
		return -ENOMEM;
	s->done.code = done;
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_auth_resendCode);
	tl_set_str(q, TL_auth_resendCode_phone_number, a->login_phone);
	tl_set_str(q, TL_auth_resendCode_phone_code_hash, a->login_hash);
	err = step_query(s, q, code_sent);
	tl_arena_clear(&arena);
	return err;
}

static void code_cancelled(const struct mtp_error *err,
			   const struct tl_obj *answer, void *arg)
{
	step_login_done(arg, err, NULL);
}

int tg_login_cancel_code(struct tg_account *a, tg_login_h *done, void *arg)
{
	struct tl_arena arena;
	struct tl_obj *q;
	struct step *s;
	int err;

	if (!a->login_hash[0])
		return -EINVAL;
	s = step_new(a, arg);
	if (!s)
		return -ENOMEM;
	s->done.login = done;
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_auth_cancelCode);
	tl_set_str(q, TL_auth_cancelCode_phone_number, a->login_phone);
	tl_set_str(q, TL_auth_cancelCode_phone_code_hash, a->login_hash);
	err = step_query(s, q, code_cancelled);
	tl_arena_clear(&arena);
	if (!err)
		bytes_wipe(a->login_hash, sizeof(a->login_hash));
	return err;
}

/* -- signIn --------------------------------------------------------------- */

static void signed_in(const struct mtp_error *err, const struct tl_obj *answer,
		      void *arg)
{
	/* Sign-up is not wanted: "no such account". */
	static const struct mtp_error unoccupied = {400,
						    "PHONE_NUMBER_UNOCCUPIED"};
	struct step *s = arg;
	const struct tg_user *self = NULL;

	if (!err) {
		self = login_authorised(s->account, answer);
		bytes_wipe(s->account->login_hash,
			   sizeof(s->account->login_hash));
		if (!self)
			err = &unoccupied;
	}
	step_login_done(s, err, self);
}

int tg_login_sign_in(struct tg_account *a, const char *code, tg_login_h *done,
		     void *arg)
{
	struct tl_arena arena;
	struct tl_obj *q, *email;
	struct step *s;
	int err;

	if (!a->login_hash[0])
		return -EINVAL;
	s = step_new(a, arg);
	if (!s)
		return -ENOMEM;
	s->done.login = done;
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_auth_signIn);
	tl_set_str(q, TL_auth_signIn_phone_number, a->login_phone);
	tl_set_str(q, TL_auth_signIn_phone_code_hash, a->login_hash);
	if (a->login_by_email) {
		email = tl_new(&arena, TL_emailVerificationCode);
		tl_set_str(email, TL_emailVerificationCode_code, code);
		tl_set_child(q, TL_auth_signIn_email_verification, email);
	} else {
		tl_set_str(q, TL_auth_signIn_phone_code, code);
	}
	err = step_query(s, q, signed_in);
	tl_arena_clear(&arena);
	return err;
}

/* -- importBotAuthorization ----------------------------------------------- */

void login_answered(const struct mtp_error *err, const struct tl_obj *answer,
		    void *arg)
{
	static const struct mtp_error refused = {400, "AUTHORIZATION_UNUSABLE"};
	struct step *s = arg;
	const struct tg_user *self = NULL;

	if (!err) {
		self = login_authorised(s->account, answer);
		if (!self)
			err = &refused;
	}
	step_login_done(s, err, self);
}

int tg_login_bot(struct tg_account *a, const char *token, tg_login_h *done,
		 void *arg)
{
	struct tl_arena arena;
	struct tl_obj *q;
	struct step *s;
	int err;

	if (!*token)
		return -EINVAL;
	err = login_begin(a);
	if (err)
		return err;
	s = step_new(a, arg);
	if (!s)
		return -ENOMEM;
	s->done.login = done;
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_auth_importBotAuthorization);
	tl_set_int(q, TL_auth_importBotAuthorization_flags, 0);
	tl_set_int(q, TL_auth_importBotAuthorization_api_id, a->api_id);
	tl_set_str(q, TL_auth_importBotAuthorization_api_hash, a->api_hash);
	tl_set_str(q, TL_auth_importBotAuthorization_bot_auth_token, token);
	err = step_query(s, q, login_answered);
	tl_arena_clear(&arena);
	return err;
}

/* -- logOut --------------------------------------------------------------- */

static void logged_out(const struct mtp_error *err, const struct tl_obj *answer,
		       void *arg)
{
	struct step *s = arg;

	if (!err)
		account_end(s->account, TG_STATE_LOGGED_OUT, "LOGGED_OUT");
	step_login_done(s, err, NULL);
}

int tg_log_out(struct tg_account *a, tg_login_h *done, void *arg)
{
	struct tl_arena arena;
	struct step *s = step_new(a, arg);
	int err;

	if (!s)
		return -ENOMEM;
	s->done.login = done;
	tl_arena_init(&arena);
	err = step_query(s, tl_new(&arena, TL_auth_logOut), logged_out);
	tl_arena_clear(&arena);
	return err;
}
