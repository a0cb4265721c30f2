/* Telegram calls of all sessions: bus subjects on one side, phone.h on the
 * other. A call here ends when Telegram says so or the Worker does. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cause.h"
#include "base/log.h"
#include "base/random.h"
#include "bus/blob.h"
#include "bus/manager_storage.h"
#include "bus/text.h"
#include "bus/worker_storage.h"
#include "storage/internal.h"
#include "telegram/phone_key.h"

#define VERSIONS_MAX 16
#define OFFER_TIMEOUT_MS 5000

struct storage_call {
	struct le le;
	struct storage *storage;
	struct session *session;
	char id[33];
	char worker[32]; /* "" until the Manager has assigned one */
	struct tg_call *call;
	int64_t user_id;   /* called; 0: he calls */
	int64_t caller_id; /* he calls; else 0 */
	bool told_waiting;
	/* Events of a call that has no Worker yet wait here. */
	json_t *pending;
	/* Outgoing, while the peer is being resolved. */
	char versions[VERSIONS_MAX][16];
	const char *version_list[VERSIONS_MAX + 1];
	bool resolving;
	bool discarded; /* by the Worker, while resolving */
	char *inbox;    /* of the start request */
};

static void call_destroy(void *arg)
{
	struct storage_call *c = arg;

	list_unlink(&c->le);
	tg_call_unref(&c->call);
	json_decref(c->pending);
	mem_deref(c->inbox);
}

static struct storage_call *call_find(struct storage *s, const char *id)
{
	struct le *le;

	LIST_FOREACH(&s->calls, le)
	{
		struct storage_call *c = le->data;

		if (strcmp(c->id, id) == 0)
			return c;
	}
	return NULL;
}

static struct storage_call *call_new(struct session *session, const char *id)
{
	struct storage_call *c = mem_zalloc(sizeof(*c), call_destroy);

	if (!c)
		return NULL;
	c->storage = session->storage;
	c->session = session;
	c->pending = json_array();
	snprintf(c->id, sizeof(c->id), "%s", id);
	list_append(&c->storage->calls, &c->le, c);
	return c;
}

/* -- events to the Worker ---------------------------------------------------
 */

static void send_event(struct storage_call *c, json_t *event)
{
	char subject[96];

	json_object_set_new(event, "call", json_string(c->id));
	if (!c->worker[0]) {
		json_array_append_new(c->pending, event);
		return;
	}
	snprintf(subject, sizeof(subject), BUS_WORKER_CALL_EVENT, c->worker);
	storage_publish(c->storage, subject, event);
}

static json_t *id_json(int64_t id)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, id);
	return json_string(text);
}

static void tell_waiting(struct storage_call *c)
{
	if (c->told_waiting || !tg_call_id(c->call))
		return;
	c->told_waiting = true;
	send_event(c, json_pack("{ss so so}", "event", "waiting", "telegram_id",
				id_json(tg_call_id(c->call)), "access_hash",
				id_json(tg_call_access_hash(c->call))));
}

static void on_state(enum tg_call_state state, void *arg)
{
	struct storage_call *c = arg;

	log_info("telegram", c->id, "call state %d", (int)state);
	if (!c->call)
		return;
	tell_waiting(c);
	if (state == TG_CALL_RINGING)
		tg_peer_met(c->session->account, c->user_id);
	if (state == TG_CALL_RINGING)
		send_event(c, json_pack("{ss}", "event", "ringing"));
}

static json_t *server_json(const struct tg_call_server *s, int number,
			   const char *host)
{
	char tag[33] = "";

	if (s->reflector)
		hex_encode(tag, s->peer_tag, sizeof(s->peer_tag));
	return json_pack("{si ss si ss ss sb sb sb ss}", "id", number, "host",
			 host, "port", (int)s->port, "username", s->username,
			 "password", s->password, "turn", s->turn, "reflector",
			 s->reflector, "tcp", s->tcp, "peer_tag", tag);
}

static int compare_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* telegram-wire E.8: reflectors are numbered 1..n by their sorted, distinct
 * ids, so that both peers name them alike. */
static int server_number(const struct tg_call_media *m,
			 const struct tg_call_server *s)
{
	int64_t ids[16];
	size_t n = 0;
	int number = 0;

	for (size_t i = 0; i < m->servers_n; i++)
		if (m->servers[i].reflector)
			ids[n++] = m->servers[i].id;
	qsort(ids, n, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || ids[i] != ids[i - 1])
			number++;
		if (ids[i] == s->id)
			return number;
	}
	return 0;
}

