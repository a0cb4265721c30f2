/* Users: what is learnt from every answer and update (C.1), and forgotten when
 * Telegram says that it is so no longer.
 *
 *   recent   in memory: the newest, `min` ones among them
 *   keep     in the store: full ones, with the time they were told
 */
#include "telegram/account_core.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

/* -- users ---------------------------------------------------------------- */

static int64_t unix_now(void)
{
	return clock_wall().us / (1000 * 1000);
}

static struct bytes username_of(const struct tl_obj *o)
{
	struct bytes name = tl_bytes(o, TL_user_username);
	uint32_t n = tl_count(o, TL_user_usernames);

	for (uint32_t i = 0; i < n && !name.n; i++) {
		const struct tl_obj *u = tl_item(o, TL_user_usernames, i);

		if (tl_has(u, TL_username_active))
			name = tl_bytes(u, TL_username_username);
	}
	return name;
}

bool user_read(struct tg_user *user, const struct tl_obj *o)
{
	memset(user, 0, sizeof(*user));
	if (!tl_is(o, TL_user))
		return false;
	user->id = tl_long(o, TL_user_id);
	/* The access_hash of a reduced object must not be used. */
	if (!tl_has(o, TL_user_min)) {
		user->access_hash = tl_long(o, TL_user_access_hash);
		user->told = unix_now();
	}
	text_clean(user->first_name, sizeof(user->first_name),
		   tl_bytes(o, TL_user_first_name));
	text_clean(user->last_name, sizeof(user->last_name),
		   tl_bytes(o, TL_user_last_name));
	text_clean(user->username, sizeof(user->username), username_of(o));
	text_clean(user->phone, sizeof(user->phone),
		   tl_bytes(o, TL_user_phone));
	user->bot = tl_has(o, TL_user_bot);
	user->deleted = tl_has(o, TL_user_deleted);
	user->self = tl_has(o, TL_user_self);
	user->met =
		tl_has(o, TL_user_contact) || tl_has(o, TL_user_mutual_contact);
	return user->id != 0;
}

static struct tg_user *recent_of(struct tg_account *a, int64_t id)
{
	for (unsigned i = 0; i < ACCOUNT_RECENT_MAX; i++)
		if (a->recent[i] && a->recent[i]->id == id)
			return a->recent[i];
	return NULL;
}

/* The place of the oldest one; NULL: no memory. Made when it is needed: most
 * accounts meet few. */
static struct tg_user *recent_next(struct tg_account *a)
{
	struct tg_user **at = &a->recent[a->recent_n++ % ACCOUNT_RECENT_MAX];

	if (!*at)
		*at = calloc(1, sizeof(**at));
	return *at;
}

void peers_forget(struct tg_account *a)
{
	for (unsigned i = 0; i < ACCOUNT_RECENT_MAX; i++) {
		free(a->recent[i]);
		a->recent[i] = NULL;
	}
}

static bool kept_by_id(struct tg_account *a, int64_t id, struct tg_user *user)
{
	return a->keep.peer_by_id && a->keep.peer_by_id(id, user, a->arg);
}

bool peers_find(struct tg_account *a, int64_t id, struct tg_user *user)
{
	struct tg_user *recent = recent_of(a, id);

	if (!id)
		return false;
	if (recent && recent->access_hash) {
		*user = *recent;
		return true;
	}
	if (kept_by_id(a, id, user))
		return true;
	if (recent)
		*user = *recent;
	return recent != NULL;
}

void tg_peer_met(struct tg_account *a, int64_t id)
{
	struct tg_user *recent = recent_of(a, id);

	if (!id || id == a->self.id || (recent && recent->met))
		return;
	if (recent)
		recent->met = true;
	if (a->keep.met)
		a->keep.met(id, a->arg);
}

bool peers_met(struct tg_account *a, int64_t id)
{
	struct tg_user *recent = recent_of(a, id);
	struct tg_user kept;

	return (recent && recent->met) ||
	       (kept_by_id(a, id, &kept) && kept.met);
}

