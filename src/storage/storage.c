#include "storage/storage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bus/manager_storage.h"
#include "bus/manager_worker.h"
#include "bus/text.h"
#include "storage/addresses.h"
#include "storage/internal.h"
#include "storage/vault.h"

struct session *storage_session(struct storage *s, const char *name)
{
	struct le *le;

	LIST_FOREACH(&s->sessions, le)
	{
		struct session *session = le->data;

		if (strcmp(session->name, name) == 0)
			return session;
	}
	return NULL;
}

void storage_publish(struct storage *s, const char *subject, json_t *body)
{
	if (bus_publish(s->conf.bus, subject, body))
		log_error("storage", NULL, "no memory for %s", subject);
}

json_t *storage_user_json(const struct tg_user *user)
{
	char id[24];

	snprintf(id, sizeof(id), "%" PRId64, user->id);
	return json_pack("{ss ss ss ss ss}", "id", id, "first_name",
			 user->first_name, "last_name", user->last_name,
			 "username", user->username, "phone", user->phone);
}

/* -- what the account wants kept --------------------------------------------
 */

static void save(struct session *session)
{
	int err =
		store_session_put(session->storage->conf.store, &session->kept);

	if (err)
		log_error("storage", session->name, "session not kept: %s",
			  strerror(-err));
}

static void keep_auth(int dc_id, const struct mtp_auth *auth, void *arg)
{
	struct session *session = arg;

	session->kept.dc_id = dc_id;
	if (vault_seal(session->storage->conf.key, &session->kept, auth))
		log_error("storage", session->name, "key not sealed");
	else
		save(session);
}

static void keep_auth_lost(const char *reason, void *arg)
{
	struct session *session = arg;

	session->kept.key_sealed_n = 0;
	session->kept.logged_in = false;
	snprintf(session->kept.dead_reason, sizeof(session->kept.dead_reason),
		 "%s", reason);
	session->kept.dead_since = clock_wall().us / (1000 * 1000);
	session->kept.frozen_since = 0;
	save(session);
}

static void keep_frozen(int64_t since, void *arg)
{
	struct session *session = arg;

	session->kept.frozen_since = since;
	save(session);
}

static void keep_flood(const char *line, const char *why, int64_t until,
		       void *arg)
{
	struct session *session = arg;

	(void)store_flood_put(session->storage->conf.store, session->name, line,
			      why, until, clock_wall().us / (1000 * 1000));
}

static void resume_flood(const char *line, const char *why, int64_t until,
			 void *arg)
{
	struct session *session = arg;

	tg_account_flood(session->account, line, why, until);
}

static void keep_self(const struct tg_user *user, void *arg)
{
	struct session *session = arg;
	struct store_session *k = &session->kept;

	k->logged_in = true;
	k->dead_reason[0] = '\0';
	k->dead_since = 0;
	k->user_id = user->id;
	snprintf(k->phone, sizeof(k->phone), "%s", user->phone);
	snprintf(k->username, sizeof(k->username), "%s", user->username);
	snprintf(k->first_name, sizeof(k->first_name), "%s", user->first_name);
	snprintf(k->last_name, sizeof(k->last_name), "%s", user->last_name);
	save(session);
}

#define ADDRESSES_FACT "telegram.addresses"
#define ADDRESSES_MAX 32

static void keep_dcs(const struct tg_dc *dcs, size_t n, void *arg)
{
	struct session *session = arg;
	struct storage *s = session->storage;
	struct buf text;

	buf_init(&text);
	addresses_write(&text, dcs, n);
	if (!text.bad &&
	    !bytes_equal(buf_bytes(&text), buf_bytes(&s->addresses))) {
		(void)store_fact_set(s->conf.store, ADDRESSES_FACT,
				     buf_bytes(&text));
		buf_clear(&s->addresses);
		s->addresses = text;
	} else {
		buf_clear(&text);
	}
}

static void keep_updates(int32_t pts, int32_t qts, int32_t date, int32_t seq,
			 void *arg)
{
	struct session *session = arg;

	session->kept.pts = pts;
	session->kept.qts = qts;
	session->kept.date = date;
	session->kept.seq = seq;
	(void)store_session_updates(session->storage->conf.store, session->name,
				    pts, qts, date, seq);
}

/* -- account events ----------------------------------------------------------
 */

static void state_publish(const struct session *session)
{
	struct storage *s = session->storage;
	const struct tg_user *self = tg_account_self(session->account);
	struct tg_status t;

	tg_account_status(session->account, &t);
	storage_publish(
		s, BUS_MANAGER_SESSION_STATE,
		json_pack("{ss ss ss ss sb sb so}", "session", session->name,
			  "storage", s->id, "state", tg_state_name(t.state),
			  "reason", t.reason, "logged_in", t.logged_in, "lost",
			  tg_state_is_dead(t.state) ||
				  t.state == TG_STATE_KEY_FILE,
			  "user",
			  self ? storage_user_json(self) : json_null()));
}

static void on_state(enum tg_state state, const char *reason, void *arg)
{
	const struct session *session = arg;

	log_info("storage", session->name, "session %s%s%s",
		 tg_state_name(state), *reason ? ": " : "", reason);
	state_publish(session);
}

static void on_event(const struct tg_event *event, void *arg)
{
	storage_chat_heard(arg, event);
	storage_event(arg, event);
}

static void on_incoming(struct tg_call *call, const struct tg_user *from,
			void *arg)
{
	storage_calls_incoming(arg, call, from);
}

/* -- sessions ----------------------------------------------------------------
 */

