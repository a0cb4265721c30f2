/* The states of state.h, and what leads a whole account there and back. */
#include <errno.h>
#include <stdlib.h>

#include "telegram/account_world.h"
#include "tests/check.h"

/* -- the table ------------------------------------------------------------ */

static void test_state_names_are_distinct(void)
{
	for (int i = 0; i < TG_STATES; i++) {
		CHECK(tg_state_name(i)[0]);
		CHECK(tg_state_text(i)[0]);
		for (int k = 0; k < i; k++)
			CHECK(strcmp(tg_state_name(i), tg_state_name(k)) != 0);
	}
}

static void test_state_of_errors(void)
{
	enum tg_state s = TG_STATE_READY;

	/* One code off, one letter off, one too many: no state. */
	CHECK(!tg_state_of_error(&s, 400, "SESSION_REVOKED"));
	CHECK(!tg_state_of_error(&s, 401, "SESSION_REVOKE"));
	CHECK(!tg_state_of_error(&s, 401, "SESSION_REVOKED_"));
	CHECK(!tg_state_of_error(&s, 401, "SESSION_PASSWORD_NEEDED"));
	CHECK(!tg_state_of_error(&s, 0, "LOGGED_OUT"));
	CHECK(!tg_state_of_error(&s, 401, "AUTH_KEY_UNKNOWN"));
	CHECK_INT(s, TG_STATE_READY);
	CHECK(tg_state_of_reason(&s, "LOGGED_OUT"));
	CHECK_INT(s, TG_STATE_LOGGED_OUT);
	CHECK(!tg_state_of_reason(&s, ""));
}

/* -- accounts that end ---------------------------------------------------- */

static void dies_of(int code, const char *text, enum tg_state state)
{
	struct tg_status t;
	struct world w;

	CHECK(make_ready(&w));
	CHECK_INT(tg_account_query(w.account, any_query(&w), 0, on_answer, &w),
		  0);
	CHECK_INT(tg_account_query(w.account, any_query(&w), 0, on_answer, &w),
		  0);
	CHECK(refuse(&w, TL_help_getNearestDc, code, text));
	CHECK_INT(w.answer_n, 1);
	CHECK(run(&w, is_dead));
	CHECK_INT(tg_account_state(w.account), state);
	CHECK_STR(tg_account_reason(w.account), text);
	tg_account_status(w.account, &t);
	CHECK(!t.logged_in);
	CHECK(t.since > 1700000000);
	CHECK_INT(w.lost, 1);
	CHECK_STR(w.lost_reason, text);
	CHECK_INT(w.answer_n, 2);
	CHECK_INT(w.code, 401);
	CHECK_STR(w.text, text);
	CHECK(engine == NULL);
	CHECK_INT(tg_account_query(w.account, any_query(&w), 0, on_answer, &w),
		  -ENOTCONN);
	/* A new log-in brings it back, with a new key. */
	CHECK_INT(tg_login_send_code(w.account, "999001", on_code, &w), 0);
	CHECK(run(&w, key_kept));
	CHECK(asked(&w, TL_auth_sendCode));
	CHECK_INT(w.auths, 1);
	world_close(&w);
}

static void test_state_revoked(void)
{
	dies_of(401, "SESSION_REVOKED", TG_STATE_REVOKED);
}

static void test_state_expired(void)
{
	dies_of(401, "SESSION_EXPIRED", TG_STATE_EXPIRED);
}

static void test_state_key_unregistered(void)
{
	dies_of(401, "AUTH_KEY_UNREGISTERED", TG_STATE_UNREGISTERED);
	dies_of(401, "AUTH_KEY_INVALID", TG_STATE_UNREGISTERED);
}

static void test_state_deactivated(void)
{
	dies_of(401, "USER_DEACTIVATED", TG_STATE_DEACTIVATED);
}

static void test_state_banned(void)
{
	dies_of(401, "USER_DEACTIVATED_BAN", TG_STATE_BANNED);
}

static void test_state_duplicated(void)
{
	dies_of(406, "AUTH_KEY_DUPLICATED", TG_STATE_DUPLICATED);
}

static bool over(struct world *w)
{
	return tg_state_is_over(tg_account_state(w->account));
}

/* The application is refused: the log-in is kept, nothing more is sent. */
static void stops_of(int code, const char *text, enum tg_state state)
{
	struct tg_status t;
	struct world w;

	CHECK(make_ready(&w));
	CHECK_INT(tg_account_query(w.account, any_query(&w), 0, on_answer, &w),
		  0);
	CHECK(refuse(&w, TL_help_getNearestDc, code, text));
	CHECK(run(&w, over));
	CHECK_INT(tg_account_state(w.account), state);
	CHECK(!tg_state_is_dead(state));
	tg_account_status(w.account, &t);
	CHECK(t.logged_in);
	CHECK_INT(w.lost, 0);
	CHECK(engine == NULL);
	CHECK(tg_account_self(w.account));
	CHECK_INT(tg_login_send_code(w.account, "999001", on_code, &w),
		  -EISCONN);
	world_close(&w);
}

