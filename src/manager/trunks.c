/* The trunks: those of the configuration and those of the store, and how the
 * Workers hear of them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "bus/manager_worker.h"
#include "manager/internal.h"
#include "route/trunk_json.h"

#define ANNOUNCE_MS 2000

struct manager_trunk *manager_trunk_find(const struct manager *m,
					 const char *name)
{
	struct le *le;

	LIST_FOREACH(&m->trunks, le)
	{
		struct manager_trunk *t = le->data;

		if (strcmp(t->set.name, name) == 0)
			return t;
	}
	return NULL;
}

static void trunk_destroy(void *arg)
{
	struct manager_trunk *t = arg;

	list_unlink(&t->le);
	trunk_wipe(&t->set);
}

/* Who has registered stays known while that registration means the same. */
static bool same_account(const struct trunk *a, const struct trunk *b)
{
	return a->kind == b->kind && a->enabled == b->enabled &&
	       strcmp(a->login, b->login) == 0 &&
	       strcmp(a->password, b->password) == 0 &&
	       strcmp(a->domain, b->domain) == 0 &&
	       strcmp(a->proxy, b->proxy) == 0 && a->transport == b->transport;
}

static void registration_forget(struct manager_trunk *t)
{
	t->registered = t->unreachable = false;
	t->source[0] = t->user_agent[0] = t->worker[0] = t->cause[0] = '\0';
}

static struct manager_trunk *trunk_new(struct list *list,
				       const struct trunk *set)
{
	struct manager_trunk *t = mem_zalloc(sizeof(*t), trunk_destroy);

	if (!t)
		return NULL;
	t->set = *set;
	list_append(list, &t->le, t);
	return t;
}

int manager_trunk_take(struct manager *m, const struct trunk *set)
{
	struct manager_trunk *t = manager_trunk_find(m, set->name);

	if (!t)
		return trunk_new(&m->trunks, set) ? 0 : -ENOMEM;
	if (!same_account(&t->set, set))
		registration_forget(t);
	t->set = *set;
	return 0;
}

/* Its successor tells what it finds, but not that a peer answers: that is what
 * it begins with. */
void manager_trunks_forget(struct manager *m, const char *worker)
{
	struct le *le;

	LIST_FOREACH(&m->trunks, le)
	{
		struct manager_trunk *t = le->data;

		if (strcmp(t->worker, worker) != 0)
			continue;
		if (t->unreachable)
			manager_alarm_trunk(m, t->set.name, false, "");
		registration_forget(t);
	}
}

/* -- the store ----------------------------------------------------------------
 */

/* Columns of their own in the store. */
static const char *const columns[] = {"owner", "enabled", "lines",
				      "subscription"};

static int secrets_seal(const struct manager *m, const struct trunk *set,
			struct store_trunk *row)
{
	json_t *secrets = trunk_json(set, TRUNK_JSON_SECRETS);
	char *text = secrets ? json_dumps(secrets, JSON_COMPACT) : NULL;
	int err = text ? 0 : -ENOMEM;
	struct buf sealed;
	char name[80];

	buf_init(&sealed);
	snprintf(name, sizeof(name), "trunk %s", set->name);
	if (!err)
		err = secret_seal(m->conf.key, name, bytes_str(text), &sealed);
	if (!err && sealed.n > sizeof(row->secrets))
		err = -ENOSPC;
	if (!err) {
		memcpy(row->secrets, sealed.p, sealed.n);
		row->secrets_n = sealed.n;
	}
	if (text)
		bytes_wipe(text, strlen(text));
	free(text);
	json_decref(secrets);
	buf_clear(&sealed);
	return err;
}

int manager_trunk_save(struct manager *m, const struct trunk *set)
{
	json_t *plain = trunk_json(set, TRUNK_JSON_PLAIN);
	struct store_trunk row = {.enabled = set->enabled, .lines = set->lines};
	char *text;
	int err;

	if (!plain)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
		json_object_del(plain, columns[i]);
	snprintf(row.name, sizeof(row.name), "%s", set->name);
	snprintf(row.owner, sizeof(row.owner), "%s", set->owner);
	snprintf(row.subscription, sizeof(row.subscription), "%s",
		 set->subscription);
	text = json_dumps(plain, JSON_COMPACT);
	json_decref(plain);
	err = text ? 0 : -ENOMEM;
	if (text && strlen(text) >= sizeof(row.settings))
		err = -ENOSPC;
	if (!err) {
		memcpy(row.settings, text, strlen(text) + 1);
		err = secrets_seal(m, set, &row);
	}
	free(text);
	return err ? err : store_trunk_put(m->conf.store, &row);
}

static int secrets_open(const struct manager *m, const struct store_trunk *row,
			struct trunk *set, struct trunk_fault *f)
{
	json_t *secrets = NULL;
	struct buf open;
	char name[80];
	int err;

	buf_init(&open);
	snprintf(name, sizeof(name), "trunk %s", row->name);
	err = secret_open(m->conf.key, name,
			  bytes_of(row->secrets, row->secrets_n), &open);
	if (!err)
		secrets = json_loadb((const char *)open.p, open.n, 0, NULL);
	if (secrets)
		err = trunk_json_read(set, secrets, f);
	else
		snprintf(f->why, sizeof(f->why),
			 "its secrets do not open with this key file");
	json_decref(secrets);
	buf_clear(&open);
	return secrets ? err : -EKEYREJECTED;
}

static int row_read(const struct manager *m, const struct store_trunk *row,
		    struct trunk *set, struct trunk_fault *f)
{
	json_t *plain = json_loads(row->settings, 0, NULL);
	char lines[24];
	int err = trunk_init(set, row->name, f);

