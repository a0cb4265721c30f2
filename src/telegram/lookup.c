/* Looking users up (C.1): kept ones answer without a query for a day after they
 * were told; look-ups by phone keep 3 s between them; Telegram's negative
 * answers pass through with its own text.
 */
#include "telegram/account_core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* contacts.resolvePhone: keep >= 3 s between calls. */
#define PHONE_SPACING (3 * USEC_S)
/* A name may belong to somebody else the next day. */
#define KNOWN_FOR_S (24 * 3600)

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

/* He need not show this number or name himself. */
static void alias_learn(const struct lookup *l, int64_t id)
{
	struct tg_account *a = l->account;
	int64_t until = clock_wall().us / (1000 * 1000) + KNOWN_FOR_S;

	if (a->keep.alias)
		a->keep.alias(l->value, id, until, a->arg);
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

static void lookup_found(struct lookup *l, struct tg_user *user)
{
	struct tg_account *a = l->account;

	alias_learn(l, user->id);
	user->met |= peers_met(a, user->id);
	lookup_done(l, NULL, user);
	lookups_wake(a);
}

/* -- by adding a contact (C.1) --------------------------------------------- */

static void contact_removed(const struct mtp_error *err,
			    const struct tl_obj *answer, void *arg)
{
	struct tg_account *a = arg;

	if (err)
		log_info("telegram", a->name, "a contact stays: %s", err->text);
}

/* "Remove afterwards with contacts.deleteContacts". */
static void contact_remove(struct tg_account *a, const struct tg_user *user)
{
	struct tl_arena arena;
	struct tl_obj *q, *to;

	tl_arena_init(&arena);
	to = tl_new(&arena, TL_inputUser);
	tl_set_long(to, TL_inputUser_user_id, user->id);
	tl_set_long(to, TL_inputUser_access_hash, user->access_hash);
	q = tl_new(&arena, TL_contacts_deleteContacts);
	if (!tl_set_vector(&arena, q, TL_contacts_deleteContacts_id, 1))
		tl_put_obj(q, TL_contacts_deleteContacts_id, 0, to);
	(void)tg_account_query(a, q, 0, contact_removed, a);
	tl_arena_clear(&arena);
}

/* "empty `users` = not found/hidden" */
static void imported(const struct mtp_error *err, const struct tl_obj *answer,
		     void *arg)
{
	static const struct mtp_error limit = {420, "FLOOD_WAIT_3600"};
	struct lookup *l = arg;
	struct tg_account *a = l->account;
	struct tg_user user;

	if (err) {
		lookup_done(l, err, NULL);
	} else if (tl_count(answer,
			    TL_contacts_importedContacts_retry_contacts)) {
		/* "try later (limit reached)": when, it does not say. */
		flood_close(&a->flood, FLOOD_PHONES, "retry_contacts",
			    clock_now() + 3600 * USEC_S);
		lookup_done(l, &limit, NULL);
	} else if (user_read(&user,
			     tl_item(answer, TL_contacts_importedContacts_users,
				     0))) {
		user.met = false;
		contact_remove(a, &user);
		lookup_found(l, &user);
	} else {
		lookup_fault(l, "PHONE_NOT_OCCUPIED");
	}
}

static int contact_import(struct lookup *l)
{
	struct tl_arena arena;
	struct tl_obj *q, *c;
	int err;

	tl_arena_init(&arena);
	c = tl_new(&arena, TL_inputPhoneContact);
	tl_set_long(c, TL_inputPhoneContact_client_id, 1);
	tl_set_str(c, TL_inputPhoneContact_phone, l->value);
	tl_set_str(c, TL_inputPhoneContact_first_name, l->value);
	tl_set_str(c, TL_inputPhoneContact_last_name, "");
	q = tl_new(&arena, TL_contacts_importContacts);
	err = tl_set_vector(&arena, q, TL_contacts_importContacts_contacts, 1);
	if (!err) {
		tl_put_obj(q, TL_contacts_importContacts_contacts, 0, c);
		err = tg_account_query(l->account, q, 0, imported, l);
	}
	tl_arena_clear(&arena);
	return err;
}

/* -- by number and by name --------------------------------------------------
 */

static bool is_to_import(const struct lookup *l, const struct mtp_error *err)
{
	return l->kind == TG_PEER_PHONE && l->account->use.import_contacts &&
	       !strcmp(err->text, "PHONE_NOT_OCCUPIED");
}

static void resolved(const struct mtp_error *err, const struct tl_obj *answer,
		     void *arg)
{
	struct lookup *l = arg;
	struct tg_user user;

	if (err) {
		if (!is_to_import(l, err) || contact_import(l))
			lookup_done(l, err, NULL);
	} else if (resolved_user(&user, answer)) {
		lookup_found(l, &user);
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

/* By number or name only what was told within the day. */
static bool is_fresh(const struct tg_user *user)
{
	int64_t now = clock_wall().us / (1000 * 1000);

	return user->told && now - user->told < KNOWN_FOR_S;
}

/* A kept peer that can be called. */
static bool lookup_kept(struct lookup *l)
{
	struct tg_account *a = l->account;
	const struct tg_keep *k = &a->keep;
	char *end;
	bool found = false;

	switch (l->kind) {
	case TG_PEER_PHONE:
		found = k->peer_by_phone &&
			k->peer_by_phone(l->value, &l->user, a->arg) &&
			is_fresh(&l->user);
		break;
	case TG_PEER_USERNAME:
		found = k->peer_by_username &&
			k->peer_by_username(l->value, &l->user, a->arg) &&
			is_fresh(&l->user);
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
