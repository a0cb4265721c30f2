#include "sim/account.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/world.h"

int sim_account_new(struct sim_account **ap, struct sim_world *w, int64_t id)
{
	struct sim_account *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->world = w;
	a->id = id;
	a->pts = 1; /* TDLib takes 0 for "not known yet" */
	*ap = a;
	return 0;
}

void sim_account_free(struct sim_account **ap)
{
	struct sim_account *a = *ap;

	if (!a)
		return;
	sim_account_messages_free(a);
	free(a->dialogs);
	free(a->contacts);
	free(a->blocked);
	free(a);
	*ap = NULL;
}

int sim_grow(void *listp, size_t n, size_t size)
{
	void **list = listp;
	void *p;

	if (n & (n - 1) || (n && n < 8))
		return 0;
	p = realloc(*list, (n ? 2 * n : 8) * size);
	if (!p)
		return -ENOMEM;
	*list = p;
	return 0;
}

/* -- contacts, blocks, privacy -------------------------------------------- */

struct sim_contact *sim_account_contact(const struct sim_account *a, int64_t id)
{
	for (size_t i = 0; i < a->contact_count; i++)
		if (a->contacts[i].id == id)
			return &a->contacts[i];
	return NULL;
}

static void sim_name_set(char dst[SIM_NAME_MAX], struct bytes name)
{
	size_t n = name.n < SIM_NAME_MAX ? name.n : SIM_NAME_MAX - 1;

	if (n)
		memcpy(dst, name.p, n);
	dst[n] = '\0';
}

int sim_account_contact_add(struct sim_account *a, int64_t id,
			    struct bytes first_name, struct bytes last_name)
{
	struct sim_contact *c = sim_account_contact(a, id);

	if (!c) {
		if (sim_grow(&a->contacts, a->contact_count, sizeof(*c)))
			return -ENOMEM;
		c = &a->contacts[a->contact_count++];
		c->id = id;
	}
	sim_name_set(c->first_name, first_name);
	sim_name_set(c->last_name, last_name);
	return 0;
}

bool sim_account_contact_remove(struct sim_account *a, int64_t id)
{
	struct sim_contact *c = sim_account_contact(a, id);

	if (!c)
		return false;
	*c = a->contacts[--a->contact_count];
	return true;
}

bool sim_account_blocks(const struct sim_account *a, int64_t id)
{
	for (size_t i = 0; i < a->blocked_count; i++)
		if (a->blocked[i] == id)
			return true;
	return false;
}

int sim_account_block(struct sim_account *a, int64_t id, bool on)
{
	size_t i = 0;

	while (i < a->blocked_count && a->blocked[i] != id)
		i++;
	if (on == (i < a->blocked_count))
		return 0;
	if (!on) {
		a->blocked[i] = a->blocked[--a->blocked_count];
		return 0;
	}
	if (sim_grow(&a->blocked, a->blocked_count, sizeof(*a->blocked)))
		return -ENOMEM;
	a->blocked[a->blocked_count++] = id;
	return 0;
}

bool sim_account_allows(const struct sim_account *a, enum sim_privacy what,
			int64_t other)
{
	if (sim_account_blocks(a, other))
		return false;
	switch (a->privacy[what]) {
	case SIM_AUDIENCE_ALL:
		return true;
	case SIM_AUDIENCE_CONTACTS:
		return sim_account_contact(a, other) != NULL;
	default:
		return false;
	}
}

/* -- dialogs --------------------------------------------------------------- */

struct sim_dialog *sim_account_dialog(struct sim_account *a, int64_t peer)
{
	struct sim_dialog *d;

	for (size_t i = 0; i < a->dialog_count; i++)
		if (a->dialogs[i].peer == peer)
			return &a->dialogs[i];
	if (sim_grow(&a->dialogs, a->dialog_count, sizeof(*d)))
		return NULL;
	d = &a->dialogs[a->dialog_count++];
	*d = (struct sim_dialog){.peer = peer};
	return d;
}

bool sim_mark_move(struct sim_account *a, int64_t peer, bool outbox,
		   int32_t max_id)
{
	struct sim_dialog *d = sim_account_dialog(a, peer);
	int32_t *mark;

	if (!d)
		return false;
	mark = outbox ? &d->read_outbox : &d->read_inbox;
	if (max_id <= *mark)
		return false;
	*mark = max_id;
	return true;
}

int32_t sim_account_read(struct sim_account *a, int64_t peer, bool outbox,
			 int32_t max_id)
{
	if (!sim_mark_move(a, peer, outbox, max_id) ||
	    sim_account_event_read(a, peer, outbox, max_id))
		return 0;
	return a->pts;
}

