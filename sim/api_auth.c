/* auth.* and what belongs to an account's log-in (telegram-wire B). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "sim/api.h"

enum { SIM_CODE_TRIES = 5 };

/* -- codes
 * ---------------------------------------------------------------------- */

static struct sim_code *sim_code_find(struct sim_world *w, const char *phone,
				      struct bytes hash)
{
	struct sim_code *c = w->codes;

	while (c && (strcmp(c->phone, phone) ||
		     !bytes_equal(bytes_str(c->hash), hash)))
		c = c->next;
	return c;
}

static void sim_code_drop(struct sim_world *w, struct sim_code *c)
{
	struct sim_code **cp = &w->codes;

	while (*cp && *cp != c)
		cp = &(*cp)->next;
	if (!*cp)
		return;
	*cp = c->next;
	free(c);
}

static int sim_code_pending(const struct sim_world *w, const char *phone)
{
	int n = 0;

	for (const struct sim_code *c = w->codes; c; c = c->next)
		n += !strcmp(c->phone, phone) && c->expires > sim_world_date(w);
	return n;
}

static struct sim_code *sim_code_add(struct sim_request *r, const char *phone,
				     const struct sim_account *a)
{
	struct sim_code *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	snprintf(c->phone, sizeof(c->phone), "%s", phone);
	if (a && a->code[0])
		snprintf(c->code, sizeof(c->code), "%s", a->code);
	else
		snprintf(c->code, sizeof(c->code), "%05u",
			 random_u32() % 100000);
	random_text(c->hash, 18);
	c->expires =
		sim_world_date(r->world) + r->world->config->code_lifetime_s;
	c->key_id = r->key->id;
	c->next = r->world->codes;
	r->world->codes = c;
	/* These codes open nothing but this simulation. */
	log_info("sim-auth", phone, "log-in code %s", c->code);
	sim_world_event(r->world, json_pack("{ss ss ss}", "event", "code",
					    "phone", phone, "code", c->code));
	return c;
}

static void sim_code_answer(struct sim_request *r, const struct sim_code *c)
{
	struct tl_obj *o = tl_new(r->arena, TL_auth_sentCode);
	struct tl_obj *type = tl_new(r->arena, TL_auth_sentCodeTypeApp);

	tl_set_int(type, TL_auth_sentCodeTypeApp_length,
		   (int32_t)strlen(c->code));
	tl_set_child(o, TL_auth_sentCode_type, type);
	tl_set_str(o, TL_auth_sentCode_phone_code_hash, c->hash);
	sim_answer(r, o);
}

/* -- sendCode
 * --------------------------------------------------------------------- */

/* Digits of a number as typed; false: not a number. */
static bool sim_phone_read(char dst[SIM_PHONE_MAX], struct bytes in)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		if (strchr("+ ()-", in.p[i]) && in.p[i])
			continue;
		if (in.p[i] < '0' || in.p[i] > '9' || n > 15)
			return false;
		dst[n++] = (char)in.p[i];
	}
	dst[n] = '\0';
	return n >= 7;
}

static bool sim_api_id_known(const struct sim_request *r)
{
	struct bytes hash = tl_bytes(r->q, TL_auth_sendCode_api_hash);
	int32_t id = tl_int(r->q, TL_auth_sendCode_api_id);
	const json_t *list = r->world->config->api;
	json_t *o;
	size_t i;

	if (!list)
		return id > 0 && hash.n;
	json_array_foreach(
		list, i,
		o) if (sim_json_int(o, "id", 0) == id &&
		       bytes_equal(hash, bytes_str(sim_json_text(
						 o, "hash", "")))) return true;
	return false;
}

static void sim_auth_send_code(struct sim_request *r)
{
	char phone[SIM_PHONE_MAX], text[32];
	int flood = r->world->config->flood_codes;
	const struct sim_account *a;
	struct sim_code *c;

	if (!sim_api_id_known(r)) {
		sim_refuse(r, SIM_FAULT(400, "API_ID_INVALID", "api-id"));
		return;
	}
	if (!sim_phone_read(phone,
			    tl_bytes(r->q, TL_auth_sendCode_phone_number))) {
		sim_refuse(r, SIM_FAULT(400, "PHONE_NUMBER_INVALID",
					"phone-number"));
		return;
	}
	a = sim_world_phone(r->world, bytes_str(phone));
	if (a && a->dc != r->session->dc) {
		snprintf(text, sizeof(text), "PHONE_MIGRATE_%d", a->dc);
		sim_refuse_text(r, 303, text);
		return;
	}
	if (a && a->deleted) {
		sim_refuse(r, SIM_FAULT(400, "PHONE_NUMBER_BANNED",
					"phone-banned"));
		return;
	}
	if (flood && sim_code_pending(r->world, phone) >= flood) {
		sim_world_refused(r->world, "code-flood");
		sim_refuse_text(r, 420, "FLOOD_WAIT_60");
		return;
	}
	c = sim_code_add(r, phone, a);
	if (c)
		sim_code_answer(r, c);
}

