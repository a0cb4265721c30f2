#include "sim/world_test.h"

static struct fixture x;

static void test_sim_login_by_code(void)
{
	struct bytes hash;

	fixture_open(&x);
	fake_send_code(&x.a, "+999 000 0001");
	CHECK(tl_is(x.a.answer, TL_auth_sentCode));
	hash = tl_bytes(x.a.answer, TL_auth_sentCode_phone_code_hash);
	CHECK_INT(strlen(x.w->codes->code), 5);
	fake_sign_in(&x.a, "9990000001", hash, "");
	CHECK_STR(x.a.text, "PHONE_CODE_EMPTY");
	fake_sign_in(&x.a, "9990000001", hash, "x");
	CHECK_STR(x.a.text, "PHONE_CODE_INVALID");
	fake_sign_in(&x.a, "9990000001", bytes_str("other"), "x");
	CHECK_STR(x.a.text, "PHONE_CODE_EXPIRED");
	fake_sign_in(&x.a, "9990000001", hash, x.w->codes->code);
	CHECK(tl_is(x.a.answer, TL_auth_authorization));
	CHECK_INT(tl_long(tl_child(x.a.answer, TL_auth_authorization_user),
			  TL_user_id),
		  1);
	fake_sign_in(&x.a, "9990000001", hash, "12345");
	CHECK_STR(x.a.text, "PHONE_CODE_EXPIRED");
	fixture_close(&x);
}

static void test_sim_login_errors(void)
{
	struct tl_obj *q;
	struct bytes hash;

	fixture_open(&x);
	fake_send_code(&x.a, "12ab");
	CHECK_STR(x.a.text, "PHONE_NUMBER_INVALID");
	q = fake_new(&x.a, TL_auth_sendCode);
	tl_set_str(q, TL_auth_sendCode_phone_number, "9990000001");
	tl_set_int(q, TL_auth_sendCode_api_id, 17);
	tl_set_str(q, TL_auth_sendCode_api_hash, "dead");
	tl_set_child(q, TL_auth_sendCode_settings,
		     fake_new(&x.a, TL_codeSettings));
	fake_ask(&x.a, q);
	CHECK_STR(x.a.text, "API_ID_INVALID");
	CHECK_INT(x.a.code, 400);
	CHECK_INT(sim_world_refused_count(x.w, "api-id"), 1);
	/* A fixed code; nobody has this number: sign-up is asked for. */
	fake_send_code(&x.a, "9990000077");
	hash = tl_bytes(x.a.answer, TL_auth_sentCode_phone_code_hash);
	fake_sign_in(&x.a, "9990000077", hash, x.w->codes->code);
	CHECK(tl_is(x.a.answer, TL_auth_authorizationSignUpRequired));
	fake_send_code(&x.b, "9990000002");
	hash = tl_bytes(x.b.answer, TL_auth_sentCode_phone_code_hash);
	fixture_pass(&x, 301000);
	fake_sign_in(&x.b, "9990000002", hash, "12345");
	CHECK_STR(x.b.text, "PHONE_CODE_EXPIRED");
	sim_world_account(x.w, 2)->dc = 4;
	fake_send_code(&x.b, "9990000002");
	CHECK_INT(x.b.code, 303);
	CHECK_STR(x.b.text, "PHONE_MIGRATE_4");
	fixture_close(&x);
}

