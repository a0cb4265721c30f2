/* Two-step verification and its recovery (telegram-wire B.4, B.5). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "sim/api_auth.h"
#include "sim/dh.h"

enum {
	SIM_PASSWORD_TRIES = 5,
	SIM_RECOVERY_LIFETIME_S = 3600,
};

#define SIM_ALGO(field)                                                        \
	TL_passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow##field

/* Who is asking: logged in, or on the way to it. NULL: refused. */
static struct sim_account *sim_password_owner(struct sim_request *r)
{
	if (r->me)
		return r->me;
	if (r->key->pending)
		return sim_world_account(r->world, r->key->pending);
	sim_refuse(r, SIM_FAULT(401, "AUTH_KEY_UNREGISTERED",
				"method-before-login"));
	return NULL;
}

/* -- getPassword ---------------------------------------------------------- */

static struct tl_obj *sim_algo(struct sim_request *r, const uint8_t *salt1,
			       size_t salt1_n, const uint8_t salt2[16])
{
	struct tl_obj *o = tl_new(r->arena, SIM_ALGO());

	tl_set_bytes(o, SIM_ALGO(_salt1), salt1, salt1_n);
	tl_set_bytes(o, SIM_ALGO(_salt2), salt2, 16);
	tl_set_int(o, SIM_ALGO(_g), SIM_DH_G);
	tl_set_bytes(o, SIM_ALGO(_p), sim_dh_prime(), SIM_DH_BYTES);
	return o;
}

/* The last one a log-in asked for is the one that counts. */
static void sim_srp_forget(struct sim_world *w, uint64_t key_id)
{
	struct sim_srp **sp = &w->srps;

	while (*sp) {
		struct sim_srp *s = *sp;

		if (s->key_id == key_id) {
			*sp = s->next;
			free(s);
		} else {
			sp = &s->next;
		}
	}
}

static struct sim_srp *sim_srp_open(struct sim_request *r,
				    const struct sim_account *a)
{
	struct sim_srp *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	sim_srp_forget(r->world, r->key->id);
	sim_srp_draw(s, &a->password);
	s->key_id = r->key->id;
	s->user = a->id;
	s->next = r->world->srps;
	r->world->srps = s;
	return s;
}

/* The salts a new password of this account must begin with. */
static void sim_new_salts(const struct sim_account *a, uint8_t salt1[8],
			  uint8_t salt2[16])
{
	sim_world_derive(a->world, "salt1", a->id, 0, salt1, SIM_SALT_GIVEN);
	sim_world_derive(a->world, "salt2", a->id, 0, salt2, 16);
}

static void sim_account_password(struct sim_request *r)
{
	struct sim_account *a = sim_password_owner(r);
	uint8_t noise[32], salt1[SIM_SALT_GIVEN], salt2[16];
	const struct sim_password *p;
	const struct sim_srp *s;
	struct tl_obj *o, *secure;

	if (!a)
		return;
	p = &a->password;
	o = tl_new(r->arena, TL_account_password);
	random_bytes(noise, sizeof(noise));
	sim_new_salts(a, salt1, salt2);
	tl_set_child(o, TL_account_password_new_algo,
		     sim_algo(r, salt1, sizeof(salt1), salt2));
	secure = tl_new(r->arena,
			TL_securePasswordKdfAlgoPBKDF2HMACSHA512iter100000);
	tl_set_bytes(secure,
		     TL_securePasswordKdfAlgoPBKDF2HMACSHA512iter100000_salt,
		     salt1, sizeof(salt1));
	tl_set_child(o, TL_account_password_new_secure_algo, secure);
	tl_set_bytes(o, TL_account_password_secure_random, noise,
		     sizeof(noise));
	s = p->on ? sim_srp_open(r, a) : NULL;
	if (s) {
		tl_set_true(o, TL_account_password_has_password);
		tl_set_child(o, TL_account_password_current_algo,
			     sim_algo(r, p->salt1, sizeof(p->salt1), p->salt2));
		tl_set_bytes(o, TL_account_password_srp_B, s->b, sizeof(s->b));
		tl_set_long(o, TL_account_password_srp_id, s->id);
		if (p->hint[0])
			tl_set_str(o, TL_account_password_hint, p->hint);
		if (a->email[0])
			tl_set_true(o, TL_account_password_has_recovery);
	}
	sim_answer(r, o);
}

