/* Calls from Telegram: the Manager offers them with the trunks to ring. */
#include "base/log.h"
#include "bus/text.h"
#include "worker/internal.h"

#define COPY(dst, o, key) text_copy(dst, sizeof(dst), o, key)

static void add_leg(struct worker_call *wc, const struct sip_leg_target *target,
		    unsigned priority)
{
	struct call_leg *leg = NULL;

	if (sip_leg_new_outgoing(&leg, wc, target))
		return;
	if (!wc->trunk[0])
		sip_leg_name(leg);
	leg->priority = priority;
	call_add(wc->call, leg);
}

/* All phones of one login ring at once. */
static void add_target(struct worker_call *wc, json_t *t, json_t *caller)
{
	struct sip_leg_target target = {
		.trunk = worker_trunk_by_name(wc->worker, text_of(t, "trunk")),
		.from_user = text_of(t, "from_user"),
		.from_name = text_of(t, "from_name"),
		.number = text_of(t, "number"),
		.caller = caller,
	};
	unsigned priority =
		(unsigned)json_integer_value(json_object_get(t, "priority"));
	const struct sip_binding *list[SIP_PLACE_BINDINGS];
	size_t n = 0;

	if (!target.trunk)
		return;
	if (target.trunk->set.kind == TRUNK_PBX_TO_GATEWAY)
		n = sip_place_bindings(wc->worker, target.trunk, list);
	for (size_t i = 0; i < n; i++) {
		target.contact = list[i]->contact;
		add_leg(wc, &target, priority);
	}
	if (!n)
		add_leg(wc, &target, priority);
}

/* A limit, for example. */
static bool refused(struct worker_call *wc, json_t *refusal)
{
	enum cause_row row = cause_by_name(text_of(refusal, "cause"));
	struct call_cause cause;

	if (row == CAUSE_ROWS)
		return false;
	call_cause_set(&cause, row, text_of(refusal, "text"));
	call_end(wc->call, &cause);
	return true;
}

void worker_on_offer(const struct bus_message *m, void *arg)
{
	struct worker *w = arg;
	json_t *caller = json_object_get(m->body, "caller");
	json_t *targets = json_object_get(m->body, "targets");
	struct call_leg *leg = NULL;
	struct worker_call *wc;
	bool loop;

	if (worker_call_find(w, text_of(m->body, "call")))
		return;
	wc = w->stopping ? NULL
			 : worker_call_new(w, false, text_of(m->body, "call"));
	if (!wc) {
		bus_reply(w->bus, m->inbox, json_pack("{sb}", "ok", 0));
		return;
	}
	COPY(wc->session, m->body, "session");
	COPY(wc->storage, m->body, "storage");
	COPY(wc->telegram_id, m->body, "telegram_id");
	COPY(wc->access_hash, m->body, "access_hash");
	COPY(wc->telegram_user, caller, "id");
	loop = json_is_true(json_object_get(m->body, "caller_is_gateway"));
	if (telegram_leg_new_incoming(&leg, wc) || worker_call_begin(wc, leg)) {
		if (leg)
			leg->ops->release(leg);
		worker_call_discard(wc);
		bus_reply(w->bus, m->inbox, json_pack("{sb}", "ok", 0));
		return;
	}
	bus_reply(w->bus, m->inbox, json_pack("{sb}", "ok", 1));
	log_info("worker", wc->id, "Telegram user %s calls session %s",
		 wc->telegram_user, wc->session);
	if (loop) {
		worker_call_end(wc, CAUSE_CALLER_IS_GATEWAY);
		return;
	}
	if (refused(wc, json_object_get(m->body, "refusal")))
		return;
	if (worker_is_full(w)) {
		worker_call_end(wc, CAUSE_MAX_CALLS);
		return;
	}
	for (size_t i = 0; i < json_array_size(targets); i++)
		add_target(wc, json_array_get(targets, i), caller);
	worker_call_keep(wc);
	call_added_all(wc->call);
}

void worker_on_call_event(const struct bus_message *m, void *arg)
{
	struct worker_call *wc =
		worker_call_find(arg, text_of(m->body, "call"));

	if (wc && wc->telegram_leg)
		telegram_leg_event(wc->telegram_leg, m->body);
}