static void test_state_application_refused(void)
{
	stops_of(406, "UPDATE_APP_TO_LOGIN", TG_STATE_UPDATE_APP);
	stops_of(400, "API_ID_INVALID", TG_STATE_API_ID);
	stops_of(400, "API_ID_PUBLISHED_FLOOD", TG_STATE_API_ID);
}

static void test_state_application_refused_at_login(void)
{
	struct world w;

	world_open(&w, false);
	CHECK_INT(tg_login_send_code(w.account, "999001", on_code, &w), 0);
	CHECK(run(&w, code_asked));
	CHECK(refuse(&w, TL_auth_sendCode, 406, "UPDATE_APP_TO_LOGIN"));
	CHECK_STR(w.text, "UPDATE_APP_TO_LOGIN");
	CHECK(run(&w, over));
	CHECK_INT(tg_account_state(w.account), TG_STATE_UPDATE_APP);
	/* The next log-in tries again. */
	CHECK_INT(tg_login_send_code(w.account, "999001", on_code, &w), 0);
	CHECK(run(&w, code_asked));
	world_close(&w);
}

static void test_state_login_refusals_are_no_state(void)
{
	struct world w;

	world_open(&w, false);
	CHECK_INT(tg_login_send_code(w.account, "999001", on_code, &w), 0);
	CHECK(run(&w, code_asked));
	CHECK(refuse(&w, TL_auth_sendCode, 401, "AUTH_KEY_UNREGISTERED"));
	CHECK(run(&w, config_asked));
	CHECK(answer(&w, TL_help_getConfig, config(&w)));
	CHECK_INT(tg_account_state(w.account), TG_STATE_WAITING_FOR_LOGIN);
	CHECK_INT(w.lost, 0);
	world_close(&w);
}

/* -- a restart ------------------------------------------------------------ */

static void reopen(struct world *w)
{
	tg_account_free(&w->account);
	if (tg_account_new(&w->account, &w->conf) ||
	    tg_account_start(w->account))
		abort();
}

static void test_state_dead_is_remembered(void)
{
	static const struct {
		const char *reason;
		enum tg_state state;
	} list[] = {
		{"USER_DEACTIVATED_BAN", TG_STATE_BANNED},
		{"AUTH_KEY_UNKNOWN", TG_STATE_KEY_UNKNOWN},
		{"LOGGED_OUT", TG_STATE_LOGGED_OUT},
		{"A_WORD_OF_ANOTHER_VERSION", TG_STATE_UNREGISTERED},
	};
	struct tg_status t;
	struct world w;

	world_open(&w, false);
	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
		w.conf.dead_reason = list[i].reason;
		w.conf.dead_since = 1700000000;
		reopen(&w);
		tg_account_status(w.account, &t);
		CHECK_INT(t.state, list[i].state);
		CHECK_STR(t.reason, list[i].reason);
		CHECK_INT(t.since, 1700000000);
		CHECK(engine == NULL); /* it does not even connect */
	}
	CHECK_INT(tg_login_send_code(w.account, "999001", on_code, &w), 0);
	CHECK(run(&w, code_asked));
	world_close(&w);
}

static void test_state_key_file_wrong(void)
{
	struct world w;

	world_open(&w, false);
	w.conf.logged_in = true;
	w.conf.key_closed = true;
	reopen(&w);
	CHECK_INT(tg_account_state(w.account), TG_STATE_KEY_FILE);
	CHECK(engine == NULL);
	CHECK_INT(tg_login_send_code(w.account, "999001", on_code, &w), 0);
	CHECK(run(&w, code_asked));
	world_close(&w);
}

/* -- frozen accounts ------------------------------------------------------ */

static bool app_config_asked(struct world *w)
{
	return asked(w, TL_help_getAppConfig);
}

static struct tl_obj *json_pair(struct world *w, const char *key,
				struct tl_obj *value)
{
	struct tl_obj *o = tl_new(&w->arena, TL_jsonObjectValue);

	tl_set_str(o, TL_jsonObjectValue_key, key);
	tl_set_child(o, TL_jsonObjectValue_value, value);
	return o;
}

static struct tl_obj *json_number(struct world *w, double value)
{
	struct tl_obj *o = tl_new(&w->arena, TL_jsonNumber);

	tl_set_double(o, TL_jsonNumber_value, value);
	return o;
}

static struct tl_obj *app_config(struct world *w, double since)
{
	struct tl_obj *o = tl_new(&w->arena, TL_help_appConfig);
	struct tl_obj *json = tl_new(&w->arena, TL_jsonObject);
	struct tl_obj *url = tl_new(&w->arena, TL_jsonString);

