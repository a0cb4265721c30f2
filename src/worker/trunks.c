/* Trunks as the Manager announced them, and who is registered for them. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "bus/manager_worker.h"
#include "bus/text.h"
#include "route/trunk_json.h"
#include "worker/internal.h"

/* Behaviour 2.2: without its Manager a Worker answers by itself. The Manager
 * announces the trunks every 2 s. */
#define MANAGER_LOST (10 * USEC_S)
#define COPY(dst, o, key) text_copy(dst, sizeof(dst), o, key)

bool worker_has_manager(const struct worker *w)
{
	return w->trunks_at && clock_now() - w->trunks_at < MANAGER_LOST;
}

/* Of those that register with us. */
struct worker_trunk *worker_trunk_by_login(struct worker *w, const char *login)
{
	struct le *le;

	LIST_FOREACH(&w->trunks, le)
	{
		struct worker_trunk *t = le->data;

		if (t->set.kind == TRUNK_PBX_TO_GATEWAY &&
		    strcmp(t->set.login, login) == 0)
			return t;
	}
	return NULL;
}

struct worker_trunk *worker_trunk_by_name(const struct worker *w,
					  const char *name)
{
	struct le *le;

	LIST_FOREACH(&w->trunks, le)
	{
		struct worker_trunk *t = le->data;

		if (strcmp(t->set.name, name) == 0)
			return t;
	}
	return NULL;
}

static void trunk_destroy(void *arg)
{
	struct worker_trunk *t = arg;

	list_unlink(&t->le);
	sip_registration_free(&t->registration);
	list_flush(&t->pings);
	json_decref(t->told);
	trunk_wipe(&t->set);
}

static void codecs_find(struct worker_trunk *t)
{
	const char *list = t->set.codecs;
	char name[16];

	t->codecs_n = 0;
	while (trunk_item(&list, name, sizeof(name)))
		t->codecs_n += media_codecs_by_setting(
			t->codecs + t->codecs_n, MEDIA_CODECS_MAX - t->codecs_n,
			name);
}

static void trusted_find(struct worker_trunk *t)
{
	const char *list = t->set.trusted_ips;
	char item[64];

	t->trusted_n = 0;
	while (t->trusted_n < TRUNK_TRUSTED_MAX &&
	       trunk_item(&list, item, sizeof(item)))
		if (!network_read(&t->trusted[t->trusted_n], item))
			t->trusted_n++;
}

/* Settings as they are used. */
static void settings_take(struct worker_trunk *t)
{
	sa_init(&t->address, AF_UNSPEC);
	if (*t->set.address)
		(void)sa_decode(&t->address, t->set.address,
				strlen(t->set.address));
	(void)trunk_field(&t->set, t->field_name, t->field_value);
	codecs_find(t);
	trusted_find(t);
}

static struct worker_trunk *trunk_new(struct worker *w, const char *name)
{
	struct worker_trunk *t = mem_zalloc(sizeof(*t), trunk_destroy);
	struct trunk_fault fault;

	if (t && trunk_init(&t->set, name, &fault)) {
		log_error("worker", NULL, "trunk left out: %s", fault.why);
		t = mem_deref(t);
	}
	if (!t)
		return NULL;
	t->worker = w;
	list_append(&w->trunks, &t->le, t);
	return t;
}

/* The Manager has checked them; one of another version may have more. */
static void settings_read(struct trunk *set, const char *name, json_t *o)
{
	struct trunk_fault fault;

	(void)trunk_init(set, name, &fault);
	if (trunk_json_read(set, o, &fault))
		log_warn("worker", name, "setting left out: %s", fault.why);
}

