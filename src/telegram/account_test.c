/* A whole account over a real TCP connection to a listener of this process,
 * with a stand-in for the MTProto engine (account_world.h).
 */
#include <errno.h>

#include "telegram/account_world.h"
#include "tests/check.h"

/* -- tests ---------------------------------------------------------------- */

static void test_account_greets_and_stays_unauthorised(void)
{
	struct world w;

	world_open(&w, false);
	CHECK_INT(tg_account_state(w.account), TG_STATE_OFFLINE);
	CHECK(run(&w, config_asked));
	CHECK_INT(tg_account_state(w.account), TG_STATE_CONNECTING);
	CHECK_INT(w.kept_dc, 1);
	CHECK_STR(engine->conf.identity.device_model, "Gramline");
	CHECK_STR(engine->conf.identity.lang_code, "en");
	CHECK_INT(engine->conf.identity.api_id, 17);
	CHECK_INT(engine->conf.dc_wire, 1);
	CHECK(answer(&w, TL_help_getConfig, config(&w)));
	CHECK_INT(tg_account_state(w.account), TG_STATE_WAITING_FOR_LOGIN);
	CHECK_INT(w.account->phone.receive_timeout, 7 * USEC_S);
	CHECK_INT(w.account->phone.ring_timeout, 33 * USEC_S);
	/* The new address is known, should we be sent there. */
	CHECK_INT(w.account->dcs_n, 3);
	CHECK(!asked(&w, TL_updates_getState));
	CHECK(!asked(&w, TL_users_getUsers));
	world_close(&w);
}

static void test_account_logs_in_over_another_dc(void)
{
	struct world w;
	struct tl_obj *q;

	world_open(&w, false);
	CHECK_INT(tg_login_sign_in(w.account, "1", on_login, &w), -EINVAL);
	CHECK_INT(tg_login_send_code(w.account, "999001", on_code, &w), 0);
	CHECK(run(&w, code_asked));
	q = asked(&w, TL_auth_sendCode);
	CHECK(bytes_equal(tl_bytes(q, TL_auth_sendCode_phone_number),
			  bytes_str("999001")));
	CHECK_INT(tl_int(q, TL_auth_sendCode_api_id), 17);
	CHECK(bytes_equal(tl_bytes(q, TL_auth_sendCode_api_hash),
			  bytes_str("abcdef")));
	CHECK(refuse(&w, TL_auth_sendCode, 303, "PHONE_MIGRATE_2"));
	CHECK_INT(w.code_n, 0);
	CHECK(run(&w, accepted_twice));
	CHECK(run(&w, code_asked));
	CHECK_INT(engines, 2);
	CHECK_INT(engine->conf.dc_wire, 2);
	CHECK_INT(w.kept_dc, 2);
	CHECK(answer(&w, TL_auth_sendCode, sent_code(&w)));
	CHECK_INT(w.code_n, 1);
	CHECK_INT(w.code, 0);
	CHECK_STR(w.sent.how, "app");
	CHECK_INT(w.sent.length, 5);
	CHECK_INT(w.sent.timeout_s, 60);
	CHECK_INT(tg_login_sign_in(w.account, "00000", on_login, &w), 0);
	CHECK(refuse(&w, TL_auth_signIn, 400, "PHONE_CODE_INVALID"));
	CHECK_STR(w.text, "PHONE_CODE_INVALID");
	CHECK_INT(tg_login_sign_in(w.account, "12345", on_login, &w), 0);
	q = asked(&w, TL_auth_signIn);
	CHECK(bytes_equal(tl_bytes(q, TL_auth_signIn_phone_code_hash),
			  bytes_str("h4sh")));
	CHECK(bytes_equal(tl_bytes(q, TL_auth_signIn_phone_code),
			  bytes_str("12345")));
	CHECK(answer(&w, TL_auth_signIn,
		     authorization(&w, user(&w, 111, true))));
	CHECK_INT(w.login_n, 2);
	CHECK_INT(w.code, 0);
	CHECK_INT(w.user.id, 111);
	CHECK_INT(w.selves, 1);
	CHECK(w.self.self);
	CHECK_INT(tg_account_self(w.account)->id, 111);
	CHECK(run(&w, config_asked));
	CHECK(answer(&w, TL_help_getConfig, config(&w)));
	CHECK(run(&w, state_asked));
	CHECK(!is_ready(&w));
	CHECK(answer(&w, TL_updates_getState, state(&w)));
	CHECK(is_ready(&w));
	CHECK_INT(w.account->updates.pts, 50);
	CHECK_INT(w.lost, 0);
	world_close(&w);
}

