/* Users: what is learnt from every answer and update, and looking them up
 * (C.1). Kept ones answer without a query; look-ups by phone keep 3 s between
 * them; Telegram's negative answers pass through with its own text.
 */
#include "telegram/account_core.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

/* contacts.resolvePhone: keep >= 3 s between calls. */
#define PHONE_SPACING (3 * USEC_S)
#define PHONE_KNOWN_FOR (24 * 3600 * USEC_S)

struct lookup {
	struct lookup *next;
	struct tg_account *account;
	enum tg_peer_kind kind;
	char value[64];
	tg_user_h *done;
	void *arg;
	struct tg_user user; /* found without a query */
	const char *fault;   /* or this */
};

/* -- users ---------------------------------------------------------------- */

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
	if (!tl_has(o, TL_user_min))
		user->access_hash = tl_long(o, TL_user_access_hash);
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
		if (a->recent[i].id == id)
			return &a->recent[i];
	return NULL;
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

static void self_learn(struct tg_account *a, const struct tg_user *user)
{
	if (!memcmp(&a->self, user, sizeof(*user)))
		return;
	a->self = *user;
	phone_self(&a->phone, user->id);
	if (a->keep.self)
		a->keep.self(user, a->arg);
}

static void user_learn(struct tg_account *a, const struct tl_obj *o)
{
	struct tg_user user, kept;
	struct tg_user *recent;

	if (!user_read(&user, o))
		return;
	recent = recent_of(a, user.id);
	if (!recent)
		recent = &a->recent[a->recent_n++ % ACCOUNT_RECENT_MAX];
	else if (tl_has(o, TL_user_min) && recent->access_hash)
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
		user_learn(a, tl_item(o, field, i));
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

/* -- looking up ----------------------------------------------------------- */

static void lookup_done(struct lookup *l, const struct mtp_error *err,
			const struct tg_user *user)
{
	l->done(err, user, l->arg);
	free(l);
}

static void lookup_fault(struct lookup *l, const char *text)
{
	struct mtp_error err = {400, text};

	lookup_done(l, &err, NULL);
}

static struct phone_known *phone_known(struct tg_account *a, const char *digits)
{
	for (unsigned i = 0; i < ACCOUNT_PHONES_MAX; i++)
		if (a->phones[i].user_id && a->phones[i].until > clock_now() &&
		    strcmp(a->phones[i].digits, digits) == 0)
			return &a->phones[i];
	return NULL;
}

static void phone_learn(struct tg_account *a, const char *digits, int64_t id)
{
	struct phone_known *k = phone_known(a, digits);

	if (!k)
		k = &a->phones[a->phones_n++ % ACCOUNT_PHONES_MAX];
	snprintf(k->digits, sizeof(k->digits), "%s", digits);
	k->user_id = id;
	k->until = clock_now() + PHONE_KNOWN_FOR;
}

/* Others may wait for the same number: the next tick looks. */
static void lookups_wake(struct tg_account *a)
{
	a->lookups_due = a->lookups != NULL;
	account_wake(a);
}

/* resolvedPeer: the user its peer names. */
static bool resolved_user(struct tg_user *user, const struct tl_obj *o)
{
	const struct tl_obj *peer = tl_child(o, TL_contacts_resolvedPeer_peer);
	uint32_t n = tl_count(o, TL_contacts_resolvedPeer_users);

	for (uint32_t i = 0; i < n && tl_is(peer, TL_peerUser); i++)
		if (user_read(user,
			      tl_item(o, TL_contacts_resolvedPeer_users, i)) &&
		    user->id == tl_long(peer, TL_peerUser_user_id))
			return true;
	return false;
}

static void resolved(const struct mtp_error *err, const struct tl_obj *answer,
		     void *arg)
{
	struct lookup *l = arg;
	struct tg_account *a = l->account;
	struct tg_user user, kept;

	if (err) {
		lookup_done(l, err, NULL);
	} else if (resolved_user(&user, answer)) {
		if (l->kind == TG_PEER_PHONE)
			phone_learn(a, l->value, user.id);
		if (peers_find(a, user.id, &kept) && kept.met)
			user.met = true;
		lookup_done(l, NULL, &user);
		lookups_wake(a);
	} else {
		lookup_fault(l, "User not found"); /* a channel, or nothing */
	}
}

static int lookup_send(struct lookup *l)
{
	struct tg_account *a = l->account;
	struct tl_arena arena;
	struct tl_obj *q;
	int err;

	tl_arena_init(&arena);
	if (l->kind == TG_PEER_PHONE) {
		q = tl_new(&arena, TL_contacts_resolvePhone);
		tl_set_str(q, TL_contacts_resolvePhone_phone, l->value);
	} else {
		q = tl_new(&arena, TL_contacts_resolveUsername);
		tl_set_str(q, TL_contacts_resolveUsername_username, l->value);
	}
	err = tg_account_query(a, q, 0, resolved, l);
	tl_arena_clear(&arena);
	return err;
}

static void lookup_local(struct tg_account *a, void *arg)
{
	struct lookup *l = arg;
	struct mtp_error closed = {-ECANCELED, "CLOSED"};

	if (a->closing)
		lookup_done(l, &closed, NULL);
	else if (l->fault)
		lookup_fault(l, l->fault);
	else
		lookup_done(l, NULL, &l->user);
}

/* A kept peer that can be called. */
static bool lookup_kept(struct lookup *l)
{
	struct tg_account *a = l->account;
	const struct tg_keep *k = &a->keep;
	const struct phone_known *known;
	char *end;
	bool found = false;

	switch (l->kind) {
	case TG_PEER_PHONE:
		known = phone_known(a, l->value);
		found = (known && peers_find(a, known->user_id, &l->user)) ||
			(k->peer_by_phone &&
			 k->peer_by_phone(l->value, &l->user, a->arg));
		break;
	case TG_PEER_USERNAME:
		found = k->peer_by_username &&
			k->peer_by_username(l->value, &l->user, a->arg);
		break;
	case TG_PEER_ID:
		found = peers_find(a, strtoll(l->value, &end, 10), &l->user) &&
			!*end;
		break;
	}
	return found && l->user.access_hash;
}

static void lookups_add(struct tg_account *a, struct lookup *l)
{
	l->next = NULL;
	*a->lookups_last = l;
	a->lookups_last = &l->next;
}

/* Those whose number another look-up has made known. */
static void lookups_answer_known(struct tg_account *a)
{
	struct lookup *l = a->lookups, *next;

	a->lookups_due = false;
	a->lookups = NULL;
	a->lookups_last = &a->lookups;
	for (; l; l = next) {
		next = l->next;
		if (lookup_kept(l))
			lookup_done(l, NULL, &l->user);
		else
			lookups_add(a, l);
	}
}

void peers_pump(struct tg_account *a, usec_t now)
{
	struct mtp_error err = {500, "INTERNAL"};

	if (a->lookups_due)
		lookups_answer_known(a);
	while (a->lookups && now >= a->lookup_at) {
		struct lookup *l = a->lookups;

		a->lookups = l->next;
		if (!a->lookups)
			a->lookups_last = &a->lookups;
		a->lookup_at = now + PHONE_SPACING;
		if (lookup_send(l))
			lookup_done(l, &err, NULL);
	}
}

usec_t peers_deadline(const struct tg_account *a)
{
	if (a->lookups_due)
		return 0;
	return a->lookups ? a->lookup_at : USEC_NEVER;
}

void peers_clear(struct tg_account *a)
{
	struct mtp_error err = {-ECANCELED, "CLOSED"};

	while (a->lookups) {
		struct lookup *l = a->lookups;

		a->lookups = l->next;
		lookup_done(l, &err, NULL);
	}
	a->lookups_last = &a->lookups;
}

static int lookup_start(struct lookup *l)
{
	struct tg_account *a = l->account;

	if (lookup_kept(l))
		return account_later(a, lookup_local, l);
	if (l->kind == TG_PEER_ID) {
		/* Without an access hash nobody can be called. */
		l->fault = "PEER_ID_INVALID";
		return account_later(a, lookup_local, l);
	}
	if (l->kind == TG_PEER_USERNAME)
		return lookup_send(l);
	lookups_add(a, l);
	account_wake(a);
	return 0;
}

int tg_resolve(struct tg_account *a, enum tg_peer_kind kind, const char *value,
	       tg_user_h *done, void *arg)
{
	struct lookup *l;
	int err;

	if (!*value || strlen(value) >= sizeof(l->value))
		return -EINVAL;
	if (!a->connection)
		return -ENOTCONN;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->account = a;
	l->kind = kind;
	l->done = done;
	l->arg = arg;
	memcpy(l->value, value, strlen(value));
	err = lookup_start(l);
	if (err)
		free(l);
	return err;
}
