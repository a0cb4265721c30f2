/* A Telegram user calls an account of ours: the Manager is asked who takes the
 * call. When nobody does, the caller is told why in the chat. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cause.h"
#include "base/log.h"
#include "base/random.h"
#include "bus/manager_storage.h"
#include "bus/text.h"
#include "storage/calls_priv.h"

#define OFFER_TIMEOUT_MS 5000

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
		err == -ECANCELED ? NULL : storage_call_find(o->storage, o->id);
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
	c = storage_call_new(session, id);
	if (!c)
		return;
	if (tg_call_take(call, s->conf.versions, &storage_call_handlers, c)) {
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

void storage_call_on_assign(const struct bus_message *m, void *arg)
{
	struct storage_call *c =
		storage_call_find(arg, text_of(m->body, "call"));
	json_t *pending;

	if (!c)
		return;
	snprintf(c->worker, sizeof(c->worker), "%s",
		 text_of(m->body, "worker"));
	pending = c->pending;
	c->pending = json_array();
	for (size_t i = 0; i < json_array_size(pending); i++)
		storage_call_event(c, json_incref(json_array_get(pending, i)));
	json_decref(pending);
}
