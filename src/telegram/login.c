/* Logging in by phone code, and out (B.1, B.6). The code itself is neither
 * kept nor logged. */
#include "telegram/account_core.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* What a query of the log-in has to come back to. */
struct step {
	struct tg_account *account;
	tg_code_h *code_done;
	tg_login_h *login_done;
	void *arg;
};

static struct step *step_new(struct tg_account *a, void *arg)
{
	struct step *s = calloc(1, sizeof(*s));

	if (s) {
		s->account = a;
		s->arg = arg;
	}
	return s;
}

/* Sends q; s is freed when that fails. */
static int step_query(struct step *s, const struct tl_obj *q, tg_answer_h *done)
{
	int err = tg_account_query(s->account, q, 0, done, s);

	if (err)
		free(s);
	return err;
}

/* -- sendCode ------------------------------------------------------------- */

static const struct {
	enum tl_ctor_no no;
	const char *how;
	int length_field; /* 0: none */
} sent_types[] = {
	{TL_auth_sentCodeTypeApp, "app", TL_auth_sentCodeTypeApp_length},
	{TL_auth_sentCodeTypeSms, "sms", TL_auth_sentCodeTypeSms_length},
	{TL_auth_sentCodeTypeCall, "call", TL_auth_sentCodeTypeCall_length},
	{TL_auth_sentCodeTypeFlashCall, "flash-call", 0},
	{TL_auth_sentCodeTypeMissedCall, "missed-call",
	 TL_auth_sentCodeTypeMissedCall_length},
	{TL_auth_sentCodeTypeEmailCode, "email",
	 TL_auth_sentCodeTypeEmailCode_length},
	{TL_auth_sentCodeTypeSetUpEmailRequired, "email-required", 0},
	{TL_auth_sentCodeTypeFragmentSms, "fragment",
	 TL_auth_sentCodeTypeFragmentSms_length},
	{TL_auth_sentCodeTypeFirebaseSms, "firebase",
	 TL_auth_sentCodeTypeFirebaseSms_length},
	{TL_auth_sentCodeTypeSmsWord, "sms-word", 0},
	{TL_auth_sentCodeTypeSmsPhrase, "sms-phrase", 0},
};

static void sent_read(struct tg_code_sent *sent, const struct tl_obj *answer)
{
	const struct tl_obj *type = tl_child(answer, TL_auth_sentCode_type);

	memset(sent, 0, sizeof(*sent));
	sent->timeout_s = tl_int(answer, TL_auth_sentCode_timeout);
	for (size_t i = 0; i < sizeof(sent_types) / sizeof(sent_types[0]);
	     i++) {
		if (!tl_is(type, sent_types[i].no))
			continue;
		snprintf(sent->how, sizeof(sent->how), "%s", sent_types[i].how);
		if (sent_types[i].length_field)
			sent->length = tl_int(type, sent_types[i].length_field);
	}
}

/* auth.authorization: we are in. NULL when it is not one. */
static const struct tg_user *authorised(struct tg_account *a,
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
		if (!authorised(
			    a, tl_child(answer,
					TL_auth_sentCodeSuccess_authorization)))
			err = &refused;
	} else if (!err && tl_is(answer, TL_auth_sentCode) &&
		   hash_take(a, answer)) {
		sent_read(&sent, answer);
	} else if (!err) {
		err = &refused; /* sentCodePaymentRequired: official apps only
				 */
	}
	if (s->code_done)
		s->code_done(err, err ? NULL : &sent, s->arg);
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
	if (a->logged_in)
		return -EISCONN;
	s = step_new(a, arg);
	if (!s)
		return -ENOMEM;
	s->code_done = done;
	account_reset(a);
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
		self = authorised(s->account, answer);
		bytes_wipe(s->account->login_hash,
			   sizeof(s->account->login_hash));
		if (!self)
			err = &unoccupied;
	}
	if (s->login_done)
		s->login_done(err, self, s->arg);
	free(s);
}

int tg_login_sign_in(struct tg_account *a, const char *code, tg_login_h *done,
		     void *arg)
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
	s->login_done = done;
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_auth_signIn);
	tl_set_str(q, TL_auth_signIn_phone_number, a->login_phone);
	tl_set_str(q, TL_auth_signIn_phone_code_hash, a->login_hash);
	tl_set_str(q, TL_auth_signIn_phone_code, code);
	err = step_query(s, q, signed_in);
	tl_arena_clear(&arena);
	return err;
}

/* -- logOut --------------------------------------------------------------- */

static void logged_out(const struct mtp_error *err, const struct tl_obj *answer,
		       void *arg)
{
	struct step *s = arg;

	if (!err)
		account_die(s->account, "LOGGED_OUT");
	if (s->login_done)
		s->login_done(err, NULL, s->arg);
	free(s);
}

int tg_log_out(struct tg_account *a, tg_login_h *done, void *arg)
{
	struct tl_arena arena;
	struct step *s = step_new(a, arg);
	int err;

	if (!s)
		return -ENOMEM;
	s->login_done = done;
	tl_arena_init(&arena);
	err = step_query(s, tl_new(&arena, TL_auth_logOut), logged_out);
	tl_arena_clear(&arena);
	return err;
}
