#include "telegram/settings.h"

#include <errno.h>

#include "telegram/account_world.h"
#include "tests/check.h"

static bool is_set;
static unsigned left;

static void on_setting(const struct mtp_error *err, bool set, unsigned n,
		       void *arg)
{
	on_answer(err, NULL, arg);
	is_set = set;
	left = n;
}

static struct tl_obj *rules(struct world *w, enum tl_ctor_no rule)
{
	struct tl_obj *o = tl_new(&w->arena, TL_account_privacyRules);

	tl_set_vector(&w->arena, o, TL_account_privacyRules_rules, rule != 0);
	if (rule)
		tl_put_obj(o, TL_account_privacyRules_rules, 0,
			   tl_new(&w->arena, rule));
	tl_set_vector(&w->arena, o, TL_account_privacyRules_chats, 0);
	tl_set_vector(&w->arena, o, TL_account_privacyRules_users, 0);
	return o;
}

/* -- privacy -------------------------------------------------------------- */

static void test_setting_names_lead_back(void)
{
	enum tg_setting s;

	for (int i = 0; i < TG_SETTINGS; i++) {
		CHECK_INT(tg_setting_of(&s, tg_setting_name(i)), 0);
		CHECK_INT(s, i);
		CHECK(tg_setting_text(i)[0]);
	}
	CHECK_INT(tg_setting_of(&s, "all"), -EINVAL);
	CHECK_INT(tg_setting_of(&s, ""), -EINVAL);
}

static void test_setting_privacy_is_read(void)
{
	static const struct {
		enum tg_setting setting;
		enum tl_ctor_no key, rule;
		bool set;
	} list[] = {
		{TG_SETTING_CALLS, TL_inputPrivacyKeyPhoneCall,
		 TL_privacyValueAllowAll, true},
		{TG_SETTING_CALLS, TL_inputPrivacyKeyPhoneCall,
		 TL_privacyValueAllowContacts, false},
		{TG_SETTING_P2P, TL_inputPrivacyKeyPhoneP2P,
		 TL_privacyValueDisallowAll, false},
		{TG_SETTING_GROUPS, TL_inputPrivacyKeyChatInvite,
		 TL_privacyValueAllowAll, false},
		{TG_SETTING_GROUPS, TL_inputPrivacyKeyChatInvite,
		 TL_privacyValueDisallowAll, true},
		{TG_SETTING_GROUPS, TL_inputPrivacyKeyChatInvite, 0, false},
	};
	struct world w;

	CHECK(make_ready(&w));
	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
		struct tl_obj *q;

		w.answer_n = 0;
		CHECK_INT(tg_setting_read(w.account, list[i].setting,
					  on_setting, &w),
			  0);
		q = asked(&w, TL_account_getPrivacy);
		CHECK(tl_is(tl_child(q, TL_account_getPrivacy_key),
			    list[i].key));
		CHECK(answer(&w, TL_account_getPrivacy,
			     rules(&w, list[i].rule)));
		CHECK_INT(w.answer_n, 1);
		CHECK_INT(w.code, 0);
		CHECK_INT(is_set, list[i].set);
		CHECK(!asked(&w, TL_account_setPrivacy));
	}
	world_close(&w);
}

