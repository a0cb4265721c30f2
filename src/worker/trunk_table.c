/* The table of trunks as the Manager announces it. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "bus/text.h"
#include "route/trunk_json.h"
#include "worker/internal.h"

#define COPY(dst, o, key) text_copy(dst, sizeof(dst), o, key)

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
	while (text_item(&list, name, sizeof(name)))
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
	       text_item(&list, item, sizeof(item)))
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

static void refusal_read(struct worker_trunk *t, json_t *o)
{
	t->refusal = cause_by_name(text_of(o, "refusal"));
	COPY(t->refusal_text, o, "text");
}

static bool is_same_account(const struct trunk *a, const struct trunk *b)
{
	return a->kind == b->kind && strcmp(a->login, b->login) == 0 &&
	       strcmp(a->password, b->password) == 0;
}

/* Who registered with what no longer holds has to do so again. */
static void bindings_check(struct worker_trunk *t, const struct trunk *before)
{
	struct sip_stack *sip = t->worker->sip;
	const struct sip_binding *b;

	if (before->kind != TRUNK_PBX_TO_GATEWAY)
		return;
	if (!worker_trunk_runs(t) || !is_same_account(before, &t->set)) {
		sip_stack_unbind(sip, before->login);
		return;
	}
	if (sip_stack_bindings(sip, t->set.login, &b, 1) &&
	    !worker_trunk_trusts(t, &b->source))
		sip_stack_unbind(sip, t->set.login);
}

static void trunk_end(struct worker_trunk *t)
{
	if (t->set.kind == TRUNK_PBX_TO_GATEWAY)
		sip_stack_unbind(t->worker->sip, t->set.login);
	mem_deref(t);
}

static void trunk_read(struct worker *w, json_t *o)
{
	const char *name = text_of(o, "name");
	struct worker_trunk *t = worker_trunk_by_name(w, name);
	json_t *settings = json_object_get(o, "settings");
	bool known = t != NULL, ran;
	struct trunk before;

	if (!known)
		t = trunk_new(w, name);
	if (!t)
		return;
	t->keep = true;
	COPY(t->storage, o, "storage");
	refusal_read(t, o);
	ran = worker_trunk_runs(t);
	t->here = !json_is_false(json_object_get(o, "here"));
	if (known && ran == worker_trunk_runs(t) &&
	    json_equal(t->told, settings))
		return;
	json_decref(t->told);
	t->told = json_incref(settings);
	before = t->set;
	settings_read(&t->set, name, settings);
	settings_take(t);
	if (known)
		bindings_check(t, &before);
	worker_trunk_register(t, known ? &before : NULL, ran);
	worker_trunk_ping(t);
	trunk_wipe(&before);
}

void worker_trunks_read(struct worker *w, json_t *list)
{
	struct le *le;

	w->trunks_at = clock_now();
	w->heard = true;
	LIST_FOREACH(&w->trunks, le)
	((struct worker_trunk *)le->data)->keep = false;
	for (size_t i = 0; i < json_array_size(list); i++)
		trunk_read(w, json_array_get(list, i));
	le = list_head(&w->trunks);
	while (le) {
		struct worker_trunk *t = le->data;

		le = le->next;
		if (!t->keep)
			trunk_end(t);
	}
}
