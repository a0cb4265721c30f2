#include "service/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cause.h"
#include "base/log.h"
#include "base/re.h"
#include "bus/gateway.h"
#include "bus/manager_storage.h"
#include "bus/manager_worker.h"
#include "service/words.h"

#define ANSWER_TIMEOUT_MS 5000
#define ROLE_TIMEOUT_MS 10000
#define LOGIN_TIMEOUT_MS 60000
#define MESSAGE_TIMEOUT_MS 30000
#define FILE_TIMEOUT_MS (3600 * 1000)

struct service {
	struct bus *bus;
	char worker[32], storage[32];
	struct list running; /* struct run */
};

/* How a command is carried out: over the bus, or here (`make`). */
struct command {
	const char *name;
	const char *subject; /* format with the role's id */
	bool of_worker;      /* the role asked; else the Storage */
	const char *what;    /* body {what: ..}; NULL: the request itself */
	unsigned timeout_ms;
	const char *columns;  /* of a table, joined by blanks */
	const char *needs[2]; /* mandatory text arguments */
	bool settings;        /* KEY=VALUE behind them */
	json_t *(*make)(void);
};

/* One command under way. */
struct run {
	struct le le;
	struct service *service;
	const struct command *command;
	json_t *request;
	json_t *ready; /* an answer made here, given from the loop */
	struct tmr later;
	service_answer_h *done;
	void *arg;
};

static json_t *make_version(void)
{
	return json_pack("[{ss ss}]", "program", "gramline", "version",
			 GRAMLINE_VERSION);
}

static void add_counter(const char *area, const char *kind, uint64_t n,
			void *arg)
{
	json_array_append_new(arg, json_pack("{ss ss sI}", "area", area, "kind",
					     kind, "count", (json_int_t)n));
}

static json_t *make_counters(void)
{
	json_t *rows = json_array();

	count_each(add_counter, rows);
	return rows;
}

static json_t *make_causes(void)
{
	json_t *rows = json_array();
	char told[64];

	for (int row = 0; row < CAUSE_ROWS; row++) {
		const struct cause_facts *f = cause_facts((enum cause_row)row);

		cause_ways_text(told, f->ways);
		json_array_append_new(
			rows,
			json_pack("{si ss si ss ss ss ss ss}", "row",
				  (int)f->number, "name", f->name, "code",
				  f->code, "reason",
				  f->reason ? f->reason : "...", "told", told,
				  "hop", cause_hop_name(f->hop), "when",
				  f->trigger, "advice", f->advice));
	}
	return rows;
}

static json_t *make_help(void);