static void test_sim_query_refusals(void)
{
	uint8_t bad[8] = {0xef, 0xbe, 0xad, 0xde};
	struct tl_obj *q;
	struct buf b;

	fixture_open(&x);
	buf_init(&b);
	tl_write(&b, fake_new(&x.a, TL_help_getNearestDc));
	fake_raw(&x.a, 0, buf_bytes(&b));
	CHECK_STR(x.a.text, "CONNECTION_NOT_INITED");
	fake_raw(&x.a, TL_LAYER + 1, buf_bytes(&b));
	CHECK_STR(x.a.text, "CONNECTION_LAYER_INVALID");
	fake_raw(&x.a, 99, buf_bytes(&b));
	CHECK_STR(x.a.text, "CONNECTION_LAYER_INVALID");
	buf_le32(&b, 0);
	fake_raw(&x.a, TL_LAYER, buf_bytes(&b));
	CHECK_STR(x.a.text, "INPUT_FETCH_FAIL");
	fake_raw(&x.a, TL_LAYER, bytes_of(bad, sizeof(bad)));
	CHECK_STR(x.a.text, "INPUT_METHOD_INVALID_3735928559_0");
	buf_reset(&b);
	q = fake_new(&x.a, TL_contacts_resolvePhone);
	tl_set_str(q, TL_contacts_resolvePhone_phone, "9990000002");
	tl_write(&b, q);
	fake_raw(&x.a, TL_LAYER, bytes_of(b.p, b.n - 4));
	CHECK_STR(x.a.text, "INPUT_FETCH_ERROR");
	buf_clear(&b);
	/* 401 only for what needs a log-in; unknown methods never. */
	fake_ask(&x.a, q);
	CHECK_INT(x.a.code, 401);
	CHECK_STR(x.a.text, "AUTH_KEY_UNREGISTERED");
	fake_ask(&x.a, fake_new(&x.a, TL_help_getSupport));
	CHECK_INT(x.a.code, 400);
	CHECK_STR(x.a.text, "METHOD_INVALID");
	fixture_close(&x);
}

static void test_sim_config_and_dc(void)
{
	struct tl_obj *q;

	fixture_open(&x);
	x.w->dc_ports[0] = 4242;
	fake_ask(&x.a, fake_new(&x.a, TL_help_getConfig));
	CHECK(tl_is(x.a.answer, TL_config));
	CHECK_INT(tl_int(x.a.answer, TL_config_this_dc), 2);
	CHECK_INT(tl_int(x.a.answer, TL_config_call_ring_timeout_ms), 90000);
	CHECK_INT(tl_int(tl_item(x.a.answer, TL_config_dc_options, 0),
			 TL_dcOption_port),
		  4242);
	fake_ask(&x.a, fake_new(&x.a, TL_help_getNearestDc));
	CHECK(tl_is(x.a.answer, TL_nearestDc));
	q = fake_new(&x.a, TL_help_getAppConfig);
	tl_set_int(q, TL_help_getAppConfig_hash, 0);
	fake_ask(&x.a, q);
	CHECK(tl_is(x.a.answer, TL_help_appConfig));
	fixture_close(&x);
}

static void test_sim_users_resolve(void)
{
	struct tl_obj *q;

	fixture_open(&x);
	CHECK(fake_login(&x.a, "9990000001"));
	q = fake_new(&x.a, TL_contacts_resolvePhone);
	tl_set_str(q, TL_contacts_resolvePhone_phone, "+9990000002");
	fake_ask(&x.a, q);
	CHECK(tl_is(x.a.answer, TL_contacts_resolvedPeer));
	CHECK_INT(
		tl_long(tl_item(x.a.answer, TL_contacts_resolvedPeer_users, 0),
			TL_user_access_hash),
		sim_world_access_hash(x.w, 1, 2));
	sim_world_account(x.w, 2)->privacy[SIM_PRIVACY_PHONE] =
		SIM_AUDIENCE_NOBODY;
	fake_ask(&x.a, q);
	CHECK_STR(x.a.text, "PHONE_NOT_OCCUPIED");
	q = fake_new(&x.a, TL_contacts_resolveUsername);
	tl_set_str(q, TL_contacts_resolveUsername_username, "BORIS");
	fake_ask(&x.a, q);
	CHECK(tl_is(x.a.answer, TL_contacts_resolvedPeer));
	CHECK(!tl_has(tl_item(x.a.answer, TL_contacts_resolvedPeer_users, 0),
		      TL_user_phone));
	tl_set_str(q, TL_contacts_resolveUsername_username, "nobody");
	fake_ask(&x.a, q);
	CHECK_STR(x.a.text, "USERNAME_NOT_OCCUPIED");
	tl_set_str(q, TL_contacts_resolveUsername_username, "a b");
	fake_ask(&x.a, q);
	CHECK_STR(x.a.text, "USERNAME_INVALID");
	fixture_close(&x);
}

