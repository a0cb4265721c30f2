#include "sim/message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/world.h"

int sim_buf_set(struct buf *dst, struct bytes src)
{
	buf_reset(dst);
	if (src.n)
		buf_put(dst, src.p, src.n);
	return dst->bad ? -ENOMEM : 0;
}

static void sim_message_clear(struct sim_message *m)
{
	free(m->text);
	buf_clear(&m->entities);
	buf_clear(&m->markup);
}

/* dst owns copies of what src points to. */
static int sim_message_copy(struct sim_message *dst,
			    const struct sim_message *src)
{
	*dst = *src;
	buf_init(&dst->entities);
	buf_init(&dst->markup);
	dst->text = src->text ? strdup(src->text) : NULL;
	if ((src->text && !dst->text) ||
	    sim_buf_set(&dst->entities, buf_bytes(&src->entities)) ||
	    sim_buf_set(&dst->markup, buf_bytes(&src->markup))) {
		sim_message_clear(dst);
		return -ENOMEM;
	}
	return 0;
}

void sim_account_messages_free(struct sim_account *a)
{
	for (size_t i = 0; i < a->message_count; i++)
		sim_message_clear(&a->messages[i]);
	free(a->messages);
	free(a->events);
}

/* -- keeping --------------------------------------------------------------- */

static void sim_record_id(char dst[48], const struct sim_account *a, int32_t n)
{
	snprintf(dst, 48, "%lld/%d", (long long)a->id, n);
}

static void sim_event_save(const struct sim_account *a,
			   const struct sim_event *e)
{
	char id[48];

	sim_record_id(id, a, e->pts);
	sim_store_put(a->world->store, "event", id,
		      json_pack("{sI si si si sI sb si}", "owner",
				(json_int_t)a->id, "pts", e->pts, "kind",
				(int)e->kind, "message", e->message_id, "peer",
				(json_int_t)e->peer, "outbox", e->outbox, "max",
				e->max_id));
}

void sim_account_message_save(const struct sim_account *a,
			      const struct sim_message *m)
{
	char id[48];
	json_t *o = json_pack(
		"{sI si sI sb si si si sI si si sI sI sI si si}", "owner",
		(json_int_t)a->id, "id", m->id, "peer", (json_int_t)m->peer,
		"out", m->outgoing, "date", m->date, "edited", m->edited, "pts",
		m->pts, "random", (json_int_t)m->random_id, "twin", m->twin,
		"reply_to", m->reply_to, "via_bot", (json_int_t)m->via_bot,
		"document", (json_int_t)m->document, "call",
		(json_int_t)m->call_id, "reason", m->call_reason, "duration",
		m->call_duration_s);

	if (m->text)
		json_object_set_new(o, "text", json_string(m->text));
	if (m->entities.n)
		json_object_set_new(o, "entities",
				    sim_json_hex(m->entities.p, m->entities.n));
	if (m->markup.n)
		json_object_set_new(o, "markup",
				    sim_json_hex(m->markup.p, m->markup.n));
	sim_record_id(id, a, m->id);
	sim_store_put(a->world->store, "message", id, o);
}

/* -- steps of pts ---------------------------------------------------------- */

static struct sim_event *sim_event_add(struct sim_account *a)
{
	struct sim_event *e;

	if (sim_grow(&a->events, a->event_count, sizeof(*e)))
		return NULL;
	e = &a->events[a->event_count++];
	memset(e, 0, sizeof(*e));
	return e;
}

static int sim_event_take(struct sim_account *a, const struct sim_event *event)
{
	struct sim_event *e = sim_event_add(a);

	if (!e)
		return -ENOMEM;
	*e = *event;
	e->pts = ++a->pts;
	sim_event_save(a, e);
	return 0;
}

int sim_account_event_read(struct sim_account *a, int64_t peer, bool outbox,
			   int32_t max_id)
{
	struct sim_event e = {.kind = SIM_EVENT_READ,
			      .peer = peer,
			      .outbox = outbox,
			      .max_id = max_id};

	return sim_event_take(a, &e);
}

/* -- the box --------------------------------------------------------------- */

struct sim_message *sim_account_message(const struct sim_account *a, int32_t id)
{
	for (size_t i = a->message_count; i-- > 0;)
		if (a->messages[i].id == id)
			return &a->messages[i];
	return NULL;
}

