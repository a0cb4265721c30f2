/* The peers of a session in the store: what telegram/peers.c learns, and finds
 * again after a restart. */
#include <stdio.h>
#include <string.h>

#include "storage/internal.h"

static void keep_peer(const struct tg_user *user, void *arg)
{
	struct session *session = arg;
	struct store_peer p = {
		.user_id = user->id,
		.access_hash = user->access_hash,
		.bot = user->bot,
		.met = user->met,
		.told = user->told,
	};

	snprintf(p.phone, sizeof(p.phone), "%s", user->phone);
	snprintf(p.username, sizeof(p.username), "%s", user->username);
	snprintf(p.first_name, sizeof(p.first_name), "%s", user->first_name);
	snprintf(p.last_name, sizeof(p.last_name), "%s", user->last_name);
	(void)store_peer_put(session->storage->conf.store, session->name, &p);
}

static bool user_of_peer(int err, const struct store_peer *p,
			 struct tg_user *user)
{
	if (err)
		return false;
	*user = (struct tg_user){
		.id = p->user_id,
		.access_hash = p->access_hash,
		.bot = p->bot,
		.met = p->met,
		.told = p->told,
	};
	snprintf(user->phone, sizeof(user->phone), "%s", p->phone);
	snprintf(user->username, sizeof(user->username), "%s", p->username);
	snprintf(user->first_name, sizeof(user->first_name), "%s",
		 p->first_name);
	snprintf(user->last_name, sizeof(user->last_name), "%s", p->last_name);
	return true;
}

static bool peer_by_id(int64_t id, struct tg_user *user, void *arg)
{
	struct session *session = arg;
	struct store_peer p;

	return user_of_peer(store_peer_by_id(session->storage->conf.store,
					     session->name, id, &p),
			    &p, user);
}

static int64_t unix_now(void)
{
	return clock_wall().us / (1000 * 1000);
}

static void keep_alias(const char *value, int64_t user_id, int64_t until,
		       void *arg)
{
	struct session *session = arg;

	(void)store_alias_put(session->storage->conf.store, session->name,
			      value, user_id, until, unix_now());
}

static void keep_forget(int64_t user_id, bool gone, void *arg)
{
	struct session *session = arg;

	(void)store_peer_forget(session->storage->conf.store, session->name,
				user_id, gone);
}

/* What he shows himself, or what has led to him. */
static bool peer_by_alias(const char *value, struct tg_user *user, void *arg)
{
	struct session *session = arg;
	struct store_peer p;

	return user_of_peer(store_peer_by_alias(session->storage->conf.store,
						session->name, value,
						unix_now(), &p),
			    &p, user);
}

static bool peer_by_username(const char *name, struct tg_user *user, void *arg)
{
	struct session *session = arg;
	struct store_peer p;

	return peer_by_alias(name, user, arg) ||
	       user_of_peer(store_peer_by_username(session->storage->conf.store,
						   session->name, name, &p),
			    &p, user);
}

static bool peer_by_phone(const char *digits, struct tg_user *user, void *arg)
{
	struct session *session = arg;
	struct store_peer p;

	return peer_by_alias(digits, user, arg) ||
	       user_of_peer(store_peer_by_phone(session->storage->conf.store,
						session->name, digits, &p),
			    &p, user);
}

static void keep_met(int64_t user_id, void *arg)
{
	struct session *session = arg;

	(void)store_peer_met(session->storage->conf.store, session->name,
			     user_id);
}

void storage_peers_keep(struct tg_keep *keep)
{
	keep->peer = keep_peer;
	keep->met = keep_met;
	keep->alias = keep_alias;
	keep->peer_forget = keep_forget;
	keep->peer_by_id = peer_by_id;
	keep->peer_by_username = peer_by_username;
	keep->peer_by_phone = peer_by_phone;
}