/* D.9: an entry for each address. IPv6 comes last: where there is room for some
 * relays only, both sides most likely have IPv4. */
static void servers_append(json_t *list, const struct tg_call_media *m,
			   bool ipv6)
{
	for (size_t i = 0; i < m->servers_n; i++) {
		const struct tg_call_server *s = &m->servers[i];
		const char *host = ipv6 ? s->ipv6 : s->ip;

		if (*host)
			json_array_append_new(
				list,
				server_json(s, server_number(m, s), host));
	}
}

static void emoji_text(char text[PHONE_EMOJI_TEXT_BYTES],
		       const struct tg_call_media *m)
{
	uint16_t emoji[4];

	for (int i = 0; i < 4; i++)
		emoji[i] = be16_load(m->emoji + 2 * i);
	phone_emoji_text(text, emoji);
}

static void on_active(const struct tg_call_media *m, void *arg)
{
	struct storage_call *c = arg;
	json_t *servers = json_array();
	char key[513], emoji[PHONE_EMOJI_TEXT_BYTES];

	servers_append(servers, m, false);
	servers_append(servers, m, true);
	hex_encode(key, m->key, sizeof(m->key));
	emoji_text(emoji, m);
	tell_waiting(c);
	send_event(c,
		   json_pack("{ss ss ss sb ss sb so ss?}", "event", "active",
			     "key", key, "emoji", emoji, "outgoing",
			     m->outgoing, "version", m->version, "p2p_allowed",
			     m->p2p_allowed, "servers", servers,
			     "custom_parameters", m->custom_parameters));
	bytes_wipe(key, sizeof(key));
}

static void on_signaling(struct bytes data, void *arg)
{
	struct storage_call *c = arg;

	send_event(c, json_pack("{ss so}", "event", "signal", "data",
				blob_json(data)));
}

static const char *discard_name(enum tg_discard reason)
{
	static const char *const names[] = {"none", "missed", "busy", "hangup",
					    "disconnect"};

	return names[reason];
}

/* What ends the session is no fault of this call: 401, whatever Telegram gave
 * it (406 for AUTH_KEY_DUPLICATED, 400 for API_ID_INVALID). */
static int code_told(int code, const char *text)
{
	enum tg_state state;

	return tg_state_of_error(&state, code, text) && tg_state_is_over(state)
		       ? 401
		       : code;
}

static void on_ended(const struct tg_call_end *end, void *arg)
{
	struct storage_call *c = arg;

	log_info("telegram", c->id, "ended: %s%s%s", discard_name(end->reason),
		 end->error[0] ? ", " : "", end->error);
	send_event(c, json_pack("{ss ss sb sb sb si ss}", "event", "ended",
				"reason", discard_name(end->reason), "by_us",
				end->by_us, "was_ringing", end->was_ringing,
				"was_active", end->was_active, "code",
				code_told(end->error_code, end->error), "text",
				end->error));
	/* Without a Worker nobody waits for the events. */
	mem_deref(c);
}

static const struct tg_call_handlers handlers = {
	.state = on_state,
	.active = on_active,
	.signaling = on_signaling,
	.ended = on_ended,
};

/* -- outgoing ---------------------------------------------------------------
 */

static void start_failed(struct storage_call *c, int code, const char *text)
{
	bus_reply(c->storage->conf.bus, c->inbox,
		  json_pack("{sb si ss}", "ok", 0, "code", code, "text", text));
	mem_deref(c);
}

static void on_resolved(const struct mtp_error *err, const struct tg_user *user,
			void *arg)
{
	struct storage_call *c = arg;
	char why[32];
	int fail;

	c->resolving = false;
	if (err) {
		start_failed(c, code_told(err->code, err->text), err->text);
		return;
	}
	if (c->discarded) {
		start_failed(c, 0, "cancelled");
		return;
	}
	if (!tg_call_permitted(c->session->account, user, why)) {
		start_failed(c, 420, why);
		return;
	}
	send_event(c, json_pack("{ss so}", "event", "resolved", "user",
				storage_user_json(user)));
	c->user_id = user->id;
	fail = tg_call_request(&c->call, c->session->account, user,
			       c->version_list, &handlers, c);
	if (fail) {
		start_failed(c, fail == -ENOTCONN ? 401 : 500, strerror(-fail));
		return;
	}
	bus_reply(c->storage->conf.bus, c->inbox, json_pack("{sb}", "ok", 1));
	tell_waiting(c);
}

