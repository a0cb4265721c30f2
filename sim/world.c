#include "sim/world.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/random.h"
#include "sim/app.h"
#include "sim/call.h"
#include "sim/document.h"
#include "sim/held.h"
#include "sim/order.h"
#include "sim/query.h"

/* -- accounts ----------------------------------------------------------------
 */

struct sim_account *sim_world_account(struct sim_world *w, int64_t id)
{
	struct sim_account *a = w->accounts;

	while (a && a->id != id)
		a = a->next;
	return a;
}

static bool sim_phone_equal(const char *digits, struct bytes phone)
{
	size_t k = 0;

	for (size_t i = 0; i < phone.n; i++) {
		if (!isdigit(phone.p[i]))
			continue;
		if (digits[k] != (char)phone.p[i])
			return false;
		k++;
	}
	return k && !digits[k];
}

struct sim_account *sim_world_phone(struct sim_world *w, struct bytes phone)
{
	struct sim_account *a = w->accounts;

	while (a && !sim_phone_equal(a->phone, phone))
		a = a->next;
	return a;
}

struct sim_account *sim_world_username(struct sim_world *w, struct bytes name)
{
	struct sim_account *a = w->accounts;

	while (a && !(a->username[0] && strlen(a->username) == name.n &&
		      !strncasecmp(a->username, (const char *)name.p, name.n)))
		a = a->next;
	return a;
}

struct sim_account *sim_world_find(struct sim_world *w, const char *who)
{
	struct sim_account *a;

	if (who[0] == '+')
		return sim_world_phone(w, bytes_str(who));
	if (who[0] == '@')
		who++;
	a = sim_world_username(w, bytes_str(who));
	if (!a)
		a = sim_world_account(w, strtoll(who, NULL, 10));
	return a ? a : sim_world_phone(w, bytes_str(who));
}

void sim_world_derive(const struct sim_world *w, const char *label, int64_t a,
		      int64_t b, void *dst, size_t n)
{
	uint8_t digest[32];
	struct buf in;

	buf_init(&in);
	buf_put(&in, w->secret, sizeof(w->secret));
	buf_str(&in, label);
	buf_le64(&in, (uint64_t)a);
	buf_le64(&in, (uint64_t)b);
	EVP_Digest(in.p, in.n, digest, NULL, EVP_sha256(), NULL);
	buf_clear(&in);
	memcpy(dst, digest, n < sizeof(digest) ? n : sizeof(digest));
}

int64_t sim_world_access_hash(const struct sim_world *w, int64_t viewer,
			      int64_t target)
{
	int64_t hash;

	sim_world_derive(w, "access", viewer, target, &hash, sizeof(hash));
	return hash ? hash : 1;
}

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

/* -- keys --------------------------------------------------------------------
 */

struct sim_key *sim_world_key(struct sim_world *w, uint64_t id)
{
	struct sim_key *k = w->keys;

	while (k && k->id != id)
		k = k->next;
	return k;
}

struct sim_key *sim_world_login_key(struct sim_world *w, uint64_t id)
{
	struct sim_key *k = sim_world_key(w, id);

	if (k && k->expires && k->bound)
		return sim_world_key(w, k->bound);
	return k;
}

static void sim_key_name(char dst[24], uint64_t id)
{
	snprintf(dst, 24, "%016" PRIx64, id);
}

void sim_world_key_save(struct sim_world *w, const struct sim_key *k)
{
	char name[24];

	sim_key_name(name, k->id);
	sim_store_put(w->store, "key", name,
		      json_pack("{so si si sI sI si si si ss sb sb}", "key",
				sim_json_hex(k->key, sizeof(k->key)), "dc",
				k->dc, "expires", k->expires, "bound",
				(json_int_t)k->bound, "user",
				(json_int_t)k->user, "seq", k->seq, "api_id",
				k->api_id, "date", k->date, "lost", k->lost,
				"calls_off", k->calls_off, "carried",
				k->carried));
}

static struct sim_key *sim_key_link(struct sim_world *w, uint64_t id)
{
	struct sim_key *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->id = id;
	k->next = w->keys;
	w->keys = k;
	return k;
}

