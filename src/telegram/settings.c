/* See settings.h.
 *
 *   read    getPrivacy | getAuthorizations
 *   apply   read, then setPrivacy | changeAuthorizationSettings, one log-in
 *           after the other
 */
#include "telegram/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "telegram/account_core.h"

static const struct {
	const char *name, *text;
	enum tl_ctor_no key, rule, rule_told; /* of privacy */
} settings[TG_SETTINGS] = {
	[TG_SETTING_OTHER_DEVICES] =
		{"other-devices",
		 "calls ring here only, on no other device of the account", 0,
		 0, 0},
	[TG_SETTING_CALLS] = {"calls", "everybody may call the account",
			      TL_inputPrivacyKeyPhoneCall,
			      TL_inputPrivacyValueAllowAll,
			      TL_privacyValueAllowAll},
	[TG_SETTING_P2P] = {"p2p", "media may be direct with everybody",
			    TL_inputPrivacyKeyPhoneP2P,
			    TL_inputPrivacyValueAllowAll,
			    TL_privacyValueAllowAll},
	[TG_SETTING_GROUPS] = {"groups", "nobody may add the account to groups",
			       TL_inputPrivacyKeyChatInvite,
			       TL_inputPrivacyValueDisallowAll,
			       TL_privacyValueDisallowAll},
};

/* One request for one setting. */
struct change {
	struct tg_account *account;
	enum tg_setting setting;
	bool apply;
	tg_setting_h *done;
	void *arg;
	int64_t *logins; /* hashes of those to be changed; 0: ours */
	uint32_t logins_n, at;
};

int tg_setting_of(enum tg_setting *setting, const char *name)
{
	for (int i = 0; i < TG_SETTINGS; i++) {
		if (strcmp(settings[i].name, name) != 0)
			continue;
		*setting = i;
		return 0;
	}
	return -EINVAL;
}

const char *tg_setting_name(enum tg_setting setting)
{
	return settings[setting].name;
}

const char *tg_setting_text(enum tg_setting setting)
{
	return settings[setting].text;
}

static void change_free(struct change *c)
{
	free(c->logins);
	free(c);
}

static void change_done(struct change *c, const struct mtp_error *err,
			bool is_set)
{
	c->done(err, !err && is_set, c->logins_n - c->at, c->arg);
	change_free(c);
}

/* Sends q, or ends the change. */
static void change_ask(struct change *c, const struct tl_obj *q,
		       tg_answer_h *answered)
{
	struct mtp_error err = {500, "INTERNAL"};

	if (tg_account_query(c->account, q, 0, answered, c))
		change_done(c, &err, false);
}

/* -- privacy -------------------------------------------------------------- */

/* "First matching rule wins" (C.2): the first one that is for all. */
static bool privacy_is_set(const struct change *c, const struct tl_obj *o)
{
	return tl_is(tl_item(o, TL_account_privacyRules_rules, 0),
		     settings[c->setting].rule_told);
}

static void privacy_written(const struct mtp_error *err,
			    const struct tl_obj *answer, void *arg)
{
	struct change *c = arg;

	change_done(c, err, !err && privacy_is_set(c, answer));
}

static void privacy_write(struct change *c)
{
	struct tl_arena arena;
	struct tl_obj *q;

	tl_arena_init(&arena);
	q = tl_new(&arena, TL_account_setPrivacy);
	tl_set_child(q, TL_account_setPrivacy_key,
		     tl_new(&arena, settings[c->setting].key));
	if (!tl_set_vector(&arena, q, TL_account_setPrivacy_rules, 1))
		tl_put_obj(q, TL_account_setPrivacy_rules, 0,
			   tl_new(&arena, settings[c->setting].rule));
	change_ask(c, q, privacy_written);
	tl_arena_clear(&arena);
}

static void privacy_read(const struct mtp_error *err,
			 const struct tl_obj *answer, void *arg)
{
	struct change *c = arg;
	bool is_set = !err && privacy_is_set(c, answer);

	if (err || is_set || !c->apply)
		change_done(c, err, is_set);
	else
		privacy_write(c);
}

