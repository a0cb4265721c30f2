/* Commands on trunks: each is checked against the table and all other trunks
 * before anything changes; then the store has it, then the Workers. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "bus/manager_worker.h"
#include "bus/text.h"
#include "manager/internal.h"
#include "route/trunk_json.h"

/* Easy to type at a phone, and nobody guesses them. */
#define LOGIN_CHARACTERS 8
#define PASSWORD_CHARACTERS 20

void manager_refuse(struct manager *m, const struct bus_message *msg,
		    const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	bus_reply(m->conf.bus, msg->inbox,
		  json_pack("{sb ss}", "ok", 0, "text", text));
}

static void refuse_fault(struct manager *m, const struct bus_message *msg,
			 const struct trunk_fault *f)
{
	if (f->key)
		manager_refuse(m, msg, "%s: %s", f->key, f->why);
	else
		manager_refuse(m, msg, "%s", f->why);
}

static void reply_rows(struct manager *m, const struct bus_message *msg,
		       json_t *rows)
{
	bus_reply(m->conf.bus, msg->inbox,
		  json_pack("{sb so}", "ok", 1, "rows", rows));
}

/* Rows may be NULL. What is permitted, but seldom meant, is said. */
static void reply_changed(struct manager *m, const struct bus_message *msg,
			  const struct trunk *set, json_t *rows)
{
	json_t *answer = json_pack("{sb}", "ok", 1);
	struct trunk_fault f;

	if (rows)
		json_object_set_new(answer, "rows", rows);
	if (trunk_doubtful(set, &f)) {
		log_warn("manager", set->name, "%s", f.why);
		json_object_set_new(answer, "warning", json_string(f.why));
	}
	bus_reply(m->conf.bus, msg->inbox, answer);
}

/* -- checks -------------------------------------------------------------------
 */

static int check(struct manager *m, const struct trunk *set,
		 struct trunk_fault *f)
{
	struct le *le;

	if (trunk_check(set, m->conf.codec_built, f))
		return -EINVAL;
	if (!json_object_get(m->owners, set->session)) {
		f->key = "session";
		snprintf(f->why, sizeof(f->why), "there is no session %s",
			 set->session);
		return -EINVAL;
	}
	LIST_FOREACH(&m->trunks, le)
	{
		const struct manager_trunk *t = le->data;

		if (strcmp(t->set.name, set->name) != 0 &&
		    trunk_clash(set, &t->set, f))
			return -EEXIST;
	}
	return 0;
}

/* The trunk of a command that changes it; NULL: refused already. */
static struct manager_trunk *changeable(struct manager *m,
					const struct bus_message *msg)
{
	const char *name = text_of(msg->body, "trunk");
	struct manager_trunk *t = manager_trunk_find(m, name);

	if (!t)
		manager_refuse(m, msg, "there is no trunk %.64s", name);
	else if (t->declared)
		manager_refuse(m, msg,
			       "trunk %s is declared in the configuration: "
			       "change it there, then reload",
			       name);
	return t && !t->declared ? t : NULL;
}

static bool settings_apply(struct trunk *set, json_t *settings,
			   struct trunk_fault *f)
{
	return !trunk_json_read(set, settings, f);
}

/* Checks, keeps and announces. False: refused already. */
static bool change(struct manager *m, const struct bus_message *msg,
		   const struct trunk *set)
{
	struct trunk_fault f;
	int err;

	if (check(m, set, &f)) {
		refuse_fault(m, msg, &f);
		return false;
	}
	err = manager_trunk_save(m, set);
	if (!err)
		err = manager_trunk_take(m, set);
	if (err) {
		manager_refuse(m, msg, "not kept: %s", strerror(-err));
		return false;
	}
	manager_announce(m);
	return true;
}

/* -- commands -----------------------------------------------------------------
 */

