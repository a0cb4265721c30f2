#include "mtproto/server_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "mtproto/digest.h"

#define SESSIONS_MAX 20000
#define FIRST_SALT_SECONDS 3600

int mtp_sessions_new(struct mtp_sessions **sp)
{
	struct mtp_sessions *all = calloc(1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	TAILQ_INIT(&all->sessions);
	TAILQ_INIT(&all->first_salts);
	random_bytes(all->secret, sizeof(all->secret));
	*sp = all;
	return 0;
}

void server_query_free(struct server_query *q)
{
	buf_clear(&q->body);
	free(q);
}

static void session_free(struct mtp_sessions *all, struct server_session *n)
{
	struct server_query *q;

	TAILQ_REMOVE(&all->sessions, n, link);
	all->sessions_n--;
	while ((q = TAILQ_FIRST(&n->queries))) {
		TAILQ_REMOVE(&n->queries, q, link);
		server_query_free(q);
	}
	server_outgoing_clear(n);
	free(n);
}

void mtp_sessions_free(struct mtp_sessions **sp)
{
	struct mtp_sessions *all = *sp;
	struct server_session *n;
	struct server_key_salt *k;

	if (!all)
		return;
	while ((n = TAILQ_FIRST(&all->sessions)))
		session_free(all, n);
	while ((k = TAILQ_FIRST(&all->first_salts))) {
		TAILQ_REMOVE(&all->first_salts, k, link);
		free(k);
	}
	bytes_wipe(all, sizeof(*all));
	free(all);
	*sp = NULL;
}

void mtp_sessions_renew(struct mtp_sessions *all)
{
	struct server_session *n;

	TAILQ_FOREACH(n, &all->sessions, link)
	n->announced = false;
}

static void sessions_trim(struct mtp_sessions *all)
{
	struct server_session *n;

	if (all->sessions_n < SESSIONS_MAX)
		return;
	TAILQ_FOREACH(n, &all->sessions, link)
	{
		if (n->owner)
			continue;
		session_free(all, n);
		return;
	}
}

static struct server_session *session_find(struct mtp_sessions *all,
					   uint64_t key_id, int64_t session_id)
{
	struct server_session *n;

	TAILQ_FOREACH_REVERSE(n, &all->sessions, server_session_list, link)
	if (n->session_id == session_id && n->key_id == key_id)
		return n;
	return NULL;
}

/* A layer once named holds for the key: gramjs 2.26 (2026-11) names none on
 * the further connections that carry its files. */
static int32_t key_layer(const struct mtp_server *s, uint64_t key_id)
{
	const struct server_session *n;

	TAILQ_FOREACH_REVERSE(n, &s->conf.sessions->sessions,
			      server_session_list, link)
	if (n->key_id == key_id && n->layer)
		return n->layer;
	return s->conf.handlers.layer
		       ? s->conf.handlers.layer(key_id, s->conf.arg)
		       : 0;
}

struct server_session *server_session_take(struct mtp_server *s,
					   uint64_t key_id, int64_t session_id)
{
	struct mtp_sessions *all = s->conf.sessions;
	struct server_session *n;

	if (s->session && s->session->session_id == session_id &&
	    s->session->key_id == key_id)
		return s->session;
	n = session_find(all, key_id, session_id);
	if (!n) {
		sessions_trim(all);
		n = calloc(1, sizeof(*n));
		if (!n)
			return NULL;
		n->key_id = key_id;
		n->session_id = session_id;
		n->layer = key_layer(s, key_id);
		TAILQ_INIT(&n->outgoing);
		TAILQ_INIT(&n->queries);
		all->sessions_n++;
	} else {
		TAILQ_REMOVE(&all->sessions, n, link);
	}
	TAILQ_INSERT_TAIL(&all->sessions, n, link);
	if (n->owner && n->owner != s && n->owner->session == n)
		n->owner->session = NULL;
	if (n->owner != s)
		server_repeat_all(n);
	n->owner = s;
	s->session = n;
	return n;
}

bool server_session_destroy(struct mtp_server *s, int64_t session_id)
{
	struct server_session *n =
		session_find(s->conf.sessions, s->key_id, session_id);

	if (!n || n == s->session || n->owner)
		return false;
	session_free(s->conf.sessions, n);
	return true;
}

void server_sessions_release(struct mtp_server *s)
{
	struct server_session *n;

	TAILQ_FOREACH(n, &s->conf.sessions->sessions, link)
	if (n->owner == s)
		n->owner = NULL;
	s->session = NULL;
}

void server_sessions_forget_key(struct mtp_sessions *all, uint64_t key_id)
{
	struct server_session *n, *next;

	for (n = TAILQ_FIRST(&all->sessions); n; n = next) {
		next = TAILQ_NEXT(n, link);
		if (n->key_id == key_id && !n->owner)
			session_free(all, n);
	}
}

struct server_session *server_session_of(struct mtp_server *s, int64_t msg_id,
					 struct server_query **queryp)
{
	struct server_session *n;
	struct server_query *q;

	TAILQ_FOREACH(n, &s->conf.sessions->sessions, link)
	{
		if (n->owner != s)
			continue;
		TAILQ_FOREACH(q, &n->queries, link)
		{
			if (q->msg_id != msg_id || q->condition)
				continue;
			*queryp = q;
			return n;
		}
	}
	return NULL;
}

/* -- salts ---------------------------------------------------------------- */

int server_salt_first(struct mtp_sessions *all, uint64_t key_id, int64_t salt,
		      int64_t now)
{
	struct server_key_salt *k, *next;

	for (k = TAILQ_FIRST(&all->first_salts); k; k = next) {
		next = TAILQ_NEXT(k, link);
		if (k->until >= now && k->key_id != key_id)
			continue;
		TAILQ_REMOVE(&all->first_salts, k, link);
		free(k);
	}
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->key_id = key_id;
	k->salt = salt;
	k->until = now + FIRST_SALT_SECONDS;
	TAILQ_INSERT_TAIL(&all->first_salts, k, link);
	return 0;
}

void mtp_sessions_salts_change(struct mtp_sessions *all)
{
	struct server_key_salt *k;

	while ((k = TAILQ_FIRST(&all->first_salts))) {
		TAILQ_REMOVE(&all->first_salts, k, link);
		free(k);
	}
	random_bytes(all->secret, sizeof(all->secret));
}

int64_t server_salt_at(const struct mtp_sessions *all, uint64_t key_id,
		       int64_t slot)
{
	uint8_t text[16], hash[MTP_SHA256_BYTES];
	struct bytes parts[2] = {bytes_of(all->secret, sizeof(all->secret)),
				 bytes_of(text, sizeof(text))};

	le64_store(text, key_id);
	le64_store(text + 8, (uint64_t)slot);
	mtp_sha256(hash, parts, 2);
	return (int64_t)le64_load(hash);
}

bool server_salt_ok(const struct mtp_sessions *all, uint64_t key_id,
		    int64_t salt, int64_t now)
{
	int64_t slot = now / SERVER_SALT_SECONDS;
	struct server_key_salt *k;

	if (salt == server_salt_at(all, key_id, slot) ||
	    salt == server_salt_at(all, key_id, slot - 1))
		return true;
	TAILQ_FOREACH(k, &all->first_salts, link)
	if (k->key_id == key_id && k->salt == salt && k->until >= now)
		return true;
	return false;
}
