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
	struct manager *manager;
	json_t *body; /* as the Storage told it */
	char *inbox;  /* of the Storage's question */
	char worker[32];
};

static void incoming_destroy(void *arg)
{
	struct incoming *i = arg;

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

static json_t *offer_json(struct incoming *i)
{
	struct manager *m = i->manager;
	json_t *caller = json_object_get(i->body, "caller");
	json_t *targets = json_array(), *offer = json_deep_copy(i->body);
	json_t *said = manager_said_take(m, text_of(i->body, "session"),
					 text_of(caller, "id"));

	for (size_t k = 0; k < m->conf.trunks_n; k++) {
		const struct trunk *t = &m->trunks[k];

		if (strcmp(t->session, text_of(i->body, "session")) != 0)
			continue;
		/* Of trunks that the text named a number for, those only. */
		if (!said || json_object_get(said, t->name))
			json_array_append_new(
				targets,
				target_json(t, caller, text_of(said, t->name)));
	}
	json_decref(said);
	json_object_set_new(offer, "targets", targets);
	json_object_set_new(
		offer, "caller_is_gateway",
		json_boolean(is_gateway_account(m, text_of(caller, "id"))));
	return offer;
}

static void on_taken(int err, json_t *answer, void *arg)
{
	struct incoming *i = arg;

	/* A Worker that is not there any more, or goes just now. */
	if (err != -ECANCELED) {
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
	struct le *le = list_head(&m->workers);
	char subject[96];

	if (!i || str_dup(&i->inbox, msg->inbox ? msg->inbox : "")) {
		mem_deref(i);
		return;
	}
	i->manager = m;
	i->body = json_incref(msg->body);
	if (!le) {
		refuse(i, CAUSE_WORKER_UNAVAILABLE);
		mem_deref(i);
		return;
	}
	snprintf(i->worker, sizeof(i->worker), "%s",
		 ((struct manager_worker *)le->data)->id);
	snprintf(subject, sizeof(subject), BUS_WORKER_CALL_OFFER, i->worker);
	if (bus_request(m->conf.bus, subject, offer_json(i), OFFER_TIMEOUT_MS,
			on_taken, i))
		mem_deref(i);
}
