/* A world's beginning, its turns and its end: what stands on world.c and is
 * reached from it by nobody else. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "sim/app.h"
#include "sim/call.h"
#include "sim/document.h"
#include "sim/held.h"
#include "sim/message.h"
#include "sim/order.h"
#include "sim/query.h"

/* -- accounts of the configuration -------------------------------------------
 */

static void sim_account_text(char *dst, size_t n, const json_t *o,
			     const char *key)
{
	snprintf(dst, n, "%s", sim_json_text(o, key, ""));
}

static int sim_account_ways(struct sim_account *a, const json_t *o)
{
	const json_t *list = json_object_get(o, "code_ways");
	json_t *item;
	size_t i;

	snprintf(a->ways[0], sizeof(a->ways[0]), "app");
	a->way_count = 1;
	if (!list)
		return 0;
	if (!json_array_size(list) || json_array_size(list) > 4)
		return -EINVAL;
	json_array_foreach(list, i, item)
	{
		const char *way = json_string_value(item);

		if (!sim_code_way_known(way))
			return -EINVAL;
		snprintf(a->ways[i], sizeof(a->ways[i]), "%s", way);
	}
	a->way_count = (int)i;
	return 0;
}

static int sim_account_login(struct sim_account *a, const json_t *o)
{
	const char *password = sim_json_text(o, "password", "");

	sim_account_text(a->email, sizeof(a->email), o, "email");
	sim_account_text(a->bot_token, sizeof(a->bot_token), o, "bot_token");
	sim_account_text(a->password.hint, sizeof(a->password.hint), o,
			 "password_hint");
	if (password[0])
		sim_password_set(&a->password, password);
	a->code_timeout_s = (int)sim_json_int(o, "code_timeout_s", 0);
	return sim_account_ways(a, o);
}

static int sim_account_privacy(struct sim_account *a, const json_t *o)
{
	static const char *const keys[SIM_PRIVACY_COUNT] = {"call", "phone",
							    "p2p", "groups"};
	const json_t *p = json_object_get(o, "privacy");

	for (int i = 0; i < SIM_PRIVACY_COUNT; i++) {
		const char *text = sim_json_text(p, keys[i], "all");

		if (sim_audience_parse(&a->privacy[i], text))
			return -EINVAL;
	}
	return 0;
}

static void sim_account_lists(struct sim_account *a, const json_t *o)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(o, "contacts"), i, item)
		sim_account_contact_add(a, json_integer_value(item),
					bytes_str(""), bytes_str(""));
	json_array_foreach(json_object_get(o, "blocked"), i, item)
		sim_account_block(a, json_integer_value(item), true);
}

static int sim_world_account_add(struct sim_world *w, const json_t *o,
				 char why[256])
{
	struct sim_account *a = NULL;
	json_int_t id = sim_json_int(o, "id", 0);
	int err;

	if (id <= 0 || sim_world_account(w, id)) {
		snprintf(why, 256, "accounts: id %lld is missing or used twice",
			 (long long)id);
		return -EINVAL;
	}
	err = sim_account_new(&a, w, id);
	if (err)
		return err;
	sim_account_text(a->phone, sizeof(a->phone), o, "phone");
	sim_account_text(a->first_name, sizeof(a->first_name), o, "first_name");
	sim_account_text(a->last_name, sizeof(a->last_name), o, "last_name");
	sim_account_text(a->username, sizeof(a->username), o, "username");
	sim_account_text(a->code, sizeof(a->code), o, "code");
	sim_account_text(a->version, sizeof(a->version), o, "version");
	a->dc = (int16_t)sim_json_int(o, "dc", w->config->dcs[0].id);
	a->flood_wait_s = (int)sim_json_int(o, "flood_wait_s", 0);
	a->deleted = json_is_true(json_object_get(o, "deleted"));
	a->frozen = json_is_true(json_object_get(o, "frozen"));
	sim_account_text(a->banned, sizeof(a->banned), o, "banned");
	a->forbids_voice = json_is_true(json_object_get(o, "forbids_voice"));
	sim_account_text(a->inline_hint, sizeof(a->inline_hint), o,
			 "inline_hint");
	sim_account_lists(a, o);
	a->next = w->accounts;
	w->accounts = a;
	if (sim_account_login(a, o)) {
		snprintf(why, 256, "accounts: %lld: code_ways", (long long)id);
		return -EINVAL;
	}
	if (!a->phone[0] ||
	    strspn(a->phone, "0123456789") != strlen(a->phone) ||
	    sim_account_privacy(a, o)) {
		snprintf(why, 256, "accounts: %lld: phone (digits) or privacy",
			 (long long)id);
		return -EINVAL;
	}
	sim_account_load(a);
	return sim_app_configure(a, json_object_get(o, "app"), why);
}

