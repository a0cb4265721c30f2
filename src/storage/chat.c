/* What the gateway says in a chat of its own accord: why a call failed
 * (behaviour 3.16, 8.4). Never to who might answer by himself (3.13). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "bus/manager_storage.h"
#include "bus/text.h"
#include "storage/internal.h"

/* Telegram's service account. */
#define USER_TELEGRAM 777000
#define HEARD_MAX_S 300

struct telling {
	struct session *session;
	char text[256];
};

static void telling_done(struct telling *t, const struct mtp_error *err)
{
	/* The account may be going: only its words are used. */
	if (err)
		log_info("storage", NULL, "text not sent: %d %s", err->code,
			 err->text);
	free(t);
}

static void on_sent(const struct mtp_error *err, const struct tg_message *sent,
		    void *arg)
{
	telling_done(arg, err);
}

static void on_resolved(const struct mtp_error *err, const struct tg_user *user,
			void *arg)
{
	struct telling *t = arg;
	struct tg_draft draft = {.text = t->text, .format = TG_FORMAT_PLAIN};
	struct mtp_error refused = {400,
				    user && user->bot ? "a bot" : "refused"};

	if (err) {
		telling_done(t, err);
		return;
	}
	if (user->bot ||
	    tg_message_send(t->session->account, user, &draft, on_sent, t))
		telling_done(t, &refused);
}

/* An account of ours would make a loop of two gateways. */
static bool is_account_of_ours(const struct storage *s, int64_t user)
{
	struct le *le;

	LIST_FOREACH(&s->sessions, le)
	{
		const struct session *session = le->data;
		const struct tg_user *self = tg_account_self(session->account);

		if (self && self->id == user)
			return true;
	}
	return false;
}

void storage_chat_tell(struct session *session, int64_t user, const char *text)
{
	struct storage *s = session->storage;
	struct telling *t;
	char id[24];

	if (session->silent || user == USER_TELEGRAM ||
	    is_account_of_ours(s, user))
		return;
	if (!chat_budget_take(s->chat_budget, user, clock_now())) {
		count_add("storage", "texts over budget", 1);
		return;
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		return;
	t->session = session;
	snprintf(t->text, sizeof(t->text), "%s", text);
	snprintf(id, sizeof(id), "%" PRId64, user);
	if (tg_resolve(session->account, TG_PEER_ID, id, on_resolved, t))
		free(t);
}

/* Behaviour 3.13: "ignore own, service, group and edited messages"; and those
 * that were waiting for us: nobody calls because of them any more. */
void storage_chat_heard(struct session *session, const struct tg_event *e)
{
	const struct tg_message *m = &e->message;
	int64_t now = (int64_t)(clock_wall().us / USEC_S);
	struct storage *s = session->storage;

	if (e->kind != TG_EVENT_MESSAGE || m->out || !m->text.n ||
	    session->silent || m->chat.bot || m->chat.id == USER_TELEGRAM ||
	    now - m->date > HEARD_MAX_S || is_account_of_ours(s, m->chat.id))
		return;
	storage_publish(s, BUS_MANAGER_MESSAGE,
			json_pack("{ss ss so ss%}", "session", session->name,
				  "storage", s->id, "from",
				  storage_user_json(&m->chat), "text",
				  (const char *)m->text.p, m->text.n));
}

static void on_tell(const struct bus_message *m, void *arg)
{
	struct session *session =
		storage_session(arg, text_of(m->body, "session"));

	if (session)
		storage_chat_tell(session,
				  strtoll(text_of(m->body, "user"), NULL, 10),
				  text_of(m->body, "text"));
}

int storage_chat_subscribe(struct storage *s)
{
	return storage_subscribe(s, BUS_STORAGE_CHAT_TELL, on_tell);
}