int sim_account_unread(const struct sim_account *a, int64_t peer)
{
	int32_t mark = 0;
	int n = 0;

	for (size_t i = 0; i < a->dialog_count; i++)
		if (a->dialogs[i].peer == peer)
			mark = a->dialogs[i].read_inbox;
	for (size_t i = 0; i < a->message_count; i++)
		n += a->messages[i].peer == peer && !a->messages[i].outgoing &&
		     a->messages[i].id > mark;
	return n;
}

/* -- keeping ----------------------------------------------------------------
 */

static json_t *sim_password_json(const struct sim_password *p)
{
	json_t *o;

	if (!p->changed)
		return json_null();
	o = json_pack("{sb}", "on", p->on);

	json_object_set_new(o, "salt1",
			    sim_json_hex(p->salt1, sizeof(p->salt1)));
	json_object_set_new(o, "salt2",
			    sim_json_hex(p->salt2, sizeof(p->salt2)));
	json_object_set_new(o, "verifier",
			    sim_json_hex(p->verifier, sizeof(p->verifier)));
	return o;
}

static void sim_password_load(struct sim_password *p, const json_t *o)
{
	if (!json_is_object(o))
		return;
	p->changed = true;
	p->on = json_is_true(json_object_get(o, "on"));
	sim_json_hex_get(o, "salt1", p->salt1, sizeof(p->salt1));
	sim_json_hex_get(o, "salt2", p->salt2, sizeof(p->salt2));
	sim_json_hex_get(o, "verifier", p->verifier, sizeof(p->verifier));
}

void sim_account_save(const struct sim_account *a)
{
	json_t *contacts = json_array(), *blocked = json_array();
	char id[24];

	for (size_t i = 0; i < a->contact_count; i++)
		json_array_append_new(
			contacts, json_pack("{sI ss ss}", "id",
					    (json_int_t)a->contacts[i].id,
					    "first", a->contacts[i].first_name,
					    "last", a->contacts[i].last_name));
	for (size_t i = 0; i < a->blocked_count; i++)
		json_array_append_new(blocked, json_integer(a->blocked[i]));
	snprintf(id, sizeof(id), "%lld", (long long)a->id);
	sim_store_put(a->world->store, "account", id,
		      json_pack("{so so s[iiii] so}", "contacts", contacts,
				"blocked", blocked, "privacy", a->privacy[0],
				a->privacy[1], a->privacy[2], a->privacy[3],
				"password", sim_password_json(&a->password)));
}

void sim_account_load(struct sim_account *a)
{
	char id[24];
	json_t *o, *item;
	size_t i;

	snprintf(id, sizeof(id), "%lld", (long long)a->id);
	o = sim_store_get(a->world->store, "account", id);
	if (!o)
		return;
	a->contact_count = a->blocked_count = 0;
	sim_password_load(&a->password, json_object_get(o, "password"));
	json_array_foreach(json_object_get(o, "contacts"), i, item)
		sim_account_contact_add(
			a, sim_json_int(item, "id", 0),
			bytes_str(sim_json_text(item, "first", "")),
			bytes_str(sim_json_text(item, "last", "")));
	json_array_foreach(json_object_get(o, "blocked"), i, item)
		sim_account_block(a, json_integer_value(item), true);
	json_array_foreach(json_object_get(o, "privacy"), i,
			   item) if (i < SIM_PRIVACY_COUNT) a->privacy[i] =
		(enum sim_audience)json_integer_value(item);
	json_decref(o);
}

/* -- names ------------------------------------------------------------------
 */

static const char *const sim_audience_names[] = {"all", "contacts", "nobody"};

int sim_audience_parse(enum sim_audience *ap, const char *text)
{
	for (int i = 0; text && i < 3; i++)
		if (!strcmp(text, sim_audience_names[i])) {
			*ap = (enum sim_audience)i;
			return 0;
		}
	return -EINVAL;
}

const char *sim_audience_name(enum sim_audience a)
{
	return sim_audience_names[a];
}

int sim_versions_parse(struct sim_versions *vs, const json_t *list)
{
	struct sim_versions out = {.n = 0};
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *v = json_string_value(item);

		if (!v || strlen(v) >= SIM_VERSION_MAX || out.n >= SIM_VERSIONS)
			return -EINVAL;
		strcpy(out.v[out.n++], v);
	}
	if (!json_is_array(list) || !out.n)
		return -EINVAL;
	*vs = out;
	return 0;
}

bool sim_versions_has(const struct sim_versions *vs, const char *v)
{
	for (int i = 0; i < vs->n; i++)
		if (!strcmp(vs->v[i], v))
			return true;
	return false;
}
