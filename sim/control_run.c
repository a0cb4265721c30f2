/* The operations of the control interface. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/api_auth.h"
#include "sim/app.h"
#include "sim/control_private.h"
#include "sim/document.h"
#include "sim/update.h"

json_t *sim_failed(struct sim_operation *op, const char *why)
{
	if (!op->why[0])
		snprintf(op->why, sizeof(op->why), "%s", why);
	return NULL;
}

struct sim_account *sim_named(struct sim_operation *op, const char *key)
{
	const json_t *j = json_object_get(op->q, key);
	struct sim_account *a = NULL;

	if (json_is_integer(j))
		a = sim_world_account(op->w, json_integer_value(j));
	else if (json_is_string(j))
		a = sim_world_find(op->w, json_string_value(j));
	if (!a)
		snprintf(op->why, sizeof(op->why), "%s: no such account", key);
	return a;
}

static struct sim_call *sim_named_call(struct sim_operation *op)
{
	const json_t *j = json_object_get(op->q, "call");
	int64_t id = json_is_string(j) ? strtoll(json_string_value(j), NULL, 10)
				       : json_integer_value(j);
	struct sim_call *c = sim_call_find(op->w, id);

	if (!c)
		sim_failed(op, "call: no such call");
	return c;
}

/* -- listing
 * ------------------------------------------------------------------------- */

static json_t *sim_run_accounts(struct sim_operation *op)
{
	json_t *list = json_array();

	for (const struct sim_account *a = op->w->accounts; a; a = a->next) {
		json_t *o = json_pack(
			"{sI ss ss ss ss si si ss ss ss ss ss si si}", "id",
			(json_int_t)a->id, "phone", a->phone, "first_name",
			a->first_name, "last_name", a->last_name, "username",
			a->username, "dc", a->dc, "pts", a->pts, "call",
			sim_audience_name(a->privacy[SIM_PRIVACY_CALL]),
			"found_by_phone",
			sim_audience_name(a->privacy[SIM_PRIVACY_PHONE]), "p2p",
			sim_audience_name(a->privacy[SIM_PRIVACY_P2P]),
			"groups",
			sim_audience_name(a->privacy[SIM_PRIVACY_GROUPS]),
			"version", a->version, "contacts",
			(int)a->contact_count, "messages",
			(int)a->message_count);

		if (a->app)
			json_object_set_new(o, "app", sim_app_describe(a->app));
		json_array_append_new(list, o);
	}
	return json_pack("{so}", "accounts", list);
}

static json_t *sim_run_sessions(struct sim_operation *op)
{
	json_t *list = json_array();
	char key[24];

	for (const struct sim_session *s = op->w->sessions; s; s = s->next) {
		const struct sim_account *a = sim_session_account(s);

		snprintf(key, sizeof(key), "%016" PRIx64, s->key_id);
		json_array_append_new(
			list,
			json_pack("{ss sI si si sb sb sI}", "key", key, "user",
				  (json_int_t)(a ? a->id : 0), "dc", s->dc,
				  "layer", s->layer, "updates",
				  s->wants_updates, "superseded", s->superseded,
				  "queries", (json_int_t)s->queries));
	}
	return json_pack("{so}", "sessions", list);
}

static json_t *sim_run_calls(struct sim_operation *op)
{
	bool all = json_is_true(json_object_get(op->q, "all"));
	json_t *list = json_array();

	for (const struct sim_call *c = op->w->calls; c; c = c->next)
		if (all || c->state != SIM_CALL_ENDED)
			json_array_append_new(list, sim_call_describe(c));
	return json_pack("{so}", "calls", list);
}

static json_t *sim_run_call_status(struct sim_operation *op)
{
	const struct sim_call *c = sim_named_call(op);

	return c ? json_pack("{so}", "call", sim_call_describe(c)) : NULL;
}

static json_t *sim_run_refused(struct sim_operation *op)
{
	json_t *o = json_object();

	for (const struct sim_refusal *r = op->w->refusals; r; r = r->next)
		json_object_set_new(o, r->what, json_integer((json_int_t)r->n));
	return json_pack("{so sI sI}", "refused", o, "pushed",
			 (json_int_t)op->w->pushed, "unheard",
			 (json_int_t)op->w->unheard);
}