static json_t *account_json(struct manager *m, const struct trunk *set)
{
	const struct manager_worker *w = NULL;
	const char *server = set->domain;

	if (set->kind == TRUNK_PBX_TO_GATEWAY) {
		w = *set->worker ? manager_worker_find(m, set->worker)
		    : list_isempty(&m->workers) ? NULL
						: list_head(&m->workers)->data;
		server = w ? w->address : "";
	}
	return json_pack("[{ss ss ss ss}]", "trunk", set->name, "login",
			 set->login, "password", set->password, "server",
			 server);
}

/* Behaviour 3.4: "with login/password issued by the bot". */
static void account_issue(struct trunk *set)
{
	char text[PASSWORD_CHARACTERS + 1];
	struct trunk_fault f;

	if (set->kind != TRUNK_PBX_TO_GATEWAY)
		return;
	if (!trunk_is_given(set, "login")) {
		random_text(text, LOGIN_CHARACTERS);
		(void)trunk_set(set, "login", text, &f);
	}
	if (!trunk_is_given(set, "password")) {
		random_text(text, PASSWORD_CHARACTERS);
		(void)trunk_set(set, "password", text, &f);
	}
	bytes_wipe(text, sizeof(text));
}

static void trunk_add(struct manager *m, const struct bus_message *msg)
{
	const char *name = text_of(msg->body, "trunk");
	struct trunk_fault f;
	struct trunk set;

	if (manager_trunk_find(m, name)) {
		manager_refuse(m, msg, "there is a trunk %s already", name);
		return;
	}
	if (trunk_init(&set, name, &f) ||
	    !settings_apply(&set, json_object_get(msg->body, "settings"), &f)) {
		refuse_fault(m, msg, &f);
		return;
	}
	account_issue(&set);
	if (change(m, msg, &set)) {
		log_info("manager", set.name, "trunk added, kind %s",
			 trunk_kind_name(set.kind));
		reply_changed(m, msg, &set,
			      json_pack("[{ss ss ss}]", "trunk", set.name,
					"kind", trunk_kind_name(set.kind),
					"login", set.login));
	}
	trunk_wipe(&set);
}

static void trunk_change(struct manager *m, const struct bus_message *msg)
{
	const struct manager_trunk *t = changeable(m, msg);
	struct trunk_fault f;
	struct trunk set;

	if (!t)
		return;
	set = t->set;
	if (!settings_apply(&set, json_object_get(msg->body, "settings"), &f))
		refuse_fault(m, msg, &f);
	else if (change(m, msg, &set)) {
		log_info("manager", set.name, "trunk changed");
		reply_changed(m, msg, &set, NULL);
	}
	trunk_wipe(&set);
}

static void trunk_switch(struct manager *m, const struct bus_message *msg,
			 bool on)
{
	const struct manager_trunk *t = changeable(m, msg);
	struct trunk_fault f;
	struct trunk set;

	if (!t)
		return;
	set = t->set;
	(void)trunk_set(&set, "enabled", on ? "" : "no", &f);
	if (change(m, msg, &set)) {
		log_info("manager", set.name, "trunk switched %s",
			 on ? "on" : "off");
		reply_changed(m, msg, &set, NULL);
	}
	trunk_wipe(&set);
}

/* Behaviour 3.4: "generates a new password, then shows the account". */
static void trunk_password(struct manager *m, const struct bus_message *msg)
{
	const struct manager_trunk *t = changeable(m, msg);
	struct trunk_fault f;
	struct trunk set;

	if (!t)
		return;
	if (t->set.kind != TRUNK_PBX_TO_GATEWAY) {
		manager_refuse(m, msg,
			       "only a trunk of kind pbx-to-gateway has a "
			       "password of ours");
		return;
	}
	set = t->set;
	(void)trunk_set(&set, "password", "", &f);
	account_issue(&set);
	if (change(m, msg, &set)) {
		log_info("manager", set.name, "trunk has a new password");
		reply_rows(m, msg, account_json(m, &set));
	}
	trunk_wipe(&set);
}