static const struct command commands[] = {
	{.name = "help", .columns = "command arguments", .make = make_help},
	{.name = "show calls",
	 .subject = BUS_WORKER_SHOW,
	 .of_worker = true,
	 .what = "calls",
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .columns = "call direction state trunk session from to codec version "
		    "seconds sip_rx sip_tx telegram_rx telegram_tx"},
	{.name = "show status",
	 .subject = BUS_WORKER_SHOW,
	 .of_worker = true,
	 .what = "status",
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .columns = "worker calls rtp_ports media_threads descriptors rss_kib"},
	{.name = "show trunks",
	 .subject = BUS_MANAGER_SHOW_TRUNKS,
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .columns = "trunk kind session priority enabled declared calls state "
		    "worker cause source user_agent"},
	{.name = "trunk add",
	 .subject = "manager.trunk.add",
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .columns = "trunk kind login",
	 .needs = {"trunk"},
	 .settings = true},
	{.name = "trunk set",
	 .subject = "manager.trunk.set",
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .needs = {"trunk"},
	 .settings = true},
	{.name = "trunk show",
	 .subject = "manager.trunk.show",
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .columns = "setting value given help",
	 .needs = {"trunk"}},
	{.name = "trunk account",
	 .subject = "manager.trunk.account",
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .columns = "trunk login password server",
	 .needs = {"trunk"}},
	{.name = "trunk password",
	 .subject = "manager.trunk.password",
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .columns = "trunk login password server",
	 .needs = {"trunk"}},
	{.name = "trunk enable",
	 .subject = "manager.trunk.enable",
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .needs = {"trunk"}},
	{.name = "trunk disable",
	 .subject = "manager.trunk.disable",
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .needs = {"trunk"}},
	{.name = "trunk remove",
	 .subject = "manager.trunk.remove",
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .needs = {"trunk"}},
	{.name = "show subscriptions",
	 .subject = "manager.subscription.show",
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .columns = "subscription until lines lines_used seconds seconds_used "
		    "fails fails_used"},
	{.name = "subscription set",
	 .subject = BUS_MANAGER_SUBSCRIPTION_SET,
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .needs = {"subscription"},
	 .settings = true},
	{.name = "subscription remove",
	 .subject = BUS_MANAGER_SUBSCRIPTION_REMOVE,
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .needs = {"subscription"}},
	{.name = "show places",
	 .subject = BUS_MANAGER_PLACE_SHOW,
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .columns = "place id enabled address registrar"},
	{.name = "worker enable",
	 .subject = BUS_MANAGER_PLACE_ENABLE,
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .needs = {"worker"}},
	{.name = "worker disable",
	 .subject = "manager.place.disable",
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .needs = {"worker"}},
	{.name = "storage enable",
	 .subject = BUS_MANAGER_PLACE_ENABLE,
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .needs = {"storage"}},
	{.name = "storage disable",
	 .subject = "manager.place.disable",
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .needs = {"storage"}},
	{.name = "show roles",
	 .subject = BUS_GATEWAY_ROLE_SHOW,
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .columns = "role id running"},
	{.name = "role stop",
	 .subject = BUS_GATEWAY_ROLE_STOP,
	 .timeout_ms = ROLE_TIMEOUT_MS,
	 .needs = {"role"}},
	{.name = "role start",
	 .subject = BUS_GATEWAY_ROLE_START,
	 .timeout_ms = ROLE_TIMEOUT_MS,
	 .needs = {"role"}},
	{.name = "reload",
	 .subject = BUS_GATEWAY_RELOAD,
	 .timeout_ms = ANSWER_TIMEOUT_MS},
	{.name = "show bans",
	 .subject = BUS_WORKER_SHOW,
	 .of_worker = true,
	 .what = "bans",
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .columns = "worker address reason times seconds"},
	{.name = "show refused",
	 .subject = BUS_WORKER_SHOW,
	 .of_worker = true,
	 .what = "refused",
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .columns = "worker address 401 403 404 405 other unparsable scanner "
		    "rate seconds_ago reason banned"},
	{.name = "show alerts",
	 .subject = BUS_MANAGER_SHOW_ALERTS,
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .columns = "id state kind object code reason count since last cleared "
		    "acknowledged"},
	{.name = "alert acknowledge",
	 .subject = BUS_MANAGER_ALERT_ACKNOWLEDGE,
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .needs = {"id"}},
	{.name = "ban add",
	 .subject = BUS_WORKER_BAN_ADD,
	 .of_worker = true,
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .needs = {"address"}},
	{.name = "ban lift",
	 .subject = BUS_WORKER_BAN_LIFT,
	 .of_worker = true,
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .needs = {"address"}},
	{.name = "capture",
	 .subject = BUS_WORKER_CAPTURE,
	 .of_worker = true,
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .needs = {"call", "file"}},
	{.name = "digits",
	 .subject = BUS_WORKER_DIGITS,
	 .of_worker = true,
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .needs = {"call", "digits"}},
	{.name = "show sessions",
	 .subject = BUS_STORAGE_SHOW,
	 .what = "sessions",
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .columns = "session storage state since reason next_call phone "
		    "username text"},
	{.name = "show version",
	 .columns = "program version",
	 .make = make_version},
	{.name = "show counters",
	 .columns = "area kind count",
	 .make = make_counters},
	{.name = "explain invite",
	 .subject = BUS_WORKER_EXPLAIN,
	 .of_worker = true,
	 .timeout_ms = 2 * ANSWER_TIMEOUT_MS,
	 .columns = "check what verdict text",
	 .needs = {"source", "number"},
	 .settings = true},
	{.name = "explain",
	 .subject = BUS_MANAGER_EXPLAIN,
	 .timeout_ms = ANSWER_TIMEOUT_MS,
	 .columns = "what text",
	 .needs = {"call"}},
	{.name = "show causes",
	 .columns = "row code reason told hop when advice",
	 .make = make_causes},
	{.name = "login start",
	 .subject = BUS_STORAGE_LOGIN_START,
	 .timeout_ms = LOGIN_TIMEOUT_MS,
	 .needs = {"session", "phone"}},
	{.name = "login code",
	 .subject = BUS_STORAGE_LOGIN_CODE,
	 .timeout_ms = LOGIN_TIMEOUT_MS,
	 .needs = {"session", "code"}},
	{.name = "login resend",
	 .subject = BUS_STORAGE_LOGIN_RESEND,
	 .timeout_ms = LOGIN_TIMEOUT_MS,
	 .needs = {"session"}},
	{.name = "login cancel",
	 .subject = BUS_STORAGE_LOGIN_CANCEL,
	 .timeout_ms = LOGIN_TIMEOUT_MS,
	 .needs = {"session"}},
	{.name = "login password",
	 .subject = BUS_STORAGE_LOGIN_PASSWORD,
	 .timeout_ms = LOGIN_TIMEOUT_MS,
	 .needs = {"session", "password"}},
	{.name = "login recover",
	 .subject = BUS_STORAGE_LOGIN_RECOVER,
	 .timeout_ms = LOGIN_TIMEOUT_MS,
	 .needs = {"session"}},
	{.name = "login qr",
	 .subject = BUS_STORAGE_LOGIN_QR,
	 .timeout_ms = LOGIN_TIMEOUT_MS,
	 .needs = {"session"}},
	{.name = "login bot",
	 .subject = BUS_STORAGE_LOGIN_BOT,
	 .timeout_ms = LOGIN_TIMEOUT_MS,
	 .needs = {"session", "token"}},
	{.name = "show logins",
	 .subject = BUS_STORAGE_LOGINS,
	 .timeout_ms = LOGIN_TIMEOUT_MS,
	 .columns = "login current official app device ip country created "
		    "active",
	 .needs = {"session"}},
	{.name = "end login",
	 .subject = BUS_STORAGE_LOGINS_END,
	 .timeout_ms = LOGIN_TIMEOUT_MS,
	 .needs = {"session", "login"}},
	{.name = "show account",
	 .subject = BUS_STORAGE_SETTINGS,
	 .timeout_ms = LOGIN_TIMEOUT_MS,
	 .columns = "setting set left text error",
	 .needs = {"session"}},
	{.name = "account",
	 .subject = BUS_STORAGE_SETTINGS_APPLY,
	 .timeout_ms = LOGIN_TIMEOUT_MS,
	 .needs = {"session", "setting"}},
	{.name = "message send",
	 .subject = BUS_STORAGE_MESSAGE,
	 .timeout_ms = MESSAGE_TIMEOUT_MS,
	 .needs = {"session", "to"}},
	{.name = "message edit",
	 .subject = BUS_STORAGE_MESSAGE,
	 .timeout_ms = MESSAGE_TIMEOUT_MS,
	 .needs = {"session", "to"}},
	{.name = "message delete",
	 .subject = BUS_STORAGE_MESSAGE,
	 .timeout_ms = MESSAGE_TIMEOUT_MS,
	 .needs = {"session"}},
	{.name = "message list",
	 .subject = BUS_STORAGE_MESSAGE,
	 .timeout_ms = MESSAGE_TIMEOUT_MS,
	 .columns = "id out date text file_name size",
	 .needs = {"session", "to"}},
	{.name = "message press",
	 .subject = BUS_STORAGE_MESSAGE,
	 .timeout_ms = MESSAGE_TIMEOUT_MS,
	 .needs = {"session", "to"}},
	{.name = "message answer",
	 .subject = BUS_STORAGE_MESSAGE,
	 .timeout_ms = MESSAGE_TIMEOUT_MS,
	 .needs = {"session", "query"}},
	{.name = "inline ask",
	 .subject = BUS_STORAGE_MESSAGE,
	 .timeout_ms = MESSAGE_TIMEOUT_MS,
	 .needs = {"session", "bot"}},
	{.name = "inline send",
	 .subject = BUS_STORAGE_MESSAGE,
	 .timeout_ms = MESSAGE_TIMEOUT_MS,
	 .needs = {"session", "bot"}},
	{.name = "inline answer",
	 .subject = BUS_STORAGE_MESSAGE,
	 .timeout_ms = MESSAGE_TIMEOUT_MS,
	 .needs = {"session", "query"}},
	{.name = "inline edit",
	 .subject = BUS_STORAGE_MESSAGE,
	 .timeout_ms = MESSAGE_TIMEOUT_MS,
	 .needs = {"session", "message"}},
	{.name = "file send",
	 .subject = BUS_STORAGE_MESSAGE,
	 .timeout_ms = FILE_TIMEOUT_MS,
	 .needs = {"session", "to"}},
	{.name = "file receive",
	 .subject = BUS_STORAGE_MESSAGE,
	 .timeout_ms = FILE_TIMEOUT_MS,
	 .needs = {"session", "path"}},
	{.name = "events",
	 .subject = BUS_STORAGE_MESSAGE,
	 .timeout_ms = LOGIN_TIMEOUT_MS,
	 .needs = {"session"}},
	{.name = "logout",
	 .subject = BUS_STORAGE_LOGOUT,
	 .timeout_ms = LOGIN_TIMEOUT_MS,
	 .needs = {"session"}},
};

