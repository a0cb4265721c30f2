/* Calls from Telegram: a Worker is offered the call with the trunks to ring. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cause.h"
#include "base/log.h"
#include "bus/manager_storage.h"
#include "bus/manager_worker.h"
#include "bus/text.h"
#include "manager/internal.h"
#include "route/caller.h"

#define OFFER_TIMEOUT_MS 3000

/* One call, until a Worker has taken it. */
struct incoming {
	struct le le;
	struct manager *manager; /* NULL: it has stopped */
	json_t *body;            /* as the Storage told it */
	char *inbox;             /* of the Storage's question */
	char worker[32];
};

static void incoming_destroy(void *arg)
{
	struct incoming *i = arg;

	list_unlink(&i->le);
	json_decref(i->body);
	mem_deref(i->inbox);
}

static json_t *target_json(const struct trunk *t, json_t *caller,
			   const char *number)
{
	char name[300], from_user[128], from_name[256];
	struct route_user user = {
		.phone = text_of(caller, "phone"),
		.username = text_of(caller, "username"),
		.userid = text_of(caller, "id"),
		.name = name,
	};

	snprintf(name, sizeof(name), "%s%s%s", text_of(caller, "first_name"),
		 *text_of(caller, "last_name") ? " " : "",
		 text_of(caller, "last_name"));
	if (route_caller_phone(from_user, sizeof(from_user), t->caller_phone,
			       &user) ||
	    route_caller_name(from_name, sizeof(from_name), t->caller_name,
			      &user))
		return NULL;
	return json_pack("{ss si ss ss ss}", "trunk", t->name, "priority",
			 (int)t->priority, "from_user", from_user, "from_name",
			 from_name, "number", number);
}

/* Behaviour 3.15: a gateway's account calling another one is a loop. */
static bool is_gateway_account(const struct manager *m, const char *user_id)
{
	const char *name;
	json_t *session;

	json_object_foreach(m->sessions, name, session)
	{
		if (strcmp(text_of(json_object_get(session, "user"), "id"),
			   user_id) == 0)
			return true;
	}
	return false;
}

static void refuse(struct incoming *i, enum cause_row row)
{
	struct manager *m = i->manager;

	log_warn("manager", text_of(i->body, "call"), "%d %s",
		 cause_facts(row)->code, cause_facts(row)->reason);
	manager_record_refused(m, i->body, row);
	bus_reply(
		m->conf.bus, i->inbox,
		json_pack("{sb ss}", "ok", 0, "cause", cause_facts(row)->name));
}

static void assign(struct incoming *i)
{
	struct manager *m = i->manager;
	char subject[96];

	snprintf(subject, sizeof(subject), BUS_STORAGE_CALL_ASSIGN,
		 text_of(i->body, "storage"));
	manager_publish(m, subject,
			json_pack("{ss ss}", "call", text_of(i->body, "call"),
				  "worker", i->worker));
	bus_reply(m->conf.bus, i->inbox, json_pack("{sb}", "ok", 1));
}

static bool is_candidate(const struct incoming *i, const struct trunk *t)
{
	return t->enabled &&
	       strcmp(t->session, text_of(i->body, "session")) == 0;
}

/* Limits take trunks away; when they take the last one, that is the cause. */
static void targets_put(struct incoming *i, const struct manager_worker *w,
			json_t *offer)
{
	struct manager *m = i->manager;
	json_t *caller = json_object_get(i->body, "caller");
	json_t *targets = json_array();
	json_t *said = manager_said_take(m, text_of(i->body, "session"),
					 text_of(caller, "id"));
	char text[64] = "", first_text[64] = "";
	enum cause_row first = CAUSE_ROWS;
	struct le *le;

	LIST_FOREACH(&m->trunks, le)
	{
		const struct manager_trunk *t = le->data;
		enum cause_row row;

		if (!is_candidate(i, &t->set) || !manager_serves(m, w, &t->set))
			continue;
		/* Of trunks that the text named a number for, those only. */
		if (said && !json_object_get(said, t->set.name))
			continue;
		row = manager_may_ring(m, &t->set, text);
		if (row == CAUSE_ROWS) {
			json_array_append_new(
				targets,
				target_json(&t->set, caller,
					    text_of(said, t->set.name)));
		} else if (first == CAUSE_ROWS) {
			first = row;
			memcpy(first_text, text, sizeof(text));
		}
	}
	json_decref(said);
	if (!json_array_size(targets) && first != CAUSE_ROWS)
		json_object_set_new(offer, "refusal",
				    json_pack("{ss ss}", "cause",
					      cause_facts(first)->name, "text",
					      first_text));
	json_object_set_new(offer, "targets", targets);
}

static json_t *offer_json(struct incoming *i, const struct manager_worker *w)
{
	struct manager *m = i->manager;
	json_t *caller = json_object_get(i->body, "caller");
	json_t *offer = json_deep_copy(i->body);

	targets_put(i, w, offer);
	json_object_set_new(
		offer, "caller_is_gateway",
		json_boolean(is_gateway_account(m, text_of(caller, "id"))));
	return offer;
}

/* A Worker that serves a trunk of the called session; else any that is
 * switched on. */
static struct manager_worker *worker_choose(const struct incoming *i)
{
	struct manager_worker *any = NULL;
	const struct manager *m = i->manager;
	struct le *le, *k;

	LIST_FOREACH(&m->workers, le)
	{
		struct manager_worker *w = le->data;

		if (!manager_is_on(m, "worker", w->id))
			continue;
		any = any ? any : w;
		LIST_FOREACH(&m->trunks, k)
		{
			const struct manager_trunk *t = k->data;

			if (is_candidate(i, &t->set) &&
			    manager_serves(m, w, &t->set))
				return w;
		}
	}
	return any;
}

static void on_taken(int err, json_t *answer, void *arg)
{
	struct incoming *i = arg;

	/* A Worker that is not there any more, or goes just now. */
	if (err != -ECANCELED && i->manager) {
		/* One that answers is there, whatever it says. */
		manager_alarm_worker(i->manager, i->worker, err != 0);
		if (json_is_true(json_object_get(answer, "ok")))
			assign(i);
		else
			refuse(i, CAUSE_WORKER_UNAVAILABLE);
	}
	mem_deref(i);
}

void manager_incoming(struct manager *m, const struct bus_message *msg)
{
	struct incoming *i = mem_zalloc(sizeof(*i), incoming_destroy);
	const struct manager_worker *w;
	char subject[96];

	if (!i || str_dup(&i->inbox, msg->inbox ? msg->inbox : "")) {
		mem_deref(i);
		return;
	}
	i->manager = m;
	i->body = json_incref(msg->body);
	w = worker_choose(i);
	if (!w) {
		refuse(i, CAUSE_WORKER_UNAVAILABLE);
		mem_deref(i);
		return;
	}
	snprintf(i->worker, sizeof(i->worker), "%s", w->id);
	snprintf(subject, sizeof(subject), BUS_WORKER_CALL_OFFER, i->worker);
	list_append(&m->incoming, &i->le, i);
	if (bus_request(m->conf.bus, subject, offer_json(i, w),
			OFFER_TIMEOUT_MS, on_taken, i))
		mem_deref(i);
}

/* The answers come when the Manager is gone. */
void manager_incoming_drop(struct manager *m)
{
	while (!list_isempty(&m->incoming)) {
		struct incoming *i = list_head(&m->incoming)->data;

		list_unlink(&i->le);
		i->manager = NULL;
	}
}