static void self_learn(struct tg_account *a, const struct tg_user *user)
{
	struct tg_user self = *user;

	self.told = 0; /* of no use here, and always news */
	if (!memcmp(&a->self, &self, sizeof(self)))
		return;
	a->self = self;
	phone_self(&a->phone, self.id);
	if (a->keep.self)
		a->keep.self(&self, a->arg);
}

/* own_doing: that he is a contact means nothing. */
static void user_learn(struct tg_account *a, const struct tl_obj *o,
		       bool own_doing)
{
	struct tg_user user, kept;
	struct tg_user *recent;

	if (!user_read(&user, o))
		return;
	if (own_doing)
		user.met = false;
	recent = recent_of(a, user.id);
	if (!recent)
		recent = recent_next(a);
	else if (tl_has(o, TL_user_min) && recent->access_hash)
		return;
	if (!recent)
		return;
	if (recent->id == user.id && recent->met)
		user.met = true;
	*recent = user;
	/* `min`: must not be stored over a full one (C.1). */
	if (tl_has(o, TL_user_min))
		return;
	if (!user.access_hash && kept_by_id(a, user.id, &kept))
		user.access_hash = kept.access_hash;
	if (user.self)
		self_learn(a, &user);
	else if (a->keep.peer)
		a->keep.peer(&user, a->arg);
}

static void vector_learn(struct tg_account *a, const struct tl_obj *o,
			 int field)
{
	uint32_t n = tl_count(o, field);

	for (uint32_t i = 0; i < n; i++)
		user_learn(a, tl_item(o, field, i),
			   tl_is(o, TL_contacts_importedContacts));
}

/* Every users vector of what this client asks for or is sent. */
static const struct {
	enum tl_ctor_no no;
	int field;
} users_fields[] = {
	{TL_updates, TL_updates_users},
	{TL_updatesCombined, TL_updatesCombined_users},
	{TL_updates_difference, TL_updates_difference_users},
	{TL_updates_differenceSlice, TL_updates_differenceSlice_users},
	{TL_phone_phoneCall, TL_phone_phoneCall_users},
	{TL_contacts_resolvedPeer, TL_contacts_resolvedPeer_users},
	{TL_contacts_contacts, TL_contacts_contacts_users},
	{TL_contacts_importedContacts, TL_contacts_importedContacts_users},
	{TL_contacts_found, TL_contacts_found_users},
	{TL_users_userFull, TL_users_userFull_users},
	{TL_messages_botResults, TL_messages_botResults_users},
	{TL_messages_messages, TL_messages_messages_users},
	{TL_messages_messagesSlice, TL_messages_messagesSlice_users},
	{TL_messages_dialogs, TL_messages_dialogs_users},
	{TL_messages_dialogsSlice, TL_messages_dialogsSlice_users},
	{TL_messages_peerDialogs, TL_messages_peerDialogs_users},
	{TL_account_privacyRules, TL_account_privacyRules_users},
	{TL_vector, TL_vector_items}, /* users.getUsers */
};

void peers_learn(struct tg_account *a, const struct tl_obj *o)
{
	for (size_t i = 0; i < sizeof(users_fields) / sizeof(users_fields[0]);
	     i++)
		if (tl_is(o, users_fields[i].no))
			vector_learn(a, o, users_fields[i].field);
}

/* -- what is so no longer ------------------------------------------------- */

/* A user whose names or number have changed; NULL: we know nothing of him. */
static struct tg_user *changed_user(struct tg_account *a, struct tg_user *user,
				    int64_t id)
{
	struct tg_user *recent = recent_of(a, id);

	if (id == a->self.id) {
		*user = a->self;
		return user;
	}
	if (kept_by_id(a, id, user))
		return user;
	if (!recent)
		return NULL;
	*user = *recent;
	return user;
}