/* Those of messages have arguments that are no words: not for a person. */
static json_t *make_help(void)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		const struct command *c = &commands[i];
		const char *second = c->needs[1];

		if (c->subject && !strcmp(c->subject, BUS_STORAGE_MESSAGE))
			continue;
		json_array_append_new(
			rows,
			json_pack("{ss ss+++}", "command", c->name, "arguments",
				  c->needs[0] ? c->needs[0] : "",
				  second ? " " : "", second ? second : "",
				  c->settings ? " [KEY=VALUE ...]" : ""));
	}
	return rows;
}

static void run_destroy(void *arg)
{
	struct run *r = arg;

	list_unlink(&r->le);
	tmr_cancel(&r->later);
	json_decref(r->request);
	json_decref(r->ready);
}

static void finish(struct run *r, json_t *answer)
{
	r->done(answer, r->arg);
	json_decref(answer);
	mem_deref(r);
}

static json_t *failure(const char *text)
{
	return json_pack("{sb ss}", "ok", 0, "error", text);
}

static json_t *columns_json(const char *columns)
{
	json_t *list = json_array();

	while (*columns) {
		size_t n = strcspn(columns, " ");

		json_array_append_new(list, json_stringn(columns, n));
		columns += n + (columns[n] == ' ');
	}
	return list;
}