static void trunk_remove(struct manager *m, const struct bus_message *msg)
{
	struct manager_trunk *t = changeable(m, msg);
	int err;

	if (!t)
		return;
	err = store_trunk_remove(m->conf.store, t->set.name);
	if (err) {
		manager_refuse(m, msg, "not removed: %s", strerror(-err));
		return;
	}
	log_info("manager", t->set.name, "trunk removed");
	mem_deref(t);
	manager_announce(m);
	bus_reply(m->conf.bus, msg->inbox, json_pack("{sb}", "ok", 1));
}

/* -- what there is ------------------------------------------------------------
 */

static void trunk_show(struct manager *m, const struct bus_message *msg)
{
	const char *name = text_of(msg->body, "trunk");
	const struct manager_trunk *t = manager_trunk_find(m, name);
	const struct trunk_setting *row;
	json_t *rows = json_array();
	char text[1024];

	if (!t) {
		json_decref(rows);
		manager_refuse(m, msg, "there is no trunk %.64s", name);
		return;
	}
	for (size_t i = 0; (row = trunk_setting(i)); i++) {
		bool given = trunk_is_given(&t->set, row->key);

		if (!(row->kinds & 1u << t->set.kind))
			continue;
		(void)trunk_get(&t->set, row->key, text, sizeof(text));
		json_array_append_new(
			rows,
			json_pack("{ss ss sb ss}", "setting", row->key, "value",
				  row->secret && given ? "(secret)" : text,
				  "given", given, "help", row->help));
	}
	reply_rows(m, msg, rows);
}

static void trunk_account(struct manager *m, const struct bus_message *msg)
{
	const char *name = text_of(msg->body, "trunk");
	const struct manager_trunk *t = manager_trunk_find(m, name);

	if (!t)
		manager_refuse(m, msg, "there is no trunk %.64s", name);
	else if (t->set.kind == TRUNK_IP)
		manager_refuse(m, msg, "a trunk of kind ip has no account");
	else
		reply_rows(m, msg, account_json(m, &t->set));
}

static const char *state_of(const struct manager_trunk *t)
{
	if (!t->set.enabled)
		return "off";
	if (t->unreachable)
		return "unreachable";
	if (t->set.kind == TRUNK_IP)
		return "static";
	return t->registered ? "registered" : "unregistered";
}

json_t *manager_show_trunks(const struct manager *m)
{
	json_t *rows = json_array();
	struct le *le;

	LIST_FOREACH(&m->trunks, le)
	{
		const struct manager_trunk *t = le->data;

		json_array_append_new(
			rows,
			json_pack("{ss ss ss si sb sb si ss ss ss ss ss}",
				  "trunk", t->set.name, "kind",
				  trunk_kind_name(t->set.kind), "session",
				  t->set.session, "priority",
				  (int)t->set.priority, "enabled",
				  t->set.enabled, "declared", t->declared,
				  "calls",
				  (int)manager_calls(m, CALLS_OF_TRUNK,
						     t->set.name),
				  "state", state_of(t), "worker", t->worker,
				  "cause", t->cause, "source", t->source,
				  "user_agent", t->user_agent));
	}
	return rows;
}

void manager_on_trunk(const struct bus_message *msg, void *arg)
{
	static const struct {
		const char *verb;
		void (*run)(struct manager *m, const struct bus_message *msg);
	} table[] = {
		{"add", trunk_add},           {"set", trunk_change},
		{"show", trunk_show},         {"account", trunk_account},
		{"password", trunk_password}, {"remove", trunk_remove},
	};
	const char *verb = msg->subject + strlen(BUS_MANAGER_TRUNK) - 1;

	if (!msg->inbox)
		return;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (strcmp(table[i].verb, verb) == 0) {
			table[i].run(arg, msg);
			return;
		}
	trunk_switch(arg, msg, strcmp(verb, "enable") == 0);
}