static json_t *sim_run_code(struct sim_operation *op)
{
	const char *phone = sim_json_text(op->q, "phone", "");

	if (phone[0] == '+')
		phone++;
	for (const struct sim_code *c = op->w->codes; c; c = c->next)
		if (!strcmp(c->phone, phone))
			return json_pack("{ss}", "code", c->code);
	return sim_failed(op, "no code was asked for by this number");
}

static json_t *sim_run_recovery(struct sim_operation *op)
{
	const struct sim_account *a = sim_named(op, "user");

	if (a && !a->recovery[0])
		return sim_failed(op, "no recovery was asked for");
	return a ? json_pack("{ss}", "code", a->recovery) : NULL;
}

static json_t *sim_run_password(struct sim_operation *op)
{
	struct sim_account *a = sim_named(op, "user");

	if (!a)
		return NULL;
	sim_password_set(&a->password, sim_json_text(op->q, "password", ""));
	snprintf(a->password.hint, sizeof(a->password.hint), "%s",
		 sim_json_text(op->q, "hint", ""));
	a->password.changed = true;
	a->password_tries = 0;
	sim_account_save(a);
	return json_object();
}

/* base64url of a token, without padding. */
static size_t sim_token_decode(uint8_t *dst, size_t room, const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t bits = 0;
	size_t n = 0;
	int have = 0;

	for (; *text && *text != '='; text++) {
		const char *at = strchr(digits, *text);

		if (!at)
			return 0;
		bits = bits << 6 | (uint32_t)(at - digits);
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (n == room)
			return 0;
		dst[n++] = (uint8_t)(bits >> have);
	}
	return n;
}

/* A user's app scans a code: `url` is what the code says. */
static json_t *sim_run_qr_accept(struct sim_operation *op)
{
	static const char head[] = "tg://login?token=";
	const char *url = sim_json_text(op->q, "url", "");
	struct sim_account *a = sim_named(op, "user");
	const struct sim_fault *f;
	struct sim_token *t = NULL;
	uint8_t token[64];
	size_t n;

	if (!a)
		return NULL;
	if (strncmp(url, head, sizeof(head) - 1) != 0)
		return sim_failed(op, "url: not of a log-in");
	n = sim_token_decode(token, sizeof(token), url + sizeof(head) - 1);
	f = sim_auth_token_accept(op->w, a, bytes_of(token, n), &t);
	if (f)
		return sim_failed(op, f->text);
	sim_update_token(op->w, t->key_id);
	return json_object();
}

static json_t *sim_run_messages(struct sim_operation *op)
{
	const struct sim_account *a = sim_named(op, "user");
	json_t *list;

	if (!a)
		return NULL;
	list = json_array();
	for (size_t i = 0; i < a->message_count; i++) {
		const struct sim_message *m = &a->messages[i];

		json_array_append_new(
			list, json_pack("{si sI sb si ss}", "id", m->id, "peer",
					(json_int_t)m->peer, "out", m->outgoing,
					"date", m->date, "text",
					m->text ? m->text : ""));
	}
	return json_pack("{so}", "messages", list);
}

/* -- simulated users
 * -------------------------------------------------------------------- */

static json_t *sim_run_behaviour(struct sim_operation *op)
{
	struct sim_account *a = sim_named(op, "user");
	char why[256] = "";

	if (!a)
		return NULL;
	if (!a->app)
		return sim_failed(op, "user: not a simulated user");
	if (sim_app_configure(a, json_object_get(op->q, "app"), why))
		return sim_failed(op, why);
	return json_pack("{so}", "app", sim_app_describe(a->app));
}

static json_t *sim_run_call(struct sim_operation *op)
{
	struct sim_account *from = sim_named(op, "user");
	struct sim_account *to = sim_named(op, "to");
	struct sim_app_call r = {from, to, op->q,
				 json_is_true(json_object_get(op->q, "video"))};
	const struct sim_fault *f;
	struct sim_call *c;

	if (!from || !to)
		return NULL;
	if (!from->app)
		return sim_failed(op, "user: not a simulated user");
	f = sim_app_call(&c, &r);
	if (f)
		return sim_failed(op, f->text);
	return json_pack("{so}", "call", sim_call_describe(c));
}