static void test_setting_privacy_is_set(void)
{
	struct tl_obj *q;
	struct world w;

	CHECK(make_ready(&w));
	CHECK_INT(
		tg_setting_apply(w.account, TG_SETTING_GROUPS, on_setting, &w),
		0);
	CHECK(answer(&w, TL_account_getPrivacy,
		     rules(&w, TL_privacyValueAllowAll)));
	q = asked(&w, TL_account_setPrivacy);
	CHECK(q);
	CHECK(tl_is(tl_child(q, TL_account_setPrivacy_key),
		    TL_inputPrivacyKeyChatInvite));
	CHECK_INT(tl_count(q, TL_account_setPrivacy_rules), 1);
	CHECK(tl_is(tl_item(q, TL_account_setPrivacy_rules, 0),
		    TL_inputPrivacyValueDisallowAll));
	CHECK(answer(&w, TL_account_setPrivacy,
		     rules(&w, TL_privacyValueDisallowAll)));
	CHECK_INT(w.answer_n, 1);
	CHECK(is_set);
	/* Set already: nothing is sent. */
	CHECK_INT(
		tg_setting_apply(w.account, TG_SETTING_GROUPS, on_setting, &w),
		0);
	CHECK(answer(&w, TL_account_getPrivacy,
		     rules(&w, TL_privacyValueDisallowAll)));
	CHECK(!asked(&w, TL_account_setPrivacy));
	CHECK_INT(w.answer_n, 2);
	CHECK(is_set);
	world_close(&w);
}

static void test_setting_refusal_passes_through(void)
{
	struct world w;

	CHECK(make_ready(&w));
	CHECK_INT(tg_setting_apply(w.account, TG_SETTING_CALLS, on_setting, &w),
		  0);
	CHECK(refuse(&w, TL_account_getPrivacy, 420, "FLOOD_WAIT_3"));
	CHECK_STR(w.text, "FLOOD_WAIT_3");
	CHECK(!is_set);
	CHECK_INT(tg_setting_apply(w.account, TG_SETTING_CALLS, on_setting, &w),
		  0);
	CHECK(answer(&w, TL_account_getPrivacy,
		     rules(&w, TL_privacyValueDisallowAll)));
	CHECK(refuse(&w, TL_account_setPrivacy, 400, "PRIVACY_VALUE_INVALID"));
	CHECK_STR(w.text, "PRIVACY_VALUE_INVALID");
	CHECK_INT(w.answer_n, 2);
	world_close(&w);
}

/* -- log-ins -------------------------------------------------------------- */

enum { OURS = 1, OFF = 2, OWES = 4, UNCONFIRMED = 8 };

