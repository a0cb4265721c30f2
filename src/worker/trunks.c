/* Trunks as the Manager announced them, and who is registered for them. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "bus/manager_worker.h"
#include "bus/text.h"
#include "worker/internal.h"

/* Behaviour 2.2: without its Manager a Worker answers by itself. The Manager
 * announces the trunks every 2 s. */
#define MANAGER_LOST (10 * USEC_S)
#define COPY(dst, o, key) text_copy(dst, sizeof(dst), o, key)

bool worker_has_manager(const struct worker *w)
{
	return w->trunks_at && clock_now() - w->trunks_at < MANAGER_LOST;
}

struct worker_trunk *worker_trunk_by_login(struct worker *w, const char *login)
{
	struct le *le;

	LIST_FOREACH(&w->trunks, le)
	{
		struct worker_trunk *t = le->data;

		if (strcmp(t->login, login) == 0)
			return t;
	}
	return NULL;
}

struct worker_trunk *worker_trunk_by_name(struct worker *w, const char *name)
{
	struct le *le;

	LIST_FOREACH(&w->trunks, le)
	{
		struct worker_trunk *t = le->data;

		if (strcmp(t->name, name) == 0)
			return t;
	}
	return NULL;
}

static void trunk_destroy(void *arg)
{
	struct worker_trunk *t = arg;

	list_unlink(&t->le);
	bytes_wipe(t->password, sizeof(t->password));
}

static void trunk_read(struct worker *w, json_t *o)
{
	struct worker_trunk *t = worker_trunk_by_name(w, text_of(o, "name"));
	json_t *codecs = json_object_get(o, "codecs");

	if (!t) {
		t = mem_zalloc(sizeof(*t), trunk_destroy);
		if (!t)
			return;
		list_append(&w->trunks, &t->le, t);
		COPY(t->name, o, "name");
	}
	t->keep = true;
	COPY(t->login, o, "login");
	COPY(t->password, o, "password");
	COPY(t->session, o, "session");
	COPY(t->storage, o, "storage");
	t->authorised = !json_is_false(json_object_get(o, "authorised"));
	t->codecs_n = 0;
	for (size_t i = 0; i < json_array_size(codecs); i++) {
		const char *name = json_string_value(json_array_get(codecs, i));
		const struct media_codec *c =
			name ? media_codec_by_setting(name) : NULL;

		if (c && t->codecs_n < WORKER_CODECS_MAX)
			t->codecs[t->codecs_n++] = c;
	}
}

void worker_trunks_read(struct worker *w, json_t *list)
{
	struct le *le;

	w->trunks_at = clock_now();
	LIST_FOREACH(&w->trunks, le)
	((struct worker_trunk *)le->data)->keep = false;
	for (size_t i = 0; i < json_array_size(list); i++)
		trunk_read(w, json_array_get(list, i));
	le = list_head(&w->trunks);
	while (le) {
		struct worker_trunk *t = le->data;

		le = le->next;
		if (!t->keep)
			mem_deref(t);
	}
}

void worker_trunk_credentials(const char *user, struct sip_credentials *creds,
			      void *arg)
{
	struct worker_trunk *t = worker_trunk_by_login(arg, user);

	if (!t)
		return;
	creds->known = true;
	snprintf(creds->password, sizeof(creds->password), "%s", t->password);
	creds->owner = t;
}

static void announce_binding(struct worker *w, const struct sip_binding *b,
			     unsigned expires_s)
{
	struct worker_trunk *t = worker_trunk_by_login(w, b->aor);
	char source[64], contact[sizeof(b->contact)];
	char user_agent[sizeof(b->user_agent)];

	if (!t)
		return;
	re_snprintf(source, sizeof(source), "%J", &b->source);
	text_clean(contact, sizeof(contact), bytes_str(b->contact));
	text_clean(user_agent, sizeof(user_agent), bytes_str(b->user_agent));
	log_info("worker", t->name, "%s %s",
		 expires_s ? "registered from" : "unregistered", source);
	worker_publish(w, BUS_MANAGER_REGISTERED,
		       json_pack("{ss ss ss ss ss si}", "worker", w->id,
				 "trunk", t->name, "contact", contact, "source",
				 source, "user_agent", user_agent, "expires_s",
				 (int)expires_s));
}

void worker_trunk_registering(const struct sip_binding *b, bool removal,
			      struct sip_verdict *v, void *arg)
{
	struct worker *w = arg;
	const struct worker_trunk *t = worker_trunk_by_login(w, b->aor);
	struct call_cause cause = {0};
	usec_t now = clock_now();

	if (!worker_has_manager(w))
		call_cause_set(&cause, CAUSE_NO_MANAGER, NULL);
	else if (t && !t->authorised && !removal)
		call_cause_set(&cause, CAUSE_SESSION_INACTIVE, NULL);
	if (cause.code) {
		v->code = cause.code;
		snprintf(v->reason, sizeof(v->reason), "%s", cause.reason);
		return;
	}
	/* A removal counts when it has happened: worker_trunk_unregistered().
	 */
	if (!removal && b->expires_at > now)
		announce_binding(w, b,
				 (unsigned)((b->expires_at - now) / USEC_S));
}

/* An older contact made room, or was given up: the newer one stands. */
void worker_trunk_unregistered(const struct sip_binding *b, void *arg)
{
	struct worker *w = arg;
	const struct sip_binding *other;

	if (!sip_stack_bindings(w->sip, b->aor, &other, 1))
		announce_binding(w, b, 0);
}
