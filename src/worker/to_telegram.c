/* Calls from a PBX: the Manager says whom they reach. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bus/manager_worker.h"
#include "bus/text.h"
#include "worker/internal.h"

#define ROUTE_TIMEOUT_MS 5000

#define COPY(dst, o, key) text_copy(dst, sizeof(dst), o, key)

/* The call may be over when the Manager answers: it is looked up again. */
struct route_request {
	struct worker *worker;
	char id[33];
};

static void route_answered(struct worker_call *wc, int err, json_t *answer)
{
	struct call_leg *telegram = NULL;
	struct call_cause cause;
	enum cause_row row;
	json_t *peer;

	if (err) {
		worker_call_end(wc, CAUSE_NO_MANAGER);
		return;
	}
	if (!json_is_true(json_object_get(answer, "ok"))) {
		row = cause_by_name(text_of(answer, "cause"));
		call_cause_set(&cause,
			       row < CAUSE_ROWS ? row : CAUSE_NO_MANAGER,
			       text_of(answer, "text"));
		/* A number that means nobody: Telegram was not asked. */
		if (row == CAUSE_NOT_FOUND)
			cause.hop = CAUSE_HOP_GATEWAY;
		call_end(wc->call, &cause);
		return;
	}
	COPY(wc->session, answer, "session");
	COPY(wc->storage, answer, "storage");
	peer = json_object_get(answer, "peer");
	if (telegram_leg_new_outgoing(&telegram, wc, text_of(peer, "kind"),
				      text_of(peer, "value"))) {
		worker_call_end(wc, CAUSE_WORKER_UNAVAILABLE);
		return;
	}
	worker_call_keep(wc);
	call_add(wc->call, telegram);
	call_added_all(wc->call);
}

static void on_route(int err, json_t *answer, void *arg)
{
	struct route_request *r = arg;
	struct worker_call *wc =
		err == -ECANCELED ? NULL : worker_call_find(r->worker, r->id);

	free(r);
	if (wc && !wc->call_over && call_state(wc->call) != CALL_ENDED)
		route_answered(wc, err, answer);
}

/* codec: the offer has one in common with the trunk; the Manager refuses in
 * its turn (behaviour 3.4). */
static int ask_route(struct worker_call *wc, const char *identifier, bool codec)
{
	struct route_request *r = calloc(1, sizeof(*r));
	char clean[256];
	int err;

	if (!r)
		return -ENOMEM;
	text_clean(clean, sizeof(clean), bytes_str(identifier));
	r->worker = wc->worker;
	memcpy(r->id, wc->id, sizeof(r->id));
	err = bus_request(wc->worker->bus, BUS_MANAGER_ROUTE,
			  json_pack("{ss ss ss ss sb}", "call", wc->id,
				    "worker", wc->worker->id, "trunk",
				    wc->trunk, "identifier", clean, "codec",
				    codec),
			  ROUTE_TIMEOUT_MS, on_route, r);
	if (err)
		free(r);
	return err;
}

static void refuse(struct sip_session *s, enum cause_row row)
{
	const struct cause_facts *f = cause_facts(row);

	(void)sip_session_refuse(s, f->code, f->reason, NULL);
}

/* Whom the PBX calls. One we registered with sends to our contact, so the
 * number may stand in To only. */
static const char *called_at(const struct worker_trunk *t,
			     const struct sip_session_info *info)
{
	if (t->set.kind == TRUNK_GATEWAY_TO_PBX &&
	    strcmp(info->request_user, t->set.login) == 0)
		return info->to_user;
	return info->request_user;
}

/* Who calls at the PBX: From, or what a trusted PBX asserts (RFC 3325). */
static void caller_take(struct worker_call *wc, const struct worker_trunk *t,
			const struct sip_session_info *info)
{
	bool asserted =
		t->set.identity & TRUNK_IDENTITY_TRUST && *info->asserted_user;
	const char *user = asserted ? info->asserted_user : info->from_user;
	const char *name = asserted && *info->asserted_name
				   ? info->asserted_name
				   : info->from_name;

	wc->anonymous = info->private;
	text_clean(wc->from, sizeof(wc->from), bytes_str(user));
	/* RFC 3323: the name is what others would be shown. */
	if (!wc->anonymous)
		text_clean(wc->from_name, sizeof(wc->from_name),
			   bytes_str(name));
	text_clean(wc->diverted_from, sizeof(wc->diverted_from),
		   bytes_str(info->diverted_user));
}

void worker_on_invite(struct sip_session *s, const char *user, void *arg)
{
	struct worker *w = arg;
	struct worker_trunk *trunk;
	struct sip_session_info info;
	struct worker_call *wc;
	struct call_leg *leg = NULL;
	char masked[32];
	bool codec;

	sip_session_info(s, &info);
	trunk = worker_trunk_of(w, user, info.peer);
	if (!trunk || !worker_trunk_runs(trunk)) {
		refuse(s, CAUSE_ACCOUNT_NOT_RUNNING);
		return;
	}
	worker_trunk_seen(trunk, "");
	if (!sip_leg_agree(s, trunk))
		return;
	if (info.replaces) {
		worker_transfer_replaces(s, trunk,
					 sip_session_arg(info.replaces));
		return;
	}
	wc = worker_call_new(w, true, NULL);
	if (!wc) {
		refuse(s, CAUSE_WORKER_UNAVAILABLE);
		return;
	}
	snprintf(wc->trunk, sizeof(wc->trunk), "%s", trunk->set.name);
	snprintf(wc->session, sizeof(wc->session), "%s", trunk->set.session);
	caller_take(wc, trunk, &info);
	text_clean(wc->to, sizeof(wc->to), bytes_str(called_at(trunk, &info)));
	log_info("worker", wc->id, "INVITE %s from trunk %s, SIP call %s",
		 log_mask_number(masked, wc->to), trunk->set.name,
		 info.call_id);
	if (sip_leg_new_incoming(&leg, wc, s, trunk)) {
		refuse(s, CAUSE_WORKER_UNAVAILABLE);
		worker_call_discard(wc);
		return;
	}
	if (worker_call_begin(wc, leg)) {
		leg->ops->release(leg);
		refuse(s, CAUSE_WORKER_UNAVAILABLE);
		worker_call_discard(wc);
		return;
	}
	codec = sip_leg_has_codec(leg);
	if (worker_is_full(w))
		worker_call_end(wc, CAUSE_MAX_CALLS);
	else if (codec && sip_leg_open_media(leg))
		worker_call_end(wc, CAUSE_NO_RESOURCES);
	else if (ask_route(wc, called_at(trunk, &info), codec))
		worker_call_end(wc, CAUSE_NO_MANAGER);
}
