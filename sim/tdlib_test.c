/* What TDLib was seen to ask of a server, and the least that satisfied it, in
 * the order of its questions. Its MTProto is in src/mtproto/server*_test.c. */
#include "sim/dh.h"
#include "sim/world_test.h"

static struct fixture x;

static void ask(struct fake *f, enum tl_ctor_no no)
{
	fake_ask(f, fake_new(f, no));
}

static bool is_harmless(const struct fake *f)
{
	return f->answer || f->code == 400;
}

static void open_both(void)
{
	fixture_open(&x);
	fake_login(&x.a, "9990000001");
	fake_login(&x.b, "9990000002");
}

/* "Any 401 AUTH_KEY_UNREGISTERED ends the log-in, also before sign-in and also
 * for a side query such as help.getAppConfig" */
static void test_tdlib_is_never_told_401_before_sign_in(void)
{
	struct tl_obj *q;

	fixture_open(&x);
	ask(&x.a, TL_help_getNearestDc);
	CHECK(tl_is(x.a.answer, TL_nearestDc));
	ask(&x.a, TL_help_getConfig);
	CHECK(tl_is(x.a.answer, TL_config));
	CHECK(tl_int(x.a.answer, TL_config_call_ring_timeout_ms) > 0);
	fake_send_code(&x.a, "9990000001");
	CHECK(tl_is(tl_child(x.a.answer, TL_auth_sentCode_type),
		    TL_auth_sentCodeTypeApp));
	CHECK(tl_bytes(x.a.answer, TL_auth_sentCode_phone_code_hash).n > 0);
	q = fake_new(&x.a, TL_help_getAppConfig);
	tl_set_int(q, TL_help_getAppConfig_hash, 0);
	fake_ask(&x.a, q);
	CHECK(tl_is(tl_child(x.a.answer, TL_help_appConfig_config),
		    TL_jsonObject));
	fixture_close(&x);
}

/* "auth.authorization, user with self, access_hash, first_name, phone"; then
 * updates.getState */
static void test_tdlib_signs_in(void)
{
	const struct tl_obj *user;

	fixture_open(&x);
	CHECK(fake_login(&x.a, "9990000001"));
	user = tl_child(x.a.answer, TL_auth_authorization_user);
	CHECK(tl_has(user, TL_user_self));
	CHECK(tl_has(user, TL_user_access_hash));
	CHECK(bytes_equal(tl_bytes(user, TL_user_first_name),
			  bytes_str("Anna")));
	CHECK(bytes_equal(tl_bytes(user, TL_user_phone),
			  bytes_str("9990000001")));
	ask(&x.a, TL_updates_getState);
	CHECK(tl_is(x.a.answer, TL_updates_state));
	fixture_close(&x);
}

/* "error 400 to every one of them is harmless" */
static void test_tdlib_side_queries_are_harmless(void)
{
	static const enum tl_ctor_no bare[] = {
		TL_contacts_getBirthdays,
		TL_messages_getDialogFilters,
		TL_account_getReactionsNotifySettings,
		TL_help_getPromoData,
		TL_help_getTermsOfServiceUpdate,
		TL_account_getContentSettings,
	};
	static const struct {
		enum tl_ctor_no no;
		int hash;
		bool is_long;
	} hashed[] = {
		{TL_messages_getAvailableReactions,
		 TL_messages_getAvailableReactions_hash, false},
		{TL_messages_getAvailableEffects,
		 TL_messages_getAvailableEffects_hash, false},
		{TL_account_getChatThemes, TL_account_getChatThemes_hash, true},
		{TL_help_getPeerColors, TL_help_getPeerColors_hash, false},
		{TL_messages_getAttachMenuBots,
		 TL_messages_getAttachMenuBots_hash, true},
	};
	static const uint8_t unknown[4] = {0xba, 0xd0, 0xba, 0xd0};

	open_both();
	for (size_t i = 0; i < sizeof(bare) / sizeof(*bare); i++) {
		ask(&x.a, bare[i]);
		CHECK(is_harmless(&x.a));
	}
	for (size_t i = 0; i < sizeof(hashed) / sizeof(*hashed); i++) {
		struct tl_obj *q = fake_new(&x.a, hashed[i].no);

		if (hashed[i].is_long)
			tl_set_long(q, hashed[i].hash, 0);
		else
			tl_set_int(q, hashed[i].hash, 0);
		fake_ask(&x.a, q);
		CHECK(is_harmless(&x.a));
	}
	/* aicompose.getTones and its like: of a layer we have no schema of. */
	fake_raw(&x.a, 229, bytes_of(unknown, sizeof(unknown)));
	CHECK_INT(x.a.code, 400);
	fixture_close(&x);
}

/* "auth.dropTempAuthKeys must be answered boolTrue: an error is repeated every
 * 0.1 s" */
static void test_tdlib_drops_temporary_keys(void)
{
	struct tl_obj *q;

	fixture_open(&x);
	q = fake_new(&x.a, TL_auth_dropTempAuthKeys);
	tl_set_vector(&x.a.arena, q, TL_auth_dropTempAuthKeys_except_auth_keys,
		      0);
	fake_ask(&x.a, q);
	CHECK(tl_is(x.a.answer, TL_boolTrue));
	fixture_close(&x);
}