/* -- checkPassword -------------------------------------------------------- */

static const struct sim_fault *sim_proof_check(struct sim_request *r,
					       struct sim_account *a,
					       const struct tl_obj *in)
{
	int64_t id = tl_long(in, TL_inputCheckPasswordSRP_srp_id);
	struct bytes value = tl_bytes(in, TL_inputCheckPasswordSRP_A);
	const struct sim_srp *s = r->world->srps;
	const struct sim_fault *f = NULL;

	if (!tl_is(in, TL_inputCheckPasswordSRP))
		return SIM_FAULT(400, "PASSWORD_HASH_INVALID",
				 "password-empty");
	while (s && (s->id != id || s->key_id != r->key->id))
		s = s->next;
	if (!s)
		return SIM_FAULT(400, "SRP_ID_INVALID", "srp-id");
	if (memcmp(s->verifier, a->password.verifier, SIM_SRP_BYTES) != 0)
		f = SIM_FAULT(400, "SRP_PASSWORD_CHANGED", "srp-changed");
	else if (!sim_srp_public_ok(value))
		f = SIM_FAULT(400, "PASSWORD_HASH_INVALID", "srp-a-range");
	else if (!sim_srp_proof_ok(s, &a->password, value,
				   tl_bytes(in, TL_inputCheckPasswordSRP_M1)))
		f = SIM_FAULT(400, "PASSWORD_HASH_INVALID", "password-wrong");
	/* "valid for one attempt" */
	sim_srp_forget(r->world, r->key->id);
	return f;
}

static void sim_auth_check_password(struct sim_request *r)
{
	struct sim_account *a = sim_password_owner(r);
	const struct sim_fault *f;

	if (!a)
		return;
	if (!a->password.on) {
		sim_refuse(r, SIM_FAULT(400, "PASSWORD_EMPTY", "password-off"));
		return;
	}
	if (a->password_tries >= SIM_PASSWORD_TRIES) {
		sim_world_refused(r->world, "password-flood");
		sim_refuse_text(r, 420, "FLOOD_WAIT_60");
		return;
	}
	f = sim_proof_check(r, a,
			    tl_child(r->q, TL_auth_checkPassword_password));
	if (f && !strcmp(f->kind, "password-wrong"))
		a->password_tries++;
	if (f) {
		sim_refuse(r, f);
		return;
	}
	a->password_tries = 0;
	sim_auth_login(r, a);
}

/* -- recovery ------------------------------------------------------------- */

static void sim_auth_request_recovery(struct sim_request *r)
{
	struct sim_account *a = sim_password_owner(r);
	struct tl_obj *o;
	char pattern[SIM_NAME_MAX];

	if (!a)
		return;
	if (!a->password.on || !a->email[0]) {
		sim_refuse(r, a->password.on
				      ? SIM_FAULT(400, "PASSWORD_RECOVERY_NA",
						  "recovery-none")
				      : SIM_FAULT(400, "PASSWORD_EMPTY",
						  "password-off"));
		return;
	}
	snprintf(a->recovery, sizeof(a->recovery), "%06u",
		 random_u32() % 1000000);
	a->recovery_expires =
		sim_world_date(r->world) + SIM_RECOVERY_LIFETIME_S;
	log_info("sim-auth", a->phone, "recovery code %s", a->recovery);
	sim_world_event(r->world,
			json_pack("{ss sI ss}", "event", "recovery-code",
				  "user", (json_int_t)a->id, "code",
				  a->recovery));
	snprintf(pattern, sizeof(pattern), "%c***%s", a->email[0],
		 strchr(a->email, '@') ? strchr(a->email, '@') : "");
	o = tl_new(r->arena, TL_auth_passwordRecovery);
	tl_set_str(o, TL_auth_passwordRecovery_email_pattern, pattern);
	sim_answer(r, o);
}