static void read_versions(struct storage_call *c, json_t *list)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(list) && n < VERSIONS_MAX; i++) {
		const char *v = json_string_value(json_array_get(list, i));

		if (!v || strlen(v) >= sizeof(c->versions[0]))
			continue;
		snprintf(c->versions[n], sizeof(c->versions[n]), "%s", v);
		c->version_list[n] = c->versions[n];
		n++;
	}
	c->version_list[n] = NULL;
}

static int peer_kind(const char *name, enum tg_peer_kind *kind)
{
	if (strcmp(name, "phone") == 0)
		*kind = TG_PEER_PHONE;
	else if (strcmp(name, "username") == 0)
		*kind = TG_PEER_USERNAME;
	else if (strcmp(name, "id") == 0)
		*kind = TG_PEER_ID;
	else
		return -EINVAL;
	return 0;
}

static void refuse_start(struct storage *s, const struct bus_message *m,
			 int code, const char *text)
{
	bus_reply(s->conf.bus, m->inbox,
		  json_pack("{sb si ss}", "ok", 0, "code", code, "text", text));
}

static void on_start(const struct bus_message *m, void *arg)
{
	struct storage *s = arg;
	struct session *session =
		storage_session(s, text_of(m->body, "session"));
	json_t *peer = json_object_get(m->body, "peer");
	enum tg_peer_kind kind;
	struct storage_call *c;
	char why[32];

	if (session && tg_account_state(session->account) == TG_STATE_FROZEN) {
		refuse_start(s, m, 420, "FROZEN_METHOD_INVALID");
		return;
	}
	if (!session || tg_account_state(session->account) != TG_STATE_READY) {
		refuse_start(s, m, 401, "SESSION_NOT_RUNNING");
		return;
	}
	/* Nobody is looked up in vain either. */
	if (!tg_call_permitted(session->account, NULL, why)) {
		refuse_start(s, m, strcmp(why, "FEATURE_OFF") ? 420 : 0, why);
		return;
	}
	if (peer_kind(text_of(peer, "kind"), &kind)) {
		refuse_start(s, m, 400, "Chat not found");
		return;
	}
	c = call_new(session, text_of(m->body, "call"));
	if (!c || str_dup(&c->inbox, m->inbox)) {
		mem_deref(c);
		refuse_start(s, m, 500, "out of memory");
		return;
	}
	snprintf(c->worker, sizeof(c->worker), "%s",
		 text_of(m->body, "worker"));
	read_versions(c, json_object_get(m->body, "versions"));
	c->resolving = true;
	if (tg_resolve(session->account, kind, text_of(peer, "value"),
		       on_resolved, c))
		start_failed(c, 500, "out of memory");
}

/* -- incoming ---------------------------------------------------------------
 */

/* The call may be over when the Manager answers: it is looked up again. */
struct offer {
	struct storage *storage;
	char id[33];
};

static void refuse(struct storage_call *c, enum cause_row row)
{
	const struct cause_facts *f = cause_facts(row);
	char text[160];

	(void)re_snprintf(text, sizeof(text), "%d %s", f->code, f->reason);
	log_warn("telegram", c->id, "refused: %s", text);
	storage_chat_tell(c->session, c->caller_id, text);
	tg_call_discard(c->call, TG_DISCARD_DISCONNECT, 0);
}

static void on_offered(int err, json_t *answer, void *arg)
{
	struct offer *o = arg;
	struct storage_call *c =
		err == -ECANCELED ? NULL : call_find(o->storage, o->id);
	enum cause_row row;

	free(o);
	if (!c || !c->call || json_is_true(json_object_get(answer, "ok")))
		return;
	row = cause_by_name(text_of(answer, "cause"));
	refuse(c, !err && row < CAUSE_ROWS ? row : CAUSE_NO_MANAGER);
}

static void offer(struct storage_call *c, json_t *caller)
{
	struct storage *s = c->storage;
	struct offer *o = calloc(1, sizeof(*o));
	int err;

	if (!o) {
		json_decref(caller);
		refuse(c, CAUSE_NO_MANAGER);
		return;
	}
	o->storage = s;
	memcpy(o->id, c->id, sizeof(o->id));
	err = bus_request(s->conf.bus, BUS_MANAGER_CALL_INCOMING,
			  json_pack("{ss ss ss so so so}", "session",
				    c->session->name, "storage", s->id, "call",
				    c->id, "telegram_id",
				    id_json(tg_call_id(c->call)), "access_hash",
				    id_json(tg_call_access_hash(c->call)),
				    "caller", caller),
			  OFFER_TIMEOUT_MS, on_offered, o);
	if (err) {
		free(o);
		refuse(c, CAUSE_NO_MANAGER);
	}
}