static json_t *table(const struct command *c, json_t *rows)
{
	return json_pack("{sb so so}", "ok", 1, "columns",
			 columns_json(c->columns), "rows", rows);
}

static void give_ready(void *arg)
{
	struct run *r = arg;
	json_t *answer = r->ready;

	r->ready = NULL;
	finish(r, answer);
}

static void answer_later(struct run *r, json_t *answer)
{
	r->ready = answer;
	tmr_start(&r->later, 0, give_ready, r);
}

static json_t *answer_table(const struct command *c, json_t *answer)
{
	json_t *rows = json_object_get(answer, "rows"), *o;
	json_t *warning = json_object_get(answer, "warning");

	if (!json_is_array(rows))
		return failure("answer without rows");
	o = table(c, json_incref(rows));
	if (warning)
		json_object_set(o, "warning", warning);
	return o;
}

static void on_answer(int err, json_t *answer, void *arg)
{
	struct run *r = arg;
	const char *text;

	if (err == -ENOTCONN) {
		finish(r, failure("this role does not run here"));
		return;
	}
	if (err) {
		finish(r, failure(err == -ECANCELED ? "stopped"
						    : "no answer in time"));
		return;
	}
	text = json_string_value(json_object_get(answer, "text"));
	if (json_is_false(json_object_get(answer, "ok"))) {
		finish(r, failure(text ? text : "refused"));
		return;
	}
	if (r->command->columns) {
		finish(r, answer_table(r->command, answer));
		return;
	}
	if (json_is_true(json_object_get(answer, "ok")))
		finish(r, json_incref(answer));
	else
		finish(r, failure(text ? text : "refused"));
}