static void ask_peer_dialogs(struct fake *f, int64_t viewer, int64_t id)
{
	struct tl_obj *q = fake_new(f, TL_messages_getPeerDialogs);
	struct tl_obj *peer = fake_new(f, TL_inputDialogPeer);

	tl_set_child(peer, TL_inputDialogPeer_peer, fake_peer(f, viewer, id));
	tl_set_vector(&f->arena, q, TL_messages_getPeerDialogs_peers, 1);
	tl_put_obj(q, TL_messages_getPeerDialogs_peers, 0, peer);
	fake_ask(f, q);
}

static bool is_resolved(const struct fake *f, int64_t id)
{
	const struct tl_obj *user =
		tl_item(f->answer, TL_contacts_resolvedPeer_users, 0);

	return tl_is(f->answer, TL_contacts_resolvedPeer) &&
	       tl_long(user, TL_user_id) == id &&
	       tl_long(user, TL_user_access_hash);
}

/* "To write to somebody a chat is opened first ... one empty `dialog`" */
static void test_tdlib_finds_users_and_opens_chats(void)
{
	const struct tl_obj *dialog;
	struct tl_obj *q;

	open_both();
	q = fake_new(&x.a, TL_contacts_resolvePhone);
	tl_set_str(q, TL_contacts_resolvePhone_phone, "9990000002");
	fake_ask(&x.a, q);
	CHECK(is_resolved(&x.a, 2));
	q = fake_new(&x.a, TL_contacts_resolveUsername);
	tl_set_str(q, TL_contacts_resolveUsername_username, "boris");
	fake_ask(&x.a, q);
	CHECK(is_resolved(&x.a, 2));
	ask_peer_dialogs(&x.a, 1, 2);
	CHECK(tl_is(x.a.answer, TL_messages_peerDialogs));
	CHECK_INT(tl_count(x.a.answer, TL_messages_peerDialogs_dialogs), 1);
	dialog = tl_item(x.a.answer, TL_messages_peerDialogs_dialogs, 0);
	CHECK_INT(
		tl_long(tl_child(dialog, TL_dialog_peer), TL_peerUser_user_id),
		2);
	CHECK_INT(tl_int(dialog, TL_dialog_top_message), 0);
	q = fake_new(&x.a, TL_contacts_getContacts);
	tl_set_long(q, TL_contacts_getContacts_hash, 0);
	fake_ask(&x.a, q);
	CHECK(tl_is(x.a.answer, TL_contacts_contacts));
	fixture_close(&x);
}

/* "`updates` with updateMessageID(id, random_id) and updateNewMessage(out, pts,
 * pts_count 1). The receiver gets .. updateNewMessage, .. both users." */
static void test_tdlib_writes(void)
{
	const struct tl_obj *id, *message;
	struct tl_obj *q;

	open_both();
	q = fake_new(&x.a, TL_messages_sendMessage);
	tl_set_child(q, TL_messages_sendMessage_peer, fake_peer(&x.a, 1, 2));
	tl_set_str(q, TL_messages_sendMessage_message, "Hello");
	tl_set_long(q, TL_messages_sendMessage_random_id, 5);
	fake_ask(&x.a, q);
	id = tl_item(x.a.answer, TL_updates_updates, 0);
	message = tl_item(x.a.answer, TL_updates_updates, 1);
	CHECK(tl_is(id, TL_updateMessageID));
	CHECK_INT(tl_long(id, TL_updateMessageID_random_id), 5);
	CHECK(tl_is(message, TL_updateNewMessage));
	CHECK_INT(tl_int(message, TL_updateNewMessage_pts_count), 1);
	CHECK(tl_has(tl_child(message, TL_updateNewMessage_message),
		     TL_message_out));
	CHECK_INT(x.b.pushes, 1);
	CHECK(tl_is(fake_update(&x.b, 0), TL_updateNewMessage));
	CHECK_INT(tl_count(x.b.pushed[0], TL_updates_users), 2);
	fixture_close(&x);
}

/* "An error to either of the first two fails the call." */
static void test_tdlib_prepares_calls(void)
{
	struct tl_obj *q;

	open_both();
	ask(&x.a, TL_phone_getCallConfig);
	CHECK(bytes_equal(tl_bytes(x.a.answer, TL_dataJSON_data),
			  bytes_str("{}")));
	for (int length = 0; length <= 256; length += 256) {
		q = fake_new(&x.a, TL_messages_getDhConfig);
		tl_set_int(q, TL_messages_getDhConfig_version, 0);
		tl_set_int(q, TL_messages_getDhConfig_random_length, length);
		fake_ask(&x.a, q);
		CHECK(tl_is(x.a.answer, TL_messages_dhConfig));
		CHECK_INT(tl_bytes(x.a.answer, TL_messages_dhConfig_p).n, 256);
		CHECK_INT(tl_bytes(x.a.answer, TL_messages_dhConfig_random).n,
			  256);
	}
	fixture_close(&x);
}

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_tdlib_is_never_told_401_before_sign_in);
	RUN(test_tdlib_signs_in);
	RUN(test_tdlib_side_queries_are_harmless);
	RUN(test_tdlib_drops_temporary_keys);
	RUN(test_tdlib_finds_users_and_opens_chats);
	RUN(test_tdlib_writes);
	RUN(test_tdlib_prepares_calls);
	return check_done();
}
