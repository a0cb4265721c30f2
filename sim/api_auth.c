/* auth.* and what belongs to an account's log-in (telegram-wire B). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "sim/api_auth.h"

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

/* Draws a code and sends it the way that c names. */
static void sim_code_draw(struct sim_request *r, struct sim_code *c,
			  const struct sim_account *a)
{
	if (a && a->code[0])
		snprintf(c->code, sizeof(c->code), "%s", a->code);
	else
		snprintf(c->code, sizeof(c->code), "%05u",
			 random_u32() % 100000);
	random_text(c->hash, 18);
	c->sent = sim_world_date(r->world);
	c->expires = c->sent + r->world->config->code_lifetime_s;
	/* These codes open nothing but this simulation. */
	log_info("sim-auth", c->phone, "log-in code %s", c->code);
	sim_world_event(r->world,
			json_pack("{ss ss ss ss}", "event", "code", "phone",
				  c->phone, "code", c->code, "way",
				  a ? a->ways[c->way] : "app"));
}

static struct sim_code *sim_code_add(struct sim_request *r, const char *phone,
				     const struct sim_account *a)
{
	struct sim_code *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	snprintf(c->phone, sizeof(c->phone), "%s", phone);
	c->key_id = r->key->id;
	c->next = r->world->codes;
	r->world->codes = c;
	sim_code_draw(r, c, a);
	return c;
}

/* Fields of a way's types; 0: it has none. */
static const struct {
	const char *name;
	enum tl_ctor_no sent;
	int length, text;
	enum tl_ctor_no next;
	const char *value; /* of text; NULL: the e-mail address */
} sim_ways[] = {
	{"app", TL_auth_sentCodeTypeApp, TL_auth_sentCodeTypeApp_length, 0, 0,
	 ""},
	{"sms", TL_auth_sentCodeTypeSms, TL_auth_sentCodeTypeSms_length, 0,
	 TL_auth_codeTypeSms, ""},
	{"call", TL_auth_sentCodeTypeCall, TL_auth_sentCodeTypeCall_length, 0,
	 TL_auth_codeTypeCall, ""},
	{"flash-call", TL_auth_sentCodeTypeFlashCall, 0,
	 TL_auth_sentCodeTypeFlashCall_pattern, TL_auth_codeTypeFlashCall,
	 "+99900*****"},
	{"missed-call", TL_auth_sentCodeTypeMissedCall,
	 TL_auth_sentCodeTypeMissedCall_length,
	 TL_auth_sentCodeTypeMissedCall_prefix, TL_auth_codeTypeMissedCall,
	 "+99900"},
	{"fragment", TL_auth_sentCodeTypeFragmentSms,
	 TL_auth_sentCodeTypeFragmentSms_length,
	 TL_auth_sentCodeTypeFragmentSms_url, TL_auth_codeTypeFragmentSms,
	 "https://fragment.example/"},
	{"email", TL_auth_sentCodeTypeEmailCode,
	 TL_auth_sentCodeTypeEmailCode_length,
	 TL_auth_sentCodeTypeEmailCode_email_pattern, 0, NULL},
};

static size_t sim_way_find(const char *name)
{
	size_t i = 0, n = sizeof(sim_ways) / sizeof(sim_ways[0]);

	while (i < n && strcmp(sim_ways[i].name, name) != 0)
		i++;
	return i;
}

bool sim_code_way_known(const char *way)
{
	return way &&
	       sim_way_find(way) < sizeof(sim_ways) / sizeof(sim_ways[0]);
}

static bool sim_code_more(const struct sim_code *c, const struct sim_account *a)
{
	return a && c->way + 1 < a->way_count;
}