static const struct sim_fault *sim_recovery_check(const struct sim_account *a,
						  struct bytes code)
{
	if (!code.n)
		return SIM_FAULT(400, "CODE_EMPTY", "recovery-empty");
	if (!a->recovery[0] || a->recovery_expires <= sim_world_date(a->world))
		return SIM_FAULT(400, "PASSWORD_RECOVERY_EXPIRED",
				 "recovery-expired");
	if (!bytes_equal(code, bytes_str(a->recovery)))
		return SIM_FAULT(400, "CODE_INVALID", "recovery-wrong");
	return NULL;
}

static void sim_auth_check_recovery(struct sim_request *r)
{
	struct sim_account *a = sim_password_owner(r);
	const struct sim_fault *f;

	if (!a)
		return;
	f = sim_recovery_check(
		a, tl_bytes(r->q, TL_auth_checkRecoveryPassword_code));
	if (f)
		sim_refuse(r, f);
	else
		sim_answer_bool(r, true);
}

/* A new password: our salts, extended by the client; a verifier in range. */
static const struct sim_fault *sim_settings_take(struct sim_password *p,
						 const struct sim_account *a,
						 const struct tl_obj *in)
{
	const struct tl_obj *algo =
		tl_child(in, TL_account_passwordInputSettings_new_algo);
	struct bytes v = tl_bytes(
		in, TL_account_passwordInputSettings_new_password_hash);
	struct bytes s1 = tl_bytes(algo, SIM_ALGO(_salt1));
	struct bytes s2 = tl_bytes(algo, SIM_ALGO(_salt2));
	uint8_t salt1[SIM_SALT_GIVEN], salt2[16];

	sim_new_salts(a, salt1, salt2);
	if (!tl_is(algo, SIM_ALGO()) || v.n != SIM_SRP_BYTES ||
	    !sim_dh_in_range(v))
		return SIM_FAULT(400, "NEW_SETTINGS_INVALID", "settings");
	if (s1.n != SIM_SALT1_BYTES || memcmp(s1.p, salt1, SIM_SALT_GIVEN) ||
	    !bytes_equal(s2, bytes_of(salt2, 16)))
		return SIM_FAULT(400, "NEW_SALT_INVALID", "settings-salt");
	memcpy(p->salt1, s1.p, s1.n);
	memcpy(p->salt2, s2.p, s2.n);
	memcpy(p->verifier, v.p, v.n);
	return NULL;
}

static void sim_auth_recover(struct sim_request *r)
{
	const struct tl_obj *in =
		tl_child(r->q, TL_auth_recoverPassword_new_settings);
	struct sim_account *a = sim_password_owner(r);
	const struct sim_fault *f;

	if (!a)
		return;
	f = sim_recovery_check(a, tl_bytes(r->q, TL_auth_recoverPassword_code));
	if (!f && in)
		f = sim_settings_take(&a->password, a, in);
	if (f) {
		sim_refuse(r, f);
		return;
	}
	a->password.on = in != NULL;
	a->password.changed = true;
	a->password.hint[0] = '\0';
	a->password_tries = 0;
	a->recovery[0] = '\0';
	sim_account_save(a);
	sim_auth_login(r, a);
}

const struct sim_method sim_methods_password[] = {
	{TL_account_getPassword, SIM_ACCESS_OPEN, sim_account_password},
	{TL_auth_checkPassword, SIM_ACCESS_OPEN, sim_auth_check_password},
	{TL_auth_requestPasswordRecovery, SIM_ACCESS_OPEN,
	 sim_auth_request_recovery},
	{TL_auth_checkRecoveryPassword, SIM_ACCESS_OPEN,
	 sim_auth_check_recovery},
	{TL_auth_recoverPassword, SIM_ACCESS_OPEN, sim_auth_recover},
	{0, SIM_ACCESS_OPEN, NULL},
};
