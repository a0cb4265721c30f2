/* Looking users up, and what makes known ones unknown again. */
#include <errno.h>

#include "telegram/account_world.h"
#include "tests/check.h"

#define DAY (24 * 3600)

static int64_t unix_now(void)
{
	return clock_wall().us / (1000 * 1000);
}

/* The store knows Anna, told at that time. */
static void know(struct world *w, int64_t told)
{
	w->peers[0] = (struct tg_user){.id = 5,
				       .access_hash = 6,
				       .username = "anna",
				       .phone = "999005",
				       .first_name = "Anna",
				       .told = told};
	w->peers_n = 1;
}

static bool name_asked(struct world *w)
{
	return asked(w, TL_contacts_resolveUsername);
}

static int ask(struct world *w, enum tg_peer_kind kind, const char *value)
{
	w->user_n = 0;
	return tg_resolve(w->account, kind, value, on_user, w);
}

/* -- looking up ----------------------------------------------------------- */

static void test_resolve_kept_peer_answers_later(void)
{
	struct world w;

	CHECK(make_ready(&w));
	know(&w, unix_now());
	CHECK_INT(tg_resolve(w.account, TG_PEER_USERNAME, "anna", on_user, &w),
		  0);
	CHECK_INT(w.user_n, 0); /* never inside the call */
	CHECK(run(&w, user_told));
	CHECK_INT(w.user.id, 5);
	CHECK(!asked(&w, TL_contacts_resolveUsername));
	world_close(&w);
}

static void test_resolve_username_asks(void)
{
	struct world w;

	CHECK(make_ready(&w));
	CHECK_INT(tg_resolve(w.account, TG_PEER_USERNAME, "bob", on_user, &w),
		  0);
	CHECK(asked(&w, TL_contacts_resolveUsername));
	CHECK(answer(&w, TL_contacts_resolveUsername,
		     resolved(&w, 7, user(&w, 7, false))));
	CHECK_INT(w.user_n, 1);
	CHECK_INT(w.code, 0);
	CHECK_INT(w.user.access_hash, 8);
	/* Learnt on the way: found by id from now on. */
	CHECK_INT(tg_resolve(w.account, TG_PEER_ID, "7", on_user, &w), 0);
	w.user_n = 0;
	CHECK(run(&w, user_told));
	CHECK_INT(w.user.id, 7);
	world_close(&w);
}

static void test_resolve_negative_answers_pass_through(void)
{
	struct world w;

	CHECK(make_ready(&w));
	CHECK_INT(tg_resolve(w.account, TG_PEER_USERNAME, "no", on_user, &w),
		  0);
	CHECK(refuse(&w, TL_contacts_resolveUsername, 400,
		     "USERNAME_NOT_OCCUPIED"));
	CHECK_INT(w.code, 400);
	CHECK_STR(w.text, "USERNAME_NOT_OCCUPIED");
	CHECK_INT(tg_resolve(w.account, TG_PEER_USERNAME, "ch", on_user, &w),
		  0);
	CHECK(answer(&w, TL_contacts_resolveUsername, resolved(&w, 9, NULL)));
	CHECK_STR(w.text, "User not found");
	CHECK_INT(tg_resolve(w.account, TG_PEER_ID, "424242", on_user, &w), 0);
	w.user_n = 0;
	CHECK(run(&w, user_told));
	CHECK_INT(w.code, 400);
	CHECK_STR(w.text, "PEER_ID_INVALID");
	CHECK_INT(tg_resolve(w.account, TG_PEER_ID, "", on_user, &w), -EINVAL);
	world_close(&w);
}

static bool phone_asked(struct world *w)
{
	return asked(w, TL_contacts_resolvePhone);
}