static void sim_code_answer(struct sim_request *r, const struct sim_code *c,
			    const struct sim_account *a)
{
	struct tl_obj *o = tl_new(r->arena, TL_auth_sentCode);
	size_t way = sim_way_find(a ? a->ways[c->way] : "app");
	struct tl_obj *type = tl_new(r->arena, sim_ways[way].sent);
	const char *text = sim_ways[way].value;

	if (sim_ways[way].length)
		tl_set_int(type, sim_ways[way].length,
			   (int32_t)strlen(c->code));
	if (sim_ways[way].text)
		tl_set_str(type, sim_ways[way].text, text ? text : a->email);
	tl_set_child(o, TL_auth_sentCode_type, type);
	tl_set_str(o, TL_auth_sentCode_phone_code_hash, c->hash);
	if (sim_code_more(c, a)) {
		way = sim_way_find(a->ways[c->way + 1]);
		if (sim_ways[way].next)
			tl_set_child(o, TL_auth_sentCode_next_type,
				     tl_new(r->arena, sim_ways[way].next));
		if (a->code_timeout_s)
			tl_set_int(o, TL_auth_sentCode_timeout,
				   a->code_timeout_s);
	}
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

bool sim_auth_api_known(const struct sim_request *r, int32_t id,
			struct bytes hash)
{
	const json_t *list = r->world->config->api;
	json_t *o;
	size_t i;

	if (!list)
		return id > 0 && hash.n;
	json_array_foreach(list, i, o)
	{
		const char *known = sim_json_text(o, "hash", "");

		if (sim_json_int(o, "id", 0) == id &&
		    bytes_equal(hash, bytes_str(known)))
			return true;
	}
	return false;
}

static void sim_auth_send_code(struct sim_request *r)
{
	char phone[SIM_PHONE_MAX], text[32];
	int flood = r->world->config->flood_codes;
	const struct sim_account *a;
	struct sim_code *c;

	if (!sim_auth_api_known(r, tl_int(r->q, TL_auth_sendCode_api_id),
				tl_bytes(r->q, TL_auth_sendCode_api_hash))) {
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
	if (a && (a->deleted || a->banned[0])) {
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
		sim_code_answer(r, c, a);
}

static void sim_auth_resend_code(struct sim_request *r)
{
	char phone[SIM_PHONE_MAX];
	const struct sim_account *a;
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
	a = sim_world_phone(r->world, bytes_str(phone));
	/* sentCode named no next_type, or a timeout that has not passed. */
	if (!sim_code_more(c, a) ||
	    c->sent + a->code_timeout_s > sim_world_date(r->world)) {
		sim_refuse(r, SIM_FAULT(406, "SEND_CODE_UNAVAILABLE",
					"code-resend"));
		return;
	}
	c->way++;
	sim_code_draw(r, c, a);
	sim_code_answer(r, c, a);
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

/* A code sent by e-mail comes back as email_verification, others as
 * phone_code; one in the wrong place counts as none. */
static struct bytes sim_code_given(const struct sim_request *r,
				   const struct sim_code *c)
{
	const struct tl_obj *email =
		tl_child(r->q, TL_auth_signIn_email_verification);
	const struct sim_account *a =
		c ? sim_world_phone(r->world, bytes_str(c->phone)) : NULL;

	if (a && !strcmp(a->ways[c->way], "email"))
		return tl_bytes(email, TL_emailVerificationCode_code);
	return tl_bytes(r->q, TL_auth_signIn_phone_code);
}

static const struct sim_fault *sim_code_check(struct sim_request *r,
					      struct sim_code *c)
{
	struct bytes code = sim_code_given(r, c);

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

struct tl_obj *sim_auth_authorize(struct sim_request *r, struct sim_account *a)
{
	struct tl_obj *o = tl_new(r->arena, TL_auth_authorization);
	char id[24];

	r->key->user = a->id;
	r->key->pending = 0;
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
	return o;
}

void sim_auth_login(struct sim_request *r, struct sim_account *a)
{
	sim_answer(r, sim_auth_authorize(r, a));
}

bool sim_auth_password_owed(struct sim_request *r, struct sim_account *a)
{
	if (!a->password.on)
		return false;
	r->key->pending = a->id;
	sim_refuse_text(r, 401, "SESSION_PASSWORD_NEEDED");
	return true;
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
	if (!a)
		sim_answer(r, tl_new(r->arena,
				     TL_auth_authorizationSignUpRequired));
	else if (!sim_auth_password_owed(r, a))
		sim_auth_login(r, a);
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

const struct sim_method sim_methods_auth[] = {
	{TL_auth_sendCode, SIM_ACCESS_OPEN, sim_auth_send_code},
	{TL_auth_resendCode, SIM_ACCESS_OPEN, sim_auth_resend_code},
	{TL_auth_cancelCode, SIM_ACCESS_OPEN, sim_auth_cancel_code},
	{TL_auth_signIn, SIM_ACCESS_OPEN, sim_auth_sign_in},
	{TL_auth_signUp, SIM_ACCESS_OPEN, sim_auth_sign_up},
	{TL_auth_logOut, SIM_ACCESS_LOGIN, sim_auth_log_out},
	{0, SIM_ACCESS_OPEN, NULL},
};
