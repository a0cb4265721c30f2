/* users.*, contacts.* */
#include <string.h>

#include "sim/api.h"

/* -- users
 * ---------------------------------------------------------------------- */

static void sim_users_get(struct sim_request *r)
{
	uint32_t n = tl_count(r->q, TL_users_getUsers_id);
	struct tl_obj *items[100];

	if (n > 100) {
		sim_refuse(r,
			   SIM_FAULT(400, "USER_ID_INVALID", "users-too-many"));
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct tl_obj *in =
			tl_item(r->q, TL_users_getUsers_id, i);
		struct sim_account *a = sim_input_user(r, in);

		items[i] = a ? sim_object_user(r->arena, r->me, a)
			     : tl_new(r->arena, TL_userEmpty);
		if (!a)
			tl_set_long(items[i], TL_userEmpty_id, 0);
	}
	sim_answer_vector(r, items, n);
}

static struct tl_obj *sim_user_full(struct sim_request *r,
				    struct sim_account *a)
{
	struct tl_obj *o = tl_new(r->arena, TL_userFull);

	tl_set_long(o, TL_userFull_id, a->id);
	tl_set_child(o, TL_userFull_settings,
		     tl_new(r->arena, TL_peerSettings));
	tl_set_child(o, TL_userFull_notify_settings,
		     sim_object_notify(r->arena));
	tl_set_int(o, TL_userFull_common_chats_count, 0);
	if (sim_account_blocks(r->me, a->id))
		tl_set_true(o, TL_userFull_blocked);
	if (a == r->me)
		return o;
	tl_set_true(o, TL_userFull_phone_calls_available);
	tl_set_true(o, TL_userFull_video_calls_available);
	if (!sim_account_allows(a, SIM_PRIVACY_CALL, r->me->id))
		tl_set_true(o, TL_userFull_phone_calls_private);
	return o;
}

static void sim_users_full(struct sim_request *r)
{
	struct sim_account *a =
		sim_input_user(r, tl_child(r->q, TL_users_getFullUser_id));
	struct tl_obj *o = tl_new(r->arena, TL_users_userFull);
	struct sim_mentions m = {.n = 0};

	if (!a) {
		sim_refuse(r, SIM_FAULT(400, "USER_ID_INVALID", "user-input"));
		return;
	}
	sim_mention(&m, a);
	tl_set_child(o, TL_users_userFull_full_user, sim_user_full(r, a));
	sim_object_empty(r->arena, o, TL_users_userFull_chats);
	sim_mentions_put(&m, r->arena, o, TL_users_userFull_users, r->me);
	sim_answer(r, o);
}

/* -- finding
 * ---------------------------------------------------------------------- */

static void sim_answer_resolved(struct sim_request *r, struct sim_account *a)
{
	struct tl_obj *o = tl_new(r->arena, TL_contacts_resolvedPeer);
	struct sim_mentions m = {.n = 0};

	sim_mention(&m, a);
	tl_set_child(o, TL_contacts_resolvedPeer_peer,
		     sim_object_peer(r->arena, a->id));
	sim_object_empty(r->arena, o, TL_contacts_resolvedPeer_chats);
	sim_mentions_put(&m, r->arena, o, TL_contacts_resolvedPeer_users,
			 r->me);
	sim_answer(r, o);
}

static bool sim_username_legal(struct bytes name)
{
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];
		bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';

		if (!letter && (i == 0 || ((c < '0' || c > '9') && c != '_')))
			return false;
	}
	return name.n >= 4 && name.n <= 32;
}

static void sim_resolve_username(struct sim_request *r)
{
	struct bytes name =
		tl_bytes(r->q, TL_contacts_resolveUsername_username);
	struct sim_account *a = sim_world_username(r->world, name);

	if (!sim_username_legal(name))
		sim_refuse(r, SIM_FAULT(400, "USERNAME_INVALID",
					"username-illegal"));
	else if (!a || a->deleted)
		sim_refuse(r, SIM_FAULT(400, "USERNAME_NOT_OCCUPIED",
					"username-unknown"));
	else
		sim_answer_resolved(r, a);
}