static void test_resolve_phones_keep_their_distance(void)
{
	struct world w;
	usec_t at;

	CHECK(make_ready(&w));
	CHECK_INT(tg_resolve(w.account, TG_PEER_PHONE, "999002", on_user, &w),
		  0);
	CHECK_INT(tg_resolve(w.account, TG_PEER_PHONE, "999003", on_user, &w),
		  0);
	CHECK(run(&w, phone_asked));
	at = w.account->lookup_at;
	CHECK(at > clock_now() + 2 * USEC_S);
	CHECK(refuse(&w, TL_contacts_resolvePhone, 400, "PHONE_NOT_OCCUPIED"));
	CHECK_STR(w.text, "PHONE_NOT_OCCUPIED");
	/* The second one waits until then. */
	peers_pump(w.account, at - 1);
	CHECK(!asked(&w, TL_contacts_resolvePhone));
	CHECK_INT(peers_deadline(w.account), at);
	peers_pump(w.account, at);
	CHECK(bytes_equal(tl_bytes(asked(&w, TL_contacts_resolvePhone),
				   TL_contacts_resolvePhone_phone),
			  bytes_str("999003")));
	world_close(&w);
	CHECK_INT(w.user_n, 2);
}

static bool two_told(struct world *w)
{
	return w->user_n > 1;
}

static void test_resolve_same_phone_asks_once(void)
{
	struct world w;

	CHECK(make_ready(&w));
	CHECK_INT(tg_resolve(w.account, TG_PEER_PHONE, "999002", on_user, &w),
		  0);
	CHECK_INT(tg_resolve(w.account, TG_PEER_PHONE, "999002", on_user, &w),
		  0);
	CHECK(run(&w, phone_asked));
	CHECK(answer(&w, TL_contacts_resolvePhone,
		     resolved(&w, 7, user(&w, 7, false))));
	CHECK_INT(w.user_n, 1);
	/* Long before the distance of 3 s. */
	CHECK(run(&w, two_told));
	CHECK_INT(w.code, 0);
	CHECK_INT(w.user.id, 7);
	CHECK(w.account->lookup_at > clock_now() + USEC_S);
	CHECK_INT(tg_resolve(w.account, TG_PEER_PHONE, "999002", on_user, &w),
		  0);
	w.user_n = 0;
	CHECK(run(&w, user_told));
	CHECK_INT(w.user.id, 7);
	CHECK(!asked(&w, TL_contacts_resolvePhone));
	world_close(&w);
}

/* -- what was known ------------------------------------------------------- */

static void test_resolve_name_of_yesterday_is_asked_again(void)
{
	struct world w;

	CHECK(make_ready(&w));
	know(&w, unix_now() - DAY + 60);
	CHECK_INT(ask(&w, TG_PEER_USERNAME, "anna"), 0);
	CHECK(run(&w, user_told));
	CHECK_INT(w.user.id, 5);
	know(&w, unix_now() - DAY - 1);
	CHECK_INT(ask(&w, TG_PEER_USERNAME, "anna"), 0);
	CHECK(name_asked(&w));
	/* She is another one now. */
	CHECK(answer(&w, TL_contacts_resolveUsername,
		     resolved(&w, 7, user(&w, 7, false))));
	CHECK_INT(w.user.id, 7);
	/* An id stays his. */
	CHECK_INT(ask(&w, TG_PEER_ID, "5"), 0);
	CHECK(run(&w, user_told));
	CHECK_INT(w.user.access_hash, 6);
	world_close(&w);
}

static void test_resolve_leaves_an_alias(void)
{
	struct world w;

	CHECK(make_ready(&w));
	CHECK_INT(ask(&w, TG_PEER_USERNAME, "second"), 0);
	CHECK(answer(&w, TL_contacts_resolveUsername,
		     resolved(&w, 7, user(&w, 7, false))));
	CHECK_STR(w.aliases[0].value, "second");
	CHECK_INT(w.aliases[0].user_id, 7);
	CHECK(w.aliases[0].until >= unix_now() + DAY - 2);
	/* He does not show this name; it is known nevertheless. */
	CHECK_INT(ask(&w, TG_PEER_USERNAME, "second"), 0);
	CHECK(!name_asked(&w));
	CHECK(run(&w, user_told));
	CHECK_INT(w.user.id, 7);
	world_close(&w);
}

