/* account.*: log-ins, privacy, presence (telegram-wire B.6, C.2). */
#include <string.h>

#include "sim/api.h"

/* -- log-ins ----------------------------------------------------------------
 */

static void sim_authorizations(struct sim_request *r)
{
	struct tl_obj *o = tl_new(r->arena, TL_account_authorizations);
	uint32_t n = 0;

	for (const struct sim_key *k = r->world->keys; k; k = k->next)
		n += k->user == r->me->id && !k->carried;
	tl_set_int(o, TL_account_authorizations_authorization_ttl_days, 180);
	tl_set_vector(r->arena, o, TL_account_authorizations_authorizations, n);
	for (const struct sim_key *k = r->world->keys; k; k = k->next)
		if (k->user == r->me->id && !k->carried)
			tl_put_obj(o, TL_account_authorizations_authorizations,
				   --n,
				   sim_object_authorization(r->arena, k,
							    k == r->key));
	sim_answer(r, o);
}

/* "FRESH_RESET_AUTHORISATION_FORBIDDEN during the first 24 h of our session":
 * others are left alone so long. */
static bool sim_is_fresh(struct sim_request *r)
{
	enum { DAY = 24 * 3600 };

	if (sim_world_date(r->world) - r->key->date >= DAY)
		return false;
	sim_refuse(r, SIM_FAULT(406, "FRESH_RESET_AUTHORISATION_FORBIDDEN",
				"login-fresh"));
	return true;
}

/* The log-in of ours that a hash names: 0 is the asking one. */
static struct sim_key *sim_login_of(struct sim_request *r, int64_t hash)
{
	struct sim_key *k =
		hash ? sim_world_key(r->world, (uint64_t)hash) : r->key;

	if (k && k->user == r->me->id && (!hash || k != r->key))
		return k;
	sim_refuse(r, SIM_FAULT(400, "HASH_INVALID", "login-hash"));
	return NULL;
}

static void sim_authorization_reset(struct sim_request *r)
{
	int64_t hash = tl_long(r->q, TL_account_resetAuthorization_hash);
	struct sim_key *k;

	if (sim_is_fresh(r))
		return;
	/* One does not end oneself so. */
	k = sim_login_of(r, hash ? hash : -1);
	if (!k)
		return;
	k->user = 0;
	sim_world_key_save(r->world, k);
	sim_answer_bool(r, true);
}

static void sim_authorization_change(struct sim_request *r)
{
	int64_t hash =
		tl_long(r->q, TL_account_changeAuthorizationSettings_hash);
	struct sim_key *k = sim_login_of(r, hash);

	if (!k || (hash && sim_is_fresh(r)))
		return;
	if (tl_has(r->q,
		   TL_account_changeAuthorizationSettings_call_requests_disabled))
		k->calls_off = tl_bool(
			r->q,
			TL_account_changeAuthorizationSettings_call_requests_disabled);
	sim_world_key_save(r->world, k);
	sim_answer_bool(r, true);
}

static void sim_authorization_ttl(struct sim_request *r)
{
	int32_t days = tl_int(
		r->q, TL_account_setAuthorizationTTL_authorization_ttl_days);

	if (days < 1 || days > 366)
		sim_refuse(r, SIM_FAULT(400, "TTL_DAYS_INVALID", "login-ttl"));
	else if (!sim_is_fresh(r))
		sim_answer_bool(r, true);
}

/* -- privacy ----------------------------------------------------------------
 */