static enum sim_reason sim_reason_parse(const char *name)
{
	for (int i = 0; i <= SIM_REASON_BUSY; i++)
		if (!strcmp(name, sim_reason_name((enum sim_reason)i)))
			return (enum sim_reason)i;
	return SIM_REASON_HANGUP;
}

static json_t *sim_run_hangup(struct sim_operation *op)
{
	struct sim_call *c = sim_named_call(op);
	int side;

	if (!c)
		return NULL;
	side = c->legs[0].account->app && !c->legs[0].key_id ? 0 : 1;
	sim_call_end(
		c, side,
		sim_reason_parse(sim_json_text(op->q, "reason", "hangup")));
	return json_pack("{so}", "call", sim_call_describe(c));
}

static json_t *sim_run_answer(struct sim_operation *op)
{
	struct sim_call *c = sim_named_call(op);

	if (!c)
		return NULL;
	if (c->state > SIM_CALL_RINGING || !c->legs[1].account->app)
		return sim_failed(op, "call: nobody here can answer it");
	c->legs[1].step = SIM_STEP_ANSWER;
	c->legs[1].due = op->w->now;
	return json_object();
}

static json_t *sim_run_text(struct sim_operation *op)
{
	struct sim_account *from = sim_named(op, "user");
	struct sim_account *to = sim_named(op, "to");
	const char *text = sim_json_text(op->q, "text", "");

	if (!from || !to)
		return NULL;
	if (!text[0])
		return sim_failed(op, "text: empty");
	if (sim_account_blocks(to, from->id))
		return sim_failed(op, "USER_IS_BLOCKED");
	sim_text_send(from, to, text, 0, 0,
		      json_is_true(json_object_get(op->q, "silent")));
	return json_object();
}

/* File references told so far are expired from now on. */
static json_t *sim_run_references(struct sim_operation *op)
{
	sim_documents_expire(op->w);
	return json_object();
}

/* -- settings and faults
 * ------------------------------------------------------------------ */

static json_t *sim_run_set(struct sim_operation *op)
{
	static const char *const names[SIM_PRIVACY_COUNT] = {"call", "phone",
							     "p2p", "groups"};
	struct sim_account *a = sim_named(op, "user");
	const char *version;

	if (!a)
		return NULL;
	for (int i = 0; i < SIM_PRIVACY_COUNT; i++) {
		const char *v = sim_json_text(op->q, names[i], NULL);

		if (v && sim_audience_parse(&a->privacy[i], v))
			return sim_failed(op, "all, contacts or nobody");
	}
	version = sim_json_text(op->q, "version", a->version);
	if (version != a->version)
		snprintf(a->version, sizeof(a->version), "%s", version);
	a->flood_wait_s =
		(int)sim_json_int(op->q, "flood_wait_s", a->flood_wait_s);
	if (json_is_boolean(json_object_get(op->q, "deleted")))
		a->deleted = json_is_true(json_object_get(op->q, "deleted"));
	if (json_is_boolean(json_object_get(op->q, "frozen")))
		a->frozen = json_is_true(json_object_get(op->q, "frozen"));
	if (json_is_string(json_object_get(op->q, "banned")))
		snprintf(a->banned, sizeof(a->banned), "%s",
			 sim_json_text(op->q, "banned", ""));
	if (json_is_boolean(json_object_get(op->q, "forbids_voice")))
		a->forbids_voice =
			json_is_true(json_object_get(op->q, "forbids_voice"));
	sim_account_save(a);
	return json_object();
}

static json_t *sim_run_rename(struct sim_operation *op)
{
	struct sim_account *a = sim_named(op, "user");
	const char *name = sim_json_text(op->q, "username", NULL);
	const char *first = sim_json_text(op->q, "first_name", NULL);

	if (!a)
		return NULL;
	if (name && sim_world_username(op->w, bytes_str(name)))
		return sim_failed(op, "the name is taken");
	if (name)
		snprintf(a->username, sizeof(a->username), "%s", name);
	if (first)
		snprintf(a->first_name, sizeof(a->first_name), "%s", first);
	sim_update_renamed(a);
	return json_object();
}

