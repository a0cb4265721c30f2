/* What an administrator sees of the sessions: telegram/state.h in words. */
#include <time.h>

#include "base/log.h"
#include "bus/manager_storage.h"
#include "storage/internal.h"

/* "2026-11-21T13:00:00Z", or "" for no time. */
static json_t *time_json(int64_t unix_time)
{
	time_t t = (time_t)unix_time;
	struct tm tm;
	char text[32];

	if (!unix_time || !gmtime_r(&t, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		text[0] = '\0';
	return json_string(text);
}

/* "now", a time, or "" while the state forbids it. */
static json_t *next_json(int64_t unix_time)
{
	return unix_time ? time_json(unix_time < 0 ? 0 : unix_time)
			 : json_string("now");
}

static json_t *session_row(const struct session *session)
{
	const struct tg_user *self = tg_account_self(session->account);
	struct tg_status t;
	char phone[32];

	tg_account_status(session->account, &t);
	return json_pack(
		"{ss ss ss so ss ss so ss so ss so so ss ss ss}", "session",
		session->name, "storage", session->storage->id, "state",
		tg_state_name(t.state), "since", time_json(t.since), "reason",
		t.reason, "text", tg_state_text(t.state), "next_call",
		next_json(t.next_call), "next_call_why", t.next_call_why,
		"next_new_peer", next_json(t.next_new_peer),
		"next_new_peer_why", t.next_new_peer_why, "frozen_since",
		time_json(t.frozen_since), "frozen_until",
		time_json(t.frozen_until), "appeal_url", t.appeal_url, "phone",
		self ? log_mask_number(phone, self->phone) : "", "username",
		self ? self->username : "");
}

static void on_show(const struct bus_message *m, void *arg)
{
	struct storage *s = arg;
	json_t *rows = json_array();
	struct le *le;

	LIST_FOREACH(&s->sessions, le)
	json_array_append_new(rows, session_row(le->data));
	bus_reply(s->conf.bus, m->inbox, json_pack("{so}", "rows", rows));
}

int storage_show_subscribe(struct storage *s)
{
	return storage_subscribe(s, BUS_STORAGE_SHOW, on_show);
}