/* -- log-ins -------------------------------------------------------------- */

static void login_change_next(struct change *c);

static void login_changed(const struct mtp_error *err,
			  const struct tl_obj *answer, void *arg)
{
	struct change *c = arg;

	if (err) {
		change_done(c, err, false);
		return;
	}
	c->at++;
	login_change_next(c);
}

static void login_change(struct change *c, int64_t hash)
{
	struct tl_arena arena;
	struct tl_obj *q;

	tl_arena_init(&arena);
	q = tl_new(&arena, TL_account_changeAuthorizationSettings);
	tl_set_long(q, TL_account_changeAuthorizationSettings_hash, hash);
	/* Ours: an unconfirmed log-in gets no calls (trap 21). */
	if (!hash)
		tl_set_true(q,
			    TL_account_changeAuthorizationSettings_confirmed);
	tl_set_bool(
		&arena, q,
		TL_account_changeAuthorizationSettings_call_requests_disabled,
		hash != 0);
	change_ask(c, q, login_changed);
	tl_arena_clear(&arena);
}

static void login_change_next(struct change *c)
{
	if (c->at == c->logins_n)
		change_done(c, NULL, true);
	else
		login_change(c, c->logins[c->at]);
}

/* Ours must take calls, the others must not; one without its password cannot
 * be called. */
static bool login_is_wrong(const struct tl_obj *o)
{
	bool off = tl_has(o, TL_authorization_call_requests_disabled);

	if (tl_has(o, TL_authorization_current))
		return off || tl_has(o, TL_authorization_unconfirmed);
	return !off && !tl_has(o, TL_authorization_password_pending);
}

/* Ours comes first: it may be changed at any age. */
static void login_note(struct change *c, const struct tl_obj *o)
{
	int64_t *last = &c->logins[c->logins_n++];

	*last = tl_long(o, TL_authorization_hash);
	if (tl_has(o, TL_authorization_current)) {
		*last = c->logins[0];
		c->logins[0] = 0;
	}
}

static void logins_read(const struct mtp_error *err,
			const struct tl_obj *answer, void *arg)
{
	static const struct mtp_error no_memory = {500, "INTERNAL"};
	static const int field = TL_account_authorizations_authorizations;
	struct change *c = arg;
	uint32_t n = err ? 0 : tl_count(answer, field);

	c->logins = calloc(n + 1, sizeof(*c->logins));
	if (!c->logins && !err)
		err = &no_memory;
	for (uint32_t i = 0; i < n && !err; i++) {
		const struct tl_obj *o = tl_item(answer, field, i);

		if (login_is_wrong(o))
			login_note(c, o);
	}
	if (err || !c->apply)
		change_done(c, err, c->logins_n == 0);
	else
		login_change_next(c);
}

/* -- both ----------------------------------------------------------------- */

static int change_start(struct tg_account *a, enum tg_setting setting,
			bool apply, tg_setting_h *done, void *arg)
{
	bool logins = setting == TG_SETTING_OTHER_DEVICES;
	struct change *c = calloc(1, sizeof(*c));
	struct tl_arena arena;
	struct tl_obj *q;
	int err;

	if (!c)
		return -ENOMEM;
	*c = (struct change){.account = a,
			     .setting = setting,
			     .apply = apply,
			     .done = done,
			     .arg = arg};
	tl_arena_init(&arena);
	q = tl_new(&arena, logins ? TL_account_getAuthorizations
				  : TL_account_getPrivacy);
	if (!logins)
		tl_set_child(q, TL_account_getPrivacy_key,
			     tl_new(&arena, settings[setting].key));
	err = tg_account_query(a, q, 0, logins ? logins_read : privacy_read, c);
	tl_arena_clear(&arena);
	if (err)
		change_free(c);
	return err;
}

int tg_setting_read(struct tg_account *a, enum tg_setting setting,
		    tg_setting_h *done, void *arg)
{
	return change_start(a, setting, false, done, arg);
}

int tg_setting_apply(struct tg_account *a, enum tg_setting setting,
		     tg_setting_h *done, void *arg)
{
	return change_start(a, setting, true, done, arg);
}