static void sim_auth_resend_code(struct sim_request *r)
{
	char phone[SIM_PHONE_MAX];
	struct sim_code *c = NULL;

	if (sim_phone_read(phone,
			   tl_bytes(r->q, TL_auth_resendCode_phone_number)))
		c = sim_code_find(
			r->world, phone,
			tl_bytes(r->q, TL_auth_resendCode_phone_code_hash));
	if (!c) {
		sim_refuse(r, SIM_FAULT(400, "PHONE_CODE_EXPIRED",
					"code-unknown"));
		return;
	}
	/* sentCode named no next_type. */
	sim_refuse(r, SIM_FAULT(400, "SEND_CODE_UNAVAILABLE", "code-resend"));
}

static void sim_auth_cancel_code(struct sim_request *r)
{
	char phone[SIM_PHONE_MAX];
	struct sim_code *c = NULL;

	if (sim_phone_read(phone,
			   tl_bytes(r->q, TL_auth_cancelCode_phone_number)))
		c = sim_code_find(
			r->world, phone,
			tl_bytes(r->q, TL_auth_cancelCode_phone_code_hash));
	if (!c) {
		sim_refuse(r, SIM_FAULT(400, "PHONE_CODE_EXPIRED",
					"code-unknown"));
		return;
	}
	sim_code_drop(r->world, c);
	sim_answer_bool(r, true);
}

/* -- signIn
 * ------------------------------------------------------------------------- */

static const struct sim_fault *sim_code_check(struct sim_request *r,
					      struct sim_code *c)
{
	struct bytes code = tl_bytes(r->q, TL_auth_signIn_phone_code);

	if (!code.n)
		return SIM_FAULT(400, "PHONE_CODE_EMPTY", "code-empty");
	if (!c || c->key_id != r->key->id)
		return SIM_FAULT(400, "PHONE_CODE_EXPIRED", "code-unknown");
	if (c->expires <= sim_world_date(r->world)) {
		sim_code_drop(r->world, c);
		return SIM_FAULT(400, "PHONE_CODE_EXPIRED", "code-expired");
	}
	if (bytes_equal(code, bytes_str(c->code)))
		return NULL;
	if (++c->tries >= SIM_CODE_TRIES)
		sim_code_drop(r->world, c);
	return SIM_FAULT(400, "PHONE_CODE_INVALID", "code-wrong");
}

static void sim_auth_login(struct sim_request *r, struct sim_account *a)
{
	struct tl_obj *o = tl_new(r->arena, TL_auth_authorization);
	char id[24];

	r->key->user = a->id;
	r->key->date = sim_world_date(r->world);
	r->key->seq = 0;
	sim_world_key_save(r->world, r->key);
	r->me = a;
	snprintf(id, sizeof(id), "%lld", (long long)a->id);
	log_info("sim-auth", id, "logged in");
	sim_world_event(r->world, json_pack("{ss sI}", "event", "login", "user",
					    (json_int_t)a->id));
	tl_set_child(o, TL_auth_authorization_user,
		     sim_object_user(r->arena, a, a));
	sim_answer(r, o);
}

static void sim_auth_sign_in(struct sim_request *r)
{
	char phone[SIM_PHONE_MAX];
	const struct sim_fault *f;
	struct sim_account *a;
	struct sim_code *c;

	if (!sim_phone_read(phone,
			    tl_bytes(r->q, TL_auth_signIn_phone_number))) {
		sim_refuse(r, SIM_FAULT(400, "PHONE_NUMBER_INVALID",
					"phone-number"));
		return;
	}
	c = sim_code_find(r->world, phone,
			  tl_bytes(r->q, TL_auth_signIn_phone_code_hash));
	f = sim_code_check(r, c);
	if (f) {
		sim_refuse(r, f);
		return;
	}
	sim_code_drop(r->world, c);
	a = sim_world_phone(r->world, bytes_str(phone));
	if (a)
		sim_auth_login(r, a);
	else
		sim_answer(r, tl_new(r->arena,
				     TL_auth_authorizationSignUpRequired));
}