static void test_resolve_knows_whom_we_met(void)
{
	struct tl_obj *u;
	struct world w;

	CHECK(make_ready(&w));
	know(&w, 0);
	w.peers[0].met = true;
	CHECK_INT(ask(&w, TG_PEER_USERNAME, "anna"), 0);
	CHECK(answer(&w, TL_contacts_resolveUsername,
		     resolved(&w, 5, user(&w, 5, false))));
	CHECK(w.user.met);
	/* A contact is no stranger. */
	u = user(&w, 8, false);
	tl_set_true(u, TL_user_contact);
	CHECK_INT(ask(&w, TG_PEER_USERNAME, "carl"), 0);
	CHECK(answer(&w, TL_contacts_resolveUsername, resolved(&w, 8, u)));
	CHECK(w.user.met);
	world_close(&w);
}

/* -- by adding a contact -------------------------------------------------- */

static bool phone_refused(struct world *w, const char *text)
{
	return !ask(w, TG_PEER_PHONE, "999008") && run(w, phone_asked) &&
	       refuse(w, TL_contacts_resolvePhone, 400, text);
}

static struct tl_obj *imported(struct world *w, struct tl_obj *u, bool retry)
{
	struct tl_obj *o = tl_new(&w->arena, TL_contacts_importedContacts);

	tl_set_vector(&w->arena, o, TL_contacts_importedContacts_imported, 0);
	tl_set_vector(&w->arena, o,
		      TL_contacts_importedContacts_popular_invites, 0);
	tl_set_vector(&w->arena, o, TL_contacts_importedContacts_retry_contacts,
		      retry);
	if (retry)
		tl_put_long(o, TL_contacts_importedContacts_retry_contacts, 0,
			    1);
	tl_set_vector(&w->arena, o, TL_contacts_importedContacts_users,
		      u ? 1 : 0);
	if (u)
		tl_put_obj(o, TL_contacts_importedContacts_users, 0, u);
	return o;
}

static void test_resolve_by_contact_only_when_wanted(void)
{
	struct world w;

	CHECK(make_ready(&w));
	CHECK(phone_refused(&w, "PHONE_NOT_OCCUPIED"));
	CHECK_INT(w.user_n, 1);
	CHECK(!asked(&w, TL_contacts_importContacts));
	world_close(&w);
	CHECK(make_ready(&w));
	w.account->use.import_contacts = true;
	CHECK(phone_refused(&w, "PHONE_NUMBER_INVALID"));
	CHECK_INT(w.user_n, 1);
	CHECK(!asked(&w, TL_contacts_importContacts));
	world_close(&w);
}

static void test_resolve_by_contact_removes_it(void)
{
	struct tl_obj *q, *u;
	struct world w;

	CHECK(make_ready(&w));
	w.account->use.import_contacts = true;
	CHECK(phone_refused(&w, "PHONE_NOT_OCCUPIED"));
	CHECK_INT(w.user_n, 0);
	q = tl_item(asked(&w, TL_contacts_importContacts),
		    TL_contacts_importContacts_contacts, 0);
	CHECK(bytes_equal(tl_bytes(q, TL_inputPhoneContact_phone),
			  bytes_str("999008")));
	u = user(&w, 8, false);
	tl_set_true(u, TL_user_contact);
	CHECK(answer(&w, TL_contacts_importContacts, imported(&w, u, false)));
	CHECK_INT(w.user_n, 1);
	CHECK_INT(w.user.id, 8);
	/* That he is a contact is our own doing: he is a stranger. */
	CHECK(!w.user.met);
	CHECK(!w.peers[0].met);
	CHECK_STR(w.aliases[0].value, "999008");
	q = tl_item(asked(&w, TL_contacts_deleteContacts),
		    TL_contacts_deleteContacts_id, 0);
	CHECK_INT(tl_long(q, TL_inputUser_user_id), 8);
	CHECK_INT(tl_long(q, TL_inputUser_access_hash), 9);
	world_close(&w);
}