struct sim_message *sim_account_message_add(struct sim_account *a,
					    const struct sim_message *m)
{
	struct sim_event e = {.kind = SIM_EVENT_NEW,
			      .message_id = a->last_message_id + 1,
			      .peer = m->peer};
	struct sim_message *kept;

	if (sim_grow(&a->messages, a->message_count, sizeof(*kept)))
		return NULL;
	kept = &a->messages[a->message_count];
	if (sim_message_copy(kept, m))
		return NULL;
	if (sim_event_take(a, &e)) {
		sim_message_clear(kept);
		return NULL;
	}
	a->message_count++;
	kept->id = ++a->last_message_id;
	kept->pts = a->pts;
	sim_account_message_save(a, kept);
	return kept;
}

int sim_account_message_edited(struct sim_account *a, struct sim_message *m)
{
	struct sim_event e = {
		.kind = SIM_EVENT_EDIT, .message_id = m->id, .peer = m->peer};
	int err = sim_event_take(a, &e);

	if (err)
		return err;
	m->pts = a->pts;
	sim_account_message_save(a, m);
	return 0;
}

int sim_account_message_drop(struct sim_account *a, struct sim_message *m)
{
	struct sim_event e = {
		.kind = SIM_EVENT_DELETE, .message_id = m->id, .peer = m->peer};
	size_t at = (size_t)(m - a->messages);
	char id[48];
	int err = sim_event_take(a, &e);

	if (err)
		return err;
	sim_record_id(id, a, m->id);
	sim_store_drop(a->world->store, "message", id);
	sim_message_clear(m);
	memmove(m, m + 1, (a->message_count - at - 1) * sizeof(*m));
	a->message_count--;
	return 0;
}

/* -- loading --------------------------------------------------------------- */

static void sim_buf_load(struct buf *b, const json_t *o, const char *key)
{
	const char *hex = sim_json_text(o, key, "");
	size_t n = strlen(hex) / 2;

	buf_init(b);
	buf_fill(b, 0, n);
	if (b->bad || hex_decode(b->p, n, hex, 2 * n))
		buf_reset(b);
}

static bool sim_message_keep(struct sim_account *a, const struct sim_message *m)
{
	if (sim_grow(&a->messages, a->message_count, sizeof(*m)))
		return false;
	a->messages[a->message_count++] = *m;
	return true;
}

void sim_account_message_load(const char *id, const json_t *o, void *arg)
{
	struct sim_account *a =
		sim_world_account(arg, sim_json_int(o, "owner", 0));
	const char *text = sim_json_text(o, "text", NULL);
	struct sim_message m = {
		.id = (int32_t)sim_json_int(o, "id", 0),
		.peer = sim_json_int(o, "peer", 0),
		.outgoing = json_is_true(json_object_get(o, "out")),
		.date = (int32_t)sim_json_int(o, "date", 0),
		.edited = (int32_t)sim_json_int(o, "edited", 0),
		.pts = (int32_t)sim_json_int(o, "pts", 0),
		.random_id = sim_json_int(o, "random", 0),
		.twin = (int32_t)sim_json_int(o, "twin", 0),
		.reply_to = (int32_t)sim_json_int(o, "reply_to", 0),
		.via_bot = sim_json_int(o, "via_bot", 0),
		.document = sim_json_int(o, "document", 0),
		.call_id = sim_json_int(o, "call", 0),
		.call_reason = (int)sim_json_int(o, "reason", 0),
		.call_duration_s = (int32_t)sim_json_int(o, "duration", 0),
	};

	if (!a)
		return;
	m.text = text ? strdup(text) : NULL;
	sim_buf_load(&m.entities, o, "entities");
	sim_buf_load(&m.markup, o, "markup");
	if (!sim_message_keep(a, &m))
		sim_message_clear(&m);
	else if (m.id > a->last_message_id)
		a->last_message_id = m.id;
}

void sim_account_event_load(const char *id, const json_t *o, void *arg)
{
	struct sim_account *a =
		sim_world_account(arg, sim_json_int(o, "owner", 0));
	struct sim_event *e = a ? sim_event_add(a) : NULL;

	if (!e)
		return;
	e->pts = (int32_t)sim_json_int(o, "pts", 0);
	e->kind = (enum sim_event_kind)sim_json_int(o, "kind", SIM_EVENT_NEW);
	e->message_id = (int32_t)sim_json_int(o, "message", 0);
	e->peer = sim_json_int(o, "peer", 0);
	e->outbox = json_is_true(json_object_get(o, "outbox"));
	e->max_id = (int32_t)sim_json_int(o, "max", 0);
	if (e->kind == SIM_EVENT_READ)
		sim_mark_move(a, e->peer, e->outbox, e->max_id);
	/* The last ones may be deleted: their ids are not used again. */
	else if (e->message_id > a->last_message_id)
		a->last_message_id = e->message_id;
	if (e->pts > a->pts)
		a->pts = e->pts;
}