static void sim_auth_log_out(struct sim_request *r)
{
	sim_world_event(r->world, json_pack("{ss sI}", "event", "logout",
					    "user", (json_int_t)r->me->id));
	r->key->user = 0;
	sim_world_key_save(r->world, r->key);
	sim_answer(r, tl_new(r->arena, TL_auth_loggedOut));
}

static void sim_auth_sign_up(struct sim_request *r)
{
	sim_refuse(r, SIM_FAULT(400, "PHONE_NUMBER_APP_SIGNUP_FORBIDDEN",
				"sign-up"));
}

/* -- other keys, other sessions
 * ------------------------------------------------------ */

static void sim_auth_drop_temporary(struct sim_request *r)
{
	sim_answer_bool(r, true);
}

static void sim_account_password(struct sim_request *r)
{
	struct tl_obj *o = tl_new(r->arena, TL_account_password);
	uint8_t *noise = tl_arena_alloc(r->arena, 32);

	if (noise)
		random_bytes(noise, 32);
	tl_set_child(o, TL_account_password_new_algo,
		     tl_new(r->arena, TL_passwordKdfAlgoUnknown));
	tl_set_child(o, TL_account_password_new_secure_algo,
		     tl_new(r->arena, TL_securePasswordKdfAlgoUnknown));
	tl_set_bytes(o, TL_account_password_secure_random, noise, 32);
	sim_answer(r, o);
}

static struct tl_obj *sim_authorization(struct sim_request *r,
					const struct sim_key *k)
{
	struct tl_obj *o = tl_new(r->arena, TL_authorization);
	static const int texts[] = {
		TL_authorization_device_model,   TL_authorization_platform,
		TL_authorization_system_version, TL_authorization_app_name,
		TL_authorization_app_version,    TL_authorization_country,
		TL_authorization_region,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		tl_set_str(o, texts[i], "simulated");
	if (k == r->key)
		tl_set_true(o, TL_authorization_current);
	tl_set_long(o, TL_authorization_hash, k == r->key ? 0 : (int64_t)k->id);
	tl_set_int(o, TL_authorization_api_id, k->api_id);
	tl_set_int(o, TL_authorization_date_created, k->date);
	tl_set_int(o, TL_authorization_date_active, k->date);
	tl_set_str(o, TL_authorization_ip, "127.0.0.1");
	return o;
}

static void sim_account_authorizations(struct sim_request *r)
{
	struct tl_obj *o = tl_new(r->arena, TL_account_authorizations);
	uint32_t n = 0;

	for (const struct sim_key *k = r->world->keys; k; k = k->next)
		n += k->user == r->me->id;
	tl_set_int(o, TL_account_authorizations_authorization_ttl_days, 180);
	tl_set_vector(r->arena, o, TL_account_authorizations_authorizations, n);
	for (const struct sim_key *k = r->world->keys; k; k = k->next)
		if (k->user == r->me->id)
			tl_put_obj(o, TL_account_authorizations_authorizations,
				   --n, sim_authorization(r, k));
	sim_answer(r, o);
}

const struct sim_method sim_methods_auth[] = {
	{TL_auth_sendCode, SIM_ACCESS_OPEN, sim_auth_send_code},
	{TL_auth_resendCode, SIM_ACCESS_OPEN, sim_auth_resend_code},
	{TL_auth_cancelCode, SIM_ACCESS_OPEN, sim_auth_cancel_code},
	{TL_auth_signIn, SIM_ACCESS_OPEN, sim_auth_sign_in},
	{TL_auth_signUp, SIM_ACCESS_OPEN, sim_auth_sign_up},
	{TL_auth_logOut, SIM_ACCESS_LOGIN, sim_auth_log_out},
	{TL_auth_dropTempAuthKeys, SIM_ACCESS_OPEN, sim_auth_drop_temporary},
	{TL_account_getPassword, SIM_ACCESS_LOGIN, sim_account_password},
	{TL_account_getAuthorizations, SIM_ACCESS_LOGIN,
	 sim_account_authorizations},
	{0, SIM_ACCESS_OPEN, NULL},
};