static void test_resolve_by_contact_finds_nobody(void)
{
	struct world w;

	CHECK(make_ready(&w));
	w.account->use.import_contacts = true;
	CHECK(phone_refused(&w, "PHONE_NOT_OCCUPIED"));
	CHECK(answer(&w, TL_contacts_importContacts,
		     imported(&w, NULL, false)));
	CHECK_STR(w.text, "PHONE_NOT_OCCUPIED");
	CHECK(!asked(&w, TL_contacts_deleteContacts));
	w.account->lookup_at = 0;
	CHECK(phone_refused(&w, "PHONE_NOT_OCCUPIED"));
	CHECK(answer(&w, TL_contacts_importContacts, imported(&w, NULL, true)));
	CHECK_INT(w.code, 420);
	CHECK_STR(w.text, "FLOOD_WAIT_3600");
	/* No more numbers for an hour. */
	CHECK(flood_wait_s(&w.account->flood, FLOOD_PHONES, NULL, clock_now()));
	world_close(&w);
}

/* -- what is so no longer ------------------------------------------------- */

static struct tl_obj *short_update(struct world *w, struct tl_obj *update)
{
	struct tl_obj *o = tl_new(&w->arena, TL_updateShort);

	tl_set_child(o, TL_updateShort_update, update);
	tl_set_int(o, TL_updateShort_date, 1000);
	return o;
}

static void rename_user(struct world *w, int64_t id, const char *name)
{
	struct tl_obj *o = tl_new(&w->arena, TL_updateUserName);
	struct tl_obj *old = tl_new(&w->arena, TL_username);
	struct tl_obj *new = tl_new(&w->arena, TL_username);

	tl_set_str(old, TL_username_username, "inactive");
	tl_set_true(new, TL_username_active);
	tl_set_str(new, TL_username_username, name);
	tl_set_long(o, TL_updateUserName_user_id, id);
	tl_set_str(o, TL_updateUserName_first_name, "New");
	tl_set_str(o, TL_updateUserName_last_name, "Name");
	tl_set_vector(&w->arena, o, TL_updateUserName_usernames, 2);
	tl_put_obj(o, TL_updateUserName_usernames, 0, old);
	tl_put_obj(o, TL_updateUserName_usernames, 1, new);
	feed_updates(w->account, short_update(w, o));
}

static void test_peer_renamed_is_found_by_the_new_name(void)
{
	struct world w;

	CHECK(make_ready(&w));
	know(&w, unix_now());
	rename_user(&w, 5, "berta");
	CHECK_INT(w.forgotten, 5);
	CHECK_STR(w.peers[0].username, "berta");
	CHECK_STR(w.peers[0].first_name, "New");
	CHECK_STR(w.peers[0].last_name, "Name");
	CHECK_INT(w.peers[0].access_hash, 6);
	CHECK_INT(ask(&w, TG_PEER_USERNAME, "berta"), 0);
	CHECK(run(&w, user_told));
	CHECK_INT(w.user.id, 5);
	/* Whose the old name is, Telegram knows. */
	CHECK_INT(ask(&w, TG_PEER_USERNAME, "anna"), 0);
	CHECK(name_asked(&w));
	/* Nobody is made up of a name alone. */
	rename_user(&w, 424242, "ghost");
	CHECK_INT(w.peers_n, 1);
	world_close(&w);
}

static void test_peer_renamed_self_is_kept(void)
{
	unsigned before;
	struct world w;

	CHECK(make_ready(&w));
	before = w.selves;
	rename_user(&w, 111, "office");
	CHECK_INT(w.selves, before + 1);
	CHECK_STR(w.self.username, "office");
	CHECK_STR(tg_account_self(w.account)->username, "office");
	rename_user(&w, 111, "office");
	CHECK_INT(w.selves, before + 1);
	world_close(&w);
}

