/* Records of calls, and what an earlier process could not finish. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/manager_storage.h"
#include "bus/manager_worker.h"
#include "bus/text.h"
#include "bus/worker_storage.h"
#include "manager/internal.h"

/* A call of an earlier process: both far ends have to be told. */
struct stale_call {
	struct le le;
	json_t *keep;
	char id[64];
	bool bye_sent;
	bool discard_sent;
};

int manager_record_write(struct manager *m, json_t *record)
{
	char *text;
	size_t n;
	int err = 0;

	if (m->records_fd < 0)
		return 0;
	text = json_dumps(record, JSON_COMPACT | JSON_PRESERVE_ORDER);
	if (!text)
		return -ENOMEM;
	/* One write a line: appended lines of two processes do not mix. The
	 * final NUL becomes the line's end. */
	n = strlen(text);
	text[n] = '\n';
	if (write(m->records_fd, text, n + 1) != (ssize_t)n + 1) {
		err = errno ? -errno : -EIO;
		log_error("manager", text_of(record, "call"),
			  "record not written: %s", strerror(-err));
	}
	free(text);
	return err;
}

void manager_call_open(struct manager *m, json_t *body)
{
	json_t *keep = json_object_get(body, "keep");
	char *text;

	json_object_set(keep, "worker", json_object_get(body, "worker"));
	manager_call_add(m, text_of(body, "call"), text_of(body, "worker"),
			 text_of(keep, "trunk"));
	text = json_dumps(keep, JSON_COMPACT);
	if (text)
		(void)store_call_put(m->conf.store, text_of(body, "call"),
				     text);
	free(text);
}

/* Behaviour 3.16, 8.4: Telegram carries no code to its caller. A normal end,
 * and his own hanging up, need no words. */
static void tell_caller(struct manager *m, json_t *record)
{
	int code =
		(int)json_integer_value(json_object_get(record, "sip_status"));
	const char *user = text_of(record, "telegram_user");
	char text[160], subject[96];

	if (strcmp(text_of(record, "direction"), "telegram-to-sip") != 0 ||
	    code < 300 || code == cause_facts(CAUSE_CANCELLED)->code || !*user)
		return;
	snprintf(text, sizeof(text), "%d %s", code, text_of(record, "reason"));
	snprintf(subject, sizeof(subject), BUS_STORAGE_CHAT_TELL,
		 m->conf.storage);
	manager_publish(m, subject,
			json_pack("{ss ss ss}", "session",
				  text_of(record, "session"), "user", user,
				  "text", text));
}

void manager_call_record(struct manager *m, json_t *body)
{
	manager_call_remove(m, text_of(body, "call"));
	manager_subscription_use(m, json_object_get(body, "record"));
	tell_caller(m, json_object_get(body, "record"));
	manager_alarm_record(m, json_object_get(body, "record"));
	/* An unwritten record is not forgotten: the next start closes the call
	 * that is still kept as open. */
	if (manager_record_write(m, json_object_get(body, "record")))
		return;
	(void)store_call_remove(m->conf.store, text_of(body, "call"));
}

/* The fields of a cause as the Worker's records have them. */
static void cause_put(json_t *record, enum cause_row row)
{
	const struct cause_facts *f = cause_facts(row);

	json_object_set_new(record, "sip_status", json_integer(f->code));
	json_object_set_new(record, "reason", json_string(f->reason));
	json_object_set_new(record, "sip_status_source", json_string("local"));
	json_object_set_new(record, "hop", json_string(cause_hop_name(f->hop)));
	json_object_set_new(record, "cause", json_string(f->name));
	json_object_set_new(record, "row", json_integer(f->number));
	json_object_set_new(record, "ended_by", json_string("gateway"));
}

void manager_record_refused(struct manager *m, json_t *incoming,
			    enum cause_row row)
{
	json_t *caller = json_object_get(incoming, "caller");
	char now[32];
	json_t *r;

	wall_iso8601(now, clock_wall());
	r = json_pack("{ss ss ss ss ss ss ss ss ss ss ss}", "call",
		      text_of(incoming, "call"), "event",
		      text_of(incoming, "call"), "direction", "telegram-to-sip",
		      "trunk", "", "session", text_of(incoming, "session"),
		      "from", "", "to", "", "telegram_user",
		      text_of(caller, "id"), "sip_call_id", "", "invite", now,
		      "end", now);
	cause_put(r, row);
	manager_alarm_record(m, r);
	(void)manager_record_write(m, r);
	json_decref(r);
}

static void stale_destroy(void *arg)
{
	struct stale_call *s = arg;

	list_unlink(&s->le);
	json_decref(s->keep);
}

