/* Call transfer: a SIP leg of a running call makes way for another (RFC 3515,
 * 3891). The media goes on at the same port, Telegram is not asked anything.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "worker/internal.h"

static void note(struct worker_call *wc, const char *kind, const char *to)
{
	struct worker_transfer *t;

	if (wc->transfers_n++ >= WORKER_TRANSFERS_MAX)
		return;
	t = &wc->transfers[wc->transfers_n - 1];
	t->at = clock_wall();
	t->kind = kind;
	text_clean(t->to, sizeof(t->to), bytes_str(to));
}

static void note_end(struct worker_call *wc, const char *sip_call_id, int code,
		     const char *reason)
{
	struct worker_transfer *t;

	if (!wc->transfers_n || wc->transfers_n > WORKER_TRANSFERS_MAX)
		return;
	t = &wc->transfers[wc->transfers_n - 1];
	t->code = code;
	snprintf(t->reason, sizeof(t->reason), "%s", reason);
	snprintf(t->sip_call_id, sizeof(t->sip_call_id), "%s", sip_call_id);
}

json_t *worker_transfers_json(const struct worker_call *wc)
{
	json_t *list = json_array();

	for (size_t i = 0; i < wc->transfers_n && i < WORKER_TRANSFERS_MAX;
	     i++) {
		const struct worker_transfer *t = &wc->transfers[i];
		char when[32];

		(void)json_array_append_new(
			list,
			json_pack("{ss ss ss si ss ss}", "at",
				  wall_iso8601(when, t->at), "kind", t->kind,
				  "to", t->to, "sip_status", t->code, "reason",
				  t->reason, "sip_call_id", t->sip_call_id));
	}
	return list;
}

int worker_transfer_refer(struct worker_call *wc, struct call_leg *leg,
			  const struct sip_refer *r)
{
	struct call_leg *by = NULL;
	struct call_cause cause;
	int err;

	if (call_state(wc->call) != CALL_UP || !call_has_leg(wc->call, leg))
		return 491;
	if (sip_leg_new_transfer(&by, leg, r))
		return 500;
	note(wc, *r->replaces ? "attended" : "blind", r->target);
	log_info("worker", wc->id, "trunk %s transfers the call",
		 sip_leg_trunk(leg));
	err = call_replace(wc->call, leg, by, &cause);
	if (!err)
		return 0;
	if (err == -EBUSY || err == -EINVAL)
		call_cause_remote(&cause, 491, "Request Pending");
	note_end(wc, "", cause.code, cause.reason);
	return cause.code;
}

void worker_on_replacing(struct call *c, enum call_replacing event,
			 struct call_leg *old, struct call_leg *by, void *arg)
{
	struct worker_call *wc = arg;
	int code = by->cause.code;

	switch (event) {
	case CALL_REPLACE_RINGING:
		sip_leg_transfer_told(old, 180, "Ringing");
		break;
	case CALL_REPLACE_DONE:
		note_end(wc, sip_leg_call_id(by), 200, "OK");
		sip_leg_transfer_told(old, 200, "OK");
		break;
	case CALL_REPLACE_FAILED:
		/* The far end of the call hung up: that is no success. */
		if (code < 300) {
			note_end(wc, sip_leg_call_id(by), 487,
				 "Request Terminated");
			sip_leg_transfer_told(old, 487, "Request Terminated");
			break;
		}
		note_end(wc, sip_leg_call_id(by), code, by->cause.reason);
		sip_leg_transfer_told(old, code, by->cause.reason);
		break;
	}
}

/* -- Replaces -------------------------------------------------------------- */

/* RFC 3891 3: a phone picks up what rings at another one. */
static void pick_up(struct worker_call *wc, struct call_leg *by)
{
	by->started = true;
	if (call_add(wc->call, by) && !sip_leg_take_over(by))
		call_leg_answered(by);
}

static void refuse(struct sip_session *s, struct call_leg *by, int code)
{
	(void)sip_session_refuse(s, code, NULL, NULL);
	if (by)
		by->ops->release(by);
}

/* 0: in its place; else a status. `by` is the call's then. */
static int take_place(struct worker_call *wc, struct call_leg *old,
		      struct call_leg *by)
{
	struct call_cause cause;

	by->started = true;
	if (call_replace(wc->call, old, by, &cause))
		return 491;
	if (!sip_leg_take_over(by))
		call_leg_answered(by);
	return 0;
}

void worker_transfer_replaces(struct sip_session *s,
			      const struct worker_trunk *trunk,
			      struct call_leg *replaced)
{
	struct sip_session_info info;
	struct worker_call *wc;
	struct call_leg *by = NULL;
	bool up;

	sip_session_info(s, &info);
	if (!replaced || replaced->ended) {
		refuse(s, NULL, 603);
		return;
	}
	wc = sip_leg_call(replaced);
	/* RFC 3891 3: only those who might have transferred it themselves. */
	if (!trunk->set.refer ||
	    strcmp(trunk->set.name, sip_leg_trunk(replaced)) != 0) {
		refuse(s, NULL, 403);
		return;
	}
	up = call_has_leg(wc->call, replaced);
	if (up && call_state(wc->call) != CALL_UP) {
		refuse(s, NULL, 491);
		return;
	}
	if (sip_leg_new_incoming(&by, wc, s, trunk)) {
		refuse(s, NULL, 500);
		return;
	}
	if (!sip_leg_has_codec(by)) {
		refuse(s, by, 488);
		return;
	}
	note(wc, "replaces", info.from_user);
	log_info("worker", wc->id, "trunk %s takes the call over",
		 trunk->set.name);
	if (!up) {
		note_end(wc, sip_leg_call_id(by), 200, "OK");
		pick_up(wc, by);
	} else if (take_place(wc, replaced, by)) {
		refuse(s, NULL, 491);
	}
}
