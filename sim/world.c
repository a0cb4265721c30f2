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
		      json_pack("{so si si si sI sI si si si ss sb sb}", "key",
				sim_json_hex(k->key, sizeof(k->key)), "dc",
				k->dc, "layer", k->layer, "expires", k->expires,
				"bound", (json_int_t)k->bound, "user",
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

void sim_world_key_load(const char *name, const json_t *o, void *world)
{
	struct sim_world *w = world;
	struct sim_key *k = sim_key_link(w, strtoull(name, NULL, 16));

	if (!k)
		return;
	sim_json_hex_get(o, "key", k->key, sizeof(k->key));
	k->dc = (int16_t)sim_json_int(o, "dc", 0);
	k->expires = (int32_t)sim_json_int(o, "expires", 0);
	k->bound = (uint64_t)sim_json_int(o, "bound", 0);
	k->user = sim_json_int(o, "user", 0);
	k->layer = (int32_t)sim_json_int(o, "layer", 0);
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