static void test_sim_contacts_kept(void)
{
	struct tl_obj *q, *in;

	fixture_open(&x);
	CHECK(fake_login(&x.a, "9990000001"));
	q = fake_new(&x.a, TL_contacts_importContacts);
	in = fake_new(&x.a, TL_inputPhoneContact);
	tl_set_long(in, TL_inputPhoneContact_client_id, 9);
	tl_set_str(in, TL_inputPhoneContact_phone, "+9990000003");
	tl_set_str(in, TL_inputPhoneContact_first_name, "C");
	tl_set_str(in, TL_inputPhoneContact_last_name, "");
	tl_set_vector(&x.a.arena, q, TL_contacts_importContacts_contacts, 1);
	tl_put_obj(q, TL_contacts_importContacts_contacts, 0, in);
	fake_ask(&x.a, q);
	CHECK_INT(tl_count(x.a.answer, TL_contacts_importedContacts_imported),
		  1);
	fixture_restart(&x);
	q = fake_new(&x.a, TL_contacts_getContacts);
	tl_set_long(q, TL_contacts_getContacts_hash, 0);
	fake_ask(&x.a, q);
	CHECK_INT(tl_count(x.a.answer, TL_contacts_contacts_contacts), 1);
	q = fake_new(&x.a, TL_contacts_deleteContacts);
	tl_set_vector(&x.a.arena, q, TL_contacts_deleteContacts_id, 1);
	tl_put_obj(q, TL_contacts_deleteContacts_id, 0, fake_user(&x.a, 1, 3));
	fake_ask(&x.a, q);
	CHECK(tl_is(x.a.answer, TL_updates));
	CHECK_INT(sim_world_account(x.w, 1)->contact_count, 0);
	fixture_close(&x);
}

static void ask_send(struct fake *f, int64_t viewer, int64_t to,
		     const char *text, int64_t random_id)
{
	struct tl_obj *q = fake_new(f, TL_messages_sendMessage);

	tl_set_child(q, TL_messages_sendMessage_peer, fake_peer(f, viewer, to));
	tl_set_str(q, TL_messages_sendMessage_message, text);
	tl_set_long(q, TL_messages_sendMessage_random_id, random_id);
	fake_ask(f, q);
}

static void test_sim_text_reaches_every_device(void)
{
	struct tl_obj *u;

	fixture_open(&x);
	CHECK(fake_login(&x.a, "9990000001"));
	CHECK(fake_login(&x.b, "9990000002"));
	CHECK(fake_login(&x.c, "9990000002"));
	ask_send(&x.a, 1, 2, "Hello", 5);
	CHECK(tl_is(x.a.answer, TL_updates));
	u = tl_item(x.a.answer, TL_updates_updates, 0);
	CHECK_INT(tl_long(u, TL_updateMessageID_random_id), 5);
	CHECK_INT(x.a.pushes, 0);
	CHECK_INT(x.b.pushes, 1);
	CHECK_INT(x.c.pushes, 1);
	u = fake_update(&x.b, 0);
	CHECK(tl_is(u, TL_updateNewMessage));
	CHECK_INT(tl_int(u, TL_updateNewMessage_pts), 2);
	CHECK(bytes_equal(tl_bytes(tl_child(u, TL_updateNewMessage_message),
				   TL_message_message),
			  bytes_str("Hello")));
	ask_send(&x.a, 1, 2, "Hello", 5);
	CHECK_STR(x.a.text, "RANDOM_ID_DUPLICATE");
	ask_send(&x.a, 1, 2, "", 6);
	CHECK_STR(x.a.text, "MESSAGE_EMPTY");
	ask_send(&x.a, 2, 2, "x", 7); /* an access hash of somebody else */
	CHECK_STR(x.a.text, "PEER_ID_INVALID");
	/* The sender's other device sees what he sent. */
	ask_send(&x.b, 2, 1, "Back", 8);
	CHECK_INT(x.c.pushes, 2);
	CHECK_INT(x.a.pushes, 1);
	fixture_close(&x);
}