/* Names and numbers led to him until now. */
static void changed_keep(struct tg_account *a, struct tg_user *user)
{
	struct tg_user *recent = recent_of(a, user->id);

	user->told = unix_now();
	if (recent)
		*recent = *user;
	if (user->id == a->self.id) {
		self_learn(a, user);
		return;
	}
	if (a->keep.peer_forget)
		a->keep.peer_forget(user->id, false, a->arg);
	if (a->keep.peer && user->access_hash)
		a->keep.peer(user, a->arg);
}

static void user_renamed(struct tg_account *a, const struct tl_obj *o)
{
	uint32_t n = tl_count(o, TL_updateUserName_usernames);
	struct tg_user user;

	if (!changed_user(a, &user, tl_long(o, TL_updateUserName_user_id)))
		return;
	text_clean(user.first_name, sizeof(user.first_name),
		   tl_bytes(o, TL_updateUserName_first_name));
	text_clean(user.last_name, sizeof(user.last_name),
		   tl_bytes(o, TL_updateUserName_last_name));
	user.username[0] = '\0';
	for (uint32_t i = 0; i < n && !user.username[0]; i++) {
		const struct tl_obj *u =
			tl_item(o, TL_updateUserName_usernames, i);

		if (tl_has(u, TL_username_active))
			text_clean(user.username, sizeof(user.username),
				   tl_bytes(u, TL_username_username));
	}
	changed_keep(a, &user);
}

static void user_renumbered(struct tg_account *a, const struct tl_obj *o)
{
	struct tg_user user;

	if (!changed_user(a, &user, tl_long(o, TL_updateUserPhone_user_id)))
		return;
	text_clean(user.phone, sizeof(user.phone),
		   tl_bytes(o, TL_updateUserPhone_phone));
	changed_keep(a, &user);
}

/* "updateUser": something of him is new; what, is told when he is looked up. */
static void user_outdated(struct tg_account *a, int64_t id)
{
	struct tg_user *recent = recent_of(a, id);

	if (recent)
		recent->told = 0;
	if (a->keep.peer_forget)
		a->keep.peer_forget(id, false, a->arg);
}

bool peers_update(struct tg_account *a, const struct tl_obj *o)
{
	if (tl_is(o, TL_updateUserName))
		user_renamed(a, o);
	else if (tl_is(o, TL_updateUserPhone))
		user_renumbered(a, o);
	else if (tl_is(o, TL_updateUser))
		user_outdated(a, tl_long(o, TL_updateUser_user_id));
	else
		return false;
	return true;
}

/* Whom a query was about. */
static int64_t query_user(const struct tl_obj *q)
{
	const struct tl_obj *peer;

	if (tl_is(q, TL_phone_requestCall))
		return tl_long(tl_child(q, TL_phone_requestCall_user_id),
			       TL_inputUser_user_id);
	if (!tl_is(q, TL_messages_sendMessage))
		return 0;
	peer = tl_child(q, TL_messages_sendMessage_peer);
	return tl_is(peer, TL_inputPeerUser)
		       ? tl_long(peer, TL_inputPeerUser_user_id)
		       : 0;
}

void peers_refused(struct tg_account *a, struct bytes query, const char *text)
{
	static const char *const texts[] = {
		"USER_ID_INVALID", "PEER_ID_INVALID", "INPUT_USER_DEACTIVATED"};
	struct tg_user *recent;
	struct tl_arena arena;
	struct tl_obj *o;
	bool about_him = false;
	struct rd r;
	int64_t id;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		about_him |= !strcmp(texts[i], text);
	if (!about_him)
		return;
	tl_arena_init(&arena);
	rd_init(&r, query.p, query.n);
	id = tl_read(&o, &arena, &r) ? 0 : query_user(o);
	tl_arena_clear(&arena);
	if (!id)
		return;
	recent = recent_of(a, id);
	/* Our access hash is of no use: the next look-up asks. */
	if (recent)
		memset(recent, 0, sizeof(*recent));
	if (a->keep.peer_forget)
		a->keep.peer_forget(id, true, a->arg);
}