void storage_calls_incoming(struct session *session, struct tg_call *call,
			    const struct tg_user *from)
{
	struct storage *s = session->storage;
	struct storage_call *c;
	char id[17];

	random_text(id, 16);
	c = call_new(session, id);
	if (!c)
		return;
	if (tg_call_take(call, s->conf.versions, &handlers, c)) {
		mem_deref(c);
		return;
	}
	c->call = call;
	c->told_waiting = true; /* the offer carries the ids */
	log_info("telegram", c->id, "incoming call for session %s",
		 session->name);
	c->caller_id = from->id;
	offer(c, storage_user_json(from));
}

static void on_assign(const struct bus_message *m, void *arg)
{
	struct storage_call *c = call_find(arg, text_of(m->body, "call"));
	json_t *pending;

	if (!c)
		return;
	snprintf(c->worker, sizeof(c->worker), "%s",
		 text_of(m->body, "worker"));
	pending = c->pending;
	c->pending = json_array();
	for (size_t i = 0; i < json_array_size(pending); i++)
		send_event(c, json_incref(json_array_get(pending, i)));
	json_decref(pending);
}

/* -- both -------------------------------------------------------------------
 */

static void on_accept(const struct bus_message *m, void *arg)
{
	struct storage_call *c = call_find(arg, text_of(m->body, "call"));

	if (c && c->call)
		(void)tg_call_accept(c->call);
}

static enum tg_discard discard_of(const char *name)
{
	if (strcmp(name, "missed") == 0)
		return TG_DISCARD_MISSED;
	if (strcmp(name, "busy") == 0)
		return TG_DISCARD_BUSY;
	if (strcmp(name, "hangup") == 0)
		return TG_DISCARD_HANGUP;
	return TG_DISCARD_DISCONNECT;
}

static void on_discard(const struct bus_message *m, void *arg)
{
	struct storage_call *c = call_find(arg, text_of(m->body, "call"));

	if (!c)
		return;
	if (c->resolving)
		c->discarded = true;
	else if (c->call)
		tg_call_discard(c->call, discard_of(text_of(m->body, "reason")),
				(int)json_integer_value(json_object_get(
					m->body, "duration_s")));
}

static void on_signal(const struct bus_message *m, void *arg)
{
	struct storage_call *c = call_find(arg, text_of(m->body, "call"));
	struct buf data;

	if (!c || !c->call)
		return;
	buf_init(&data);
	if (blob_read(&data, m->body, "data"))
		count_bad("storage", "signal", "not base64");
	else
		(void)tg_call_send_signaling(c->call, buf_bytes(&data));
	buf_clear(&data);
}

static void on_stale_done(const struct mtp_error *err,
			  const struct tl_obj *answer, void *arg)
{
	if (err)
		log_info("telegram", NULL, "call of an earlier process: %s",
			 err->text);
}

static void on_stale(const struct bus_message *m, void *arg)
{
	struct session *session =
		storage_session(arg, text_of(m->body, "session"));

	if (session)
		(void)tg_call_discard_stale(
			session->account,
			strtoll(text_of(m->body, "telegram_id"), NULL, 10),
			strtoll(text_of(m->body, "access_hash"), NULL, 10),
			on_stale_done, NULL);
}

int storage_calls_subscribe(struct storage *s)
{
	int err = storage_subscribe(s, BUS_STORAGE_CALL_START, on_start);

	if (!err)
		err = storage_subscribe(s, BUS_STORAGE_CALL_ACCEPT, on_accept);
	if (!err)
		err = storage_subscribe(s, BUS_STORAGE_CALL_DISCARD,
					on_discard);
	if (!err)
		err = storage_subscribe(s, BUS_STORAGE_CALL_SIGNAL, on_signal);
	if (!err)
		err = storage_subscribe(s, BUS_STORAGE_CALL_STALE, on_stale);
	if (!err)
		err = storage_subscribe(s, BUS_STORAGE_CALL_ASSIGN, on_assign);
	return err;
}

void storage_calls_drop(struct storage *s)
{
	struct le *le = list_head(&s->calls);

	while (le) {
		struct storage_call *c = le->data;

		le = le->next;
		/* A query still refers to it: released when the account goes,
		 * which answers every query. */
		if (c->resolving)
			c->discarded = true;
		else
			mem_deref(c);
	}
}