static void test_peer_with_another_number(void)
{
	struct tl_obj *o;
	struct world w;

	CHECK(make_ready(&w));
	know(&w, unix_now());
	o = tl_new(&w.arena, TL_updateUserPhone);
	tl_set_long(o, TL_updateUserPhone_user_id, 5);
	tl_set_str(o, TL_updateUserPhone_phone, "999055");
	feed_updates(w.account, short_update(&w, o));
	CHECK_STR(w.peers[0].phone, "999055");
	CHECK_STR(w.peers[0].username, "anna");
	CHECK_INT(w.forgotten, 5);
	world_close(&w);
}

static void test_peer_outdated_is_asked_again(void)
{
	struct tl_obj *o;
	struct world w;

	CHECK(make_ready(&w));
	know(&w, unix_now());
	o = tl_new(&w.arena, TL_updateUser);
	tl_set_long(o, TL_updateUser_user_id, 5);
	feed_updates(w.account, short_update(&w, o));
	CHECK_INT(w.forgotten, 5);
	CHECK_INT(ask(&w, TG_PEER_USERNAME, "anna"), 0);
	CHECK(name_asked(&w));
	world_close(&w);
}

static void request_call(struct world *w, int64_t id)
{
	struct tl_obj *q = tl_new(&w->arena, TL_phone_requestCall);
	struct tl_obj *to = tl_new(&w->arena, TL_inputUser);
	struct tl_obj *p = tl_new(&w->arena, TL_phoneCallProtocol);

	tl_set_long(to, TL_inputUser_user_id, id);
	tl_set_long(to, TL_inputUser_access_hash, 6);
	tl_set_child(q, TL_phone_requestCall_user_id, to);
	tl_set_int(q, TL_phone_requestCall_random_id, 1);
	tl_set_bytes(q, TL_phone_requestCall_g_a_hash, NULL, 0);
	tl_set_int(p, TL_phoneCallProtocol_min_layer, 65);
	tl_set_int(p, TL_phoneCallProtocol_max_layer, 92);
	tl_set_vector(&w->arena, p, TL_phoneCallProtocol_library_versions, 0);
	tl_set_child(q, TL_phone_requestCall_protocol, p);
	CHECK_INT(tg_account_query(w->account, q, 0, on_answer, w), 0);
}

static void test_peer_refused_is_forgotten(void)
{
	struct world w;

	CHECK(make_ready(&w));
	know(&w, unix_now());
	request_call(&w, 5);
	CHECK(refuse(&w, TL_phone_requestCall, 403, "USER_PRIVACY_RESTRICTED"));
	CHECK_INT(w.forgotten, 0);
	request_call(&w, 5);
	CHECK(refuse(&w, TL_phone_requestCall, 400, "USER_ID_INVALID"));
	CHECK_STR(w.text, "USER_ID_INVALID");
	CHECK_INT(w.forgotten, -5);
	/* The next call asks Telegram who that is. */
	CHECK_INT(ask(&w, TG_PEER_USERNAME, "anna"), 0);
	CHECK(name_asked(&w));
	CHECK_INT(ask(&w, TG_PEER_ID, "5"), 0);
	CHECK(run(&w, user_told));
	CHECK_STR(w.text, "PEER_ID_INVALID");
	world_close(&w);
}

int main(void)
{
	if (libre_init())
		return 1;
	RUN(test_resolve_kept_peer_answers_later);
	RUN(test_resolve_username_asks);
	RUN(test_resolve_negative_answers_pass_through);
	RUN(test_resolve_phones_keep_their_distance);
	RUN(test_resolve_same_phone_asks_once);
	RUN(test_resolve_name_of_yesterday_is_asked_again);
	RUN(test_resolve_leaves_an_alias);
	RUN(test_resolve_knows_whom_we_met);
	RUN(test_resolve_by_contact_only_when_wanted);
	RUN(test_resolve_by_contact_removes_it);
	RUN(test_resolve_by_contact_finds_nobody);
	RUN(test_peer_renamed_is_found_by_the_new_name);
	RUN(test_peer_renamed_self_is_kept);
	RUN(test_peer_with_another_number);
	RUN(test_peer_outdated_is_asked_again);
	RUN(test_peer_refused_is_forgotten);
	libre_close();
	return check_done();
}