/* -- turns -------------------------------------------------------------------
 */

usec_t sim_world_deadline(const struct sim_world *w)
{
	usec_t due = sim_calls_deadline(w), held = sim_held_deadline(w);
	usec_t queries = sim_queries_deadline(w);

	due = held < due ? held : due;
	return queries < due ? queries : due;
}

void sim_world_tick(struct sim_world *w)
{
	sim_calls_tick(w);
	sim_held_tick(w);
	sim_queries_tick(w);
}

/* -- beginning and end -------------------------------------------------------
 */

static void sim_world_secret(struct sim_world *w)
{
	json_t *o = sim_store_get(w->store, "meta", "secret");

	if (!o || sim_json_hex_get(o, "hex", w->secret, sizeof(w->secret))) {
		random_bytes(w->secret, sizeof(w->secret));
		sim_store_put(
			w->store, "meta", "secret",
			json_pack("{so}", "hex",
				  sim_json_hex(w->secret, sizeof(w->secret))));
	}
	json_decref(o);
}

int sim_world_new(struct sim_world **wp, struct sim_config *c,
		  struct sim_store *s, char why[256])
{
	struct sim_world *w = calloc(1, sizeof(*w));
	json_t *o;
	size_t i;
	int err = 0;

	if (!w)
		return -ENOMEM;
	w->config = c;
	w->store = s;
	sim_world_secret(w);
	json_array_foreach(c->accounts, i, o)
	{
		err = sim_world_account_add(w, o, why);
		if (err) {
			sim_world_free(&w);
			return err;
		}
	}
	sim_store_each(s, "key", sim_world_key_load, w);
	sim_store_each(s, "message", sim_account_message_load, w);
	sim_store_each(s, "event", sim_account_event_load, w);
	sim_store_each(s, "call", sim_call_load, w);
	err = sim_orders_add(w, c->faults, why);
	if (err) {
		sim_world_free(&w);
		return err;
	}
	sim_documents_load(w);
	*wp = w;
	return 0;
}

static void sim_world_lists_free(struct sim_world *w)
{
	while (w->srps) {
		struct sim_srp *next = w->srps->next;

		free(w->srps);
		w->srps = next;
	}
	while (w->tokens) {
		struct sim_token *next = w->tokens->next;

		free(w->tokens);
		w->tokens = next;
	}
	while (w->codes) {
		struct sim_code *c = w->codes;

		w->codes = c->next;
		free(c);
	}
	while (w->refusals) {
		struct sim_refusal *r = w->refusals;

		w->refusals = r->next;
		free(r);
	}
	sim_carried_clear(w);
	while (w->keys) {
		struct sim_key *k = w->keys;

		w->keys = k->next;
		bytes_wipe(k->key, sizeof(k->key));
		free(k);
	}
}

void sim_world_free(struct sim_world **wp)
{
	struct sim_world *w = *wp;

	if (!w)
		return;
	sim_calls_free(w);
	sim_orders_cancel(w, 0);
	sim_held_clear(w);
	sim_queries_free(w);
	sim_documents_free(w);
	while (w->accounts) {
		struct sim_account *a = w->accounts;

		w->accounts = a->next;
		sim_app_free(&a->app);
		sim_account_free(&a);
	}
	sim_world_lists_free(w);
	bytes_wipe(w->secret, sizeof(w->secret));
	free(w);
	*wp = NULL;
}