/* Whom a number leads to, for this account: privacy may hide him. */
static struct sim_account *sim_phone_visible(const struct sim_request *r,
					     struct bytes phone)
{
	struct sim_account *a = sim_world_phone(r->world, phone);

	if (!a || a->deleted)
		return NULL;
	if (a != r->me && !sim_account_allows(a, SIM_PRIVACY_PHONE, r->me->id))
		return NULL;
	return a;
}

static void sim_resolve_phone(struct sim_request *r)
{
	struct sim_account *a = sim_phone_visible(
		r, tl_bytes(r->q, TL_contacts_resolvePhone_phone));

	/* "also when the privacy forbids it" (telegram-wire C.1) */
	if (a)
		sim_answer_resolved(r, a);
	else
		sim_refuse(r, SIM_FAULT(400, "PHONE_NOT_OCCUPIED",
					"phone-not-occupied"));
}

/* -- the contact list
 * --------------------------------------------------------------- */

static void sim_contacts_get(struct sim_request *r)
{
	struct tl_obj *o = tl_new(r->arena, TL_contacts_contacts);
	struct sim_mentions m = {.n = 0};

	for (size_t i = 0; i < r->me->contact_count; i++)
		sim_mention(&m,
			    sim_world_account(r->world, r->me->contacts[i].id));
	tl_set_vector(r->arena, o, TL_contacts_contacts_contacts,
		      (uint32_t)m.n);
	for (size_t i = 0; i < m.n; i++) {
		struct tl_obj *c = tl_new(r->arena, TL_contact);
		bool mutual = sim_account_contact(m.list[i], r->me->id) != NULL;

		tl_set_long(c, TL_contact_user_id, m.list[i]->id);
		tl_set_bool(r->arena, c, TL_contact_mutual, mutual);
		tl_put_obj(o, TL_contacts_contacts_contacts, (uint32_t)i, c);
	}
	tl_set_int(o, TL_contacts_contacts_saved_count, 0);
	sim_mentions_put(&m, r->arena, o, TL_contacts_contacts_users, r->me);
	sim_answer(r, o);
}

static void sim_contacts_import(struct sim_request *r)
{
	struct tl_obj *o = tl_new(r->arena, TL_contacts_importedContacts);
	uint32_t n = tl_count(r->q, TL_contacts_importContacts_contacts);
	struct tl_obj *imported[64];
	struct sim_mentions m = {.n = 0};
	uint32_t found = 0;

	for (uint32_t i = 0; i < n && found < 64; i++) {
		const struct tl_obj *in =
			tl_item(r->q, TL_contacts_importContacts_contacts, i);
		struct sim_account *a = sim_phone_visible(
			r, tl_bytes(in, TL_inputPhoneContact_phone));

		if (!a || a == r->me)
			continue;
		sim_account_contact_add(
			r->me, a->id,
			tl_bytes(in, TL_inputPhoneContact_first_name),
			tl_bytes(in, TL_inputPhoneContact_last_name));
		sim_mention(&m, a);
		imported[found] = tl_new(r->arena, TL_importedContact);
		tl_set_long(imported[found], TL_importedContact_user_id, a->id);
		tl_set_long(imported[found], TL_importedContact_client_id,
			    tl_long(in, TL_inputPhoneContact_client_id));
		found++;
	}
	sim_account_save(r->me);
	tl_set_vector(r->arena, o, TL_contacts_importedContacts_imported,
		      found);
	for (uint32_t i = 0; i < found; i++)
		tl_put_obj(o, TL_contacts_importedContacts_imported, i,
			   imported[i]);
	sim_object_empty(r->arena, o,
			 TL_contacts_importedContacts_popular_invites);
	sim_object_empty(r->arena, o,
			 TL_contacts_importedContacts_retry_contacts);
	sim_mentions_put(&m, r->arena, o, TL_contacts_importedContacts_users,
			 r->me);
	sim_answer(r, o);
}