/* "ban lift 192.0.2.1": what stands behind a command is its arguments. A
 * command's name is not the beginning of another's. why "": there is none. */
static const struct command *command_find(json_t *request, const char *text,
					  char why[SERVICE_WHY])
{
	*why = '\0';
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		const struct command *c = &commands[i];
		size_t n = strlen(c->name);

		if (strncmp(text, c->name, n) != 0)
			continue;
		if (!text[n] || (text[n] == ' ' && text[n + 1] && c->needs[0] &&
				 !words_take(request, c->needs, c->settings,
					     text + n + 1, why)))
			return c;
		if (*why)
			return NULL;
	}
	return NULL;
}

static const char *missing_argument(const struct run *r)
{
	for (size_t i = 0; i < 2 && r->command->needs[i]; i++)
		if (!json_is_string(
			    json_object_get(r->request, r->command->needs[i])))
			return r->command->needs[i];
	return NULL;
}

static int ask(struct run *r)
{
	const struct command *c = r->command;
	char subject[96];
	json_t *body = c->what ? json_pack("{ss}", "what", c->what)
			       : json_incref(r->request);

	re_snprintf(subject, sizeof(subject), c->subject,
		    c->of_worker ? r->service->worker : r->service->storage);
	return bus_request(r->service->bus, subject, body, c->timeout_ms,
			   on_answer, r);
}

int service_run(struct service *s, json_t *request, service_answer_h *done,
		void *arg)
{
	struct run *r = mem_zalloc(sizeof(*r), run_destroy);
	const char *name =
		json_string_value(json_object_get(request, "command"));
	const char *missing;
	char text[SERVICE_WHY];
	int err = 0;

	if (!r)
		return -ENOMEM;
	r->service = s;
	r->request = json_copy(request);
	r->done = done;
	r->arg = arg;
	tmr_init(&r->later);
	list_append(&s->running, &r->le, r);
	*text = '\0';
	r->command = name ? command_find(r->request, name, text) : NULL;
	if (!r->command) {
		answer_later(r, failure(*text ? text : "unknown command"));
		return 0;
	}
	missing = missing_argument(r);
	if (missing) {
		snprintf(text, sizeof(text), "argument missing: %s", missing);
		answer_later(r, failure(text));
	} else if (r->command->make) {
		answer_later(r, table(r->command, r->command->make()));
	} else {
		err = ask(r);
	}
	if (err)
		mem_deref(r);
	return err;
}

int service_new(struct service **sp, const struct service_conf *conf)
{
	struct service *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->bus = conf->bus;
	snprintf(s->worker, sizeof(s->worker), "%s", conf->worker);
	snprintf(s->storage, sizeof(s->storage), "%s", conf->storage);
	*sp = s;
	return 0;
}

void service_free(struct service **sp)
{
	struct service *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	while (!list_isempty(&s->running))
		finish(list_head(&s->running)->data, failure("stopped"));
	free(s);
}