static void test_account_refuses_sign_up(void)
{
	struct world w;

	world_open(&w, false);
	CHECK_INT(tg_login_send_code(w.account, "999001", on_code, &w), 0);
	CHECK(run(&w, code_asked));
	CHECK(answer(&w, TL_auth_sendCode, sent_code(&w)));
	CHECK_INT(tg_login_sign_in(w.account, "12345", on_login, &w), 0);
	CHECK(answer(&w, TL_auth_signIn,
		     tl_new(&w.arena, TL_auth_authorizationSignUpRequired)));
	CHECK_INT(w.code, 400);
	CHECK_STR(w.text, "PHONE_NUMBER_UNOCCUPIED");
	CHECK_INT(w.selves, 0);
	world_close(&w);
}

static void test_account_password_needed_is_no_death(void)
{
	struct world w;

	world_open(&w, false);
	CHECK_INT(tg_login_send_code(w.account, "999001", on_code, &w), 0);
	CHECK(run(&w, code_asked));
	CHECK(answer(&w, TL_auth_sendCode, sent_code(&w)));
	CHECK_INT(tg_login_sign_in(w.account, "12345", on_login, &w), 0);
	CHECK(refuse(&w, TL_auth_signIn, 401, "SESSION_PASSWORD_NEEDED"));
	CHECK_INT(w.code, 401);
	CHECK_STR(w.text, "SESSION_PASSWORD_NEEDED");
	CHECK_INT(w.lost, 0);
	world_close(&w);
}

static void test_account_resumes(void)
{
	struct world w;

	CHECK(make_ready(&w));
	CHECK_INT(w.account->updates.date, 1300);
	CHECK_INT(tg_account_self(w.account)->id, 111);
	CHECK_INT(w.auths, 0);
	world_close(&w);
}

static void test_account_reconnects_and_asks_difference(void)
{
	struct world w;

	CHECK(make_ready(&w));
	CHECK_INT(tg_account_query(w.account, any_query(&w), 0, on_answer, &w),
		  0);
	w.listener.conn = mem_deref(w.listener.conn);
	CHECK(run(&w, is_offline));
	CHECK(tg_account_reason(w.account)[0]);
	CHECK(run(&w, reconnected));
	CHECK(is_ready(&w));
	CHECK(run(&w, difference_asked));
	/* The same engine: it repeats what was not answered. */
	CHECK_INT(engines, 1);
	CHECK(asked(&w, TL_help_getNearestDc));
	CHECK_INT(w.answer_n, 0);
	world_close(&w);
	/* Answered exactly once, when the account was freed. */
	CHECK_INT(w.answer_n, 1);
	CHECK_STR(w.text, "CLOSED");
}

static void test_account_walks_round_addresses(void)
{
	struct world w;

	world_open(&w, false);
	tg_account_free(&w.account);
	/* A port nobody listens on comes first. */
	w.dcs[1] = w.dcs[0];
	w.dcs[0].port = 1;
	CHECK_INT(tg_account_new(&w.account, &w.conf), 0);
	CHECK_INT(tg_account_start(w.account), 0);
	CHECK(run(&w, config_asked));
	world_close(&w);
}

static void test_account_survives_other_errors(void)
{
	struct world w;

	CHECK(make_ready(&w));
	CHECK_INT(tg_account_query(w.account, any_query(&w), 0, on_answer, &w),
		  0);
	CHECK(refuse(&w, TL_help_getNearestDc, 406,
		     "CALL_PROTOCOL_COMPAT_LAYER_INVALID"));
	CHECK_STR(w.text, "CALL_PROTOCOL_COMPAT_LAYER_INVALID");
	CHECK_INT(tg_account_query(w.account, any_query(&w), 0, on_answer, &w),
		  0);
	/* Flood waits go to the caller at once. */
	CHECK(refuse(&w, TL_help_getNearestDc, 420, "FLOOD_WAIT_77"));
	CHECK_INT(w.code, 420);
	CHECK_STR(w.text, "FLOOD_WAIT_77");
	CHECK(is_ready(&w));
	CHECK_INT(w.lost, 0);
	world_close(&w);
}

static void test_account_unknown_key_is_made_anew(void)
{
	struct world w;

	world_open(&w, false);
	CHECK(run(&w, config_asked));
	fake_event(MTP_EVENT_KEY_UNKNOWN, "-404");
	CHECK(run(&w, accepted_twice));
	CHECK(run(&w, config_asked));
	CHECK_INT(engines, 2);
	CHECK_INT(w.auths, 2);
	CHECK_INT(w.lost, 0);
	world_close(&w);
}