static struct tl_obj *login(struct world *w, int64_t hash, int flags)
{
	struct tl_obj *o = tl_new(&w->arena, TL_authorization);
	static const int texts[] = {
		TL_authorization_device_model,   TL_authorization_platform,
		TL_authorization_system_version, TL_authorization_app_name,
		TL_authorization_app_version,    TL_authorization_country,
		TL_authorization_region,         TL_authorization_ip,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		tl_set_str(o, texts[i], "x");
	if (flags & OURS)
		tl_set_true(o, TL_authorization_current);
	if (flags & OFF)
		tl_set_true(o, TL_authorization_call_requests_disabled);
	if (flags & OWES)
		tl_set_true(o, TL_authorization_password_pending);
	if (flags & UNCONFIRMED)
		tl_set_true(o, TL_authorization_unconfirmed);
	tl_set_long(o, TL_authorization_hash, hash);
	tl_set_int(o, TL_authorization_api_id, 1);
	tl_set_int(o, TL_authorization_date_created, 1);
	tl_set_int(o, TL_authorization_date_active, 1);
	return o;
}

static bool answer_logins(struct world *w, struct tl_obj *const *list,
			  uint32_t n)
{
	struct tl_obj *o = tl_new(&w->arena, TL_account_authorizations);

	tl_set_int(o, TL_account_authorizations_authorization_ttl_days, 180);
	tl_set_vector(&w->arena, o, TL_account_authorizations_authorizations,
		      n);
	for (uint32_t i = 0; i < n; i++)
		tl_put_obj(o, TL_account_authorizations_authorizations, i,
			   list[i]);
	return answer(w, TL_account_getAuthorizations, o);
}

static bool change_is(struct world *w, int64_t hash, bool off)
{
	struct tl_obj *q = asked(w, TL_account_changeAuthorizationSettings);

	return q &&
	       tl_long(q, TL_account_changeAuthorizationSettings_hash) ==
		       hash &&
	       tl_bool(q,
		       TL_account_changeAuthorizationSettings_call_requests_disabled) ==
		       off &&
	       tl_has(q, TL_account_changeAuthorizationSettings_confirmed) ==
		       !hash;
}

static bool answer_true(struct world *w)
{
	return answer(w, TL_account_changeAuthorizationSettings,
		      tl_new(&w->arena, TL_boolTrue));
}

static void test_setting_other_devices_one_by_one(void)
{
	struct world w;

	CHECK(make_ready(&w));
	CHECK_INT(tg_setting_apply(w.account, TG_SETTING_OTHER_DEVICES,
				   on_setting, &w),
		  0);
	CHECK(answer_logins(&w,
			    (struct tl_obj *[]){
				    login(&w, 71, 0),
				    login(&w, 72, OFF),
				    login(&w, 73, OWES),
				    login(&w, 0, OURS | UNCONFIRMED),
				    login(&w, -74, 0),
			    },
			    5));
	/* Ours first; those that take no calls are left alone. */
	CHECK(change_is(&w, 0, false));
	CHECK(answer_true(&w));
	CHECK(change_is(&w, 71, true));
	CHECK(answer_true(&w));
	CHECK(change_is(&w, -74, true));
	CHECK_INT(w.answer_n, 0);
	CHECK(answer_true(&w));
	CHECK_INT(w.answer_n, 1);
	CHECK(is_set);
	CHECK_INT(left, 0);
	world_close(&w);
}

static void test_setting_other_devices_in_the_first_day(void)
{
	struct world w;

	CHECK(make_ready(&w));
	CHECK_INT(tg_setting_apply(w.account, TG_SETTING_OTHER_DEVICES,
				   on_setting, &w),
		  0);
	CHECK(answer_logins(&w,
			    (struct tl_obj *[]){
				    login(&w, 71, 0),
				    login(&w, 72, 0),
				    login(&w, 0, OURS | OFF),
			    },
			    3));
	CHECK(change_is(&w, 0, false));
	CHECK(answer_true(&w));
	CHECK(refuse(&w, TL_account_changeAuthorizationSettings, 406,
		     "FRESH_RESET_AUTHORISATION_FORBIDDEN"));
	CHECK_INT(w.answer_n, 1);
	CHECK_INT(w.code, 406);
	CHECK_STR(w.text, "FRESH_RESET_AUTHORISATION_FORBIDDEN");
	CHECK(!is_set);
	CHECK_INT(left, 2);
	world_close(&w);
}

static void test_setting_other_devices_is_read(void)
{
	struct world w;

	CHECK(make_ready(&w));
	CHECK_INT(tg_setting_read(w.account, TG_SETTING_OTHER_DEVICES,
				  on_setting, &w),
		  0);
	CHECK(answer_logins(
		&w, (struct tl_obj *[]){login(&w, 0, OURS), login(&w, 71, OFF)},
		2));
	CHECK(is_set);
	CHECK_INT(tg_setting_read(w.account, TG_SETTING_OTHER_DEVICES,
				  on_setting, &w),
		  0);
	CHECK(answer_logins(
		&w, (struct tl_obj *[]){login(&w, 0, OURS), login(&w, 71, 0)},
		2));
	CHECK(!is_set);
	CHECK_INT(left, 1);
	CHECK(!asked(&w, TL_account_changeAuthorizationSettings));
	/* An account freed meanwhile. */
	CHECK_INT(tg_setting_read(w.account, TG_SETTING_OTHER_DEVICES,
				  on_setting, &w),
		  0);
	world_close(&w);
	CHECK_STR(w.text, "CLOSED");
}

int main(void)
{
	if (libre_init())
		return 1;
	RUN(test_setting_names_lead_back);
	RUN(test_setting_privacy_is_read);
	RUN(test_setting_privacy_is_set);
	RUN(test_setting_refusal_passes_through);
	RUN(test_setting_other_devices_one_by_one);
	RUN(test_setting_other_devices_in_the_first_day);
	RUN(test_setting_other_devices_is_read);
	libre_close();
	return check_done();
}