/* Every log-in of his was made so much earlier. */
static json_t *sim_run_age(struct sim_operation *op)
{
	struct sim_account *a = sim_named(op, "user");
	int32_t seconds = (int32_t)sim_json_int(op->q, "seconds", 86400);

	if (!a)
		return NULL;
	for (struct sim_key *k = op->w->keys; k; k = k->next) {
		if (k->user != a->id)
			continue;
		k->date -= seconds;
		sim_world_key_save(op->w, k);
	}
	return json_object();
}

static json_t *sim_run_block(struct sim_operation *op)
{
	struct sim_account *a = sim_named(op, "user");
	const struct sim_account *other = sim_named(op, "other");

	if (!a || !other)
		return NULL;
	sim_account_block(a, other->id,
			  !json_is_false(json_object_get(op->q, "on")));
	sim_account_save(a);
	return json_object();
}

static json_t *sim_run_policy(struct sim_operation *op)
{
	if (sim_policy_parse(&op->w->config->policy,
			     sim_json_text(op->q, "policy", NULL)))
		return sim_failed(op, "highest, lowest, caller or callee");
	return json_object();
}

static json_t *sim_run_connections(struct sim_operation *op)
{
	struct sim_connection list[SIM_CONNECTIONS];
	const json_t *in = json_object_get(op->q, "connections");
	json_t *o;
	size_t i;

	if (!json_is_array(in) || json_array_size(in) > SIM_CONNECTIONS)
		return sim_failed(op, "connections: a list");
	json_array_foreach(
		in, i,
		o) if (sim_connection_parse(&list[i], o, op->why)) return NULL;
	memcpy(op->w->config->connections, list,
	       json_array_size(in) * sizeof(list[0]));
	op->w->config->connection_count = (int)json_array_size(in);
	if (json_is_boolean(json_object_get(op->q, "p2p")))
		op->w->config->p2p =
			json_is_true(json_object_get(op->q, "p2p"));
	return json_object();
}

static json_t *sim_run_ping(struct sim_operation *op)
{
	return json_pack("{si}", "date", sim_world_date(op->w));
}

static const struct sim_operation_run sim_operations[] = {
	{"ping", sim_run_ping},
	{"accounts", sim_run_accounts},
	{"sessions", sim_run_sessions},
	{"calls", sim_run_calls},
	{"call-status", sim_run_call_status},
	{"refused", sim_run_refused},
	{"code", sim_run_code},
	{"recovery-code", sim_run_recovery},
	{"password", sim_run_password},
	{"qr-accept", sim_run_qr_accept},
	{"messages", sim_run_messages},
	{"behaviour", sim_run_behaviour},
	{"call", sim_run_call},
	{"answer", sim_run_answer},
	{"hangup", sim_run_hangup},
	{"text", sim_run_text},
	{"expire-references", sim_run_references},
	{"set", sim_run_set},
	{"age", sim_run_age},
	{"rename", sim_run_rename},
	{"block", sim_run_block},
	{"policy", sim_run_policy},
	{"connections", sim_run_connections},
	{NULL, NULL},
};

static const struct sim_operation_run *
sim_operation_find(const struct sim_operation_run *list, const char *name)
{
	while (list->name && strcmp(list->name, name))
		list++;
	return list->name ? list : NULL;
}

json_t *sim_control_run(struct sim_world *w, struct sim_dcs *dcs,
			const json_t *request)
{
	struct sim_operation op = {.w = w, .dcs = dcs, .q = request};
	const char *name = sim_json_text(request, "op", "");
	const struct sim_operation_run *run =
		sim_operation_find(sim_operations, name);
	json_t *o = NULL;

	if (!run)
		run = sim_operation_find(sim_operations_fault, name);
	if (run)
		o = run->run(&op);
	else
		sim_failed(&op, "op: unknown");
	if (o && !op.why[0]) {
		json_object_set_new(o, "ok", json_true());
		return o;
	}
	json_decref(o);
	return json_pack("{sb ss}", "ok", 0, "error", op.why);
}