static void session_destroy(void *arg)
{
	struct session *session = arg;

	list_unlink(&session->le);
	storage_events_drop(session);
	tg_account_free(&session->account);
	bytes_wipe(&session->kept, sizeof(session->kept));
}

static int session_start(struct session *session, const struct tg_use *use)
{
	struct storage *s = session->storage;
	const struct store_session *k = &session->kept;
	struct tg_dc learnt[ADDRESSES_MAX];
	struct tg_account_conf conf = {
		.name = session->name,
		.api_id = s->conf.api_id,
		.api_hash = s->conf.api_hash,
		.dcs = s->conf.dcs,
		.dcs_n = s->conf.dcs_n,
		.learnt = learnt,
		.learnt_n = addresses_read(learnt, ADDRESSES_MAX,
					   buf_cstr(&s->addresses)),
		.rsa = s->conf.rsa,
		.link = s->conf.link,
		.dc_id = k->dc_id,
		.logged_in = k->logged_in,
		.pts = k->pts,
		.qts = k->qts,
		.date = k->date,
		.seq = k->seq,
		.dead_reason = k->dead_reason,
		.dead_since = k->dead_since,
		.frozen_since = k->frozen_since,
		.use = *use,
		.keep = {.auth = keep_auth,
			 .dcs = keep_dcs,
			 .auth_lost = keep_auth_lost,
			 .frozen = keep_frozen,
			 .flood = keep_flood,
			 .self = keep_self,
			 .updates = keep_updates},
		.handlers = {.state = on_state,
			     .event = on_event,
			     .incoming = on_incoming},
		.arg = session,
	};
	int err = vault_open(s->conf.key, k, &conf.auth);

	storage_peers_keep(&conf.keep);

	/* The store was made with this key; one of its log-ins was not. The
	 * other sessions go on. */
	conf.key_closed = err == -EKEYREJECTED;
	if (conf.key_closed)
		log_error("storage", session->name,
			  "the kept log-in does not open with this key file");
	else if (err && err != -ENOENT)
		return err;
	err = tg_account_new(&session->account, &conf);
	bytes_wipe(&conf.auth, sizeof(conf.auth));
	if (!err)
		err = store_flood_each(s->conf.store, session->name,
				       resume_flood, session);
	return err;
}

static int session_add(struct storage *s, const char *name,
		       const struct tg_use *use)
{
	struct session *session = mem_zalloc(sizeof(*session), session_destroy);
	int err;

	if (!session)
		return -ENOMEM;
	session->storage = s;
	session->silent = use->silent;
	snprintf(session->name, sizeof(session->name), "%s", name);
	err = store_session_get(s->conf.store, name, &session->kept);
	if (err == -ENOENT)
		snprintf(session->kept.name, sizeof(session->kept.name), "%s",
			 name);
	else if (err)
		goto out;
	err = session_start(session, use);
	if (err)
		goto out;
	list_append(&s->sessions, &session->le, session);
	return 0;
out:
	mem_deref(session);
	return err;
}

static void on_manager_up(const struct bus_message *m, void *arg)
{
	struct storage *s = arg;
	struct le *le;

	LIST_FOREACH(&s->sessions, le)
	state_publish(le->data);
}

/* -- the role
 * ------------------------------------------------------------------ */

int storage_subscribe(struct storage *s, const char *format, bus_h *handler)
{
	char subject[96];
	int err;

	re_snprintf(subject, sizeof(subject), format, s->id);
	err = bus_subscribe(&s->subs[s->subs_n], s->conf.bus, subject, handler,
			    s);
	if (!err)
		s->subs_n++;
	return err;
}

int storage_new(struct storage **sp, const struct storage_conf *conf,
		const char **why)
{
	struct storage *s = calloc(1, sizeof(*s));
	struct le *le;
	int err = 0;

	if (!s)
		return -ENOMEM;
	s->conf = *conf;
	buf_init(&s->addresses);
	err = chat_budget_new(&s->chat_budget);
	(void)store_fact_get(conf->store, ADDRESSES_FACT, &s->addresses);
	snprintf(s->id, sizeof(s->id), "%s", conf->id);
	for (size_t i = 0; i < conf->sessions_n && !err; i++) {
		*why = conf->sessions[i];
		err = session_add(s, conf->sessions[i], &conf->uses[i]);
	}
	if (!err)
		err = storage_calls_subscribe(s);
	if (!err)
		err = storage_login_subscribe(s);
	if (!err)
		err = storage_settings_subscribe(s);
	if (!err)
		err = storage_messages_subscribe(s);
	if (!err)
		err = storage_chat_subscribe(s);
	if (!err)
		err = storage_show_subscribe(s);
	if (!err)
		err = storage_subscribe(s, BUS_MANAGER_UP, on_manager_up);
	/* Connections start only when every session could be opened. */
	le = list_head(&s->sessions);
	for (size_t i = 0; i < conf->sessions_n && !err; i++, le = le->next) {
		const struct session *session = le->data;

		*why = conf->sessions[i];
		state_publish(session);
		err = tg_account_start(session->account);
	}
	if (err) {
		storage_free(&s);
		return err;
	}
	*sp = s;
	return 0;
}

void storage_free(struct storage **sp)
{
	struct storage *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	while (s->subs_n)
		bus_unsubscribe(&s->subs[--s->subs_n]);
	storage_publish(s, BUS_MANAGER_STORAGE_GONE,
			json_pack("{ss}", "storage", s->id));
	storage_calls_drop(s);
	storage_transfers_drop(s);
	list_flush(&s->sessions);
	chat_budget_free(&s->chat_budget);
	buf_clear(&s->addresses);
	free(s);
}