static void test_sim_update_missed_is_told_on_resume(void)
{
	fixture_open(&x);
	CHECK(fake_login(&x.a, "9990000001"));
	CHECK(fake_login(&x.b, "9990000002"));
	sim_world_session_remove(x.w, &x.b.s);
	ask_send(&x.a, 1, 2, "Hello", 5);
	CHECK_INT(x.b.pushes, 0);
	x.b.s.wants_updates = false;
	sim_world_session_add(x.w, &x.b.s);
	fake_ask(&x.b, fake_new(&x.b, TL_updates_getState));
	CHECK_INT(x.b.pushes, 1);
	CHECK(tl_is(x.b.pushed[0], TL_updatesTooLong));
	/* Once told is enough. */
	x.b.s.wants_updates = false;
	fake_ask(&x.b, fake_new(&x.b, TL_updates_getState));
	CHECK_INT(x.b.pushes, 1);
	fixture_close(&x);
}

static void ask_difference(struct fake *f, int32_t pts)
{
	struct tl_obj *q = fake_new(f, TL_updates_getDifference);

	tl_set_int(q, TL_updates_getDifference_pts, pts);
	tl_set_int(q, TL_updates_getDifference_date, 1);
	tl_set_int(q, TL_updates_getDifference_qts, 0);
	fake_ask(f, q);
}

static void test_sim_difference_after_restart(void)
{
	struct tl_obj *q;

	fixture_open(&x);
	CHECK(fake_login(&x.a, "9990000001"));
	CHECK(fake_login(&x.b, "9990000002"));
	for (int i = 0; i < 105; i++)
		ask_send(&x.a, 1, 2, "again", 1000 + i);
	fixture_restart(&x);
	ask_difference(&x.b, 0);
	CHECK(tl_is(x.b.answer, TL_updates_differenceSlice));
	CHECK_INT(
		tl_int(tl_child(x.b.answer,
				TL_updates_differenceSlice_intermediate_state),
		       TL_updates_state_pts),
		101);
	ask_difference(&x.b, 101);
	CHECK(tl_is(x.b.answer, TL_updates_difference));
	CHECK_INT(tl_count(x.b.answer, TL_updates_difference_new_messages), 5);
	ask_difference(&x.b, 106);
	CHECK(tl_is(x.b.answer, TL_updates_differenceEmpty));
	q = fake_new(&x.b, TL_messages_readHistory);
	tl_set_child(q, TL_messages_readHistory_peer, fake_peer(&x.b, 2, 1));
	tl_set_int(q, TL_messages_readHistory_max_id, 104);
	fake_ask(&x.b, q);
	CHECK_INT(tl_int(x.b.answer, TL_messages_affectedMessages_pts), 107);
	CHECK_INT(sim_account_unread(sim_world_account(x.w, 2), 1), 1);
	fixture_close(&x);
}