	snprintf(lines, sizeof(lines), "%lld", (long long)row->lines);
	if (!err)
		err = trunk_json_read(set, plain, f);
	json_decref(plain);
	if (!err)
		err = secrets_open(m, row, set, f);
	if (!err)
		err = trunk_set(set, "owner", row->owner, f);
	if (!err)
		err = trunk_set(set, "enabled", row->enabled ? "" : "no", f);
	if (!err)
		err = trunk_set(set, "lines", row->lines ? lines : "", f);
	if (!err)
		err = trunk_set(set, "subscription", row->subscription, f);
	return err ? err : trunk_check(set, NULL, f);
}

struct loading {
	struct manager *m;
	struct list *list;
	int err;
};

static void load_row(const struct store_trunk *row, void *arg)
{
	struct loading *l = arg;
	struct trunk_fault f = {0};
	struct trunk set;
	struct le *le;

	if (row_read(l->m, row, &set, &f)) {
		log_error("manager", row->name, "trunk left out: %s%s%s",
			  f.key ? f.key : "", f.key ? ": " : "", f.why);
		return;
	}
	LIST_FOREACH(l->list, le)
	{
		const struct manager_trunk *t = le->data;

		if (strcmp(t->set.name, set.name) == 0)
			snprintf(f.why, sizeof(f.why),
				 "the configuration "
				 "declares it too");
		else if (!trunk_clash(&set, &t->set, &f))
			continue;
		log_warn("manager", set.name, "trunk of the store left out: %s",
			 f.why);
		trunk_wipe(&set);
		return;
	}
	if (!trunk_new(l->list, &set))
		l->err = -ENOMEM;
	trunk_wipe(&set);
}

/* -- declared -----------------------------------------------------------------
 */

/* What is known of the old ones stays with their successors. */
static void registrations_move(struct manager *m, struct list *to)
{
	struct le *le;

	LIST_FOREACH(to, le)
	{
		struct manager_trunk *t = le->data;
		const struct manager_trunk *old =
			manager_trunk_find(m, t->set.name);

		if (!old || !same_account(&old->set, &t->set))
			continue;
		t->registered = old->registered;
		t->unreachable = old->unreachable;
		memcpy(t->source, old->source, sizeof(t->source));
		memcpy(t->user_agent, old->user_agent, sizeof(t->user_agent));
		memcpy(t->worker, old->worker, sizeof(t->worker));
		memcpy(t->cause, old->cause, sizeof(t->cause));
	}
}

int manager_declare(struct manager *m, const struct manager_declared *d)
{
	json_t *owners = json_object(), *max_calls = json_object();
	struct list list;
	struct loading l = {m, &list, owners && max_calls ? 0 : -ENOMEM};

	list_init(&list);
	for (size_t i = 0; i < d->sessions_n && !l.err; i++)
		if (json_object_set_new(owners, d->sessions[i].name,
					json_string(d->sessions[i].owner)) ||
		    json_object_set_new(max_calls, d->sessions[i].name,
					json_integer(d->sessions[i].max_calls)))
			l.err = -ENOMEM;
	for (size_t i = 0; i < d->trunks_n && !l.err; i++) {
		struct manager_trunk *t = trunk_new(&list, &d->trunks[i]);

		if (t)
			t->declared = true;
		else
			l.err = -ENOMEM;
	}
	if (!l.err) {
		int err = store_trunk_each(m->conf.store, load_row, &l);

		l.err = l.err ? l.err : err;
	}
	if (l.err) {
		list_flush(&list);
		json_decref(owners);
		json_decref(max_calls);
		return l.err;
	}
	registrations_move(m, &list);
	list_flush(&m->trunks);
	while (!list_isempty(&list)) {
		struct le *le = list_head(&list);

		list_unlink(le);
		list_append(&m->trunks, le, le->data);
	}
	json_decref(m->owners);
	m->owners = owners;
	json_decref(m->max_calls);
	m->max_calls = max_calls;
	manager_announce(m);
	return 0;
}

/* -- the Workers --------------------------------------------------------------
 */

static json_t *announced(struct manager *m, const struct manager_worker *w,
			 const struct trunk *t)
{
	char text[64] = "";
	enum cause_row row = manager_may_register(m, t, w, text);
	json_t *o = json_pack("{ss ss sb so}", "name", t->name, "storage",
			      m->conf.storage, "here", manager_serves(m, w, t),
			      "settings", trunk_json(t, TRUNK_JSON_ALL));

	if (row != CAUSE_ROWS) {
		json_object_set_new(o, "refusal",
				    json_string(cause_facts(row)->name));
		json_object_set_new(o, "text", json_string(text));
	}
	return o;
}

void manager_announce_to(struct manager *m, const struct manager_worker *w)
{
	json_t *list = json_array();
	char subject[96];
	struct le *le;

	LIST_FOREACH(&m->trunks, le)
	{
		const struct manager_trunk *t = le->data;

		json_array_append_new(list, announced(m, w, &t->set));
	}
	snprintf(subject, sizeof(subject), BUS_WORKER_TRUNKS, w->id);
	manager_publish(m, subject, json_pack("{so}", "trunks", list));
}

static void announce_all(void *arg)
{
	manager_announce(arg);
}

void manager_announce(struct manager *m)
{
	struct le *le;

	LIST_FOREACH(&m->workers, le)
	manager_announce_to(m, le->data);
	manager_alarm_tick(m);
	tmr_start(&m->announce, ANNOUNCE_MS, announce_all, m);
}

void manager_announce_soon(struct manager *m)
{
	tmr_start(&m->announce, 0, announce_all, m);
}