	tl_set_str(url, TL_jsonString_value, "https://t.me/spambot");
	tl_set_vector(&w->arena, json, TL_jsonObject_value, since ? 3 : 0);
	if (since) {
		tl_put_obj(json, TL_jsonObject_value, 0,
			   json_pair(w, "freeze_since_date",
				     json_number(w, since)));
		tl_put_obj(json, TL_jsonObject_value, 1,
			   json_pair(w, "freeze_until_date",
				     json_number(w, since + 9)));
		tl_put_obj(json, TL_jsonObject_value, 2,
			   json_pair(w, "freeze_appeal_url", url));
	}
	tl_set_int(o, TL_help_appConfig_hash, 1);
	tl_set_child(o, TL_help_appConfig_config, json);
	return o;
}

static void test_state_frozen_by_configuration(void)
{
	struct tg_status t;
	struct world w;

	CHECK(make_ready(&w));
	CHECK(run(&w, app_config_asked));
	CHECK(answer(&w, TL_help_getAppConfig, app_config(&w, 1700000000)));
	tg_account_status(w.account, &t);
	CHECK_INT(t.state, TG_STATE_FROZEN);
	CHECK(t.logged_in);
	CHECK_INT(t.frozen_since, 1700000000);
	CHECK_INT(t.frozen_until, 1700000009);
	CHECK_STR(t.appeal_url, "https://t.me/spambot");
	CHECK_INT(w.frozen_n, 1);
	CHECK_INT(w.frozen_since, 1700000000);
	CHECK_INT(w.lost, 0);
	/* Asked again an hour later: thawed. */
	CHECK(!asked(&w, TL_help_getAppConfig));
	w.account->app_config_at = clock_now();
	account_wake(w.account);
	CHECK(run(&w, app_config_asked));
	CHECK(answer(&w, TL_help_getAppConfig, app_config(&w, 0)));
	CHECK(is_ready(&w));
	CHECK_INT(w.frozen_n, 2);
	CHECK_INT(w.frozen_since, 0);
	world_close(&w);
}

static void test_state_frozen_by_refusal(void)
{
	struct world w;

	CHECK(make_ready(&w));
	CHECK(run(&w, app_config_asked));
	CHECK(answer(&w, TL_help_getAppConfig, app_config(&w, 0)));
	CHECK(is_ready(&w));
	CHECK_INT(tg_account_query(w.account, any_query(&w), 0, on_answer, &w),
		  0);
	CHECK(refuse(&w, TL_help_getNearestDc, 420, "FROZEN_METHOD_INVALID"));
	CHECK_STR(w.text, "FROZEN_METHOD_INVALID");
	CHECK_INT(tg_account_state(w.account), TG_STATE_FROZEN);
	CHECK_INT(w.frozen_n, 1);
	CHECK(w.frozen_since > 1700000000);
	/* The dates are asked for; an answer without them thaws nothing
	 * within the hour. */
	CHECK(run(&w, app_config_asked));
	CHECK(answer(&w, TL_help_getAppConfig, app_config(&w, 0)));
	CHECK_INT(tg_account_state(w.account), TG_STATE_FROZEN);
	/* Nor does a date out of range count as one. */
	w.account->app_config_at = clock_now();
	account_wake(w.account);
	CHECK(run(&w, app_config_asked));
	CHECK(answer(&w, TL_help_getAppConfig, app_config(&w, 1e300)));
	CHECK_INT(tg_account_state(w.account), TG_STATE_FROZEN);
	CHECK_INT(w.frozen_n, 1);
	world_close(&w);
}

/* -- connections ---------------------------------------------------------- */

static bool refused_twice(struct world *w)
{
	return w->account->reason[0] && w->state_n >= 2;
}

static void test_state_offline_while_it_tries(void)
{
	struct world w;

	world_open(&w, false);
	for (int i = 0; i < 2; i++)
		w.dcs[i].port = 1;
	reopen(&w);
	CHECK(run(&w, refused_twice));
	CHECK_INT(tg_account_state(w.account), TG_STATE_OFFLINE);
	/* connecting, offline; no more to and fro at each attempt. */
	CHECK_INT(w.state_n, 2);
	world_close(&w);
}

int main(void)
{
	if (libre_init())
		return 1;
	RUN(test_state_names_are_distinct);
	RUN(test_state_of_errors);
	RUN(test_state_revoked);
	RUN(test_state_expired);
	RUN(test_state_key_unregistered);
	RUN(test_state_deactivated);
	RUN(test_state_banned);
	RUN(test_state_duplicated);
	RUN(test_state_application_refused);
	RUN(test_state_application_refused_at_login);
	RUN(test_state_login_refusals_are_no_state);
	RUN(test_state_dead_is_remembered);
	RUN(test_state_key_file_wrong);
	RUN(test_state_frozen_by_configuration);
	RUN(test_state_frozen_by_refusal);
	RUN(test_state_offline_while_it_tries);
	libre_close();
	return check_done();
}
