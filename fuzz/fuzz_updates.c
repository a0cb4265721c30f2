/* Fuzz target of update objects and differences, through an account that is
 * logged in. Rows of an operation, and for an object its big-endian 16-bit
 * length and the object; for time a byte, in tenths of a second.
 * Seeds: fuzz/corpus_telegram.py. */
#include <string.h>

#include "account_world.h"
#include "base/log.h"
#include "telegram/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEP_UPDATE, STEP_ANSWER, STEP_TIME, STEP_LOST, STEPS };

#define SELF 111

static volatile uint8_t sum;

static void touch(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum = (uint8_t)(sum + ((const uint8_t *)p)[i]);
}

static void touch_keyboard(const struct tg_keyboard *k)
{
	for (size_t i = 0; k && i < k->n; i++)
		for (size_t j = 0; j < k->rows[i].n; j++) {
			const struct tg_button *b = &k->rows[i].buttons[j];

			touch(b->text.p, b->text.n);
			touch(b->data.p, b->data.n);
			touch(b->url.p, b->url.n);
		}
}

static void touch_message(const struct tg_message *m)
{
	const struct tg_document *d = m->document;

	touch(m->chat.first_name, strlen(m->chat.first_name));
	touch(m->text.p, m->text.n);
	for (size_t i = 0; i < m->entities_n; i++)
		touch(m->entities[i].detail.p, m->entities[i].detail.n);
	touch_keyboard(m->keyboard);
	if (!d)
		return;
	touch(d->name.p, d->name.n);
	touch(d->mime.p, d->mime.n);
	touch(d->reference.p, d->reference.n);
	touch(d->waveform.p, d->waveform.n);
}

static void on_event(const struct tg_event *e, void *arg)
{
	(void)arg;
	touch_message(&e->message);
	touch(e->ids, e->ids_n * sizeof(*e->ids));
	touch(e->from.last_name, strlen(e->from.last_name));
	touch(e->data.p, e->data.n);
	touch(e->text.p, e->text.n);
	touch(e->offset.p, e->offset.n);
	touch(e->result.p, e->result.n);
}

static void on_incoming(struct tg_call *call, const struct tg_user *from,
			void *arg)
{
	(void)arg;
	touch(from->last_name, strlen(from->last_name));
}

static bool is_ours(enum tl_ctor_no query)
{
	return query == TL_updates_getState ||
	       query == TL_updates_getDifference;
}

static void step(struct tg_account *a, struct rd *r)
{
	uint8_t operation = rd_u8(r) % STEPS;
	struct bytes object;

	switch (operation) {
	case STEP_UPDATE:
	case STEP_ANSWER:
		object = rd_bytes(r, rd_be16(r));
		if (r->bad)
			return;
		if (operation == STEP_UPDATE)
			account_world_update(object);
		else
			account_world_answer(object);
		account_world_time(a, 0);
		break;
	case STEP_TIME:
		account_world_time(a, rd_u8(r) * 100 * USEC_MS);
		break;
	case STEP_LOST:
		account_world_event(MTP_EVENT_NEW_SESSION);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct tg_account_conf conf = {
		.auth.present = true,
		.logged_in = true,
		.pts = 10,
		.qts = 5,
		.date = 1000,
		.seq = 3,
		.handlers.event = on_event,
		.handlers.incoming = on_incoming,
	};
	struct tg_account *a;
	struct rd r;

	log_set_level(LOG_LEVEL_ERROR);
	a = account_world_open(&conf, is_ours);
	phone_self(&a->phone, SELF);
	rd_init(&r, data, size);
	while (r.n && !r.bad)
		step(a, &r);
	account_world_close(&a);
	return 0;
}