struct sim_key *sim_world_key_add(struct sim_world *w, uint64_t id,
				  const uint8_t key[256], int16_t dc,
				  int32_t expires_in)
{
	struct sim_key *k = sim_key_link(w, id);

	if (!k)
		return NULL;
	memcpy(k->key, key, sizeof(k->key));
	k->dc = dc;
	k->expires = expires_in ? sim_world_date(w) + expires_in : 0;
	sim_world_key_save(w, k);
	return k;
}

void sim_world_key_drop(struct sim_world *w, uint64_t id)
{
	struct sim_key **kp = &w->keys, *k;
	char name[24];

	while (*kp && (*kp)->id != id)
		kp = &(*kp)->next;
	k = *kp;
	if (!k)
		return;
	*kp = k->next;
	sim_key_name(name, id);
	sim_store_drop(w->store, "key", name);
	bytes_wipe(k->key, sizeof(k->key));
	free(k);
	/* Temporary keys end with the key they are bound to. */
	for (k = w->keys; k && k->bound != id; k = k->next)
		;
	if (k)
		sim_world_key_drop(w, k->id);
}

static void sim_world_key_load(const char *name, const json_t *o, void *arg)
{
	struct sim_world *w = arg;
	struct sim_key *k = sim_key_link(w, strtoull(name, NULL, 16));

	if (!k)
		return;
	sim_json_hex_get(o, "key", k->key, sizeof(k->key));
	k->dc = (int16_t)sim_json_int(o, "dc", 0);
	k->expires = (int32_t)sim_json_int(o, "expires", 0);
	k->bound = (uint64_t)sim_json_int(o, "bound", 0);
	k->user = sim_json_int(o, "user", 0);
	k->seq = (int32_t)sim_json_int(o, "seq", 0);
	k->api_id = (int32_t)sim_json_int(o, "api_id", 0);
	k->date = (int32_t)sim_json_int(o, "date", 0);
	k->carried = json_is_true(json_object_get(o, "carried"));
	snprintf(k->lost, sizeof(k->lost), "%s", sim_json_text(o, "lost", ""));
	k->calls_off = json_is_true(json_object_get(o, "calls_off"));
}

/* -- sessions ----------------------------------------------------------------
 */

void sim_world_session_add(struct sim_world *w, struct sim_session *s)
{
	for (struct sim_session *o = w->sessions; o; o = o->next)
		if (o != s && o->key_id == s->key_id &&
		    o->session_id == s->session_id)
			o->superseded = true;
	sim_world_session_remove(w, s);
	s->world = w;
	s->superseded = false;
	s->next = w->sessions;
	w->sessions = s;
}

void sim_world_session_remove(struct sim_world *w, struct sim_session *s)
{
	struct sim_session **sp = &w->sessions;

	while (*sp && *sp != s)
		sp = &(*sp)->next;
	if (*sp)
		*sp = s->next;
	s->next = NULL;
}

struct sim_account *sim_session_account(const struct sim_session *s)
{
	const struct sim_key *k = sim_world_login_key(s->world, s->key_id);

	return k && k->user ? sim_world_account(s->world, k->user) : NULL;
}

/* -- refusals and events -----------------------------------------------------
 */

void sim_world_refused(struct sim_world *w, const char *what)
{
	struct sim_refusal *r = w->refusals;

	while (r && strcmp(r->what, what))
		r = r->next;
	if (!r) {
		r = calloc(1, sizeof(*r) + strlen(what) + 1);
		if (!r)
			return;
		strcpy(r->what, what);
		r->next = w->refusals;
		w->refusals = r;
		log_warn("sim", "-", "refused for the first time: %s", what);
	}
	r->n++;
}

uint64_t sim_world_refused_count(const struct sim_world *w, const char *what)
{
	for (const struct sim_refusal *r = w->refusals; r; r = r->next)
		if (!strcmp(r->what, what))
			return r->n;
	return 0;
}

void sim_world_event(struct sim_world *w, json_t *event)
{
	if (w->event && event)
		w->event(event, w->event_arg);
	else
		json_decref(event);
}

/* -- life --------------------------------------------------------------------
 */

void sim_world_time(struct sim_world *w, usec_t now, struct wall wall)
{
	w->now = now;
	w->wall = (struct wall){wall.us + w->clock_off_us};
}

int32_t sim_world_date(const struct sim_world *w)
{
	return (int32_t)(w->wall.us / 1000000);
}

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
