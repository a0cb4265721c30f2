/* Telegram calls of all sessions: bus subjects on one side, phone.h on the
 * other. A call here ends when Telegram says so or the Worker does. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bus/blob.h"
#include "bus/manager_storage.h"
#include "bus/text.h"
#include "bus/worker_storage.h"
#include "storage/call_media.h"
#include "storage/calls_priv.h"

static void call_destroy(void *arg)
{
	struct storage_call *c = arg;

	list_unlink(&c->le);
	tg_call_unref(&c->call);
	json_decref(c->pending);
	mem_deref(c->inbox);
}

struct storage_call *storage_call_find(struct storage *s, const char *id)
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

struct storage_call *storage_call_new(struct session *session, const char *id)
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

void storage_call_event(struct storage_call *c, json_t *event)
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

static void tell_waiting(struct storage_call *c)
{
	if (c->told_waiting || !tg_call_id(c->call))
		return;
	c->told_waiting = true;
	storage_call_event(
		c, json_pack("{ss so so}", "event", "waiting", "telegram_id",
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
		storage_call_event(c, json_pack("{ss}", "event", "ringing"));
}

static void on_active(const struct tg_call_media *m, void *arg)
{
	struct storage_call *c = arg;

	tell_waiting(c);
	storage_call_event(c, call_media_event(m));
}

static void on_signaling(struct bytes data, void *arg)
{
	struct storage_call *c = arg;

	storage_call_event(c, json_pack("{ss so}", "event", "signal", "data",
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
	storage_call_event(
		c, json_pack("{ss ss sb sb sb si ss}", "event", "ended",
			     "reason", discard_name(end->reason), "by_us",
			     end->by_us, "was_ringing", end->was_ringing,
			     "was_active", end->was_active, "code",
			     code_told(end->error_code, end->error), "text",
			     end->error));
	/* Without a Worker nobody waits for the events. */
	mem_deref(c);
}

const struct tg_call_handlers storage_call_handlers = {
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
	storage_call_event(c, json_pack("{ss so}", "event", "resolved", "user",
					storage_user_json(user)));
	c->user_id = user->id;
	fail = tg_call_request(&c->call, c->session->account, user,
			       c->version_list, &storage_call_handlers, c);
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
	c = storage_call_new(session, text_of(m->body, "call"));
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

/* -- both -------------------------------------------------------------------
 */

static void on_accept(const struct bus_message *m, void *arg)
{
	struct storage_call *c =
		storage_call_find(arg, text_of(m->body, "call"));

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
	struct storage_call *c =
		storage_call_find(arg, text_of(m->body, "call"));

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
	struct storage_call *c =
		storage_call_find(arg, text_of(m->body, "call"));
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
		err = storage_subscribe(s, BUS_STORAGE_CALL_ASSIGN,
					storage_call_on_assign);
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