static int sim_privacy_key(struct sim_request *r, const struct tl_obj *key)
{
	static const struct {
		enum tl_ctor_no no;
		enum sim_privacy what;
	} keys[] = {
		{TL_inputPrivacyKeyPhoneCall, SIM_PRIVACY_CALL},
		{TL_inputPrivacyKeyAddedByPhone, SIM_PRIVACY_PHONE},
		{TL_inputPrivacyKeyPhoneNumber, SIM_PRIVACY_PHONE},
		{TL_inputPrivacyKeyPhoneP2P, SIM_PRIVACY_P2P},
		{TL_inputPrivacyKeyChatInvite, SIM_PRIVACY_GROUPS},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (tl_is(key, keys[i].no))
			return keys[i].what;
	sim_refuse(r, SIM_FAULT(400, "PRIVACY_KEY_INVALID", "privacy-key"));
	return -1;
}

static void sim_answer_privacy(struct sim_request *r, enum sim_audience who)
{
	static const enum tl_ctor_no rules[] = {TL_privacyValueAllowAll,
						TL_privacyValueAllowContacts,
						TL_privacyValueDisallowAll};
	struct tl_obj *o = tl_new(r->arena, TL_account_privacyRules);

	tl_set_vector(r->arena, o, TL_account_privacyRules_rules, 1);
	tl_put_obj(o, TL_account_privacyRules_rules, 0,
		   tl_new(r->arena, rules[who]));
	sim_object_empty(r->arena, o, TL_account_privacyRules_chats);
	sim_object_empty(r->arena, o, TL_account_privacyRules_users);
	sim_answer(r, o);
}

static void sim_privacy_get(struct sim_request *r)
{
	int key = sim_privacy_key(r, tl_child(r->q, TL_account_getPrivacy_key));

	if (key >= 0)
		sim_answer_privacy(r, r->me->privacy[key]);
}

/* "First matching rule wins" (telegram-wire C.2); rules about single users are
 * taken as absent. Without any nobody may. -1: refused. */
static int sim_privacy_rules(struct sim_request *r)
{
	uint32_t n = tl_count(r->q, TL_account_setPrivacy_rules);

	for (uint32_t i = 0; i < n && n <= 10; i++) {
		const struct tl_obj *rule =
			tl_item(r->q, TL_account_setPrivacy_rules, i);

		if (tl_is(rule, TL_inputPrivacyValueAllowAll))
			return SIM_AUDIENCE_ALL;
		if (tl_is(rule, TL_inputPrivacyValueAllowContacts))
			return SIM_AUDIENCE_CONTACTS;
		if (tl_is(rule, TL_inputPrivacyValueDisallowAll))
			return SIM_AUDIENCE_NOBODY;
	}
	if (n > 10)
		sim_refuse(r,
			   SIM_FAULT(400, "PRIVACY_TOO_LONG", "privacy-long"));
	else if (n == 0)
		sim_refuse(r, SIM_FAULT(400, "PRIVACY_VALUE_INVALID",
					"privacy-value"));
	return n > 10 || n == 0 ? -1 : SIM_AUDIENCE_NOBODY;
}

static void sim_privacy_set(struct sim_request *r)
{
	int key = sim_privacy_key(r, tl_child(r->q, TL_account_setPrivacy_key));
	int who = key < 0 ? -1 : sim_privacy_rules(r);

	if (who < 0)
		return;
	r->me->privacy[key] = (enum sim_audience)who;
	sim_account_save(r->me);
	sim_answer_privacy(r, (enum sim_audience)who);
}

/* -- presence ---------------------------------------------------------------
 */

static void sim_account_status(struct sim_request *r)
{
	sim_answer_bool(r, true);
}

const struct sim_method sim_methods_account[] = {
	{TL_account_getAuthorizations, SIM_ACCESS_LOGIN, sim_authorizations},
	{TL_account_resetAuthorization, SIM_ACCESS_LOGIN,
	 sim_authorization_reset},
	{TL_account_changeAuthorizationSettings, SIM_ACCESS_LOGIN,
	 sim_authorization_change},
	{TL_account_setAuthorizationTTL, SIM_ACCESS_LOGIN,
	 sim_authorization_ttl},
	{TL_account_getPrivacy, SIM_ACCESS_LOGIN, sim_privacy_get},
	{TL_account_setPrivacy, SIM_ACCESS_LOGIN, sim_privacy_set},
	{TL_account_updateStatus, SIM_ACCESS_LOGIN, sim_account_status},
	{0, SIM_ACCESS_OPEN, NULL},
};