/* Answers Updates that say how each of the users now looks. */
static void sim_answer_settings(struct sim_request *r,
				const struct sim_mentions *m)
{
	struct tl_obj *list[256];

	for (size_t i = 0; i < m->n; i++) {
		list[i] = tl_new(r->arena, TL_updatePeerSettings);
		tl_set_child(list[i], TL_updatePeerSettings_peer,
			     sim_object_peer(r->arena, m->list[i]->id));
		tl_set_child(list[i], TL_updatePeerSettings_settings,
			     tl_new(r->arena, TL_peerSettings));
	}
	sim_answer(r, sim_object_updates(r->arena, r->world, list,
					 (uint32_t)m->n, m, r->me, 0));
}

static void sim_contacts_add(struct sim_request *r)
{
	struct sim_account *a =
		sim_input_user(r, tl_child(r->q, TL_contacts_addContact_id));
	struct bytes first = tl_bytes(r->q, TL_contacts_addContact_first_name);
	struct sim_mentions m = {.n = 0};

	if (!a || a == r->me) {
		sim_refuse(r, SIM_FAULT(400, "CONTACT_ID_INVALID",
					"contact-input"));
		return;
	}
	if (!first.n) {
		sim_refuse(r, SIM_FAULT(400, "CONTACT_NAME_EMPTY",
					"contact-name"));
		return;
	}
	sim_account_contact_add(
		r->me, a->id, first,
		tl_bytes(r->q, TL_contacts_addContact_last_name));
	sim_account_save(r->me);
	sim_mention(&m, a);
	sim_answer_settings(r, &m);
}

static void sim_contacts_delete(struct sim_request *r)
{
	uint32_t n = tl_count(r->q, TL_contacts_deleteContacts_id);
	struct sim_mentions m = {.n = 0};

	for (uint32_t i = 0; i < n; i++) {
		struct sim_account *a = sim_input_user(
			r, tl_item(r->q, TL_contacts_deleteContacts_id, i));

		if (a && sim_account_contact_remove(r->me, a->id))
			sim_mention(&m, a);
	}
	sim_account_save(r->me);
	sim_answer_settings(r, &m);
}

static void sim_contacts_block_set(struct sim_request *r,
				   const struct tl_obj *peer, bool on)
{
	struct sim_account *a = sim_input_user(r, peer);

	if (!a || a == r->me) {
		sim_refuse(r, SIM_FAULT(400, "PEER_ID_INVALID", "block-input"));
		return;
	}
	sim_account_block(r->me, a->id, on);
	sim_account_save(r->me);
	sim_answer_bool(r, true);
}

static void sim_contacts_block(struct sim_request *r)
{
	sim_contacts_block_set(r, tl_child(r->q, TL_contacts_block_id), true);
}

static void sim_contacts_unblock(struct sim_request *r)
{
	sim_contacts_block_set(r, tl_child(r->q, TL_contacts_unblock_id),
			       false);
}

static void sim_contacts_statuses(struct sim_request *r)
{
	sim_answer_vector(r, NULL, 0);
}

const struct sim_method sim_methods_users[] = {
	{TL_users_getUsers, SIM_ACCESS_LOGIN, sim_users_get},
	{TL_users_getFullUser, SIM_ACCESS_LOGIN, sim_users_full},
	{TL_contacts_getContacts, SIM_ACCESS_LOGIN, sim_contacts_get},
	{TL_contacts_getStatuses, SIM_ACCESS_LOGIN, sim_contacts_statuses},
	{TL_contacts_resolveUsername, SIM_ACCESS_LOGIN, sim_resolve_username},
	{TL_contacts_resolvePhone, SIM_ACCESS_LOGIN, sim_resolve_phone},
	{TL_contacts_importContacts, SIM_ACCESS_LOGIN, sim_contacts_import},
	{TL_contacts_addContact, SIM_ACCESS_LOGIN, sim_contacts_add},
	{TL_contacts_deleteContacts, SIM_ACCESS_LOGIN, sim_contacts_delete},
	{TL_contacts_block, SIM_ACCESS_LOGIN, sim_contacts_block},
	{TL_contacts_unblock, SIM_ACCESS_LOGIN, sim_contacts_unblock},
	{0, SIM_ACCESS_OPEN, NULL},
};
