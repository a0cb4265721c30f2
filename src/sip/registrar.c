#include "sip/registrar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AOR_BUCKETS 1024 /* a power of two */

struct entry {
	struct le hash_le;
	struct le all_le;

	struct sip_binding binding;
	char call_id[128];
	uint32_t cseq;
};

struct registrar {
	registrar_ended_h *ended;
	void *arg;
	struct hash *entries; /* by address of record, newest last */
	struct list all;
	usec_t deadline; /* not after the earliest expiry */
};

static void entry_destructor(void *p)
{
	struct entry *e = p;

	hash_unlink(&e->hash_le);
	list_unlink(&e->all_le);
}

/* Told after the entry is out of the tables: the handler may look. */
static void entry_end(struct registrar *r, struct entry *e)
{
	struct sip_binding b = e->binding;

	mem_deref(e);
	if (r->ended)
		r->ended(&b, r->arg);
}

int registrar_new(struct registrar **rp, registrar_ended_h *ended, void *arg)
{
	struct registrar *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	if (hash_alloc(&r->entries, AOR_BUCKETS)) {
		free(r);
		return -ENOMEM;
	}
	r->ended = ended;
	r->arg = arg;
	r->deadline = USEC_NEVER;
	*rp = r;
	return 0;
}

void registrar_free(struct registrar **rp)
{
	struct registrar *r = *rp;

	*rp = NULL;
	if (!r)
		return;
	list_flush(&r->all);
	mem_deref(r->entries);
	free(r);
}

static struct list *bucket(const struct registrar *r, const char *aor)
{
	return hash_list(r->entries, hash_joaat_str(aor));
}

static struct entry *entry_find(const struct registrar *r, const char *aor,
				const char *contact)
{
	for (struct le *le = list_head(bucket(r, aor)); le; le = le->next) {
		struct entry *e = le->data;

		if (strcmp(e->binding.aor, aor) == 0 &&
		    strcmp(e->binding.contact, contact) == 0)
			return e;
	}
	return NULL;
}

/* RFC 3261 10.3, 7: with the same Call-ID the number must have grown. */
static bool entry_stale(const struct entry *e, const char *call_id,
			uint32_t cseq)
{
	return strcmp(e->call_id, call_id) == 0 && cseq <= e->cseq;
}

static void surplus_end(struct registrar *r, const char *aor, size_t most)
{
	struct entry *oldest;
	size_t n;

	do {
		n = 0;
		oldest = NULL;
		for (struct le *le = list_head(bucket(r, aor)); le;
		     le = le->next) {
			struct entry *e = le->data;

			if (strcmp(e->binding.aor, aor) != 0)
				continue;
			oldest = oldest ? oldest : e;
			n++;
		}
		if (n > most)
			entry_end(r, oldest);
	} while (n > most + 1);
}

int registrar_set(struct registrar *r, const struct sip_binding *b, size_t most,
		  const char *call_id, uint32_t cseq)
{
	struct entry *e = entry_find(r, b->aor, b->contact);

	if (e && entry_stale(e, call_id, cseq))
		return -ESTALE;
	if (!e) {
		e = mem_zalloc(sizeof(*e), entry_destructor);
		if (!e)
			return -ENOMEM;
		list_append(&r->all, &e->all_le, e);
	} else {
		hash_unlink(&e->hash_le);
	}
	hash_append(r->entries, hash_joaat_str(b->aor), &e->hash_le, e);
	e->binding = *b;
	str_ncpy(e->call_id, call_id, sizeof(e->call_id));
	e->cseq = cseq;
	if (b->expires_at < r->deadline)
		r->deadline = b->expires_at;
	surplus_end(r, b->aor, most ? most : 1);
	return 0;
}

int registrar_remove(struct registrar *r, const char *aor, const char *contact,
		     const char *call_id, uint32_t cseq)
{
	struct le *le = list_head(bucket(r, aor));
	int err = -ENOENT;

	while (le) {
		struct entry *e = le->data;

		le = le->next;
		if (strcmp(e->binding.aor, aor) != 0 ||
		    (contact && strcmp(e->binding.contact, contact) != 0))
			continue;
		if (entry_stale(e, call_id, cseq))
			return -ESTALE;
		entry_end(r, e);
		err = 0;
	}
	return err;
}

size_t registrar_find(const struct registrar *r, const char *aor, usec_t now,
		      const struct sip_binding **list, size_t max)
{
	size_t n = 0;

	for (struct le *le = list_tail(bucket(r, aor)); le && n < max;
	     le = le->prev) {
		struct entry *e = le->data;

		if (strcmp(e->binding.aor, aor) == 0 &&
		    e->binding.expires_at > now)
			list[n++] = &e->binding;
	}
	return n;
}

bool registrar_has_source(const struct registrar *r, const struct sa *source,
			  usec_t now)
{
	struct le *le;

	LIST_FOREACH(&r->all, le)
	{
		const struct entry *e = le->data;

		if (e->binding.expires_at > now &&
		    sa_cmp(&e->binding.source, source, SA_ADDR))
			return true;
	}
	return false;
}

void registrar_disconnected(struct registrar *r, const char *path)
{
	struct le *le = list_head(&r->all);

	while (le) {
		struct entry *e = le->data;

		le = le->next;
		if (strcmp(e->binding.path, path) == 0)
			entry_end(r, e);
	}
}

void registrar_expire(struct registrar *r, usec_t now)
{
	struct le *le = list_head(&r->all);

	if (now < r->deadline)
		return;
	r->deadline = USEC_NEVER;
	while (le) {
		struct entry *e = le->data;

		le = le->next;
		if (e->binding.expires_at <= now)
			entry_end(r, e);
		else if (e->binding.expires_at < r->deadline)
			r->deadline = e->binding.expires_at;
	}
}

usec_t registrar_deadline(const struct registrar *r)
{
	return r->deadline;
}