/* The truth about such a call: it ended with the process, nobody knows when
 * exactly; `end` is when this was found out. */
static void write_stale_record(struct manager *m, const struct stale_call *s)
{
	char now[32];
	json_t *r = json_pack(
		"{ss ss ss ss ss ss ss ss ss ss}", "call", s->id, "event",
		s->id, "direction", text_of(s->keep, "direction"), "trunk",
		text_of(s->keep, "trunk"), "session",
		text_of(s->keep, "session"), "from", text_of(s->keep, "from"),
		"to", text_of(s->keep, "to"), "sip_call_id", "", "invite",
		text_of(s->keep, "invite"), "end",
		wall_iso8601(now, clock_wall()));

	cause_put(r, CAUSE_INTERRUPTED);
	(void)manager_record_write(m, r);
	json_decref(r);
}

static void load_stale(const char *call_id, const char *json, void *arg)
{
	struct manager *m = arg;
	struct stale_call *s = mem_zalloc(sizeof(*s), stale_destroy);

	if (!s)
		return;
	snprintf(s->id, sizeof(s->id), "%s", call_id);
	s->keep = json_loads(json, 0, NULL);
	if (!s->keep)
		s->keep = json_object();
	list_append(&m->stale, &s->le, s);
	write_stale_record(m, s);
	log_warn("manager", s->id,
		 "call of an earlier process: closed, far ends are told");
	s->bye_sent = !*text_of(s->keep, "dialog");
	s->discard_sent = !*text_of(s->keep, "telegram_id");
}

/* Its Worker may still have it: manager_calls_settle() will know. */
static void load_running(const char *call_id, const char *json, void *arg)
{
	json_t *keep = json_loads(json, 0, NULL);

	manager_call_add(arg, call_id, text_of(keep, "worker"),
			 text_of(keep, "trunk"));
	json_decref(keep);
}

int manager_records_open(struct manager *m)
{
	struct le *le;

	m->records_fd = -1;
	if (m->conf.records && *m->conf.records) {
		m->records_fd =
			open(m->conf.records,
			     O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
		if (m->records_fd < 0)
			return -errno;
	}
	if (m->conf.again) {
		(void)store_call_each(m->conf.store, load_running, m);
		return 0;
	}
	(void)store_call_each(m->conf.store, load_stale, m);
	LIST_FOREACH(&m->stale, le)
	{
		struct stale_call *s = le->data;

		(void)store_call_remove(m->conf.store, s->id);
	}
	return 0;
}

struct search {
	struct manager *m;
	const char *id;
};

static void load_one(const char *call_id, const char *json, void *arg)
{
	const struct search *s = arg;

	if (strcmp(call_id, s->id) == 0)
		load_stale(call_id, json, s->m);
}

void manager_call_stale(struct manager *m, const char *id)
{
	struct search s = {m, id};

	(void)store_call_each(m->conf.store, load_one, &s);
	(void)store_call_remove(m->conf.store, id);
}

void manager_records_close(struct manager *m)
{
	list_flush(&m->stale);
	if (m->records_fd >= 0)
		close(m->records_fd);
	m->records_fd = -1;
}

static void stale_each(struct manager *m,
		       void (*each)(struct manager *m, struct stale_call *s,
				    const char *name),
		       const char *name)
{
	struct le *le = list_head(&m->stale);

	while (le) {
		struct stale_call *s = le->data;

		le = le->next;
		each(m, s, name);
		if (s->bye_sent && s->discard_sent)
			mem_deref(s);
	}
}

static void stale_bye(struct manager *m, struct stale_call *s, const char *name)
{
	char subject[96];

	if (s->bye_sent)
		return;
	s->bye_sent = true;
	snprintf(subject, sizeof(subject), BUS_WORKER_BYE, name);
	manager_publish(
		m, subject,
		json_pack("{ss}", "dialog", text_of(s->keep, "dialog")));
}

static void stale_discard(struct manager *m, struct stale_call *s,
			  const char *name)
{
	char subject[96];

	if (s->discard_sent || strcmp(text_of(s->keep, "session"), name) != 0)
		return;
	s->discard_sent = true;
	snprintf(subject, sizeof(subject), BUS_STORAGE_CALL_STALE,
		 m->conf.storage);
	manager_publish(m, subject,
			json_pack("{ss ss ss}", "session", name, "telegram_id",
				  text_of(s->keep, "telegram_id"),
				  "access_hash",
				  text_of(s->keep, "access_hash")));
}

void manager_stale_worker(struct manager *m, const char *worker)
{
	stale_each(m, stale_bye, worker);
}

void manager_stale_session(struct manager *m, const char *session)
{
	stale_each(m, stale_discard, session);
}