static bool ready_again(struct world *w)
{
	return engine && engine->ready && connects > w->answer_n;
}

static void test_account_unknown_key_of_a_log_in_is_insisted_on(void)
{
	struct world w;

	CHECK(make_ready(&w));
	for (unsigned i = 0; i < 3; i++) {
		w.answer_n = connects;
		fake_event(MTP_EVENT_KEY_UNKNOWN, "-404");
		CHECK(run(&w, ready_again));
		CHECK_INT(w.lost, 0);
	}
	fake_event(MTP_EVENT_KEY_UNKNOWN, "-404");
	CHECK(run(&w, is_dead));
	CHECK_STR(w.lost_reason, "AUTH_KEY_UNKNOWN");
	world_close(&w);
}

static bool no_engine(struct world *w)
{
	return !engine;
}

static void test_account_logs_out(void)
{
	struct world w;

	CHECK(make_ready(&w));
	CHECK_INT(tg_log_out(w.account, on_login, &w), 0);
	CHECK(answer(&w, TL_auth_logOut, tl_new(&w.arena, TL_auth_loggedOut)));
	CHECK_INT(w.login_n, 1);
	CHECK_INT(w.code, 0);
	CHECK(run(&w, is_dead));
	CHECK_STR(w.lost_reason, "LOGGED_OUT");
	/* "Then destroy the key", over the connection there is. */
	CHECK(engine && engine->destroyed);
	fake_event(MTP_EVENT_KEY_DESTROYED, NULL);
	CHECK(run(&w, no_engine));
	/* A new log-in begins with a new key. */
	CHECK_INT(tg_login_send_code(w.account, "999001", on_code, &w), 0);
	CHECK(run(&w, code_asked));
	CHECK_INT(engines, 2);
	CHECK(!engine->destroyed);
	world_close(&w);
}

/* Logged out, and in again at once: both connections are up for a while. */
static void test_account_logs_in_while_the_old_key_is_destroyed(void)
{
	struct world w;

	CHECK(make_ready(&w));
	CHECK_INT(tg_account_query(w.account, any_query(&w), 0, on_answer, &w),
		  0);
	CHECK_INT(tg_log_out(w.account, on_login, &w), 0);
	CHECK(answer(&w, TL_auth_logOut, tl_new(&w.arena, TL_auth_loggedOut)));
	CHECK(run(&w, is_dead));
	CHECK_INT(w.answer_n, 1);
	CHECK_STR(w.text, "LOGGED_OUT");
	CHECK_INT(tg_login_send_code(w.account, "999001", on_code, &w), 0);
	CHECK(run(&w, code_asked));
	CHECK_INT(engines, 2);
	CHECK(w.account->parting);
	world_close(&w);
}

static void test_account_nowhere_to_migrate(void)
{
	struct world w;

	world_open(&w, false);
	CHECK_INT(tg_login_send_code(w.account, "999001", on_code, &w), 0);
	CHECK(run(&w, code_asked));
	CHECK(refuse(&w, TL_auth_sendCode, 303, "PHONE_MIGRATE_4"));
	CHECK_INT(tg_account_query(w.account, any_query(&w), 0, on_answer, &w),
		  0);
	/* What tells the addresses is waited for. */
	CHECK(run(&w, config_asked));
	CHECK(!asked(&w, TL_help_getNearestDc));
	CHECK_INT(w.code_n, 0);
	CHECK(answer(&w, TL_help_getConfig, config(&w)));
	CHECK(run(&w, answered));
	CHECK_INT(w.code_n, 1);
	CHECK_INT(w.code, 303);
	CHECK_INT(tg_account_query(w.account, any_query(&w), 0, on_answer, &w),
		  -ENOTCONN);
	/* The next attempt begins where the first one did. */
	CHECK_INT(tg_login_send_code(w.account, "999001", on_code, &w), 0);
	CHECK(run(&w, code_asked));
	CHECK_INT(engine->conf.dc_wire, 1);
	world_close(&w);
}

static bool at_five(struct world *w)
{
	return look_at(5);
}

static void test_account_migrates_to_an_address_just_told(void)
{
	struct world w;

	world_open(&w, false);
	CHECK_INT(tg_login_send_code(w.account, "999001", on_code, &w), 0);
	CHECK(run(&w, code_asked));
	CHECK(refuse(&w, TL_auth_sendCode, 303, "PHONE_MIGRATE_5"));
	CHECK(run(&w, config_asked));
	CHECK(!look_at(5));
	CHECK(answer(&w, TL_help_getConfig, config(&w)));
	CHECK(run(&w, at_five));
	CHECK(code_asked(&w));
	CHECK_INT(w.code_n, 0);
	CHECK_INT(w.told_n, 1);
	CHECK_STR(w.told[0].host, "127.0.0.9");
	CHECK_INT(w.told[0].id, 5);
	world_close(&w);
}