static void test_sim_history_and_dialogs(void)
{
	struct tl_obj *q, *in;

	fixture_open(&x);
	CHECK(fake_login(&x.a, "9990000001"));
	for (int i = 0; i < 5; i++)
		ask_send(&x.a, 1, 2, "m", 10 + i);
	q = fake_new(&x.a, TL_messages_getHistory);
	tl_set_child(q, TL_messages_getHistory_peer, fake_peer(&x.a, 1, 2));
	tl_set_int(q, TL_messages_getHistory_offset_id, 5);
	tl_set_int(q, TL_messages_getHistory_offset_date, 0);
	tl_set_int(q, TL_messages_getHistory_add_offset, 0);
	tl_set_int(q, TL_messages_getHistory_limit, 2);
	tl_set_int(q, TL_messages_getHistory_max_id, 0);
	tl_set_int(q, TL_messages_getHistory_min_id, 0);
	tl_set_long(q, TL_messages_getHistory_hash, 0);
	fake_ask(&x.a, q);
	CHECK_INT(tl_count(x.a.answer, TL_messages_messages_messages), 2);
	CHECK_INT(tl_int(tl_item(x.a.answer, TL_messages_messages_messages, 0),
			 TL_message_id),
		  4);
	q = fake_new(&x.a, TL_messages_getPeerDialogs);
	in = fake_new(&x.a, TL_inputDialogPeer);
	tl_set_child(in, TL_inputDialogPeer_peer, fake_peer(&x.a, 1, 3));
	tl_set_vector(&x.a.arena, q, TL_messages_getPeerDialogs_peers, 1);
	tl_put_obj(q, TL_messages_getPeerDialogs_peers, 0, in);
	fake_ask(&x.a, q);
	CHECK(tl_is(x.a.answer, TL_messages_peerDialogs));
	CHECK_INT(
		tl_int(tl_item(x.a.answer, TL_messages_peerDialogs_dialogs, 0),
		       TL_dialog_top_message),
		0);
	fixture_close(&x);
}

/* A client of layer 228 sends and gets its own ids. */
static void test_sim_answers_in_the_layer_named(void)
{
	struct tl_obj *q;
	struct buf b;

	fixture_open(&x);
	CHECK(fake_login(&x.a, "9990000001"));
	q = fake_new(&x.a, TL_messages_sendMessage);
	tl_set_child(q, TL_messages_sendMessage_peer, fake_peer(&x.a, 1, 2));
	tl_set_str(q, TL_messages_sendMessage_message, "x");
	tl_set_long(q, TL_messages_sendMessage_random_id, 1);
	buf_init(&b);
	CHECK_INT(tl_write(&b, q), 0);
	le32_store(b.p, 0xfef48f62);
	x.a.fn = TL_messages_sendMessage;
	fake_raw(&x.a, TL_LAYER, buf_bytes(&b));
	CHECK_STR(x.a.text, "INPUT_METHOD_INVALID_4277440354_0");
	fake_raw(&x.a, 228, buf_bytes(&b));
	CHECK_INT(x.a.code, 0);
	CHECK_INT(sim_world_account(x.w, 1)->message_count, 1);
	/* The answer holds a message of 228: our schema cannot read it. */
	CHECK(!x.a.answer);
	buf_clear(&b);
	fixture_close(&x);
}

static void test_sim_log_out(void)
{
	fixture_open(&x);
	CHECK(fake_login(&x.a, "9990000001"));
	fixture_restart(&x);
	fake_ask(&x.a, fake_new(&x.a, TL_updates_getState));
	CHECK(tl_is(x.a.answer, TL_updates_state));
	fake_ask(&x.a, fake_new(&x.a, TL_auth_logOut));
	CHECK(tl_is(x.a.answer, TL_auth_loggedOut));
	fake_ask(&x.a, fake_new(&x.a, TL_updates_getState));
	CHECK_STR(x.a.text, "AUTH_KEY_UNREGISTERED");
	fixture_close(&x);
}

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_sim_login_by_code);
	RUN(test_sim_login_errors);
	RUN(test_sim_query_refusals);
	RUN(test_sim_config_and_dc);
	RUN(test_sim_users_resolve);
	RUN(test_sim_contacts_kept);
	RUN(test_sim_text_reaches_every_device);
	RUN(test_sim_update_missed_is_told_on_resume);
	RUN(test_sim_difference_after_restart);
	RUN(test_sim_history_and_dialogs);
	RUN(test_sim_answers_in_the_layer_named);
	RUN(test_sim_log_out);
	return check_done();
}