static void trunk_read(struct worker *w, json_t *o)
{
	const char *name = text_of(o, "name");
	struct worker_trunk *t = worker_trunk_by_name(w, name);
	json_t *settings = json_object_get(o, "settings");
	bool known = t != NULL;
	struct trunk before;

	if (!known)
		t = trunk_new(w, name);
	if (!t)
		return;
	t->keep = true;
	COPY(t->storage, o, "storage");
	t->authorised = !json_is_false(json_object_get(o, "authorised"));
	if (known && json_equal(t->told, settings))
		return;
	json_decref(t->told);
	t->told = json_incref(settings);
	before = t->set;
	settings_read(&t->set, name, settings);
	settings_take(t);
	worker_trunk_register(t, known ? &before : NULL);
	worker_trunk_ping(t);
	trunk_wipe(&before);
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

/* -- who may begin -----------------------------------------------------------
 */

/* Behaviour 2.2, 3.4: before anything else, and never counted as an attack. */
void worker_trunk_admit(bool registering, struct sip_verdict *v, void *arg)
{
	const struct worker *w = arg;
	struct call_cause cause;

	if (w->stopping && !registering)
		call_cause_set(&cause, CAUSE_WORKER_NOT_READY, NULL);
	else if (!worker_has_manager(w))
		call_cause_set(&cause, CAUSE_NO_MANAGER, NULL);
	else
		return;
	v->code = cause.code;
	snprintf(v->reason, sizeof(v->reason), "%s", cause.reason);
}

/* A call to the contact we registered; a PBX that drops its parameters sends
 * to our login from the registrar's address. */
static bool is_registrar(const struct worker_trunk *t,
			 const struct sip_origin *o)
{
	if (t->set.kind != TRUNK_GATEWAY_TO_PBX || !t->registration)
		return false;
	if (*o->line)
		return strcmp(o->line, t->line) == 0;
	return t->status.state == SIP_REGISTRATION_UP &&
	       strcmp(o->user, t->set.login) == 0 &&
	       sa_cmp(&o->source, &t->status.registrar, SA_ADDR);
}

static bool is_static_peer(const struct worker_trunk *t,
			   const struct sip_origin *o)
{
	return t->set.kind == TRUNK_IP &&
	       sa_cmp(&o->source, &t->address, SA_ADDR) &&
	       (!*t->field_name ||
		sip_origin_has_header(o, t->field_name, t->field_value));
}

bool worker_trunk_peer(const struct sip_origin *o, char name[64], void *arg)
{
	const struct worker *w = arg;
	const struct worker_trunk *found = NULL;
	struct le *le;

	LIST_FOREACH(&w->trunks, le)
	{
		const struct worker_trunk *t = le->data;

		if (!is_registrar(t, o) && !is_static_peer(t, o))
			continue;
		/* One that asks for a header says more than one that does
		 * not. */
		if (!found || (*t->field_name && !*found->field_name))
			found = t;
	}
	if (found)
		snprintf(name, 64, "%s", found->set.name);
	return found != NULL;
}

/* A PBX that never registers with us must not be silenced by forged packets. */
bool worker_trunk_known(const struct sa *source, void *arg)
{
	const struct worker *w = arg;
	struct le *le;

	LIST_FOREACH(&w->trunks, le)
	{
		const struct worker_trunk *t = le->data;
		const struct sa *sa = t->set.kind == TRUNK_IP
					      ? &t->address
					      : &t->status.registrar;

		if (sa_isset(sa, SA_ADDR) && sa_cmp(sa, source, SA_ADDR))
			return true;
	}
	return false;
}

static bool is_trusted(const struct worker_trunk *t, const struct sa *source)
{
	return !t->trusted_n ||
	       sip_networks_have(t->trusted, t->trusted_n, source);
}

void worker_trunk_credentials(const char *user, const struct sa *source,
			      struct sip_credentials *creds, void *arg)
{
	struct worker_trunk *t = worker_trunk_by_login(arg, user);

	if (!t)
		return;
	creds->known = true;
	creds->untrusted = !is_trusted(t, source);
	snprintf(creds->password, sizeof(creds->password), "%s",
		 t->set.password);
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
	log_info("worker", t->set.name, "%s %s",
		 expires_s ? "registered from" : "unregistered", source);
	worker_publish(w, BUS_MANAGER_REGISTERED,
		       json_pack("{ss ss ss ss ss si}", "worker", w->id,
				 "trunk", t->set.name, "contact", contact,
				 "source", source, "user_agent", user_agent,
				 "expires_s", (int)expires_s));
}

void worker_trunk_registering(const struct sip_binding *b, bool removal,
			      struct sip_verdict *v, void *arg)
{
	struct worker *w = arg;
	struct worker_trunk *t = worker_trunk_by_login(w, b->aor);
	struct call_cause cause;
	usec_t now = clock_now();

	if (t && !t->authorised && !removal) {
		call_cause_set(&cause, CAUSE_SESSION_INACTIVE, NULL);
		v->code = cause.code;
		snprintf(v->reason, sizeof(v->reason), "%s", cause.reason);
		return;
	}
	/* A removal counts when it has happened: worker_trunk_unregistered().
	 */
	if (!t || removal || b->expires_at <= now)
		return;
	v->bindings = t->set.bindings;
	announce_binding(w, b, (unsigned)((b->expires_at - now) / USEC_S));
	worker_trunk_ping_binding(t, b);
}

/* An older contact made room, or was given up: the newer one stands. */
void worker_trunk_unregistered(const struct sip_binding *b, void *arg)
{
	struct worker *w = arg;
	struct worker_trunk *t = worker_trunk_by_login(w, b->aor);
	const struct sip_binding *other;

	if (t)
		worker_trunk_ping_forget(t, b->contact);
	if (!sip_stack_bindings(w->sip, b->aor, &other, 1))
		announce_binding(w, b, 0);
}