/* Addresses kept from before are known without asking; those of Telegram's
 * test data centres are not ours. */
static void test_account_knows_what_was_told_before(void)
{
	struct tg_dc learnt[] = {{7, "192.0.2.7", 443},
				 {8, "192.0.2.8", 443, .test = true}};
	struct tg_account *a = NULL;
	struct tg_account_conf conf;
	struct world w;

	world_open(&w, false);
	conf = w.conf;
	conf.learnt = learnt;
	conf.learnt_n = 2;
	CHECK_INT(tg_account_new(&a, &conf), 0);
	CHECK(account_has_address(a, 7));
	CHECK(!account_has_address(a, 8));
	tg_account_free(&a);
	world_close(&w);
}

/* -- calls and output ----------------------------------------------------- */

static void on_ended(const struct tg_call_end *end, void *arg)
{
	struct world *w = arg;

	w->answer_n++;
	w->code = end->error_code;
}

static void test_account_pings_faster_during_calls(void)
{
	static const char *const versions[] = {"13.0.0", NULL};
	static const struct tg_call_handlers handlers = {.ended = on_ended};
	struct tg_user to = {.id = 5, .access_hash = 6};
	struct tg_call *call = NULL;
	struct world w;

	CHECK(make_ready(&w));
	CHECK_INT(
		tg_call_request(&call, w.account, &to, versions, &handlers, &w),
		0);
	CHECK(engine->ping >= 5 * USEC_S && engine->ping <= 10 * USEC_S);
	CHECK(refuse(&w, TL_messages_getDhConfig, 400, "INTERNAL"));
	CHECK_INT(w.answer_n, 1);
	CHECK(engine->ping >= 20 * USEC_S && engine->ping <= 30 * USEC_S);
	tg_call_unref(&call);
	world_close(&w);
}

#define LOTS (8 * 1024 * 1024)

static bool all_received(struct world *w)
{
	return w->listener.received >= LOTS + 5;
}

static void test_connection_flushes_with_backpressure(void)
{
	struct world w;

	CHECK(make_ready(&w));
	buf_fill(&engine->out, 'x', LOTS);
	/* Any call into the connection flushes. */
	CHECK_INT(tg_account_query(w.account, any_query(&w), 0, on_answer, &w),
		  0);
	CHECK(engine->out.n > 0);
	CHECK(run(&w, all_received));
	CHECK_INT(w.listener.received, LOTS + 5);
	CHECK_INT(engine->out.n, 0);
	CHECK(is_ready(&w));
	world_close(&w);
}

static void test_connection_drops_broken_input(void)
{
	struct world w;
	struct mbuf *mb;

	CHECK(make_ready(&w));
	mb = mbuf_alloc(1);
	CHECK(mb != NULL);
	mbuf_write_u8(mb, '!');
	mb->pos = 0;
	CHECK_INT(tcp_send(w.listener.conn, mb), 0);
	mem_deref(mb);
	CHECK(run(&w, is_offline));
	CHECK_STR(tg_account_reason(w.account), "protocol error");
	CHECK(run(&w, is_ready));
	world_close(&w);
}

int main(void)
{
	if (libre_init())
		return 1;
	RUN(test_account_greets_and_stays_unauthorised);
	RUN(test_account_logs_in_over_another_dc);
	RUN(test_account_refuses_sign_up);
	RUN(test_account_password_needed_is_no_death);
	RUN(test_account_resumes);
	RUN(test_account_reconnects_and_asks_difference);
	RUN(test_account_walks_round_addresses);
	RUN(test_account_survives_other_errors);
	RUN(test_account_unknown_key_is_made_anew);
	RUN(test_account_unknown_key_of_a_log_in_is_insisted_on);
	RUN(test_account_logs_out);
	RUN(test_account_logs_in_while_the_old_key_is_destroyed);
	RUN(test_account_nowhere_to_migrate);
	RUN(test_account_migrates_to_an_address_just_told);
	RUN(test_account_knows_what_was_told_before);
	RUN(test_account_pings_faster_during_calls);
	RUN(test_connection_flushes_with_backpressure);
	RUN(test_connection_drops_broken_input);
	libre_close();
	return check_done();
}
